//! Seals on PKCS #11 tokens and SKF devices, from the card to the document.

use std::path::{Path, PathBuf};

use eseal_e2e::company::{Company, Organization, XINGHE, YUNQI, id_of};

use crate::fixture;

const SOFTHSM: &str = "/usr/lib/softhsm/libsofthsm2.so";

#[test]
fn a_pdf_is_sealed_with_the_p_256_or_rsa_key_of_a_token_and_verifies_offline() {
    for keys in ["p256", "rsa2048"] {
        let (_folder, company) = with_tokens();
        let (token, seal) = seal_on_token(&company, keys);
        fixture::contract(&company, "pdf");
        let _ = seals(&company, &seal, &token, "pin", "contract.pdf", "sealed.pdf").good();
        let verdict = company.verifies_offline("sealed.pdf").good().value;
        assert_eq!(verdict["verdict"], "valid", "{keys}: {verdict}");
        assert_eq!(verdict["seals"][0]["seal_id"], seal.as_str());
        // The seal has no SM2 key, which an OFD wants.
        fixture::contract(&company, "ofd");
        let refused = seals(&company, &seal, &token, "pin", "contract.ofd", "sealed.ofd");
        assert_eq!(refused.error["code"], "CERTIFICATE_UNUSABLE", "{}", refused.error);
    }
}

#[test]
fn maker_and_holder_use_tokens_with_sm2_from_the_making_to_the_sealed_document() {
    let (_folder, company) = with_tokens();
    let maker = sm2_token(&company, "maker", "张制章", None);
    let _ = company.as_(&["root", "maker-card", "issue", &maker, "--maker", id_of("zhang")]).good();
    let holder = sm2_token(&company, "holder", "32050000000001", Some(XINGHE));
    let application = company.applies("合同专用章");
    company.approved(&application);
    let seal = makes(&company, &application, &maker, &holder);
    fixture::contract(&company, "ofd");
    let _ = seals(&company, &seal, &holder, "pin", "contract.ofd", "sealed.ofd").good();
    let verdict = company.verifies_offline("sealed.ofd").good().value;
    assert_eq!(verdict["verdict"], "valid", "{verdict}");
    assert_eq!(verdict["seals"][0]["seal_id"], seal.as_str());
    // A token of another organization carries no seal.
    let foreign = sm2_token(&company, "foreign", "32050000000002", Some(YUNQI));
    let refused = seals(&company, &seal, &foreign, "pin", "contract.ofd", "again.ofd");
    assert_eq!(refused.error["code"], "CARD_UNUSABLE", "{}", refused.error);
    let application = company.applies("财务专用章");
    company.approved(&application);
    let mut words = vec!["zhang", "make", &application, "--maker-card", &maker, "--maker-pin-file", "@pin"];
    words.extend(["--card", &foreign, "--pin-file", "@pin"]);
    let refused = company.as_(&words);
    assert_eq!(refused.error["code"], "CERTIFICATE_INVALID", "{}", refused.error);
}

#[test]
fn a_service_makes_seals_with_a_maker_card_of_its_own_that_is_a_token_with_sm2() {
    if fixture::is_distributed() {
        return; // the same service; its settings are written elsewhere
    }
    let (_folder, mut company) = with_tokens();
    let maker = sm2_token(&company, "own", "eseal fabrication", None);
    let _ = company.as_(&["root", "maker-card", "issue", &maker, "--maker", "fabrication"]).good();
    company.while_down(|company| {
        let settings = format!("[fabrication]\nmaker_card = {maker:?}\nmaker_pin_file = {:?}\n", company.path("pin"));
        std::fs::write(company.path("eseal.toml"), settings).expect("a file");
    });
    let key = company.has_a_hosted_key();
    let _ = fixture::hosted_seal(&company, &key);
}

#[test]
fn the_service_locks_a_seal_whose_token_never_locks() {
    let (_folder, company) = with_tokens();
    let (token, seal) = seal_on_token(&company, "p256");
    fixture::contract(&company, "pdf");
    std::fs::write(company.path("wrong-pin"), "999999").expect("a file");
    let told: Vec<_> = (0..5)
        .map(|_| seals(&company, &seal, &token, "wrong-pin", "contract.pdf", "sealed.pdf").error["code"].clone())
        .collect();
    assert_eq!(told, ["PIN_INCORRECT", "PIN_INCORRECT", "PIN_INCORRECT", "PIN_INCORRECT", "PIN_LOCKED"]);
    let late = seals(&company, &seal, &token, "pin", "contract.pdf", "sealed.pdf");
    assert_eq!(late.error["code"], "PIN_LOCKED", "the token takes the right PIN, the service does not: {}", late.error);
    let _ = company.as_(&["root", "unlock", &seal]).good();
    let _ = seals(&company, &seal, &token, "pin", "contract.pdf", "sealed.pdf").good();
}

#[test]
fn maker_and_holder_use_skf_devices_from_the_making_to_the_sealed_document() {
    let (_folder, mut company) = fixture::company();
    // Every soft card of the company is a device.
    company.eseal.environment.push(("ESEAL_SKF_SOFT_DIR".to_owned(), company.path("")));
    let device = |name: &str| format!("skf:{}#{name}", built("eseal_skf_soft").display());
    let application = company.applies("合同专用章");
    company.approved(&application);
    let seal = makes(&company, &application, &device("maker"), &device("seal"));
    for ending in ["ofd", "pdf"] {
        fixture::contract(&company, ending);
    }
    let _ = seals(&company, &seal, &device("seal"), "pin", "contract.ofd", "sealed.ofd").good();
    let verdict = company.verifies_offline("sealed.ofd").good().value;
    assert_eq!(verdict["verdict"], "valid", "{verdict}");
    let refused = seals(&company, &seal, &device("other"), "pin", "contract.ofd", "again.ofd");
    assert_eq!(refused.error["code"], "SEAL_CARD_ABSENT", "{}", refused.error);
}

/// A company that has tokens of its own.
fn with_tokens() -> (tempfile::TempDir, Company) {
    assert!(Path::new(SOFTHSM).exists(), "SoftHSM 2: apt-get install softhsm2");
    let (folder, mut company) = fixture::company();
    let (tokens, configuration) = (company.path("tokens"), company.path("softhsm2.conf"));
    std::fs::create_dir(&tokens).expect("a folder");
    let text = format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display());
    std::fs::write(&configuration, text).expect("a file");
    company.eseal.environment.push(("SOFTHSM2_CONF".to_owned(), configuration));
    (folder, company)
}

/// A token with an SM2 key that is certified; gives its address. It is a maker's where it has no organization.
fn sm2_token(company: &Company, label: &str, common_name: &str, organization: Option<Organization>) -> String {
    let module = built("eseal_pkcs11_sm2");
    let query = format!("module-path={}&x-sm2=80000004,80008001,80008105", module.display());
    let kind = if organization.is_some() { "holder" } else { "maker" };
    let fresh = format!("pkcs11:?{query}");
    let mut words = vec!["card", "init", &fresh, "--kind", kind, "--label", label, "--keys", "sm2"];
    words.extend(["--admin-pin-file", "@pin", "--pin-file", "@pin"]);
    let _ = company.run(&words).good();
    let token = format!("pkcs11:token={label}?{query}");
    let mut words = vec!["dev-ca", "issue", "@ca", "--card", &token, "--common-name", common_name];
    words.extend(["--pin-file", "@pin"]);
    if let Some(Organization { uscc, name }) = organization {
        words.extend(["--organization", uscc, "--name", name]);
    }
    let _ = company.run(&words).good();
    token
}

/// A seal of 甲方 in use on a token with such a key; gives the token and the seal's id.
fn seal_on_token(company: &Company, keys: &str) -> (String, String) {
    let fresh = format!("pkcs11:?module-path={SOFTHSM}");
    let mut words = vec!["card", "init", &fresh, "--kind", "holder", "--label", "holder", "--keys", keys];
    words.extend(["--admin-pin-file", "@pin", "--pin-file", "@pin"]);
    let _ = company.run(&words).good();
    let token = format!("pkcs11:token=holder?module-path={SOFTHSM}");
    let mut words = vec!["dev-ca", "issue", "@ca", "--card", &token, "--common-name", "32050000000001"];
    words.extend(["--organization", XINGHE.uscc, "--name", XINGHE.name, "--pin-file", "@pin"]);
    let _ = company.run(&words).good();
    let application = company.applies("合同专用章");
    company.approved(&application);
    let maker = company.path("maker.card").display().to_string();
    let seal = makes(company, &application, &maker, &token);
    (token, seal)
}

fn makes(company: &Company, application: &str, maker: &str, card: &str) -> String {
    let mut words = vec!["zhang", "make", application, "--maker-card", maker, "--maker-pin-file", "@pin"];
    words.extend(["--card", card, "--pin-file", "@pin"]);
    let seal = company.as_(&words).good().get("sealId").to_owned();
    company.activates(&seal);
    seal
}

fn seals(
    company: &Company,
    seal: &str,
    card: &str,
    pin: &str,
    input: &str,
    output: &str,
) -> eseal_e2e::programs::Answer {
    let (input, output, pin) = (format!("@{input}"), format!("@{output}"), format!("@{pin}"));
    let mut words = vec!["chen", "seal", &input, "--seal", seal, "--card", card, "--pin-file", &pin];
    words.extend(["--page", "1", "--at", "45,112", "--output", &output]);
    company.as_(&words)
}

/// A library of ours that Cargo builds beside the tests.
fn built(name: &str) -> PathBuf {
    let program = std::env::current_exe().expect("this program");
    let name = format!("{}{name}{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let beside = program.parent().map(|folder| folder.join(name)).expect("a folder");
    assert!(beside.exists(), "{}", beside.display());
    beside
}
