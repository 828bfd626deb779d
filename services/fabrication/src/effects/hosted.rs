//! Fabrication of seals whose keys are hosted, driven by our own facts: one fact, one effect, one command.

use std::time::Duration;

use eseal_bus::{Consumer, Outcome, Received};
use eseal_eventstore::{Actor, CommandError, Delivery, StoredEvent};
use eseal_kernel::{Aggregate as _, Id, Timestamp};
use eseal_pki::challenge::ChallengeStatement;
use eseal_proto::authentication::v1::TrustPurpose;
use eseal_proto::moment;
use eseal_proto::seal::v1 as seal_pb;
use eseal_service::{Context, Onward};

use super::OwnMaker;
use crate::app::{App, AppError, OWN_MAKER_ID, Prepared, RunStep, is_hosted};
use crate::contents::Kind;
use crate::domain::event::{Challenge, Event};
use crate::domain::fabrication::Fabrication;
use crate::domain::order::{Custody, Order};
use crate::domain::run::{Run, Stage};
use crate::making;
use crate::proof::{maker_terms, seal_card_terms};

/// The time for all calls of one effect.
const TIME_FOR_CALLS: Duration = Duration::from_secs(20);

/// Carries hosted fabrications on until the service stops.
///
/// # Errors
/// [`eseal_bus::BusError`] when the bus can't go on.
pub async fn run(app: App, context: Context) -> Result<(), eseal_bus::BusError> {
    let consumer = Consumer { name: "hosted_fabrication", owner: context.name() };
    let handler = |received: Received, delivery: Delivery| handle(&app, received, delivery);
    context.consume(consumer, wanted, handler).await
}

/// Facts about maker cards and about what a person does ask for nothing.
fn wanted(fact: &StoredEvent) -> bool {
    let event = || fact.fact::<Fabrication>();
    fact.stream_id.kind() == Fabrication::KIND && !event().is_ok_and(|event| awaits_effect(&event).is_none())
}

async fn handle(app: &App, received: Received, delivery: Delivery) -> Outcome {
    let fact = &received.event;
    let event = match fact.fact::<Fabrication>() {
        Ok(event) => event,
        Err(unreadable) => return Outcome::Never(unreadable.to_string()),
    };
    let Some(application) = awaits_effect(&event) else { return Outcome::Done };
    let onward = Onward::within(TIME_FOR_CALLS, received.traceparent.clone());
    let prepared = match next(app, &onward, application).await {
        Ok(Some(prepared)) => prepared,
        Ok(None) => return Outcome::Done,
        Err(error) => return Outcome::Later(error.to_string()),
    };
    let metadata = received.metadata(app.now(), Actor::new(OWN_MAKER_ID, "service"));
    match app.execute(App::order(application, prepared, metadata).delivered(delivery)).await {
        // A step that does not fit any more was taken before: by this effect before it was killed, or by a later run.
        Ok(_) | Err(CommandError::Rejected(_)) => Outcome::Done,
        Err(
            error @ (CommandError::RequestIdReused
            | CommandError::Conflict { .. }
            | CommandError::Busy
            | CommandError::Stopping
            | CommandError::Store(_)),
        ) => Outcome::Later(error.to_string()),
    }
}

/// The application whose fabrication may have to be carried on after this event.
fn awaits_effect(event: &Event) -> Option<Id> {
    match event {
        Event::Queued(order) => is_hosted(order).then_some(order.application_id),
        Event::RunBegun { application_id, maker_id, .. } => (maker_id == OWN_MAKER_ID).then_some(*application_id),
        Event::MakerCardProved { application_id, .. }
        | Event::SealCardAccepted { application_id, .. }
        | Event::SealSigned { application_id, .. } => Some(*application_id),
        Event::Refused { .. } | Event::Fabricated { .. } | Event::Stopped { .. } | Event::Released { .. } => None,
    }
}

/// The next command, with the effect that it needs done; nothing where somebody else's move is next.
async fn next(app: &App, onward: &Onward, application: Id) -> Result<Option<Prepared>, AppError> {
    let (fabrication, version) = app.fabrication(application).await?;
    // Begun on what was read only: a run that a person began meanwhile is carried on, not begun anew.
    let on_this = |prepared| Prepared { version: Some(version), ..prepared };
    match fabrication {
        Fabrication::Waiting { order, ended: None } if is_hosted(&order) => {
            app.begin(application, true, OWN_MAKER_ID, None).map(on_this).map(Some)
        }
        Fabrication::Running { order, run } if run.maker_id == OWN_MAKER_ID => {
            let now = app.now();
            let stale = |challenge: &Challenge| challenge.is_over(now) || challenge.is_of_the_future(now);
            if run.stage.challenge().is_some_and(stale) {
                return anew(app, onward, &order).await.map(on_this).map(Some);
            }
            let step = RunStep { application, run: run.run_id, maker_id: run.maker_id.clone() };
            step_on(app, onward, &order, &run, &step).await.map(Some)
        }
        Fabrication::Absent
        | Fabrication::Waiting { .. }
        | Fabrication::Running { .. }
        | Fabrication::Made { .. }
        | Fabrication::Closed { .. } => Ok(None),
    }
}

/// Begins the run anew whose challenge ran out while this process or another service was away, or was given by a clock that
/// has been put right since: nothing is wrong with a card or a certificate. Not before the others answer, else a long
/// outage would fill the log with runs.
async fn anew(app: &App, onward: &Onward, order: &Order) -> Result<Prepared, AppError> {
    if let Some(maker) = &app.own_maker {
        app.peers.is_good(onward, maker.certificate(), TrustPurpose::Maker, None).await?;
    }
    match app.peers.material(onward, order.seal_name).await {
        Err(status) if status.code() != tonic::Code::NotFound => Err(status.into()),
        Ok(_) | Err(_) => app.begin(order.application_id, true, OWN_MAKER_ID, None),
    }
}

async fn step_on(app: &App, onward: &Onward, order: &Order, run: &Run, step: &RunStep) -> Result<Prepared, AppError> {
    match &run.stage {
        Stage::MakerCard(_) => {
            let proof = match (maker_terms(run), app.own_maker.clone()) {
                (Some(terms), Some(maker)) => on_card(move || prove(&maker, &terms)).await,
                (None, _) | (_, None) => None,
            };
            // A card that can't prove its key is refused by gate a like any other.
            app.maker_card(onward, step, &proof.unwrap_or_default(), None).await
        }
        Stage::SealCard { .. } => {
            let (Custody::HostedKey(key), Some(terms)) = (&order.custody, seal_card_terms(run)) else {
                return Ok(app.failure(step));
            };
            let proofs = app.peers.prove_hosted_key(onward, *key, &order.organization.uscc, terms).await;
            let proofs = match proofs {
                Ok(proofs) => proofs,
                // The key is unknown, not certified or another organization's: gate b finds no certificate.
                Err(status) if matches!(status.code(), tonic::Code::NotFound | tonic::Code::FailedPrecondition) => {
                    Vec::new()
                }
                Err(status) => return Err(status.into()),
            };
            app.seal_card(onward, step, &key.to_string(), &proofs).await
        }
        Stage::Signing { card, .. } => {
            let info =
                app.contents.get(Kind::SealInfo, card.seal_info).await?.ok_or(AppError::Missing("SES_SealInfo"))?;
            let (maker, seal_id) = (app.own_maker.clone(), run.seal_id);
            let signature = on_card(move || sign(&maker?, &info, seal_id)).await;
            match signature {
                Some(signature) => app.signature(step, &signature).await,
                None => Ok(app.failure(step)),
            }
        }
        Stage::Storing { seal, .. } => {
            let read_back = app.contents.get(Kind::Seal, *seal).await?.unwrap_or_default();
            app.confirmation(step, &read_back).await
        }
    }
}

/// Cards block.
async fn on_card<T: Send + 'static>(work: impl FnOnce() -> Option<T> + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok().flatten()
}

fn prove(maker: &OwnMaker, terms: &seal_pb::ChallengeTerms) -> Option<seal_pb::SignedStatement> {
    let statement = ChallengeStatement {
        audience: terms.audience.clone(),
        purpose: terms.purpose.clone(),
        attempt_id: terms.attempt_id.clone(),
        seal_id: Some(terms.seal_id.clone()),
        document_digest: None,
        nonce: hex::decode(&terms.nonce).ok()?,
        expires_at: Timestamp::from_micros(moment::micros(terms.expires_at.as_ref()?)?),
    };
    maker.prove(&statement).inspect_err(|error| tracing::error!(%error, "the own maker card does not sign")).ok()
}

/// Signs what decodes as the seal of this run, and nothing else.
fn sign(maker: &OwnMaker, info: &[u8], seal_id: Id) -> Option<Vec<u8>> {
    if !making::is_for(info, seal_id) {
        return None;
    }
    maker.sign(info).inspect_err(|error| tracing::error!(%error, "the own maker card does not sign")).ok()
}
