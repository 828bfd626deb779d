//! The gates of sealing, in order.

use eseal_kernel::Digest;

use super::command::{
    Action, CardUse, RevocationCause, SealingAction, Signature, Signed, Statement, SuspensionCause, Use,
};
use super::event::{Fact, Step};
use super::facts::*;
use super::ids::By;
use super::policy::SecondFactor;
use super::reason::Reason;
use super::rejection::Rejection;
use super::sealing::{AUDIENCE, PURPOSE, TIME_TOLERANCE};
use super::{Event, attempt};

#[test]
fn gate_a_refuses_a_seal_that_is_not_registered() {
    let facts = Scenario::given([]).when(&sealing(1, CUSTODIAN, begin()));
    assert_eq!(facts, Ok(vec![refused(1, Reason::SealNotRegistered)]));
}

#[test]
fn a_refusal_leaves_an_unregistered_seal_unregistered() {
    let scenario = Scenario::given([refused(1, Reason::SealNotRegistered)]);
    assert_eq!(scenario.state().entry(), None);
    let facts = scenario.when(&order(Action::Register(Box::new(registration()))));
    assert_eq!(facts, Ok(vec![registered()]));
}

#[test]
fn gate_a_lets_the_custodian_begin() {
    assert_eq!(Scenario::given(active()).when(&sealing(1, CUSTODIAN, begin())), Ok(vec![begun(1, 0)]));
}

#[test]
fn a_stranger_is_refused_with_a_fact_under_an_attempt_of_their_own() {
    let facts = Scenario::given(active()).when(&sealing(1, STRANGER, begin()));
    assert_eq!(facts, Ok(vec![refused_to(1, Reason::NotAuthorized, STRANGER)]));
    let facts = Scenario::given(pin_right()).when(&sealing(1, STRANGER, authorize(card_use())));
    assert_eq!(facts, Ok(vec![refused_to(9, Reason::NotAuthorized, STRANGER)]));
}

#[test]
fn a_strangers_refusal_leaves_the_custodians_attempt_open() {
    let facts = all([pin_right(), vec![refused_to(9, Reason::NotAuthorized, STRANGER)]]);
    assert_eq!(Scenario::given(facts).when(&sealing(1, CUSTODIAN, authorize(card_use()))), Ok(vec![authorized(1)]));
}

#[test]
fn a_custodian_who_went_to_another_organization_is_a_stranger() {
    let moved = By { organization: Some(other_uscc()), ..by(CUSTODIAN) };
    let command = order(Action::Sealing { attempt: attempt(1), by: moved, action: begin() });
    assert_eq!(Scenario::given(active()).when(&command), Ok(vec![refused(1, Reason::NotAuthorized)]));
}

#[test]
fn a_stranger_reports_nothing() {
    let scenario = Scenario::given(pin_right());
    let complete = complete(Some(signature()));
    for action in [SealingAction::CardAbsent, pin(false), TRY_PIN, complete, SealingAction::SigningFailed] {
        assert_eq!(scenario.when(&sealing(1, STRANGER, action)), Err(Rejection::NotCustodian));
    }
}

#[test]
fn gate_b_ends_the_attempt_without_a_card() {
    let scenario = Scenario::given(all([active(), vec![begun(1, 0)]]));
    let facts = scenario.when(&sealing(1, CUSTODIAN, SealingAction::CardAbsent));
    assert_eq!(facts, Ok(vec![refused(1, Reason::SealCardAbsent)]));
    let ended = Scenario::given(all([active(), vec![begun(1, 0), refused(1, Reason::SealCardAbsent)]]));
    assert_eq!(ended.when(&sealing(1, CUSTODIAN, pin(true))), Err(Rejection::AttemptNotOpen));
}

#[test]
fn gate_c_counts_wrong_pins_and_a_right_one_gives_the_tries_back() {
    let scenario = Scenario::given(all([active(), vec![begun(1, 0)]]));
    assert_eq!(scenario.when(&sealing(1, CUSTODIAN, pin(false))), Ok(vec![wrong(1, 4)]));
    let scenario = Scenario::given(all([active(), vec![begun(1, 0), wrong(1, 4), wrong(1, 3)]]));
    assert_eq!(scenario.when(&sealing(1, CUSTODIAN, pin(false))), Ok(vec![wrong(1, 2)]));
    let scenario = Scenario::given(all([active(), vec![begun(1, 0), wrong(1, 4), wrong(1, 3), right(1)]]));
    assert_eq!(scenario.state().pin().tries_left(), 5);
}

#[test]
fn five_wrong_pins_in_a_row_end_the_flow_and_lock() {
    let four = [1, 2, 3, 4].map(|wrongs| wrong(1, 5 - wrongs));
    let scenario = Scenario::given(all([active(), vec![begun(1, 0)], four.to_vec()]));
    let facts = scenario.when(&sealing(1, CUSTODIAN, pin(false)));
    assert_eq!(facts, Ok(vec![step(1, Step::PinLocked), refused(1, Reason::PinLocked)]));
}

#[test]
fn wrong_pins_count_over_all_attempts_of_the_seal() {
    let facts = vec![begun(1, 0), begun(2, 0), wrong(1, 4), wrong(2, 3), wrong(1, 2), wrong(2, 1)];
    let facts = Scenario::given(all([active(), facts])).when(&sealing(1, CUSTODIAN, pin(false)));
    assert_eq!(facts, Ok(vec![step(1, Step::PinLocked), refused(1, Reason::PinLocked)]));
}

#[test]
fn a_locked_seal_refuses_every_attempt_until_it_is_unlocked() {
    let locked = all([active(), vec![begun(1, 0), begun(2, 0), right(2), step(1, Step::PinLocked)]]);
    let scenario = Scenario::given(locked.clone());
    assert_eq!(scenario.when(&sealing(3, CUSTODIAN, begin())), Ok(vec![refused(3, Reason::PinLocked)]));
    assert_eq!(scenario.when(&sealing(2, CUSTODIAN, pin(true))), Ok(vec![refused(2, Reason::PinLocked)]));
    let decision = scenario.when(&sealing(2, CUSTODIAN, authorize(card_use())));
    assert_eq!(decision, Ok(vec![refused(2, Reason::PinLocked)]));
    let unlocked = Scenario::given(all([locked, vec![fact(Fact::PinUnlocked)]]));
    assert_eq!(unlocked.when(&sealing(3, CUSTODIAN, begin())), Ok(vec![begun(3, 0)]));
}

#[test]
fn gate_d_needs_a_right_pin_first() {
    let scenario = Scenario::given(all([active(), vec![begun(1, 0)]]));
    assert_eq!(scenario.when(&sealing(1, CUSTODIAN, authorize(card_use()))), Err(Rejection::OutOfOrder));
}

#[test]
fn gate_d_lets_the_registered_card_seal_the_document_that_it_names() {
    let facts = Scenario::given(pin_right()).when(&sealing(1, CUSTODIAN, authorize(card_use())));
    assert_eq!(facts, Ok(vec![authorized(1)]));
}

#[test]
fn gate_d_refuses_every_state_but_active() {
    let suspended = fact(Fact::Suspended(application(), SuspensionCause::CardLost));
    let revoked = fact(Fact::Revoked(application(), RevocationCause::Other));
    let replaced = fact(Fact::Replaced(application(), successor()));
    for (end, reason) in
        [(suspended, Reason::SealSuspended), (revoked, Reason::SealRevoked), (replaced, Reason::SealReplaced)]
    {
        let scenario = Scenario::given(all([pin_right(), vec![end]]));
        assert_eq!(scenario.when(&sealing(1, CUSTODIAN, authorize(card_use()))), Ok(vec![refused(1, reason)]));
    }
    let scenario = Scenario::given([registered(), begun(1, 0), right(1)]);
    let facts = scenario.when(&sealing(1, CUSTODIAN, authorize(card_use())));
    assert_eq!(facts, Ok(vec![refused(1, Reason::SealNotActive)]));
}

#[test]
fn gate_d_refuses_a_seal_outside_its_validity() {
    let early = super::registration::Registration { valid_from: after(60), ..registration() };
    let early = fact(Fact::Registered(Box::new(early)));
    let facts = Scenario::given([early, activated(), begun(1, 0), right(1)]).when(&authorize_at(0, card_use()));
    assert_eq!(facts, Ok(vec![refused(1, Reason::SealNotActive)]));
    let late = super::registration::Registration { valid_to: after(59), ..registration() };
    let late = fact(Fact::Registered(Box::new(late)));
    let facts = Scenario::given([late, activated(), begun(1, 0), right(1)]).when(&authorize_at(60, card_use()));
    assert_eq!(facts, Ok(vec![refused(1, Reason::SealExpired)]));
}

#[test]
fn gate_d_refuses_a_certificate_that_trust_refuses() {
    for reason in [Reason::CertificateExpired, Reason::CertificateRevoked, Reason::CertificateUntrusted] {
        let subject = Use { certificate_fault: Some(reason), ..subject() };
        assert_eq!(refusal_of(CardUse { subject, ..card_use() }), Ok(vec![refused(1, reason)]));
    }
}

#[test]
fn gate_d_refuses_a_certificate_that_is_not_registered_for_the_seal() {
    let subject = Use { certificate: Digest::of(b"another"), ..subject() };
    let decision = refusal_of(CardUse { subject, ..card_use() });
    assert_eq!(decision, Ok(vec![refused(1, Reason::CertificateUntrusted)]));
}

#[test]
fn gate_d_refuses_another_card_and_another_seal_on_the_card() {
    let card = CardUse { card_serial: "8A04".to_owned(), ..card_use() };
    let seal = CardUse { seal_digest: Digest::of(b"another"), ..card_use() };
    for given in [card, seal] {
        assert_eq!(refusal_of(given), Ok(vec![refused(1, Reason::NotAuthorized)]));
    }
}

#[test]
fn gate_d_refuses_a_proof_that_differs_in_anything() {
    let other = || "other".to_owned();
    let proofs = [
        None,
        Some(Statement { audience: other(), ..statement() }),
        Some(Statement { purpose: other(), ..statement() }),
        Some(Statement { attempt_id: attempt(2).to_string(), ..statement() }),
        Some(Statement { seal_id: successor().to_string(), ..statement() }),
        Some(Statement { document_digest: Some(Digest::of(b"another")), ..statement() }),
        Some(Statement { document_digest: None, ..statement() }),
        Some(Statement { nonce: other(), ..statement() }),
        Some(Statement { expires_at: after(121), ..statement() }),
    ];
    for proof in proofs {
        let decision = refusal_of(CardUse { proof, ..card_use() });
        assert_eq!(decision, Ok(vec![refused(1, Reason::ChallengeInvalid)]));
    }
}

#[test]
fn a_challenge_lasts_two_minutes() {
    let scenario = Scenario::given(pin_right());
    assert_eq!(scenario.when(&authorize_at(120, card_use())), Ok(vec![authorized(1)]));
    assert_eq!(scenario.when(&authorize_at(121, card_use())), Ok(vec![refused(1, Reason::ChallengeInvalid)]));
}

#[test]
fn a_challenge_is_answered_once() {
    let scenario = Scenario::given(all([pin_right(), vec![authorized(1)]]));
    let facts = scenario.when(&sealing(1, CUSTODIAN, authorize(card_use())));
    assert_eq!(facts, Ok(vec![refused(1, Reason::ChallengeInvalid)]));
}

#[test]
fn gate_e_records_the_signature_over_what_was_authorized() {
    let scenario = Scenario::given(all([pin_right(), vec![authorized(1)]]));
    let facts = scenario.when(&sealing(1, CUSTODIAN, complete(Some(signature()))));
    assert_eq!(facts, Ok(vec![completed(1)]));
    let scenario = Scenario::given(all([pin_right(), vec![authorized(1), completed(1)]]));
    assert_eq!(scenario.when(&sealing(1, CUSTODIAN, complete(Some(signature())))), Ok(vec![]));
}

#[test]
fn gate_e_refuses_any_other_signature() {
    let content = |content| Some(Signature { content, ..signature() });
    let signatures = [
        None,
        Some(Signature { certificate: Digest::of(b"P-256 certificate"), ..signature() }),
        content(Signed { document_digest: Digest::of(b"another"), ..signed() }),
        content(Signed { seal_digest: Some(Digest::of(b"another")), ..signed() }),
        content(Signed { time: Some(start().minus(TIME_TOLERANCE * 2)), ..signed() }),
        content(Signed { time: Some(start().plus(TIME_TOLERANCE * 2)), ..signed() }),
    ];
    let scenario = Scenario::given(all([pin_right(), vec![authorized(1)]]));
    for signature in signatures {
        let facts = scenario.when(&sealing(1, CUSTODIAN, complete(signature)));
        assert_eq!(facts, Ok(vec![refused(1, Reason::SigningFailed)]));
    }
}

#[test]
fn gate_e_needs_gate_d_first() {
    let scenario = Scenario::given(pin_right());
    for action in [complete(Some(signature())), SealingAction::SigningFailed] {
        assert_eq!(scenario.when(&sealing(1, CUSTODIAN, action)), Err(Rejection::OutOfOrder));
    }
}

#[test]
fn a_seal_that_was_suspended_after_gate_d_does_not_complete() {
    let suspended = fact(Fact::Suspended(application(), SuspensionCause::CardLost));
    let scenario = Scenario::given(all([pin_right(), vec![authorized(1), suspended]]));
    let facts = scenario.when(&sealing(1, CUSTODIAN, complete(Some(signature()))));
    assert_eq!(facts, Ok(vec![refused(1, Reason::SealSuspended)]));
}

#[test]
fn a_client_that_could_not_sign_ends_the_attempt() {
    let scenario = Scenario::given(all([pin_right(), vec![authorized(1)]]));
    let facts = scenario.when(&sealing(1, CUSTODIAN, SealingAction::SigningFailed));
    assert_eq!(facts, Ok(vec![refused(1, Reason::SigningFailed)]));
}

#[test]
fn an_attempt_ends_by_itself_after_ten_minutes() {
    let scenario = Scenario::given(all([pin_right(), vec![authorized(1)]]));
    assert_eq!(scenario.when(&sealing_at(600, 1, complete(Some(signature())))), Ok(vec![completed(1)]));
    let late = scenario.when(&sealing_at(601, 1, complete(Some(signature()))));
    assert_eq!(late, Err(Rejection::AttemptNotOpen));
}

#[test]
fn a_seal_has_at_most_a_hundred_open_attempts() {
    let hundred: Vec<Event> = (1..=100).map(|number| begun(number, 0)).collect();
    let scenario = Scenario::given(all([active(), hundred]));
    assert_eq!(scenario.when(&sealing(101, CUSTODIAN, begin())), Err(Rejection::TooManyAttempts));
    assert_eq!(scenario.when(&sealing_at(601, 101, begin())), Ok(vec![begun(101, 601)]));
}

#[test]
fn what_is_over_is_forgotten_when_the_next_attempt_begins() {
    let facts = vec![begun(1, 0), refused(1, Reason::SealCardAbsent), begun(2, 1), begun(3, 700)];
    let scenario = Scenario::given(all([active(), facts]));
    let attempts = scenario.state().attempts();
    assert_eq!([1, 2, 3].map(|number| attempts.get(attempt(number)).is_some()), [false, false, true]);
}

#[test]
fn a_hosted_pin_is_counted_before_it_is_looked_at() {
    let scenario = Scenario::given(all([active_hosted(), vec![begun(1, 0)]]));
    assert_eq!(scenario.when(&sealing(1, CUSTODIAN, TRY_PIN)), Ok(vec![tried(1, 4)]));
}

#[test]
fn five_hosted_tries_at_the_same_moment_leave_none_for_a_sixth() {
    let scenario = Scenario::given(all([five_running(), vec![begun(6, 0)]]));
    let facts = scenario.when(&sealing(6, CUSTODIAN, TRY_PIN));
    assert_eq!(facts, Ok(vec![refused(6, Reason::PinLocked)]));
}

#[test]
fn a_hosted_pin_is_looked_at_once_at_a_time_in_an_attempt() {
    let scenario = Scenario::given(all([active_hosted(), vec![begun(1, 0), tried(1, 4)]]));
    for action in [TRY_PIN, SealingAction::AwaitPin] {
        assert_eq!(scenario.when(&sealing(1, CUSTODIAN, action)), Err(Rejection::PinCheckRunning));
    }
}

#[test]
fn a_right_hosted_pin_passes_gates_c_and_d_in_one_go() {
    let scenario = Scenario::given(all([active_hosted(), vec![begun(1, 0), tried(1, 4)]]));
    let facts = scenario.when(&sealing(1, CUSTODIAN, authorize_hosted(true)));
    assert_eq!(facts, Ok(vec![right(1), authorized(1)]));
}

#[test]
fn a_right_hosted_pin_of_a_suspended_seal_is_refused_at_gate_d() {
    let suspended = fact(Fact::Suspended(application(), SuspensionCause::CardLost));
    let scenario = Scenario::given(all([active_hosted(), vec![suspended, begun(1, 0), tried(1, 4)]]));
    let facts = scenario.when(&sealing(1, CUSTODIAN, authorize_hosted(true)));
    assert_eq!(facts, Ok(vec![right(1), refused(1, Reason::SealSuspended)]));
}

#[test]
fn a_wrong_hosted_pin_costs_the_try_that_was_counted() {
    let scenario = Scenario::given(all([active_hosted(), vec![begun(1, 0), tried(1, 4)]]));
    assert_eq!(scenario.when(&sealing(1, CUSTODIAN, authorize_hosted(false))), Ok(vec![wrong(1, 4)]));
    let scenario = Scenario::given(all([active_hosted(), vec![begun(1, 0), tried(1, 0)]]));
    let facts = scenario.when(&sealing(1, CUSTODIAN, authorize_hosted(false)));
    assert_eq!(facts, Ok(vec![step(1, Step::PinLocked), refused(1, Reason::PinLocked)]));
}

#[test]
fn the_fifth_hosted_try_may_be_right() {
    let scenario = Scenario::given(all([active_hosted(), vec![begun(1, 0), tried(1, 0)]]));
    let facts = scenario.when(&sealing(1, CUSTODIAN, authorize_hosted(true)));
    assert_eq!(facts, Ok(vec![right(1), authorized(1)]));
}

#[test]
fn a_right_hosted_pin_after_the_lock_is_refused() {
    let scenario = Scenario::given(all([five_running(), vec![step(1, Step::PinLocked)]]));
    let facts = scenario.when(&sealing(2, CUSTODIAN, authorize_hosted(true)));
    assert_eq!(facts, Ok(vec![refused(2, Reason::PinLocked)]));
}

#[test]
fn a_right_hosted_pin_does_not_give_back_the_tries_of_others_that_run() {
    let scenario = Scenario::given(all([five_running(), vec![right(1)]]));
    assert_eq!(scenario.state().pin().tries_left(), 1);
}

#[test]
fn a_hosted_pin_is_authorized_only_after_its_try_was_counted() {
    let scenario = Scenario::given(all([active_hosted(), vec![begun(1, 0)]]));
    assert_eq!(scenario.when(&sealing(1, CUSTODIAN, authorize_hosted(true))), Err(Rejection::OutOfOrder));
}

#[test]
fn a_hosted_key_signs_one_thing_in_an_attempt() {
    let signs = |content: &[u8]| SealingAction::SignHosted { signed: Digest::of(content), content: Some(signed()) };
    let made = |content: &[u8]| step(1, Step::HostedSigned { signed: Digest::of(content) });
    let scenario = Scenario::given(hosted_authorized());
    assert_eq!(scenario.when(&sealing(1, CUSTODIAN, signs(b"one"))), Ok(vec![made(b"one")]));
    let scenario = Scenario::given(all([hosted_authorized(), vec![made(b"one")]]));
    assert_eq!(scenario.when(&sealing(1, CUSTODIAN, signs(b"one"))), Ok(vec![]));
    assert_eq!(scenario.when(&sealing(1, CUSTODIAN, signs(b"two"))), Err(Rejection::OutOfOrder));
}

#[test]
fn a_hosted_key_signs_one_list_of_files_and_only_beside_its_signature() {
    let lists = |content: &[u8]| SealingAction::SignList { signed: Digest::of(content) };
    let made = |content: &[u8]| step(1, Step::ListSigned { signed: Digest::of(content) });
    let sealed = || all([hosted_authorized(), vec![step(1, Step::HostedSigned { signed: Digest::of(b"one") })]]);
    let scenario = Scenario::given(hosted_authorized());
    assert_eq!(scenario.when(&sealing(1, CUSTODIAN, lists(b"a"))), Err(Rejection::OutOfOrder));
    let scenario = Scenario::given(sealed());
    assert_eq!(scenario.when(&sealing(1, CUSTODIAN, lists(b"a"))), Ok(vec![made(b"a")]));
    let scenario = Scenario::given(all([sealed(), vec![made(b"a")]]));
    assert_eq!(scenario.when(&sealing(1, CUSTODIAN, lists(b"a"))), Ok(vec![]));
    assert_eq!(scenario.when(&sealing(1, CUSTODIAN, lists(b"b"))), Err(Rejection::OutOfOrder));
}

#[test]
fn a_hosted_key_signs_nothing_but_what_was_authorized() {
    let scenario = Scenario::given(hosted_authorized());
    let other = Some(Signed { document_digest: Digest::of(b"another"), ..signed() });
    for content in [None, other] {
        let action = SealingAction::SignHosted { signed: Digest::of(b"bytes"), content };
        assert_eq!(scenario.when(&sealing(1, CUSTODIAN, action)), Ok(vec![refused(1, Reason::SigningFailed)]));
    }
}

#[test]
fn a_hosted_key_of_a_seal_that_was_suspended_after_gate_d_signs_nothing() {
    let suspended = fact(Fact::Suspended(application(), SuspensionCause::CardLost));
    let scenario = Scenario::given(all([hosted_authorized(), vec![suspended]]));
    let action = SealingAction::SignHosted { signed: Digest::of(b"bytes"), content: Some(signed()) };
    assert_eq!(scenario.when(&sealing(1, CUSTODIAN, action)), Ok(vec![refused(1, Reason::SealSuspended)]));
}

#[test]
fn the_steps_of_cards_and_of_hosted_keys_are_not_mixed() {
    let card = Scenario::given(all([active(), vec![begun(1, 0)]]));
    for action in [TRY_PIN, authorize_hosted(true)] {
        assert_eq!(card.when(&sealing(1, CUSTODIAN, action)), Err(Rejection::WrongCustody));
    }
    let hosted = Scenario::given(all([active_hosted(), vec![begun(1, 0)]]));
    for action in [SealingAction::CardAbsent, pin(true), authorize(card_use())] {
        assert_eq!(hosted.when(&sealing(1, CUSTODIAN, action)), Err(Rejection::WrongCustody));
    }
}

fn begin() -> SealingAction {
    SealingAction::Begin { nonce: NONCE.to_owned(), documents: 0 }
}

fn pin(correct: bool) -> SealingAction {
    SealingAction::CardPin { correct }
}

fn wrong(number: u8, tries_left: u8) -> Event {
    step(number, Step::PinRefused { tries_left })
}

fn right(number: u8) -> Event {
    step(number, Step::PinAccepted { code: SecondFactor::None })
}

fn tried(number: u8, tries_left: u8) -> Event {
    step(number, Step::PinTried { tries_left })
}

fn pin_right() -> Vec<Event> {
    all([active(), vec![begun(1, 0), right(1)]])
}

fn five_running() -> Vec<Event> {
    let begun = (1..=5).map(|number| begun(number, 0)).collect();
    let tried = (1..=5).map(|number| tried(number, 5 - number)).collect();
    all([active_hosted(), begun, tried])
}

fn hosted_authorized() -> Vec<Event> {
    all([active_hosted(), vec![begun(1, 0), tried(1, 4), right(1), authorized(1)]])
}

fn statement() -> Statement {
    Statement {
        audience: AUDIENCE.to_owned(),
        purpose: PURPOSE.to_owned(),
        attempt_id: attempt(1).to_string(),
        seal_id: seal().to_string(),
        document_digest: Some(document()),
        nonce: NONCE.to_owned(),
        expires_at: start().plus(attempt::CHALLENGE_LIFETIME),
    }
}

fn card_use() -> CardUse {
    CardUse {
        subject: subject(),
        card_serial: CARD.to_owned(),
        seal_digest: seal_digest(),
        proof: Some(statement()),
        card_uses: 0,
        otherwise: attempt(9),
    }
}

fn authorize(given: CardUse) -> SealingAction {
    SealingAction::Authorize(Box::new(given))
}

fn authorize_at(seconds: u64, given: CardUse) -> super::Command {
    sealing_at(seconds, 1, authorize(given))
}

fn refusal_of(given: CardUse) -> Decision {
    Scenario::given(pin_right()).when(&sealing(1, CUSTODIAN, authorize(given)))
}

fn authorize_hosted(pin_correct: bool) -> SealingAction {
    SealingAction::AuthorizeHosted { pin_correct, code: SecondFactor::None, subject: Box::new(subject()) }
}

fn signed() -> Signed {
    Signed { document_digest: document(), seal_digest: Some(seal_digest()), time: Some(start()) }
}

fn signature() -> Signature {
    Signature { content: signed(), certificate: sm2_certificate() }
}

fn complete(signature: Option<Signature>) -> SealingAction {
    SealingAction::Complete { signature_digest: Digest::of(b"signature"), signature }
}

fn completed(number: u8) -> Event {
    let (document_digest, signature_digest) = (document(), Digest::of(b"signature"));
    step(number, Step::Completed { document_digest, signature_digest })
}
