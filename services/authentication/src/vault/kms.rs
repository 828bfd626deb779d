//! A key-encryption key in a key management system, by two calls over HTTP: see `docs/guides/hosted-keys.md`.
//!
//! The data key goes there and comes back; the key-encryption key never does. What the KMS answers has a bound in bytes and in
//! time, and an answer that is none is a fault of the KMS, never a wrong key.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Identity, Url};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use super::KeyError;
use super::cipher::Key;
use super::envelope::MAX_WRAPPED;
use crate::outside::{address, chain, file, roots, unusable};

/// Bytes of the longest answer: Base64 of the longest wrapped key, and room.
const MAX_ANSWER: usize = 16 << 10;
const JSON: &str = "application/json";

/// Where the KMS is, and who asks.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KmsConfig {
    /// What stands in front of `/wrap` and `/unwrap`. `https://`, or `http://` on this machine.
    pub url: String,
    /// The name of the key there.
    pub key_id: String,
    /// A file with the bearer token, read anew for each call.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
    /// The authorities that its certificate must lead to, PEM; without it those of the system.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Our certificate, PEM.
    #[serde(default)]
    pub cert_file: Option<PathBuf>,
    /// The key of our certificate, PEM.
    #[serde(default)]
    pub cert_key_file: Option<PathBuf>,
    /// How long a call may take, from the connection to the last byte.
    #[serde(default = "timeout", with = "humantime_serde")]
    pub timeout: Duration,
}

const fn timeout() -> Duration {
    Duration::from_secs(5)
}

/// A key in a KMS.
#[derive(Debug)]
pub struct Kms {
    client: Client,
    wrap: Url,
    unwrap: Url,
    key_id: String,
    token_file: Option<PathBuf>,
}

#[derive(Serialize)]
struct Question<'a> {
    key_id: &'a str,
    context: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    plaintext: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wrapped: Option<&'a str>,
}

#[derive(Deserialize)]
struct Wrapped {
    wrapped: String,
}

#[derive(Deserialize)]
struct Plaintext {
    plaintext: String,
}

impl Drop for Plaintext {
    fn drop(&mut self) {
        self.plaintext.zeroize();
    }
}

impl Kms {
    /// The key there. Nothing is asked yet.
    ///
    /// # Errors
    /// Why the settings can't be used, for people.
    pub fn try_new(config: &KmsConfig) -> Result<Self, String> {
        if config.timeout.is_zero() {
            return Err("timeout: it must be longer than nothing".to_owned());
        }
        if config.token_file.is_none() && config.cert_file.is_none() {
            return Err("it needs a token_file, or a cert_file and its cert_key_file".to_owned());
        }
        let mut client = Client::builder()
            .redirect(Policy::none())
            .timeout(config.timeout)
            .no_proxy()
            .user_agent(concat!("eseal/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = &config.ca_file {
            client = client.tls_certs_only(roots(path)?);
        }
        match (&config.cert_file, &config.cert_key_file) {
            (Some(certificate), Some(key)) => {
                let mut pem = file(certificate, false)?;
                pem.extend_from_slice(b"\n");
                pem.extend_from_slice(&file(key, true)?);
                client = client.identity(Identity::from_pem(&pem).map_err(|error| unusable(key, error))?);
            }
            (None, None) => {}
            _ => return Err("cert_file and cert_key_file belong together".to_owned()),
        }
        if let Some(path) = &config.token_file {
            file(path, true)?;
        }
        let client = client.build().map_err(|error| chain(&error))?;
        let [wrap, unwrap] =
            ["wrap", "unwrap"].map(|call| address(&format!("{}/{call}", config.url.trim_end_matches('/'))));
        Ok(Self {
            client,
            wrap: wrap?,
            unwrap: unwrap?,
            key_id: config.key_id.clone(),
            token_file: config.token_file.clone(),
        })
    }

    pub(super) async fn wrap(&self, context: &str, data_key: &Key) -> Result<Vec<u8>, KeyError> {
        let plaintext = Zeroizing::new(BASE64_STANDARD.encode(data_key.bytes()));
        let question = Question { key_id: &self.key_id, context, plaintext: Some(&plaintext), wrapped: None };
        let answer: Wrapped = self.ask(&self.wrap, &question).await?;
        let wrapped = BASE64_STANDARD.decode(answer.wrapped).map_err(|_| garbled("the wrapped key is no Base64"))?;
        match wrapped.len() {
            1..=MAX_WRAPPED => Ok(wrapped),
            _ => Err(garbled("the wrapped key is empty or too long")),
        }
    }

    pub(super) async fn unwrap(&self, context: &str, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let wrapped = BASE64_STANDARD.encode(wrapped);
        let question = Question { key_id: &self.key_id, context, plaintext: None, wrapped: Some(&wrapped) };
        let answer: Plaintext = self.ask(&self.unwrap, &question).await?;
        let plaintext = BASE64_STANDARD.decode(&answer.plaintext);
        plaintext.map(Zeroizing::new).map_err(|_| garbled("the data key is no Base64"))
    }

    async fn ask<A: for<'de> Deserialize<'de>>(&self, call: &Url, question: &Question<'_>) -> Result<A, KeyError> {
        let mut body = Zeroizing::new(Vec::with_capacity(MAX_ANSWER)); // it never grows and leaves a copy behind
        serde_json::to_writer(&mut *body, question).map_err(|_| KeyError::Failed)?;
        let body = Bytes::from_owner(body);
        let mut request = self.client.post(call.clone()).header(CONTENT_TYPE, JSON).header(ACCEPT, JSON).body(body);
        if let Some(path) = &self.token_file {
            request = request.header(AUTHORIZATION, bearer(path).await?);
        }
        let mut response = request.send().await.map_err(unreachable)?;
        match response.status().as_u16() {
            200 => {}
            // What it will say again: not wrapped with this key or for this context, or no such key.
            status @ (400 | 404 | 409 | 410 | 422) => return Err(KeyError::Refused(format!("the KMS says {status}"))),
            // Who we are, what it is busy with: an operator can mend that.
            status => return Err(KeyError::Unavailable(format!("the KMS says {status}"))),
        }
        let mut body = Zeroizing::new(Vec::with_capacity(MAX_ANSWER));
        while let Some(piece) = response.chunk().await.map_err(unreachable)? {
            if body.len() + piece.len() > MAX_ANSWER {
                return Err(garbled("its answer is too long"));
            }
            body.extend_from_slice(&piece);
        }
        serde_json::from_slice(&body).map_err(|_| garbled("its answer is not what was asked for"))
    }
}

/// The token as it is now: whoever hands tokens out replaces the file.
async fn bearer(path: &Path) -> Result<HeaderValue, KeyError> {
    let path = path.to_owned();
    let read = tokio::task::spawn_blocking(move || file(&path, true)).await;
    let token = read.unwrap_or(Err("the process is stopping".to_owned())).map_err(KeyError::Unavailable)?;
    let header = Zeroizing::new([b"Bearer ", token.trim_ascii()].concat());
    let mut header = HeaderValue::from_bytes(&header)
        .map_err(|_| KeyError::Unavailable("the token has characters that no token has".to_owned()))?;
    header.set_sensitive(true);
    Ok(header)
}

fn unreachable(error: reqwest::Error) -> KeyError {
    let error = error.without_url();
    KeyError::Unavailable(if error.is_timeout() {
        "the KMS did not answer in time".to_owned()
    } else {
        format!("the KMS can't be reached: {}", chain(&error))
    })
}

fn garbled(why: &str) -> KeyError {
    KeyError::Unavailable(format!("the KMS gave an answer that is none: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kms_that_would_know_nobody_is_no_setting() {
        let config = KmsConfig {
            url: "https://kms.example".to_owned(),
            key_id: "k".to_owned(),
            token_file: None,
            ca_file: None,
            cert_file: None,
            cert_key_file: None,
            timeout: timeout(),
        };
        assert!(Kms::try_new(&config).is_err_and(|why| why.contains("token_file")));
        let half = KmsConfig { cert_file: Some("/tls.crt".into()), token_file: Some("/token".into()), ..config };
        assert!(Kms::try_new(&half).is_err_and(|why| why.contains("belong together")));
    }
}
