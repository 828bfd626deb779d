//! Documents beyond the offsets of 32 bits.

use std::io::{self, Write};

use eseal_documents::pdf::{self, Source};
use eseal_documents::sealing::{self, Options, Request};
use eseal_documents::{Limits, Outcome, Placement, Spot, Stamp};
use eseal_pki::Signer as _;

use crate::support::parties::now;
use crate::support::pdf_builder::PLAIN;
use crate::support::pdf_parties::{PLACE, PdfWorld, verify};

/// Bytes of nothing in the middle: memory that is never touched costs nothing.
const GAP: usize = (2 << 30) + (100 << 20);

/// Keeps the first bytes and what comes behind the gap.
struct Ends {
    at: usize,
    head: Vec<u8>,
    tail: Vec<u8>,
    keep: usize,
}

impl Write for Ends {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if self.at < self.keep {
            self.head.extend_from_slice(&piece[..piece.len().min(self.keep - self.at)]);
        }
        if self.at + piece.len() > GAP {
            self.tail.extend_from_slice(&piece[GAP.saturating_sub(self.at)..]);
        }
        self.at += piece.len();
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A document whose pages come behind more than 2 GB of a stream.
fn document() -> Vec<u8> {
    let small = PLAIN.build();
    let mut large = vec![0; GAP + small.len()];
    let head = format!("%PDF-1.7\n900 0 obj\n<< /Length {} >>\nstream\n", GAP - 200);
    large[..head.len()].copy_from_slice(head.as_bytes());
    let end = b"\nendstream\nendobj\n";
    large[GAP - end.len()..GAP].copy_from_slice(end);
    large[GAP..].copy_from_slice(&small);
    large
}

#[test]
fn a_document_of_more_than_two_gigabytes_is_sealed_and_verified() {
    // Its offsets count from where the small document began: what is found there is repaired by going through the file, and
    // sealing wants a file whose table is right. So the table is written anew by an update.
    let mut bytes = document();
    let start = bytes.len();
    let text = String::from_utf8_lossy(&bytes[GAP..]).into_owned();
    let offsets: Vec<(usize, usize)> = text
        .match_indices(" 0 obj")
        .map(|(at, _)| {
            let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
            (text[line..at].parse().expect("a number"), GAP + line)
        })
        .collect();
    let size = offsets.iter().map(|(number, _)| number + 1).max().expect("objects");
    let mut table = String::from("xref\n");
    for (number, offset) in &offsets {
        table.push_str(&format!("{number} 1\n{offset:010} 00000 n \n"));
    }
    table.push_str(&format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"));
    bytes.extend_from_slice(table.as_bytes());
    let length = bytes.len();

    let party = PdfWorld::new().party("甲方");
    let (seal, stamps) = (party.usable(), [Stamp::from(PLACE)]);
    let request = party.request(&seal, &stamps);
    let source: Source = std::sync::Arc::new(bytes);
    let prepared = pdf::prepare(source.clone(), &request, &Limits::default(), &mut |_| {}).expect("prepared");
    let signature = party.key.sign(prepared.to_sign()).expect("a signature");
    let (completed, _) = prepared.complete(&signature, None).expect("complete");
    let mut ends = Ends { at: 0, head: Vec::new(), tail: Vec::new(), keep: 100 };
    completed.write(&mut ends, &mut |_| {}).expect("written");
    assert_eq!(ends.at as u64, completed.bytes());
    assert_eq!(ends.head, (*source).as_ref()[..100]);
    drop(source);
    drop(completed);

    let mut sealed = vec![0; GAP + ends.tail.len()];
    let head = format!("%PDF-1.7\n900 0 obj\n<< /Length {} >>\nstream\n", GAP - 200);
    sealed[..head.len()].copy_from_slice(head.as_bytes());
    let end = b"\nendstream\nendobj\n";
    sealed[GAP - end.len()..GAP].copy_from_slice(end);
    sealed[GAP..].copy_from_slice(&ends.tail);
    let text = String::from_utf8_lossy(&ends.tail);
    assert!(
        text.contains(&format!("/Prev {start}"))
            && text.contains(&format!("/ByteRange [0 {}", &length.to_string()[..5]))
    );
    let sealed: Source = std::sync::Arc::new(sealed);
    let report = pdf::verify(&sealed, &Limits::default(), &mut |_| {}).expect("verified");
    assert_eq!(report.seals[0].content, Outcome::Passed, "{:?}", report.seals[0].steps);
    assert!(report.notes.is_empty(), "{:?}", report.notes);
}

#[test]
fn a_document_that_is_read_gets_the_same_digest_as_one_in_memory() {
    let party = PdfWorld::new().party("甲方");
    let (seal, stamps) = (party.usable(), [Stamp::from(PLACE)]);
    let (request, document, limits) = (party.request(&seal, &stamps), PLAIN.build(), Limits::default());
    let source: Source = std::sync::Arc::new(document.clone());
    let whole = pdf::prepare(source.clone(), &request, &limits, &mut |_| {}).expect("prepared");
    let read = pdf::prepare_reading(source.clone(), &mut document.as_slice(), &request, &limits, &mut |_| {});
    assert_eq!(read.expect("prepared").digest(), whole.digest());
    for content in [&document[1..], &[&document[..], b" "].concat()] {
        let mut content = content;
        let refused = pdf::prepare_reading(source.clone(), &mut content, &request, &limits, &mut |_| {});
        assert!(matches!(refused, Err(eseal_documents::DocumentError::Changed)));
    }
}

/// A document of some pages, and so many bytes of something else that a later update brought.
fn with_much_else(bytes: usize) -> Vec<u8> {
    let mut out = PLAIN.build();
    let (at, previous) = (out.len(), String::from_utf8_lossy(&out).rfind("xref\n0 ").expect("a table"));
    out.extend_from_slice(format!("900 0 obj\n<< /Length {bytes} >>\nstream\n").as_bytes());
    out.resize(out.len() + bytes, b'x');
    out.extend_from_slice(b"\nendstream\nendobj\n");
    let start = out.len();
    let table = format!("xref\n900 1\n{at:010} 00000 n \ntrailer\n<< /Size 901 /Root 1 0 R /Prev {previous} >>\n");
    out.extend_from_slice(format!("{table}startxref\n{start}\n%%EOF\n").as_bytes());
    out
}

/// Kilobytes of the mapping of this file that are in this process's memory.
#[cfg(target_os = "linux")]
fn mapped_in(path: &std::path::Path) -> usize {
    let maps = std::fs::read_to_string("/proc/self/smaps").expect("the mappings");
    let own = maps.split(&path.display().to_string()).nth(1).expect("the mapping");
    let line = own.lines().find_map(|line| line.strip_prefix("Rss:")).expect("a number");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[cfg(target_os = "linux")]
#[test]
#[expect(unsafe_code, reason = "mapping a file has no safe form")]
fn a_document_without_seals_is_sealed_without_going_through_its_mapping() {
    use std::io::Seek as _;
    const ELSE: usize = 64 << 20;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("large.pdf");
    std::fs::write(&path, with_much_else(ELSE)).expect("written");
    let mut file = std::fs::File::open(&path).expect("opened");
    // SAFETY: the file is this test's own, and nobody else changes it.
    let source: Source = std::sync::Arc::new(unsafe { memmap2::Mmap::map(&file) }.expect("mapped"));
    let party = PdfWorld::new().party("甲方");
    let (seal, limits) = (sealing::UsableSeal::from_der(&party.seal).expect("a seal"), Limits::default());
    let (placement, options) = (Placement::At(vec![Spot { page: 1, x_mm: 9.0, y_mm: 9.0 }]), Options::default());
    let (signer, chain) = (&party.certificate, party.chain.as_slice());
    let request = Request { seal: &seal, placement: &placement, time: now(), signer, chain, reason: None, options };
    assert_eq!(sealing::broken_seal(&source, "", &limits, &mut |_| {}).expect("a document"), None);
    let prepared = sealing::prepare_reading(&source, &mut file, &request, &limits, &mut |_| {}).expect("prepared");
    let signature = party.key.sign(prepared.to_sign()).expect("a signature");
    file.rewind().expect("at its begin");
    let mut out = Vec::new();
    prepared.finish_reading(&mut file, &mut out, (&signature, None), &mut |_| {}).expect("sealed");
    assert!(out.len() > ELSE);
    let kilobytes = mapped_in(&path);
    assert!(kilobytes < ELSE / 1024 / 4, "{kilobytes} kB of the mapping are in memory");
    assert_eq!(verify(&out).seals[0].content, Outcome::Passed);
}
