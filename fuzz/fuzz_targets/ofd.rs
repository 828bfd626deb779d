//! OFD packages and their XML: whatever the bytes, a report or an error, in bounded time and memory; and it is laid out for
//! sealing, or refused.
#![no_main]

use std::sync::{Arc, LazyLock};

use eseal_documents::ofd::{SealingOptions, SealingRequest, UsableSeal};
use eseal_documents::status::{Context, assess};
use eseal_documents::{Limits, Place, Source, Trust, judge, ofd};
use libfuzzer_sys::fuzz_target;

static SEAL: LazyLock<UsableSeal> =
    LazyLock::new(|| UsableSeal::from_der(include_bytes!("../seal.esl")).expect("a seal"));

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
        let (trust, now) = (Trust::default(), "2026-09-21T14:13:20Z".parse().expect("a moment"));
        let _ = assess(&report, &judge(&report, &trust), &trust, &Context::at(now));
    }
    let _ = ofd::pages(&source, &limits);
    let _ = ofd::find_text(&source, "盖章", &limits);
    let time = "2026-01-31T08:05:06Z".parse().expect("a moment");
    let stamps = [Place { page: 1, x_mm: 10.0, y_mm: 10.0, width_mm: 20.0, height_mm: 20.0 }.into()];
    let request = SealingRequest { seal: &SEAL, stamps: &stamps, time, options: SealingOptions::default() };
    let _ = ofd::prepare(source.clone(), &request, &limits, &mut |_| {});
    let _ = ofd::prepare_list(source, time, &limits);
});
