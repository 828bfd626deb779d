//! Calls to other services: with the time that is left, the trace that it belongs to, and retries within a budget.

use std::collections::HashMap;
use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tonic::metadata::{AsciiMetadataValue, MetadataValue};
use tonic::service::Interceptor;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status, TimeoutExpired};

use crate::Language;
use crate::deadline::Deadline;
use crate::mesh::Mesh;
use crate::remote::Remote;
use crate::status::{DEADLINE_EXCEEDED, generic};
use crate::tls::Tls;
use crate::trace::{self, Outgoing};

pub use crate::remote::AddressError;

/// The first pause before a retry; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The most tries of one call.
const TRIES: u32 = 5;
/// The budget, as in gRPC's retry throttling (gRFC A6): a failure costs ten, a success gives one back, and below half
/// nothing is retried. An outage is not made worse by five times the calls.
const BUDGET: u32 = 1_000;
const COST: u32 = 10;

/// What a request passes on to the calls that it causes.
#[derive(Debug, Clone)]
pub struct Onward {
    deadline: Deadline,
    traceparent: Option<String>,
    language: Language,
}

impl Onward {
    /// Of an incoming request.
    pub fn of<T>(request: &Request<T>) -> Self {
        Self { deadline: Deadline::of(request), traceparent: trace::of(request), language: Language::of(request) }
    }

    /// Of an effect or a reaction: bounded by itself, in the trace of the event that asked for it.
    pub fn within(time: Duration, traceparent: Option<String>) -> Self {
        let traceparent = traceparent.filter(|text| trace::is_well_formed(text));
        Self { deadline: Deadline::within(time), traceparent, language: Language::default() }
    }

    /// When the answer must be there.
    pub const fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// The message with what goes on; none once the time is over.
    fn request<M>(&self, message: M) -> Option<Request<M>> {
        let time = self.deadline.onward();
        if time.is_zero() {
            return None;
        }
        let mut request = Request::new(message);
        request.set_timeout(time);
        request.metadata_mut().insert("accept-language", MetadataValue::from_static(self.language.tag()));
        if let Some(traceparent) = self.traceparent.as_deref().and_then(|text| text.parse().ok()) {
            request.metadata_mut().insert(trace::TRACEPARENT, traceparent);
        }
        Some(request)
    }
}

/// The other services, as one service sees them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Peers {
    from: &'static str,
    links: Links,
}

#[derive(Debug, Clone)]
enum Links {
    Mesh(Mesh),
    Remote(Remote),
}

impl Peers {
    /// The services of this process, as `from` calls them.
    pub const fn mesh(from: &'static str, mesh: Mesh) -> Self {
        Self { from, links: Links::Mesh(mesh) }
    }

    /// Services in processes of their own, at these addresses by name (`https://HOST:PORT`), as `from` calls them: over
    /// TLS, with the certificate that `tls` has at the time of each connection. Who has no address is `UNAVAILABLE`.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn remote(from: &'static str, tls: Tls, addresses: HashMap<String, String>) -> Result<Self, AddressError> {
        Ok(Self { from, links: Links::Remote(Remote::try_new(tls, addresses)?) })
    }

    /// The service of this name, such as `authentication`. Keep it: its connection and its budget are its own.
    pub fn peer(&self, name: &'static str) -> Peer {
        Peer { name, channel: Outgoing::new(self.channel(name), name), budget: Arc::new(AtomicU32::new(BUDGET)) }
    }

    /// A bare channel to it. Prefer [`Peers::peer`], whose calls carry deadline and trace.
    pub fn channel(&self, name: &'static str) -> Channel {
        match &self.links {
            Links::Mesh(mesh) => mesh.channel(self.from, name),
            Links::Remote(remote) => remote.channel(name),
        }
    }
}

/// Another service. Cheap to clone; copies share connection and budget.
#[derive(Debug, Clone)]
pub struct Peer {
    name: &'static str,
    channel: Outgoing,
    budget: Arc<AtomicU32>,
}

impl Peer {
    /// Calls an RPC that may be repeated (a read, or one with a `request_id`): `UNAVAILABLE` is tried again with
    /// growing pauses, as long as time and budget last.
    ///
    /// ```no_run
    /// # use eseal_proto::authentication::v1::trust_service_client::TrustServiceClient;
    /// # use eseal_proto::authentication::v1::{CheckCertificateRequest, CheckCertificateResponse};
    /// # use eseal_service::{Onward, Peer};
    /// # async fn example(
    /// #     authentication: Peer,
    /// #     incoming: tonic::Request<()>,
    /// # ) -> Result<CheckCertificateResponse, tonic::Status> {
    /// let asked = CheckCertificateRequest::default();
    /// authentication
    ///     .call(&Onward::of(&incoming), asked, |channel, request| async move {
    ///         TrustServiceClient::new(channel).check_certificate(request).await
    ///     })
    ///     .await
    /// # }
    /// ```
    ///
    /// # Errors
    /// The status of the last try; `DEADLINE_EXCEEDED` once the time is over.
    pub async fn call<M, R, F>(
        &self,
        onward: &Onward,
        message: M,
        rpc: impl Fn(Outgoing, Request<M>) -> F + Send + Sync,
    ) -> Result<R, Status>
    where
        M: Clone + Send,
        F: Future<Output = Result<Response<R>, Status>> + Send,
    {
        let mut pause = FIRST_PAUSE;
        for _ in 1..TRIES {
            let status = match self.call_once(onward, message.clone(), &rpc).await {
                Err(status) if status.code() == Code::Unavailable => status,
                done => return done,
            };
            if !self.may_retry() || onward.deadline.onward() <= pause {
                return Err(status);
            }
            tracing::debug!(peer = self.name, ?pause, "not available, trying again");
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        self.call_once(onward, message, &rpc).await
    }

    /// Calls an RPC once.
    ///
    /// # Errors
    /// Its status; `DEADLINE_EXCEEDED` once the time is over.
    pub async fn call_once<M, R, F>(
        &self,
        onward: &Onward,
        message: M,
        rpc: impl Fn(Outgoing, Request<M>) -> F + Send + Sync,
    ) -> Result<R, Status>
    where
        F: Future<Output = Result<Response<R>, Status>> + Send,
    {
        let Some(request) = onward.request(message) else {
            return Err(generic(Code::DeadlineExceeded, &DEADLINE_EXCEEDED));
        };
        let answer = rpc(self.channel.clone(), request).await.map_err(with_due_code);
        self.account(answer.as_ref().err());
        answer.map(Response::into_inner)
    }

    fn account(&self, error: Option<&Status>) {
        let failed = error.is_some_and(|status| status.code() == Code::Unavailable);
        let change = |left: u32| Some(if failed { left.saturating_sub(COST) } else { (left + 1).min(BUDGET) });
        let _ = self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, change);
    }

    fn may_retry(&self) -> bool {
        self.budget.load(Ordering::Relaxed) > BUDGET / 2
    }
}

/// The code that is due where tonic's client gives another one: `DEADLINE_EXCEEDED` when the time is over on our side (it
/// says CANCELLED), `UNAVAILABLE` when the connection broke, was closed in order, or could not be made (it says CANCELLED
/// or UNKNOWN). What the peer itself answered stays as it is.
pub fn with_due_code(status: Status) -> Status {
    let mut cause = status.source();
    let mut broken = false;
    while let Some(error) = cause {
        if error.is::<TimeoutExpired>() {
            return generic(Code::DeadlineExceeded, &DEADLINE_EXCEEDED);
        }
        broken |= error.is::<tonic::transport::Error>() || error.is::<hyper::Error>();
        cause = error.source();
    }
    if broken && status.code() != Code::Unavailable {
        tracing::debug!(%status, "a connection to a peer broke");
        return Status::unavailable("the connection to the peer broke");
    }
    status
}

/// Puts a person's token, and the language to answer in, into each request of a client:
/// `XClient::with_interceptor(channel, bearer)`.
#[derive(Debug, Clone)]
pub struct Bearer {
    token: Option<AsciiMetadataValue>,
    language: Language,
}

/// A text that can't be a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a token has printable ASCII characters only")]
pub struct NotAToken;

impl Bearer {
    /// With this token.
    ///
    /// # Errors
    /// [`NotAToken`] if no header can hold it.
    pub fn try_new(token: &str, language: Language) -> Result<Self, NotAToken> {
        let mut token: AsciiMetadataValue = format!("Bearer {token}").parse().map_err(|_| NotAToken)?;
        token.set_sensitive(true);
        Ok(Self { token: Some(token), language })
    }

    /// Without a token.
    pub const fn anonymous(language: Language) -> Self {
        Self { token: None, language }
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.token {
            request.metadata_mut().insert("authorization", token.clone());
        }
        request.metadata_mut().insert("accept-language", MetadataValue::from_static(self.language.tag()));
        Ok(request)
    }
}
