//! The door, opened and closed.

use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use eseal_kernel::Clock;
use eseal_service::client::Peers;
use eseal_service::health::{Needs, Readiness, with_health_and_reflection};
use eseal_service::process::{ProcessError, announce, asked_to_stop, bind, probe};
use eseal_service::server::Server;
use eseal_service::tasks::Tasks;
use eseal_service::telemetry;
use eseal_service::tls::{Clients, Tls};
use tonic::body::Body;
use tonic::service::Routes;
use tower::service_fn;

use crate::config::Config;
use crate::event_log::EventLogs;
use crate::forward::Directory;

/// Who may stand behind it.
const OWNERS: [&str; 5] = ["application", "fabrication", "authentication", "verification", "identity"];
/// What is added to the bound on requests for everything else to end.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Serves until the process is told to stop, or a part of it fails.
///
/// # Errors
/// [`ProcessError`].
pub async fn serve(config: Config, ready_file: Option<&Path>) -> Result<(), ProcessError> {
    let telemetry = telemetry::init(&config.telemetry, "gateway")?;
    let tasks = Tasks::new();
    let bound = config.server.limits.stop_within.saturating_add(LAST_WORDS);
    let opened = open(config, ready_file, &tasks).await;
    if opened.is_ok() {
        tokio::select! {
            () = asked_to_stop() => tracing::info!("asked to stop"),
            () = tasks.stopping().cancelled_owned() => {}
        }
    }
    let ended = tasks.finish(bound).await;
    telemetry.shutdown();
    opened?;
    Ok(ended?)
}

async fn open(config: Config, ready_file: Option<&Path>, tasks: &Tasks) -> Result<(), ProcessError> {
    let tls = Tls::load(&config.tls, Clock::System)?;
    let door = Tls::load(&config.door_tls(), Clock::System)?;
    let owners: Vec<&'static str> = OWNERS.into_iter().filter(|owner| config.peers.contains_key(*owner)).collect();
    let routes = routes(&Peers::remote("gateway", tls.clone(), config.peers)?, &owners)?;
    let readiness = Readiness::watch(Needs::default(), tasks);
    let routes = with_health_and_reflection(routes, readiness.clone(), tasks)
        .map_err(|error| ProcessError::Reflection(error.to_string()))?;

    let (address, listener) = bind(config.server.address).await?;
    let (probes, probe_listener) = bind(config.server.probe_address).await?;
    tasks.spawn("TLS files", tls.watch(tasks.stopping()));
    tasks.spawn("TLS files of the door", door.clone().watch(tasks.stopping()));
    tasks.spawn_last("probes", probe::answer(probe_listener, readiness, tasks.stopping_last()));
    let server = Server::without_access(routes, config.server.limits);
    tasks.spawn("server", server.serve_tls(listener, door, Clients::Anybody, tasks.stopping()));
    tracing::info!(%address, %probes, "ready");
    announce(ready_file, address, probes)?;
    Ok(())
}

/// Histories by their owner, everything else by its path.
fn routes(peers: &Peers, owners: &[&'static str]) -> Result<Routes, ProcessError> {
    let directory = Directory::try_new(peers, owners).map_err(|error| ProcessError::Reflection(error.to_string()))?;
    let forward = service_fn(move |request: Request| directory.clone().forward(request.map(Body::new)));
    let histories = Routes::new(EventLogs::new(peers, owners).service()).into_axum_router();
    Ok(Routes::from(histories.reset_fallback().merge(Router::new().fallback_service(forward))))
}
