//! An approved application that shall not be made after all: it is stopped, or was made before; never both.

use eseal_proto::application::v1 as application;
use eseal_proto::fabrication::v1 as pb;
use eseal_testkit::wait_until;
use tonic::Code;

use crate::cards::Card;
use crate::hosted::{KINDS, forget_all_after};
use crate::workshop::*;

const ASKED: &str = "eseal.application.v1.CancellationAsked";

#[tokio::test]
async fn a_cancelled_application_leaves_the_queue() {
    let workshop = Workshop::open().await;
    let application = workshop.approved().await;
    for _ in 0..2 {
        cancels(&workshop, &application).await;
    }
    workshop.until(&application, "FabricationStopped").await;
    let mut zhang = workshop.maker("zhang");
    let request = pb::ListFabricationsRequest { state: pb::FabricationState::Waiting.into(), ..Default::default() };
    let waiting = zhang.list_fabrications(request).await.expect("a list").into_inner().fabrications;
    assert!(waiting.iter().all(|waiting| waiting.application_id != application));
    assert_refused(begin(zhang, &application, "M1").await, Code::FailedPrecondition, "FABRICATION_CLOSED");
    workshop.approved().await; // comes after both
    assert_eq!(workshop.kinds(&application).await, ["FabricationQueued", "FabricationStopped"]);
}

#[tokio::test]
async fn a_maker_at_work_is_told_at_the_next_step_and_the_card_is_free_for_another_seal() {
    let workshop = Workshop::open().await;
    let (maker, holder) = (workshop.issued("M1").await, Card::holder("S1", LENOVO));
    let application = workshop.approved().await;
    let mut run = begin(workshop.maker("zhang"), &application, "M1").await.expect("begun");
    run.presents_maker(maker.proves(&run.terms)).await.expect("gate a");
    let info = run.presents(&holder).await.expect("accepted");
    let seal = run.signs(maker.signs(&info)).await.expect("signed");
    cancels(&workshop, &application).await;
    workshop.until(&application, "FabricationStopped").await;
    assert_refused(run.confirms(&seal).await, Code::FailedPrecondition, "FABRICATION_CLOSED");
    let other = workshop.approved().await;
    let mut run = begin(workshop.maker("zhang"), &other, "M1").await.expect("begun");
    run.makes(&maker, &holder).await.expect("made");
}

#[tokio::test]
async fn made_and_cancelled_at_the_same_moment_is_one_of_the_two() {
    let workshop = Workshop::open().await;
    let maker = workshop.issued("M1").await;
    for turn in 0..8 {
        let holder = Card::holder(&format!("S{turn}"), LENOVO);
        let application = workshop.approved().await;
        let mut run = begin(workshop.maker("zhang"), &application, "M1").await.expect("begun");
        run.presents_maker(maker.proves(&run.terms)).await.expect("gate a");
        let info = run.presents(&holder).await.expect("accepted");
        let seal = run.signs(maker.signs(&info)).await.expect("signed");
        let (_, made) = tokio::join!(cancels(&workshop, &application), run.confirms(&seal));
        workshop.approved().await; // comes after it, so it is settled
        let kinds = workshop.kinds(&application).await;
        let (stopped, was_made) = (has(&kinds, "FabricationStopped"), has(&kinds, "SealFabricated"));
        assert_eq!((made.is_ok(), stopped), (was_made, !was_made), "{kinds:?}");
        if made.is_err() {
            assert_refused(run.confirms(&seal).await, Code::FailedPrecondition, "FABRICATION_CLOSED");
        }
    }
    assert!(workshop.dead_letters("fabrication", "application").await.is_empty());
}

#[tokio::test]
async fn killed_after_any_event_of_a_hosted_fabrication_a_cancellation_has_one_outcome() {
    let mut whole = Workshop::with_own_card_in_a_file().await;
    whole.issues_own_card().await;
    let application = whole.approved_hosted().await;
    whole.until(&application, "SealFabricated").await;
    whole.stops().await;
    let finished = std::fs::read(whole.database_file()).expect("a database");
    cancels(&whole, &application).await;
    let next = request_id();
    whole.approves(&next, particulars()).await;
    for killed_after in 0..KINDS.len() {
        std::fs::write(whole.database_file(), &finished).expect("written");
        forget_all_after(&whole, killed_after + 2).await; // the first event is that of the maker card
        whole.starts().await;
        whole.until(&next, "FabricationQueued").await; // comes after the cancellation
        let kinds = wait_until("it is stopped or made", BOUND, async || {
            let kinds = whole.kinds(&application).await;
            (has(&kinds, "FabricationStopped") || has(&kinds, "SealFabricated")).then_some(kinds)
        })
        .await;
        assert_ne!(has(&kinds, "FabricationStopped"), has(&kinds, "SealFabricated"), "{kinds:?}");
        assert!(whole.dead_letters("hosted_fabrication", "fabrication").await.is_empty());
        assert!(whole.dead_letters("fabrication", "application").await.is_empty());
        whole.stops().await;
    }
}

fn has(kinds: &[String], kind: &str) -> bool {
    kinds.iter().any(|there| there == kind)
}

async fn cancels(workshop: &Workshop, application: &str) {
    let asked = application::CancellationAsked {
        application_id: application.to_owned(),
        person_id: "wang".to_owned(),
        reason_code: "CAN_NOT_BE_MADE".to_owned(),
    };
    workshop.application.tells(application, ASKED, &asked).await;
}
