//! TLS between services, and for people: certificates from files, taken up anew when the files change.
//!
//! Each side shows its certificate and trusts one CA file; nobody else's roots count. The files are looked at every few
//! seconds by their content, which sees a renamed file and the swapped symbolic links of a Kubernetes secret alike. What can't
//! be used (a half-written file, a key of another certificate) changes nothing and is logged. Connections that are open
//! stay as they are until they are closed, at the latest after `limits.connection_age`.

mod files;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use eseal_kernel::{Clock, Timestamp};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use crate::metrics;
use crate::status::chain;

use files::Contents;
pub use files::TlsError;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(5);
/// How often the end of the certificate is looked at.
const LOOK_AT_END: Duration = Duration::from_secs(3_600);
/// The longest time ahead that the end of a certificate is worth a warning.
const AHEAD: Duration = Duration::from_secs(14 * 86_400);
/// HTTP/2 (RFC 7540 §3.3); gRPC speaks nothing else.
const ALPN: &[u8] = b"h2";

/// Where the certificate of a process, its key and the CA that it trusts are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// The certificate, and those between it and the CA, as PEM.
    pub cert_file: PathBuf,
    /// Its private key, as PEM.
    pub key_file: PathBuf,
    /// The CAs whose certificates are trusted, as PEM: two while one takes the place of the other.
    pub ca_file: PathBuf,
}

/// Whom a server with TLS talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clients {
    /// Whoever shows a certificate of the trusted CA.
    Certified,
    /// Anybody: a door for people, who have tokens instead.
    Anybody,
}

/// A certificate with what it trusts, as the files have it. Cheap to clone; copies see the same files.
#[derive(Clone)]
pub struct Tls(Arc<Inner>);

struct Inner {
    config: TlsConfig,
    clock: Clock,
    current: ArcSwap<Loaded>,
}

/// What was made of the files.
struct Loaded {
    contents: Contents,
    not_before: Timestamp,
    not_after: Timestamp,
    certified: Arc<ServerConfig>,
    anybody: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
}

/// Makes aws-lc-rs the provider of this process, if none was chosen yet: with two in the tree the first use of TLS panics
/// otherwise.
pub fn install_provider() {
    // The error only says that somebody did it before.
    let _ = aws_lc_rs::default_provider().install_default();
}

impl Tls {
    /// What the files hold.
    ///
    /// # Errors
    /// [`TlsError`] names the file and what is wrong with it.
    pub fn load(config: &TlsConfig, clock: Clock) -> Result<Self, TlsError> {
        install_provider();
        let loaded = Loaded::of(config, Contents::read(config)?, clock.now())?;
        Ok(Self(Arc::new(Inner { config: config.clone(), clock, current: ArcSwap::from_pointee(loaded) })))
    }

    /// For the next connection that is accepted.
    pub fn server(&self, clients: Clients) -> Arc<ServerConfig> {
        let current = self.0.current.load();
        match clients {
            Clients::Certified => current.certified.clone(),
            Clients::Anybody => current.anybody.clone(),
        }
    }

    /// For the next connection that is made.
    pub fn client(&self) -> Arc<ClientConfig> {
        self.0.current.load().client.clone()
    }

    /// When the certificate ends.
    pub fn not_after(&self) -> Timestamp {
        self.0.current.load().not_after
    }

    /// Looks at the files now; whether there was something new, which is in use then.
    ///
    /// # Errors
    /// [`TlsError`]: then nothing has changed.
    pub fn reload(&self) -> Result<bool, TlsError> {
        let contents = Contents::read(&self.0.config)?;
        self.take(contents)
    }

    fn take(&self, contents: Contents) -> Result<bool, TlsError> {
        if self.0.current.load().contents == contents {
            return Ok(false);
        }
        let loaded = Loaded::of(&self.0.config, contents, self.0.clock.now())?;
        let until = loaded.not_after;
        self.0.current.store(Arc::new(loaded));
        tracing::info!(certificate = %self.0.config.cert_file.display(), %until, "the TLS certificate was taken up anew");
        Ok(true)
    }

    /// Looks at the files every few seconds until `stop`, and warns ahead of the certificate's end: a task of the process.
    ///
    /// # Errors
    /// Never; the type is what tasks have.
    pub async fn watch(self, stop: CancellationToken) -> Result<(), std::convert::Infallible> {
        let mut watch = Watch::default();
        let mut end = tokio::time::interval(LOOK_AT_END);
        let mut look = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _ = end.tick() => self.warn_of_end(),
                _ = look.tick() => watch.look(&self).await,
            }
        }
    }

    fn warn_of_end(&self) {
        let current = self.0.current.load();
        let (now, until) = (self.0.clock.now(), current.not_after);
        let certificate = self.0.config.cert_file.display();
        #[expect(clippy::cast_precision_loss, reason = "seconds for a gauge")]
        metrics::certificate_lasts((until.micros() - now.micros()) as f64 / 1e6);
        if until <= now {
            tracing::error!(%certificate, %until, "the TLS certificate has expired: nobody will talk to this process");
        } else if current.warns_from() <= now {
            tracing::warn!(%certificate, %until, "the TLS certificate expires soon");
        }
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("config", &self.0.config).field("not_after", &self.not_after()).finish()
    }
}

/// What the watcher said last, so that it says it once.
#[derive(Default)]
struct Watch {
    trouble: Option<String>,
    told: bool,
}

impl Watch {
    async fn look(&mut self, tls: &Tls) {
        let config = tls.0.config.clone();
        // Files may lie on a network; reading them takes no thread of the runtime.
        let read = tokio::task::spawn_blocking(move || Contents::read(&config)).await;
        let Ok(read) = read else { return };
        match read.and_then(|contents| tls.take(contents)) {
            Ok(_) => *self = Self::default(),
            Err(error) => self.tell(chain(&error)),
        }
    }

    /// Whoever replaces three files is in the middle of it at some moment: only what is the same at two looks is told.
    fn tell(&mut self, trouble: String) {
        if self.trouble.as_ref() == Some(&trouble) {
            if !self.told {
                tracing::error!(error = trouble, "new TLS files can't be used; those before stay in use");
            }
            self.told = true;
        } else {
            *self = Self { trouble: Some(trouble), told: false };
        }
    }
}

impl Loaded {
    fn of(config: &TlsConfig, contents: Contents, now: Timestamp) -> Result<Self, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let chain = files::chain(&config.cert_file, contents.certificate())?;
        let key = files::key(&config.key_file, contents.key())?;
        let roots = Arc::new(files::roots(&config.ca_file, contents.ca())?);
        let (not_before, not_after) = files::validity(&config.cert_file, &chain, now)?;
        let identity =
            CertifiedKey::from_der(chain, key, &provider).map_err(|error| files::unusable(config, &error))?;
        let identity = Arc::new(SingleCertAndKey::from(identity));
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider.clone()).build();
        let verifier = verifier.map_err(|error| TlsError::trust(config, &error))?;
        let server = || server_builder(&provider);
        let certified = server()?.with_client_cert_verifier(verifier).with_cert_resolver(identity.clone());
        let anybody = server()?.with_no_client_auth().with_cert_resolver(identity.clone());
        let mut client = client_builder(provider, roots)?.with_client_cert_resolver(identity);
        client.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Self {
            contents,
            not_before,
            not_after,
            certified: speaking_http2(certified),
            anybody: speaking_http2(anybody),
            client: Arc::new(client),
        })
    }

    /// Two weeks ahead, or a fifth of its life if that is less.
    fn warns_from(&self) -> Timestamp {
        let life = u64::try_from(self.not_after.seconds() - self.not_before.seconds()).unwrap_or_default();
        self.not_after.minus(AHEAD.min(Duration::from_secs(life / 5)))
    }
}

type Builder<C, S> = rustls::ConfigBuilder<C, S>;

fn server_builder(provider: &Arc<CryptoProvider>) -> Result<Builder<ServerConfig, rustls::WantsVerifier>, TlsError> {
    let builder = ServerConfig::builder_with_provider(provider.clone());
    builder.with_protocol_versions(rustls::DEFAULT_VERSIONS).map_err(TlsError::Library)
}

fn client_builder(
    provider: Arc<CryptoProvider>,
    roots: Arc<RootCertStore>,
) -> Result<Builder<ClientConfig, rustls::client::WantsClientCert>, TlsError> {
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_protocol_versions(rustls::DEFAULT_VERSIONS).map_err(TlsError::Library)?;
    Ok(builder.with_root_certificates(roots))
}

fn speaking_http2(mut config: ServerConfig) -> Arc<ServerConfig> {
    config.alpn_protocols = vec![ALPN.to_vec()];
    Arc::new(config)
}

#[cfg(test)]
mod tests;
