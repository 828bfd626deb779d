//! 印章制作: an approved application becomes an electronic seal; maker cards.
//!
//! - [`domain`]: the rules, gate by gate
//! - [`codec`]: events as they are stored and published
//! - [`projection`], [`query`], [`migration`]: the read tables
//! - [`contents`]: made seals and what else must not be in an event, encrypted
//! - [`app`]: what a step needs besides its words; [`grpc`]: the RPCs around it
//! - [`reactor`]: others' facts; [`effects`]: other services, and the service's own maker card

pub mod app;
pub mod codec;
pub mod config;
pub mod contents;
pub mod domain;
pub mod effects;
pub mod grpc;
pub mod migration;
pub mod projection;
pub mod query;
pub mod reactor;

use eseal_eventstore::Projector;
use eseal_proto::fabrication::v1::fabrication_service_server::FabricationServiceServer;
use eseal_proto::fabrication::v1::maker_card_service_server::MakerCardServiceServer;
use eseal_service::{Context, MAX_MESSAGE, StartError};
use tonic::service::Routes;

use app::App;
pub use config::{CONFIG_DEFAULT, Config};
use contents::Contents;
use effects::{OwnMaker, Peers};
use grpc::Grpc;
pub use grpc::REASONS;
pub use migration::migrations;

/// The name of this service: of its history, and as a peer.
pub const NAME: &str = "fabrication";

/// Everything this service is made of.
///
/// # Errors
/// [`StartError`] where a key file or the own maker card can't be used.
pub async fn wire(config: Config, context: &Context) -> Result<Routes, StartError> {
    let contents = Contents::open(context.database().clone(), &config.key_file)
        .map_err(|why| StartError::setting(NAME, format!("key_file {}", config.key_file.display()), why))?;
    let own_maker = own_maker(&config).await?;
    let peers = Peers::of(context);
    let app =
        App::new(context.database().clone(), context.writer(), contents, peers, own_maker, context.clock().clone());

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

async fn own_maker(config: &Config) -> Result<Option<OwnMaker>, StartError> {
    let (Some(card), Some(pin)) = (config.maker_card_file.clone(), config.maker_pin_file.clone()) else {
        return Ok(None);
    };
    let shown = format!("maker_card_file {}", card.display());
    let opened = tokio::task::spawn_blocking(move || OwnMaker::open(&card, &pin)).await;
    let opened = opened.map_err(|why| StartError::setting(NAME, &shown, why))?;
    opened.map(Some).map_err(|why| StartError::setting(NAME, &shown, why))
}
