//! A collector for tests: takes OTLP over gRPC and keeps everything that it was sent.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{metric, number_data_point};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

pub use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

/// A running collector, with a runtime of its own; it ends when dropped.
#[derive(Debug)]
pub struct Collector {
    /// Where it listens.
    pub address: SocketAddr,
    door: Door,
    runtime: Option<Runtime>,
}

/// Attributes, their values as text.
pub type Attributes = BTreeMap<String, String>;

/// A span as it arrived.
#[derive(Debug, Clone)]
pub struct Span {
    /// `service.name` of who sent it.
    pub service: String,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: SpanKind,
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// 16 hexadecimal digits.
    pub span_id: String,
    /// The span id of its parent; none for the first of a trace.
    pub parent: Option<String>,
    /// Trace id and span id of what it is linked to.
    pub links: Vec<(String, String)>,
    /// What is said about it.
    pub attributes: Attributes,
    /// Whether it says that it failed.
    pub failed: bool,
}

/// The last value of one series of a metric.
#[derive(Debug, Clone)]
pub struct Series {
    /// `service.name` of who sent it.
    pub service: String,
    /// Of which metric.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// What tells it from the others.
    pub attributes: Attributes,
    /// The value; of a histogram, how many there were.
    pub value: f64,
}

/// A log record as it arrived.
#[derive(Debug, Clone)]
pub struct LogRecord {
    /// `service.name` of who sent it.
    pub service: String,
    /// The text.
    pub body: String,
    /// 32 hexadecimal digits; empty outside of a trace.
    pub trace_id: String,
    /// What is said with it.
    pub attributes: Attributes,
}

impl Collector {
    /// Starts one on a free port of this machine.
    ///
    /// # Panics
    /// There is no port or no thread to be had.
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("its address");
        let door = Door::default();
        let server = Server::builder()
            .add_service(TraceServiceServer::new(door.clone()))
            .add_service(MetricsServiceServer::new(door.clone()))
            .add_service(LogsServiceServer::new(door.clone()));
        runtime.spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        Self { address, door, runtime: Some(runtime) }
    }

    /// What `telemetry.otlp_endpoint` is set to.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on it takes requests and does not answer.
    pub fn hang(&self) {
        self.door.hangs.store(true, Ordering::Release);
    }

    /// All spans until now.
    pub fn spans(&self) -> Vec<Span> {
        let kept = self.door.kept();
        let resources = kept.traces.iter().flat_map(|request| &request.resource_spans);
        let mut spans = Vec::new();
        for of_resource in resources {
            let service = service_of(of_resource.resource.as_ref());
            for span in of_resource.scope_spans.iter().flat_map(|scope| &scope.spans) {
                spans.push(Span {
                    service: service.clone(),
                    name: span.name.clone(),
                    kind: span.kind(),
                    trace_id: hex(&span.trace_id),
                    span_id: hex(&span.span_id),
                    parent: Some(hex(&span.parent_span_id)).filter(|parent| !parent.is_empty()),
                    links: span.links.iter().map(|link| (hex(&link.trace_id), hex(&link.span_id))).collect(),
                    attributes: attributes(&span.attributes),
                    failed: span.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error),
                });
            }
        }
        spans
    }

    /// The last value of every series. Values are cumulative.
    pub fn metrics(&self) -> Vec<Series> {
        let kept = self.door.kept();
        let mut last = BTreeMap::new();
        for of_resource in kept.metrics.iter().flat_map(|request| &request.resource_metrics) {
            let service = service_of(of_resource.resource.as_ref());
            for metric in of_resource.scope_metrics.iter().flat_map(|scope| &scope.metrics) {
                for (attributes, value) in metric.data.as_ref().map(points).unwrap_or_default() {
                    let (service, name, unit) = (service.clone(), metric.name.clone(), metric.unit.clone());
                    let key = (service.clone(), name.clone(), attributes.clone());
                    last.insert(key, Series { service, name, unit, attributes, value });
                }
            }
        }
        last.into_values().collect()
    }

    /// All log records until now.
    pub fn logs(&self) -> Vec<LogRecord> {
        let kept = self.door.kept();
        let mut records = Vec::new();
        for of_resource in kept.logs.iter().flat_map(|request| &request.resource_logs) {
            let service = service_of(of_resource.resource.as_ref());
            for record in of_resource.scope_logs.iter().flat_map(|scope| &scope.log_records) {
                records.push(LogRecord {
                    service: service.clone(),
                    body: record.body.as_ref().map(text).unwrap_or_default(),
                    trace_id: hex(&record.trace_id),
                    attributes: attributes(&record.attributes),
                });
            }
        }
        records
    }

    /// Every message that arrived, as bytes and as text, to be searched for what must not be in it.
    pub fn everything(&self) -> Vec<u8> {
        let kept = self.door.kept();
        let traces = kept.traces.iter().flat_map(both);
        let metrics = kept.metrics.iter().flat_map(both);
        let logs = kept.logs.iter().flat_map(both);
        traces.chain(metrics).chain(logs).collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The three services of OTLP.
#[derive(Debug, Clone, Default)]
struct Door {
    kept: Arc<Mutex<Kept>>,
    hangs: Arc<AtomicBool>,
}

#[derive(Debug, Default)]
struct Kept {
    traces: Vec<ExportTraceServiceRequest>,
    metrics: Vec<ExportMetricsServiceRequest>,
    logs: Vec<ExportLogsServiceRequest>,
}

impl Door {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer<R: Default>(&self) -> Result<Response<R>, Status> {
        if self.hangs.load(Ordering::Acquire) {
            std::future::pending::<()>().await;
        }
        Ok(Response::new(R::default()))
    }
}

#[tonic::async_trait]
impl TraceService for Door {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.kept().traces.push(request.into_inner());
        self.answer().await
    }
}

#[tonic::async_trait]
impl MetricsService for Door {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.kept().metrics.push(request.into_inner());
        self.answer().await
    }
}

#[tonic::async_trait]
impl LogsService for Door {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        self.kept().logs.push(request.into_inner());
        self.answer().await
    }
}

fn both<M: prost::Message + std::fmt::Debug>(message: &M) -> Vec<u8> {
    let mut both = message.encode_to_vec();
    both.extend(format!("\n{message:?}\n").into_bytes());
    both
}

fn service_of(resource: Option<&Resource>) -> String {
    let mut named = resource.map(|resource| attributes(&resource.attributes)).unwrap_or_default();
    named.remove("service.name").unwrap_or_default()
}

fn points(data: &metric::Data) -> Vec<(Attributes, f64)> {
    let numbers = match data {
        metric::Data::Gauge(gauge) => &gauge.data_points,
        metric::Data::Sum(sum) => &sum.data_points,
        metric::Data::Histogram(histogram) => {
            #[expect(clippy::cast_precision_loss, reason = "a test does not count that far")]
            let point = |count| count as f64;
            return histogram.data_points.iter().map(|p| (attributes(&p.attributes), point(p.count))).collect();
        }
        metric::Data::ExponentialHistogram(_) | metric::Data::Summary(_) => return Vec::new(),
    };
    let value = |value: &Option<number_data_point::Value>| match value {
        Some(number_data_point::Value::AsDouble(value)) => *value,
        #[expect(clippy::cast_precision_loss, reason = "a test does not count that far")]
        Some(number_data_point::Value::AsInt(value)) => *value as f64,
        None => 0.0,
    };
    numbers.iter().map(|point| (attributes(&point.attributes), value(&point.value))).collect()
}

fn attributes(pairs: &[KeyValue]) -> Attributes {
    pairs.iter().map(|pair| (pair.key.clone(), pair.value.as_ref().map(text).unwrap_or_default())).collect()
}

fn text(value: &AnyValue) -> String {
    match &value.value {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        Some(any_value::Value::BoolValue(yes)) => yes.to_string(),
        Some(any_value::Value::DoubleValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
