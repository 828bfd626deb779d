//! Keys that are trusted, each for the algorithms that it fits.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

use super::{Claims, TokenError, signature_only};

/// The most keys of a set that are looked at.
const KEYS_MAX: usize = 64;
/// RSA keys below are broken too soon (NIST SP 800-131A), keys above cost too much to verify with.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2_048..=8_192;

/// How many tokens a key remembers, and as many of before.
const REMEMBERED: usize = 1_024;

/// Keys by their id.
#[derive(Clone, Default)]
pub(crate) struct KeySet(HashMap<String, TrustedKey>);

/// A key, and the algorithms that may be used with it. Cheap to clone.
#[derive(Clone)]
pub(crate) struct TrustedKey(Arc<Trusted>);

struct Trusted {
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
    opened: Mutex<Opened>,
}

/// Tokens whose signature held, by their digest: people send the same one with each call, and its signature would take longer
/// than everything else about the call. They are forgotten with the key.
#[derive(Default)]
struct Opened {
    lately: HashMap<Digest, Arc<Claims>>,
    before: HashMap<Digest, Arc<Claims>>,
}

/// SHA-256 of a token, header and signature included.
type Digest = [u8; 32];

impl Opened {
    fn get(&mut self, token: &Digest) -> Option<Arc<Claims>> {
        if let Some(claims) = self.lately.get(token) {
            return Some(Arc::clone(claims));
        }
        let claims = self.before.remove(token)?;
        self.put(*token, Arc::clone(&claims));
        Some(claims)
    }

    fn put(&mut self, token: Digest, claims: Arc<Claims>) {
        if self.lately.len() >= REMEMBERED {
            self.before = mem::take(&mut self.lately);
        }
        self.lately.insert(token, claims);
    }
}

/// Why a published key is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyError {
    #[error("it has no id")]
    NoId,
    #[error("it is not of a form that is known here")]
    Form,
    #[error("it is not for signatures")]
    Use,
    #[error("none of the pinned algorithms fits it")]
    Algorithm,
    #[error("it is weaker than RSA with 2048 bits, or longer than 8192")]
    Size,
    #[error("another key of the set has the same id")]
    Twice,
}

impl TrustedKey {
    pub(crate) fn new(algorithms: Vec<Algorithm>, key: DecodingKey) -> Self {
        Self(Arc::new(Trusted { algorithms, key, opened: Mutex::default() }))
    }

    /// The claims, if the signature is of this key by this algorithm. What they say of time and place is not looked at.
    pub(super) fn open(&self, token: &str, algorithm: Algorithm) -> Result<Arc<Claims>, TokenError> {
        let Trusted { algorithms, key, opened } = &*self.0;
        if !algorithms.contains(&algorithm) {
            return Err(TokenError::Algorithm);
        }
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        let remembered = || opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(claims) = remembered().get(&sha256) {
            return Ok(claims);
        }
        let claims = jsonwebtoken::decode::<Claims>(token, key, &signature_only(algorithm));
        let claims = claims.map(|token| Arc::new(token.claims)).map_err(|error| match error.kind() {
            jsonwebtoken::errors::ErrorKind::InvalidSignature => TokenError::Signature,
            _ => TokenError::Malformed,
        })?;
        remembered().put(sha256, Arc::clone(&claims));
        Ok(claims)
    }

    /// A published key (RFC 7517), if it is one to verify signatures of these algorithms with. What it says of itself must
    /// agree with what it is.
    fn read(published: &Value, pinned: &[Algorithm]) -> Result<(String, Self), KeyError> {
        let jwk: Jwk = serde_json::from_value(published.clone()).map_err(|_| KeyError::Form)?;
        let common = &jwk.common;
        let kid = common.key_id.clone().ok_or(KeyError::NoId)?;
        let signs = common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
        let verifies = common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify));
        if !signs || !verifies {
            return Err(KeyError::Use);
        }
        let own = common.key_algorithm.map(Algorithm::try_from).transpose().map_err(|_| KeyError::Algorithm)?;
        let fitting = fitting(&jwk.algorithm)?;
        let may = |algorithm: &Algorithm| fitting.contains(algorithm) && own.is_none_or(|own| own == *algorithm);
        let algorithms: Vec<_> = pinned.iter().copied().filter(may).collect();
        if algorithms.is_empty() {
            return Err(KeyError::Algorithm);
        }
        let key = DecodingKey::from_jwk(&jwk).map_err(|_| KeyError::Form)?;
        Ok((kid, Self::new(algorithms, key)))
    }
}

/// The algorithms that a key of this kind can be used with. Shared secrets are no keys that anybody publishes.
fn fitting(parameters: &AlgorithmParameters) -> Result<&'static [Algorithm], KeyError> {
    match parameters {
        AlgorithmParameters::EllipticCurve(ec) => match ec.curve {
            EllipticCurve::P256 => Ok(&[Algorithm::ES256]),
            EllipticCurve::P384 => Ok(&[Algorithm::ES384]),
            _ => Err(KeyError::Algorithm),
        },
        AlgorithmParameters::RSA(rsa) if RSA_BITS.contains(&bits(&rsa.n)) => Ok(&[
            Algorithm::RS256,
            Algorithm::RS384,
            Algorithm::RS512,
            Algorithm::PS256,
            Algorithm::PS384,
            Algorithm::PS512,
        ]),
        AlgorithmParameters::RSA(_) => Err(KeyError::Size),
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => Ok(&[Algorithm::EdDSA]),
        _ => Err(KeyError::Algorithm),
    }
}

/// The length of a modulus; zero if it is none.
fn bits(modulus: &str) -> usize {
    let bytes = URL_SAFE_NO_PAD.decode(modulus).unwrap_or_default();
    let significant = bytes.iter().skip_while(|byte| **byte == 0).collect::<Vec<_>>();
    significant.first().map_or(0, |first| significant.len() * 8 - first.leading_zeros() as usize)
}

impl KeySet {
    /// The usable keys of a published set (RFC 7517 §5), and why each other one is left out, by its place.
    pub(crate) fn read(set: &Value, pinned: &[Algorithm]) -> Option<(Self, Vec<(usize, KeyError)>)> {
        let published = set.get("keys")?.as_array()?;
        let (mut keys, mut left_out) = (HashMap::new(), Vec::new());
        for (place, key) in published.iter().enumerate().take(KEYS_MAX) {
            match TrustedKey::read(key, pinned) {
                Ok((kid, _)) if keys.contains_key(&kid) => left_out.push((place, KeyError::Twice)),
                Ok((kid, key)) => drop(keys.insert(kid, key)),
                Err(why) => left_out.push((place, why)),
            }
        }
        Some((Self(keys), left_out))
    }

    pub(crate) fn get(&self, kid: &str) -> Option<TrustedKey> {
        self.0.get(kid).cloned()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl From<HashMap<String, TrustedKey>> for KeySet {
    fn from(keys: HashMap<String, TrustedKey>) -> Self {
        Self(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_tokens_that_were_opened_those_used_lately_are_remembered() {
        let token = |number: usize| {
            let mut sha256 = [0; 32];
            sha256[..8].copy_from_slice(&number.to_be_bytes());
            sha256
        };
        let mut opened = Opened::default();
        for number in 0..3 * REMEMBERED {
            assert!(opened.get(&token(number)).is_none(), "never opened");
            opened.put(token(number), Arc::default());
            assert!(opened.get(&token(0)).is_some(), "used all the time");
        }
        assert!(opened.get(&token(1)).is_none(), "not used for long");
        assert!(opened.lately.len() + opened.before.len() <= 2 * REMEMBERED);
    }
}
