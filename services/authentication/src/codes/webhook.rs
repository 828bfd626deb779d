//! How a code gets to who sends it on, by text message or otherwise: one POST to an address that the settings name.

use std::path::PathBuf;
use std::time::Duration;

use aws_lc_rs::hmac;
use bytes::Bytes;
use eseal_kernel::Timestamp;
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::domain::ids::{PersonId, SealId};
use crate::outside;

/// Bytes of the shortest secret that signs.
const SHORTEST_SECRET: usize = 32;
/// The header with the moment and the signature.
const SIGNATURE: &str = "eseal-signature";

/// Where codes are sent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// `https://`, or `http://` on this machine.
    pub url: String,
    /// A file with the secret that signs what is sent, 32 characters at least.
    pub secret_file: PathBuf,
    /// The authorities that its certificate must lead to, PEM; without it those of the system.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// How long it may take.
    #[serde(default = "timeout", with = "humantime_serde")]
    pub timeout: Duration,
}

impl WebhookConfig {
    /// The files that are named.
    pub(crate) fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        std::iter::once(&mut self.secret_file).chain(&mut self.ca_file)
    }
}

const fn timeout() -> Duration {
    Duration::from_secs(5)
}

/// Who sends codes on.
pub struct Webhook {
    client: Client,
    url: Url,
    key: hmac::Key,
}

/// Why a code was not taken.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// It can't be reached, or not in time.
    #[error("the webhook for codes can't be reached: {0}")]
    Unreachable(String),
    /// It answers something else than 2xx.
    #[error("the webhook for codes says {0}")]
    Status(u16),
}

#[derive(Serialize)]
struct Message<'a> {
    seal_id: String,
    custodian_id: String,
    code: &'a str,
    expires_at: String,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}

impl Webhook {
    /// The address, with the secret that signs what is sent there. Nothing is sent yet.
    ///
    /// # Errors
    /// Why the settings can't be used, for people.
    pub fn try_new(config: &WebhookConfig) -> Result<Self, String> {
        let WebhookConfig { url, secret_file, ca_file, timeout } = config;
        if timeout.is_zero() {
            return Err("its timeout must be longer than nothing".to_owned());
        }
        let secret = outside::file(secret_file, true)?;
        let secret = secret.trim_ascii();
        if secret.len() < SHORTEST_SECRET {
            return Err(format!("{} has fewer than {SHORTEST_SECRET} characters", secret_file.display()));
        }
        let mut client = Client::builder()
            .redirect(Policy::none())
            .timeout(*timeout)
            .no_proxy()
            .user_agent(concat!("eseal/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = ca_file {
            client = client.tls_certs_only(outside::roots(path)?);
        }
        let client = client.build().map_err(|error| outside::chain(&error))?;
        Ok(Self { client, url: outside::address(url)?, key: hmac::Key::new(hmac::HMAC_SHA256, secret) })
    }

    pub(super) async fn send(
        &self,
        seal: SealId,
        person: &PersonId,
        code: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<(), WebhookError> {
        let (seal_id, custodian_id, expires_at) = (seal.to_string(), person.to_string(), until.to_string());
        let message = Message { seal_id, custodian_id, code, expires_at };
        let mut body = Zeroizing::new(Vec::with_capacity(1024)); // it never grows and leaves a copy behind
        let unwritten = |error: serde_json::Error| WebhookError::Unreachable(error.to_string());
        serde_json::to_writer(&mut *body, &message).map_err(unwritten)?;
        // The moment is signed along, so that a message can't be sent again later by who has seen it.
        let seconds = now.micros() / 1_000_000;
        let mut signed = hmac::Context::with_key(&self.key);
        signed.update(format!("{seconds}.").as_bytes());
        signed.update(&body);
        let signature = format!("t={seconds},v1={}", hex::encode(signed.sign()));
        let request = self.client.post(self.url.clone()).header(CONTENT_TYPE, "application/json");
        let sent = request.header(SIGNATURE, signature).body(Bytes::from_owner(body)).send().await;
        let answer = sent.map_err(|error| WebhookError::Unreachable(outside::chain(&error.without_url())))?;
        // Nothing of the answer's body is read.
        if answer.status().is_success() { Ok(()) } else { Err(WebhookError::Status(answer.status().as_u16())) }
    }
}
