//! The system killed in the middle of each flow and started again: nothing lost, nothing done twice.

use eseal_e2e::company::Company;
use serde_json::Value;

use crate::fixture;

#[test]
fn killed_after_each_step_the_flow_goes_on_where_it_was() {
    let (_folder, company) = fixture::company();
    let application = company.applies("合同专用章");
    let company = company.restart();
    let _ = company.as_(&["li", "return", &application, "--reason", "请修改"]).good();
    let company = company.restart();
    let mut words = vec!["wang", "revise", &application, "--organization", "91320500MA7XNGH152"];
    words.extend(["--name", "苏州星河精密制造有限公司", "--seal-type", "contract", "--seal-name", "合同专用章"]);
    words.extend(["--custodian", eseal_e2e::company::id_of("chen")]);
    let _ = company.as_(&words).good();
    let _ = company.as_(&["wang", "resubmit", &application]).good();
    // Approved and killed at once: fabrication has to hear of it after the start.
    let _ = company.as_(&["li", "approve", &application]).good();
    let company = company.restart();
    company.eseal.until("fabrication heard of the approval", |_| {
        (company.as_(&["zhang", "show", "fabrication", &application]).code == 0).then_some(())
    });
    // Made and killed at once: the registry has to hear of it after the start.
    let made = company.makes(&application, Some("maker.card"), Some("seal.card")).good();
    let company = company.restart();
    let seal = made.get("sealId");
    company.activates(seal);
    fixture::contract(&company, "ofd");
    let _ = company.seals(seal, "seal.card", "pin", "contract.ofd", "sealed.ofd", "45,112").good();
    let company = company.restart();
    let _ = company.run(&["verify", "@sealed.ofd"]).good();

    let kinds = kinds_of(&company, "authentication");
    assert_eq!(kinds.iter().filter(|kind| *kind == "SealRegistered").count(), 1, "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| *kind == "SealingCompleted").count(), 1, "{kinds:?}");
    let kinds = kinds_of(&company, "fabrication");
    assert_eq!(kinds.iter().filter(|kind| *kind == "FabricationQueued").count(), 1, "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| *kind == "SealFabricated").count(), 1, "{kinds:?}");
}

#[test]
fn a_hosted_fabrication_killed_right_after_the_approval_ends_in_one_seal() {
    let (_folder, company) = fixture::company();
    let key = company.has_a_hosted_key();
    let mut words =
        vec!["zhao", "submit", "--organization", "91330100MA7YUNQ29B", "--name", "杭州云栖数据技术有限公司"];
    words.extend(["--seal-type", "contract", "--seal-name", "合同专用章", "--hosted-key", &key]);
    words.extend(["--custodian", eseal_e2e::company::id_of("zhao")]);
    let application = company.as_(&words).good().get("applicationId").to_owned();
    let _ = company.as_(&["li", "approve", &application]).good();
    let company = company.restart();
    company.eseal.until("the hosted seal is made", |_| {
        let shown = company.as_(&["zhao", "show", "application", &application]).value;
        shown["outcome"]["sealId"].as_str().map(str::to_owned)
    });
    let kinds = kinds_of(&company, "fabrication");
    assert_eq!(kinds.iter().filter(|kind| *kind == "SealFabricated").count(), 1, "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| *kind == "SealSigned").count(), 1, "{kinds:?}");
}

#[test]
fn killed_while_the_custodian_types_the_pin_the_sealing_goes_on_and_is_recorded_once() {
    let (_folder, mut company) = fixture::company();
    let (seal, _) = company.has_a_seal();
    fixture::contract(&company, "ofd");
    let sealing =
        |company: &Company| company.seals(&seal, "seal.card", "slow-pin", "contract.ofd", "sealed.ofd", "45,112");
    let _ = fixture::interrupted(&mut company, sealing, Company::restart_in_place).good();
    assert_eq!(company.verifies_offline("sealed.ofd").good().value["verdict"], "valid");
    let kinds = kinds_of(&company, "authentication");
    assert_eq!(kinds.iter().filter(|kind| *kind == "SealingBegun").count(), 1, "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| *kind == "SealingCompleted").count(), 1, "{kinds:?}");
}

#[test]
fn killed_between_the_gates_of_fabrication_the_run_goes_on_and_makes_one_seal() {
    let (_folder, mut company) = fixture::company();
    let application = company.applies("合同专用章");
    company.approved(&application);
    let making =
        |company: &Company| company.makes_with(&application, Some("maker.card"), Some("seal.card"), "slow-pin");
    let _ = fixture::interrupted(&mut company, making, Company::restart_in_place).good();
    let kinds = kinds_of(&company, "fabrication");
    assert_eq!(kinds.iter().filter(|kind| *kind == "RunBegun").count(), 1, "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| *kind == "SealFabricated").count(), 1, "{kinds:?}");
}

#[test]
fn a_seal_suspended_while_the_custodian_types_the_pin_is_refused() {
    let (_folder, mut company) = fixture::company();
    let (seal, _) = company.has_a_seal();
    fixture::contract(&company, "ofd");
    let sealing = |company: &Company| company.seals(&seal, "seal.card", "slow-pin", "contract.ofd", "no.ofd", "45,112");
    let suspend = |company: &mut Company| {
        let _ = company.as_(&["root", "suspend", &seal]).good();
    };
    let answer = fixture::interrupted(&mut company, sealing, suspend);
    assert_eq!((answer.code, answer.reason()), (1, "SEAL_SUSPENDED"));
    assert!(!company.path("no.ofd").exists(), "a document was left");
}

/// The kinds of a service's events in their order, after a check that their positions are dense.
fn kinds_of(company: &Company, owner: &str) -> Vec<String> {
    let _ = company.as_(&["qian", "events", "read", owner, "--output", "@events.jsonl"]).good();
    let text = std::fs::read_to_string(company.path("events.jsonl")).expect("a file");
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let positions: Vec<_> =
        events.iter().map(|event| event["position"].as_str().unwrap_or_default().to_owned()).collect();
    let dense: Vec<_> = (1..=events.len()).map(|position| position.to_string()).collect();
    assert_eq!(positions, dense);
    let kind =
        |event: &Value| event["type"].as_str().unwrap_or_default().rsplit('.').next().unwrap_or_default().to_owned();
    events.iter().map(kind).collect()
}
