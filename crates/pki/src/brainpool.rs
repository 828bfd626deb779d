//! ECDSA on the Brainpool curves (RFC 5639), which qualified signatures from Germany use. Checking only.

use bp256::BrainpoolP256r1;
use bp384::BrainpoolP384r1;
use ecdsa::signature::hazmat::PrehashVerifier as _;
use ecdsa::{Signature, VerifyingKey};

use crate::algorithm::SignatureAlgorithm;
use crate::digest_alg::DigestAlg;
use crate::oid::{self, Oid};
use crate::public_key::{BadSignature, KeyError};
use crate::signature_value;

pub(crate) enum BrainpoolKey {
    P256(VerifyingKey<BrainpoolP256r1>),
    P384(VerifyingKey<BrainpoolP384r1>),
}

impl BrainpoolKey {
    /// `None`: the curve is not one of these.
    pub(crate) fn from_point(curve: &Oid, point: &[u8]) -> Option<Result<Self, KeyError>> {
        match *curve {
            oid::BRAINPOOL_P256R1 => Some(VerifyingKey::from_sec1_bytes(point).map(Self::P256)),
            oid::BRAINPOOL_P384R1 => Some(VerifyingKey::from_sec1_bytes(point).map(Self::P384)),
            _ => None,
        }
        .map(|key| key.map_err(|_| KeyError::Invalid))
    }

    pub(crate) fn algorithm(&self) -> SignatureAlgorithm {
        match self {
            Self::P256(_) => SignatureAlgorithm::Ecdsa(DigestAlg::Sha256),
            Self::P384(_) => SignatureAlgorithm::Ecdsa(DigestAlg::Sha384),
        }
    }

    pub(crate) fn description(&self) -> &'static str {
        match self {
            Self::P256(_) => "brainpoolP256r1",
            Self::P384(_) => "brainpoolP384r1",
        }
    }

    pub(crate) fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), BadSignature> {
        let digest = algorithm.digest().ok_or(BadSignature)?;
        self.verify_prehash(algorithm, &digest.digest(message), signature)
    }

    pub(crate) fn verify_prehash(
        &self,
        algorithm: SignatureAlgorithm,
        hash: &[u8],
        signature: &[u8],
    ) -> Result<(), BadSignature> {
        let width = match self {
            Self::P256(_) => 32,
            Self::P384(_) => 48,
        };
        let fixed = match algorithm {
            SignatureAlgorithm::Ecdsa(_) => signature_value::to_fixed(signature, width)?,
            SignatureAlgorithm::EcdsaPlain(_) => signature.to_vec(),
            _ => return Err(BadSignature),
        };
        let holds = match self {
            Self::P256(key) => Signature::from_slice(&fixed).and_then(|value| key.verify_prehash(hash, &value)),
            Self::P384(key) => Signature::from_slice(&fixed).and_then(|value| key.verify_prehash(hash, &value)),
        };
        holds.map_err(|_| BadSignature)
    }
}
