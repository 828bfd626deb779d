//! All that is said of a document. The JSON of [`Report`] is a contract: names and words are never changed, only added.

use std::fmt;

use eseal_documents::{Check, Language, NoteCode};
use eseal_kernel::Timestamp;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::words;

/// The version of the form. It rises when a reader of the old form would misunderstand the new one, not for additions.
pub const REPORT_VERSION: u32 = 1;

/// What is said of a document.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// Version of this form.
    pub report_version: u32,
    /// The language of the texts: `zh-CN` or `en`.
    pub language: &'static str,
    /// The verdict on the document.
    pub verdict: Verdict,
    /// Whether a note says something that a reader must know, whatever the verdict.
    pub flagged: bool,
    /// `ofd` or `pdf`.
    pub format: String,
    /// How many pages it has; null where that was not told.
    pub pages: Option<u32>,
    /// The name of the file, as it was given; null where there was none.
    pub document_name: Option<String>,
    /// SHA-256 of the file: 64 hexadecimal digits.
    pub document_digest: String,
    /// Whether the verification service judged, with what it and the registry know.
    pub online: bool,
    /// When it was verified.
    pub verified_at: Moment,
    /// Every seal and signature, in the document's order.
    pub seals: Vec<Seal>,
    /// On the document.
    pub notes: Vec<Note>,
}

/// What is said of one seal.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Seal {
    /// Its name in the document: Signature ID (OFD) or field name (PDF).
    pub name: String,
    /// A seal, or a signature without one.
    pub kind: Kind,
    /// Whether the signer is trusted and may sign.
    pub signer: Item,
    /// Whether the content is what was sealed.
    pub content: Item,
    /// Whether the seal is genuine and the signer's to use.
    pub impression: Item,
    /// The code of the first technical check that failed, in the order of the standard.
    pub first_failed: Option<String>,
    /// Status along ETSI EN 319 102-1, when it was sealed and now: information apart from the three items.
    pub status: Option<Status>,
    /// Subject of the signer's certificate; empty if there is none.
    pub signer_subject: String,
    /// Further facts of the signer's certificate.
    pub certificate: Option<Certificate>,
    /// Id of the seal (esID); empty if there is none.
    pub seal_id: String,
    /// Name of the seal; empty if there is none.
    pub seal_name: String,
    /// Further facts of the electronic seal.
    pub electronic_seal: Option<ElectronicSeal>,
    /// When it was sealed.
    pub sealing_time: Option<Moment>,
    /// Who says so.
    pub sealing_time_source: Option<TimeSource>,
    /// Where its impressions stand.
    pub places: Vec<Place>,
    /// What the registry says: information that changes no verdict. Null where it was not asked.
    pub registry: Option<Registry>,
    /// Every technical check, in the order of the standard.
    pub steps: Vec<Step>,
    /// On this seal.
    pub notes: Vec<Note>,
}

/// What to think of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
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

/// What kind of mark it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 电子签章: a signature that binds an electronic seal.
    Seal,
    /// 数字签名: a signature without a seal.
    Signature,
}

/// What came of an item or a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It does not hold.
    Failed,
    /// It cannot be said.
    Unknown,
    /// There is nothing to say.
    NotApplicable,
}

/// One of the three items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Item {
    /// What came of it.
    pub result: Outcome,
    /// `UPPER_SNAKE`; null where it passed.
    pub reason: Option<String>,
    /// The reason in words; null where there is none, or it is not known here.
    pub text: Option<String>,
}

/// One technical check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Step {
    /// `UPPER_SNAKE`.
    pub code: String,
    /// What was checked, in words.
    pub text: Option<String>,
    /// What came of it.
    pub result: Outcome,
    /// As of an item.
    pub reason: Option<String>,
    /// The reason in words.
    pub reason_text: Option<String>,
    /// Names or values from the document that explain it: not to be trusted as markup.
    pub detail: Option<String>,
}

/// Something to know that changes no verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Note {
    /// `UPPER_SNAKE`.
    pub code: String,
    /// Whether a reader must know it.
    pub severity: Severity,
    /// In words; may repeat names from the document.
    pub text: String,
}

/// How much a note matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// A reader must know it.
    Warning,
}

/// Who says when a document was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimeSource {
    /// The signer, of himself.
    SelfAsserted,
    /// A time stamp that verifies.
    TimeStamp,
}

/// Where an impression stands, in millimetres from the upper left corner of the page.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Place {
    /// The page, counted from 1.
    pub page: u32,
    /// From the page's left edge.
    pub x_mm: f64,
    /// From the page's upper edge.
    pub y_mm: f64,
    /// Width of the box.
    pub width_mm: f64,
    /// Height of the box.
    pub height_mm: f64,
}

/// The registry's word on a seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Registry {
    /// False if the registry that was asked knows no such seal.
    pub known: bool,
    /// `registered`, `active`, `suspended`, `revoked`, `replaced`, or `unspecified` before it was registered.
    pub state_then: String,
    /// As `state_then`.
    pub state_now: String,
}

/// Status along ETSI EN 319 102-1 at two moments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Status {
    /// For the moment of sealing.
    pub at_sealing: StatusAt,
    /// For the moment of verification.
    pub now: StatusAt,
}

/// Status along ETSI EN 319 102-1 at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StatusAt {
    /// `TOTAL-PASSED`, `TOTAL-FAILED` or `INDETERMINATE`.
    pub indication: String,
    /// Such as `NO_CERTIFICATE_CHAIN_FOUND`; null for `TOTAL-PASSED`.
    pub sub_indication: Option<String>,
    /// What that means, in words.
    pub text: Option<String>,
}

/// Facts of a signer's certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Certificate {
    /// Who issued it.
    pub issuer: String,
    /// Its serial number in hexadecimal digits.
    pub serial: String,
    /// From when on it is valid.
    pub valid_from: Moment,
    /// Until when it is valid.
    pub valid_to: Moment,
    /// SHA-256 of it.
    pub fingerprint: String,
}

/// Facts of an electronic seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ElectronicSeal {
    /// From when on it is valid.
    pub valid_from: Moment,
    /// Until when it is valid.
    pub valid_to: Moment,
    /// Subject of the certificate of its maker (制章人).
    pub maker_subject: Option<String>,
    /// Width of the impression on paper in millimetres.
    pub width_mm: u32,
    /// Height of the impression on paper in millimetres.
    pub height_mm: u32,
}

/// A moment, written as RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(pub Timestamp);

impl Item {
    /// An item with the words of its reason.
    pub fn new(result: Outcome, reason: Option<String>, language: Language) -> Self {
        let text = reason.as_deref().and_then(|code| words::reason(code, language)).map(str::to_owned);
        Self { result, reason, text }
    }
}

impl Step {
    /// A check with its words and those of its reason.
    pub fn new(
        code: impl Into<String>,
        result: Outcome,
        reason: Option<String>,
        detail: Option<String>,
        language: Language,
    ) -> Self {
        let code = code.into();
        let text = words::check(&code, language).map(str::to_owned);
        let reason_text = reason.as_deref().and_then(|code| words::reason(code, language)).map(str::to_owned);
        Self { code, text, result, reason, reason_text, detail }
    }
}

impl Seal {
    /// Its items with their names, in the order in which they are judged.
    pub const fn items(&self) -> [(words::ItemName, &Item); 3] {
        use words::ItemName::{Content, Impression, Signer};
        [(Signer, &self.signer), (Content, &self.content), (Impression, &self.impression)]
    }

    /// Who says when it was sealed: a time stamp if one verified, and nothing says that it is the signer's own word.
    pub fn time_source_of(steps: &[Step], notes: &[Note]) -> TimeSource {
        let stamped = |step: &Step| step.code == Check::TimeStamp.code() && step.result == Outcome::Passed;
        let self_asserted = notes.iter().any(|note| note.code == NoteCode::TimeSelfAsserted.code());
        if steps.iter().any(stamped) && !self_asserted { TimeSource::TimeStamp } else { TimeSource::SelfAsserted }
    }

    /// The code of the first check that failed; steps are in the order in which failures count.
    pub fn first_failed_of(steps: &[Step]) -> Option<String> {
        steps.iter().find(|step| step.result == Outcome::Failed).map(|step| step.code.clone())
    }
}

impl StatusAt {
    /// A status in the words of a language, with what decided it.
    pub fn of(status: &eseal_documents::status::Status, language: Language) -> Self {
        let sub = status.sub_indication;
        let detail = status.decisive().and_then(|step| step.detail.as_deref());
        let text = sub.map(|sub| match detail {
            Some(detail) => format!("{} ({detail})", sub.text(language)),
            None => sub.text(language).to_owned(),
        });
        Self {
            indication: status.indication.as_str().to_owned(),
            sub_indication: sub.map(|sub| sub.code().to_owned()),
            text,
        }
    }
}

impl Report {
    /// The language of its texts.
    pub fn language(&self) -> Language {
        if self.language == words::tag(Language::ZhCn) { Language::ZhCn } else { Language::En }
    }

    /// Whether there is a note that a reader must know, on the document or on a seal.
    pub fn has_warning(seals: &[Seal], notes: &[Note]) -> bool {
        let notes = notes.iter().chain(seals.iter().flat_map(|seal| &seal.notes));
        notes.into_iter().any(|note| note.severity == Severity::Warning)
    }
}

impl From<&eseal_documents::Place> for Place {
    fn from(place: &eseal_documents::Place) -> Self {
        // A PDF has points with few digits: to the micrometre, as the service tells it.
        let round = |mm: f64| (mm * 1000.0).round() / 1000.0;
        let eseal_documents::Place { page, x_mm, y_mm, width_mm, height_mm } = *place;
        Self { page, x_mm: round(x_mm), y_mm: round(y_mm), width_mm: round(width_mm), height_mm: round(height_mm) }
    }
}

impl From<eseal_documents::Verdict> for Verdict {
    fn from(verdict: eseal_documents::Verdict) -> Self {
        match verdict {
            eseal_documents::Verdict::Valid => Self::Valid,
            eseal_documents::Verdict::Invalid => Self::Invalid,
            eseal_documents::Verdict::Indeterminate => Self::Indeterminate,
            eseal_documents::Verdict::Unsealed => Self::Unsealed,
        }
    }
}

impl From<eseal_documents::Kind> for Kind {
    fn from(kind: eseal_documents::Kind) -> Self {
        match kind {
            eseal_documents::Kind::Seal => Self::Seal,
            eseal_documents::Kind::Signature => Self::Signature,
        }
    }
}

impl From<eseal_documents::Outcome> for Outcome {
    fn from(outcome: eseal_documents::Outcome) -> Self {
        match outcome {
            eseal_documents::Outcome::Passed => Self::Passed,
            eseal_documents::Outcome::Failed(_) => Self::Failed,
            eseal_documents::Outcome::Unknown(_) => Self::Unknown,
            eseal_documents::Outcome::NotApplicable => Self::NotApplicable,
        }
    }
}

impl From<eseal_documents::Severity> for Severity {
    fn from(severity: eseal_documents::Severity) -> Self {
        match severity {
            eseal_documents::Severity::Info => Self::Info,
            eseal_documents::Severity::Warning => Self::Warning,
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Moment {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Moment".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "date-time" })
    }
}
