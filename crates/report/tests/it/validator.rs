//! The XML in the eyes of another program: pyHanko's classes, which were made from the schema of ETSI TS 119 102-2, read
//! it with nothing unknown, write it again in the schema's order, and it is the same.

use std::process::Command;

use eseal_documents::Language;
use eseal_report::etsi;

use crate::documents::{found, report, sealed};
use crate::made_up;

const READER: &str = include_str!("../files/read_etsi.py");

#[test]
fn classes_made_from_the_schema_read_the_xml_and_write_it_in_the_same_order() {
    let bytes = sealed("pdf");
    let (found, real) = report(&bytes, Language::En);
    for report in [real, made_up::report(Language::ZhCn), made_up::unsealed(Language::En)] {
        let Some(told) = read(&etsi::document(&report, &found)) else {
            return println!("skipped: python3 with pyhanko and xsdata is not installed");
        };
        assert_eq!(told, format!("{} reports\n", report.seals.len().max(1)));
    }
}

#[test]
fn the_reader_refuses_what_is_not_of_the_schema() {
    let found = found(&sealed("pdf")).expect("a document");
    let xml = etsi::document(&made_up::report(Language::En), &found);
    let wrong = xml.replace("vr:HashOnly", "vr:HashAlone");
    assert_ne!(wrong, xml);
    if let Some(told) = read(&xml) {
        assert!(told.ends_with("reports\n"), "{told}");
        assert_eq!(read(&wrong), Some("refused\n".to_owned()));
    }
}

/// What the reader says; nothing where it can't run.
fn read(xml: &str) -> Option<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("report.xml");
    std::fs::write(&path, xml).expect("a file");
    let told = Command::new("python3").arg("-c").arg(READER).arg(&path).output().ok()?;
    let text = String::from_utf8(told.stdout).expect("UTF-8");
    if text == "skip\n" {
        return None;
    }
    assert!(told.status.success(), "{text}{}", String::from_utf8_lossy(&told.stderr));
    Some(text)
}
