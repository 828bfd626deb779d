//! The published schema is that of the types, and reports fit it in the eyes of another program.

use std::path::PathBuf;
use std::process::Command;

use eseal_documents::Language;

use crate::documents::{report, sealed};
use crate::made_up;

fn published() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/verification-report.schema.json")
}

#[test]
fn the_published_schema_is_that_of_the_code() {
    let mut text = serde_json::to_string_pretty(&eseal_report::schema()).expect("JSON");
    text.push('\n');
    if std::env::var_os("ESEAL_UPDATE_DOCS").is_some() {
        std::fs::write(published(), &text).expect("the schema is written");
    }
    let published = std::fs::read_to_string(published()).unwrap_or_default();
    assert!(published == text, "run: ESEAL_UPDATE_DOCS=1 cargo test -p eseal-report schema");
}

#[test]
fn another_program_finds_that_reports_fit_the_schema() {
    let folder = tempfile::tempdir().expect("a folder");
    let reports = [
        made_up::report(Language::ZhCn),
        made_up::unsealed(Language::En),
        report(&sealed("ofd"), Language::En).1,
        report(&sealed("pdf"), Language::ZhCn).1,
    ];
    let mut command = Command::new("check-jsonschema");
    command.arg("--schemafile").arg(published());
    for (index, report) in reports.iter().enumerate() {
        let path = folder.path().join(format!("{index}.json"));
        std::fs::write(&path, serde_json::to_vec(report).expect("JSON")).expect("a file");
        command.arg(path);
    }
    let Ok(checked) = command.output() else { return println!("skipped: check-jsonschema is not installed") };
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));

    // And that it refuses what does not fit.
    let path = folder.path().join("wrong.json");
    let mut wrong = serde_json::to_value(&reports[0]).expect("JSON");
    wrong["verdict"] = "good".into();
    std::fs::write(&path, wrong.to_string()).expect("a file");
    let checked = Command::new("check-jsonschema").arg("--schemafile").arg(published()).arg(path).output();
    assert!(!checked.expect("it ran before").status.success());
}
