//! What the command line asks for.

use std::io::{self, BufRead as _, Write};
use std::path::Path;

use eseal_eventstore::{Database, DeadLetters};
use eseal_kernel::Clock;
use eseal_service::process::{Program, Rewrapping, asked_to_stop, tell_rewrapped};
use eseal_service::telemetry::{self, TelemetryError};
use eseal_service::tend::{self, TendError};
use eseal_service::tls::TlsConfig;
use eseal_service::{Language, Role};

use crate::cli::{self, Cli, Command, Common, Serve};
use crate::config;
use crate::files::{DataFolder, FileError, write_private};
use crate::issuer;
use crate::password::{Password, PasswordError};
use crate::services::{SERVICES, named};
use crate::users::{NewUser, Users, UsersError};
use crate::{Config, Options, Running, Standalone, StandaloneError};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The standalone.
    #[error(transparent)]
    Standalone(#[from] StandaloneError),
    /// Logs.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// There is no data folder yet.
    #[error("there is no data folder {0}: `eseal-standalone serve` makes it")]
    NoData(String),
    /// There is no such service.
    #[error("there is no service {given:?}; there are: {}", SERVICES.map(|service| service.name).join(", "))]
    NoService {
        /// What was given.
        given: String,
    },
    /// Something still needs an earlier key-encryption key.
    #[error(
        "not all is under the current key: {rows} rows still need an earlier one; what is in the way is told above"
    )]
    NotRewrapped {
        /// How much.
        rows: u64,
    },
    /// Standard input or output.
    #[error("reading or writing failed")]
    Io(#[from] io::Error),
}

impl From<UsersError> for CommandError {
    fn from(error: UsersError) -> Self {
        Self::Standalone(error.into())
    }
}

impl From<PasswordError> for CommandError {
    fn from(error: PasswordError) -> Self {
        UsersError::from(error).into()
    }
}

impl From<FileError> for CommandError {
    fn from(error: FileError) -> Self {
        Self::Standalone(error.into())
    }
}

/// Runs the command; `out` gets what it prints.
///
/// # Errors
/// [`CommandError`].
pub async fn run(cli: Cli, language: Language, out: &mut impl Write) -> Result<(), CommandError> {
    let common = cli.common.clone();
    match cli.asked() {
        Command::Serve(options) => serve(&common, options, language, out).await,
        Command::Issuer(options) => run_issuer(&common, options).await,
        Command::User(command) => user(&common, command, language, out),
        Command::CheckConfig => check_config(&common, out),
        Command::DeadLetters(cli::DeadLetters::List) => list_dead_letters(&common, language, out).await,
        Command::DeadLetters(cli::DeadLetters::Replay { consumer }) => {
            replay_dead_letters(&common, &consumer, language, out).await
        }
        Command::Rewrap { check } => rewrap(&common, check, language, out).await,
        Command::Rebuild { service } => rebuild(&common, service.as_deref(), language, out).await,
    }
}

async fn serve(common: &Common, serve: Serve, language: Language, out: &mut impl Write) -> Result<(), CommandError> {
    let mut config = load(common)?;
    if let Some(address) = serve.address {
        config.server.address = address;
    }
    let telemetry = telemetry::init(&config.telemetry, "standalone")?;
    let served = serve_until_asked(common, serve, config, language, out).await;
    // The last thing: what the services said while they stopped goes out as well.
    telemetry.shutdown();
    served
}

async fn serve_until_asked(
    common: &Common,
    serve: Serve,
    config: Config,
    language: Language,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    if let Some(left_over) = &serve.ready_file {
        forget(left_over)?;
    }
    let options = Options { data_dir: common.data.clone(), config, clock: Clock::System };
    let running = Standalone::start(options).await?;
    announce(&running, serve.ready_file.as_deref(), language, out)?;
    tokio::select! {
        () = asked_to_stop() => tracing::info!("asked to stop"),
        () = running.stopping().cancelled_owned() => {}
    }
    Ok(running.stop().await?)
}

async fn run_issuer(common: &Common, options: cli::Issuer) -> Result<(), CommandError> {
    let config = load(common)?;
    let _telemetry = telemetry::init(&config.telemetry, "identity")?;
    let cli::Issuer { http, grpc, tls, ready_file } = options;
    let tls = TlsConfig { cert_file: tls.join("tls.crt"), key_file: tls.join("tls.key"), ca_file: tls.join("ca.crt") };
    let options = issuer::Options { data_dir: common.data.clone(), config, http, grpc, tls };
    Ok(issuer::serve(options, ready_file.as_deref()).await?)
}

/// A ready file of an earlier run names an address that is not ours.
fn forget(ready_file: &Path) -> Result<(), CommandError> {
    match std::fs::remove_file(ready_file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// One line for people and scripts, and the file for programs that wait for it.
fn announce(
    running: &Running,
    ready_file: Option<&Path>,
    language: Language,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    let address = running.address;
    tracing::info!(%address, "ready");
    let hint = language.pick("按 Ctrl-C 停止", "Ctrl-C stops it");
    writeln!(out, "ready http://{address} ({hint})")?;
    out.flush()?;
    if let Some(path) = ready_file {
        // Whoever sees the file sees all of it.
        write_private(path, format!("{address}\n").as_bytes())?;
    }
    Ok(())
}

fn user(common: &Common, command: cli::User, language: Language, out: &mut impl Write) -> Result<(), CommandError> {
    let data = DataFolder::open(&common.data)?;
    let users = Users::open(&data.users_file(), Clock::System)?;
    match command {
        cli::User::Add { name, roles, organization, person_id, password_stdin } => {
            let given = if password_stdin { Some(password_from(io::stdin().lock())?) } else { None };
            let generated = given.is_none();
            let added = users.add(NewUser { name, roles, organization, person_id, password: given })?;
            writeln!(out, "{}: {}", language.pick("内部编号", "person id"), added.person_id)?;
            if generated {
                writeln!(out, "{}: {}", language.pick("密码", "password"), added.password.reveal())?;
            }
        }
        cli::User::List => {
            for user in users.list()?.iter() {
                let roles = user.roles.iter().map(|role| Role::name(*role)).collect::<Vec<_>>().join(",");
                let organization = user.organization.as_deref().unwrap_or("-");
                writeln!(out, "{}\t{}\t{roles}\t{organization}", user.name, user.person_id)?;
            }
        }
        cli::User::Remove { name } => {
            users.remove(&name)?;
            writeln!(out, "{}: {name}", language.pick("已删除", "removed"))?;
        }
    }
    Ok(())
}

/// The first line, without its end.
fn password_from(input: impl io::BufRead) -> Result<Password, CommandError> {
    let mut line = zeroize::Zeroizing::new(String::new());
    // More than the longest password is none.
    input.take(2_048).read_line(&mut line)?;
    Ok(Password::try_new(line.trim_end_matches(['\r', '\n']))?)
}

fn check_config(common: &Common, out: &mut impl Write) -> Result<(), CommandError> {
    let config = load(common)?;
    config.check()?;
    config.telemetry.check()?;
    let text = config::in_effect(common.config.as_deref(), std::env::vars()).map_err(StandaloneError::from)?;
    writeln!(out, "{}", text.trim_end())?;
    Ok(())
}

async fn list_dead_letters(common: &Common, language: Language, out: &mut impl Write) -> Result<(), CommandError> {
    let data = existing(common)?;
    let mut told = 0;
    for service in &SERVICES {
        let Some(database) = open(&data, service).await? else { continue };
        told += tend::list_dead_letters(&database, language, out).await.map_err(|error| match error {
            TendError::Store(source) => StandaloneError::Store { service: service.name, source }.into(),
            TendError::Io(error) => CommandError::Io(error),
        })?;
    }
    if told == 0 {
        writeln!(out, "{}", language.pick("没有死信", "there are no dead letters"))?;
    }
    Ok(())
}

async fn replay_dead_letters(
    common: &Common,
    consumer: &str,
    language: Language,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    let data = existing(common)?;
    let mut count = 0;
    // A service may have several consumers, so the name alone does not tell whose database it is.
    for service in &SERVICES {
        let Some(database) = open(&data, service).await? else { continue };
        let failed = |source| StandaloneError::Store { service: service.name, source };
        count += DeadLetters::new(database).replay(consumer).await.map_err(failed)?;
    }
    writeln!(out, "{consumer}: {count} {}", language.pick("条死信将重新处理", "dead letters will be tried again"))?;
    Ok(())
}

async fn rewrap(common: &Common, check: bool, language: Language, out: &mut impl Write) -> Result<(), CommandError> {
    let data = existing(common)?;
    let config = load(common)?.in_folder(&data);
    let Some(database) = open(&data, &eseal_authentication::PROGRAM).await? else { return Ok(()) };
    let rewrapping = Rewrapping { check, tell: &mut |_, _| () };
    let rewrapped = eseal_authentication::rewrap(config.authentication, &database, rewrapping).await;
    let rewrapped = rewrapped.map_err(StandaloneError::from)?;
    tell_rewrapped(&rewrapped, language, out)?;
    match rewrapped.left() {
        rows if rows > 0 && !check => Err(CommandError::NotRewrapped { rows }),
        _ => Ok(()),
    }
}

async fn rebuild(
    common: &Common,
    only: Option<&str>,
    language: Language,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    let data = existing(common)?;
    let unknown = |given: &str| CommandError::NoService { given: given.to_owned() };
    let only = only.map(|name| named(name).ok_or_else(|| unknown(name))).transpose()?;
    // The writer of a running service would not know the tables any more.
    let _lock = data.lock()?;
    for service in SERVICES.iter().filter(|service| only.is_none_or(|only| only.name == service.name)) {
        let Some(database) = open(&data, service).await? else { continue };
        let failed = |source| StandaloneError::Store { service: service.name, source };
        eseal_eventstore::migrate(&database, service.migrations).await.map_err(failed)?;
        let folded = eseal_eventstore::rebuild(&database, &(service.projectors)()).await.map_err(failed)?;
        writeln!(out, "{}: {folded} {}", service.name, language.pick("个事件", "events"))?;
    }
    Ok(())
}

fn load(common: &Common) -> Result<Config, StandaloneError> {
    Ok(Config::load(common.config.as_deref(), std::env::vars())?)
}

/// The data folder, where a command has no business making one.
fn existing(common: &Common) -> Result<DataFolder, CommandError> {
    if !common.data.is_dir() {
        return Err(CommandError::NoData(common.data.display().to_string()));
    }
    Ok(DataFolder::open(&common.data)?)
}

/// The database of a service; none before its first start.
async fn open(data: &DataFolder, service: &Program) -> Result<Option<Database>, StandaloneError> {
    if !data.database_file(service.name).exists() {
        return Ok(None);
    }
    let opened = Database::connect(&data.database(service.name)).await;
    opened.map(Some).map_err(|source| StandaloneError::Store { service: service.name, source })
}
