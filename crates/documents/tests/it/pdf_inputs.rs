//! Documents as other software leaves them, sealed once and twice and judged by others: linearized, with object streams, hybrid,
//! and with bytes before their header. (Encrypted ones: `pdf_encrypted`.)

use std::path::Path;

use eseal_documents::{Place, Verdict};

use crate::support::drawn::Drawn;
use crate::support::pdf_builder::{Form, PLAIN, Shape, Xref, hybrid};
use crate::support::pdf_parties::{PLACE, PdfWorld, judged, verify};
use crate::support::peers::{pyhanko, run, said};

const OTHER: Place = Place { x_mm: 20.0, ..PLACE };

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain name")
}

/// `document` as qpdf writes it anew; `None` where it is not installed.
fn rewritten(document: &[u8], words: &[&str]) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().expect("a folder");
    let [plain, other] = ["plain.pdf", "other.pdf"].map(|name| folder.path().join(name));
    std::fs::write(&plain, document).expect("written");
    let output = run("qpdf", &[words, &[text(&plain), text(&other)]].concat())?;
    assert!(output.status.success(), "{}", said(&output));
    Some(std::fs::read(&other).expect("read"))
}

/// What qpdf makes of documents of two shapes.
fn by_qpdf() -> Vec<(String, Vec<u8>)> {
    let ways: [&[&str]; 5] = [
        &["--linearize"],
        &["--linearize", "--object-streams=generate"],
        &["--object-streams=generate"],
        &["--object-streams=disable", "--normalize-content=y"],
        &["--qdf"],
    ];
    let shapes = [Shape { form: Form::Indirect, pages: 2, ..PLAIN }, Shape { xref: Xref::Stream, ..PLAIN }];
    let made = shapes.iter().flat_map(|shape| ways.map(|words| (shape, words)));
    let made = made
        .filter_map(|(shape, words)| Some((format!("{:?} {words:?}", shape.xref), rewritten(&shape.build(), words)?)));
    made.collect()
}

/// Sealed once and twice, good by our own judgement, and shown where asked.
fn sealed_twice(world: &PdfWorld, what: &str, document: &[u8]) -> [Vec<u8>; 2] {
    let once = world.party("Party A").try_seal(document, &[PLACE]).unwrap_or_else(|error| panic!("{what}: {error}")).0;
    let twice = world.party("Party B").try_seal(&once, &[OTHER]).unwrap_or_else(|error| panic!("{what}: {error}")).0;
    for (count, sealed) in [(1, &once), (2, &twice)] {
        assert!(sealed.starts_with(document), "{what}");
        let judgement = judged(sealed, world);
        assert_eq!((judgement.verdict, judgement.seals.len()), (Verdict::Valid, count), "{what}: {judgement:?}");
        assert!(!judgement.is_flagged(), "{what}: {judgement:?}");
    }
    if let Some(drawn) = Drawn::page(&twice, 1) {
        drawn.must_show(PLACE, what);
        drawn.must_show(OTHER, what);
    }
    [once, twice]
}

/// `pdfsig` and `qpdf` find nothing wrong.
fn others_agree(what: &str, file: &Path, seals: usize) {
    if let Some(output) = run("pdfsig", &["-nocert", text(file)]) {
        let said = said(&output);
        assert_eq!(said.matches("Signature is Valid.").count(), seals, "{what}: {said}");
        assert_eq!(said.matches("Total document signed").count(), 1, "{what}: {said}");
    }
    if let Some(output) = run("qpdf", &["--check", text(file)]) {
        assert!(output.status.success(), "{what}: {}", said(&output));
    }
}

/// pyHanko, with its analysis of differences, trusts every seal.
fn pyhanko_agrees(what: &str, file: &Path, root: &Path, seals: usize) {
    let words = ["sign", "validate", "--trust", text(root), "--trust-replace", "--no-revocation-check"];
    let more = ["--no-strict-syntax", "--pretty-print", text(file)];
    let Some(output) = run(text(&pyhanko()), &[&words[..], &more].concat()) else { return };
    let said = said(&output);
    assert_eq!(said.matches("The signature is judged VALID").count(), seals, "{what}: {said}");
}

#[test]
fn linearized_packed_and_hybrid_documents_are_sealed_as_others_accept() {
    let world = PdfWorld::new();
    let folder = tempfile::tempdir().expect("a folder");
    let [file, root] = ["sealed.pdf", "ca.pem"].map(|name| folder.path().join(name));
    std::fs::write(&root, world.holders.certificate().to_pem()).expect("written");
    let mut inputs = by_qpdf();
    inputs.push(("hybrid".to_owned(), hybrid()));
    for (index, (what, document)) in inputs.iter().enumerate() {
        for (seals, sealed) in (1..).zip(sealed_twice(&world, what, document)) {
            std::fs::write(&file, sealed).expect("written");
            others_agree(what, &file, seals);
            // One process takes a second: those that differ most.
            if seals == 2 && [1, 5, inputs.len() - 1].contains(&index) {
                pyhanko_agrees(what, &file, &root, seals);
            }
        }
    }
}

/// `document` behind other bytes, which its offsets do not count.
fn behind(length: usize, document: &[u8]) -> Vec<u8> {
    let mut other = vec![b'#'; length - 1];
    other.push(b'\n');
    other.extend_from_slice(document);
    other
}

#[test]
fn a_document_with_bytes_before_its_header_is_sealed_as_others_accept() {
    let world = PdfWorld::new();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("sealed.pdf");
    for shape in [PLAIN, Shape { xref: Xref::Stream, form: Form::Indirect, ..PLAIN }] {
        for length in [1, 9, 1000] {
            let what = format!("{:?} behind {length}", shape.xref);
            for (seals, sealed) in (1..).zip(sealed_twice(&world, &what, &behind(length, &shape.build()))) {
                std::fs::write(&file, sealed).expect("written");
                others_agree(&what, &file, seals);
            }
        }
    }
}

#[test]
fn ranges_that_are_counted_from_a_header_behind_other_bytes_are_refused_as_pdfsig_refuses_them() {
    let sealed = PdfWorld::new().party("Party A").seal(&PLAIN.build());
    let moved = behind(9, &sealed);
    assert!(verify(&moved).seals[0].content.is_failed());
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("moved.pdf");
    std::fs::write(&file, moved).expect("written");
    let Some(output) = run("pdfsig", &["-nocert", text(&file)]) else { return };
    assert!(said(&output).contains("Digest Mismatch"), "{}", said(&output));
}
