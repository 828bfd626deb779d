//! 批量签章 broken off and resumed: whatever step the client was killed at, each document is recorded, counted and approved once.

use std::path::{Path, PathBuf};

use eseal_e2e::company::Company;
use eseal_e2e::programs::Answer;
use serde_json::Value;

use crate::fixture;

const OFD: &[u8] = include_bytes!("../documents/contract.ofd");
const PDF: &[u8] = include_bytes!("../documents/contract.pdf");
/// The first and the last one are the same document twice.
const THREE: [(&str, &[u8]); 3] = [("a.ofd", OFD), ("b.pdf", PDF), ("c.ofd", OFD)];

/// Where a client is killed: gate d was not asked yet, has let the list through; gate e was not asked yet, has recorded the
/// documents; they are noted and not in their places.
const KILLED: [&str; 5] = ["batch.begun", "batch.authorized", "batch.kept", "batch.recorded", "batch.noted"];

/// Somebody with a seal who seals what is in `in`.
struct Desk<'a> {
    company: &'a Company,
    custodian: &'a str,
    seal: &'a str,
    card: Option<&'a str>,
}

impl Desk<'_> {
    fn words(&self, output: &str, further: &[&str]) -> Vec<String> {
        let mut words = vec![self.custodian, "seal-batch", "@in", "--seal", self.seal, "--pin-file", "@pin"];
        words.extend(self.card.iter().flat_map(|card| ["--card", card]));
        let output = format!("@{output}");
        words.extend(["--output-dir", &output, "--jobs", "2"]);
        words.extend(further);
        words.into_iter().map(str::to_owned).collect()
    }

    /// Seals into this folder, with a client to which something happens at that place.
    fn seals(&self, output: &str, further: &[&str], at: Option<&str>) -> Answer {
        let words = self.words(output, further);
        let mut company = self.company.elsewhere();
        company.eseal.environment.extend(at.map(|point| (eseal_faultpoint::VARIABLE.to_owned(), point.into())));
        company.as_(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn killed(&self, output: &str, at: &str) {
        let killed = self.seals(output, &[], Some(at));
        assert_eq!(killed.code, -1, "{at}: {} {}", killed.error, killed.text);
    }

    fn resumes(&self, output: &str, further: &[&str]) -> Answer {
        self.seals(output, &[&["--resume"], further].concat(), None)
    }

    /// A use of each document of `in`, requested and approved.
    fn is_approved(&self) {
        for (name, _) in THREE {
            let document = format!("@in/{name}");
            let words = [self.custodian, "use", "request", &document, "--seal", self.seal, "--purpose", "采购合同"];
            let id = self.company.as_(&words).good().get("useId").to_owned();
            let _ = self.company.as_(&["li", "use", "approve", &id]).good();
        }
    }

    /// How many documents the service let through, and how many it recorded.
    fn counted(&self) -> (u64, usize) {
        let _ = self.company.as_(&["qian", "events", "read", "authentication", "--output", "@counted.jsonl"]).good();
        let text = std::fs::read_to_string(self.company.path("counted.jsonl")).expect("a file");
        let (mut authorized, mut sealed) = (0, 0);
        for line in text.lines() {
            let event: Value = serde_json::from_str(line).expect("a line of JSON");
            let documents = &event["payload"]["documents"];
            if line.contains(".BatchAuthorized\"") {
                authorized += documents.as_u64().expect("a count");
            } else if line.contains(".DocumentsSealed\"") {
                sealed += documents.as_array().expect("documents").len();
            }
        }
        (authorized, sealed)
    }

    /// All that is in the folder holds, and nothing is left behind.
    fn has_sealed(&self, output: &str, names: &[&str]) {
        let folder = self.company.path(output);
        for name in names {
            let sealed = folder.join(name).display().to_string();
            let words = ["verify", &sealed, "--offline", "--trust", "@ca/roots.pem", "--maker-trust", "@ca/makers.pem"];
            let report = self.company.run(&words).good().value;
            assert_eq!((&report["verdict"], report["seals"].as_array().map(Vec::len)), (&"valid".into(), Some(1)));
        }
        assert_eq!(documents(&folder), names, "{output}");
        assert!(!folder.join(".eseal-waiting").exists(), "{output}: something is left behind");
    }
}

/// The documents in a folder.
fn documents(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("one").file_name());
    let mut names: Vec<_> = names.filter_map(|name| name.into_string().ok()).collect();
    names.retain(|name| name.ends_with(".ofd") || name.ends_with(".pdf"));
    names.sort();
    names
}

fn three(company: &Company) {
    std::fs::create_dir(company.path("in")).expect("a folder");
    for (name, bytes) in THREE {
        std::fs::write(company.path("in").join(name), bytes).expect("a file");
    }
}

fn summary(answer: &Answer) -> Value {
    answer.text.lines().rev().find_map(|line| serde_json::from_str(line).ok()).unwrap_or_default()
}

/// The last line of the results about a document.
fn told(company: &Company, output: &str, name: &str) -> Value {
    let text = std::fs::read_to_string(company.path(output).join("results.jsonl")).expect("results");
    let lines = text.lines().rev().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let is_of = |line: &Value| line["file"].as_str().is_some_and(|file| file.ends_with(name));
    lines.into_iter().find(is_of).unwrap_or_default()
}

/// Kills the client at each of these places, and resumes; each approval is spent then, and only then.
fn resumes_at(desk: &Desk<'_>, places: &[&str]) {
    three(desk.company);
    let _ = desk.company.as_(&["root", "seal-policy", "set", desk.seal, "--approval", "required"]).good();
    for (round, at) in (1..).zip(places) {
        desk.is_approved();
        desk.killed(at, at);
        assert_eq!(desk.seals(at, &[], None).reason(), "FILE_EXISTS", "{at}: what was begun is not passed over");
        let resumed = desk.resumes(at, &[]);
        assert_eq!(resumed.code, 0, "{at}: {} {}", resumed.error, resumed.text);
        desk.has_sealed(at, &["a.ofd", "b.pdf", "c.ofd"]);
        assert_eq!(desk.counted(), (round * 3, round as usize * 3), "{at}");
        let other = desk.seals("other", &["--resume"], None);
        assert_eq!((other.reason(), &other.error["facts"]["detail"]), ("NOT_AUTHORIZED", &"USE_SPENT".into()), "{at}");
        let again = desk.resumes(at, &[]).good();
        assert_eq!(summary(&again)["skipped"], 3, "{at}");
    }
}

#[test]
fn a_client_that_was_killed_over_a_card_resumes_its_batch_and_no_second_approval_is_spent() {
    let (_folder, company) = fixture::company();
    let (seal, _) = company.has_a_seal();
    let desk = Desk { company: &company, custodian: "chen", seal: &seal, card: Some("@seal.card") };
    resumes_at(&desk, &KILLED);
}

#[test]
fn a_client_that_was_killed_over_a_hosted_key_resumes_its_batch_and_no_second_approval_is_spent() {
    let (_folder, company) = fixture::company();
    let key = company.has_a_hosted_key();
    let seal = fixture::hosted_seal(&company, &key);
    let desk = Desk { company: &company, custodian: "zhao", seal: &seal, card: None };
    resumes_at(&desk, &[KILLED.as_slice(), &["batch.signed"]].concat());
}

/// More than go to the service together towards the end of a batch: 25, and the rest.
fn thirty(company: &Company) {
    std::fs::create_dir(company.path("in")).expect("a folder");
    for number in 0..30 {
        std::fs::write(company.path("in").join(format!("{number:03}.ofd")), OFD).expect("a file");
    }
}

#[test]
fn a_client_that_was_killed_between_two_portions_seals_the_rest_in_the_same_act() {
    let (_folder, company) = fixture::company();
    let (seal, _) = company.has_a_seal();
    thirty(&company);
    let desk = Desk { company: &company, custodian: "chen", seal: &seal, card: Some("@seal.card") };
    desk.killed("out", "batch.noted");
    assert_eq!(desk.counted(), (30, 25));
    // And once more, in the middle of the rest.
    let killed = desk.seals("out", &["--resume"], Some("batch.kept"));
    assert_eq!(killed.code, -1, "{} {}", killed.error, killed.text);
    let resumed = desk.resumes("out", &[]).good();
    let of = summary(&resumed);
    assert_eq!((&of["sealed"], &of["skipped"], &of["left"]), (&5.into(), &25.into(), &0.into()), "{of}");
    assert_eq!(desk.counted(), (30, 30));
    assert_eq!(documents(&company.path("out")).len(), 30);
}

#[test]
fn what_was_sealed_before_a_portion_that_failed_is_told_and_the_rest_is_sealed_when_the_batch_is_resumed() {
    let (_folder, company) = fixture::company();
    let key = company.has_a_hosted_key();
    let seal = fixture::hosted_seal(&company, &key);
    thirty(&company);
    let desk = Desk { company: &company, custodian: "zhao", seal: &seal, card: None };
    let broken_off = desk.seals("out", &[], Some("batch.unanswered:2"));
    assert_eq!((broken_off.code, broken_off.reason()), (3, "SERVER_UNREACHABLE"));
    assert!(broken_off.error["advice"].as_str().unwrap_or_default().contains("--resume"), "{}", broken_off.error);
    let of = summary(&broken_off);
    assert_eq!((&of["sealed"], &of["failed"], &of["left"]), (&25.into(), &0.into(), &5.into()), "{of}");
    let ended: Vec<_> =
        (0..30).map(|number| told(&company, "out", &format!("{number:03}.ofd"))["result"].clone()).collect();
    assert!(ended[..25].iter().all(|result| result == "sealed") && ended[25..].iter().all(Value::is_null), "{ended:?}");
    assert_eq!((documents(&company.path("out")).len(), desk.counted()), (25, (30, 25)));

    let of = summary(&desk.resumes("out", &[]).good());
    assert_eq!((&of["sealed"], &of["skipped"], &of["left"]), (&5.into(), &25.into(), &0.into()), "{of}");
    assert_eq!((documents(&company.path("out")).len(), desk.counted()), (30, (30, 30)));
    assert!(!company.path("out/.eseal-waiting").exists(), "something is left behind");
}

/// Makes another document of this one: a comment behind its end.
fn changes(path: &PathBuf) {
    let mut bytes = std::fs::read(path).expect("a file");
    bytes.extend_from_slice(b"% changed\n");
    std::fs::write(path, bytes).expect("written");
}

#[test]
fn a_document_that_was_changed_before_the_batch_was_resumed_is_told_and_is_not_sealed_as_what_it_was() {
    let (_folder, company) = fixture::company();
    let (seal, _) = company.has_a_seal();
    three(&company);
    let desk = Desk { company: &company, custodian: "chen", seal: &seal, card: Some("@seal.card") };
    // Authorized, and not sealed.
    desk.killed("first", "batch.authorized");
    changes(&company.path("in/b.pdf"));
    let resumed = desk.resumes("first", &[]);
    assert_eq!((resumed.code, told(&company, "first", "b.pdf")["code"].as_str()), (1, Some("FILE_CHANGED")));
    assert_eq!(desk.counted(), (3, 2));
    desk.has_sealed("first", &["a.ofd", "c.ofd"]);
    let _ = desk.resumes("first", &[]).good();
    desk.has_sealed("first", &["a.ofd", "b.pdf", "c.ofd"]);
    assert_eq!(desk.counted(), (4, 3), "what it is now is another document");

    // Recorded, and not noted: what it was comes to its place, and that it is another one now is told.
    desk.killed("second", "batch.recorded");
    let before = std::fs::read(company.path("in/b.pdf")).expect("a file");
    changes(&company.path("in/b.pdf"));
    let resumed = desk.resumes("second", &[]);
    let line = told(&company, "second", "b.pdf");
    assert_eq!((resumed.code, line["code"].as_str()), (1, Some("FILE_CHANGED")), "{line}");
    assert!(line["message"].as_str().unwrap_or_default().contains("second/b.pdf"), "{line}");
    desk.has_sealed("second", &["a.ofd", "b.pdf", "c.ofd"]);
    assert!(std::fs::read(company.path("second/b.pdf")).expect("a file").starts_with(&before));
    assert_eq!(desk.counted(), (7, 6));
    assert_eq!(told_again(&desk, "second"), "FILE_EXISTS", "nobody's document is written over");
    std::fs::rename(company.path("second/b.pdf"), company.path("b-before.pdf")).expect("moved");
    let _ = desk.resumes("second", &[]).good();
    assert_eq!(desk.counted(), (8, 7));
}

fn told_again(desk: &Desk<'_>, output: &str) -> String {
    let _ = desk.resumes(output, &[]);
    told(desk.company, output, "b.pdf")["code"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn an_act_goes_on_as_it_was_authorized_or_not_at_all() {
    let (_folder, company) = fixture::company();
    let (seal, _) = company.has_a_seal();
    three(&company);
    let desk = Desk { company: &company, custodian: "chen", seal: &seal, card: Some("@seal.card") };
    desk.killed("out", "batch.authorized");
    let other = desk.resumes("out", &["--at", "60,60"]);
    assert_eq!((other.code, other.reason(), &summary(&other)["left"]), (2, "USAGE", &3.into()), "{}", other.error);
    let _ = desk.resumes("out", &[]).good();
    assert_eq!(desk.counted(), (3, 3));

    // An act that has ended at the service goes on in another one.
    desk.killed("late", "batch.authorized");
    let _ = company.as_(&["root", "suspend", &seal]).good();
    assert_eq!(desk.resumes("late", &[]).reason(), "SEAL_SUSPENDED");
    let _ = company.as_(&["root", "resume", &seal]).good();
    let _ = desk.resumes("late", &[]).good();
    desk.has_sealed("late", &["a.ofd", "b.pdf", "c.ofd"]);
    assert_eq!(desk.counted(), (9, 6));
}

#[test]
fn what_the_version_before_left_between_record_and_note_is_sealed_once_more() {
    let (_folder, company) = fixture::company();
    let (seal, _) = company.has_a_seal();
    three(&company);
    let desk = Desk { company: &company, custodian: "chen", seal: &seal, card: Some("@seal.card") };
    let _ = desk.seals("out", &[], None).good();
    let lost = told(&company, "out", "b.pdf");
    let results = company.path("out/results.jsonl");
    let text = std::fs::read_to_string(&results).expect("results");
    let noted = text.lines().filter(|line| !line.contains("b.pdf")).map(|line| format!("{line}\n"));
    std::fs::write(&results, noted.collect::<String>()).expect("written");
    let waiting = company.path("out/.eseal-waiting");
    std::fs::create_dir(&waiting).expect("a folder");
    let name = format!("{}-{}", lost["attemptId"].as_str().expect("an attempt"), lost["index"]);
    std::fs::rename(company.path("out/b.pdf"), waiting.join(name)).expect("moved");

    let of = summary(&desk.resumes("out", &[]).good());
    assert_eq!((&of["sealed"], &of["skipped"]), (&1.into(), &2.into()), "{of}");
    desk.has_sealed("out", &["a.ofd", "b.pdf", "c.ofd"]);
    assert_eq!(desk.counted(), (4, 4), "nothing says what was sent, and the log has it twice");
}
