//! Whatever is done to a sealed OFD document, somebody must be told.

use eseal_documents::{Check, Judgement, Kind, NoteCode, Outcome, Reason, SealJudgement, Trust, Verdict, judge};
use eseal_pki::cms::SignedAttributes;
use eseal_pki::{DigestAlg, Signer, Suite};
use eseal_seal::SesSignature;

use crate::support::hostile::{content, with_added, with_changed, with_replaced, without};
use crate::support::ofd_contract::contract;
use crate::support::parties::{Identity, PLACE, World, info, judged, verify};

const PAGE: &str = "Doc_0/Pages/Page_0/Content.xml";
const LIST: &str = "Doc_0/Signs/Signatures.xml";
const DESCRIPTOR: &str = "Doc_0/Signs/Sign_0/Signature.xml";
const VALUE: &str = "Doc_0/Signs/Sign_0/SignedValue.dat";
const SEAL: &str = "Doc_0/Signs/Sign_0/Seal.esl";

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
fn a_signer_whom_nobody_certified_ends_the_judgement_but_not_the_steps() {
    let world = World::new();
    let sealed = World::new().party("甲方").seal(&contract());
    let judgement = judged(&sealed, &world);
    assert_eq!(judgement.verdict, Verdict::Invalid);
    let not_reached = Outcome::Unknown(Reason::NotReached);
    let seal = &judgement.seals[0];
    assert_eq!(seal.items(), [Outcome::Failed(Reason::SignerUntrusted), not_reached, not_reached]);
    let step = |check| seal.steps.iter().find(|step| step.check == check).map(|step| step.outcome);
    assert_eq!(step(Check::DataHash), Some(Outcome::Passed));
    assert_eq!(step(Check::SealMakerChain), Some(Outcome::Failed(Reason::MakerNotAuthorized)));
}

#[test]
fn a_seal_that_a_holder_made_is_not_genuine() {
    let world = World::new();
    let (victim, forger) = (world.party("甲方"), world.holder("丙方"));
    // The forger makes a seal with another organization's name and picture, for a key of its own.
    let forged = forger.makes(&info("甲方", &[&forger.certificate]));
    let (sealed, _) = forger.try_seal_with(&forged, &contract(), &[PLACE]).expect("sealed");
    let judgement = judged(&sealed, &world);
    let failed = Outcome::Failed(Reason::MakerNotAuthorized);
    assert_eq!(judgement.verdict, Verdict::Invalid);
    assert_eq!(judgement.seals[0].items(), [Outcome::Passed, Outcome::Passed, failed]);
    assert_eq!(judged(&victim.seal(&contract()), &world).verdict, Verdict::Valid);
}

#[test]
fn another_organizations_seal_on_ones_own_signature_is_found() {
    let world = World::new();
    let (victim, thief) = (world.party("甲方"), world.party("丙方"));
    let sealed = with_foreign_seal(&thief.seal(&contract()), &thief.identity, &victim.seal);
    let judgement = judged(&sealed, &world);
    assert_eq!(judgement.verdict, Verdict::Invalid);
    let seal = &judgement.seals[0];
    assert_eq!(seal.signer, Outcome::Passed);
    assert_eq!(seal.impression, Outcome::Failed(Reason::SignerNotInSeal));
}

#[test]
fn without_maker_roots_a_genuine_seal_is_unknown_and_a_wrong_one_failed() {
    let world = World::new();
    let party = world.party("甲方");
    let holders_only = Trust { maker_roots: None, ..world.trust() };
    let sealed = party.seal(&contract());
    let judgement = judge(&verify(&sealed), &holders_only);
    assert_eq!(judgement.verdict, Verdict::Indeterminate);
    assert_eq!(judgement.seals[0].impression, Outcome::Unknown(Reason::MakerNotAuthorized));
    let tampered = with_foreign_seal(&sealed, &party.identity, &world.party("乙方").seal);
    let judgement = judge(&verify(&tampered), &holders_only);
    assert_eq!(judgement.seals[0].impression, Outcome::Failed(Reason::SignerNotInSeal));
}

#[test]
fn without_any_roots_nothing_is_called_valid_and_the_run_goes_on() {
    let world = World::new();
    let sealed = world.party("甲方").seal(&contract());
    let judgement = judge(&verify(&sealed), &Trust::default());
    assert_eq!(judgement.verdict, Verdict::Indeterminate);
    let unknown = Outcome::Unknown;
    assert_eq!(
        judgement.seals[0].items(),
        [unknown(Reason::TrustRootsMissing), Outcome::Passed, unknown(Reason::MakerNotAuthorized)]
    );
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
    assert_eq!(flags(&judgement), [NoteCode::ContentUncovered]);
    let detail = judgement.notes[0].detail.as_deref();
    assert_eq!(detail, Some("Doc_0/Attachs/Attachments.xml, Doc_0/Attachs/a.pdf"));
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
fn a_seal_that_the_list_calls_a_plain_signature_is_still_judged_as_a_seal() {
    let world = World::new();
    let forger = world.holder("丙方");
    let forged = forger.makes(&info("甲方", &[&forger.certificate]));
    let (sealed, _) = forger.try_seal_with(&forged, &contract(), &[PLACE]).expect("sealed");
    let judgement = judged(&with_replaced(&sealed, LIST, "Type=\"Seal\"", "Type=\"Sign\""), &world);
    let seal = &judgement.seals[0];
    assert_eq!(seal.impression, Outcome::Failed(Reason::MakerNotAuthorized));
    assert!(seal.notes.iter().any(|note| note.code == NoteCode::SignatureKindDisagrees));
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
    let flipped = with_changed(&signed, VALUE, |value| flipped(&value, value.len() - 3));
    assert_eq!(judged(&flipped, &world).seals[0].content, Outcome::Failed(Reason::SignatureValueWrong));
}

/// The document signed with a GB/T 35275 value in the place of a seal signature.
fn as_plain_signature(sealed: &[u8], signer: &Identity) -> Vec<u8> {
    let digest = DigestAlg::Sm3.digest(&content(sealed, DESCRIPTOR));
    let attributes = SignedAttributes::try_new(&signer.certificate, &digest, Suite::Sm2Sm3).expect("attributes");
    let signature = signer.key.sign(attributes.to_be_signed()).expect("a signature");
    let value = attributes.finish(&signature, &[]);
    let signed = with_changed(sealed, VALUE, |_| value);
    with_replaced(&signed, LIST, "Type=\"Seal\"", "Type=\"Sign\"")
}

/// The document as it is when its signer had signed it with `seal` instead of the own one.
fn with_foreign_seal(sealed: &[u8], signer: &Identity, seal: &[u8]) -> Vec<u8> {
    let swapped = with_changed(sealed, VALUE, |value| {
        let signature = SesSignature::from_der(&value).expect("a signature");
        let to_sign = eseal_seal::ToSign {
            seal_der: seal.to_vec(),
            time: signature.time().expect("a time"),
            data_hash: signature.data_hash().try_into().expect("32 bytes"),
            property_info: signature.property_info().to_owned(),
            extensions: Vec::new(),
        };
        let to_sign = to_sign.to_der().expect("TBS_Sign");
        let value = signer.key.sign(&to_sign).expect("a signature");
        SesSignature::assemble(&to_sign, &signer.certificate, &value).expect("a signature")
    });
    with_changed(&swapped, SEAL, |_| seal.to_vec())
}

fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 0x10;
    bytes
}

fn find(haystack: &[u8], needle: &[u8]) -> usize {
    haystack.windows(needle.len()).position(|window| window == needle).expect("it is there")
}

/// r‖s of `SEQUENCE { r, s }`.
fn raw_form(der: &[u8]) -> Vec<u8> {
    let integer = |at: usize| {
        let length = usize::from(der[at + 1]);
        let bytes = &der[at + 2..at + 2 + length];
        let bytes = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
        ([vec![0; 32 - bytes.len()], bytes.to_vec()].concat(), at + 2 + length)
    };
    let (r, next) = integer(2);
    let (s, _) = integer(next);
    [r, s].concat()
}
