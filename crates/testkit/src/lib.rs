//! What the tests of several crates share. A dev-dependency only.
//!
//! - [`TestDb`]: a database of its own for each test
//! - [`TestPostgres`]: a real server that goes with the tests
//! - [`TestNats`]: a NATS server of its own for each test
//! - [`NatsUser`]: looks into a server, or misbehaves in it
//! - [`TestCertificates`]: an authority of its own for a test
//! - [`Proxy`]: a wire that can be cut without a word
//! - [`stored_forms`]: the golden files of events
//! - `otlp` (feature `otlp`): a collector that keeps the telemetry it is sent
//! - [`Port`]: a port for a server that must know it before it listens
//! - [`ratio`]: figures of benchmarks
//! - [`script`]: a program that a test writes and starts
//! - [`wait_until`]: waits on a value with a bound, and says what was missing

mod certificates;
mod database;
mod golden;
mod guard;
mod nats;
mod nats_user;
#[cfg(feature = "otlp")]
pub mod otlp;
mod ports;
pub mod postgres;
mod proxy;
pub mod ratio;
mod script;
mod wait;

pub use certificates::{TestCertificate, TestCertificates};
pub use database::TestDb;
pub use golden::{StoredForm, stored_forms};
pub use nats::{NatsOptions, NatsTls, TestNats};
pub use nats_user::{NatsUser, StreamMessage};
pub use ports::Port;
pub use postgres::TestPostgres;
pub use proxy::Proxy;
pub use script::script;
pub use wait::wait_until;
