//! Appends updates to PDF documents, as anybody can.

use std::fmt::Write as _;

use super::pdf_builder::CATALOG;

/// `document` with an update by anybody: objects as text, under their numbers.
pub fn append(document: &[u8], objects: &[(u32, &str)]) -> Vec<u8> {
    append_with(document, objects, "")
}

/// The same with further entries of the trailer.
pub fn append_with(document: &[u8], objects: &[(u32, &str)], trailer: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(document);
    let previous = text.rsplit("startxref").next().and_then(|rest| rest.split_whitespace().next()).expect("a number");
    let size = highest(document).max(objects.iter().map(|(number, _)| *number).max().unwrap_or(0)) + 1;
    let mut out = document.to_vec();
    let mut table = String::from("xref\n");
    for (number, body) in objects {
        let _ = write!(table, "{number} 1\n{:010} 00000 n \n", out.len());
        out.extend(format!("{number} 0 obj\n{body}\nendobj\n").bytes());
    }
    let start = out.len();
    let _ = write!(
        table,
        "trailer\n<< /Size {size} /Root {CATALOG} 0 R /Prev {previous} {trailer} >>\nstartxref\n{start}\n%%EOF\n"
    );
    out.extend(table.bytes());
    out
}

/// The highest object number that appears in `document`.
pub fn highest(document: &[u8]) -> u32 {
    let text = String::from_utf8_lossy(document);
    let numbers = text.split(" 0 obj").filter_map(|before| before.rsplit(['\n', '\r']).next()?.parse::<u32>().ok());
    let promised = text.split("/Size ").skip(1).filter_map(|after| after.split_whitespace().next()?.parse().ok());
    numbers.chain(promised).max().unwrap_or(0)
}

/// A stream object as text.
pub fn stream_text(entries: &str, data: &str) -> String {
    format!("<< {entries} /Length {} >>\nstream\n{data}\nendstream", data.len())
}
