//! What a verification says: from the service's words to a report, and a report on a terminal.

use std::path::Path;

use eseal_documents::Language;
use eseal_kernel::Timestamp;
use eseal_proto::verification::v1 as pb;
use eseal_proto::{moment, seal::v1 as seal_pb};
use eseal_report::Report;
use eseal_report::model::{
    Item, Kind, Moment, Note, Outcome, Place, REPORT_VERSION, Registry, Seal, Severity, Status, StatusAt, Step, Verdict,
};
use eseal_report::sheet::{Fact, ItemLine, Line, SealSheet, Sheet, StepLine, Tone};
use eseal_report::words;
use owo_colors::{OwoColorize as _, Stream};

use super::list::short;
use crate::failure::CODES;
use crate::lang::Lang;
use crate::output::fields;

/// What the service says.
pub fn of_service(report: &pb::Report, language: Language) -> Report {
    let seals: Vec<_> = report.seals.iter().map(|seal| of_seal(seal, language)).collect();
    let notes: Vec<_> = report.notes.iter().map(of_note).collect();
    Report {
        report_version: REPORT_VERSION,
        language: words::tag(language),
        verdict: match report.verdict() {
            pb::Verdict::Valid => Verdict::Valid,
            pb::Verdict::Invalid => Verdict::Invalid,
            pb::Verdict::Unsealed => Verdict::Unsealed,
            // A verdict that is not known here is no good one.
            pb::Verdict::Indeterminate | pb::Verdict::Unspecified => Verdict::Indeterminate,
        },
        flagged: Report::has_warning(&seals, &notes),
        format: report.format.clone(),
        pages: None,
        document_name: None,
        document_digest: report.document_digest.clone(),
        online: true,
        verified_at: time(report.verified_at).unwrap_or(Moment(Timestamp::from_micros(0))),
        seals,
        notes,
    }
}

/// A note of this program.
pub fn note_of_client(code: &str, lang: Lang) -> Note {
    let text = CODES.iter().find(|(known, ..)| *known == code).map_or(code, |(_, zh, en)| lang.pick(zh, en));
    Note { code: code.to_owned(), severity: Severity::Info, text: text.to_owned() }
}

fn of_seal(seal: &pb::SealReport, language: Language) -> Seal {
    let steps: Vec<_> = seal.steps.iter().map(|step| of_step(step, language)).collect();
    let notes: Vec<_> = seal.notes.iter().map(of_note).collect();
    let sealing_time = time(seal.sealing_time);
    Seal {
        name: seal.name.clone(),
        kind: match seal.kind() {
            pb::SealKind::Seal => Kind::Seal,
            pb::SealKind::Signature | pb::SealKind::Unspecified => Kind::Signature,
        },
        signer: of_item(seal.signer.as_ref(), language),
        content: of_item(seal.content.as_ref(), language),
        impression: of_item(seal.impression.as_ref(), language),
        first_failed: Seal::first_failed_of(&steps),
        status: of_status(seal),
        signer_subject: seal.signer_subject.clone(),
        certificate: None,
        seal_id: seal.seal_id.clone(),
        seal_name: seal.seal_name.clone(),
        electronic_seal: None,
        sealing_time,
        sealing_time_source: sealing_time.map(|_| Seal::time_source_of(&steps, &notes)),
        places: seal.places.iter().map(of_place).collect(),
        registry: seal.registry.as_ref().map(of_registry),
        steps,
        notes,
    }
}

/// Both or none: a server of before knows no status.
fn of_status(seal: &pb::SealReport) -> Option<Status> {
    let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let of = |told: &pb::Status| StatusAt {
        indication: told.indication.clone(),
        sub_indication: some(&told.sub_indication),
        text: some(&told.text),
    };
    let (at_sealing, now) = (seal.status_at_sealing.as_ref()?, seal.status_now.as_ref()?);
    Some(Status { at_sealing: of(at_sealing), now: of(now) })
}

fn of_item(item: Option<&pb::Item>, language: Language) -> Item {
    let item = item.cloned().unwrap_or_default();
    Item::new(of_result(item.result()), Some(item.reason).filter(|reason| !reason.is_empty()), language)
}

fn of_step(step: &pb::Step, language: Language) -> Step {
    let reason = Some(step.reason.clone()).filter(|reason| !reason.is_empty());
    let detail = Some(step.detail.clone()).filter(|detail| !detail.is_empty());
    Step::new(step.code.clone(), of_result(step.result()), reason, detail, language)
}

fn of_note(note: &pb::Note) -> Note {
    let severity = match note.severity() {
        pb::Severity::Info | pb::Severity::Unspecified => Severity::Info,
        pb::Severity::Warning => Severity::Warning,
    };
    Note { code: note.code.clone(), severity, text: note.text.clone() }
}

const fn of_result(result: pb::Result) -> Outcome {
    match result {
        pb::Result::Passed => Outcome::Passed,
        pb::Result::Failed => Outcome::Failed,
        pb::Result::NotApplicable => Outcome::NotApplicable,
        pb::Result::Unknown | pb::Result::Unspecified => Outcome::Unknown,
    }
}

fn of_place(place: &seal_pb::Place) -> Place {
    // Micrometres on a page: far below what an f64 holds exactly.
    let mm = |um: i64| um as f64 / 1000.0;
    Place {
        page: place.page,
        x_mm: mm(place.x_um),
        y_mm: mm(place.y_um),
        width_mm: mm(place.width_um),
        height_mm: mm(place.height_um),
    }
}

fn of_registry(registry: &pb::RegistryState) -> Registry {
    let word = |state: seal_pb::SealState| short(state.as_str_name(), "SEAL_STATE_");
    Registry { known: registry.known, state_then: word(registry.state_then()), state_now: word(registry.state_now()) }
}

fn time(at: Option<eseal_proto::Timestamp>) -> Option<Moment> {
    at.as_ref().and_then(moment::micros).map(|micros| Moment(Timestamp::from_micros(micros)))
}

/// For people at a terminal.
pub fn to_words(report: &Report) -> String {
    let sheet = Sheet::of(report);
    let mut text = format!("{}\n{}", colored(sheet.tone, sheet.headline), sheet.sentence);
    if let Some(warning) = sheet.warning {
        text.push_str(&format!("\n{}", colored(Tone::Unsure, &format!("⚠ {warning}"))));
    }
    text.push_str(&format!("\n\n{}", indented(&sheet.facts)));
    sheet.notes.iter().for_each(|note| text.push_str(&line(note)));
    for seal in &sheet.seals {
        text.push_str("\n\n");
        text.push_str(&words_of_seal(seal, sheet.language));
    }
    text
}

/// The verdict on the document at `path` in a line, and a line for everything that is not right.
pub fn in_short(report: &Report, path: &Path) -> String {
    let sheet = Sheet::of(report);
    let mut text = format!("{}  {}", colored(sheet.tone, sheet.headline), path.display());
    for seal in &sheet.seals {
        for one in seal.items.iter().filter(|item| item.reason.is_some()) {
            text.push_str(&format!("\n    {} · {}: {}", seal.title, one.label, item(one)));
        }
    }
    let notes = report.notes.iter().chain(report.seals.iter().flat_map(|seal| &seal.notes));
    for note in notes.filter(|note| note.severity == Severity::Warning) {
        text.push_str(&format!("\n    {}", colored(Tone::Unsure, &format!("⚠ {} [{}]", note.text, note.code))));
    }
    text
}

fn words_of_seal(seal: &SealSheet, language: Language) -> String {
    let mut text = format!("■ {} · {}\n", seal.ordinal, seal.title);
    text.push_str(&fields(&seal.items.iter().map(|i| (i.label, item(i))).collect::<Vec<_>>()));
    text.push('\n');
    text.push_str(&indented(&seal.facts));
    for (title, lines) in [
        (words::pick(language, "签章后的变化", "since it was sealed"), &seal.changes),
        (words::pick(language, "说明", "notes"), &seal.notes),
    ] {
        if !lines.is_empty() {
            text.push_str(&format!("\n  {title}"));
            lines.iter().for_each(|one| text.push_str(&line(one)));
        }
    }
    let failed = seal.steps.iter().filter(|step| step.tone == Tone::Bad).map(step);
    text + &failed.collect::<String>()
}

fn item(item: &ItemLine) -> String {
    let word = colored(item.tone, &format!("{} {}", item.sign, item.word));
    let why = item.reason.as_ref().map(|reason| format!(" {} [{}]", reason.text, reason.code));
    word + &why.unwrap_or_default()
}

fn step(step: &StepLine) -> String {
    format!("\n  {} {} [{}]", colored(step.tone, step.sign), step.why, step.code)
}

fn line(line: &Line) -> String {
    let word = if line.word.is_empty() { String::new() } else { format!("{}: ", colored(line.tone, line.word)) };
    let code = if line.code.is_empty() { String::new() } else { format!(" [{}]", line.code) };
    format!("\n    {word}{}{code}", line.text)
}

fn indented(facts: &[Fact]) -> String {
    fields(&facts.iter().map(|fact| (fact.label, fact.value.clone())).collect::<Vec<_>>())
}

fn colored(tone: Tone, text: &str) -> String {
    match tone {
        Tone::Good => text.if_supports_color(Stream::Stdout, |t| t.green()).to_string(),
        Tone::Bad => text.if_supports_color(Stream::Stdout, |t| t.red()).to_string(),
        Tone::Unsure => text.if_supports_color(Stream::Stdout, |t| t.yellow()).to_string(),
        Tone::Neutral => text.to_owned(),
    }
}
