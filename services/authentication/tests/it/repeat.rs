//! The same request again: the first answer again, and nothing done twice.

use eseal_pki::Suite;
use eseal_proto::authentication::v1 as pb;
use tonic::Code;

use crate::bureau::*;
use crate::signing::*;

#[tokio::test]
async fn the_same_begin_twice_opens_one_attempt() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let request = pb::BeginSealingRequest { request_id: request_id(), seal_id: card.seal_id.clone(), documents: 0 };
    let first = bureau.zhou().begin_sealing(request.clone()).await.expect("begun").into_inner();
    let second = bureau.zhou().begin_sealing(request).await.expect("a repeat").into_inner();
    assert_eq!(first, second);
    assert_eq!(attempts(&bureau, &card.seal_id).await.len(), 1);
}

#[tokio::test]
async fn the_same_authorization_at_the_same_moment_is_given_once_to_both() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let begun = at_gate_d(&bureau, &card).await;
    let shown = showing(&card, &begun, Suite::Sm2Sm3);
    let (mut one, mut other) = (bureau.zhou(), bureau.zhou());
    let (first, second) = tokio::join!(authorize(&mut one, shown.clone()), authorize(&mut other, shown));
    assert_eq!(first.expect("authorized"), second.expect("authorized"));
    let kinds = bureau.kinds(&card.seal_id).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "SealingAuthorized").count(), 1);
}

#[tokio::test]
async fn a_repeated_wrong_pin_costs_one_try() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let attempt_id = begin(&mut bureau.zhou(), &card.seal_id).await.expect("begun").attempt_id;
    let seal_id = card.seal_id.clone();
    let request = pb::ReportPinRequest { request_id: request_id(), seal_id, attempt_id, correct: false };
    for _ in 0..3 {
        let refused = assert_gate(bureau.zhou().report_pin(request.clone()).await, "c", "PIN_INCORRECT");
        assert_eq!(refused.metadata.get("tries_left").map(String::as_str), Some("4"));
    }
    assert_eq!(show(&mut bureau.admin(), &card.seal_id).await.expect("shown").pin_tries_left, 4);
}

#[tokio::test]
async fn a_repeated_completion_is_recorded_once() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let begun = at_gate_e(&bureau, &card, Suite::Sm2Sm3).await;
    let signature = card.ofd_signature(document(), bureau.now());
    for _ in 0..2 {
        let done = complete(&mut bureau.zhou(), &card.seal_id, &begun.attempt_id, signature.clone()).await;
        done.expect("sealed");
    }
    let kinds = bureau.kinds(&card.seal_id).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "SealingCompleted").count(), 1);
}

#[tokio::test]
async fn another_request_under_the_same_id_is_refused() {
    let bureau = Bureau::open().await;
    let (card, other) = (bureau.registered().await, bureau.registered().await);
    let request = pb::ActivateSealRequest { request_id: request_id(), seal_id: card.seal_id.clone() };
    bureau.admin().activate_seal(request.clone()).await.expect("activated");
    let reused = pb::ActivateSealRequest { seal_id: other.seal_id.clone(), ..request };
    assert_refused(bureau.admin().activate_seal(reused).await, Code::AlreadyExists, "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn a_request_without_an_id_is_a_field_violation() {
    let bureau = Bureau::open().await;
    let card = bureau.registered().await;
    let request = pb::ActivateSealRequest { request_id: String::new(), seal_id: card.seal_id.clone() };
    assert_eq!(violation(bureau.admin().activate_seal(request).await).0, "request_id");
}
