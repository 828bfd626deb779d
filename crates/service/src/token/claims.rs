//! What the claims of a token must say, and what follows from them.

use std::time::Duration;

use eseal_kernel::{Timestamp, Uscc};
use serde_json::Value;

use super::{Claims, Grant, TokenError};
use crate::Role;

/// How far the clocks of issuer and service may differ.
pub(super) const LEEWAY: Duration = Duration::from_secs(30);
/// Longer subjects are refused: events name them.
const SUBJECT_MAX: usize = 128;
/// The most roles that are looked at, those of other systems among them.
const ROLES_MAX: usize = 1_000;

/// What a token must say, and where it says what. A path is the name of a claim, or names with dots between where claims are
/// nested, such as `realm_access.roles`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// `iss`, to the letter.
    pub issuer: String,
    /// `aud`, or one of several.
    pub audience: String,
    /// The clients that may act for people (`azp`, or `client_id` of RFC 9068); empty = any that gets this audience.
    pub clients: Vec<String>,
    /// Path of the roles: texts, or one text with spaces between.
    pub roles: String,
    /// Path of the organization's unified social credit code.
    pub organization: String,
    /// The roles that a person without an organization may have. People who see one organization only must be bound to it:
    /// an issuer that forgets the claim must not open all of them.
    pub unbound: Vec<Role>,
}

impl Expected {
    /// Roles in `roles`, the organization in `org`, and any role without one: as the built-in issuer says it.
    pub fn of(issuer: &str, audience: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            clients: Vec::new(),
            roles: "roles".to_owned(),
            organization: "org".to_owned(),
            unbound: Role::ALL.to_vec(),
        }
    }

    /// Who it is, if the claims are as expected.
    pub(super) fn grant(&self, claims: &Claims, now: Timestamp) -> Result<Grant, TokenError> {
        self.is_for_us(claims)?;
        in_time(claims, now)?;
        self.is_by_known_client(claims)?;
        let organization = self.organization(claims)?;
        let mut roles = self.roles(claims)?;
        roles.retain(|role| organization.is_some() || self.unbound.contains(role));
        Ok(Grant { person_id: subject(claims)?, roles, organization })
    }

    fn is_for_us(&self, claims: &Claims) -> Result<(), TokenError> {
        if text(claims, "iss")? != self.issuer {
            return Err(TokenError::Issuer);
        }
        // One text or several (RFC 7519 §4.1.3).
        let for_us = match claims.get("aud") {
            Some(Value::String(audience)) => *audience == self.audience,
            Some(Value::Array(several)) => several.iter().any(|audience| *audience == *self.audience),
            _ => return Err(TokenError::Claim("aud")),
        };
        if !for_us {
            return Err(TokenError::Audience);
        }
        // Keycloak's ID and refresh tokens say what they are here; only an access token opens anything.
        if claims.get("typ").is_some_and(|kind| !kind.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")))
        {
            return Err(TokenError::Kind);
        }
        Ok(())
    }

    fn is_by_known_client(&self, claims: &Claims) -> Result<(), TokenError> {
        let client = claims.get("azp").or_else(|| claims.get("client_id")).and_then(Value::as_str);
        let known = |client: &str| self.clients.iter().any(|known| known == client);
        if self.clients.is_empty() || client.is_some_and(known) { Ok(()) } else { Err(TokenError::Client) }
    }

    fn organization(&self, claims: &Claims) -> Result<Option<Uscc>, TokenError> {
        let unusable = TokenError::Claim("organization");
        let code = match at(claims, &self.organization) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(code)) => code,
            Some(Value::Array(codes)) => match codes.as_slice() {
                [Value::String(code)] => code,
                _ => return Err(unusable),
            },
            Some(_) => return Err(unusable),
        };
        code.parse().map(Some).map_err(|_| unusable)
    }

    /// An outside issuer's token may name roles of other systems: they are left out.
    fn roles(&self, claims: &Claims) -> Result<Vec<Role>, TokenError> {
        let names: Vec<&str> = match at(claims, &self.roles) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::String(names)) => names.split_whitespace().collect(),
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            Some(_) => return Err(TokenError::Claim("roles")),
        };
        let mut roles: Vec<Role> = Vec::new();
        for role in names.into_iter().take(ROLES_MAX).filter_map(|name| name.parse().ok()) {
            if !roles.contains(&role) {
                roles.push(role);
            }
        }
        Ok(roles)
    }
}

fn in_time(claims: &Claims, now: Timestamp) -> Result<(), TokenError> {
    let (expires, issued) = (moment(claims, "exp")?, moment(claims, "iat")?);
    let (expires, issued) = (expires.ok_or(TokenError::Claim("exp"))?, issued.ok_or(TokenError::Claim("iat"))?);
    let not_before = moment(claims, "nbf")?.unwrap_or(issued);
    if expires.plus(LEEWAY) <= now {
        // RFC 7519 §4.1.4: not to be accepted on or after `exp`.
        Err(TokenError::Expired)
    } else if now.plus(LEEWAY) < not_before.max(issued) {
        Err(TokenError::NotYetValid)
    } else {
        Ok(())
    }
}

fn subject(claims: &Claims) -> Result<String, TokenError> {
    let subject = text(claims, "sub")?;
    if subject.is_empty() || subject.len() > SUBJECT_MAX || subject.chars().any(char::is_control) {
        return Err(TokenError::Claim("sub"));
    }
    Ok(subject.to_owned())
}

fn text<'a>(claims: &'a Claims, name: &'static str) -> Result<&'a str, TokenError> {
    claims.get(name).and_then(Value::as_str).ok_or(TokenError::Claim(name))
}

/// Seconds since 1970, which may have a fraction (RFC 7519 §2, NumericDate).
fn moment(claims: &Claims, name: &'static str) -> Result<Option<Timestamp>, TokenError> {
    match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => {
            // A float beyond the range becomes its end: in Rust this cast saturates.
            #[allow(clippy::cast_possible_truncation)]
            let seconds = number.as_i64().or_else(|| number.as_f64().map(|seconds| seconds as i64));
            Ok(seconds.map(Timestamp::from_seconds))
        }
        Some(_) => Err(TokenError::Claim(name)),
    }
}

/// The claim of this name, dots and all (`https://example.org/roles`), else the one that the path leads to.
fn at<'a>(claims: &'a Claims, path: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(path) {
        return Some(value);
    }
    let mut names = path.split('.');
    let first = claims.get(names.next()?)?;
    names.try_fold(first, |value, name| value.get(name))
}
