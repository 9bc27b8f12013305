//! [`DestroyRequest`]: a key to destroy, with the evidence.

use alloc::string::String;
use core::fmt;

use crate::evidence::{Evidence, Unreferenced};
use crate::id::KeyId;
use crate::text::{AuditText, EscapedText};

/// A request to destroy a key, with the reason why it may be destroyed.
///
/// [`RotationService::destroy`](super::RotationService::destroy) takes anything that becomes one.
/// An [`Unreferenced`] does. A key id alone does too, without evidence: the policy without rules
/// ([`StrictSingleActive`](crate::StrictSingleActive)) agrees to it, and any other refuses.
///
/// # Examples
///
/// ```
/// use key_rotation::policy::Unreferenced;
/// use key_rotation::service::DestroyRequest;
/// use key_rotation::{KeyId, Timestamp};
///
/// let counted = Unreferenced::counted(KeyId::from_static("k1"), 0, Timestamp::now())?;
/// let request = DestroyRequest::from(counted);
/// let forced = DestroyRequest::forced("k1", "the customer asked for erasure".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct DestroyRequest {
    pub(super) id: String,
    pub(super) evidence: Evidence,
}

impl DestroyRequest {
    /// Asks to destroy the key although nobody has shown that its data is not needed.
    ///
    /// The reason goes into the audit event.
    #[must_use]
    pub fn forced(id: &str, reason: AuditText) -> Self {
        Self { id: String::from(id), evidence: Evidence::Forced(reason) }
    }
}

// By hand, because the id may come from outside.
impl fmt::Debug for DestroyRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DestroyRequest")
            .field("id", &EscapedText::from(self.id.as_str()))
            .field("evidence", &self.evidence)
            .finish()
    }
}

impl From<Unreferenced> for DestroyRequest {
    fn from(counted: Unreferenced) -> Self {
        Self { id: String::from(counted.id().as_str()), evidence: Evidence::Unreferenced(counted) }
    }
}

impl From<&str> for DestroyRequest {
    fn from(id: &str) -> Self {
        Self { id: String::from(id), evidence: Evidence::None }
    }
}

impl From<&String> for DestroyRequest {
    fn from(id: &String) -> Self {
        Self::from(id.as_str())
    }
}

impl From<&KeyId> for DestroyRequest {
    fn from(id: &KeyId) -> Self {
        Self::from(id.as_str())
    }
}
