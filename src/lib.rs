//! Key lifecycle and rotation policy whose mistakes do not compile.
//!
//! ```
//! use key_rotation::{Key, KeyId, KeyMaterial, Keyring, Timestamp};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let now = Timestamp::now();
//! let secret = || KeyMaterial::try_fill(32, getrandom::fill);
//! let first = Key::new(KeyId::from_static("2026-q3"), secret()?, now);
//! let next = Key::new(KeyId::from_static("2026-q4"), secret()?, now);
//!
//! let mut ring = Keyring::new(first.activate(now)); // exactly one active key, always
//! let receipt = ring.add(next, now)?;               // staged: it waits to be activated
//! let decision = ring.rotate_to("2026-q4", now)?;   // one step: the old key is inactive now
//! let key = ring.encryption_key();                  // cannot fail: key.id(), key.material()
//! let old = ring.decryption_key("2026-q3")?;        // old data stays readable
//! assert!(old.is_superseded());                     // and would gain from being sealed again
//! # Ok(()) }
//! ```
//!
//! This is policy and not cryptography. The crate knows which key is active, which keys decrypt,
//! and when a rotation is due. It never encrypts, decrypts, signs or hashes, reads the environment,
//! falls back to another key, or changes anything in the background.
//!
//! # Where to begin
//!
//! | you… | read |
//! |---|---|
//! | write a service that encrypts | [the service author's page](documentation::service_author) |
//! | write a crypto module or a library | [the library author's page](documentation::library_author) |
//! | run the rotation | [the operator's page](documentation::operator) |
//! | judge if this can be trusted | [the reviewer's page](documentation::reviewer) |
//! | ask why it is as it is | [the design](documentation::design) |
//! | look for the user of a public name | [the public interface](documentation::api) |
//!
//! # Words
//!
//! | here | means | elsewhere |
//! |---|---|---|
//! | **active** | encrypts and decrypts; a ring has one | NIST *active*; Tink *primary*; Vault *latest version* |
//! | **inactive** | decrypts, and may be activated. It is *staged* if it was never active, and *demoted* if it was | NIST *pre-activation* and *deactivated*; Nomad *prepublished* |
//! | **retired** | decrypts old data, never encrypts again, and holds the decrypting half alone | NetBackup *deprecated*; Vault below `min_encryption_version` |
//! | **revoked** | is not trusted and does not decrypt; a job that seals data again may *salvage* with it | NIST *compromised* and *suspended*; SPIRE *tainted* |
//! | **destroyed** | is no status but a tombstone: the material is gone, and the id is never used again | NIST and GCP *destroyed* |
//! | **material** | the substance of a key: bytes, a wrapped blob, a handle to a KMS, a prepared cipher | NIST *keying material* |
//! | **half** | the part of a key that encrypts (signs), or the part that decrypts (verifies) | private key, public key |
//! | **propagation** | the time that every process gets to load a new key before it is activated | RFC 7583 *Ipub* |
//! | **store**, **provider** | the place where a ring is kept, and the code that speaks to it ([`KeyProvider`]) | |
//! | **revision** | the version of a stored ring; a commit names the one that its writer saw | etcd `mod_revision`, HTTP `ETag` |
//!
//! # The lifecycle
//!
//! ```text
//!             activate              retire             destroy
//!  Inactive ───────────▶ Active    Inactive ──▶ Retired ───────▶ (tombstone)
//!     ▲                    │          │           ▲  │                ▲
//!     └── deactivate ──────┘          │   restore │  │ revoke         │ destroy
//!        in a ring only as the        └─ revoke ─▶ Revoked ───────────┘
//!        other half of an activation
//! ```
//!
//! | status | encrypt | decrypt | salvage | activate | deactivate | retire | revoke | restore | destroy | holds |
//! |---|---|---|---|---|---|---|---|---|---|---|
//! | [`Active`] | yes | yes | – | – | alone only | – | – | – | – | both halves |
//! | [`Inactive`] | – | yes | – | yes | – | yes | yes | – | – | both halves |
//! | [`Retired`] | – | yes, while the policy allows | – | – | – | – | yes | – | yes | the decrypting half |
//! | [`Revoked`] | – | – | yes | – | – | – | – | to Retired | yes | the decrypting half |
//!
//! A dash does not compile, and the compiler says what to do instead. Each column is a trait:
//! a function that is generic over the status asks for one, as in `S: CanEncrypt`.
//!
//! An active key that is compromised is replaced first and revoked then. A key that was revoked by
//! mistake is restored as retired: its encrypting half is gone for good.
//!
//! # Guarantees
//!
//! Each has an end, and it is named.
//!
//! - **G1** A [`Keyring`] has exactly one active key, at every moment, also when an operation
//!   fails. *Its end is the process: a fleet agrees on one active key through the commits of a
//!   store.*
//! - **G2** An [`EncryptionKey`] comes from a `Key<Active>` and from nowhere else.
//!   *Its end is [`material()`](EncryptionKey::material): a program can keep what that shows.*
//! - **G3** A transition that the lifecycle does not have is a compile error in words of that very
//!   status and operation, for keys and for entries. *Its end is the id: a lookup at run time says
//!   if there is a key of that id, and if it has that status.*
//! - **G4** An [`EncryptionKey`] that a ring has lent cannot outlive the activation of another key
//!   on that ring. *Its end is the ring: a fork or another process has one of its own.*
//! - **G5** A key is one value: it does not clone, and a transition moves it. *Its end is the
//!   material, which records and forks share.*
//! - **G6** The statuses are a closed set: no other crate can add one, or a transition. *Its end is
//!   other knowledge: what a program knows besides the status stands beside the key.*
//! - **G7** Secrets do not print, serialize, compare or clone, and are in no error. *Its ends are
//!   [`expose_secret`](KeyMaterial::expose_secret) and
//!   [`expose_array`](KeyMaterial::expose_array), and a material of your own type.*
//! - **G8** The status costs nothing: a key has one size, and access to it is the same instructions
//!   in each status. *Halves that are kept [`Apart`] are two pointers in place of one.*
//! - **G9** Material stays at one heap address, from the making of the key until it is wiped:
//!   through transitions, growing tables, sharing and drop. *Material that is passed by value is on
//!   the stack before.*
//! - **G10** Constants are checked: a malformed literal id and a policy that contradicts itself do
//!   not compile. *A value that is known at run time gets an error in place of that.*
//! - **G11** A [`DecryptionKey`] shows the decrypting half alone. A `Key<Retired>` and a
//!   `Key<Revoked>` hold no encrypting half, and a [`DecryptionKeyring`] has no way to encrypt.
//!   *Its end is a symmetric key, whose one half could do both: there the types of the program
//!   decide.*
//! - **G12** A revoked key decrypts nothing but through a [`SalvageKey`], which no function that
//!   takes a [`DecryptionKey`] accepts. *Its ends are older rings and an [`OwnedDecryptionKey`],
//!   which were there before the revocation.*
//! - **G14** A change, its actor and its reason are one commit. The service settles a lost answer
//!   by sending the same proposal again, and by nothing else. *Its end is a store that cannot be
//!   reached: then the answer is [`OutcomeUnknown`](service::RotationError::OutcomeUnknown).*
//! - **G15** A store that was restored, replaced or lost a row is not followed: it is said aloud,
//!   and the ring that a process has is no longer confirmed. *Its end is a process that never saw
//!   the newer history.*
//! - **G16** Every future may be dropped at every await: nothing half-done remains in the store, in
//!   the pool of connections, or in a shared ring. *A commit that was on its way may still happen,
//!   and it happens whole.*
//!
//! # What is not guaranteed
//!
//! - **Agreement.** A process that does not load its ring again goes on with the key that it has.
//!   With the feature `shared`, a ring that has not been confirmed for too long can be kept from
//!   encrypting.
//! - **Records that are edited by hand.** They are checked for making a ring with as many ids as the
//!   store has ever used, and not for being the ring that was stored.
//! - **Usage.** Nothing here counts encryptions, and no limit stops a program that does not ask the
//!   policy.
//! - **Clocks.** Times are the caller's. Nothing here reads a clock by itself.
//! - **The stack, and what the system copies.** [`KeyMaterial::try_fill`], [`KeyMaterial::take`]
//!   and [`Key::from_shared`] leave no copy on the stack. Swap, core dumps and hibernation are not
//!   in our hands.
//! - **Other materials.** A material of a type that does not wipe itself is not wiped, and neither
//!   is one that another ring, record or owned key still holds.
//!
//! # Modules
//!
//! The root of the crate has what most programs use. The rest stands in modules.
//!
//! | in | is |
//! |---|---|
//! | [`key`] | keys, rights, records, receipts |
//! | [`ring`] | rings, entries, the state that prints, lookups that fail |
//! | [`policy`] | rules of time and usage, refusals, evidence |
//! | [`plan`] | the steps that are due, blocked, and foreseen |
//! | [`store`] | the traits of a store, its changes, its history, the store in memory |
//! | [`service`] | the lifecycle over a store and under a policy |
//! | [`audit`] | the record of every change: who, why and when |
//! | [`error`] | every error, for a caller who matches on it |
//! | `shared`, `live` | one ring for the threads of a process, and following a store (feature `shared`) |
//! | `conformance` | checks of a store of your own (feature `conformance`) |
//!
//! # Features
//!
//! - `std` (default): the clock ([`Timestamp::now`], `TryFrom<SystemTime>`) and
//!   [`InMemoryKeyProvider`]. Without it the crate is `no_std` with `alloc`.
//! - `shared`: the modules `shared` and `live`. It brings `std` and `arc-swap`.
//! - `conformance`: the module `conformance`.
//! - `serde`: states, receipts, plans, policies and audit events serialize. Records deserialize
//!   where their material does. Nothing secret serializes. A policy that contradicts itself is an
//!   error of the deserializer.
//! - `tracing`: `audit::TracingSink`, which emits audit events through the `tracing` crate.
//!
//! # Supported Rust versions
//!
//! The core builds with Rust 1.85 and later. CI builds it with that version (`scripts/msrv`). The
//! oldest supported version may grow with a minor release.

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
mod fleet;
mod id;
mod material;
mod refusal;
mod revision;
mod ring_name;
mod status;
mod supplies;
mod text;
mod timestamp;

/// Errors, for a caller who matches on them.
///
/// Each stands beside the value or the operation that it is about, and is re-exported here. An
/// error names the key id, and never has material in it.
pub mod error {
    pub use crate::evidence::StillReferenced;
    pub use crate::id::InvalidKeyId;
    pub use crate::key::{Event, TimeConflict};
    #[cfg(feature = "shared")]
    pub use crate::live::RefreshError;
    pub use crate::material::{MaterialError, TryFillError};
    pub use crate::policy::{Contradiction, InvalidCryptoperiods};
    pub use crate::ring::{
        ActiveUnprepared, DecryptionKeyError, EntryError, InvalidKeyring, KeyIdTaken, Reason,
        TakenBy, TakenId, Violation,
    };
    pub use crate::ring_name::InvalidRingName;
    pub use crate::service::RotationError;
    #[cfg(feature = "shared")]
    pub use crate::shared::{MissError, StaleKeyring};
    pub use crate::status::ParseStatusError;
    pub use crate::store::{ChangeMismatch, CommitError, DynProviderError};
    pub use crate::supplies::NothingSupplied;
    pub use crate::text::{EscapedText, InvalidAuditText};
    pub use crate::timestamp::InvalidTimestamp;
}

/// The pages of the repository's folder `docs`, one for each kind of reader.
///
/// They are here to be read, and their examples run as tests.
#[cfg(any(doc, doctest))]
pub mod documentation {
    #[doc = include_str!("../docs/service-author.md")]
    pub mod service_author {}
    #[doc = include_str!("../docs/library-author.md")]
    pub mod library_author {}
    #[doc = include_str!("../docs/operator.md")]
    pub mod operator {}
    #[doc = include_str!("../docs/reviewer.md")]
    pub mod reviewer {}
    #[doc = include_str!("../docs/design.md")]
    pub mod design {}
    #[doc = include_str!("../docs/testing.md")]
    pub mod testing {}
    #[doc = include_str!("../docs/api.md")]
    pub mod api {}
}

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub mod readme {}
