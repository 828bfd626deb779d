//! What application and authentication say.

use eseal_proto::application::v1 as application;
use eseal_proto::authentication::v1 as authentication;
use eseal_proto::fabrication::v1 as pb;
use eseal_testkit::wait_until;
use tonic::Code;

use crate::cards::Card;
use crate::workshop::*;

const APPROVED: &str = "eseal.application.v1.Approved";
const WITHDRAWN: &str = "eseal.application.v1.Withdrawn";
pub const REVOKED: &str = "eseal.authentication.v1.SealRevoked";
pub const REPLACED: &str = "eseal.authentication.v1.SealReplaced";
const EXPIRED: &str = "eseal.authentication.v1.SealExpired";

#[tokio::test]
async fn an_approved_application_waits_to_be_made() {
    let workshop = Workshop::open().await;
    let application = workshop.approved().await;
    let shown = workshop.shown(&application).await;
    assert_eq!(shown.state(), pb::FabricationState::Waiting);
    assert_eq!((shown.organization, shown.seal_type), (particulars().organization, particulars().seal_type));
    let queued = workshop.events_of(&application).await.remove(0);
    let told = workshop.application.log().read(0, 1).await.expect("events").remove(0);
    assert_eq!(
        (queued.causation_id, queued.actor.to_string()),
        (Some(told.event_id), "service:fabrication".to_owned())
    );
    assert_eq!(queued.correlation_id, told.correlation_id);
}

#[tokio::test]
async fn the_same_approval_twice_waits_once() {
    let workshop = Workshop::open().await;
    let application = workshop.approved().await;
    workshop.approves(&application, particulars()).await;
    workshop.approved().await; // comes after it
    assert_eq!(workshop.kinds(&application).await, ["FabricationQueued"]);
}

#[tokio::test]
async fn nothing_is_made_for_the_end_of_a_seal() {
    let workshop = Workshop::open().await;
    let (application, kind) = (request_id(), application::ApplicationKind::Revoke.into());
    workshop.approves(&application, application::Particulars { kind, ..particulars() }).await;
    workshop.approved().await; // comes after it
    assert!(workshop.kinds(&application).await.is_empty());
    assert!(workshop.dead_letters("fabrication", "application").await.is_empty());
}

#[tokio::test]
async fn nothing_is_made_for_a_withdrawn_application() {
    let workshop = Workshop::open().await;
    let application = workshop.approved().await;
    let run = begin(workshop.maker("zhang"), &application, "M1").await.expect("begun");
    let withdrawn = application::Withdrawn { application_id: application.clone(), ..Default::default() };
    workshop.application.tells(&application, WITHDRAWN, &withdrawn).await;
    workshop.until(&application, "FabricationStopped").await;
    assert_eq!(workshop.shown(&application).await.state(), pb::FabricationState::Stopped);
    let answer = begin(run.maker, &application, "M1").await;
    assert_refused(answer, Code::FailedPrecondition, "FABRICATION_CLOSED");
}

#[tokio::test]
async fn a_withdrawal_before_any_approval_is_passed_over() {
    let workshop = Workshop::open().await;
    let application = request_id();
    let withdrawn = application::Withdrawn { application_id: application.clone(), ..Default::default() };
    workshop.application.tells(&application, WITHDRAWN, &withdrawn).await;
    workshop.approved().await; // comes after it
    assert!(workshop.kinds(&application).await.is_empty());
    assert!(workshop.dead_letters("fabrication", "application").await.is_empty());
}

#[tokio::test]
async fn the_card_of_a_seal_that_has_ended_can_carry_another_seal() {
    let workshop = Workshop::open().await;
    let (maker, holder) = (workshop.issued("M1").await, Card::holder("S1", LENOVO));
    for kind in [REVOKED, REPLACED, EXPIRED] {
        let application = workshop.approved().await;
        let mut run = begin(workshop.maker("zhang"), &application, "M1").await.expect("begun");
        run.makes(&maker, &holder).await.expect("made");
        for _ in 0..2 {
            ends(&workshop, kind, &application, &run.seal_id).await;
        }
        workshop.until(&application, "CardReleased").await;
        assert_eq!(workshop.shown(&application).await.state(), pb::FabricationState::Stopped);
    }
    let released = workshop.events().await.into_iter().filter(|event| event.kind.ends_with("CardReleased"));
    assert_eq!(released.count(), 3);
}

#[tokio::test]
async fn the_end_of_another_seal_releases_nothing() {
    let workshop = Workshop::open().await;
    let (maker, holder, application) =
        (workshop.issued("M1").await, Card::holder("S1", LENOVO), workshop.approved().await);
    let mut run = begin(workshop.maker("zhang"), &application, "M1").await.expect("begun");
    run.makes(&maker, &holder).await.expect("made");
    ends(&workshop, REVOKED, &application, &request_id()).await;
    ends(&workshop, REVOKED, &application, &run.seal_id).await;
    workshop.until(&application, "CardReleased").await;
    assert_eq!(workshop.kinds(&application).await.len(), 7);
}

#[tokio::test]
async fn news_that_can_not_be_read_are_parked_and_the_others_go_on() {
    let workshop = Workshop::open().await;
    workshop.application.tells_bytes("garbled", APPROVED, b"{]".to_vec()).await;
    workshop.application.tells("bare", APPROVED, &application::Approved::default()).await;
    let (unsaid, custody) = (request_id(), 0);
    workshop.approves(&unsaid, application::Particulars { custody, ..particulars() }).await;
    workshop.application.tells("other", "eseal.application.v1.Submitted", &application::Submitted::default()).await;
    workshop.approved().await;
    let parked = wait_until("three letters are parked", BOUND, async || {
        let parked = workshop.dead_letters("fabrication", "application").await;
        (parked.len() == 3).then_some(parked)
    });
    assert_eq!(parked.await, ["garbled", "bare", unsaid.as_str()]);
}

pub async fn ends(workshop: &Workshop, kind: &'static str, application: &str, seal: &str) {
    let (application_id, seal_id) = (application.to_owned(), seal.to_owned());
    let says = &workshop.authentication;
    match kind {
        REVOKED => {
            let fact = authentication::SealRevoked { seal_id, application_id, ..Default::default() };
            says.tells(seal, kind, &fact).await;
        }
        REPLACED => {
            let fact = authentication::SealReplaced { seal_id, application_id, ..Default::default() };
            says.tells(seal, kind, &fact).await;
        }
        _ => says.tells(seal, kind, &authentication::SealExpired { seal_id, application_id }).await,
    }
}
