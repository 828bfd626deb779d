//! What the time stamps of a document prove (EN 319 102-1 §5.4, and §5.6 for those whose authority has since expired).

use eseal_kernel::Timestamp;
use eseal_pki::cms::CmsError;
use eseal_pki::tsp::VerifiedTimeStamp;
use eseal_pki::{Evidence, TspError};

use super::x509::{Path, no_chain};
use super::{Context, StepOutcome, SubIndication};
use crate::report::shown;
use crate::time_stamp::{Covered, TimeStampReport};
use crate::{DocumentReport, Outcome, Reason};

/// One time stamp and what it is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeStampStatus {
    /// The field that holds it, for one over the whole document; empty for one inside of a signature.
    pub id: String,
    /// What it stands over.
    pub covers: Covered,
    /// The moment that it states.
    pub time: Option<Timestamp>,
    /// Who states it, from the authority's certificate.
    pub authority: Option<String>,
    /// Whether it proves anything.
    pub outcome: StepOutcome,
    /// What explains the outcome.
    pub detail: Option<String>,
    /// The latest moment that it can stand for.
    latest: Option<Timestamp>,
}

impl TimeStampStatus {
    /// The moment at which what it stands over is proven to have existed; `None` where it proves nothing.
    pub fn proves(&self) -> Option<Timestamp> {
        if self.outcome == StepOutcome::Passed { self.latest } else { None }
    }
}

/// The stamps over a whole document with everything that is known about certificates.
pub(super) struct Documents {
    pub(super) stamps: Vec<TimeStampStatus>,
    pub(super) evidence: Evidence,
}

/// Judges the stamps over the document. The last one first: it proves that the earlier ones existed, so that these still hold
/// after their authority's certificate has ended.
pub(super) fn of_document(report: &DocumentReport, context: &Context) -> Documents {
    let evidence = gathered(report, context);
    let mut order: Vec<&TimeStampReport> = report.time_stamps.iter().collect();
    order.sort_by_key(|stamp| std::cmp::Reverse(end(stamp.covers)));
    let mut stamps: Vec<TimeStampStatus> = Vec::new();
    for stamp in order {
        let later = stamps.iter().filter(|later| end(later.covers) > end(stamp.covers));
        let proven = later.filter_map(TimeStampStatus::proves).min();
        stamps.push(judge(stamp, &evidence, context, proven));
    }
    stamps.reverse();
    Documents { stamps, evidence }
}

fn end(covers: Covered) -> u64 {
    match covers {
        Covered::Signature => 0,
        Covered::Document { end } => end,
    }
}

/// Everything that is known: what the document holds wherever, and what was given.
fn gathered(report: &DocumentReport, context: &Context) -> Evidence {
    let mut evidence = context.evidence.clone();
    evidence.extend(report.evidence.clone());
    for seal in &report.seals {
        evidence.extend(seal.evidence.clone());
        evidence.extend(Evidence { certificates: seal.certificates.clone(), ..Evidence::default() });
    }
    let stamps = report.seals.iter().flat_map(|seal| &seal.time_stamps).chain(&report.time_stamps);
    for token in stamps.filter_map(|stamp| stamp.token.as_ref()) {
        evidence.extend(token.evidence());
    }
    evidence
}

/// Judges one stamp. `proven`: when a later one proves that it existed.
pub(super) fn judge(
    stamp: &TimeStampReport,
    evidence: &Evidence,
    context: &Context,
    proven: Option<Timestamp>,
) -> TimeStampStatus {
    let info = stamp.token.as_ref().map(|token| token.info());
    let mut status = TimeStampStatus {
        id: stamp.id.clone(),
        covers: stamp.covers,
        time: info.map(|info| info.time),
        authority: None,
        outcome: StepOutcome::Passed,
        detail: info.map(|info| info.time.to_string()),
        latest: info.map(|info| info.latest()),
    };
    if let Err((outcome, detail)) = check(stamp, evidence, context, proven, &mut status.authority) {
        status.outcome = outcome;
        status.detail = Some(shown(&detail));
    }
    status
}

type Refused = (StepOutcome, String);

fn check(
    stamp: &TimeStampReport,
    evidence: &Evidence,
    context: &Context,
    proven: Option<Timestamp>,
    authority: &mut Option<String>,
) -> Result<(), Refused> {
    let told = || stamp.detail.clone().unwrap_or_default();
    let Some(token) = &stamp.token else {
        return Err((of_outcome(stamp.outcome, SubIndication::FormatFailure), told()));
    };
    let stamped = token.verify(&evidence.certificates).map_err(|error| (refused(&error), error.to_string()))?;
    *authority = Some(shown(&stamped.certificate.subject()));
    if stamp.outcome.is_failed() {
        // The signature holds, so what did not is the imprint.
        return Err((of_outcome(stamp.outcome, SubIndication::HashFailure), told()));
    }
    trusted(&stamped, evidence, context, proven)
}

fn trusted(
    stamped: &VerifiedTimeStamp,
    evidence: &Evidence,
    context: &Context,
    proven: Option<Timestamp>,
) -> Result<(), Refused> {
    let open = |sub, detail: String| Err((StepOutcome::Indeterminate(sub), detail));
    let Some(roots) = &context.tsa_roots else {
        return open(SubIndication::NoCertificateChainFound, stamped.certificate.issuer());
    };
    let at = proven.unwrap_or(context.now);
    let path = match Path::find(&stamped.certificate, roots, evidence, at, context.now) {
        Ok(path) => path,
        Err(error) => return open(no_chain(&error), error.to_string()),
    };
    // When it signed it must have been valid, whatever it is since.
    let (from, until) = (stamped.certificate.not_before(), stamped.certificate.not_after());
    if stamped.time < from || stamped.time > until {
        let detail = format!("{}: {from} – {until}", stamped.certificate.subject());
        return open(SubIndication::OutOfBoundsNoPoe, detail);
    }
    if let Some(trouble) = path.trouble(at, context.policy.revocation) {
        return open(trouble.without_proof(), trouble.detail);
    }
    let rules = &context.policy.algorithms;
    match rules.weak([stamped.digest], Some(stamped.algorithm), path.certificates()) {
        Some(weak) if weak.until < at => {
            open(SubIndication::CryptoConstraintsFailureNoPoe, format!("{} ≤ {}", weak.name, weak.until))
        }
        _ => Ok(()),
    }
}

fn of_outcome(outcome: Outcome, failed: SubIndication) -> StepOutcome {
    match outcome {
        Outcome::Failed(Reason::TimeStampMalformed) => StepOutcome::Failed(SubIndication::FormatFailure),
        Outcome::Failed(_) => StepOutcome::Failed(failed),
        Outcome::Unknown(_) | Outcome::Passed | Outcome::NotApplicable => {
            StepOutcome::Indeterminate(SubIndication::Generic)
        }
    }
}

fn refused(error: &TspError) -> StepOutcome {
    match error {
        TspError::Cms(CmsError::NoCertificate) => StepOutcome::Indeterminate(SubIndication::NoSigningCertificateFound),
        TspError::Cms(CmsError::UnsupportedAlgorithm(_) | CmsError::Key(_)) | TspError::UnsupportedAlgorithm(_) => {
            StepOutcome::Indeterminate(SubIndication::Generic)
        }
        TspError::Cms(CmsError::BadSignature | CmsError::ContentChanged) => {
            StepOutcome::Failed(SubIndication::SigCryptoFailure)
        }
        TspError::Cms(CmsError::OtherCertificate) => {
            StepOutcome::Indeterminate(SubIndication::NoSigningCertificateFound)
        }
        TspError::OtherContent => StepOutcome::Failed(SubIndication::HashFailure),
        TspError::NotForTimeStamping(_) => StepOutcome::Indeterminate(SubIndication::ChainConstraintsFailure),
        TspError::UnknownCritical | TspError::Signers(_) | TspError::NoAttribute(_) | TspError::OtherAuthority => {
            StepOutcome::Indeterminate(SubIndication::SigConstraintsFailure)
        }
        TspError::TooLarge
        | TspError::Malformed(_)
        | TspError::DigestLength
        | TspError::Refused { .. }
        | TspError::OtherNonce
        | TspError::OtherPolicy
        | TspError::Cms(_)
        | TspError::Certificate(_)
        | TspError::Untrusted(_)
        | TspError::Key(_)
        | TspError::Sign(_) => StepOutcome::Failed(SubIndication::FormatFailure),
    }
}
