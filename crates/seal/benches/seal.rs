//! Seals and seal signatures made and verified, beside the crate `sm2` alone on the same bytes: `cargo bench -p eseal-seal`.
//!
//! "Make" is encode, sign, assemble; "verify" is read and check the value, certificate included. What is above the raw
//! figure is the cost of the structures.

use std::time::Duration;

use divan::{Bencher, black_box};
use eseal_kernel::Timestamp;
use eseal_pki::{Certificate, DevelopmentCa, Purpose, Signer as _, SigningKey, Subject, Suite};
use eseal_seal::{CertificateList, Picture, Seal, SealInfo, SesSignature, ToSign};
use sm2::dsa::signature::{Signer as _, Verifier as _};
use sm2::elliptic_curve::Generate as _;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
/// Bytes of the picture of a round seal of 42 mm, as this system draws it.
const PICTURE: usize = 40_000;

fn main() {
    divan::main();
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

#[divan::bench]
fn seal_make(bencher: Bencher<'_, '_>) {
    let (maker, info) = (Party::new(Purpose::Maker), info(&Party::new(Purpose::Holder)));
    bencher.bench_local(|| make_seal(black_box(&info), &maker));
}

#[divan::bench]
fn seal_verify(bencher: Bencher<'_, '_>) {
    let der = make_seal(&info(&Party::new(Purpose::Holder)), &Party::new(Purpose::Maker));
    bencher.bench_local(|| Seal::from_der(black_box(&der)).expect("a seal").verify_value().expect("genuine"));
}

#[divan::bench]
fn signature_make(bencher: Bencher<'_, '_>) {
    let holder = Party::new(Purpose::Holder);
    let to_sign = to_sign(make_seal(&info(&holder), &Party::new(Purpose::Maker)));
    bencher.bench_local(|| make_signature(black_box(&to_sign), &holder));
}

#[divan::bench]
fn signature_verify(bencher: Bencher<'_, '_>) {
    let holder = Party::new(Purpose::Holder);
    let der = make_signature(&to_sign(make_seal(&info(&holder), &Party::new(Purpose::Maker))), &holder);
    bencher.bench_local(|| SesSignature::from_der(black_box(&der)).expect("one").verify_value().expect("genuine"));
}

/// What a maker signs has 40 kB.
#[divan::bench]
fn sm2_alone_sign(bencher: Bencher<'_, '_>) {
    let (key, message) = raw();
    bencher.bench_local(|| -> sm2::dsa::Signature { key.sign(black_box(&message)) });
}

#[divan::bench]
fn sm2_alone_verify(bencher: Bencher<'_, '_>) {
    let (key, message) = raw();
    let signature: sm2::dsa::Signature = key.sign(&message);
    bencher.bench_local(|| key.verifying_key().verify(black_box(&message), &signature).expect("good"));
}

fn raw() -> (sm2::dsa::SigningKey, Vec<u8>) {
    let message = info(&Party::new(Purpose::Holder)).to_der().expect("encodes");
    (sm2::dsa::SigningKey::new("1234567812345678", &sm2::SecretKey::generate()).expect("a key"), message)
}
