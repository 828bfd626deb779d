//! The report as files, for those who ask for them. Drawing and setting take their time: on a thread that may.

use eseal_documents::status::SealStatus;
use eseal_documents::{DocumentReport, Judgement};
use eseal_proto::seal::v1 as seal_pb;
use eseal_proto::verification::v1 as pb;
use eseal_report::draw::Drawer;
use eseal_report::model::{Note, Registry};
use eseal_report::{Exhibits, Face, FontError, Origin, Report, etsi, html, pdf};
use eseal_service::MAX_MESSAGE;
use tokio::task::spawn_blocking;

use crate::inspection::{Document, bytes};

/// The most bytes of all files of an answer: what else is in it has the rest of the message.
const MAX_RENDERED: usize = MAX_MESSAGE / 4 * 3;

/// What a caller wants besides the answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    /// The forms, in order.
    pub forms: Vec<pb::ReportForm>,
    /// The name of the document's file.
    pub name: Option<String>,
}

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// There is no font for a PDF.
    #[error("a report as PDF needs a font")]
    Font(#[from] FontError),
    /// The PDF could not be made.
    #[error("the report as PDF could not be made")]
    Pdf(#[from] pdf::PdfError),
    /// The document can't be read again.
    #[error("the document can't be read again")]
    Read(#[from] std::io::Error),
    /// The work ended without a result.
    #[error("the rendering ended early")]
    Ended(#[from] tokio::task::JoinError),
}

/// What is rendered, beside the answer that says the same.
#[derive(Debug)]
pub struct Rendering {
    /// What was found.
    pub found: DocumentReport,
    /// What was judged.
    pub judgement: Judgement,
    /// What may be relied upon.
    pub statuses: Vec<SealStatus>,
    /// Name, digest, time and language.
    pub origin: Origin,
}

/// The answer as files. The document is given back, and with it the right to be worked on, when all is done.
///
/// # Errors
/// [`RenderError`].
pub async fn rendered(
    rendering: Rendering,
    answer: &pb::Report,
    document: Document,
    forms: Vec<pb::ReportForm>,
) -> Result<Vec<pb::RenderedReport>, RenderError> {
    let Rendering { found, judgement, statuses, origin } = rendering;
    let report = joined(Report::of(&found, &judgement, &statuses, &origin), answer);
    spawn_blocking(move || files(&report, &found, &document, &forms)).await?
}

/// With what only this service knows: its notes, and the registry's word.
fn joined(mut report: Report, answer: &pb::Report) -> Report {
    report.online = true;
    report.notes = answer.notes.iter().map(note).collect();
    for (seal, told) in report.seals.iter_mut().zip(&answer.seals) {
        seal.notes = told.notes.iter().map(note).collect();
        seal.registry = told.registry.as_ref().map(registry);
    }
    report.flagged = Report::has_warning(&report.seals, &report.notes);
    report
}

fn files(
    report: &Report,
    found: &DocumentReport,
    document: &Document,
    forms: &[pb::ReportForm],
) -> Result<Vec<pb::RenderedReport>, RenderError> {
    let pictured = forms.iter().any(|form| matches!(form, pb::ReportForm::Html | pb::ReportForm::Pdf));
    let exhibits = match Drawer::this_program() {
        Ok(drawer) if pictured => Exhibits::draw(found, bytes(&document.file)?.as_ref().as_ref(), &drawer),
        _ => Exhibits::default(),
    };
    let files = all(report, found, &exhibits, forms)?;
    if files.iter().map(|file| file.content.len()).sum::<usize>() <= MAX_RENDERED {
        return Ok(files);
    }
    // Too many pictures for one message: the words are what it is about.
    all(report, found, &Exhibits::default(), forms)
}

fn all(
    report: &Report,
    found: &DocumentReport,
    exhibits: &Exhibits,
    forms: &[pb::ReportForm],
) -> Result<Vec<pb::RenderedReport>, RenderError> {
    let one = |form: &pb::ReportForm| {
        let content = match form {
            pb::ReportForm::Html | pb::ReportForm::Unspecified => html::page(report, exhibits).into_bytes(),
            pb::ReportForm::Pdf => pdf::document(report, exhibits, &Face::find(None)?)?,
            pb::ReportForm::Json => serde_json::to_vec(report).unwrap_or_default(),
            pb::ReportForm::EtsiXml => etsi::document(report, found).into_bytes(),
        };
        Ok::<_, RenderError>(pb::RenderedReport { form: (*form).into(), content })
    };
    forms.iter().map(one).collect()
}

fn note(note: &pb::Note) -> Note {
    let severity = match note.severity() {
        pb::Severity::Warning => eseal_report::model::Severity::Warning,
        pb::Severity::Info | pb::Severity::Unspecified => eseal_report::model::Severity::Info,
    };
    Note { code: note.code.clone(), severity, text: note.text.clone() }
}

fn registry(told: &pb::RegistryState) -> Registry {
    let word = |state: seal_pb::SealState| state.as_str_name().trim_start_matches("SEAL_STATE_").to_ascii_lowercase();
    Registry { known: told.known, state_then: word(told.state_then()), state_now: word(told.state_now()) }
}
