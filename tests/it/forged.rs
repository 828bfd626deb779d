//! Forged seals are refused, though every signature value in them holds.

use std::sync::Arc;
use std::time::Duration;

use eseal_documents::{Limits, Place, ofd};
use eseal_e2e::company::{Company, XINGHE, YUNQI};
use eseal_kernel::{Clock, Digest};
use eseal_pki::ca::CaFiles;
use eseal_pki::{Certificate, DevelopmentCa, Signer as _, SigningKey, Subject, Suite};
use eseal_seal::{CertificateList, Picture, Seal, SealInfo};
use serde_json::Value;

use crate::fixture;

#[test]
fn a_seal_that_a_holders_certificate_made_is_no_seal() {
    let (_folder, company) = fixture::company();
    // Another organization's holder, certified by the very same CA, makes itself a seal with 甲方's name.
    let (key, certificate) = holder(&company);
    let info = info(&certificate);
    let seal = Seal::assemble(&info, &certificate, &key.sign(&info).expect("a signature")).expect("a seal");
    let verdict = sealed_with(&company, &seal, &key, &certificate);
    assert_eq!(verdict["verdict"], "invalid", "{verdict}");
    let judged = &verdict["seals"][0];
    assert_eq!((&judged["signer"]["result"], &judged["content"]["result"]), (&"passed".into(), &"passed".into()));
    let impression = &judged["impression"];
    assert_eq!(
        (&impression["result"], &impression["reason"]),
        (&"failed".into(), &"MAKER_NOT_AUTHORIZED".into()),
        "{impression}"
    );
}

#[test]
fn a_forged_seal_is_not_registered_and_so_refused_online_at_the_first_gate() {
    let (_folder, company) = fixture::company();
    let (_, certificate) = holder(&company);
    let id = SealInfo::from_der(&info(&certificate)).expect("an info").es_id;
    fixture::contract(&company, "ofd");
    let answer = company.seals(&id, "seal.card", "pin", "contract.ofd", "no.ofd", "45,112");
    assert_eq!((answer.code, answer.reason()), (1, "SEAL_NOT_REGISTERED"));
}

/// A key of 乙方 with a good certificate.
fn holder(company: &Company) -> (SigningKey, Certificate) {
    let text =
        |ending: &str| std::fs::read_to_string(company.path(&format!("ca/holder-sm2.{ending}.pem"))).expect("a file");
    let files = CaFiles { key: text("key").into(), certificate: text("cert"), crl: text("crl") };
    let ca = DevelopmentCa::from_files(&files).expect("a CA");
    let key = SigningKey::generate(Suite::Sm2Sm3).expect("a key");
    let subject = Subject::of_organization("33010000000007", YUNQI.uscc.parse().expect("a code"), YUNQI.name);
    let year = Duration::from_secs(365 * 24 * 3600);
    let certificate = ca.issue(&key.public_key(), &subject, year, Clock::System.now()).expect("a certificate");
    (key, certificate)
}

fn info(certificate: &Certificate) -> Vec<u8> {
    let now = Clock::System.now();
    let info = SealInfo {
        vid: "ESEAL".to_owned(),
        es_id: eseal_kernel::Id::derived(&Digest::of(b"forged")).to_string(),
        seal_type: 4,
        name: format!("{}合同专用章", XINGHE.name),
        certificates: CertificateList::of([certificate]),
        created: now.whole_seconds(),
        valid_from: now.minus(Duration::from_secs(60)).whole_seconds(),
        valid_to: now.plus(Duration::from_secs(24 * 3600)).whole_seconds(),
        picture: Picture {
            kind: "png".to_owned(),
            data: include_bytes!("../documents/dot.png").to_vec(),
            width_mm: 40,
            height_mm: 40,
        },
        extensions: Vec::new(),
    };
    info.to_der().expect("an info")
}

/// The verdict on the contract, sealed with this seal and key by our own library.
fn sealed_with(company: &Company, seal: &[u8], key: &SigningKey, certificate: &Certificate) -> Value {
    let contract: &[u8] = include_bytes!("../documents/contract.ofd");
    let stamps = [Place { page: 2, x_mm: 45.0, y_mm: 112.0, width_mm: 40.0, height_mm: 40.0 }.into()];
    let seal = &ofd::UsableSeal::from_der(seal).expect("a seal whose maker's signature holds");
    let request = ofd::SealingRequest { seal, stamps: &stamps, time: Clock::System.now(), options: Default::default() };
    let prepared = ofd::prepare(Arc::new(contract), &request, &Limits::default(), &mut |_| {}).expect("prepared");
    let signature = key.sign(prepared.to_sign()).expect("a signature");
    let mut out = Vec::new();
    prepared.finish(&mut out, certificate, &signature, &mut |_| {}).expect("sealed");
    std::fs::write(company.path("forged.ofd"), out).expect("a file");
    let answer = company.verifies_offline("forged.ofd");
    assert_eq!(answer.code, 1);
    answer.value
}
