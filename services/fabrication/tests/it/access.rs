//! Who may do what, and who may see whose.

use eseal_proto::fabrication::v1 as pb;
use eseal_service::Role;
use tonic::Code;

use crate::cards::Card;
use crate::workshop::*;

#[tokio::test]
async fn nobody_gets_in_without_a_token() {
    let workshop = Workshop::open().await;
    let application = workshop.approved().await;
    assert_refused(show(&mut workshop.anybody(), &application).await, Code::Unauthenticated, "TOKEN_MISSING");
}

#[tokio::test]
async fn a_role_does_what_is_its_own_and_no_more() {
    let workshop = Workshop::open().await;
    let application = workshop.approved().await;
    for role in [Role::Admin, Role::Auditor, Role::Applicant, Role::Reviewer, Role::Custodian] {
        let answer = begin(workshop.person("somebody", role, None), &application, "M1").await;
        assert_refused(answer, Code::PermissionDenied, "ROLE_MISSING");
    }
    let mut maker = workshop.maker_cards(Role::Maker);
    assert_refused(issue(&mut maker, &Card::maker("M1")).await, Code::PermissionDenied, "ROLE_MISSING");
    assert_refused(withdraw(&mut maker, "M1").await, Code::PermissionDenied, "ROLE_MISSING");
    let mut applicant = workshop.person("wang", Role::Applicant, Some(LENOVO));
    assert_refused(show(&mut applicant, &application).await, Code::PermissionDenied, "ROLE_MISSING");
}

#[tokio::test]
async fn makers_of_another_organization_neither_see_nor_make() {
    let workshop = Workshop::open().await;
    let (maker, application) = (workshop.issued("M1").await, workshop.approved().await);
    let mut run = begin(workshop.maker("zhang"), &application, "M1").await.expect("begun");
    let mut chen = workshop.person("zhang", Role::Maker, Some(SUZHOU));
    let other = (Code::PermissionDenied, "OTHER_ORGANIZATION");
    assert_refused(show(&mut chen, &application).await, other.0, other.1);
    assert_refused(begin(chen.clone(), &application, "M1").await, other.0, other.1);
    run.maker = chen.clone();
    assert_refused(run.presents_maker(maker.proves(&run.terms)).await, other.0, other.1);
    assert_refused(run.presents(&Card::holder("S1", LENOVO)).await, other.0, other.1);
    assert_refused(run.signs(vec![1]).await, other.0, other.1);
    assert_refused(run.confirms(b"seal").await, other.0, other.1);
    assert_refused(run.reports_failure().await, other.0, other.1);
    let fabrications = chen.list_fabrications(pb::ListFabricationsRequest::default()).await.expect("listed");
    assert!(fabrications.into_inner().fabrications.is_empty());
    let runs = chen.list_runs(pb::ListRunsRequest::default()).await.expect("listed");
    assert!(runs.into_inner().runs.is_empty());
}

#[tokio::test]
async fn a_maker_of_the_organization_makes_its_seals() {
    let workshop = Workshop::open().await;
    let (maker, application) = (workshop.issued("M1").await, workshop.approved().await);
    let zhang = workshop.person("zhang", Role::Maker, Some(LENOVO));
    let mut run = begin(zhang, &application, "M1").await.expect("begun");
    run.makes(&maker, &Card::holder("S1", LENOVO)).await.expect("made");
}
