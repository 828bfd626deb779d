//! Seals and seal signatures made and verified on one core, beside the crate `sm2` alone on the same bytes and beside
//! `openssl speed sm2` of the same run: `cargo bench -p eseal-seal`, or with the name of one figure behind `--`.
//!
//! "Make" is encode, sign, assemble; "verify" is read and check the value, certificate included. What is above the raw
//! figure is the cost of the structures.

use std::hint::black_box;
use std::process::Command;
use std::time::Duration;

use eseal_kernel::Timestamp;
use eseal_pki::{Certificate, DevelopmentCa, Purpose, Signer as _, SigningKey, Subject, Suite};
use eseal_seal::{CertificateList, Picture, Seal, SealInfo, SesSignature, ToSign};
use eseal_testkit::ratio;
use sm2::dsa::signature::{Signer as _, Verifier as _};
use sm2::elliptic_curve::Generate as _;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
/// Bytes of the picture of a round seal of 42 mm, as this system draws it.
const PICTURE: usize = 40_000;

fn main() {
    let (holder, maker) = (Party::new(Purpose::Holder), Party::new(Purpose::Maker));
    let info = info(&holder);
    let seal = make_seal(&info, &maker);
    let to_sign = to_sign(seal.clone());
    let signature = make_signature(&to_sign, &holder);
    let (key, message) = raw(&info);
    let value: sm2::dsa::Signature = key.sign(&message);
    let sign = || -> sm2::dsa::Signature { key.sign(black_box(&message)) };
    let verify = || key.verifying_key().verify(black_box(&message), &value).expect("good");

    let genuine = || Seal::from_der(black_box(&seal)).expect("a seal").verify_value().expect("genuine");
    let signed = || SesSignature::from_der(black_box(&signature)).expect("one").verify_value().expect("genuine");
    beside("seal_make", "sign", || make_seal(black_box(&info), &maker), sign);
    beside("seal_verify", "verify", genuine, verify);
    beside("signature_make", "sign", || make_signature(black_box(&to_sign), &holder), sign);
    beside("signature_verify", "verify", signed, verify);
}

/// Ours beside the raw crate, turn by turn, and beside OpenSSL.
fn beside<A, B>(name: &str, operation: &str, ours: impl Fn() -> A, raw: impl Fn() -> B) {
    if !ratio::is_asked_for(name) {
        return;
    }
    let (ours, raw) = ratio::per_second(ours, raw);
    ratio::record(name, ours, raw, "crate sm2 alone", "1/s");
    if let Some(openssl) = openssl(operation) {
        ratio::record(name, ours, openssl, "openssl speed sm2", "1/s");
    } else {
        ratio::skip(name, "openssl speed sm2");
    }
}

/// Operations per second of OpenSSL on one core, for one second.
fn openssl(operation: &str) -> Option<f64> {
    let output = Command::new("openssl").args(["speed", "-seconds", "1", "sm2"]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut figures = text.lines().rev().find(|line| line.contains("SM2"))?.split_whitespace().rev();
    let (verify, sign) = (figures.next()?, figures.next()?);
    if operation == "sign" { sign } else { verify }.parse().ok()
}

struct Party {
    key: SigningKey,
    certificate: Certificate,
}

impl Party {
    fn new(purpose: Purpose) -> Self {
        let ca = DevelopmentCa::create(Suite::Sm2Sm3, "CA", purpose, NOW).expect("an authority");
        let key = SigningKey::generate(Suite::Sm2Sm3).expect("a key");
        let certificate = ca.issue(&key.public_key(), &Subject::named("Li"), Duration::from_secs(1 << 20), NOW);
        Self { key, certificate: certificate.expect("a certificate") }
    }
}

fn info(holder: &Party) -> SealInfo {
    SealInfo {
        vid: "ESEAL".to_owned(),
        es_id: "32050000011053".to_owned(),
        seal_type: 1,
        name: "苏州市示范软件有限公司".to_owned(),
        certificates: CertificateList::of([&holder.certificate]),
        created: NOW,
        valid_from: NOW,
        valid_to: NOW.plus(Duration::from_secs(1 << 20)),
        picture: Picture { kind: "PNG".to_owned(), data: vec![7; PICTURE], width_mm: 42, height_mm: 42 },
        extensions: vec![],
    }
}

fn make_seal(info: &SealInfo, maker: &Party) -> Vec<u8> {
    let info_der = info.to_der().expect("encodes");
    let value = maker.key.sign(&info_der).expect("signs");
    Seal::assemble(&info_der, &maker.certificate, &value).expect("assembles")
}

fn to_sign(seal_der: Vec<u8>) -> ToSign {
    let property_info = "/Doc_0/Signs/Sign_0/Signature.xml".to_owned();
    ToSign { seal_der, time: NOW, data_hash: [7; 32], property_info, extensions: vec![] }
}

fn make_signature(to_sign: &ToSign, holder: &Party) -> Vec<u8> {
    let der = to_sign.to_der().expect("encodes");
    let value = holder.key.sign(&der).expect("signs");
    SesSignature::assemble(&der, &holder.certificate, &value).expect("assembles")
}

fn raw(info: &SealInfo) -> (sm2::dsa::SigningKey, Vec<u8>) {
    let message = info.to_der().expect("encodes");
    (sm2::dsa::SigningKey::new("1234567812345678", &sm2::SecretKey::generate()).expect("a key"), message)
}
