//! A use of a seal that is requested, approved by somebody else and made once, as people do it.

use std::process::Command;

use eseal_e2e::company::Company;
use eseal_e2e::programs::program;
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

fn seals(company: &Company, seal: &str) -> eseal_e2e::programs::Answer {
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
