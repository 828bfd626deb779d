//! Another service is away: that is told as such, and never becomes a refusal.

use std::time::Duration;

use tonic::Code;

use crate::cards::Card;
use crate::workshop::*;

#[tokio::test]
async fn a_step_whose_question_can_not_be_asked_is_left_open_and_taken_later() {
    let workshop = Workshop::open().await;
    let (maker, holder) = (workshop.issued("M1").await, Card::holder("S1", LENOVO));
    let application = workshop.approved().await;
    let mut run = begin(workshop.maker("zhang"), &application, "M1").await.expect("begun");

    workshop.standins.set_authentication_away(true);
    let (code, told) = refusal(run.presents_maker(maker.proves(&run.terms)).await);
    assert_eq!((code, told.reason.as_str()), (Code::Unavailable, "PEER_UNAVAILABLE"));
    assert!(told.retry_in.is_some());
    assert_eq!(workshop.kinds(&application).await, ["FabricationQueued", "RunBegun"]);

    workshop.standins.set_authentication_away(false);
    run.presents_maker(maker.proves(&run.terms)).await.expect("gate a");
    workshop.standins.set_authentication_away(true);
    assert_refused(run.presents(&holder).await, Code::Unavailable, "PEER_UNAVAILABLE");
    workshop.standins.set_authentication_away(false);
    workshop.standins.set_application_away(true);
    assert_refused(run.presents(&holder).await, Code::Unavailable, "PEER_UNAVAILABLE");
    assert_eq!(workshop.kinds(&application).await, ["FabricationQueued", "RunBegun", "MakerCardProved"]);

    workshop.standins.set_application_away(false);
    run.presents(&holder).await.expect("accepted");
}

#[tokio::test]
async fn a_short_outage_is_waited_out_within_the_request() {
    let workshop = Workshop::open().await;
    let (maker, application) = (workshop.issued("M1").await, workshop.approved().await);
    let mut run = begin(workshop.maker("zhang"), &application, "M1").await.expect("begun");
    workshop.standins.set_authentication_away(true);
    let asked = workshop.standins.asked();
    let back = async {
        eseal_testkit::wait_until("it was asked once", BOUND, async || {
            (workshop.standins.asked() > asked).then_some(())
        })
        .await;
        workshop.standins.set_authentication_away(false);
    };
    let proof = maker.proves(&run.terms);
    let (answer, ()) = tokio::join!(run.presents_maker(proof), back);
    answer.expect("gate a");
}

#[tokio::test]
async fn no_maker_card_is_issued_while_nobody_can_say_whether_it_is_one() {
    let workshop = Workshop::open().await;
    workshop.standins.set_authentication_away(true);
    let mut admin = workshop.maker_cards(eseal_service::Role::Admin);
    assert_refused(issue(&mut admin, &Card::maker("M1")).await, Code::Unavailable, "PEER_UNAVAILABLE");
    assert!(workshop.events().await.is_empty());
}

#[tokio::test]
async fn a_hosted_fabrication_goes_on_when_the_others_are_back() {
    let workshop = Workshop::with_own_card().await;
    workshop.issues_own_card().await;
    workshop.standins.set_authentication_away(true);
    let application = workshop.approved_hosted().await;
    workshop.until(&application, "RunBegun").await;
    let asked = workshop.standins.asked();
    waits_for_more_questions(&workshop, asked).await;
    workshop.standins.set_application_away(true);
    workshop.standins.set_authentication_away(false);
    workshop.until(&application, "MakerCardProved").await;
    let asked = workshop.standins.asked();
    waits_for_more_questions(&workshop, asked).await;
    workshop.standins.set_application_away(false);
    workshop.until(&application, "SealFabricated").await;
    assert_eq!(workshop.kinds(&application).await.len(), 6, "nothing was refused");
}

#[tokio::test]
async fn an_outage_that_outlives_a_challenge_ends_in_a_made_seal_all_the_same() {
    let workshop = Workshop::with_own_card().await;
    workshop.issues_own_card().await;
    workshop.standins.set_application_away(true);
    let application = workshop.approved_hosted().await;
    workshop.until(&application, "MakerCardProved").await;
    workshop.later(Duration::from_secs(600));
    let asked = workshop.standins.asked();
    waits_for_more_questions(&workshop, asked).await;
    assert_eq!(workshop.kinds(&application).await.last().map(String::as_str), Some("MakerCardProved"));
    workshop.standins.set_application_away(false);
    workshop.until(&application, "SealFabricated").await;
    // The run that was interrupted is over, and one other made the seal. No card or certificate was found wanting.
    assert_eq!(workshop.refusal(&application).await, ("e".to_owned(), "FABRICATION_FAILED".to_owned()));
    let kinds = workshop.kinds(&application).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "RunBegun").count(), 2, "{kinds:?}");
}

async fn waits_for_more_questions(workshop: &Workshop, asked: usize) {
    eseal_testkit::wait_until("they were asked again", BOUND, async || {
        (workshop.standins.asked() > asked + 6).then_some(())
    })
    .await;
}
