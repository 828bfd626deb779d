//! What was found and judged -> the report that people get.

use eseal_documents::status::SealStatus;
use eseal_documents::{
    DocumentReport, Format, Judgement, Kind, Language, Note, Outcome, Place, SealJudgement, SealReport, Severity, Step,
    Verdict,
};
use eseal_kernel::{Digest, Timestamp};
use eseal_proto::authentication::v1 as authentication;
use eseal_proto::moment;
use eseal_proto::seal::v1 as seal_pb;
use eseal_proto::verification::v1 as pb;
use eseal_report::model::StatusAt;
use eseal_service::Reason;

/// What the registry knows of a seal and its signer: information that changes no verdict.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Known {
    /// Of the signer's certificate.
    pub signer: Option<authentication::CheckSignerResponse>,
    /// Of the seal.
    pub seal: Option<authentication::SealStateAtResponse>,
}

/// A note of this service, besides those of `eseal_documents`.
struct OwnNote(pb::Severity, Reason);

const REGISTRY_UNREACHABLE: OwnNote = OwnNote(
    pb::Severity::Info,
    Reason::new(
        "REGISTRY_UNREACHABLE",
        "无法连接认证服务,仅使用提供的根证书",
        "the authentication service does not answer, so only the roots that were given count",
    ),
);
const SIGNER_REVOKED: OwnNote = OwnNote(
    pb::Severity::Warning,
    Reason::new(
        "SIGNER_REVOKED",
        "签章人证书在签章前已被吊销,或签章时间未知",
        "the signer's certificate was revoked before the document was sealed, or the sealing time is not known",
    ),
);
const SIGNER_REVOKED_LATER: OwnNote = OwnNote(
    pb::Severity::Info,
    Reason::new(
        "SIGNER_REVOKED_LATER",
        "签章人证书在签章后被吊销",
        "the signer's certificate was revoked after the document was sealed",
    ),
);

/// The codes of these notes, for `docs/error-codes.md`.
pub const NOTES: &[Reason] = &[REGISTRY_UNREACHABLE.1, SIGNER_REVOKED.1, SIGNER_REVOKED_LATER.1];

/// The report. `known` has what the registry knows of the first seals; nothing if it does not answer.
pub fn of(
    found: &DocumentReport,
    judgement: &Judgement,
    known: Option<&[Known]>,
    digest: Digest,
    now: Timestamp,
    language: Language,
) -> pb::Report {
    let known_of = |index: usize| known.and_then(|known| known.get(index));
    let seals = found.seals.iter().zip(&judgement.seals).enumerate();
    let unreachable = known.is_none().then(|| REGISTRY_UNREACHABLE.told(language));
    pb::Report {
        verdict: verdict(judgement.verdict).into(),
        format: match found.format {
            Format::Ofd => "ofd".to_owned(),
            Format::Pdf => "pdf".to_owned(),
        },
        seals: seals.map(|(index, (found, judged))| seal(found, judged, known_of(index), language)).collect(),
        notes: judgement.notes.iter().map(|note| told(note, language)).chain(unreachable).collect(),
        document_digest: digest.to_string(),
        verified_at: Some(moment::from_micros(now.micros())),
    }
}

/// Adds what may be relied upon at which moment.
pub fn add_statuses(report: &mut pb::Report, statuses: &[SealStatus], language: Language) {
    for (seal, status) in report.seals.iter_mut().zip(statuses) {
        let [at_sealing, now] = [&status.at_sealing, &status.now].map(|status| {
            let StatusAt { indication, sub_indication, text } = StatusAt::of(status, language);
            let (sub_indication, text) = (sub_indication.unwrap_or_default(), text.unwrap_or_default());
            Some(pb::Status { indication, sub_indication, text })
        });
        (seal.status_at_sealing, seal.status_now) = (at_sealing, now);
    }
}

fn seal(found: &SealReport, judged: &SealJudgement, known: Option<&Known>, language: Language) -> pb::SealReport {
    let signer = found.signer.as_ref();
    let info = found.seal.as_ref().map(eseal_seal::Seal::info);
    let revoked = known.and_then(|known| revoked(known, found.signed_at));
    pb::SealReport {
        name: judged.id.clone(),
        kind: match judged.kind {
            Kind::Seal => pb::SealKind::Seal.into(),
            Kind::Signature => pb::SealKind::Signature.into(),
        },
        signer: Some(item(judged.signer)),
        content: Some(item(judged.content)),
        impression: Some(item(judged.impression)),
        steps: judged.steps.iter().map(step).collect(),
        notes: judged.notes.iter().map(|note| told(note, language)).chain(revoked.map(|n| n.told(language))).collect(),
        signer_subject: signer.map(|signer| signer.subject()).unwrap_or_default(),
        signer_fingerprint: signer.map(|signer| signer.fingerprint().to_string()).unwrap_or_default(),
        seal_id: info.map(|info| info.es_id.clone()).unwrap_or_default(),
        seal_name: info.map(|info| info.name.clone()).unwrap_or_default(),
        sealing_time: found.signed_at.map(|at| moment::from_micros(at.micros())),
        places: found.stamps.iter().map(|stamp| place(&stamp.place)).collect(),
        registry: known.and_then(|known| known.seal.as_ref()).map(registry),
        // Told of all seals together: see `add_statuses`.
        status_at_sealing: None,
        status_now: None,
    }
}

const fn verdict(verdict: Verdict) -> pb::Verdict {
    match verdict {
        Verdict::Valid => pb::Verdict::Valid,
        Verdict::Invalid => pb::Verdict::Invalid,
        Verdict::Indeterminate => pb::Verdict::Indeterminate,
        Verdict::Unsealed => pb::Verdict::Unsealed,
    }
}

fn item(outcome: Outcome) -> pb::Item {
    pb::Item { result: result(outcome).into(), reason: reason(outcome) }
}

fn step(step: &Step) -> pb::Step {
    let (result, reason) = (result(step.outcome).into(), reason(step.outcome));
    pb::Step { code: step.check.code().to_owned(), result, reason, detail: step.detail.clone().unwrap_or_default() }
}

const fn result(outcome: Outcome) -> pb::Result {
    match outcome {
        Outcome::Passed => pb::Result::Passed,
        Outcome::Failed(_) => pb::Result::Failed,
        Outcome::Unknown(_) => pb::Result::Unknown,
        Outcome::NotApplicable => pb::Result::NotApplicable,
    }
}

fn reason(outcome: Outcome) -> String {
    outcome.reason().map(|reason| reason.code().to_owned()).unwrap_or_default()
}

fn told(note: &Note, language: Language) -> pb::Note {
    let severity = match note.severity() {
        Severity::Info => pb::Severity::Info,
        Severity::Warning => pb::Severity::Warning,
    };
    pb::Note { code: note.code.code().to_owned(), severity: severity.into(), text: note.text(language) }
}

impl OwnNote {
    fn told(&self, language: Language) -> pb::Note {
        let text = match language {
            Language::En => self.1.en,
            Language::ZhCn => self.1.zh,
        };
        pb::Note { code: self.1.code.to_owned(), severity: self.0.into(), text: text.to_owned() }
    }
}

/// What is to be said of a revoked certificate: a reader must know if it was revoked when the document was sealed.
fn revoked(known: &Known, signed_at: Option<Timestamp>) -> Option<&'static OwnNote> {
    let signer = known.signer.as_ref().filter(|signer| signer.revoked_now)?;
    let since = signer.revoked_since.as_ref().and_then(moment::micros);
    match (since, signed_at) {
        (Some(since), Some(at)) if at.micros() < since => Some(&SIGNER_REVOKED_LATER),
        _ => Some(&SIGNER_REVOKED),
    }
}

fn registry(known: &authentication::SealStateAtResponse) -> pb::RegistryState {
    let authentication::SealStateAtResponse { known, seal_id, state_then, state_now } = known.clone();
    pb::RegistryState { known, seal_id, state_then, state_now }
}

/// Millimetres -> micrometres.
fn place(place: &Place) -> seal_pb::Place {
    let um = |mm: f64| (mm * 1_000.0).round() as i64; // a cast that stays in range and makes NaN 0
    seal_pb::Place {
        page: place.page,
        x_um: um(place.x_mm),
        y_um: um(place.y_mm),
        width_um: um(place.width_mm),
        height_um: um(place.height_mm),
    }
}
