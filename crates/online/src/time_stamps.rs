//! Asks time stamping authorities (RFC 3161 §3.4).

use std::time::Duration;

use eseal_pki::chain::TrustStore;
use eseal_pki::tsp::{MAX_TOKEN, QUERY_MEDIA_TYPE, REPLY_MEDIA_TYPE, TimeStampResponse};
use eseal_pki::{Certificate, DigestAlg, TimeStampRequest, TimeStampToken, TspError};

use crate::addresses::Addresses;
use crate::error::OnlineError;
use crate::http::{Exchange, Http};

const EXCHANGE: Exchange = Exchange { question: QUERY_MEDIA_TYPE, answer: REPLY_MEDIA_TYPE, max: MAX_TOKEN };

/// Whom to ask for time stamps.
#[derive(Debug, Clone)]
pub struct TimeStampSettings {
    /// Addresses of authorities, in the order in which they are asked; the next one only where one gave no stamp.
    pub authorities: Vec<String>,
    /// Roots that authorities must lead to. Without them a stamp's signature is checked, and not whose it is.
    pub roots: Option<TrustStore>,
    /// How long each may take.
    pub timeout: Duration,
    /// The roots for TLS, instead of those of the system; none: those of the system.
    pub tls_roots: Vec<Certificate>,
}

impl Default for TimeStampSettings {
    fn default() -> Self {
        Self { authorities: Vec::new(), roots: None, timeout: Duration::from_secs(10), tls_roots: Vec::new() }
    }
}

/// Asks authorities for time stamps.
pub struct TimeStampClient {
    http: Http,
    authorities: Vec<String>,
    roots: Option<TrustStore>,
}

impl TimeStampClient {
    /// A client for these authorities.
    ///
    /// # Errors
    /// [`OnlineError::NoAuthority`], [`OnlineError::Client`].
    pub fn try_new(settings: TimeStampSettings) -> Result<Self, OnlineError> {
        if settings.authorities.is_empty() {
            return Err(OnlineError::NoAuthority);
        }
        let http = Http::try_new(settings.timeout, Addresses::Any, &settings.tls_roots)?;
        Ok(Self { http, authorities: settings.authorities, roots: settings.roots })
    }

    /// A time stamp over the bytes with this digest, by the first authority that gives one that holds.
    ///
    /// # Errors
    /// [`OnlineError::Request`]; [`OnlineError::None`] with what was wrong with each authority.
    pub async fn stamp(&self, digest: DigestAlg, imprint: &[u8]) -> Result<TimeStampToken, OnlineError> {
        let mut failed = Vec::new();
        for url in &self.authorities {
            match self.ask(url, digest, imprint).await {
                Ok(token) => return Ok(token),
                Err(error @ OnlineError::Request(_)) => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, "no time stamp from this authority");
                    failed.push(error);
                }
            }
        }
        Err(OnlineError::None(failed))
    }

    async fn ask(&self, url: &str, digest: DigestAlg, imprint: &[u8]) -> Result<TimeStampToken, OnlineError> {
        // A nonce for each: one authority's answer must not pass for another's.
        let request = TimeStampRequest::try_new(digest, imprint).map_err(OnlineError::Request)?;
        let answer = self.http.post(url, &EXCHANGE, request.to_der()).await?;
        self.accept(&answer, &request).map_err(|source| OnlineError::TimeStamp { url: url.to_owned(), source })
    }

    fn accept(&self, answer: &[u8], request: &TimeStampRequest) -> Result<TimeStampToken, TspError> {
        let token = TimeStampResponse::from_der(answer)?.accept(request)?;
        let stamp = token.verify(&[])?;
        if let Some(roots) = &self.roots {
            stamp.chain(roots)?;
        }
        Ok(token)
    }
}
