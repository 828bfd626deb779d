//! A use of a seal that is requested, approved by somebody else and made once, as people do it.

use std::process::Command;

use eseal_e2e::company::Company;
use eseal_e2e::programs::{Answer, program};
use serde_json::Value;

use crate::fixture;

#[test]
fn a_use_that_the_custodian_requested_and_another_person_approved_is_made_once() {
    let (_folder, company) = fixture::company();
    let (seal, _) = company.has_a_seal();
    fixture::contract(&company, "pdf");
    let _ = company.as_(&["root", "seal-policy", "set", &seal, "--approval", "required"]).good();
    let answer = seals(&company, &seal);
    assert_eq!((answer.reason(), detail(&answer.error)), ("NOT_AUTHORIZED", "USE_NOT_REQUESTED"));
    assert!(answer.error["advice"].as_str().unwrap_or_default().contains("eseal use request"), "{}", answer.error);

    let words = ["chen", "use", "request", "@contract.pdf", "--seal", &seal, "--purpose", "与乙公司的采购合同"];
    let id = company.as_(&words).good().get("useId").to_owned();
    assert_eq!(company.as_(&["chen", "use", "approve", &id]).reason(), "OWN_REQUEST");
    let waits = company.as_(&["li", "use", "list", "--state", "requested", "--document", "@contract.pdf"]).good().value;
    assert_eq!(waits["uses"][0]["useId"], id.as_str(), "{waits}");
    let _ = company.as_(&["li", "use", "approve", &id]).good();

    let _ = seals(&company, &seal).good();
    assert_eq!(company.verifies_offline("sealed.pdf").good().value["verdict"], "valid");
    let again = seals(&company, &seal);
    assert_eq!((again.reason(), detail(&again.error)), ("NOT_AUTHORIZED", "USE_SPENT"));
    let shown = company.as_(&["chen", "use", "show", &id]).good().value;
    assert_eq!((&shown["state"], &shown["documents"][0]["used"]), (&"USE_STATE_SPENT".into(), &1.into()), "{shown}");

    let told = history(&company, &[&seal]);
    for line in ["Policy: each use needs an approval", "requested by", "approved by", "by use", "[USE_SPENT]"] {
        assert!(told.contains(line), "{line} is not in {told}");
    }
}

#[test]
fn who_could_use_a_seal_is_told_by_its_history() {
    let (_folder, company) = fixture::company();
    let (seal, _) = company.has_a_seal();
    let sun = eseal_e2e::company::id_of("sun");
    let words = ["root", "custodian", "grant", &seal, sun, "--format", "pdf", "--max-uses", "10"];
    let _ = company.as_(&words).good();
    let usable_by = || {
        let told = company.as_(&["qian", "history", &seal, "--as-of", "now"]).good().value;
        told["as_of"]["seals"][0]["usable_by"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(usable_by(), 2);
    let _ = company.as_(&["root", "custodian", "withdraw", &seal, sun, "--reason", "custodian-left"]).good();
    assert_eq!(usable_by(), 1);
    let listed = company.as_(&["qian", "custodian", "list", &seal]).good().value;
    assert_eq!(listed["custodians"].as_array().map(Vec::len), Some(2), "{listed}");
    let told = history(&company, &[&seal, "--as-of", "now"]);
    assert!(told.contains("only PDF, documents at most: 10 0/10 (withdrawn)"), "{told}");
}

/// Where a client is killed: gate d has let it through; the document is sealed; the service has recorded it.
const KILLED: [&str; 3] = ["seal.authorized", "seal.signed", "seal.completed"];

/// The same words with a request id, by a client that is killed there if anywhere.
fn with_id(company: &Company, words: &[&str], id: &str, killed_at: Option<&str>) -> Answer {
    let words = [words, &["--request-id", id]].concat();
    let mut company = company.elsewhere();
    company.eseal.environment.extend(killed_at.map(|point| (eseal_faultpoint::VARIABLE.to_owned(), point.into())));
    company.as_(&words)
}

/// One use of this document, requested and approved.
fn approved_once(company: &Company, custodian: &str, document: &str, seal: &str) {
    let words = [custodian, "use", "request", document, "--seal", seal, "--purpose", "采购合同"];
    let id = company.as_(&words).good().get("useId").to_owned();
    let _ = company.as_(&["li", "use", "approve", &id]).good();
}

/// What an act keeps until its document is in its place.
fn left_behind(company: &Company) -> Vec<String> {
    let names = std::fs::read_dir(&company.folder).expect("a folder").map(|entry| entry.expect("one").file_name());
    names.filter_map(|name| name.into_string().ok()).filter(|name| name.starts_with(".eseal-")).collect()
}

/// Kills the client at each of these places, and repeats; then the approval is spent.
fn repeats_at(company: &Company, (custodian, seal): (&str, &str), words: &[&str], places: &[&str]) {
    let output = company.path("sealed.pdf");
    for killed_at in places {
        approved_once(company, custodian, "@contract.pdf", seal);
        let id = uuid::Uuid::now_v7().to_string();
        let killed = with_id(company, words, &id, Some(killed_at));
        assert_eq!((killed.code, output.exists()), (-1, false), "{killed_at}: {} {}", killed.error, killed.text);
        let _ = with_id(company, words, &id, None).good();
        assert_eq!(company.verifies_offline("sealed.pdf").good().value["verdict"], "valid", "{killed_at}");
        assert_eq!(left_behind(company), [""; 0], "{killed_at}");
        let another = with_id(company, words, &uuid::Uuid::now_v7().to_string(), None);
        assert_eq!((another.reason(), detail(&another.error)), ("NOT_AUTHORIZED", "USE_SPENT"), "{killed_at}");
        std::fs::remove_file(&output).expect("removed");
    }
    let listed = company.as_(&["qian", "list", "attempts", "--seal", seal]).good().value;
    let sealed = listed["attempts"].as_array().expect("attempts").iter();
    let sealed = sealed.filter(|attempt| attempt["state"] == "ATTEMPT_STATE_COMPLETED").count();
    assert_eq!(sealed, places.len(), "one for each document: {listed}");
}

#[test]
fn a_client_that_was_killed_over_a_card_repeats_its_act_and_no_second_approval_is_spent() {
    let (_folder, company) = fixture::company();
    let (seal, _) = company.has_a_seal();
    fixture::contract(&company, "pdf");
    let _ = company.as_(&["root", "seal-policy", "set", &seal, "--approval", "required"]).good();
    let mut words =
        vec!["chen", "seal", "@contract.pdf", "--seal", &seal, "--card", "@seal.card", "--pin-file", "@pin"];
    words.extend(["--output", "@sealed.pdf"]);
    repeats_at(&company, ("chen", &seal), &words, &KILLED);
}

#[test]
fn a_client_that_was_killed_over_a_hosted_key_repeats_its_act_and_no_second_approval_is_spent() {
    let (_folder, company) = fixture::company();
    let key = company.has_a_hosted_key();
    let seal = fixture::hosted_seal(&company, &key);
    fixture::contract(&company, "pdf");
    let _ = company.as_(&["root", "seal-policy", "set", &seal, "--approval", "required"]).good();
    let mut words =
        vec!["zhao", "seal", "@contract.pdf", "--seal", &seal, "--pin-file", "@pin", "--output", "@sealed.pdf"];
    repeats_at(&company, ("zhao", &seal), &words, &KILLED);
    // Of what was done the same comes once more, and another document under the id is another act.
    approved_once(&company, "zhao", "@contract.pdf", &seal);
    let id = uuid::Uuid::now_v7().to_string();
    let read = || std::fs::read(company.path("sealed.pdf")).expect("a file");
    let _ = with_id(&company, &words, &id, None).good();
    let first = read();
    let _ = with_id(&company, &words, &id, None).good();
    assert!(first == read(), "the same act gives the same document");
    words.extend(["--at", "60,60"]);
    assert_eq!(with_id(&company, &words, &id, None).reason(), "USAGE");
}

#[test]
fn a_client_that_was_killed_before_it_wrote_what_the_service_sealed_gets_the_same_document_by_a_repeat() {
    let (_folder, company) = fixture::company();
    let key = company.has_a_hosted_key();
    let seal = fixture::hosted_seal(&company, &key);
    fixture::contract(&company, "pdf");
    let _ = company.as_(&["root", "seal-policy", "set", &seal, "--approval", "required"]).good();
    let mut words = vec!["zhao", "seal", "@contract.pdf", "--seal", &seal, "--at-service", "--pin-file", "@pin"];
    words.extend(["--output", "@sealed.pdf"]);
    repeats_at(&company, ("zhao", &seal), &words, &["seal.received"]);
}

#[test]
fn an_act_that_was_broken_off_without_an_id_is_told_and_goes_on_with_the_one_it_had() {
    let (_folder, company) = fixture::company();
    let (seal, _) = company.has_a_seal();
    fixture::contract(&company, "pdf");
    let _ = company.as_(&["root", "seal-policy", "set", &seal, "--approval", "required"]).good();
    approved_once(&company, "chen", "@contract.pdf", &seal);
    let mut elsewhere = company.elsewhere();
    elsewhere.eseal.environment.push((eseal_faultpoint::VARIABLE.to_owned(), "seal.completed".into()));
    assert_eq!(seals(&elsewhere, &seal).code, -1);
    assert_eq!(left_behind(&company).len(), 2);

    let told = seals(&company, &seal);
    assert_eq!((told.code, told.reason()), (2, "FILE_EXISTS"), "{}", told.error);
    let id = told.error["facts"]["request_id"].as_str().expect("an id").to_owned();
    let mut words =
        vec!["chen", "seal", "@contract.pdf", "--seal", &seal, "--card", "@seal.card", "--pin-file", "@pin"];
    words.extend(["--page", "2", "--at", "45,112", "--output", "@sealed.pdf"]);
    let _ = with_id(&company, &words, &id, None).good();
    assert_eq!(company.verifies_offline("sealed.pdf").good().value["verdict"], "valid");
    assert_eq!(left_behind(&company), [""; 0]);
    let another = seals(&company, &seal);
    assert_eq!((another.reason(), detail(&another.error)), ("NOT_AUTHORIZED", "USE_SPENT"));
}

fn seals(company: &Company, seal: &str) -> Answer {
    company.seals(seal, "seal.card", "pin", "contract.pdf", "sealed.pdf", "45,112")
}

fn detail(error: &Value) -> &str {
    error["facts"]["detail"].as_str().unwrap_or_default()
}

/// What the auditor is told in words.
fn history(company: &Company, words: &[&str]) -> String {
    let mut command = Command::new(program("eseal"));
    command.args(["--lang", "en", "--as", "qian", "--server", &company.eseal.url]);
    if let Some(ca) = &company.eseal.ca {
        command.arg("--ca").arg(ca);
    }
    command.arg("history").args(words);
    command.env("ESEAL_CONFIG_DIR", &company.eseal.sessions).env_remove("ESEAL_TOKEN");
    let output = command.output().expect("eseal starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}
