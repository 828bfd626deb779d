//! Who may use a seal and how: policies and custodians, set by administrators.

use eseal_pki::Suite;
use eseal_proto::authentication::v1 as pb;
use eseal_proto::moment;
use eseal_service::Role;
use tonic::{Code, Status};

use crate::bureau::*;
use crate::signing::*;
use crate::uses::{assert_denied, original, sealed, sealed_by};

/// Each use is approved first, three at a time, within a week.
pub const APPROVED: pb::SealPolicy =
    pb::SealPolicy { approval_required: true, max_uses: 3, longest_deadline_s: 7 * 24 * 60 * 60, second_factor: 0 };

#[tokio::test]
async fn a_policy_is_shown_with_its_seal_and_comes_back_after_a_rebuild() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    assert_eq!(show(&mut bureau.admin(), &card.seal_id).await.expect("shown").policy, None);
    set_policy(&mut bureau.admin(), &card.seal_id, APPROVED).await.expect("set");
    assert_eq!(show(&mut bureau.admin(), &card.seal_id).await.expect("shown").policy, Some(APPROVED));
    bureau.rebuilds().await;
    assert_eq!(show(&mut bureau.admin(), &card.seal_id).await.expect("shown").policy, Some(APPROVED));
    assert_eq!(bureau.kinds(&card.seal_id).await, ["SealRegistered", "SealActivated", "SealPolicySet"]);
}

#[tokio::test]
async fn an_administrator_of_the_organization_makes_a_policy_stricter_and_never_looser() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let mut own = bureau.registry("he", Role::Admin, Some(LENOVO));
    set_policy(&mut own, &card.seal_id, APPROVED).await.expect("stricter than none");
    for looser in [pb::SealPolicy::default(), pb::SealPolicy { max_uses: 4, ..APPROVED }] {
        let refused = set_policy(&mut own, &card.seal_id, looser).await;
        assert_refused(refused, Code::PermissionDenied, "POLICY_LOOSENED");
    }
    set_policy(&mut bureau.admin(), &card.seal_id, pb::SealPolicy::default()).await.expect("by the system's own");
}

#[tokio::test]
async fn a_policy_has_bounds_and_what_is_not_given_is_the_usual() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let mut admin = bureau.admin();
    let many = pb::SealPolicy { max_uses: 1_001, ..APPROVED };
    assert_eq!(violation(set_policy(&mut admin, &card.seal_id, many).await).0, "policy.max_uses");
    let long = pb::SealPolicy { longest_deadline_s: 366 * 24 * 60 * 60 + 1, ..APPROVED };
    assert_eq!(violation(set_policy(&mut admin, &card.seal_id, long).await).0, "policy.longest_deadline_s");
    let request = pb::SetSealPolicyRequest { request_id: request_id(), seal_id: card.seal_id.clone(), policy: None };
    assert_eq!(violation(admin.set_seal_policy(request).await).0, "policy");
    let usual = pb::SealPolicy { max_uses: 0, longest_deadline_s: 0, ..APPROVED };
    set_policy(&mut admin, &card.seal_id, usual).await.expect("set");
    let shown = show(&mut admin, &card.seal_id).await.expect("shown").policy;
    assert_eq!(shown, Some(pb::SealPolicy { max_uses: 1, longest_deadline_s: 30 * 24 * 60 * 60, ..APPROVED }));
}

#[tokio::test]
async fn a_custodian_who_was_granted_the_right_seals_and_is_shown_with_the_terms() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let mut wu = bureau.sealing("wu", Role::Custodian, Some(LENOVO));
    assert_gate(begin(&mut wu, &card.seal_id).await, "d", "NOT_AUTHORIZED");
    let terms = pb::CustodianTerms { max_uses: 2, ..Default::default() };
    grant(&mut bureau.admin(), &card.seal_id, "wu", terms.clone()).await.expect("granted");
    let begun = begin(&mut wu, &card.seal_id).await.expect("begun");
    pin(&mut wu, &card.seal_id, &begun.attempt_id, true).await.expect("right");
    let others = pin(&mut bureau.zhou(), &card.seal_id, &begun.attempt_id, true).await;
    assert_refused(others, Code::PermissionDenied, "NOT_CUSTODIAN");
    authorize(&mut wu, showing(&card, &begun, Suite::Sm2Sm3)).await.expect("authorized");
    let listed = custodians(&bureau, &card.seal_id).await;
    let told: Vec<_> = listed.iter().map(|one| (one.custodian_id.as_str(), one.in_force, one.used)).collect();
    assert_eq!(told, [("wu", true, 1), (ZHOU, true, 0)]);
    assert_eq!(listed[0].terms, Some(terms));
    bureau.rebuilds().await;
    let rebuilt: Vec<_> = custodians(&bureau, &card.seal_id).await.iter().map(|one| one.used).collect();
    assert_eq!(rebuilt, [1, 0]);
}

#[tokio::test]
async fn a_right_that_was_withdrawn_ends_attempts_under_way_and_gives_the_seal_to_nobody_else() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let begun = at_gate_e(&bureau, &card, Suite::Sm2Sm3).await;
    take_right(&mut bureau.admin(), &card.seal_id, ZHOU).await.expect("withdrawn");
    let signature = card.ofd_signature(document(), bureau.now());
    let at_e = complete(&mut bureau.zhou(), &card.seal_id, &begun.attempt_id, signature).await;
    assert_denied(at_e, "RIGHT_WITHDRAWN");
    let told = begin(&mut bureau.zhou(), &card.seal_id).await;
    assert_denied(told, "RIGHT_WITHDRAWN");
    let mut own = bureau.registry(ZHOU, Role::Custodian, Some(LENOVO));
    assert_refused(suspend(&mut own, &card.seal_id).await, Code::PermissionDenied, "NOT_CUSTODIAN");
    for shown in attempts(&bureau, &card.seal_id).await {
        assert_eq!((shown.reason.as_str(), shown.detail.as_str()), ("NOT_AUTHORIZED", "RIGHT_WITHDRAWN"));
    }
}

#[tokio::test]
async fn a_right_tells_in_which_respect_it_is_missing() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let at = |after: std::time::Duration| Some(moment::from_micros(now().plus(after).micros()));
    let soon = pb::CustodianTerms { valid_from: at(DAY), valid_to: at(DAY * 2), ..Default::default() };
    change(&mut bureau.admin(), &card.seal_id, ZHOU, soon).await.expect("changed");
    assert_denied(begin(&mut bureau.zhou(), &card.seal_id).await, "RIGHT_NOT_BEGUN");
    bureau.later(DAY * 2 + BOUND);
    assert_denied(begin(&mut bureau.zhou(), &card.seal_id).await, "RIGHT_OVER");
    let named = pb::CustodianTerms { documents: original().digests[1..].to_vec(), ..Default::default() };
    change(&mut bureau.admin(), &card.seal_id, ZHOU, named).await.expect("changed");
    assert!(begin(&mut bureau.zhou(), &card.seal_id).await.expect("begun").original_needed);
    assert_denied(sealed(&bureau, &card, pb::OriginalDocument::default()).await, "DOCUMENT_NOT_COVERED");
    sealed(&bureau, &card, original()).await.expect("sealed");
    let pdf = pb::CustodianTerms { formats: vec![pb::DocumentFormat::Pdf.into()], ..Default::default() };
    change(&mut bureau.admin(), &card.seal_id, ZHOU, pdf).await.expect("changed");
    assert_denied(sealed(&bureau, &card, original()).await, "DOCUMENT_NOT_COVERED");
}

#[tokio::test]
async fn a_hundred_attempts_at_two_processes_do_not_pass_a_limit_of_ten() {
    let mut bureau = Bureau::open().await;
    let card = bureau.active().await;
    let ten = pb::CustodianTerms { max_uses: 10, ..Default::default() };
    change(&mut bureau.admin(), &card.seal_id, ZHOU, ten).await.expect("changed");
    let first = bureau.zhou();
    bureau.begin_work_beside().await;
    let processes = [first, bureau.zhou()];
    let zhou = processes.iter().cycle().take(100).cloned();
    let tries = zhou.map(|zhou| sealed_by(zhou, bureau.now(), &card, pb::OriginalDocument::default()));
    let ended = futures::future::join_all(tries).await;
    let (done, refused): (Vec<_>, Vec<_>) = ended.into_iter().partition(Result::is_ok);
    assert_eq!((done.len(), refused.len()), (10, 90));
    for one in refused {
        assert_denied(one, "RIGHT_SPENT");
    }
    assert_eq!(custodians(&bureau, &card.seal_id).await[0].used, 10);
}

#[tokio::test]
async fn terms_that_nobody_can_mean_are_refused_by_their_field() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let at = |micros| Some(moment::from_micros(micros));
    let backwards = pb::CustodianTerms { valid_from: at(2), valid_to: at(1), ..Default::default() };
    let twice = pb::CustodianTerms { documents: vec![original().digests[0].clone(); 2], ..Default::default() };
    let unknown = pb::CustodianTerms { formats: vec![7], ..Default::default() };
    let many = pb::CustodianTerms { max_uses: 1_000_001, ..Default::default() };
    for (terms, field) in [
        (backwards, "terms.valid_to"),
        (twice, "terms.documents[1]"),
        (unknown, "terms.formats[0]"),
        (many, "terms.max_uses"),
    ] {
        assert_eq!(violation(grant(&mut bureau.admin(), &card.seal_id, "wu", terms).await).0, field);
    }
    let one = pb::CustodianTerms { max_uses: 1, ..Default::default() };
    let again = grant(&mut bureau.admin(), &card.seal_id, ZHOU, one).await;
    assert_refused(again, Code::AlreadyExists, "CUSTODIAN_EXISTS");
    let nobody = take_right(&mut bureau.admin(), &card.seal_id, "nobody").await;
    assert_refused(nobody, Code::NotFound, "CUSTODIAN_NOT_FOUND");
}

pub async fn set_policy(registry: &mut Registry, seal_id: &str, policy: pb::SealPolicy) -> Result<String, Status> {
    let (seal_id, policy) = (seal_id.to_owned(), Some(policy));
    let request = pb::SetSealPolicyRequest { request_id: request_id(), seal_id, policy };
    Ok(registry.set_seal_policy(request).await?.into_inner().etag)
}

pub async fn grant(
    registry: &mut Registry,
    seal_id: &str,
    person: &str,
    terms: pb::CustodianTerms,
) -> Result<String, Status> {
    let (seal_id, custodian_id, terms) = (seal_id.to_owned(), person.to_owned(), Some(terms));
    let request = pb::GrantCustodianRequest { request_id: request_id(), seal_id, custodian_id, terms };
    Ok(registry.grant_custodian(request).await?.into_inner().etag)
}

pub async fn change(
    registry: &mut Registry,
    seal_id: &str,
    person: &str,
    terms: pb::CustodianTerms,
) -> Result<String, Status> {
    let (seal_id, custodian_id, terms) = (seal_id.to_owned(), person.to_owned(), Some(terms));
    let request = pb::ChangeCustodianRequest { request_id: request_id(), seal_id, custodian_id, terms };
    Ok(registry.change_custodian(request).await?.into_inner().etag)
}

pub async fn take_right(registry: &mut Registry, seal_id: &str, person: &str) -> Result<String, Status> {
    let (seal_id, custodian_id, reason_code) = (seal_id.to_owned(), person.to_owned(), "CUSTODIAN_LEFT".to_owned());
    let request = pb::WithdrawCustodianRequest { request_id: request_id(), seal_id, custodian_id, reason_code };
    Ok(registry.withdraw_custodian(request).await?.into_inner().etag)
}

async fn custodians(bureau: &Bureau, seal_id: &str) -> Vec<pb::Custodian> {
    let request = pb::ListCustodiansRequest { seal_id: seal_id.to_owned(), ..Default::default() };
    bureau.admin().list_custodians(request).await.expect("a list").into_inner().custodians
}
