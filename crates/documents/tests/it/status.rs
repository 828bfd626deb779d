//! The status of real documents and of ours, with time stamps and with what documents keep for later validation.

use std::sync::Arc;
use std::time::Duration;

use eseal_documents::status::{
    Context, Indication, Requirement, SealStatus, StepOutcome, SubIndication, TimeProof, assess,
};
use eseal_documents::{Check, DocumentReport, Limits, NoteCode, Outcome, Reason, Trust, judge};
use eseal_kernel::Timestamp;
use eseal_pki::chain::TrustStore;
use eseal_pki::tsp::DevelopmentTsa;
use eseal_pki::{Certificate, Suite};
use eseal_seal::SesSignature;

use crate::support::hostile::with_changed;
use crate::support::ofd_contract::contract;
use crate::support::parties::{World, now, verify};
use crate::support::resigning::VALUE;
use crate::support::samples::{names, sample};

const DAY: Duration = Duration::from_secs(86_400);

/// A DER value of up to 64 KiB.
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("a short value").to_be_bytes();
    [&[tag, 0x82], &length[..], content].concat()
}

/// A seal signature with a time stamp behind its value (GB/T 38540: `[0] EXPLICIT BIT STRING`).
fn with_stamp(signature: &[u8], stamp: &[u8]) -> Vec<u8> {
    let header = match signature[1] {
        0x82 => 4,
        0x81 => 3,
        _ => 2,
    };
    let bits = tlv(3, &[&[0], stamp].concat());
    tlv(0x30, &[&signature[header..], &tlv(0xa0, &bits)].concat())
}

/// A contract sealed and stamped; `value` says what the stamp is about.
fn stamped(world: &World, tsa: &DevelopmentTsa, value: impl FnOnce(&SesSignature) -> Vec<u8>) -> Vec<u8> {
    let sealed = world.party("甲方").seal(&contract());
    with_changed(&sealed, VALUE, |bytes| {
        let signature = SesSignature::from_der(&bytes).expect("a signature");
        let token = tsa.stamp(&value(&signature), now().plus(DAY)).expect("a stamp");
        with_stamp(&bytes, token.der())
    })
}

fn context(tsa: &DevelopmentTsa) -> Context {
    let mut context = Context::at(now().plus(2 * DAY));
    context.tsa_roots = Some(TrustStore::new(vec![tsa.root().clone()]));
    // Nothing is known of the holders' authority but its root.
    context.policy.revocation = Requirement::WhereKnown;
    context
}

fn only(report: &DocumentReport, trust: &Trust, context: &Context) -> SealStatus {
    assess(report, &judge(report, trust), trust, context).remove(0)
}

#[test]
fn the_time_stamp_of_an_ofd_seal_proves_when_it_was_applied() {
    let (world, tsa) = (World::new(), DevelopmentTsa::create(Suite::Sm2Sm3, now()).expect("a TSA"));
    let report = verify(&stamped(&world, &tsa, |signature| signature.signature().to_vec()));
    let seal = &report.seals[0];
    assert_eq!(seal.outcome_of(&[Check::TimeStamp]), Outcome::Passed);
    assert!(!seal.notes.iter().any(|note| note.code == NoteCode::TimeSelfAsserted));
    let status = only(&report, &world.trust(), &context(&tsa));
    assert_eq!(status.now.indication, Indication::TotalPassed, "{:?}", status.now);
    let sealed = status.sealed.expect("a time");
    assert_eq!((sealed.time, sealed.proof, sealed.claimed), (now().plus(DAY), TimeProof::TimeStamp, Some(now())));
    assert!(status.time_stamps[0].authority.as_deref().is_some_and(|name| name.contains("for tests only")));
}

#[test]
fn a_time_stamp_about_something_else_is_told_and_changes_no_verdict() {
    let (world, tsa) = (World::new(), DevelopmentTsa::create(Suite::Sm2Sm3, now()).expect("a TSA"));
    let report = verify(&stamped(&world, &tsa, |signature| signature.data_hash().to_vec()));
    let seal = &report.seals[0];
    assert_eq!(seal.outcome_of(&[Check::TimeStamp]), Outcome::Failed(Reason::TimeStampWrong));
    assert!(seal.notes.iter().any(|note| note.code == NoteCode::TimeSelfAsserted));
    assert_eq!([seal.content, seal.impression], [Outcome::Passed, Outcome::Passed]);
    let status = only(&report, &world.trust(), &context(&tsa));
    assert_eq!(status.time_stamps[0].outcome, StepOutcome::Failed(SubIndication::HashFailure));
    assert_eq!(status.sealed.expect("a time").proof, TimeProof::SelfAsserted);
}

#[test]
fn a_sealing_time_outside_of_the_seals_validity_is_judged_by_the_proven_time() {
    let world = World::new();
    // The seal ends a year after the sealing time; this authority's clock says that it was later.
    let late = now().plus(400 * DAY);
    let tsa = DevelopmentTsa::create(Suite::Sm2Sm3, now()).expect("a TSA");
    let sealed = world.party("甲方").seal(&contract());
    let sealed = with_changed(&sealed, VALUE, |bytes| {
        let value = SesSignature::from_der(&bytes).expect("a signature").signature().to_vec();
        with_stamp(&bytes, tsa.stamp(&value, late).expect("a stamp").der())
    });
    let context = Context { now: late.plus(DAY), ..context(&tsa) };
    let status = only(&verify(&sealed), &world.trust(), &context);
    assert_eq!(status.at_sealing.sub_indication, Some(SubIndication::SigConstraintsFailure));
}

/// Trust in every root that the document itself brings along: enough to see everything else of the status.
fn own_roots(report: &DocumentReport) -> TrustStore {
    let stamps = report.seals.iter().flat_map(|seal| &seal.time_stamps).chain(&report.time_stamps);
    let tokens = stamps.filter_map(|stamp| stamp.token.as_ref()).flat_map(|token| token.certificates().to_vec());
    let signers = report.seals.iter().flat_map(|seal| seal.certificates.iter().chain(&seal.signer).cloned());
    let all = report.evidence.certificates.iter().cloned().chain(tokens).chain(signers);
    let mut roots: Vec<Certificate> =
        all.filter(|one| one.is_self_issued() && one.verify_issued_by(one).is_ok()).collect();
    roots.dedup();
    TrustStore::new(roots)
}

fn statuses(file: &str, now: &str) -> Option<(DocumentReport, Vec<SealStatus>)> {
    let source: eseal_documents::Source = Arc::new(sample(file)?);
    let report = eseal_documents::verify(&source, &Limits::default(), &mut |_| {}).ok()?;
    let roots = own_roots(&report);
    let trust = Trust { holder_roots: Some(roots.clone()), maker_roots: Some(roots.clone()) };
    let now: Timestamp = now.parse().expect("a moment");
    let context = Context { tsa_roots: Some(roots), ..Context::at(now) };
    let statuses = assess(&report, &judge(&report, &trust), &trust, &context);
    Some((report, statuses))
}

#[test]
fn every_sample_has_a_status_that_agrees_with_its_content() {
    for folder in ["pdf", "ofd"] {
        for name in names(folder) {
            let Some((report, statuses)) = statuses(&format!("{folder}/{name}"), "2026-11-22T00:00:00Z") else {
                continue;
            };
            assert_eq!(statuses.len(), report.seals.len(), "{name}");
            for (seal, status) in report.seals.iter().zip(&statuses) {
                for one in [&status.at_sealing, &status.now] {
                    let total = one.indication == Indication::TotalFailed;
                    assert!(!seal.content.is_failed() || one.indication != Indication::TotalPassed, "{name}");
                    assert_eq!(one.decisive().is_some(), one.indication != Indication::TotalPassed, "{name}");
                    assert!(!total || seal.content != Outcome::Passed || status.sealed.is_some(), "{name}");
                    assert!(one.steps.len() >= 5 && one.steps.is_sorted_by_key(|step| step.block), "{name}");
                }
            }
        }
    }
}

/// The indication now of each seal of a sample, at that moment.
fn now_of(file: &str, now: &str) -> Option<Vec<(Indication, Option<SubIndication>)>> {
    let (_, statuses) = statuses(file, now)?;
    Some(statuses.iter().map(|status| (status.now.indication, status.now.sub_indication)).collect())
}

#[test]
fn what_a_document_keeps_for_later_proves_a_seal_after_its_certificate_ended() {
    // Certificates of five minutes, time stamps, and a DSS whose answers about the time stamps' authority held for a week.
    let file = "pdf/dss__PAdES-LT.pdf";
    let Some((report, statuses)) = statuses(file, "2021-06-01T00:00:00Z") else { return };
    assert!(!report.evidence.crls.is_empty() || !report.evidence.ocsps.is_empty());
    let passed = (Indication::TotalPassed, None);
    for status in &statuses[1..] {
        assert_eq!((status.now.indication, status.now.sub_indication), passed, "{:?}", status.now.decisive());
        assert_eq!(status.sealed.expect("a time").proof, TimeProof::TimeStamp);
    }
    // The first one has no stamp of its own, and the one over the document came weeks after its certificate ended.
    assert_eq!(statuses[0].now.sub_indication, Some(SubIndication::OutOfBoundsNoPoe));
    // Five years later the authority itself would have to be asked again.
    let later = now_of(file, "2026-11-22T00:00:00Z").expect("the same");
    assert_eq!(later[1], (Indication::Indeterminate, Some(SubIndication::OutOfBoundsNotRevoked)));
}

#[test]
fn without_anything_about_revocation_in_the_document_it_has_to_be_asked() {
    // Revoked for these reasons, says a record beside the document and nothing in it.
    for name in ["008-revoked-key-compromise", "009-revoked-orderly-seal-earlier", "010-revoked-orderly-seal-later"] {
        let file = format!("pdf/letsseal__{name}.pdf");
        let Some(found) = now_of(&file, "2026-11-22T00:00:00Z") else { return };
        assert_eq!(found, [(Indication::Indeterminate, Some(SubIndication::TryLater))], "{name}");
    }
}
