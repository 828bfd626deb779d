//! Signatures in the forms that other producers write.

use eseal_documents::{Kind, NoteCode, Outcome, Reason, Verdict};
use eseal_pki::DigestAlg;
use eseal_seal::SesSignature;

use crate::support::der::{Binding, gm_signed_data};
use crate::support::hostile::{content, with_changed, with_replaced};
use crate::support::ofd_contract::contract;
use crate::support::parties::{World, judged};
use crate::support::resigning::{DESCRIPTOR, LIST, VALUE, as_plain_signature, raw_form, resigned, with_digests};

const PAGE: &str = "Doc_0/Pages/Page_0/Content.xml";

#[test]
fn digests_may_be_of_any_known_algorithm_and_weak_ones_are_noted() {
    let world = World::new();
    let party = world.party("甲方");
    let sealed = party.seal(&contract());
    for (algorithm, attribute, weak) in [
        (DigestAlg::Md5, "", true), // the default of GB/T 33190-2016
        (DigestAlg::Md5, " CheckMethod=\"MD5\"", true),
        (DigestAlg::Sha1, " CheckMethod=\"SHA1\"", true),
        (DigestAlg::Sha256, " CheckMethod=\"SHA256\"", false),
        (DigestAlg::Sm3, " CheckMethod=\"SM3\"", false),
        (DigestAlg::Sm3, " CheckMethod=\"1.2.156.10197.1.401.1\"", false),
    ] {
        let document = resigned(&with_digests(&sealed, algorithm, attribute), &party.identity, |_| {});
        let judgement = judged(&document, &world);
        assert_eq!(judgement.verdict, Verdict::Valid, "{attribute}: {:?}", judgement.seals[0].steps);
        let noted = judgement.seals[0].notes.iter().any(|note| note.code == NoteCode::DigestWeak);
        assert_eq!(noted, weak, "{attribute}");
        let changed = judged(&with_replaced(&document, PAGE, "壹拾万元", "玖拾万元"), &world);
        assert_eq!(changed.seals[0].content, Outcome::Failed(Reason::ContentAltered), "{attribute}");
    }
    let keyed = with_digests(&sealed, DigestAlg::Sm3, " CheckMethod=\"1.2.156.10197.1.401.2\"");
    let judgement = judged(&resigned(&keyed, &party.identity, |_| {}), &world);
    assert_eq!(judgement.seals[0].content, Outcome::Unknown(Reason::CheckMethodUnsupported));
}

#[test]
fn a_signature_that_protects_nothing_is_worth_nothing() {
    let world = World::new();
    let party = world.party("甲方");
    let sealed = party.seal(&contract());
    let emptied = with_changed(&sealed, DESCRIPTOR, |descriptor| {
        let text = String::from_utf8(descriptor).expect("text");
        let (start, rest) = text.split_once("<ofd:Reference ").expect("references");
        let (_, end) = rest.split_once("</ofd:References>").expect("references");
        format!("{start}</ofd:References>{end}").into_bytes()
    });
    let judgement = judged(&resigned(&emptied, &party.identity, |_| {}), &world);
    assert_eq!(judgement.seals[0].content, Outcome::Failed(Reason::ReferencesMissing));
}

#[test]
fn a_data_hash_with_the_signers_parameters_in_front_is_accepted_and_noted() {
    let world = World::new();
    let party = world.party("甲方");
    let sealed = party.seal(&contract());
    let key = party.identity.certificate.public_key().expect("a key");
    let mut hasher = key.sm2_z_hasher().expect("an SM2 key");
    hasher.update(&content(&sealed, DESCRIPTOR));
    let digest = hasher.finish();
    let odd = resigned(&sealed, &party.identity, |to_sign| to_sign.data_hash = digest.try_into().expect("32 bytes"));
    let judgement = judged(&odd, &world);
    assert_eq!(judgement.verdict, Verdict::Valid);
    assert!(judgement.seals[0].notes.iter().any(|note| note.code == NoteCode::DataHashWithZ));
}

#[test]
fn a_raw_signature_value_is_accepted_and_noted() {
    let world = World::new();
    let sealed = world.party("甲方").seal(&contract());
    let raw = with_changed(&sealed, VALUE, |value| {
        let signature = SesSignature::from_der(&value).expect("a signature");
        let raw = raw_form(signature.signature());
        let holder = signature.certificate().expect("a certificate");
        SesSignature::assemble(signature.to_sign_der(), holder, &raw).expect("a signature")
    });
    let judgement = judged(&raw, &world);
    assert_eq!(judgement.verdict, Verdict::Valid);
    assert!(judgement.seals[0].notes.iter().any(|note| note.code == NoteCode::SignatureValueRaw));
}

#[test]
fn a_signature_without_a_seal_is_judged_without_an_impression() {
    let world = World::new();
    let party = world.party("甲方");
    let signed = as_plain_signature(&party.seal(&contract()), &party.identity);
    let judgement = judged(&signed, &world);
    let seal = &judgement.seals[0];
    assert_eq!((judgement.verdict, seal.kind), (Verdict::Valid, Kind::Signature), "{:?}", seal.steps);
    assert_eq!(seal.items(), [Outcome::Passed, Outcome::Passed, Outcome::NotApplicable]);

    let moved = with_replaced(&signed, DESCRIPTOR, "Boundary=\"120 200", "Boundary=\"10 10");
    assert_eq!(judged(&moved, &world).seals[0].content, Outcome::Failed(Reason::DataHashDiffers));
    let changed = with_replaced(&signed, PAGE, "壹拾万元", "玖拾万元");
    assert_eq!(judged(&changed, &world).seals[0].content, Outcome::Failed(Reason::ContentAltered));
    let flipped = with_changed(&signed, VALUE, |mut value| {
        let at = value.len() - 3;
        value[at] ^= 0x10;
        value
    });
    assert_eq!(judged(&flipped, &world).seals[0].content, Outcome::Failed(Reason::SignatureValueWrong));
}

#[test]
fn signatures_without_a_seal_are_accepted_in_every_form_that_producers_write() {
    let world = World::new();
    let party = world.party("甲方");
    let sealed = party.seal(&contract());
    let listed = with_replaced(&sealed, LIST, "Type=\"Seal\"", "Type=\"Sign\"");
    let descriptor = content(&sealed, DESCRIPTOR);
    for binding in [Binding::Attributes, Binding::Digest, Binding::DigestInBase64, Binding::Detached] {
        let value = gm_signed_data(&descriptor, binding, &party.identity);
        let signed = with_changed(&listed, VALUE, |_| value.clone());
        let judgement = judged(&signed, &world);
        let seal = &judgement.seals[0];
        assert_eq!((judgement.verdict, seal.kind), (Verdict::Valid, Kind::Signature), "{binding:?}: {:?}", seal.steps);
        // The same value over another Signature.xml.
        let moved = with_replaced(&signed, DESCRIPTOR, "Boundary=\"120 200", "Boundary=\"10 10");
        assert!(judged(&moved, &world).seals[0].content.is_failed(), "{binding:?}");
        let flipped = with_changed(&signed, VALUE, |mut value| {
            let at = value.len() - 3;
            value[at] ^= 0x10;
            value
        });
        let content = judged(&flipped, &world).seals[0].content;
        assert_eq!(content, Outcome::Failed(Reason::SignatureValueWrong), "{binding:?}");
    }
}

#[test]
fn a_signer_whose_certificate_was_over_at_the_sealing_time_is_flagged() {
    let world = World::new();
    let party = world.party("甲方");
    let sealed = party.seal(&contract());
    let after = party.identity.certificate.not_after().plus(std::time::Duration::from_secs(1));
    let late = judged(&resigned(&sealed, &party.identity, |to_sign| to_sign.time = after), &world);
    assert!(late.seals[0].notes.iter().any(|note| note.code == NoteCode::SignerNotValidAtSealing));
    assert!(late.is_flagged() && !judged(&sealed, &world).is_flagged());
}

#[test]
fn an_earlier_seal_names_the_later_ones_that_protect_it() {
    let world = World::new();
    let twice = world.party("乙方").seal(&world.party("甲方").seal(&contract()));
    let judgement = judged(&twice, &world);
    let later = |seal: usize| judgement.seals[seal].notes.iter().find(|note| note.code == NoteCode::LaterSignatures);
    assert_eq!(later(0).and_then(|note| note.detail.as_deref()), Some("s003"));
    assert_eq!(later(1), None);
}
