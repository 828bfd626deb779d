//! Attacks in which every sealed file is there and unchanged, on packages of other producers that leave some of them open.

use eseal_documents::NoteCode;

use crate::support::ofd_recipe::{Files, Recipe, change, contract_with, plain};
use crate::support::parties::{Party, World};
use crate::support::twins::Judge;

const LIST: &str = "<ofd:Signatures>Doc_0/Signs/Signatures.xml</ofd:Signatures>";

fn add(files: &mut Files, name: &str, content: impl Into<Vec<u8>>) {
    files.push((name.to_owned(), content.into()));
}

fn content<'a>(files: &'a Files, name: &str) -> &'a [u8] {
    &files.iter().find(|(entry, _)| entry == name).expect("the file").1
}

/// Says that the package is plainly good before, and why it is not after `attack`.
#[track_caller]
fn told(recipe: &Recipe, attack: impl FnOnce(&mut Files)) -> String {
    let judge = Judge::new();
    let mut files = recipe.files(&judge.world.party("甲方"));
    assert_eq!(judge.complaint(&(recipe.package)(&files)), None, "before");
    attack(&mut files);
    judge.complaint(&(recipe.package)(&files)).expect("it is told")
}

#[track_caller]
fn noted(recipe: &Recipe, code: NoteCode, attack: impl FnOnce(&mut Files)) {
    let complaint = told(recipe, attack);
    assert!(complaint.contains(&format!("{code:?}")), "{complaint}");
}

/// `OFD.xml` is not sealed, as invoices have it.
fn open_start() -> Recipe {
    Recipe { covers: |name| name != "OFD.xml", ..plain() }
}

/// Another document in the package, with pages of its own.
fn other_document(files: &mut Files) {
    for name in ["Document.xml", "PublicRes.xml", "Pages/Page_0/Content.xml", "Pages/Page_1/Content.xml"] {
        let text = String::from_utf8(content(files, &format!("Doc_0/{name}")).to_vec()).expect("text");
        add(files, &format!("Evil/{name}"), text.replace("壹拾", "玖拾"));
    }
}

#[test]
fn a_start_that_leads_to_another_document_is_told() {
    let root = "<ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot>";
    let evil = "<ofd:DocRoot>Evil/Document.xml</ofd:DocRoot>";
    let body = format!("<ofd:DocBody><ofd:DocInfo/>{evil}</ofd:DocBody>");
    let versions = |at: &str| {
        format!(
            "{root}<ofd:Versions><ofd:Version ID=\"1\" Index=\"1\" Current=\"true\" BaseLoc=\"{at}\"/></ofd:Versions>"
        )
    };
    for (from, to) in [
        (root, evil.to_owned()),
        (root, format!("{root}{evil}")),
        (root, format!("{evil}{root}")),
        ("<ofd:DocBody>", format!("{body}<ofd:DocBody>")),
        ("</ofd:OFD>", format!("{body}</ofd:OFD>")),
        (root, versions("Evil/Document.xml")),
        (root, versions("/Evil/V.xml")),
    ] {
        noted(&open_start(), NoteCode::ContentUncovered, |files| {
            other_document(files);
            add(files, "Evil/V.xml", format!("<DocVersion>{evil}</DocVersion>"));
            change(files, "OFD.xml", from, &to);
        });
    }
}

#[test]
fn a_start_that_shows_the_files_of_a_signature_is_told() {
    // The list of signatures can be changed by anybody: here it is a document besides.
    let pages =
        "<ofd:Pages><ofd:Page ID=\"10\" BaseLoc=\"/Doc_0/Pages/Page_1/Content.xml\"/></ofd:Pages></ofd:Signatures>";
    let complaint = told(&open_start(), |files| {
        change(files, "Doc_0/Signs/Signatures.xml", "</ofd:Signatures>", pages);
        change(files, "OFD.xml", "<ofd:DocRoot>Doc_0/Document.xml", "<ofd:DocRoot>Doc_0/Signs/Signatures.xml");
    });
    assert!(complaint.contains("DocumentNotCovered"), "{complaint}");

    // And here a note on a page, where the list of notes is open.
    fn annotated() -> Files {
        let mut files = contract_with(LIST);
        let named = "<ofd:Annotations>Annots/Annotations.xml</ofd:Annotations></ofd:Document>";
        change(&mut files, "Doc_0/Document.xml", "</ofd:Document>", named);
        add(
            &mut files,
            "Doc_0/Annots/Annotations.xml",
            "<Annotations><Page PageID='10'><FileLoc>A.xml</FileLoc></Page></Annotations>",
        );
        add(&mut files, "Doc_0/Annots/A.xml", "<PageAnnot/>");
        files
    }
    let open = Recipe { document: annotated, covers: |name| !name.ends_with("Annotations.xml"), ..plain() };
    noted(&open, NoteCode::ContentUncovered, |files| {
        change(files, "Doc_0/Signs/Signatures.xml", "</ofd:Signatures>", "<ofd:Annot Type='Stamp'/></ofd:Signatures>");
        change(files, "Doc_0/Annots/Annotations.xml", "A.xml", "../Signs/Signatures.xml");
    });
}

#[test]
fn files_that_a_signature_names_by_detours_are_what_it_names_and_no_others() {
    let judge = Judge::new();
    let party = judge.world.party("甲方");
    // A name that looks like a detour is a name: the page that is shown is another file, which nobody sealed.
    let decoy = |name: &'static str| {
        let mut files = plain().files(&party);
        add(&mut files, name, "x");
        judge.complaint(&(plain().package)(&files))
    };
    for name in [
        "Doc_0/%2e/Document.xml",
        "Doc_0/Document%2exml",
        "Doc_0/Document.xml%00",
        "Doc_0/./Document.xml",
        "Doc_0//Document.xml",
        "Doc_0/Document.xml ",
    ] {
        assert!(decoy(name).is_some(), "{name}");
    }
    for reference in
        ["/%2e/{file}", "/Doc_0/%2E%2E/{file}", "http://localhost/{file}", "/../{file}", "{file}#x", "{file}?x", ""]
    {
        let reference = plain().reference.replace("/{file}", reference);
        assert!(judge.complaint(&Recipe { reference, ..plain() }.make(&party)).is_some());
    }
}

/// Two seals, the second of which covers all files of the first.
fn twice(names: [&'static str; 2]) -> (World, Files) {
    let world = World::new();
    let (first, second) = (world.party("甲方"), world.party("乙方"));
    let [descriptor, value] = names;
    let recipe = Recipe {
        descriptor,
        value,
        ..plain()
            .listed("Sign_0/Signature.xml", &format!("/{descriptor}"))
            .described("/Doc_0/Signs/Sign_0/SignedValue.dat", &format!("/{value}"))
    };
    let sealed = second.seal(&recipe.make(&first));
    (world, crate::support::hostile::entries(&sealed))
}

#[test]
fn a_signature_that_vanished_from_the_list_is_told_whatever_its_files_are_called() {
    for names in [
        ["Doc_0/Signs/Sign_0/Signature.xml", "Doc_0/Signs/Sign_0/SignedValue.dat"],
        ["Doc_0/Signs/Sign_0/S.xml", "Doc_0/Signs/Sign_0/V.dat"],
        ["Doc_0/A/desc_sign.xml", "Doc_0/A/value"],
        ["Doc_0/A/B.xml", "Doc_0/A/v.dat"],
    ] {
        let (world, mut files) = twice(names);
        let judge = Judge::of(world);
        let package = |files: &Files| (plain().package)(files);
        assert_eq!(judge.complaint(&package(&files)), None, "{names:?}");
        let entry = format!("<ofd:Signature ID=\"1\" Type=\"Seal\" BaseLoc=\"/{}\"/>", names[0]);
        change(&mut files, "Doc_0/Signs/Signatures.xml", &entry, "");
        let complaint = judge.complaint(&package(&files)).unwrap_or_default();
        assert!(complaint.contains("SignatureOrphaned"), "{names:?}: {complaint}");
    }
}

#[test]
fn another_list_in_the_place_of_the_first_is_told() {
    let evil = "<ofd:Signatures>Evil/Signatures.xml</ofd:Signatures>";
    for to in [evil.to_owned(), format!("{LIST}{evil}"), format!("{evil}{LIST}")] {
        told(&open_start(), |files| {
            add(files, "Evil/Signatures.xml", "<Signatures/>");
            change(files, "OFD.xml", LIST, &to);
        });
    }
    noted(&open_start(), NoteCode::SignatureOrphaned, |files| change(files, "OFD.xml", LIST, ""));
    noted(&open_start(), NoteCode::SignatureListMissing, |files| {
        change(files, "OFD.xml", "/Signatures.xml", "/none.xml")
    });
}

#[test]
fn a_document_that_leads_elsewhere_is_told_where_nobody_sealed_it() {
    let judge = Judge::new();
    let party: Party = judge.world.party("甲方");
    // The signature covers pages and resources, but not what puts them together.
    let open = Recipe { covers: |name| name != "Doc_0/Document.xml", ..plain() };
    let complaint = judge.complaint(&open.make(&party)).expect("it is told before anything happens");
    assert!(complaint.contains("DocumentNotCovered") && complaint.contains("ContentUncovered"), "{complaint}");
    // And here everything but one page, its resources, an attachment.
    for name in ["Doc_0/Pages/Page_1/Content.xml", "Doc_0/PublicRes.xml"] {
        let open: fn(&str) -> bool = match name {
            "Doc_0/PublicRes.xml" => |name| name != "Doc_0/PublicRes.xml",
            _ => |name| name != "Doc_0/Pages/Page_1/Content.xml",
        };
        let complaint = judge.complaint(&Recipe { covers: open, ..plain() }.make(&party)).unwrap_or_default();
        assert!(complaint.contains("ContentUncovered"), "{name}: {complaint}");
    }
}

#[test]
fn a_page_seal_stamp_or_attachment_that_was_changed_is_told() {
    fn attached() -> Files {
        let mut files = contract_with(LIST);
        let named = "<ofd:Attachments>Attachments.xml</ofd:Attachments></ofd:Document>";
        change(&mut files, "Doc_0/Document.xml", "</ofd:Document>", named);
        add(
            &mut files,
            "Doc_0/Attachments.xml",
            "<Attachments><Attachment ID='1'><FileLoc>a.xml</FileLoc></Attachment></Attachments>",
        );
        add(&mut files, "Doc_0/a.xml", "<invoice>1</invoice>");
        files
    }
    let recipe = Recipe { document: attached, covers: |name| !name.ends_with(".esl"), ..plain() };
    let white = "<ofd:Layer Type=\"Foreground\" ID=\"99\"><ofd:PathObject ID=\"98\" Boundary=\"0 0 210 297\" Fill=\"true\"/></ofd:Layer></ofd:Content>";
    let descriptor = "Doc_0/Signs/Sign_0/Signature.xml";
    let page = "Doc_0/Pages/Page_0/Content.xml";
    for (name, from, to) in [
        (page, "</ofd:Content>", white),
        (page, "<ofd:Content>", "<ofd:Area><ofd:PhysicalBox>0 0 210 20</ofd:PhysicalBox></ofd:Area><ofd:Content>"),
        ("Doc_0/a.xml", "1", "2"),
        ("Doc_0/Attachments.xml", "a.xml", "b.xml"),
        (descriptor, "PageRef=\"10\"", "PageRef=\"20\""),
        (descriptor, "Boundary=\"120 200", "Boundary=\"12 200"),
        (descriptor, "Boundary=\"120 200 40 40\"", "Boundary=\"120 200 40 40\" Clip=\"0 0 1 1\""),
        (descriptor, "20260131080506Z", "20200131080506Z"),
    ] {
        told(&recipe, |files| change(files, name, from, to));
    }
    // The picture is in the seal: in the copy beside the signature, which nobody covers here, and in the signature.
    let other = World::new().party("甲方").seal;
    told(&recipe, |files| {
        files.iter_mut().filter(|(name, _)| name.ends_with(".esl")).for_each(|(_, seal)| seal.clone_from(&other))
    });
    told(&recipe, |files| {
        let (_, value) = files.iter_mut().find(|(name, _)| name.ends_with("SignedValue.dat")).expect("the value");
        let at = value.windows(4).position(|bytes| bytes == b"\x89PNG").expect("the picture");
        value[at + 1] = b'J';
    });
}
