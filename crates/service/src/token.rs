//! Tokens of people: JWT (RFC 7519) signed with ES256 (RFC 7518 §3.4).
//!
//! The algorithm is pinned here and never taken from a token's header (RFC 8725 §3.1); the header's `kid` only chooses
//! among the keys that the configuration trusts.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use eseal_kernel::{Clock, Digest, Timestamp, Uscc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::Role;

/// `aud` of every token for this system.
pub const AUDIENCE: &str = "eseal";
/// How far the clocks of issuer and service may differ.
const LEEWAY: Duration = Duration::from_secs(30);
/// Longer tokens are not looked at.
const TOKEN_MAX: usize = 8 << 10;
/// Longer subjects are refused: events name them.
const SUBJECT_MAX: usize = 128;

/// What a token says of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Internal id of the person: never a name. It is recorded in events.
    pub person_id: String,
    /// The roles; those of other systems are left out.
    pub roles: Vec<Role>,
    /// The organization that the person is bound to.
    pub organization: Option<Uscc>,
}

/// Why a token was refused. The caller learns no more than "invalid" or "expired".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a JWT of at most 8 KiB, or with an algorithm that no JWT of ours has.
    #[error("the token is malformed")]
    Malformed,
    /// Its header names another algorithm than the one pinned.
    #[error("the token is not signed with ES256")]
    Algorithm,
    /// Its header names no key that is trusted.
    #[error("the token is signed with an unknown key")]
    UnknownKey,
    /// The signature does not hold.
    #[error("the signature of the token does not hold")]
    Signature,
    /// From another issuer.
    #[error("the token is from another issuer")]
    Issuer,
    /// For another audience.
    #[error("the token is for another audience")]
    Audience,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// A claim is missing or unusable.
    #[error("the claim {0} of the token is missing or not usable")]
    Claim(&'static str),
}

/// `aud` is one text or several (RFC 7519 §4.1.3).
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: i64,
    iat: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    org: Option<String>,
}

/// Verifies tokens of one issuer.
#[derive(Clone)]
pub struct TokenVerifier {
    issuer: String,
    keys: Arc<HashMap<String, DecodingKey>>,
    clock: Clock,
}

impl TokenVerifier {
    /// Trusts tokens of `issuer` that are signed with one of these keys: key id and uncompressed P-256 point
    /// (65 bytes, SEC 1 §2.3.3).
    pub fn new(issuer: &str, keys: impl IntoIterator<Item = (String, Vec<u8>)>, clock: Clock) -> Self {
        let keys = keys.into_iter().map(|(kid, point)| (kid, DecodingKey::from_ec_der(&point))).collect();
        Self { issuer: issuer.to_owned(), keys: Arc::new(keys), clock }
    }

    /// What the token says, if it holds.
    ///
    /// # Errors
    /// [`TokenError`] with the first thing that is wrong with it.
    pub async fn verify(&self, token: &str) -> Result<Grant, TokenError> {
        if token.len() > TOKEN_MAX {
            return Err(TokenError::Malformed);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Malformed)?;
        if header.alg != Algorithm::ES256 {
            return Err(TokenError::Algorithm);
        }
        let key = header.kid.and_then(|kid| self.keys.get(&kid)).ok_or(TokenError::UnknownKey)?;
        let claims = jsonwebtoken::decode::<Claims>(token, key, &signature_only())
            .map_err(|error| match error.kind() {
                jsonwebtoken::errors::ErrorKind::InvalidSignature => TokenError::Signature,
                _ => TokenError::Malformed,
            })?
            .claims;
        self.check(&claims)?;
        grant(claims)
    }

    fn check(&self, claims: &Claims) -> Result<(), TokenError> {
        let now = self.clock.now();
        let for_us = match &claims.aud {
            Audience::One(audience) => audience == AUDIENCE,
            Audience::Several(audiences) => audiences.iter().any(|audience| audience == AUDIENCE),
        };
        if claims.iss != self.issuer {
            Err(TokenError::Issuer)
        } else if !for_us {
            Err(TokenError::Audience)
        } else if Timestamp::from_seconds(claims.exp).plus(LEEWAY) <= now {
            // RFC 7519 §4.1.4: not to be accepted on or after `exp`.
            Err(TokenError::Expired)
        } else if claims.nbf.is_some_and(|nbf| now.plus(LEEWAY) < Timestamp::from_seconds(nbf)) {
            Err(TokenError::NotYetValid)
        } else {
            Ok(())
        }
    }
}

/// Signature and form only: the library reads the machine's clock for the rest, we read ours.
fn signature_only() -> Validation {
    let mut validation = Validation::new(Algorithm::ES256);
    validation.required_spec_claims.clear(); // `Claims` has no optional place for those that we need
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

fn grant(claims: Claims) -> Result<Grant, TokenError> {
    let subject = claims.sub;
    if subject.is_empty() || subject.len() > SUBJECT_MAX || subject.chars().any(char::is_control) {
        return Err(TokenError::Claim("sub"));
    }
    let organization = claims.org.map(|org| org.parse()).transpose().map_err(|_| TokenError::Claim("org"))?;
    // An outside issuer's token may name roles of other systems.
    let roles = claims.roles.iter().filter_map(|role| role.parse().ok()).collect();
    Ok(Grant { person_id: subject, roles, organization })
}

/// Why an issuer can't issue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssuerError {
    /// The bytes are no P-256 key in PKCS#8 form.
    #[error("the key of the issuer is not a P-256 key in PKCS#8 form")]
    Key,
    /// No random numbers, or the library failed to sign.
    #[error("the library for cryptography failed")]
    Cryptography,
}

/// A token as it was issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// The JWT.
    pub token: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Issues tokens: the standalone's issuer, and tests.
#[derive(Clone)]
pub struct TokenIssuer {
    issuer: String,
    key: EncodingKey,
    key_id: String,
    point: Vec<u8>,
    lifetime: Duration,
    clock: Clock,
}

impl TokenIssuer {
    /// A new P-256 key in PKCS#8 form.
    ///
    /// # Errors
    /// [`IssuerError::Cryptography`] without random numbers.
    pub fn generate_key() -> Result<Zeroizing<Vec<u8>>, IssuerError> {
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .map_err(|_| IssuerError::Cryptography)?;
        Ok(Zeroizing::new(key.as_ref().to_vec()))
    }

    /// Issues in the name of `issuer` with this key; each token lives for `lifetime`.
    ///
    /// # Errors
    /// [`IssuerError::Key`] if the key is none.
    pub fn try_new(issuer: &str, pkcs8: &[u8], lifetime: Duration, clock: Clock) -> Result<Self, IssuerError> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).map_err(|_| IssuerError::Key)?;
        let point = pair.public_key().as_ref().to_vec();
        let key_id = Digest::of(&point).to_string()[..16].to_owned();
        let key = EncodingKey::from_ec_der(pkcs8);
        Ok(Self { issuer: issuer.to_owned(), key, key_id, point, lifetime, clock })
    }

    /// A token for `grant`, from now on.
    ///
    /// # Errors
    /// [`IssuerError::Cryptography`] if signing fails.
    pub fn issue(&self, grant: &Grant) -> Result<Issued, IssuerError> {
        let now = self.clock.now();
        let expires_at = now.plus(self.lifetime).whole_seconds();
        let claims = Claims {
            iss: self.issuer.clone(),
            sub: grant.person_id.clone(),
            aud: Audience::One(AUDIENCE.to_owned()),
            exp: expires_at.seconds(),
            iat: now.seconds(),
            nbf: Some(now.seconds()),
            roles: grant.roles.iter().map(|role| role.name().to_owned()).collect(),
            org: grant.organization.as_ref().map(Uscc::to_string),
        };
        let header = Header { kid: Some(self.key_id.clone()), ..Header::new(Algorithm::ES256) };
        let token = jsonwebtoken::encode(&header, &claims, &self.key).map_err(|_| IssuerError::Cryptography)?;
        Ok(Issued { token, expires_at })
    }

    /// The verifier that accepts what this issues.
    pub fn verifier(&self) -> TokenVerifier {
        TokenVerifier::new(&self.issuer, [(self.key_id.clone(), self.point.clone())], self.clock.clone())
    }
}

#[cfg(test)]
mod tests;
