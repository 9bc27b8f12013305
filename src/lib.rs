//! Key lifecycle and rotation policy whose mistakes do not compile.

#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub use crate::id::KeyId;
pub use crate::key::{
    Apart, DecryptionKey, EncryptionKey, Halves, Key, KeyInfo, KeyRecord, KeyRef,
    OwnedDecryptionKey, SalvageKey, Same, SigningKey, Times, VerificationKey,
};
pub use crate::material::KeyMaterial;
pub use crate::policy::{Cryptoperiods, RotationPolicy, StrictSingleActive};
pub use crate::ring::{DecryptionKeyError, DecryptionKeyring, Entry, InvalidKeyring, Keyring};
pub use crate::service::{Outcome, RotationService};
pub use crate::status::{
    Active, CanActivate, CanDeactivate, CanDecrypt, CanDestroy, CanEncrypt, CanRestore, CanRetire,
    CanRevoke, CanSalvage, Inactive, KeyStatus, Retired, Revoked, Status,
};
#[cfg(feature = "std")]
pub use crate::store::InMemoryKeyProvider;
pub use crate::store::KeyProvider;
pub use crate::text::AuditText;
pub use crate::timestamp::Timestamp;

pub mod audit;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod key;
#[cfg(feature = "shared")]
pub mod live;
pub mod plan;
pub mod policy;
pub mod ring;
pub mod service;
#[cfg(feature = "shared")]
pub mod shared;
pub mod store;

mod evidence;
mod id;
mod material;
mod refusal;
mod revision;
mod status;
mod text;
mod timestamp;

/// Everything that can go wrong, for a caller who matches on it. Each error stands beside the value
/// or the operation that it is about.
pub mod error {
    pub use crate::evidence::StillReferenced;
    pub use crate::id::InvalidKeyId;
    pub use crate::key::{Event, TimeConflict};
    #[cfg(feature = "shared")]
    pub use crate::live::RefreshError;
    pub use crate::material::{MaterialError, TryFillError};
    pub use crate::policy::{Contradiction, InvalidCryptoperiods, UsageDecreased};
    pub use crate::ring::{
        ActiveUnprepared, DecryptionKeyError, EntryError, InvalidKeyring, KeyIdTaken, Reason,
        TakenBy, TakenId, Violation,
    };
    pub use crate::service::RotationError;
    #[cfg(feature = "shared")]
    pub use crate::shared::{MissError, StaleKeyring};
    pub use crate::status::ParseStatusError;
    pub use crate::store::ChangeMismatch;
    pub use crate::text::{EscapedText, InvalidAuditText};
    pub use crate::timestamp::InvalidTimestamp;
}

/// The documents of the repository, to be read here and run as tests.
#[cfg(any(doc, doctest))]
pub mod documentation {
    #[doc = include_str!("../docs/design.md")]
    pub mod design {}
    #[doc = include_str!("../docs/testing.md")]
    pub mod testing {}
}

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub mod readme {}
