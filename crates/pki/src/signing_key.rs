//! Private keys in memory.

use std::fmt;
use std::hint::black_box;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature as aws;
use aws_lc_rs::signature::{EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair as _, RsaEncoding, RsaKeyPair};
use sm2::dsa::signature::hazmat::RandomizedPrehashSigner as _;
use sm2::elliptic_curve::{Generate as _, NonZeroScalar};
use sm2::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _};
use zeroize::Zeroizing;

use crate::algorithm::read_identifier;
use crate::asn1::{Reader, tag};
use crate::international::Curve;
use crate::oid;
use crate::public_key::{KeyError, PublicKey};
use crate::signature_value;
use crate::sm2_key::IDENTITY;
use crate::suite::{SignError, Signer, Suite};

/// Bytes of the longest PKCS #8 that is read; with attributes ours stay far below.
const MAX_PKCS8: usize = 4096;

/// A private key held in memory: SM2, P-256, P-384 or RSA. Wiped when dropped, and never shown by `Debug`.
pub struct SigningKey {
    secret: Secret,
    /// PKCS #8, kept so that writing the key out cannot fail.
    pkcs8: Zeroizing<Vec<u8>>,
    public: PublicKey,
}

enum Secret {
    Sm2(Box<Sm2Secret>),
    /// aws-lc wipes its own memory.
    Ec(EcdsaKeyPair, Curve),
    /// With the suite to sign with.
    Rsa(RsaKeyPair, Suite),
}

/// The sizes in which RSA keys are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RsaBits {
    /// 2048 bits.
    Rsa2048,
    /// 3072 bits.
    Rsa3072,
    /// 4096 bits.
    Rsa4096,
}

struct Sm2Secret(sm2::dsa::SigningKey);

/// Has aws-lc collect its randomness now, which takes some hundredths of a second of the processor once in a process. Else the
/// first signature, or connection by TLS, waits for it. For a thread of its own, while other things are waited for.
pub fn collect_randomness() {
    // Without any, that first signature fails and tells of it.
    let _ = aws_lc_rs::rand::fill(&mut [0]);
}

impl SigningKey {
    /// A fresh key. RSA keys come in sizes, see [`SigningKey::generate_rsa`]; here they are [`KeyError::Unsupported`].
    pub fn generate(suite: Suite) -> Result<Self, KeyError> {
        match suite {
            Suite::Sm2Sm3 => {
                let key = sm2::SecretKey::try_generate().map_err(|_| KeyError::Random)?;
                let pkcs8 = key.to_pkcs8_der().map_err(|_| KeyError::Invalid)?;
                Self::sm2(&key, pkcs8.as_bytes())
            }
            Suite::EcdsaP256Sha256 => Self::generate_ec(Curve::P256),
            Suite::EcdsaP384Sha384 => Self::generate_ec(Curve::P384),
            Suite::RsaSha256 | Suite::RsaSha384 | Suite::RsaSha512 => {
                Err(KeyError::Unsupported("RSA of no stated size".to_owned()))
            }
        }
    }

    /// A fresh RSA key that signs with SHA-256; see [`SigningKey::with_suite`].
    pub fn generate_rsa(bits: RsaBits) -> Result<Self, KeyError> {
        let size = match bits {
            RsaBits::Rsa2048 => KeySize::Rsa2048,
            RsaBits::Rsa3072 => KeySize::Rsa3072,
            RsaBits::Rsa4096 => KeySize::Rsa4096,
        };
        let key = RsaKeyPair::generate(size).map_err(|_| KeyError::Random)?;
        let pkcs8: Pkcs8V1Der<'_> = key.as_der().map_err(|_| KeyError::Invalid)?;
        Self::rsa(key, pkcs8.as_ref())
    }

    fn generate_ec(curve: Curve) -> Result<Self, KeyError> {
        let algorithm = ecdsa(curve).ok_or(KeyError::Invalid)?;
        let key = EcdsaKeyPair::generate(algorithm).map_err(|_| KeyError::Random)?;
        let pkcs8 = key.to_pkcs8v1().map_err(|_| KeyError::Invalid)?;
        Self::ec(key, curve, pkcs8.as_ref())
    }

    /// The same key, which signs in this suite from now on: an RSA key with a longer digest.
    pub fn with_suite(mut self, suite: Suite) -> Result<Self, SignError> {
        if let Secret::Rsa(_, own) = &mut self.secret
            && suite.is_rsa()
        {
            *own = suite;
        }
        if self.suite() == suite { Ok(self) } else { Err(SignError::Unsupported(suite)) }
    }

    /// Reads an unencrypted PKCS #8 key (RFC 5958). An RSA key then signs with SHA-256.
    pub fn from_pkcs8_der(pkcs8: &[u8]) -> Result<Self, KeyError> {
        const WHAT: &str = "a private key";
        if pkcs8.len() > MAX_PKCS8 {
            return Err(KeyError::Malformed("a private key of more than 4096 bytes"));
        }
        let mut parts = Reader::der(pkcs8).single(tag::SEQUENCE, WHAT)?.inside()?;
        parts.read(tag::INTEGER, WHAT)?;
        let (algorithm, parameters) = read_identifier(&parts.any(WHAT)?)?;
        match (algorithm, parameters.and_then(|parameters| parameters.oid())) {
            (oid::EC_PUBLIC_KEY, Some(oid::SM2_CURVE)) => {
                let key = sm2::SecretKey::from_pkcs8_der(pkcs8).map_err(|_| KeyError::Invalid)?;
                Self::sm2(&key, pkcs8)
            }
            (oid::EC_PUBLIC_KEY, Some(named)) => {
                let known = Curve::from_oid(&named).and_then(|curve| Some((curve, ecdsa(curve)?)));
                let (curve, algorithm) = known.ok_or_else(|| KeyError::Unsupported(named.to_string()))?;
                let key = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8).map_err(|_| KeyError::Invalid)?;
                Self::ec(key, curve, pkcs8)
            }
            (oid::RSA_ENCRYPTION, _) => Self::rsa(RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| KeyError::Invalid)?, pkcs8),
            (_, Some(curve)) => Err(KeyError::Unsupported(curve.to_string())),
            (algorithm, None) => Err(KeyError::Unsupported(algorithm.to_string())),
        }
    }

    fn sm2(key: &sm2::SecretKey, pkcs8: &[u8]) -> Result<Self, KeyError> {
        let signing = sm2::dsa::SigningKey::new(IDENTITY, key).map_err(|_| KeyError::Invalid)?;
        let point = signing.verifying_key().to_sec1_bytes();
        let secret = Secret::Sm2(Box::new(Sm2Secret(signing)));
        Ok(Self { secret, pkcs8: pkcs8.to_vec().into(), public: PublicKey::sm2(&point)? })
    }

    fn ec(key: EcdsaKeyPair, curve: Curve, pkcs8: &[u8]) -> Result<Self, KeyError> {
        let public = PublicKey::ec(curve, key.public_key().as_ref())?;
        Ok(Self { secret: Secret::Ec(key, curve), pkcs8: pkcs8.to_vec().into(), public })
    }

    fn rsa(key: RsaKeyPair, pkcs8: &[u8]) -> Result<Self, KeyError> {
        let public = PublicKey::rsa(key.public_key().as_ref())?;
        Ok(Self { secret: Secret::Rsa(key, Suite::RsaSha256), pkcs8: pkcs8.to_vec().into(), public })
    }

    /// The key as unencrypted PKCS #8: encrypt it before it is stored anywhere.
    pub fn to_pkcs8_der(&self) -> Zeroizing<Vec<u8>> {
        self.pkcs8.clone()
    }

    /// What a device with this key would give for e = SM3(Z ‖ M): r ‖ s. Whoever can have digests of their own signed can
    /// have anything signed: this is for stand-ins of devices.
    ///
    /// # Errors
    /// It is no SM2 key, or there are no random numbers.
    pub fn sign_sm2_digest(&self, e: &[u8; 32]) -> Result<[u8; 64], SignError> {
        match &self.secret {
            Secret::Sm2(secret) => secret.sign(e),
            Secret::Ec(..) | Secret::Rsa(..) => Err(SignError::Unsupported(Suite::Sm2Sm3)),
        }
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        self.public.clone()
    }
}

impl Sm2Secret {
    /// r ‖ s. The nonce comes from RFC 6979 with fresh random numbers mixed in, so that neither a bad generator nor a fault while
    /// signing gives the key away.
    fn sign(&self, e: &[u8]) -> Result<[u8; 64], SignError> {
        let signed = self.0.sign_prehash_with_rng(&mut getrandom::SysRng, e);
        let signature: sm2::dsa::Signature = signed.map_err(|_| SignError::Random)?;
        Ok(signature.to_bytes().into())
    }
}

impl Signer for SigningKey {
    fn suite(&self) -> Suite {
        match self.secret {
            Secret::Sm2(_) => Suite::Sm2Sm3,
            Secret::Ec(_, Curve::P384) => Suite::EcdsaP384Sha384,
            // `ecdsa` knows no other curve.
            Secret::Ec(_, Curve::P256 | Curve::P521 | Curve::P256k1) => Suite::EcdsaP256Sha256,
            Secret::Rsa(_, suite) => suite,
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        match &self.secret {
            Secret::Sm2(secret) => {
                let mut hasher = self.public.sm2_z_hasher().ok_or(SignError::Unsupported(Suite::Sm2Sm3))?;
                hasher.update(message);
                Ok(signature_value::to_der(&secret.sign(&hasher.finish())?))
            }
            Secret::Ec(key, _) => {
                let signature = key.sign(&SystemRandom::new(), message).map_err(|_| SignError::Random)?;
                Ok(signature.as_ref().to_vec())
            }
            Secret::Rsa(key, suite) => {
                let encoding: &'static dyn RsaEncoding = match suite {
                    Suite::RsaSha256 => &aws::RSA_PKCS1_SHA256,
                    Suite::RsaSha384 => &aws::RSA_PKCS1_SHA384,
                    Suite::RsaSha512 => &aws::RSA_PKCS1_SHA512,
                    Suite::Sm2Sm3 | Suite::EcdsaP256Sha256 | Suite::EcdsaP384Sha384 => {
                        return Err(SignError::Unsupported(*suite));
                    }
                };
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(encoding, &SystemRandom::new(), message, &mut signature).map_err(|_| SignError::Random)?;
                Ok(signature)
            }
        }
    }
}

/// How keys on a curve sign here; `None` for curves whose signatures are only verified.
fn ecdsa(curve: Curve) -> Option<&'static EcdsaSigningAlgorithm> {
    match curve {
        Curve::P256 => Some(&aws::ECDSA_P256_SHA256_ASN1_SIGNING),
        Curve::P384 => Some(&aws::ECDSA_P384_SHA384_ASN1_SIGNING),
        Curve::P521 | Curve::P256k1 => None,
    }
}

impl Drop for Sm2Secret {
    /// The crate's key has no wiping of its own, so another key, whose secret is the number one, takes its place in memory;
    /// `black_box` keeps the compiler from leaving that out.
    fn drop(&mut self) {
        let one = NonZeroScalar::<sm2::Sm2>::from_uint(sm2::U256::ONE);
        if let Some(Ok(other)) = one.into_option().map(|one| sm2::dsa::SigningKey::from_nonzero_scalar(IDENTITY, one)) {
            self.0 = other;
        }
        black_box(&self.0);
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("public", &self.public).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUITES: [Suite; 3] = [Suite::Sm2Sm3, Suite::EcdsaP256Sha256, Suite::EcdsaP384Sha384];

    #[test]
    fn a_signature_holds_for_its_message_and_key_only() {
        for suite in SUITES {
            let key = SigningKey::generate(suite).expect("a key");
            let signature = key.sign(b"message").expect("a signature");
            assert_eq!(key.public_key().verify(b"message", &signature), Ok(()), "{suite}");
            assert!(key.public_key().verify(b"another", &signature).is_err(), "{suite}");
            let other = SigningKey::generate(suite).expect("a key");
            assert!(other.public_key().verify(b"message", &signature).is_err(), "{suite}");
        }
    }

    #[test]
    fn a_key_comes_back_from_pkcs8() {
        for suite in SUITES {
            let key = SigningKey::generate(suite).expect("a key");
            let again = SigningKey::from_pkcs8_der(&key.to_pkcs8_der()).expect("the same key");
            assert_eq!(again.suite(), suite);
            assert_eq!(again.public_key(), key.public_key());
            let signature = again.sign(b"message").expect("a signature");
            assert_eq!(key.public_key().verify(b"message", &signature), Ok(()));
        }
    }

    #[test]
    fn debug_shows_nothing_of_the_secret() {
        for suite in SUITES {
            let key = SigningKey::generate(suite).expect("a key");
            let pkcs8 = hex::encode(key.to_pkcs8_der().as_slice());
            let shown = format!("{key:?}").replace(' ', "");
            // The secret number begins within the first 48 bytes; no 16 hexadecimal digits of it may appear.
            for start in (0..128).step_by(2) {
                assert!(!shown.contains(&pkcs8[start..start + 16]), "{shown}");
            }
        }
    }

    #[test]
    fn rsa_keys_of_each_size_sign_with_each_digest_and_come_back_from_pkcs8() {
        assert!(matches!(SigningKey::generate(Suite::RsaSha256), Err(KeyError::Unsupported(_))), "of no size");
        for bits in [RsaBits::Rsa2048, RsaBits::Rsa3072, RsaBits::Rsa4096] {
            let pkcs8 = SigningKey::generate_rsa(bits).expect("a key").to_pkcs8_der();
            for suite in [Suite::RsaSha256, Suite::RsaSha384, Suite::RsaSha512] {
                let key = SigningKey::from_pkcs8_der(&pkcs8).expect("the same key").with_suite(suite).expect("RSA");
                let signature = key.sign(b"message").expect("a signature");
                let public = key.public_key();
                assert_eq!(public.verify_with(suite.into(), b"message", &signature), Ok(()), "{bits:?} {suite:?}");
                assert!(public.verify_with(suite.into(), b"another", &signature).is_err(), "{bits:?} {suite:?}");
                assert_eq!(Some(signature.len()), public.longest_signature());
            }
        }
        let key = SigningKey::generate(Suite::EcdsaP256Sha256).expect("a key");
        assert!(matches!(key.with_suite(Suite::EcdsaP384Sha384), Err(SignError::Unsupported(_))));
    }

    #[test]
    fn no_signature_is_longer_than_was_said() {
        for suite in SUITES {
            let key = SigningKey::generate(suite).expect("a key");
            let longest = key.public_key().longest_signature().expect("a length");
            let lengths: Vec<_> = (0..64_u8).map(|n| key.sign(&[n]).expect("a signature").len()).collect();
            assert!(lengths.iter().all(|length| *length <= longest), "{suite}: {lengths:?}");
            assert!(lengths.contains(&longest), "{suite}: {longest} is more than is needed: {lengths:?}");
        }
    }

    #[test]
    fn two_signatures_over_one_message_differ() {
        for suite in SUITES {
            let key = SigningKey::generate(suite).expect("a key");
            assert_ne!(key.sign(b"message").expect("one"), key.sign(b"message").expect("another"), "{suite}");
        }
    }
}
