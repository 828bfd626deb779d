//! The registry: what becomes of a registered seal, and who is shown what.

use std::time::Duration;

use eseal_proto::authentication::v1 as pb;
use eseal_proto::moment;
use eseal_proto::seal::v1::SealState;
use eseal_service::Role;
use eseal_testkit::wait_until;
use sea_orm::ConnectionTrait as _;
use tonic::Code;

use crate::bureau::*;
use crate::card::Card;

#[tokio::test]
async fn a_registered_seal_is_activated_suspended_resumed_and_revoked() {
    let bureau = Bureau::open().await;
    let card = bureau.registered().await;
    let mut admin = bureau.admin();
    let states =
        [SealState::Registered, SealState::Active, SealState::Suspended, SealState::Active, SealState::Revoked];
    let mut seen = vec![show(&mut admin, &card.seal_id).await.expect("shown").state()];
    activate(&mut admin, &card.seal_id).await.expect("activated");
    seen.push(show(&mut admin, &card.seal_id).await.expect("shown").state());
    suspend(&mut admin, &card.seal_id).await.expect("suspended");
    seen.push(show(&mut admin, &card.seal_id).await.expect("shown").state());
    resume(&mut admin, &card.seal_id).await.expect("resumed");
    seen.push(show(&mut admin, &card.seal_id).await.expect("shown").state());
    revoke(&mut admin, &card.seal_id).await.expect("revoked");
    seen.push(show(&mut admin, &card.seal_id).await.expect("shown").state());
    assert_eq!(seen, states);
    let kinds = ["SealRegistered", "SealActivated", "SealSuspended", "SealResumed", "SealRevoked"];
    assert_eq!(bureau.kinds(&card.seal_id).await, kinds);
}

#[tokio::test]
async fn every_particular_of_a_registered_seal_is_shown() {
    let bureau = Bureau::open().await;
    let card = Card::made(&bureau.authorities, LENOVO);
    let made = fabricated(&card);
    bureau.tells_of(&made, &card.seal).await;
    let shown = bureau.shows(&card.seal_id).await;
    let asked = particulars();
    let expected = pb::RegisteredSeal {
        seal_id: card.seal_id.clone(),
        application_id: made.application_id,
        state: SealState::Registered.into(),
        expired: false,
        organization: Some(organization()),
        seal_type: asked.seal_type,
        custody: asked.custody,
        custodian_id: ZHOU.to_owned(),
        card_serial: card.serial.clone(),
        seal_digest: card.seal_digest(),
        certificate_digests: made.certificate_digests,
        valid_from: asked.valid_from,
        valid_to: asked.valid_to,
        registered_at: Some(moment::from_micros(now().micros())),
        changed_at: Some(moment::from_micros(now().micros())),
        pin_locked: false,
        pin_tries_left: 5,
        hosted_key_id: String::new(),
        etag: "1".to_owned(),
        policy: None,
        predecessor_seal_id: String::new(),
        successor_seal_id: String::new(),
    };
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn what_the_state_does_not_allow_is_refused_and_leaves_nothing() {
    let bureau = Bureau::open().await;
    let card = bureau.registered().await;
    let mut admin = bureau.admin();
    let unfit = (Code::FailedPrecondition, "SEAL_STATE_UNFIT");
    assert_refused(suspend(&mut admin, &card.seal_id).await, unfit.0, unfit.1);
    assert_refused(resume(&mut admin, &card.seal_id).await, unfit.0, unfit.1);
    revoke(&mut admin, &card.seal_id).await.expect("revoked");
    let ended = (Code::FailedPrecondition, "SEAL_ENDED");
    assert_refused(activate(&mut admin, &card.seal_id).await, ended.0, ended.1);
    assert_refused(replace(&mut admin, &card.seal_id, &request_id()).await, ended.0, ended.1);
    assert_eq!(bureau.kinds(&card.seal_id).await, ["SealRegistered", "SealRevoked"]);
}

#[tokio::test]
async fn a_seal_is_replaced_by_another_one_of_its_organization() {
    let bureau = Bureau::open().await;
    let (old, new) = (bureau.active().await, bureau.registered().await);
    let mut admin = bureau.admin();
    let unfit = (Code::FailedPrecondition, "SUCCESSOR_UNFIT");
    assert_refused(replace(&mut admin, &old.seal_id, &old.seal_id).await, unfit.0, unfit.1);
    assert_refused(replace(&mut admin, &old.seal_id, &request_id()).await, unfit.0, unfit.1);
    replace(&mut admin, &old.seal_id, &new.seal_id).await.expect("replaced");
    assert_eq!(show(&mut admin, &old.seal_id).await.expect("shown").state(), SealState::Replaced);
}

#[tokio::test]
async fn a_seal_of_another_organization_takes_nobodys_place() {
    let bureau = Bureau::open().await;
    let (old, foreign) = (bureau.active().await, Card::made(&bureau.authorities, SUZHOU));
    let mut made = fabricated(&foreign);
    let organization = made.particulars.as_mut().and_then(|asked| asked.organization.as_mut());
    organization.expect("an organization").uscc = SUZHOU.to_owned();
    bureau.tells_of(&made, &foreign.seal).await;
    bureau.shows(&foreign.seal_id).await;
    let refused = replace(&mut bureau.admin(), &old.seal_id, &foreign.seal_id).await;
    assert_refused(refused, Code::FailedPrecondition, "SUCCESSOR_UNFIT");
}

#[tokio::test]
async fn a_seal_that_nobody_registered_is_not_found() {
    let bureau = Bureau::open().await;
    let (mut admin, nothing) = (bureau.admin(), request_id());
    let not_found = (Code::NotFound, "SEAL_NOT_FOUND");
    assert_refused(show(&mut admin, &nothing).await, not_found.0, not_found.1);
    assert_refused(activate(&mut admin, &nothing).await, not_found.0, not_found.1);
    assert_refused(suspend(&mut admin, &nothing).await, not_found.0, not_found.1);
    assert_refused(resume(&mut admin, &nothing).await, not_found.0, not_found.1);
    assert_refused(revoke(&mut admin, &nothing).await, not_found.0, not_found.1);
    assert_refused(replace(&mut admin, &nothing, &request_id()).await, not_found.0, not_found.1);
    assert_refused(unlock(&mut admin, &nothing).await, not_found.0, not_found.1);
}

#[tokio::test]
async fn a_reason_that_is_none_of_the_list_is_a_field_violation() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let (seal_id, reason_code) = (card.seal_id.clone(), "BECAUSE".to_owned());
    let request = pb::SuspendSealRequest { request_id: request_id(), seal_id, reason_code };
    let (field, text) = violation(bureau.admin().suspend_seal(request).await);
    assert_eq!(field, "reason_code");
    assert!(text.contains("CARD_LOST, KEY_COMPROMISED, ORGANIZATION_ORDER, OTHER"), "{text}");
}

#[tokio::test]
async fn a_custodian_suspends_their_own_seal_and_no_other() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let mut wu = bureau.registry("wu", Role::Custodian, Some(LENOVO));
    assert_refused(suspend(&mut wu, &card.seal_id).await, Code::PermissionDenied, "NOT_CUSTODIAN");
    let mut zhou = bureau.registry(ZHOU, Role::Custodian, Some(LENOVO));
    suspend(&mut zhou, &card.seal_id).await.expect("suspended");
    assert_refused(resume(&mut zhou, &card.seal_id).await, Code::PermissionDenied, "ROLE_MISSING");
}

#[tokio::test]
async fn seals_are_listed_newest_first_page_by_page() {
    let bureau = Bureau::open().await;
    let mut made = Vec::new();
    for _ in 0..3 {
        bureau.later(BOUND);
        made.insert(0, bureau.registered().await.seal_id);
    }
    let mut admin = bureau.admin();
    let request = pb::ListSealsRequest { page_size: 2, ..Default::default() };
    let first = admin.list_seals(request.clone()).await.expect("a page").into_inner();
    let rest = pb::ListSealsRequest { page_token: first.next_page_token, ..request };
    let second = admin.list_seals(rest).await.expect("a page").into_inner();
    assert_eq!(second.next_page_token, "");
    let listed: Vec<String> = first.seals.into_iter().chain(second.seals).map(|seal| seal.seal_id).collect();
    assert_eq!(listed, made);
}

#[tokio::test]
async fn lists_are_narrowed_by_state_and_organization() {
    let bureau = Bureau::open().await;
    let (_, active) = (bureau.registered().await, bureau.active().await);
    let mut admin = bureau.admin();
    let request = pb::ListSealsRequest { state: SealState::Active.into(), ..Default::default() };
    let listed = admin.list_seals(request).await.expect("a page").into_inner().seals;
    assert_eq!(listed.iter().map(|seal| seal.seal_id.as_str()).collect::<Vec<_>>(), [active.seal_id.as_str()]);
    let request = pb::ListSealsRequest { uscc: SUZHOU.to_owned(), ..Default::default() };
    assert_eq!(admin.list_seals(request).await.expect("a page").into_inner().seals, []);
}

#[tokio::test]
async fn the_custodian_and_nobody_else_gets_the_seal_itself() {
    let bureau = Bureau::open().await;
    let card = bureau.registered().await;
    let request = pb::GetSealStructureRequest { seal_id: card.seal_id.clone() };
    let mut zhou = bureau.registry(ZHOU, Role::Custodian, Some(LENOVO));
    let given = zhou.get_seal_structure(request.clone()).await.expect("given").into_inner().seal;
    assert!(given == card.seal);
    let mut wu = bureau.registry("wu", Role::Custodian, Some(LENOVO));
    assert_refused(wu.get_seal_structure(request).await, Code::PermissionDenied, "NOT_CUSTODIAN");
}

#[tokio::test]
async fn a_seal_that_was_erased_is_not_given() {
    let bureau = Bureau::open().await;
    let card = bureau.registered().await;
    let transaction = bureau.database.begin().await.expect("a transaction");
    transaction.execute_unprepared("DELETE FROM seal_content").await.expect("erased");
    transaction.commit().await.expect("committed");
    let request = pb::GetSealStructureRequest { seal_id: card.seal_id.clone() };
    let mut zhou = bureau.registry(ZHOU, Role::Custodian, Some(LENOVO));
    assert_refused(zhou.get_seal_structure(request).await, Code::NotFound, "SEAL_ERASED");
}

#[tokio::test]
async fn the_state_at_a_moment_is_that_of_the_facts_until_then() {
    let bureau = Bureau::open().await;
    let before = bureau.now();
    bureau.later(DAY);
    let card = bureau.active().await;
    let active = bureau.now();
    bureau.later(DAY);
    suspend(&mut bureau.admin(), &card.seal_id).await.expect("suspended");
    let (suspended, digest) = (bureau.now(), card.seal_digest());

    let mut auditor = bureau.registry("audit", Role::Auditor, None);
    for (at, then) in [(before, SealState::Unspecified), (active, SealState::Active), (suspended, SealState::Suspended)]
    {
        let at = Some(moment::from_micros(at.micros()));
        let request = pb::SealStateAtRequest { seal_digest: digest.clone(), at, ..Default::default() };
        let told = auditor.seal_state_at(request).await.expect("told").into_inner();
        assert_eq!((told.known, told.seal_id.as_str()), (true, card.seal_id.as_str()));
        assert_eq!((told.state_then(), told.state_now()), (then, SealState::Suspended));
    }
}

#[tokio::test]
async fn of_a_whole_second_the_state_is_told_in_which_the_seal_could_be_used() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    bureau.later(Duration::from_millis(400));
    let second = bureau.now().whole_seconds();
    suspend(&mut bureau.admin(), &card.seal_id).await.expect("suspended");
    let mut auditor = bureau.registry("audit", Role::Auditor, None);
    // A document that was sealed before it was suspended has no more of its time than this second.
    for (at, then) in [
        (second, SealState::Active),
        (bureau.now(), SealState::Suspended),
        (second.plus(Duration::from_secs(1)), SealState::Suspended),
    ] {
        let at = Some(moment::from_micros(at.micros()));
        let request = pb::SealStateAtRequest { seal_digest: card.seal_digest(), at, ..Default::default() };
        assert_eq!(auditor.seal_state_at(request).await.expect("told").into_inner().state_then(), then);
    }
}

#[tokio::test]
async fn the_state_of_a_seal_is_told_over_however_many_events_it_has() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let active = bureau.now();
    // More than are read at once: anybody who is a custodian of something adds one by asking for this seal.
    for _ in 0..11 {
        let strangers = (0..100).map(|_| {
            let mut stranger = bureau.sealing("wu", Role::Custodian, Some(SUZHOU));
            let seal_id = card.seal_id.clone();
            let begin = pb::BeginSealingRequest { request_id: request_id(), seal_id, documents: 0 };
            async move { stranger.begin_sealing(begin).await }
        });
        for refused in futures::future::join_all(strangers).await {
            assert_gate(refused, "d", "NOT_AUTHORIZED");
        }
    }
    bureau.later(DAY);
    suspend(&mut bureau.admin(), &card.seal_id).await.expect("suspended");
    let at = Some(moment::from_micros(active.micros()));
    let request = pb::SealStateAtRequest { seal_id: card.seal_id.clone(), at, ..Default::default() };
    let mut auditor = bureau.registry("audit", Role::Auditor, None);
    let told = auditor.seal_state_at(request).await.expect("told").into_inner();
    assert_eq!((told.state_then(), told.state_now()), (SealState::Active, SealState::Suspended));
}

#[tokio::test]
async fn of_an_unknown_seal_no_state_is_told() {
    let bureau = Bureau::open().await;
    let mut verification = pb::registry_service_client::RegistryServiceClient::new(bureau.service("verification"));
    for request in [
        pb::SealStateAtRequest { seal_id: "32050000011053".to_owned(), ..Default::default() },
        pb::SealStateAtRequest { seal_digest: eseal_kernel::Digest::of(b"x").to_string(), ..Default::default() },
    ] {
        let told = verification.seal_state_at(request).await.expect("told").into_inner();
        assert_eq!(told, pb::SealStateAtResponse::default());
    }
}

#[tokio::test]
async fn the_end_of_a_seals_validity_is_told_once_and_it_can_still_be_revoked() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    bureau.later(DAY * 1_001);
    wait_until("the end is told", BOUND, async || {
        bureau.kinds(&card.seal_id).await.contains(&"SealExpired".to_owned()).then_some(())
    })
    .await;
    let mut admin = bureau.admin();
    assert!(show(&mut admin, &card.seal_id).await.expect("shown").expired);
    assert_refused(suspend(&mut admin, &card.seal_id).await, Code::FailedPrecondition, "SEAL_EXPIRED");
    revoke(&mut admin, &card.seal_id).await.expect("revoked");
    let kinds = ["SealRegistered", "SealActivated", "SealExpired", "SealRevoked"];
    let told: Vec<_> = bureau.kinds(&card.seal_id).await.into_iter().filter(|kind| kind != "SealExpiring").collect();
    assert_eq!(told, kinds);
}

#[tokio::test]
async fn the_tables_are_the_same_after_they_were_folded_anew() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    crate::signing::at_gate_e(&bureau, &card, eseal_pki::Suite::Sm2Sm3).await;
    let mut admin = bureau.admin();
    let before = show(&mut admin, &card.seal_id).await.expect("shown");
    let attempts = crate::signing::attempts(&bureau, &card.seal_id).await;
    bureau.rebuilds().await;
    assert_eq!(show(&mut admin, &card.seal_id).await.expect("shown"), before);
    assert_eq!(crate::signing::attempts(&bureau, &card.seal_id).await, attempts);
}
