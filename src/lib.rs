//! Key lifecycle and rotation policy whose mistakes do not compile.
//!
//! ```
//! use key_rotation::{Key, KeyId, KeyMaterial, Keyring, Timestamp};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let encrypt = |_material: &KeyMaterial, plaintext: &[u8]| plaintext.to_vec();
//! let new_key = |id| -> Result<_, Box<dyn std::error::Error>> {
//!     Ok(Key::new(id, KeyMaterial::try_fill(32, getrandom::fill)?, Timestamp::now()))
//! };
//!
//! let first = new_key(KeyId::from_static("2026-q3"))?.activate(Timestamp::now());
//! let mut ring = Keyring::new(first);                       // exactly one active key, always
//! let added = ring.add(new_key(KeyId::from_static("2026-q4"))?)?;
//! let decision = ring.rotate_to("2026-q4", Timestamp::now())?;
//!
//! let key = ring.encryption_key();                          // cannot fail
//! let (header, body) = (key.id(), encrypt(key.material(), b"payload"));
//! let old = ring.decryption_key("2026-q3")?;                // old data stays readable
//! # Ok(()) }
//! ```
//!
//! It is policy, not cryptography. It says which key is active, which keys are usable and when
//! rotation is due; it never encrypts, decrypts, hashes, signs, reads the environment, falls back
//! to another key or changes anything in the background.
//!
//! # Words
//!
//! | here | means | elsewhere |
//! |---|---|---|
//! | **active** | encrypts and decrypts; one per ring | NIST *active*; Tink and Keyczar *primary* (Keyczar's *ACTIVE* only decrypts); Vault *latest version* |
//! | **inactive** | decrypts; may be activated. New keys start here, and a demoted key comes back here | NIST *pre-activation* and *deactivated*; Tink *enabled*, not primary |
//! | **retired** | decrypts old data; can never become active again | NetBackup *deprecated*; Vault below `min_encryption_version` |
//! | **destroyed** | no status but a tombstone: the id is remembered and never used again, the material is gone | NIST and GCP *destroyed* |
//! | **material** | what a key is made of: bytes, a wrapped blob, a handle to a KMS, a prepared cipher | NIST *keying material* |
//! | **revision** | the version of a stored ring; every commit names the one that it saw | etcd `mod_revision`, HTTP `ETag` |
//!
//! # The lifecycle
//!
//! ```text
//!             activate              retire            destroy
//!  Inactive ───────────▶ Active    Inactive ──▶ Retired ──▶ (tombstone)
//!     ▲                    │
//!     └── deactivate ──────┘   in a ring only as the other half of an activation
//! ```
//!
//! | status | encrypt | decrypt | activate | retire | destroy |
//! |---|---|---|---|---|---|
//! | [`Active`] | yes | yes | | | |
//! | [`Inactive`] | | yes | yes | yes | |
//! | [`Retired`] | | yes, while the policy allows | | | yes |
//!
//! An empty cell does not compile, and the compiler says what to do instead.
//!
//! # The layers
//!
//! | layer | types |
//! |---|---|
//! | a key | [`Key`], [`KeyId`], [`KeyMaterial`], [`Timestamp`]; the rights [`EncryptionKey`] and [`DecryptionKey`] |
//! | a ring | [`Keyring`], [`Entry`], [`KeyringBuilder`]; the receipts [`Addition`], [`Rotation`], [`Retirement`], [`Destruction`] |
//! | the border | [`KeyRecord`], [`Keyring::from_parts`], [`InvalidKeyring`] |
//! | a policy | [`RotationPolicy`], [`StrictSingleActive`], [`Cryptoperiods`]; [`RotationPlan`] |
//! | a store | [`KeyProvider`], [`Change`], [`Snapshot`]; `InMemoryKeyProvider` |
//! | a service | [`RotationService`], [`Outcome`]; [`Evidence`], [`AuditEvent`] |
//! | threads | `SharedKeyring`, `KeyringReader`, `RefreshOnMiss`, with the feature `shared` |
//!
//! # What is guaranteed
//!
//! - **G1** A [`Keyring`] has exactly one active key: a plain field. There is no default ring, no
//!   way to take the active key out, and no moment without one, also when an operation fails.
//! - **G2** [`Key::encryption_key`] is callable on `Key<Active>` alone, and an [`EncryptionKey`]
//!   comes from nowhere else.
//! - **G3** A transition that the lifecycle does not have is a compile error that names both
//!   statuses and the way out, for keys and for entries alike.
//! - **G4** An [`EncryptionKey`] borrows what it came from: got from a ring, it cannot outlive the
//!   activation of another key on that ring.
//! - **G5** A key is one value: it does not clone, and a transition moves it. (A record clones,
//!   because stores need it, and a store that is lent a key keeps a record; what is shared is the
//!   material.)
//! - **G6** Statuses are a closed set: nobody can add one, or a transition.
//! - **G7** Secrets do not print, serialize, compare or clone. `Debug` is there for every type and
//!   every material, and shows ids and statuses only.
//! - **G8** The status costs nothing: one size and layout for all three.
//! - **G9** Material never moves on the heap: from construction to wipe it stays at one address,
//!   through transitions, table growth, sharing and drop.
//! - **G10** Constants are checked too: a malformed literal key id and a policy that contradicts
//!   itself do not compile.
//!
//! # What is not
//!
//! - Whether an id exists is a lookup, whether stored data is sound is
//!   [`from_parts`](Keyring::from_parts), whether other processes agree is a commit: each is
//!   checked once, at run time.
//! - Who edits records by hand and loads them gets what the records say.
//! - Material passed by value leaves copies on the stack, and the compiler may carry such bytes on,
//!   as the padding of what it moves to the heap later. [`KeyMaterial::try_fill`],
//!   [`KeyMaterial::take`] and [`Key::from_shared`] are the ways without.
//! - Material of a type that does not wipe itself is not wiped, and material that another ring
//!   still holds is not either.
//! - Times are what the caller says: nothing here reads a clock by itself.
//!
//! # Features
//!
//! - `std` (default): the clock ([`Timestamp`]`::now`, `TryFrom<SystemTime>`) and
//!   `InMemoryKeyProvider`. Without it the crate is `no_std` with `alloc`.
//! - `shared`: `SharedKeyring`, one ring for the threads of a process, and
//!   `RotationService::refresh`, which keeps it up to date. Brings `std` and `arc-swap`.
//! - `conformance`: the module `conformance`, which checks that a [`KeyProvider`] of your own does
//!   what it promises.
//! - `serde`: states, receipts, plans, policies and audit events serialize; records deserialize
//!   where their material does; nothing secret serializes. A policy that contradicts itself is an
//!   error of the deserializer.
//! - `tracing`: `TracingSink`, an [`AuditSink`] that emits an event of the `tracing` crate.
//!
//! # Supported Rust versions
//!
//! Rust 1.89 or later. The oldest supported version may grow with a minor release, and stays at
//! least six months behind the current stable.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "tracing")]
pub use crate::audit::TracingSink;
pub use crate::audit::{AuditAction, AuditEvent, AuditSink};
pub use crate::error::{
    DecryptionKeyError, EncryptionKeyError, EntryError, EscapedText, InvalidKeyId, InvalidKeyring,
    InvalidTimestamp, KeyIdTaken, MaterialError, ParseStatusError, RotationError, TakenBy, TakenId,
    TimeConflict, TryFillError, Violation,
};
#[cfg(feature = "shared")]
pub use crate::error::{MissError, RefreshError, StaleKeyring};
pub use crate::evidence::{
    DestroyRequest, Evidence, InvalidRecordText, RecordText, StillReferenced, Unreferenced,
};
pub use crate::id::KeyId;
pub use crate::key::{DecryptionKey, EncryptionKey, Key, KeyInfo, KeyRef};
#[doc(hidden)]
pub use crate::keyring::DeactivateAlone;
pub use crate::keyring::{
    CryptoExport, Entry, Keyring, KeyringBuilder, KeyringState, Withheld, builder,
};
pub use crate::material::KeyMaterial;
pub use crate::policy::{
    Because, Contradiction, Cryptoperiods, CryptoperiodsBuilder, Doubt, DueStep,
    InvalidCryptoperiods, Missing, Refusal, RotationPlan, RotationPolicy, Rule, StrictSingleActive,
    Upcoming, Usage, UsageDecreased, UsageLimit, UsageLimitSource, days,
};
#[cfg(feature = "std")]
pub use crate::provider::InMemoryKeyProvider;
pub use crate::provider::{Change, ChangeMismatch, Commit, KeyProvider, Revision, Snapshot};
pub use crate::receipt::{Addition, Destruction, Retirement, Rotation, RotationDecision};
pub use crate::record::KeyRecord;
#[cfg(feature = "shared")]
pub use crate::service::Refreshed;
pub use crate::service::{Applied, Outcome, RotationService};
#[cfg(feature = "shared")]
pub use crate::shared::{KeyringReader, RefreshOnMiss, SharedKeyring};
pub use crate::status::{
    Active, CanDestroy, CanEncrypt, Inactive, KeyStatus, Retired, Status, TransitionTo,
};
pub use crate::timestamp::Timestamp;

mod audit;
#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
mod evidence;
mod id;
mod key;
mod keyring;
mod material;
mod policy;
mod provider;
mod receipt;
mod record;
mod service;
#[cfg(feature = "shared")]
mod shared;
mod status;
#[cfg(feature = "serde")]
mod text_serde;
mod timestamp;

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
