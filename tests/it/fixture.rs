//! What the stories begin with.

use std::io::Write as _;

use eseal_e2e::company::{Company, PIN, XINGHE, YUNQI, id_of};
use eseal_e2e::platform::{Platform, PlatformOptions};
use tempfile::TempDir;

/// Names the system that the stories are told of: `distributed`, or else the standalone.
const SYSTEM: &str = "ESEAL_TEST_SYSTEM";

/// A system that is set up, in a folder that goes away with the story.
pub fn company() -> (TempDir, Company) {
    if is_distributed() {
        return distributed(PlatformOptions::default());
    }
    let folder = tempfile::tempdir().expect("a folder");
    let company = Company::found(&folder.path().join("company"));
    (folder, company)
}

/// Whether the stories are told of the distributed system.
pub fn is_distributed() -> bool {
    std::env::var(SYSTEM).is_ok_and(|system| system == "distributed")
}

/// The distributed system set up, in a folder that goes away with the story.
pub fn distributed(options: PlatformOptions) -> (TempDir, Company) {
    let folder = open_folder();
    let company = Company::found_distributed(&folder.path().join("company"), options);
    (folder, company)
}

/// The distributed system without people, in a folder that goes away with the story.
pub fn platform() -> (TempDir, Platform) {
    let folder = open_folder();
    let platform = Platform::start(&folder.path().join("platform"), PlatformOptions::default());
    (folder, platform)
}

/// A folder that PostgreSQL's own user can reach.
fn open_folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let passable = std::os::unix::fs::PermissionsExt::from_mode(0o711);
    std::fs::set_permissions(folder.path(), passable).expect("its mode");
    folder
}

/// An application in which people are named, with their numbers, and which a reviewer returned with words about one of them.
pub fn with_personal_data(company: &Company) -> String {
    let form = format!(
        "organization = \"{}\"\nname = \"{}\"\nseal-type = \"contract\"\nseal-name = \"合同专用章\"\ncustodian = \"{}\"\n\
         [[contacts]]\nperson = \"{}\"\nname = \"王经办\"\nphone = \"13800138000\"\nemail = \"wang@example.cn\"\n\
         document-number = \"320500199001011234\"\n[[contacts]]\nperson = \"{}\"\nname = \"陈保管\"\n",
        XINGHE.uscc,
        XINGHE.name,
        id_of("chen"),
        id_of("wang"),
        id_of("chen"),
    );
    std::fs::write(company.path("form.toml"), form).expect("a file");
    let application = company.as_(&["wang", "submit", "--form", "@form.toml"]).good().get("applicationId").to_owned();
    let _ = company.as_(&["li", "return", &application, "--reason", "补充营业执照,联系王经办"]).good();
    application
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

/// Has `work` done by somebody who types the PIN of `slow-pin` late: in the middle of the work, `meanwhile` happens.
pub fn interrupted<T: Send>(
    company: &mut Company,
    work: impl FnOnce(&Company) -> T + Send,
    meanwhile: impl FnOnce(&mut Company),
) -> T {
    let (elsewhere, pipe) = (company.elsewhere(), company.path("slow-pin"));
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs");
    assert!(made.success());
    std::thread::scope(|scope| {
        let working = scope.spawn(move || work(&elsewhere));
        // Opens once the other side reads: then the work is under way and waits for the PIN.
        let mut typing = std::fs::OpenOptions::new().write(true).open(&pipe).expect("a pipe");
        meanwhile(company);
        typing.write_all(PIN.as_bytes()).expect("the PIN is read");
        drop(typing);
        working.join().expect("the work ends")
    })
}

/// Whether a certificate is in there, as BASE64 of DER: a SEQUENCE of 256 to 767 bytes that begins with one.
pub fn has_certificate(text: &[u8]) -> bool {
    text.windows(8).any(|at| at.starts_with(b"MII") && b"BC".contains(&at[3]) && at.ends_with(b"CC"))
}
