//! What operators do with one service: the commands besides `serve`.

use std::fmt;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::Path;

use eseal_bus::{
    Consumer, Nats, NatsConfig, StartAt, durable_name, setup_consumers, setup_durable, setup_streams, stream_name,
};
use eseal_eventstore::{Database, DatabaseConfig, DeadLetters, Log};
use eseal_kernel::Clock;
use indicatif::{ProgressBar, ProgressStyle};

use super::cli;
use super::settings::{self, Settings, named_files};
use super::{ProcessError, Program};
use crate::Language;
use crate::client::Peers;
use crate::config::Sources;
use crate::tend::{self, TendError};
use crate::tls::Tls;

impl From<TendError> for ProcessError {
    fn from(error: TendError) -> Self {
        match error {
            TendError::Store(error) => Self::Store(error),
            TendError::Io(error) => Self::Io(error),
        }
    }
}

/// Brings the database, and then the stream on the bus, to this release.
///
/// # Errors
/// [`ProcessError`].
pub async fn migrate<C>(
    program: &Program,
    settings: &Settings<C>,
    language: Language,
    out: &mut impl Write,
) -> Result<(), ProcessError> {
    let missing = || ProcessError::setting("migration", "`migrate` needs the section [migration] with its url_file");
    let migration = settings.migration.as_ref().ok_or_else(missing)?;
    let database = {
        let url = settings::secret(&migration.url_file)?;
        let config = DatabaseConfig { max_readers: 1, ..DatabaseConfig::new(url) };
        settings::open(&config, settings.database.wait).await?
    };
    eseal_eventstore::migrate(&database, program.migrations).await.map_err(ProcessError::Store)?;
    if let Some(role) = &migration.service_role {
        eseal_eventstore::grant(&database, role).await.map_err(ProcessError::Store)?;
    }
    writeln!(out, "{}", language.pick("数据库已是最新", "the database is up to date"))?;
    if let Some(nats) = setup_of(settings) {
        set_up_bus(program, &nats, migration.stream_replicas).await?;
        writeln!(out, "{}", language.pick("事件流已就绪", "the streams are there"))?;
    }
    Ok(())
}

/// How to reach NATS as who may set it up; nothing where the settings do not say who that is.
fn setup_of<C>(settings: &Settings<C>) -> Option<NatsConfig> {
    let identity = settings.migration.as_ref()?.bus.as_ref()?;
    let (cert_file, key_file) = (Some(identity.cert_file.clone()), Some(identity.key_file.clone()));
    Some(NatsConfig { cert_file, key_file, ..settings.nats() })
}

/// Makes the durable by which another system pulls this service's events, or makes it anew.
///
/// # Errors
/// [`ProcessError`].
pub async fn subscription<C>(
    program: &Program,
    settings: &Settings<C>,
    name: &str,
    from: StartAt,
    language: Language,
    out: &mut impl Write,
) -> Result<(), ProcessError> {
    let missing =
        || ProcessError::setting("migration.bus", "`subscription` needs the certificate of who sets up the bus");
    let nats = Nats::connect(&setup_of(settings).ok_or_else(missing)?, "setup").await?;
    setup_durable(&nats, name, program.name, from).await?;
    let (durable, stream) = (durable_name(name, program.name), stream_name(program.name));
    writeln!(out, "{}: {durable} ({stream})", language.pick("订阅已就绪", "the subscription is there"))?;
    Ok(())
}

/// The service's own stream, and its durables on those of others. Theirs are made too: who is migrated first is nobody's
/// business.
async fn set_up_bus(program: &Program, nats: &NatsConfig, replicas: usize) -> Result<(), ProcessError> {
    let nats = Nats::connect(nats, "setup").await?;
    let owners: Vec<&str> = program.hears.iter().copied().chain([program.name]).collect();
    setup_streams(&nats, &owners, replicas).await?;
    let consumers: Vec<Consumer> = program.hears.iter().map(|owner| Consumer { name: program.name, owner }).collect();
    Ok(setup_consumers(&nats, &consumers).await?)
}

/// Checks what can be checked without changing or reaching anything, and prints the settings in effect.
///
/// # Errors
/// [`ProcessError`] with the first file that can't be used.
pub fn check_config<C>(
    program: &Program,
    settings: &Settings<C>,
    sources: &Sources,
    language: Language,
    out: &mut impl Write,
) -> Result<(), ProcessError> {
    for path in named_files(settings).values() {
        settings::secret(path)?;
    }
    let tls = Tls::load(&settings.server.tls, Clock::System)?;
    Peers::remote(program.name, tls, settings.peers.clone())?;
    if let Some(owner) = program.hears.iter().find(|owner| !settings.peers.contains_key(**owner)) {
        return Err(ProcessError::setting("peers", format!("{owner} is missing: its history is asked there")));
    }
    let table: toml::Table = sources.load()?;
    writeln!(out, "# {}: {}", program.command, language.pick("配置可用,生效值如下", "usable; in effect are"))?;
    writeln!(out, "{}", table.to_string().trim_end())?;
    Ok(())
}

/// Fills the read tables anew from the events.
///
/// # Errors
/// [`ProcessError`].
pub async fn rebuild<C>(
    program: &Program,
    settings: &Settings<C>,
    language: Language,
    out: &mut impl Write,
) -> Result<(), ProcessError> {
    let database = settings.database.open().await?;
    eseal_eventstore::refuse_if_pending(&database, program.migrations).await.map_err(ProcessError::Store)?;
    let bar = progress(language.pick("重建查询表", "rebuilding"));
    let tell = |position: u64, head: u64| {
        bar.set_length(head);
        bar.set_position(position);
    };
    let rebuilt = eseal_eventstore::rebuild_telling(&database, &(program.projectors)(), tell).await;
    bar.finish_and_clear();
    let folded = rebuilt.map_err(ProcessError::Store)?;
    writeln!(out, "{}: {folded} {}", program.name, language.pick("个事件", "events"))?;
    Ok(())
}

/// Lists dead letters, or has them tried again by the process that serves.
///
/// # Errors
/// [`ProcessError`].
pub async fn dead_letters<C>(
    settings: &Settings<C>,
    command: cli::DeadLetters,
    language: Language,
    out: &mut impl Write,
) -> Result<(), ProcessError> {
    let database: Database = settings.database.open().await?;
    match command {
        cli::DeadLetters::List => {
            if tend::list_dead_letters(&database, language, out).await? == 0 {
                writeln!(out, "{}", language.pick("没有死信", "there are no dead letters"))?;
            }
        }
        cli::DeadLetters::Replay { consumer } => {
            let count = DeadLetters::new(database).replay(&consumer).await.map_err(ProcessError::Store)?;
            let told = language.pick("条死信将重新处理", "dead letters will be tried again");
            writeln!(out, "{consumer}: {count} {told}")?;
        }
    }
    Ok(())
}

/// Writes the whole history to a file, which is there whole or not at all, or to standard output.
///
/// # Errors
/// [`ProcessError`].
pub async fn export_events<C>(
    program: &Program,
    settings: &Settings<C>,
    after: u64,
    output: Option<&Path>,
    language: Language,
    out: &mut impl Write,
) -> Result<(), ProcessError> {
    let log = Log::new(settings.database.open().await?, program.name);
    let Some(path) = output else {
        tend::export_events(&log, after, &mut BufWriter::new(out), |_, _| ()).await?;
        return Ok(());
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let mut file = BufWriter::new(tempfile::NamedTempFile::new_in(folder)?);
    let bar = progress(language.pick("导出事件", "exporting"));
    let tell = |position: u64, head: u64| {
        bar.set_length(head);
        bar.set_position(position);
    };
    let exported = tend::export_events(&log, after, &mut file, tell).await;
    bar.finish_and_clear();
    let count = exported?;
    let file = file.into_inner().map_err(|error| ProcessError::Io(error.into_error()))?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| ProcessError::Io(error.error))?;
    writeln!(out, "{}: {count} {}", path.display(), language.pick("个事件", "events"))?;
    Ok(())
}

/// A bar for people at a terminal; nobody else sees it.
pub(super) fn progress(what: impl fmt::Display) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    let template = format!("{what} {{wide_bar}} {{pos}}/{{len}} {{per_sec}} {{eta}}");
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style);
    }
    bar
}
