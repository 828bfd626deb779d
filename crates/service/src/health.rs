//! Whether requests make sense at the moment: what probes, balancers and clients ask.
//!
//! Without its database a process can answer nothing. Without the bus it takes commands all the same: their events wait in
//! the database, which is the outbox, and go out later. All replicas lose the bus at once, so that a process that called
//! itself unready for it would take the whole service away; it says that it is degraded instead.

use std::time::Duration;

use eseal_bus::Nats;
use eseal_eventstore::Database;
use tokio::sync::watch;
use tonic::service::Routes;
use tonic_health::ServingStatus;

use crate::metrics;
use crate::status::chain;
use crate::tasks::Tasks;

/// How often, and for how long at most, each thing that is needed is asked whether it answers.
const PROBE: Duration = Duration::from_secs(5);

/// What a process needs.
#[derive(Debug, Clone, Default)]
pub struct Needs {
    /// Its databases, which it can't do without.
    pub databases: Vec<Database>,
    /// The bus, where it is a server of its own: it can do without for a while.
    pub nats: Option<Nats>,
}

/// How a process stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Requests make sense.
    Ready,
    /// Requests make sense, and something that follows from them waits: what for, for people.
    Degraded(&'static str),
    /// Requests make no sense: what is missing, for people.
    Missing(&'static str),
}

impl Standing {
    /// Whether requests make sense.
    pub const fn is_ready(self) -> bool {
        match self {
            Self::Ready | Self::Degraded(_) => true,
            Self::Missing(_) => false,
        }
    }
}

/// How the process stands. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Readiness(watch::Receiver<Standing>);

impl Readiness {
    /// Asks what is needed every few seconds, in a task of `tasks`.
    pub fn watch(needs: Needs, tasks: &Tasks) -> Self {
        let (tell, told) = watch::channel(Standing::Missing("starting"));
        let stop = tasks.stopping();
        tasks.spawn("health", async move {
            while !stop.is_cancelled() {
                tell.send_replace(needs.standing().await);
                let _ = tokio::time::timeout(PROBE, stop.cancelled()).await;
            }
            tell.send_replace(Standing::Missing("stopping"));
            Ok::<(), std::convert::Infallible>(())
        });
        Self(told)
    }

    /// How it stood a few seconds ago at most.
    pub fn standing(&self) -> Standing {
        *self.0.borrow()
    }
}

impl Needs {
    async fn standing(&self) -> Standing {
        // Looked at in any case: the metric must not depend on the databases.
        let has_bus = self.nats.as_ref().map(Nats::answers);
        if let Some(has_bus) = has_bus {
            metrics::bus_answers(has_bus);
        }
        for database in &self.databases {
            match tokio::time::timeout(PROBE, database.ping()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::error!(error = chain(&error), "a database does not answer");
                    return Standing::Missing("the database does not answer");
                }
                Err(_) => {
                    tracing::error!("a database does not answer in time");
                    return Standing::Missing("the database does not answer");
                }
            }
        }
        if has_bus == Some(false) {
            tracing::warn!("the bus does not answer; events wait in the database");
            return Standing::Degraded("the bus does not answer");
        }
        Standing::Ready
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
            let standing = *told.borrow_and_update();
            let status = if standing.is_ready() { ServingStatus::Serving } else { ServingStatus::NotServing };
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

#[cfg(test)]
mod tests {
    use eseal_bus::NatsConfig;
    use eseal_eventstore::DatabaseConfig;
    use eseal_testkit::{Port, TestDb};

    use super::*;

    async fn database(db: &TestDb) -> Database {
        Database::connect(&DatabaseConfig::new(db.url())).await.expect("a database")
    }

    /// A connection to a bus where nobody listens.
    async fn no_bus() -> Nats {
        let closed = Port::free().expect("a port");
        let config = NatsConfig { servers: vec![format!("nats://{}", closed.address())], ..NatsConfig::default() };
        Nats::connect(&config, "test").await.expect("it tries in the background")
    }

    #[tokio::test]
    async fn a_process_whose_bus_is_away_is_ready_and_says_that_it_is_degraded() {
        let db = TestDb::sqlite();
        let needs = Needs { databases: vec![database(&db).await], nats: Some(no_bus().await) };
        let standing = needs.standing().await;
        assert_eq!(standing, Standing::Degraded("the bus does not answer"));
        assert!(standing.is_ready());
    }

    #[tokio::test]
    async fn a_process_whose_database_is_away_is_not_ready_whatever_the_bus_does() {
        let db = TestDb::sqlite();
        let away = database(&db).await;
        away.close().await.expect("closed");
        for nats in [None, Some(no_bus().await)] {
            let needs = Needs { databases: vec![away.clone()], nats };
            let standing = needs.standing().await;
            assert_eq!(standing, Standing::Missing("the database does not answer"));
            assert!(!standing.is_ready());
        }
    }

    #[tokio::test]
    async fn a_process_that_has_what_it_needs_is_ready() {
        let db = TestDb::sqlite();
        let needs = Needs { databases: vec![database(&db).await], nats: None };
        assert_eq!(needs.standing().await, Standing::Ready);
    }
}
