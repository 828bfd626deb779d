//! Who may use a seal and how: policies, set by administrators.

use eseal_proto::authentication::v1 as pb;
use eseal_service::Role;
use tonic::{Code, Status};

use crate::bureau::*;

/// Each use is approved first, three at a time, within a week.
pub const APPROVED: pb::SealPolicy =
    pb::SealPolicy { approval_required: true, max_uses: 3, longest_deadline_s: 7 * 24 * 60 * 60 };

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

pub async fn set_policy(registry: &mut Registry, seal_id: &str, policy: pb::SealPolicy) -> Result<String, Status> {
    let (seal_id, policy) = (seal_id.to_owned(), Some(policy));
    let request = pb::SetSealPolicyRequest { request_id: request_id(), seal_id, policy };
    Ok(registry.set_seal_policy(request).await?.into_inner().etag)
}
