//! The keys of the rest of the world: ECDSA on the NIST curves, RSA, Ed25519. All by aws-lc.

use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::rsa::RsaParameters;
use aws_lc_rs::signature as aws;
use aws_lc_rs::signature::{ParsedPublicKey, RsaPssSaltLength, VerificationAlgorithm};

use crate::algorithm::SignatureAlgorithm;
use crate::asn1::{Reader, tag};
use crate::digest_alg::DigestAlg;
use crate::oid::{self, Oid};
use crate::public_key::{BadSignature, KeyError};
use crate::signature_value;
use crate::suite::Suite;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    pub(crate) fn from_oid(oid: &Oid) -> Option<Self> {
        match *oid {
            oid::P256_CURVE => Some(Self::P256),
            oid::P384_CURVE => Some(Self::P384),
            oid::P521_CURVE => Some(Self::P521),
            _ => None,
        }
    }

    pub(crate) const fn oid(self) -> Oid {
        match self {
            Self::P256 => oid::P256_CURVE,
            Self::P384 => oid::P384_CURVE,
            Self::P521 => oid::P521_CURVE,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ec(Curve),
    Rsa { bits: usize },
    Ed25519,
}

pub(crate) struct InternationalKey {
    kind: Kind,
    /// Point, RSAPublicKey or Ed25519 key, as in the BIT STRING.
    bytes: Vec<u8>,
    /// Parsed for the key's own algorithm, which is the one that nearly all signatures name.
    parsed: ParsedPublicKey,
}

impl InternationalKey {
    pub(crate) fn ec(curve: Curve, point: &[u8]) -> Result<Self, KeyError> {
        Self::new(Kind::Ec(curve), point)
    }

    pub(crate) fn rsa(key: &[u8]) -> Result<Self, KeyError> {
        const WHAT: &str = "an RSA key";
        let mut numbers = Reader::der(key).single(tag::SEQUENCE, WHAT)?.inside()?;
        let modulus = numbers.any(WHAT)?.unsigned(WHAT)?;
        let bits = modulus.first().map_or(0, |first| modulus.len() * 8 - first.leading_zeros() as usize);
        if bits < 1024 {
            return Err(KeyError::Invalid);
        }
        Self::new(Kind::Rsa { bits }, key)
    }

    pub(crate) fn ed25519(key: &[u8]) -> Result<Self, KeyError> {
        Self::new(Kind::Ed25519, key)
    }

    fn new(kind: Kind, bytes: &[u8]) -> Result<Self, KeyError> {
        let own = implementation(kind, own_algorithm(kind)).ok_or(KeyError::Invalid)?;
        let parsed = ParsedPublicKey::new(own, bytes).map_err(|_| KeyError::Invalid)?;
        Ok(Self { kind, bytes: bytes.to_vec(), parsed })
    }

    pub(crate) fn suite(&self) -> Option<Suite> {
        match self.kind {
            Kind::Ec(Curve::P256) => Some(Suite::EcdsaP256Sha256),
            Kind::Ec(Curve::P384) => Some(Suite::EcdsaP384Sha384),
            Kind::Rsa { .. } => Some(Suite::RsaSha256),
            Kind::Ec(Curve::P521) | Kind::Ed25519 => None,
        }
    }

    pub(crate) fn algorithm(&self) -> SignatureAlgorithm {
        own_algorithm(self.kind)
    }

    pub(crate) fn description(&self) -> String {
        match self.kind {
            Kind::Ec(Curve::P256) => "P-256".to_owned(),
            Kind::Ec(Curve::P384) => "P-384".to_owned(),
            Kind::Ec(Curve::P521) => "P-521".to_owned(),
            Kind::Rsa { bits } => format!("RSA {bits}"),
            Kind::Ed25519 => "Ed25519".to_owned(),
        }
    }

    /// Bytes of the longest signature: a SEQUENCE of two numbers below the order of the curve, or a number below the modulus.
    pub(crate) fn longest_signature(&self) -> usize {
        match self.kind {
            Kind::Ec(Curve::P256) => 2 + 2 * (2 + 33),
            Kind::Ec(Curve::P384) => 2 + 2 * (2 + 49),
            Kind::Ec(Curve::P521) => 3 + 2 * (2 + 66),
            Kind::Rsa { bits } => bits.div_ceil(8),
            Kind::Ed25519 => 64,
        }
    }

    pub(crate) fn is_weak(&self) -> bool {
        matches!(self.kind, Kind::Rsa { bits } if bits < 2048)
    }

    /// See [`crate::PublicKey::is_unchecked`].
    pub(crate) fn is_unchecked(&self, algorithm: SignatureAlgorithm) -> bool {
        use SignatureAlgorithm::{Ecdsa, EcdsaPlain, Ed25519, RsaPkcs1, RsaPss, Sm2Sm3};
        let (fits, algorithm) = match algorithm {
            Ecdsa(digest) | EcdsaPlain(digest) => (matches!(self.kind, Kind::Ec(_)), Ecdsa(digest)),
            RsaPkcs1(_) | RsaPss { .. } => (matches!(self.kind, Kind::Rsa { .. }), algorithm),
            Ed25519 => (self.kind == Kind::Ed25519, algorithm),
            Sm2Sm3 => (false, algorithm),
        };
        fits && implementation(self.kind, algorithm).is_none()
    }

    pub(crate) fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), BadSignature> {
        let (algorithm, signature) = as_der(algorithm, signature);
        if algorithm == self.algorithm() {
            return self.parsed.verify_sig(message, &signature).map_err(|_| BadSignature);
        }
        let implementation = implementation(self.kind, algorithm).ok_or(BadSignature)?;
        implementation.verify_sig(&self.bytes, message, &signature).map_err(|_| BadSignature)
    }

    pub(crate) fn verify_prehash(
        &self,
        algorithm: SignatureAlgorithm,
        hash: &[u8],
        signature: &[u8],
    ) -> Result<(), BadSignature> {
        let (algorithm, signature) = as_der(algorithm, signature);
        let digest = match algorithm.digest().ok_or(BadSignature)? {
            DigestAlg::Sha1 => Digest::import_less_safe(hash, &digest::SHA1_FOR_LEGACY_USE_ONLY),
            DigestAlg::Sha256 => Digest::import_less_safe(hash, &digest::SHA256),
            DigestAlg::Sha384 => Digest::import_less_safe(hash, &digest::SHA384),
            DigestAlg::Sha512 => Digest::import_less_safe(hash, &digest::SHA512),
            DigestAlg::Sm3 | DigestAlg::Md5 => return Err(BadSignature),
        };
        let digest = digest.map_err(|_| BadSignature)?;
        if algorithm == self.algorithm() {
            return self.parsed.verify_digest_sig(&digest, &signature).map_err(|_| BadSignature);
        }
        let implementation = implementation(self.kind, algorithm).ok_or(BadSignature)?;
        implementation.verify_digest_sig(&self.bytes, &digest, &signature).map_err(|_| BadSignature)
    }
}

/// What a key of this kind signs with when nothing else is said.
fn own_algorithm(kind: Kind) -> SignatureAlgorithm {
    match kind {
        Kind::Ec(Curve::P256) => SignatureAlgorithm::Ecdsa(DigestAlg::Sha256),
        Kind::Ec(Curve::P384) => SignatureAlgorithm::Ecdsa(DigestAlg::Sha384),
        Kind::Ec(Curve::P521) => SignatureAlgorithm::Ecdsa(DigestAlg::Sha512),
        Kind::Rsa { .. } => SignatureAlgorithm::RsaPkcs1(DigestAlg::Sha256),
        Kind::Ed25519 => SignatureAlgorithm::Ed25519,
    }
}

/// A plain ECDSA signature in the form that the library takes.
fn as_der(algorithm: SignatureAlgorithm, signature: &[u8]) -> (SignatureAlgorithm, std::borrow::Cow<'_, [u8]>) {
    match algorithm {
        SignatureAlgorithm::EcdsaPlain(digest) if signature.len().is_multiple_of(2) => {
            (SignatureAlgorithm::Ecdsa(digest), signature_value::to_der(signature).into())
        }
        other => (other, signature.into()),
    }
}

/// aws-lc's implementation of an algorithm for a kind of key; `None` where they do not fit, or where it has none.
fn implementation(kind: Kind, algorithm: SignatureAlgorithm) -> Option<&'static dyn VerificationAlgorithm> {
    use DigestAlg::{Sha1, Sha256, Sha384, Sha512};
    use SignatureAlgorithm::{Ecdsa, RsaPkcs1, RsaPss};
    Some(match (kind, algorithm) {
        (Kind::Ec(Curve::P256), Ecdsa(Sha1)) => &aws::ECDSA_P256_SHA1_ASN1,
        (Kind::Ec(Curve::P256), Ecdsa(Sha256)) => &aws::ECDSA_P256_SHA256_ASN1,
        (Kind::Ec(Curve::P256), Ecdsa(Sha384)) => &aws::ECDSA_P256_SHA384_ASN1,
        (Kind::Ec(Curve::P256), Ecdsa(Sha512)) => &aws::ECDSA_P256_SHA512_ASN1,
        (Kind::Ec(Curve::P384), Ecdsa(Sha256)) => &aws::ECDSA_P384_SHA256_ASN1,
        (Kind::Ec(Curve::P384), Ecdsa(Sha384)) => &aws::ECDSA_P384_SHA384_ASN1,
        (Kind::Ec(Curve::P384), Ecdsa(Sha512)) => &aws::ECDSA_P384_SHA512_ASN1,
        (Kind::Ec(Curve::P521), Ecdsa(Sha1)) => &aws::ECDSA_P521_SHA1_ASN1,
        (Kind::Ec(Curve::P521), Ecdsa(Sha256)) => &aws::ECDSA_P521_SHA256_ASN1,
        (Kind::Ec(Curve::P521), Ecdsa(Sha384)) => &aws::ECDSA_P521_SHA384_ASN1,
        (Kind::Ec(Curve::P521), Ecdsa(Sha512)) => &aws::ECDSA_P521_SHA512_ASN1,
        (Kind::Rsa { .. }, RsaPkcs1(Sha1)) => &aws::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        (Kind::Rsa { .. }, RsaPkcs1(Sha256)) => &aws::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        (Kind::Rsa { .. }, RsaPkcs1(Sha384)) => &aws::RSA_PKCS1_2048_8192_SHA384,
        (Kind::Rsa { .. }, RsaPkcs1(Sha512)) => &aws::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        (Kind::Rsa { bits }, RsaPss { digest, salt_len }) => pss(bits, digest, salt_len)?,
        (Kind::Ed25519, SignatureAlgorithm::Ed25519) => &aws::ED25519,
        _ => return None,
    })
}

/// The salt lengths that are met: the digest's own, the 20 bytes that RFC 4055 means by silence, and as much as fits.
fn pss(bits: usize, digest: DigestAlg, salt_len: u32) -> Option<&'static dyn VerificationAlgorithm> {
    const TWENTY: RsaPssSaltLength = RsaPssSaltLength::Custom(20);
    const MAX: RsaPssSaltLength = RsaPssSaltLength::Max;
    let [own, twenty, max]: [&'static RsaParameters; 3] = match digest {
        DigestAlg::Sha256 => [
            &aws::RSA_PSS_2048_8192_SHA256,
            &const { aws::RSA_PSS_2048_8192_SHA256.with_pss_salt_length(TWENTY) },
            &const { aws::RSA_PSS_2048_8192_SHA256.with_pss_salt_length(MAX) },
        ],
        DigestAlg::Sha384 => [
            &aws::RSA_PSS_2048_8192_SHA384,
            &const { aws::RSA_PSS_2048_8192_SHA384.with_pss_salt_length(TWENTY) },
            &const { aws::RSA_PSS_2048_8192_SHA384.with_pss_salt_length(MAX) },
        ],
        DigestAlg::Sha512 => [
            &aws::RSA_PSS_2048_8192_SHA512,
            &const { aws::RSA_PSS_2048_8192_SHA512.with_pss_salt_length(TWENTY) },
            &const { aws::RSA_PSS_2048_8192_SHA512.with_pss_salt_length(MAX) },
        ],
        DigestAlg::Sm3 | DigestAlg::Md5 | DigestAlg::Sha1 => return None,
    };
    let salt_len = usize::try_from(salt_len).ok()?;
    let largest = ((bits + 6) / 8).checked_sub(digest.output_len() + 2)?; // RFC 8017 §9.1.1
    match salt_len {
        _ if salt_len == digest.output_len() => Some(own),
        20 => Some(twenty),
        _ if salt_len == largest => Some(max),
        _ => None,
    }
}
