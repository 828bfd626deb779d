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

/// Every service.
pub const SERVICES: [Service; 0] = [];

/// The routes of the service `name`, at work in `context`.
///
/// # Errors
/// [`StartError`].
pub async fn wire(name: &str, config: &Config, context: &Context) -> Result<Routes, StartError> {
    let _ = (name, config, context);
    Ok(Routes::default())
}

/// The service of this name.
pub fn named(name: &str) -> Option<&'static Service> {
    SERVICES.iter().find(|service| service.name == name)
}
