//! One seal through every building block, for the moment of sealing and for now.

use eseal_kernel::Timestamp;
use eseal_pki::Evidence;
use eseal_pki::chain::ChainError;

use super::moment::{SealingMoment, TimeProof};
use super::time_stamps::{self, Documents, TimeStampStatus};
use super::x509::{Path, Trouble, TroubleKind, no_chain};
use super::{BuildingBlock, Context, Requirement, SealStatus, Status, StatusStep, StepOutcome, SubIndication};
use crate::time_stamp::Covered;
use crate::{Check, Outcome, Reason, SealJudgement, SealReport, Step, Trust};

/// A way to a trusted root; `Ok(None)`: none was looked for.
type Found = Result<Option<Path>, ChainError>;

/// One seal with everything that its blocks need.
struct Subject<'a> {
    report: &'a SealReport,
    judged: &'a SealJudgement,
    evidence: &'a Evidence,
    trust: &'a Trust,
    context: &'a Context,
    sealed: Option<SealingMoment>,
    stamps: Vec<TimeStampStatus>,
}

/// The status of one seal.
pub(super) fn seal(
    report: &SealReport,
    judged: &SealJudgement,
    documents: &Documents,
    trust: &Trust,
    context: &Context,
) -> SealStatus {
    let stamps = stamps_of(report, documents, context);
    let sealed = best_time(report, &stamps);
    let subject = Subject { report, judged, evidence: &documents.evidence, trust, context, sealed, stamps };
    let (at_sealing, now) = (subject.at_sealing(), subject.now());
    SealStatus { id: report.id.clone(), sealed, time_stamps: subject.stamps, at_sealing, now }
}

/// The stamps over this seal: those inside of its signature, then those over the document that it is part of.
fn stamps_of(report: &SealReport, documents: &Documents, context: &Context) -> Vec<TimeStampStatus> {
    let covering = documents.stamps.iter().filter(|stamp| match (stamp.covers, report.signed_bytes) {
        (Covered::Document { end }, Some(signed)) => end >= signed,
        _ => false,
    });
    let covering: Vec<TimeStampStatus> = covering.cloned().collect();
    let proven = covering.iter().filter_map(TimeStampStatus::proves).min();
    let own = report.time_stamps.iter().map(|stamp| time_stamps::judge(stamp, &documents.evidence, context, proven));
    own.chain(covering.iter().cloned()).collect()
}

fn best_time(report: &SealReport, stamps: &[TimeStampStatus]) -> Option<SealingMoment> {
    let proven = stamps.iter().filter_map(|stamp| Some((stamp.proves()?, stamp.time?))).min();
    match (proven, report.signed_at) {
        (Some((latest, time)), claimed) => Some(SealingMoment { time, latest, proof: TimeProof::TimeStamp, claimed }),
        (None, Some(claimed)) => Some(SealingMoment::claimed(claimed)),
        (None, None) => None,
    }
}

impl Subject<'_> {
    /// The status as somebody would have found it at the moment of sealing, knowing what is known now.
    fn at_sealing(&self) -> Status {
        let moment = self.sealed.map(|sealed| sealed.time);
        let mut steps = self.common();
        match self.sealed {
            None => steps.push(open(BuildingBlock::ProofOfExistence, SubIndication::NoPoe, String::new())),
            Some(sealed) => {
                steps.push(match sealed.proof {
                    TimeProof::TimeStamp => passed(BuildingBlock::ProofOfExistence, sealed.time.to_string()),
                    TimeProof::SelfAsserted => StatusStep::with(
                        BuildingBlock::ProofOfExistence,
                        StepOutcome::NotApplicable,
                        sealed.time.to_string(),
                    ),
                });
                let path = self.path(sealed.latest);
                steps.extend(self.x509(&path, |path| {
                    let trouble = path.trouble(sealed.latest, self.context.policy.revocation)?;
                    let outcome = when_sealed(&trouble, &sealed);
                    Some((outcome, trouble))
                }));
                steps.push(self.algorithms(&path, sealed.latest, SubIndication::CryptoConstraintsFailure));
            }
        }
        Status::of(moment, steps)
    }

    /// The status now: what no longer holds today may have held when the seal is proven to have existed (§5.5.4, §5.6.2.4).
    fn now(&self) -> Status {
        let now = self.context.now;
        let proven = self.sealed.and_then(|sealed| sealed.proven());
        let requirement = self.context.policy.revocation;
        let mut steps = self.common();
        let (today, then) = (self.path(now), proven.map(|at| (at, self.path(at))));
        let before = then.as_ref().map(|(at, path)| (*at, path, serves(path, *at, requirement)));
        let path = match before {
            // Today's way no longer serves, but the one of then did.
            Some((at, path, Serves::Yes)) if serves(&today, now, requirement) != Serves::Yes => {
                steps.push(passed(BuildingBlock::ProofOfExistence, at.to_string()));
                steps.extend(self.x509(path, |_| None));
                path
            }
            before => {
                // Proven to have existed before its certificate did (§5.5.4 4 b).
                let impossible = before.and_then(|(_, _, then)| then.too_early());
                steps.extend(self.x509(&today, |path| {
                    let trouble = path.trouble(now, requirement);
                    match impossible {
                        Some(then) => Some((StepOutcome::Failed(SubIndication::NotYetValid), then)),
                        None => trouble.map(|t| (StepOutcome::Indeterminate(t.without_proof()), t)),
                    }
                }));
                &today
            }
        };
        let at = proven.unwrap_or(now);
        steps.push(self.algorithms(path, at, SubIndication::CryptoConstraintsFailureNoPoe));
        Status::of(Some(now), steps)
    }

    /// The blocks that are the same for every moment.
    fn common(&self) -> Vec<StatusStep> {
        let mut steps = Vec::new();
        for block in [
            BuildingBlock::FormatChecking,
            BuildingBlock::CryptographicVerification,
            BuildingBlock::SignatureAcceptance,
        ] {
            let troubles = self.judged.steps.iter().filter_map(|step| of_check(step, self.sealed.is_some()));
            let troubles: Vec<_> = troubles.filter(|step| step.block == block).collect();
            if troubles.is_empty() && block != BuildingBlock::SignatureAcceptance {
                steps.push(StatusStep::new(block, StepOutcome::Passed));
            }
            steps.extend(troubles);
        }
        steps.push(match &self.report.signer {
            Some(signer) => passed(BuildingBlock::SigningCertificate, signer.subject()),
            None => open(BuildingBlock::SigningCertificate, SubIndication::NoSigningCertificateFound, String::new()),
        });
        steps.push(match &self.trust.holder_roots {
            Some(roots) => passed(BuildingBlock::ValidationContext, roots.roots().len().to_string()),
            None => open(BuildingBlock::ValidationContext, SubIndication::NoCertificateChainFound, String::new()),
        });
        steps.extend(self.seal_validity());
        steps.extend(self.stamps.iter().map(|stamp| StatusStep {
            block: BuildingBlock::TimeStampValidation,
            outcome: stamp.outcome,
            detail: stamp.detail.clone(),
        }));
        steps.extend(self.stamp_order());
        steps
    }

    /// The seal was valid when it was applied (GB/T 38540-2020 7.3): by the proven time where there is one.
    fn seal_validity(&self) -> Option<StatusStep> {
        let (info, sealed) = (self.report.seal.as_ref()?.info(), self.sealed?);
        let detail = format!("{}: {} – {}", sealed.time, info.valid_from, info.valid_to);
        (!info.is_valid_at(sealed.time))
            .then(|| open(BuildingBlock::SignatureAcceptance, SubIndication::SigConstraintsFailure, detail))
    }

    /// A stamp inside of the signature cannot be later than one over the document that has it (§5.5.4, §5.6.3).
    fn stamp_order(&self) -> Option<StatusStep> {
        let holding = || self.stamps.iter().filter(|stamp| stamp.proves().is_some());
        let inner =
            holding().filter(|stamp| stamp.covers == Covered::Signature).filter_map(|stamp| stamp.time).max()?;
        let outer =
            holding().filter(|stamp| stamp.covers != Covered::Signature).filter_map(TimeStampStatus::proves).min()?;
        (inner > outer).then(|| {
            let detail = format!("{inner} > {outer}");
            open(BuildingBlock::ProofOfExistence, SubIndication::TimestampOrderFailure, detail)
        })
    }

    /// The way from the signer to a trusted root; `Ok(None)` where there is no signer or no root to look for one.
    fn path(&self, at: Timestamp) -> Found {
        let (Some(signer), Some(roots)) = (&self.report.signer, &self.trust.holder_roots) else { return Ok(None) };
        Path::find(signer, roots, self.evidence, at, self.context.now).map(Some)
    }

    /// Chain, validity and revocation; `examine` says what is wrong with a chain that was found.
    fn x509(&self, path: &Found, examine: impl FnOnce(&Path) -> Option<(StepOutcome, Trouble)>) -> Vec<StatusStep> {
        let block = BuildingBlock::X509Validation;
        let mut steps: Vec<_> = self.judged.steps.iter().filter_map(of_signer).collect();
        let path = match path {
            Err(error) => {
                steps.push(open(block, no_chain(error), error.to_string()));
                return steps;
            }
            Ok(None) => return steps, // which earlier blocks say
            Ok(Some(path)) => path,
        };
        match examine(path) {
            None => {
                if steps.is_empty() {
                    steps.push(StatusStep::new(block, StepOutcome::Passed));
                }
                steps.push(StatusStep::new(BuildingBlock::RevocationFreshness, StepOutcome::Passed));
            }
            Some((outcome, trouble)) => {
                let stale = trouble.kind == TroubleKind::Stale;
                let block = if stale { BuildingBlock::RevocationFreshness } else { block };
                steps.push(StatusStep::with(block, outcome, trouble.detail));
            }
        }
        steps
    }

    /// Whether algorithms and keys were strong enough at `at`.
    fn algorithms(&self, path: &Found, at: Timestamp, weak: SubIndication) -> StatusStep {
        let block = BuildingBlock::SignatureAcceptance;
        let chain = match path {
            Ok(Some(path)) => path.certificates(),
            _ => self.report.signer.as_slice(),
        };
        let rules = &self.context.policy.algorithms;
        match rules.weak(self.report.digests.iter().copied(), self.report.algorithm, chain) {
            Some(found) if found.until < at => open(block, weak, format!("{} ≤ {}", found.name, found.until)),
            _ => StatusStep::new(block, StepOutcome::Passed),
        }
    }
}

/// Whether a chain serves at a moment.
#[derive(PartialEq)]
enum Serves {
    Yes,
    No(Trouble),
    /// There is none.
    NoPath,
}

fn serves(path: &Found, at: Timestamp, requirement: Requirement) -> Serves {
    match path {
        Ok(Some(path)) => path.trouble(at, requirement).map_or(Serves::Yes, Serves::No),
        Ok(None) | Err(_) => Serves::NoPath,
    }
}

impl Serves {
    fn too_early(self) -> Option<Trouble> {
        match self {
            Self::No(trouble) if trouble.kind == TroubleKind::NotYetValid && trouble.of_signer => Some(trouble),
            Self::No(_) | Self::Yes | Self::NoPath => None,
        }
    }
}

/// What is wrong at the moment of sealing. A signer who says to have sealed after the end is believed; a time stamp only says
/// that it was not later.
fn when_sealed(trouble: &Trouble, sealed: &SealingMoment) -> StepOutcome {
    let admitted = |since: Timestamp| trouble.of_signer && sealed.claimed.is_some_and(|claimed| claimed >= since);
    match trouble.kind {
        TroubleKind::NotYetValid if trouble.of_signer => StepOutcome::Failed(SubIndication::NotYetValid),
        TroubleKind::Expired(until, _) if admitted(until) => StepOutcome::Failed(SubIndication::Expired),
        TroubleKind::Revoked(revocation) if admitted(revocation.since) => StepOutcome::Failed(SubIndication::Revoked),
        _ => StepOutcome::Indeterminate(trouble.without_proof()),
    }
}

fn passed(block: BuildingBlock, detail: String) -> StatusStep {
    StatusStep::with(block, StepOutcome::Passed, detail)
}

fn open(block: BuildingBlock, sub: SubIndication, detail: String) -> StatusStep {
    let outcome = StepOutcome::Indeterminate(sub);
    if detail.is_empty() { StatusStep::new(block, outcome) } else { StatusStep::with(block, outcome, detail) }
}

/// What a technical check says about the signer's certificate that the chain does not.
fn of_signer(step: &Step) -> Option<StatusStep> {
    let is_wrong = step.check == Check::SignerKeyUsage && step.outcome.is_failed();
    is_wrong.then(|| {
        let block = BuildingBlock::X509Validation;
        open(block, SubIndication::ChainConstraintsFailure, detail_of(step))
    })
}

/// What a technical check that did not pass means here; `None` also for those that other blocks judge by themselves.
fn of_check(step: &Step, timed: bool) -> Option<StatusStep> {
    use BuildingBlock::{
        CryptographicVerification as Crypto, FormatChecking as Format, SignatureAcceptance as Acceptance,
    };
    use StepOutcome::{Failed, Indeterminate};
    use SubIndication as Sub;
    let reason = step.outcome.reason()?;
    let is_failed = step.outcome.is_failed();
    let or_unknown = |sub| if is_failed { Failed(sub) } else { Indeterminate(Sub::Generic) };
    let (block, outcome) = match step.check {
        Check::SignatureFormat | Check::SealFormat | Check::ByteRange | Check::LaterChanges => {
            (Format, or_unknown(Sub::FormatFailure))
        }
        Check::SignatureValue if reason == Reason::SignerCertificateMissing => return None,
        Check::SignatureValue => (Crypto, or_unknown(Sub::SigCryptoFailure)),
        Check::DataHash => (Crypto, or_unknown(Sub::HashFailure)),
        Check::References if reason == Reason::ContentMissing => (Crypto, Indeterminate(Sub::SignedDataNotFound)),
        Check::References if reason == Reason::ReferencesMissing => (Format, Failed(Sub::FormatFailure)),
        Check::References => (Crypto, or_unknown(Sub::HashFailure)),
        Check::SignerInSeal | Check::SealMakerSignature | Check::SealMakerChain | Check::SealCopy => {
            (Acceptance, Indeterminate(Sub::SigConstraintsFailure))
        }
        Check::SealingTime if timed => return None, // judged by the best time that is known
        Check::SealingTime => (Acceptance, Indeterminate(Sub::SigConstraintsFailure)),
        Check::SignerChain | Check::SignerKeyUsage | Check::SignerValidity | Check::TimeStamp => return None,
    };
    Some(StatusStep::with(block, outcome, detail_of(step)))
}

/// The check and the reason by their codes, and what explains them.
fn detail_of(step: &Step) -> String {
    let reason = match step.outcome {
        Outcome::Failed(reason) | Outcome::Unknown(reason) => reason.code(),
        Outcome::Passed | Outcome::NotApplicable => "",
    };
    match &step.detail {
        Some(detail) => format!("{} {reason}: {detail}", step.check),
        None => format!("{} {reason}", step.check),
    }
}
