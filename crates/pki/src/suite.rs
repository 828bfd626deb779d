//! The suites that this system signs with, and who can sign.

use std::fmt;

use crate::digest_alg::DigestAlg;

/// A kind of key together with the digest it signs over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Suite {
    /// SM2 with SM3 (GB/T 32918, GM/T 0003): seals, OFD, Chinese PDF. Z uses the identity `1234567812345678`.
    Sm2Sm3,
    /// ECDSA on P-256 with SHA-256: international PDF.
    EcdsaP256Sha256,
    /// ECDSA on P-384 with SHA-384: international PDF.
    EcdsaP384Sha384,
    /// RSA with PKCS #1 v1.5 and SHA-256: what an RSA key signs with when nothing else is said.
    RsaSha256,
    /// RSA with PKCS #1 v1.5 and SHA-384.
    RsaSha384,
    /// RSA with PKCS #1 v1.5 and SHA-512.
    RsaSha512,
}

impl Suite {
    /// The digest that is signed.
    pub const fn digest(self) -> DigestAlg {
        match self {
            Self::Sm2Sm3 => DigestAlg::Sm3,
            Self::EcdsaP256Sha256 | Self::RsaSha256 => DigestAlg::Sha256,
            Self::EcdsaP384Sha384 | Self::RsaSha384 => DigestAlg::Sha384,
            Self::RsaSha512 => DigestAlg::Sha512,
        }
    }

    /// Whether it is RSA, whatever the digest.
    pub const fn is_rsa(self) -> bool {
        match self {
            Self::RsaSha256 | Self::RsaSha384 | Self::RsaSha512 => true,
            Self::Sm2Sm3 | Self::EcdsaP256Sha256 | Self::EcdsaP384Sha384 => false,
        }
    }

    /// The suite of the same kind of key with this digest; `None` where the two do not go together.
    ///
    /// A curve goes with the digest of its own strength (RFC 5480 §4, GM/T 0003), RSA with each of SHA-2.
    pub const fn with_digest(self, digest: DigestAlg) -> Option<Self> {
        match (self, digest) {
            (Self::Sm2Sm3, DigestAlg::Sm3)
            | (Self::EcdsaP256Sha256, DigestAlg::Sha256)
            | (Self::EcdsaP384Sha384, DigestAlg::Sha384) => Some(self),
            (Self::RsaSha256 | Self::RsaSha384 | Self::RsaSha512, DigestAlg::Sha256) => Some(Self::RsaSha256),
            (Self::RsaSha256 | Self::RsaSha384 | Self::RsaSha512, DigestAlg::Sha384) => Some(Self::RsaSha384),
            (Self::RsaSha256 | Self::RsaSha384 | Self::RsaSha512, DigestAlg::Sha512) => Some(Self::RsaSha512),
            _ => None,
        }
    }

    /// A short name of the kind of key: `SM2`, `P-256`, `P-384`, `RSA`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sm2Sm3 => "SM2",
            Self::EcdsaP256Sha256 => "P-256",
            Self::EcdsaP384Sha384 => "P-384",
            Self::RsaSha256 | Self::RsaSha384 | Self::RsaSha512 => "RSA",
        }
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A private key, wherever it lies: in memory, on a card, in another service.
pub trait Signer: Send + Sync {
    /// What it signs with.
    fn suite(&self) -> Suite;

    /// The signature over `message`, hashing included (for SM2, Z too), as DER: `SEQUENCE { r, s }`, or the bytes of an RSA
    /// signature.
    ///
    /// May block for as long as the device needs.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// Why there is no signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The key cannot sign in this suite.
    #[error("this key does not sign with {0}")]
    Unsupported(Suite),
    /// The system's source of random numbers failed.
    #[error("no random numbers")]
    Random,
    /// The device that holds the key did not sign; in its own words.
    #[error("the device that holds the key did not sign: {0}")]
    Device(String),
}
