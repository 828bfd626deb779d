//! What fabrication and authentication say of an approved application.

use eseal_eventstore::DeadLetters;
use eseal_proto::application::v1 as pb;
use eseal_proto::authentication::v1 as authentication;
use eseal_proto::fabrication::v1 as fabrication;
use eseal_proto::seal::v1::SealState;
use eseal_testkit::wait_until;

use crate::office::*;

const REFUSED: &str = "eseal.fabrication.v1.FabricationRefused";
const FABRICATED: &str = "eseal.fabrication.v1.SealFabricated";

#[tokio::test]
async fn the_last_refusal_of_fabrication_is_shown() {
    let office = Office::open().await;
    let application = office.approved().await;
    for reason in ["MAKER_CARD_ABSENT", "CARD_IN_USE"] {
        office.fabrication.tells(&application, REFUSED, &refused(&application, &request_id(), reason)).await;
    }
    let shown = until(&office, &application, |outcome| outcome.fabrication_refusal == "CARD_IN_USE").await;
    assert_eq!((shown.state(), shown.etag.as_str()), (pb::ApplicationState::Approved, "4"));
}

#[tokio::test]
async fn the_made_seal_and_each_of_its_states_are_shown() {
    let office = Office::open().await;
    let (application, seal) = (office.approved().await, request_id());
    office.fabrication.tells(&application, FABRICATED, &made(&application, &seal)).await;
    until(&office, &application, |outcome| outcome.seal_id == seal).await;

    let (application_id, seal_id) = (application.clone(), seal.clone());
    let says = &office.authentication;
    let registered = authentication::SealRegistered { seal_id, application_id, ..Default::default() };
    says.tells(&seal, "eseal.authentication.v1.SealRegistered", &registered).await;
    until(&office, &application, |outcome| outcome.seal_state() == SealState::Registered).await;

    let (application_id, seal_id) = (application.clone(), seal.clone());
    let activated = authentication::SealActivated { seal_id, application_id };
    says.tells(&seal, "eseal.authentication.v1.SealActivated", &activated).await;
    until(&office, &application, |outcome| outcome.seal_state() == SealState::Active).await;

    let (application_id, seal_id, reason_code) = (application.clone(), seal.clone(), "CARD_LOST".to_owned());
    let suspended = authentication::SealSuspended { seal_id, application_id, reason_code };
    says.tells(&seal, "eseal.authentication.v1.SealSuspended", &suspended).await;
    until(&office, &application, |outcome| outcome.seal_state() == SealState::Suspended).await;

    let (application_id, seal_id) = (application.clone(), seal.clone());
    says.tells(&seal, "eseal.authentication.v1.SealResumed", &authentication::SealResumed { seal_id, application_id })
        .await;
    until(&office, &application, |outcome| outcome.seal_state() == SealState::Active).await;

    let (application_id, seal_id, reason_code) = (application.clone(), seal.clone(), "NO_LONGER_USED".to_owned());
    let revoked = authentication::SealRevoked { seal_id, application_id, reason_code };
    says.tells(&seal, "eseal.authentication.v1.SealRevoked", &revoked).await;
    until(&office, &application, |outcome| outcome.seal_state() == SealState::Revoked).await;
}

#[tokio::test]
async fn a_replaced_seal_is_shown_as_replaced() {
    let office = Office::open().await;
    let (application, seal) = (office.approved().await, request_id());
    let (seal_id, application_id, successor_seal_id) = (seal.clone(), application.clone(), request_id());
    let replaced = authentication::SealReplaced { seal_id, application_id, successor_seal_id };
    office.authentication.tells(&seal, "eseal.authentication.v1.SealReplaced", &replaced).await;
    until(&office, &application, |outcome| outcome.seal_state() == SealState::Replaced).await;
}

#[tokio::test]
async fn a_note_is_of_the_application_and_caused_by_the_fact() {
    let office = Office::open().await;
    let application = office.approved().await;
    office.fabrication.tells(&application, FABRICATED, &made(&application, &request_id())).await;
    until(&office, &application, |outcome| !outcome.seal_id.is_empty()).await;
    let told = office.fabrication.log().read(0, 1).await.expect("events").remove(0);
    let noted = office.events().await.pop().expect("an event");
    assert_eq!(noted.causation_id, Some(told.event_id));
    assert_eq!((noted.subject, noted.actor.to_string()), (application, "service:application".to_owned()));
}

#[tokio::test]
async fn the_same_news_twice_is_noted_once() {
    let office = Office::open().await;
    let (application, seal, run) = (office.approved().await, request_id(), request_id());
    for _ in 0..2 {
        office.fabrication.tells(&application, REFUSED, &refused(&application, &run, "CARD_IN_USE")).await;
    }
    for _ in 0..2 {
        office.fabrication.tells(&application, FABRICATED, &made(&application, &seal)).await;
    }
    // Another application's news comes after them, so they are settled when it is.
    let other = office.approved().await;
    office.fabrication.tells(&application, FABRICATED, &made(&other, &request_id())).await;
    until(&office, &other, |outcome| !outcome.seal_id.is_empty()).await;
    let kinds = ["Submitted", "Approved", "FabricationRefusalNoted", "SealMadeNoted"];
    assert_eq!(office.kinds(&application).await, kinds);
}

#[tokio::test]
async fn news_that_concern_no_application_are_passed_over() {
    let office = Office::open().await;
    let application = office.approved().await;
    office.fabrication.tells(&application, "eseal.fabrication.v1.RunBegun", &fabrication::RunBegun::default()).await;
    office.fabrication.tells(&application, FABRICATED, &made(&application, &request_id())).await;
    until(&office, &application, |outcome| !outcome.seal_id.is_empty()).await;
    let letters = DeadLetters::new(office.database.clone());
    assert_eq!(letters.counts().await.expect("letters"), []);
}

#[tokio::test]
async fn news_that_can_not_be_read_or_not_be_true_are_parked_and_the_others_go_on() {
    let office = Office::open().await;
    let (application, other) = (office.approved().await, office.approved().await);
    office.fabrication.tells_bytes("garbled", FABRICATED, b"{]".to_vec()).await;
    office.fabrication.tells("nameless", FABRICATED, &made("", &request_id())).await;
    office.fabrication.tells("unheard-of", FABRICATED, &made(&request_id(), &request_id())).await;
    office.fabrication.tells(&application, FABRICATED, &made(&application, &request_id())).await;
    office.fabrication.tells(&other, FABRICATED, &made(&other, &request_id())).await;
    until(&office, &application, |outcome| !outcome.seal_id.is_empty()).await;
    until(&office, &other, |outcome| !outcome.seal_id.is_empty()).await;

    let letters = DeadLetters::new(office.database.clone());
    let parked = wait_until("three letters are parked", BOUND, async || {
        let parked = letters.list("application", "fabrication", 0, 10).await.expect("letters");
        (parked.len() == 3).then_some(parked)
    });
    let streams: Vec<String> = parked.await.iter().map(|letter| letter.stream_id.id().to_owned()).collect();
    assert_eq!(streams, ["garbled", "nameless", "unheard-of"]);
}

/// Waits until what became of the application is so.
async fn until(office: &Office, application: &str, is_so: impl Fn(&pb::Outcome) -> bool) -> pb::Application {
    wait_until("the application shows what became of it", BOUND, async || {
        let shown = office.shown(application).await;
        shown.outcome.as_ref().is_some_and(&is_so).then_some(shown)
    })
    .await
}

fn refused(application: &str, run: &str, reason: &str) -> fabrication::FabricationRefused {
    fabrication::FabricationRefused {
        application_id: application.to_owned(),
        run_id: run.to_owned(),
        gate: "d".to_owned(),
        reason: reason.to_owned(),
    }
}

fn made(application: &str, seal: &str) -> fabrication::SealFabricated {
    let (application_id, seal_id) = (application.to_owned(), seal.to_owned());
    fabrication::SealFabricated { application_id, seal_id, ..Default::default() }
}
