//! From an application to a sealed document that verifies.

use eseal_e2e::company::{XINGHE, id_of};

use crate::fixture;

#[test]
fn an_approved_application_becomes_a_seal_whose_documents_verify_offline() {
    let (_folder, company) = fixture::company();
    let (seal, _) = company.has_a_seal();
    for ending in ["ofd", "pdf"] {
        fixture::contract(&company, ending);
        let (input, output) = (format!("contract.{ending}"), format!("sealed.{ending}"));
        let _ = company.seals(&seal, "seal.card", "pin", &input, &output, "45,112").good();
        let verdict = company.verifies_offline(&output).good().value;
        assert_eq!((&verdict["verdict"], &verdict["online"]), (&"valid".into(), &false.into()), "{verdict}");
        assert_eq!(verdict["seals"][0]["seal_id"], seal.as_str());
        assert_eq!(verdict["seals"][0]["places"][0]["x_mm"], 45.0);
        let online = company.run(&["verify", &format!("@{output}")]).good().value;
        assert_eq!((&online["verdict"], &online["online"]), (&"valid".into(), &true.into()), "{online}");
        assert_eq!(online["seals"][0]["registry"]["state_now"], "active");
    }
}

#[test]
fn a_second_seal_on_the_same_document_leaves_the_first_one_valid() {
    let (_folder, company) = fixture::company();
    let (seal, _) = company.has_a_seal();
    for ending in ["ofd", "pdf"] {
        fixture::contract(&company, ending);
        let names = [format!("contract.{ending}"), format!("once.{ending}"), format!("twice.{ending}")];
        let _ = company.seals(&seal, "seal.card", "pin", &names[0], &names[1], "45,112").good();
        let _ = company.seals(&seal, "seal.card", "pin", &names[1], &names[2], "125,112").good();
        let verdict = company.verifies_offline(&names[2]).good().value;
        assert_eq!(verdict["seals"].as_array().map(Vec::len), Some(2), "{verdict}");
        assert_eq!(verdict["verdict"], "valid", "{verdict}");
    }
}

#[test]
fn a_hosted_key_gets_its_seal_without_anybody_touching_it_and_seals_both_formats() {
    let (_folder, company) = fixture::company();
    let key = company.has_a_hosted_key();
    let seal = fixture::hosted_seal(&company, &key);
    for ending in ["ofd", "pdf"] {
        fixture::contract(&company, ending);
        let (input, output) = (format!("@contract.{ending}"), format!("sealed.{ending}"));
        let words = ["zhao", "seal", &input, "--seal", &seal, "--pin-file", "@pin", "--output", &format!("@{output}")];
        let _ = company.as_(&words).good();
        assert_eq!(company.verifies_offline(&output).good().value["verdict"], "valid");
    }
}

#[test]
fn an_organizations_people_see_their_own_only() {
    let (_folder, company) = fixture::company();
    let application = company.applies("合同专用章");
    let other = company.as_(&["zhao", "show", "application", &application]);
    assert_eq!((other.code, other.reason()), (1, "OTHER_ORGANIZATION"));
    let listed = company.as_(&["zhao", "list", "applications"]).good().value;
    assert_eq!(listed["applications"].as_array().map_or(0, Vec::len), 0, "{listed}");
    let words = ["zhao", "submit", "--organization", XINGHE.uscc, "--name", XINGHE.name, "--seal-type", "contract"];
    let words: Vec<_> = words.into_iter().chain(["--seal-name", "章", "--custodian", id_of("zhao")]).collect();
    assert_eq!(company.as_(&words).reason(), "OTHER_ORGANIZATION");
}

#[test]
fn a_mistyped_code_of_an_organization_is_refused_with_the_character_that_fits() {
    let (_folder, company) = fixture::company();
    let wrong = XINGHE.uscc.replace("152", "153");
    let words = ["wang", "submit", "--organization", &wrong, "--name", XINGHE.name, "--seal-type", "contract"];
    let words: Vec<_> = words.into_iter().chain(["--seal-name", "章", "--custodian", id_of("chen")]).collect();
    let answer = company.as_(&words);
    assert_eq!((answer.code, answer.reason()), (2, "INVALID_FIELD"), "{}", answer.error);
    assert!(answer.error["text"].as_str().unwrap_or_default().contains("should be 2"), "{}", answer.error);
}

#[test]
fn someone_who_is_not_the_custodian_cannot_use_the_seal_and_the_attempt_is_in_the_log() {
    let (_folder, company) = fixture::company();
    let (seal, _) = company.has_a_seal();
    fixture::contract(&company, "ofd");
    let words = ["sun", "seal", "@contract.ofd", "--seal", &seal, "--card", "@seal.card", "--pin-file", "@pin"];
    assert_eq!(company.as_(&words).reason(), "NOT_AUTHORIZED");
    let log = company.as_(&["qian", "list", "attempts", "--seal", &seal]).good().value;
    assert_eq!(log["attempts"][0]["reason"], "NOT_AUTHORIZED", "{log}");
}

#[test]
fn a_genuine_seal_of_another_system_is_refused_at_the_first_gate() {
    let (_folder, company) = fixture::company();
    fixture::contract(&company, "ofd");
    let seal = "0198c0de-0000-7000-8000-00000000ffff";
    let answer = company.seals(seal, "seal.card", "pin", "contract.ofd", "no.ofd", "45,112");
    assert_eq!((answer.code, answer.reason()), (1, "SEAL_NOT_REGISTERED"));
    assert_eq!(answer.error["text"], "该电子印章未在本系统注册");
}

#[test]
fn a_document_that_was_changed_after_a_seal_is_not_sealed_again() {
    let (_folder, company) = fixture::company();
    let (seal, _) = company.has_a_seal();
    fixture::contract(&company, "pdf");
    let _ = company.seals(&seal, "seal.card", "pin", "contract.pdf", "once.pdf", "45,112").good();
    let mut bytes = std::fs::read(company.path("once.pdf")).expect("a file");
    let title = bytes.windows(7).position(|w| w == b"/Title ").expect("a title");
    bytes[title + 12] ^= 1;
    std::fs::write(company.path("changed.pdf"), bytes).expect("a file");
    let answer = company.seals(&seal, "seal.card", "pin", "changed.pdf", "twice.pdf", "125,112");
    assert_eq!((answer.code, answer.reason()), (1, "CONTENT_ALTERED"), "{}", answer.text);
    assert!(!company.path("twice.pdf").exists());
}

#[test]
fn a_sealed_document_never_takes_the_place_of_a_pipe_and_no_attempt_is_opened_for_it() {
    let (_folder, company) = fixture::company();
    let (seal, _) = company.has_a_seal();
    fixture::contract(&company, "ofd");
    assert!(std::process::Command::new("mkfifo").arg(company.path("pipe")).status().expect("mkfifo runs").success());
    let answer = company.seals(&seal, "seal.card", "pin", "contract.ofd", "pipe", "45,112");
    assert_eq!((answer.code, answer.reason()), (2, "FILE_UNWRITABLE"), "{}", answer.text);
    assert!(!std::fs::metadata(company.path("pipe")).expect("the pipe").is_file(), "the pipe was replaced");
    let log = company.as_(&["qian", "list", "attempts", "--seal", &seal]).good().value;
    assert_eq!(log["attempts"].as_array().map_or(0, Vec::len), 0, "{log}");
}
