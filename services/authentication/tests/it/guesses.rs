//! Who guesses a PIN, however many of them and wherever: five guesses are compared, and then none.

use std::time::Duration;

use eseal_proto::authentication::v1 as pb;
use eseal_proto::authentication::v1::sealing_service_client::SealingServiceClient;
use eseal_service::Role;
use eseal_testkit::wait_until;
use tonic::Status;

use crate::bureau::*;
use crate::hosted::{Hosted, PIN, authorization, hosted, sealed_once};
use crate::signing::begin;

/// Two processes of the service.
const REPLICAS: [&str; 2] = ["authentication", "another"];
const GUESSES: usize = 100;
const ATTEMPTS: usize = 50;

async fn guess(
    bureau: &Bureau,
    replica: &'static str,
    hosted: &Hosted,
    attempt_id: &str,
    pin: &str,
) -> Result<pb::AuthorizeHostedSealingResponse, Status> {
    let lenovo = LENOVO.parse().expect("a code");
    let channel = bureau.house.person(replica, ZHOU, &[Role::Custodian], Some(&lenovo));
    let request = authorization(hosted, attempt_id, &hosted.sm2, pin);
    Ok(SealingServiceClient::new(channel).authorize_hosted_sealing(request).await?.into_inner())
}

#[tokio::test]
async fn a_hundred_guesses_at_once_on_two_replicas_are_five_and_then_the_right_one_is_none() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    bureau.opens_another(REPLICAS[1]).await;
    let mut attempts = Vec::new();
    for _ in 0..ATTEMPTS {
        attempts.push(begin(&mut bureau.zhou(), &hosted.seal_id).await.expect("begun").attempt_id);
    }
    let place = |i: usize| (REPLICAS[i % 2], attempts[i % ATTEMPTS].as_str());
    let wrong = (0..GUESSES / 2).map(|i| {
        let ((replica, attempt), bureau, hosted) = (place(i), &bureau, &hosted);
        async move { guess(bureau, replica, hosted, attempt, &format!("{:06}", 314_159 + i)).await }
    });
    // The other half are right, and all come once the seal is locked, while wrong ones may still wait.
    let right = async {
        let locked = async || show(&mut bureau.admin(), &hosted.seal_id).await.ok().filter(|seal| seal.pin_locked);
        wait_until("the seal is locked", Duration::from_secs(120), locked).await;
        let guesses = (0..GUESSES / 2).map(|i| {
            let ((replica, attempt), bureau, hosted) = (place(i), &bureau, &hosted);
            async move { guess(bureau, replica, hosted, attempt, PIN).await }
        });
        futures::future::join_all(guesses).await
    };
    let (wrong, right) = tokio::join!(futures::future::join_all(wrong), right);
    for answer in wrong.into_iter().chain(right) {
        let reason = refusal(answer).1.reason;
        // An attempt that the lock ended takes nothing more, and one whose PIN is being compared not another one.
        let reasons = ["PIN_INCORRECT", "PIN_LOCKED", "ATTEMPT_NOT_OPEN", "PIN_CHECK_RUNNING"];
        assert!(reasons.contains(&reason.as_str()), "{reason}");
    }
    let kinds = bureau.kinds(&hosted.seal_id).await;
    // Each comparison was counted before it was made (`PinTried`), so that no more were made than counted.
    assert_eq!(kinds.iter().filter(|kind| *kind == "PinTried").count(), 5);
    assert!(!kinds.iter().any(|kind| kind == "PinAccepted" || kind == "SealingAuthorized"), "{kinds:?}");
    assert_gate(begin(&mut bureau.zhou(), &hosted.seal_id).await, "c", "PIN_LOCKED");
    unlock(&mut bureau.admin(), &hosted.seal_id).await.expect("unlocked");
    sealed_once(&bureau, &hosted).await.expect("sealed");
}
