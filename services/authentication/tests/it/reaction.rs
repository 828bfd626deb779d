//! What fabrication tells of a made seal, and what becomes of it here.

use eseal_eventstore::{DeadLetter, DeadLetters};
use eseal_proto::application::v1 as application;
use eseal_proto::fabrication::v1 as pb;
use eseal_testkit::wait_until;

use crate::bureau::*;
use crate::card::{self, Card};

const SEAL_FABRICATED: &str = "eseal.fabrication.v1.SealFabricated";

#[tokio::test]
async fn a_made_seal_is_registered_in_the_name_of_its_application() {
    let bureau = Bureau::open().await;
    let card = Card::made(&bureau.authorities, LENOVO);
    bureau.registers(&card).await;
    let told = bureau.fabrication.log().read(0, 1).await.expect("events").remove(0);
    let events = bureau.events().await;
    let registered = events.iter().find(|event| event.kind.ends_with(".SealRegistered")).expect("registered");
    assert_eq!(registered.causation_id, Some(told.event_id));
    assert_eq!(registered.correlation_id, told.correlation_id);
    assert_eq!(registered.actor.to_string(), "service:authentication");
}

#[tokio::test]
async fn the_same_news_twice_registers_the_seal_once() {
    let bureau = Bureau::open().await;
    let card = Card::made(&bureau.authorities, LENOVO);
    let made = fabricated(&card);
    for _ in 0..2 {
        bureau.tells_of(&made, &card.seal).await;
        bureau.later(BOUND);
    }
    // Another seal's news comes after them in the same stream, so they are settled when it is.
    let other = Card::made(&bureau.authorities, LENOVO);
    let after = pb::SealFabricated { application_id: made.application_id.clone(), ..fabricated(&other) };
    bureau.tells_of(&after, &other.seal).await;
    bureau.shows(&other.seal_id).await;
    assert_eq!(bureau.kinds(&card.seal_id).await, ["SealRegistered"]);
    assert_eq!(DeadLetters::new(bureau.database.clone()).counts().await.expect("letters"), []);
}

#[tokio::test]
async fn a_seal_is_registered_once_fabrication_answers_again() {
    let bureau = Bureau::open().await;
    let card = Card::made(&bureau.authorities, LENOVO);
    bureau.workshop.close_for(8);
    bureau.registers(&card).await;
    assert_eq!(bureau.workshop.calls(), 9);
}

#[tokio::test]
async fn news_of_other_things_are_passed_over() {
    let bureau = Bureau::open().await;
    bureau.fabrication.tells("run", "eseal.fabrication.v1.RunBegun", &pb::RunBegun::default()).await;
    bureau.registered().await;
    assert_eq!(DeadLetters::new(bureau.database.clone()).counts().await.expect("letters"), []);
}

#[tokio::test]
async fn news_that_can_not_be_read_are_parked_and_the_others_go_on() {
    let bureau = Bureau::open().await;
    let card = Card::made(&bureau.authorities, LENOVO);
    bureau.fabrication.tells_bytes("garbled", SEAL_FABRICATED, b"{]".to_vec()).await;
    let nothing = pb::SealFabricated { particulars: None, ..fabricated(&card) };
    bureau.fabrication.tells("nothing-asked", SEAL_FABRICATED, &nothing).await;
    bureau.registers(&card).await;
    assert_eq!(streams(&parked(&bureau, 2).await), ["garbled", "nothing-asked"]);
}

#[tokio::test]
async fn a_seal_that_is_not_the_one_that_was_told_of_is_parked() {
    let bureau = Bureau::open().await;
    let (card, other) = (Card::made(&bureau.authorities, LENOVO), Card::made(&bureau.authorities, LENOVO));
    let says = &bureau.fabrication;

    bureau.workshop.put_as(&card.seal_digest(), &other.seal);
    says.tells("other-bytes", SEAL_FABRICATED, &fabricated(&card)).await;

    let seal_digest = bureau.workshop.put(b"no seal");
    says.tells("no-seal", SEAL_FABRICATED, &pb::SealFabricated { seal_digest, ..fabricated(&card) }).await;

    let seal_digest = bureau.workshop.put(&other.seal);
    says.tells("other-id", SEAL_FABRICATED, &pb::SealFabricated { seal_digest, ..fabricated(&card) }).await;

    let listing = card::seal(&bureau.authorities, &card.seal_id, &[&card.sm2.1]);
    let seal_digest = bureau.workshop.put(&listing);
    says.tells("other-list", SEAL_FABRICATED, &pb::SealFabricated { seal_digest, ..fabricated(&card) }).await;

    let mut letters = streams(&parked(&bureau, 4).await);
    letters.sort();
    assert_eq!(letters, ["no-seal", "other-bytes", "other-id", "other-list"]);
    assert_eq!(bureau.kinds(&card.seal_id).await, [""; 0]);
}

#[tokio::test]
async fn a_seal_that_is_told_of_again_with_another_custodian_is_parked() {
    let bureau = Bureau::open().await;
    let card = bureau.registered().await;
    let asked = application::Particulars { custodian_id: "wu".to_owned(), ..particulars() };
    let other = pb::SealFabricated { particulars: Some(asked), ..fabricated(&card) };
    bureau.fabrication.tells("again", SEAL_FABRICATED, &other).await;
    assert_eq!(streams(&parked(&bureau, 1).await), ["again"]);
    assert_eq!(show(&mut bureau.admin(), &card.seal_id).await.expect("shown").custodian_id, ZHOU);
}

#[tokio::test]
async fn every_fact_of_a_seal_belongs_to_its_application_even_after_a_try_before_it_was_registered() {
    let bureau = Bureau::open().await;
    let card = Card::made(&bureau.authorities, LENOVO);
    let made = fabricated(&card);
    let early = crate::signing::begin(&mut bureau.zhou(), &card.seal_id).await;
    assert_gate(early, "a", "SEAL_NOT_REGISTERED");
    bureau.tells_of(&made, &card.seal).await;
    bureau.shows(&card.seal_id).await;
    let told = bureau.fabrication.log().read(0, 1).await.expect("events").remove(0);
    activate(&mut bureau.admin(), &card.seal_id).await.expect("activated");
    crate::signing::at_gate_e(&bureau, &card, eseal_pki::Suite::Sm2Sm3).await;
    let events = bureau.events().await.into_iter().filter(|event| event.stream_id.id() == card.seal_id);
    let events: Vec<_> = events.skip(1).collect();
    assert_eq!(events.len(), 5);
    assert_eq!(events[0].correlation_id, told.correlation_id);
    for event in &events[1..] {
        assert_eq!(event.correlation_id, made.application_id, "{}", event.kind);
    }
}

async fn parked(bureau: &Bureau, count: usize) -> Vec<DeadLetter> {
    let letters = DeadLetters::new(bureau.database.clone());
    wait_until("the letters are parked", BOUND, async || {
        let parked = letters.list("authentication", "fabrication", 0, 10).await.expect("letters");
        (parked.len() == count).then_some(parked)
    })
    .await
}

fn streams(letters: &[DeadLetter]) -> Vec<String> {
    letters.iter().map(|letter| letter.stream_id.id().to_owned()).collect()
}
