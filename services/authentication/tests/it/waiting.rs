//! Who waits for an issuer, and how long: a wrong PIN never, a use no longer than is set, and the next use not at all.

use std::time::Duration;

use eseal_authentication::Config;
use eseal_proto::authentication::v1 as pb;
use eseal_service::Role;
use eseal_testkit::wait_until;

use crate::bureau::*;
use crate::gates::at_d;
use crate::hosted::{Hosted, PIN, authorization, hosted, sealed_once};
use crate::inquiry::{Responder, evidence};
use crate::signing::{attempts, begin};

/// How long a test waits for what must come, on a machine that has much else to do.
const LONG: Duration = Duration::from_secs(120);
/// Longer than any test may take.
const WITHOUT_END: Duration = Duration::from_secs(60 * 60);

/// A bureau that waits for so long, with its issuer.
async fn patient_for(time: Duration) -> (Responder, Bureau) {
    let (responder, mut bureau) = Responder::and_bureau(false).await;
    bureau.settings = Box::new(move |config| Config { revocation_timeout: time, ..config });
    bureau.restart().await;
    (responder, bureau)
}

/// How many pieces of evidence the newest attempt of a seal has.
async fn pieces(bureau: &Bureau, seal_id: &str) -> usize {
    let attempt_id = attempts(bureau, seal_id).await.remove(0).attempt_id;
    let asked = pb::GetAttemptEvidenceRequest { seal_id: seal_id.to_owned(), attempt_id, ..Default::default() };
    let mut auditor = bureau.sealing("chen", Role::Auditor, None);
    auditor.get_attempt_evidence(asked).await.expect("evidence").into_inner().evidence.len()
}

#[tokio::test]
async fn a_wrong_pin_is_counted_and_refused_while_an_issuer_keeps_its_answer_back() {
    let (responder, bureau) = patient_for(WITHOUT_END).await;
    let hosted = hosted(&bureau).await;
    responder.keeps_back(true);
    let begun = begin(&mut bureau.zhou(), &hosted.seal_id).await.expect("begun");
    let wrong = authorization(&hosted, &begun.attempt_id, &hosted.sm2, "314159");
    let answer = tokio::time::timeout(LONG, bureau.zhou().authorize_hosted_sealing(wrong)).await;
    assert_gate(answer.expect("nobody is waited for"), "c", "PIN_INCORRECT");
    assert_eq!(show(&mut bureau.admin(), &hosted.seal_id).await.expect("shown").pin_tries_left, 4);
    assert_eq!(pieces(&bureau, &hosted.seal_id).await, 0, "its certificates were not looked at");
    responder.keeps_back(false);
    bureau.later(Duration::from_secs(1)); // so that the next attempt is the newer one
    sealed_once(&bureau, &hosted).await.expect("sealed");
    assert_eq!(pieces(&bureau, &hosted.seal_id).await, 1);
}

#[tokio::test]
async fn right_pins_that_wait_for_an_issuer_are_accepted_and_lock_nothing() {
    let (responder, bureau) = patient_for(WITHOUT_END).await;
    let hosted = hosted(&bureau).await;
    responder.keeps_back(true);
    let mut waiting = Vec::new();
    // More than there are tries.
    for number in 1..=7 {
        let begun = begin(&mut bureau.zhou(), &hosted.seal_id).await.expect("begun");
        let request = authorization(&hosted, &begun.attempt_id, &hosted.sm2, PIN);
        let mut zhou = bureau.zhou();
        waiting.push(tokio::spawn(async move { zhou.authorize_hosted_sealing(request).await }));
        let accepted = async || (count(&bureau, &hosted, "PinAccepted").await == number).then_some(());
        wait_until("the PIN is accepted", LONG, accepted).await;
    }
    assert_eq!(count(&bureau, &hosted, "SealingAuthorized").await, 0, "gate d needs the issuer's word");
    responder.keeps_back(false);
    for one in waiting {
        one.await.expect("no panic").expect("authorized");
    }
    assert_eq!(responder.asked(), 1, "one asks for all");
    assert_eq!(count(&bureau, &hosted, "PinAccepted").await, 7, "each once");
}

async fn count(bureau: &Bureau, hosted: &Hosted, kind: &str) -> usize {
    bureau.kinds(&hosted.seal_id).await.iter().filter(|one| *one == kind).count()
}

#[tokio::test]
async fn a_use_waits_for_an_issuer_no_longer_than_is_set_and_what_comes_later_is_there_for_the_next() {
    let (responder, bureau) = patient_for(Duration::from_millis(1)).await;
    let card = bureau.active().await;
    responder.keeps_back(true);
    at_d(&bureau, &card).await.expect("taken as good, for nobody says anything yet");
    assert_eq!(evidence(&bureau, &card).await.len(), 0);
    responder.keeps_back(false);
    let known = async || {
        at_d(&bureau, &card).await.expect("good");
        (evidence(&bureau, &card).await.len() == 1).then_some(())
    };
    wait_until("the answer has come", LONG, known).await;
    assert_eq!(responder.asked(), 1, "who asked first went on asking");
}
