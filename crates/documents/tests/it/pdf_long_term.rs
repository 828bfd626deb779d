//! PAdES B-T, B-LT and B-LTA, with OpenSSL's authority and before other programs.

use std::sync::Arc;

use eseal_documents::pdf::{self, Completed, SealingOptions, Source, ValidationData};
use eseal_documents::{DocumentError, Limits, Severity, Verdict};
use eseal_kernel::Clock;
use eseal_pki::{DigestAlg, Signer as _};

use crate::support::authority::Authority;
use crate::support::pdf_builder::{PLAIN, Shape, Xref};
use crate::support::pdf_parties::{PLACE, PdfWorld, judged, source};
use crate::support::peers::{pyhanko, run, said};

fn bytes(completed: &Completed) -> Vec<u8> {
    let mut out = Vec::new();
    completed.write(&mut out, &mut |_| {}).expect("written");
    assert_eq!(out.len() as u64, completed.bytes());
    out
}

/// A document sealed with a time stamp over the signature value.
fn stamped(world: &PdfWorld, authority: &Authority, document: &[u8]) -> Vec<u8> {
    let party = world.party("Party A");
    let room = pdf::time_stamp_room(&authority.token("sha256", &[7; 32])).expect("a token");
    let options = SealingOptions { time_stamp_room: room, ..SealingOptions::default() };
    let prepared = party.prepare(document, &[PLACE.into()], options).expect("prepared");
    let signature = party.key.sign(prepared.to_sign()).expect("a signature");
    let token = authority.token("sha256", &DigestAlg::Sha256.digest(&signature));
    assert!(authority.holds(&token, &signature));
    let (completed, sealed) = prepared.complete(&signature, Some(&token)).expect("complete");
    assert!(sealed.signature.windows(token.len()).any(|window| window == token));
    bytes(&completed)
}

/// The same with data for validation.
fn with_data(world: &PdfWorld, authority: &Authority, document: &[u8]) -> Vec<u8> {
    let holders = world.holders.certificate().der().to_vec();
    let crl = world.holders.crl(Clock::System.now()).expect("a list").der().to_vec();
    let (ca, tsa, tsa_crl) = (authority.get("ca.der"), authority.get("tsa.der"), authority.get("crl.der"));
    let data = ValidationData { certificates: &[&holders, &ca, &tsa], crls: &[&crl, &tsa_crl], ocsps: &[] };
    let completed = pdf::add_validation_data(source(document), &data, "", &Limits::default()).expect("added");
    let once = bytes(&completed);
    // What is there already is not added again.
    let again = pdf::add_validation_data(source(&once), &data, "", &Limits::default()).expect("added");
    assert!(again.update().len() < 1_500, "{}", again.update().len());
    once
}

fn with_time_stamp(authority: &Authority, document: &[u8], digest: DigestAlg, name: &str) -> Vec<u8> {
    let document: Source = Arc::new(document.to_vec());
    let room = pdf::time_stamp_room(&authority.token(name, &vec![7; digest.output_len()])).expect("a token");
    let prepared = pdf::prepare_time_stamp(document, digest, room, "", &Limits::default(), &mut |_| {});
    let prepared = prepared.expect("prepared");
    let token = authority.token(name, prepared.imprint());
    bytes(&prepared.complete(&token).expect("complete"))
}

/// What pyHanko says by ETSI EN 319 102-1.
fn ades(world: &PdfWorld, authority: &Authority, document: &[u8]) -> Option<String> {
    authority.put("holders.pem", world.holders.certificate().to_pem().as_bytes());
    authority.put("document.pdf", document);
    let path = |name: &str| authority.path(name).to_str().expect("a name").to_owned();
    let words = [
        "sign",
        "adesverify",
        "--trust",
        &path("holders.pem"),
        "--trust",
        &path("ca.pem"),
        "--trust-replace",
        "--pretty-print",
        &path("document.pdf"),
    ];
    run(pyhanko().to_str().expect("a name"), &words).map(|output| said(&output))
}

#[test]
fn a_seal_grows_from_b_t_to_b_lta_and_stays_good_for_us_and_for_others() {
    let Some(authority) = Authority::new() else { return };
    let world = PdfWorld::new();
    for shape in [PLAIN, Shape { xref: Xref::Stream, name: "streams", ..PLAIN }] {
        let t = stamped(&world, &authority, &shape.build());
        let lt = with_data(&world, &authority, &t);
        let lta = with_time_stamp(&authority, &lt, DigestAlg::Sha256, "sha256");
        // And once more, as one does when the first stamp grows old.
        let renewed = with_time_stamp(&authority, &lta, DigestAlg::Sha512, "sha512");
        for (level, document) in [("B-T", &t), ("B-LT", &lt), ("B-LTA", &lta), ("B-LTA again", &renewed)] {
            let judgement = judged(document, &world);
            assert_eq!(judgement.verdict, Verdict::Valid, "{} {level}: {judgement:?}", shape.name);
            let warning = judgement.seals[0].notes.iter().any(|note| note.severity() == Severity::Warning);
            assert!(!warning, "{} {level}: {judgement:?}", shape.name);
            authority.put("document.pdf", document);
            let name = authority.path("document.pdf");
            let name = name.to_str().expect("a name");
            if let Some(output) = run("qpdf", &["--check", name]) {
                assert!(output.status.success() && !said(&output).contains("WARNING"), "{level}: {}", said(&output));
            }
            if let Some(output) = run("pdfsig", &["-nocert", name]) {
                assert!(said(&output).contains("Signature is Valid."), "{} {level}: {}", shape.name, said(&output));
            }
        }
        let Some(said) = ades(&world, &authority, &lta) else { continue };
        assert!(said.contains("VALID") && !said.contains("INVALID"), "{}: {said}", shape.name);
    }
}

#[test]
fn openssl_finds_the_time_stamp_of_a_document_over_its_exact_bytes() {
    let Some(authority) = Authority::new() else { return };
    let stamped = with_time_stamp(&authority, &PLAIN.build(), DigestAlg::Sha256, "sha256");
    let text = String::from_utf8_lossy(&stamped);
    assert!(text.contains("/Type /DocTimeStamp") && text.contains("/SubFilter /ETSI.RFC3161"));
    let start = memchr::memmem::find(&stamped, b"/Contents <").expect("a value") + "/Contents ".len();
    let end = start + stamped[start..].iter().position(|byte| *byte == b'>').expect("its end") + 1;
    let mut token = hex::decode(&stamped[start + 1..end - 1]).expect("hexadecimal");
    let length = 4 + usize::from(u16::from_be_bytes([token[2], token[3]]));
    assert_eq!(token[1], 0x82, "a long form of two bytes");
    token.truncate(length);
    let covered = [&stamped[..start], &stamped[end..]].concat();
    assert!(authority.holds(&token, &covered));
    assert!(!authority.holds(&token, &stamped));
}

#[test]
fn a_token_over_something_else_or_larger_than_its_room_is_refused() {
    let Some(authority) = Authority::new() else { return };
    let party = PdfWorld::new().party("甲方");
    let other = authority.token("sha256", &[7; 32]);
    let complete = |room: usize, token: &dyn Fn(&[u8]) -> Vec<u8>| {
        let options = SealingOptions { time_stamp_room: room, ..SealingOptions::default() };
        let prepared = party.prepare(&PLAIN.build(), &[PLACE.into()], options).expect("prepared");
        let signature = party.key.sign(prepared.to_sign()).expect("a signature");
        prepared.complete(&signature, Some(&token(&signature))).map(|_| ())
    };
    let right = |signature: &[u8]| authority.token("sha256", &DigestAlg::Sha256.digest(signature));
    let room = pdf::time_stamp_room(&other).expect("a token");
    let refused = |result: Result<(), DocumentError>, word: &str| {
        let refused = result.expect_err("refused");
        assert!(matches!(&refused, DocumentError::TimeStampRefused { what } if what.contains(word)), "{refused}");
    };
    refused(complete(room, &|_| other.clone()), "not the one");
    refused(complete(100, &right), "room was kept for 100");
    refused(complete(0, &right), "room was kept for 0");
    refused(complete(room, &|_| b"no token".to_vec()), "CMS");
    assert!(complete(room, &right).is_ok());

    let prepared =
        pdf::prepare_time_stamp(source(&PLAIN.build()), DigestAlg::Sha256, room, "", &Limits::default(), &mut |_| {});
    let refused_stamp = prepared.expect("prepared").complete(&other).expect_err("refused");
    assert!(matches!(refused_stamp, DocumentError::TimeStampRefused { .. }), "{refused_stamp}");
    assert!(pdf::time_stamp_room(b"no token").is_err());
}
