//! [`UsageLimit`]: how often a key may encrypt.

use core::fmt;

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
#[cfg_attr(feature = "serde", serde(from = "Claimed"))]
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
    pub(in crate::policy) fn percent(self, percent: u8) -> u64 {
        let soft = (u128::from(self.encryptions) * u128::from(percent)).div_ceil(100);
        u64::try_from(soft).unwrap_or(self.encryptions)
    }
}

/// A limit as somebody has written it. Its source is believed where the number is that of the source.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Claimed {
    encryptions: u64,
    source: UsageLimitSource,
}

#[cfg(feature = "serde")]
impl From<Claimed> for UsageLimit {
    fn from(claimed: Claimed) -> Self {
        let Claimed { encryptions, source } = claimed;
        let claimed = Self { encryptions, source };
        let known = [Self::RANDOM_NONCE, Self::AES_GCM_RECORDS, Self::AES_GCM_PACKETS];
        if known.contains(&claimed) { claimed } else { Self::of(encryptions) }
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
