//! Key lifecycle and rotation policy whose mistakes do not compile.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub use crate::error::{
    DecryptionKeyError, EntryError, EscapedText, InvalidKeyId, InvalidKeyring, InvalidTimestamp,
    KeyIdTaken, MaterialError, ParseStatusError, RotationError, TakenBy, TakenId, TimeConflict,
    TryFillError, Violation,
};
pub use crate::id::KeyId;
pub use crate::key::{DecryptionKey, EncryptionKey, Key, KeyInfo, KeyRef};
#[doc(hidden)]
pub use crate::keyring::DeactivateAlone;
pub use crate::keyring::{CryptoExport, Entry, Keyring, KeyringBuilder, KeyringState, builder};
pub use crate::material::KeyMaterial;
pub use crate::policy::{Refusal, RotationPolicy, StrictSingleActive};
#[cfg(feature = "std")]
pub use crate::provider::InMemoryKeyProvider;
pub use crate::provider::{Change, ChangeMismatch, Commit, KeyProvider, Revision, Snapshot};
pub use crate::receipt::{Addition, Destruction, Retirement, Rotation, RotationDecision};
pub use crate::record::KeyRecord;
pub use crate::service::{Outcome, RotationService};
pub use crate::status::{
    Active, CanDestroy, CanEncrypt, Inactive, KeyStatus, Retired, Status, TransitionTo,
};
pub use crate::timestamp::Timestamp;

mod error;
mod id;
mod key;
mod keyring;
mod material;
mod policy;
mod provider;
mod receipt;
mod record;
mod service;
mod status;
mod timestamp;
