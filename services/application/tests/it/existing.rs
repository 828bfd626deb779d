//! Applications about an existing seal: who may file which, and what is heard of them.

use eseal_proto::application::v1 as pb;
use eseal_proto::authentication::v1 as authentication;
use eseal_proto::seal::v1::SealState;
use eseal_service::Role;
use tonic::{Code, Status};

use crate::office::*;

const CARRIED_OUT: &str = "eseal.authentication.v1.ApplicationCarriedOut";

#[tokio::test]
async fn a_seal_that_was_never_told_of_is_not_found() {
    let office = Office::open().await;
    let refused = about(&office, pb::ApplicationKind::Renew, &request_id()).await;
    assert_refused(refused, Code::NotFound, "EXISTING_SEAL_NOT_FOUND");
}

#[tokio::test]
async fn a_seal_of_another_organization_is_refused() {
    let office = Office::open().await;
    let seal = office.sealed().await;
    let mut wang = office.person("wang", Role::Applicant, Some(SUZHOU));
    let picture = put(&mut wang, DOT).await;
    let mut form = form_about(&picture, pb::ApplicationKind::Replace, &seal);
    form.organization.as_mut().expect("an organization").uscc = SUZHOU.to_owned();
    let reason = "EXISTING_SEAL_OF_OTHER_ORGANIZATION";
    assert_refused(submit(&mut wang, form).await, Code::PermissionDenied, reason);
}

#[tokio::test]
async fn a_seal_that_has_ended_is_refused() {
    let office = Office::open().await;
    let seal = office.sealed().await;
    let first = office.shown_of(&seal).await;
    let (application_id, reason_code) = (first.clone(), "CARD_LOST".to_owned());
    let revoked = authentication::SealRevoked { seal_id: seal.clone(), application_id, reason_code };
    office.authentication.tells(&seal, "eseal.authentication.v1.SealRevoked", &revoked).await;
    office.outcome(&first, |outcome| outcome.seal_state() == SealState::Revoked).await;
    let refused = about(&office, pb::ApplicationKind::Renew, &seal).await;
    assert_refused(refused, Code::FailedPrecondition, "EXISTING_SEAL_ENDED");
}

#[tokio::test]
async fn one_application_at_a_time_is_open_for_a_seal_and_a_withdrawn_one_gives_way() {
    let office = Office::open().await;
    let seal = office.sealed().await;
    let first = about(&office, pb::ApplicationKind::Renew, &seal).await.expect("filed");
    let open = (Code::FailedPrecondition, "APPLICATION_OPEN_FOR_SEAL");
    assert_refused(about(&office, pb::ApplicationKind::Replace, &seal).await, open.0, open.1);
    // Whoever wants to end a seal need not wait for that.
    about(&office, pb::ApplicationKind::Revoke, &seal).await.expect("filed");
    assert_refused(about(&office, pb::ApplicationKind::Revoke, &seal).await, open.0, open.1);
    // A returned application is still open; a withdrawn one is not.
    send_back(&mut office.reviewer("li"), &first.application_id).await.expect("returned");
    assert_refused(about(&office, pb::ApplicationKind::Replace, &seal).await, open.0, open.1);
    withdraw(&mut office.applicant("zhang"), &first.application_id).await.expect("withdrawn");
    // The other one, for the end of the seal, is still open.
    assert_refused(about(&office, pb::ApplicationKind::Replace, &seal).await, open.0, open.1);
}

#[tokio::test]
async fn what_was_done_with_the_existing_seal_is_shown_and_frees_it_for_the_next_application() {
    let office = Office::open().await;
    let seal = office.sealed().await;
    let filed = about(&office, pb::ApplicationKind::Revoke, &seal).await.expect("filed");
    approve(&mut office.reviewer("li"), &filed.application_id).await.expect("approved");
    let (seal_id, application_id, result) = (seal.clone(), filed.application_id.clone(), "ENDED_BEFORE".to_owned());
    let carried_out = authentication::ApplicationCarriedOut { seal_id, application_id, result };
    for _ in 0..2 {
        office.authentication.tells(&seal, CARRIED_OUT, &carried_out).await;
    }
    office.outcome(&filed.application_id, |outcome| outcome.carried_out == "ENDED_BEFORE").await;
    about(&office, pb::ApplicationKind::Revoke, &seal).await.expect("filed");
    office.rebuilds().await;
    assert_eq!(office.shown(&filed.application_id).await.outcome.expect("an outcome").carried_out, "ENDED_BEFORE");
    let open = (Code::FailedPrecondition, "APPLICATION_OPEN_FOR_SEAL");
    assert_refused(about(&office, pb::ApplicationKind::Revoke, &seal).await, open.0, open.1);
}

#[tokio::test]
async fn the_reason_to_revoke_is_shown_as_it_was_given_and_other_kinds_have_none() {
    let office = Office::open().await;
    let seal = office.sealed().await;
    let mut zhang = office.applicant("zhang");
    let picture = put(&mut zhang, DOT).await;
    let with = |kind, reason: &str| {
        let form = form_about(&picture, kind, &seal);
        pb::ApplicationForm { revocation_reason: reason.to_owned(), ..form }
    };
    for (kind, reason) in [(pb::ApplicationKind::Revoke, "BECAUSE"), (pb::ApplicationKind::Renew, "CARD_LOST")] {
        assert_eq!(violation(submit(&mut zhang, with(kind, reason)).await).0, "form.revocation_reason");
    }
    let filed = submit(&mut zhang, with(pb::ApplicationKind::Revoke, "CARD_LOST")).await.expect("filed");
    let shown = show(&mut zhang, &filed.application_id).await.expect("shown");
    assert_eq!(shown.form.expect("a form").revocation_reason, "CARD_LOST");
}

fn form_about(picture: &str, kind: pb::ApplicationKind, seal: &str) -> pb::ApplicationForm {
    pb::ApplicationForm { kind: kind.into(), existing_seal_id: seal.to_owned(), ..form(picture) }
}

/// Zhang of Lenovo files an application about this seal.
pub async fn about(
    office: &Office,
    kind: pb::ApplicationKind,
    seal: &str,
) -> Result<pb::SubmitApplicationResponse, Status> {
    let mut zhang = office.applicant("zhang");
    let form = form_about(&put(&mut zhang, DOT).await, kind, seal);
    submit(&mut zhang, form).await
}

impl Office {
    /// The application that a seal came of.
    async fn shown_of(&self, seal: &str) -> String {
        let mut auditor = self.person("audit", Role::Auditor, None);
        let request = pb::ListApplicationsRequest { page_size: 50, ..Default::default() };
        let listed = auditor.list_applications(request).await.expect("a list").into_inner().applications;
        let of_it = |listed: &pb::Application| listed.outcome.as_ref().is_some_and(|outcome| outcome.seal_id == seal);
        listed.into_iter().find(of_it).expect("the application of the seal").application_id
    }
}
