//! Seals by every kind and size of key, in the international form and in the Chinese one.

use eseal_documents::pdf::{SealForm, SealingOptions};
use eseal_documents::{DocumentError, Kind, Outcome, Verdict, judge};
use eseal_pki::{DigestAlg, RsaBits, SigningKey, Suite};
use eseal_seal::SesSignature;

use crate::support::pdf_builder::PLAIN;
use crate::support::pdf_parties::{PLACE, PdfParty, PdfWorld, judged, verify};
use crate::support::peers::{run, said};

/// A party for every kind and size of key, with the digests that go with it.
fn parties(world: &PdfWorld) -> Vec<(PdfParty, Vec<Suite>)> {
    let ec = [Suite::EcdsaP256Sha256, Suite::EcdsaP384Sha384].map(|suite| {
        let key = SigningKey::generate(suite).expect("a key");
        (world.party_with(suite.name(), key), vec![suite])
    });
    let rsa = [RsaBits::Rsa2048, RsaBits::Rsa3072, RsaBits::Rsa4096].map(|bits| {
        let key = SigningKey::generate_rsa(bits).expect("a key");
        (world.party_with("RSA", key), vec![Suite::RsaSha256, Suite::RsaSha384, Suite::RsaSha512])
    });
    ec.into_iter().chain(rsa).collect()
}

/// The room of `/Contents` that the value left empty, in bytes.
fn left_over(sealed: &[u8], value: &[u8]) -> usize {
    let text = String::from_utf8_lossy(sealed);
    let digits = text.rsplit("/Contents <").next().and_then(|rest| rest.split('>').next()).expect("a value");
    assert!(digits.starts_with(&hex::encode(value)));
    digits.len() / 2 - value.len()
}

#[test]
fn a_key_of_every_kind_and_size_seals_with_every_digest_that_goes_with_it() {
    let world = PdfWorld::new();
    let folder = tempfile::tempdir().expect("a folder");
    for (mut party, suites) in parties(&world) {
        for suite in suites {
            party.key = party.key.with_suite(suite).expect("a suite of its kind");
            let options = SealingOptions { digest: Some(suite.digest()), ..SealingOptions::default() };
            let (sealed, done) = party.try_seal_with(&PLAIN.build(), &[PLACE.into()], options).expect("sealed");
            let judgement = judged(&sealed, &world);
            assert_eq!(judgement.verdict, Verdict::Valid, "{suite:?}: {judgement:?}");
            // No more than what signatures of one key differ by.
            assert!(left_over(&sealed, &done.signature) <= 12, "{suite:?}: {}", left_over(&sealed, &done.signature));

            let file = folder.path().join("sealed.pdf");
            std::fs::write(&file, &sealed).expect("written");
            let Some(output) = run("pdfsig", &["-nocert", file.to_str().expect("a name")]) else { continue };
            let said = said(&output);
            assert!(said.contains("Signature is Valid."), "{suite:?}: {said}");
            assert!(
                said.contains(&suite.digest().name().replace('-', "")) || said.contains(suite.digest().name()),
                "{said}"
            );
        }
    }
}

#[test]
fn a_digest_that_does_not_go_with_the_key_is_refused() {
    let party = PdfWorld::new().party("甲方");
    let options = SealingOptions { digest: Some(DigestAlg::Sha512), ..SealingOptions::default() };
    let refused = party.prepare(&PLAIN.build(), &[PLACE.into()], options).expect_err("refused");
    assert!(matches!(&refused, DocumentError::Unsupported { what } if what.contains("SHA-512")), "{refused}");
}

#[test]
fn each_form_takes_its_own_kind_of_key() {
    let world = PdfWorld::new();
    let (sm2, p256) = (world.sm2_party("甲方"), world.party("乙方"));
    for (party, form) in [(&sm2, SealForm::Pades), (&p256, SealForm::Gm)] {
        let options = SealingOptions { form, ..SealingOptions::default() };
        let refused = party.prepare(&PLAIN.build(), &[PLACE.into()], options).expect_err("refused");
        assert!(matches!(refused, DocumentError::Unsupported { .. }), "{refused}");
    }
}

#[test]
fn an_sm2_key_seals_in_the_chinese_form_and_the_seal_is_in_its_value() {
    let world = PdfWorld::new();
    let party = world.sm2_party("甲方");
    let document = PLAIN.build();
    let (sealed, done) = party.try_seal(&document, &[PLACE]).expect("sealed");
    assert!(sealed.starts_with(&document));
    let text = String::from_utf8_lossy(&sealed);
    assert!(text.contains("/SubFilter /GM.sm2seal") && text.contains("/Filter /Gomain.GMPkiLite"));

    let report = verify(&sealed);
    let seal = &report.seals[0];
    assert_eq!(seal.kind, Kind::Seal);
    assert_eq!((seal.content, seal.impression), (Outcome::Passed, Outcome::Passed), "{:?}", seal.steps);
    assert_eq!(seal.seal.as_ref().expect("a seal").der(), party.seal);
    assert_eq!(judge(&report, &world.sm2_trust()).verdict, Verdict::Valid);
    assert!(left_over(&sealed, &done.signature) <= 8);

    // One changed letter of the document.
    let mut altered = sealed.clone();
    let at = altered.windows(8).position(|bytes| bytes == b"Contract").expect("there");
    altered[at] = b'K';
    assert!(verify(&altered).seals[0].content.is_failed());
}

#[test]
fn openssl_finds_the_digest_and_the_signature_of_the_chinese_form_over_the_exact_bytes() {
    let party = PdfWorld::new().sm2_party("甲方");
    let (sealed, done) = party.try_seal(&PLAIN.build(), &[PLACE]).expect("sealed");
    let signature = SesSignature::from_der(&done.signature).expect("a SES_Signature");
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("a name").to_owned();
    let put = |name: &str, bytes: &[u8]| std::fs::write(path(name), bytes).expect("written");

    let digits = hex::encode(&done.signature);
    let start = String::from_utf8_lossy(&sealed).find(&digits).expect("the value");
    let end = start + sealed[start..].iter().position(|byte| *byte == b'>').expect("its end");
    put("ranges", &[&sealed[..start - 1], &sealed[end + 1..]].concat());
    let Some(output) = run("openssl", &["dgst", "-sm3", "-r", &path("ranges")]) else { return };
    assert!(said(&output).starts_with(&hex::encode(signature.data_hash())), "{}", said(&output));

    put("tbs", signature.to_sign_der());
    put("value", signature.signature());
    put("signer.pem", party.certificate.to_pem().as_bytes());
    let key = run("openssl", &["x509", "-in", &path("signer.pem"), "-noout", "-pubkey"]).expect("openssl");
    put("key.pem", &key.stdout);
    let words = [
        "pkeyutl",
        "-verify",
        "-pubin",
        "-inkey",
        &path("key.pem"),
        "-rawin",
        "-digest",
        "sm3",
        "-pkeyopt",
        "distid:1234567812345678",
        "-in",
        &path("tbs"),
        "-sigfile",
        &path("value"),
    ];
    let output = run("openssl", &words).expect("openssl");
    assert!(output.status.success(), "{}", said(&output));

    put("sealed.pdf", &sealed);
    if let Some(output) = run("qpdf", &["--check", &path("sealed.pdf")]) {
        assert!(output.status.success() && !said(&output).contains("WARNING"), "{}", said(&output));
    }
}
