//! PDF files: whatever the bytes, a report or an error, in bounded time and memory.
#![no_main]

use std::sync::Arc;

use eseal_documents::{Limits, Trust, judge, pdf};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits {
        max_entry_bytes: 8 << 20,
        max_objects: 100_000,
        max_pages: 5_000,
        max_revisions: 200,
        max_signatures: 50,
        max_compared: 200_000,
        ..Limits::default()
    };
    let source: pdf::Source = Arc::new(bytes.to_vec());
    if let Ok(report) = pdf::verify(&source, &limits, &mut |_| {}) {
        let _ = judge(&report, &Trust::default());
    }
    let _ = pdf::pages(&source, &limits);
});
