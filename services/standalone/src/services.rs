//! The services that run here. The only place that names them all.

use eseal_service::process::Program;
use eseal_service::{Context, StartError};
use tonic::service::Routes;

use crate::Config;

/// Every service, in the order of a seal's way through them. Each owns its events, its database and its section in the
/// settings under its name.
pub const SERVICES: [Program; 4] = [
    eseal_application::PROGRAM,
    eseal_fabrication::PROGRAM,
    eseal_authentication::PROGRAM,
    eseal_verification::PROGRAM,
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
pub fn named(name: &str) -> Option<&'static Program> {
    SERVICES.iter().find(|service| service.name == name)
}
