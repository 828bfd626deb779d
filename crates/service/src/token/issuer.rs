//! Issues tokens: the issuer that is built into the standalone, and tests.

use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use eseal_kernel::{Clock, Digest, Timestamp, Uscc};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;
use zeroize::Zeroizing;

use super::{AUDIENCE, Grant, TokenVerifier};

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
    pub(super) key: EncodingKey,
    pub(super) key_id: String,
    pub(super) point: Vec<u8>,
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
        let claims = json!({
            "iss": self.issuer,
            "sub": grant.person_id,
            "aud": AUDIENCE,
            "exp": expires_at.seconds(),
            "iat": now.seconds(),
            "nbf": now.seconds(),
            "roles": grant.roles.iter().map(|role| role.name()).collect::<Vec<_>>(),
            "org": grant.organization.as_ref().map(Uscc::to_string),
        });
        let header = Header { kid: Some(self.key_id.clone()), ..Header::new(Algorithm::ES256) };
        let token = jsonwebtoken::encode(&header, &claims, &self.key).map_err(|_| IssuerError::Cryptography)?;
        Ok(Issued { token, expires_at })
    }

    /// The public key: an uncompressed P-256 point (65 bytes, SEC 1 §2.3.3).
    pub fn point(&self) -> &[u8] {
        &self.point
    }

    /// `kid` of its tokens.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The verifier that accepts what this issues.
    pub fn verifier(&self) -> TokenVerifier {
        TokenVerifier::new(&self.issuer, [(self.key_id.clone(), self.point.clone())], self.clock.clone())
    }
}
