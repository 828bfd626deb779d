//! Who may do what, and who may see whose.

use eseal_pki::Suite;
use eseal_proto::authentication::v1 as pb;
use eseal_proto::authentication::v1::hosted_key_service_client::HostedKeyServiceClient;
use eseal_proto::authentication::v1::registry_service_client::RegistryServiceClient;
use eseal_proto::authentication::v1::trust_service_client::TrustServiceClient;
use eseal_service::Role;
use tonic::Code;

use crate::bureau::*;
use crate::signing::*;

#[tokio::test]
async fn nobody_gets_in_without_a_token() {
    let bureau = Bureau::open().await;
    let card = bureau.registered().await;
    let mut anybody = RegistryServiceClient::new(bureau.house.anybody("authentication"));
    assert_refused(show(&mut anybody, &card.seal_id).await, Code::Unauthenticated, "TOKEN_MISSING");
}

#[tokio::test]
async fn a_role_does_what_is_its_own_and_no_more() {
    let bureau = Bureau::open().await;
    let card = bureau.registered().await;
    let missing = (Code::PermissionDenied, "ROLE_MISSING");
    let mut zhou = bureau.registry(ZHOU, Role::Custodian, Some(LENOVO));
    assert_refused(activate(&mut zhou, &card.seal_id).await, missing.0, missing.1);
    assert_refused(revoke(&mut zhou, &card.seal_id).await, missing.0, missing.1);
    let mut auditor = bureau.registry("audit", Role::Auditor, None);
    assert_refused(suspend(&mut auditor, &card.seal_id).await, missing.0, missing.1);
    let mut admin = bureau.sealing("gao", Role::Admin, None);
    assert_refused(begin(&mut admin, &card.seal_id).await, missing.0, missing.1);
    let mut maker = bureau.trust("mei", Role::Maker);
    assert_refused(maker.list_trust_anchors(pb::ListTrustAnchorsRequest::default()).await, missing.0, missing.1);
}

#[tokio::test]
async fn people_of_another_organization_neither_see_nor_change_a_seal() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let other = (Code::PermissionDenied, "OTHER_ORGANIZATION");
    let mut applicant = bureau.registry("chen", Role::Applicant, Some(SUZHOU));
    assert_refused(show(&mut applicant, &card.seal_id).await, other.0, other.1);
    let named = pb::ListSealsRequest { uscc: LENOVO.to_owned(), ..Default::default() };
    assert_refused(applicant.list_seals(named).await, other.0, other.1);
    let own = applicant.list_seals(pb::ListSealsRequest::default()).await.expect("a page").into_inner();
    assert_eq!(own.seals, []);
    let mut admin = bureau.registry("he", Role::Admin, Some(SUZHOU));
    assert_refused(suspend(&mut admin, &card.seal_id).await, other.0, other.1);
    assert_refused(revoke(&mut admin, &card.seal_id).await, other.0, other.1);
    assert_refused(unlock(&mut admin, &card.seal_id).await, other.0, other.1);
    let mut auditor = bureau.registry("audit", Role::Auditor, Some(SUZHOU));
    let at = pb::SealStateAtRequest { seal_id: card.seal_id.clone(), ..Default::default() };
    assert_refused(auditor.seal_state_at(at).await, other.0, other.1);
    let mut custodian = bureau.registry(ZHOU, Role::Custodian, Some(SUZHOU));
    let structure = pb::GetSealStructureRequest { seal_id: card.seal_id.clone() };
    assert_refused(custodian.get_seal_structure(structure).await, other.0, other.1);
}

#[tokio::test]
async fn the_signing_log_is_shown_to_those_whom_it_concerns() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    at_gate_e(&bureau, &card, Suite::Sm2Sm3).await;
    let mut wu = bureau.sealing("wu", Role::Custodian, Some(LENOVO));
    begin(&mut wu, &card.seal_id).await.expect_err("a stranger");
    let mut chen = bureau.sealing("chen", Role::Custodian, Some(SUZHOU));
    for (who, role, organization, sees) in [
        ("audit", Role::Auditor, None, 2),
        ("audit", Role::Auditor, Some(LENOVO), 2),
        ("audit", Role::Auditor, Some(SUZHOU), 0),
        ("gao", Role::Admin, None, 2),
        (ZHOU, Role::Custodian, Some(LENOVO), 2),
        ("wu", Role::Custodian, Some(LENOVO), 1),
    ] {
        let mut person = bureau.sealing(who, role, organization);
        let listed = person.list_attempts(pb::ListAttemptsRequest::default()).await.expect("a list").into_inner();
        assert_eq!(listed.attempts.len(), sees, "{who} {role} {organization:?}");
    }
    let listed = chen.list_attempts(pb::ListAttemptsRequest::default()).await.expect("a list").into_inner();
    assert_eq!(listed.attempts, []);
}

#[tokio::test]
async fn the_signing_log_is_listed_newest_first_page_by_page() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let mut begun = Vec::new();
    for _ in 0..3 {
        bureau.later(BOUND);
        begun.insert(0, begin(&mut bureau.zhou(), &card.seal_id).await.expect("begun").attempt_id);
    }
    let request = pb::ListAttemptsRequest { page_size: 2, ..Default::default() };
    let first = bureau.zhou().list_attempts(request.clone()).await.expect("a page").into_inner();
    let rest = pb::ListAttemptsRequest { page_token: first.next_page_token, ..request };
    let second = bureau.zhou().list_attempts(rest).await.expect("a page").into_inner();
    let listed: Vec<String> = first.attempts.into_iter().chain(second.attempts).map(|a| a.attempt_id).collect();
    assert_eq!((listed, second.next_page_token.as_str()), (begun, ""));
}

#[tokio::test]
async fn a_service_calls_what_is_meant_for_it_and_nothing_else() {
    let bureau = Bureau::open().await;
    let card = bureau.registered().await;
    let denied = (Code::PermissionDenied, "CALLER_NOT_ALLOWED");
    let mut application = TrustServiceClient::new(bureau.service("application"));
    let check = pb::CheckCertificateRequest::default();
    assert_refused(application.check_certificate(check).await, denied.0, denied.1);
    let mut verification = HostedKeyServiceClient::new(bureau.service("verification"));
    let prove = pb::ProveHostedKeyRequest::default();
    assert_refused(verification.prove_hosted_key(prove).await, denied.0, denied.1);
    let mut fabrication = RegistryServiceClient::new(bureau.service("fabrication"));
    let revoke = pb::RevokeSealRequest { seal_id: card.seal_id.clone(), ..Default::default() };
    assert_refused(fabrication.revoke_seal(revoke).await, denied.0, denied.1);
    let mut person = bureau.keys("gao", Role::Admin, None);
    assert_refused(person.prove_hosted_key(pb::ProveHostedKeyRequest::default()).await, denied.0, denied.1);
}
