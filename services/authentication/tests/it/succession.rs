//! Seals in the place of others, ends that applications ask for, and lost cards.

use eseal_eventstore::DeadLetters;
use eseal_pki::Suite;
use eseal_proto::application::v1 as application;
use eseal_proto::authentication::v1 as pb;
use eseal_proto::fabrication::v1 as fabrication;
use eseal_proto::seal::v1::SealState;
use eseal_service::Role;
use eseal_testkit::wait_until;
use tonic::{Code, Status};

use crate::bureau::*;
use crate::card::Card;
use crate::signing;

const APPROVED: &str = "eseal.application.v1.Approved";

#[tokio::test]
async fn a_successor_is_in_use_and_its_predecessor_replaced_without_anybodys_hand() {
    let bureau = Bureau::open().await;
    let (old, new) = (bureau.active().await, Card::made(&bureau.authorities, LENOVO));
    let made = succeeding(&new, &old.seal_id);
    bureau.tells_of(&made, &new.seal).await;
    let shown = until(&bureau, &old.seal_id, SealState::Replaced).await;
    assert_eq!(shown.successor_seal_id, new.seal_id);
    let successor = bureau.shows(&new.seal_id).await;
    assert_eq!((successor.state(), successor.predecessor_seal_id), (SealState::Active, old.seal_id.clone()));
    assert_eq!(bureau.kinds(&new.seal_id).await, ["SealRegistered", "SealActivated"]);
    let kinds = ["SealRegistered", "SealActivated", "SealReplaced", "ApplicationCarriedOut"];
    assert_eq!(bureau.kinds(&old.seal_id).await, kinds);
    let told = bureau.events().await.pop().expect("an event");
    let carried_out: pb::ApplicationCarriedOut = serde_json::from_slice(&told.payload).expect("JSON");
    assert_eq!((carried_out.application_id, carried_out.result.as_str()), (made.application_id, "REPLACED"));
    signing::at_gate_e(&bureau, &new, Suite::Sm2Sm3).await;
    assert_gate(uses(&bureau, &old).await, "d", "SEAL_REPLACED");
}

#[tokio::test]
async fn the_line_of_seals_is_the_same_after_the_tables_were_folded_anew() {
    let bureau = Bureau::open().await;
    let (old, new) = (bureau.active().await, Card::made(&bureau.authorities, LENOVO));
    bureau.tells_of(&succeeding(&new, &old.seal_id), &new.seal).await;
    let before = (until(&bureau, &old.seal_id, SealState::Replaced).await, bureau.shows(&new.seal_id).await);
    bureau.rebuilds().await;
    assert_eq!((bureau.shows(&old.seal_id).await, bureau.shows(&new.seal_id).await), before);
}

#[tokio::test]
async fn the_same_news_twice_replaces_a_seal_once() {
    let bureau = Bureau::open().await;
    let (old, new) = (bureau.active().await, Card::made(&bureau.authorities, LENOVO));
    let made = succeeding(&new, &old.seal_id);
    for _ in 0..2 {
        bureau.tells_of(&made, &new.seal).await;
    }
    until(&bureau, &old.seal_id, SealState::Replaced).await;
    bureau.registered().await; // comes after them
    assert_eq!(bureau.kinds(&new.seal_id).await, ["SealRegistered", "SealActivated"]);
    assert_eq!(bureau.kinds(&old.seal_id).await.len(), 4);
    assert_eq!(DeadLetters::new(bureau.database.clone()).counts().await.expect("letters"), []);
}

#[tokio::test]
async fn the_successor_of_a_lost_card_is_in_use_and_one_of_a_seal_that_its_organization_stopped_is_not() {
    let bureau = Bureau::open().await;
    for (cause, state) in [("CARD_LOST", SealState::Active), ("ORGANIZATION_ORDER", SealState::Registered)] {
        let (old, new) = (bureau.active().await, Card::made(&bureau.authorities, LENOVO));
        let (seal_id, reason_code) = (old.seal_id.clone(), cause.to_owned());
        let request = pb::SuspendSealRequest { request_id: request_id(), seal_id, reason_code };
        bureau.admin().suspend_seal(request).await.expect("suspended");
        bureau.tells_of(&succeeding(&new, &old.seal_id), &new.seal).await;
        until(&bureau, &old.seal_id, SealState::Replaced).await;
        assert_eq!(bureau.shows(&new.seal_id).await.state(), state, "{cause}");
    }
}

#[tokio::test]
async fn a_seal_of_another_organization_is_not_replaced() {
    let bureau = Bureau::open().await;
    let (old, foreign) = (bureau.active().await, Card::made(&bureau.authorities, SUZHOU));
    let mut made = succeeding(&foreign, &old.seal_id);
    let organization = made.particulars.as_mut().and_then(|asked| asked.organization.as_mut());
    organization.expect("an organization").uscc = SUZHOU.to_owned();
    bureau.tells_of(&made, &foreign.seal).await;
    let shown = bureau.shows(&foreign.seal_id).await;
    assert_eq!((shown.state(), shown.predecessor_seal_id.as_str()), (SealState::Registered, ""));
    assert_eq!(bureau.shows(&old.seal_id).await.state(), SealState::Active);
}

#[tokio::test]
async fn an_approved_application_revokes_a_seal_for_the_reason_given() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    for _ in 0..2 {
        approves(&bureau, "0198c0de-0000-7000-8000-000000000001", &card.seal_id, "NO_LONGER_USED").await;
    }
    until(&bureau, &card.seal_id, SealState::Revoked).await;
    let events = bureau.events().await;
    let revoked = events.iter().find(|event| event.kind.ends_with(".SealRevoked")).expect("revoked");
    let fact: pb::SealRevoked = serde_json::from_slice(&revoked.payload).expect("JSON");
    assert_eq!(fact.reason_code, "NO_LONGER_USED");
    // One that comes too late is told so.
    approves(&bureau, "0198c0de-0000-7000-8000-000000000002", &card.seal_id, "CARD_LOST").await;
    let results = wait_until("both are carried out", BOUND, async || {
        let told = bureau.events().await.into_iter().filter(|event| event.kind.ends_with(".ApplicationCarriedOut"));
        let results: Vec<String> = told
            .map(|event| serde_json::from_slice::<pb::ApplicationCarriedOut>(&event.payload).expect("JSON").result)
            .collect();
        (results.len() == 2).then_some(results)
    });
    assert_eq!(results.await, ["REVOKED", "ENDED_BEFORE"]);
    let kinds = ["SealRegistered", "SealActivated", "SealRevoked", "ApplicationCarriedOut", "ApplicationCarriedOut"];
    assert_eq!(bureau.kinds(&card.seal_id).await, kinds);
}

#[tokio::test]
async fn approvals_of_other_things_end_nothing() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let kind = application::ApplicationKind::Renew.into();
    let asked = application::Particulars { kind, existing_seal_id: card.seal_id.clone(), ..particulars() };
    let approved =
        application::Approved { application_id: request_id(), particulars: Some(asked), ..Default::default() };
    bureau.application.tells("renewal", APPROVED, &approved).await;
    let other = bureau.active().await;
    approves(&bureau, &request_id(), &other.seal_id, "OTHER").await;
    until(&bureau, &other.seal_id, SealState::Revoked).await;
    assert_eq!(bureau.shows(&card.seal_id).await.state(), SealState::Active);
}

#[tokio::test]
async fn a_lost_card_is_reported_by_its_custodian_or_the_organization_and_resumed_by_an_administrator_only() {
    let bureau = Bureau::open().await;
    for (who, role, organization) in
        [(ZHOU, Role::Custodian, Some(LENOVO)), ("zhang", Role::Applicant, Some(LENOVO)), ("gao", Role::Admin, None)]
    {
        let card = bureau.active().await;
        report_loss(&mut bureau.registry(who, role, organization), &card.seal_id).await.expect("suspended");
        assert_eq!(bureau.shows(&card.seal_id).await.state(), SealState::Suspended);
        assert_gate(uses(&bureau, &card).await, "d", "SEAL_SUSPENDED");
        let mut custodian = bureau.registry(ZHOU, Role::Custodian, Some(LENOVO));
        assert_refused(resume(&mut custodian, &card.seal_id).await, Code::PermissionDenied, "ROLE_MISSING");
        resume(&mut bureau.admin(), &card.seal_id).await.expect("resumed");
    }
}

#[tokio::test]
async fn nobody_reports_the_card_of_somebody_elses_seal() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let mut colleague = bureau.registry("wu", Role::Custodian, Some(LENOVO));
    let refused = report_loss(&mut colleague, &card.seal_id).await;
    assert_refused(refused, Code::PermissionDenied, "NOT_CUSTODIAN");
    let mut stranger = bureau.registry("wang", Role::Applicant, Some(SUZHOU));
    let refused = report_loss(&mut stranger, &card.seal_id).await;
    assert_refused(refused, Code::PermissionDenied, "OTHER_ORGANIZATION");
    assert_eq!(bureau.shows(&card.seal_id).await.state(), SealState::Active);
}

/// Gate d, as an honest client meets it.
async fn uses(bureau: &Bureau, card: &Card) -> Result<pb::AuthorizeSealingResponse, Status> {
    let begun = signing::at_gate_d(bureau, card).await;
    signing::authorize(&mut bureau.zhou(), signing::showing(card, &begun, Suite::Sm2Sm3)).await
}

/// What fabrication tells of the seal of a card that was made in the place of another one.
fn succeeding(card: &Card, predecessor: &str) -> fabrication::SealFabricated {
    let kind = application::ApplicationKind::Renew.into();
    let asked = application::Particulars { kind, existing_seal_id: predecessor.to_owned(), ..particulars() };
    fabrication::SealFabricated { particulars: Some(asked), ..fabricated(card) }
}

/// Tells that an application for the end of a seal was approved.
async fn approves(bureau: &Bureau, application_id: &str, seal: &str, reason: &str) {
    let asked = application::Particulars {
        kind: application::ApplicationKind::Revoke.into(),
        existing_seal_id: seal.to_owned(),
        revocation_reason: reason.to_owned(),
        ..particulars()
    };
    let approved = application::Approved {
        application_id: application_id.to_owned(),
        particulars: Some(asked),
        ..Default::default()
    };
    bureau.application.tells(application_id, APPROVED, &approved).await;
}

async fn until(bureau: &Bureau, seal_id: &str, state: SealState) -> pb::RegisteredSeal {
    wait_until("the seal is in this state", BOUND, async || {
        let shown = show(&mut bureau.admin(), seal_id).await.expect("shown");
        (shown.state() == state).then_some(shown)
    })
    .await
}
