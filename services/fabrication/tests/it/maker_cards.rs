//! 制章授权卡: issued, listed, withdrawn.

use eseal_proto::fabrication::v1 as pb;
use eseal_service::Role;
use tonic::Code;

use crate::cards::Card;
use crate::workshop::*;

#[tokio::test]
async fn an_issued_card_is_listed_with_its_certificate_until_it_is_withdrawn_and_after() {
    let workshop = Workshop::open().await;
    let card = workshop.issued("M1").await;
    let listed = list(&workshop).await.remove(0);
    assert_eq!((listed.card_serial.as_str(), listed.maker_id.as_str()), ("M1", "zhang"));
    assert_eq!((listed.certificate.as_slice(), listed.withdrawn_at), (card.certificate().der(), None));
    let mut admin = workshop.maker_cards(Role::Admin);
    assert_eq!(withdraw(&mut admin, "M1").await.expect("withdrawn").etag, "2");
    assert_eq!(withdraw(&mut admin, "M1").await.expect("a repeat").etag, "2");
    assert!(list(&workshop).await[0].withdrawn_at.is_some());
    let kinds: Vec<String> = workshop.events().await.into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["eseal.fabrication.v1.MakerCardIssued", "eseal.fabrication.v1.MakerCardWithdrawn"]);
}

#[tokio::test]
async fn a_serial_is_issued_once() {
    let workshop = Workshop::open().await;
    let card = workshop.issued("M1").await;
    let mut admin = workshop.maker_cards(Role::Admin);
    assert_eq!(issue(&mut admin, &card).await.expect("the same").etag, "1");
    assert_refused(issue(&mut admin, &Card::maker("M1")).await, Code::AlreadyExists, "MAKER_CARD_EXISTS");
    withdraw(&mut admin, "M1").await.expect("withdrawn");
    assert_refused(issue(&mut admin, &card).await, Code::FailedPrecondition, "MAKER_CARD_WITHDRAWN");
}

#[tokio::test]
async fn a_certificate_is_on_one_maker_card() {
    let workshop = Workshop::open().await;
    let card = Card { serial: "M2".to_owned(), ..workshop.issued("M1").await };
    let answer = issue(&mut workshop.maker_cards(Role::Admin), &card).await;
    assert_refused(answer, Code::FailedPrecondition, "MAKER_CERTIFICATE_IN_USE");
}

#[tokio::test]
async fn a_holders_certificate_is_no_makers() {
    let workshop = Workshop::open().await;
    let answer = issue(&mut workshop.maker_cards(Role::Admin), &Card::holder("M1", LENOVO)).await;
    assert_refused(answer, Code::FailedPrecondition, "MAKER_CERTIFICATE_UNTRUSTED");
    assert!(workshop.events().await.is_empty());
}

#[tokio::test]
async fn an_unknown_card_can_not_be_withdrawn() {
    let workshop = Workshop::open().await;
    let answer = withdraw(&mut workshop.maker_cards(Role::Admin), "M1").await;
    assert_refused(answer, Code::NotFound, "MAKER_CARD_NOT_FOUND");
}

#[tokio::test]
async fn fields_that_are_not_acceptable_are_named() {
    let workshop = Workshop::open().await;
    let mut admin = workshop.maker_cards(Role::Admin);
    let good = issuing("M1", Card::maker("M1").certificate().der());
    let wrong = [
        ("card_serial", pb::IssueMakerCardRequest { card_serial: String::new(), ..good.clone() }),
        ("card_serial", pb::IssueMakerCardRequest { card_serial: "x".repeat(129), ..good.clone() }),
        ("maker_id", pb::IssueMakerCardRequest { maker_id: "张制章".to_owned(), ..good.clone() }),
        ("certificate", pb::IssueMakerCardRequest { certificate: b"none".to_vec(), ..good.clone() }),
        ("request_id", pb::IssueMakerCardRequest { request_id: "7".to_owned(), ..good }),
    ];
    for (field, request) in wrong {
        assert_eq!(violation(admin.issue_maker_card(request).await), field);
    }
    let (request_id, card_serial, reason_code) = (request_id(), "M1".to_owned(), "BECAUSE".to_owned());
    let request = pb::WithdrawMakerCardRequest { request_id, card_serial, reason_code };
    assert_eq!(violation(admin.withdraw_maker_card(request).await), "reason_code");
}

#[tokio::test]
async fn cards_are_listed_in_pages() {
    let workshop = Workshop::open().await;
    for serial in ["M3", "M1", "M2"] {
        workshop.issued(serial).await;
    }
    let mut maker = workshop.maker_cards(Role::Maker);
    let request = pb::ListMakerCardsRequest { page_size: 2, ..Default::default() };
    let first = maker.list_maker_cards(request).await.expect("listed").into_inner();
    let request = pb::ListMakerCardsRequest { page_token: first.next_page_token, ..Default::default() };
    let second = maker.list_maker_cards(request).await.expect("listed").into_inner();
    let listed = first.maker_cards.iter().chain(&second.maker_cards);
    let serials: Vec<_> = listed.map(|card| card.card_serial.as_str()).collect();
    assert_eq!((serials, second.next_page_token.as_str()), (vec!["M1", "M2", "M3"], ""));
}

async fn list(workshop: &Workshop) -> Vec<pb::MakerCard> {
    let request = pb::ListMakerCardsRequest::default();
    let listed = workshop.maker_cards(Role::Auditor).list_maker_cards(request).await;
    listed.expect("listed").into_inner().maker_cards
}
