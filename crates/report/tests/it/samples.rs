//! Real documents of other producers, where they are at hand: `ESEAL_SAMPLES`, or `../shared/samples` beside the project.

use std::path::PathBuf;

use eseal_documents::{Language, Trust, judge};
use eseal_kernel::{Digest, Timestamp};
use eseal_report::draw::Wish;
use eseal_report::exhibit::{Exhibits, PageExhibit, SealExhibit};
use eseal_report::{Face, Origin, Report, etsi, html, pdf};

use crate::documents::found;
use crate::pictures::drawn;

#[test]
fn every_sample_gives_a_report_in_every_form() {
    let folder = std::env::var_os("ESEAL_SAMPLES")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/samples")), PathBuf::from);
    if !folder.join("ofd").is_dir() {
        return println!("skipped: no samples in {}", folder.display());
    }
    let face = Face::find(None).ok();
    let (mut reported, mut pictured, mut stamped) = (0, 0, 0);
    for kind in ["ofd", "pdf"] {
        for path in std::fs::read_dir(folder.join(kind)).into_iter().flatten().flatten().map(|entry| entry.path()) {
            let bytes = std::fs::read(&path).unwrap_or_default();
            let Some(found) = found(&bytes) else { continue };
            let origin = Origin {
                name: path.file_name().map(|name| name.to_string_lossy().into_owned()),
                digest: Digest::of(&bytes),
                verified_at: Timestamp::from_micros(1_700_000_000_000_000),
                language: Language::ZhCn,
            };
            let report = Report::of(&found, &judge(&found, &Trust::default()), &[], &origin);
            let first = found.seals.iter().find_map(|seal| seal.stamps.first()).map(|stamp| stamp.visible());
            let mut exhibits = Exhibits { seals: vec![SealExhibit::default(); found.seals.len()] };
            if let (Some(place), Some(seal)) = (first, exhibits.seals.first_mut()) {
                let wish = Wish::Page { page: place.page, marks: vec![(&place).into()] };
                let shown = drawn(&bytes, found.format, vec![wish]).remove(0);
                stamped += 1;
                pictured += usize::from(shown.is_ok());
                seal.pages.push(PageExhibit { page: place.page, shown });
            }
            let page = html::page(&report, &exhibits);
            assert!(page.ends_with("</html>"), "{}", path.display());
            assert!(etsi::document(&report, &found).contains("SignatureValidationStatus"), "{}", path.display());
            if let Some(face) = &face {
                let file = pdf::document(&report, &exhibits, face);
                assert!(file.is_ok_and(|file| file.starts_with(b"%PDF")), "{}", path.display());
            }
            reported += 1;
        }
    }
    println!("{reported} reports; {pictured} of {stamped} stamped pages drawn");
    assert!(reported > 0, "the folder of samples is empty");
    assert!(pictured * 10 >= stamped * 9, "only {pictured} of {stamped} stamped pages could be drawn");
}
