//! Private keys in memory.

use std::fmt;
use std::hint::black_box;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use sm2::dsa::signature::hazmat::RandomizedPrehashSigner as _;
use sm2::elliptic_curve::{Generate as _, NonZeroScalar};
use sm2::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _};
use zeroize::Zeroizing;

use crate::algorithm::read_identifier;
use crate::asn1::{Reader, tag};
use crate::oid;
use crate::public_key::{KeyError, PublicKey};
use crate::signature_value;
use crate::sm2_key::IDENTITY;
use crate::suite::{SignError, Signer, Suite};

/// Bytes of the longest PKCS #8 that is read; with attributes ours stay far below.
const MAX_PKCS8: usize = 4096;

/// A private key held in memory: SM2 or P-256. Wiped when dropped, and never shown by `Debug`.
pub struct SigningKey {
    secret: Secret,
    /// PKCS #8, kept so that writing the key out cannot fail.
    pkcs8: Zeroizing<Vec<u8>>,
    public: PublicKey,
}

enum Secret {
    Sm2(Box<Sm2Secret>),
    /// aws-lc wipes its own memory.
    P256(EcdsaKeyPair),
}

struct Sm2Secret(sm2::dsa::SigningKey);

impl SigningKey {
    /// A fresh key. RSA keys are made by tokens only: [`KeyError::Unsupported`].
    pub fn generate(suite: Suite) -> Result<Self, KeyError> {
        match suite {
            Suite::Sm2Sm3 => {
                let key = sm2::SecretKey::try_generate().map_err(|_| KeyError::Random)?;
                let pkcs8 = key.to_pkcs8_der().map_err(|_| KeyError::Invalid)?;
                Self::sm2(&key, pkcs8.as_bytes())
            }
            Suite::EcdsaP256Sha256 => {
                let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(|_| KeyError::Random)?;
                let pkcs8 = key.to_pkcs8v1().map_err(|_| KeyError::Invalid)?;
                Self::p256(key, pkcs8.as_ref())
            }
            Suite::RsaSha256 => Err(KeyError::Unsupported("RSA, for signing in software".to_owned())),
        }
    }

    /// Reads an unencrypted PKCS #8 key (RFC 5958).
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
            (oid::EC_PUBLIC_KEY, Some(oid::P256_CURVE)) => {
                let key =
                    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8).map_err(|_| KeyError::Invalid)?;
                Self::p256(key, pkcs8)
            }
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

    fn p256(key: EcdsaKeyPair, pkcs8: &[u8]) -> Result<Self, KeyError> {
        let public = PublicKey::p256(key.public_key().as_ref())?;
        Ok(Self { secret: Secret::P256(key), pkcs8: pkcs8.to_vec().into(), public })
    }

    /// The key as unencrypted PKCS #8: encrypt it before it is stored anywhere.
    pub fn to_pkcs8_der(&self) -> Zeroizing<Vec<u8>> {
        self.pkcs8.clone()
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        self.public.clone()
    }
}

impl Signer for SigningKey {
    fn suite(&self) -> Suite {
        match self.secret {
            Secret::Sm2(_) => Suite::Sm2Sm3,
            Secret::P256(_) => Suite::EcdsaP256Sha256,
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        match &self.secret {
            Secret::Sm2(secret) => {
                let mut hasher = self.public.sm2_z_hasher().ok_or(SignError::Unsupported(Suite::Sm2Sm3))?;
                hasher.update(message);
                // The nonce comes from RFC 6979 with fresh random numbers mixed in, so that neither a bad generator nor a fault
                // while signing gives the key away.
                let signature: sm2::dsa::Signature = secret
                    .0
                    .sign_prehash_with_rng(&mut getrandom::SysRng, &hasher.finish())
                    .map_err(|_| SignError::Random)?;
                Ok(signature_value::to_der(&signature.to_bytes()))
            }
            Secret::P256(key) => {
                let signature = key.sign(&SystemRandom::new(), message).map_err(|_| SignError::Random)?;
                Ok(signature.as_ref().to_vec())
            }
        }
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

    const SUITES: [Suite; 2] = [Suite::Sm2Sm3, Suite::EcdsaP256Sha256];

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
    fn rsa_keys_are_not_made_in_software() {
        assert!(matches!(SigningKey::generate(Suite::RsaSha256), Err(KeyError::Unsupported(_))));
    }

    #[test]
    fn two_signatures_over_one_message_differ() {
        for suite in SUITES {
            let key = SigningKey::generate(suite).expect("a key");
            assert_ne!(key.sign(b"message").expect("one"), key.sign(b"message").expect("another"), "{suite}");
        }
    }
}
