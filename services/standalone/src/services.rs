//! The services that run here. The only place that names them all.

use eseal_eventstore::{Migrations, Projector};
use eseal_service::{Context, StartError};
use tonic::service::Routes;

use crate::Config;

/// A service as the standalone handles it.
#[derive(Debug, Clone, Copy)]
pub struct Service {
    /// Owner of its events, name of its database and of its section in the settings.
    pub name: &'static str,
    /// Its tables.
    pub migrations: Migrations,
    /// What fills its read tables from its events.
    pub projectors: fn() -> Vec<Projector>,
}

/// Every service, in the order of a seal's way through them.
pub const SERVICES: [Service; 4] = [
    Service {
        name: "application",
        migrations: eseal_application::migrations,
        projectors: || eseal_application::projectors().into(),
    },
    Service {
        name: "fabrication",
        migrations: eseal_fabrication::migrations,
        projectors: || eseal_fabrication::projectors().into(),
    },
    Service {
        name: "authentication",
        migrations: eseal_authentication::migrations,
        projectors: || eseal_authentication::projectors().into(),
    },
    Service {
        name: "verification",
        migrations: eseal_verification::migrations,
        projectors: || eseal_verification::projectors().into(),
    },
];

/// The service in `context`, at work.
///
/// # Errors
/// [`StartError`] when it can't start.
pub async fn wire(config: &Config, context: &Context) -> Result<Routes, StartError> {
    match context.name() {
        "application" => eseal_application::wire(config.application.clone(), context).await,
        "fabrication" => eseal_fabrication::wire(config.fabrication.clone(), context).await,
        "authentication" => eseal_authentication::wire(config.authentication.clone(), context).await,
        "verification" => eseal_verification::wire(config.verification.clone(), context).await,
        other => Err(StartError::setting("standalone", other, "no service of this name is in this program")),
    }
}

/// The service of this name.
pub fn named(name: &str) -> Option<&'static Service> {
    SERVICES.iter().find(|service| service.name == name)
}
