//! `make demo` leaves what it promises.

use std::process::Command;

use eseal_e2e::programs::program;
use serde_json::Value;

#[test]
fn the_demo_leaves_documents_that_verify_and_a_history_in_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("demo");
    let told = Command::new(program("eseal-demo")).arg("--output").arg(&output).output().expect("the demo starts");
    let text = String::from_utf8_lossy(&told.stdout).into_owned() + &String::from_utf8_lossy(&told.stderr);
    assert!(told.status.success(), "{text}");
    let read = |name: &str| std::fs::read(output.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(read("impression.png").starts_with(b"\x89PNG"));
    assert!(read("contract.sealed.ofd").starts_with(b"PK") && read("contract.sealed.pdf").starts_with(b"%PDF"));

    for ending in ["ofd", "pdf"] {
        let mut eseal = Command::new(program("eseal"));
        eseal.arg("verify").arg(output.join(format!("contract.sealed.{ending}"))).args([
            "--offline",
            "--json",
            "--trust",
        ]);
        eseal.arg(output.join("roots.pem")).arg("--maker-trust").arg(output.join("makers.pem"));
        let answer = eseal.output().expect("eseal starts");
        let verdict: Value = serde_json::from_slice(&answer.stdout).expect("JSON");
        assert_eq!((answer.status.code(), &verdict["verdict"]), (Some(0), &"valid".into()), "{verdict}");
        assert_eq!(verdict["seals"].as_array().map(Vec::len), Some(2));
    }

    let events = String::from_utf8(read("events.jsonl")).expect("text");
    let events: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let mut last = ("", 0);
    let mut owners = Vec::new();
    for event in &events {
        let owner = event["owner"].as_str().expect("an owner");
        let position: u64 = event["position"].as_str().and_then(|text| text.parse().ok()).expect("a position");
        if owner != last.0 {
            owners.push(owner);
            last = (owner, 0);
        }
        assert_eq!(position, last.1 + 1, "{event}");
        last = (owner, position);
    }
    assert_eq!(owners, ["application", "fabrication", "authentication", "verification"]);

    let report: Value = serde_json::from_slice(&read("report.json")).expect("JSON");
    let refused: Vec<_> =
        report["steps"].as_array().into_iter().flatten().filter_map(|s| s["refused"].as_str()).collect();
    for reason in
        ["MAKER_CARD_ABSENT", "MAKER_CARD_REJECTED", "CERTIFICATE_INVALID", "CARD_IN_USE", "FABRICATION_FAILED"]
    {
        assert!(refused.contains(&reason), "{reason} is not in the demo");
    }
}
