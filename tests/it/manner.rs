//! Sealing otherwise than usual, as the client offers it, and what other people's programs say of it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use eseal_e2e::company::Company;
use eseal_pki::{Certificate, Suite};
use serde_json::Value;

use crate::fixture;

/// A development authority of time stamps as a process of its own.
struct Tsa {
    process: Child,
    url: String,
}

impl Tsa {
    fn start(company: &Company) -> Self {
        let _ = company.run(&["dev-tsa", "create", "@tsa"]).good();
        let words = ["dev-tsa", "serve", &company.path("tsa").display().to_string(), "--listen", "127.0.0.1:0"];
        let mut process = company.eseal.command(words).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let told = lines
            .find_map(|line| line.expect("a line").split('"').find(|word| word.starts_with("http")).map(str::to_owned));
        Self { process, url: told.expect("an address") }
    }
}

impl Drop for Tsa {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn seals(company: &Company, seal: &str, input: &str, output: &str, further: &[&str]) -> eseal_e2e::programs::Answer {
    let (input, output) = (format!("@{input}"), format!("@{output}"));
    let mut words = vec!["chen", "seal", &input, "--seal", seal, "--card", "@seal.card", "--pin-file", "@pin"];
    words.extend(["--output", &output]);
    words.extend(further);
    company.as_(&words)
}

fn report(company: &Company, file: &str) -> Value {
    company.verifies_offline(file).good().value
}

fn has(company: &Company, file: &str, text: &str) -> bool {
    let bytes = std::fs::read(company.path(file)).expect("a file");
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

fn told(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}: run `make setup`"));
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_pdf_sealed_at_every_level_is_valid_here_and_before_pdfsig_and_pyhanko() {
    let (_folder, company) = fixture::company();
    let (seal, _) = company.has_a_seal();
    fixture::contract(&company, "pdf");
    let tsa = Tsa::start(&company);
    // The list of the holders' CA names somebody else's certificate.
    let _ = company.has_a_hosted_key();
    let revoke = ["dev-ca", "revoke", "@ca", "--certificate", "@yunqi.p256.pem", "--output", "@holders.crl"];
    let _ = company.run(&revoke).good();
    let path = |name: &str| company.path(name).display().to_string();
    let (roots, chain) = (path("tsa/tsa-roots.pem"), path("ca/roots.pem"));
    let (own, holders) = (path("tsa/tsa-p256.crl.pem"), path("holders.crl"));
    for (level, has_data, has_stamp) in [("b-t", false, false), ("b-lt", true, false), ("b-lta", true, true)] {
        let output = format!("{level}.pdf");
        let mut words =
            vec!["--page", "2", "--at", "45,112", "--level", level, "--tsa", &tsa.url, "--tsa-trust", &roots];
        words.extend(["--chain", &chain, "--crl", &own, "--crl", &holders]);
        let _ = seals(&company, &seal, "contract.pdf", &output, &words).good();
        assert_eq!((has(&company, &output, "/DSS"), has(&company, &output, "/DocTimeStamp")), (has_data, has_stamp));
        let mut words = vec!["verify", "--offline", "--trust", &chain, "--maker-trust", "@ca/makers.pem"];
        words.extend(["--tsa-trust", &roots, "--crl", &holders, "--crl", &own]);
        let file = path(&output);
        words.push(&file);
        let report = company.run(&words).good().value;
        assert_eq!(report["verdict"], "valid", "{level}");
        assert_eq!(report["seals"][0]["status"]["now"]["indication"], "TOTAL-PASSED", "{level}: {report}");
        let said = told(Command::new("pdfsig").arg("-nocert").arg(company.path(&output)));
        assert!(said.contains("Signature is Valid"), "{level}: {said}");
    }
    pyhanko_finds_it_lasting(&company);
    // Without what it needs, nothing is asked of the service.
    for (words, code) in [
        (vec!["--level", "b-t"], "USAGE"),
        (vec!["--level", "b-lt", "--tsa", &tsa.url], "USAGE"),
        (vec!["--level", "b-t", "--tsa", "http://127.0.0.1:1/"], "TIME_STAMP_UNAVAILABLE"),
    ] {
        assert_eq!(seals(&company, &seal, "contract.pdf", "none.pdf", &words).reason(), code);
    }
    assert!(!company.path("none.pdf").exists());
}

fn pyhanko_finds_it_lasting(company: &Company) {
    for (from, to) in [("ca/roots.pem", "holder.pem"), ("tsa/tsa-roots.pem", "stamper.pem")] {
        let pem = std::fs::read(company.path(from)).expect("roots");
        let roots = Certificate::many_from_pem(&pem).expect("certificates");
        let is_p256 =
            |root: &Certificate| root.public_key().ok().and_then(|key| key.suite()) == Some(Suite::EcdsaP256Sha256);
        let root = roots.into_iter().find(is_p256).expect("a P-256 root");
        std::fs::write(company.path(to), root.to_pem()).expect("written");
    }
    let mut pyhanko = Command::new("pyhanko");
    pyhanko.args(["sign", "adesverify", "--trust-replace", "--pretty-print"]);
    pyhanko.arg("--trust").arg(company.path("holder.pem")).arg("--trust").arg(company.path("stamper.pem"));
    let said = told(pyhanko.arg(company.path("b-lta.pdf")));
    assert!(said.contains("VALID") && !said.contains("INVALID"), "{said}");
}

#[test]
fn forms_certifications_lists_and_passwords_are_as_asked_for_and_misfits_are_refused_unrecorded() {
    let (_folder, company) = fixture::company();
    let (seal, _) = company.has_a_seal();
    for ending in ["ofd", "pdf"] {
        fixture::contract(&company, ending);
    }
    let _ = seals(&company, &seal, "contract.pdf", "gm.pdf", &["--form", "gm"]).good();
    assert!(has(&company, "gm.pdf", "/GM.sm2seal"));
    assert_eq!(report(&company, "gm.pdf")["verdict"], "valid");

    let _ = seals(&company, &seal, "contract.pdf", "certified.pdf", &["--certify", "2"]).good();
    assert!(has(&company, "certified.pdf", "/DocMDP"));
    let again = seals(&company, &seal, "certified.pdf", "none.pdf", &["--certify", "1"]);
    assert_eq!(again.reason(), "CERTIFICATION_NOT_FIRST");

    let _ = seals(&company, &seal, "contract.ofd", "listed.ofd", &["--list-files"]).good();
    let listed = report(&company, "listed.ofd");
    assert_eq!((&listed["verdict"], &listed["notes"][0]["code"]), (&"valid".into(), &"INTEGRITY_LIST_HOLDS".into()));
    assert_eq!(seals(&company, &seal, "listed.ofd", "none.ofd", &[]).reason(), "DOCUMENT_LOCKED");

    let words = ["--encrypt", "用户", "owner", "256", "--"];
    let encrypted = company.path("encrypted.pdf");
    let said = told(Command::new("qpdf").arg(company.path("contract.pdf")).arg(&encrypted).args(words));
    assert!(encrypted.exists(), "{said}");
    assert_eq!(seals(&company, &seal, "encrypted.pdf", "none.pdf", &[]).reason(), "DOCUMENT_ENCRYPTED");
    std::fs::write(company.path("password"), "用户\n").expect("written");
    let password = company.path("password").display().to_string();
    let _ = seals(&company, &seal, "encrypted.pdf", "sealed.pdf", &["--password-file", &password]).good();
    let said = told(Command::new("pdfsig").args(["-upw", "用户", "-nocert"]).arg(company.path("sealed.pdf")));
    assert!(said.contains("Signature is Valid"), "{said}");

    let events = |file: &str| {
        let _ = company.as_(&["qian", "events", "read", "authentication", "--output", file]).good();
        std::fs::read_to_string(company.path(&file[1..])).expect("events").lines().count()
    };
    let before = events("@before.jsonl");
    for (input, words) in [
        ("contract.ofd", ["--form", "gm"]),
        ("contract.ofd", ["--certify", "2"]),
        ("contract.ofd", ["--field", "Buyer"]),
        ("contract.pdf", ["--list-files", "--lock"]),
    ] {
        assert_eq!(seals(&company, &seal, input, "none", &words).reason(), "OPTION_UNFIT", "{words:?}");
    }
    assert_eq!(events("@after.jsonl"), before);
}

#[test]
fn a_batch_takes_the_same_options_and_refuses_one_by_one_what_does_not_fit() {
    let (_folder, company) = fixture::company();
    let (seal, _) = company.has_a_seal();
    let tsa = Tsa::start(&company);
    std::fs::create_dir(company.path("in")).expect("a folder");
    for (name, bytes) in [
        ("a.ofd", include_bytes!("../documents/contract.ofd").as_slice()),
        ("b.pdf", include_bytes!("../documents/contract.pdf").as_slice()),
        ("c.pdf", include_bytes!("../documents/contract.pdf").as_slice()),
    ] {
        std::fs::write(company.path("in").join(name), bytes).expect("a file");
    }
    let batch = |folder: &str, further: &[&str]| {
        let mut words = vec!["chen", "seal-batch", "@in", "--seal", &seal, "--card", "@seal.card"];
        words.extend(["--pin-file", "@pin", "--output-dir", folder]);
        words.extend(further);
        let answer = company.as_(&words);
        let summary = answer.text.lines().rev().find_map(|line| serde_json::from_str::<Value>(line).ok());
        (answer.code, summary.unwrap_or_default())
    };
    let (code, summary) = batch("@stamped", &["--level", "b-t", "--tsa", &tsa.url]);
    assert_eq!((code, &summary["sealed"], &summary["failed"]), (0, &3.into(), &0.into()), "{summary}");
    for name in ["stamped/a.ofd", "stamped/b.pdf", "stamped/c.pdf"] {
        assert_eq!(report(&company, name)["seals"][0]["sealing_time_source"], "time_stamp", "{name}");
    }
    let (code, summary) = batch("@certified", &["--certify", "2"]);
    assert_eq!((code, &summary["sealed"], &summary["failed"]), (1, &2.into(), &1.into()), "{summary}");
    let results = std::fs::read_to_string(company.path("certified/results.jsonl")).expect("results");
    assert!(results.contains("OPTION_UNFIT"), "{results}");
    let (code, summary) = batch("@listed", &["--list-files", "--tsa", &tsa.url]);
    assert_eq!((code, &summary["sealed"], &summary["failed"]), (1, &1.into(), &2.into()), "{summary}");
    assert_eq!(report(&company, "listed/a.ofd")["notes"][0]["code"], "INTEGRITY_LIST_HOLDS");
}

#[test]
fn the_service_takes_the_options_too_and_signs_lists_with_the_hosted_key() {
    let (_folder, company) = fixture::company();
    let key = company.has_a_hosted_key();
    let seal = fixture::hosted_seal(&company, &key);
    fixture::contract(&company, "ofd");
    fixture::contract(&company, "pdf");
    let seals = |input: &str, further: &[&str]| {
        let input = format!("@{input}");
        let mut words = vec!["zhao", "seal", &input, "--seal", &seal, "--pin-file", "@pin", "--output", "@out"];
        words.extend(further);
        company.as_(&words)
    };
    let _ = seals("contract.ofd", &["--at-service", "--list-files"]).good();
    assert_eq!(report(&company, "out")["notes"][0]["code"], "INTEGRITY_LIST_HOLDS");
    let _ = seals("contract.pdf", &["--at-service", "--form", "gm", "--lock"]).good();
    assert!(has(&company, "out", "/GM.sm2seal") && has(&company, "out", "/DocMDP"));
    let refused = seals("contract.pdf", &["--at-service", "--level", "b-t"]);
    assert_eq!(refused.reason(), "TIME_STAMPS_OFF");
    // A hosted key gives a client one signature for a document.
    assert_eq!(seals("contract.ofd", &["--list-files"]).reason(), "USAGE");
}
