//! [`AuditEvent`]: one for every change that was committed, to an [`AuditSink`].

use core::fmt;

use crate::evidence::Evidence;
use crate::text::AuditText;
use crate::id::KeyId;
use crate::revision::Revision;
use crate::timestamp::Timestamp;

/// Where events go: a log, a table, a queue.
///
/// It is called after the commit and on the caller's task, so it must not block for long, and it
/// cannot fail the change, which has happened. No secret can be in an event: no part of its type
/// can hold one.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use key_rotation::{
///     AuditEvent, AuditSink, InMemoryKeyProvider, Key, KeyId, RotationService,
///     StrictSingleActive, Timestamp,
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
/// let ring = pollster::block_on(service.bootstrap(Key::new(KeyId::from_static("k1"), (), at), at))?;
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

/// A change that was committed.
///
/// ```
/// use key_rotation::{AuditAction, AuditEvent, KeyId, Revision, Timestamp};
/// let event = AuditEvent {
///     action: AuditAction::Retired { id: KeyId::from_static("k1") },
///     actor: "alice".parse()?,
///     revision: Revision::new(4),
///     at: Timestamp::UNIX_EPOCH,
/// };
/// assert_eq!(
///     event.to_string(),
///     "1970-01-01T00:00:00.000Z revision 4 by alice: key `k1` was retired",
/// );
/// # Ok::<(), key_rotation::InvalidAuditText>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct AuditEvent {
    /// What was changed.
    pub action: AuditAction,
    /// Who did it, as the caller said.
    pub actor: AuditText,
    /// The store's revision with the change; where the answer to the commit was lost, the one
    /// with which it was found.
    pub revision: Revision,
    /// The time that the change carries.
    pub at: Timestamp,
}

/// What was changed.
///
/// ```
/// use key_rotation::{AuditAction, KeyId};
/// let action = AuditAction::Added { id: KeyId::from_static("k2") };
/// assert_eq!(action.to_string(), "key `k2` was added");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum AuditAction {
    /// The first key.
    Created {
        /// The key.
        id: KeyId,
    },
    /// A new key.
    Added {
        /// The key.
        id: KeyId,
    },
    /// Another active key.
    Activated {
        /// The key that was active.
        from: KeyId,
        /// The key that is active now.
        to: KeyId,
        /// Whether `to` had been active before.
        reactivated: bool,
        /// The reason given for not asking the policy, if it was not asked.
        emergency: Option<AuditText>,
    },
    /// A retired key.
    Retired {
        /// The key.
        id: KeyId,
    },
    /// A destroyed key.
    Destroyed {
        /// The key.
        id: KeyId,
        /// Why it could be.
        evidence: Evidence,
    },
}

#[cfg(feature = "tracing")]
impl AuditAction {
    /// Whether a person should look at it.
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

/// Emits every event through the `tracing` crate, with the target `key_rotation::audit`: at the
/// level `WARN` what was done in an emergency or by force, at `INFO` the rest.
///
/// ```
/// use std::sync::Arc;
/// use key_rotation::{InMemoryKeyProvider, KeyMaterial, RotationService, StrictSingleActive, TracingSink};
///
/// let store = InMemoryKeyProvider::<KeyMaterial>::new();
/// let service = RotationService::new(store, StrictSingleActive)
///     .with_audit(Arc::new(TracingSink), "nightly job".parse()?);
/// # Ok::<(), key_rotation::InvalidAuditText>(())
/// ```
#[cfg(feature = "tracing")]
#[derive(Clone, Copy, Debug, Default)]
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
