//! Applications about an existing seal, one claim a test.

use eseal_kernel::{Digest, Scenario};

use super::*;
use crate::domain::command::{Revise, Submit};
use crate::domain::example::{now, particulars, person, to};
use crate::domain::particulars::Validity;
use crate::domain::{Application, Command, Event};

type Rules = Scenario<Application>;

#[test]
fn a_seal_of_the_organization_that_has_not_ended_can_be_renewed_and_no_other_application_gets_in_between() {
    let filed = Rules::given([]).when(&submit(Kind::Renew(seal()))).expect("filed");
    assert!(matches!(filed[..], [Event::Submitted { claims_existing: true, .. }]));
    let taken = <Application as eseal_kernel::Aggregate>::claims_of(&filed[0]);
    assert_eq!(taken, [eseal_kernel::ClaimChange::Taken(succession(seal()))]);
}

#[test]
fn a_seal_that_nobody_knows_is_refused() {
    let command = Command::Submit(Submit { existing: None, ..filing(Kind::Replace(seal())) });
    assert_eq!(Rules::given([]).when(&command), Err(Rejection::SealUnknown));
}

#[test]
fn a_seal_of_another_organization_is_refused() {
    let organization = "11320500014150050B".parse().expect("a code");
    let known = Some(KnownSeal { organization, ..known() });
    let command = Command::Submit(Submit { existing: known, ..filing(Kind::Revoke(seal())) });
    assert_eq!(Rules::given([]).when(&command), Err(Rejection::SealOfOtherOrganization));
}

#[test]
fn a_seal_that_has_ended_is_refused() {
    for state in [SealState::Revoked, SealState::Replaced] {
        let known = Some(KnownSeal { state, ..known() });
        let command = Command::Submit(Submit { existing: known, ..filing(Kind::Renew(seal())) });
        assert_eq!(Rules::given([]).when(&command), Err(Rejection::SealEnded));
    }
}

#[test]
fn a_suspended_seal_can_be_replaced() {
    let known = Some(KnownSeal { state: SealState::Suspended, ..known() });
    let command = Command::Submit(Submit { existing: known, ..filing(Kind::Replace(seal())) });
    assert!(Rules::given([]).when(&command).is_ok());
}

#[test]
fn a_second_application_for_the_same_seal_is_refused_while_the_first_is_open() {
    let held = Rules::given([]).and_held(succession(seal()), "application-first");
    for kind in [Kind::Renew(seal()), Kind::Replace(seal()), Kind::ChangeImpression(seal())] {
        assert_eq!(held.when(&submit(kind)), Err(Rejection::AnotherOpen));
    }
    let held = Rules::given([]).and_held(revocation(seal()), "application-first");
    assert_eq!(held.when(&submit(Kind::Revoke(seal()))), Err(Rejection::AnotherOpen));
    assert_eq!(held.when(&submit(Kind::Renew(seal()))), Err(Rejection::AnotherOpen));
}

#[test]
fn the_end_of_a_seal_can_be_asked_for_while_somebody_wants_it_renewed() {
    let held = Rules::given([]).and_held(succession(seal()), "application-first");
    assert!(held.when(&submit(Kind::Revoke(seal()))).is_ok());
}

#[test]
fn an_application_that_is_withdrawn_or_carried_out_gives_way_to_the_next() {
    let withdrawn = Rules::given([submitted()]).when(&Command::Withdraw { applicant: person("zhang") });
    let carried_out = Event::CarriedOutNoted { application: id(1), existing: seal(), result: CarriedOut::Replaced };
    let both = claims(seal()).map(eseal_kernel::ClaimChange::Released);
    for event in [withdrawn.expect("withdrawn").remove(0), carried_out] {
        assert_eq!(<Application as eseal_kernel::Aggregate>::claims_of(&event), both);
    }
}

#[test]
fn what_was_done_is_noted_once_and_of_the_seal_that_was_asked_about_only() {
    let approved = Event::Approved {
        application: id(1),
        reviewer: person("li"),
        applicant: person("zhang"),
        particulars: particulars(Kind::Renew(seal())),
    };
    let note = |existing| Command::NoteCarriedOut { existing, result: CarriedOut::Replaced };
    let noted = Event::CarriedOutNoted { application: id(1), existing: seal(), result: CarriedOut::Replaced };
    let rules = Rules::given([submitted(), approved.clone()]);
    assert_eq!(rules.when(&note(seal())), Ok(vec![noted.clone()]));
    assert_eq!(rules.when(&note(id(9))), Err(Rejection::OtherSeal));
    assert_eq!(Rules::given([submitted(), approved, noted]).when(&note(seal())), Ok(vec![]));
}

#[test]
fn a_successor_is_of_the_same_type() {
    let other = |kind| Particulars { seal_type: SealType::Finance, ..particulars(kind) };
    let filing = |kind| Command::Submit(Submit { particulars: other(kind), ..filing(kind) });
    assert_eq!(Rules::given([]).when(&filing(Kind::Renew(seal()))), Err(Rejection::SealTypeFixed));
    let returned = Event::Returned { application: id(1), reviewer: person("li"), reason: reason() };
    let revision = Revise {
        applicant: person("zhang"),
        particulars: other(Kind::Renew(seal())),
        other_contacts: false,
        now: now(),
    };
    let revised = Rules::given([submitted(), returned]).when(&Command::Revise(revision));
    assert_eq!(revised, Err(Rejection::SealTypeFixed));
}

#[test]
fn the_validity_of_a_successor_has_begun_when_it_takes_its_place() {
    let begins = |later: u64| {
        let from = now().plus(std::time::Duration::from_secs(later));
        let validity = Validity::try_new(from, to()).expect("a validity");
        let asked = Particulars { validity, ..particulars(Kind::Renew(seal())) };
        Command::Submit(Submit { particulars: asked, ..filing(Kind::Renew(seal())) })
    };
    assert!(Rules::given([]).when(&begins(600)).is_ok());
    assert_eq!(Rules::given([]).when(&begins(601)), Err(Rejection::BeginsLater));
}

#[test]
fn an_expired_seal_can_still_be_revoked() {
    let command = Command::Submit(Submit { now: to(), ..filing(Kind::Revoke(seal())) });
    assert!(Rules::given([]).when(&command).is_ok());
    let command = Command::Submit(Submit { now: to(), ..filing(Kind::Renew(seal())) });
    assert_eq!(Rules::given([]).when(&command), Err(Rejection::ValidityPassed));
}

fn id(number: u8) -> Id {
    format!("0198c0de-0000-7000-8000-{number:012}").parse().expect("an id")
}

fn seal() -> Id {
    id(4)
}

fn reason() -> crate::domain::event::ReturnReason {
    let code = crate::domain::event::ReturnCode::Other;
    crate::domain::event::ReturnReason { code, text: Digest::of(b"why") }
}

fn known() -> KnownSeal {
    let organization = "91110000600037341L".parse().expect("a code");
    KnownSeal { organization, seal_type: SealType::Contract, state: SealState::Active }
}

fn filing(kind: Kind) -> Submit {
    Submit {
        application: id(1),
        applicant: person("zhang"),
        approvals_needed: 1,
        particulars: particulars(kind),
        existing: Some(known()),
        now: now(),
    }
}

fn submit(kind: Kind) -> Command {
    Command::Submit(filing(kind))
}

fn submitted() -> Event {
    Event::Submitted {
        application: id(1),
        applicant: person("zhang"),
        approvals_needed: 1,
        particulars: particulars(Kind::Renew(seal())),
        submitted_at: now(),
        claims_existing: true,
    }
}
