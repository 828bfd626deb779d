//! What a service is wired with.

use std::error::Error;
use std::future::Future;
use std::sync::{Arc, OnceLock};

use eseal_bus::{Bus, BusError, Consumer, Outcome, Received, Wanted};
use eseal_eventstore::{Database, Delivery, StoreError, Writer, WriterSettings};
use eseal_kernel::Clock;
use tokio_util::sync::CancellationToken;

use crate::client::{Peer, Peers};
use crate::metrics;
use crate::tasks::Tasks;

/// Everything around one service: given to its `wire`. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Context(Arc<Surroundings>);

#[derive(Debug)]
struct Surroundings {
    name: &'static str,
    database: Database,
    bus: Bus,
    peers: Peers,
    clock: Clock,
    tasks: Tasks,
    writer: OnceLock<Writer>,
}

impl Context {
    /// The surroundings of the service `name`, such as `application`.
    pub fn new(name: &'static str, database: Database, bus: Bus, peers: Peers, clock: Clock, tasks: Tasks) -> Self {
        Self(Arc::new(Surroundings { name, database, bus, peers, clock, tasks, writer: OnceLock::new() }))
    }

    /// The name of the service: owner of its events, consumer of others'.
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// The service's database, migrated.
    pub fn database(&self) -> &Database {
        &self.0.database
    }

    /// The bus that carries all services' events.
    pub fn bus(&self) -> &Bus {
        &self.0.bus
    }

    /// Where the time comes from.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The service's one writer; the first call starts it.
    pub fn writer(&self) -> Writer {
        let start = || {
            let settings = WriterSettings::new(self.0.name);
            // Handlers and consumers still record what they have begun while they stop.
            let tasks = &self.0.tasks;
            let (writer, task) = Writer::start(self.0.database.clone(), settings, tasks.stopping_last());
            let ended = async move { task.await.map_err(WriterEnded::Join)?.map_err(WriterEnded::Store) };
            tasks.spawn_last(format!("{}: writer", self.0.name), ended);
            let watch = metrics::watch(self.0.name, self.0.database.clone(), tasks.stopping());
            tasks.spawn(format!("{}: metrics", self.0.name), watch);
            writer
        };
        self.0.writer.get_or_init(start).clone()
    }

    /// Another service, such as `authentication`. Keep it: its connection and its budget for retries are its own.
    pub fn peer(&self, name: &'static str) -> Peer {
        self.0.peers.peer(name)
    }

    /// The other services.
    pub fn peers(&self) -> &Peers {
        &self.0.peers
    }

    /// Runs a background task of this service until [`Context::stopping`]. One that ends early stops the process with
    /// a failure.
    pub fn spawn<E>(&self, name: &str, task: impl Future<Output = Result<(), E>> + Send + 'static)
    where
        E: Error + Send + 'static,
    {
        self.0.tasks.spawn(format!("{}: {name}", self.0.name), task);
    }

    /// Hands those facts of `consumer.owner` that are `wanted` to `handler` until [`Context::stopping`], with this service's own writer and database: see
    /// [`eseal_bus::consume`].
    ///
    /// # Errors
    /// [`BusError`] when the bus can't go on.
    pub async fn consume<F, R>(&self, consumer: Consumer, wanted: Wanted, handler: F) -> Result<(), BusError>
    where
        F: Fn(Received, Delivery) -> R + Send + Sync,
        R: Future<Output = Outcome> + Send,
    {
        let (writer, database) = (self.writer(), self.database().clone());
        eseal_bus::consume(self.bus(), consumer, wanted, writer, database, handler, self.stopping()).await
    }

    /// Cancelled when the process is to stop.
    pub fn stopping(&self) -> CancellationToken {
        self.0.tasks.stopping()
    }
}

/// Why the writer ended.
#[derive(Debug, thiserror::Error)]
enum WriterEnded {
    #[error("the task of the writer ended badly")]
    Join(#[source] tokio::task::JoinError),
    #[error(transparent)]
    Store(StoreError),
}

/// Why a service could not be wired.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its database.
    #[error("the database of {service} can't be used")]
    Store {
        /// The service.
        service: &'static str,
        /// Why.
        source: StoreError,
    },
    /// Something that its configuration names can't be used: a key file, a font, a card.
    #[error("{what} of {service} can't be used: {why}")]
    Setting {
        /// The service.
        service: &'static str,
        /// What, such as `the file in seals.key_file`.
        what: String,
        /// Why, for people.
        why: String,
    },
}

impl StartError {
    /// Something that the configuration names can't be used.
    pub fn setting(service: &'static str, what: impl Into<String>, why: impl ToString) -> Self {
        Self::Setting { service, what: what.into(), why: why.to_string() }
    }
}
