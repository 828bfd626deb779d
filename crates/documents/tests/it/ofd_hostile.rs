//! Files that mean harm or are no documents: typed errors, no panic, no memory to speak of.

use std::io::{Cursor, Write};

use eseal_documents::{
    DocumentError, DocumentReport, Limit, Limits, NameProblem, NoteCode, Outcome, Reason, detect, ofd,
};
use eseal_testkit::ratio::cpu_seconds;
use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::support::hostile::{entries, with_changed, with_replaced, without};
use crate::support::ofd_contract::{contract, entries_of, zip_of};
use crate::support::parties::{PLACE, Party, World, source, verify};

fn refused(document: &[u8]) -> DocumentError {
    refused_within(document, &Limits::default())
}

fn refused_within(document: &[u8], limits: &Limits) -> DocumentError {
    ofd::verify(&source(document), limits, &mut |_| {}).expect_err("refused")
}

fn with_entry(name: &str) -> Vec<u8> {
    let mut entries = entries_of(1);
    entries.push((name.to_owned(), b"x".to_vec()));
    zip_of(&entries)
}

#[test]
fn a_document_cut_short_anywhere_is_refused() {
    let world = World::new();
    let sealed = world.party("甲方").seal(&contract());
    for end in (0..sealed.len()).step_by(13) {
        let error = refused(&sealed[..end]);
        assert!(matches!(error.reason(), Reason::DocumentMalformed | Reason::NotADocument), "{end}: {error}");
    }
}

#[test]
fn a_changed_byte_is_noticed_unless_it_changes_no_content() {
    let world = World::new();
    let sealed = world.party("甲方").seal(&contract());
    let clean = verify(&sealed);
    for at in (0..sealed.len()).step_by(5) {
        let mut changed = sealed.clone();
        changed[at] ^= 0xFF;
        let Ok(report) = ofd::verify(&source(&changed), &Limits::default(), &mut |_| {}) else { continue };
        let found = |report: &DocumentReport| {
            let seals = report.seals.iter().map(|seal| (seal.content, seal.impression, seal.notes.clone()));
            (seals.collect::<Vec<_>>(), report.notes.clone())
        };
        if found(&report) == found(&clean) {
            // Times and attributes in the headers of the zip, which nobody protects.
            assert_eq!(entries(&changed), entries(&sealed), "byte {at}");
        }
    }
}

#[test]
fn other_files_are_no_documents() {
    for file in [&b""[..], b"hello", b"\x89PNG\r\n", &[0; 100]] {
        assert!(matches!(detect(&mut Cursor::new(file)), Err(DocumentError::NotADocument)));
        assert!(matches!(refused(file).reason(), Reason::DocumentMalformed | Reason::NotADocument));
    }
    let other_zip = zip_of(&[("word/document.xml".to_owned(), b"<a/>".to_vec())]);
    assert!(matches!(refused(&other_zip), DocumentError::NotADocument));
    assert!(matches!(refused(&zip_of(&[])), DocumentError::NotADocument));
}

#[test]
fn ofd_xml_must_name_a_document_that_is_there() {
    assert!(matches!(refused(&without(&contract(), "OFD.xml")), DocumentError::NotADocument));
    assert_eq!(refused(&without(&contract(), "Doc_0/Document.xml")).reason(), Reason::DocumentMalformed);
    for text in ["", "<", "<a/>", "<OFD><DocBody/></OFD>", "<OFD><DocBody><DocRoot>../x</DocRoot></DocBody></OFD>"] {
        let document = with_changed(&contract(), "OFD.xml", |_| text.as_bytes().to_vec());
        assert_eq!(refused(&document).reason(), Reason::DocumentMalformed, "{text}");
    }
}

#[test]
fn names_that_lead_outside_are_refused() {
    for (name, expected) in [
        ("../evil.xml", NameProblem::Outside),
        ("Doc_0/../../evil.xml", NameProblem::Outside),
        (r"Doc_0\..\..\evil.xml", NameProblem::Outside),
        ("/etc/passwd", NameProblem::Absolute),
        (r"C:\evil.xml", NameProblem::Absolute),
        ("Doc_0//a.xml", NameProblem::NotAName),
        ("Doc_0/a\nb.xml", NameProblem::NotAName),
        ("doc_0/DOCUMENT.xml", NameProblem::Repeated),
        (r"Doc_0\Document.xml", NameProblem::Repeated),
        ("./OFD.xml", NameProblem::Repeated),
    ] {
        let error = refused(&with_entry(name));
        assert!(matches!(&error, DocumentError::EntryName { problem, .. } if *problem == expected), "{name}: {error}");
    }
}

#[test]
fn two_entries_with_one_name_are_refused() {
    let mut document = with_entry("Doc_0/Document.xmX");
    let from = b"Doc_0/Document.xmX";
    for at in 0..document.len() - from.len() {
        if document[at..].starts_with(from) {
            document[at + from.len() - 1] = b'l';
        }
    }
    assert_eq!(refused(&document).reason(), Reason::DocumentMalformed);
}

#[test]
fn locations_that_lead_outside_are_refused_when_sealing_and_found_when_verifying() {
    let world = World::new();
    let sealed = world.party("甲方").seal(&contract());
    let list = "Doc_0/Signs/Signatures.xml";
    let outside = with_replaced(&sealed, list, "/Doc_0/Signs/Sign_0/Signature.xml", "../../../../etc/passwd");
    assert_eq!(refused(&outside).reason(), Reason::DocumentMalformed);
}

#[test]
fn entities_are_refused() {
    let doctype = "<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/passwd\"><!ENTITY b \"&e;&e;\">]>";
    for name in ["OFD.xml", "Doc_0/Document.xml"] {
        let document = with_changed(&contract(), name, |content| {
            String::from_utf8(content).expect("text").replacen("?>", &format!("?>{doctype}"), 1).into_bytes()
        });
        assert_eq!(refused(&document).reason(), Reason::DocumentMalformed, "{name}");
    }
}

#[test]
fn a_signature_named_twice_or_a_crowd_of_documents_is_refused() {
    let sealed = World::new().party("甲方").seal(&contract());
    let entry = "<ofd:Signature ID=\"s001\" Type=\"Seal\" BaseLoc=\"/Doc_0/Signs/Sign_0/Signature.xml\"/>";
    let twice = with_replaced(&sealed, "Doc_0/Signs/Signatures.xml", entry, &entry.repeat(2));
    assert_eq!(refused(&twice).reason(), Reason::DocumentMalformed);
    let crowd = with_changed(&contract(), "OFD.xml", |_| {
        let bodies = "<DocBody><DocRoot>Doc_0/Document.xml</DocRoot></DocBody>".repeat(1_000);
        format!("<OFD>{bodies}</OFD>").into_bytes()
    });
    assert_eq!(refused(&crowd).reason(), Reason::DocumentMalformed);
}

#[test]
fn xml_that_nests_too_deeply_is_refused() {
    let deep = ["<a>".repeat(100_000), "</a>".repeat(100_000)].concat();
    let document = with_changed(&contract(), "OFD.xml", |_| deep.into_bytes());
    assert!(matches!(refused(&document), DocumentError::TooLarge { limit: Limit::XmlDepth, .. }));
}

#[test]
fn a_zip_bomb_is_refused_by_what_it_declares() {
    let bomb = bomb(20, 50 << 20);
    assert!(bomb.len() < 2 << 20);
    assert!(matches!(refused(&bomb), DocumentError::TooLarge { limit: Limit::Ratio, .. }));
    let limits = Limits { max_entry_bytes: 1 << 20, ..Limits::default() };
    assert!(matches!(refused_within(&bomb, &limits), DocumentError::TooLarge { limit: Limit::EntryBytes, .. }));
}

#[test]
fn an_entry_that_is_larger_than_it_declares_is_not_read_beyond() {
    let world = World::new();
    let sealed = world.party("甲方").seal(&contract());
    // Understate the size of the first page in the directory.
    let page = b"Doc_0/Pages/Page_0/Content.xml";
    let header = sealed.windows(page.len()).rposition(|window| window == page).expect("in the directory") - 46;
    let mut lying = sealed.clone();
    lying[header + 24..header + 28].copy_from_slice(&100_u32.to_le_bytes());
    let report = verify(&lying);
    assert_eq!(report.seals[0].content, Outcome::Failed(Reason::ContentAltered));
}

#[test]
fn a_directory_with_too_many_entries_is_refused_before_it_is_read() {
    let limits = Limits { max_entries: 10, ..Limits::default() };
    assert!(matches!(
        refused_within(&zip_of(&entries_of(20)), &limits),
        DocumentError::TooLarge { limit: Limit::Entries, max: 10 }
    ));
    let long_names: Vec<_> = (0..1_000).map(|n| (format!("{n}{}", "n".repeat(2_000)), Vec::new())).collect();
    assert!(matches!(
        refused_within(&zip_of(&long_names), &limits),
        DocumentError::TooLarge { limit: Limit::Entries, max: 10 }
    ));
}

#[test]
fn the_other_limits_hold_too() {
    let document = contract();
    let defaults = Limits::default;
    for (limits, limit) in [
        (Limits { max_bytes: 100, ..defaults() }, Limit::Bytes),
        (Limits { max_pages: 1, ..defaults() }, Limit::Pages),
        (Limits { max_xml_bytes: 100, ..defaults() }, Limit::XmlBytes),
        (Limits { max_xml_nodes: 5, ..defaults() }, Limit::XmlNodes),
        (Limits { max_xml_attributes: 1, ..defaults() }, Limit::XmlAttributes),
    ] {
        let error = refused_within(&document, &limits);
        assert!(matches!(&error, DocumentError::TooLarge { limit: found, .. } if *found == limit), "{error}");
    }
    let sealed = World::new().party("甲方").seal(&document);
    let limits = Limits { max_signatures: 0, ..defaults() };
    assert!(matches!(refused_within(&sealed, &limits), DocumentError::TooLarge { limit: Limit::Signatures, .. }));
}

#[test]
fn a_package_with_a_password_is_refused_as_such() {
    let mut document = contract();
    // Set the flag "encrypted" on the first entry, in its header and in the directory.
    let name = b"OFD.xml";
    let local = document.windows(name.len()).position(|window| window == name).expect("the header") - 30;
    let central = document.windows(name.len()).rposition(|window| window == name).expect("the directory") - 46;
    document[local + 6] |= 1;
    document[central + 8] |= 1;
    assert!(matches!(refused(&document), DocumentError::Encrypted));
}

#[test]
fn ten_thousand_signatures_are_refused_or_where_they_are_allowed_checked_in_bounded_time() {
    let mut files = entries_of(1);
    let mut list = String::from("<Signatures>");
    for number in 0..10_000 {
        list.push_str(&format!("<Signature ID=\"{number}\" BaseLoc=\"/S/{number}/Signature.xml\"/>"));
        let references: String = (0..5).map(|n| format!("<Reference FileRef=\"/S/{n}/Signature.xml\"/>")).collect();
        let descriptor = format!(
            "<Signature><SignedInfo><References>{references}</References></SignedInfo>\
             <SignedValue>/S/value</SignedValue></Signature>"
        );
        files.push((format!("S/{number}/Signature.xml"), descriptor.into_bytes()));
    }
    list.push_str("</Signatures>");
    files.push(("S/Signatures.xml".to_owned(), list.into_bytes()));
    files.push(("S/value".to_owned(), b"no signature".to_vec()));
    let crowd = with_replaced(
        &zip_of(&files),
        "OFD.xml",
        "</ofd:DocRoot>",
        "</ofd:DocRoot><Signatures>S/Signatures.xml</Signatures>",
    );
    let begun = cpu_seconds();
    let error = refused(&crowd);
    assert!(matches!(error, DocumentError::TooLarge { limit: Limit::Signatures, max: 1_000 }), "{error}");
    assert!(cpu_seconds() - begun < 10.0, "before any of them was looked at");
    let limits = Limits { max_signatures: 10_000, ..Limits::default() };
    let report = ofd::verify(&source(&crowd), &limits, &mut |_| {}).expect("a report");
    assert_eq!(report.seals.len(), 10_000);
    assert!(report.seals.iter().all(|seal| seal.content.is_failed()));
    let few = Limits { max_references: 49_999, ..limits };
    assert!(matches!(refused_within(&crowd, &few), DocumentError::TooLarge { limit: Limit::References, .. }));
}

#[test]
fn packages_inside_of_packages_are_files_like_others_and_never_opened() {
    let mut inner = bomb(20, 50 << 20);
    for level in 0..3 {
        let mut files = entries_of(1);
        files.push((format!("Doc_0/Attachs/{level}.ofd"), inner));
        inner = zip_of(&files);
    }
    assert_eq!(verify(&World::new().party("甲方").seal(&inner)).seals[0].content, Outcome::Passed);
}

#[test]
fn a_document_with_another_in_front_of_it_is_flagged() {
    let world = World::new();
    let sealed = world.party("甲方").seal(&contract());
    // Who reads from the front sees the other one first.
    let report = verify(&[contract(), sealed.clone()].concat());
    let noted = |report: &DocumentReport| report.notes.iter().any(|note| note.code == NoteCode::PackageAmbiguous);
    assert_eq!((report.seals.len(), noted(&report)), (1, true), "{:?}", report.notes);
    // Who reads the directory at the end sees one without a seal.
    let behind = verify(&[sealed, contract()].concat());
    assert_eq!((behind.seals.len(), noted(&behind)), (0, true), "{:?}", behind.notes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Bytes of the package, and bytes of its files inside of a package that is well-formed otherwise.
    #[test]
    fn no_change_of_bytes_makes_it_panic(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..12),
        file in any::<proptest::sample::Index>(),
        cut in proptest::option::of(any::<proptest::sample::Index>()),
    ) {
        let (party, sealed) = twice_sealed();
        let mutate = |mut bytes: Vec<u8>| {
            for (at, byte) in changes.iter().filter(|_| !bytes.is_empty()).collect::<Vec<_>>() {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            let end = cut.as_ref().map_or(bytes.len(), |cut| cut.index(bytes.len().max(1)));
            bytes.truncate(end);
            bytes
        };
        let mut files = entries(sealed);
        let at = file.index(files.len());
        files[at].1 = mutate(std::mem::take(&mut files[at].1));
        for document in [mutate(sealed.clone()), zip_of(&files)] {
            let input = source(&document);
            let limits = Limits { max_entry_bytes: 1 << 20, ..Limits::default() };
            let _ = ofd::verify(&input, &limits, &mut |_| {});
            let _ = ofd::pages(&input, &limits);
            let _ = ofd::find_text(&input, "甲方", &limits);
            let _ = party.try_seal(&document, &[PLACE]);
        }
    }
}

fn twice_sealed() -> &'static (Party, Vec<u8>) {
    static SEALED: std::sync::OnceLock<(Party, Vec<u8>)> = std::sync::OnceLock::new();
    SEALED.get_or_init(|| {
        let world = World::new();
        let (first, second) = (world.party("甲方"), world.party("乙方"));
        let sealed = second.seal(&first.seal(&contract()));
        (second, sealed)
    })
}

/// A package of `entries` files with `size` zeros each.
fn bomb(entries: usize, size: usize) -> Vec<u8> {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("Doc_0/0.xml", options).expect("an entry");
    let zeros = vec![0; 1 << 20];
    for _ in 0..size >> 20 {
        writer.write_all(&zeros).expect("its content");
    }
    for entry in 1..entries {
        writer.deep_copy_file("Doc_0/0.xml", &format!("Doc_0/{entry}.xml")).expect("a copy");
    }
    writer.finish().expect("a package").into_inner()
}
