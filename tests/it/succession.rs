//! A seal in the place of another one, through applications: nobody does anything by hand in the registry.

use eseal_e2e::company::{Company, XINGHE};
use serde_json::{Value, json};

use crate::fixture;

#[test]
fn a_lost_card_is_replaced_through_an_application_and_what_it_sealed_stays_valid() {
    let (_folder, company) = fixture::company();
    let (old, _) = company.has_a_seal();
    fixture::contract(&company, "ofd");
    let _ = company.seals(&old, "seal.card", "pin", "contract.ofd", "earlier.ofd", "45,112").good();

    let _ = company.as_(&["wang", "report-loss", &old]).good();
    let refused = company.seals(&old, "seal.card", "pin", "contract.ofd", "no.ofd", "45,112");
    assert_eq!((refused.code, refused.reason()), (1, "SEAL_SUSPENDED"), "{}", refused.text);
    assert_eq!(company.as_(&["chen", "resume", &old]).reason(), "ROLE_MISSING");

    let application = applies(&company, &["--kind", "replace", "--existing-seal", &old]);
    let words = ["wang", "submit", "--kind", "renew", "--existing-seal", &old];
    assert_eq!(company.as_(&words).reason(), "APPLICATION_OPEN_FOR_SEAL");
    company.approved(&application);
    company.card("second.card", "holder");
    company.certify("second.card", "32050000000002", Some(XINGHE));
    let queue = ["zhang", "make", "--maker-card", "@maker.card", "--maker-pin-file", "@pin", "--pin-file", "@pin"];
    // Without its card the order waits, and nothing is refused.
    let waits = company.as_(&queue);
    assert_eq!((waits.code, &waits.value["waiting"][0]["code"]), (4, &json!("SEAL_CARD_ABSENT")), "{}", waits.text);
    let made = company.as_(&[&queue[..], &["--card", "@second.card"]].concat()).good().value;
    assert_eq!(made["made"][0]["applicationId"], application.as_str(), "{made}");
    let new = made["made"][0]["sealId"].as_str().expect("a seal").to_owned();

    is_in_state(&company, &old, "SEAL_STATE_REPLACED");
    is_in_state(&company, &new, "SEAL_STATE_ACTIVE");
    let _ = company.seals(&new, "second.card", "pin", "contract.ofd", "later.ofd", "45,112").good();
    for (document, seal, then, now) in
        [("earlier.ofd", &old, "active", "replaced"), ("later.ofd", &new, "active", "active")]
    {
        let verdict = company.run(&["verify", &format!("@{document}")]).good().value;
        assert_eq!(
            (&verdict["verdict"], &verdict["seals"][0]["seal_id"]),
            (&json!("valid"), &json!(seal)),
            "{verdict}"
        );
        let registry = &verdict["seals"][0]["registry"];
        assert_eq!((&registry["state_then"], &registry["state_now"]), (&json!(then), &json!(now)), "{verdict}");
    }
    let _ = company.verifies_offline("earlier.ofd").good();

    // The line is the same from both ends.
    let from_old = history(&company, &old);
    let from_new = history(&company, &new);
    assert_eq!((&from_old["later_seals"], &from_old["earlier_seals"]), (&json!([new]), &json!([])));
    assert_eq!((&from_new["earlier_seals"], &from_new["later_seals"]), (&json!([old]), &json!([])));
    assert_eq!(from_old["events"], from_new["events"]);
    let told = company.as_(&["wang", "show", "application", &application]).good().value;
    assert_eq!(told["outcome"]["carriedOut"], "REPLACED", "{told}");
}

#[test]
fn an_approved_renewal_that_is_not_made_is_cancelled_and_its_seal_applied_for_anew() {
    let (_folder, company) = fixture::company();
    let (seal, made) = company.has_a_seal();
    let renewal = applies(&company, &["--kind", "renew", "--existing-seal", &seal]);
    assert_eq!(company.as_(&["wang", "cancel", &renewal]).reason(), "APPLICATION_NOT_APPROVED");
    company.approved(&renewal);
    let replacement = ["wang", "submit", "--kind", "replace", "--existing-seal", &seal];
    assert_eq!(company.as_(&replacement).reason(), "APPLICATION_OPEN_FOR_SEAL");
    assert_eq!(company.as_(&["sun", "cancel", &renewal]).reason(), "NOT_THE_APPLICANT");
    let cancelled = company.as_(&["wang", "cancel", &renewal, "--reason", "can-not-be-made"]).good();
    assert_eq!(cancelled.get("state"), "APPLICATION_STATE_CANCELLED");
    let refused = company.makes(&renewal, Some("maker.card"), Some("seal.card"));
    assert_eq!(refused.reason(), "FABRICATION_CLOSED");
    let queue = company.as_(&["zhang", "make", "--show"]).good().value;
    assert!(!queue.to_string().contains(&renewal), "{queue}");
    let _ = company.as_(&replacement).good();
    // What was made is not cancelled any more, and the old seal is as it was.
    let late = company.as_(&["li", "cancel", &made]);
    assert_eq!((late.code, late.reason()), (1, "APPLICATION_ALREADY_MADE"), "{}", late.text);
    is_in_state(&company, &seal, "SEAL_STATE_ACTIVE");
    fixture::contract(&company, "ofd");
    let _ = company.seals(&seal, "seal.card", "pin", "contract.ofd", "sealed.ofd", "45,112").good();
    let told = company.as_(&["wang", "show", "application", &renewal]).good().value;
    assert_eq!(told["outcome"]["cancellation"], "CAN_NOT_BE_MADE", "{told}");
}

#[test]
fn a_renewed_certificate_on_the_same_card_gets_a_successor_and_an_approved_revocation_ends_it() {
    let (_folder, company) = fixture::company();
    let (old, _) = company.has_a_seal();
    company.certify("seal.card", "32050000000001", Some(XINGHE));
    let application = applies(&company, &["--kind", "renew", "--existing-seal", &old]);
    company.approved(&application);
    let made = company.makes(&application, Some("maker.card"), Some("seal.card")).good();
    let new = made.get("sealId").to_owned();
    is_in_state(&company, &old, "SEAL_STATE_REPLACED");
    is_in_state(&company, &new, "SEAL_STATE_ACTIVE");
    fixture::contract(&company, "pdf");
    let _ = company.seals(&new, "seal.card", "pin", "contract.pdf", "sealed.pdf", "45,112").good();

    // The card carries one seal: nobody else's is made on it.
    let other = company.applies("财务专用章");
    company.approved(&other);
    assert_eq!(company.makes(&other, Some("maker.card"), Some("seal.card")).reason(), "CARD_IN_USE");

    let words = ["--kind", "revoke", "--existing-seal", &new, "--reason", "NO_LONGER_USED"];
    let revocation = applies(&company, &words);
    let _ = company.as_(&["li", "approve", &revocation]).good();
    is_in_state(&company, &new, "SEAL_STATE_REVOKED");
    let refused = company.seals(&new, "seal.card", "pin", "contract.pdf", "no.pdf", "45,112");
    assert_eq!(refused.reason(), "SEAL_REVOKED", "{}", refused.text);
    assert_eq!(
        company.as_(&["wang", "submit", "--kind", "renew", "--existing-seal", &new]).reason(),
        "EXISTING_SEAL_ENDED"
    );
    let _ = company.run(&["verify", "@sealed.pdf"]).good();
    // And the card is free again.
    company.eseal.until("the card carries another seal", |_| {
        (company.makes(&other, Some("maker.card"), Some("seal.card")).code == 0).then_some(())
    });
}

#[test]
fn the_doctor_finds_a_healthy_workstation_healthy_and_says_what_is_wrong_with_another() {
    let (_folder, company) = fixture::company();
    let _ = company.has_a_seal();
    let words = ["root", "doctor", "--card", "@seal.card", "--pin-file", "@pin"];
    let healthy = company.as_(&words).good().value;
    for code in ["SERVER_ANSWERS", "CLOCK_GOOD", "SIGNED_IN", "TRUST_GOOD", "PIN_TRIES_FULL", "SEAL_REGISTERED"] {
        assert!(found(&healthy, code).is_some(), "{code} is missing: {healthy}");
    }
    assert_ne!(healthy["worst"], "fault", "{healthy}");
    assert!(!healthy.to_string().contains(eseal_e2e::company::PIN), "the PIN is told");

    // Nothing was tried and nothing spent where the PIN is not given.
    let _ = company.run(&["card", "change-pin", "@seal.card", "--pin-file", "@wrong-pin", "--new-pin-file", "@pin"]);
    let ill = company.as_(&words);
    assert_eq!(ill.code, 0, "{}", ill.text);
    assert!(
        found(&ill.value, "PIN_TRIES_FEW").is_some() && found(&ill.value, "PIN_NOT_TRIED").is_some(),
        "{}",
        ill.value
    );
    let gone = company.as_(&["root", "doctor", "--card", "@nowhere.card"]);
    assert_eq!((gone.code, found(&gone.value, "CARD_NOT_FOUND").is_some()), (1, true), "{}", gone.text);
}

#[test]
fn of_two_copies_of_a_card_the_one_that_is_used_later_is_found_out_and_the_seal_suspended() {
    let (_folder, company) = fixture::company();
    let (seal, _) = company.has_a_seal();
    fixture::contract(&company, "ofd");
    std::fs::copy(company.path("seal.card"), company.path("copy.card")).expect("copied");
    let _ = company.seals(&seal, "copy.card", "pin", "contract.ofd", "first.ofd", "45,112").good();
    let refused = company.seals(&seal, "seal.card", "pin", "contract.ofd", "no.ofd", "45,112");
    assert_eq!((refused.code, refused.reason()), (1, "CARD_COPIED"), "{}", refused.text);
    is_in_state(&company, &seal, "SEAL_STATE_SUSPENDED");
    assert_eq!(company.seals(&seal, "copy.card", "pin", "contract.ofd", "no.ofd", "45,112").reason(), "SEAL_SUSPENDED");
}

fn found<'a>(told: &'a Value, code: &str) -> Option<&'a Value> {
    told["findings"].as_array()?.iter().find(|finding| finding["code"] == code)
}

/// An application of 甲方 about a seal that is there: what is not said is as before. Gives its id.
fn applies(company: &Company, words: &[&str]) -> String {
    let words = [&["wang", "submit"], words].concat();
    company.as_(&words).good().get("applicationId").to_owned()
}

fn is_in_state(company: &Company, seal: &str, state: &str) {
    company.eseal.until(&format!("the seal is in the state {state}"), |_| {
        let shown = company.as_(&["qian", "show", "seal", seal]);
        (shown.value["state"] == state).then_some(())
    });
}

fn history(company: &Company, seal: &str) -> Value {
    company.as_(&["qian", "history", seal, "--check"]).good().value
}
