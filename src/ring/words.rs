//! What the compiler says about what a ring does not do: each dash in the table of its entries,
//! with the line for a key in a ring first, and what programs try with the ring as a whole.

use crate::status::words as key;
use crate::status::{Active, CanActivate, CanDestroy, CanRestore, CanRetire, CanRevoke};
use crate::status::{Inactive, Retired, Revoked, Status};

/// Makes the trait that carries the words of a cell. Nothing implements it.
macro_rules! dashes {
    ($($name:ident $(: $also:path)? { $message:tt $label:tt $($note:tt)* })+) => {
        $(
            #[diagnostic::on_unimplemented(message = $message, label = $label $(, note = $note)*)]
            #[expect(unnameable_types, reason = "so that nobody implements it")]
            pub trait $name<'n> $(: $also)? {}
        )+
    };
}

dashes! {
    ActiveActivates: key::ActiveActivates<'n> {
        "this key is the ring's `Active` one already, and is not activated again"
        "leave this call out: `ring.encryption_key()` encrypts with it"
        "a key in a ring: to have another in its place, `ring.rotate_to(new_id, at)?`, which returns a `RotationDecision`; if the ring has no other key, `ring.add(Key::new(new_id, material, created_at), at)?` comes first"
        "a key on its own: `key.encryption_key()`"
    }
    RetiredActivates: key::RetiredActivates<'n> {
        "a `Retired` key never becomes `Active` again: it does not hold the encrypting half any more"
        "activate a new key instead"
        "a key in a ring: `ring.add(Key::new(new_id, material, created_at), at)?` and then `ring.entry::<Inactive>(new_id)?.activate(at)`, which returns a `Rotation`"
        "a key on its own: `Key::new(new_id, material, created_at).activate(at)`"
        "it still decrypts: `ring.decryption_key(id)?`"
    }
    RevokedActivates: key::RevokedActivates<'n> {
        "a `Revoked` key never becomes `Active` again: it is not trusted, and does not hold the encrypting half any more"
        "activate a new key instead"
        "a key in a ring: `ring.add(Key::new(new_id, material, created_at), at)?` and then `ring.entry::<Inactive>(new_id)?.activate(at)`, which returns a `Rotation`"
        "a key on its own: `Key::new(new_id, material, created_at).activate(at)`"
        "a key that was revoked by mistake is restored as `Retired`, and does not encrypt: `ring.entry::<Revoked>(id)?.restore(at)`"
    }

    ActiveDeactivates {
        "the `Active` key of a ring becomes `Inactive` when another is activated, and in no other way"
        "activate another key instead: a ring is never without an active key"
        "a key in a ring: `ring.rotate_to(new_id, at)?`, which returns a `RotationDecision`, does both in one step; if the ring has no other key, `ring.add(Key::new(new_id, material, created_at), at)?` comes first"
        "a key on its own: `key.deactivate(at)`"
    }
    InactiveDeactivates {
        "this key is `Inactive` already, and is not deactivated again"
        "leave this call out"
        "a key in a ring: `ring.rotate_to(id, at)?` activates it, and `ring.entry::<Inactive>(id)?.retire(at)` retires it"
        "a key on its own: `key.activate(at)` or `key.retire(at)`"
    }
    RetiredDeactivates {
        "a `Retired` key does not encrypt, so there is nothing to deactivate"
        "leave this call out: it cannot become `Inactive` again"
        "a key in a ring: it still decrypts, `ring.decryption_key(id)?`"
        "a key on its own: it still decrypts, `key.decryption_key()`"
    }
    RevokedDeactivates {
        "a `Revoked` key does not encrypt, so there is nothing to deactivate"
        "leave this call out: it cannot become `Inactive` again"
        "a key in a ring: if it was revoked by mistake, `ring.entry::<Revoked>(id)?.restore(at)`, which returns a `Restoration` and makes it `Retired`"
        "a key on its own: if it was revoked by mistake, `key.restore(at)`, which returns a `Key<Retired>`"
    }

    ActiveRetires: key::ActiveRetires<'n> {
        "the `Active` key of a ring cannot be retired before another has taken its place"
        "make it `Inactive` first, by activating another"
        "a key in a ring: `ring.rotate_to(new_id, at)?` makes it `Inactive`, and then `ring.entry::<Inactive>(id)?.retire(at)`; if the ring has no other key, `ring.add(Key::new(new_id, material, created_at), at)?` comes first"
        "a key on its own: `key.deactivate(at).retire(at)`"
    }
    RetiredRetires: key::RetiredRetires<'n> {
        "this key is `Retired` already, and is not retired again"
        "leave this call out"
        "a key in a ring: `ring.entry::<Retired>(id)?` has `revoke(at)` and `destroy(at)`"
        "a key on its own: `key.revoke(at)` or `key.destroy(at)`"
        "it still decrypts: `ring.decryption_key(id)?`"
    }
    RevokedRetires: key::RevokedRetires<'n> {
        "a `Revoked` key cannot be retired: it becomes `Retired` by being restored, and only if it is trusted again"
        "leave this call out, or restore the key instead"
        "a key in a ring: `ring.entry::<Revoked>(id)?` has `restore(at)`, which returns a `Restoration` and makes it `Retired`, and `destroy(at)`"
        "a key on its own: `key.restore(at)` or `key.destroy(at)`"
    }

    ActiveRevokes: key::ActiveRevokes<'n> {
        "the `Active` key of a ring cannot be revoked before another has taken its place"
        "make it `Inactive` first, by activating another"
        "a key in a ring: `ring.rotate_to(new_id, at)?` activates a key that the ring has, or `ring.rotate_in(Key::new(new_id, material, created_at), at)?` a fresh one; then `ring.entry::<Inactive>(id)?.revoke(at)`"
        "a key on its own: `key.deactivate(at).revoke(at)`"
    }
    RevokedRevokes: key::RevokedRevokes<'n> {
        "this key is `Revoked` already, and is not revoked again"
        "leave this call out"
        "a key in a ring: `ring.entry::<Revoked>(id)?` has `destroy(at)`, and `restore(at)`, which makes it `Retired`"
        "a key on its own: `key.restore(at)` or `key.destroy(at)`"
    }

    ActiveRestores: key::ActiveRestores<'n> {
        "the `Active` key of a ring was not revoked, so there is nothing to restore"
        "leave this call out: the key is trusted as it is"
        "a key in a ring: `ring.encryption_key()` and `ring.decryption_key(id)?` work"
        "a key on its own: `key.encryption_key()` and `key.decryption_key()` work"
    }
    InactiveRestores: key::InactiveRestores<'n> {
        "an `Inactive` key was not revoked, so there is nothing to restore"
        "leave this call out: the key is trusted as it is"
        "a key in a ring: `ring.decryption_key(id)?` works, and `ring.rotate_to(id, at)?` makes it the active one"
        "a key on its own: `key.decryption_key()` works, and `key.activate(at)` makes it `Active`"
    }
    RetiredRestores: key::RetiredRestores<'n> {
        "a `Retired` key was not revoked, so there is nothing to restore"
        "leave this call out: the key is trusted, and decrypts as it is"
        "a key in a ring: `ring.decryption_key(id)?`"
        "a key on its own: `key.decryption_key()`"
        "it never encrypts again: a new key does, `ring.add(Key::new(new_id, material, created_at), at)?`"
    }

    ActiveDestroys: key::ActiveDestroys<'n> {
        "the `Active` key of a ring cannot be destroyed: it encrypts, and its data is needed"
        "make it `Inactive` and then `Retired` first"
        "a key in a ring: `ring.rotate_to(new_id, at)?` makes it `Inactive`; then `ring.entry::<Inactive>(id)?.retire(at)` and `ring.entry::<Retired>(id)?.destroy(at)`; if the ring has no other key, `ring.add(Key::new(new_id, material, created_at), at)?` comes first"
        "a key on its own: `key.deactivate(at).retire(at).destroy(at)`"
        "what was encrypted with a destroyed key can never be read again"
    }
    InactiveDestroys: key::InactiveDestroys<'n> {
        "an `Inactive` key cannot be destroyed before it is retired"
        "retire it first"
        "a key in a ring: `ring.entry::<Inactive>(id)?.retire(at)` and then `ring.entry::<Retired>(id)?.destroy(at)`"
        "a key on its own: `key.retire(at).destroy(at)`"
        "what was encrypted with a destroyed key can never be read again"
    }
}

/// Makes the trait of an operation of an entry, its namesake in [`asked`], and its cells.
macro_rules! operations {
    ($($name:ident: $also:path { $($status:ident $(: $words:ident)?),+ } $message:tt $label:tt)+) => {
        $(
            #[diagnostic::on_unimplemented(message = $message, label = $label)]
            #[expect(unnameable_types, reason = "a program that is generic over it asks for the column")]
            pub trait $name: $also {}
            $( impl $name for $status $(where for<'n> (): $words<'n>)? {} )+
        )+

        /// The traits that methods ask for, as for keys.
        pub(super) mod asked {
            $(
                #[diagnostic::on_unimplemented(message = $message, label = $label)]
                #[expect(unnameable_types, reason = "as its namesake")]
                pub trait $name: super::$name {}
                impl<S: super::$name> $name for S {}
            )+
        }
    };
}

operations! {
    CanActivateInRing: CanActivate {
        Active: ActiveActivates, Inactive, Retired: RetiredActivates, Revoked: RevokedActivates
    }
    "an entry of any status cannot be activated"
    "this needs `Entry<Inactive>`: `ring.entry::<Inactive>(id)?`"

    CanDeactivateInRing: Status {
        Active: ActiveDeactivates, Inactive: InactiveDeactivates, Retired: RetiredDeactivates,
        Revoked: RevokedDeactivates
    }
    "a key of a ring is not deactivated on its own"
    "the active key becomes inactive when another is activated: `ring.rotate_to(new_id, at)?`"

    CanRetireInRing: CanRetire {
        Active: ActiveRetires, Inactive, Retired: RetiredRetires, Revoked: RevokedRetires
    }
    "an entry of any status cannot be retired"
    "this needs `Entry<Inactive>`: `ring.entry::<Inactive>(id)?`"

    CanRevokeInRing: CanRevoke {
        Active: ActiveRevokes, Inactive, Retired, Revoked: RevokedRevokes
    }
    "an entry of any status cannot be revoked"
    "this needs `Entry<Inactive>` or `Entry<Retired>`: `ring.entry::<Inactive>(id)?`"

    CanRestoreInRing: CanRestore {
        Active: ActiveRestores, Inactive: InactiveRestores, Retired: RetiredRestores, Revoked
    }
    "an entry of any status cannot be restored"
    "this needs `Entry<Revoked>`: `ring.entry::<Revoked>(id)?`"

    CanDestroyInRing: CanDestroy {
        Active: ActiveDestroys, Inactive: InactiveDestroys, Retired, Revoked
    }
    "an entry of any status cannot be destroyed"
    "this needs `Entry<Retired>` or `Entry<Revoked>`: `ring.entry::<Retired>(id)?`"
}

#[diagnostic::on_unimplemented(
    message = "a ring does not clone, because two rings can diverge",
    label = "share this one, or fork it",
    note = "to share one ring among threads: `Arc::new(ring)`, or with the feature `shared` a `SharedKeyring`, which can be changed",
    note = "for a second ring over the same material, which goes its own way: `ring.fork()`, which returns a `Keyring`",
    note = "for a part of the program that only decrypts: `ring.decryption_only()`, which returns a `DecryptionKeyring`",
    note = "a struct that derives `Clone` holds an `Arc<Keyring>`"
)]
#[expect(unnameable_types, reason = "so that nobody implements it")]
pub trait RingClones<'n> {
    fn never<R>(ring: &R) -> R;
}

#[diagnostic::on_unimplemented(
    message = "there is no default ring, because there is no default key",
    label = "a ring has exactly one active key, and this one would have none",
    note = "of one new key: `Keyring::new(Key::new(id, material, created_at).activate(at))`",
    note = "of keys that a configuration has, one to encrypt with and older ones to read: `Keyring::with_previous((id, material), [(old_id, old_material)], at)?`",
    note = "of what a store has: `Keyring::from_records(records)?`",
    note = "a struct with a ring in it has no `derive(Default)`: make it by a function that takes the ring, as in `fn new(ring: Keyring) -> Self`"
)]
#[expect(unnameable_types, reason = "so that nobody implements it")]
pub trait RingDefaults<'n> {
    fn never<R>() -> R;
}

#[diagnostic::on_unimplemented(
    message = "a `DecryptionKeyring` has no way to encrypt: it does not hold what could",
    label = "encrypt where the `Keyring` is",
    note = "a function that encrypts takes the `Keyring` that this one was made of, as in `fn seal(ring: &Keyring)`, and calls `ring.encryption_key()`",
    note = "this ring decrypts: `ring.decryption_key(id)?`"
)]
#[expect(unnameable_types, reason = "so that nobody implements it")]
pub trait ReaderEncrypts<'n> {
    fn never<R, K>(ring: R) -> K;
}

#[diagnostic::on_unimplemented(
    message = "a `DecryptionKeyring` has no active key, and is not rotated",
    label = "rotate where the `Keyring` is",
    note = "with the `Keyring` that this one was made of: `ring.rotate_to(new_id, at)?` and then `ring.decryption_only()`, which returns a new `DecryptionKeyring`",
    note = "of what an issuer has published: `DecryptionKeyring::from_parts(records, destroyed)?`"
)]
#[expect(unnameable_types, reason = "so that nobody implements it")]
pub trait ReaderRotates<'n> {
    fn never<R, K>(ring: R) -> K;
}
