//! Signatures of other kinds than ours, put into PDFs as their producers do.

use std::fmt::Write as _;

use super::pdf_builder::{CATALOG, FIRST_PAGE, PLAIN};
use super::pdf_update::append;

/// Bytes that a value may have.
const ROOM: usize = 12_000;

/// Number of the first field with a signature of [`signed`].
pub const FIRST_FIELD: u32 = 40;

/// A document of one page that is signed: `make` gives the value for the bytes that it covers.
pub fn signed(sub_filter: &str, entries: &str, make: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
    signed_in(&["Signature1"], sub_filter, entries, make)
}

/// The same with several fields that all have the one value.
pub fn signed_in(names: &[&str], sub_filter: &str, entries: &str, make: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let numbers: Vec<u32> = (FIRST_FIELD..).take(names.len()).collect();
    let list: String = numbers.iter().map(|number| format!("{number} 0 R ")).collect();
    let catalog =
        format!("<< /Type /Catalog /Pages 2 0 R /AcroForm << /SigFlags 3 /Fields [{list}] >> /Signed {FIRST_PAGE} >>");
    let fields: Vec<String> = names.iter().map(|name| format!("<< /FT /Sig /T ({name}) /V 31 0 R >>")).collect();
    let room = "0".repeat(2 * ROOM);
    let value = format!(
        "<< /Type /Sig /Filter /Other.Handler /SubFilter /{sub_filter} {entries} /M (D:20260131080000Z) \
         /ByteRange [0 1111111111 2222222222 3333333333] /Contents <{room}> >>"
    );
    let mut objects = vec![(CATALOG, catalog.as_str()), (31, &value)];
    objects.extend(numbers.into_iter().zip(fields.iter().map(String::as_str)));
    let mut document = append(&PLAIN.build(), &objects);
    let find = |document: &[u8], text: &str| document.windows(text.len()).position(|window| window == text.as_bytes());
    let start = find(&document, &format!("<{room}>")).expect("the room");
    let end = start + room.len() + 2;
    for (placeholder, number) in [("1111111111", start), ("2222222222", end), ("3333333333", document.len() - end)] {
        let at = find(&document, placeholder).expect("a placeholder");
        document[at..at + 10].copy_from_slice(format!("{number:010}").as_bytes());
    }
    let covered = [&document[..start], &document[end..]].concat();
    let contents = make(&covered).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    document[start + 1..start + 1 + contents.len()].copy_from_slice(contents.as_bytes());
    document
}

/// A DER value.
pub fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let header = match length {
        0..=0x7f => vec![tag, length as u8],
        0x80..=0xff => vec![tag, 0x81, length as u8],
        _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
    };
    [header, content.to_vec()].concat()
}

/// A SEQUENCE.
pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}
