//! Certificate authorities for development on this machine: their OCSP responder, lists and certificates over HTTP. Other
//! machines cannot reach it.

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{CONTENT_TYPE, HeaderMap};
use axum::http::{HeaderName, StatusCode, Uri};
use axum::routing::{get, post};
use eseal_kernel::Clock;
use eseal_pki::DevelopmentCa;
use eseal_pki::ca::{Addresses, CaError};
use eseal_pki::ocsp::{MAX_REQUEST, OcspRequest, REQUEST_MEDIA_TYPE, RESPONSE_MEDIA_TYPE};
use tokio::net::TcpListener;

use crate::error::OnlineError;

/// The media types of lists and certificates (RFC 2585 §4).
const LIST_MEDIA_TYPE: &str = "application/pkix-crl";
const CERTIFICATE_MEDIA_TYPE: &str = "application/pkix-cert";
/// How far back a list of changes reaches.
const CHANGES: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);

/// An authority under the name that its addresses have.
pub struct NamedCa {
    /// Letters, digits and dashes.
    pub name: String,
    /// The authority as it is now.
    pub ca: DevelopmentCa,
}

/// Where the authority `name` is found at a server of [`serve`]; `url` is that of the server.
pub fn addresses(url: &str, name: &str) -> Addresses {
    let url = url.trim_end_matches('/');
    Addresses {
        list: Some(format!("{url}/{name}.crl")),
        changes: Some(format!("{url}/{name}.changes.crl")),
        ocsp: Some(format!("{url}/ocsp")),
        issuer: Some(format!("{url}/{name}.crt")),
    }
}

struct Desk<S> {
    source: S,
    clock: Clock,
}

/// Serves on `listener` until `stop` is ready: `POST /ocsp`, and for each authority `/NAME.crl`, `/NAME.changes.crl` (what was revoked
/// within a day) and `/NAME.crt`. `source` gives the authorities as they are; it is asked for each request, so that what was revoked a
/// moment ago is told.
///
/// # Errors
/// [`OnlineError::NotLoopback`], [`OnlineError::Serve`].
pub async fn serve<S, E>(
    source: S,
    listener: TcpListener,
    clock: Clock,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), OnlineError>
where
    S: Fn() -> Result<Vec<NamedCa>, E> + Send + Sync + 'static,
    E: std::fmt::Display + 'static,
{
    let address = listener.local_addr().map_err(OnlineError::Serve)?;
    if !address.ip().is_loopback() {
        return Err(OnlineError::NotLoopback(address));
    }
    let router = Router::new()
        .route("/ocsp", post(answer::<S, E>))
        .fallback(get(file::<S, E>))
        .layer(DefaultBodyLimit::max(MAX_REQUEST))
        .with_state(Arc::new(Desk { source, clock }));
    axum::serve(listener, router).with_graceful_shutdown(stop).await.map_err(OnlineError::Serve)
}

type Answer = Result<([(HeaderName, &'static str); 1], Vec<u8>), StatusCode>;

fn failed(error: &dyn std::fmt::Display) -> StatusCode {
    tracing::error!(%error, "an authority for development gives no answer");
    StatusCode::INTERNAL_SERVER_ERROR
}

async fn answer<S, E>(State(desk): State<Arc<Desk<S>>>, headers: HeaderMap, request: Bytes) -> Answer
where
    S: Fn() -> Result<Vec<NamedCa>, E>,
    E: std::fmt::Display,
{
    if headers.get(CONTENT_TYPE).is_none_or(|kind| kind.as_bytes() != REQUEST_MEDIA_TYPE.as_bytes()) {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let authorities = (desk.source)().map_err(|error| failed(&error))?;
    let parsed = OcspRequest::from_der(&request).ok();
    let first = parsed.as_ref().and_then(|request| request.ids().first());
    let asked = |one: &&NamedCa| first.is_some_and(|id| id.is_of_issuer(one.ca.certificate()));
    // Who is asked about a stranger's certificate does not know it.
    let authority = authorities.iter().find(asked).or_else(|| authorities.first()).ok_or(StatusCode::NOT_FOUND)?;
    let answer = authority.ca.respond(&request, desk.clock.now()).map_err(|error| failed(&error))?;
    Ok(([(CONTENT_TYPE, RESPONSE_MEDIA_TYPE)], answer))
}

async fn file<S, E>(State(desk): State<Arc<Desk<S>>>, uri: Uri) -> Answer
where
    S: Fn() -> Result<Vec<NamedCa>, E>,
    E: std::fmt::Display,
{
    let (name, kind) = uri.path().trim_start_matches('/').split_once('.').ok_or(StatusCode::NOT_FOUND)?;
    let authorities = (desk.source)().map_err(|error| failed(&error))?;
    let found = authorities.iter().find(|one| one.name == name).ok_or(StatusCode::NOT_FOUND)?;
    let now = desk.clock.now();
    let made: Result<_, CaError> = match kind {
        "crl" => found.ca.crl(now).map(|list| (LIST_MEDIA_TYPE, list.der().to_vec())),
        "changes.crl" => {
            found.ca.changes(now.minus(CHANGES), now).map(|changes| (LIST_MEDIA_TYPE, changes.der().to_vec()))
        }
        "crt" => Ok((CERTIFICATE_MEDIA_TYPE, found.ca.certificate().der().to_vec())),
        _ => return Err(StatusCode::NOT_FOUND),
    };
    let (media_type, bytes) = made.map_err(|error| failed(&error))?;
    Ok(([(CONTENT_TYPE, media_type)], bytes))
}
