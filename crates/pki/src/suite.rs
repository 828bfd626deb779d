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
    /// RSA with PKCS #1 v1.5 and SHA-256. Software keys of this crate verify it only; a token may sign with it.
    RsaSha256,
}

impl Suite {
    /// The digest that is signed.
    pub const fn digest(self) -> DigestAlg {
        match self {
            Self::Sm2Sm3 => DigestAlg::Sm3,
            Self::EcdsaP256Sha256 | Self::RsaSha256 => DigestAlg::Sha256,
        }
    }

    /// A short name: `SM2`, `P-256`, `RSA`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sm2Sm3 => "SM2",
            Self::EcdsaP256Sha256 => "P-256",
            Self::RsaSha256 => "RSA",
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
