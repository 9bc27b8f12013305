//! [`Usage`] and [`UsageLimit`]: how often the active key has encrypted, and how often it may.

use core::fmt;

use thiserror::Error;

/// How many encryptions the active key has done, as far as the caller knows.
///
/// Nothing here counts: whoever encrypts does, adds up what the processes of a fleet have counted,
/// and hands the sum to the policy.
///
/// ```
/// use key_rotation::Usage;
///
/// let mut usage = Usage::of(1_000);
/// usage.update(1_500)?;
/// assert_eq!(usage.encryptions(), Some(1_500));
/// assert!(usage.update(1_400).is_err());
/// assert_eq!(Usage::UNKNOWN.encryptions(), None);
/// # Ok::<(), key_rotation::UsageDecreased>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Usage {
    encryptions: Option<u64>,
}

impl Usage {
    /// Nobody counts: a policy with a usage limit cannot say anything about it.
    ///
    /// ```
    /// # use key_rotation::Usage;
    /// assert_eq!(Usage::UNKNOWN.encryptions(), None);
    /// ```
    pub const UNKNOWN: Self = Self { encryptions: None };

    /// So many encryptions.
    ///
    /// ```
    /// # use key_rotation::Usage;
    /// assert_eq!(Usage::of(7).encryptions(), Some(7));
    /// ```
    #[must_use]
    pub const fn of(encryptions: u64) -> Self {
        Self { encryptions: Some(encryptions) }
    }

    /// The number, if it is known.
    ///
    /// ```
    /// # use key_rotation::Usage;
    /// assert_eq!(Usage::of(7).encryptions(), Some(7));
    /// ```
    #[must_use]
    pub const fn encryptions(self) -> Option<u64> {
        self.encryptions
    }

    /// Takes a newer count of the same key. After a rotation, start with a new `Usage`.
    ///
    /// # Errors
    ///
    /// [`UsageDecreased`] when the count has gone backwards: a counter was lost or belongs to
    /// another key. The greater count is kept.
    ///
    /// ```
    /// # use key_rotation::{Usage, UsageDecreased};
    /// let mut usage = Usage::of(7);
    /// assert_eq!(usage.update(6), Err(UsageDecreased { known: 7, reported: 6 }));
    /// assert_eq!(usage, Usage::of(7));
    /// ```
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

/// A usage count that went backwards.
///
/// ```
/// use key_rotation::UsageDecreased;
/// assert_eq!(
///     UsageDecreased { known: 7, reported: 6 }.to_string(),
///     "6 encryptions are reported, and 7 were known: a counter was lost or belongs to another key",
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "{reported} encryptions are reported, and {known} were known: a counter was lost or belongs to another key"
)]
pub struct UsageDecreased {
    /// The count that was known before.
    pub known: u64,
    /// The count that was reported.
    pub reported: u64,
}

/// How many encryptions a key is good for, and who says so.
///
/// With random nonces of 96 bits, which AES-GCM and ChaCha20-Poly1305 both use, two messages get
/// the same nonce sooner or later, and then both are lost. The bound of NIST SP 800-38D, 2^32
/// messages, keeps the probability of that under 2^-32. It is a matter of the nonce and not of the
/// cipher: RFC 8439, which has no bound of its own for ChaCha20-Poly1305, asks for nonces that are
/// unique, so random ones are under the same bound.
///
/// ```
/// use key_rotation::UsageLimit;
///
/// assert_eq!(UsageLimit::RANDOM_NONCE.encryptions(), 1 << 32);
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
    /// 2^32: AES-GCM with random nonces of 96 bits (NIST SP 800-38D, section 8.3), and any other
    /// cipher with such nonces.
    ///
    /// ```
    /// # use key_rotation::UsageLimit;
    /// assert_eq!(UsageLimit::RANDOM_NONCE.encryptions(), 4_294_967_296);
    /// ```
    pub const RANDOM_NONCE: Self =
        Self { encryptions: 1 << 32, source: UsageLimitSource::NistSp800_38d };

    /// 2^24.5: AES-GCM with counted nonces and messages of up to 16 KiB (RFC 8446, section 5.5,
    /// where they are the records of TLS 1.3).
    ///
    /// ```
    /// # use key_rotation::UsageLimit;
    /// assert_eq!(UsageLimit::AES_GCM_RECORDS.encryptions(), 23_726_566);
    /// ```
    pub const AES_GCM_RECORDS: Self =
        Self { encryptions: 23_726_566, source: UsageLimitSource::Rfc8446 };

    /// 2^23: AES-GCM with counted nonces and messages of up to 2^11 blocks (RFC 9001, section 6.6,
    /// where they are the packets of QUIC).
    ///
    /// ```
    /// # use key_rotation::UsageLimit;
    /// assert_eq!(UsageLimit::AES_GCM_PACKETS.encryptions(), 8_388_608);
    /// ```
    pub const AES_GCM_PACKETS: Self =
        Self { encryptions: 1 << 23, source: UsageLimitSource::Rfc9001 };

    /// A limit of the program's own.
    ///
    /// ```
    /// # use key_rotation::UsageLimit;
    /// assert_eq!(UsageLimit::of(1_000_000).encryptions(), 1_000_000);
    /// ```
    #[must_use]
    pub const fn of(encryptions: u64) -> Self {
        Self { encryptions, source: UsageLimitSource::Program }
    }

    /// The number of encryptions.
    ///
    /// ```
    /// # use key_rotation::UsageLimit;
    /// assert_eq!(UsageLimit::of(7).encryptions(), 7);
    /// ```
    #[must_use]
    pub const fn encryptions(self) -> u64 {
        self.encryptions
    }

    /// Who says so.
    ///
    /// ```
    /// # use key_rotation::{UsageLimit, UsageLimitSource};
    /// assert_eq!(UsageLimit::of(7).source(), UsageLimitSource::Program);
    /// ```
    #[must_use]
    pub const fn source(self) -> UsageLimitSource {
        self.source
    }
}

impl UsageLimit {
    /// So many hundredths of the limit, rounded up, so that it is never due at zero.
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

/// Where a usage limit comes from.
///
/// ```
/// use key_rotation::UsageLimitSource;
/// assert_eq!(UsageLimitSource::Rfc9001.to_string(), "RFC 9001, section 6.6");
/// ```
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
