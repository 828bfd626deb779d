//! 印章申请: an organization asks for a seal; reviewers decide.
//!
//! A request walks a straight line: `grpc` parses and answers, `app` finds what the command needs, `domain` holds
//! the rules, `codec` gives their facts the form in which they are stored and published, `projection` the rows that
//! `query` reads. What happened elsewhere comes in by `reactor`.
//!
//! - `config`: the settings
//! - `domain`: the rules; pure
//! - `codec`: events <-> their stored form
//! - `app`: what this service does
//! - `impressions`: pictures of seals, drawn and checked
//! - `grpc`: the RPCs
//! - `effects`: what our own facts ask for: erased persons' data go
//! - `reactor`: facts of fabrication and authentication -> notes on applications
//! - `projection`, `query`: read tables, filled and read
//! - `contents`: what can be erased: contact data, texts, files
//! - `migration`: the tables

mod app;
mod codec;
mod config;
mod contents;
mod domain;
mod effects;
mod grpc;
mod impressions;
mod migration;
mod projection;
mod query;
mod reactor;

use eseal_eventstore::Projector;
use eseal_proto::application::v1::application_service_server::ApplicationServiceServer;
use eseal_service::process::Program;
use eseal_service::{Context, MAX_MESSAGE, StartError};
use tonic::service::Routes;

pub use config::{CONFIG_DEFAULT, Config};
pub use grpc::REASONS;
pub use migration::migrations;

use app::App;
use domain::Application;
use domain::person::Person;
use grpc::Grpc;
use impressions::Impressions;

/// This service as a program: `eseal-application`, and a part of the standalone.
pub const PROGRAM: Program = Program {
    name: "application",
    command: "eseal-application",
    about: "an organization asks for a seal, reviewers decide. 印章申请。",
    config_default: CONFIG_DEFAULT,
    migrations,
    hears: &reactor::OWNERS,
    projectors: || projectors().into(),
};

/// Everything that this service is made of: its routes, and its reactions and effects as tasks of `context`.
///
/// # Errors
/// [`StartError`] when the database lacks a migration or the configured font can't be used.
pub async fn wire(config: Config, context: &Context) -> Result<Routes, StartError> {
    let service = context.name();
    let store_error = |source| StartError::Store { service, source };
    eseal_eventstore::refuse_if_pending(context.database(), migrations).await.map_err(store_error)?;
    let impressions = match &config.font_file {
        None => Impressions::default(),
        Some(file) => {
            let unusable = |error| StartError::setting(service, "the font in font_file", error);
            Impressions::with_font(file).map_err(unusable)?
        }
    };
    let database = context.database().clone();
    let app = App::new(database, context.writer(), impressions, config.approvals_needed);
    for owner in reactor::OWNERS {
        context.spawn(&format!("from {owner}"), reactor::run(owner, app.clone(), context.clone()));
    }
    context.spawn("effects", effects::run(app.clone(), context.clone()));
    let server = ApplicationServiceServer::new(Grpc::new(app, context.clock().clone()));
    Ok(Routes::new(server.max_decoding_message_size(MAX_MESSAGE)))
}

/// What fills the read tables anew from the events: for `rebuild`.
pub fn projectors() -> [Projector; 2] {
    [Projector::of::<Application>(), Projector::of::<Person>()]
}
