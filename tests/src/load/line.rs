//! The way of a load's clients to the system: one address, people with tokens, and the same request again until somebody
//! answers.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use eseal_kernel::{Clock, Id};
use eseal_proto::identity::v1::SignInRequest;
use eseal_proto::identity::v1::identity_service_client::IdentityServiceClient;
use eseal_service::status::refusal_of;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tonic::metadata::AsciiMetadataValue;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Code, Request, Response, Status};
use tower::service_fn;

use super::ledger::{Entry, Rpc, Verdict, Writing};
use crate::company::{PASSWORD, id_of};

/// The longest that one try may take.
const TRY: Duration = Duration::from_secs(15);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Where the system is.
#[derive(Debug, Clone)]
pub struct Door {
    /// `http://…` of the standalone, `https://localhost:…` of the gateway.
    pub url: String,
    /// Whose certificate the gateway has.
    pub ca: Option<PathBuf>,
}

/// The channel of somebody.
pub type Line = InterceptedService<Channel, Says>;

/// Says who calls.
#[derive(Debug, Clone)]
pub struct Says(AsciiMetadataValue);

impl Interceptor for Says {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

impl Door {
    /// A channel to it, which connects anew whenever it has to.
    ///
    /// # Panics
    /// The address is none, or the file of the CA can't be read.
    pub fn channel(&self) -> Channel {
        // A connection that was cut without a word is noticed by the missing answer to a ping.
        let endpoint = |url: String| {
            Endpoint::from_shared(url)
                .expect("an address")
                .connect_timeout(Duration::from_secs(2))
                .http2_keep_alive_interval(Duration::from_secs(2))
                .keep_alive_timeout(Duration::from_secs(2))
                .keep_alive_while_idle(true)
        };
        let Some(ca) = &self.ca else { return endpoint(self.url.clone()).connect_lazy() };
        let authority = self.url.trim_start_matches("https://").to_owned();
        let (address, tls) = (authority.replace("localhost", "127.0.0.1"), trusting(ca));
        let connect = service_fn(move |_: Uri| {
            let (address, tls) = (address.clone(), tls.clone());
            async move {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
                tls.connect(name, stream).await.map(TokioIo::new)
            }
        });
        // The connector speaks TLS; with the scheme `https` tonic would look for its own.
        endpoint(format!("http://{authority}")).connect_with_connector_lazy(connect)
    }

    /// The channel of somebody, who signs in first.
    ///
    /// # Errors
    /// Nobody let them in for so long.
    pub async fn sign_in(&self, name: &str, patience: Duration) -> Result<Line, Status> {
        let channel = self.channel();
        let deadline = Instant::now() + patience;
        loop {
            let asked = SignInRequest { name: name.to_owned(), password: PASSWORD.to_owned() };
            match IdentityServiceClient::new(channel.clone()).sign_in(asked).await {
                Ok(answer) => {
                    let bearer = format!("Bearer {}", answer.into_inner().token).parse::<AsciiMetadataValue>();
                    let bearer = bearer.map_err(|_| Status::internal("the token is none"))?;
                    return Ok(InterceptedService::new(channel, Says(bearer)));
                }
                Err(status) if Instant::now() > deadline => return Err(status),
                Err(_) => sleep(FIRST_PAUSE * 4).await,
            }
        }
    }
}

fn trusting(ca: &std::path::Path) -> TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca).expect("the CA's file") {
        roots.add(certificate.expect("a certificate")).expect("a CA");
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = config.expect("versions of TLS").with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsConnector::from(Arc::new(config))
}

/// Somebody who sends commands and writes down what came of them.
#[derive(Debug, Clone)]
pub struct Sender {
    /// Their name in the stories.
    pub name: &'static str,
    /// Their channel.
    pub line: Line,
    /// Where it is written down.
    pub ledger: Writing,
    /// How long one command is tried.
    pub patience: Duration,
}

/// Why there is no answer to go on with; it is in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotDone {
    /// Refused, for this reason.
    Refused(String),
    /// Nobody said what became of it.
    Open,
}

/// What an answer, or its absence, says.
enum Heard<T> {
    Done(T),
    Refused(String),
    /// To be sent again, as it is.
    Again(String),
}

impl Sender {
    /// Sends the message of `ask`, which is given the id of the request, again and again until somebody answers.
    /// `subject` tells from the answer what was made; `about` is what it was about before.
    ///
    /// # Errors
    /// [`NotDone`].
    pub async fn command<M, T, F>(
        &self,
        rpc: Rpc,
        about: &str,
        message: M,
        call: impl Fn(Line, M) -> F,
        subject: impl Fn(&T) -> String,
    ) -> Result<T, NotDone>
    where
        M: Clone + AsksWithId,
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let request_id = request_id();
        let message = message.with_id(request_id.clone());
        let (deadline, mut pause, mut sent) = (Instant::now() + self.patience, FIRST_PAUSE, 0);
        loop {
            sent += 1;
            let heard = match timeout(TRY, call(self.line.clone(), message.clone())).await {
                Ok(answer) => heard(answer),
                Err(_) => Heard::Again("no answer".to_owned()),
            };
            let entry = |subject: String, verdict| Entry {
                rpc,
                caller: id_of(self.name),
                request_id: request_id.clone(),
                subject,
                verdict,
                sent,
            };
            match heard {
                Heard::Done(answer) => {
                    self.ledger.write(entry(subject(&answer), Verdict::Acknowledged));
                    return Ok(answer);
                }
                Heard::Refused(reason) => {
                    self.ledger.write(entry(about.to_owned(), Verdict::Refused(reason.clone())));
                    return Err(NotDone::Refused(reason));
                }
                Heard::Again(why) => {
                    self.ledger.figures().failed_tries.fetch_add(1, Ordering::SeqCst);
                    if Instant::now() > deadline {
                        self.ledger.write(entry(about.to_owned(), Verdict::Open(why)));
                        return Err(NotDone::Open);
                    }
                }
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Looks something up again and again until `found` finds it, or `until` is over.
    pub async fn look<T, R, F>(
        &self,
        until: impl Fn() -> bool,
        ask: impl Fn(Line) -> F,
        found: impl Fn(T) -> Option<R>,
    ) -> Option<R>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        loop {
            if let Ok(Ok(answer)) = timeout(TRY, ask(self.line.clone())).await
                && let Some(found) = found(answer.into_inner())
            {
                return Some(found);
            }
            if until() {
                return None;
            }
            sleep(Duration::from_millis(100)).await;
        }
    }
}

/// What is sent again gets the same answer, because it has the same id: so it is sent again whenever the answer does not
/// say that nothing was or will be done.
fn heard<T>(answer: Result<Response<T>, Status>) -> Heard<T> {
    let status = match answer {
        Ok(answer) => return Heard::Done(answer.into_inner()),
        Err(status) => status,
    };
    let reason = refusal_of(&status).map(|refused| refused.reason);
    let told = || format!("{:?} {}", status.code(), status.message());
    match (status.code(), reason) {
        // The try whose answer was lost may still look at the PIN; or it was killed, and the attempt is over.
        (Code::Aborted, Some(reason)) if reason == "PIN_CHECK_RUNNING" => Heard::Again(reason),
        (
            Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::OutOfRange,
            Some(reason),
        ) => Heard::Refused(reason),
        _ => Heard::Again(told()),
    }
}

/// A request with an id.
pub trait AsksWithId {
    /// The same with this id.
    fn with_id(self, request_id: String) -> Self;
}

macro_rules! asks_with_id {
    ($($message:ty),* $(,)?) => {
        $(impl AsksWithId for $message {
            fn with_id(self, request_id: String) -> Self {
                Self { request_id, ..self }
            }
        })*
    };
}

asks_with_id!(
    eseal_proto::application::v1::SubmitApplicationRequest,
    eseal_proto::application::v1::ReturnApplicationRequest,
    eseal_proto::application::v1::ResubmitApplicationRequest,
    eseal_proto::application::v1::ApproveApplicationRequest,
    eseal_proto::authentication::v1::CreateHostedKeyRequest,
    eseal_proto::authentication::v1::CertifyHostedKeyRequest,
    eseal_proto::authentication::v1::ActivateSealRequest,
    eseal_proto::authentication::v1::SuspendSealRequest,
    eseal_proto::authentication::v1::ResumeSealRequest,
    eseal_proto::authentication::v1::RevokeSealRequest,
    eseal_proto::authentication::v1::BeginSealingRequest,
    eseal_proto::authentication::v1::AuthorizeHostedSealingRequest,
    eseal_proto::authentication::v1::SignHostedRequest,
    eseal_proto::authentication::v1::CompleteSealingRequest,
);

/// The id of a new request.
fn request_id() -> String {
    Id::random(Clock::System.now()).to_string()
}
