//! The rules of cancelling, one claim a test.

use eseal_kernel::{Aggregate as _, ClaimChange, Id, Scenario, Timestamp};

use super::*;
use crate::domain::Command;
use crate::domain::event::{FabricationRefusal, SealState};
use crate::domain::example::{particulars, person};
use crate::domain::existing;

type Rules = Scenario<Application>;

#[test]
fn its_applicant_or_whoever_oversees_asks_and_nobody_else() {
    let rules = Rules::given([submitted(renew()), approved(renew())]);
    assert_eq!(rules.when(&cancel("zhang", false)), Ok(vec![asked("zhang")]));
    assert_eq!(rules.when(&cancel("li", true)), Ok(vec![asked("li")]));
    assert_eq!(rules.when(&cancel("qian", false)), Err(Rejection::NotTheApplicant));
}

#[test]
fn asking_ends_nothing_before_fabrication_has_stopped() {
    let rules = Rules::given([submitted(renew()), approved(renew()), asked("zhang")]);
    assert!(matches!(rules.state(), Application::Approved { .. }));
    assert_eq!(Application::claims_of(&asked("zhang")), []);
    assert_eq!(rules.when(&Command::NoteStopped), Ok(vec![cancelled(Some(seal()))]));
}

#[test]
fn the_end_frees_the_existing_seal_that_was_claimed_and_no_other() {
    let released: Vec<_> = existing::claims(seal()).map(ClaimChange::Released).into();
    assert_eq!(Application::claims_of(&cancelled(Some(seal()))), released);
    assert_eq!(Application::claims_of(&cancelled(None)), []);
    let rules = Rules::given([submitted(Kind::New), approved(Kind::New), asked("zhang")]);
    assert_eq!(rules.when(&Command::NoteStopped), Ok(vec![cancelled(None)]));
}

#[test]
fn asking_twice_and_hearing_twice_record_one_fact() {
    let rules = Rules::given([submitted(renew()), approved(renew()), asked("zhang")]);
    assert_eq!(rules.when(&cancel("li", true)), Ok(vec![]));
    let over = Rules::given([submitted(renew()), approved(renew()), asked("zhang"), cancelled(Some(seal()))]);
    assert_eq!(over.when(&cancel("zhang", false)), Ok(vec![]));
    assert_eq!(over.when(&Command::NoteStopped), Ok(vec![]));
}

#[test]
fn a_seal_that_was_made_first_stays_made_whatever_was_asked() {
    let rules = Rules::given([submitted(renew()), approved(renew()), asked("zhang")]);
    assert_eq!(rules.when(&Command::NoteSealMade { seal: id() }), Ok(vec![made()]));
    let rules = Rules::given([submitted(renew()), approved(renew()), asked("zhang"), made()]);
    assert_eq!(rules.when(&cancel("zhang", false)), Err(Rejection::AlreadyMade));
    // Nobody says both; if somebody did, it would be seen.
    assert_eq!(rules.when(&Command::NoteStopped), Err(Rejection::AlreadyMade));
    let over = Rules::given([submitted(renew()), approved(renew()), asked("zhang"), cancelled(Some(seal()))]);
    assert_eq!(over.when(&Command::NoteSealMade { seal: id() }), Err(Rejection::AlreadyCancelled));
    let state = Command::NoteSealState { seal: id(), state: SealState::Active };
    assert_eq!(over.when(&state), Err(Rejection::AlreadyCancelled));
}

#[test]
fn the_refusal_of_the_run_that_was_stopped_is_noted_before_the_end() {
    let refusal = FabricationRefusal { run: id(), gate: "e".to_owned(), reason: "FABRICATION_FAILED".to_owned() };
    let rules = Rules::given([submitted(renew()), approved(renew()), asked("zhang")]);
    let noted = Event::FabricationRefusalNoted { application: id(), refusal: refusal.clone() };
    assert_eq!(rules.when(&Command::NoteFabricationRefusal { refusal }), Ok(vec![noted]));
}

#[test]
fn what_is_not_approved_or_needs_no_making_can_not_be_cancelled() {
    let ask = cancel("zhang", false);
    assert_eq!(Rules::given([]).when(&ask), Err(Rejection::NotFound));
    assert_eq!(Rules::given([submitted(renew())]).when(&ask), Err(Rejection::NotApproved));
    let withdrawn = Event::Withdrawn { application: id(), freed: Some(seal()) };
    assert_eq!(Rules::given([submitted(renew()), withdrawn]).when(&ask), Err(Rejection::AlreadyWithdrawn));
    let revoke = Kind::Revoke(seal());
    assert_eq!(Rules::given([submitted(revoke), approved(revoke)]).when(&ask), Err(Rejection::NothingToMake));
}

#[test]
fn a_cancelled_application_is_not_approved_returned_revised_or_withdrawn() {
    let over = Rules::given([submitted(renew()), approved(renew()), asked("zhang"), cancelled(Some(seal()))]);
    for command in [Command::Approve { reviewer: person("wang") }, Command::Withdraw { applicant: person("zhang") }] {
        assert_eq!(over.when(&command), Err(Rejection::AlreadyCancelled), "{command:?}");
    }
    assert_eq!(over.when(&Command::Resubmit { applicant: person("zhang") }), Err(Rejection::AlreadyCancelled));
}

#[test]
fn fabrication_that_stops_unasked_ends_the_application_too() {
    let rules = Rules::given([submitted(renew()), approved(renew())]);
    assert_eq!(rules.when(&Command::NoteStopped), Ok(vec![cancelled(Some(seal()))]));
}

fn cancel(by: &str, oversees: bool) -> Command {
    Command::Cancel(Cancel { by: person(by), oversees, reason: CancellationReason::CanNotBeMade })
}

fn asked(by: &str) -> Event {
    Event::CancellationAsked { application: id(), by: person(by), reason: CancellationReason::CanNotBeMade }
}

fn cancelled(freed: Option<Id>) -> Event {
    Event::Cancelled { application: id(), freed }
}

fn made() -> Event {
    Event::SealMadeNoted { application: id(), seal: id() }
}

fn renew() -> Kind {
    Kind::Renew(seal())
}

fn submitted(kind: Kind) -> Event {
    Event::Submitted {
        application: id(),
        applicant: person("zhang"),
        approvals_needed: 1,
        particulars: particulars(kind),
        submitted_at: Timestamp::from_seconds(1),
        claims_existing: kind.existing().is_some(),
    }
}

fn approved(kind: Kind) -> Event {
    let (reviewer, applicant) = (person("li"), person("zhang"));
    Event::Approved { application: id(), reviewer, applicant, particulars: particulars(kind) }
}

fn id() -> Id {
    "0198c0de-0000-7000-8000-000000000001".parse().expect("an id")
}

fn seal() -> Id {
    "0198c0de-0000-7000-8000-000000000002".parse().expect("an id")
}
