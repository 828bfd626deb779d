//! Lists.

use eseal_proto::application::v1 as application;
use eseal_proto::application::v1::application_service_client::ApplicationServiceClient;
use eseal_proto::authentication::v1 as authentication;
use eseal_proto::authentication::v1::registry_service_client::RegistryServiceClient;
use eseal_proto::authentication::v1::sealing_service_client::SealingServiceClient;
use eseal_proto::authentication::v1::trust_service_client::TrustServiceClient;
use eseal_proto::fabrication::v1 as fabrication;
use eseal_proto::fabrication::v1::fabrication_service_client::FabricationServiceClient;
use eseal_proto::fabrication::v1::maker_card_service_client::MakerCardServiceClient;
use eseal_proto::seal::v1::SealState;
use eseal_proto::verification::v1 as verification;
use eseal_proto::verification::v1::verification_service_client::VerificationServiceClient;
use serde_json::json;

use super::Env;
use crate::args::List;
use crate::failure::Failure;
use crate::lang::Lang;

pub async fn list(env: &Env, what: List) -> Result<(), Failure> {
    let (server, lang) = (env.server()?, env.lang());
    let line = server.line();
    let (value, table, next) = match what {
        List::Applications { state, organization, pages } => {
            let state = word(lang, state, |name| {
                application::ApplicationState::from_str_name(&format!("APPLICATION_STATE_{name}"))
            })?;
            let request = application::ListApplicationsRequest {
                page_size: pages.limit,
                page_token: pages.page,
                state: state.unwrap_or_default().into(),
                uscc: organization,
            };
            let answer = server.answer(ApplicationServiceClient::new(line).list_applications(request).await)?;
            let rows = answer.applications.iter().map(application_row).collect();
            let table =
                env.output.table(&["application", "state", "organization", "seal type", "outcome", "changed"], rows);
            (json!(answer), table, answer.next_page_token)
        }
        List::Fabrications { state, pages } => {
            let state = word(lang, state, |name| {
                fabrication::FabricationState::from_str_name(&format!("FABRICATION_STATE_{name}"))
            })?;
            let request = fabrication::ListFabricationsRequest {
                page_size: pages.limit,
                page_token: pages.page,
                state: state.unwrap_or_default().into(),
            };
            let answer = server.answer(FabricationServiceClient::new(line).list_fabrications(request).await)?;
            let rows = answer.fabrications.iter().map(fabrication_row).collect();
            let table =
                env.output.table(&["application", "state", "organization", "seal", "last refusal", "changed"], rows);
            (json!(answer), table, answer.next_page_token)
        }
        List::Runs { application, pages } => {
            let request = fabrication::ListRunsRequest {
                page_size: pages.limit,
                page_token: pages.page,
                application_id: application,
            };
            let answer = server.answer(FabricationServiceClient::new(line).list_runs(request).await)?;
            let rows = answer.runs.iter().map(run_row).collect();
            let table = env.output.table(&["begun", "application", "maker", "made", "gate", "reason"], rows);
            (json!(answer), table, answer.next_page_token)
        }
        List::MakerCards { pages } => {
            let request = fabrication::ListMakerCardsRequest { page_size: pages.limit, page_token: pages.page };
            let answer = server.answer(MakerCardServiceClient::new(line).list_maker_cards(request).await)?;
            let row = |card: &fabrication::MakerCard| {
                let times = [card.issued_at, card.suspended_at, card.withdrawn_at].map(time);
                [vec![card.card_serial.clone(), card.maker_id.clone()], times.into()].concat()
            };
            let rows = answer.maker_cards.iter().map(row).collect();
            let table = env.output.table(&["serial", "maker", "issued", "suspended", "withdrawn"], rows);
            (json!(answer), table, answer.next_page_token)
        }
        List::Seals { state, organization, pages } => {
            let state = word(lang, state, |name| SealState::from_str_name(&format!("SEAL_STATE_{name}")))?;
            let request = authentication::ListSealsRequest {
                page_size: pages.limit,
                page_token: pages.page,
                state: state.unwrap_or_default().into(),
                uscc: organization,
            };
            let answer = server.answer(RegistryServiceClient::new(line).list_seals(request).await)?;
            let rows = answer.seals.iter().map(seal_row).collect();
            let table = env.output.table(&["seal", "state", "organization", "seal type", "card", "valid to"], rows);
            (json!(answer), table, answer.next_page_token)
        }
        List::Attempts { seal, pages } => {
            let request =
                authentication::ListAttemptsRequest { page_size: pages.limit, page_token: pages.page, seal_id: seal };
            let answer = server.answer(SealingServiceClient::new(line).list_attempts(request).await)?;
            let rows = answer.attempts.iter().map(attempt_row).collect();
            let table = env.output.table(&["begun", "seal", "state", "gate", "reason", "document"], rows);
            (json!(answer), table, answer.next_page_token)
        }
        List::Failures { pages } => {
            let request = verification::ListFailuresRequest { page_size: pages.limit, page_token: pages.page };
            let answer = server.answer(VerificationServiceClient::new(line).list_failures(request).await)?;
            let row = |failure: &verification::Failure| {
                let items = failure.items.iter().map(|i| format!("{}: {} {}", i.seal, i.item, i.reason));
                vec![time(failure.at), failure.document_digest.clone(), items.collect::<Vec<_>>().join("\n")]
            };
            let rows = answer.failures.iter().map(row).collect();
            (json!(answer), env.output.table(&["at", "document", "failed"], rows), answer.next_page_token)
        }
        List::Trust => {
            let request = authentication::ListTrustAnchorsRequest { purpose: 0 };
            let mut client = TrustServiceClient::new(line).max_decoding_message_size(crate::connect::MAX_MESSAGE);
            let answer = server.answer(client.list_trust_anchors(request).await)?;
            let row = |anchor: &authentication::TrustAnchor| {
                let subject = eseal_pki::Certificate::from_der(&anchor.certificate).map(|c| c.subject());
                let purpose = short(anchor.purpose().as_str_name(), "TRUST_PURPOSE_");
                vec![purpose, subject.unwrap_or_default(), anchor.fingerprint.clone(), time(anchor.added_at)]
            };
            let rows = answer.trust_anchors.iter().map(row).collect();
            (json!(answer), env.output.table(&["purpose", "subject", "fingerprint", "added"], rows), String::new())
        }
    };
    env.output.result(&value, table);
    if !next.is_empty() {
        env.output.say(&format!("{}: --page {next}", lang.pick("下一页", "next page")));
    }
    Ok(())
}

fn application_row(application: &application::Application) -> Vec<String> {
    let form = application.form.clone().unwrap_or_default();
    let outcome = application.outcome.clone().unwrap_or_default();
    let outcome = if outcome.seal_id.is_empty() { outcome.fabrication_refusal } else { outcome.seal_id };
    vec![
        application.application_id.clone(),
        short(application.state().as_str_name(), "APPLICATION_STATE_"),
        form.organization.clone().unwrap_or_default().name_zh,
        short(form.seal_type().as_str_name(), "SEAL_TYPE_"),
        outcome,
        time(application.changed_at),
    ]
}

fn fabrication_row(fabrication: &fabrication::Fabrication) -> Vec<String> {
    vec![
        fabrication.application_id.clone(),
        short(fabrication.state().as_str_name(), "FABRICATION_STATE_"),
        fabrication.organization.clone().unwrap_or_default().name_zh,
        fabrication.seal_id.clone(),
        fabrication.last_refusal.clone(),
        time(fabrication.changed_at),
    ]
}

fn run_row(run: &fabrication::Run) -> Vec<String> {
    let made = if run.made { "✓" } else { "" }.to_owned();
    let id = run.application_id.clone();
    vec![time(run.begun_at), id, run.maker_id.clone(), made, run.gate.clone(), run.reason.clone()]
}

fn seal_row(seal: &authentication::RegisteredSeal) -> Vec<String> {
    let state = if seal.expired { "expired".to_owned() } else { short(seal.state().as_str_name(), "SEAL_STATE_") };
    vec![
        seal.seal_id.clone(),
        state,
        seal.organization.clone().unwrap_or_default().name_zh,
        short(seal.seal_type().as_str_name(), "SEAL_TYPE_"),
        seal.card_serial.clone(),
        time(seal.valid_to),
    ]
}

fn attempt_row(attempt: &authentication::Attempt) -> Vec<String> {
    vec![
        time(attempt.begun_at),
        attempt.seal_id.clone(),
        short(attempt.state().as_str_name(), "ATTEMPT_STATE_"),
        attempt.gate.clone(),
        attempt.reason.clone(),
        attempt.document_digest.clone(),
    ]
}

/// A word of an enum, as people write it.
pub fn short(name: &str, prefix: &str) -> String {
    name.trim_start_matches(prefix).to_ascii_lowercase().replace('_', "-")
}

/// A moment as people read it, in UTC to the second.
pub fn time(at: Option<eseal_proto::Timestamp>) -> String {
    let micros = at.as_ref().and_then(eseal_proto::moment::micros);
    micros
        .map(|m| eseal_kernel::Timestamp::from_micros(m).to_string().replace('T', " ")[..19].to_owned())
        .unwrap_or_default()
}

fn word<T>(lang: Lang, text: Option<String>, find: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let found = find(&text.to_ascii_uppercase().replace('-', "_"));
    let unknown =
        || Failure::usage(lang, format_args!("--state {text}: {}", lang.pick("没有这个状态", "no such state")));
    found.map(Some).ok_or_else(unknown)
}
