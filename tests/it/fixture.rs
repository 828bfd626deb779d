//! What the stories begin with.

use eseal_e2e::company::{Company, YUNQI, id_of};
use tempfile::TempDir;

/// A system that is set up, in a folder that goes away with the story.
pub fn company() -> (TempDir, Company) {
    let folder = tempfile::tempdir().expect("a folder");
    let company = Company::found(&folder.path().join("company"));
    (folder, company)
}

/// The contract without a seal, as `contract.<ending>`.
pub fn contract(company: &Company, ending: &str) {
    let bytes: &[u8] = match ending {
        "ofd" => include_bytes!("../documents/contract.ofd"),
        _ => include_bytes!("../documents/contract.pdf"),
    };
    std::fs::write(company.path(&format!("contract.{ending}")), bytes).expect("a file");
}

/// The seal of 乙方 with this hosted key, in use.
pub fn hosted_seal(company: &Company, key: &str) -> String {
    let mut words = vec!["zhao", "submit", "--organization", YUNQI.uscc, "--name", YUNQI.name, "--hosted-key", key];
    words.extend(["--seal-type", "contract", "--seal-name", "合同专用章", "--custodian", id_of("zhao")]);
    let application = company.as_(&words).good().get("applicationId").to_owned();
    let _ = company.as_(&["li", "approve", &application]).good();
    let seal = company.eseal.until("the hosted seal is made", |_| {
        let shown = company.as_(&["zhao", "show", "application", &application]).value;
        shown["outcome"]["sealId"].as_str().map(str::to_owned)
    });
    company.activates(&seal);
    seal
}
