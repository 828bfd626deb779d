//! Steps that do not fit: misuse, which leaves no fact.

use std::time::Duration;

use eseal_proto::fabrication::v1 as pb;
use eseal_proto::seal::v1 as seal_pb;
use tonic::Code;

use crate::cards::Card;
use crate::workshop::*;

#[tokio::test]
async fn an_application_that_nobody_approved_has_no_fabrication() {
    let workshop = Workshop::open().await;
    let (mut zhang, nothing) = (workshop.maker("zhang"), request_id());
    let not_found = "FABRICATION_NOT_FOUND";
    assert_refused(show(&mut zhang, &nothing).await, Code::NotFound, not_found);
    assert_refused(begin(zhang, &nothing, "M1").await, Code::NotFound, not_found);
}

#[tokio::test]
async fn steps_come_in_their_order_or_not_at_all() {
    let workshop = Workshop::open().await;
    let (maker, holder, application) =
        (workshop.issued("M1").await, Card::holder("S1", LENOVO), workshop.approved().await);
    let mut run = begin(workshop.maker("zhang"), &application, "M1").await.expect("begun");
    let asked = workshop.standins.asked();
    for answer in [run.presents(&holder).await, run.signs(vec![1]).await] {
        assert_refused(answer, Code::FailedPrecondition, "RUN_AT_OTHER_STEP");
    }
    assert_refused(run.confirms(b"seal").await, Code::FailedPrecondition, "RUN_AT_OTHER_STEP");
    assert_eq!(workshop.standins.asked(), asked, "nobody is asked for a step that does not fit");
    run.presents_maker(maker.proves(&run.terms)).await.expect("gate a");
    let again = run.presents_maker(maker.proves(&run.terms)).await;
    assert_refused(again, Code::FailedPrecondition, "RUN_AT_OTHER_STEP");
    assert_eq!(workshop.kinds(&application).await, ["FabricationQueued", "RunBegun", "MakerCardProved"]);
}

#[tokio::test]
async fn a_run_that_is_over_takes_no_step() {
    let workshop = Workshop::open().await;
    let (maker, application) = (workshop.issued("M1").await, workshop.approved().await);
    let mut run = begin(workshop.maker("zhang"), &application, "M1").await.expect("begun");
    run.reports_failure().await.expect("reported");
    let answer = run.presents_maker(maker.proves(&run.terms)).await;
    assert_refused(answer, Code::FailedPrecondition, "RUN_NOT_FOUND");
    assert_refused(run.reports_failure().await, Code::FailedPrecondition, "RUN_NOT_FOUND");
}

#[tokio::test]
async fn a_run_is_its_makers_alone() {
    let workshop = Workshop::open().await;
    let (maker, application) = (workshop.issued("M1").await, workshop.approved().await);
    let mut run = begin(workshop.maker("zhang"), &application, "M1").await.expect("begun");
    run.maker = workshop.maker("li");
    let answer = run.presents_maker(maker.proves(&run.terms)).await;
    assert_refused(answer, Code::PermissionDenied, "OTHER_MAKER");
    assert_refused(run.reports_failure().await, Code::PermissionDenied, "OTHER_MAKER");
    let answer = begin(workshop.maker("li"), &application, "M1").await;
    assert_refused(answer, Code::FailedPrecondition, "RUN_UNDER_WAY");
}

#[tokio::test]
async fn a_run_that_does_not_end_gives_way_to_another_maker_in_the_end() {
    let workshop = Workshop::open().await;
    let (maker, holder) = (workshop.issued("M1").await, Card::holder("S1", LENOVO));
    let application = workshop.approved().await;
    let mut left = begin(workshop.maker("zhang"), &application, "M1").await.expect("begun");
    left.presents_maker(maker.proves(&left.terms)).await.expect("gate a");
    left.presents(&holder).await.expect("accepted");
    workshop.later(Duration::from_secs(601));
    let mut run = begin(workshop.maker("li"), &application, "M1").await.expect("begun");
    run.makes(&maker, &holder).await.expect("made");
    assert_refused(left.reports_failure().await, Code::FailedPrecondition, "RUN_NOT_FOUND");
}

#[tokio::test]
async fn what_is_made_is_not_made_again() {
    let workshop = Workshop::open().await;
    let (maker, application) = (workshop.issued("M1").await, workshop.approved().await);
    let mut run = begin(workshop.maker("zhang"), &application, "M1").await.expect("begun");
    let seal = run.makes(&maker, &Card::holder("S1", LENOVO)).await.expect("made");
    assert_eq!(run.confirms(&seal).await.expect("a repeat"), run.seal_id);
    assert_refused(run.reports_failure().await, Code::FailedPrecondition, "RUN_NOT_FOUND");
    let answer = begin(workshop.maker("zhang"), &application, "M1").await;
    assert_refused(answer, Code::FailedPrecondition, "FABRICATION_CLOSED");
}

#[tokio::test]
async fn nobody_makes_seals_under_the_name_of_the_service() {
    let workshop = Workshop::open().await;
    let application = workshop.approved().await;
    let answer = begin(workshop.maker("fabrication"), &application, "M1").await;
    assert_refused(answer, Code::Unauthenticated, "TOKEN_INVALID");
}

#[tokio::test]
async fn fields_that_are_not_acceptable_are_named() {
    let workshop = Workshop::open().await;
    let application = workshop.approved().await;
    let mut zhang = workshop.maker("zhang");
    assert_eq!(violation(begin(zhang.clone(), "application-1", "M1").await), "application_id");
    assert_eq!(violation(begin(zhang.clone(), &application, "张制章的卡").await), "maker_card_serial");
    let request = pb::BeginRunRequest { application_id: application.clone(), ..Default::default() };
    assert_eq!(violation(zhang.begin_run(request).await), "request_id");
    let mut run = begin(zhang, &application, "M1").await.expect("begun");
    assert_eq!(violation(run.presents_proofs("", Vec::new()).await), "card_serial");
    let many = vec![seal_pb::SignedStatement::default(); 5];
    assert_eq!(violation(run.presents_proofs("S1", many).await), "proofs");
    run.run_id = "run-1".to_owned();
    assert_eq!(violation(run.reports_failure().await), "run_id");
}
