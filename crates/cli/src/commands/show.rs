//! One thing.

use std::path::Path;

use eseal_pki::ocsp::OcspResponse;
use eseal_pki::{Crl, DeltaCrl};
use eseal_proto::application::v1 as application;
use eseal_proto::application::v1::application_service_client::ApplicationServiceClient;
use eseal_proto::authentication::v1 as authentication;
use eseal_proto::authentication::v1::hosted_key_service_client::HostedKeyServiceClient;
use eseal_proto::authentication::v1::registry_service_client::RegistryServiceClient;
use eseal_proto::authentication::v1::sealing_service_client::SealingServiceClient;
use eseal_proto::fabrication::v1 as fabrication;
use eseal_proto::fabrication::v1::fabrication_service_client::FabricationServiceClient;
use serde_json::{Value, json};

use super::Env;
use super::list::{short, time};
use crate::args::Show;
use crate::connect::{MAX_MESSAGE, Server};
use crate::failure::{Failure, write_file};
use crate::output::fields;

/// What an attempt was judged by; each is asked for by itself where it is to be written, since a list may be large.
async fn evidence(
    env: &Env,
    server: &Server,
    (seal_id, attempt_id): (String, String),
    folder: Option<&Path>,
) -> Result<(Value, String), Failure> {
    let mut client = SealingServiceClient::new(server.line()).max_decoding_message_size(MAX_MESSAGE);
    let request = authentication::GetAttemptEvidenceRequest { seal_id, attempt_id, digest: String::new() };
    let found = server.answer(client.get_attempt_evidence(request.clone()).await)?.evidence;
    let (mut rows, mut told) = (Vec::new(), Vec::new());
    for mut one in found {
        if one.der.is_empty() {
            let request = authentication::GetAttemptEvidenceRequest { digest: one.digest.clone(), ..request.clone() };
            let answer = server.answer(client.get_attempt_evidence(request).await)?;
            one.der = answer.evidence.into_iter().find(|it| it.digest == one.digest).unwrap_or_default().der;
        }
        let kind = short(one.kind().as_str_name(), "EVIDENCE_KIND_");
        let (by, made) = match one.kind() {
            authentication::EvidenceKind::List => {
                let list = Crl::from_der(&one.der).ok();
                list.map(|list| (list.issuer(), list.this_update().to_string())).unwrap_or_default()
            }
            authentication::EvidenceKind::Changes => {
                let changes = DeltaCrl::from_der(&one.der).ok();
                changes.map(|changes| (changes.issuer(), changes.this_update().to_string())).unwrap_or_default()
            }
            authentication::EvidenceKind::Ocsp | authentication::EvidenceKind::Unspecified => {
                let response = OcspResponse::from_der(&one.der).ok();
                response.map(|response| (String::new(), response.produced_at().to_string())).unwrap_or_default()
            }
        };
        if let Some(folder) = folder {
            let ending = match one.kind() {
                authentication::EvidenceKind::List | authentication::EvidenceKind::Changes => "crl",
                authentication::EvidenceKind::Ocsp | authentication::EvidenceKind::Unspecified => "ors",
            };
            write_file(env.lang(), &folder.join(format!("{}.{ending}", one.digest)), &one.der, false)?;
        }
        told.push(json!({ "digest": one.digest, "kind": kind, "issuer": by, "madeAt": made, "bytes": one.der.len() }));
        rows.push(vec![kind, made, by, one.der.len().to_string(), one.digest]);
    }
    let words = env.output.table(&["kind", "made", "issuer", "bytes", "SHA-256"], rows);
    Ok((json!({ "evidence": told }), words))
}

pub async fn show(env: &Env, what: Show) -> Result<(), Failure> {
    let server = env.server()?;
    let line = server.line();
    let (value, words): (Value, String) = match what {
        Show::Application { id } => {
            let request = application::GetApplicationRequest { application_id: id };
            let answer = server.answer(ApplicationServiceClient::new(line).get_application(request).await)?;
            let shown = answer.application.unwrap_or_default();
            (json!(shown), application(&shown))
        }
        Show::Fabrication { id } => {
            let request = fabrication::GetFabricationRequest { application_id: id };
            let answer = server.answer(FabricationServiceClient::new(line).get_fabrication(request).await)?;
            let shown = answer.fabrication.unwrap_or_default();
            let words = fields(&[
                ("application", shown.application_id.clone()),
                ("state", short(shown.state().as_str_name(), "FABRICATION_STATE_")),
                ("seal", shown.seal_id.clone()),
                ("last refusal", shown.last_refusal.clone()),
                ("changed", time(shown.changed_at)),
            ]);
            (json!(shown), words)
        }
        Show::Seal { id } => {
            let request = authentication::GetSealRequest { seal_id: id };
            let answer = server.answer(RegistryServiceClient::new(line).get_seal(request).await)?;
            let shown = answer.seal.unwrap_or_default();
            (json!(shown), seal(&shown))
        }
        Show::HostedKey { id } => {
            let request = authentication::GetHostedKeyRequest { hosted_key_id: id };
            let answer = server.answer(HostedKeyServiceClient::new(line).get_hosted_key(request).await)?;
            let shown = answer.hosted_key.unwrap_or_default();
            let words = fields(&[
                ("hosted key", shown.hosted_key_id.clone()),
                ("organization", shown.uscc.clone()),
                ("custodian", shown.custodian_id.clone()),
                ("certificates", shown.certificates.len().to_string()),
            ]);
            (json!(shown), words)
        }
        Show::Material { digest, output } => {
            let mut client = ApplicationServiceClient::new(line).max_decoding_message_size(MAX_MESSAGE);
            let answer = server.answer(client.get_material(application::GetMaterialRequest { digest }).await)?;
            write_file(env.lang(), &output, &answer.content, false)?;
            (json!({ "written": output, "mediaType": answer.media_type }), output.display().to_string())
        }
        Show::Evidence { seal, attempt, output } => evidence(env, &server, (seal, attempt), output.as_deref()).await?,
    };
    env.output.result(&value, words);
    Ok(())
}

fn application(shown: &application::Application) -> String {
    let form = shown.form.clone().unwrap_or_default();
    let organization = form.organization.clone().unwrap_or_default();
    let (outcome, returned) = (shown.outcome.clone().unwrap_or_default(), shown.returned.clone().unwrap_or_default());
    let impression = form.impression.clone().unwrap_or_default();
    let people = shown.contacts.iter().map(|c| format!("{} {} {} {}", c.person_id, c.name, c.phone, c.email));
    fields(&[
        ("application", shown.application_id.clone()),
        ("state", short(shown.state().as_str_name(), "APPLICATION_STATE_")),
        ("kind", short(form.kind().as_str_name(), "APPLICATION_KIND_")),
        ("organization", format!("{} {}", organization.uscc, organization.name_zh)),
        ("seal", format!("{} ({})", form.seal_name, short(form.seal_type().as_str_name(), "SEAL_TYPE_"))),
        ("impression", format!("{} {} × {} mm", impression.material_digest, impression.width_mm, impression.height_mm)),
        ("custody", short(form.custody().as_str_name(), "CUSTODY_")),
        ("custodian", form.custodian_id.clone()),
        ("validity", format!("{} – {}", time(form.valid_from), time(form.valid_to))),
        ("applicant", shown.applicant_id.clone()),
        ("approved by", shown.approved_by.join(", ")),
        ("returned", format!("{} {}", returned.code, returned.text).trim().to_owned()),
        ("fabrication", outcome.fabrication_refusal.clone()),
        ("made", format!("{} {}", outcome.seal_id, seal_state(&outcome)).trim().to_owned()),
        ("cancellation", outcome.cancellation.clone()),
        ("existing seal", existing_seal(&form, &outcome)),
        ("persons", people.collect::<Vec<_>>().join("\n")),
        ("submitted", time(shown.submitted_at)),
    ])
}

/// The seal that it is about, why it shall end, and what became of it.
fn existing_seal(form: &application::ApplicationForm, outcome: &application::Outcome) -> String {
    let parts = [&form.existing_seal_id, &form.revocation_reason, &outcome.carried_out];
    parts.into_iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(" ")
}

fn seal_state(outcome: &application::Outcome) -> String {
    if outcome.seal_state == 0 { String::new() } else { short(outcome.seal_state().as_str_name(), "SEAL_STATE_") }
}

fn seal(shown: &authentication::RegisteredSeal) -> String {
    let organization = shown.organization.clone().unwrap_or_default();
    let locked = if shown.pin_locked { " (locked)" } else { "" };
    let expired = if shown.expired { " (expired)" } else { "" };
    fields(&[
        ("seal", shown.seal_id.clone()),
        ("state", format!("{}{expired}", short(shown.state().as_str_name(), "SEAL_STATE_"))),
        ("organization", format!("{} {}", organization.uscc, organization.name_zh)),
        ("type", short(shown.seal_type().as_str_name(), "SEAL_TYPE_")),
        ("custody", short(shown.custody().as_str_name(), "CUSTODY_")),
        ("custodian", shown.custodian_id.clone()),
        ("card", shown.card_serial.clone()),
        ("PIN tries left", format!("{}{locked}", shown.pin_tries_left)),
        ("validity", format!("{} – {}", time(shown.valid_from), time(shown.valid_to))),
        ("application", shown.application_id.clone()),
        ("predecessor", shown.predecessor_seal_id.clone()),
        ("successor", shown.successor_seal_id.clone()),
        ("registered", time(shown.registered_at)),
    ])
}
