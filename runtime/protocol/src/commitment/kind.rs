//! The types of commitments. Source: spec 03, section 1.

use std::fmt;

/// How a commitment is made.
///
/// | Kind               | Text               | Devices | Commitment id          |
/// |--------------------|--------------------|---------|------------------------|
/// | `HmacSha256`       | `hmac-sha256`      | httpsig | the MAC                |
/// | `RsaPssSha512`     | `rsa-pss-sha512`   | httpsig | hash of the signature  |
/// | `Eip191Secp256k1`  | `eip191-secp256k1` | httpsig, ans104 | hash of the signature |
/// | `RsaPssSha256`     | `rsa-pss-sha256`   | ans104  | hash of the signature  |
/// | `UnsignedSha256`   | `unsigned-sha256`  | ans104  | id of the unsigned item |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// HMAC-SHA-256 of the signature base.
    HmacSha256,
    /// RSASSA-PSS with SHA-512 over the signature base.
    RsaPssSha512,
    /// What an Ethereum wallet's `personal_sign` makes of the signature base.
    Eip191Secp256k1,
    /// RSASSA-PSS with SHA-256 over the deep hash of a data item.
    RsaPssSha256,
    /// No signature: the id of an unsigned data item.
    UnsignedSha256,
}

impl Kind {
    const ALL: [Self; 5] = [
        Self::HmacSha256,
        Self::RsaPssSha512,
        Self::Eip191Secp256k1,
        Self::RsaPssSha256,
        Self::UnsignedSha256,
    ];

    /// The kind of this text.
    #[must_use]
    pub fn named(text: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name().as_bytes() == text)
    }

    /// The text of the kind.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HmacSha256 => "hmac-sha256",
            Self::RsaPssSha512 => "rsa-pss-sha512",
            Self::Eip191Secp256k1 => "eip191-secp256k1",
            Self::RsaPssSha256 => "rsa-pss-sha256",
            Self::UnsignedSha256 => "unsigned-sha256",
        }
    }

    /// Whether it is made over a signature base.
    #[must_use]
    pub const fn is_httpsig(self) -> bool {
        matches!(self, Self::HmacSha256 | Self::RsaPssSha512 | Self::Eip191Secp256k1)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
