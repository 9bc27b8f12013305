//! Audit: who changed what, why and when. It is written in one commit with the change.

use alloc::vec::Vec;
use core::fmt;

use crate::evidence::Unreferenced;
use crate::id::KeyId;
use crate::revision::Revision;
use crate::ring_name::RingName;
use crate::text::AuditText;
use crate::timestamp::Timestamp;

/// The person, job or host that makes a change, with the grounds and the time.
///
/// It is part of the change's commit: a store has the change and its provenance, or neither.
///
/// # Examples
///
/// ```
/// use key_rotation::Timestamp;
/// use key_rotation::audit::{Grounds, Provenance};
///
/// let provenance = Provenance {
///     actor: "alice".parse()?,
///     grounds: Grounds::Emergency("INC-4711: k1 was in a core dump".parse()?),
///     at: Timestamp::now(),
/// };
/// # Ok::<(), key_rotation::error::InvalidAuditText>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[expect(clippy::exhaustive_structs, reason = "stores write it field by field")]
pub struct Provenance {
    /// The person, job or host, as the caller said.
    pub actor: AuditText,
    /// The grounds.
    pub grounds: Grounds,
    /// The time that the change carries, by the caller's clock.
    pub at: Timestamp,
}

/// The grounds on which a change is made. It prints as the end of a line.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[expect(clippy::exhaustive_enums, reason = "a store writes every kind of grounds")]
pub enum Grounds {
    /// Nothing is said: the policy agreed, or has no say.
    Ordinary,
    /// The policy was not asked, for this reason.
    Emergency(AuditText),
    /// No data is left under the key.
    Unreferenced(Unreferenced),
    /// It is done all the same, for this reason.
    Forced(AuditText),
    /// The key is not trusted, for this reason.
    Distrust(AuditText),
}

impl Grounds {
    /// Returns the reason that a person gave, if one did.
    #[must_use]
    pub fn reason(&self) -> Option<&AuditText> {
        match self {
            Self::Ordinary | Self::Unreferenced(_) => None,
            Self::Emergency(reason) | Self::Forced(reason) | Self::Distrust(reason) => Some(reason),
        }
    }
}

impl fmt::Display for Grounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ordinary => Ok(()),
            Self::Emergency(reason) => write!(f, ", EMERGENCY, WITHOUT THE POLICY: {reason}"),
            Self::Unreferenced(counted) => {
                write!(f, ", with no data under it as of {}", counted.counted_at())
            }
            Self::Forced(reason) => write!(f, ", BY FORCE: {reason}"),
            Self::Distrust(reason) => write!(f, ", NOT TRUSTED: {reason}"),
        }
    }
}

/// A place where audit events go: a log, a table, a queue.
///
/// A store keeps the events itself, where it has a [`History`](crate::store::History). This is for
/// pushing them: the service calls it after the commit and on the caller's task, so it must not
/// block for long. It cannot fail the change, which has happened already. An event has no secret in
/// it: no part of its type can hold one.
///
/// # Examples
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use key_rotation::audit::{AuditEvent, AuditSink};
/// use key_rotation::{
///     InMemoryKeyProvider, Key, KeyId, RotationService, StrictSingleActive, Timestamp,
/// };
///
/// #[derive(Default)]
/// struct Lines(Mutex<Vec<String>>);
///
/// impl AuditSink for Lines {
///     fn record(&self, event: &AuditEvent) {
///         self.0.lock().unwrap().push(event.to_string());
///     }
/// }
///
/// let lines = Arc::new(Lines::default());
/// let service = RotationService::new(InMemoryKeyProvider::new(), StrictSingleActive)
///     .acting_as("alice".parse()?)
///     .with_audit(lines.clone());
/// let at = Timestamp::from_unix_millis(7);
/// let first = Key::new(KeyId::from_static("k1"), "cipher", at);
/// let ring = pollster::block_on(service.bootstrap(first, at))?;
/// assert_eq!(
///     *lines.0.lock().unwrap(),
///     ["1970-01-01T00:00:00.007Z ring `memory` 1 by alice: key `k1` was created as the first"],
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait AuditSink: Send + Sync {
    /// Takes note of a change that was committed.
    fn record(&self, event: &AuditEvent);
}

/// The record of a change that was committed. It prints as one line.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[expect(clippy::exhaustive_structs, reason = "stores write it field by field")]
pub struct AuditEvent {
    /// The ring.
    pub ring: RingName,
    /// The revision that the commit made.
    pub revision: Revision,
    /// The change.
    pub action: AuditAction,
    /// The actor, the grounds and the time that the change carries.
    pub provenance: Provenance,
    /// The time of the commit by the store's clock; `None` where the store has none, and in an
    /// event that a service pushes to a sink.
    pub stored_at: Option<Timestamp>,
}

/// The change that an audit event records. It prints as a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[expect(clippy::exhaustive_enums, reason = "a store writes every kind of change")]
pub enum AuditAction {
    /// The ring was created with these keys, of which the first is active.
    Created {
        /// The keys, destroyed ones too.
        ids: Vec<KeyId>,
    },
    /// A key was added.
    Added {
        /// The key.
        id: KeyId,
    },
    /// Another key became active.
    Activated {
        /// The key that was active.
        from: KeyId,
        /// The key that is active now.
        to: KeyId,
        /// True if `to` had been active before.
        reactivated: bool,
    },
    /// A key was retired.
    Retired {
        /// The key.
        id: KeyId,
    },
    /// A key was revoked.
    Revoked {
        /// The key.
        id: KeyId,
    },
    /// A key was restored, as retired.
    Restored {
        /// The key.
        id: KeyId,
    },
    /// A key's material was wrapped anew.
    Rewrapped {
        /// The key.
        id: KeyId,
    },
    /// The times of a key were put right.
    Dated {
        /// The key.
        id: KeyId,
    },
    /// A key was destroyed.
    Destroyed {
        /// The key.
        id: KeyId,
    },
    /// The ring was closed, and every key of it destroyed.
    Closed {
        /// The key that was active.
        active: KeyId,
    },
}

impl fmt::Display for AuditAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created { ids } => match ids.as_slice() {
                [id] => write!(f, "key `{id}` was created as the first"),
                [active, ..] => {
                    let others = ids.len() - 1;
                    write!(f, "key `{active}` was adopted as the active one, with {others} others")
                }
                [] => f.write_str("the ring was created without a key"),
            },
            Self::Added { id } => write!(f, "key `{id}` was added"),
            Self::Activated { from, to, reactivated } => {
                let again = if *reactivated { " again" } else { "" };
                write!(f, "key `{to}` became active{again} in the place of key `{from}`")
            }
            Self::Retired { id } => write!(f, "key `{id}` was retired"),
            Self::Revoked { id } => write!(f, "key `{id}` was revoked"),
            Self::Restored { id } => write!(f, "key `{id}` was restored as retired"),
            Self::Rewrapped { id } => write!(f, "the material of key `{id}` was wrapped anew"),
            Self::Dated { id } => write!(f, "the times of key `{id}` were put right"),
            Self::Destroyed { id } => write!(f, "key `{id}` was destroyed"),
            Self::Closed { active } => {
                write!(f, "the ring was closed, and key `{active}` and all others were destroyed")
            }
        }
    }
}

impl fmt::Display for AuditEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ring, revision, action, provenance, .. } = self;
        let Provenance { actor, grounds, at } = provenance;
        write!(f, "{at} ring `{ring}` {} by {actor}: {action}{grounds}", revision.number)
    }
}

/// A sink that emits each event through the `tracing` crate, with the target `key_rotation::audit`.
///
/// A change for which a person gave a reason has the level `WARN`, every other one `INFO`.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use key_rotation::audit::TracingSink;
/// use key_rotation::{InMemoryKeyProvider, KeyMaterial, RotationService, StrictSingleActive};
///
/// let store = InMemoryKeyProvider::<KeyMaterial>::new();
/// let service = RotationService::new(store, StrictSingleActive)
///     .acting_as("nightly job".parse()?)
///     .with_audit(Arc::new(TracingSink));
/// # Ok::<(), key_rotation::error::InvalidAuditText>(())
/// ```
#[cfg(feature = "tracing")]
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "it is a sink and nothing else")]
pub struct TracingSink;

#[cfg(feature = "tracing")]
impl AuditSink for TracingSink {
    fn record(&self, event: &AuditEvent) {
        let AuditEvent { ring, revision, action, provenance, stored_at: _ } = event;
        let Provenance { actor, grounds, at } = provenance;
        let revision = revision.number;
        if grounds.reason().is_some() {
            tracing::warn!(target: "key_rotation::audit", %ring, revision, %actor, %at, "{action}{grounds}");
        } else {
            tracing::info!(target: "key_rotation::audit", %ring, revision, %actor, %at, "{action}{grounds}");
        }
    }
}
