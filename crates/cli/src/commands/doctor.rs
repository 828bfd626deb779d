//! What is wrong, and what to do: settings, connection, clock, sign-in, trust, drivers and cards. Tries no PIN that nobody gave,
//! changes nothing, and tells no secret.

mod cards;
mod connection;
mod finding;

use std::process::ExitCode;

use eseal_kernel::Clock;
use serde_json::json;

use super::Env;
use crate::args::Doctor;
use crate::failure::Failure;

use finding::{Findings, Level};

pub async fn doctor(env: &Env, args: &Doctor) -> Result<ExitCode, Failure> {
    let mut findings = Findings::new(env.lang());
    let server = connection::look(env, &Clock::System, &mut findings).await;
    let trust = cards::trust(env, args.trust.as_deref(), server.as_ref(), &mut findings).await?;
    for address in &args.cards {
        let card = cards::look(address, &trust, &Clock::System, &mut findings);
        if let (Some(card), Some(file)) = (card, &args.pin_file) {
            cards::compare(&card, file, server.as_ref(), &mut findings).await;
        }
    }
    let faults = findings.worst() == Level::Fault;
    env.output
        .result(&json!({ "findings": findings.to_json(), "worst": findings.worst().name() }), findings.to_words());
    Ok(ExitCode::from(u8::from(faults)))
}
