//! A custodian whose seal asks for a code beside the PIN of its hosted key, by the command line alone.

use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;

use aws_lc_rs::hmac;
use eseal_e2e::company::{Company, PIN, WRONG_PIN, id_of};
use eseal_e2e::programs::Answer;
use eseal_kernel::Clock;
use serde_json::Value;

use crate::fixture;

const STEP: i64 = 30;

/// An authenticator (RFC 6238) that shows the codes of one step after the other, and none twice.
struct Authenticator {
    secret: Vec<u8>,
    last: i64,
}

impl Authenticator {
    /// One that scanned this URI.
    fn of(uri: &str) -> Self {
        let secret = uri.split("secret=").nth(1).and_then(|rest| rest.split('&').next()).expect("a secret");
        let bits: String = secret.bytes().map(|letter| format!("{:05b}", base32(letter))).collect();
        let byte = |bits: &[u8]| u8::from_str_radix(std::str::from_utf8(bits).expect("bits"), 2).expect("a byte");
        Self { secret: bits.as_bytes().chunks_exact(8).map(byte).collect(), last: 0 }
    }

    /// The next code, of the step after this moment's: good for a minute at least, whatever else the machine has to do. The step
    /// after that of the last code is waited for.
    fn next(&mut self, company: &Company) -> String {
        let ahead = || now() / STEP + 1;
        let later = |step: i64| move |_: &_| Some(ahead()).filter(|ahead| *ahead > step);
        self.last = company.eseal.until_within(Duration::from_secs(120), "the next step comes", later(self.last));
        self.code(self.last)
    }

    fn code(&self, step: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.secret);
        let hash = hmac::sign(&key, &step.to_be_bytes());
        let (hash, offset) = (hash.as_ref(), usize::from(hash.as_ref()[19] & 15));
        let number = u32::from_be_bytes(hash[offset..offset + 4].try_into().expect("four")) & 0x7fff_ffff;
        format!("{:06}", number % 1_000_000)
    }

    /// A code of no step around this moment.
    fn wrong(&self) -> String {
        let near: Vec<_> = (-5..50).map(|off| self.code(now() / STEP + off)).collect();
        (0..).map(|number| format!("{number:06}")).find(|code| !near.contains(code)).expect("a code")
    }
}

fn base32(letter: u8) -> u8 {
    if letter.is_ascii_uppercase() { letter - b'A' } else { letter - b'2' + 26 }
}

fn now() -> i64 {
    Clock::System.now().seconds()
}

/// Zhao seals, with what is in these files.
fn seals(company: &Company, seal: &str, pin: &str, code: Option<&str>) -> Answer {
    let (pin, code_file) = (format!("@{pin}"), "@code".to_owned());
    let mut words =
        vec!["zhao", "seal", "@contract.pdf", "--seal", seal, "--pin-file", &pin, "--output", "@sealed.pdf"];
    if let Some(code) = code {
        std::fs::write(company.path("code"), format!("{code}\n")).expect("a file");
        words.extend(["--code-file", &code_file]);
    }
    company.as_(&words)
}

/// Zhao seals, with PIN and code line by line by standard input.
fn seals_by_standard_input(company: &Company, seal: &str, lines: &str) -> std::process::Output {
    let (input, output) = (company.path("contract.pdf"), company.path("sealed.pdf"));
    let mut command =
        company.eseal.command(["--as", "zhao", "seal", "--seal", seal, "--pin-file", "-", "--code-file", "-"]);
    command.arg(input).arg("--output").arg(output);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    child.stdin.take().expect("its input").write_all(lines.as_bytes()).expect("written");
    child.wait_with_output().expect("it ends")
}

/// It was refused, and nobody is told whether PIN or code was wrong.
fn is_refused(answer: &Answer, tries_left: &str) {
    let facts = &answer.error["facts"];
    let told = (answer.reason(), facts["detail"].as_str(), facts["tries_left"].as_str());
    assert_eq!(told, ("PIN_INCORRECT", Some("PIN_OR_CODE_INCORRECT"), Some(tries_left)), "{}", answer.error);
}

#[test]
fn a_custodian_enrols_an_authenticator_and_seals_by_its_codes_until_an_administrator_removes_it() {
    let (_folder, company) = fixture::company();
    let key = company.has_a_hosted_key();
    let seal = fixture::hosted_seal(&company, &key);
    fixture::contract(&company, "pdf");
    std::fs::write(company.path("wrong-pin"), WRONG_PIN).expect("a file");
    let _ = company.as_(&["root", "seal-policy", "set", &seal, "--second-factor", "totp"]).good();
    let missing = seals(&company, &seal, "pin", None);
    assert_eq!(
        (missing.reason(), &missing.error["facts"]["second_factor"]),
        ("SECOND_FACTOR_REQUIRED", &"totp".into())
    );

    let offer = company.as_(&["zhao", "second-factor", "enrol", &seal]).good();
    let mut authenticator = Authenticator::of(offer.get("uri"));
    let id = offer.get("authenticatorId").to_owned();
    let confirms = |code: &str| {
        std::fs::write(company.path("code"), code).expect("a file");
        company.as_(&["zhao", "second-factor", "confirm", &seal, &id, "--code-file", "@code"])
    };
    assert_eq!(confirms(&authenticator.wrong()).reason(), "CODE_INCORRECT");
    let first = authenticator.next(&company);
    let _ = confirms(&first).good();
    is_refused(&seals(&company, &seal, "pin", Some(&first)), "4"); // it confirmed, and is used up
    is_refused(&seals(&company, &seal, "pin", Some(&authenticator.wrong())), "3");

    let code = authenticator.next(&company);
    let sealed = seals_by_standard_input(&company, &seal, &format!("{PIN}\n{code}\n"));
    assert!(sealed.status.success(), "{}", String::from_utf8_lossy(&sealed.stderr));
    assert_eq!(company.verifies_offline("sealed.pdf").good().value["verdict"], "valid");
    is_refused(&seals(&company, &seal, "pin", Some(&code)), "4"); // once
    let short = seals_by_standard_input(&company, &seal, &format!("{PIN}\n"));
    let told: Value = serde_json::from_slice(&short.stderr).expect("an error");
    assert_eq!((short.status.code(), told["error"]["code"].as_str()), (Some(2), Some("USAGE")), "{told}");

    let code = authenticator.next(&company);
    is_refused(&seals(&company, &seal, "wrong-pin", Some(&code)), "3");
    let _ = seals(&company, &seal, "pin", Some(&code)).good(); // a typo does not use it up

    let remove = ["second-factor", "remove", &seal, "--custodian", id_of("zhao")];
    assert_ne!(company.as_(&[&["zhao"], remove.as_slice()].concat()).code, 0, "nobody removes their own");
    let _ = company.as_(&[&["root"], remove.as_slice()].concat()).good();
    let code = authenticator.next(&company);
    is_refused(&seals(&company, &seal, "pin", Some(&code)), "4");
}
