//! The keys of the rest of the world: ECDSA on the NIST curves and secp256k1, RSA, Ed25519 and Ed448. By aws-lc, but for
//! what that does not check.

use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::rsa::RsaParameters;
use aws_lc_rs::signature as aws;
use aws_lc_rs::signature::{ParsedPublicKey, RsaPssSaltLength, VerificationAlgorithm};
use ed448_goldilocks as ed448;

use crate::algorithm::SignatureAlgorithm;
use crate::asn1::{Reader, tag};
use crate::digest_alg::DigestAlg;
use crate::oid::{self, Oid};
use crate::public_key::{BadSignature, KeyError};
use crate::rsa::RsaNumbers;
use crate::signature_value;
use crate::suite::Suite;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    P384,
    P521,
    P256k1,
}

impl Curve {
    pub(crate) fn from_oid(oid: &Oid) -> Option<Self> {
        match *oid {
            oid::P256_CURVE => Some(Self::P256),
            oid::P384_CURVE => Some(Self::P384),
            oid::P521_CURVE => Some(Self::P521),
            oid::P256K1_CURVE => Some(Self::P256k1),
            _ => None,
        }
    }

    pub(crate) const fn oid(self) -> Oid {
        match self {
            Self::P256 => oid::P256_CURVE,
            Self::P384 => oid::P384_CURVE,
            Self::P521 => oid::P521_CURVE,
            Self::P256k1 => oid::P256K1_CURVE,
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
        let parsed = ParsedPublicKey::new(own_implementation(kind), bytes).map_err(|_| KeyError::Invalid)?;
        Ok(Self { kind, bytes: bytes.to_vec(), parsed })
    }

    pub(crate) fn suite(&self) -> Option<Suite> {
        match self.kind {
            Kind::Ec(Curve::P256) => Some(Suite::EcdsaP256Sha256),
            Kind::Ec(Curve::P384) => Some(Suite::EcdsaP384Sha384),
            Kind::Rsa { .. } => Some(Suite::RsaSha256),
            Kind::Ec(Curve::P521 | Curve::P256k1) | Kind::Ed25519 => None,
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
            Kind::Ec(Curve::P256k1) => "secp256k1".to_owned(),
            Kind::Rsa { bits } => format!("RSA {bits}"),
            Kind::Ed25519 => "Ed25519".to_owned(),
        }
    }

    /// Bytes of the longest signature: a SEQUENCE of two numbers below the order of the curve, or a number below the modulus.
    pub(crate) fn longest_signature(&self) -> usize {
        match self.kind {
            Kind::Ec(Curve::P256 | Curve::P256k1) => 2 + 2 * (2 + 33),
            Kind::Ec(Curve::P384) => 2 + 2 * (2 + 49),
            Kind::Ec(Curve::P521) => 3 + 2 * (2 + 66),
            Kind::Rsa { bits } => bits.div_ceil(8),
            Kind::Ed25519 => 64,
        }
    }

    pub(crate) fn is_weak(&self) -> bool {
        matches!(self.kind, Kind::Rsa { bits } if bits < 2048)
    }

    pub(crate) fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), BadSignature> {
        if algorithm == self.algorithm() {
            return self.parsed.verify_sig(message, signature).map_err(|_| BadSignature);
        }
        match (algorithm.digest(), rsa(self.kind, algorithm)) {
            (_, Some(known)) => known.verify_sig(&self.bytes, message, signature).map_err(|_| BadSignature),
            (Some(digest), None) => self.verify_prehash(algorithm, &digest.digest(message), signature),
            (None, None) => Err(BadSignature),
        }
    }

    pub(crate) fn verify_prehash(
        &self,
        algorithm: SignatureAlgorithm,
        hash: &[u8],
        signature: &[u8],
    ) -> Result<(), BadSignature> {
        let digest = algorithm.digest().filter(|digest| digest.output_len() == hash.len()).ok_or(BadSignature)?;
        match (self.kind, algorithm) {
            (Kind::Ec(curve), SignatureAlgorithm::Ecdsa(_)) => self.ecdsa(curve, hash, signature),
            (Kind::Ec(curve), SignatureAlgorithm::EcdsaPlain(_)) if signature.len().is_multiple_of(2) => {
                self.ecdsa(curve, hash, &signature_value::to_der(signature))
            }
            (Kind::Rsa { .. }, SignatureAlgorithm::RsaPkcs1(_) | SignatureAlgorithm::RsaPss { .. }) => {
                match rsa(self.kind, algorithm).zip(imported(digest, hash)) {
                    Some((_, hash)) if algorithm == self.algorithm() => {
                        self.parsed.verify_digest_sig(&hash, signature).map_err(|_| BadSignature)
                    }
                    Some((known, hash)) => {
                        known.verify_digest_sig(&self.bytes, &hash, signature).map_err(|_| BadSignature)
                    }
                    None => RsaNumbers::read(&self.bytes).map_err(|_| BadSignature)?.verify(algorithm, hash, signature),
                }
            }
            _ => Err(BadSignature),
        }
    }

    /// The library ties each curve to few digests. ECDSA itself takes the leftmost bits of any hash as a number (FIPS 186-5
    /// §6.4.2), so a longer one is cut and a shorter one has zeros in front.
    fn ecdsa(&self, curve: Curve, hash: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        let (own, width) = match curve {
            Curve::P256 | Curve::P256k1 => (&digest::SHA256, 32),
            Curve::P384 => (&digest::SHA384, 48),
            Curve::P521 => (&digest::SHA512, 64), // no digest is longer than 64 bytes
        };
        let hash = &hash[..hash.len().min(width)];
        let mut number = vec![0; width - hash.len()];
        number.extend_from_slice(hash);
        let number = Digest::import_less_safe(&number, own).map_err(|_| BadSignature)?;
        self.parsed.verify_digest_sig(&number, signature).map_err(|_| BadSignature)
    }
}

fn imported(digest: DigestAlg, hash: &[u8]) -> Option<Digest> {
    let algorithm = match digest {
        DigestAlg::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        DigestAlg::Sha256 => &digest::SHA256,
        DigestAlg::Sha384 => &digest::SHA384,
        DigestAlg::Sha512 => &digest::SHA512,
        _ => return None,
    };
    Digest::import_less_safe(hash, algorithm).ok()
}

/// An Ed448 key (RFC 8032 §5.2).
pub(crate) struct Ed448Key(ed448::VerifyingKey);

impl Ed448Key {
    /// # Errors
    /// [`KeyError::Invalid`]: no point of the curve.
    pub(crate) fn new(key: &[u8]) -> Result<Self, KeyError> {
        let bytes: [u8; 57] = key.try_into().map_err(|_| KeyError::Invalid)?;
        ed448::VerifyingKey::from_bytes(&bytes).map(Self).map_err(|_| KeyError::Invalid)
    }

    pub(crate) fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), BadSignature> {
        let value = ed448::Signature::try_from(signature).map_err(|_| BadSignature)?;
        if algorithm != SignatureAlgorithm::Ed448 {
            return Err(BadSignature);
        }
        self.0.verify_raw(&value, message).map_err(|_| BadSignature)
    }
}

/// What a key of this kind signs with when nothing else is said.
fn own_algorithm(kind: Kind) -> SignatureAlgorithm {
    match kind {
        Kind::Ec(Curve::P256 | Curve::P256k1) => SignatureAlgorithm::Ecdsa(DigestAlg::Sha256),
        Kind::Ec(Curve::P384) => SignatureAlgorithm::Ecdsa(DigestAlg::Sha384),
        Kind::Ec(Curve::P521) => SignatureAlgorithm::Ecdsa(DigestAlg::Sha512),
        Kind::Rsa { .. } => SignatureAlgorithm::RsaPkcs1(DigestAlg::Sha256),
        Kind::Ed25519 => SignatureAlgorithm::Ed25519,
    }
}

/// aws-lc's implementation of a kind of key's own algorithm.
fn own_implementation(kind: Kind) -> &'static dyn VerificationAlgorithm {
    match kind {
        Kind::Ec(Curve::P256) => &aws::ECDSA_P256_SHA256_ASN1,
        Kind::Ec(Curve::P384) => &aws::ECDSA_P384_SHA384_ASN1,
        Kind::Ec(Curve::P521) => &aws::ECDSA_P521_SHA512_ASN1,
        Kind::Ec(Curve::P256k1) => &aws::ECDSA_P256K1_SHA256_ASN1,
        Kind::Rsa { .. } => &aws::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        Kind::Ed25519 => &aws::ED25519,
    }
}

/// aws-lc's implementation of an RSA algorithm for a key of so many bits; `None` where it has none.
fn rsa(kind: Kind, algorithm: SignatureAlgorithm) -> Option<&'static dyn VerificationAlgorithm> {
    use DigestAlg::{Sha1, Sha256, Sha384, Sha512};
    use SignatureAlgorithm::{RsaPkcs1, RsaPss};
    let Kind::Rsa { bits: bits @ 1024..=8192 } = kind else { return None };
    match algorithm {
        RsaPkcs1(Sha1) => Some(&aws::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY),
        RsaPkcs1(Sha256) => Some(&aws::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY),
        RsaPkcs1(Sha384) if bits >= 2048 => Some(&aws::RSA_PKCS1_2048_8192_SHA384),
        RsaPkcs1(Sha512) => Some(&aws::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY),
        RsaPss { digest, mask, salt_len } if bits >= 2048 && mask == digest => pss(bits, digest, salt_len),
        _ => None,
    }
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
        _ => return None,
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
