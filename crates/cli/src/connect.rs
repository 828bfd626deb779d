//! The way to the server.

use std::time::Duration;

use tonic::metadata::{AsciiMetadataValue, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::failure::{Failure, Kind};
use crate::lang::Lang;
use crate::session::Sessions;

/// The most bytes of one message, as the servers have it.
pub const MAX_MESSAGE: usize = 16 << 20;
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
    pub fn of(address: &str, name: Option<&str>, lang: Lang) -> Result<Self, Failure> {
        let token = match std::env::var("ESEAL_TOKEN").ok().filter(|token| name.is_none() && !token.is_empty()) {
            Some(token) => Some(token),
            None => Sessions::of_user(lang)?.find(address, name)?.map(|(_, session)| session.token),
        };
        let token = token.map(|token| format!("Bearer {token}").parse::<AsciiMetadataValue>());
        let mut token = token.transpose().map_err(|_| Failure::new(Kind::Usage, "NOT_SIGNED_IN", lang))?;
        if let Some(token) = &mut token {
            token.set_sensitive(true);
        }
        Self::with(address, lang, token)
    }

    /// The server at `address`, on behalf of nobody: an old token is no reason to refuse what anybody may ask.
    ///
    /// # Errors
    /// The address is none.
    pub fn anonymous(address: &str, lang: Lang) -> Result<Self, Failure> {
        Self::with(address, lang, None)
    }

    fn with(address: &str, lang: Lang, token: Option<AsciiMetadataValue>) -> Result<Self, Failure> {
        let endpoint = endpoint(address, lang)?;
        let channel = endpoint.connect_timeout(CONNECT_WITHIN).timeout(ANSWER_WITHIN).connect_lazy();
        Ok(Self { address: address.to_owned(), lang, channel, token })
    }

    /// Whether the server answers a question within two seconds: a port that only takes connections is no server.
    pub async fn is_reachable(&self) -> bool {
        let mut health = HealthClient::new(self.line());
        let asked = health.check(HealthCheckRequest::default());
        matches!(tokio::time::timeout(CONNECT_WITHIN, asked).await, Ok(Ok(_)))
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

/// The server's address. What would be sent in the clear although `https` was asked for is refused.
fn endpoint(address: &str, lang: Lang) -> Result<Endpoint, Failure> {
    let endpoint = Endpoint::from_shared(address.to_owned()).map_err(|error| Failure::usage(lang, error))?;
    match endpoint.uri().scheme_str() {
        Some("http") => Ok(endpoint),
        _ => {
            let why = lang.pick("目前仅支持 http://(本机)", "only http:// to this machine is supported so far");
            Err(Failure::usage(lang, format_args!("--server {address}: {why}")))
        }
    }
}

/// The id of a new request: the same request sent twice with it is carried out once.
pub fn request_id() -> String {
    uuid::Uuid::now_v7().to_string()
}
