//! An exporter that can't hurt: bounded in time, at home in a runtime of its own, and quiet about a collector that is
//! down.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{LogBatch, LogExporter};
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::metrics;

/// The longest that one export may take.
pub(super) const EXPORT_WITHIN: Duration = Duration::from_secs(5);
/// How often failures are logged at most.
const SELDOM: Duration = Duration::from_secs(60);

/// What takes spans, metrics or logs to the collector.
pub(super) struct Outgoing<E> {
    exporter: E,
    signal: &'static str,
    /// Where the connection lives. The threads of the SDK have no runtime, and that of the service may be gone when the
    /// last words are sent.
    runtime: Handle,
    logged: Mutex<Option<Instant>>,
}

impl<E> Outgoing<E> {
    pub(super) const fn new(exporter: E, signal: &'static str, runtime: Handle) -> Self {
        Self { exporter, signal, runtime, logged: Mutex::new(None) }
    }

    /// Runs an export in the runtime of the connection. A failure ends here: the SDK would log each one.
    async fn send(&self, export: impl Future<Output = OTelSdkResult> + Send) -> OTelSdkResult {
        let bounded = async { timeout(EXPORT_WITHIN, export).await };
        let mut bounded = pin!(bounded);
        let sent = poll_fn(|context| {
            let _entered = self.runtime.enter();
            bounded.as_mut().poll(context)
        })
        .await;
        match sent {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.failed(&error),
            Err(_) => self.failed(&format_args!("no answer within {EXPORT_WITHIN:?}")),
        }
        Ok(())
    }

    fn failed(&self, why: &dyn fmt::Display) {
        metrics::export_failed(self.signal);
        let Ok(mut logged) = self.logged.lock() else { return };
        if logged.is_none_or(|last| last.elapsed() >= SELDOM) {
            *logged = Some(Instant::now());
            tracing::warn!(signal = self.signal, %why, "telemetry was not delivered and is lost");
        }
    }
}

impl<E> fmt::Debug for Outgoing<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("signal", &self.signal).finish_non_exhaustive()
    }
}

impl<E: SpanExporter> SpanExporter for Outgoing<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.send(self.exporter.export(batch)).await
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl<E: LogExporter> LogExporter for Outgoing<E> {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        self.send(self.exporter.export(batch)).await
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl<E: PushMetricExporter> PushMetricExporter for Outgoing<E> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        self.send(self.exporter.export(metrics)).await
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.exporter.temporality()
    }
}
