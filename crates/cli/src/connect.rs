//! The way to the server.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use eseal_kernel::Clock;
use tonic::metadata::{AsciiMetadataValue, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity, Uri};
use tonic::{Request, Response, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::failure::{Failure, Kind, read_file};
use crate::lang::Lang;
use crate::session::Sessions;

/// The most bytes of one message, as the servers have it.
pub const MAX_MESSAGE: usize = 16 << 20;
/// The most bytes of a file with certificates or a key.
const MAX_PEM: u64 = 1 << 20;
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// A connection to a server, on behalf of a person or of nobody.
#[derive(Debug, Clone)]
pub struct Server {
    /// Its address.
    pub address: String,
    /// The language of its answers.
    pub lang: Lang,
    channel: Channel,
    token: Option<AsciiMetadataValue>,
}

/// What is trusted, and shown, over TLS.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// CA certificates; none = those that this machine trusts.
    pub ca: Option<PathBuf>,
    /// A client certificate and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// A channel that says who calls.
pub type Line = InterceptedService<Channel, Says>;

/// Says who calls, and in which language answers are wanted.
#[derive(Debug, Clone)]
pub struct Says {
    token: Option<AsciiMetadataValue>,
    lang: Lang,
}

impl Interceptor for Says {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.token {
            request.metadata_mut().insert("authorization", token.clone());
        }
        request.metadata_mut().insert("accept-language", MetadataValue::from_static(self.lang.tag()));
        Ok(request)
    }
}

impl Server {
    /// The server at `address`, on behalf of `name` or of whoever signed in last; connects on the first call.
    ///
    /// # Errors
    /// The address is none, or the session of `name` is not there.
    pub fn of(address: &str, tls: &Tls, name: Option<&str>, lang: Lang) -> Result<Self, Failure> {
        let token = match std::env::var("ESEAL_TOKEN").ok().filter(|token| name.is_none() && !token.is_empty()) {
            Some(token) => Some(token),
            None => Sessions::of_user(lang)?.find(address, name)?.map(|(_, session)| session.token),
        };
        let token = token.map(|token| format!("Bearer {token}").parse::<AsciiMetadataValue>());
        let mut token = token.transpose().map_err(|_| Failure::new(Kind::Usage, "NOT_SIGNED_IN", lang))?;
        if let Some(token) = &mut token {
            token.set_sensitive(true);
        }
        Self::with(address, tls, lang, token)
    }

    /// The server at `address`, on behalf of nobody: an old token is no reason to refuse what anybody may ask.
    ///
    /// # Errors
    /// The address is none.
    pub fn anonymous(address: &str, tls: &Tls, lang: Lang) -> Result<Self, Failure> {
        Self::with(address, tls, lang, None)
    }

    fn with(address: &str, tls: &Tls, lang: Lang, token: Option<AsciiMetadataValue>) -> Result<Self, Failure> {
        let endpoint = endpoint(address, tls, lang)?;
        let channel = endpoint.connect_timeout(CONNECT_WITHIN).timeout(ANSWER_WITHIN).connect_lazy();
        Ok(Self { address: address.to_owned(), lang, channel, token })
    }

    /// Whether the server answers a question within two seconds: a port that only takes connections is no server.
    pub async fn is_reachable(&self) -> bool {
        let mut health = HealthClient::new(self.line());
        let asked = health.check(HealthCheckRequest::default());
        matches!(tokio::time::timeout(CONNECT_WITHIN, asked).await, Ok(Ok(_)))
    }

    /// How many seconds the server's clock is ahead of this machine's, by the moment that it puts beside every answer, and
    /// whether it answers that it is ready.
    ///
    /// # Errors
    /// It did not answer.
    pub async fn clock(&self, clock: &Clock) -> Result<(Option<i64>, bool), Status> {
        let asked_at = clock.now();
        let answer = HealthClient::new(self.line()).check(HealthCheckRequest::default()).await?;
        // Between question and answer, to the second, as the header has it.
        let here = (asked_at.seconds() + clock.now().seconds()) / 2;
        let date = answer.metadata().get("date").and_then(|date| date.to_str().ok());
        let there = date.and_then(|date| httpdate::parse_http_date(date).ok());
        let there = there.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
        let there = there.and_then(|since| i64::try_from(since.as_secs()).ok());
        Ok((there.map(|there| there - here), answer.get_ref().status() == ServingStatus::Serving))
    }

    /// A line for a client of one of the services.
    pub fn line(&self) -> Line {
        InterceptedService::new(self.channel.clone(), Says { token: self.token.clone(), lang: self.lang })
    }

    /// The answer, or what is to be said of its absence.
    ///
    /// # Errors
    /// [`Failure::status`].
    pub fn answer<T>(&self, answer: Result<Response<T>, Status>) -> Result<T, Failure> {
        answer.map(Response::into_inner).map_err(|status| Failure::status(self.lang, &self.address, &status))
    }
}

/// The server's address. In the clear only this machine is talked to: tokens, passwords and documents go over the line.
fn endpoint(address: &str, tls: &Tls, lang: Lang) -> Result<Endpoint, Failure> {
    let endpoint = Endpoint::from_shared(address.to_owned()).map_err(|error| Failure::usage(lang, error))?;
    match endpoint.uri().scheme_str() {
        Some("http") if is_this_machine(endpoint.uri()) => Ok(endpoint),
        Some("https") => {
            // With two providers in the tree the first use of TLS would panic.
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
            endpoint
                .tls_config(tls.config(lang)?)
                .map_err(|error| Failure::new(Kind::Usage, "CERTIFICATE_UNUSABLE", lang).because(error))
        }
        _ => {
            let why = lang.pick("请使用 https://;http:// 仅限本机", "use https://; http:// is for this machine only");
            Err(Failure::usage(lang, format_args!("--server {address}: {why}")))
        }
    }
}

impl Tls {
    fn config(&self, lang: Lang) -> Result<ClientTlsConfig, Failure> {
        let mut config = ClientTlsConfig::new();
        config = match &self.ca {
            Some(file) => config.ca_certificate(Certificate::from_pem(read_file(lang, file, MAX_PEM)?)),
            None => config.with_native_roots(),
        };
        if let Some((certificate, key)) = &self.identity {
            let (certificate, key) = (read_file(lang, certificate, MAX_PEM)?, read_file(lang, key, MAX_PEM)?);
            config = config.identity(Identity::from_pem(certificate, key));
        }
        Ok(config)
    }
}

fn is_this_machine(address: &Uri) -> bool {
    let host = address.host().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The id of a new request: the same request sent twice with it is carried out once.
pub fn request_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(address: &str) -> Result<Endpoint, String> {
        endpoint(address, &Tls::default(), Lang::En).map_err(|failure| failure.text)
    }

    #[test]
    fn in_the_clear_only_this_machine_is_talked_to() {
        for address in ["http://127.0.0.1:7310", "http://localhost", "http://[::1]:1", "http://127.8.8.8:1"] {
            assert!(told(address).is_ok(), "{address}");
        }
        for address in ["http://eseal.example", "http://10.0.0.1:7310", "http://localhost.example", "ftp://127.0.0.1"] {
            let text = told(address).expect_err(address);
            assert!(text.contains("https://") && text.contains(address), "{text}");
        }
    }

    #[test]
    fn a_file_without_certificates_is_told_before_anything_is_sent() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("ca.crt");
        let tls = Tls { ca: Some(file.clone()), identity: None };
        let missing = endpoint("https://eseal.example", &tls, Lang::En).expect_err("no file");
        assert_eq!(missing.code, "FILE_UNREADABLE");
        std::fs::write(&file, "-----BEGIN CERTIFICATE-----\nnot base64!\n-----END CERTIFICATE-----\n")
            .expect("written");
        let broken = endpoint("https://eseal.example", &tls, Lang::En).expect_err("no certificate");
        assert_eq!(broken.code, "CERTIFICATE_UNUSABLE");
    }
}
