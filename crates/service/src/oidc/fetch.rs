//! Fetching from the issuer: over HTTPS, without redirects, and with a bound on time and size.

use std::net::IpAddr;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jsonwebtoken::Algorithm;
use reqwest::header::CACHE_CONTROL;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Response, Url};
use serde::Deserialize;
use tokio::time::Instant;

use super::{OidcConfig, OidcError};
use crate::token::KeySet;

/// The most bytes of what an issuer says of itself, or of its keys.
const BODY_MAX: usize = 256 << 10;
/// How long an issuer is believed where its keys are.
const ADDRESS_GOOD_FOR: Duration = Duration::from_secs(24 * 3_600);
/// Where an issuer describes itself (OpenID Connect Discovery 1.0 §4).
const WELL_KNOWN: &str = ".well-known/openid-configuration";

/// Why keys could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The connection, TLS or HTTP.
    #[error("{url} can't be read")]
    Http {
        /// What was asked for.
        url: String,
        /// Why.
        source: reqwest::Error,
    },
    /// Another status than 200; redirects are not followed.
    #[error("{url} answers with the status {status}")]
    Status {
        /// What was asked for.
        url: String,
        /// The status.
        status: u16,
    },
    /// Too much.
    #[error("{url} answers with more than 256 KiB")]
    TooLarge {
        /// What was asked for.
        url: String,
    },
    /// It took too long.
    #[error("there was no answer in time")]
    TooSlow,
    /// Not what it should be.
    #[error("{url} does not answer with {what}")]
    Form {
        /// What was asked for.
        url: String,
        /// What was expected.
        what: &'static str,
    },
    /// The description is of another issuer (§4.3 demands the same to the letter).
    #[error("the issuer describes itself as {0:?}")]
    OtherIssuer(String),
    /// The keys are where nobody could vouch for them.
    #[error("the issuer's keys are at {0:?}, which is not HTTPS")]
    Insecure(String),
}

/// What was fetched.
pub(super) struct Fetched {
    pub(super) keys: KeySet,
    pub(super) left_out: Vec<(usize, crate::token::KeyError)>,
    pub(super) max_age: Option<Duration>,
}

/// An issuer, and where its keys are, once that is known.
pub(super) struct Provider {
    client: Client,
    issuer: String,
    description: Url,
    /// Only this machine is talked to without TLS, and only if the issuer is on it.
    is_local: bool,
    limit: Duration,
    keys_at: Mutex<Option<(Url, Instant)>>,
}

#[derive(Deserialize)]
struct Description {
    issuer: String,
    jwks_uri: String,
}

impl Provider {
    pub(super) fn try_new(config: &OidcConfig) -> Result<Self, OidcError> {
        let wrong = || OidcError::Issuer(config.issuer.clone());
        if config.algorithms.is_empty() {
            return Err(OidcError::NoAlgorithm);
        }
        let issuer: Url = config.issuer.parse().map_err(|_| wrong())?;
        let is_local = issuer.scheme() == "http" && is_loopback(&issuer);
        if !(issuer.scheme() == "https" || is_local) || issuer.query().is_some() || issuer.fragment().is_some() {
            return Err(wrong());
        }
        let description = format!("{}/{WELL_KNOWN}", config.issuer.trim_end_matches('/'));
        let description = description.parse().map_err(|_| wrong())?;
        let client = client(config, is_local)?;
        let (issuer, limit) = (config.issuer.clone(), config.pace.request);
        Ok(Self { client, issuer, description, is_local, limit, keys_at: Mutex::default() })
    }

    /// The keys as they are published now.
    pub(super) async fn keys(&self, pinned: &[Algorithm]) -> Result<Fetched, FetchError> {
        let fetched = tokio::time::timeout(self.limit, self.fetch(pinned)).await;
        let fetched = fetched.unwrap_or(Err(FetchError::TooSlow));
        if fetched.is_err() {
            // They may have moved.
            self.remember(None);
        }
        fetched
    }

    async fn fetch(&self, pinned: &[Algorithm]) -> Result<Fetched, FetchError> {
        let at = match self.remembered() {
            Some(at) => at,
            None => self.discover().await?,
        };
        let response = self.get(&at).await?;
        let max_age = max_age(&response);
        let body = read(response, &at).await?;
        let form = || FetchError::Form { url: at.to_string(), what: "a set of keys (JWKS)" };
        let set = serde_json::from_slice(&body).map_err(|_| form())?;
        let (keys, left_out) = KeySet::read(&set, pinned).ok_or_else(form)?;
        Ok(Fetched { keys, left_out, max_age })
    }

    async fn discover(&self) -> Result<Url, FetchError> {
        let body = read(self.get(&self.description).await?, &self.description).await?;
        let url = || self.description.to_string();
        let Description { issuer, jwks_uri } = serde_json::from_slice(&body)
            .map_err(|_| FetchError::Form { url: url(), what: "the description of an OpenID provider" })?;
        if issuer != self.issuer {
            return Err(FetchError::OtherIssuer(issuer.chars().take(256).collect()));
        }
        let at: Url = jwks_uri.parse().map_err(|_| FetchError::Form { url: url(), what: "an address of keys" })?;
        if at.scheme() != "https" && !(self.is_local && at.scheme() == "http" && is_loopback(&at)) {
            return Err(FetchError::Insecure(at.to_string().chars().take(256).collect()));
        }
        self.remember(Some(at.clone()));
        Ok(at)
    }

    fn remembered(&self) -> Option<Url> {
        let keys_at = self.keys_at.lock().unwrap_or_else(PoisonError::into_inner);
        keys_at.as_ref().filter(|(_, since)| since.elapsed() < ADDRESS_GOOD_FOR).map(|(at, _)| at.clone())
    }

    fn remember(&self, at: Option<Url>) {
        *self.keys_at.lock().unwrap_or_else(PoisonError::into_inner) = at.map(|at| (at, Instant::now()));
    }

    async fn get(&self, url: &Url) -> Result<Response, FetchError> {
        let sent = self.client.get(url.clone()).header("accept", "application/json").send().await;
        let response = sent.map_err(|source| FetchError::Http { url: url.to_string(), source })?;
        match response.status().as_u16() {
            200 => Ok(response),
            status => Err(FetchError::Status { url: url.to_string(), status }),
        }
    }
}

async fn read(mut response: Response, url: &Url) -> Result<Vec<u8>, FetchError> {
    let mut body = Vec::new();
    while let Some(piece) =
        response.chunk().await.map_err(|source| FetchError::Http { url: url.to_string(), source })?
    {
        if body.len() + piece.len() > BODY_MAX {
            return Err(FetchError::TooLarge { url: url.to_string() });
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// For how long the answer is fresh (RFC 9111 §5.2.2.1); none if it does not say.
fn max_age(response: &Response) -> Option<Duration> {
    let mut age = None;
    for value in response.headers().get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok()) {
        for directive in value.split(',').map(str::trim) {
            if directive.eq_ignore_ascii_case("no-cache") || directive.eq_ignore_ascii_case("no-store") {
                return Some(Duration::ZERO);
            }
            let seconds = directive.split_once('=').filter(|(name, _)| name.trim().eq_ignore_ascii_case("max-age"));
            if let Some(seconds) = seconds.and_then(|(_, seconds)| seconds.trim().trim_matches('"').parse().ok()) {
                // Larger than any bound of ours, and small enough to reckon with.
                age = Some(Duration::from_secs(u64::min(seconds, 1 << 30)));
            }
        }
    }
    age
}

fn client(config: &OidcConfig, is_local: bool) -> Result<Client, OidcError> {
    let mut client = Client::builder()
        .redirect(Policy::none())
        .timeout(config.pace.request)
        .https_only(!is_local)
        .user_agent(concat!("eseal/", env!("CARGO_PKG_VERSION")));
    if is_local {
        client = client.no_proxy();
    }
    if let Some(path) = &config.ca_file {
        client = client.tls_certs_only(roots(path)?);
    }
    client.build().map_err(OidcError::Client)
}

fn roots(path: &Path) -> Result<Vec<Certificate>, OidcError> {
    let unusable = |why: String| OidcError::CaFile { path: path.to_owned(), why };
    let pem = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
    let roots = Certificate::from_pem_bundle(&pem).map_err(|error| unusable(error.to_string()))?;
    if roots.is_empty() { Err(unusable("there is no certificate in it".to_owned())) } else { Ok(roots) }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
