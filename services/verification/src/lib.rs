//! 文档验证: is this sealed document genuine.
//!
//! - `config`: the settings
//! - `grpc`: the RPCs; a document comes in pieces and lies in a file without a name
//! - `app`: has it inspected and judged, and records what failed
//! - `inspection`: what its bytes say, on a thread that may take long
//! - `authority`: whom to trust and what became of signers and seals, asked of the service authentication
//! - `report`: what people get to see of it; `rendering`: the same as files
//! - [`metrics`]: what is counted
//! - `domain`, `codec`: failures, and their stored form
//! - `projection`, `query`, `migration`: the table of failures

mod app;
mod authority;
mod codec;
mod config;
mod domain;
mod grpc;
mod inspection;
pub mod metrics;
mod migration;
mod projection;
mod query;
mod rendering;
mod report;

use std::path::Path;

use eseal_documents::{LimitError, Limits, Verifier};
use eseal_eventstore::Projector;
use eseal_pki::{Certificate, TrustStore};
use eseal_proto::verification::v1::verification_service_server::VerificationServiceServer;
use eseal_service::process::Program;
use eseal_service::{Context, MAX_MESSAGE, StartError};
use tonic::service::Routes;

pub use config::{CONFIG_DEFAULT, Config};
pub use grpc::REASONS;
pub use migration::migrations;
pub use report::NOTES;

use app::App;
use authority::Authority;
use domain::Failure;
use grpc::Grpc;
use query::Query;

/// This service as a program: `eseal-verification`, and a part of the standalone.
pub const PROGRAM: Program = Program {
    name: "verification",
    command: "eseal-verification",
    about: "is this sealed document genuine. 文档验证。",
    config_default: CONFIG_DEFAULT,
    migrations,
    hears: &[],
    projectors: || projectors().into(),
};

/// Everything that this service is made of.
///
/// # Errors
/// [`StartError`] when the database lacks a migration.
pub async fn wire(config: Config, context: &Context) -> Result<Routes, StartError> {
    let service = context.name();
    let store_error = |source| StartError::Store { service, source };
    eseal_eventstore::refuse_if_pending(context.database(), migrations).await.map_err(store_error)?;
    let authority = Authority::new(context.peer("authentication"));
    let tsa_roots = tsa_roots(&config.time_stamp_trust_file);
    let tsa_roots = tsa_roots.map_err(|why| StartError::setting(service, "time_stamp_trust_file", why))?;
    let verifier = Verifier::new(limits(&config).map_err(|why| StartError::setting(service, "document_limits", why))?);
    let app = App::new(Query::new(context.database().clone()), authority, tsa_roots, context.writer(), verifier);
    let grpc = Grpc::new(app, context.clock().clone(), config.documents_at_a_time, config.max_document_bytes);
    Ok(Routes::new(VerificationServiceServer::new(grpc).max_decoding_message_size(MAX_MESSAGE)))
}

/// What a document may ask for. How many bytes it may have is settled where it is received.
fn limits(config: &Config) -> Result<Limits, LimitError> {
    let mut limits = Limits { max_bytes: config.max_document_bytes, ..Limits::default() };
    for (name, value) in &config.document_limits {
        limits.set(name, *value)?;
    }
    Ok(limits)
}

/// The roots of time stamping authorities in this file, or why there are none; a service without such a file trusts none.
fn tsa_roots(file: &Path) -> Result<Option<TrustStore>, String> {
    if file.as_os_str().is_empty() {
        return Ok(None);
    }
    let pem = std::fs::read(file).map_err(|error| error.to_string())?;
    Certificate::many_from_pem(&pem).map(|roots| Some(TrustStore::new(roots))).map_err(|error| error.to_string())
}

/// What fills the read table anew from the events: for `rebuild`.
pub fn projectors() -> [Projector; 1] {
    [Projector::of::<Failure>()]
}
