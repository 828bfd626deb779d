//! Settings of the people: the section `[people]`.

use std::path::PathBuf;
use std::time::Duration;

use jsonwebtoken::Algorithm;
use serde::{Deserialize, Deserializer};

use crate::Role;
use crate::token::{AUDIENCE, Expected};

/// Whose tokens are accepted, and where they say what.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcConfig {
    /// The issuer's identifier, to the letter as it stands in `iss`. `https`, or `http` to this machine.
    pub issuer: String,
    /// What `aud` must name.
    #[serde(default = "audience")]
    pub audience: String,
    /// The algorithms of signatures: ES256, ES384, RS256, RS384, RS512, PS256, PS384, PS512, EdDSA.
    pub algorithms: Vec<Signed>,
    /// Path of the roles in a token, such as `roles` or `realm_access.roles`.
    #[serde(default = "roles_claim")]
    pub roles_claim: String,
    /// Path of the organization's unified social credit code.
    #[serde(default = "organization_claim")]
    pub organization_claim: String,
    /// The roles that somebody without an organization may have; others are not taken from their token.
    #[serde(default = "unbound_roles", deserialize_with = "role_names")]
    pub unbound_roles: Vec<Role>,
    /// The clients that may act for people (`azp`); empty = any that gets tokens for the audience.
    #[serde(default)]
    pub clients: Vec<String>,
    /// The CA of the issuer's certificate, if it is a private one; then no other CA counts.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// How long the last keys stay in use while the issuer can't be reached.
    #[serde(default = "keep_keys", with = "humantime_serde")]
    pub keep_keys: Duration,
    /// How often keys are fetched.
    #[serde(skip)]
    pub pace: Pace,
}

/// An algorithm with a key that may be published. There is no `none` and no HMAC among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[allow(missing_docs, reason = "the names are those of RFC 7518 §3.1 and RFC 8037 §3.1")]
pub enum Signed {
    ES256,
    ES384,
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    EdDSA,
}

/// How often keys are fetched. Not settings: there is nothing in them that depends on a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The least time between a fetch and one for an unknown key; the first pause after a failure.
    pub cooldown: Duration,
    /// Keys are fetched again after so long at the earliest, whatever the issuer says; the longest pause after failures.
    pub shortest: Duration,
    /// And after so long at the latest.
    pub longest: Duration,
    /// The longest that a fetch may take, with all its requests.
    pub request: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            cooldown: Duration::from_secs(10),
            shortest: Duration::from_secs(60),
            longest: Duration::from_secs(3_600),
            request: Duration::from_secs(5),
        }
    }
}

impl Pace {
    /// When keys with this `max-age` are fetched again: after four fifths of it, so that they never end.
    pub(super) fn due_after(&self, max_age: Option<Duration>) -> Duration {
        let age = max_age.unwrap_or(self.longest / 4);
        (age * 4 / 5).clamp(self.shortest.min(self.longest), self.longest)
    }
}

/// Why settings of the people can't be used.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// The issuer.
    #[error("people.issuer {0:?} can't be used: expected https://HOST..., or http:// to this machine only")]
    Issuer(String),
    /// No algorithm is pinned.
    #[error("people.algorithms is empty: name those that the issuer signs with, such as ES256")]
    NoAlgorithm,
    /// The CA file.
    #[error("people.ca_file {} can't be used: {why}", .path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The HTTP client can't be made.
    #[error("the client for the issuer can't be made")]
    Client(#[source] reqwest::Error),
}

impl OidcConfig {
    /// The algorithms as the library names them.
    pub(super) fn pinned(&self) -> Vec<Algorithm> {
        self.algorithms.iter().map(|signed| signed.algorithm()).collect()
    }

    pub(super) fn expected(&self) -> Expected {
        Expected {
            issuer: self.issuer.clone(),
            audience: self.audience.clone(),
            clients: self.clients.clone(),
            roles: self.roles_claim.clone(),
            organization: self.organization_claim.clone(),
            unbound: self.unbound_roles.clone(),
        }
    }
}

impl Signed {
    const fn algorithm(self) -> Algorithm {
        match self {
            Self::ES256 => Algorithm::ES256,
            Self::ES384 => Algorithm::ES384,
            Self::RS256 => Algorithm::RS256,
            Self::RS384 => Algorithm::RS384,
            Self::RS512 => Algorithm::RS512,
            Self::PS256 => Algorithm::PS256,
            Self::PS384 => Algorithm::PS384,
            Self::PS512 => Algorithm::PS512,
            Self::EdDSA => Algorithm::EdDSA,
        }
    }
}

fn audience() -> String {
    AUDIENCE.to_owned()
}

fn roles_claim() -> String {
    "roles".to_owned()
}

fn organization_claim() -> String {
    "org".to_owned()
}

/// Those who work for the system. Applicants and custodians act for their organization, so they have one.
fn unbound_roles() -> Vec<Role> {
    vec![Role::Reviewer, Role::Maker, Role::Auditor, Role::Admin, Role::Integrator]
}

const fn keep_keys() -> Duration {
    Duration::from_secs(24 * 3_600)
}

fn role_names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Role>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    names.iter().map(|name| name.parse().map_err(serde::de::Error::custom)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_due_before_they_end_and_within_our_own_bounds() {
        let (pace, minutes) = (Pace::default(), |minutes: u64| Duration::from_secs(minutes * 60));
        assert_eq!(pace.due_after(Some(minutes(10))), minutes(8));
        assert_eq!(pace.due_after(Some(Duration::ZERO)), pace.shortest);
        assert_eq!(pace.due_after(Some(minutes(60 * 24 * 365))), pace.longest);
        assert_eq!(pace.due_after(None), minutes(12));
    }

    #[test]
    fn the_settings_have_defaults_and_no_algorithm_without_a_public_key() {
        let read = |algorithms: &str| {
            let text = format!("issuer = \"https://issuer.example\"\nalgorithms = [{algorithms}]");
            toml::from_str::<OidcConfig>(&text)
        };
        let config = read("\"ES256\", \"RS256\"").expect("settings");
        assert_eq!(config.pinned(), [Algorithm::ES256, Algorithm::RS256]);
        assert_eq!((config.audience.as_str(), config.roles_claim.as_str()), ("eseal", "roles"));
        assert!(!config.unbound_roles.contains(&Role::Applicant));
        for wrong in ["\"none\"", "\"HS256\"", "\"es256\""] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
