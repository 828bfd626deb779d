//! The same request again: the first answer again, and nothing done twice.

use eseal_proto::fabrication::v1 as pb;
use eseal_service::Role;
use tonic::Code;

use crate::cards::Card;
use crate::workshop::*;

#[tokio::test]
async fn the_same_begin_twice_is_one_run() {
    let workshop = Workshop::open().await;
    let (mut zhang, request) = (workshop.maker("zhang"), beginning(&workshop.approved().await, "M1"));
    let first = zhang.begin_run(request.clone()).await.expect("begun").into_inner();
    assert_eq!(zhang.begin_run(request.clone()).await.expect("a repeat").into_inner(), first);
    assert_eq!(workshop.kinds(&request.application_id).await, ["FabricationQueued", "RunBegun"]);
}

#[tokio::test]
async fn the_same_begin_at_the_same_moment_is_one_run() {
    let workshop = Workshop::open().await;
    let request = beginning(&workshop.approved().await, "M1");
    let (mut one, mut other) = (workshop.maker("zhang"), workshop.maker("zhang"));
    let answers = tokio::join!(one.begin_run(request.clone()), other.begin_run(request.clone()));
    assert_eq!(answers.0.expect("begun").into_inner(), answers.1.expect("begun").into_inner());
    assert_eq!(workshop.kinds(&request.application_id).await, ["FabricationQueued", "RunBegun"]);
}

#[tokio::test]
async fn a_refusal_is_repeated_too_and_recorded_once() {
    let workshop = Workshop::open().await;
    let (mut zhang, request) = (workshop.maker("zhang"), beginning(&workshop.approved().await, ""));
    for _ in 0..2 {
        let answer = zhang.begin_run(request.clone()).await;
        assert_refused(answer, Code::FailedPrecondition, "MAKER_CARD_ABSENT");
    }
    let kinds = ["FabricationQueued", "RunBegun", "FabricationRefused"];
    assert_eq!(workshop.kinds(&request.application_id).await, kinds);
}

#[tokio::test]
async fn each_step_at_the_same_moment_is_taken_once_and_answered_alike() {
    let workshop = Workshop::open().await;
    let (maker, holder) = (workshop.issued("M1").await, Card::holder("S1", LENOVO));
    let application = workshop.approved().await;
    let mut run = begin(workshop.maker("zhang"), &application, "M1").await.expect("begun");
    let (mut one, mut other) = (workshop.maker("zhang"), workshop.maker("zhang"));

    let request = run.maker_proof(maker.proves(&run.terms));
    let answers = tokio::join!(one.present_maker_card(request.clone()), other.present_maker_card(request));
    let first = answers.0.expect("gate a").into_inner();
    assert_eq!(answers.1.expect("gate a").into_inner(), first);
    run.terms = first.seal_card_challenge.expect("terms");

    let request = run.holder_proofs("S1", holder.proofs(&run.terms));
    let answers = tokio::join!(one.present_seal_card(request.clone()), other.present_seal_card(request.clone()));
    let info = answers.0.expect("accepted").into_inner().seal_info;
    assert_eq!(answers.1.expect("accepted").into_inner().seal_info, info);

    let (request_id, run_id) = (request_id(), run.run_id.clone());
    let signing =
        pb::SignSealRequest { request_id, application_id: application.clone(), run_id, signature: maker.signs(&info) };
    let answers = tokio::join!(one.sign_seal(signing.clone()), other.sign_seal(signing));
    let seal = answers.0.expect("signed").into_inner().seal;
    assert_eq!(answers.1.expect("signed").into_inner().seal, seal);

    // Later repeats are answered as the first time, even when others can't be asked.
    workshop.standins.set_authentication_away(true);
    assert_eq!(one.present_seal_card(request).await.expect("a repeat").into_inner().seal_info, info);
    assert_eq!(run.signs(maker.signs(&info)).await.expect("signed before"), seal, "the first signature stays");
    run.confirms(&seal).await.expect("made");
    assert_eq!(workshop.kinds(&application).await.len(), 6);
}

#[tokio::test]
async fn two_signatures_at_the_same_moment_make_one_seal() {
    let workshop = Workshop::open().await;
    let (maker, application) = (workshop.issued("M1").await, workshop.approved().await);
    let mut run = begin(workshop.maker("zhang"), &application, "M1").await.expect("begun");
    run.presents_maker(maker.proves(&run.terms)).await.expect("gate a");
    let info = run.presents(&Card::holder("S1", LENOVO)).await.expect("accepted");
    let mut one = run.maker.clone();
    let signing = |signature| {
        let (request_id, application_id, run_id) = (request_id(), application.clone(), run.run_id.clone());
        pb::SignSealRequest { request_id, application_id, run_id, signature }
    };
    let (first, second) = (signing(maker.signs(&info)), signing(maker.signs(&info)));
    let mut other = workshop.maker("zhang");
    let answers = tokio::join!(one.sign_seal(first), other.sign_seal(second));
    let mut seals = Vec::new();
    for answer in [answers.0, answers.1] {
        match answer {
            Ok(signed) => seals.push(signed.into_inner().seal),
            // Prepared before the other one was recorded: it may be sent again.
            Err(refused) => assert_refused(Err::<(), _>(refused), Code::Aborted, "VERSION_CONFLICT"),
        }
    }
    seals.dedup();
    assert_eq!(seals.len(), 1);
    run.confirms(&seals[0]).await.expect("made");
    assert_eq!(workshop.kinds(&application).await.len(), 6);
}

#[tokio::test]
async fn another_request_under_the_same_id_is_refused() {
    let workshop = Workshop::open().await;
    let (mut zhang, request) = (workshop.maker("zhang"), beginning(&workshop.approved().await, "M1"));
    zhang.begin_run(request.clone()).await.expect("begun");
    let other = pb::BeginRunRequest { maker_card_serial: "M2".to_owned(), ..request };
    assert_refused(zhang.begin_run(other).await, Code::AlreadyExists, "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn issuing_is_repeated_whatever_became_of_the_certificate_since() {
    let workshop = Workshop::open().await;
    let (card, mut admin) = (Card::maker("M1"), workshop.maker_cards(Role::Admin));
    let request = issuing("M1", card.certificate().der());
    let first = admin.issue_maker_card(request.clone()).await.expect("issued").into_inner();
    workshop.standins.distrust(card.certificate());
    workshop.standins.set_authentication_away(true);
    withdraw(&mut admin, "M1").await.expect("withdrawn");
    assert_eq!(admin.issue_maker_card(request).await.expect("a repeat").into_inner(), first);
}

fn beginning(application: &str, serial: &str) -> pb::BeginRunRequest {
    let (application_id, maker_card_serial) = (application.to_owned(), serial.to_owned());
    pb::BeginRunRequest { request_id: request_id(), application_id, maker_card_serial }
}
