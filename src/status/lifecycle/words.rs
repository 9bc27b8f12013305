//! What the compiler says about each dash in the table: the status, what is so, what to write for a
//! key on its own, and what to write for a key in a ring.

use super::Never;

/// Makes the trait that carries the words of a cell. Nothing implements it.
macro_rules! dashes {
    ($($name:ident { $message:tt $label:tt $($note:tt)* })+) => {
        $(
            #[diagnostic::on_unimplemented(message = $message, label = $label $(, note = $note)*)]
            #[expect(unnameable_types, reason = "so that nobody implements it")]
            pub trait $name<'n> {
                fn never() -> &'static Never;
            }
        )+
    };
}

dashes! {
    ActiveSalvages {
        "an `Active` key is trusted, and has no salvage key"
        "decrypt with this key instead: `decryption_key`"
        "a key on its own: `key.decryption_key()`, which returns a `DecryptionKey`"
        "a key in a ring: `ring.decryption_key(id)?`, which returns a `DecryptionKey`"
        "only a `Revoked` key has a salvage key"
    }
    ActiveActivates {
        "this key is `Active` already, and is not activated again"
        "leave this call out: the key encrypts as it is"
        "a key on its own: `key.encryption_key()`"
        "a key in a ring: `ring.encryption_key()`; another key takes its place with `ring.rotate_to(new_id, at)?`"
    }
    ActiveRetires {
        "an `Active` key cannot be retired before it has stopped encrypting"
        "make it `Inactive` first"
        "a key on its own: `key.deactivate(at).retire(at)`"
        "a key in a ring: `ring.rotate_to(new_id, at)?` makes it `Inactive`, and then `ring.entry::<Inactive>(id)?.retire(at)`; if the ring has no other key, `ring.add(Key::new(new_id, material, created_at), at)?` comes first"
    }
    ActiveRevokes {
        "an `Active` key cannot be revoked before another has taken its place"
        "make it `Inactive` first"
        "a key on its own: `key.deactivate(at).revoke(at)`"
        "a key in a ring: `ring.rotate_in(Key::new(new_id, material, created_at), at)?` activates a fresh key and makes this one `Inactive`, and then `ring.entry::<Inactive>(id)?.revoke(at)`"
    }
    ActiveRestores {
        "an `Active` key was not revoked, so there is nothing to restore"
        "leave this call out: the key is trusted as it is"
        "a key on its own: `key.encryption_key()` and `key.decryption_key()` work"
        "a key in a ring: `ring.encryption_key()` and `ring.decryption_key(id)?` work"
    }
    ActiveDestroys {
        "an `Active` key cannot be destroyed: it encrypts, and its data is needed"
        "make it `Inactive` and then `Retired` first"
        "a key on its own: `key.deactivate(at).retire(at).destroy(at)`"
        "a key in a ring: `ring.rotate_to(new_id, at)?` makes it `Inactive`; then `ring.entry::<Inactive>(id)?.retire(at)` and `ring.entry::<Retired>(id)?.destroy(at)`; if the ring has no other key, `ring.add(Key::new(new_id, material, created_at), at)?` comes first"
        "what was encrypted with a destroyed key can never be read again"
    }

    InactiveEncrypts {
        "an `Inactive` key does not encrypt"
        "only an `Active` key gives out an encryption key"
        "a key on its own: `let key = key.activate(at);`, which is a `Key<Active>`, and then `key.encryption_key()`"
        "a key in a ring: encrypt with the ring's active key, `ring.encryption_key()`; this key becomes that with `ring.rotate_to(id, at)?`"
        "it still decrypts: `key.decryption_key()`"
    }
    InactiveSalvages {
        "an `Inactive` key is trusted, and has no salvage key"
        "decrypt with this key instead: `decryption_key`"
        "a key on its own: `key.decryption_key()`, which returns a `DecryptionKey`"
        "a key in a ring: `ring.decryption_key(id)?`, which returns a `DecryptionKey`"
        "only a `Revoked` key has a salvage key"
    }
    InactiveDeactivates {
        "this key is `Inactive` already, and is not deactivated again"
        "leave this call out"
        "a key on its own: it can be activated, `key.activate(at)`, or retired, `key.retire(at)`"
        "a key in a ring: `ring.rotate_to(id, at)?` activates it, and `ring.entry::<Inactive>(id)?.retire(at)` retires it"
    }
    InactiveRestores {
        "an `Inactive` key was not revoked, so there is nothing to restore"
        "leave this call out: the key is trusted as it is"
        "a key on its own: `key.decryption_key()` works, and `key.activate(at)` makes it `Active`"
        "a key in a ring: `ring.decryption_key(id)?` works, and `ring.rotate_to(id, at)?` makes it the active one"
    }
    InactiveDestroys {
        "an `Inactive` key cannot be destroyed before it is retired"
        "retire it first"
        "a key on its own: `key.retire(at).destroy(at)`"
        "a key in a ring: `ring.entry::<Inactive>(id)?.retire(at)` and then `ring.entry::<Retired>(id)?.destroy(at)`"
        "what was encrypted with a destroyed key can never be read again"
    }

    RetiredEncrypts {
        "a `Retired` key never encrypts again: it does not hold the encrypting half any more"
        "only an `Active` key gives out an encryption key"
        "a key on its own: encrypt with a new one, `let key = Key::new(new_id, material, created_at).activate(at);` and then `key.encryption_key()`"
        "a key in a ring: encrypt with the ring's active key, `ring.encryption_key()`"
        "it still decrypts: `key.decryption_key()`"
    }
    RetiredSalvages {
        "a `Retired` key is trusted, and has no salvage key"
        "decrypt with this key instead: `decryption_key`"
        "a key on its own: `key.decryption_key()`, which returns a `DecryptionKey`"
        "a key in a ring: `ring.decryption_key(id)?`, which returns a `DecryptionKey`"
        "only a `Revoked` key has a salvage key"
    }
    RetiredActivates {
        "a `Retired` key never becomes `Active` again: it does not hold the encrypting half any more"
        "activate a new key instead"
        "a key on its own: `Key::new(new_id, material, created_at).activate(at)`, which returns a `Key<Active>`"
        "a key in a ring: `ring.add(Key::new(new_id, material, created_at), at)?` and then `ring.rotate_to(new_id, at)?`"
        "it still decrypts: `key.decryption_key()`"
    }
    RetiredDeactivates {
        "a `Retired` key does not encrypt, so there is nothing to deactivate"
        "leave this call out: it cannot become `Inactive` again"
        "a key on its own: it still decrypts, `key.decryption_key()`"
        "a key in a ring: it still decrypts, `ring.decryption_key(id)?`"
    }
    RetiredRetires {
        "this key is `Retired` already, and is not retired again"
        "leave this call out"
        "a key on its own: it can be revoked, `key.revoke(at)`, or destroyed, `key.destroy(at)`"
        "a key in a ring: `ring.entry::<Retired>(id)?` has `revoke(at)` and `destroy(at)`"
        "it still decrypts: `key.decryption_key()`"
    }
    RetiredRestores {
        "a `Retired` key was not revoked, so there is nothing to restore"
        "leave this call out: the key is trusted, and decrypts as it is"
        "a key on its own: `key.decryption_key()`"
        "a key in a ring: `ring.decryption_key(id)?`"
        "it never encrypts again: a new key does, `Key::new(new_id, material, created_at)`"
    }

    RevokedEncrypts {
        "a `Revoked` key never encrypts again: it is not trusted, and does not hold the encrypting half any more"
        "only an `Active` key gives out an encryption key"
        "a key on its own: encrypt with a new one, `let key = Key::new(new_id, material, created_at).activate(at);` and then `key.encryption_key()`"
        "a key in a ring: encrypt with the ring's active key, `ring.encryption_key()`"
    }
    RevokedDecrypts {
        "a `Revoked` key does not decrypt, because it is not trusted"
        "a job that seals data again salvages with it: `salvage_key`"
        "a key on its own: `key.salvage_key()`, which returns a `SalvageKey` with `material()`"
        "a key in a ring: `ring.salvage_key(id)?`, which returns a `SalvageKey`"
        "a key that was revoked by mistake is `Retired` once it is restored, and decrypts: `key.restore(at)`, or in a ring `ring.entry::<Revoked>(id)?.restore(at)`"
    }
    RevokedActivates {
        "a `Revoked` key never becomes `Active` again: it is not trusted, and does not hold the encrypting half any more"
        "activate a new key instead"
        "a key on its own: `Key::new(new_id, material, created_at).activate(at)`, which returns a `Key<Active>`"
        "a key in a ring: `ring.add(Key::new(new_id, material, created_at), at)?` and then `ring.rotate_to(new_id, at)?`"
        "a key that was revoked by mistake is restored as `Retired`, and does not encrypt: `key.restore(at)`"
    }
    RevokedDeactivates {
        "a `Revoked` key does not encrypt, so there is nothing to deactivate"
        "leave this call out: it cannot become `Inactive` again"
        "a key on its own: if it was revoked by mistake, `key.restore(at)`, which returns a `Key<Retired>`"
        "a key in a ring: if it was revoked by mistake, `ring.entry::<Revoked>(id)?.restore(at)`, which makes it `Retired`"
    }
    RevokedRetires {
        "a `Revoked` key cannot be retired: it becomes `Retired` by being restored, and only if it is trusted again"
        "leave this call out, or restore the key instead"
        "a key on its own: `key.restore(at)`, which returns a `Key<Retired>`, or `key.destroy(at)`"
        "a key in a ring: `ring.entry::<Revoked>(id)?` has `restore(at)`, which makes it `Retired`, and `destroy(at)`"
    }
    RevokedRevokes {
        "this key is `Revoked` already, and is not revoked again"
        "leave this call out"
        "a key on its own: it can be destroyed, `key.destroy(at)`, or restored, `key.restore(at)`, which returns a `Key<Retired>`"
        "a key in a ring: `ring.entry::<Revoked>(id)?` has `destroy(at)`, and `restore(at)`, which makes it `Retired`"
    }
}
