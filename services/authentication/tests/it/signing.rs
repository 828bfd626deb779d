//! The steps of a custodian's client.

use eseal_kernel::Digest;
use eseal_pki::Suite;
use eseal_proto::authentication::v1 as pb;
use eseal_proto::seal::v1 as seal_pb;
use tonic::Status;

use crate::bureau::{Bureau, Sealing, request_id};
use crate::card::Card;

pub async fn begin(sealing: &mut Sealing, seal_id: &str) -> Result<pb::BeginSealingResponse, Status> {
    let request = pb::BeginSealingRequest { request_id: request_id(), seal_id: seal_id.to_owned(), documents: 0 };
    Ok(sealing.begin_sealing(request).await?.into_inner())
}

pub async fn card_absent(sealing: &mut Sealing, seal_id: &str, attempt_id: &str) -> Result<(), Status> {
    let (seal_id, attempt_id) = (seal_id.to_owned(), attempt_id.to_owned());
    let request = pb::ReportCardAbsentRequest { request_id: request_id(), seal_id, attempt_id };
    sealing.report_card_absent(request).await.map(drop)
}

pub async fn pin(sealing: &mut Sealing, seal_id: &str, attempt_id: &str, correct: bool) -> Result<u32, Status> {
    let (seal_id, attempt_id) = (seal_id.to_owned(), attempt_id.to_owned());
    let request = pb::ReportPinRequest { request_id: request_id(), seal_id, attempt_id, correct };
    Ok(sealing.report_pin(request).await?.into_inner().tries_left)
}

pub async fn complete(
    sealing: &mut Sealing,
    seal_id: &str,
    attempt_id: &str,
    signature: Vec<u8>,
) -> Result<(), Status> {
    let (seal_id, attempt_id) = (seal_id.to_owned(), attempt_id.to_owned());
    let request = pb::CompleteSealingRequest { request_id: request_id(), seal_id, attempt_id, signature };
    sealing.complete_sealing(request).await.map(drop)
}

pub async fn signing_failed(sealing: &mut Sealing, seal_id: &str, attempt_id: &str) -> Result<(), Status> {
    let (seal_id, attempt_id) = (seal_id.to_owned(), attempt_id.to_owned());
    let request = pb::ReportSigningFailureRequest { request_id: request_id(), seal_id, attempt_id };
    sealing.report_signing_failure(request).await.map(drop)
}

pub async fn authorize(
    sealing: &mut Sealing,
    request: pb::AuthorizeSealingRequest,
) -> Result<pb::AuthorizeSealingResponse, Status> {
    Ok(sealing.authorize_sealing(request).await?.into_inner())
}

/// What an honest client shows at gate d.
pub fn showing(card: &Card, begun: &pb::BeginSealingResponse, suite: Suite) -> pb::AuthorizeSealingRequest {
    pb::AuthorizeSealingRequest {
        request_id: request_id(),
        seal_id: card.seal_id.clone(),
        attempt_id: begun.attempt_id.clone(),
        card_serial: card.serial.clone(),
        seal_digest: card.seal_digest(),
        document_digest: document().to_string(),
        proof: Some(card.proof(suite, begun.challenge.as_ref().expect("terms"), document())),
        places: vec![place()],
        card_uses: 0,
        original: None,
    }
}

/// An attempt in which the PIN was right.
pub async fn at_gate_d(bureau: &Bureau, card: &Card) -> pb::BeginSealingResponse {
    let mut zhou = bureau.zhou();
    let begun = begin(&mut zhou, &card.seal_id).await.expect("begun");
    pin(&mut zhou, &card.seal_id, &begun.attempt_id, true).await.expect("right");
    begun
}

/// An attempt that gate d let through.
pub async fn at_gate_e(bureau: &Bureau, card: &Card, suite: Suite) -> pb::BeginSealingResponse {
    let begun = at_gate_d(bureau, card).await;
    authorize(&mut bureau.zhou(), showing(card, &begun, suite)).await.expect("authorized");
    begun
}

/// The attempts of a seal as an auditor sees them, newest first.
pub async fn attempts(bureau: &Bureau, seal_id: &str) -> Vec<pb::Attempt> {
    let mut auditor = bureau.sealing("audit", eseal_service::Role::Auditor, None);
    let request = pb::ListAttemptsRequest { seal_id: seal_id.to_owned(), ..Default::default() };
    auditor.list_attempts(request).await.expect("a list").into_inner().attempts
}

/// The digest that most signatures cover.
pub fn document() -> Digest {
    Digest::of(b"document")
}

pub fn place() -> seal_pb::Place {
    seal_pb::Place { page: 2, x_um: 120_000, y_um: 200_000, width_um: 40_000, height_um: 40_000 }
}
