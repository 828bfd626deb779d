//! 签章认证: the registry of seals and of trust; may this card seal this document now.
//!
//! A request walks a straight line: [`grpc`] parses and answers, [`app`] finds with cryptography what the command needs,
//! [`domain`] holds the rules, [`codec`] gives their facts the form in which they are stored and published,
//! [`projection`] the rows that [`query`] reads. What happened elsewhere comes in by [`reactor`].
//!
//! - [`config`]: what can be set
//! - [`domain`]: the rules; pure
//! - [`codec`]: events <-> their stored form
//! - [`app`]: what this service does
//! - [`evidence`]: proofs and signatures, read and checked; pure
//! - [`trust`]: roots and revocation lists, and what they say of a certificate
//! - [`inquiry`]: issuers, asked where no list says anything
//! - [`hosting`], [`pins`]: hosted keys and their PINs
//! - [`vault`]: encryption at rest
//! - [`grpc`]: the RPCs
//! - [`reactor`], [`effects`]: a made seal -> its registration, with its bytes from fabrication; what approved applications
//!   asked for -> done with the seals that they are about
//! - [`expiry`]: tells of seals whose validity has ended, and of what ends soon
//! - [`projection`], [`query`]: read tables, filled and read
//! - [`contents`]: what no event holds: certificates, revocation lists, SESeals, keys
//! - [`metrics`]: what is counted
//! - [`migration`]: the tables

mod app;
mod codec;
mod config;
mod contents;
mod domain;
mod effects;
mod evidence;
mod expiry;
mod grpc;
mod hosting;
mod inquiry;
pub mod metrics;
mod migration;
mod pins;
mod projection;
mod query;
mod reactor;
mod trust;
mod vault;

use std::io;
use std::path::Path;

use eseal_eventstore::Projector;
use eseal_proto::authentication::v1::hosted_key_service_server::HostedKeyServiceServer;
use eseal_proto::authentication::v1::registry_service_server::RegistryServiceServer;
use eseal_proto::authentication::v1::sealing_service_server::SealingServiceServer;
use eseal_proto::authentication::v1::trust_service_server::TrustServiceServer;
use eseal_service::process::Program;
use eseal_service::{Context, MAX_MESSAGE, StartError};
use tonic::service::Routes;

pub use config::{CONFIG_DEFAULT, Config};
pub use grpc::REASONS;
pub use migration::migrations;

use app::App;
use app::stamping::Stamping;
use contents::Contents;
use domain::Seal;
use domain::crl::Crl;
use domain::hosted_key::HostedKey;
use domain::trust_anchor::TrustAnchor;
use grpc::{Grpc, Room};
use inquiry::Inquiry;
use vault::{Vault, VaultError};

/// This service as a program: `eseal-authentication`, and a part of the standalone.
pub const PROGRAM: Program = Program {
    name: "authentication",
    command: "eseal-authentication",
    about: "the registry of seals and of trust; may this card seal this document now. 签章认证。",
    config_default: CONFIG_DEFAULT,
    migrations,
    hears: &reactor::OWNERS,
    projectors: || projectors().into(),
};

/// Everything that this service is made of: its routes, and its reactions as tasks of `context`.
///
/// # Errors
/// [`StartError`] when the database lacks a migration, or the key file can't be used or is not the one of the database.
pub async fn wire(config: Config, context: &Context) -> Result<Routes, StartError> {
    let service = context.name();
    let store_error = |source| StartError::Store { service, source };
    eseal_eventstore::refuse_if_pending(context.database(), migrations).await.map_err(store_error)?;
    if config.expiry_check.is_zero() {
        return Err(StartError::setting(service, "expiry_check", "it must be longer than nothing"));
    }
    let contents = open_contents(&config.key_file, context).await?;
    let stamping = Stamping::try_new(&config).await;
    let stamping =
        stamping.map_err(|error| StartError::setting(service, "time_stamp_authorities", chain_of(&error)))?;
    let inquiry = Inquiry::try_new(&config);
    let inquiry = inquiry.map_err(|error| StartError::setting(service, "ask_revocation", chain_of(&error)))?;
    let mut app = App::new(service, context.database().clone(), contents, (inquiry, stamping), context.writer());
    app.accept_development_roots = config.accept_development_roots;
    context.spawn("from fabrication", reactor::run(app.clone(), context.clone()));
    context.spawn("from application", reactor::orders::ends(app.clone(), context.clone()));
    context.spawn("succession", reactor::orders::successions(app.clone(), context.clone()));
    context.spawn("expiry", expiry::run(app.clone(), context.clone(), config.expiry_check));
    if let Some(statuses) = app.inquiry.statuses() {
        context.spawn("revocation", inquiry::run(statuses, context.clone()));
    }
    let room = Room::new(config.documents_at_a_time, config.max_document_bytes);
    let grpc = Grpc::new(app, context.clock().clone(), room);
    Ok(Routes::new(RegistryServiceServer::new(grpc.clone()))
        .add_service(SealingServiceServer::new(grpc.clone()).max_decoding_message_size(MAX_MESSAGE))
        .add_service(HostedKeyServiceServer::new(grpc.clone()))
        .add_service(TrustServiceServer::new(grpc).max_decoding_message_size(MAX_MESSAGE)))
}

/// What fills the read tables anew from the events: for `rebuild`.
pub fn projectors() -> [Projector; 4] {
    [Projector::of::<Seal>(), Projector::of::<HostedKey>(), Projector::of::<TrustAnchor>(), Projector::of::<Crl>()]
}

/// An error with what caused it.
fn chain_of(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {}", chain_of(cause)))
}

/// The contents under the key of this file. At the first start the file is made; one that is missing or another one when
/// something is encrypted already is a mistake to be mended, not a reason for a new key.
async fn open_contents(key_file: &Path, context: &Context) -> Result<Contents, StartError> {
    let service = context.name();
    let unusable = |why: &dyn ToString| {
        StartError::setting(service, format!("the file {} in key_file", key_file.display()), why.to_string())
    };
    let vault = match Vault::open(key_file) {
        Err(VaultError::File(error)) if error.kind() == io::ErrorKind::NotFound => {
            let encrypted = Contents::is_anything_encrypted(context.database()).await;
            if encrypted.map_err(|error| unusable(&error))? {
                return Err(unusable(&"it is missing, and the database holds what was encrypted with its key"));
            }
            Vault::create(key_file)
        }
        opened => opened,
    };
    let contents = Contents::new(context.database().clone(), vault.map_err(|error| unusable(&error))?);
    contents.check_key().await.map_err(|error| unusable(&error))?;
    Ok(contents)
}
