//! Tokens of people: JWT (RFC 7519), as access tokens of an OpenID provider (RFC 9068 and what came before it), or of the
//! issuer that is built into the standalone.
//!
//! The algorithms are pinned by configuration and never taken from a token's header (RFC 8725 §3.1): the header's `kid`
//! only chooses among the keys that are trusted, and its `alg` must be one that is pinned and fits that key.

mod claims;
mod issuer;
mod keys;

use std::collections::HashMap;
use std::sync::Arc;

use eseal_kernel::{Clock, Uscc};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use serde_json::{Map, Value};

use crate::Role;
use crate::oidc::Oidc;

pub use claims::Expected;
pub use issuer::{Issued, IssuerError, TokenIssuer};
pub(crate) use keys::{KeyError, KeySet, TrustedKey};

/// `aud` of every token for this system, unless the settings say another.
pub const AUDIENCE: &str = "eseal";
/// Longer tokens are not looked at.
const TOKEN_MAX: usize = 8 << 10;
/// What a header may say of the kind of token (RFC 7519 §5.1, RFC 9068 §2.1). Tokens for logging out, for proving possession
/// and the like are signed with the same keys and say so here.
const KINDS: [&str; 3] = ["JWT", "at+jwt", "application/at+jwt"];

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
    /// Its header names another algorithm than those pinned, or one that is not that of the key.
    #[error("the token is not signed with an algorithm that is allowed here")]
    Algorithm,
    /// Its header says that it is no access token, or asks for what is not known here (`crit`, RFC 7515 §4.1.11).
    #[error("the token is not one for access")]
    Kind,
    /// Its header names no key that is trusted.
    #[error("the token is signed with an unknown key")]
    UnknownKey,
    /// The keys of the issuer are not known at the moment: nothing can be said of the token.
    #[error("the keys of the issuer can't be had at the moment")]
    KeysUnavailable,
    /// The signature does not hold.
    #[error("the signature of the token does not hold")]
    Signature,
    /// From another issuer.
    #[error("the token is from another issuer")]
    Issuer,
    /// For another audience.
    #[error("the token is for another audience")]
    Audience,
    /// Issued to a client that is not allowed to act for people here.
    #[error("the token was issued to another client")]
    Client,
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

/// Verifies tokens of one issuer. Cheap to clone.
#[derive(Clone)]
pub struct TokenVerifier(Arc<Verifier>);

struct Verifier {
    algorithms: Vec<Algorithm>,
    expected: Expected,
    keys: Keys,
    clock: Clock,
}

enum Keys {
    Fixed(KeySet),
    Published(Oidc),
}

impl TokenVerifier {
    /// Trusts tokens of `issuer` that are signed with ES256 by one of these keys: key id and uncompressed P-256 point
    /// (65 bytes, SEC 1 §2.3.3).
    pub fn new(issuer: &str, keys: impl IntoIterator<Item = (String, Vec<u8>)>, clock: Clock) -> Self {
        let trusted = |(kid, point): (String, Vec<u8>)| {
            (kid, TrustedKey::new(vec![Algorithm::ES256], DecodingKey::from_ec_der(&point)))
        };
        let keys = Keys::Fixed(keys.into_iter().map(trusted).collect::<HashMap<_, _>>().into());
        let expected = Expected::of(issuer, AUDIENCE);
        Self(Arc::new(Verifier { algorithms: vec![Algorithm::ES256], expected, keys, clock }))
    }

    /// Trusts what the provider publishes.
    pub(crate) fn published(oidc: Oidc, algorithms: Vec<Algorithm>, expected: Expected, clock: Clock) -> Self {
        Self(Arc::new(Verifier { algorithms, expected, keys: Keys::Published(oidc), clock }))
    }

    /// What the token says, if it holds.
    ///
    /// # Errors
    /// [`TokenError`] with the first thing that is wrong with it.
    pub async fn verify(&self, token: &str) -> Result<Grant, TokenError> {
        if token.len() > TOKEN_MAX {
            return Err(TokenError::Malformed);
        }
        let Verifier { algorithms, expected, keys, clock } = &*self.0;
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Malformed)?;
        if !algorithms.contains(&header.alg) {
            return Err(TokenError::Algorithm);
        }
        is_for_access(&header)?;
        let kid = header.kid.as_deref().ok_or(TokenError::UnknownKey)?;
        let key = match keys {
            Keys::Fixed(keys) => keys.get(kid).ok_or(TokenError::UnknownKey)?,
            Keys::Published(oidc) => oidc.key(kid).await?,
        };
        let claims = key.open(token, header.alg)?;
        expected.grant(&claims, clock.now())
    }
}

fn is_for_access(header: &Header) -> Result<(), TokenError> {
    let known = header.typ.as_ref().is_none_or(|kind| KINDS.iter().any(|known| known.eq_ignore_ascii_case(kind)));
    if known && header.crit.is_none() { Ok(()) } else { Err(TokenError::Kind) }
}

/// The claims of a token whose signature holds.
type Claims = Map<String, Value>;

/// Signature and form only: the library reads the machine's clock for the rest, we read ours.
fn signature_only(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear(); // `Expected` looks at the claims
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

#[cfg(test)]
mod tests;
