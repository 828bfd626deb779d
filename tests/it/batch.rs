//! 批量签章: hundreds of documents in one act, killed in the middle, resumed, and checked one by one.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Child;
use std::time::Duration;

use eseal_e2e::company::Company;
use serde_json::Value;

use crate::fixture;

const OFD: &[u8] = include_bytes!("../documents/contract.ofd");
const PDF: &[u8] = include_bytes!("../documents/contract.pdf");
const GOOD: usize = 297;

#[test]
fn three_hundred_documents_are_sealed_once_each_though_the_client_is_killed_in_the_middle() {
    let (_folder, company) = fixture::company();
    let (seal, _) = company.has_a_seal();
    three_hundred(&company.path("in"));

    let mut running = begin(&company, &seal);
    // All are laid out before the first is sealed, which takes a program without optimisation its time.
    let sealed_some = |_: &_| (lines(&company).len() >= 50).then_some(());
    company.eseal.until_within(Duration::from_secs(240), "some are sealed", sealed_some);
    running.kill().expect("it is killed");
    let _ = running.wait().expect("it has ended");
    let before: BTreeMap<_, _> = sealed(&company);
    assert!(before.len() < GOOD, "it was killed too late to show anything");

    let refused = batch(&company, &seal, &[]);
    assert_eq!((refused.0, refused.1.as_str()), (2, "FILE_EXISTS"), "a run that is not resumed touches nothing");
    let (code, _, summary) = batch(&company, &seal, &["--resume"]);
    assert_eq!((code, &summary["failed"], &summary["left"]), (1, &Value::from(3), &Value::from(0)), "{summary}");
    assert_eq!(summary["sealed"].as_u64().unwrap_or_default() + summary["skipped"].as_u64().unwrap_or_default(), 297);

    let after = sealed(&company);
    assert_eq!(after.len(), GOOD);
    assert!(before.iter().all(|(file, digest)| after.get(file) == Some(digest)), "what was sealed was sealed again");
    let broken: Vec<_> = failures(&company).into_iter().map(|(file, code)| (name(&file), code)).collect();
    let told = ["DOCUMENT_MALFORMED", "DOCUMENT_MALFORMED", "NOT_A_DOCUMENT"];
    assert_eq!(broken.iter().map(|(_, code)| code.as_str()).collect::<Vec<_>>(), told, "{broken:?}");
    every_output_has_one_seal_that_holds(&company);
    assert!(!company.path("out/.eseal-waiting").exists(), "something was left behind");

    // Nothing is left to do, and doing nothing records nothing.
    let events = company.as_(&["qian", "events", "read", "authentication", "--output", "@a.jsonl"]).good();
    let (code, _, summary) = batch(&company, &seal, &["--resume"]);
    assert_eq!((code, &summary["skipped"]), (1, &Value::from(297)), "the broken ones are tried again");
    let _ = (events, company.as_(&["qian", "events", "read", "authentication", "--output", "@b.jsonl"]).good());
    assert_eq!(kinds(&company, "b.jsonl", "DocumentsSealed"), kinds(&company, "a.jsonl", "DocumentsSealed"));
}

#[test]
fn a_run_killed_before_a_sealed_document_was_put_in_its_place_is_resumed_without_sealing_it_again() {
    let (_folder, company) = fixture::company();
    let (seal, _) = company.has_a_seal();
    std::fs::create_dir(company.path("in")).expect("a folder");
    for name in ["a.ofd", "b.ofd"] {
        std::fs::write(company.path("in").join(name), OFD).expect("a file");
    }
    assert_eq!(batch(&company, &seal, &[]).0, 0);
    let digests = sealed(&company);
    // As it is on disk between the note and the move, with half a line that was being written.
    let line = lines(&company).remove(0);
    let output = Path::new(line["output"].as_str().expect("a place")).to_owned();
    let waiting = company.path("out/.eseal-waiting");
    std::fs::create_dir_all(&waiting).expect("a folder");
    let attempt = line["attemptId"].as_str().expect("an attempt");
    std::fs::rename(&output, waiting.join(format!("{attempt}-{}", line["index"]))).expect("moved");
    let results = company.path("out/results.jsonl");
    let text = std::fs::read_to_string(&results).expect("results");
    std::fs::write(&results, format!("{text}{{\"file\":\"in/b.o")).expect("written");

    let (code, _, summary) = batch(&company, &seal, &["--resume"]);
    assert_eq!((code, &summary["sealed"], &summary["skipped"]), (0, &Value::from(0), &Value::from(2)), "{summary}");
    assert!(output.exists());
    assert_eq!(sealed(&company), digests);
    every_output_has_one_seal_that_holds(&company);
}

#[test]
fn a_hosted_key_seals_a_batch_with_one_pin() {
    let (_folder, company) = fixture::company();
    let key = company.has_a_hosted_key();
    let seal = fixture::hosted_seal(&company, &key);
    std::fs::create_dir_all(company.path("in/deep")).expect("a folder");
    for (name, bytes) in [("a.ofd", OFD), ("b.pdf", PDF), ("deep/c.ofd", OFD)] {
        std::fs::write(company.path("in").join(name), bytes).expect("a file");
    }
    let words = ["zhao", "seal-batch", "@in", "--seal", &seal, "--pin-file", "@pin", "--output-dir", "@out"];
    let answer = company.as_(&words);
    assert_eq!(answer.code, 0, "{} {}", answer.error, answer.text);
    assert_eq!(sealed(&company).len(), 3);
    assert!(company.path("out/deep/c.ofd").exists());
    every_output_has_one_seal_that_holds(&company);
    let _ = company.as_(&["qian", "events", "read", "authentication", "--output", "@a.jsonl"]).good();
    assert_eq!(kinds(&company, "a.jsonl", "PinTried"), 1);
}

#[test]
fn a_place_that_is_taken_is_left_as_it_is_and_the_others_are_sealed() {
    let (_folder, company) = fixture::company();
    let (seal, _) = company.has_a_seal();
    for folder in ["in", "out"] {
        std::fs::create_dir(company.path(folder)).expect("a folder");
    }
    for name in ["a.ofd", "b.ofd"] {
        std::fs::write(company.path("in").join(name), OFD).expect("a file");
    }
    std::fs::write(company.path("out/a.ofd"), b"somebody's").expect("a file");
    let (code, _, summary) = batch(&company, &seal, &[]);
    assert_eq!((code, &summary["sealed"], &summary["failed"]), (1, &Value::from(1), &Value::from(1)));
    assert_eq!(std::fs::read(company.path("out/a.ofd")).expect("a file"), b"somebody's");
    assert_eq!(failures(&company).into_values().collect::<Vec<_>>(), ["FILE_EXISTS"]);
}

#[test]
fn the_service_seals_a_whole_document_with_a_hosted_key() {
    let (_folder, company) = fixture::company();
    let key = company.has_a_hosted_key();
    let seal = fixture::hosted_seal(&company, &key);
    for ending in ["ofd", "pdf"] {
        fixture::contract(&company, ending);
        let (input, output) = (format!("@contract.{ending}"), format!("@sealed.{ending}"));
        let mut words = vec!["zhao", "seal", &input, "--seal", &seal, "--at-service", "--pin-file", "@pin"];
        words.extend(["--page", "2", "--at", "45,112", "--output", &output]);
        let told = company.as_(&words).good();
        assert_eq!(told.get("format"), ending.to_uppercase());
        let report = company.verifies_offline(&format!("sealed.{ending}")).good().value;
        assert_eq!((&report["verdict"], &report["seals"][0]["places"][0]["page"]), (&"valid".into(), &2.into()));
    }
    std::fs::write(company.path("wrong"), "314159").expect("a file");
    let mut words = vec!["zhao", "seal", "@contract.pdf", "--seal", &seal, "--at-service", "--pin-file", "@wrong"];
    words.extend(["--output", "@none.pdf"]);
    let refused = company.as_(&words);
    assert_eq!((refused.code, refused.reason()), (1, "PIN_INCORRECT"));
    std::fs::write(company.path("broken.pdf"), "这不是文档").expect("a file");
    let mut words = vec!["zhao", "seal", "@broken.pdf", "--seal", &seal, "--at-service", "--pin-file", "@pin"];
    words.extend(["--output", "@none.pdf"]);
    assert_eq!(company.as_(&words).reason(), "NOT_A_DOCUMENT");
    assert!(!company.path("none.pdf").exists());
    let _ = company.as_(&["qian", "events", "read", "authentication", "--output", "@a.jsonl"]).good();
    let expected = [("SealingBegun", 3), ("PinTried", 3), ("SealingAuthorized", 2), ("SealingCompleted", 2)];
    for (kind, count) in expected {
        assert_eq!(kinds(&company, "a.jsonl", kind), count, "{kind}");
    }
}

/// Both kinds of document, and three that are none or broken.
fn three_hundred(folder: &Path) {
    std::fs::create_dir(folder).expect("a folder");
    for number in 0..GOOD {
        let (ending, bytes) = if number % 2 == 0 { ("ofd", OFD) } else { ("pdf", PDF) };
        std::fs::write(folder.join(format!("{number:03}.{ending}")), bytes).expect("a file");
    }
    std::fs::write(folder.join("x-cut.ofd"), OFD.get(..OFD.len() / 2).expect("half")).expect("a file");
    std::fs::write(folder.join("y-cut.pdf"), b"%PDF-1.7\n1 0 obj\n<<").expect("a file");
    std::fs::write(folder.join("z-text.pdf"), "这不是文档").expect("a file");
}

fn words<'a>(seal: &'a str, further: &[&'a str]) -> Vec<&'a str> {
    let mut words = vec!["seal-batch", "@in", "--seal", seal, "--card", "@seal.card", "--pin-file", "@pin"];
    words.extend(["--page", "2", "--at", "45,112", "--output-dir", "@out"]);
    words.extend(further);
    words
}

/// The exit code, the code of the error, and the last line of what was told.
fn batch(company: &Company, seal: &str, further: &[&str]) -> (i32, String, Value) {
    let answer = company.as_(&[&["chen"], words(seal, further).as_slice()].concat());
    let summary = answer.text.lines().rev().find_map(|line| serde_json::from_str(line).ok());
    (answer.code, answer.reason().to_owned(), summary.unwrap_or_default())
}

fn begin(company: &Company, seal: &str) -> Child {
    company.begins(&[&["chen"], words(seal, &[]).as_slice()].concat())
}

/// Whole lines of the results, in order.
fn lines(company: &Company) -> Vec<Value> {
    let text = std::fs::read_to_string(company.path("out/results.jsonl")).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// The digest of each sealed document by its file; the last line about a file counts.
fn sealed(company: &Company) -> BTreeMap<String, String> {
    let text = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let sealed = lines(company).into_iter().filter(|line| line["result"] == "sealed");
    sealed.map(|line| (text(&line, "file"), text(&line, "outputDigest"))).collect()
}

fn failures(company: &Company) -> BTreeMap<String, String> {
    let text = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let failed = lines(company).into_iter().filter(|line| line["result"] == "failed");
    failed.map(|line| (text(&line, "file"), text(&line, "code"))).collect()
}

fn name(file: &str) -> String {
    Path::new(file).file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn every_output_has_one_seal_that_holds(company: &Company) {
    for line in lines(company).into_iter().filter(|line| line["result"] == "sealed") {
        let output = line["output"].as_str().expect("a place");
        let words = ["verify", output, "--offline", "--trust", "@ca/roots.pem", "--maker-trust", "@ca/makers.pem"];
        let report = company.run(&words).good().value;
        assert_eq!(report["verdict"], "valid", "{output}");
        assert_eq!(report["seals"].as_array().map(Vec::len), Some(1), "{output}");
    }
    let answer = company.run(&["verify-batch", "@out", "--trust", "@ca/roots.pem", "--maker-trust", "@ca/makers.pem"]);
    let told = json_lines(&answer.text);
    let (summary, verdicts) = told.split_last().expect("a summary");
    let all = sealed(company).len();
    assert_eq!((answer.code, verdicts.len(), &summary["valid"]), (0, all, &Value::from(all)), "{summary}");
    assert!(verdicts.iter().all(|one| one["report"]["verdict"] == "valid" && one["report"]["seals"][0].is_object()));
}

fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

/// How many events of a kind are in a file.
fn kinds(company: &Company, file: &str, kind: &str) -> usize {
    let text = std::fs::read_to_string(company.path(file)).expect("a file");
    text.lines().filter(|line| line.contains(&format!(".{kind}\""))).count()
}
