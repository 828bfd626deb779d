//! The making of a seal in the place of another one.

use eseal_proto::application::v1 as application;
use eseal_proto::fabrication::v1 as pb;
use tonic::Code;

use crate::cards::Card;
use crate::react::{REPLACED, ends};
use crate::workshop::*;

/// The organization of the seals.
const LENOVO: &str = "91110000600037341L";

#[tokio::test]
async fn a_successor_is_made_on_its_predecessors_card_and_both_hold_it_until_the_predecessor_ends() {
    let workshop = Workshop::open().await;
    let (maker, holder) = (workshop.issued("M1").await, Card::holder("S1", LENOVO));
    let (first, first_seal) = made(&workshop, &maker, &holder, None).await;
    // A renewed certificate on the same card.
    let renewed = Card::holder("S1", LENOVO);
    let (second, second_seal) = made(&workshop, &maker, &renewed, Some(&first_seal)).await;
    assert!(workshop.said::<pb::SealCardAccepted>(&second, "SealCardAccepted").await.shared_with_predecessor);
    // Neither card nor either certificate carries a third one, before and after the predecessor's end.
    is_in_use(&workshop, &maker, &renewed).await;
    ends(&workshop, REPLACED, &first, &first_seal).await;
    workshop.until(&first, "CardReleased").await;
    is_in_use(&workshop, &maker, &renewed).await;
    // And so on: the successor has a successor.
    let (third, third_seal) = made(&workshop, &maker, &renewed, Some(&second_seal)).await;
    assert!(!workshop.said::<pb::SealCardAccepted>(&third, "SealCardAccepted").await.shared_with_predecessor);
    ends(&workshop, REPLACED, &second, &second_seal).await;
    workshop.until(&second, "CardReleased").await;
    is_in_use(&workshop, &maker, &renewed).await;
    ends(&workshop, REPLACED, &third, &third_seal).await;
    workshop.until(&third, "CardReleased").await;
    made(&workshop, &maker, &renewed, None).await;
}

#[tokio::test]
async fn a_successor_that_can_not_be_made_leaves_its_predecessor_what_it_has() {
    let workshop = Workshop::open().await;
    let (maker, holder) = (workshop.issued("M1").await, Card::holder("S1", LENOVO));
    let (first, first_seal) = made(&workshop, &maker, &holder, None).await;
    let (second, mut run) = begun(&workshop, Some(&first_seal)).await;
    run.presents_maker(maker.proves(&run.terms)).await.expect("gate a");
    run.presents(&holder).await.expect("accepted");
    run.reports_failure().await.expect("told");
    is_in_use(&workshop, &maker, &holder).await;
    assert_eq!(workshop.kinds(&first).await.last().map(String::as_str), Some("SealFabricated"));
    // It is made in the next run.
    let mut run = begin(workshop.maker("zhang"), &second, "M1").await.expect("begun");
    run.makes(&maker, &holder).await.expect("made");
}

#[tokio::test]
async fn the_successor_of_another_seal_is_refused_the_card() {
    let workshop = Workshop::open().await;
    let (maker, holder) = (workshop.issued("M1").await, Card::holder("S1", LENOVO));
    made(&workshop, &maker, &holder, None).await;
    let (_, other) = made(&workshop, &maker, &Card::holder("S2", LENOVO), None).await;
    let (_, mut run) = begun(&workshop, Some(&other)).await;
    run.presents_maker(maker.proves(&run.terms)).await.expect("gate a");
    assert_refused(run.presents(&holder).await, Code::FailedPrecondition, "CARD_IN_USE");
}

/// A seal that is made with this card, in the place of `existing` if there is one: its application and its id.
async fn made(workshop: &Workshop, maker: &Card, holder: &Card, existing: Option<&str>) -> (String, String) {
    let (application, mut run) = begun(workshop, existing).await;
    run.makes(maker, holder).await.expect("made");
    (application, run.seal_id)
}

/// A run of a new seal with this card is refused at gate d.
async fn is_in_use(workshop: &Workshop, maker: &Card, holder: &Card) {
    let (_, mut run) = begun(workshop, None).await;
    run.presents_maker(maker.proves(&run.terms)).await.expect("gate a");
    assert_refused(run.presents(holder).await, Code::FailedPrecondition, "CARD_IN_USE");
}

async fn begun(workshop: &Workshop, existing: Option<&str>) -> (String, Run) {
    let application = request_id();
    let kind = if existing.is_some() { application::ApplicationKind::Renew } else { application::ApplicationKind::New };
    let existing_seal_id = existing.unwrap_or_default().to_owned();
    let asked = application::Particulars { kind: kind.into(), existing_seal_id, ..particulars() };
    workshop.approves(&application, asked).await;
    workshop.until(&application, "FabricationQueued").await;
    let run = begin(workshop.maker("zhang"), &application, "M1").await.expect("begun");
    (application, run)
}
