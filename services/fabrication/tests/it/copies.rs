//! A maker card that was copied: found out by its count of uses, and suspended until an administrator has looked after it.

use eseal_proto::fabrication::v1 as pb;
use eseal_service::Role;
use tonic::{Code, Status};

use crate::cards::Card;
use crate::workshop::*;

#[tokio::test]
async fn the_later_of_two_copies_is_refused_and_the_card_makes_nothing_until_it_is_resumed() {
    let workshop = Workshop::open().await;
    let (maker, holder) = (workshop.issued("M1").await, Card::holder("S1", LENOVO));
    let mut run = begun(&workshop).await;
    counted(&mut run, &maker, 7).await.expect("passed");
    // The copy counts what was counted before.
    let mut copy = begun(&workshop).await;
    assert_refused(counted(&mut copy, &maker, 7).await, Code::FailedPrecondition, "MAKER_CARD_COPIED");
    let refused: pb::FabricationRefused = workshop.said(&copy.application, "FabricationRefused").await;
    assert_eq!((refused.gate.as_str(), refused.reason.as_str()), ("a", "MAKER_CARD_COPIED"));
    // From then on neither of them makes anything, the run that had passed included.
    assert_refused(run.presents(&holder).await, Code::FailedPrecondition, "MAKER_CARD_REJECTED");
    let mut next = begun(&workshop).await;
    assert_refused(counted(&mut next, &maker, 8).await, Code::FailedPrecondition, "MAKER_CARD_REJECTED");
    assert!(listed(&workshop).await.suspended_at.is_some());
    let again = issue(&mut workshop.maker_cards(Role::Admin), &maker).await;
    assert_refused(again, Code::FailedPrecondition, "MAKER_CARD_SUSPENDED");

    resume(&mut workshop.maker_cards(Role::Admin), "M1").await.expect("resumed");
    assert_eq!(listed(&workshop).await.suspended_at, None);
    let mut run = begun(&workshop).await;
    counted(&mut run, &maker, 3).await.expect("it counts anew");
    let info = run.presents(&holder).await.expect("accepted");
    let seal = run.signs(maker.signs(&info)).await.expect("signed");
    run.confirms(&seal).await.expect("made");
    let kinds: Vec<_> = of_cards(&workshop).await;
    let expected = ["MakerCardIssued", "MakerCardUsed", "MakerCardSuspended", "MakerCardResumed", "MakerCardUsed"];
    assert_eq!(kinds, expected);
}

#[tokio::test]
async fn a_lost_answer_is_no_copy() {
    let workshop = Workshop::open().await;
    let maker = workshop.issued("M1").await;
    let mut run = begun(&workshop).await;
    let request = pb::PresentMakerCardRequest { card_uses: 7, ..run.maker_proof(maker.proves(&run.terms)) };
    let first = run.maker.present_maker_card(request.clone()).await.expect("passed").into_inner();
    let again = run.maker.present_maker_card(request).await.expect("a repeat").into_inner();
    assert_eq!(first, again);
    assert_eq!(of_cards(&workshop).await, ["MakerCardIssued", "MakerCardUsed"]);
}

#[tokio::test]
async fn killed_between_the_count_and_the_step_the_same_request_goes_on() {
    let mut workshop = Workshop::open_in_a_file().await;
    let maker = workshop.issued("M1").await;
    let mut run = begun(&workshop).await;
    let request = pb::PresentMakerCardRequest { card_uses: 7, ..run.maker_proof(maker.proves(&run.terms)) };
    run.maker.present_maker_card(request.clone()).await.expect("passed");
    workshop.stops().await;
    forget_the_last_event(&workshop).await; // the step; its count stays
    workshop.starts().await;
    run.maker = workshop.maker("zhang");
    run.maker.present_maker_card(request).await.expect("passed");
    let kinds = workshop.kinds(&run.application).await;
    assert_eq!(kinds, ["FabricationQueued", "RunBegun", "MakerCardProved"]);
    assert_eq!(of_cards(&workshop).await, ["MakerCardIssued", "MakerCardUsed"]);
}

#[tokio::test]
async fn copies_at_two_stations_at_the_same_moment_are_found_out() {
    let workshop = Workshop::open().await;
    let maker = workshop.issued("M1").await;
    let (mut one, mut other) = (begun(&workshop).await, begun(&workshop).await);
    let ended = tokio::join!(counted(&mut one, &maker, 5), counted(&mut other, &maker, 5));
    let refused = [ended.0, ended.1].into_iter().filter(Result::is_err).count();
    // The first may have been suspended before it was let through.
    assert!(refused >= 1, "both were let through");
    assert!(of_cards(&workshop).await.contains(&"MakerCardSuspended".to_owned()));
}

#[tokio::test]
async fn whoever_can_not_prove_the_key_has_no_card_suspended() {
    let workshop = Workshop::open().await;
    let maker = workshop.issued("M1").await;
    let mut run = begun(&workshop).await;
    counted(&mut run, &maker, 7).await.expect("passed");
    let mut forged = begun(&workshop).await;
    let proof = Card::maker("M1").proves(&forged.terms); // another key, with a certificate of its own
    let request = pb::PresentMakerCardRequest { card_uses: 1, ..forged.maker_proof(proof) };
    let refused = forged.maker.present_maker_card(request).await;
    assert_refused(refused, Code::FailedPrecondition, "MAKER_CARD_REJECTED");
    assert_eq!(of_cards(&workshop).await, ["MakerCardIssued", "MakerCardUsed"]);
}

#[tokio::test]
async fn cards_that_do_not_count_make_one_seal_after_the_other_and_one_that_counted_always_counts() {
    let workshop = Workshop::open().await;
    let (device, soft) = (workshop.issued("M1").await, workshop.issued("M2").await);
    for _ in 0..2 {
        counted(&mut begun(&workshop).await, &device, 0).await.expect("passed");
    }
    let begin_with = async |serial| begin(workshop.maker("zhang"), &workshop.approved().await, serial).await;
    counted(&mut begin_with("M2").await.expect("begun"), &soft, 1).await.expect("passed");
    let silent = counted(&mut begin_with("M2").await.expect("begun"), &soft, 0).await;
    assert_refused(silent, Code::FailedPrecondition, "MAKER_CARD_COPIED");
}

#[tokio::test]
async fn resuming_is_for_cards_that_are_suspended_and_changes_no_other() {
    let workshop = Workshop::open().await;
    workshop.issued("M1").await;
    let mut admin = workshop.maker_cards(Role::Admin);
    assert_eq!(resume(&mut admin, "M1").await.expect("nothing to do").etag, "1");
    assert_refused(resume(&mut admin, "M9").await, Code::NotFound, "MAKER_CARD_NOT_FOUND");
    withdraw(&mut admin, "M1").await.expect("withdrawn");
    assert_refused(resume(&mut admin, "M1").await, Code::FailedPrecondition, "MAKER_CARD_WITHDRAWN");
    let refused = resume(&mut workshop.maker_cards(Role::Maker), "M1").await;
    assert_refused(refused, Code::PermissionDenied, "ROLE_MISSING");
}

async fn begun(workshop: &Workshop) -> Run {
    let application = workshop.approved().await;
    begin(workshop.maker("zhang"), &application, "M1").await.expect("begun")
}

/// Gate a with a card that tells this count.
async fn counted(run: &mut Run, maker: &Card, card_uses: u64) -> Result<(), Status> {
    let request = pb::PresentMakerCardRequest { card_uses, ..run.maker_proof(maker.proves(&run.terms)) };
    run.terms = run.maker.present_maker_card(request).await?.into_inner().seal_card_challenge.expect("terms");
    Ok(())
}

pub async fn resume(admin: &mut MakerCards, serial: &str) -> Result<pb::ResumeMakerCardResponse, Status> {
    let request = pb::ResumeMakerCardRequest { request_id: request_id(), card_serial: serial.to_owned() };
    Ok(admin.resume_maker_card(request).await?.into_inner())
}

async fn listed(workshop: &Workshop) -> pb::MakerCard {
    let listed = workshop.maker_cards(Role::Auditor).list_maker_cards(pb::ListMakerCardsRequest::default()).await;
    listed.expect("listed").into_inner().maker_cards.remove(0)
}

/// The kinds of the events of maker cards, without their package.
async fn of_cards(workshop: &Workshop) -> Vec<String> {
    let events = workshop.events().await.into_iter().filter(|event| event.stream_id.kind() == "maker_card");
    events.map(|event| event.kind.rsplit('.').next().unwrap_or_default().to_owned()).collect()
}

/// The database as it was before its last event was committed.
async fn forget_the_last_event(workshop: &Workshop) {
    use eseal_eventstore::{Database, DatabaseConfig, rebuild};
    use sea_orm::ConnectionTrait as _;
    let url = format!("sqlite:{}", workshop.database_file().display());
    let database = Database::connect(&DatabaseConfig::new(url)).await.expect("a database");
    let tx = database.begin().await.expect("a transaction");
    for sql in [
        "DROP TRIGGER events_are_never_deleted",
        "DELETE FROM events WHERE position = (SELECT position FROM head)",
        "UPDATE head SET position = position - 1",
        "UPDATE cursors SET position = (SELECT position FROM head) WHERE position > (SELECT position FROM head) \
         AND consumer = 'hosted_fabrication'",
        "DELETE FROM requests WHERE rpc LIKE '%PresentMakerCard%'",
    ] {
        tx.execute_unprepared(sql).await.expect(sql);
    }
    tx.commit().await.expect("committed");
    rebuild(&database, &eseal_fabrication::projectors()).await.expect("rebuilt");
    database.close().await.expect("closed");
}
