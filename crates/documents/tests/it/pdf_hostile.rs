//! PDFs that are cut short, mutated or made to do harm: a report or an error, in time, whatever the bytes.

use std::fmt::Write as _;

use eseal_documents::{DocumentError, Limit, Limits, Outcome, pdf};
use eseal_testkit::ratio::cpu_seconds;
use proptest::prelude::*;

use crate::support::pdf_builder::{Form, PLAIN, Shape, Xref, zlib};
use crate::support::pdf_parties::{PLACE, PdfWorld, source, try_verify};
use crate::support::pdf_update::{append, stream_text};
use crate::support::samples::{names, sample};

/// Seconds of processor time: long for anything that a test here does, short for anything that runs away.
const PATIENCE: f64 = 120.0;

/// The samples that are small enough to be mutated often.
fn small_samples() -> Vec<(String, Vec<u8>)> {
    let files = names("pdf").into_iter().filter(|name| name.ends_with(".pdf"));
    let files = files.filter_map(|name| sample(&format!("pdf/{name}")).map(|bytes| (name, bytes)));
    files.filter(|(_, bytes)| bytes.len() < 60_000).collect()
}

/// A sealed document of each kind.
fn sealed() -> Vec<Vec<u8>> {
    let party = PdfWorld::new().party("甲方");
    let form = Shape { form: Form::Indirect, ..PLAIN };
    [form.clone(), Shape { xref: Xref::Stream, ..form }].iter().map(|shape| party.seal(&shape.build())).collect()
}

#[test]
fn a_document_that_is_cut_short_anywhere_is_never_good() {
    for document in sealed() {
        for end in (0..document.len() - 2).step_by(document.len() / 150) {
            let report = try_verify(&document[..end]);
            let good = report.is_ok_and(|report| report.seals.iter().any(|seal| seal.content == Outcome::Passed));
            assert!(!good, "cut at {end} of {}", document.len());
        }
    }
}

#[test]
fn real_documents_that_are_cut_short_give_a_report_or_an_error() {
    for (_, document) in small_samples() {
        for part in 1..12 {
            let _ = try_verify(&document[..document.len() * part / 12]);
        }
    }
}

/// A few bytes of `document` replaced, by a generator of our own so that failures repeat.
fn mutated(document: &[u8], seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as usize
    };
    let mut out = document.to_vec();
    for _ in 0..=next(8) {
        let at = next(out.len());
        match next(4) {
            0 => out[at] = next(256) as u8,
            1 => out[at] = b"0123456789<>[]()/ R"[next(19)],
            2 => {
                out.remove(at);
            }
            _ => {
                let from = next(out.len());
                let length = next(64).min(out.len() - from);
                let piece = out[from..from + length].to_vec();
                out.splice(at..at, piece);
            }
        }
    }
    out
}

#[test]
fn mutated_documents_give_a_report_or_an_error() {
    let began = cpu_seconds();
    let mut documents: Vec<Vec<u8>> = small_samples().into_iter().map(|(_, bytes)| bytes).collect();
    documents.extend(sealed());
    for (index, document) in documents.iter().enumerate() {
        for seed in 0..25 {
            let changed = mutated(document, index as u64 * 1_000 + seed);
            let _ = try_verify(&changed);
            let _ = pdf::pages(&source(&changed), &Limits::default());
        }
    }
    assert!(cpu_seconds() - began < PATIENCE, "{}", cpu_seconds() - began);
}

#[test]
fn mutated_documents_are_sealed_or_refused() {
    let party = PdfWorld::new().party("甲方");
    for (index, document) in sealed().iter().enumerate() {
        for seed in 0..40 {
            let _ = party.try_seal(&mutated(document, index as u64 * 1_000 + seed), &[PLACE]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_bytes_give_a_report_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = try_verify(&bytes);
        let _ = try_verify(&[b"%PDF-1.7\n", &bytes[..]].concat());
    }

    #[test]
    fn any_object_in_the_place_of_the_catalog_gives_a_report_or_an_error(body in "[ -~]{0,200}") {
        let _ = try_verify(&append(&PLAIN.build(), &[(1, &body)]));
    }
}

/// A document whose catalog has these entries, and these objects from 20 on.
fn with(catalog: &str, objects: &[String]) -> Vec<u8> {
    let catalog = format!("<< /Type /Catalog /Pages 2 0 R {catalog} >>");
    let mut all = vec![(1, catalog.as_str())];
    all.extend((20..).zip(objects.iter().map(String::as_str)));
    append(&PLAIN.build(), &all)
}

#[track_caller]
fn in_time<T>(work: impl FnOnce() -> T) -> T {
    let began = cpu_seconds();
    let result = work();
    assert!(cpu_seconds() - began < PATIENCE, "{}", cpu_seconds() - began);
    result
}

#[test]
fn circles_in_pages_fields_and_tables_end() {
    let circle = append(&PLAIN.build(), &[(2, "<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>")]);
    assert_eq!(pdf::pages(&source(&circle), &Limits::default()).expect("pages").len(), 0);
    let fields = with(
        "/AcroForm << /Fields [20 0 R] >>",
        &["<< /T (a) /Kids [20 0 R 21 0 R] >>".into(), "<< /Kids [20 0 R] >>".into()],
    );
    assert!(try_verify(&fields).is_ok_and(|report| report.seals.is_empty()));
    let references = with("/AcroForm 20 0 R", &["21 0 R".into(), "20 0 R".into()]);
    assert!(try_verify(&references).is_ok_and(|report| report.seals.is_empty()));
    let document = PLAIN.build();
    let start = String::from_utf8_lossy(&document).rfind("xref\n0").expect("a table");
    let looped = String::from_utf8_lossy(&document).replace("/Size", &format!("/Prev {start} /Size"));
    assert!(try_verify(looped.as_bytes()).is_ok());
}

#[test]
fn deep_nesting_does_not_exhaust_the_stack() {
    for (open, close) in [("[", "]"), ("<< /A ", " >>"), ("(", ")")] {
        let deep = format!("{}{}", open.repeat(100_000), close.repeat(100_000));
        assert!(try_verify(&with("/Deep 20 0 R", std::slice::from_ref(&deep))).is_ok());
        assert!(
            try_verify(&with(&format!("/Deep {deep}"), &[])).is_ok_and(|report| report.seals.is_empty()) || open != "("
        );
    }
    // A list whose objects refer to the next one each, compared between two states of a sealed document.
    let party = PdfWorld::new().party("甲方");
    let chain: Vec<String> = (21..20_000).map(|next| format!("<< /Next {next} 0 R >>")).collect();
    let sealed = party.seal(&with("/Outlines 20 0 R", &chain));
    let twice = party.try_seal(&sealed, &[PLACE]).expect("sealed").0;
    let report = in_time(|| try_verify(&twice)).expect("a report");
    assert!(report.seals.iter().all(|seal| seal.content == Outcome::Passed));
}

/// A document with a cross-reference stream whose object stream has these data and entries.
fn with_object_stream(entries: &str, data: &[u8]) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n".to_vec();
    let container = out.len();
    out.extend(format!("3 0 obj\n<< /Type /ObjStm {entries} /Length {} >>\nstream\n", data.len()).bytes());
    out.extend_from_slice(data);
    out.extend(b"\nendstream\nendobj\n");
    let start = out.len();
    let row = |kind: u8, second: usize, third: u8| [&[kind][..], &(second as u32).to_be_bytes(), &[third]].concat();
    let rows = [row(2, 3, 0), row(2, 3, 1), row(1, container, 0), row(1, start, 0)].concat();
    out.extend(
        format!(
            "4 0 obj\n<< /Type /XRef /Size 5 /Index [1 4] /W [1 4 1] /Root 1 0 R /Length {} >>\nstream\n",
            rows.len()
        )
        .bytes(),
    );
    out.extend(rows);
    out.extend(format!("\nendstream\nendobj\nstartxref\n{start}\n%%EOF\n").bytes());
    out
}

#[test]
fn a_bomb_in_an_object_stream_is_refused_before_it_fills_memory() {
    let bomb = zlib(&zlib(&vec![b' '; 16 << 20]));
    let document = with_object_stream("/N 2 /First 10 /Filter [/FlateDecode /FlateDecode]", &bomb);
    assert!(document.len() < 10_000);
    let limits = Limits { max_entry_bytes: 1 << 20, ..Limits::default() };
    let refused = pdf::verify(&source(&document), &limits, &mut |_| {});
    assert!(matches!(refused, Err(DocumentError::TooLarge { limit: Limit::EntryBytes, .. })), "{refused:?}");
}

#[test]
fn an_object_stream_with_wild_numbers_is_damaged_and_nothing_worse() {
    let data = b"1 0 2 99999999999999999999 << /Type /Catalog /Pages 2 0 R >>";
    for entries in [
        "/N 99999999999 /First 18446744073709551615",
        "/N -1 /First -1",
        "/N 2 /First 9223372036854775807",
        "/N 2 /First 4 /Length 99999999999999999999999",
        "/N 2 /Filter /FlateDecode /DecodeParms << /Predictor 15 /Columns 9999999999 /Colors 99999 >>",
    ] {
        assert!(try_verify(&with_object_stream(entries, data)).is_err(), "{entries}");
    }
}

#[test]
fn object_streams_that_need_themselves_to_be_read_end() {
    // The position of the first object of stream 3 is object 1, which lies in stream 3.
    let data = b"1 0 2 8 99      << >>";
    for entries in
        ["/N 2 /First 1 0 R", "/N 1 0 R /First 8", "/N 2 /First 8 /Filter 1 0 R", "/N 2 /First 8 /DecodeParms 2 0 R"]
    {
        assert!(try_verify(&with_object_stream(entries, data)).is_err(), "{entries}");
    }
}

#[test]
fn tables_that_promise_more_than_the_file_has_are_damaged() {
    for table in ["0 4294967295\n", "4294967295 2\n0000000009 00000 n \n0000000009 00000 n \n", "0 1\nxx\n"] {
        let text = format!("%PDF-1.7\nxref\n{table}trailer\n<< /Root 1 0 R >>\nstartxref\n9\n%%EOF\n");
        assert!(try_verify(text.as_bytes()).is_err(), "{table}");
    }
    let rows = "1".repeat(40);
    for widths in ["[8 8 8]", "[0 0 0]", "[1 99999999999 1]", "[-1 4 1]", "[1]", "[4 8 8]"] {
        let body = format!(
            "<< /Type /XRef /Size 99999999999 /W {widths} /Root 1 0 R /Length 40 >>\nstream\n{rows}\nendstream"
        );
        let text = format!("%PDF-1.7\n1 0 obj\n{body}\nendobj\nstartxref\n9\n%%EOF\n");
        assert!(try_verify(text.as_bytes()).is_err(), "{widths}");
    }
}

#[test]
fn a_file_with_too_many_pages_objects_updates_or_signatures_is_refused_by_its_limit() {
    let limits = Limits { max_pages: 5, max_objects: 40, max_revisions: 3, max_signatures: 1, ..Limits::default() };
    let refused = |document: &[u8]| match pdf::verify(&source(document), &limits, &mut |_| {}) {
        Err(DocumentError::TooLarge { limit, .. }) => limit,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&Shape { pages: 6, ..PLAIN }.build()), Limit::Pages);
    assert_eq!(refused(&Shape { pages: 30, ..PLAIN }.build()), Limit::Objects);
    let mut updated = PLAIN.build();
    for _ in 0..3 {
        updated = append(&updated, &[]);
    }
    assert_eq!(refused(&updated), Limit::Revisions);
    let signature = "<< /Type /Sig /Contents <00> >>";
    let field = |name: &str| format!("<< /FT /Sig /T ({name}) /V 22 0 R >>");
    let fields = with("/AcroForm << /Fields [20 0 R 21 0 R] >>", &[field("a"), field("b"), signature.into()]);
    assert_eq!(refused(&fields), Limit::Signatures);
    // An update behind a seal, with more to compare than is allowed.
    let limits = Limits { max_compared: 5, ..Limits::default() };
    let sealed = PdfWorld::new().party("甲方").seal(&PLAIN.build());
    let refused = pdf::verify(&source(&append(&sealed, &[(99, "null")])), &limits, &mut |_| {});
    assert!(matches!(refused, Err(DocumentError::TooLarge { limit: Limit::Compared, .. })), "{refused:?}");
}

#[test]
fn ten_thousand_signatures_are_refused_or_judged_in_time() {
    let list: String = (20..10_020).map(|number| format!("{number} 0 R ")).collect();
    let signature = "<< /Type /Sig /SubFilter /adbe.pkcs7.detached /ByteRange [0 1 2 3] /Contents <3000> >>";
    let field = |number: usize| format!("<< /FT /Sig /T (a{number}) /V {signature} >>");
    let fields: Vec<String> = (0..10_000).map(field).collect();
    let document = with(&format!("/AcroForm << /Fields [{list}] >>"), &fields);
    let refused = in_time(|| try_verify(&document));
    assert!(matches!(refused, Err(DocumentError::TooLarge { limit: Limit::Signatures, .. })), "{refused:?}");
    let limits = Limits { max_signatures: 20_000, ..Limits::default() };
    let report = in_time(|| pdf::verify(&source(&document), &limits, &mut |_| {})).expect("a report");
    assert!(report.seals.len() == 10_000 && report.seals.iter().all(|seal| seal.content.is_failed()));
}

#[test]
fn ten_thousand_pages_are_sealed_and_verified() {
    let document = Shape { pages: 10_000, ..PLAIN }.build();
    let party = PdfWorld::new().party("甲方");
    let place = eseal_documents::Place { page: 10_000, ..PLACE };
    let sealed = in_time(|| party.try_seal(&document, &[place])).expect("sealed").0;
    let twice = in_time(|| party.try_seal(&sealed, &[PLACE])).expect("sealed").0;
    let report = in_time(|| try_verify(&twice)).expect("a report");
    assert_eq!(report.pages, 10_000);
    assert!(report.seals.iter().all(|seal| seal.content == Outcome::Passed));
}

/// A signature field with this dictionary, in a document of its own.
fn signature(dictionary: &str) -> Vec<u8> {
    with("/AcroForm << /Fields [20 0 R] >>", &["<< /FT /Sig /T (a) /V 21 0 R >>".into(), dictionary.into()])
}

#[test]
fn byte_ranges_that_are_none_are_never_good() {
    let huge = "9".repeat(30);
    for ranges in [
        "[0 10 20 30]",
        "[0 10]",
        "[0 10 20 30 40 50]",
        "[10 10 20 30]",
        "[0 10 5 30]",
        "[0 10 20 99999999]",
        "[0 -10 20 30]",
        "[0 9223372036854775807 9223372036854775807 9223372036854775807]",
        "[0 0 0 0]",
        "[]",
        "null",
        "(0 10 20 30)",
        &format!("[0 10 {huge} {huge}]"),
        "[0 10 20 30] /ByteRange [0 10 20 30]",
    ] {
        let dictionary = format!("<< /SubFilter /adbe.pkcs7.detached /ByteRange {ranges} /Contents <3000> >>");
        let report = try_verify(&signature(&dictionary)).expect("a report");
        assert!(report.seals[0].content.is_failed(), "{ranges}: {:?}", report.seals[0].steps);
    }
    for contents in ["", "/Contents (0)", "/Contents 5 0 R", "/Contents [<00>]", "/Contents <00> /Contents <00>"] {
        let dictionary = format!("<< /SubFilter /adbe.pkcs7.detached /ByteRange [0 10 20 30] {contents} >>");
        assert!(try_verify(&signature(&dictionary)).expect("a report").seals[0].content.is_failed(), "{contents}");
    }
}

#[test]
fn a_signature_dictionary_in_an_object_stream_is_never_good() {
    let field = "<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [<< /FT /Sig /T (a) /V << /ByteRange [0 1 2 3] \
                 /Contents <00> >> >>] >> >>";
    let pages = "<< /Type /Pages /Kids [] /Count 0 >>";
    let table = format!("1 0 2 {} ", field.len() + 1);
    let document =
        with_object_stream(&format!("/N 2 /First {}", table.len()), format!("{table}{field} {pages}").as_bytes());
    let report = try_verify(&document).expect("a report");
    assert!(report.seals[0].content.is_failed());
}

#[test]
fn ten_thousand_updates_behind_a_seal_are_refused_or_judged_in_time() {
    let mut document = PdfWorld::new().party("甲方").seal(&PLAIN.build());
    let mut previous = String::from_utf8_lossy(&document)
        .rsplit("startxref\n")
        .next()
        .and_then(|rest| rest.lines().next()?.parse::<usize>().ok())
        .expect("a number");
    for _ in 0..10_000 {
        let start = document.len();
        document.extend(
            format!("xref\n0 0\ntrailer\n<< /Size 99 /Root 1 0 R /Prev {previous} >>\nstartxref\n{start}\n%%EOF\n")
                .bytes(),
        );
        previous = start;
    }
    let refused = in_time(|| try_verify(&document));
    assert!(matches!(refused, Err(DocumentError::TooLarge { limit: Limit::Revisions, .. })), "{refused:?}");
}

#[test]
fn many_kinds_of_rubbish_in_a_form_are_no_signature() {
    let mut rubbish = String::new();
    for item in ["null", "7", "(x)", "/N", "[]", "<<>>", "99 0 R", "<< /FT /Sig /V 5 >>", "<< /FT /Sig /V [] >>"] {
        let _ = write!(rubbish, "{item} ");
    }
    let document = with(&format!("/AcroForm << /Fields [{rubbish}] /SigFlags (x) >>"), &[stream_text("", "x")]);
    assert!(try_verify(&document).is_ok_and(|report| report.seals.is_empty()));
}
