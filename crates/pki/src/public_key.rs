//! Public keys: read from a SubjectPublicKeyInfo, parsed once, checking signatures.

use std::fmt;
use std::sync::Arc;

use crate::algorithm::{AlgorithmError, SignatureAlgorithm, read_identifier};
use crate::asn1::{Malformed, Reader, tag, writer};
use crate::brainpool::BrainpoolKey;
use crate::digest_alg::{DigestAlg, Hasher};
use crate::international::{Curve, Ed448Key, InternationalKey};
use crate::oid;
use crate::sm2_key::Sm2PublicKey;
use crate::suite::Suite;

/// Bytes of the longest SubjectPublicKeyInfo that is read: an RSA key of 16384 bits has 2086.
const MAX_SPKI: usize = 4096;

/// A public key. Cheap to clone; parsing, the point check and SM2's Z are done once.
#[derive(Clone)]
pub struct PublicKey(Arc<Parts>);

struct Parts {
    spki: Vec<u8>,
    /// SHA-1 of the key's bits.
    identifier: Vec<u8>,
    kind: Kind,
}

enum Kind {
    Sm2(Sm2PublicKey),
    International(InternationalKey),
    Brainpool(BrainpoolKey),
    Ed448(Ed448Key),
}

/// Why bytes are no usable key, or none was made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not the structure that keys are written in.
    #[error("not a key: {0}")]
    Malformed(&'static str),
    /// A kind of key that this crate does not know, by its object identifier.
    #[error("keys of the kind {0} are not supported")]
    Unsupported(String),
    /// The numbers are no key of their kind: a point beside the curve, an RSA modulus below 1024 bits.
    #[error("the numbers of the key are not valid for its kind")]
    Invalid,
    /// The system's source of random numbers failed.
    #[error("no random numbers to make a key from")]
    Random,
}

/// The signature does not fit the message and the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature value is wrong")]
pub struct BadSignature;

/// In which of its two forms an SM2 signature came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureForm {
    /// `SEQUENCE { r INTEGER, s INTEGER }`, as GM/T 0009 asks for.
    Der,
    /// 64 bytes r‖s, as some producers write: worth a note.
    Raw,
}

impl From<Malformed> for KeyError {
    fn from(error: Malformed) -> Self {
        Self::Malformed(error.0)
    }
}

impl From<AlgorithmError> for KeyError {
    fn from(error: AlgorithmError) -> Self {
        match error {
            AlgorithmError::Malformed(error) => error.into(),
            AlgorithmError::Unsupported(what) => Self::Unsupported(what),
        }
    }
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
    ///
    /// SM2 keys are accepted under `id-ecPublicKey` with the curve as parameter (GM/T 0015) and under the curve's own identifier.
    pub fn from_spki_der(spki: &[u8]) -> Result<Self, KeyError> {
        const WHAT: &str = "a public key";
        if spki.len() > MAX_SPKI {
            return Err(KeyError::Malformed("a public key of more than 4096 bytes"));
        }
        let mut parts = Reader::der(spki).single(tag::SEQUENCE, WHAT)?.inside()?;
        let (algorithm, parameters) = read_identifier(&parts.any(WHAT)?)?;
        let key = parts.read(tag::BIT_STRING, WHAT)?.bit_string(WHAT)?;
        parts.finish(WHAT)?;

        let curve = parameters.and_then(|parameters| parameters.oid());
        match (algorithm, curve) {
            (oid::EC_PUBLIC_KEY, Some(oid::SM2_CURVE)) | (oid::SM2_CURVE, _) => Self::sm2(key),
            (oid::EC_PUBLIC_KEY, Some(named)) => match Curve::from_oid(&named) {
                Some(curve) => Ok(Self::new(Kind::International(InternationalKey::ec(curve, key)?), spki, key)),
                None => match BrainpoolKey::from_point(&named, key) {
                    Some(parsed) => Ok(Self::new(Kind::Brainpool(parsed?), spki, key)),
                    None => Err(KeyError::Unsupported(named.to_string())),
                },
            },
            (oid::RSA_ENCRYPTION | oid::RSA_PSS, _) => {
                Ok(Self::new(Kind::International(InternationalKey::rsa(key)?), spki, key))
            }
            (oid::ED448, None) => Ok(Self::new(Kind::Ed448(Ed448Key::new(key)?), spki, key)),
            (oid::ED25519, None) => Ok(Self::new(Kind::International(InternationalKey::ed25519(key)?), spki, key)),
            _ => Err(KeyError::Unsupported(algorithm.to_string())),
        }
    }

    /// An SM2 key from its point: 65 bytes beginning 04, or 33 compressed ones.
    pub(crate) fn sm2(point: &[u8]) -> Result<Self, KeyError> {
        let key = Sm2PublicKey::from_point(point)?;
        let point = key.point();
        Ok(Self::new(Kind::Sm2(key), &ec_spki(&oid::SM2_CURVE, &point), &point))
    }

    /// A key on a NIST curve from its uncompressed point.
    pub(crate) fn ec(curve: Curve, point: &[u8]) -> Result<Self, KeyError> {
        let key = InternationalKey::ec(curve, point)?;
        Ok(Self::new(Kind::International(key), &ec_spki(&curve.oid(), point), point))
    }

    /// An RSA key from its RSAPublicKey (RFC 8017 annex A.1.1).
    pub(crate) fn rsa(key: &[u8]) -> Result<Self, KeyError> {
        let algorithm = writer::sequence(&[writer::oid(&oid::RSA_ENCRYPTION), writer::null()]);
        let spki = writer::sequence(&[algorithm, writer::bit_string(key)]);
        Ok(Self::new(Kind::International(InternationalKey::rsa(key)?), &spki, key))
    }

    fn new(kind: Kind, spki: &[u8], key: &[u8]) -> Self {
        Self(Arc::new(Parts { spki: spki.to_vec(), identifier: DigestAlg::Sha1.digest(key), kind }))
    }

    /// The SubjectPublicKeyInfo.
    pub fn to_spki_der(&self) -> Vec<u8> {
        self.0.spki.clone()
    }

    /// The suite that this key belongs to; for RSA the one with SHA-256, see [`Suite::with_digest`]. `None`: a key that is only
    /// met in other people's signatures (P-521, secp256k1, Brainpool, Ed25519, Ed448).
    pub fn suite(&self) -> Option<Suite> {
        match &self.0.kind {
            Kind::Sm2(_) => Some(Suite::Sm2Sm3),
            Kind::International(key) => key.suite(),
            Kind::Brainpool(_) | Kind::Ed448(_) => None,
        }
    }

    /// What the key signs with when nothing else is said: SM2 with SM3, RSA and P-256 with SHA-256, P-384 with SHA-384 and so on.
    pub fn algorithm(&self) -> SignatureAlgorithm {
        match &self.0.kind {
            Kind::Sm2(_) => SignatureAlgorithm::Sm2Sm3,
            Kind::International(key) => key.algorithm(),
            Kind::Brainpool(key) => key.algorithm(),
            Kind::Ed448(_) => SignatureAlgorithm::Ed448,
        }
    }

    /// The kind and size of the key for people: `SM2`, `P-256`, `RSA 2048`.
    pub fn description(&self) -> String {
        match &self.0.kind {
            Kind::Sm2(_) => "SM2".to_owned(),
            Kind::International(key) => key.description(),
            Kind::Brainpool(key) => key.description().to_owned(),
            Kind::Ed448(_) => "Ed448".to_owned(),
        }
    }

    /// Whether `signature` is this key's over `message`, in the form that [`crate::Signer::sign`] gives.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        self.verify_with(self.algorithm(), message, signature)
    }

    /// The same for a signature whose algorithm is named beside it. An algorithm of another kind of key is a bad signature.
    pub fn verify_with(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), BadSignature> {
        match (&self.0.kind, algorithm) {
            (Kind::Sm2(key), SignatureAlgorithm::Sm2Sm3) => key.verify(message, signature),
            (Kind::Sm2(_), _) => Err(BadSignature),
            (Kind::International(key), _) => key.verify(algorithm, message, signature),
            (Kind::Brainpool(key), _) => key.verify(algorithm, message, signature),
            (Kind::Ed448(key), _) => key.verify(algorithm, message, signature),
        }
    }

    /// Whether `signature` is this key's over a message that was hashed elsewhere, with the digest of [`PublicKey::algorithm`].
    ///
    /// For SM2 the hash is e = SM3(Z ‖ M): see [`PublicKey::sm2_z_hasher`].
    pub fn verify_prehash(&self, hash: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        self.verify_prehash_with(self.algorithm(), hash, signature)
    }

    /// The same for a signature whose algorithm is named beside it.
    pub fn verify_prehash_with(
        &self,
        algorithm: SignatureAlgorithm,
        hash: &[u8],
        signature: &[u8],
    ) -> Result<(), BadSignature> {
        match (&self.0.kind, algorithm) {
            (Kind::Sm2(key), SignatureAlgorithm::Sm2Sm3) => key.verify_prehash(hash, signature),
            (Kind::Sm2(_), _) => Err(BadSignature),
            (Kind::International(key), _) => key.verify_prehash(algorithm, hash, signature),
            (Kind::Brainpool(key), _) => key.verify_prehash(algorithm, hash, signature),
            (Kind::Ed448(_), _) => Err(BadSignature),
        }
    }

    /// The same as [`PublicKey::verify`] for an SM2 signature that may also be the 64 bytes r‖s; tells which it was.
    pub fn verify_sm2_raw_or_der(&self, message: &[u8], signature: &[u8]) -> Result<SignatureForm, BadSignature> {
        match &self.0.kind {
            Kind::Sm2(key) => key.verify_raw_or_der(message, signature),
            Kind::International(_) | Kind::Brainpool(_) | Kind::Ed448(_) => Err(BadSignature),
        }
    }

    /// SM3 already fed with this key's Z (GB/T 32918.2 §5.5), to hash a message in pieces; `None` when this is no SM2 key.
    pub fn sm2_z_hasher(&self) -> Option<Hasher> {
        match &self.0.kind {
            Kind::Sm2(key) => Some(key.z_hasher()),
            Kind::International(_) | Kind::Brainpool(_) | Kind::Ed448(_) => None,
        }
    }

    /// This key's Z itself, with the usual identity (GB/T 32918.2 §5.5, GM/T 0009 §10); `None` when this is no SM2 key.
    pub fn sm2_z(&self) -> Option<[u8; 32]> {
        match &self.0.kind {
            Kind::Sm2(key) => Some(key.z()),
            Kind::International(_) | Kind::Brainpool(_) | Kind::Ed448(_) => None,
        }
    }

    /// The hasher whose digest [`PublicKey::verify_prehash_with`] takes for `algorithm`; `None` where the message cannot be
    /// hashed beforehand (Ed25519, Ed448).
    pub fn message_hasher(&self, algorithm: SignatureAlgorithm) -> Option<Hasher> {
        match algorithm {
            SignatureAlgorithm::Sm2Sm3 => self.sm2_z_hasher(),
            other => other.digest().map(DigestAlg::hasher),
        }
    }

    /// Bytes of the longest signature that this key can make: what to keep free for one that is not there yet. `None` for a key
    /// that is only met in other people's signatures.
    pub fn longest_signature(&self) -> Option<usize> {
        match &self.0.kind {
            Kind::Sm2(_) => Some(2 + 2 * (2 + 33)), // SEQUENCE of two numbers of 256 bits
            Kind::International(key) => Some(key.longest_signature()),
            Kind::Brainpool(_) | Kind::Ed448(_) => None,
        }
    }

    /// Whether keys of this kind and size can be broken with great effort: RSA below 2048 bits. What rests on one deserves
    /// a warning.
    pub fn is_weak(&self) -> bool {
        match &self.0.kind {
            Kind::International(key) => key.is_weak(),
            Kind::Sm2(_) | Kind::Brainpool(_) | Kind::Ed448(_) => false,
        }
    }

    /// SHA-1 of the key's bits: a subjectKeyIdentifier (RFC 5280 §4.2.1.2, method 1).
    pub(crate) fn identifier(&self) -> &[u8] {
        &self.0.identifier
    }
}

fn ec_spki(curve: &oid::Oid, point: &[u8]) -> Vec<u8> {
    let algorithm = writer::sequence(&[writer::oid(&oid::EC_PUBLIC_KEY), writer::oid(curve)]);
    writer::sequence(&[algorithm, writer::bit_string(point)])
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.spki == other.0.spki
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({}, {})", self.description(), hex::encode(self.identifier()))
    }
}
