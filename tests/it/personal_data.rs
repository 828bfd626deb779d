//! Events carry no personal data, whatever the people of a story wrote; and a person can be erased while the history
//! stays as it is.

use std::fs;

use eseal_e2e::company::{Company, id_of};
use serde_json::Value;

use crate::fixture;

/// Everything personal that the story enters.
const PERSONAL: [&str; 6] =
    ["王经办", "13800138000", "wang@example.cn", "320500199001011234", "陈保管", "补充营业执照,联系王经办"];

#[test]
fn events_carry_no_personal_data_and_stay_as_they_are_when_a_person_is_erased() {
    let (_folder, company) = fixture::company();
    let application = a_story_with_personal_data(&company);
    let before = events(&company);
    for personal in PERSONAL {
        assert!(!before.contains(personal), "{personal} is in an event");
    }
    for blob in ["BEGIN CERTIFICATE", "iVBORw0KGgo"] {
        assert!(!before.contains(blob), "a certificate or picture is in an event");
    }
    assert!(!fixture::has_certificate(before.as_bytes()), "a certificate is in an event");
    let certificate = fs::read(company.path("ca/roots.pem")).expect("a certificate");
    assert!(fixture::has_certificate(&certificate), "one is not found where it is");
    assert!(before.lines().count() > 20, "the story wrote too few events to say anything");

    let shown = company.as_(&["wang", "show", "application", &application]).good().text;
    assert!(shown.contains("王经办"), "{shown}");
    for person in ["wang", "chen"] {
        let _ = company.as_(&["root", "erase-person", id_of(person)]).good();
    }
    let shown = company.as_(&["li", "show", "application", &application]).good().text;
    for personal in PERSONAL {
        assert!(!shown.contains(personal), "{personal} is still shown: {shown}");
    }
    let after = events(&company);
    for line in before.lines() {
        assert!(after.contains(line), "an event changed: {line}");
    }
    if fixture::is_distributed() {
        return; // PostgreSQL keeps deleted rows until it vacuums: docs/guides/postgresql.md
    }
    for file in fs::read_dir(company.path("data")).expect("the data folder").flatten() {
        let bytes = fs::read(file.path()).unwrap_or_default();
        for personal in PERSONAL {
            let found = bytes.windows(personal.len()).any(|w| w == personal.as_bytes());
            assert!(!found, "{personal} is still in {}", file.path().display());
        }
    }
}

#[test]
fn the_hash_of_every_event_is_what_a_script_of_twenty_lines_computes() {
    let (_folder, company) = fixture::company();
    let _ = a_story_with_personal_data(&company);
    let mut last = std::collections::BTreeMap::new();
    for line in events(&company).lines() {
        let event: Value = serde_json::from_str(line).expect("JSON");
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let payload = eseal_kernel::Digest::of(text("payloadText").as_bytes()).to_string();
        let stream = text("streamId");
        let fields = [
            "eseal-event-v1".to_owned(),
            text("eventId"),
            stream.clone(),
            text("streamVersion"),
            text("position"),
            text("type"),
            event["schemaVersion"].to_string(),
            text("occurredAt"),
            text("actor"),
            text("subject"),
            text("correlationId"),
            text("causationId"),
            payload,
            text("prevHash"),
        ];
        let envelope: String = fields.iter().map(|field| format!("{field}\n")).collect();
        assert_eq!(eseal_kernel::Digest::of(envelope.as_bytes()).to_string(), text("hash"), "{envelope}");
        let key = (text("owner"), stream);
        assert_eq!(last.insert(key, text("hash")).unwrap_or_default(), text("prevHash"), "{line}");
    }
}

fn a_story_with_personal_data(company: &Company) -> String {
    let application = fixture::with_personal_data(company);
    let _ = company.as_(&["wang", "revise", &application, "--form", "@form.toml"]).good();
    let _ = company.as_(&["wang", "resubmit", &application]).good();
    company.approved(&application);
    let seal = company.makes(&application, Some("maker.card"), Some("seal.card")).good().get("sealId").to_owned();
    company.activates(&seal);
    fixture::contract(company, "ofd");
    let _ = company.seals(&seal, "seal.card", "pin", "contract.ofd", "sealed.ofd", "45,112").good();
    application
}

fn events(company: &Company) -> String {
    let _ = company.as_(&["qian", "events", "read", "--output", "@events.jsonl"]).good();
    fs::read_to_string(company.path("events.jsonl")).expect("a file")
}
