//! OFD packages and their XML: whatever the bytes, a report or an error, in bounded time and memory.
#![no_main]

use std::sync::Arc;

use eseal_documents::{Limits, Source, Trust, judge, ofd};
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
    let source: Source = Arc::new(bytes.to_vec());
    if let Ok(report) = ofd::verify(&source, &limits, &mut |_| {}) {
        let _ = judge(&report, &Trust::default());
    }
    let _ = ofd::pages(&source, &limits);
    let _ = ofd::find_text(&source, "盖章", &limits);
});
