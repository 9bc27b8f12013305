//! Audit events: the record of every change that a service has committed.

use core::fmt;

use crate::evidence::Evidence;
use crate::id::KeyId;
use crate::revision::Revision;
use crate::text::AuditText;
use crate::timestamp::Timestamp;

/// A place where audit events go: a log, a table, a queue.
///
/// The service calls it after the commit and on the caller's task, so it must not block for long.
/// It cannot fail the change, which has happened already. An event has no secret in it: no part of
/// its type can hold one.
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
///     .with_audit(lines.clone(), "alice".parse()?);
/// let at = Timestamp::from_unix_millis(7);
/// let first = Key::new(KeyId::from_static("k1"), "cipher", at);
/// let ring = pollster::block_on(service.bootstrap(first, at))?;
/// assert_eq!(
///     *lines.0.lock().unwrap(),
///     ["1970-01-01T00:00:00.007Z revision 1 by alice: key `k1` was created as the first"],
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
#[expect(clippy::exhaustive_structs, reason = "the tests of a sink write it")]
pub struct AuditEvent {
    /// The change.
    pub action: AuditAction,
    /// The person, job or host that made it, as the caller said.
    pub actor: AuditText,
    /// The revision of the store with the change. Where the answer to the commit was lost, this is
    /// the revision at which the change was found.
    pub revision: Revision,
    /// The time that the change carries.
    pub at: Timestamp,
}

/// The change that an audit event records. It prints as the end of a line.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum AuditAction {
    /// The first key was created.
    Created {
        /// The key.
        id: KeyId,
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
        /// The reason given for not asking the policy, if it was not asked.
        emergency: Option<AuditText>,
    },
    /// A key was retired.
    Retired {
        /// The key.
        id: KeyId,
    },
    /// A key was destroyed.
    Destroyed {
        /// The key.
        id: KeyId,
        /// The reason why it could be destroyed.
        evidence: Evidence,
    },
}

#[cfg(feature = "tracing")]
impl AuditAction {
    /// Returns true if a person should look at it.
    fn is_loud(&self) -> bool {
        matches!(
            self,
            Self::Activated { emergency: Some(_), .. }
                | Self::Destroyed { evidence: Evidence::Forced(_), .. }
        )
    }
}

impl fmt::Display for AuditAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created { id } => write!(f, "key `{id}` was created as the first"),
            Self::Added { id } => write!(f, "key `{id}` was added"),
            Self::Activated { from, to, reactivated, emergency } => {
                let again = if *reactivated { " again" } else { "" };
                write!(f, "key `{to}` became active{again} in the place of key `{from}`")?;
                match emergency {
                    Some(reason) => write!(f, ", EMERGENCY, WITHOUT THE POLICY: {reason}"),
                    None => Ok(()),
                }
            }
            Self::Retired { id } => write!(f, "key `{id}` was retired"),
            Self::Destroyed { id, evidence } => {
                write!(f, "key `{id}` was destroyed")?;
                match evidence {
                    Evidence::None => write!(f, ", without evidence"),
                    Evidence::Unreferenced(counted) => {
                        write!(f, ", with no data under it as of {}", counted.counted_at())
                    }
                    Evidence::Forced(reason) => write!(f, ", BY FORCE: {reason}"),
                }
            }
        }
    }
}

impl fmt::Display for AuditEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { action, actor, revision, at } = self;
        write!(f, "{at} revision {revision} by {actor}: {action}")
    }
}

/// A sink that emits each event through the `tracing` crate, with the target `key_rotation::audit`.
///
/// A change that was made in an emergency or by force has the level `WARN`, every other one `INFO`.
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
///     .with_audit(Arc::new(TracingSink), "nightly job".parse()?);
/// # Ok::<(), key_rotation::error::InvalidAuditText>(())
/// ```
#[cfg(feature = "tracing")]
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "it is a sink and nothing else")]
pub struct TracingSink;

#[cfg(feature = "tracing")]
impl AuditSink for TracingSink {
    fn record(&self, event: &AuditEvent) {
        let AuditEvent { action, actor, revision, at } = event;
        let revision = revision.as_u64();
        if action.is_loud() {
            tracing::warn!(target: "key_rotation::audit", %actor, revision, %at, "{action}");
        } else {
            tracing::info!(target: "key_rotation::audit", %actor, revision, %at, "{action}");
        }
    }
}
