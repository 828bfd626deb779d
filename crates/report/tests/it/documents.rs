//! Real sealed documents, and what is found in them.

use std::path::PathBuf;
use std::sync::Arc;

use eseal_documents::status::{Context, assess};
use eseal_documents::{DocumentReport, Language, Limits, Source, Trust, judge, verify};
use eseal_kernel::Digest;
use eseal_pki::Certificate;
use eseal_pki::chain::TrustStore;
use eseal_report::{Origin, Report};

/// A document of `tests/files`.
pub fn sealed(ending: &str) -> Vec<u8> {
    std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/files/contract.sealed.{ending}")))
        .expect("a document")
}

/// What verification finds in it; nothing where it is no document.
pub fn found(bytes: &[u8]) -> Option<DocumentReport> {
    let source: Source = Arc::new(bytes.to_vec());
    verify(&source, &Limits::default(), &mut |_| {}).ok()
}

/// The report for who trusts the authorities of `tests/files`.
pub fn report(bytes: &[u8], language: Language) -> (DocumentReport, Report) {
    let roots = |pem: &[u8]| Some(TrustStore::new(Certificate::many_from_pem(pem).expect("roots")));
    let trust = Trust {
        holder_roots: roots(include_bytes!("../files/roots.pem")),
        maker_roots: roots(include_bytes!("../files/makers.pem")),
    };
    let found = found(bytes).expect("a document");
    let origin = Origin {
        name: Some("contract".to_owned()),
        digest: Digest::of(bytes),
        verified_at: "2026-03-01T02:03:04Z".parse().expect("a moment"),
        language,
    };
    let judgement = judge(&found, &trust);
    let statuses = assess(&found, &judgement, &trust, &Context::at(origin.verified_at));
    let report = Report::of(&found, &judgement, &statuses, &origin);
    (found, report)
}
