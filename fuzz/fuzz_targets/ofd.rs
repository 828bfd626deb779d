//! OFD packages and their XML: whatever the bytes, a report or an error, in bounded time and memory.
#![no_main]

use std::io::Cursor;

use eseal_documents::{Limits, Trust, judge, ofd};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits {
        max_entry_bytes: 8 << 20,
        max_xml_bytes: 1 << 20,
        max_xml_nodes: 50_000,
        max_entries: 2_000,
        max_signatures: 50,
        ..Limits::default()
    };
    if let Ok(report) = ofd::verify(Cursor::new(bytes), &limits, &mut |_| {}) {
        let _ = judge(&report, &Trust::default());
    }
    let _ = ofd::pages(Cursor::new(bytes), &limits);
});
