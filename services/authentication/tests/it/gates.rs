//! The gates of sealing with a card, in their order: what passes, and each reason why something does not.

use eseal_kernel::Digest;
use eseal_pki::{Crl, RevocationReason, Suite};
use eseal_proto::authentication::v1 as pb;
use eseal_proto::moment;
use eseal_service::Role;
use tonic::Code;

use crate::bureau::*;
use crate::card::{self, Card};
use crate::signing::*;

#[tokio::test]
async fn an_ofd_is_sealed_through_all_gates() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let begun = at_gate_e(&bureau, &card, Suite::Sm2Sm3).await;
    let signature = card.ofd_signature(document(), bureau.now());
    complete(&mut bureau.zhou(), &card.seal_id, &begun.attempt_id, signature).await.expect("sealed");
    let kinds =
        ["SealRegistered", "SealActivated", "SealingBegun", "PinAccepted", "SealingAuthorized", "SealingCompleted"];
    assert_eq!(bureau.kinds(&card.seal_id).await, kinds);
}

#[tokio::test]
async fn a_pdf_is_sealed_with_the_other_key_of_the_card() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let begun = at_gate_e(&bureau, &card, Suite::EcdsaP256Sha256).await;
    complete(&mut bureau.zhou(), &card.seal_id, &begun.attempt_id, card.pdf_signature(document()))
        .await
        .expect("sealed");
    let attempt = attempts(&bureau, &card.seal_id).await.remove(0);
    let moment = Some(moment::from_micros(bureau.now().micros()));
    let expected = pb::Attempt {
        seal_id: card.seal_id.clone(),
        attempt_id: begun.attempt_id,
        state: pb::AttemptState::Completed.into(),
        custodian_id: ZHOU.to_owned(),
        begun_at: moment,
        ended_at: moment,
        gate: String::new(),
        reason: String::new(),
        document_digest: document().to_string(),
        places: vec![place()],
        documents: 0,
        documents_sealed: 0,
        detail: String::new(),
        admitted: None,
    };
    assert_eq!(attempt, expected);
}

#[tokio::test]
async fn the_terms_of_the_challenge_are_those_of_the_attempt() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let begun = begin(&mut bureau.zhou(), &card.seal_id).await.expect("begun");
    let terms = begun.challenge.expect("terms");
    assert_eq!((terms.audience.as_str(), terms.purpose.as_str()), ("eseal.authentication", "seal-document"));
    assert_eq!((&terms.attempt_id, &terms.seal_id), (&begun.attempt_id, &card.seal_id));
    assert_eq!(terms.expires_at, Some(moment::from_micros(bureau.now().plus(DAY / 720).micros())));
    assert_eq!((begun.card_serial, begun.pin_tries_left), (card.serial, 5));
}

#[tokio::test]
async fn gate_a_refuses_a_seal_made_elsewhere_with_a_fact_that_does_not_name_it() {
    let bureau = Bureau::open().await;
    for name in [request_id(), "32050000011053".to_owned(), "张三的章".to_owned()] {
        let refused = assert_gate(begin(&mut bureau.zhou(), &name).await, "a", "SEAL_NOT_REGISTERED");
        assert_eq!(refused.message, "该电子印章未在本系统注册");
        let attempt = attempts(&bureau, &name).await.remove(0);
        assert_eq!((attempt.state(), attempt.gate.as_str()), (pb::AttemptState::Refused, "a"));
    }
    let payloads: Vec<String> =
        bureau.events().await.iter().map(|event| String::from_utf8_lossy(&event.payload).into_owned()).collect();
    assert!(!payloads.iter().any(|payload| payload.contains("32050000011053") || payload.contains("张三")));
}

#[tokio::test]
async fn gate_b_ends_the_attempt_without_a_card() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let begun = begin(&mut bureau.zhou(), &card.seal_id).await.expect("begun");
    let refused = card_absent(&mut bureau.zhou(), &card.seal_id, &begun.attempt_id).await;
    assert_eq!(assert_gate(refused, "b", "SEAL_CARD_ABSENT").message, "请插入电子印章卡");
    let again = pin(&mut bureau.zhou(), &card.seal_id, &begun.attempt_id, true).await;
    assert_refused(again, Code::FailedPrecondition, "ATTEMPT_NOT_OPEN");
    let attempt = attempts(&bureau, &card.seal_id).await.remove(0);
    assert_eq!((attempt.gate.as_str(), attempt.reason.as_str()), ("b", "SEAL_CARD_ABSENT"));
}

#[tokio::test]
async fn gate_d_refuses_a_seal_that_is_not_in_use() {
    let bureau = Bureau::open().await;
    let card = bureau.registered().await;
    assert_gate(at_d(&bureau, &card).await, "d", "SEAL_NOT_ACTIVE");
    activate(&mut bureau.admin(), &card.seal_id).await.expect("activated");
    suspend(&mut bureau.admin(), &card.seal_id).await.expect("suspended");
    assert_gate(at_d(&bureau, &card).await, "d", "SEAL_SUSPENDED");
    revoke(&mut bureau.admin(), &card.seal_id).await.expect("revoked");
    assert_gate(at_d(&bureau, &card).await, "d", "SEAL_REVOKED");
}

#[tokio::test]
async fn gate_d_refuses_a_seal_that_was_replaced() {
    let bureau = Bureau::open().await;
    let (card, successor) = (bureau.active().await, bureau.registered().await);
    replace(&mut bureau.admin(), &card.seal_id, &successor.seal_id).await.expect("replaced");
    assert_gate(at_d(&bureau, &card).await, "d", "SEAL_REPLACED");
}

#[tokio::test]
async fn gate_d_refuses_a_seal_whose_validity_has_ended() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    bureau.later(DAY * 1_001);
    assert_gate(at_d(&bureau, &card).await, "d", "SEAL_EXPIRED");
}

#[tokio::test]
async fn gate_d_refuses_a_certificate_that_is_no_longer_valid() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    bureau.later(card::CERTIFIED_FOR + DAY);
    assert_gate(at_d(&bureau, &card).await, "d", "CERTIFICATE_EXPIRED");
}

#[tokio::test]
async fn gate_d_asks_that_somebody_says_of_a_certificate_that_it_is_good_where_the_settings_do() {
    let mut bureau = Bureau::open().await;
    let card = bureau.active().await;
    at_d(&bureau, &card).await.expect("nobody says anything, and nobody has to");
    bureau.strict = true;
    bureau.restart().await;
    assert_gate(at_d(&bureau, &card).await, "d", "CERTIFICATE_STATUS_UNKNOWN");
    bureau.imports_crl().await;
    let begun = at_gate_d(&bureau, &card).await;
    let shown = showing(&card, &begun, Suite::Sm2Sm3);
    authorize(&mut bureau.zhou(), shown).await.expect("the list does not have it");
    let asked = pb::GetAttemptEvidenceRequest {
        seal_id: card.seal_id.clone(),
        attempt_id: begun.attempt_id.clone(),
        ..Default::default()
    };
    let mut auditor = bureau.sealing("chen", Role::Auditor, None);
    let evidence = auditor.get_attempt_evidence(asked).await.expect("evidence").into_inner().evidence;
    let [pb::Evidence { digest, der, kind }] = evidence.as_slice() else { panic!("{evidence:?}") };
    assert_eq!((digest, *kind), (&Digest::of(der).to_string(), pb::EvidenceKind::List.into()));
    Crl::from_der(der).expect("a list").verify(bureau.authorities.holders.certificate()).expect("its list");
    // The list holds for thirty days.
    bureau.later(DAY * 31);
    assert_gate(at_d(&bureau, &card).await, "d", "CERTIFICATE_STATUS_UNKNOWN");
    bureau.imports_crl().await;
    at_d(&bureau, &card).await.expect("the new one does not have it");
}

#[tokio::test]
async fn gate_d_refuses_a_certificate_that_its_authority_revoked() {
    let mut bureau = Bureau::open().await;
    let card = bureau.active().await;
    let revoked_at = bureau.now();
    let serial = card.sm2.1.serial_hex();
    bureau.authorities.holders.revoke(&serial, RevocationReason::KeyCompromise, revoked_at);
    bureau.imports_crl().await;
    assert_gate(at_d(&bureau, &card).await, "d", "CERTIFICATE_REVOKED");
    let other_key = at_gate_d(&bureau, &card).await;
    let shown = showing(&card, &other_key, Suite::EcdsaP256Sha256);
    authorize(&mut bureau.zhou(), shown).await.expect("the other certificate is still good");
}

#[tokio::test]
async fn gate_d_refuses_a_certificate_whose_authority_is_trusted_no_more() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let fingerprint = bureau.authorities.holders.certificate().fingerprint().to_string();
    let purpose = pb::TrustPurpose::Holder.into();
    let request = pb::RemoveTrustAnchorRequest { request_id: request_id(), purpose, fingerprint };
    bureau.trust("gao", Role::Admin).remove_trust_anchor(request).await.expect("removed");
    assert_gate(at_d(&bureau, &card).await, "d", "CERTIFICATE_UNTRUSTED");
}

#[tokio::test]
async fn gate_d_refuses_another_certificate_of_the_same_organization_and_authority() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let begun = at_gate_d(&bureau, &card).await;
    let other = card::pair(&bureau.authorities.holders, Suite::Sm2Sm3, LENOVO, card::CERTIFIED_FOR);
    let said = card::statement(begun.challenge.as_ref().expect("terms"), Some(document()));
    let shown = pb::AuthorizeSealingRequest {
        proof: Some(card::signed(&other, &said)),
        ..showing(&card, &begun, Suite::Sm2Sm3)
    };
    assert_gate(authorize(&mut bureau.zhou(), shown).await, "d", "CERTIFICATE_UNTRUSTED");
}

#[tokio::test]
async fn gate_d_refuses_what_is_no_certificate() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let begun = at_gate_d(&bureau, &card).await;
    let mut shown = showing(&card, &begun, Suite::Sm2Sm3);
    shown.proof.as_mut().expect("a proof").certificate = b"none".to_vec();
    assert_gate(authorize(&mut bureau.zhou(), shown).await, "d", "CERTIFICATE_UNTRUSTED");
}

#[tokio::test]
async fn gate_d_refuses_the_seal_of_another_organization_on_ones_own_card() {
    let bureau = Bureau::open().await;
    let (card, foreign) = (bureau.active().await, Card::made(&bureau.authorities, SUZHOU));
    let begun = at_gate_d(&bureau, &card).await;
    let shown =
        pb::AuthorizeSealingRequest { seal_digest: foreign.seal_digest(), ..showing(&card, &begun, Suite::Sm2Sm3) };
    assert_gate(authorize(&mut bureau.zhou(), shown).await, "d", "NOT_AUTHORIZED");
}

#[tokio::test]
async fn gate_d_refuses_another_card_with_the_same_seal() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let begun = at_gate_d(&bureau, &card).await;
    let shown =
        pb::AuthorizeSealingRequest { card_serial: "ANOTHER".to_owned(), ..showing(&card, &begun, Suite::Sm2Sm3) };
    assert_gate(authorize(&mut bureau.zhou(), shown).await, "d", "NOT_AUTHORIZED");
}

#[tokio::test]
async fn a_stranger_is_refused_with_a_fact_and_the_custodians_attempt_goes_on() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let begun = at_gate_d(&bureau, &card).await;
    let mut wu = bureau.sealing("wu", Role::Custodian, Some(LENOVO));
    let refused = begin(&mut wu, &card.seal_id).await;
    assert_eq!(assert_gate(refused, "d", "NOT_AUTHORIZED").message, "无权使用该电子印章");
    assert_gate(authorize(&mut wu, showing(&card, &begun, Suite::Sm2Sm3)).await, "d", "NOT_AUTHORIZED");
    authorize(&mut bureau.zhou(), showing(&card, &begun, Suite::Sm2Sm3)).await.expect("authorized");
    let strangers = attempts(&bureau, &card.seal_id).await.into_iter().filter(|attempt| attempt.custodian_id == "wu");
    assert_eq!(strangers.count(), 2);
}

#[tokio::test]
async fn a_stranger_reports_nothing_on_anothers_attempt() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let begun = at_gate_e(&bureau, &card, Suite::Sm2Sm3).await;
    let before = bureau.events().await.len();
    let mut wu = bureau.sealing("wu", Role::Custodian, Some(LENOVO));
    let denied = (Code::PermissionDenied, "NOT_CUSTODIAN");
    let (seal, attempt) = (card.seal_id.as_str(), begun.attempt_id.as_str());
    assert_refused(card_absent(&mut wu, seal, attempt).await, denied.0, denied.1);
    assert_refused(pin(&mut wu, seal, attempt, false).await, denied.0, denied.1);
    assert_refused(signing_failed(&mut wu, seal, attempt).await, denied.0, denied.1);
    let signature = card.ofd_signature(document(), bureau.now());
    assert_refused(complete(&mut wu, seal, attempt, signature).await, denied.0, denied.1);
    assert_eq!(bureau.events().await.len(), before);
}

#[tokio::test]
async fn a_replayed_challenge_is_refused() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let begun = at_gate_d(&bureau, &card).await;
    let shown = showing(&card, &begun, Suite::Sm2Sm3);
    authorize(&mut bureau.zhou(), shown.clone()).await.expect("authorized");
    let replayed = pb::AuthorizeSealingRequest { request_id: request_id(), ..shown };
    let refused = authorize(&mut bureau.zhou(), replayed).await;
    assert_eq!(assert_gate(refused, "d", "CHALLENGE_INVALID").message, "认证应答无效,请重新签章");
}

#[tokio::test]
async fn the_answer_to_another_attempts_challenge_is_refused() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let (earlier, later) = (at_gate_d(&bureau, &card).await, at_gate_d(&bureau, &card).await);
    let shown = pb::AuthorizeSealingRequest {
        proof: showing(&card, &earlier, Suite::Sm2Sm3).proof,
        ..showing(&card, &later, Suite::Sm2Sm3)
    };
    assert_gate(authorize(&mut bureau.zhou(), shown).await, "d", "CHALLENGE_INVALID");
}

#[tokio::test]
async fn an_answer_for_another_document_is_refused() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let begun = at_gate_d(&bureau, &card).await;
    let shown = pb::AuthorizeSealingRequest {
        document_digest: Digest::of(b"another").to_string(),
        ..showing(&card, &begun, Suite::Sm2Sm3)
    };
    assert_gate(authorize(&mut bureau.zhou(), shown).await, "d", "CHALLENGE_INVALID");
}

#[tokio::test]
async fn an_answer_that_the_card_did_not_sign_is_refused() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let begun = at_gate_d(&bureau, &card).await;
    let mut shown = showing(&card, &begun, Suite::Sm2Sm3);
    let other = card::pair(&bureau.authorities.holders, Suite::Sm2Sm3, LENOVO, card::CERTIFIED_FOR);
    let said = card::statement(begun.challenge.as_ref().expect("terms"), Some(document()));
    shown.proof.as_mut().expect("a proof").signature = card::signed(&other, &said).signature;
    assert_gate(authorize(&mut bureau.zhou(), shown).await, "d", "CHALLENGE_INVALID");
}

#[tokio::test]
async fn an_answer_after_two_minutes_is_refused() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let begun = at_gate_d(&bureau, &card).await;
    bureau.later(DAY / 719);
    assert_gate(authorize(&mut bureau.zhou(), showing(&card, &begun, Suite::Sm2Sm3)).await, "d", "CHALLENGE_INVALID");
}

#[tokio::test]
async fn gate_e_refuses_every_signature_that_is_not_the_authorized_one() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let stolen = Card {
        sm2: card::pair(&bureau.authorities.holders, Suite::Sm2Sm3, LENOVO, DAY),
        ..Card::made(&bureau.authorities, LENOVO)
    };
    let signatures = [
        b"no structure".to_vec(),
        card.ofd_signature(Digest::of(b"another"), bureau.now()),
        card.ofd_signature(document(), bureau.now().plus(DAY)),
        card.ofd_signature(document(), bureau.now().minus(DAY)),
        card.pdf_signature(document()), // the key of the other certificate
        stolen.ofd_signature(document(), bureau.now()),
    ];
    for signature in signatures {
        let begun = at_gate_e(&bureau, &card, Suite::Sm2Sm3).await;
        let refused = complete(&mut bureau.zhou(), &card.seal_id, &begun.attempt_id, signature).await;
        assert_eq!(assert_gate(refused, "e", "SIGNING_FAILED").message, "签章失败");
    }
}

#[tokio::test]
async fn gate_e_refuses_a_changed_signature_value() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    for suite in [Suite::Sm2Sm3, Suite::EcdsaP256Sha256] {
        let mut signature = match suite {
            Suite::EcdsaP256Sha256 => card.pdf_signature(document()),
            _ => card.ofd_signature(document(), bureau.now()),
        };
        *signature.last_mut().expect("bytes") ^= 1;
        let begun = at_gate_e(&bureau, &card, suite).await;
        let refused = complete(&mut bureau.zhou(), &card.seal_id, &begun.attempt_id, signature).await;
        assert_gate(refused, "e", "SIGNING_FAILED");
    }
}

#[tokio::test]
async fn a_client_that_could_not_sign_ends_the_attempt() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let begun = at_gate_e(&bureau, &card, Suite::Sm2Sm3).await;
    let refused = signing_failed(&mut bureau.zhou(), &card.seal_id, &begun.attempt_id).await;
    assert_gate(refused, "e", "SIGNING_FAILED");
}

#[tokio::test]
async fn a_seal_that_is_suspended_between_the_gates_does_not_seal() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let begun = at_gate_e(&bureau, &card, Suite::Sm2Sm3).await;
    suspend(&mut bureau.admin(), &card.seal_id).await.expect("suspended");
    let signature = card.ofd_signature(document(), bureau.now());
    let refused = complete(&mut bureau.zhou(), &card.seal_id, &begun.attempt_id, signature).await;
    assert_gate(refused, "d", "SEAL_SUSPENDED");
}

#[tokio::test]
async fn the_gates_are_passed_in_their_order() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let begun = begin(&mut bureau.zhou(), &card.seal_id).await.expect("begun");
    let order = (Code::FailedPrecondition, "SEALING_OUT_OF_ORDER");
    let early = authorize(&mut bureau.zhou(), showing(&card, &begun, Suite::Sm2Sm3)).await;
    assert_refused(early, order.0, order.1);
    let signature = card.ofd_signature(document(), bureau.now());
    let early = complete(&mut bureau.zhou(), &card.seal_id, &begun.attempt_id, signature).await;
    assert_refused(early, order.0, order.1);
}

#[tokio::test]
async fn an_attempt_ends_by_itself_and_is_shown_as_expired() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let begun = at_gate_e(&bureau, &card, Suite::Sm2Sm3).await;
    bureau.later(DAY / 143);
    let signature = card.ofd_signature(document(), bureau.now());
    let late = complete(&mut bureau.zhou(), &card.seal_id, &begun.attempt_id, signature).await;
    assert_refused(late, Code::FailedPrecondition, "ATTEMPT_NOT_OPEN");
    assert_eq!(attempts(&bureau, &card.seal_id).await.remove(0).state(), pb::AttemptState::Expired);
}

#[tokio::test]
async fn a_seal_has_at_most_a_hundred_open_attempts() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    for _ in 0..100 {
        begin(&mut bureau.zhou(), &card.seal_id).await.expect("begun");
    }
    let refused = begin(&mut bureau.zhou(), &card.seal_id).await;
    assert_refused(refused, Code::ResourceExhausted, "TOO_MANY_ATTEMPTS");
}

#[tokio::test]
async fn places_that_are_none_and_too_many_of_them_are_field_violations() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let begun = at_gate_d(&bureau, &card).await;
    let nowhere = eseal_proto::seal::v1::Place { page: 0, ..place() };
    for (places, field) in [(vec![place(), nowhere], "places[1]"), (vec![place(); 10_001], "places")] {
        let shown = pb::AuthorizeSealingRequest { places, ..showing(&card, &begun, Suite::Sm2Sm3) };
        assert_eq!(violation(authorize(&mut bureau.zhou(), shown).await).0, field);
    }
    let most = pb::AuthorizeSealingRequest { places: vec![place(); 10_000], ..showing(&card, &begun, Suite::Sm2Sm3) };
    authorize(&mut bureau.zhou(), most).await.expect("authorized");
}

/// Gate d for a fresh attempt of an honest client.
pub async fn at_d(bureau: &Bureau, card: &Card) -> Result<pb::AuthorizeSealingResponse, tonic::Status> {
    let begun = at_gate_d(bureau, card).await;
    authorize(&mut bureau.zhou(), showing(card, &begun, Suite::Sm2Sm3)).await
}
