//! The process of one service: what its `main` does.
//!
//! ```ignore
//! fn main() -> ExitCode {
//!     eseal_service::process::main(&PROGRAM, eseal_application::wire)
//! }
//! ```
//!
//! - [`cli`]: the command line
//! - [`settings`]: all settings of a process, with the service's own as their section `[service]`
//! - [`serve`]: from the settings to a serving process, and to its end
//! - [`probe`]: liveness and readiness over plain HTTP
//! - [`operate`]: `migrate`, `check-config`, `rebuild`, `dead-letters`, `export-events`
//! - [`rewrap`]: `rewrap`, of services that encrypt under key-encryption keys
//! - [`error`]: why a command failed, for people

pub mod cli;
pub mod error;
pub mod operate;
pub mod probe;
mod rewrap;
pub mod serve;
pub mod settings;

use std::io::{Write as _, stderr, stdout};
use std::process::ExitCode;

use eseal_eventstore::{Database, Migrations, Projector};
use serde::de::DeserializeOwned;
use tonic::service::Routes;

use crate::no_dumps::no_core_dumps;
use crate::{Context, Language, StartError};

pub use error::ProcessError;
pub use rewrap::{KeyUse, Rewrapped, Rewrapping, tell as tell_rewrapped};
pub use serve::{announce, asked_to_stop, bind};

use cli::{Cli, Command};
use settings::Settings;

/// What the process of a service has to know of it.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// The service: owner of its events, consumer of others', caller of its peers.
    pub name: &'static str,
    /// The program, such as `eseal-application`.
    pub command: &'static str,
    /// What it does, in both languages, for `--help`.
    pub about: &'static str,
    /// Its own settings with their defaults.
    pub config_default: &'static str,
    /// Its tables.
    pub migrations: Migrations,
    /// Whose events it reacts to.
    pub hears: &'static [&'static str],
    /// What fills its read tables from its events.
    pub projectors: fn() -> Vec<Projector>,
}

/// Does what the command line asks for. `wire` gives the routes of the service.
pub fn main<C, W>(program: &Program, wire: W) -> ExitCode
where
    C: DeserializeOwned,
    W: AsyncFnOnce(C, &Context) -> Result<Routes, StartError>,
{
    let none = async |_: C, _: &Database, _: Rewrapping<'_>| Ok(Rewrapped::default());
    ended(program, Cli::of(program, false), wire, none)
}

/// The same for a service that encrypts under key-encryption keys: `rewrap` does what its command of this name is for.
pub fn main_rewrapping<C, W, R>(program: &Program, wire: W, rewrap: R) -> ExitCode
where
    C: DeserializeOwned,
    W: AsyncFnOnce(C, &Context) -> Result<Routes, StartError>,
    R: AsyncFnOnce(C, &Database, Rewrapping<'_>) -> Result<Rewrapped, StartError>,
{
    ended(program, Cli::of(program, true), wire, rewrap)
}

fn ended<C, W, R>(program: &Program, cli: Cli, wire: W, rewrap: R) -> ExitCode
where
    C: DeserializeOwned,
    W: AsyncFnOnce(C, &Context) -> Result<Routes, StartError>,
    R: AsyncFnOnce(C, &Database, Rewrapping<'_>) -> Result<Rewrapped, StartError>,
{
    no_core_dumps();
    let locale = std::env::var("LC_ALL").or_else(|_| std::env::var("LANG")).ok();
    let language = cli.common.lang.unwrap_or_else(|| Language::of_locale(locale.as_deref()));
    let done = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(ProcessError::from)
        .and_then(|runtime| runtime.block_on(run(program, cli, language, wire, rewrap)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // With nobody to read it there is nobody to tell.
            let _ = writeln!(stderr(), "{}: {}", program.command, error.explain(language));
            error.exit_code()
        }
    }
}

async fn run<C, W, R>(program: &Program, cli: Cli, language: Language, wire: W, rewrap: R) -> Result<(), ProcessError>
where
    C: DeserializeOwned,
    W: AsyncFnOnce(C, &Context) -> Result<Routes, StartError>,
    R: AsyncFnOnce(C, &Database, Rewrapping<'_>) -> Result<Rewrapped, StartError>,
{
    let mut out = stdout();
    let sources = settings::sources(program.config_default, cli.common.config.as_deref(), std::env::vars())?;
    let settings: Settings<C> = sources.load()?;
    settings.check(program.name)?;
    match cli.command {
        Command::Serve { ready_file } => serve::serve(program, settings, wire, ready_file.as_deref()).await,
        Command::Probe => Ok(probe::ask(settings.server.probe_address)?),
        Command::Migrate => operate::migrate(program, &settings, language, &mut out).await,
        Command::CheckConfig => operate::check_config(program, &settings, &sources, language, &mut out),
        Command::Rebuild => operate::rebuild(program, &settings, language, &mut out).await,
        Command::Rewrap { check } => {
            let database = settings.database.open().await?;
            eseal_eventstore::refuse_if_pending(&database, program.migrations).await.map_err(ProcessError::Store)?;
            rewrap::run(settings.service, &database, rewrap, check, language, &mut out).await
        }
        Command::DeadLetters(command) => operate::dead_letters(&settings, command, language, &mut out).await,
        Command::Subscription { name, from } => {
            operate::subscription(program, &settings, &name, from, language, &mut out).await
        }
        Command::ExportEvents { after, output } => {
            operate::export_events(program, &settings, after, output.as_deref(), language, &mut out).await
        }
    }
}
