//! Successors, ends and losses, one claim a test.

use super::super::command::Action;
use super::super::facts::*;
use super::super::{Command, Event};
use super::*;
use crate::domain::ids::By;
use eseal_kernel::Id;

#[test]
fn a_successor_is_registered_and_in_use_at_once() {
    let registration = Registration { predecessor: Some(successor()), ..registration() };
    let order = |in_use| {
        let (registration, policy) = (Box::new(registration.clone()), Policy::default());
        order(Action::RegisterSuccessor { registration, in_use, policy })
    };
    let taken = event(Fact::Registered(Box::new(registration.clone())));
    let both = vec![taken.clone(), event(Fact::Activated(application()))];
    assert_eq!(Scenario::given([]).when(&order(true)), Ok(both.clone()));
    assert_eq!(Scenario::given([]).when(&order(false)), Ok(vec![taken]));
    assert_eq!(Scenario::given(both).when(&order(true)), Ok(vec![]));
}

#[test]
fn a_successor_needs_for_its_uses_what_its_predecessor_needed() {
    let policy = Policy { approval_required: true, ..Policy::default() };
    let registration = Box::new(registration());
    let facts = Scenario::given([]).when(&order(Action::RegisterSuccessor { registration, in_use: true, policy }));
    // Before it can be used.
    let set = event(Fact::PolicySet(application(), policy));
    assert_eq!(facts, Ok(vec![registered(), set, event(Fact::Activated(application()))]));
}

#[test]
fn the_use_of_a_seal_goes_over_to_its_successor_unless_its_organization_took_it_away() {
    let handed_on = |standing: Standing| standing.hands_on_its_use();
    assert!(handed_on(Standing::Active));
    assert!(handed_on(Standing::Suspended(SuspensionCause::CardLost)));
    assert!(handed_on(Standing::Suspended(SuspensionCause::KeyCompromised)));
    assert!(!handed_on(Standing::Suspended(SuspensionCause::OrganizationOrder)));
    assert!(!handed_on(Standing::Registered));
    assert!(!handed_on(Standing::Revoked(RevocationCause::Other)));
}

#[test]
fn an_application_replaces_a_seal_in_every_state_that_is_not_final_and_once() {
    for past in [vec![registered()], active(), all([active(), vec![lost()]])] {
        let done = Scenario::given(past.clone()).when(&carry_out(4, Ordered::Replace(successor()))).expect("done");
        let replaced = event(Fact::Replaced(application(), successor()));
        assert_eq!(done, [replaced, event(Fact::CarriedOut(asked(4), CarriedOut::Replaced))]);
        let again = Scenario::given(all([past, done])).when(&carry_out(4, Ordered::Replace(successor())));
        assert_eq!(again, Ok(vec![]));
    }
}

#[test]
fn an_application_revokes_a_seal_for_the_reason_given() {
    let cause = RevocationCause::NoLongerUsed;
    let done = Scenario::given(active()).when(&carry_out(4, Ordered::Revoke(cause)));
    let revoked = event(Fact::Revoked(application(), cause));
    assert_eq!(done, Ok(vec![revoked, event(Fact::CarriedOut(asked(4), CarriedOut::Revoked))]));
}

#[test]
fn an_application_that_comes_too_late_is_told_so_and_changes_nothing() {
    let ended = all([active(), vec![event(Fact::Revoked(application(), RevocationCause::Other))]]);
    for order in [Ordered::Replace(successor()), Ordered::Revoke(RevocationCause::CardLost)] {
        let done = Scenario::given(ended.clone()).when(&carry_out(4, order)).expect("done");
        assert_eq!(done, [event(Fact::CarriedOut(asked(4), CarriedOut::EndedBefore))]);
        assert_eq!(Scenario::given(all([ended.clone(), done])).when(&carry_out(4, order)), Ok(vec![]));
    }
}

#[test]
fn what_an_administrator_did_by_hand_is_what_the_application_asked_for() {
    let ended = all([active(), vec![event(Fact::Replaced(application(), successor()))]]);
    let done = Scenario::given(ended).when(&carry_out(4, Ordered::Replace(successor())));
    assert_eq!(done, Ok(vec![event(Fact::CarriedOut(asked(4), CarriedOut::Replaced))]));
}

#[test]
fn a_lost_card_suspends_its_seal_at_once_whatever_it_was_suspended_for_before() {
    let ordered = event(Fact::Suspended(application(), SuspensionCause::OrganizationOrder));
    for past in [vec![registered()], active(), all([active(), vec![ordered]])] {
        assert_eq!(Scenario::given(past.clone()).when(&loss(None)), Ok(vec![lost()]));
        assert_eq!(Scenario::given(all([past, vec![lost()]])).when(&loss(None)), Ok(vec![]));
    }
}

#[test]
fn a_custodian_reports_the_loss_of_their_own_card_only() {
    assert!(Scenario::given(active()).when(&loss(Some(by(CUSTODIAN)))).is_ok());
    assert_eq!(Scenario::given(active()).when(&loss(Some(by(STRANGER)))), Err(Rejection::NotCustodian));
}

#[test]
fn the_loss_of_the_card_of_a_seal_that_has_ended_is_no_news() {
    let ended = all([active(), vec![event(Fact::Revoked(application(), RevocationCause::Other))]]);
    assert_eq!(Scenario::given(ended).when(&loss(None)), Err(Rejection::Final));
}

fn event(fact: Fact) -> Event {
    Event { seal: seal(), fact }
}

fn lost() -> Event {
    event(Fact::Suspended(application(), SuspensionCause::CardLost))
}

fn asked(number: u8) -> ApplicationId {
    ApplicationId(Id::from_bytes([number; 16]))
}

fn carry_out(number: u8, what: Ordered) -> Command {
    order(Action::CarryOut { application: asked(number), order: what })
}

fn loss(custodian: Option<By>) -> Command {
    order(Action::ReportLoss { custodian })
}
