//! Ways to change a package after it was sealed.

use std::io::{Cursor, Read};

use zip::ZipArchive;

use super::ofd_contract::zip_of;

/// The files of a package with their contents, in its order.
pub fn entries(package: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut zip = ZipArchive::new(Cursor::new(package)).expect("a package");
    (0..zip.len())
        .map(|index| {
            let mut file = zip.by_index(index).expect("an entry");
            let mut content = Vec::new();
            file.read_to_end(&mut content).expect("its content");
            (file.name().expect("its name").into_owned(), content)
        })
        .collect()
}

/// The content of one file.
pub fn content(package: &[u8], name: &str) -> Vec<u8> {
    let found = entries(package).into_iter().find(|(entry, _)| entry == name);
    found.unwrap_or_else(|| panic!("{name} is missing")).1
}

/// The package with the content of one file changed.
pub fn with_changed(package: &[u8], name: &str, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    let mut entries = entries(package);
    let (_, content) = entries.iter_mut().find(|(entry, _)| entry == name).expect("the file to change");
    *content = change(std::mem::take(content));
    zip_of(&entries)
}

/// The package with a text in one file replaced; the text must be there.
pub fn with_replaced(package: &[u8], name: &str, from: &str, to: &str) -> Vec<u8> {
    with_changed(package, name, |content| {
        let text = String::from_utf8(content).expect("text");
        assert!(text.contains(from), "{name} has no {from}");
        text.replace(from, to).into_bytes()
    })
}

/// The package with one more file.
pub fn with_added(package: &[u8], name: &str, content: &[u8]) -> Vec<u8> {
    let mut entries = entries(package);
    entries.push((name.to_owned(), content.to_vec()));
    zip_of(&entries)
}

/// The package without one file.
pub fn without(package: &[u8], name: &str) -> Vec<u8> {
    let mut entries = entries(package);
    entries.retain(|(entry, _)| entry != name);
    zip_of(&entries)
}
