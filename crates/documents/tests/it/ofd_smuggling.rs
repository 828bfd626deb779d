//! OFD documents whose sealed files are all there and unchanged, while the package shows something else.

use eseal_documents::{NoteCode, Place, Severity};

use crate::support::hostile::{content, with_added, with_changed, with_replaced};
use crate::support::ofd_contract::contract;
use crate::support::parties::{World, judged};
use crate::support::resigning::{DESCRIPTOR, as_plain_signature, resigned};

/// A sealed contract whose `OFD.xml` nobody sealed, as some producers of invoices leave it.
fn without_ofd_xml(world: &World) -> Vec<u8> {
    let party = world.party("甲方");
    let sealed = with_changed(&party.seal(&contract()), DESCRIPTOR, |descriptor| {
        let text = String::from_utf8(descriptor).expect("text");
        let (before, rest) = text.split_once("<ofd:Reference FileRef=\"/OFD.xml\">").expect("the reference");
        let (_, after) = rest.split_once("</ofd:Reference>").expect("its end");
        format!("{before}{after}").into_bytes()
    });
    resigned(&sealed, &party.identity, |_| {})
}

fn warnings(document: &[u8], world: &World) -> Vec<NoteCode> {
    let judgement = judged(document, world);
    let notes = judgement.notes.iter().chain(judgement.seals.iter().flat_map(|seal| &seal.notes));
    notes.filter(|note| note.severity() == Severity::Warning).map(|note| note.code).collect()
}

#[test]
fn a_start_that_nobody_sealed_does_not_decide_what_is_only_a_list() {
    let world = World::new();
    let sealed = without_ofd_xml(&world);
    assert_eq!(warnings(&sealed, &world), []);
    // Another document in the same package, of which every file is called a list of annotations, or a template.
    let mut shown = sealed.clone();
    for name in ["Document.xml", "PublicRes.xml", "Pages/Page_0/Content.xml", "Pages/Page_1/Content.xml"] {
        let other = content(&sealed, &format!("Doc_0/{name}"));
        shown = with_added(
            &shown,
            &format!("Evil/{name}"),
            &String::from_utf8(other).expect("text").replace("壹拾", "壹佰").into_bytes(),
        );
    }
    let files = ["Document.xml", "PublicRes.xml", "Pages/Page_0/Content.xml", "Pages/Page_1/Content.xml"];
    let lists: String = files.map(|name| format!("<ofd:Annotations>/Evil/{name}</ofd:Annotations>")).concat();
    let templates: String = files.map(|name| format!("<ofd:TemplatePage BaseLoc=\"/Evil/{name}\"/>")).concat();
    for claims in [lists, templates] {
        let root = format!("<ofd:DocRoot>Evil/Document.xml</ofd:DocRoot>{claims}");
        let swapped = with_replaced(&shown, "OFD.xml", "<ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot>", &root);
        let warned = warnings(&swapped, &world);
        assert!(warned.contains(&NoteCode::ContentUncovered), "{warned:?}");
        assert!(warned.contains(&NoteCode::DocumentNotCovered), "{warned:?}");
    }
}

#[test]
fn what_a_plain_signature_calls_its_seal_is_a_file_like_others() {
    let world = World::new();
    let party = world.party("甲方");
    let sealed = party.seal(&contract());
    let honest = as_plain_signature(&sealed, &party.identity);
    assert_eq!(warnings(&honest, &world), []);
    let location = "/Doc_0/Signs/Sign_0/Seal.esl</ofd:BaseLoc>";
    let named = with_replaced(&sealed, DESCRIPTOR, location, "/Doc_0/Res/picture.png</ofd:BaseLoc>");
    let named = with_added(&as_plain_signature(&named, &party.identity), "Doc_0/Res/picture.png", b"\x89PNG");
    assert_eq!(warnings(&named, &world), [NoteCode::ContentUncovered]);
}

#[test]
fn one_of_several_seals_that_covers_most_of_a_page_is_flagged() {
    let world = World::new();
    let once = world.party("甲方").seal(&contract());
    let other = world.party("乙方");
    let place = |side: f64| Place { page: 1, x_mm: 5.0, y_mm: 5.0, width_mm: side, height_mm: side };
    for (side, expected) in [(40.0, vec![]), (200.0, vec![NoteCode::StampCoversPage])] {
        let twice = other.try_seal(&once, &[place(side)]).expect("sealed").0;
        assert_eq!(warnings(&twice, &world), expected, "{side} mm");
        let alone = other.try_seal(&contract(), &[place(side)]).expect("sealed").0;
        assert_eq!(warnings(&alone, &world), [], "nothing else is sealed there");
    }
}
