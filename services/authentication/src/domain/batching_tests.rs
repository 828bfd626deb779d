//! The gates of acts over many documents.

use eseal_kernel::Digest;

use super::batch::{further_challenge_lifetime, further_lifetime};
use super::batching::PURPOSE;
use super::command::{
    BatchCardUse, BatchCompletion, BatchSigning, BatchUse, SealingAction, Signature, Signed, Statement, SuspensionCause,
};
use super::event::{Fact, RefusedInBatch, SealedInBatch, Step};
use super::facts::*;
use super::policy::SecondFactor;
use super::reason::Reason;
use super::rejection::Rejection;
use super::sealing::AUDIENCE;
use super::{Event, attempt};

const DOCUMENTS: u32 = 3;

#[test]
fn the_challenge_of_an_act_can_be_answered_for_longer() {
    let begin = SealingAction::Begin { nonce: NONCE.to_owned(), documents: 1_000 };
    let facts = Scenario::given(active()).when(&sealing(1, CUSTODIAN, begin)).expect("begun");
    let Some(Event { fact: Fact::Sealing(_, Step::Begun { challenge_expires_at, .. }), .. }) = facts.first() else {
        panic!("{facts:?}")
    };
    assert_eq!(*challenge_expires_at, start().plus(attempt::CHALLENGE_LIFETIME + further_challenge_lifetime(1_000)));
}

#[test]
fn gate_d_lets_a_list_through_once() {
    let facts = Scenario::given(pin_right()).when(&sealing(1, CUSTODIAN, authorize(card_use())));
    assert_eq!(facts, Ok(vec![authorized()]));
    let again = Scenario::given(given()).when(&sealing(1, CUSTODIAN, authorize(card_use())));
    assert_eq!(again, Ok(vec![refused(1, Reason::ChallengeInvalid)]));
}

#[test]
fn gate_d_refuses_a_proof_for_another_list_or_for_one_document() {
    let other = Statement { document_digest: Some(Digest::of(b"another list")), ..statement() };
    let single = Statement { purpose: super::sealing::PURPOSE.to_owned(), ..statement() };
    for proofs in
        [vec![Some(other)], vec![Some(single)], vec![None], vec![], vec![Some(statement()), Some(statement())]]
    {
        let given = BatchCardUse { proofs, ..card_use() };
        let facts = Scenario::given(pin_right()).when(&sealing(1, CUSTODIAN, authorize(given)));
        assert_eq!(facts, Ok(vec![refused(1, Reason::ChallengeInvalid)]));
    }
}

#[test]
fn gate_d_asks_of_a_list_what_it_asks_of_a_document() {
    let with = |certificates| BatchCardUse { subject: BatchUse { certificates, ..list() }, ..card_use() };
    let foreign = with(vec![(Digest::of(b"another"), None)]);
    let revoked = with(vec![(sm2_certificate(), Some(Reason::CertificateRevoked))]);
    let other_card = BatchCardUse { card_serial: "OTHER".to_owned(), ..card_use() };
    for (given, reason) in [
        (foreign, Reason::CertificateUntrusted),
        (revoked, Reason::CertificateRevoked),
        (other_card, Reason::NotAuthorized),
    ] {
        let facts = Scenario::given(pin_right()).when(&sealing(1, CUSTODIAN, authorize(given)));
        assert_eq!(facts, Ok(vec![refused(1, reason)]));
    }
}

#[test]
fn a_card_that_was_copied_seals_no_list_either() {
    let right = |number| vec![begun(number, 0), step(number, Step::PinAccepted { code: SecondFactor::None })];
    let mut seventh = super::facts::authorized(2);
    if let Fact::Sealing(_, Step::Authorized { card_uses, .. }) = &mut seventh.fact {
        *card_uses = 7;
    }
    let past = || all([active(), right(2), vec![seventh.clone()], right(1)]);
    let with_count = |card_uses| sealing(1, CUSTODIAN, authorize(BatchCardUse { card_uses, ..card_use() }));
    let copied = Scenario::given(past()).when(&with_count(7));
    let suspended = fact(Fact::Suspended(application(), SuspensionCause::KeyCompromised));
    assert_eq!(copied, Ok(vec![refused(1, Reason::CardCopied), suspended]));
    let facts = Scenario::given(past()).when(&with_count(8)).expect("let through");
    assert_eq!(Scenario::given(all([past(), facts])).state().card_uses, 8);
}

#[test]
fn a_list_waits_for_the_pin() {
    let facts = Scenario::given(all([active(), vec![begun(1, 0)]])).when(&sealing(1, CUSTODIAN, authorize(card_use())));
    assert_eq!(facts, Err(Rejection::OutOfOrder));
}

#[test]
fn a_stranger_is_refused_under_an_attempt_of_their_own() {
    let facts = Scenario::given(pin_right()).when(&sealing(1, STRANGER, authorize(card_use())));
    assert_eq!(facts, Ok(vec![refused_to(9, Reason::NotAuthorized, STRANGER)]));
}

#[test]
fn documents_of_the_list_are_sealed_in_any_order_and_the_last_one_ends_the_act() {
    let first = Scenario::given(given()).when(&completing(vec![document_at(2), document_at(0)], false));
    let sealed_first = sealed([2, 0]);
    assert_eq!(first, Ok(vec![sealed_first.clone()]));
    let last = Scenario::given(all([given(), vec![sealed_first]])).when(&completing(vec![document_at(1)], false));
    assert_eq!(last, Ok(vec![sealed([1]), ended(3)]));
}

#[test]
fn one_bad_document_ends_nothing() {
    let wrong = BatchCompletion { signature: None, ..document_at(0) };
    let foreign = BatchCompletion { is_listed: false, ..document_at(1) };
    let beyond = document_at(3);
    let facts = Scenario::given(given()).when(&completing(vec![wrong, foreign, beyond, document_at(2)], false));
    let refusals = [(0, Reason::SigningFailed), (1, Reason::DocumentNotListed), (3, Reason::DocumentNotListed)];
    assert_eq!(facts, Ok(vec![sealed([2]), refused_in_act(&refusals)]));
}

#[test]
fn a_document_is_sealed_once() {
    let facts = Scenario::given(all([given(), vec![sealed([1])]])).when(&completing(vec![document_at(1)], false));
    assert_eq!(facts, Ok(vec![refused_in_act(&[(1, Reason::DocumentAlreadySealed)])]));
}

#[test]
fn a_signature_of_another_certificate_seal_or_time_is_refused() {
    let of = |signature| BatchCompletion { signature: Some(signature), ..document_at(0) };
    let late = Signed { time: Some(after(1_000)), ..signed() };
    let other_seal = Signed { seal_digest: Some(Digest::of(b"another")), ..signed() };
    let other_document = Signed { document_digest: Digest::of(b"another"), ..signed() };
    for signature in [
        Signature { certificate: Digest::of(b"another"), content: signed() },
        Signature { certificate: sm2_certificate(), content: late },
        Signature { certificate: sm2_certificate(), content: other_seal },
        Signature { certificate: sm2_certificate(), content: other_document },
    ] {
        let facts = Scenario::given(given()).when(&completing(vec![of(signature)], false));
        assert_eq!(facts, Ok(vec![refused_in_act(&[(0, Reason::SigningFailed)])]));
    }
}

#[test]
fn a_client_that_has_no_more_ends_the_act() {
    let facts = Scenario::given(all([given(), vec![sealed([1])]])).when(&completing(vec![], true));
    assert_eq!(facts, Ok(vec![ended(1)]));
    let over = Scenario::given(all([given(), vec![ended(1)]])).when(&completing(vec![document_at(0)], false));
    assert_eq!(over, Err(Rejection::AttemptNotOpen));
}

#[test]
fn a_seal_that_is_suspended_in_the_middle_ends_the_act_with_a_refusal() {
    let suspended = fact(Fact::Suspended(application(), SuspensionCause::CardLost));
    let scenario = Scenario::given(all([given(), vec![sealed([1]), suspended]]));
    let facts = scenario.when(&completing(vec![document_at(0)], false));
    assert_eq!(facts, Ok(vec![refused(1, Reason::SealSuspended)]));
}

#[test]
fn an_act_has_time_for_each_document_and_no_more() {
    let end = attempt::LIFETIME + further_lifetime(DOCUMENTS);
    let at = |seconds| {
        let action = SealingAction::CompleteBatch { documents: vec![], last: true };
        Scenario::given(given()).when(&sealing_at(seconds, 1, action))
    };
    assert_eq!(at(end.as_secs()), Ok(vec![ended(0)]));
    assert_eq!(at(end.as_secs() + 1), Err(Rejection::AttemptNotOpen));
    assert_eq!(further_lifetime(u32::MAX), further_lifetime(10_000));
}

#[test]
fn the_steps_of_one_document_and_of_many_are_not_mixed() {
    let one = Scenario::given(all([pin_right(), vec![super::facts::authorized(1)]]));
    assert_eq!(one.when(&completing(vec![document_at(0)], false)), Err(Rejection::OutOfOrder));
    let complete = SealingAction::Complete {
        signature_digest: Digest::of(b"signature"),
        signature: Some(Signature { certificate: sm2_certificate(), content: signed() }),
    };
    assert_eq!(Scenario::given(given()).when(&sealing(1, CUSTODIAN, complete)), Err(Rejection::OutOfOrder));
}

#[test]
fn a_hosted_key_signs_for_a_document_once() {
    let scenario = Scenario::given(hosted_given());
    assert_eq!(scenario.when(&signing(vec![to_sign(0), to_sign(2)])), Ok(vec![signed_for([0, 2])]));
    let again =
        Scenario::given(all([hosted_given(), vec![signed_for([0])]])).when(&signing(vec![to_sign(0), to_sign(1)]));
    assert_eq!(again, Ok(vec![signed_for([1]), refused_in_act(&[(0, Reason::DocumentAlreadySealed)])]));
}

#[test]
fn a_hosted_key_signs_for_nothing_but_documents_of_the_list() {
    let foreign = BatchSigning { is_listed: false, ..to_sign(0) };
    let unread = BatchSigning { content: None, ..to_sign(1) };
    let other_key = BatchSigning { certificate: Digest::of(b"another"), ..to_sign(2) };
    let refusals = [(0, Reason::DocumentNotListed), (1, Reason::SigningFailed), (2, Reason::SigningFailed)];
    let facts = Scenario::given(hosted_given()).when(&signing(vec![foreign, unread, other_key]));
    assert_eq!(facts, Ok(vec![refused_in_act(&refusals)]));
}

#[test]
fn the_pin_of_a_hosted_key_is_asked_for_once() {
    let tried = step(1, Step::PinTried { tries_left: 4 });
    let scenario = Scenario::given(all([active_hosted(), vec![begun(1, 0), tried]]));
    let action = |pin_correct| SealingAction::AuthorizeHostedBatch {
        pin_correct,
        code: SecondFactor::None,
        subject: Box::new(list()),
    };
    let right = scenario.when(&sealing(1, CUSTODIAN, action(true)));
    assert_eq!(right, Ok(vec![step(1, Step::PinAccepted { code: SecondFactor::None }), authorized()]));
    let wrong = scenario.when(&sealing(1, CUSTODIAN, action(false)));
    assert_eq!(wrong, Ok(vec![step(1, Step::PinRefused { tries_left: 4 })]));
}

fn pin_right() -> Vec<Event> {
    all([active(), vec![begun(1, 0), step(1, Step::PinAccepted { code: SecondFactor::None })]])
}

/// A list that gate d let through.
fn given() -> Vec<Event> {
    all([pin_right(), vec![authorized()]])
}

fn hosted_given() -> Vec<Event> {
    let tried = step(1, Step::PinTried { tries_left: 4 });
    all([
        active_hosted(),
        vec![begun(1, 0), tried, step(1, Step::PinAccepted { code: SecondFactor::None }), authorized()],
    ])
}

fn list() -> BatchUse {
    let certificates = vec![(sm2_certificate(), None)];
    let (root, list) = (Digest::of(b"root"), Digest::of(b"list"));
    BatchUse { root, documents: DOCUMENTS, list, certificates, originals: vec![] }
}

fn statement() -> Statement {
    Statement {
        audience: AUDIENCE.to_owned(),
        purpose: PURPOSE.to_owned(),
        attempt_id: attempt(1).to_string(),
        seal_id: seal().to_string(),
        document_digest: Some(Digest::of(b"list")),
        nonce: NONCE.to_owned(),
        expires_at: start().plus(attempt::CHALLENGE_LIFETIME),
    }
}

fn card_use() -> BatchCardUse {
    BatchCardUse {
        subject: list(),
        card_serial: CARD.to_owned(),
        seal_digest: seal_digest(),
        proofs: vec![Some(statement())],
        card_uses: 0,
        otherwise: attempt(9),
    }
}

fn authorize(given: BatchCardUse) -> SealingAction {
    SealingAction::AuthorizeBatch(Box::new(given))
}

fn authorized() -> Event {
    let complete_before = start().plus(attempt::LIFETIME + further_lifetime(DOCUMENTS));
    let certificates = vec![sm2_certificate()];
    let (root, card_uses, admitted) = (Digest::of(b"root"), 0, vec![]);
    step(1, Step::BatchAuthorized { root, documents: DOCUMENTS, certificates, complete_before, card_uses, admitted })
}

fn signed() -> Signed {
    Signed { document_digest: document(), seal_digest: Some(seal_digest()), time: Some(start()) }
}

fn document_at(index: u32) -> BatchCompletion {
    BatchCompletion {
        index,
        is_listed: true,
        document_digest: document(),
        places: subject().places,
        signature_digest: Digest::of(b"signature"),
        signature: Some(Signature { certificate: sm2_certificate(), content: signed() }),
    }
}

fn completing(documents: Vec<BatchCompletion>, last: bool) -> super::Command {
    sealing(1, CUSTODIAN, SealingAction::CompleteBatch { documents, last })
}

fn to_sign(index: u32) -> BatchSigning {
    BatchSigning {
        index,
        is_listed: true,
        document_digest: document(),
        certificate: sm2_certificate(),
        signed: Digest::of(b"bytes"),
        content: Some(signed()),
    }
}

fn signing(documents: Vec<BatchSigning>) -> super::Command {
    sealing(1, CUSTODIAN, SealingAction::SignHostedBatch { documents })
}

fn signed_for<const N: usize>(indexes: [u32; N]) -> Event {
    let signatures = indexes.map(|index| (index, Digest::of(b"bytes"))).to_vec();
    step(1, Step::HostedSignaturesMade { signatures })
}

fn sealed<const N: usize>(indexes: [u32; N]) -> Event {
    let document = |index| SealedInBatch {
        index,
        document_digest: document(),
        signature_digest: Digest::of(b"signature"),
        places: subject().places,
    };
    step(1, Step::DocumentsSealed { documents: indexes.map(document).to_vec() })
}

fn refused_in_act(refusals: &[(u32, Reason)]) -> Event {
    let document = |(index, reason): &(u32, Reason)| RefusedInBatch {
        index: *index,
        document_digest: document(),
        reason: *reason,
    };
    step(1, Step::DocumentsRefused { documents: refusals.iter().map(document).collect() })
}

fn ended(sealed: u32) -> Event {
    step(1, Step::BatchEnded { sealed })
}
