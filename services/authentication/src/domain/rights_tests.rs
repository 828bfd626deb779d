//! Who may use a seal, for what, and what was approved.

use std::sync::Arc;

use eseal_kernel::{Digest, Id};

use super::batching::PURPOSE as BATCH_PURPOSE;
use super::command::{Action, BatchCardUse, BatchUse, CardUse, SealingAction, Statement, Use, UseBy};
use super::denial::Denial;
use super::document::{DigestKind, DocumentDigest, Format, Original};
use super::event::{Fact, Step};
use super::facts::*;
use super::ids::UseId;
use super::policy::{Policy, SecondFactor};
use super::reason::Reason;
use super::rejection::Rejection;
use super::right::{self, RightAction, RightFact, Terms, WithdrawalCause};
use super::seal_use::{Admitted, Spent};
use super::sealing::{AUDIENCE, PURPOSE};
use super::use_request::{Asked, DeclineCause, Purpose, UseAction, UseFact};
use super::{Command, Event, attempt};

const WU: &str = STRANGER;
const SUPERVISOR: &str = "li";

#[test]
fn the_custodian_of_the_application_has_the_right_without_limits() {
    let seal = Scenario::given(active());
    let right = seal.state().custodians().right(&person(CUSTODIAN)).expect("known");
    assert_eq!((&*right.terms, right.withdrawn, right.used), (&Terms::default(), false, 0));
}

#[test]
fn a_person_who_was_given_the_right_uses_the_seal_and_one_from_whom_it_was_taken_does_not() {
    let given = all([active(), vec![granted(WU, Terms::default())]]);
    assert_eq!(Scenario::given(given.clone()).when(&sealing(1, WU, begin())), Ok(vec![begun_by(1, WU)]));
    let withdrawn = Scenario::given(all([given, vec![withdrawn(WU)]]));
    assert_eq!(withdrawn.when(&sealing(1, WU, begin())), Ok(vec![denied(1, WU, Denial::Withdrawn)]));
    assert_eq!(withdrawn.when(&sealing(1, CUSTODIAN, begin())), Ok(vec![begun(1, 0)]), "the others go on");
}

#[test]
fn a_custodian_does_nothing_in_the_attempt_of_another_one() {
    let seal = Scenario::given(all([pin_right(), vec![granted(WU, Terms::default())]]));
    for action in [SealingAction::CardPin { correct: false }, authorize(original()), SealingAction::SigningFailed] {
        assert_eq!(seal.when(&sealing(1, WU, action)), Err(Rejection::NotCustodian));
    }
}

#[test]
fn a_right_holds_from_its_first_to_its_last_moment() {
    let terms = Terms { from: Some(after(10)), to: Some(after(20)), ..Terms::default() };
    let seal = Scenario::given(all([active(), vec![changed(CUSTODIAN, terms)]]));
    let at = |seconds| seal.when(&sealing_at(seconds, 1, begin()));
    assert_eq!(at(9), Ok(vec![denied(1, CUSTODIAN, Denial::NotBegun)]));
    assert_eq!((at(10), at(20)), (Ok(vec![begun(1, 10)]), Ok(vec![begun(1, 20)])));
    assert_eq!(at(21), Ok(vec![denied(1, CUSTODIAN, Denial::Over)]));
}

#[test]
fn a_right_that_ends_in_the_middle_of_an_attempt_is_asked_for_at_gate_d_and_at_gate_e() {
    let over = Scenario::given(all([pin_right(), vec![withdrawn(CUSTODIAN)]]));
    let at_d = over.when(&sealing(1, CUSTODIAN, authorize(original())));
    assert_eq!(at_d, Ok(vec![denied(1, CUSTODIAN, Denial::Withdrawn)]));
    let facts = all([pin_right(), vec![authorized(1), withdrawn(CUSTODIAN)]]);
    let complete = SealingAction::Complete { signature_digest: Digest::of(b"signature"), signature: None };
    let at_e = Scenario::given(facts.clone()).when(&sealing(1, CUSTODIAN, complete.clone()));
    assert_eq!(at_e, Ok(vec![denied(1, CUSTODIAN, Denial::Withdrawn)]));
    let again = Scenario::given(all([facts, vec![granted(CUSTODIAN, Terms::default())]]));
    let at_e = again.when(&sealing(1, CUSTODIAN, complete));
    assert_eq!(at_e, Ok(vec![denied(1, CUSTODIAN, Denial::Withdrawn)]), "what an earlier grant let through");
}

#[test]
fn a_right_is_for_the_kinds_and_the_documents_that_its_terms_name() {
    let pdf = Original { format: Some(Format::Pdf), ..Original::default() };
    let only = |terms: Terms, said: Original| {
        Scenario::given(all([pin_right(), vec![changed(CUSTODIAN, terms)]]))
            .when(&sealing(1, CUSTODIAN, authorize(said)))
            .expect("decided")
    };
    let not_covered = vec![denied(1, CUSTODIAN, Denial::NotCovered)];
    let pdf_only = Terms { formats: vec![Format::Pdf], ..Terms::default() };
    assert_eq!(only(pdf_only.clone(), pdf.clone()), vec![admitted(1, &pdf, None)]);
    assert_eq!(only(pdf_only.clone(), original()), not_covered);
    assert_eq!(only(pdf_only, Original::default()), not_covered, "nothing was said of it");
    let named = Terms { documents: vec![sm3(b"one"), sha256(b"document")], ..Terms::default() };
    assert_eq!(only(named.clone(), original()), vec![admitted(1, &original(), None)]);
    assert_eq!(only(named, pdf), not_covered);
}

#[test]
fn a_right_for_ten_uses_is_for_ten_and_a_change_of_its_terms_goes_on_counting() {
    let limit = |max_uses| Terms { max_uses: Some(max_uses), ..Terms::default() };
    let mut facts = all([active(), vec![changed(CUSTODIAN, limit(10))]]);
    for number in 1..=10 {
        facts.extend([begun(number, 0), pin_was_right(number), authorized(number), completed(number)]);
    }
    facts.extend([begun(11, 0), pin_was_right(11)]);
    let spent = Scenario::given(facts.clone());
    assert_eq!(spent.when(&sealing(12, CUSTODIAN, begin())), Ok(vec![denied(12, CUSTODIAN, Denial::Spent)]));
    let at_d = spent.when(&sealing(11, CUSTODIAN, authorize(original())));
    assert_eq!(at_d, Ok(vec![denied(11, CUSTODIAN, Denial::Spent)]));
    let more = Scenario::given(all([facts.clone(), vec![changed(CUSTODIAN, limit(11))]]));
    assert_eq!(more.when(&sealing(12, CUSTODIAN, begin())), Ok(vec![begun(12, 0)]));
    let anew = Scenario::given(all([facts, vec![withdrawn(CUSTODIAN), granted(CUSTODIAN, limit(10))]]));
    assert_eq!(anew.state().custodians().right(&person(CUSTODIAN)).map(|right| right.used), Some(0));
}

#[test]
fn what_a_hosted_key_did_not_sign_is_given_back_and_what_a_card_may_have_signed_is_not() {
    let used = |facts| {
        let seal = Scenario::given(facts);
        seal.state().custodians().right(&person(CUSTODIAN)).map(|right| right.used)
    };
    let failed = refused(1, Reason::SigningFailed);
    let hosted = all([active_hosted(), vec![begun(1, 0), pin_was_right(1), authorized(1)]]);
    assert_eq!(used(hosted.clone()), Some(1));
    assert_eq!(used(all([hosted.clone(), vec![failed.clone()]])), Some(0));
    assert_eq!(used(all([hosted.clone(), vec![failed.clone(), begun(2, 700)]])), Some(0), "once, and not twice");
    assert_eq!(used(all([hosted.clone(), vec![begun(2, 601)]])), Some(0), "it ended by itself");
    let signed = step(1, Step::HostedSigned { signed: Digest::of(b"signed") });
    assert_eq!(used(all([hosted, vec![signed, failed.clone()]])), Some(1));
    let card = all([pin_right(), vec![authorized(1)]]);
    assert_eq!(used(all([card.clone(), vec![failed]])), Some(1));
    assert_eq!(used(all([card, vec![begun(2, 601)]])), Some(1));
}

#[test]
fn a_list_counts_as_many_uses_as_it_has_documents() {
    let limit = Terms { max_uses: Some(3), ..Terms::default() };
    let facts = |documents| {
        let seal = Scenario::given(all([pin_right(), vec![changed(CUSTODIAN, limit.clone())]]));
        seal.when(&sealing(1, CUSTODIAN, authorize_list(documents, vec![])))
    };
    assert!(matches!(facts(3).as_deref(), Ok([Event { fact: Fact::Sealing(_, Step::BatchAuthorized { .. }), .. }])));
    assert_eq!(facts(4), Ok(vec![denied(1, CUSTODIAN, Denial::Spent)]));
}

#[test]
fn of_a_list_that_a_hosted_key_signed_in_part_the_rest_is_given_back() {
    let (complete_before, certificates) = (after(700), vec![sm2_certificate()]);
    let root = Digest::of(b"root");
    let (card_uses, admitted) = (0, vec![]);
    let list = Step::BatchAuthorized { root, documents: 5, certificates, complete_before, card_uses, admitted };
    let signatures = vec![(0, Digest::of(b"one")), (4, Digest::of(b"two"))];
    let facts = vec![begun(1, 0), pin_was_right(1), step(1, list), step(1, Step::HostedSignaturesMade { signatures })];
    let ended = Scenario::given(all([active_hosted(), facts, vec![step(1, Step::BatchEnded { sealed: 2 })]]));
    assert_eq!(ended.state().custodians().right(&person(CUSTODIAN)).map(|right| right.used), Some(2));
}

#[test]
fn a_right_is_given_once_changed_while_it_is_in_force_and_taken_away_for_good() {
    let decide = |facts: Vec<Event>, action| Scenario::given(facts).when(&order(Action::Right(action)));
    let (person, terms) = (person(WU), Arc::new(Terms { max_uses: Some(2), ..Terms::default() }));
    let grant = || RightAction::Grant { person: person.clone(), terms: Arc::clone(&terms) };
    let change = || RightAction::Change { person: person.clone(), terms: Arc::default() };
    let withdraw = || RightAction::Withdraw { person: person.clone(), cause: WithdrawalCause::Left };
    let has = all([active(), vec![granted(WU, (*terms).clone())]]);
    let had = all([has.clone(), vec![withdrawn(WU)]]);
    assert_eq!(decide(active(), grant()), Ok(vec![granted(WU, (*terms).clone())]));
    assert_eq!(decide(has.clone(), grant()), Ok(vec![]));
    let other = RightAction::Grant { person: person.clone(), terms: Arc::default() };
    assert_eq!(decide(has.clone(), other), Err(Rejection::CustodianExists));
    assert_eq!(decide(has.clone(), change()), Ok(vec![changed(WU, Terms::default())]));
    assert_eq!(decide(has, withdraw()), Ok(vec![withdrawn(WU)]));
    assert_eq!(decide(had.clone(), withdraw()), Ok(vec![]));
    assert_eq!(decide(had.clone(), change()), Err(Rejection::CustodianNotFound));
    assert_eq!(decide(active(), withdraw()), Err(Rejection::CustodianNotFound));
    assert_eq!(decide(had, grant()), Ok(vec![granted(WU, (*terms).clone())]));
}

#[test]
fn a_seal_has_a_hundred_custodians_at_most() {
    let many = (1..right::MAX_CUSTODIANS).map(|number| granted(&format!("person {number}"), Terms::default()));
    let full = Scenario::given(all([active(), many.collect()]));
    let grant = order(Action::Right(RightAction::Grant { person: person(WU), terms: Arc::default() }));
    assert_eq!(full.when(&grant), Err(Rejection::TooManyCustodians));
}

#[test]
fn without_an_approval_nothing_is_sealed_where_the_policy_asks_for_one() {
    let seal = |uses: Vec<Event>| Scenario::given(all([approving(), uses]));
    let at_d = |uses: Vec<Event>| seal(uses).when(&sealing_at(60, 1, authorize(original())));
    let denied = |denial| Ok(vec![denied(1, CUSTODIAN, denial)]);
    assert_eq!(at_d(vec![]), denied(Denial::NotRequested));
    assert_eq!(at_d(vec![requested(1)]), denied(Denial::NotApproved));
    assert_eq!(at_d(vec![requested(1), declined(1)]), denied(Denial::Declined));
    assert_eq!(at_d(vec![requested(1), approved(1), declined(1)]), denied(Denial::Declined));
    assert_eq!(at_d(vec![requested(1), approved(1), taken_back(1)]), denied(Denial::TakenBack));
    assert_eq!(at_d(vec![requested_until(1, 59), approved(1)]), denied(Denial::PastDeadline));
    assert_eq!(at_d(vec![requested_until(1, 60), approved(1)]), Ok(vec![admitted(1, &original(), Some(1))]));
    let other = Original { digests: vec![sha256(b"another document")], ..original() };
    let facts = seal(vec![requested(1), approved(1)]).when(&sealing_at(60, 1, authorize(other)));
    assert_eq!(facts, denied(Denial::NotRequested));
}

#[test]
fn an_approved_use_is_spent_by_the_fact_that_lets_it_through() {
    let spent = all([approving(), vec![requested(1), approved(1), admitted(1, &original(), Some(1)), completed(1)]]);
    let again = Scenario::given(all([spent, vec![begun(2, 0), pin_was_right(2)]]));
    let facts = again.when(&sealing(2, CUSTODIAN, authorize_in(2, original())));
    assert_eq!(facts, Ok(vec![denied(2, CUSTODIAN, Denial::Used)]));
}

#[test]
fn of_two_approved_uses_the_one_that_ends_first_is_spent_first() {
    let uses = vec![requested_until(1, 900), approved(1), requested_until(2, 800), approved(2)];
    let facts = Scenario::given(all([approving(), uses])).when(&sealing_at(60, 1, authorize(original())));
    assert_eq!(facts, Ok(vec![admitted(1, &original(), Some(2))]));
}

#[test]
fn each_document_of_a_list_needs_its_own_use() {
    let (one, two) = (original(), Original { digests: vec![sm3(b"two")], ..original() });
    let of_both = |uses| {
        let documents = vec![sha256(b"document"), sm3(b"two")];
        fact(Fact::Use(use_id(1), UseFact::Requested(Box::new(Asked { documents, uses, ..asked(3_600) }))))
    };
    let at_d = |uses, originals: Vec<Original>| {
        let documents = u32::try_from(originals.len()).expect("few");
        Scenario::given(all([approving(), vec![of_both(uses), approved(1)]]))
            .when(&sealing_at(60, 1, authorize_list(documents, originals)))
            .expect("decided")
    };
    let facts = at_d(1, vec![two.clone(), one.clone()]);
    let [Event { fact: Fact::Sealing(_, Step::BatchAuthorized { admitted, .. }), .. }] = facts.as_slice() else {
        panic!("{facts:?}")
    };
    let spent: Vec<_> = admitted.iter().filter_map(|admitted| admitted.spent).map(|spent| spent.document).collect();
    assert_eq!(spent, [sm3(b"two"), sha256(b"document")]);
    let twice = vec![one.clone(), one.clone()];
    assert_eq!(at_d(1, twice.clone()), vec![denied(1, CUSTODIAN, Denial::Used)]);
    assert!(matches!(at_d(2, twice)[0].fact, Fact::Sealing(_, Step::BatchAuthorized { .. })));
    let third = Original { digests: vec![sha256(b"three")], ..Original::default() };
    assert_eq!(at_d(1, vec![one, third]), vec![denied(1, CUSTODIAN, Denial::NotRequested)]);
    let unnamed = Scenario::given(all([approving(), vec![of_both(1), approved(1)]]));
    let facts = unnamed.when(&sealing_at(60, 1, authorize_list(2, vec![])));
    assert_eq!(facts, Ok(vec![denied(1, CUSTODIAN, Denial::NotRequested)]));
}

#[test]
fn a_use_that_a_hosted_key_did_not_sign_for_can_be_made_again() {
    let (policy, uses) = (fact(Fact::PolicySet(application(), strict())), vec![requested(1), approved(1)]);
    let begun = vec![begun(1, 0), pin_was_right(1), admitted(1, &original(), Some(1))];
    let facts = all([active_hosted(), vec![policy], uses, begun]);
    let used = |facts| {
        let seal = Scenario::given(facts);
        seal.state().uses().get(use_id(1)).map(|one| one.documents.clone())
    };
    assert_eq!(used(facts.clone()), Some(vec![(sha256(b"document"), 1)]));
    let failed = all([facts, vec![refused(1, Reason::SigningFailed)]]);
    assert_eq!(used(failed), Some(vec![(sha256(b"document"), 0)]));
}

#[test]
fn a_use_is_requested_by_those_who_may_and_within_the_policy() {
    let seal = Scenario::given(approving());
    let ask = |by: UseBy, uses, deadline| seal.when(&asking(by, request(uses, deadline)));
    let is_asked = Ok(vec![fact(Fact::Use(use_id(1), UseFact::Requested(Box::new(asked(3_600)))))]);
    assert_eq!(ask(of_seal(CUSTODIAN), 1, None), is_asked);
    assert_eq!(ask(of_seal(CUSTODIAN), 1, Some(after(3_600))), is_asked);
    assert_eq!(ask(of_seal(WU), 1, None), Err(Rejection::NotCustodian));
    assert!(ask(by_role(WU), 1, None).is_ok());
    for (uses, deadline) in [(0, None), (3, None), (1, Some(after(3_601))), (1, Some(start()))] {
        assert_eq!(ask(of_seal(CUSTODIAN), uses, deadline), Err(Rejection::BeyondPolicy), "{uses} {deadline:?}");
    }
}

#[test]
fn a_use_is_decided_by_somebody_else_who_may() {
    let seal = Scenario::given(all([approving(), vec![requested(1), granted(WU, Terms::default())]]));
    let decide = |by: UseBy| {
        let action = UseAction::Approve { by: by.by.person.clone() };
        seal.when(&asking(by, action))
    };
    assert_eq!(decide(by_role(CUSTODIAN)), Err(Rejection::OwnRequest));
    assert_eq!(decide(of_seal(SUPERVISOR)), Err(Rejection::NotCustodian));
    assert_eq!(decide(by_role(SUPERVISOR)), Ok(vec![approved(1)]));
    let by = person(WU);
    assert_eq!(decide(of_seal(WU)), Ok(vec![fact(Fact::Use(use_id(1), UseFact::Approved { by }))]));
    let own = seal.when(&asking(by_role(CUSTODIAN), decline(CUSTODIAN)));
    assert_eq!(own, Err(Rejection::OwnRequest));
}

#[test]
fn what_was_decided_is_decided_and_a_repeat_changes_nothing() {
    let with = |uses: Vec<Event>, by: &str, action: UseAction| {
        Scenario::given(all([approving(), vec![requested(1)], uses])).when(&asking(by_role(by), action))
    };
    let approve = || UseAction::Approve { by: person(SUPERVISOR) };
    let take_back = |by| UseAction::TakeBack { by: person(by) };
    assert_eq!(with(vec![approved(1)], SUPERVISOR, approve()), Ok(vec![]));
    assert_eq!(with(vec![declined(1)], SUPERVISOR, approve()), Err(Rejection::UseNotOpen));
    assert_eq!(with(vec![declined(1)], SUPERVISOR, decline(SUPERVISOR)), Ok(vec![]));
    assert_eq!(with(vec![approved(1)], SUPERVISOR, decline(SUPERVISOR)), Ok(vec![declined(1)]));
    assert_eq!(with(vec![approved(1)], CUSTODIAN, take_back(CUSTODIAN)), Ok(vec![taken_back(1)]));
    assert_eq!(with(vec![taken_back(1)], CUSTODIAN, take_back(CUSTODIAN)), Ok(vec![]));
    assert_eq!(with(vec![], SUPERVISOR, take_back(SUPERVISOR)), Err(Rejection::NotRequester));
    let stricter = fact(Fact::PolicySet(application(), Policy { max_uses: 1, ..strict() }));
    let twice = fact(Fact::Use(use_id(1), UseFact::Requested(Box::new(Asked { uses: 2, ..asked(3_600) }))));
    let facts = Scenario::given(all([approving(), vec![twice, stricter]]));
    assert_eq!(facts.when(&asking(by_role(SUPERVISOR), approve())), Err(Rejection::BeyondPolicy));
}

#[test]
fn a_seal_that_has_ended_takes_no_requests_and_no_custodians() {
    use super::command::RevocationCause::Other;
    let ended = Scenario::given(all([approving(), vec![fact(Fact::Revoked(application(), Other))]]));
    assert_eq!(ended.when(&asking(of_seal(CUSTODIAN), request(1, None))), Err(Rejection::Final));
    let grant = order(Action::Right(RightAction::Grant { person: person(WU), terms: Arc::default() }));
    assert_eq!(ended.when(&grant), Err(Rejection::Final));
}

fn begin() -> SealingAction {
    SealingAction::Begin { nonce: NONCE.to_owned(), documents: 0 }
}

fn begun_by(number: u8, name: &str) -> Event {
    let mut event = begun(number, 0);
    if let Fact::Sealing(_, Step::Begun { by, .. }) = &mut event.fact {
        *by = person(name);
    }
    event
}

fn pin_was_right(number: u8) -> Event {
    step(number, Step::PinAccepted { code: SecondFactor::None })
}

fn pin_right() -> Vec<Event> {
    all([active(), vec![begun(1, 0), pin_was_right(1)]])
}

/// A seal whose uses are approved first, with an attempt at gate d.
fn approving() -> Vec<Event> {
    all([pin_right(), vec![fact(Fact::PolicySet(application(), strict()))]])
}

const fn strict() -> Policy {
    Policy { approval_required: true, max_uses: 2, longest_deadline_s: 3_600, second_factor: SecondFactor::None }
}

fn sha256(content: &[u8]) -> DocumentDigest {
    DocumentDigest { kind: DigestKind::Sha256, value: Digest::of(content) }
}

fn sm3(content: &[u8]) -> DocumentDigest {
    DocumentDigest { kind: DigestKind::Sm3, value: Digest::of(content) }
}

fn original() -> Original {
    Original { digests: vec![sha256(b"document")], format: Some(Format::Ofd) }
}

fn statement(number: u8, purpose: &str, document: Digest) -> Statement {
    Statement {
        audience: AUDIENCE.to_owned(),
        purpose: purpose.to_owned(),
        attempt_id: attempt(number).to_string(),
        seal_id: seal().to_string(),
        document_digest: Some(document),
        nonce: NONCE.to_owned(),
        expires_at: start().plus(attempt::CHALLENGE_LIFETIME),
    }
}

fn authorize(original: Original) -> SealingAction {
    authorize_in(1, original)
}

fn authorize_in(number: u8, original: Original) -> SealingAction {
    SealingAction::Authorize(Box::new(CardUse {
        subject: Use { original, ..subject() },
        card_serial: CARD.to_owned(),
        seal_digest: seal_digest(),
        proof: Some(statement(number, PURPOSE, document())),
        card_uses: 0,
        otherwise: attempt(99),
    }))
}

fn authorize_list(documents: u32, originals: Vec<Original>) -> SealingAction {
    let (root, list, certificates) = (Digest::of(b"root"), Digest::of(b"list"), vec![(sm2_certificate(), None)]);
    SealingAction::AuthorizeBatch(Box::new(BatchCardUse {
        subject: BatchUse { root, documents, list, certificates, originals },
        card_serial: CARD.to_owned(),
        seal_digest: seal_digest(),
        proofs: vec![Some(statement(1, BATCH_PURPOSE, list))],
        card_uses: 0,
        otherwise: attempt(99),
    }))
}

fn completed(number: u8) -> Event {
    let (document_digest, signature_digest) = (document(), Digest::of(b"signature"));
    step(number, Step::Completed { document_digest, signature_digest })
}

/// Gate d passed, with what was said of the document and the use that was spent.
fn admitted(number: u8, original: &Original, spent: Option<u8>) -> Event {
    let spent = spent.map(|of| Spent { use_id: use_id(of), document: original.digests[0] });
    let mut event = authorized(number);
    if let Fact::Sealing(_, Step::Authorized { admitted, .. }) = &mut event.fact {
        *admitted = Some(Box::new(Admitted { original: original.clone(), spent }));
    }
    event
}

fn denied(number: u8, name: &str, denial: Denial) -> Event {
    step(number, Step::Refused { reason: Reason::NotAuthorized, detail: Some(denial), by: person(name) })
}

fn granted(name: &str, terms: Terms) -> Event {
    fact(Fact::Right(person(name), RightFact::Granted(Arc::new(terms))))
}

fn changed(name: &str, terms: Terms) -> Event {
    fact(Fact::Right(person(name), RightFact::Changed(Arc::new(terms))))
}

fn withdrawn(name: &str) -> Event {
    fact(Fact::Right(person(name), RightFact::Withdrawn(WithdrawalCause::Left)))
}

fn use_id(number: u8) -> UseId {
    UseId(Id::from_bytes([number; 16]))
}

fn asked(deadline: u64) -> Asked {
    Asked {
        requester: person(CUSTODIAN),
        documents: vec![sha256(b"document")],
        uses: 1,
        purpose: Purpose::Contract,
        purpose_text: Digest::of(b"what for"),
        deadline: after(deadline),
        requested_at: start(),
    }
}

fn requested(number: u8) -> Event {
    requested_until(number, 3_600)
}

fn requested_until(number: u8, deadline: u64) -> Event {
    fact(Fact::Use(use_id(number), UseFact::Requested(Box::new(asked(deadline)))))
}

fn approved(number: u8) -> Event {
    fact(Fact::Use(use_id(number), UseFact::Approved { by: person(SUPERVISOR) }))
}

fn declined(number: u8) -> Event {
    let (cause, text) = (DeclineCause::DocumentUnfit, Digest::of(b"why"));
    fact(Fact::Use(use_id(number), UseFact::Declined { by: person(SUPERVISOR), cause, text }))
}

fn taken_back(number: u8) -> Event {
    fact(Fact::Use(use_id(number), UseFact::TakenBack))
}

fn request(uses: u32, deadline: Option<eseal_kernel::Timestamp>) -> UseAction {
    let Asked { requester, documents, purpose, purpose_text, .. } = asked(0);
    UseAction::Request { requester, documents, uses, purpose, purpose_text, deadline }
}

fn decline(name: &str) -> UseAction {
    UseAction::Decline { by: person(name), cause: DeclineCause::DocumentUnfit, text: Digest::of(b"why") }
}

fn of_seal(name: &str) -> UseBy {
    UseBy { by: by(name), needs_right: true }
}

fn by_role(name: &str) -> UseBy {
    UseBy { by: by(name), needs_right: false }
}

fn asking(by: UseBy, action: UseAction) -> Command {
    order(Action::Use { id: use_id(1), by, action })
}
