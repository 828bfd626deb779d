//! What programs by others say of our sealed PDFs.

use std::path::{Path, PathBuf};

use eseal_documents::Place;
use hayro_syntax::Pdf;

use crate::support::drawn::ppm;
use crate::support::pdf_builder::{PLAIN, Shape, Xref, shapes};
use crate::support::pdf_parties::{PLACE, PdfWorld};
use crate::support::peers::{pyhanko, run, said};

/// Sealed documents of all shapes in a folder of files, once and twice sealed.
struct Files {
    folder: tempfile::TempDir,
    files: Vec<PathBuf>,
}

impl Files {
    fn new(shapes: &[Shape]) -> Self {
        let world = PdfWorld::new();
        let (first, second) = (world.party("Party A"), world.party("Party B"));
        let folder = tempfile::tempdir().expect("a folder");
        let mut files = Vec::new();
        for (index, shape) in shapes.iter().enumerate() {
            let once = first.seal(&shape.build());
            let twice = second.try_seal(&once, &[Place { x_mm: 20.0, ..PLACE }]).expect("sealed").0;
            for (times, document) in [once, twice].into_iter().enumerate() {
                let file = folder.path().join(format!("{index:02}-{}-{}.pdf", shape.name.replace(' ', "-"), times + 1));
                std::fs::write(&file, document).expect("written");
                files.push(file);
            }
        }
        std::fs::write(folder.path().join("ca.pem"), world.holders.certificate().to_pem()).expect("written");
        Self { folder, files }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain name")
}

/// How many seals the name of a file promises.
fn seals(file: &Path) -> usize {
    if text(file).ends_with("-2.pdf") { 2 } else { 1 }
}

#[test]
fn qpdf_finds_no_fault_in_any_sealed_document() {
    for file in &Files::new(&shapes()).files {
        let Some(output) = run("qpdf", &["--check", text(file)]) else { return };
        let said = said(&output);
        assert!(output.status.success() && !said.contains("WARNING"), "{}: {said}", file.display());
    }
}

#[test]
fn pdfsig_finds_every_signature_valid_and_the_last_one_over_the_whole_document() {
    for file in &Files::new(&shapes()).files {
        let Some(output) = run("pdfsig", &["-nocert", text(file)]) else { return };
        let said = said(&output);
        assert_eq!(said.matches("Signature is Valid.").count(), seals(file), "{}: {said}", file.display());
        assert_eq!(said.matches("Total document signed").count(), 1, "{}: {said}", file.display());
        assert_eq!(said.matches("ETSI.CAdES.detached").count(), seals(file), "{}: {said}", file.display());
    }
}

#[test]
fn pyhanko_trusts_every_signature_and_finds_only_permitted_changes() {
    // One process takes a second, so the shapes that differ most.
    let shapes = [PLAIN, Shape { xref: Xref::Stream, rotate: 90, ..PLAIN }];
    let files = Files::new(&shapes);
    let root = files.root();
    for file in &files.files {
        let arguments = ["sign", "validate", "--trust", text(&root), "--trust-replace", "--no-revocation-check"];
        let Some(output) = run(text(&pyhanko()), &[&arguments[..], &["--pretty-print", text(file)]].concat()) else {
            return;
        };
        let said = said(&output);
        assert!(output.status.success(), "{}: {said}", file.display());
        assert_eq!(said.matches("The signature is judged VALID").count(), seals(file), "{}: {said}", file.display());
        assert!(said.contains("covers the entire file"), "{}: {said}", file.display());
    }
}

#[test]
fn hayro_reads_the_pages_of_every_sealed_document_as_before() {
    for shape in shapes() {
        let document = shape.build();
        let sealed = PdfWorld::new().party("Party A").seal(&document);
        let boxes = |bytes: &[u8]| {
            let pdf = Pdf::new(bytes.to_vec()).expect("a PDF");
            let pages =
                pdf.pages().iter().map(|page| format!("{:?} {:?}", page.render_dimensions(), page.page_stream()));
            pages.collect::<Vec<_>>()
        };
        assert_eq!(boxes(&sealed), boxes(&document), "{}", shape.name);
    }
}

/// The red pixels of page 1 as pdftoppm draws it: their bounding box in millimetres.
fn stamp(file: &Path) -> Option<[f64; 4]> {
    const DPI: f64 = 72.0;
    let output = run("pdftoppm", &["-r", "72", "-f", "1", "-l", "1", "-cropbox", text(file)])?;
    let (width, pixels) = ppm(&output.stdout);
    let red = |pixel: &[u8]| pixel[0] > 150 && pixel[1] < 100 && pixel[2] < 100;
    let found: Vec<(usize, usize)> =
        pixels.chunks(3).enumerate().filter(|(_, pixel)| red(pixel)).map(|(at, _)| (at % width, at / width)).collect();
    assert!(!found.is_empty(), "{} shows no stamp", file.display());
    let mm = |pixels: usize| pixels as f64 * 25.4 / DPI;
    let (left, right) = (found.iter().map(|p| p.0).min()?, found.iter().map(|p| p.0).max()? + 1);
    let (top, bottom) = (found.iter().map(|p| p.1).min()?, found.iter().map(|p| p.1).max()? + 1);
    Some([mm(left), mm(top), mm(right), mm(bottom)])
}

#[test]
fn the_stamp_is_drawn_where_it_was_asked_for_in_its_size_and_upright_on_every_page() {
    let world = PdfWorld::new();
    let party = world.party("Party A");
    let folder = tempfile::tempdir().expect("a folder");
    for shape in shapes() {
        let file = folder.path().join("sealed.pdf");
        std::fs::write(&file, party.seal(&shape.build())).expect("written");
        let Some(drawn) = stamp(&file) else { return };
        // pdftoppm takes no notice of /UserUnit.
        let unit: f64 = shape.user_unit.map_or(1.0, |unit| unit.parse().expect("a number"));
        let [left, top, right, bottom] = drawn.map(|length| length * unit);
        // The ring of the picture is 236 of its 240 pixels wide.
        let ring = |start: f64| [start + 40.0 * 2.0 / 240.0, start + 40.0 * 238.0 / 240.0];
        let ([x0, x1], [y0, y1]) = (ring(PLACE.x_mm), ring(PLACE.y_mm));
        for (drawn, asked) in [(left, x0), (right, x1), (top, y0), (bottom, y1)] {
            assert!((drawn - asked).abs() < unit, "{}: drawn at {drawn} mm, asked at {asked} mm", shape.name);
        }
    }
}
