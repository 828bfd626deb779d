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
//! - [`codes`]: codes of second factors
//! - [`outside`]: systems of others that secrets are sent to
//! - [`vault`]: encryption at rest; [`keyring`]: which keys the database needs, and how it goes over to another
//! - [`grpc`]: the RPCs
//! - [`reactor`], [`effects`]: a made seal -> its registration, with its bytes from fabrication; what approved applications
//!   asked for -> done with the seals that they are about
//! - [`expiry`]: tells of seals whose validity has ended, and of what ends soon
//! - [`retention`]: forgets what uses were judged by, where the settings want that
//! - [`projection`], [`query`]: read tables, filled and read
//! - [`contents`]: what no event holds: certificates, revocation lists, SESeals, keys
//! - [`metrics`]: what is counted
//! - [`migration`]: the tables

mod app;
mod codec;
mod codes;
mod config;
mod contents;
mod domain;
mod effects;
mod evidence;
mod expiry;
mod grpc;
mod hosting;
mod inquiry;
mod keyring;
pub mod metrics;
mod migration;
mod outside;
mod pins;
mod projection;
mod query;
mod reactor;
mod retention;
mod trust;
mod vault;

use std::convert::Infallible;
use std::sync::Arc;

use eseal_eventstore::{Database, Projector};
use eseal_proto::authentication::v1::hosted_key_service_server::HostedKeyServiceServer;
use eseal_proto::authentication::v1::registry_service_server::RegistryServiceServer;
use eseal_proto::authentication::v1::sealing_service_server::SealingServiceServer;
use eseal_proto::authentication::v1::second_factor_service_server::SecondFactorServiceServer;
use eseal_proto::authentication::v1::trust_service_server::TrustServiceServer;
use eseal_proto::authentication::v1::use_service_server::UseServiceServer;
use eseal_service::process::{KeyUse, Program, Rewrapped, Rewrapping};
use eseal_service::tasks::Rounds;
use eseal_service::{Context, MAX_MESSAGE, StartError};
use tonic::service::Routes;

pub use codes::WebhookConfig;
pub use config::{CONFIG_DEFAULT, Config};
pub use grpc::REASONS;
pub use migration::migrations;
pub use vault::{Cipher, FileConfig, KeyConfig, KmsConfig, TokenConfig};

use app::App;
use app::stamping::Stamping;
use codes::{Codes, Webhook};
use contents::Contents;
use domain::Seal;
use domain::crl::Crl;
use domain::hosted_key::HostedKey;
use domain::trust_anchor::TrustAnchor;
use grpc::{Grpc, Room};
use hosting::Hosting;
use inquiry::Inquiry;
use keyring::{Keyring, is_anything_encrypted};
use vault::Vault;

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
    if !retention::is_allowed(config.evidence_kept_for) {
        return Err(StartError::setting(service, "evidence_kept_for", "it must be a day at least, or 0s: for ever"));
    }
    let vault = open_vault(&config, context.database(), service).await?;
    let contents = Contents::new(context.database().clone(), Arc::clone(&vault));
    let hosting = Hosting::try_new(contents.clone(), &vault, [&config.sm2_pairs_in, &config.p256_pairs_in]).await;
    let hosting = hosting.map_err(|(setting, why)| StartError::setting(service, setting, why))?;
    let webhook = config.code_webhook.as_ref().map(Webhook::try_new).transpose();
    let webhook = webhook.map_err(|why| StartError::setting(service, "code_webhook", why))?;
    let codes = Codes::new(context.database().clone(), Arc::clone(&vault), hosting.pins().clone(), webhook);
    context.spawn("data keys", wipe_data_keys(vault, context.clone()));
    let stamping = Stamping::try_new(&config).await;
    let stamping =
        stamping.map_err(|error| StartError::setting(service, "time_stamp_authorities", chain_of(&error)))?;
    let inquiry = Inquiry::try_new(&config);
    let inquiry = inquiry.map_err(|error| StartError::setting(service, "ask_revocation", chain_of(&error)))?;
    let mut app =
        App::new(service, context.database().clone(), (hosting, codes), (inquiry, stamping), context.writer());
    app.accept_development_roots = config.accept_development_roots;
    context.spawn("from fabrication", reactor::run(app.clone(), context.clone()));
    context.spawn("from application", reactor::orders::ends(app.clone(), context.clone()));
    context.spawn("succession", reactor::orders::successions(app.clone(), context.clone()));
    context.spawn("expiry", expiry::run(app.clone(), context.clone(), config.expiry_check));
    if !config.evidence_kept_for.is_zero() {
        let work = retention::run(app.contents.clone(), context.clone(), config.evidence_kept_for);
        context.spawn("evidence", work);
    }
    if let Some(statuses) = app.inquiry.statuses() {
        context.spawn("revocation", inquiry::run(statuses, context.clone()));
    }
    let room = Room::new(config.documents_at_a_time, config.max_document_bytes);
    let grpc = Grpc::new(app, context.clock().clone(), room);
    Ok(Routes::new(RegistryServiceServer::new(grpc.clone()))
        .add_service(SealingServiceServer::new(grpc.clone()).max_decoding_message_size(MAX_MESSAGE))
        .add_service(HostedKeyServiceServer::new(grpc.clone()))
        .add_service(UseServiceServer::new(grpc.clone()))
        .add_service(SecondFactorServiceServer::new(grpc.clone()))
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

/// The key-encryption keys, which are those that the database needs. At the first start `key_file` is made; one that is missing
/// or another one when something is encrypted already is a mistake to be mended, not a reason for a new key.
async fn open_vault(config: &Config, database: &Database, service: &'static str) -> Result<Arc<Vault>, StartError> {
    let unusable = |why: &dyn std::error::Error| StartError::setting(service, "the key-encryption keys", chain_of(why));
    let encrypted = is_anything_encrypted(database).await.map_err(|error| unusable(&error))?;
    let vault = Vault::open(config, !encrypted).map_err(|error| unusable(&error))?;
    let vault = Arc::new(vault);
    let keyring = Keyring::new(database.clone(), Arc::clone(&vault));
    keyring.check().await.map_err(|error| unusable(&error))?;
    Ok(vault)
}

/// Data keys that were unwrapped are forgotten in time, also where nobody asks for another one.
async fn wipe_data_keys(vault: Arc<Vault>, context: Context) -> Result<(), Infallible> {
    let Some(pause) = vault.sweeps_every() else {
        context.stopping().cancelled().await;
        return Ok(());
    };
    let mut rounds = Rounds::every(pause, context.stopping());
    while rounds.next(async { vault.sweep() }).await.is_some() {}
    Ok(())
}

/// Encrypts what is under an earlier key-encryption key anew under the current one, beside services that run.
///
/// # Errors
/// [`StartError`] when a key or the database can't be used: what is done is done, and it can be begun again.
pub async fn rewrap(config: Config, database: &Database, how: Rewrapping<'_>) -> Result<Rewrapped, StartError> {
    let service = PROGRAM.name;
    let unusable = |why: &dyn std::error::Error| StartError::setting(service, "the key-encryption keys", chain_of(why));
    let vault = Arc::new(Vault::open(&config, false).map_err(|error| unusable(&error))?);
    let keyring = Keyring::new(database.clone(), Arc::clone(&vault));
    let mut rewrapped = match how.check {
        true => Rewrapped::default(),
        false => keyring.rewrap(how.tell).await.map_err(|error| unusable(&error))?,
    };
    let mut needed = keyring.needed().await.map_err(|error| unusable(&error))?;
    for key in vault.keys() {
        needed.entry(key.to_owned()).or_insert(0);
    }
    let of = |(name, rows): (String, u64)| KeyUse { is_current: name == vault.current(), name, rows };
    rewrapped.keys = needed.into_iter().map(of).collect();
    Ok(rewrapped)
}
