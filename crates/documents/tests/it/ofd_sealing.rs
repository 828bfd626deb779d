//! Sealing an OFD document, and what others say of the result.

use std::fs;
use std::io::{Cursor, Write as _};
use std::process::Command;

use eseal_documents::ofd::{self, SealingOptions, SealingRequest};
use eseal_documents::{Check, DocumentError, Limits, NoteCode, Outcome, PageSize, Place, Reason, Stamp, Verdict};
use eseal_pki::{Signer, SigningKey, Suite};
use eseal_seal::SesSignature;
use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::support::hostile::{content, entries};
use crate::support::ofd_contract::{contract, contract_of, entries_of, zip_of};
use crate::support::parties::{PLACE, World, info, judged, now, source, verify};

const SIGNATURE: &str = "Doc_0/Signs/Sign_0/SignedValue.dat";

#[test]
fn a_sealed_contract_is_valid_for_who_trusts_both_authorities() {
    let world = World::new();
    let sealed = world.party("甲方").seal(&contract());
    let judgement = judged(&sealed, &world);
    assert_eq!(judgement.verdict, Verdict::Valid, "{:?}", judgement.seals);
    assert!(!judgement.is_flagged(), "{:?}", judgement.notes);
    let report = verify(&sealed);
    assert_eq!(report.seals[0].stamps, [PLACE.into()]);
    assert_eq!(report.seals[0].signed_at, Some(now()));
    assert_eq!(report.notes, []);
    let steps: Vec<_> = judgement.seals[0].steps.iter().map(|step| (step.check, step.outcome)).collect();
    let all = Check::ALL.iter().filter(|check| steps.iter().any(|(made, _)| made == *check));
    assert_eq!(steps, all.map(|check| (*check, Outcome::Passed)).collect::<Vec<_>>());
}

#[test]
fn two_seals_one_after_the_other_both_stay_valid() {
    let world = World::new();
    let (first, second) = (world.party("甲方"), world.party("乙方"));
    let once = first.seal(&contract());
    let twice = second.seal(&once);
    let judgement = judged(&twice, &world);
    assert_eq!(judgement.verdict, Verdict::Valid, "{:?}", judgement.seals);
    assert!(!judgement.is_flagged(), "{:?}", judgement.notes);
    let ids: Vec<_> = judgement.seals.iter().map(|seal| seal.id.clone()).collect();
    assert_eq!(ids, ["s001", "s003"]);
    // The second seal protects everything that the first one consists of.
    let descriptor = String::from_utf8(content(&twice, "Doc_0/Signs/Sign_1/Signature.xml")).expect("text");
    for file in ["Signature.xml", "Seal.esl", "SignedValue.dat"] {
        assert!(descriptor.contains(&format!("FileRef=\"/Doc_0/Signs/Sign_0/{file}\"")), "{file}");
    }
}

#[test]
fn one_seal_can_show_many_impressions() {
    let world = World::new();
    let places = [PLACE, Place { page: 2, x_mm: 257.0, y_mm: 170.0, ..PLACE }];
    let (sealed, _) = world.party("甲方").try_seal(&contract(), &places).expect("sealed");
    assert_eq!(verify(&sealed).seals[0].stamps, places.map(Stamp::from));
    assert_eq!(judged(&sealed, &world).verdict, Verdict::Valid);
}

#[test]
fn every_entry_that_sealing_does_not_change_is_copied_byte_for_byte() {
    let world = World::new();
    // Compressed as we never do it: else an entry that is written anew would come out the same.
    let mut files = entries_of(2);
    files.push(("Doc_0/Res/picture.png".to_owned(), vec![7; 10_000]));
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in &files {
        let method = if name.ends_with(".xml") { CompressionMethod::Stored } else { CompressionMethod::Deflated };
        writer.start_file(name, SimpleFileOptions::default().compression_method(method)).expect("an entry");
        writer.write_all(content).expect("its content");
    }
    let document = writer.finish().expect("a package").into_inner();
    let sealed = world.party("甲方").seal(&document);
    let (before, after) = (raw(&document), raw(&sealed));
    for (name, bytes) in &before {
        let kept = after.iter().find(|(other, _)| other == name).expect("the entry");
        assert_eq!(kept.1 == *bytes, name != "OFD.xml", "{name}");
    }
    let added: Vec<&str> = after.iter().map(|(name, _)| name.as_str()).skip(before.len()).collect();
    let expected =
        ["Doc_0/Signs/Sign_0/Seal.esl", "Doc_0/Signs/Sign_0/Signature.xml", SIGNATURE, "Doc_0/Signs/Signatures.xml"];
    assert_eq!(added, expected);
}

#[test]
fn the_header_of_every_entry_has_its_size_and_checksum() {
    let world = World::new();
    let mut files = entries_of(1);
    files.push(("Doc_0/Res/stored.png".to_owned(), vec![7; 100_000]));
    let sealed = world.party("甲方").seal(&zip_of(&files));
    let mut zip = ZipArchive::new(Cursor::new(&sealed)).expect("a package");
    for index in 0..zip.len() {
        let file = zip.by_index_raw(index).expect("an entry");
        let header = &sealed[usize::try_from(file.header_start()).expect("an offset")..];
        let long = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().expect("four bytes"));
        assert_eq!(header[6] & 8, 0, "no sizes behind the entry");
        assert_eq!((long(14), u64::from(long(22))), (file.crc32(), file.size()));
    }
}

#[test]
fn ofd_xml_gets_one_element_and_keeps_every_other_byte() {
    let world = World::new();
    let document = contract();
    let sealed = world.party("甲方").seal(&document);
    let after = String::from_utf8(content(&sealed, "OFD.xml")).expect("text");
    let inserted = "<ofd:Signatures>/Doc_0/Signs/Signatures.xml</ofd:Signatures>";
    assert_eq!(after.replace(inserted, "").as_bytes(), content(&document, "OFD.xml"));
}

#[test]
fn a_package_whose_ofd_xml_is_in_lower_case_is_sealed_without_a_second_one() {
    let world = World::new();
    let mut files = entries_of(1);
    files[0].0 = "ofd.xml".to_owned();
    let sealed = world.party("甲方").seal(&zip_of(&files));
    assert_eq!(judged(&sealed, &world).verdict, Verdict::Valid);
    assert_eq!(entries(&sealed).iter().filter(|(name, _)| name.eq_ignore_ascii_case("ofd.xml")).count(), 1);
}

#[test]
fn bytes_in_front_of_and_behind_the_zip_are_tolerated() {
    let world = World::new();
    let padded = [&b"#!/bin/sh\n"[..], &contract(), b"\r\n\r\n"].concat();
    assert_eq!(judged(&world.party("甲方").seal(&padded), &world).verdict, Verdict::Valid);
}

#[test]
fn names_in_gbk_are_sealed_and_kept() {
    let world = World::new();
    let mut entries = entries_of(1);
    entries.push(("Doc_0/Res/XXXX.png".to_owned(), b"picture".to_vec()));
    let mut document = zip_of(&entries);
    let (gbk, _, _) = encoding_rs::GBK.encode("公章");
    for at in 0..document.len() - 4 {
        if &document[at..at + 4] == b"XXXX" {
            document[at..at + 4].copy_from_slice(&gbk);
        }
    }
    let sealed = world.party("甲方").seal(&document);
    let judgement = judged(&sealed, &world);
    assert_eq!((judgement.verdict, judgement.is_flagged()), (Verdict::Valid, false), "{:?}", judgement.notes);
    let descriptor = String::from_utf8(content(&sealed, "Doc_0/Signs/Sign_0/Signature.xml")).expect("text");
    assert!(descriptor.contains("FileRef=\"/Doc_0/Res/公章.png\""));
    assert!(sealed.windows(gbk.len()).any(|window| window == &*gbk), "the name is kept as it was");
}

#[test]
fn ten_thousand_pages_are_sealed_and_verified() {
    let world = World::new();
    let document = contract_of(10_000);
    let place = Place { page: 10_000, x_mm: 257.0, y_mm: 0.0, ..PLACE };
    let (sealed, _) = world.party("甲方").try_seal(&document, &[place]).expect("sealed");
    let judgement = judged(&sealed, &world);
    assert_eq!((judgement.verdict, judgement.is_flagged()), (Verdict::Valid, false), "{:?}", judgement.notes);
    assert_eq!(verify(&sealed).pages, 10_000);
}

#[test]
fn pages_have_their_own_size_or_that_of_the_document() {
    let sizes = ofd::pages(&source(&contract()), &Limits::default()).expect("pages");
    let (portrait, landscape) =
        (PageSize { width_mm: 210.0, height_mm: 297.0 }, PageSize { width_mm: 297.0, height_mm: 210.0 });
    assert_eq!(sizes, [portrait, landscape]);
}

#[test]
fn a_place_that_is_not_on_a_page_is_refused_with_what_there_is() {
    let world = World::new();
    let party = world.party("甲方");
    let refused = |place| party.try_seal(&contract(), &[place]).expect_err("refused");
    for page in [0, 3, u32::MAX] {
        let error = refused(Place { page, ..PLACE });
        assert!(matches!(error, DocumentError::NoSuchPage { pages: 2, .. }), "{error}");
    }
    let message = refused(Place { page: 2, x_mm: 260.0, ..PLACE }).to_string();
    assert!(message.contains("297 × 210 mm") && message.contains("2 pages"), "{message}");
    let none = party.try_seal(&contract(), &[]).expect_err("refused");
    assert!(matches!(none, DocumentError::NoPlace));
}

#[test]
fn a_seal_that_is_not_valid_at_the_sealing_time_is_refused() {
    let world = World::new();
    let party = world.party("甲方");
    let later = info("甲方", &[&party.identity.certificate]).valid_to.plus(std::time::Duration::from_secs(1));
    let request = SealingRequest {
        seal: &ofd::UsableSeal::from_der(&party.seal).expect("a usable seal"),
        stamps: &[PLACE.into()],
        time: later,
        options: SealingOptions::default(),
    };
    let error = ofd::prepare(source(&contract()), &request, &Limits::default(), &mut |_| {}).expect_err("refused");
    assert!(matches!(error, DocumentError::SealNotValid { .. }), "{error}");
}

#[test]
fn a_seal_whose_makers_signature_is_wrong_is_refused() {
    let world = World::new();
    let mut party = world.party("甲方");
    let last = party.seal.len() - 1;
    party.seal[last] ^= 1;
    let error = party.try_seal(&contract(), &[PLACE]).expect_err("refused");
    assert_eq!(error.reason(), Reason::SealUnusable);
    party.seal.truncate(40);
    assert_eq!(party.try_seal(&contract(), &[PLACE]).expect_err("refused").reason(), Reason::SealUnusable);
}

#[test]
fn a_signature_by_another_key_or_certificate_is_refused_before_anything_is_written() {
    let world = World::new();
    let (party, stranger) = (world.party("甲方"), world.holder("丙方"));
    let request = SealingRequest {
        seal: &ofd::UsableSeal::from_der(&party.seal).expect("a usable seal"),
        stamps: &[PLACE.into()],
        time: now(),
        options: SealingOptions::default(),
    };
    let document = contract();
    let prepared = ofd::prepare(source(&document), &request, &Limits::default(), &mut |_| {}).expect("prepared");
    let signature = stranger.key.sign(prepared.to_sign()).expect("a signature");
    let mut out = Vec::new();
    let foreign = prepared.clone().finish(&mut out, &stranger.certificate, &signature, &mut |_| {});
    assert!(matches!(foreign, Err(DocumentError::SignerNotInSeal)));
    let wrong = prepared.finish(&mut out, &party.identity.certificate, &signature, &mut |_| {});
    assert!(matches!(wrong, Err(DocumentError::SigningFailed)));
    assert!(out.is_empty());
}

#[test]
fn only_sm2_keys_seal_ofd_documents() {
    let world = World::new();
    let key = SigningKey::generate(Suite::EcdsaP256Sha256).expect("a key");
    let holder = world.holder_with(key);
    let seal = world.maker().makes(&info("甲方", &[&holder.certificate]));
    let error = holder.try_seal_with(&seal, &contract(), &[PLACE]).expect_err("refused");
    assert!(matches!(error, DocumentError::NotAnSm2Key), "{error}");
}

#[test]
fn progress_ends_with_everything_done() {
    let world = World::new();
    let sealed = world.party("甲方").seal(&contract());
    let mut heard = Vec::new();
    ofd::verify(&source(&sealed), &Limits::default(), &mut |progress| heard.push(progress)).expect("a report");
    let last = heard.last().expect("some progress");
    assert!(last.total > 0 && last.done == last.total);
    assert!(heard.windows(2).all(|pair| pair[0].done <= pair[1].done));
}

#[test]
fn openssl_verifies_the_signatures_over_their_exact_bytes() {
    let world = World::new();
    let sealed = world.party("甲方").seal(&contract());
    let signature = SesSignature::from_der(&content(&sealed, SIGNATURE)).expect("a signature");
    let holder = signature.certificate().expect("a certificate");
    assert!(openssl_verifies(holder, signature.to_sign_der(), signature.signature()));
    let seal = signature.seal();
    assert!(openssl_verifies(seal.maker_certificate().expect("a maker"), seal.signed_bytes(), seal.signature()));
    let other = [signature.to_sign_der(), b" "].concat();
    assert!(!openssl_verifies(holder, &other, signature.signature()), "openssl does look");
}

#[test]
fn the_crate_sofd_sign_accepts_the_signature_value() {
    let world = World::new();
    let sealed = world.party("甲方").seal(&contract());
    let mut package = sofd_package::Package::from_bytes(&sealed).expect("a package");
    let list = sofd_sign::read_sign_list(&mut package, "Doc_0/Signs/Signatures.xml").expect("a list");
    assert_eq!(list.len(), 1);
    let mut signature = sofd_sign::read_signature(&mut package, &list[0].base_loc).expect("a signature");
    assert_eq!(signature.stamps.len(), 1);
    assert_eq!((signature.stamps[0].page_ref.as_str(), signature.references.len()), ("10", 6));
    signature.read_check_value(&mut package).expect("a value");
    let status = sofd_sign::verify_signature(&mut package, &signature).expect("a status");
    assert_eq!(status, sofd_sign::VerifyStatus::Valid);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn sealing_leaves_the_content_of_every_other_file_alone(
        files in proptest::collection::btree_map("[a-zA-Z0-9一-龥]{1,12}", proptest::collection::vec(any::<u8>(), 0..2_000), 0..8),
    ) {
        let world = World::new();
        let mut all = entries_of(1);
        // Names that differ in case only would be refused, so each has its number in front.
        let named = files.into_iter().zip(0..).map(|((name, bytes), number)| (format!("Doc_0/Res/{number}{name}"), bytes));
        all.extend(named);
        let document = zip_of(&all);
        let sealed = world.party("甲方").seal(&document);
        let after = entries(&sealed);
        for (name, bytes) in all.iter().filter(|(name, _)| name != "OFD.xml") {
            prop_assert!(after.contains(&(name.clone(), bytes.clone())), "{}", name);
        }
        let report = verify(&sealed);
        prop_assert_eq!(report.seals[0].content, Outcome::Passed);
        prop_assert!(report.notes.iter().all(|note| note.code != NoteCode::EntriesUncovered));
    }
}

/// Every entry with its compressed bytes, in order.
fn raw(package: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut zip = ZipArchive::new(Cursor::new(package)).expect("a package");
    (0..zip.len())
        .map(|index| {
            let mut file = zip.by_index_raw(index).expect("an entry");
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut file, &mut bytes).expect("its bytes");
            (file.name().expect("a name").into_owned(), bytes)
        })
        .collect()
}

fn openssl_verifies(signer: &eseal_pki::Certificate, signed: &[u8], signature: &[u8]) -> bool {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("written");
        path
    };
    let key = signer.public_key().expect("a key").to_spki_der();
    let status = Command::new("openssl")
        .args(["pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-rawin", "-digest", "sm3"])
        .args(["-pkeyopt", "distid:1234567812345678", "-inkey"])
        .arg(file("key", &key))
        .arg("-in")
        .arg(file("signed", signed))
        .arg("-sigfile")
        .arg(file("signature", signature))
        .output()
        .expect("openssl runs");
    status.status.success()
}
