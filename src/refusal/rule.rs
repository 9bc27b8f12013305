//! [`Rule`]: the rules of a policy, by name.

use core::fmt;

/// A rule of a policy, by name: the subject of a refusal, a contradiction or a due step.
///
/// The first two are words of NIST SP 800-57 Part 1 (Rev. 5, section 5.3).
///
/// # Examples
///
/// ```
/// use key_rotation::policy::Rule;
///
/// assert_eq!(Rule::OriginatorUsage.to_string(), "originator usage");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Rule {
    /// How long a key may stay active before another is to take its place.
    OriginatorUsage,
    /// How long a key that is no longer active decrypts before it is due to retire.
    RecipientUsage,
    /// How long a retired key still decrypts.
    Grace,
    /// How long a key that is retired or revoked is kept before it is due for destruction.
    Retention,
    /// How long a new key must have been in the store before it may be activated.
    Propagation,
    /// How many encryptions a key is good for.
    UsageLimit,
    /// The age at which an active key must no longer encrypt.
    HardEnd,
    /// A key that was active may not be activated again.
    ForwardOnly,
    /// How long a process encrypts with a ring that it has not confirmed.
    MaxStaleness,
    /// How much clocks may differ, together with the way from a decision to its commit.
    ClockSkew,
    /// How long a ciphertext may be needed.
    DataLifetime,
    /// How long it takes until a counter sees what was encrypted.
    WriteDelay,
    /// How long a process decrypts with a ring that it has not confirmed.
    DecryptStaleness,
    /// How long a key is revoked before it is destroyed.
    DisableBeforeDestroy,
    /// Every process has what it needs, as far as it reports.
    Reports,
    /// Nothing needs the key: a count says so, or time does.
    NotNeeded,
    /// The status of the key does not allow it.
    Status,
    /// A time is not known, or is in the future.
    KnownTimes,
}

impl Rule {
    /// The rule's name, in words.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::OriginatorUsage => "originator usage",
            Self::RecipientUsage => "recipient usage",
            Self::Grace => "grace",
            Self::Retention => "retention",
            Self::Propagation => "propagation",
            Self::UsageLimit => "usage limit",
            Self::HardEnd => "hard end",
            Self::ForwardOnly => "forward-only",
            Self::MaxStaleness => "max staleness",
            Self::ClockSkew => "clock skew",
            Self::DataLifetime => "data lifetime",
            Self::WriteDelay => "write delay",
            Self::DecryptStaleness => "decrypt staleness",
            Self::DisableBeforeDestroy => "disable before destroy",
            Self::Reports => "reports",
            Self::NotNeeded => "not needed",
            Self::Status => "status",
            Self::KnownTimes => "known times",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
