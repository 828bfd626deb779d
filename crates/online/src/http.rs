//! One question, one answer, with bounds on both.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, Url};

use crate::addresses::{Addresses, PublicOnly};
use crate::error::OnlineError;

/// Characters of an address or a media type that an error repeats.
const MAX_SHOWN: usize = 256;

pub(crate) struct Http {
    client: Client,
    addresses: Addresses,
}

/// A kind of question: what it is sent as and answered with.
pub(crate) struct Exchange {
    pub(crate) question: &'static str,
    pub(crate) answer: &'static str,
    /// Bytes of the longest answer.
    pub(crate) max: usize,
}

impl Http {
    pub(crate) fn try_new(
        timeout: Duration,
        addresses: Addresses,
        roots: &[eseal_pki::Certificate],
    ) -> Result<Self, OnlineError> {
        let mut builder = Client::builder()
            .redirect(Policy::none())
            .timeout(timeout)
            .user_agent(concat!("eseal/", env!("CARGO_PKG_VERSION")));
        if addresses == Addresses::Public {
            builder = builder.dns_resolver(Arc::new(PublicOnly)).no_proxy();
        }
        if !roots.is_empty() {
            let roots = roots.iter().map(|root| reqwest::Certificate::from_der(root.der()));
            builder = builder.tls_certs_only(roots.collect::<Result<Vec<_>, _>>().map_err(OnlineError::Client)?);
        }
        Ok(Self { client: builder.build().map_err(OnlineError::Client)?, addresses })
    }

    /// Posts a question.
    pub(crate) async fn post(&self, url: &str, kind: &Exchange, body: Vec<u8>) -> Result<Vec<u8>, OnlineError> {
        let address = self.address(url)?;
        let request = self.client.post(address).header(CONTENT_TYPE, kind.question).header(ACCEPT, kind.answer);
        let response = sent(request.body(body), url).await?;
        let found = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = found.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case(kind.answer) {
            let found = found.chars().take(MAX_SHOWN).collect();
            return Err(OnlineError::MediaType { url: shown(url), found, expected: kind.answer });
        }
        read(response, url, kind.max).await
    }

    /// Gets a file, whatever its media type: servers of revocation lists name all kinds.
    pub(crate) async fn get(&self, url: &str, max: usize) -> Result<Vec<u8>, OnlineError> {
        let response = sent(self.client.get(self.address(url)?), url).await?;
        read(response, url, max).await
    }

    fn address(&self, url: &str) -> Result<Url, OnlineError> {
        let address: Url = url.parse().map_err(|_| OnlineError::Address { url: shown(url) })?;
        if !matches!(address.scheme(), "http" | "https") || !address.username().is_empty() {
            return Err(OnlineError::Address { url: shown(url) });
        }
        if self.addresses.allow(&address) { Ok(address) } else { Err(OnlineError::NotPublic { url: shown(url) }) }
    }
}

async fn sent(request: RequestBuilder, url: &str) -> Result<Response, OnlineError> {
    let response = request.send().await.map_err(|source| failed(url, source))?;
    match response.status().as_u16() {
        200 => Ok(response),
        status => Err(OnlineError::Status { url: shown(url), status }),
    }
}

async fn read(mut response: Response, url: &str, max: usize) -> Result<Vec<u8>, OnlineError> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|source| failed(url, source))? {
        if body.len() + piece.len() > max {
            return Err(OnlineError::TooLarge { url: shown(url), max });
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

fn failed(url: &str, source: reqwest::Error) -> OnlineError {
    let url = shown(url);
    // The address is told once, and a certificate's may be long.
    let source = source.without_url();
    if source.is_timeout() { OnlineError::TooSlow { url } } else { OnlineError::Unreachable { url, source } }
}

/// An address as an error may repeat it. What stands in front of an `@` may be a password.
fn shown(url: &str) -> String {
    let without_secret = match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => format!("{}…{}", &url[..scheme + 3], &url[at..]),
        _ => url.to_owned(),
    };
    without_secret.chars().take(MAX_SHOWN).collect()
}
