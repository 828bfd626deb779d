//! Traces, metrics and logs on their way to a collector: OTLP over gRPC.

use std::io;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use eseal_kernel::Clock;
use http::uri::Authority;
use hyper_util::rt::TokioIo;
use opentelemetry::{KeyValue, global};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::{
    ExporterBuildError, LogExporter, MetricExporter, SpanExporter, WithExportConfig as _, WithTonicConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::{SdkLogger, SdkLoggerProvider};
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint, Uri};
use tower::service_fn;

use super::outgoing::{EXPORT_WITHIN, Outgoing};
use super::{TelemetryConfig, TelemetryError};
use crate::status::chain;
use crate::tls::Tls;

/// A commit is linked to every order in it, and a batch has up to a thousand.
const LINKS_MAX: u32 = 1_000;

/// The three signals of this process.
#[derive(Debug)]
pub(super) struct Pipelines {
    traces: SdkTracerProvider,
    metrics: SdkMeterProvider,
    logs: SdkLoggerProvider,
    runtime: Runtime,
}

impl Pipelines {
    /// What sends to `endpoint`. Connects in the background, again and again.
    pub(super) fn build(
        config: &TelemetryConfig,
        endpoint: &str,
        service: &'static str,
    ) -> Result<Self, TelemetryError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("telemetry")
            .enable_all()
            .build()
            .map_err(|error| wrong("otlp_endpoint", error))?;
        let entered = runtime.enter();
        let channel = channel(config, endpoint)?;
        let resource = resource(service);
        let built = (|| {
            let handle = || runtime.handle().clone();
            let spans = SpanExporter::builder().with_tonic().with_channel(channel.clone());
            let spans = Outgoing::new(spans.with_timeout(EXPORT_WITHIN).build()?, "traces", handle());
            let metrics = MetricExporter::builder().with_tonic().with_channel(channel.clone());
            let metrics = Outgoing::new(metrics.with_timeout(EXPORT_WITHIN).build()?, "metrics", handle());
            let logs = LogExporter::builder().with_tonic().with_channel(channel);
            let logs = Outgoing::new(logs.with_timeout(EXPORT_WITHIN).build()?, "logs", handle());
            Ok::<_, ExporterBuildError>((spans, metrics, logs))
        })();
        drop(entered);
        let (spans, metrics, logs) = built.map_err(|error| wrong("otlp_endpoint", error))?;

        let reader = PeriodicReader::builder(metrics).with_interval(config.metrics_interval).build();
        let metrics = SdkMeterProvider::builder().with_resource(resource.clone()).with_reader(reader).build();
        // First of all: what drops spans and logs counts them by the global meter.
        global::set_meter_provider(metrics.clone());
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.sampling_ratio)));
        let traces = SdkTracerProvider::builder()
            .with_resource(resource.clone())
            .with_sampler(sampler)
            .with_max_links_per_span(LINKS_MAX)
            .with_batch_exporter(spans)
            .build();
        let logs = SdkLoggerProvider::builder().with_resource(resource).with_batch_exporter(logs).build();
        Ok(Self { traces, metrics, logs, runtime })
    }

    /// Hands the process's logs on.
    pub(super) fn log_layer(&self) -> OpenTelemetryTracingBridge<SdkLoggerProvider, SdkLogger> {
        OpenTelemetryTracingBridge::new(&self.logs)
    }

    /// From now on the process's spans come here.
    pub(super) fn install(&self) {
        global::set_tracer_provider(self.traces.clone());
    }

    /// Sends what is left, for so long at most.
    pub(super) fn shutdown(self, bound: Duration) {
        let Self { traces, metrics, logs, runtime } = self;
        let (done, all_done) = mpsc::channel();
        // Each may have to wait for the collector, so they do it side by side.
        let ends: [Box<dyn FnOnce() + Send>; 3] = [
            Box::new(move || drop(traces.shutdown_with_timeout(bound))),
            Box::new(move || drop(metrics.shutdown_with_timeout(bound))),
            Box::new(move || drop(logs.shutdown_with_timeout(bound))),
        ];
        let count = ends.len();
        for end in ends {
            let done = done.clone();
            std::thread::spawn(move || {
                end();
                let _ = done.send(());
            });
        }
        let deadline = Instant::now() + bound;
        for _ in 0..count {
            if all_done.recv_timeout(deadline.saturating_duration_since(Instant::now())).is_err() {
                tracing::warn!(within = ?bound, "the last telemetry was not delivered");
                break;
            }
        }
        runtime.shutdown_background();
    }
}

/// Refuses what could not be a collector.
pub(super) fn check(config: &TelemetryConfig, endpoint: &str) -> Result<(), TelemetryError> {
    let uri = endpoint_of(endpoint)?.uri().clone();
    match uri.scheme_str() {
        Some("http") => Ok(()),
        Some("https") if config.otlp_tls.is_some() => Ok(()),
        Some("https") => Err(wrong("otlp_tls", "https:// needs a certificate and a CA")),
        _ => Err(wrong("otlp_endpoint", "it begins with http:// or https://")),
    }
}

fn endpoint_of(text: &str) -> Result<Endpoint, TelemetryError> {
    let endpoint = Endpoint::from_shared(text.to_owned()).map_err(|error| wrong("otlp_endpoint", error))?;
    Ok(endpoint.connect_timeout(EXPORT_WITHIN))
}

/// A channel that connects when it is used, and again when the connection is gone.
fn channel(config: &TelemetryConfig, endpoint: &str) -> Result<Channel, TelemetryError> {
    let asked = endpoint_of(endpoint)?;
    let (Some("https"), Some(authority), Some(tls)) =
        (asked.uri().scheme_str(), asked.uri().authority().cloned(), &config.otlp_tls)
    else {
        return Ok(asked.connect_lazy());
    };
    let tls = Tls::load(tls, Clock::System).map_err(|error| wrong("otlp_tls", chain(&error)))?;
    // To tonic it is plain: what it speaks on is the stream that comes from here.
    let plain = endpoint_of(&format!("http://{authority}"))?;
    Ok(plain.connect_with_connector_lazy(service_fn(move |_: Uri| {
        let (tls, authority) = (tls.clone(), authority.clone());
        async move { connect(&tls, &authority).await.map(TokioIo::new) }
    })))
}

async fn connect(tls: &Tls, authority: &Authority) -> io::Result<TlsStream<TcpStream>> {
    if let Err(error) = tls.reload() {
        tracing::warn!(error = chain(&error), "the certificate for the collector can't be read anew");
    }
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(4317))).await?;
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    TlsConnector::from(tls.client()).connect(name, stream).await
}

/// Who is speaking.
fn resource(service: &'static str) -> Resource {
    let instance = eseal_kernel::Id::random(Clock::System.now()).to_string();
    Resource::builder()
        .with_service_name(format!("eseal-{service}"))
        .with_attributes([
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", instance),
        ])
        .build()
}

fn wrong(setting: &'static str, why: impl ToString) -> TelemetryError {
    TelemetryError::Setting { setting, why: why.to_string() }
}
