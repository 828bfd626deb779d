//! Whether requests make sense at the moment: what probes, balancers and clients ask.

use std::time::Duration;

use eseal_bus::Nats;
use eseal_eventstore::Database;
use tokio::sync::watch;
use tonic::service::Routes;
use tonic_health::ServingStatus;

use crate::status::chain;
use crate::tasks::Tasks;

/// How often, and for how long at most, each thing that is needed is asked whether it answers.
const PROBE: Duration = Duration::from_secs(5);

/// What a process can't do without.
#[derive(Debug, Clone, Default)]
pub struct Needs {
    /// Its databases.
    pub databases: Vec<Database>,
    /// The bus, where it is a server of its own.
    pub nats: Option<Nats>,
}

/// What is missing for requests to make sense. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Readiness(watch::Receiver<Option<&'static str>>);

impl Readiness {
    /// Asks what is needed every few seconds, in a task of `tasks`.
    pub fn watch(needs: Needs, tasks: &Tasks) -> Self {
        let (tell, told) = watch::channel(Some("starting"));
        let stop = tasks.stopping();
        tasks.spawn("health", async move {
            while !stop.is_cancelled() {
                tell.send_replace(needs.missing().await);
                let _ = tokio::time::timeout(PROBE, stop.cancelled()).await;
            }
            tell.send_replace(Some("stopping"));
            Ok::<(), std::convert::Infallible>(())
        });
        Self(told)
    }

    /// What is missing, for people; nothing when requests make sense.
    pub fn missing(&self) -> Option<&'static str> {
        *self.0.borrow()
    }
}

impl Needs {
    async fn missing(&self) -> Option<&'static str> {
        for database in &self.databases {
            match tokio::time::timeout(PROBE, database.ping()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::error!(error = chain(&error), "a database does not answer");
                    return Some("the database does not answer");
                }
                Err(_) => {
                    tracing::error!("a database does not answer in time");
                    return Some("the database does not answer");
                }
            }
        }
        if self.nats.as_ref().is_some_and(|nats| !nats.answers()) {
            tracing::error!("the bus does not answer");
            return Some("the bus does not answer");
        }
        None
    }
}

/// Adds health (`grpc.health.v1`), which says what `readiness` says, and reflection.
///
/// # Errors
/// [`tonic_reflection::server::Error`] for a mistake in the proto.
pub fn with_health_and_reflection(
    routes: Routes,
    readiness: Readiness,
    tasks: &Tasks,
) -> Result<Routes, tonic_reflection::server::Error> {
    let (reporter, health) = tonic_health::server::health_reporter();
    let stop = tasks.stopping_last();
    tasks.spawn_last("health of gRPC", async move {
        let mut told = readiness.0;
        loop {
            let missing = *told.borrow_and_update();
            let status = if missing.is_none() { ServingStatus::Serving } else { ServingStatus::NotServing };
            reporter.set_service_status("", status).await;
            tokio::select! {
                () = stop.cancelled() => return Ok::<(), std::convert::Infallible>(()),
                changed = told.changed() => if changed.is_err() {
                    // Nobody will tell any more: the process stops.
                    stop.cancelled().await;
                },
            }
        }
    });
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(eseal_proto::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()?;
    Ok(routes.add_service(health).add_service(reflection))
}
