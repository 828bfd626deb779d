//! The verdict on a document, given whom to trust. The rules are those of the verification flow: three items per seal,
//! `signer`, `content` and `impression`, and one verdict for the document.

use eseal_pki::chain::{self, ChainError, Purpose, TrustStore};

use crate::{Check, DocumentReport, Kind, Note, Outcome, Reason, SealReport, Severity, Step};

/// Whom to trust. Roots of holders and roots of makers are kept apart: else any holder could make a seal with another
/// organization's picture.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Roots that certify holders; without them no signer can be judged.
    pub holder_roots: Option<TrustStore>,
    /// Roots that certify seal makers; without them no seal can be judged to be genuine.
    pub maker_roots: Option<TrustStore>,
}

/// What to think of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Sealed, and every item of every seal passed.
    Valid,
    /// Some item of some seal failed.
    Invalid,
    /// Nothing failed, but something cannot be said.
    Indeterminate,
    /// No seal and no signature.
    Unsealed,
}

impl Verdict {
    /// `valid`, `invalid`, `indeterminate` or `unsealed`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Invalid => "invalid",
            Self::Indeterminate => "indeterminate",
            Self::Unsealed => "unsealed",
        }
    }
}

/// A document judged.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// The verdict on the document.
    pub verdict: Verdict,
    /// Its seals, in the order of the report.
    pub seals: Vec<SealJudgement>,
    /// What concerns the document as a whole.
    pub notes: Vec<Note>,
}

/// A seal judged.
#[derive(Debug, Clone)]
pub struct SealJudgement {
    /// Its name in the document.
    pub id: String,
    /// A seal, or a signature without one.
    pub kind: Kind,
    /// Whether the signer is trusted and may sign.
    pub signer: Outcome,
    /// Whether the content is what was sealed.
    pub content: Outcome,
    /// Whether the seal is genuine and the signer's to use.
    pub impression: Outcome,
    /// Every technical check, whatever the items say.
    pub steps: Vec<Step>,
    /// What concerns this seal.
    pub notes: Vec<Note>,
}

impl Judgement {
    /// Whether there is a note that a reader must know, on the document or on a seal.
    pub fn is_flagged(&self) -> bool {
        let notes = self.notes.iter().chain(self.seals.iter().flat_map(|seal| &seal.notes));
        notes.into_iter().any(|note| note.severity() == Severity::Warning)
    }
}

impl SealJudgement {
    /// Signer, content and impression.
    pub const fn items(&self) -> [Outcome; 3] {
        [self.signer, self.content, self.impression]
    }
}

/// Judges what verification found. Time and revocation change no verdict here, for the document may be old.
pub fn judge(report: &DocumentReport, trust: &Trust) -> Judgement {
    let seals: Vec<SealJudgement> = report.seals.iter().map(|seal| judge_seal(seal, trust)).collect();
    let verdict = match Outcome::all(seals.iter().flat_map(SealJudgement::items)) {
        _ if seals.is_empty() => Verdict::Unsealed,
        Outcome::Failed(_) => Verdict::Invalid,
        Outcome::Unknown(_) => Verdict::Indeterminate,
        Outcome::Passed | Outcome::NotApplicable => Verdict::Valid,
    };
    Judgement { verdict, seals, notes: report.notes.clone() }
}

fn judge_seal(report: &SealReport, trust: &Trust) -> SealJudgement {
    let signer = signer(report, trust.holder_roots.as_ref());
    let maker = maker(report, trust.maker_roots.as_ref());
    let mut impression = report.impression;
    if let (Kind::Seal, Some(maker)) = (report.kind, &maker) {
        impression = Outcome::all([impression, maker.outcome]);
    }
    let mut content = report.content;
    if signer.outcome.is_failed() {
        // An untrusted signer ends the flow; what was found all the same is in the steps.
        content = Outcome::Unknown(Reason::NotReached);
        if impression != Outcome::NotApplicable {
            impression = Outcome::Unknown(Reason::NotReached);
        }
    }
    let outcome = signer.outcome;
    let mut steps: Vec<Step> = report.steps.iter().cloned().chain([signer]).chain(maker).collect();
    steps.sort_by_key(|step| step.check);
    SealJudgement {
        id: report.id.clone(),
        kind: report.kind,
        signer: outcome,
        content,
        impression,
        steps,
        notes: report.notes.clone(),
    }
}

fn signer(report: &SealReport, roots: Option<&TrustStore>) -> Step {
    let Some(signer) = &report.signer else {
        // Where the form of the value is why there is no certificate, that is what a reader wants to know.
        let unsupported = Outcome::Unknown(Reason::SignatureValueUnsupported);
        let known = report.content == unsupported;
        let outcome = if known { unsupported } else { Outcome::Unknown(Reason::SignerCertificateMissing) };
        return Step::new(Check::SignerChain, outcome);
    };
    let Some(roots) = roots else {
        return Step::new(Check::SignerChain, Outcome::Unknown(Reason::TrustRootsMissing));
    };
    let failed = |reason, error: ChainError| Step::with(Check::SignerChain, Outcome::Failed(reason), error.to_string());
    match chain::build(signer, &report.certificates, roots) {
        Err(error @ ChainError::UnsupportedAlgorithm { .. }) => unchecked(Check::SignerChain, &error),
        Err(error) => failed(Reason::SignerUntrusted, error),
        Ok(chain) => match chain.check_purpose(Purpose::Holder) {
            Err(error) => failed(Reason::SignerNotForSigning, error),
            Ok(()) => Step::new(Check::SignerChain, Outcome::Passed),
        },
    }
}

/// Whether the seal's maker is authorized; nothing to say where there is no seal.
fn maker(report: &SealReport, roots: Option<&TrustStore>) -> Option<Step> {
    let seal = report.seal.as_ref()?;
    let Some(roots) = roots else {
        return Some(Step::new(Check::SealMakerChain, Outcome::Unknown(Reason::MakerNotAuthorized)));
    };
    let failed = Outcome::Failed(Reason::MakerNotAuthorized);
    let Some(maker) = seal.maker_certificate() else { return Some(Step::new(Check::SealMakerChain, failed)) };
    let chain = chain::build(maker, &report.certificates, roots);
    Some(match chain.and_then(|chain| chain.check_purpose(Purpose::Maker)) {
        Ok(()) => Step::new(Check::SealMakerChain, Outcome::Passed),
        Err(error @ ChainError::UnsupportedAlgorithm { .. }) => unchecked(Check::SealMakerChain, &error),
        Err(error) => Step::with(Check::SealMakerChain, failed, error.to_string()),
    })
}

/// A chain that cannot be followed, for one of its signatures is of a kind that cannot be checked here: it may be a good one.
fn unchecked(check: Check, error: &ChainError) -> Step {
    Step::with(check, Outcome::Unknown(Reason::SignatureAlgorithmUnsupported), error.to_string())
}
