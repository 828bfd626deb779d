//! Whatever is done to a sealed OFD document, somebody must be told.

use eseal_documents::{Check, Judgement, NoteCode, Outcome, Reason, SealJudgement, Verdict};

use crate::support::hostile::{content, with_added, with_changed, with_replaced, without};
use crate::support::ofd_contract::contract;
use crate::support::parties::{World, judged};
use crate::support::resigning::{DESCRIPTOR, LIST, SEAL, VALUE};

const PAGE: &str = "Doc_0/Pages/Page_0/Content.xml";

/// The only seal of a document after something was done to it.
fn seal_after(change: impl FnOnce(&[u8]) -> Vec<u8>) -> SealJudgement {
    let world = World::new();
    let sealed = world.party("甲方").seal(&contract());
    let judgement = judged(&change(&sealed), &world);
    assert_ne!(judgement.verdict, Verdict::Valid);
    judgement.seals.into_iter().next().expect("a seal")
}

fn flags(judgement: &Judgement) -> Vec<NoteCode> {
    judgement.notes.iter().map(|note| note.code).collect()
}

#[test]
fn a_changed_page_is_found() {
    let seal = seal_after(|sealed| with_replaced(sealed, PAGE, "壹拾万元", "玖拾万元"));
    assert_eq!(seal.items(), [Outcome::Passed, Outcome::Failed(Reason::ContentAltered), Outcome::Passed]);
    let step = seal.steps.iter().find(|step| step.check == Check::References).expect("a step");
    assert_eq!(step.detail.as_deref(), Some(PAGE));
}

#[test]
fn a_removed_page_is_found() {
    let seal = seal_after(|sealed| without(sealed, PAGE));
    assert_eq!(seal.content, Outcome::Failed(Reason::ContentMissing));
}

#[test]
fn a_moved_stamp_is_found() {
    let seal = seal_after(|sealed| with_replaced(sealed, DESCRIPTOR, "Boundary=\"120 200", "Boundary=\"10 10"));
    assert_eq!(seal.content, Outcome::Failed(Reason::DataHashDiffers));
}

#[test]
fn a_changed_page_with_its_digest_adapted_is_found() {
    let seal = seal_after(|sealed| {
        let sealed = with_changed(sealed, PAGE, |_| b"<ofd:Page xmlns:ofd='http://www.ofdspec.org/2016'/>".to_vec());
        with_changed(&sealed, DESCRIPTOR, |descriptor| {
            let text = String::from_utf8(descriptor).expect("text");
            let at = text.find(PAGE).expect("the page");
            let (start, rest) = text.split_at(at);
            let end = rest.find("</ofd:CheckValue>").expect("its digest");
            let digest = "x5LbPIKWyT2TQAF+lAdDzxyl4TTLDHZHNPWIgqrtFsc=";
            let begin = rest.find("<ofd:CheckValue>").expect("its digest") + "<ofd:CheckValue>".len();
            [start, &rest[..begin], digest, &rest[end..]].concat().into_bytes()
        })
    });
    assert!(seal.content.is_failed());
    assert_eq!(
        seal.steps.iter().find(|step| step.check == Check::DataHash).map(|step| step.outcome),
        Some(Outcome::Failed(Reason::DataHashDiffers))
    );
}

#[test]
fn a_bit_flipped_in_the_signature_value_is_found() {
    let seal = seal_after(|sealed| with_changed(sealed, VALUE, |value| flipped(&value, value.len() - 3)));
    assert_eq!(seal.content, Outcome::Failed(Reason::SignatureValueWrong));
}

#[test]
fn no_bit_of_the_signature_can_be_flipped_unnoticed() {
    let world = World::new();
    let sealed = world.party("甲方").seal(&contract());
    let value = content(&sealed, VALUE);
    for at in (0..value.len()).step_by(7) {
        let tampered = with_changed(&sealed, VALUE, |value| flipped(&value, at));
        assert_eq!(judged(&tampered, &world).verdict, Verdict::Invalid, "byte {at} of {}", value.len());
    }
}

#[test]
fn the_missing_files_of_a_signature_are_found() {
    for name in [DESCRIPTOR, VALUE] {
        let seal = seal_after(|sealed| without(sealed, name));
        assert_eq!(seal.content, Outcome::Failed(Reason::SignatureMalformed), "{name}");
    }
    let seal = seal_after(|sealed| without(sealed, SEAL));
    assert_eq!(seal.impression, Outcome::Failed(Reason::SealMissing));
}

#[test]
fn a_seal_file_other_than_the_signed_seal_is_found() {
    let other = World::new().party("乙方").seal;
    let seal = seal_after(|sealed| with_changed(sealed, SEAL, |_| other));
    assert_eq!(seal.impression, Outcome::Failed(Reason::SealCopyDiffers));
    assert_eq!(seal.content, Outcome::Failed(Reason::ContentAltered), "Seal.esl is protected too");
}

#[test]
fn a_smuggled_file_is_flagged() {
    let world = World::new();
    let sealed = world.party("甲方").seal(&contract());
    let judgement = judged(&with_added(&sealed, "Doc_0/Res/extra.xml", b"<a/>"), &world);
    assert_eq!((judgement.verdict, flags(&judgement)), (Verdict::Valid, vec![NoteCode::EntriesUncovered]));
    assert!(judgement.is_flagged());
}

#[test]
fn a_file_that_the_document_uses_but_no_seal_covers_is_flagged_as_such() {
    let world = World::new();
    // The document uses an attachment that is not there yet when it is sealed.
    let attached = "<ofd:Attachments>Attachs/Attachments.xml</ofd:Attachments></ofd:Document>";
    let document = with_replaced(&contract(), "Doc_0/Document.xml", "</ofd:Document>", attached);
    let sealed = world.party("甲方").seal(&document);
    let sealed = with_added(&sealed, "Doc_0/Attachs/Attachments.xml", b"<a FileLoc='a.pdf'/>");
    let sealed = with_added(&sealed, "Doc_0/Attachs/a.pdf", b"%PDF-");
    let judgement = judged(&sealed, &world);
    assert_eq!(flags(&judgement), [NoteCode::ContentUncovered, NoteCode::IndexUncovered]);
    let details: Vec<_> = judgement.notes.iter().filter_map(|note| note.detail.as_deref()).collect();
    assert_eq!(details, ["Doc_0/Attachs/a.pdf", "Doc_0/Attachs/Attachments.xml"]);
    assert!(judgement.is_flagged());
}

#[test]
fn a_signature_taken_out_of_the_list_is_flagged() {
    let world = World::new();
    let once = world.party("甲方").seal(&contract());
    let twice = world.party("乙方").seal(&once);
    let entry = "<ofd:Signature ID=\"s001\" Type=\"Seal\" BaseLoc=\"/Doc_0/Signs/Sign_0/Signature.xml\"/>";
    let judgement = judged(&with_replaced(&twice, LIST, entry, ""), &world);
    assert_eq!(judgement.seals.len(), 1);
    assert_eq!(flags(&judgement), [NoteCode::SignatureOrphaned]);
}

#[test]
fn what_is_called_like_a_signature_and_is_none_is_missing_from_no_list() {
    let world = World::new();
    let others: [(&str, &[u8]); 3] = [
        ("Doc_0/Res/table.dat", b"1,2,3"),
        ("Doc_0/Tags/design.xml", b"<a/>"),
        ("Doc_0/Res/seals.xml", b"<Signature>drawn</Signature>"),
    ];
    let document = others.iter().fold(contract(), |document, (name, bytes)| with_added(&document, name, bytes));
    for document in [world.party("甲方").seal(&document), document] {
        assert_eq!(flags(&judged(&document, &world)), []);
    }
}

#[test]
fn a_list_taken_out_of_the_document_is_flagged() {
    let world = World::new();
    let sealed = world.party("甲方").seal(&contract());
    let entry = "<ofd:Signatures>/Doc_0/Signs/Signatures.xml</ofd:Signatures>";
    let judgement = judged(&with_replaced(&sealed, "OFD.xml", entry, ""), &world);
    assert_eq!((judgement.verdict, flags(&judgement)), (Verdict::Unsealed, vec![NoteCode::SignatureOrphaned]));
    let judgement = judged(&without(&sealed, LIST), &world);
    assert!(flags(&judgement).contains(&NoteCode::SignatureListMissing));
}

#[test]
fn an_entry_that_the_header_in_front_of_it_calls_otherwise_is_flagged() {
    let world = World::new();
    let sealed = world.party("甲方").seal(&contract());
    // A reader that goes through the headers from the front sees another first page than one that uses the directory.
    let at = find(&sealed, PAGE.as_bytes());
    let mut shadowed = sealed.clone();
    shadowed[at + PAGE.len() - 5] = b'x';
    let judgement = judged(&shadowed, &world);
    assert_eq!(flags(&judgement), [NoteCode::PackageAmbiguous]);
    assert_eq!(judgement.notes[0].detail.as_deref(), Some(PAGE));
}

fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 0x10;
    bytes
}

fn find(haystack: &[u8], needle: &[u8]) -> usize {
    haystack.windows(needle.len()).position(|window| window == needle).expect("it is there")
}
