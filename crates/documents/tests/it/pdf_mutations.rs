//! Every signed document that is at hand, with a byte changed that is signed, or with another page behind it: never plainly
//! good.

use eseal_documents::Outcome;

use crate::support::glance::{Seen, seen};
use crate::support::pdf_builder::{FIRST_PAGE, Form, PLAIN, Shape, Xref, shapes};
use crate::support::pdf_parties::{PdfWorld, try_verify};
use crate::support::pdf_update::{append, stream_text};
use crate::support::samples::{names, sample};

/// Bytes that are changed in one document.
const FLIPS: usize = 12;

/// Real files that are small, signed and plainly good.
fn good_samples() -> Vec<(String, Vec<u8>)> {
    let files = names("pdf").into_iter().filter(|name| name.ends_with(".pdf"));
    let files = files.filter_map(|name| sample(&format!("pdf/{name}")).map(|bytes| (name, bytes)));
    let small = files.filter(|(_, bytes)| bytes.len() < 400_000);
    small.filter(|(_, bytes)| seen(&try_verify(bytes)) == Seen::PlainlyGood).collect()
}

/// Sealed documents of every shape, once and twice.
fn sealed() -> Vec<(String, Vec<u8>)> {
    let world = PdfWorld::new();
    let (first, second) = (world.party("甲方"), world.party("乙方"));
    let both = |shape: &Shape| {
        let once = first.seal(&shape.build());
        let twice = second.seal(&once);
        [(format!("{} once", shape.name), once), (format!("{} twice", shape.name), twice)]
    };
    let kinds = [PLAIN, Shape { xref: Xref::Stream, form: Form::Indirect, name: "streams", ..PLAIN }];
    kinds.iter().flat_map(both).collect()
}

/// The byte ranges that are written last in a document.
fn last_ranges(document: &[u8]) -> Option<[usize; 4]> {
    let text = String::from_utf8_lossy(document.get(memchr::memmem::rfind(document, b"/ByteRange")?..)?).into_owned();
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok());
    Some([numbers.next()?, numbers.next()?, numbers.next()?, numbers.next()?])
}

/// Some bytes that they cover.
fn covered(document: &[u8]) -> Vec<usize> {
    let Some([0, start, end, rest]) = last_ranges(document) else { return Vec::new() };
    let all: Vec<usize> = (0..start).chain(end..(end + rest).min(document.len())).collect();
    all.iter().step_by(all.len().div_ceil(FLIPS).max(1)).copied().collect()
}

#[test]
fn no_signed_byte_can_be_changed_unnoticed() {
    let mut unnoticed = Vec::new();
    for (name, document) in good_samples().into_iter().chain(sealed()) {
        for (number, at) in covered(&document).into_iter().enumerate() {
            let mut changed = document.clone();
            changed[at] ^= if number % 2 == 0 { 0x01 } else { 0x20 };
            if seen(&try_verify(&changed)) == Seen::PlainlyGood {
                unnoticed.push(format!("{name} at {at} of {}", document.len()));
            }
        }
    }
    assert_eq!(unnoticed, Vec::<String>::new());
}

#[test]
fn whatever_is_cut_off_or_doubled_is_not_plainly_good() {
    for (name, document) in good_samples().into_iter().chain(sealed()) {
        let whole = try_verify(&document).expect("a report").seals.len();
        let half = document.len() / 2;
        let doubled = [&document[..half], &document[half / 2..]].concat();
        let twice = [&document[..], &document[..]].concat();
        for changed in [&doubled[..], &twice] {
            let report = try_verify(changed);
            // Two copies in one file are one document whose second part nobody's signature covers.
            let plainly = seen(&report) == Seen::PlainlyGood;
            assert!(!plainly, "{name}: {whole} {report:?}");
        }
    }
}

#[test]
fn another_page_content_behind_any_sealed_document_is_found() {
    let party = PdfWorld::new().party("甲方");
    for shape in shapes().into_iter().filter(|shape| shape.xref == Xref::Table && shape.line_end == "\n") {
        let sealed = party.seal(&shape.build());
        let other = stream_text("", "BT /F1 24 Tf 150 400 Td (Another contract) Tj ET");
        let report = try_verify(&append(&sealed, &[(FIRST_PAGE + 1, &other)])).expect("a report");
        let failed = report.seals.iter().any(|seal| matches!(seal.content, Outcome::Failed(_)));
        assert!(failed, "{}", shape.name);
    }
}
