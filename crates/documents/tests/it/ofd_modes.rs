//! The less usual ways to seal: locked, with other generations and lists, on several documents, along the seams.

use std::io::{Cursor, Write};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use eseal_documents::ofd::{self, Mode, SealingOptions, SealingRequest};
use eseal_documents::{
    Check, DocumentError, Limits, NoteCode, Outcome, PageSize, Place, Placement, Reason, Seam, Size, Source, Stamp,
    Verdict, stamps,
};
use eseal_pki::tsp::DevelopmentTsa;
use eseal_pki::{DigestAlg, Signer, Suite};
use eseal_seal::{CertificateDigest, CertificateList, Seal, SealInfo, SesSignature, Version};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::support::der::tlv;
use crate::support::hostile::{content, with_changed};
use crate::support::ofd_contract::{contract, contract_of, entries_of, zip_of};
use crate::support::parties::{PLACE, Party, World, info, judged, now, source, verify};
use crate::support::resigning::{DESCRIPTOR, LIST, VALUE};

const LOCKED: SealingOptions = SealingOptions { mode: Mode::Locked, accept_v5: false };
const V5: SealingOptions = SealingOptions { mode: Mode::Open, accept_v5: true };

fn try_with(party: &Party, document: &[u8], options: SealingOptions) -> Result<Vec<u8>, DocumentError> {
    let sealed = party.identity.try_seal_at(&party.seal, document, &[PLACE.into()], options);
    sealed.map(|(document, _)| document)
}

/// A party whose seal has something else about it.
fn party_with(world: &World, change: impl FnOnce(&mut SealInfo, &Party)) -> Party {
    let mut party = world.party("甲方");
    let mut info = info("甲方", &[&party.identity.certificate]);
    change(&mut info, &party);
    party.seal = world.maker().makes(&info);
    party
}

/// A party with a seal of GM/T 0031-2025.
fn v5_party(world: &World) -> Party {
    let mut party = world.party("甲方");
    let info = info("甲方", &[&party.identity.certificate]).to_der_as(Version::V5).expect("a seal");
    let value = world.maker().key.sign(&info).expect("a signature");
    party.seal = Seal::assemble(&info, &world.maker().certificate, &value).expect("a seal");
    party
}

#[test]
fn a_locked_document_is_valid_says_so_and_takes_no_further_seal() {
    let world = World::new();
    let once = world.party("甲方").seal(&contract());
    let locked = try_with(&world.party("乙方"), &once, LOCKED).expect("sealed");
    let judgement = judged(&locked, &world);
    assert_eq!((judgement.verdict, judgement.is_flagged()), (Verdict::Valid, false), "{:?}", judgement.seals);
    let says_so = |seal: usize| judgement.seals[seal].notes.iter().any(|note| note.code == NoteCode::DocumentLocked);
    assert_eq!([says_so(0), says_so(1)], [false, true]);
    for options in [SealingOptions::default(), LOCKED] {
        let refused = try_with(&world.party("丙方"), &locked, options).expect_err("locked");
        assert!(matches!(&refused, DocumentError::Locked { by, covered } if by == "signature s003" && covered == LIST));
    }
}

#[test]
fn a_seal_added_to_a_locked_document_all_the_same_is_found() {
    let world = World::new();
    let locked = try_with(&world.party("甲方"), &contract(), LOCKED).expect("sealed");
    let added = with_changed(&locked, LIST, |list| {
        let text = String::from_utf8(list).expect("text");
        text.replace("</ofd:Signatures>", "<!-- one more --></ofd:Signatures>").into_bytes()
    });
    assert_eq!(judged(&added, &world).seals[0].content, Outcome::Failed(Reason::ContentAltered));
}

#[test]
fn a_seal_that_lists_digests_of_certificates_seals_and_verifies() {
    let world = World::new();
    let party = party_with(&world, |info, party| {
        info.certificates = CertificateList::Digests(vec![CertificateDigest::of(&party.identity.certificate)]);
    });
    assert_eq!(judged(&party.seal(&contract()), &world).verdict, Verdict::Valid);
    let other = party_with(&world, |info, _| {
        info.certificates = CertificateList::Digests(vec![CertificateDigest::of(&world.holder("丙方").certificate)]);
    });
    let refused = other.try_seal(&contract(), &[PLACE]).expect_err("another's certificate");
    assert!(matches!(refused, DocumentError::SignerNotInSeal));
}

#[test]
fn a_list_of_digests_with_sm2_parameters_in_front_is_accepted_and_noted() {
    let world = World::new();
    let party = party_with(&world, |info, party| {
        let certificate = &party.identity.certificate;
        let mut hasher = certificate.public_key().expect("a key").sm2_z_hasher().expect("an SM2 key");
        hasher.update(certificate.der());
        let digest = CertificateDigest { algorithm: DigestAlg::Sm3.oid().to_string(), value: hasher.finish() };
        info.certificates = CertificateList::Digests(vec![digest]);
    });
    let judgement = judged(&party.seal(&contract()), &world);
    assert_eq!(judgement.verdict, Verdict::Valid);
    assert!(judgement.seals[0].notes.iter().any(|note| note.code == NoteCode::CertificateDigestWithZ));
}

#[test]
fn seals_of_the_newest_generation_seal_only_where_that_is_asked_for() {
    let world = World::new();
    let party = v5_party(&world);
    let refused = try_with(&party, &contract(), SealingOptions::default()).expect_err("off by default");
    assert_eq!(refused.reason(), Reason::SealUnusable);
    let sealed = try_with(&party, &contract(), V5).expect("sealed");
    let judgement = judged(&sealed, &world);
    assert_eq!((judgement.verdict, judgement.is_flagged()), (Verdict::Valid, false), "{:?}", judgement.seals);
    assert_eq!(verify(&sealed).seals[0].seal.as_ref().map(Seal::version), Some(Version::V5));
}

#[test]
fn a_time_stamp_on_the_seal_itself_is_looked_at_and_decides_nothing() {
    let world = World::new();
    let tsa = DevelopmentTsa::create(Suite::Sm2Sm3, now()).expect("an authority");
    let noted = |other: Option<&[u8]>| {
        let mut party = v5_party(&world);
        let value = Seal::from_der(&party.seal).expect("a seal").signature().to_vec();
        let token = tsa.stamp(other.unwrap_or(&value), now()).expect("a stamp");
        assert_eq!(party.seal[..2], [0x30, 0x82], "a structure of some kilobytes");
        party.seal = tlv(0x30, &[&party.seal[4..], &tlv(0xa0, &[&tlv(0x03, &[&[0], token.der()])])]);
        let sealed = try_with(&party, &contract(), V5).expect("sealed");
        let judgement = judged(&sealed, &world);
        assert_eq!((judgement.verdict, judgement.is_flagged()), (Verdict::Valid, false), "{:?}", judgement.seals);
        let codes = [NoteCode::SealTimeStamped, NoteCode::SealTimeStampUnconfirmed];
        codes.map(|code| judgement.seals[0].notes.iter().any(|note| note.code == code))
    };
    assert_eq!(noted(None), [true, false]);
    assert_eq!(noted(Some(b"something else")), [false, true]);
}

/// The document with `timeStamp [0] EXPLICIT BIT STRING` in its signature.
fn stamped(sealed: &[u8], token: &[u8]) -> Vec<u8> {
    with_changed(sealed, VALUE, |value| {
        assert_eq!(value[..2], [0x30, 0x82], "a structure of some kilobytes");
        tlv(0x30, &[&value[4..], &tlv(0xa0, &[&tlv(0x03, &[&[0], token])])])
    })
}

#[test]
fn a_time_stamp_in_the_signature_is_checked_against_the_signature_value() {
    let world = World::new();
    for (sealed, name) in [
        (try_with(&v5_party(&world), &contract(), V5).expect("sealed"), "GM/T 0031-2025"),
        (world.party("甲方").seal(&contract()), "GB/T 38540-2020"),
    ] {
        assert_eq!(verify(&sealed).seals[0].time_stamps.len(), 0, "{name}");
        let signature = SesSignature::from_der(&content(&sealed, VALUE)).expect("a signature");
        let tsa = DevelopmentTsa::create(Suite::Sm2Sm3, now()).expect("an authority");
        let outcome = |content: &[u8]| {
            let token = tsa.stamp(content, now()).expect("a stamp");
            let report = verify(&stamped(&sealed, token.der()));
            let seal = &report.seals[0];
            assert_eq!((seal.content, seal.impression), (Outcome::Passed, Outcome::Passed), "{name}: {:?}", seal.steps);
            assert_eq!(seal.time_stamps.len(), 1, "{name}");
            seal.outcome_of(&[Check::TimeStamp])
        };
        assert_eq!(outcome(signature.signature()), Outcome::Passed, "{name}");
        assert_eq!(outcome(b"something else"), Outcome::Failed(Reason::TimeStampWrong), "{name}");
        let garbage = verify(&stamped(&sealed, b"TSA!"));
        assert_eq!(garbage.seals[0].outcome_of(&[Check::TimeStamp]), Outcome::Failed(Reason::TimeStampMalformed));
    }
}

#[test]
fn a_seam_seal_shows_its_strips_and_every_one_is_in_the_signature() {
    let world = World::new();
    let (party, document) = (world.party("甲方"), contract_of(5));
    let size = Size { width_mm: 40.0, height_mm: 40.0 };
    let placement = Placement::Seam(Seam { split: Some(3), ..Seam::default() });
    let strips = stamps(&source(&document), &placement, size, &Limits::default()).expect("strips");
    assert_eq!(strips.len(), 5);
    let options = SealingOptions::default();
    let (sealed, _) = party.identity.try_seal_at(&party.seal, &document, &strips, options).expect("sealed");
    let judgement = judged(&sealed, &world);
    assert_eq!((judgement.verdict, judgement.is_flagged()), (Verdict::Valid, false), "{:?}", judgement.notes);
    let near = |a: f64, b: f64| (a - b).abs() < 0.001;
    for (found, asked) in verify(&sealed).seals[0].stamps.iter().zip(&strips) {
        let (found, asked) = ((found.place, found.clip.expect("a clip")), (asked.place, asked.clip.expect("a clip")));
        assert!(near(found.0.x_mm, asked.0.x_mm) && near(found.0.y_mm, asked.0.y_mm));
        assert!(near(found.1.x_mm, asked.1.x_mm) && near(found.1.width_mm, asked.1.width_mm));
    }
    let moved = with_changed(&sealed, DESCRIPTOR, |descriptor| {
        String::from_utf8(descriptor).expect("text").replacen("Clip=\"0 0", "Clip=\"1 0", 1).into_bytes()
    });
    assert_eq!(judged(&moved, &world).seals[0].content, Outcome::Failed(Reason::DataHashDiffers));
}

/// Two contracts in one package, of two pages and of one.
fn two_documents() -> Vec<u8> {
    let mut entries = entries_of(2);
    let second = entries_of(1).into_iter().filter(|(name, _)| name != "OFD.xml");
    entries.extend(second.map(|(name, content)| (name.replace("Doc_0", "Doc_1"), content)));
    let both = zip_of(&entries);
    with_changed(&both, "OFD.xml", |text| {
        let text = String::from_utf8(text).expect("text");
        let at = text.find("  <ofd:DocBody>").expect("a body");
        let end = text.find("</ofd:OFD>").expect("an end");
        let body = text[at..end].to_owned();
        [&text[..end], &body.replace("Doc_0", "Doc_1"), &text[end..]].concat().into_bytes()
    })
}

#[test]
fn each_document_of_a_package_has_seals_of_its_own_and_pages_are_counted_over_all() {
    let world = World::new();
    let (party, document) = (world.party("甲方"), two_documents());
    let at = |page| Place { page, ..PLACE };
    let (second, _) = party.try_seal(&document, &[at(3)]).expect("the page of the second document");
    let judgement = judged(&second, &world);
    assert_eq!((judgement.verdict, judgement.is_flagged()), (Verdict::Valid, false), "{:?}", judgement.notes);
    let report = verify(&second);
    assert_eq!((report.pages, report.seals[0].stamps[0].place), (3, at(3)));
    assert!(!content(&second, "Doc_1/Signs/Signatures.xml").is_empty(), "the list lies in its own folder");

    let both = party.try_seal(&document, &[at(1), at(3)]).expect_err("of both");
    assert!(matches!(both, DocumentError::SeveralDocuments { documents: 2 }));
    let none = party.try_seal(&document, &[at(4)]).expect_err("no page");
    assert!(matches!(none, DocumentError::NoSuchPage { page: 4, pages: 3 }));
    // Its list would have to be named in OFD.xml, which the seal of the other document covers.
    let first = party.try_seal(&second, &[at(1)]).expect_err("locked");
    assert!(matches!(&first, DocumentError::Locked { covered, .. } if covered == "OFD.xml"), "{first}");
}

#[test]
fn a_further_seal_on_the_same_document_of_a_package_leaves_the_others_open() {
    let world = World::new();
    let party = world.party("甲方");
    let named = with_changed(&two_documents(), "OFD.xml", |text| {
        let text = String::from_utf8(text).expect("text");
        let list = |folder| format!("<ofd:Signatures>/{folder}/Signs/Signatures.xml</ofd:Signatures>");
        let text = text.replacen("</ofd:DocRoot>", &format!("</ofd:DocRoot>{}", list("Doc_0")), 1);
        let (first, second) = text.rsplit_once("</ofd:DocRoot>").expect("a second");
        format!("{first}</ofd:DocRoot>{}{second}", list("Doc_1")).into_bytes()
    });
    let first = party.seal(&named);
    let (second, _) = party.try_seal(&first, &[Place { page: 3, ..PLACE }]).expect("sealed");
    let judgement = judged(&second, &world);
    assert_eq!((judgement.verdict, judgement.seals.len()), (Verdict::Valid, 2), "{:?}", judgement.seals);
}

/// A document that somebody else saves at some moment.
struct Saved {
    before: Vec<u8>,
    after: Vec<u8>,
    is_saved: AtomicBool,
}

impl AsRef<[u8]> for Saved {
    fn as_ref(&self) -> &[u8] {
        if self.is_saved.load(Ordering::Relaxed) { &self.after } else { &self.before }
    }
}

#[test]
fn a_document_that_is_saved_while_the_key_is_asked_for_is_not_sealed() {
    let world = World::new();
    let party = world.party("甲方");
    let saved = Arc::new(Saved { before: contract(), after: contract_of(3), is_saved: AtomicBool::new(false) });
    let document: Source = Arc::<Saved>::clone(&saved);
    let request = SealingRequest {
        seal: &ofd::UsableSeal::from_der(&party.seal).expect("a usable seal"),
        stamps: &[PLACE.into()],
        time: now(),
        options: SealingOptions::default(),
    };
    let prepared = ofd::prepare(document, &request, &Limits::default(), &mut |_| {}).expect("prepared");
    let signature = party.identity.key.sign(prepared.to_sign()).expect("a signature");
    saved.is_saved.store(true, Ordering::Relaxed);
    let mut out = Vec::new();
    let refused = prepared.finish(&mut out, &party.identity.certificate, &signature, &mut |_| {});
    assert!(matches!(refused, Err(DocumentError::Changed)));
    assert!(out.is_empty());
}

#[test]
fn packages_in_the_zip64_form_are_sealed_and_verified() {
    let world = World::new();
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated).large_file(true);
    for (name, content) in entries_of(2) {
        writer.start_file(&name, options).expect("an entry");
        writer.write_all(&content).expect("its content");
    }
    let sealed = world.party("甲方").seal(&writer.finish().expect("a package").into_inner());
    let judgement = judged(&sealed, &world);
    assert_eq!((judgement.verdict, judgement.is_flagged()), (Verdict::Valid, false), "{:?}", judgement.notes);
}

#[test]
fn more_files_than_the_old_form_of_zip_has_room_for_are_sealed_and_verified() {
    let world = World::new();
    let mut entries = entries_of(1);
    entries.extend((0..66_000).map(|number| (format!("Doc_0/Res/{number}"), vec![])));
    let sealed = world.party("甲方").seal(&zip_of(&entries));
    let judgement = judged(&sealed, &world);
    assert_eq!((judgement.verdict, judgement.is_flagged()), (Verdict::Valid, false), "{:?}", judgement.notes);
}

#[test]
fn annotations_of_the_document_are_left_alone_and_protected() {
    let world = World::new();
    let mut entries = entries_of(1);
    let note = br#"<ofd:PageAnnot xmlns:ofd="http://www.ofdspec.org/2016"><ofd:Annot ID="90" Type="Highlight"/></ofd:PageAnnot>"#;
    let list = br#"<ofd:Annotations xmlns:ofd="http://www.ofdspec.org/2016"><ofd:Page PageID="10"><ofd:FileLoc>Page_0/Annotation.xml</ofd:FileLoc></ofd:Page></ofd:Annotations>"#;
    entries.push(("Doc_0/Annots/Annotations.xml".to_owned(), list.to_vec()));
    entries.push(("Doc_0/Annots/Page_0/Annotation.xml".to_owned(), note.to_vec()));
    let sealed = world.party("甲方").seal(&zip_of(&entries));
    assert_eq!(content(&sealed, "Doc_0/Annots/Annotations.xml"), list);
    assert_eq!(content(&sealed, "Doc_0/Annots/Page_0/Annotation.xml"), note);
    let changed = with_changed(&sealed, "Doc_0/Annots/Page_0/Annotation.xml", |mut note| {
        note.push(b'\n');
        note
    });
    assert_eq!(judged(&changed, &world).seals[0].content, Outcome::Failed(Reason::ContentAltered));
}

#[test]
fn a_large_document_is_digested_on_several_threads_with_the_same_result() {
    let world = World::new();
    let mut entries = entries_of(1);
    entries.extend((0..8_u8).map(|n| (format!("Doc_0/Res/{n}.png"), vec![n; 300_000])));
    let document = zip_of(&entries);
    let heard = Mutex::new(Vec::new());
    let sealed = world.party("甲方").seal(&document);
    let report = ofd::verify(&source(&sealed), &Limits::default(), &mut |progress| {
        heard.lock().expect("unpoisoned").push(progress);
    });
    assert_eq!(report.expect("a report").seals[0].content, Outcome::Passed);
    let heard = heard.into_inner().expect("unpoisoned");
    assert!(heard.windows(2).all(|pair| pair[0].done <= pair[1].done), "{heard:?}");
    assert_eq!(heard.last().map(|last| last.done), heard.last().map(|last| last.total));
    for n in 0..8 {
        let changed = with_changed(&sealed, &format!("Doc_0/Res/{n}.png"), |mut content| {
            content[150_000] ^= 1;
            content
        });
        assert_eq!(judged(&changed, &world).seals[0].content, Outcome::Failed(Reason::ContentAltered), "{n}");
    }
}

#[test]
fn an_impression_that_would_hang_over_the_edge_needs_a_clip() {
    let world = World::new();
    let party = world.party("甲方");
    let hanging = Stamp::from(Place { x_mm: -20.0, ..PLACE });
    let refused = party.identity.try_seal_at(&party.seal, &contract(), &[hanging], SealingOptions::default());
    let size = PageSize { width_mm: 210.0, height_mm: 297.0 };
    assert!(matches!(refused, Err(DocumentError::OutsidePage { size: found, .. }) if found == size));
}
