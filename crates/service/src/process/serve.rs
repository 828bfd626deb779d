//! From the settings to a serving process, and to its end.

use std::collections::HashMap;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use eseal_bus::{Bus, Nats, ReadOwner};
use eseal_eventstore::{Database, Log};
use futures::FutureExt as _;
use tokio::net::TcpListener;
use tonic::service::Routes;

use super::settings::Settings;
use super::{ProcessError, Program, probe};
use crate::access::AccessLayer;
use crate::client::{Peer, Peers};
use crate::clock;
use crate::event_log::{EventLog, read_from};
use crate::health::{Needs, Readiness, with_health_and_reflection};
use crate::oidc::Oidc;
use crate::server::{Limits, Server};
use crate::tasks::Tasks;
use crate::telemetry;
use crate::tls::{Clients, Tls};
use crate::{Context, StartError};

/// The time that writers have after the servers and consumers have ended.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Serves until the process is told to stop, or a part of it fails.
///
/// # Errors
/// [`ProcessError`].
pub async fn serve<C, W>(
    program: &Program,
    settings: Settings<C>,
    wire: W,
    ready_file: Option<&Path>,
) -> Result<(), ProcessError>
where
    W: AsyncFnOnce(C, &Context) -> Result<Routes, StartError>,
{
    let telemetry = telemetry::init(&settings.telemetry, program.name)?;
    let tasks = Tasks::new();
    let limits = settings.server.limits;
    let started = start(program, settings, wire, ready_file, &tasks).await;
    if let Ok(ref database) = started {
        wait_for_the_end(&tasks).await;
        let ended = stop(&tasks, database, limits).await;
        telemetry.shutdown();
        return ended;
    }
    // What had begun ends before the caller is told; the first error is the one that matters.
    let _ = tasks.finish(LAST_WORDS).await;
    telemetry.shutdown();
    started.map(drop)
}

/// Opens everything in the order in which it is needed, and tells when it is ready.
async fn start<C, W>(
    program: &Program,
    settings: Settings<C>,
    wire: W,
    ready_file: Option<&Path>,
    tasks: &Tasks,
) -> Result<Database, ProcessError>
where
    W: AsyncFnOnce(C, &Context) -> Result<Routes, StartError>,
{
    let name = program.name;
    let (clock, nats) = (clock::of_process(tasks), settings.nats());
    let tls = Tls::load(&settings.server.tls, clock.clone())?;
    let database = settings.database.open().await?;
    eseal_eventstore::refuse_if_pending(&database, program.migrations).await.map_err(ProcessError::Store)?;

    let nats = Nats::connect(&nats, name).await?;
    let peers = Peers::remote(name, tls.clone(), settings.peers)?;
    let log = Log::new(database.clone(), name);
    let bus = Bus::nats(nats.clone(), log.clone(), reads(&peers, program.hears));
    let people = Oidc::try_new(&settings.people)?;
    let access = AccessLayer::try_new(people.verifier(clock.clone()))?.allowing(settings.grpc.allow);

    let context = Context::new(name, database.clone(), bus, peers, clock, tasks.clone());
    let routes = wire(settings.service, &context).await?;
    context.spawn("relay", eseal_bus::relay(nats.clone(), log.clone(), database.clone(), tasks.stopping()));
    let routes = routes.add_service(EventLog::service(vec![log], tasks.stopping()));
    let readiness = Readiness::watch(Needs { databases: vec![database.clone()], nats: Some(nats) }, tasks);
    let routes = with_health_and_reflection(routes, readiness.clone(), tasks)
        .map_err(|error| ProcessError::Reflection(error.to_string()))?;

    let (address, listener) = bind(settings.server.address).await?;
    let (probes, probe_listener) = bind(settings.server.probe_address).await?;
    tasks.spawn_last("probes", probe::answer(probe_listener, readiness, tasks.stopping_last()));
    let server = Server::new(routes, access, settings.server.limits);
    tasks.spawn("keys of people", people.keep_fresh(tasks.stopping()));
    tasks.spawn("TLS files", tls.clone().watch(tasks.stopping()));
    tasks.spawn("server", server.serve_tls(listener, tls, Clients::Certified, tasks.stopping()));
    tracing::info!(service = name, %address, %probes, "ready");
    announce(ready_file, address, probes)?;
    Ok(database)
}

async fn wait_for_the_end(tasks: &Tasks) {
    tokio::select! {
        () = asked_to_stop() => tracing::info!("asked to stop"),
        () = tasks.stopping().cancelled_owned() => {}
    }
}

/// No new connections, requests under way are finished, then consumers and writers end, all within the bound.
async fn stop(tasks: &Tasks, database: &Database, limits: Limits) -> Result<(), ProcessError> {
    // The server takes up to the bound for itself; what it leaves behind is written after it.
    let finished = tasks.finish(limits.stop_within.saturating_add(LAST_WORDS)).await;
    if let Err(error) = database.close().await {
        tracing::warn!(%error, "the database was not closed in order");
    }
    Ok(finished?)
}

/// The histories of those whom the service hears, asked of them: where the bus has lost something.
fn reads(peers: &Peers, hears: &[&'static str]) -> ReadOwner {
    let peers: HashMap<&'static str, Peer> = hears.iter().map(|owner| (*owner, peers.peer(owner))).collect();
    Arc::new(move |owner, after, limit| {
        let peer = peers.get(owner).cloned();
        let read = async move {
            let peer = peer.ok_or_else(|| format!("this service does not hear {owner}"))?;
            read_from(&peer, owner, after, limit).await
        };
        read.boxed()
    })
}

/// A listener there, and where that is.
///
/// # Errors
/// [`ProcessError::Bind`].
pub async fn bind(asked: SocketAddr) -> Result<(SocketAddr, TcpListener), ProcessError> {
    let failed = |source| ProcessError::Bind { address: asked, source };
    let listener = TcpListener::bind(asked).await.map_err(failed)?;
    Ok((listener.local_addr().map_err(failed)?, listener))
}

/// Writes the file for programs that wait for us: both addresses, a line each. Whoever sees it sees all of it.
///
/// # Errors
/// It can't be written.
pub fn announce(ready_file: Option<&Path>, address: SocketAddr, probes: SocketAddr) -> io::Result<()> {
    let Some(path) = ready_file else { return Ok(()) };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(file, "{address}\n{probes}")?;
    file.persist(path)?;
    Ok(())
}

/// SIGTERM, or Ctrl-C.
pub async fn asked_to_stop() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    let _ = interrupted.await;
}
