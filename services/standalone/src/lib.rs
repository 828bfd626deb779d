//! All services of eseal in one process, on SQLite and the local bus: the embedded default.
//!
//! It is the same services from the same code as in a distributed system: they talk by gRPC over the in-memory mesh and
//! by events, each with a database of its own. What is added here is the door for clients, an issuer of tokens for the
//! people in a file, and the commands that run all of it.
//!
//! - [`config`]: all settings
//! - [`files`]: the data folder, its keys and its lock
//! - [`password`], [`users`], [`sign_in`], [`identity`]: the built-in issuer
//! - [`issuer`]: the built-in issuer alone, for a distributed system in development
//! - [`services`]: the services that run here
//! - [`cli`], [`commands`], [`texts`]: the command line, what it does and says
//!
//! A program that embeds it, or a test, calls [`Standalone::start`].

pub mod cli;
pub mod commands;
pub mod config;
mod error;
pub mod files;
pub mod identity;
pub mod issuer;
pub mod password;
pub mod services;
pub mod sign_in;
pub mod texts;
pub mod users;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use eseal_bus::Bus;
use eseal_eventstore::{Database, Log};
use eseal_kernel::Clock;
use eseal_service::access::AccessLayer;
use eseal_service::client::Peers;
use eseal_service::config::ConfigError;
use eseal_service::event_log::EventLog;
use eseal_service::health::{Needs, Readiness, with_health_and_reflection};
use eseal_service::mesh::Mesh;
use eseal_service::process::Program;
use eseal_service::server::Server;
use eseal_service::tasks::Tasks;
use eseal_service::token::TokenIssuer;
use eseal_service::{Context, Role};
use futures::future::try_join_all;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

pub use config::Config;
pub use error::StandaloneError;

use files::{DataFolder, FolderLock};
use identity::Identity;
use services::SERVICES;
use sign_in::SignIn;
use users::{NewUser, Users, UsersError};

/// `iss` of the built-in issuer's tokens.
const ISSUER: &str = "https://standalone.eseal";
/// The time that writers have after the servers and consumers have ended.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// The user of the first start.
const FIRST_ADMIN: &str = "admin";

/// What to start.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder that holds all that is kept; made if it is not there.
    pub data_dir: PathBuf,
    /// The settings.
    pub config: Config,
    /// Where all services read the time.
    pub clock: Clock,
}

impl Options {
    /// The built-in settings on the machine's clock.
    ///
    /// # Errors
    /// [`ConfigError`] for a mistake in the built-in settings.
    pub fn new(data_dir: impl Into<PathBuf>) -> Result<Self, ConfigError> {
        Ok(Self { data_dir: data_dir.into(), config: Config::built_in()?, clock: Clock::System })
    }

    /// Listening there; port 0 takes a free one.
    #[must_use]
    pub const fn listening_on(mut self, address: SocketAddr) -> Self {
        self.config.server.address = address;
        self
    }

    /// On this clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }
}

/// All services in this process.
#[derive(Debug, Clone, Copy)]
pub struct Standalone;

impl Standalone {
    /// Opens the folder, migrates the databases, wires the services and opens the port. Ready when it returns.
    ///
    /// # Errors
    /// [`StandaloneError`]; then nothing runs.
    pub async fn start(options: Options) -> Result<Running, StandaloneError> {
        let tasks = Tasks::new();
        let started = Self::start_with(options, tasks.clone()).await;
        if started.is_err() {
            // What had begun ends before the caller is told; the first error is the one that matters.
            let _ = tasks.finish(LAST_WORDS).await;
        }
        started
    }

    async fn start_with(options: Options, tasks: Tasks) -> Result<Running, StandaloneError> {
        let Options { data_dir, config, clock } = options;
        config.check()?;
        let data = DataFolder::open(&data_dir)?;
        let lock = data.lock()?;
        let config = config.in_folder(&data);
        config.ensure_keys(&data)?;
        let users = users_of(&data, &clock).await?;
        let issuer = issuer(&data, &config, ISSUER, &clock)?;
        let access = AccessLayer::try_new(issuer.verifier())?;
        let databases = try_join_all(SERVICES.iter().map(|service| open_database(&data, service))).await?;

        let house = House { config: &config, clock: &clock, tasks: &tasks, access: &access, databases: &databases };
        let identity = house.identity(users.clone(), issuer)?;
        let outside = house.wire(identity).await?;

        let limits = config.server.limits;
        let (address, listener) = bind(config.server.address).await?;
        tasks.spawn("server", Server::new(outside, access, limits).serve(listener, tasks.stopping()));
        let at_work = AtWork { tasks, databases, stop_within: limits.stop_within, _lock: lock };
        Ok(Running { address, users, stopping: at_work.tasks.stopping(), at_work: Some(at_work) })
    }
}

/// What the services are wired from.
struct House<'a> {
    config: &'a Config,
    clock: &'a Clock,
    tasks: &'a Tasks,
    access: &'a AccessLayer,
    databases: &'a [Database],
}

impl House<'_> {
    fn identity(&self, users: Users, issuer: TokenIssuer) -> Result<Routes, StandaloneError> {
        let parallel = self.config.identity.parallel_checks;
        let sign_in = SignIn::try_new(users, self.clock.clone(), parallel).map_err(UsersError::from)?;
        Ok(Routes::new(Identity::service(sign_in, issuer)))
    }

    /// Wires all services, links them with each other, and gives what clients meet: all their routes and `more`.
    async fn wire(&self, more: Routes) -> Result<Routes, StandaloneError> {
        let stopping = || self.tasks.stopping();
        let services = || SERVICES.iter().zip(self.databases);
        let logs: Vec<Log> = services().map(|(service, db)| Log::new(db.clone(), service.name)).collect();
        let (mesh, bus) = (Mesh::new(), Bus::local(logs.clone()));
        let mut outside = more.add_service(EventLog::service(logs.clone(), stopping()));
        for ((service, database), log) in services().zip(logs) {
            let peers = Peers::mesh(service.name, mesh.clone());
            let (clock, tasks) = (self.clock.clone(), self.tasks.clone());
            let context = Context::new(service.name, database.clone(), bus.clone(), peers, clock, tasks);
            let routes = services::wire(self.config, &context).await?;
            outside = merged(outside, routes.clone());
            // Its history is for the other services as well, so that each can be asked for its own.
            let inside = routes.add_service(EventLog::service(vec![log], stopping()));
            let server = Server::new(inside, self.access.clone(), self.config.server.limits);
            let serving = server.serve_mesh(&mesh, service.name, stopping());
            self.tasks.spawn(format!("{}: mesh", service.name), serving);
        }
        let needs = Needs { databases: self.databases.to_vec(), nats: None };
        let readiness = Readiness::watch(needs, self.tasks);
        with_health_and_reflection(outside, readiness, self.tasks)
            .map_err(|error| StandaloneError::Reflection(error.to_string()))
    }
}

/// The services at work. Dropped, they stop as well, but nobody learns how.
#[derive(Debug)]
pub struct Running {
    /// Where clients connect: `http://<address>`.
    pub address: SocketAddr,
    users: Users,
    stopping: CancellationToken,
    /// None once it was told to stop.
    at_work: Option<AtWork>,
}

#[derive(Debug)]
struct AtWork {
    tasks: Tasks,
    databases: Vec<Database>,
    stop_within: Duration,
    _lock: FolderLock,
}

impl Running {
    /// Who may sign in: to add and remove people.
    pub fn users(&self) -> Users {
        self.users.clone()
    }

    /// Cancelled when it is to stop: because [`Running::stop`] was called, or because a part of it has failed, which
    /// `stop` then tells.
    pub fn stopping(&self) -> CancellationToken {
        self.stopping.clone()
    }

    /// Stops: no new connections, requests under way are finished, then consumers and writers end, all within the
    /// bound of the settings. The folder is free when it returns.
    ///
    /// # Errors
    /// [`StandaloneError::Task`] if a part had failed before, or does not stop in time.
    pub async fn stop(mut self) -> Result<(), StandaloneError> {
        match self.at_work.take() {
            Some(at_work) => at_work.stop().await,
            None => Ok(()),
        }
    }
}

impl AtWork {
    async fn stop(self) -> Result<(), StandaloneError> {
        // The servers take up to the bound for themselves; what they leave behind is written after it.
        let finished = self.tasks.finish(self.stop_within.saturating_add(LAST_WORDS)).await;
        for (service, database) in SERVICES.iter().zip(&self.databases) {
            if let Err(error) = database.close().await {
                tracing::warn!(service = service.name, %error, "the database was not closed in order");
            }
        }
        Ok(finished?)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(at_work) = self.at_work.take() else { return };
        at_work.tasks.stop();
        // The folder stays locked until all of it has ended.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(at_work.stop());
        }
    }
}

/// The users of the folder; the first start makes an administrator.
async fn users_of(data: &DataFolder, clock: &Clock) -> Result<Users, StandaloneError> {
    let users = Users::open(&data.users_file(), clock.clone())?;
    if data.users_file().exists() {
        return Ok(users);
    }
    let first = NewUser::new(FIRST_ADMIN, [Role::Admin]);
    let adding = users.clone();
    // Hashing takes its time, and no thread of the runtime.
    let added = tokio::task::spawn_blocking(move || adding.add(first)).await;
    let added = added.map_err(|_| UsersError::Password(password::PasswordError::Failed))??;
    let file = data.admin_password_file();
    files::write_private(&file, format!("{}\n", added.password.reveal()).as_bytes())?;
    tracing::info!(user = FIRST_ADMIN, password_file = %file.display(), "the first administrator was made");
    Ok(users)
}

fn issuer(data: &DataFolder, config: &Config, name: &str, clock: &Clock) -> Result<TokenIssuer, StandaloneError> {
    let (path, key) = data.issuer_key()?;
    TokenIssuer::try_new(name, &key, config.identity.token_lifetime, clock.clone())
        .map_err(|source| StandaloneError::IssuerKey { path, source })
}

async fn open_database(data: &DataFolder, service: &Program) -> Result<Database, StandaloneError> {
    let failed = |source| StandaloneError::Store { service: service.name, source };
    let database = Database::connect(&data.database(service.name)).await.map_err(failed)?;
    eseal_eventstore::migrate(&database, service.migrations).await.map_err(failed)?;
    Ok(database)
}

async fn bind(asked: SocketAddr) -> Result<(SocketAddr, TcpListener), StandaloneError> {
    let failed = |source| StandaloneError::Bind { address: asked, source };
    let listener = TcpListener::bind(asked).await.map_err(failed)?;
    Ok((listener.local_addr().map_err(failed)?, listener))
}

/// The routes of both. Each has its own answer for what is not there, and axum takes one only.
fn merged(some: Routes, more: Routes) -> Routes {
    some.into_axum_router().merge(more.into_axum_router().reset_fallback()).into()
}
