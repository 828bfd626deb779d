//! 防夹带: the signed list of all files of a package (GM/T 0099 annex D).

use eseal_documents::ofd::prepare_list;
use eseal_documents::{DocumentError, Limits, NoteCode, Verdict};
use eseal_pki::tsp::DevelopmentTsa;
use eseal_pki::{SignedData, Signer, Suite};

use crate::support::hostile::{content, with_added, with_changed, with_replaced, without};
use crate::support::ofd_contract::contract;
use crate::support::parties::{Identity, PLACE, World, judged, now, source, verify};

const LIST: &str = "OFDEntries.xml";
const VALUE: &str = "signedvalue.dat";

fn listed(document: &[u8], signer: &Identity) -> Vec<u8> {
    let prepared = prepare_list(source(document), now(), &Limits::default()).expect("prepared");
    let signature = signer.key.sign(prepared.to_sign()).expect("a signature");
    let mut out = Vec::new();
    prepared.finish(&mut out, &signer.certificate, &signature, None, &mut |_| {}).expect("written");
    out
}

fn notes(document: &[u8]) -> Vec<(NoteCode, Option<String>)> {
    verify(document).notes.into_iter().map(|note| (note.code, note.detail)).collect()
}

#[test]
fn a_sealed_document_with_a_list_of_its_files_is_valid_and_says_who_signed_the_list() {
    let world = World::new();
    let clerk = world.holder("经办人");
    let document = listed(&world.party("甲方").seal(&contract()), &clerk);
    let judgement = judged(&document, &world);
    assert_eq!((judgement.verdict, judgement.is_flagged()), (Verdict::Valid, false), "{:?}", judgement.notes);
    assert_eq!(notes(&document), [(NoteCode::IntegrityListHolds, Some(clerk.certificate.subject()))]);
    let list = String::from_utf8(content(&document, LIST)).expect("text");
    assert_eq!(list.matches("<ofd:File ").count(), 9);
    assert!(list.contains("FileLoc=\"/Doc_0/Signs/Sign_0/SignedValue.dat\""));
}

#[test]
fn a_file_that_is_not_on_the_list_is_flagged_even_where_nothing_is_sealed() {
    let world = World::new();
    let document = listed(&contract(), &world.holder("经办人"));
    assert_eq!(notes(&document).len(), 1);
    let smuggled = with_added(&document, "Doc_0/Res/smuggled.xml", b"<a/>");
    assert_eq!(notes(&smuggled), [(NoteCode::FilesNotListed, Some("Doc_0/Res/smuggled.xml".to_owned()))]);
    assert!(judged(&smuggled, &world).is_flagged());
    let missing = without(&document, "Doc_0/PublicRes.xml");
    assert_eq!(notes(&missing), [(NoteCode::ListedFilesMissing, Some("/Doc_0/PublicRes.xml".to_owned()))]);
}

#[test]
fn a_list_that_was_changed_or_has_no_signature_does_not_hold() {
    let world = World::new();
    let document = listed(&contract(), &world.holder("经办人"));
    let named = with_added(&document, "Doc_0/Res/smuggled.xml", b"<a/>");
    let entry = "<ofd:File ID=\"99\" FileLoc=\"/Doc_0/Res/smuggled.xml\"/></ofd:FileList>";
    let flipped = with_changed(&document, VALUE, |mut value| {
        let at = value.len() - 3;
        value[at] ^= 0x10;
        value
    });
    for broken in [
        with_replaced(&named, LIST, "</ofd:FileList>", entry),
        flipped,
        without(&document, VALUE),
        with_changed(&document, VALUE, |_| b"nothing".to_vec()),
        with_changed(&document, LIST, |_| b"<a".to_vec()),
        with_replaced(&document, LIST, "/signedvalue.dat", "/OFD.xml"),
    ] {
        let found = notes(&broken);
        assert_eq!(found[0].0, NoteCode::IntegrityListWrong, "{found:?}");
        assert!(judged(&broken, &world).is_flagged());
    }
}

#[test]
fn a_list_with_a_time_stamp_over_its_signature_holds() {
    let world = World::new();
    let clerk = world.holder("经办人");
    let prepared = prepare_list(source(&contract()), now(), &Limits::default()).expect("prepared");
    let signature = clerk.key.sign(prepared.to_sign()).expect("a signature");
    let tsa = DevelopmentTsa::create(Suite::Sm2Sm3, now()).expect("an authority");
    let token = tsa.stamp(&signature, now()).expect("a stamp");
    let mut out = Vec::new();
    prepared.finish(&mut out, &clerk.certificate, &signature, Some(token.der()), &mut |_| {}).expect("written");
    assert_eq!(notes(&out)[0].0, NoteCode::IntegrityListHolds);
    let data = SignedData::from_der(&content(&out, VALUE)).expect("a SignedData");
    assert_eq!(data.signers()[0].time_stamp_tokens().count(), 1);
}

#[test]
fn a_document_with_a_list_takes_no_seal_and_no_second_list() {
    let world = World::new();
    let document = listed(&contract(), &world.holder("经办人"));
    let refused = world.party("甲方").try_seal(&document, &[PLACE]).expect_err("the list would be untrue");
    assert!(matches!(&refused, DocumentError::Locked { by, .. } if by == LIST), "{refused}");
    let again = prepare_list(source(&document), now(), &Limits::default());
    assert!(matches!(again, Err(DocumentError::Locked { .. })));
}

#[test]
fn a_signature_by_another_key_is_refused_before_anything_is_written() {
    let world = World::new();
    let (signer, other) = (world.holder("经办人"), world.holder("丙方"));
    let prepared = prepare_list(source(&contract()), now(), &Limits::default()).expect("prepared");
    let signature = other.key.sign(prepared.to_sign()).expect("a signature");
    let mut out = Vec::new();
    let refused = prepared.finish(&mut out, &signer.certificate, &signature, None, &mut |_| {});
    assert!(matches!(refused, Err(DocumentError::SigningFailed)));
    assert!(out.is_empty());
}
