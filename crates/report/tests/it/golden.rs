//! What is said, word by word.

use eseal_documents::Language;
use eseal_report::model::{TimeSource, Verdict};
use eseal_report::{Exhibits, Face, etsi, html, pdf};

use crate::documents::{found, report, sealed};
use crate::made_up;

#[test]
fn the_json_of_a_report_is_a_contract() {
    insta::assert_json_snapshot!("report.json", made_up::report(Language::En));
}

#[test]
fn the_html_says_the_same_in_both_languages() {
    for language in [Language::ZhCn, Language::En] {
        let page = html::page(&made_up::report(language), &made_up::exhibits());
        // One element a line, so that a change is seen where it is; the style is not what is looked at here.
        let body = page.split_once("</style>").expect("a style").1.replace("><", ">\n<");
        let body = body.replace(env!("CARGO_PKG_VERSION"), "VERSION");
        insta::assert_snapshot!(format!("report.{language:?}.html"), body);
    }
}

#[test]
fn the_xml_has_the_elements_of_the_standard_in_its_order() {
    let found = found(&sealed("ofd")).expect("a document");
    let xml = etsi::document(&made_up::report(Language::En), &found);
    // The certificates are those of the document, and long.
    let lines: Vec<_> = xml.lines().filter(|line| !line.contains("<vr:base64>")).collect();
    insta::assert_snapshot!("report.xml", lines.join("\n"));
}

#[test]
fn a_real_document_is_reported_with_its_facts() {
    for ending in ["ofd", "pdf"] {
        let (_, report) = report(&sealed(ending), Language::En);
        assert_eq!((report.verdict, report.seals.len(), report.pages), (Verdict::Valid, 2, Some(2)), "{report:#?}");
        for seal in &report.seals {
            assert!(!seal.places.is_empty() && seal.certificate.is_some() && seal.electronic_seal.is_some());
            assert_eq!(seal.sealing_time_source, Some(TimeSource::SelfAsserted));
            assert_eq!((&seal.first_failed, &seal.registry), (&None, &None));
            let status = seal.status.as_ref().expect("a status");
            let indications = [&status.at_sealing, &status.now].map(|at| at.indication.as_str());
            // Nobody told anything of revocation.
            assert_eq!(indications, ["INDETERMINATE"; 2]);
            assert!(seal.steps.iter().all(|step| step.text.is_some()), "{:?}", seal.steps);
        }
    }
}

#[test]
fn html_and_pdf_of_a_report_have_the_same_words() {
    let Ok(face) = Face::find(None) else { return println!("skipped: no font with Chinese is installed") };
    let report = made_up::report(Language::ZhCn);
    let file = pdf::document(&report, &made_up::exhibits(), &face).expect("a PDF");
    let again = pdf::document(&report, &made_up::exhibits(), &face).expect("a PDF");
    assert!(file == again, "the same report is the same file");
    let Some(text) = text_of(&file) else { return println!("skipped: pdftotext is not installed") };
    let squeezed: String = text.split_whitespace().collect();
    let words = ["无效", "苏州市民政局合同专用章", "32050000011053", "CONTENT_ALTERED", "时间戳证明", "签章人自述"];
    for word in words.iter().chain(&["内容在签章后被修改", "已注销", "绘制超时", "采购合同.ofd", "北京时间"])
    {
        assert!(squeezed.contains(word), "{word} is missing: {text}");
    }
}

#[test]
fn a_pdf_report_is_sound_and_grows_over_pages() {
    let Ok(face) = Face::find(None) else { return println!("skipped: no font with Chinese is installed") };
    let mut report = made_up::report(Language::En);
    let seal = report.seals[0].clone();
    report.seals.extend(std::iter::repeat_n(seal, 20));
    let file = pdf::document(&report, &Exhibits::default(), &face).expect("a PDF");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("report.pdf");
    std::fs::write(&path, &file).expect("a file");
    let Ok(checked) = std::process::Command::new("qpdf").arg("--check").arg(&path).output() else {
        return println!("skipped: qpdf is not installed");
    };
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    let text = text_of(&file).expect("pdftotext comes with what qpdf comes with here");
    let pages = text.matches('\u{c}').count();
    assert!(pages > 8 && text.contains(&format!("{pages} / {pages}")), "{pages} pages");
}

fn text_of(pdf: &[u8]) -> Option<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("report.pdf");
    std::fs::write(&path, pdf).expect("a file");
    let told = std::process::Command::new("pdftotext").arg("-layout").arg(&path).arg("-").output().ok()?;
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    Some(String::from_utf8(told.stdout).expect("UTF-8"))
}
