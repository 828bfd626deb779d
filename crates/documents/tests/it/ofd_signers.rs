//! Who sealed, with what seal, and when: forgers, and trust that is given or not.

use std::time::Duration;

use eseal_documents::{Check, NoteCode, Outcome, Reason, Trust, Verdict, judge};
use eseal_kernel::Timestamp;

use crate::support::hostile::with_replaced;
use crate::support::ofd_contract::contract;
use crate::support::parties::{PLACE, World, info, judged, now, verify};
use crate::support::resigning::{LIST, resigned, with_foreign_seal};

#[test]
fn a_signer_whom_nobody_certified_ends_the_judgement_but_not_the_steps() {
    let world = World::new();
    let sealed = World::new().party("甲方").seal(&contract());
    let judgement = judged(&sealed, &world);
    assert_eq!(judgement.verdict, Verdict::Invalid);
    let not_reached = Outcome::Unknown(Reason::NotReached);
    let seal = &judgement.seals[0];
    assert_eq!(seal.items(), [Outcome::Failed(Reason::SignerUntrusted), not_reached, not_reached]);
    let step = |check| seal.steps.iter().find(|step| step.check == check).map(|step| step.outcome);
    assert_eq!(step(Check::DataHash), Some(Outcome::Passed));
    assert_eq!(step(Check::SealMakerChain), Some(Outcome::Failed(Reason::MakerNotAuthorized)));
}

#[test]
fn a_seal_that_a_holder_made_is_not_genuine() {
    let world = World::new();
    let (victim, forger) = (world.party("甲方"), world.holder("丙方"));
    // The forger makes a seal with another organization's name and picture, for a key of its own.
    let forged = forger.makes(&info("甲方", &[&forger.certificate]));
    let (sealed, _) = forger.try_seal_with(&forged, &contract(), &[PLACE]).expect("sealed");
    let judgement = judged(&sealed, &world);
    let failed = Outcome::Failed(Reason::MakerNotAuthorized);
    assert_eq!(judgement.verdict, Verdict::Invalid);
    assert_eq!(judgement.seals[0].items(), [Outcome::Passed, Outcome::Passed, failed]);
    assert_eq!(judged(&victim.seal(&contract()), &world).verdict, Verdict::Valid);
}

#[test]
fn another_organizations_seal_on_ones_own_signature_is_found() {
    let world = World::new();
    let (victim, thief) = (world.party("甲方"), world.party("丙方"));
    let sealed = with_foreign_seal(&thief.seal(&contract()), &thief.identity, &victim.seal);
    let judgement = judged(&sealed, &world);
    assert_eq!(judgement.verdict, Verdict::Invalid);
    let seal = &judgement.seals[0];
    assert_eq!(seal.signer, Outcome::Passed);
    assert_eq!(seal.impression, Outcome::Failed(Reason::SignerNotInSeal));
}

#[test]
fn without_maker_roots_a_genuine_seal_is_unknown_and_a_wrong_one_failed() {
    let world = World::new();
    let party = world.party("甲方");
    let holders_only = Trust { maker_roots: None, ..world.trust() };
    let sealed = party.seal(&contract());
    let judgement = judge(&verify(&sealed), &holders_only);
    assert_eq!(judgement.verdict, Verdict::Indeterminate);
    assert_eq!(judgement.seals[0].impression, Outcome::Unknown(Reason::MakerNotAuthorized));
    let tampered = with_foreign_seal(&sealed, &party.identity, &world.party("乙方").seal);
    let judgement = judge(&verify(&tampered), &holders_only);
    assert_eq!(judgement.seals[0].impression, Outcome::Failed(Reason::SignerNotInSeal));
}

#[test]
fn without_any_roots_nothing_is_called_valid_and_the_run_goes_on() {
    let world = World::new();
    let sealed = world.party("甲方").seal(&contract());
    let judgement = judge(&verify(&sealed), &Trust::default());
    assert_eq!(judgement.verdict, Verdict::Indeterminate);
    let unknown = Outcome::Unknown;
    assert_eq!(
        judgement.seals[0].items(),
        [unknown(Reason::TrustRootsMissing), Outcome::Passed, unknown(Reason::MakerNotAuthorized)]
    );
}

#[test]
fn a_seal_that_the_list_calls_a_plain_signature_is_still_judged_as_a_seal() {
    let world = World::new();
    let forger = world.holder("丙方");
    let forged = forger.makes(&info("甲方", &[&forger.certificate]));
    let (sealed, _) = forger.try_seal_with(&forged, &contract(), &[PLACE]).expect("sealed");
    let judgement = judged(&with_replaced(&sealed, LIST, "Type=\"Seal\"", "Type=\"Sign\""), &world);
    let seal = &judgement.seals[0];
    assert_eq!(seal.impression, Outcome::Failed(Reason::MakerNotAuthorized));
    assert!(seal.notes.iter().any(|note| note.code == NoteCode::SignatureKindDisagrees));
}

#[test]
fn a_sealing_time_outside_the_seals_validity_fails_the_impression() {
    let world = World::new();
    let party = world.party("甲方");
    let sealed = party.seal(&contract());
    let valid_to = info("甲方", &[&party.identity.certificate]).valid_to;
    let at = |time| judged(&resigned(&sealed, &party.identity, |to_sign| to_sign.time = time), &world);
    assert_eq!(at(valid_to).verdict, Verdict::Valid, "the last moment belongs to it");
    let late = at(valid_to.plus(Duration::from_secs(1)));
    assert_eq!(late.seals[0].impression, Outcome::Failed(Reason::SealingTimeOutsideSeal));
}

#[test]
fn a_signers_certificate_that_was_not_valid_yet_or_any_more_is_a_step_and_changes_no_item() {
    let world = World::new();
    let holder = world.holder("甲方");
    let mut lasting = info("甲方", &[&holder.certificate]);
    (lasting.valid_from, lasting.valid_to) = (Timestamp::UNIX_EPOCH, now().plus(Duration::from_secs(1_000_000_000)));
    let seal = world.maker().makes(&lasting);
    let (sealed, _) = holder.try_seal_with(&seal, &contract(), &[PLACE]).expect("sealed");
    let early = resigned(&sealed, &holder, |to_sign| to_sign.time = Timestamp::from_seconds(1_000_000_000));
    let judgement = judged(&early, &world);
    assert_eq!(judgement.verdict, Verdict::Valid);
    let step = judgement.seals[0].steps.iter().find(|step| step.check == Check::SignerValidity);
    assert_eq!(step.map(|step| step.outcome), Some(Outcome::Failed(Reason::SignerExpiredAtSealing)));
}
