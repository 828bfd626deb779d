//! The XML of OFD packages, apart from their zip, in which nearly every mutation ends at a checksum: the first byte says which
//! file of a sealed package is replaced, the rest is its content. Whatever it is, a report or an error.
#![no_main]

use std::io::{Cursor, Read, Write};
use std::sync::{Arc, LazyLock};

use eseal_documents::status::{Context, assess};
use eseal_documents::{Limits, Source, Trust, judge, ofd};
use libfuzzer_sys::fuzz_target;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// A package with two seals, as another producer's reader takes it.
const SEALED: &[u8] = include_bytes!("../sealed.ofd");

static FILES: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
    let mut package = ZipArchive::new(Cursor::new(SEALED)).expect("a package");
    let mut files = Vec::new();
    for index in 0..package.len() {
        let mut entry = package.by_index(index).expect("an entry");
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("its content");
        let name = entry.name().expect("its name").into_owned();
        files.push((name, content));
    }
    // Nobody writes this one but who asks for it.
    files.push(("OFDEntries.xml".to_owned(), Vec::new()));
    files
});

fuzz_target!(|bytes: &[u8]| {
    let Some((which, content)) = bytes.split_first() else { return };
    let texts: Vec<&str> = FILES.iter().map(|(name, _)| name.as_str()).filter(|name| name.ends_with(".xml")).collect();
    let replaced = texts[usize::from(*which) % texts.len()];
    let mut out = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, original) in FILES.iter() {
        let content = if name == replaced { content } else { original };
        if name != "OFDEntries.xml" || name == replaced {
            out.start_file(name.as_str(), options).expect("a name");
            out.write_all(content).expect("written");
        }
    }
    let source: Source = Arc::new(out.finish().expect("a package").into_inner());
    let limits = Limits { max_xml_nodes: 50_000, max_signatures: 50, ..Limits::default() };
    if let Ok(report) = ofd::verify(&source, &limits, &mut |_| {}) {
        let (trust, now) = (Trust::default(), "2026-09-21T14:13:20Z".parse().expect("a moment"));
        let _ = assess(&report, &judge(&report, &trust), &trust, &Context::at(now));
    }
    let _ = ofd::pages(&source, &limits);
    let _ = ofd::find_text(&source, "盖章", &limits);
});
