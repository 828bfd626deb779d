//! What every process of eseal needs around its service.
//!
//! A request meets these rooms in this order: [`server`] takes the connection, [`trace`] opens its span, [`panic`]
//! keeps a mistake in a handler from ending the process, [`load`] and [`deadline`] bound it, [`access`] decides who is calling
//! and whether they may. The handler then reads its [`Caller`], executes under a [`answer::request_key`], answers by
//! [`status`] or [`answer`], and calls other services through [`client`].
//!
//! - [`server`]: one server around all routes, so that no service can forget a layer
//! - [`connections`], [`tls`]: connections of a network, their bounds and their certificates
//! - [`access`]: who may call what, from the option `access` in the proto
//! - [`token`]: tokens of people, verified and, in the standalone, issued
//! - [`oidc`]: the keys of an outside issuer
//! - [`caller`]: who is calling, as handlers see it
//! - [`status`]: refusals with a stable reason
//! - [`language`]: the language that people are answered in
//! - [`answer`]: answers that are kept under a request id
//! - [`paging`]: pages of lists
//! - [`mesh`]: links between services of one process
//! - [`client`]: calls to other services, in this process or elsewhere, with deadline, trace and retries
//! - [`context`]: what a service is wired with
//! - [`tasks`]: background tasks, and the end of the process when one ends early
//! - [`event_log`]: the histories of the services hosted here, over gRPC
//! - [`config`], [`telemetry`]: settings; logs, traces and metrics on their way out
//! - [`private_file`]: whether others can read a file with a secret
//! - [`trace`], [`metrics`]: the span of each RPC, and what is counted
//! - [`health`]: whether requests make sense at the moment
//! - [`process`]: the process of one service: command line, settings, serving, operations
//! - [`tend`]: what operators do with a database; [`texts`]: errors of programs in Chinese
//!
//! Nothing in here knows a domain.

pub mod access;
pub mod answer;
pub mod caller;
pub mod client;
pub mod clock;
pub mod config;
pub mod connections;
pub mod context;
pub mod deadline;
pub mod event_log;
pub mod health;
pub mod language;
pub mod load;
pub mod mesh;
pub mod metrics;
pub mod no_dumps;
pub mod oidc;
pub mod paging;
pub mod panic;
pub mod private_file;
pub mod process;
mod remote;
pub mod server;
pub mod status;
pub mod tasks;
pub mod telemetry;
pub mod tend;
#[cfg(feature = "testing")]
pub mod testing;
pub mod texts;
pub mod tls;
pub mod token;
pub mod trace;

pub use caller::{Caller, Person, Role};
pub use client::{Onward, Peer};
pub use context::{Context, StartError};
pub use language::Language;
pub use status::Reason;

/// The most bytes of one gRPC message. Servers and clients of this system set it for decoding (tonic's own default
/// is 4 MiB): `XServer::new(..).max_decoding_message_size(MAX_MESSAGE)`.
pub const MAX_MESSAGE: usize = 16 << 20;
