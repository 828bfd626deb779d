//! Signature algorithms as certificates and CMS name them.

use std::fmt;

use crate::asn1::{Element, Malformed, tag, writer};
use crate::digest_alg::DigestAlg;
use crate::oid::{self, Oid};
use crate::suite::Suite;

/// How a signature value was computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    /// SM2 with SM3.
    Sm2Sm3,
    /// ECDSA, r and s as DER.
    Ecdsa(DigestAlg),
    /// ECDSA, r and s side by side (BSI TR-03111 §5.2.1).
    EcdsaPlain(DigestAlg),
    /// RSA with PKCS #1 v1.5 padding.
    RsaPkcs1(DigestAlg),
    /// RSA with PSS padding and MGF1.
    RsaPss {
        /// Of the message.
        digest: DigestAlg,
        /// Of MGF1: nearly always the same.
        mask: DigestAlg,
        /// Bytes of salt.
        salt_len: u32,
    },
    /// Ed25519 (RFC 8032).
    Ed25519,
    /// Ed448 (RFC 8032).
    Ed448,
}

/// Why an AlgorithmIdentifier gives no [`SignatureAlgorithm`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AlgorithmError {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("the signature algorithm {0} is not supported")]
    Unsupported(String),
}

impl SignatureAlgorithm {
    /// Reads an AlgorithmIdentifier in the place of a signature algorithm.
    ///
    /// CMS may name the kind of key only (`rsaEncryption`, `id-ecPublicKey`); the digest then is that of the SignerInfo,
    /// `digest`.
    pub(crate) fn read(element: &Element<'_>, digest: Option<DigestAlg>) -> Result<Self, AlgorithmError> {
        let (oid, parameters) = read_identifier(element)?;
        let unsupported = || AlgorithmError::Unsupported(oid.to_string());
        Ok(match oid {
            oid::SM2_WITH_SM3 | oid::SM2_SIGNATURE => Self::Sm2Sm3,
            // GB/T 35275 structures of some producers name the curve or the kind of key instead.
            oid::SM2_CURVE => Self::Sm2Sm3,
            oid::EC_PUBLIC_KEY if digest == Some(DigestAlg::Sm3) => Self::Sm2Sm3,
            oid::EC_PUBLIC_KEY => Self::Ecdsa(digest.ok_or_else(unsupported)?),
            oid::RSA_ENCRYPTION => Self::RsaPkcs1(digest.ok_or_else(unsupported)?),
            oid::RSA_PSS => read_pss(parameters)?,
            oid::ED25519 => Self::Ed25519,
            oid::ED448 => Self::Ed448,
            _ => Self::with_digest_in_name(&oid).ok_or_else(unsupported)?,
        })
    }

    /// What names the digest too.
    fn with_digest_in_name(oid: &Oid) -> Option<Self> {
        use DigestAlg::{Md5, Ripemd160, Sha1, Sha3_224, Sha3_256, Sha3_384, Sha3_512, Sha224, Sha256, Sha384, Sha512};
        Some(match *oid {
            oid::ECDSA_SHA1 => Self::Ecdsa(Sha1),
            oid::ECDSA_SHA224 => Self::Ecdsa(Sha224),
            oid::ECDSA_SHA256 => Self::Ecdsa(Sha256),
            oid::ECDSA_SHA384 => Self::Ecdsa(Sha384),
            oid::ECDSA_SHA512 => Self::Ecdsa(Sha512),
            oid::ECDSA_SHA3_224 => Self::Ecdsa(Sha3_224),
            oid::ECDSA_SHA3_256 => Self::Ecdsa(Sha3_256),
            oid::ECDSA_SHA3_384 => Self::Ecdsa(Sha3_384),
            oid::ECDSA_SHA3_512 => Self::Ecdsa(Sha3_512),
            oid::ECDSA_PLAIN_SHA224 => Self::EcdsaPlain(Sha224),
            oid::ECDSA_PLAIN_SHA256 => Self::EcdsaPlain(Sha256),
            oid::ECDSA_PLAIN_SHA384 => Self::EcdsaPlain(Sha384),
            oid::ECDSA_PLAIN_SHA512 => Self::EcdsaPlain(Sha512),
            oid::RSA_MD5 => Self::RsaPkcs1(Md5),
            oid::RSA_SHA1 | oid::RSA_SHA1_OIW => Self::RsaPkcs1(Sha1),
            oid::RSA_SHA224 => Self::RsaPkcs1(Sha224),
            oid::RSA_SHA256 => Self::RsaPkcs1(Sha256),
            oid::RSA_SHA384 => Self::RsaPkcs1(Sha384),
            oid::RSA_SHA512 => Self::RsaPkcs1(Sha512),
            oid::RSA_SHA3_224 => Self::RsaPkcs1(Sha3_224),
            oid::RSA_SHA3_256 => Self::RsaPkcs1(Sha3_256),
            oid::RSA_SHA3_384 => Self::RsaPkcs1(Sha3_384),
            oid::RSA_SHA3_512 => Self::RsaPkcs1(Sha3_512),
            oid::RSA_RIPEMD160 => Self::RsaPkcs1(Ripemd160),
            _ => return None,
        })
    }

    /// The same kind of signature with another digest, where the two can be combined freely.
    pub(crate) fn with_digest(self, digest: DigestAlg) -> Self {
        match self {
            Self::Ecdsa(_) => Self::Ecdsa(digest),
            Self::RsaPkcs1(_) => Self::RsaPkcs1(digest),
            other => other,
        }
    }

    /// The digest that is signed; `None` for Ed25519 and Ed448, which have their own.
    pub fn digest(self) -> Option<DigestAlg> {
        match self {
            Self::Sm2Sm3 => Some(DigestAlg::Sm3),
            Self::Ecdsa(digest) | Self::EcdsaPlain(digest) | Self::RsaPkcs1(digest) | Self::RsaPss { digest, .. } => {
                Some(digest)
            }
            Self::Ed25519 | Self::Ed448 => None,
        }
    }
}

impl From<Suite> for SignatureAlgorithm {
    fn from(suite: Suite) -> Self {
        match suite {
            Suite::Sm2Sm3 => Self::Sm2Sm3,
            Suite::EcdsaP256Sha256 => Self::Ecdsa(DigestAlg::Sha256),
            Suite::EcdsaP384Sha384 => Self::Ecdsa(DigestAlg::Sha384),
            Suite::RsaSha256 | Suite::RsaSha384 | Suite::RsaSha512 => Self::RsaPkcs1(suite.digest()),
        }
    }
}

impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sm2Sm3 => f.write_str("SM2 with SM3"),
            Self::Ecdsa(digest) => write!(f, "ECDSA with {digest}"),
            Self::EcdsaPlain(digest) => write!(f, "plain ECDSA with {digest}"),
            Self::RsaPkcs1(digest) => write!(f, "RSA with {digest}"),
            Self::RsaPss { digest, .. } => write!(f, "RSA-PSS with {digest}"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::Ed448 => f.write_str("Ed448"),
        }
    }
}

/// An AlgorithmIdentifier: its object identifier, and its parameters where they are neither absent nor NULL.
pub(crate) fn read_identifier<'a>(element: &Element<'a>) -> Result<(Oid, Option<Element<'a>>), AlgorithmError> {
    const WHAT: Malformed = Malformed("an algorithm identifier");
    if element.tag != tag::SEQUENCE {
        return Err(WHAT.into());
    }
    let mut parts = element.inside()?;
    let name = parts.read(tag::OID, WHAT.0)?;
    let oid = name.oid().ok_or_else(|| AlgorithmError::Unsupported(format!("0x{}", hex::encode(name.content))))?;
    let parameters = parts.next()?.filter(|element| element.tag != tag::NULL);
    parts.finish(WHAT.0)?;
    Ok((oid, parameters))
}

/// RSASSA-PSS-params (RFC 4055 §3.1). What is left out means SHA-1 and 20 bytes of salt.
fn read_pss(parameters: Option<Element<'_>>) -> Result<SignatureAlgorithm, AlgorithmError> {
    const WHAT: &str = "the parameters of RSA-PSS";
    let (mut digest, mut mask, mut salt_len) = (DigestAlg::Sha1, DigestAlg::Sha1, 20);
    if let Some(parameters) = parameters {
        let mut fields = parameters.inside()?;
        if let Some(field) = fields.optional(tag::constructed(0))? {
            digest = read_digest(&field.inside()?.any(WHAT)?)?;
        }
        if let Some(field) = fields.optional(tag::constructed(1))? {
            let (function, of) = read_identifier(&field.inside()?.any(WHAT)?)?;
            if function != oid::MGF1 {
                return Err(AlgorithmError::Unsupported(format!("RSA-PSS with the mask function {function}")));
            }
            mask = read_digest(&of.ok_or(Malformed(WHAT))?)?;
        }
        if let Some(field) = fields.optional(tag::constructed(2))? {
            salt_len = field.inside()?.any(WHAT)?.number(WHAT)?;
        }
    }
    Ok(SignatureAlgorithm::RsaPss { digest, mask, salt_len })
}

/// An AlgorithmIdentifier in the place of a digest algorithm.
pub(crate) fn read_digest(element: &Element<'_>) -> Result<DigestAlg, AlgorithmError> {
    let (oid, _) = read_identifier(element)?;
    // Some producers name the signature algorithm where the digest belongs.
    let by_signature = || SignatureAlgorithm::read(element, None).ok().and_then(SignatureAlgorithm::digest);
    DigestAlg::from_oid(&oid).or_else(by_signature).ok_or_else(|| AlgorithmError::Unsupported(oid.to_string()))
}

/// The AlgorithmIdentifier of a suite's signatures. Parameters are absent, save for the NULL of RSA (RFC 4055 §5).
pub(crate) fn write_suite(suite: Suite) -> Vec<u8> {
    let rsa = |oid| writer::sequence(&[writer::oid(oid), writer::null()]);
    match suite {
        Suite::Sm2Sm3 => writer::sequence(&[writer::oid(&oid::SM2_WITH_SM3)]),
        Suite::EcdsaP256Sha256 => writer::sequence(&[writer::oid(&oid::ECDSA_SHA256)]),
        Suite::EcdsaP384Sha384 => writer::sequence(&[writer::oid(&oid::ECDSA_SHA384)]),
        Suite::RsaSha256 => rsa(&oid::RSA_SHA256),
        Suite::RsaSha384 => rsa(&oid::RSA_SHA384),
        Suite::RsaSha512 => rsa(&oid::RSA_SHA512),
    }
}

/// The AlgorithmIdentifier of a digest, without parameters (RFC 5754 §2).
pub(crate) fn write_digest(digest: DigestAlg) -> Vec<u8> {
    writer::sequence(&[writer::oid(&digest.oid())])
}

/// The AlgorithmIdentifier of a digest with the parameters NULL, which is what most software writes and some compares.
pub(crate) fn write_digest_with_null(digest: DigestAlg) -> Vec<u8> {
    writer::sequence(&[writer::oid(&digest.oid()), writer::null()])
}
