//! Who waits for an issuer, and how long: a wrong PIN never, a use no longer than is set, and the next use not at all.

use std::time::Duration;

use eseal_authentication::Config;
use eseal_proto::authentication::v1 as pb;
use eseal_service::Role;
use eseal_testkit::wait_until;
use tonic::{Code, Status};

use crate::batch::{Many, hosted_begun, hosted_shown};
use crate::bureau::*;
use crate::gates::at_d;
use crate::hosted::{Hosted, PIN, authorization, hosted, sealed_once};
use crate::inquiry::{Responder, evidence};
use crate::rights::set_policy;
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

/// A use whose PIN is right and that waits for the issuer; what was sent, and who waits for the answer.
async fn waits(bureau: &Bureau, hosted: &Hosted) -> (pb::AuthorizeHostedSealingRequest, Waiting) {
    let before = count(bureau, hosted, "PinAccepted").await;
    let begun = begin(&mut bureau.zhou(), &hosted.seal_id).await.expect("begun");
    let request = authorization(hosted, &begun.attempt_id, &hosted.sm2, PIN);
    let (mut zhou, sent) = (bureau.zhou(), request.clone());
    let waiting = tokio::spawn(async move { zhou.authorize_hosted_sealing(sent).await.map(drop) });
    let accepted = async || (count(bureau, hosted, "PinAccepted").await > before).then_some(());
    wait_until("the PIN is accepted", LONG, accepted).await;
    (request, waiting)
}

type Waiting = tokio::task::JoinHandle<Result<(), Status>>;

#[tokio::test]
async fn a_use_that_was_killed_between_its_right_pin_and_gate_d_goes_on_when_the_same_request_comes_again() {
    let (responder, mut bureau) = patient_for(WITHOUT_END).await;
    let (hosted, many) = (hosted(&bureau).await, Many::of(3));
    responder.keeps_back(true);
    let (request, waiting) = waits(&bureau, &hosted).await;
    let attempt_id = hosted_begun(&bureau, &hosted, &many).await.expect("begun");
    let over_many = hosted_shown(&hosted, &many, &attempt_id, PIN);
    let (mut zhou, sent) = (bureau.zhou(), over_many.clone());
    let act = tokio::spawn(async move { zhou.authorize_hosted_batch(sent).await.map(drop) });
    let accepted = async || (count(&bureau, &hosted, "PinAccepted").await == 2).then_some(());
    wait_until("the PIN is accepted again", LONG, accepted).await;
    for one in [waiting, act] {
        one.abort(); // the clients go as well
    }
    bureau.restart().await;
    assert_eq!(count(&bureau, &hosted, "SealingAuthorized").await, 0);
    responder.keeps_back(false);

    bureau.zhou().authorize_hosted_sealing(request.clone()).await.expect("it goes on");
    bureau.zhou().authorize_hosted_batch(over_many).await.expect("as an act over many does");
    bureau.zhou().authorize_hosted_sealing(request).await.expect("and its answer is kept");
    assert_eq!(count(&bureau, &hosted, "SealingAuthorized").await, 1);
    assert_eq!(count(&bureau, &hosted, "BatchAuthorized").await, 1);
    assert_eq!(count(&bureau, &hosted, "PinTried").await, 2, "once each");
    assert_eq!(show(&mut bureau.admin(), &hosted.seal_id).await.expect("shown").pin_tries_left, 5);
}

#[tokio::test]
async fn a_hundred_guesses_beside_a_use_that_was_killed_after_its_right_pin_learn_nothing_and_are_five() {
    let (responder, mut bureau) = patient_for(WITHOUT_END).await;
    let hosted = hosted(&bureau).await;
    responder.keeps_back(true);
    let (request, waiting) = waits(&bureau, &hosted).await;
    waiting.abort();
    bureau.restart().await;
    responder.keeps_back(false);
    let guess = |number: u32| format!("{:06}", 314_159 + number);
    // In the same attempt another request compares nothing, right or wrong.
    let others = (0..50).map(|number| {
        let pin = if number == 0 { PIN.to_owned() } else { guess(number) };
        let other = pb::AuthorizeHostedSealingRequest { request_id: request_id(), pin, ..request.clone() };
        let mut zhou = bureau.zhou();
        async move { zhou.authorize_hosted_sealing(other).await }
    });
    for answer in futures::future::join_all(others).await {
        assert_refused(answer, Code::FailedPrecondition, "SEALING_OUT_OF_ORDER");
    }
    assert_eq!(count(&bureau, &hosted, "PinTried").await, 1);
    // The same request is answered by what was found before, whatever is typed now.
    let again =
        (0..50).map(|number| {
            let (mut zhou, again) = (bureau.zhou(), request.clone());
            async move {
                zhou.authorize_hosted_sealing(pb::AuthorizeHostedSealingRequest { pin: guess(number), ..again }).await
            }
        });
    for answer in futures::future::join_all(again).await {
        answer.expect("the answer of its right PIN");
    }
    assert_eq!(count(&bureau, &hosted, "PinTried").await, 1, "no PIN was looked at");
    assert_eq!(count(&bureau, &hosted, "SealingAuthorized").await, 1);
    // Attempts of their own have the five tries that every guess has.
    let mut guesses = Vec::new();
    for number in 0..50 {
        let attempt = begin(&mut bureau.zhou(), &hosted.seal_id).await.expect("begun").attempt_id;
        let (mut zhou, wrong) = (bureau.zhou(), authorization(&hosted, &attempt, &hosted.sm2, &guess(number)));
        guesses.push(async move { zhou.authorize_hosted_sealing(wrong).await });
    }
    for answer in futures::future::join_all(guesses).await {
        let reason = refusal(answer).1.reason;
        assert!(["PIN_INCORRECT", "PIN_LOCKED"].contains(&reason.as_str()), "{reason}");
    }
    assert_eq!(count(&bureau, &hosted, "PinTried").await, 6);
}

#[tokio::test]
async fn what_a_policy_demands_since_a_use_waits_for_an_issuer_is_demanded_of_it() {
    let (responder, bureau) = patient_for(WITHOUT_END).await;
    let hosted = hosted(&bureau).await;
    let approved = pb::SealPolicy { approval_required: true, ..pb::SealPolicy::default() };
    let with_code = pb::SealPolicy { second_factor: pb::SecondFactor::Totp.into(), ..pb::SealPolicy::default() };
    for (policy, gate, reason) in [(approved, "d", "NOT_AUTHORIZED"), (with_code, "c", "PIN_INCORRECT")] {
        set_policy(&mut bureau.admin(), &hosted.seal_id, pb::SealPolicy::default()).await.expect("nothing more");
        responder.keeps_back(true);
        bureau.later(DAY * 2); // what the issuer said is old by now
        let (_, waiting) = waits(&bureau, &hosted).await;
        set_policy(&mut bureau.admin(), &hosted.seal_id, policy).await.expect("tightened");
        responder.keeps_back(false);
        assert_gate(waiting.await.expect("no panic"), gate, reason);
    }
    assert_eq!(count(&bureau, &hosted, "SealingAuthorized").await, 0);
    assert_eq!(show(&mut bureau.admin(), &hosted.seal_id).await.expect("shown").pin_tries_left, 5, "no try was spent");
}
