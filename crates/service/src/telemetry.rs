//! Logs, to standard error: text for people or one JSON object a line. Traces, metrics and the same logs go to a
//! collector (OTLP over gRPC) where one is configured.
//!
//! A collector never slows a service down: what waits for it is bounded, what does not fit is dropped and counted, and
//! a failing export is logged once in a while.

mod json;
mod otlp;
mod outgoing;

use std::io::IsTerminal as _;
use std::time::Duration;

use serde::Deserialize;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::time::SystemTime;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use self::json::JsonLines;
use self::otlp::Pipelines;
use crate::tls::TlsConfig;

/// How long [`Telemetry::shutdown`] waits for what is still to be sent.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How the process logs, and where its telemetry goes.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelemetryConfig {
    /// `text` or `json`.
    pub format: LogFormat,
    /// What is logged, such as `info` or `info,eseal_eventstore=debug` (the syntax of `RUST_LOG`).
    pub filter: String,
    /// The collector (OTLP over gRPC), such as `http://127.0.0.1:4317`. Without it nothing leaves the process.
    #[serde(default)]
    pub otlp_endpoint: Option<String>,
    /// The certificate that a collector at `https://` sees, and whose it must have.
    #[serde(default)]
    pub otlp_tls: Option<TlsConfig>,
    /// The share of traces that are recorded, 0 to 1, where the caller has not decided.
    #[serde(default = "everything")]
    pub sampling_ratio: f64,
    /// How often metrics are sent.
    #[serde(default = "half_a_minute", with = "humantime_serde")]
    pub metrics_interval: Duration,
}

const fn everything() -> f64 {
    1.0
}

const fn half_a_minute() -> Duration {
    Duration::from_secs(30)
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// Why telemetry could not be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TelemetryError {
    /// The filter can't be read.
    #[error("telemetry.filter is not usable: {0}")]
    Filter(String),
    /// A setting has a value that makes no sense.
    #[error("telemetry.{setting} is not usable: {why}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// Why.
        why: String,
    },
    /// Something in this process set up logs before.
    #[error("logs were set up before in this process")]
    Twice,
}

impl TelemetryConfig {
    /// Refuses what could not be set up, without setting anything up.
    ///
    /// # Errors
    /// [`TelemetryError::Filter`] and [`TelemetryError::Setting`].
    pub fn check(&self) -> Result<(), TelemetryError> {
        self.level()?;
        let wrong = |setting, why: &str| Err(TelemetryError::Setting { setting, why: why.to_owned() });
        if !(0.0..=1.0).contains(&self.sampling_ratio) {
            return wrong("sampling_ratio", "it is a share, from 0 to 1");
        }
        if self.metrics_interval < Duration::from_millis(100) {
            return wrong("metrics_interval", "100ms at least");
        }
        self.otlp_endpoint.as_deref().map_or(Ok(()), |endpoint| otlp::check(self, endpoint))
    }

    fn level(&self) -> Result<EnvFilter, TelemetryError> {
        EnvFilter::try_new(&self.filter).map_err(|error| TelemetryError::Filter(error.to_string()))
    }
}

/// The telemetry of this process. Dropped, it sends nothing more; [`Telemetry::shutdown`] sends what is left first.
#[derive(Debug)]
#[must_use = "dropped, telemetry ends"]
pub struct Telemetry {
    pipelines: Option<Pipelines>,
}

impl Telemetry {
    /// Sends what is left, for five seconds at most. It needs no runtime and blocks its thread: the last thing that
    /// a `main` does.
    pub fn shutdown(self) {
        if let Some(pipelines) = self.pipelines {
            pipelines.shutdown(LAST_WORDS);
        }
    }
}

/// Sets up logs, traces and metrics of this process, which runs `service`, panics included. Once, by its `main`, and
/// before anything else of eseal: what has begun before has no telemetry. Needs no runtime.
///
/// # Errors
/// [`TelemetryError`].
pub fn init(config: &TelemetryConfig, service: &'static str) -> Result<Telemetry, TelemetryError> {
    config.check()?;
    let pipelines = config.otlp_endpoint.as_deref().map(|to| Pipelines::build(config, to, service)).transpose()?;
    let bridge = match &pipelines {
        // What carries the telemetry must not become telemetry, or every export would ask for the next one.
        Some(pipelines) => {
            let ours = filter_fn(|metadata| is_ours(metadata.target()));
            Some(pipelines.log_layer().with_filter(config.level()?).with_filter(ours))
        }
        None => None,
    };
    let lines = lines(config.format).with_filter(config.level()?);
    tracing_subscriber::registry().with(lines).with(bridge).try_init().map_err(|_| TelemetryError::Twice)?;
    if let Some(pipelines) = &pipelines {
        pipelines.install();
    }
    std::panic::set_hook(Box::new(|panic| {
        // The place says enough. The message may hold what was being worked on, so it is left out.
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panic");
    }));
    Ok(Telemetry { pipelines })
}

fn lines(format: LogFormat) -> Box<dyn Layer<Registry> + Send + Sync> {
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_timer(SystemTime);
    match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).map_event_format(JsonLines).boxed(),
    }
}

/// Whether it is said by the service and not by the carriers of its telemetry.
fn is_ours(target: &str) -> bool {
    const CARRIERS: [&str; 6] = ["opentelemetry", "tonic", "h2", "hyper", "tower", "rustls"];
    !CARRIERS.iter().any(|carrier| target.starts_with(carrier))
}

#[cfg(test)]
mod tests;
