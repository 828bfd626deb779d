//! Ways to change a sealed PDF, and what is said of it then.

use eseal_documents::{Check, DocumentReport, NoteCode, Outcome, Reason, Severity};

use super::pdf_builder::{Annots, Form, PLAIN, Shape};
use super::pdf_parties::{PdfWorld, verify};

/// A form with a text field, sealed.
pub fn sealed_form() -> Vec<u8> {
    PdfWorld::new().party("甲方").seal(&Shape { form: Form::Indirect, annots: Annots::Indirect, ..PLAIN }.build())
}

pub fn later(report: &DocumentReport) -> (Outcome, String) {
    let step = report.seals[0].steps.iter().find(|step| step.check == Check::LaterChanges).expect("a step");
    (step.outcome, step.detail.clone().unwrap_or_default())
}

pub fn has(report: &DocumentReport, code: NoteCode) -> bool {
    report.seals[0].notes.iter().chain(&report.notes).any(|note| note.code == code)
}

#[track_caller]
pub fn assert_forbidden(document: &[u8], what: &str) {
    let report = verify(document);
    let (outcome, detail) = later(&report);
    assert_eq!(outcome, Outcome::Failed(Reason::ChangeNotPermitted), "{:?}", report.seals[0].steps);
    assert_eq!(report.seals[0].content, outcome);
    assert!(detail.contains(what), "{detail:?} does not say {what:?}");
}

#[track_caller]
pub fn assert_permitted(document: &[u8]) -> DocumentReport {
    let report = verify(document);
    assert_eq!(report.seals[0].content, Outcome::Passed, "{:?}", report.seals[0].steps);
    report
}

/// The object `number` as it is written last in `document`.
pub fn object(document: &[u8], number: u32) -> String {
    let text = String::from_utf8_lossy(document).into_owned();
    let start = text.rfind(&format!("\n{number} 0 obj\n")).expect("the object") + format!("\n{number} 0 obj\n").len();
    let end = text[start..].find("\nendobj").expect("its end");
    text[start..start + end].to_owned()
}

/// Where the value of `/Contents` lies, brackets included.
pub fn gap(document: &[u8]) -> [usize; 2] {
    let text = String::from_utf8_lossy(document);
    let numbers = text.rsplit("/ByteRange [").next().and_then(|rest| rest.split(']').next()).expect("ranges");
    let numbers: Vec<usize> = numbers.split_whitespace().map(|number| number.parse().expect("a number")).collect();
    [numbers[1], numbers[2]]
}

/// The number of the last widget in a document.
pub fn highest_widget(text: &str) -> u32 {
    let before = text.rsplit_once("/Subtype /Widget").expect("a widget").0;
    let head = before.rsplit_once(" 0 obj").expect("its head").0;
    head.rsplit('\n').next().and_then(|number| number.parse().ok()).expect("its number")
}

pub fn is_flagged(report: &DocumentReport) -> bool {
    report.seals.iter().flat_map(|seal| &seal.notes).any(|note| note.severity() == Severity::Warning)
}
