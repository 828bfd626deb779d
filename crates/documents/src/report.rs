//! What verification finds in a document, before anyone's trust is applied.

use std::fmt;

use eseal_kernel::Timestamp;
use eseal_pki::{Certificate, DigestAlg, Evidence, SignatureAlgorithm};
use eseal_seal::Seal;

use crate::{Check, Note, Reason, Stamp, TimeStampReport};

/// The kinds of documents that can be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// GB/T 33190-2016.
    Ofd,
    /// ISO 32000.
    Pdf,
}

/// Everything that verification found, without judging whom to trust: see [`crate::judge()`].
#[derive(Debug, Clone)]
pub struct DocumentReport {
    /// What kind of document it is.
    pub format: Format,
    /// How many pages it has.
    pub pages: u32,
    /// Its seals and signatures in the document's order; none if it was never sealed.
    pub seals: Vec<SealReport>,
    /// What concerns the document as a whole.
    pub notes: Vec<Note>,
    /// Time stamps over the whole document.
    pub time_stamps: Vec<TimeStampReport>,
    /// Certificates, revocation lists and OCSP responses that the document keeps for later validation.
    pub evidence: Evidence,
}

/// One seal or signature of a document.
#[derive(Debug, Clone)]
pub struct SealReport {
    /// Its name in the document: the OFD signature's ID, the PDF field's name.
    pub id: String,
    /// A seal, or a signature without one.
    pub kind: Kind,
    /// Where its impressions stand; a seal may show none or, along page edges, many.
    pub stamps: Vec<Stamp>,
    /// Who signed; absent if the signature has no readable certificate.
    pub signer: Option<Certificate>,
    /// Further certificates that the signature or the seal carries, to build chains with.
    pub certificates: Vec<Certificate>,
    /// The electronic seal inside the signature.
    pub seal: Option<Seal>,
    /// When it was sealed by the signer's own statement, or by a verified time stamp.
    pub signed_at: Option<Timestamp>,
    /// Whether the content is what was sealed.
    pub content: Outcome,
    /// Whether the seal is genuine and the signer's to use, as far as it can be said without maker roots.
    pub impression: Outcome,
    /// Every technical check, whatever failed before it.
    pub steps: Vec<Step>,
    /// What concerns this seal.
    pub notes: Vec<Note>,
    /// How the signature value was made, where that is known.
    pub algorithm: Option<SignatureAlgorithm>,
    /// The digests that bind the content to the signature.
    pub digests: Vec<DigestAlg>,
    /// Up to where the file is signed, in PDF.
    pub signed_bytes: Option<u64>,
    /// Time stamps over the signature value.
    pub time_stamps: Vec<TimeStampReport>,
    /// Revocation lists and OCSP responses that the signature carries, and further certificates.
    pub evidence: Evidence,
}

/// A seal or a signature without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 电子签章: a signature that binds an electronic seal.
    Seal,
    /// 数字签名: a signature without a seal.
    Signature,
}

/// One technical check and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What was checked.
    pub check: Check,
    /// What came of it.
    pub outcome: Outcome,
    /// Names or values from the document that explain it: not to be trusted as markup.
    pub detail: Option<String>,
}

/// What came of an item or a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It does not hold.
    Failed(Reason),
    /// It cannot be said.
    Unknown(Reason),
    /// There is nothing to say: a signature has no impression.
    NotApplicable,
}

impl Outcome {
    /// `passed`, `failed`, `unknown` or `not_applicable`.
    pub const fn result(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
            Self::Unknown(_) => "unknown",
            Self::NotApplicable => "not_applicable",
        }
    }

    /// Why it did not pass.
    pub const fn reason(self) -> Option<Reason> {
        match self {
            Self::Failed(reason) | Self::Unknown(reason) => Some(reason),
            Self::Passed | Self::NotApplicable => None,
        }
    }

    /// Whether it failed.
    pub const fn is_failed(self) -> bool {
        matches!(self, Self::Failed(_))
    }

    /// What several outcomes come to: the first failure, else the first unknown, else passed.
    pub fn all(outcomes: impl IntoIterator<Item = Self>) -> Self {
        let mut sum = Self::Passed;
        for outcome in outcomes {
            match outcome {
                Self::Failed(_) => return outcome,
                Self::Unknown(_) if sum == Self::Passed => sum = outcome,
                Self::Unknown(_) | Self::Passed | Self::NotApplicable => {}
            }
        }
        sum
    }
}

impl Step {
    /// A step that needs no explanation.
    pub const fn new(check: Check, outcome: Outcome) -> Self {
        Self { check, outcome, detail: None }
    }

    /// A step with what explains it.
    pub fn with(check: Check, outcome: Outcome, detail: impl AsRef<str>) -> Self {
        Self { check, outcome, detail: Some(shown(detail.as_ref())) }
    }
}

/// The most characters of a document's text that a report repeats.
const MAX_SHOWN: usize = 1_000;

/// Text from a document as a report may carry it: of bounded length, and without control characters, which a terminal
/// would obey.
pub(crate) fn shown(text: &str) -> String {
    let mut characters = text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c });
    let mut shown: String = characters.by_ref().take(MAX_SHOWN).collect();
    if characters.next().is_some() {
        shown.push('…');
    }
    shown
}

impl SealReport {
    /// A report in which nothing has been found yet.
    pub(crate) fn new(id: String, kind: Kind) -> Self {
        Self {
            id,
            kind,
            stamps: Vec::new(),
            signer: None,
            certificates: Vec::new(),
            seal: None,
            signed_at: None,
            content: Outcome::Passed,
            impression: Outcome::NotApplicable,
            steps: Vec::new(),
            notes: Vec::new(),
            algorithm: None,
            digests: Vec::new(),
            signed_bytes: None,
            time_stamps: Vec::new(),
            evidence: Evidence::default(),
        }
    }

    /// What the given checks come to, as [`Outcome::all`] in the order given; checks that were not made count as
    /// passed.
    pub fn outcome_of(&self, checks: &[Check]) -> Outcome {
        let made = checks.iter().flat_map(|check| self.steps.iter().filter(move |step| step.check == *check));
        Outcome::all(made.map(|step| step.outcome))
    }
}

impl Kind {
    /// `seal` or `signature`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Seal => "seal",
            Self::Signature => "signature",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ofd => "OFD",
            Self::Pdf => "PDF",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_a_document_is_bounded_and_has_no_control_characters() {
        assert_eq!(shown("第1页\u{1b}[2J\n"), "第1页\u{fffd}[2J\u{fffd}");
        assert_eq!(shown(&"章".repeat(1_000)), "章".repeat(1_000));
        assert_eq!(shown(&"章".repeat(1_001)), format!("{}…", "章".repeat(1_000)));
    }

    #[test]
    fn the_first_failure_decides_whatever_was_unknown_before_it() {
        let unknown = Outcome::Unknown(Reason::CheckMethodUnsupported);
        let altered = Outcome::Failed(Reason::ContentAltered);
        let wrong = Outcome::Failed(Reason::SignatureValueWrong);
        assert_eq!(Outcome::all([Outcome::Passed, unknown, altered, wrong]), altered);
        assert_eq!(Outcome::all([unknown, Outcome::NotApplicable, Outcome::Passed]), unknown);
        assert_eq!(Outcome::all([Outcome::Passed, Outcome::NotApplicable]), Outcome::Passed);
    }
}
