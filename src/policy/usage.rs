//! [`Usage`] and [`UsageLimit`]: how often the active key has encrypted, and how often it may.

use core::fmt;

use thiserror::Error;

/// The number of encryptions that the active key has done, as far as the caller knows.
///
/// Nothing here counts. The program that encrypts counts, adds up the counts of a fleet's
/// processes, and hands the sum to the policy.
///
/// # Examples
///
/// ```
/// use key_rotation::policy::Usage;
///
/// let mut usage = Usage::of(1_000);
/// usage.update(1_500)?;
/// assert!(usage.update(1_400).is_err());
/// assert_eq!(usage.encryptions(), Some(1_500));
/// # Ok::<(), key_rotation::error::UsageDecreased>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Usage {
    encryptions: Option<u64>,
}

impl Usage {
    /// The usage that nobody has counted. A policy with a usage limit cannot say anything about it.
    pub const UNKNOWN: Self = Self { encryptions: None };

    /// Makes the usage of so many encryptions.
    #[must_use]
    pub const fn of(encryptions: u64) -> Self {
        Self { encryptions: Some(encryptions) }
    }

    /// Returns the number, if it is known.
    #[must_use]
    pub const fn encryptions(self) -> Option<u64> {
        self.encryptions
    }

    /// Takes a newer count of the same key. After a rotation, start with a new `Usage`.
    ///
    /// # Errors
    ///
    /// [`UsageDecreased`] if the count has gone backwards: a counter was lost, or belongs to
    /// another key. The greater count is kept.
    pub const fn update(&mut self, encryptions: u64) -> Result<(), UsageDecreased> {
        match self.encryptions {
            Some(known) if encryptions < known => {
                Err(UsageDecreased { known, reported: encryptions })
            }
            _ => {
                self.encryptions = Some(encryptions);
                Ok(())
            }
        }
    }
}

/// The error for a usage count that went backwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "{reported} encryptions are reported, and {known} were known: a counter was lost or belongs to another key"
)]
#[non_exhaustive]
pub struct UsageDecreased {
    /// The count that was known before.
    pub known: u64,
    /// The count that was reported.
    pub reported: u64,
}

/// The number of encryptions that a key is good for, and its source.
///
/// With random nonces of 96 bits, which AES-GCM and ChaCha20-Poly1305 both use, two messages get
/// the same nonce sooner or later, and then both are lost. The bound of NIST SP 800-38D, 2^32
/// messages, keeps the probability of that under 2^-32. It is a matter of the nonce and not of the
/// cipher. RFC 8439 sets no bound of its own for ChaCha20-Poly1305 and asks for unique nonces, so
/// random ones are under the same bound.
///
/// # Examples
///
/// ```
/// use key_rotation::policy::UsageLimit;
///
/// assert_eq!(
///     UsageLimit::RANDOM_NONCE.to_string(),
///     "4294967296 encryptions (NIST SP 800-38D, section 8.3)",
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UsageLimit {
    encryptions: u64,
    source: UsageLimitSource,
}

impl UsageLimit {
    /// The limit of 2^32 encryptions, for AES-GCM and any other cipher with random nonces of 96
    /// bits (NIST SP 800-38D, section 8.3).
    pub const RANDOM_NONCE: Self =
        Self { encryptions: 1 << 32, source: UsageLimitSource::NistSp800_38d };

    /// The limit of 2^24.5 encryptions, for AES-GCM with counted nonces and messages of up to 16
    /// KiB, such as the records of TLS 1.3 (RFC 8446, section 5.5).
    pub const AES_GCM_RECORDS: Self =
        Self { encryptions: 23_726_566, source: UsageLimitSource::Rfc8446 };

    /// The limit of 2^23 encryptions, for AES-GCM with counted nonces and messages of up to 2^11
    /// blocks, such as the packets of QUIC (RFC 9001, section 6.6).
    pub const AES_GCM_PACKETS: Self =
        Self { encryptions: 1 << 23, source: UsageLimitSource::Rfc9001 };

    /// Makes a limit of the program's own.
    #[must_use]
    pub const fn of(encryptions: u64) -> Self {
        Self { encryptions, source: UsageLimitSource::Program }
    }

    /// Returns the number of encryptions.
    #[must_use]
    pub const fn encryptions(self) -> u64 {
        self.encryptions
    }

    /// Returns the source of the limit.
    #[must_use]
    pub const fn source(self) -> UsageLimitSource {
        self.source
    }
}

impl UsageLimit {
    /// Returns so many hundredths of the limit, rounded up, so that nothing is due at zero.
    pub(super) fn percent(self, percent: u8) -> u64 {
        let soft = (u128::from(self.encryptions) * u128::from(percent)).div_ceil(100);
        u64::try_from(soft).unwrap_or(self.encryptions)
    }
}

impl fmt::Display for UsageLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} encryptions ({})", self.encryptions, self.source)
    }
}

/// The source of a usage limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum UsageLimitSource {
    /// NIST SP 800-38D, section 8.3.
    NistSp800_38d,
    /// RFC 8446, section 5.5.
    Rfc8446,
    /// RFC 9001, section 6.6.
    Rfc9001,
    /// The program's own.
    Program,
}

impl fmt::Display for UsageLimitSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NistSp800_38d => "NIST SP 800-38D, section 8.3",
            Self::Rfc8446 => "RFC 8446, section 5.5",
            Self::Rfc9001 => "RFC 9001, section 6.6",
            Self::Program => "the program's own",
        })
    }
}
