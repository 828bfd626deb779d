//! From what was found and judged to a report.

use eseal_documents::status::SealStatus;
use eseal_documents::{DocumentReport, Judgement, Language, Outcome, SealJudgement, SealReport};
use eseal_kernel::{Digest, Timestamp};

use crate::model::{
    Certificate, ElectronicSeal, Item, Moment, Note, Place, REPORT_VERSION, Report, Seal, Status, StatusAt, Step,
};
use crate::words;

/// Where a document came from, and when it was looked at.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The name of its file, for people.
    pub name: Option<String>,
    /// SHA-256 of it.
    pub digest: Digest,
    /// Now.
    pub verified_at: Timestamp,
    /// The language of the texts.
    pub language: Language,
}

impl Report {
    /// The report on a document that was verified here, without the registry.
    ///
    /// `statuses` are those of [`eseal_documents::status::assess`]; none where they were not determined.
    pub fn of(found: &DocumentReport, judgement: &Judgement, statuses: &[SealStatus], origin: &Origin) -> Self {
        let language = origin.language;
        let seals = found.seals.iter().zip(&judgement.seals).map(|(found, judged)| seal(found, judged, language));
        let mut seals: Vec<_> = seals.collect();
        for (seal, status) in seals.iter_mut().zip(statuses) {
            let [at_sealing, now] = [&status.at_sealing, &status.now].map(|status| StatusAt::of(status, language));
            seal.status = Some(Status { at_sealing, now });
        }
        let notes: Vec<_> = judgement.notes.iter().map(|note| told(note, language)).collect();
        Self {
            report_version: REPORT_VERSION,
            language: words::tag(language),
            verdict: judgement.verdict.into(),
            flagged: Self::has_warning(&seals, &notes),
            format: found.format.to_string().to_ascii_lowercase(),
            pages: Some(found.pages),
            document_name: origin.name.clone(),
            document_digest: origin.digest.to_string(),
            online: false,
            verified_at: Moment(origin.verified_at),
            seals,
            notes,
        }
    }

    /// Adds what only the document itself can say to a report that the service gave: both speak of the same bytes, so
    /// they name the same seals, and where they don't (the service is of another version) nothing is added.
    pub fn add_facts(&mut self, found: &DocumentReport) {
        self.pages = Some(found.pages);
        let same = self.seals.len() == found.seals.len()
            && self.seals.iter().zip(&found.seals).all(|(told, found)| told.name == found.id);
        if same {
            for (told, found) in self.seals.iter_mut().zip(&found.seals) {
                told.certificate = certificate(found);
                told.electronic_seal = electronic_seal(found);
                add_details(&mut told.steps, found);
            }
        }
    }
}

fn seal(found: &SealReport, judged: &SealJudgement, language: Language) -> Seal {
    let info = found.seal.as_ref().map(eseal_seal::Seal::info);
    let steps: Vec<_> = judged.steps.iter().map(|s| step(s, language)).collect();
    let notes: Vec<_> = judged.notes.iter().map(|note| told(note, language)).collect();
    Seal {
        name: judged.id.clone(),
        kind: judged.kind.into(),
        signer: item(judged.signer, language),
        content: item(judged.content, language),
        impression: item(judged.impression, language),
        first_failed: Seal::first_failed_of(&steps),
        status: None,
        signer_subject: found.signer.as_ref().map(eseal_pki::Certificate::subject).unwrap_or_default(),
        certificate: certificate(found),
        seal_id: info.map(|info| info.es_id.clone()).unwrap_or_default(),
        seal_name: info.map(|info| info.name.clone()).unwrap_or_default(),
        electronic_seal: electronic_seal(found),
        sealing_time: found.signed_at.map(Moment),
        sealing_time_source: found.signed_at.map(|_| Seal::time_source_of(&steps, &notes)),
        places: found.stamps.iter().map(|stamp| Place::from(&stamp.place)).collect(),
        registry: None,
        steps,
        notes,
    }
}

fn item(outcome: Outcome, language: Language) -> Item {
    Item::new(outcome.into(), code(outcome), language)
}

fn step(step: &eseal_documents::Step, language: Language) -> Step {
    Step::new(step.check.code(), step.outcome.into(), code(step.outcome), step.detail.clone(), language)
}

fn code(outcome: Outcome) -> Option<String> {
    outcome.reason().map(|reason| reason.code().to_owned())
}

fn told(note: &eseal_documents::Note, language: Language) -> Note {
    Note { code: note.code.code().to_owned(), severity: note.severity().into(), text: note.text(language) }
}

fn certificate(found: &SealReport) -> Option<Certificate> {
    found.signer.as_ref().map(|signer| Certificate {
        issuer: signer.issuer(),
        serial: signer.serial_hex(),
        valid_from: Moment(signer.not_before()),
        valid_to: Moment(signer.not_after()),
        fingerprint: signer.fingerprint().to_string(),
    })
}

fn electronic_seal(found: &SealReport) -> Option<ElectronicSeal> {
    found.seal.as_ref().map(|seal| {
        let info = seal.info();
        ElectronicSeal {
            valid_from: Moment(info.valid_from),
            valid_to: Moment(info.valid_to),
            maker_subject: seal.maker_certificate().map(eseal_pki::Certificate::subject),
            width_mm: info.picture.width_mm,
            height_mm: info.picture.height_mm,
        }
    })
}

/// What explains a step, where the service's answer has the step without it.
fn add_details(steps: &mut [Step], found: &SealReport) {
    for step in steps.iter_mut().filter(|step| step.detail.is_none()) {
        let explained = found.steps.iter().find(|f| f.check.code() == step.code && code(f.outcome) == step.reason);
        step.detail = explained.and_then(|found| found.detail.clone());
    }
}
