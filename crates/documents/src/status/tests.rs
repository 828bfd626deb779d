//! One seal under every circumstance that the standard tells apart. Days count from the beginning of all certificates.

use std::cell::RefCell;
use std::time::Duration;

use eseal_pki::chain::Purpose;
use eseal_pki::tsp::DevelopmentTsa;
use eseal_pki::{
    Certificate, Crl, DevelopmentCa, DigestAlg, OcspRequest, OcspResponse, RevocationReason, SignatureAlgorithm,
    SigningKey, Subject, Suite,
};

use super::*;
use crate::{Check, Format, Kind, Outcome, Reason, SealReport, Step, TimeStampReport, judge};

const VALUE: &[u8] = b"the value of the signature";
const DAY: Duration = Duration::from_secs(86_400);
/// The signer's certificate ends on this day.
const END: u32 = 100;

struct World {
    start: Timestamp,
    ca: RefCell<DevelopmentCa>,
    signer: Certificate,
    tsa_ca: DevelopmentCa,
    tsa: DevelopmentTsa,
}

impl World {
    fn new() -> Self {
        Self::beginning("2026-01-01T00:00:00Z", 1_000)
    }

    fn beginning(start: &str, tsa_days: u32) -> Self {
        let start: Timestamp = start.parse().expect("a moment");
        let suite = Suite::EcdsaP256Sha256;
        let root = |name| DevelopmentCa::create(suite, name, Purpose::Holder, start).expect("an authority");
        let (ca, tsa_ca) = (root("CA"), root("TSA root"));
        let key = SigningKey::generate(suite).expect("a key");
        let signer = ca.issue(&key.public_key(), &Subject::named("signer"), DAY * END, start).expect("a certificate");
        let tsa = DevelopmentTsa::under(&tsa_ca, start, DAY * tsa_days).expect("an authority");
        Self { start, ca: RefCell::new(ca), signer, tsa_ca, tsa }
    }

    fn day(&self, day: u32) -> Timestamp {
        self.start.plus(DAY * day)
    }

    fn revoke(&self, day: u32, reason: RevocationReason) {
        self.ca.borrow_mut().revoke(&self.signer.serial_hex(), reason, self.day(day));
    }

    /// A list of the signer's CA, good for 30 days.
    fn list(&self, day: u32) -> Crl {
        self.ca.borrow().crl(self.day(day)).expect("a list")
    }

    fn trust(&self) -> Trust {
        let roots = TrustStore::new(vec![self.ca.borrow().certificate().clone()]);
        Trust { holder_roots: Some(roots), maker_roots: None }
    }

    /// Now, knowing these lists, and that the TSA's CA revoked nothing.
    fn context(&self, now: u32, lists: &[u32]) -> Context {
        let mut context = Context::at(self.day(now));
        context.evidence.crls = lists.iter().map(|day| self.list(*day)).collect();
        context.evidence.crls.push(self.tsa_ca.crl(self.day(now)).expect("a list"));
        context.tsa_roots = Some(TrustStore::new(vec![self.tsa_ca.certificate().clone()]));
        context
    }

    fn stamp(&self, day: u32) -> TimeStampReport {
        let token = self.tsa.stamp(VALUE, self.day(day)).expect("a stamp");
        TimeStampReport::over_signature(token.der(), VALUE)
    }

    /// A stamp over the first `end` bytes.
    fn document_stamp(&self, day: u32, end: u64) -> TimeStampReport {
        let token = self.tsa.stamp(b"all of it", self.day(day)).expect("a stamp");
        TimeStampReport::over_document("Stamp", end, token.der(), |mut hasher| {
            hasher.update(b"all of it");
            hasher.finish()
        })
    }

    /// A document of 100 bytes with a signature that its signer says to be of this day.
    fn document(&self, claimed: Option<u32>, stamps: Vec<TimeStampReport>) -> DocumentReport {
        let steps = [Check::SignatureFormat, Check::SignatureValue, Check::DataHash];
        let seal = SealReport {
            signer: Some(self.signer.clone()),
            signed_at: claimed.map(|day| self.day(day)),
            steps: steps.map(|check| Step::new(check, Outcome::Passed)).to_vec(),
            algorithm: Some(SignatureAlgorithm::Ecdsa(DigestAlg::Sha256)),
            digests: vec![DigestAlg::Sha256],
            signed_bytes: Some(100),
            time_stamps: stamps,
            ..SealReport::new("Seal1".to_owned(), Kind::Signature)
        };
        DocumentReport {
            format: Format::Pdf,
            pages: 1,
            seals: vec![seal],
            notes: Vec::new(),
            time_stamps: Vec::new(),
            evidence: Evidence::default(),
        }
    }

    fn assess(&self, report: &DocumentReport, context: &Context) -> SealStatus {
        let trust = self.trust();
        assess(report, &judge(report, &trust), &trust, context).remove(0)
    }
}

type Seen = (Indication, Option<SubIndication>);

const PASSED: Seen = (Indication::TotalPassed, None);

fn open(sub: SubIndication) -> Seen {
    (Indication::Indeterminate, Some(sub))
}

fn failed(sub: SubIndication) -> Seen {
    (Indication::TotalFailed, Some(sub))
}

/// At sealing and now.
fn seen(status: &SealStatus) -> (Seen, Seen) {
    let of = |status: &Status| (status.indication, status.sub_indication);
    (of(&status.at_sealing), of(&status.now))
}

#[test]
fn a_fresh_seal_passes_for_both_moments_and_its_time_is_the_signers_word() {
    let world = World::new();
    let status = world.assess(&world.document(Some(10), vec![]), &world.context(20, &[15]));
    assert_eq!(seen(&status), (PASSED, PASSED));
    assert_eq!(status.sealed.expect("a time").proof, TimeProof::SelfAsserted);
    assert_eq!(status.at_sealing.decisive(), None);
    let blocks: Vec<_> = status.now.steps.iter().map(|step| step.block).collect();
    assert!(blocks.is_sorted() && blocks.contains(&BuildingBlock::CryptographicVerification), "{blocks:?}");
}

#[test]
fn without_anything_about_revocation_it_has_to_be_tried_later() {
    let world = World::new();
    let mut context = world.context(20, &[]);
    let later = open(SubIndication::TryLater);
    let document = world.document(Some(10), vec![]);
    assert_eq!(seen(&world.assess(&document, &context)), (later, later));
    context.policy.revocation = Requirement::WhereKnown;
    assert_eq!(seen(&world.assess(&document, &context)), (PASSED, PASSED));
}

#[test]
fn an_old_list_speaks_of_the_moment_of_sealing_but_not_of_today() {
    let world = World::new();
    let status = world.assess(&world.document(Some(10), vec![]), &world.context(60, &[15]));
    assert_eq!(seen(&status), (PASSED, open(SubIndication::TryLater)));
    assert_eq!(status.now.decisive().expect("a step").block, BuildingBlock::RevocationFreshness);
}

#[test]
fn an_answer_of_the_ca_is_as_good_as_its_list() {
    let world = World::new();
    let ca = world.ca.borrow();
    let request = OcspRequest::about(&world.signer, ca.certificate(), DigestAlg::Sha1).expect("a request");
    let der = ca.respond(&request.to_der(), world.day(20)).expect("an answer");
    let mut context = world.context(20, &[]);
    context.evidence.ocsps.push(OcspResponse::from_der(&der).expect("an answer"));
    drop(ca);
    assert_eq!(seen(&world.assess(&world.document(Some(10), vec![]), &context)), (PASSED, PASSED));
    let other = World::new();
    let status = other
        .assess(&other.document(Some(10), vec![]), &Context { evidence: context.evidence, ..other.context(20, &[]) });
    assert_eq!(seen(&status).1, open(SubIndication::TryLater), "another CA's answer says nothing");
}

#[test]
fn a_certificate_that_has_ended_leaves_a_self_asserted_seal_open() {
    let world = World::new();
    let document = world.document(Some(10), vec![]);
    let known = world.assess(&document, &world.context(200, &[99]));
    assert_eq!(seen(&known), (PASSED, open(SubIndication::OutOfBoundsNotRevoked)));
    let unknown = world.assess(&document, &world.context(200, &[]));
    assert_eq!(seen(&unknown).1, open(SubIndication::OutOfBoundsNoPoe));
    // A list from after the end may have forgotten the certificate.
    let forgotten = world.assess(&document, &world.context(200, &[150]));
    assert_eq!(seen(&forgotten), (open(SubIndication::TryLater), open(SubIndication::OutOfBoundsNoPoe)));
}

#[test]
fn a_certificate_that_has_ended_does_not_matter_to_a_seal_with_a_time_stamp() {
    let world = World::new();
    let status = world.assess(&world.document(Some(10), vec![world.stamp(10)]), &world.context(200, &[12]));
    assert_eq!(seen(&status), (PASSED, PASSED));
    let sealed = status.sealed.expect("a time");
    assert_eq!((sealed.time, sealed.proof), (world.day(10), TimeProof::TimeStamp));
    let proof = status.now.steps.iter().find(|step| step.block == BuildingBlock::ProofOfExistence);
    assert_eq!(proof.expect("a step").outcome, StepOutcome::Passed);
}

#[test]
fn a_seal_from_after_the_end_fails_by_the_signers_own_word() {
    let world = World::new();
    let status = world.assess(&world.document(Some(120), vec![]), &world.context(130, &[99]));
    assert_eq!(seen(&status), (failed(SubIndication::Expired), open(SubIndication::OutOfBoundsNotRevoked)));
    // The stamp says that it was not later than this; the signer says that it was in time.
    let stamped = world.assess(&world.document(Some(90), vec![world.stamp(120)]), &world.context(130, &[99]));
    assert_eq!(seen(&stamped).0, open(SubIndication::OutOfBoundsNotRevoked));
}

#[test]
fn revoked_after_sealing_counts_unless_a_time_stamp_proves_that_it_was_after() {
    for reason in [RevocationReason::KeyCompromise, RevocationReason::Superseded] {
        let world = World::new();
        world.revoke(50, reason);
        let context = world.context(60, &[55]);
        let without = world.assess(&world.document(Some(10), vec![]), &context);
        assert_eq!(seen(&without), (PASSED, open(SubIndication::RevokedNoPoe)));
        assert_eq!(without.now.decisive().expect("a step").block, BuildingBlock::X509Validation);
        let stamped = world.assess(&world.document(Some(10), vec![world.stamp(10)]), &context);
        assert_eq!(seen(&stamped), (PASSED, PASSED));
    }
}

#[test]
fn revoked_before_sealing_fails_or_stays_open_but_never_passes() {
    let world = World::new();
    world.revoke(5, RevocationReason::Unspecified);
    let context = world.context(60, &[55]);
    let no_proof = open(SubIndication::RevokedNoPoe);
    let own_word = world.assess(&world.document(Some(10), vec![]), &context);
    assert_eq!(seen(&own_word), (failed(SubIndication::Revoked), no_proof));
    let stamped = world.assess(&world.document(Some(10), vec![world.stamp(10)]), &context);
    assert_eq!(seen(&stamped), (failed(SubIndication::Revoked), no_proof));
    let backdated = world.assess(&world.document(Some(3), vec![world.stamp(10)]), &context);
    assert_eq!(seen(&backdated), (no_proof, no_proof));
}

#[test]
fn a_suspended_certificate_has_to_be_tried_later() {
    let world = World::new();
    world.revoke(50, RevocationReason::CertificateHold);
    let status = world.assess(&world.document(Some(10), vec![]), &world.context(60, &[55]));
    assert_eq!(seen(&status), (PASSED, open(SubIndication::TryLater)));
}

#[test]
fn a_time_stamp_about_something_else_proves_nothing() {
    let world = World::new();
    let token = world.tsa.stamp(b"another value", world.day(10)).expect("a stamp");
    let broken = TimeStampReport::over_signature(token.der(), VALUE);
    assert_eq!(broken.outcome, Outcome::Failed(Reason::TimeStampWrong));
    world.revoke(50, RevocationReason::KeyCompromise);
    let status = world.assess(&world.document(Some(10), vec![broken]), &world.context(60, &[55]));
    assert_eq!(seen(&status), (PASSED, open(SubIndication::RevokedNoPoe)));
    assert_eq!(status.time_stamps[0].outcome, StepOutcome::Failed(SubIndication::HashFailure));
    assert_eq!((status.time_stamps[0].proves(), status.sealed.expect("a time").proof), (None, TimeProof::SelfAsserted));
}

#[test]
fn a_time_stamp_whose_signature_was_changed_proves_nothing() {
    let world = World::new();
    let mut der = world.tsa.stamp(VALUE, world.day(10)).expect("a stamp").der().to_vec();
    let last = der.len() - 1;
    der[last] ^= 1;
    let status = world.assess(
        &world.document(Some(10), vec![TimeStampReport::over_signature(&der, VALUE)]),
        &world.context(20, &[15]),
    );
    assert_eq!(status.time_stamps[0].outcome, StepOutcome::Failed(SubIndication::SigCryptoFailure));
    assert_eq!(seen(&status), (PASSED, PASSED), "and fails nothing by itself");
    let garbage = TimeStampReport::over_signature(b"garbage", VALUE);
    assert_eq!(garbage.outcome, Outcome::Failed(Reason::TimeStampMalformed));
}

#[test]
fn a_time_stamp_of_an_authority_that_nobody_trusts_proves_nothing() {
    let world = World::new();
    let stamp = || world.stamp(10);
    let foreign = World::new();
    let strange = Context { tsa_roots: foreign.context(20, &[]).tsa_roots, ..world.context(20, &[15]) };
    let none = Context { tsa_roots: None, ..world.context(20, &[15]) };
    for context in [strange, none] {
        let status = world.assess(&world.document(Some(10), vec![stamp()]), &context);
        let outcome = status.time_stamps[0].outcome;
        assert_eq!(outcome, StepOutcome::Indeterminate(SubIndication::NoCertificateChainFound));
        assert_eq!(status.sealed.expect("a time").proof, TimeProof::SelfAsserted);
        assert_eq!(seen(&status), (PASSED, PASSED));
    }
}

#[test]
fn a_time_stamp_whose_authority_has_ended_needs_a_later_one_over_the_document() {
    let world = World::beginning("2026-01-01T00:00:00Z", 30);
    let later = World::beginning("2026-01-01T00:00:00Z", 1_000);
    let mut context = world.context(200, &[12]);
    let old_list = world.tsa_ca.crl(world.day(29)).expect("a list");
    context.evidence.crls.push(old_list);
    context.evidence.crls.push(later.tsa_ca.crl(later.day(200)).expect("a list"));
    let both = vec![world.tsa_ca.certificate().clone(), later.tsa_ca.certificate().clone()];
    context.tsa_roots = Some(TrustStore::new(both));

    let mut document = world.document(Some(10), vec![world.stamp(10)]);
    let alone = world.assess(&document, &context);
    assert_eq!(alone.time_stamps[0].outcome, StepOutcome::Indeterminate(SubIndication::OutOfBoundsNotRevoked));
    assert_eq!(seen(&alone).1, open(SubIndication::OutOfBoundsNoPoe));

    document.time_stamps.push(later.document_stamp(20, 150));
    let covered = world.assess(&document, &context);
    assert_eq!(covered.time_stamps.len(), 2);
    assert!(covered.time_stamps.iter().all(|stamp| stamp.outcome == StepOutcome::Passed), "{:?}", covered.time_stamps);
    assert_eq!(seen(&covered), (PASSED, PASSED));
    assert_eq!(covered.sealed.expect("a time").time, world.day(10), "the earliest that holds");
}

#[test]
fn a_stamp_over_the_document_proves_what_it_has_in_it_and_not_what_came_after() {
    let world = World::new();
    let mut document = world.document(Some(10), vec![]);
    document.time_stamps.push(world.document_stamp(20, 150));
    let inside = world.assess(&document, &world.context(200, &[25]));
    assert_eq!(seen(&inside), (PASSED, PASSED));
    assert_eq!(inside.sealed.expect("a time").time, world.day(20));
    document.seals[0].signed_bytes = Some(151);
    let after = world.assess(&document, &world.context(200, &[25]));
    assert_eq!(after.time_stamps, []);
    assert_eq!(seen(&after).1, open(SubIndication::OutOfBoundsNoPoe));
}

#[test]
fn time_stamps_that_contradict_each_other_are_told() {
    let world = World::new();
    let mut document = world.document(Some(10), vec![world.stamp(30)]);
    document.time_stamps.push(world.document_stamp(20, 150));
    let status = world.assess(&document, &world.context(40, &[35]));
    assert_eq!(seen(&status).1, open(SubIndication::TimestampOrderFailure));
}

#[test]
fn a_seal_that_existed_before_its_certificate_fails() {
    let world = World::new();
    let before = World::beginning("2025-01-01T00:00:00Z", 1_000);
    let token = before.tsa.stamp(VALUE, before.day(10)).expect("a stamp");
    let mut context = world.context(20, &[15]);
    context.evidence.crls.push(before.tsa_ca.crl(world.day(20)).expect("a list"));
    context.tsa_roots = before.context(20, &[]).tsa_roots;
    let status =
        world.assess(&world.document(Some(10), vec![TimeStampReport::over_signature(token.der(), VALUE)]), &context);
    assert_eq!(status.time_stamps[0].outcome, StepOutcome::Passed, "{:?}", status.time_stamps);
    assert_eq!(seen(&status).0, failed(SubIndication::NotYetValid));
}

#[test]
fn changed_content_fails_whatever_else_is_not_known() {
    let world = World::new();
    let mut document = world.document(Some(10), vec![]);
    for (check, reason, sub, block) in [
        (Check::DataHash, Reason::ContentAltered, SubIndication::HashFailure, BuildingBlock::CryptographicVerification),
        (
            Check::SignatureValue,
            Reason::SignatureValueWrong,
            SubIndication::SigCryptoFailure,
            BuildingBlock::CryptographicVerification,
        ),
        (Check::LaterChanges, Reason::ChangeNotPermitted, SubIndication::FormatFailure, BuildingBlock::FormatChecking),
        (Check::ByteRange, Reason::ByteRangeInvalid, SubIndication::FormatFailure, BuildingBlock::FormatChecking),
    ] {
        document.seals[0].steps = vec![Step::with(check, Outcome::Failed(reason), "page 1")];
        let trust = Trust::default();
        let status = assess(&document, &judge(&document, &trust), &trust, &Context::at(world.day(20))).remove(0);
        assert_eq!(seen(&status), (failed(sub), failed(sub)));
        let decisive = status.now.decisive().expect("a step");
        assert_eq!(decisive.block, block);
        assert_eq!(decisive.detail, Some(format!("{} {}: page 1", check.code(), reason.code())));
    }
}

#[test]
fn a_signer_without_a_chain_or_a_certificate_stays_open() {
    let world = World::new();
    let no_chain = open(SubIndication::NoCertificateChainFound);
    let mut document = world.document(Some(10), vec![]);
    for trust in [Trust::default(), World::new().trust()] {
        let status = assess(&document, &judge(&document, &trust), &trust, &world.context(20, &[15])).remove(0);
        assert_eq!(seen(&status), (no_chain, no_chain));
    }
    document.seals[0].signer = None;
    let nobody = open(SubIndication::NoSigningCertificateFound);
    assert_eq!(seen(&world.assess(&document, &world.context(20, &[15]))), (nobody, nobody));
}

#[test]
fn nothing_says_when_it_was_sealed() {
    let world = World::new();
    let status = world.assess(&world.document(None, vec![]), &world.context(20, &[15]));
    assert_eq!((status.sealed, status.at_sealing.moment), (None, None));
    assert_eq!(seen(&status), (open(SubIndication::NoPoe), PASSED));
}

#[test]
fn a_weak_digest_counts_from_its_end_on() {
    let world = World::beginning("2010-01-01T00:00:00Z", 7_000);
    let mut document = world.document(Some(10), vec![]);
    document.seals[0].digests = vec![DigestAlg::Sha1];
    let in_time = world.assess(&document, &world.context(20, &[15]));
    assert_eq!(seen(&in_time), (PASSED, PASSED));
    // Today, 15 years later: a time stamp from before the end still proves it.
    let context = world.context(5_600, &[12]);
    let expired = world.assess(&document, &context);
    assert_eq!(seen(&expired), (PASSED, open(SubIndication::OutOfBoundsNoPoe)));
    let weak = expired
        .now
        .steps
        .iter()
        .find(|step| step.outcome.sub_indication() == Some(SubIndication::CryptoConstraintsFailureNoPoe));
    assert!(weak.is_some_and(|step| step.detail.as_deref().is_some_and(|detail| detail.starts_with("SHA-1"))));
    document.seals[0].time_stamps = vec![world.stamp(10)];
    assert_eq!(seen(&world.assess(&document, &context)), (PASSED, PASSED));

    let today = World::new();
    let mut late = today.document(Some(10), vec![]);
    late.seals[0].digests = vec![DigestAlg::Sha1];
    let weak = open(SubIndication::CryptoConstraintsFailure);
    let no_proof = open(SubIndication::CryptoConstraintsFailureNoPoe);
    assert_eq!(seen(&today.assess(&late, &today.context(20, &[15]))), (weak, no_proof));
    let lenient = AlgorithmRules { digests: Vec::new(), weak_keys: None };
    let policy = Policy { algorithms: lenient, ..Policy::default() };
    let context = Context { policy, ..today.context(20, &[15]) };
    assert_eq!(seen(&today.assess(&late, &context)), (PASSED, PASSED));
}

#[test]
fn the_names_are_those_of_the_standard() {
    assert_eq!(Indication::TotalPassed.as_str(), "TOTAL-PASSED");
    assert_eq!(SubIndication::RevokedNoPoe.urn(), "urn:etsi:019102:subindication:REVOKED_NO_POE");
    let mut codes: Vec<_> = SubIndication::ALL.iter().map(|sub| sub.code()).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), SubIndication::ALL.len());
    for sub in SubIndication::ALL {
        assert!(sub.text(crate::Language::En).is_ascii() && !sub.text(crate::Language::ZhCn).is_ascii(), "{sub}");
    }
}
