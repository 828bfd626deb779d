//! 印章制作: an approved application becomes an electronic seal; maker cards.
//!
//! A request walks a straight line: [`grpc`] parses and answers, [`app`] finds what a step needs besides its words,
//! [`domain`] holds the rules, gate by gate, [`codec`] gives their facts the form in which they are stored and published,
//! [`projection`] the rows that [`query`] reads. What happened elsewhere comes in by [`reactor`].
//!
//! - `config`: settings
//! - `domain`: the rules; pure
//! - `codec`: events <-> their stored form
//! - `app`: what this service does
//! - `proof`, `making`: proofs of cards, read and checked; seals, built and assembled; pure
//! - `grpc`: the RPCs
//! - `reactor`: an approved application -> its fabrication; the end of a seal -> its card is free
//! - `effects`: other services, and the service's own maker card, which carries hosted fabrications on
//! - `projection`, `query`: read tables, filled and read
//! - `contents`: made seals and what else must not be in an event, encrypted
//! - `migration`: the tables

mod app;
mod codec;
mod config;
mod contents;
mod domain;
mod effects;
mod grpc;
mod making;
mod migration;
mod projection;
mod proof;
mod query;
mod reactor;

use eseal_card::CardAddress;
use eseal_eventstore::Projector;
use eseal_proto::fabrication::v1::fabrication_service_server::FabricationServiceServer;
use eseal_proto::fabrication::v1::maker_card_service_server::MakerCardServiceServer;
use eseal_service::process::Program;
use eseal_service::{Context, MAX_MESSAGE, StartError};
use tonic::service::Routes;

use app::App;
pub use config::{CONFIG_DEFAULT, Config, NotMade, SealVersion};
use contents::Contents;
use effects::{OwnMaker, Peers};
use grpc::Grpc;
pub use grpc::REASONS;
pub use migration::migrations;

/// This service as a program: `eseal-fabrication`, and a part of the standalone.
pub const PROGRAM: Program = Program {
    name: "fabrication",
    command: "eseal-fabrication",
    about: "an approved application becomes an electronic seal. 印章制作。",
    config_default: CONFIG_DEFAULT,
    migrations,
    hears: &reactor::OWNERS,
    projectors: || projectors().into(),
};

/// Everything this service is made of.
///
/// # Errors
/// [`StartError`] when the database lacks a migration, the key file can't be used or is not the one of the database, or
/// the own maker card can't be used.
pub async fn wire(config: Config, context: &Context) -> Result<Routes, StartError> {
    let service = context.name();
    let store_error = |source| StartError::Store { service, source };
    eseal_eventstore::refuse_if_pending(context.database(), migrations).await.map_err(store_error)?;
    let contents = Contents::open(context.database().clone(), &config.key_file).await.map_err(|why| {
        StartError::setting(service, format!("the file {} in key_file", config.key_file.display()), why)
    })?;
    let own_maker = own_maker(service, &config).await?;
    let peers = Peers::of(context);
    let making = (own_maker, config.seal_version.into());
    let app = App::new(context.database().clone(), context.writer(), contents, peers, making, context.clock().clone());

    for owner in reactor::OWNERS {
        context.spawn(&format!("from {owner}"), reactor::run(owner, app.clone(), context.clone()));
    }
    context.spawn("hosted fabrication", effects::run_hosted(app.clone(), context.clone()));
    let grpc = Grpc::new(app);
    let fabrications = FabricationServiceServer::new(grpc.clone()).max_decoding_message_size(MAX_MESSAGE);
    Ok(Routes::new(fabrications).add_service(MakerCardServiceServer::new(grpc)))
}

/// What fills the read tables anew from the events: for `rebuild`.
pub fn projectors() -> [Projector; 2] {
    [Projector::of::<domain::Fabrication>(), Projector::of::<domain::MakerCard>()]
}

async fn own_maker(service: &'static str, config: &Config) -> Result<Option<OwnMaker>, StartError> {
    let (setting, card) = match (config.maker_card_file.clone(), &config.maker_card) {
        (Some(_), Some(_)) => return Err(StartError::setting(service, "maker_card", "maker_card_file is set too")),
        (None, Some(card)) => {
            let address = card.parse().map_err(|why| StartError::setting(service, "maker_card", why))?;
            ("maker_card", Some(address))
        }
        (file, None) => ("maker_card_file", file.map(CardAddress::File)),
    };
    let (card, pin) = match (card, config.maker_pin_file.clone()) {
        (Some(card), Some(pin)) => (card, pin),
        (None, None) => return Ok(None),
        (Some(_), None) => return Err(StartError::setting(service, setting, "maker_pin_file is not set")),
        (None, Some(_)) => return Err(StartError::setting(service, "maker_pin_file", "maker_card_file is not set")),
    };
    let shown = format!("the card {card} in {setting}");
    let opened = tokio::task::spawn_blocking(move || OwnMaker::open(&card, &pin)).await;
    let opened = opened.map_err(|why| StartError::setting(service, &shown, why))?;
    opened.map(Some).map_err(|why| StartError::setting(service, &shown, why))
}
