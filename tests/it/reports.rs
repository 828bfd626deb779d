//! `eseal verify --report`: files for people and programs, with the pages drawn in a process of their own.

use std::fs;

use eseal_e2e::programs::Eseal;

use crate::fixture;

fn nowhere() -> (tempfile::TempDir, Eseal) {
    let folder = tempfile::tempdir().expect("a folder");
    let eseal = Eseal {
        url: "http://127.0.0.1:9".to_owned(),
        sessions: folder.path().join("sessions"),
        ca: None,
        environment: Vec::new(),
    };
    (folder, eseal)
}

#[test]
fn a_sealed_document_is_reported_in_every_form_with_its_pages_drawn() {
    let (_folder, company) = fixture::company();
    let (seal, _) = company.has_a_seal();
    for ending in ["ofd", "pdf"] {
        fixture::contract(&company, ending);
        let (contract, sealed) = (format!("contract.{ending}"), format!("sealed.{ending}"));
        let _ = company.seals(&seal, "seal.card", "pin", &contract, &sealed, "45,112").good();
        let answer = company.run(&[
            "verify",
            &format!("@{sealed}"),
            "--report",
            "html",
            "-o",
            "@report.html",
            "--report",
            "xml",
            "-o",
            "@report.xml",
            "--report",
            "json",
            "-o",
            "@report.json",
            "--report",
            "pdf",
            "-o",
            "@report.pdf",
        ]);
        assert_eq!((answer.code, &answer.value["verdict"]), (0, &"valid".into()), "{}", answer.text);
        assert_eq!(answer.value["online"], true);
        assert_eq!(answer.value["seals"][0]["registry"]["state_now"], "active");

        let read = |name: &str| fs::read(company.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let html = String::from_utf8(read("report.html")).expect("text");
        // The impression, and the page on which it stands.
        assert_eq!(html.matches("src=\"data:image/png;base64,").count(), 2, "{ending}: pictures are missing");
        assert!(html.contains(&sealed) && !html.contains("<script"));
        let json: serde_json::Value = serde_json::from_slice(&read("report.json")).expect("JSON");
        assert_eq!(json, answer.value, "the file says what is printed");
        assert!(json["seals"][0]["certificate"]["issuer"].is_string());
        assert!(read("report.pdf").starts_with(b"%PDF"));
        // Nothing in the document says that its certificate was not revoked, so the status has to leave that open.
        let xml = String::from_utf8(read("report.xml")).expect("text");
        assert!(xml.contains(":mainindication:indeterminate") && xml.contains(":subindication:TRY_LATER"), "{xml}");
    }
}

#[test]
fn every_report_needs_a_file_of_its_own() {
    let (folder, eseal) = nowhere();
    let path = folder.path().join("a.ofd");
    fs::write(&path, include_bytes!("../documents/contract.ofd")).expect("a file");
    let answer =
        eseal.run(["verify".as_ref(), path.as_os_str(), "--offline".as_ref(), "--report".as_ref(), "html".as_ref()]);
    assert_eq!((answer.code, answer.reason()), (2, "USAGE"), "{}", answer.text);
}

#[test]
fn a_document_without_a_seal_has_a_report_too() {
    let (folder, eseal) = nowhere();
    let (path, report) = (folder.path().join("a.pdf"), folder.path().join("report.html"));
    fs::write(&path, include_bytes!("../documents/contract.pdf")).expect("a file");
    let answer = eseal.run([
        "verify".as_ref(),
        path.as_os_str(),
        "--offline".as_ref(),
        "--report".as_ref(),
        "html".as_ref(),
        "-o".as_ref(),
        report.as_os_str(),
    ]);
    assert_eq!((answer.code, &answer.value["verdict"]), (1, &"unsealed".into()), "{}", answer.text);
    assert!(fs::read_to_string(&report).expect("a report").ends_with("</html>"));
}
