//! The table of the lifecycle, in types: a trait for each column, and a line for each cell.

use super::{Active, Inactive, Never, Retired, Revoked, Status};

pub(crate) mod words;

/// Makes the trait of a column, and its namesake in [`asked`]. Both say the same where a function
/// that is generic over the status does not ask for what it needs.
macro_rules! columns {
    ($($(#[doc = $doc:tt])+ $name:ident: $status:tt { $($item:tt)* } $message:tt $label:tt)+) => {
        $(
            $(#[doc = $doc])+
            #[diagnostic::on_unimplemented(message = $message, label = $label)]
            pub trait $name: $status { $($item)* }
        )+

        /// The traits that methods ask for. They are one step away from the traits of the columns,
        /// so that the compiler does not add to our text that a trait "is implemented for" the
        /// status.
        pub(crate) mod asked {
            $(
                #[diagnostic::on_unimplemented(message = $message, label = $label)]
                #[expect(unnameable_types, reason = "its namesake is what a program writes")]
                pub trait $name: super::$name {}
                impl<S: super::$name> $name for S {}
            )+
        }
    };
}

columns! {
    /// Says that a key of this status may encrypt: [`Active`], and no other.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::{CanEncrypt, EncryptionKey, Key};
    ///
    /// fn for_encryption<S: CanEncrypt>(key: &Key<S>) -> EncryptionKey<'_> {
    ///     key.encryption_key()
    /// }
    /// ```
    CanEncrypt: Status {
        /// A key that may encrypt holds both halves.
        #[doc(hidden)]
        fn never(no: &Self::No) -> &Never;
    }
    "a key of any status does not encrypt"
    "this needs a status that encrypts: ask for it with `S: CanEncrypt`"

    /// Says that a key of this status may decrypt: [`Active`], [`Inactive`] and [`Retired`].
    CanDecrypt: Status {}
    "a key of any status does not decrypt, because a revoked key does not"
    "this needs a status that decrypts: ask for it with `S: CanDecrypt`"

    /// Says that a key of this status may salvage: [`Revoked`], and no other.
    CanSalvage: Status {}
    "a key of any status does not salvage"
    "this needs a revoked key: ask for it with `S: CanSalvage`"

    /// Says that a key of this status may be activated: [`Inactive`], and no other.
    CanActivate: Status {
        /// A key that may be activated holds both halves.
        #[doc(hidden)]
        fn never(no: &Self::No) -> &Never;
    }
    "a key of any status cannot be activated"
    "this needs an inactive key: ask for it with `S: CanActivate`"

    /// Says that a key of this status may be deactivated, on its own: [`Active`], and no other.
    CanDeactivate: Status {
        /// A key that may be deactivated holds both halves.
        #[doc(hidden)]
        fn never(no: &Self::No) -> &Never;
    }
    "a key of any status cannot be deactivated"
    "this needs an active key: ask for it with `S: CanDeactivate`"

    /// Says that a key of this status may be retired: [`Inactive`], and no other.
    CanRetire: Status {}
    "a key of any status cannot be retired"
    "this needs an inactive key: ask for it with `S: CanRetire`"

    /// Says that a key of this status may be revoked: [`Inactive`] and [`Retired`].
    CanRevoke: Status {}
    "a key of any status cannot be revoked"
    "this needs an inactive or a retired key: ask for it with `S: CanRevoke`"

    /// Says that a key of this status may be restored, as retired: [`Revoked`], and no other.
    CanRestore: Status {}
    "a key of any status cannot be restored"
    "this needs a revoked key: ask for it with `S: CanRestore`"

    /// Says that a key of this status may be destroyed: [`Retired`] and [`Revoked`].
    CanDestroy: Status {}
    "a key of any status cannot be destroyed"
    "this needs a retired or a revoked key: ask for it with `S: CanDestroy`"
}

/// Fills a cell in: yes, or no with the words that the compiler is to say.
macro_rules! cell {
    ($status:ident $column:ident) => {
        impl $column for $status {}
    };
    ($status:ident $column:ident: $words:ident) => {
        impl $column for $status where for<'n> (): words::$words<'n> {}
    };
}

/// [`cell!`] of a column that needs both halves, for a status that holds them.
macro_rules! cell_of_both {
    ($status:ident $column:ident $(: $words:ident)?) => {
        impl $column for $status $(where for<'n> (): words::$words<'n>)? {
            fn never(no: &Never) -> &Never {
                no
            }
        }
    };
}

/// [`cell!`] of a column that needs both halves, for a status that does not hold them.
macro_rules! cell_of_one {
    ($status:ident $column:ident: $words:ident) => {
        impl $column for $status
        where
            for<'n> (): words::$words<'n>,
        {
            fn never((): &()) -> &Never {
                <() as words::$words<'static>>::never()
            }
        }
    };
}

cell_of_both!(Active CanEncrypt);
cell!(Active CanDecrypt);
cell!(Active CanSalvage: ActiveSalvages);
cell_of_both!(Active CanActivate: ActiveActivates);
cell_of_both!(Active CanDeactivate);
cell!(Active CanRetire: ActiveRetires);
cell!(Active CanRevoke: ActiveRevokes);
cell!(Active CanRestore: ActiveRestores);
cell!(Active CanDestroy: ActiveDestroys);

cell_of_both!(Inactive CanEncrypt: InactiveEncrypts);
cell!(Inactive CanDecrypt);
cell!(Inactive CanSalvage: InactiveSalvages);
cell_of_both!(Inactive CanActivate);
cell_of_both!(Inactive CanDeactivate: InactiveDeactivates);
cell!(Inactive CanRetire);
cell!(Inactive CanRevoke);
cell!(Inactive CanRestore: InactiveRestores);
cell!(Inactive CanDestroy: InactiveDestroys);

cell_of_one!(Retired CanEncrypt: RetiredEncrypts);
cell!(Retired CanDecrypt);
cell!(Retired CanSalvage: RetiredSalvages);
cell_of_one!(Retired CanActivate: RetiredActivates);
cell_of_one!(Retired CanDeactivate: RetiredDeactivates);
cell!(Retired CanRetire: RetiredRetires);
cell!(Retired CanRevoke);
cell!(Retired CanRestore: RetiredRestores);
cell!(Retired CanDestroy);

cell_of_one!(Revoked CanEncrypt: RevokedEncrypts);
cell!(Revoked CanDecrypt: RevokedDecrypts);
cell!(Revoked CanSalvage);
cell_of_one!(Revoked CanActivate: RevokedActivates);
cell_of_one!(Revoked CanDeactivate: RevokedDeactivates);
cell!(Revoked CanRetire: RevokedRetires);
cell!(Revoked CanRevoke: RevokedRevokes);
cell!(Revoked CanRestore);
cell!(Revoked CanDestroy);
