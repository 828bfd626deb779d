//! Zip packages in every legal form are plainly good, and what some reader would see otherwise is told.

use encoding_rs::GBK;
use eseal_documents::NoteCode;

use crate::support::ofd_recipe::{Files, Package, Recipe, change, contract_with, plain};
use crate::support::raw_zip::{Item, extra, items, raw_zip, unicode_path};
use crate::support::twins::Judge;

/// Bit 11: names are UTF-8.
const UTF8: u16 = 1 << 11;

fn packed(files: &[(String, Vec<u8>)], change: impl Fn(&mut Item)) -> Vec<u8> {
    let mut items = items(files);
    items.iter_mut().for_each(change);
    raw_zip(b"", &items, b"")
}

#[test]
fn packages_may_be_written_in_any_way() {
    let ways: [(&'static str, Package); 15] = [
        ("deflated", |files| packed(files, |_| {})),
        ("stored", |files| packed(files, |item| item.is_stored = true)),
        ("descriptors with a signature", |files| packed(files, |item| item.descriptor = Some(true))),
        ("descriptors without", |files| packed(files, |item| item.descriptor = Some(false))),
        ("stored with descriptors", |files| {
            packed(files, |item| (item.is_stored, item.descriptor) = (true, Some(true)))
        }),
        ("ZIP64", |files| packed(files, |item| item.is_zip64 = true)),
        ("ZIP64 with descriptors", |files| packed(files, |item| (item.is_zip64, item.descriptor) = (true, Some(true)))),
        ("names in UTF-8", |files| packed(files, |item| item.flags = UTF8)),
        ("fast deflate", |files| packed(files, |item| item.flags = 0b110)),
        ("extra fields", |files| {
            packed(files, |item| item.extra = [extra(0x5455, &[1, 0, 0, 0, 0]), extra(0xcafe, b"")].concat())
        }),
        ("backslashes", |files| {
            packed(files, |item| item.name.iter_mut().for_each(|b| *b = if *b == b'/' { b'\\' } else { *b }))
        }),
        ("dots in front", |files| packed(files, |item| item.name = [b"./", &item.name[..]].concat())),
        ("bytes in front and a comment", |files| raw_zip(&[b'#'; 300], &items(files), b"comment")),
        ("another order", |files| raw_zip(b"", &items(files).into_iter().rev().collect::<Vec<_>>(), b"")),
        ("folders", |files| {
            let folders = ["Doc_0/", "Doc_0/Signs/", "Doc_0/Signs/Sign_0/", "Doc_0/Res/", "Leer/"];
            let folders = folders.map(|name| Item { is_stored: true, ..Item::new(name, b"") });
            raw_zip(b"", &[folders.to_vec(), items(files)].concat(), b"")
        }),
    ];
    let judge = Judge::new();
    let party = judge.world.party("甲方");
    for (name, package) in ways {
        judge.tells_twins(&Recipe { name, package, ..plain() }, &party);
    }
}

/// Names that are GBK, one of which is UTF-8 by chance.
const NAMES: [&str; 3] = ["Doc_0/Res/公章.png", "Doc_0/Res/模.png", "Doc_0/附件/原始发票.xml"];

fn with_chinese_names() -> Files {
    let mut files = contract_with("<ofd:Signatures>Doc_0/Signs/Signatures.xml</ofd:Signatures>");
    let media = "<ofd:Fonts><ofd:MediaFile>公章.png</ofd:MediaFile><ofd:MediaFile>模.png</ofd:MediaFile>";
    change(&mut files, "Doc_0/PublicRes.xml", "<ofd:Fonts>", media);
    let attached = "<ofd:Attachments>附件/原始发票.xml</ofd:Attachments></ofd:Document>";
    change(&mut files, "Doc_0/Document.xml", "</ofd:Document>", attached);
    files.extend(NAMES.map(|name| (name.to_owned(), name.as_bytes().to_vec())));
    files
}

fn in_gbk(name: &[u8]) -> Vec<u8> {
    GBK.encode(std::str::from_utf8(name).expect("text")).0.into_owned()
}

#[test]
fn names_may_be_in_utf_8_or_gbk_and_say_so_or_not() {
    let ways: [(&'static str, Package); 5] = [
        ("UTF-8 that says so", |files| packed(files, |item| item.flags = UTF8)),
        ("UTF-8 that does not", |files| packed(files, |_| {})),
        ("GBK", |files| packed(files, |item| item.name = in_gbk(&item.name))),
        ("GBK with the name in UTF-8 beside it", |files| {
            packed(files, |item| {
                let name = in_gbk(&item.name);
                item.extra = unicode_path(&name, std::str::from_utf8(&item.name).expect("text"));
                item.name = name;
            })
        }),
        ("a stand-in with the name in UTF-8 beside it", |files| {
            packed(files, |item| {
                if item.name.is_ascii() {
                    return;
                }
                let name: String = String::from_utf8_lossy(&item.name).chars().map(stand_in).collect();
                item.extra = unicode_path(name.as_bytes(), std::str::from_utf8(&item.name).expect("text"));
                item.name = name.into_bytes();
            })
        }),
    ];
    let judge = Judge::new();
    let party = judge.world.party("甲方");
    for (name, package) in ways {
        judge.tells_twins(&Recipe { name, document: with_chinese_names, package, ..plain() }, &party);
    }
}

/// As Apache Commons Compress writes what a character set does not have.
fn stand_in(c: char) -> String {
    if c.is_ascii() { c.to_string() } else { format!("%U{:04X}", u32::from(c)) }
}

const PAGES: [&str; 2] = ["Doc_0/Pages/Page_0/Content.xml", "Doc_0/Pages/Page_1/Content.xml"];

#[test]
fn two_names_of_one_file_of_which_readers_take_either_are_told() {
    let judge = Judge::new();
    let files = plain().files(&judge.world.party("甲方"));
    let told = format!("{:?}", NoteCode::PackageAmbiguous);
    let other = |name: &[u8]| {
        let page = PAGES.iter().position(|page| page.as_bytes() == name)?;
        Some(PAGES[1 - page].as_bytes().to_vec())
    };
    // Readers that know the name in UTF-8 see the pages as they were sealed, and the others see them swapped.
    let swapped = packed(&files, |item| {
        if let Some(other) = other(&item.name) {
            item.extra = unicode_path(&other, std::str::from_utf8(&item.name).expect("text"));
            item.name = other;
        }
    });
    // The same for readers of the directory only.
    let in_directory = packed(&files, |item| {
        if let Some(other) = other(&item.name) {
            item.extra = unicode_path(&other, std::str::from_utf8(&item.name).expect("text"));
            item.central_name = Some(other);
        }
    });
    // And for those who read from front to back.
    let in_front = packed(&files, |item| {
        if let Some(other) = other(&item.name) {
            item.central_name = Some(item.name.clone());
            item.name = other;
        }
    });
    for (name, package) in [("both headers", swapped), ("the directory", in_directory), ("the front", in_front)] {
        let complaint = judge.complaint(&package).unwrap_or_default();
        assert!(complaint.contains(&told), "{name}: {complaint}");
    }
}

#[test]
fn one_name_in_two_encodings_or_cases_is_refused() {
    let judge = Judge::new();
    let recipe = Recipe { document: with_chinese_names, ..plain() };
    let files = recipe.files(&judge.world.party("甲方"));
    let sealed = items(&files);
    for (name, flags) in [
        (in_gbk(NAMES[0].as_bytes()), 0),
        (NAMES[0].replace("png", "PNG").into_bytes(), UTF8),
        (NAMES[0].replace('/', r"\").into_bytes(), UTF8),
        (b"doc_0/document.XML".to_vec(), 0),
        (b"./Doc_0/Document.xml".to_vec(), 0),
    ] {
        let twin = Item { flags, ..Item::new(name.clone(), b"<a/>") };
        for items in [[vec![twin.clone()], sealed.clone()].concat(), [sealed.clone(), vec![twin]].concat()] {
            let complaint = judge.complaint(&raw_zip(b"", &items, b""));
            assert!(complaint.is_some(), "{}", String::from_utf8_lossy(&name));
        }
    }
    // A name that is another file's in GBK takes nothing away from the file that has it in so many words.
    let twin = Item::new(in_gbk("Doc_0/Res/模.png".as_bytes()), b"other");
    let complaint = judge.complaint(&raw_zip(b"", &[vec![twin], sealed].concat(), b""));
    assert!(complaint.unwrap_or_default().contains("Uncovered"));
}
