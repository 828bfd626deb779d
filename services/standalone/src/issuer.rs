//! The built-in issuer alone, as an OIDC provider: for the development of the distributed system, and its tests, where no
//! enterprise's provider is at hand. Services find its keys by discovery, as they would an enterprise's; people sign in
//! by gRPC through the gateway.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use eseal_kernel::Clock;
use eseal_service::access::{AccessLayer, Allow};
use eseal_service::process::{ProcessError, announce, asked_to_stop, bind};
use eseal_service::server::{Limits, Server};
use eseal_service::tasks::Tasks;
use eseal_service::tls::{Clients, Tls, TlsConfig};
use eseal_service::token::TokenIssuer;
use serde_json::{Value, json};
use tonic::service::Routes;

use crate::files::DataFolder;
use crate::identity::Identity;
use crate::sign_in::SignIn;
use crate::users::UsersError;
use crate::{Config, StandaloneError};

/// The time that requests under way have once the process is to stop.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Where the issuer listens, and as whom.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder with users and key; made if it is not there.
    pub data_dir: PathBuf,
    /// Settings: only `[identity]` is looked at.
    pub config: Config,
    /// Discovery and keys over plain HTTP: loopback only.
    pub http: SocketAddr,
    /// Signing in by gRPC with mTLS, for the gateway.
    pub grpc: SocketAddr,
    /// The certificate `identity.eseal`.
    pub tls: TlsConfig,
}

/// Issues tokens until the process is told to stop.
///
/// # Errors
/// [`StandaloneError`].
pub async fn serve(options: Options, ready_file: Option<&Path>) -> Result<(), StandaloneError> {
    let tasks = Tasks::new();
    let opened = open(options, ready_file, &tasks).await;
    if opened.is_ok() {
        tokio::select! {
            () = asked_to_stop() => tracing::info!("asked to stop"),
            () = tasks.stopping().cancelled_owned() => {}
        }
    }
    let ended = tasks.finish(LAST_WORDS).await;
    opened?;
    Ok(ended?)
}

async fn open(options: Options, ready_file: Option<&Path>, tasks: &Tasks) -> Result<(), StandaloneError> {
    let Options { data_dir, config, http, grpc, tls } = options;
    if !http.ip().is_loopback() {
        return Err(StandaloneError::NotLoopback(http));
    }
    let clock = Clock::System;
    let data = DataFolder::open(&data_dir)?;
    let users = crate::users_of(&data, &clock).await?;
    let (http, discovery) = bind(http).await?;
    let issuer = crate::issuer(&data, &config, &format!("http://{http}"), &clock)?;
    let sign_in = SignIn::try_new(users, clock.clone(), config.identity.parallel_checks).map_err(UsersError::from)?;

    let tls = Tls::load(&tls, clock).map_err(ProcessError::from)?;
    let gateway = BTreeMap::from([("eseal.identity.v1.IdentityService".to_owned(), vec!["gateway.eseal".to_owned()])]);
    let allow = Allow::try_from(gateway).map_err(|error| StandaloneError::Reflection(error.to_string()))?;
    let access = AccessLayer::try_new(issuer.verifier())?.allowing(allow);
    let pages = pages(http, &issuer);
    let server = Server::new(Routes::new(Identity::service(sign_in, issuer)), access, Limits::default());
    let (grpc, listener) = bind(grpc).await?;
    let stop = tasks.stopping();
    tasks.spawn("discovery", async move {
        axum::serve(discovery, pages).with_graceful_shutdown(stop.cancelled_owned()).await
    });
    tasks.spawn("TLS files", tls.clone().watch(tasks.stopping()));
    tasks.spawn("server", server.serve_tls(listener, tls, Clients::Certified, tasks.stopping()));
    tracing::info!(%http, %grpc, "the issuer is ready");
    announce(ready_file, http, grpc).map_err(ProcessError::from)?;
    Ok(())
}

/// OpenID Connect Discovery 1.0 §4 and RFC 7517, as much of them as verifiers of tokens need.
fn pages(http: SocketAddr, issuer: &TokenIssuer) -> Router {
    let discovered = json!({
        "issuer": format!("http://{http}"),
        "jwks_uri": format!("http://{http}/keys"),
        "id_token_signing_alg_values_supported": ["ES256"],
        "response_types_supported": ["token"],
        "subject_types_supported": ["public"],
    });
    let keys = json!({ "keys": [jwk(issuer)] });
    let page = |value: Value| {
        let text = value.to_string();
        get(async move || ([(CONTENT_TYPE, "application/json")], text.clone()))
    };
    Router::new().route("/.well-known/openid-configuration", page(discovered)).route("/keys", page(keys))
}

/// The public key (RFC 7518 §6.2.1): the point after its first byte, in halves.
fn jwk(issuer: &TokenIssuer) -> Value {
    let (x, y) = issuer.point()[1..].split_at(32);
    let text = |half: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(half);
    json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": issuer.key_id(), "x": text(x), "y": text(y) })
}
