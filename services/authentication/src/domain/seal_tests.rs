//! The states of a seal.

use super::command::{Action, RevocationCause, SuspensionCause};
use super::event::Fact;
use super::facts::*;
use super::ids::By;
use super::policy::Policy;
use super::registration::Registration;
use super::rejection::Rejection;
use super::{Event, seal::PIN_TRIES, seal::Standing};

#[test]
fn people_of_an_organization_make_a_policy_stricter_and_never_looser() {
    let strict = Policy { approval_required: true, max_uses: 1, longest_deadline_s: 60, ..Policy::default() };
    let loose = Policy { max_uses: 2, ..strict };
    let set = |policy, may_only_tighten| order(Action::SetPolicy { policy, may_only_tighten });
    let is_set = |policy| fact(Fact::PolicySet(application(), policy));
    assert_eq!(Scenario::given(active()).when(&set(loose, true)), Ok(vec![is_set(loose)]));
    let under = |policy| Scenario::given(all([active(), vec![is_set(policy)]]));
    assert_eq!(under(loose).when(&set(strict, true)), Ok(vec![is_set(strict)]));
    assert_eq!(under(strict).when(&set(strict, true)), Ok(vec![]));
    assert_eq!(under(strict).when(&set(loose, true)), Err(Rejection::PolicyLoosened));
    assert_eq!(under(strict).when(&set(Policy::default(), true)), Err(Rejection::PolicyLoosened));
    assert_eq!(under(strict).when(&set(loose, false)), Ok(vec![is_set(loose)]));
}

#[test]
fn a_made_seal_is_registered_once() {
    let command = order(Action::Register(Box::new(registration())));
    assert_eq!(Scenario::given([]).when(&command), Ok(vec![registered()]));
    assert_eq!(Scenario::given([registered()]).when(&command), Ok(vec![]));
}

#[test]
fn a_registration_that_comes_again_later_is_the_same() {
    let later = Registration { registered_at: after(60), ..registration() };
    assert_eq!(Scenario::given([registered()]).when(&order(Action::Register(Box::new(later)))), Ok(vec![]));
}

#[test]
fn a_registered_seal_never_changes_its_particulars() {
    let other = Registration { custodian: person(STRANGER), ..registration() };
    let decision = Scenario::given([registered()]).when(&order(Action::Register(Box::new(other))));
    assert_eq!(decision, Err(Rejection::RegisteredOtherwise));
}

#[test]
fn nothing_can_be_done_with_a_seal_that_is_not_registered() {
    let actions = [
        Action::Activate,
        suspend(None),
        Action::Resume,
        revoke(),
        replace_by(Some(uscc())),
        Action::AnnounceExpiry,
        Action::UnlockPin,
    ];
    for action in actions {
        assert_eq!(Scenario::given([]).when(&order(action)), Err(Rejection::SealNotFound));
    }
}

#[test]
fn activating_twice_records_one_fact() {
    assert_eq!(Scenario::given([registered()]).when(&order(Action::Activate)), Ok(vec![activated()]));
    assert_eq!(Scenario::given(active()).when(&order(Action::Activate)), Ok(vec![]));
}

#[test]
fn an_active_seal_is_suspended_and_resumed() {
    assert_eq!(Scenario::given(active()).when(&order(suspend(None))), Ok(vec![suspended()]));
    let scenario = Scenario::given(all([active(), vec![suspended()]]));
    assert_eq!(scenario.when(&order(suspend(None))), Ok(vec![]));
    assert_eq!(scenario.when(&order(Action::Resume)), Ok(vec![resumed()]));
    let scenario = Scenario::given(all([active(), vec![suspended(), resumed()]]));
    assert_eq!(scenario.when(&order(Action::Resume)), Ok(vec![]));
    assert_eq!(scenario.state().entry().map(|entry| entry.standing), Some(Standing::Active));
}

#[test]
fn a_suspended_seal_is_not_activated_and_not_suspended_for_another_cause() {
    let scenario = Scenario::given(all([active(), vec![suspended()]]));
    assert_eq!(scenario.when(&order(Action::Activate)), Err(Rejection::WrongState));
    let other = Action::Suspend { cause: SuspensionCause::Other, custodian: None };
    assert_eq!(scenario.when(&order(other)), Err(Rejection::WrongState));
}

#[test]
fn a_seal_that_was_never_activated_is_not_suspended_and_not_resumed() {
    assert_eq!(Scenario::given([registered()]).when(&order(suspend(None))), Err(Rejection::WrongState));
    assert_eq!(Scenario::given([registered()]).when(&order(Action::Resume)), Err(Rejection::WrongState));
}

#[test]
fn a_custodian_suspends_their_own_seal_only() {
    let own = suspend(Some(by(CUSTODIAN)));
    assert_eq!(Scenario::given(active()).when(&order(own)), Ok(vec![suspended()]));
    let foreign = suspend(Some(by(STRANGER)));
    assert_eq!(Scenario::given(active()).when(&order(foreign)), Err(Rejection::NotCustodian));
    let moved = By { organization: Some(other_uscc()), ..by(CUSTODIAN) };
    assert_eq!(Scenario::given(active()).when(&order(suspend(Some(moved)))), Err(Rejection::NotCustodian));
}

#[test]
fn a_seal_is_revoked_from_every_state_that_is_not_final() {
    for facts in [vec![registered()], active(), all([active(), vec![suspended()]])] {
        assert_eq!(Scenario::given(facts).when(&order(revoke())), Ok(vec![revoked()]));
    }
}

#[test]
fn revoking_twice_records_one_fact_and_the_cause_stays() {
    let scenario = Scenario::given(all([active(), vec![revoked()]]));
    assert_eq!(scenario.when(&order(revoke())), Ok(vec![]));
    let other = Action::Revoke(RevocationCause::Other);
    assert_eq!(scenario.when(&order(other)), Err(Rejection::Final));
}

#[test]
fn a_final_state_never_changes() {
    for end in [revoked(), replaced()] {
        let scenario = Scenario::given(all([active(), vec![end]]));
        for action in [Action::Activate, suspend(None), Action::Resume, Action::Revoke(RevocationCause::Other)] {
            assert_eq!(scenario.when(&order(action)), Err(Rejection::Final));
        }
        let other =
            Action::Replace { successor: super::ids::SealId(application().0), successor_organization: Some(uscc()) };
        assert_eq!(scenario.when(&order(other)), Err(Rejection::Final));
        assert_eq!(scenario.when(&order_at(after(2_000_000), Action::AnnounceExpiry)), Ok(vec![]));
    }
}

#[test]
fn a_seal_is_replaced_by_a_registered_one_of_its_organization_only() {
    let scenario = Scenario::given(active());
    assert_eq!(scenario.when(&order(replace_by(Some(uscc())))), Ok(vec![replaced()]));
    assert_eq!(scenario.when(&order(replace_by(None))), Err(Rejection::UnfitSuccessor));
    assert_eq!(scenario.when(&order(replace_by(Some(other_uscc())))), Err(Rejection::UnfitSuccessor));
    let itself = Action::Replace { successor: seal(), successor_organization: Some(uscc()) };
    assert_eq!(scenario.when(&order(itself)), Err(Rejection::UnfitSuccessor));
    let again = Scenario::given(all([active(), vec![replaced()]])).when(&order(replace_by(Some(uscc()))));
    assert_eq!(again, Ok(vec![]));
}

#[test]
fn the_end_of_the_validity_is_announced_once_and_not_before_it() {
    let scenario = Scenario::given(active());
    assert_eq!(scenario.when(&order_at(registration().valid_to, Action::AnnounceExpiry)), Ok(vec![]));
    assert_eq!(scenario.when(&order_at(after(1_000_001), Action::AnnounceExpiry)), Ok(vec![expired()]));
    let scenario = Scenario::given(all([active(), vec![expired()]]));
    assert_eq!(scenario.when(&order_at(after(1_000_002), Action::AnnounceExpiry)), Ok(vec![]));
}

#[test]
fn an_expired_seal_can_only_be_revoked_or_replaced() {
    let scenario = Scenario::given(all([active(), vec![suspended()]]));
    let late = after(1_000_001);
    assert_eq!(scenario.when(&order_at(late, Action::Resume)), Err(Rejection::Expired));
    assert_eq!(Scenario::given([registered()]).when(&order_at(late, Action::Activate)), Err(Rejection::Expired));
    assert_eq!(Scenario::given(active()).when(&order_at(late, suspend(None))), Err(Rejection::Expired));
    assert_eq!(scenario.when(&order_at(late, revoke())), Ok(vec![revoked()]));
    assert_eq!(scenario.when(&order_at(late, replace_by(Some(uscc())))), Ok(vec![replaced()]));
}

#[test]
fn unlocking_gives_all_tries_back_and_a_full_count_needs_none() {
    let scenario = Scenario::given(active());
    assert_eq!(scenario.when(&order(Action::UnlockPin)), Ok(vec![]));
    let locked = all([active(), vec![begun(1, 0), step(1, super::event::Step::PinLocked)]]);
    assert_eq!(Scenario::given(locked.clone()).when(&order(Action::UnlockPin)), Ok(vec![fact(Fact::PinUnlocked)]));
    let unlocked = Scenario::given(all([locked, vec![fact(Fact::PinUnlocked)]]));
    assert_eq!(unlocked.state().pin().tries_left(), PIN_TRIES);
    assert!(!unlocked.state().pin().is_locked());
}

fn suspend(custodian: Option<By>) -> Action {
    Action::Suspend { cause: SuspensionCause::CardLost, custodian }
}

fn suspended() -> Event {
    fact(Fact::Suspended(application(), SuspensionCause::CardLost))
}

fn resumed() -> Event {
    fact(Fact::Resumed(application()))
}

fn revoke() -> Action {
    Action::Revoke(RevocationCause::NoLongerUsed)
}

fn revoked() -> Event {
    fact(Fact::Revoked(application(), RevocationCause::NoLongerUsed))
}

fn replace_by(organization: Option<eseal_kernel::Uscc>) -> Action {
    Action::Replace { successor: successor(), successor_organization: organization }
}

fn replaced() -> Event {
    fact(Fact::Replaced(application(), successor()))
}

fn expired() -> Event {
    fact(Fact::Expired(application()))
}
