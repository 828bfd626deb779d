//! PDF files: whatever the bytes, a report or an error, in bounded time and memory; and what is put behind one leaves its pages as
//! they are.
#![no_main]

use std::sync::Arc;

use eseal_documents::status::{Context, assess};
use eseal_documents::{Limits, Trust, judge, pdf};
use eseal_pki::DigestAlg;
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
        let (trust, now) = (Trust::default(), "2026-09-21T14:13:20Z".parse().expect("a moment"));
        let _ = assess(&report, &judge(&report, &trust), &trust, &Context::at(now));
    }
    let pages = pdf::pages(&source, &limits);
    let _ = pdf::find_text(&source, "盖章", &limits);
    let _ = pdf::field_places(&source, "Seal1", "", &limits);
    let _ = pdf::prepare_time_stamp(source.clone(), DigestAlg::Sha256, 4_096, "", &limits, &mut |_| {});
    let data = pdf::ValidationData { certificates: &[b"a certificate"], ..Default::default() };
    if let (Ok(pages), Ok(completed)) = (pages, pdf::add_validation_data(source, &data, "", &limits)) {
        let mut out = Vec::new();
        completed.write(&mut out, &mut |_| {}).expect("written");
        let after: pdf::Source = Arc::new(out);
        assert_eq!(pdf::pages(&after, &limits).expect("a document"), pages);
    }
});
