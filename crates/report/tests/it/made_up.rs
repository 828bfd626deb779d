//! A report that is made up, with something of everything, and the same at every run.

use eseal_documents::{Check, Language, NoteCode, Reason};
use eseal_kernel::{Digest, Timestamp};
use eseal_report::draw::Problem;
use eseal_report::exhibit::{Exhibits, PageExhibit, Picture, SealExhibit};
use eseal_report::model::{
    Certificate, ElectronicSeal, Item, Kind, Moment, Note, Outcome, Place, REPORT_VERSION, Registry, Report, Seal,
    Severity, Status, StatusAt, Step, TimeSource, Verdict,
};
use eseal_report::words;

/// A PNG of one red pixel.
const DOT: &[u8] = include_bytes!("../files/dot.png");

pub fn at(text: &str) -> Moment {
    Moment(text.parse::<Timestamp>().expect("a moment"))
}

pub fn report(language: Language) -> Report {
    let seals = vec![good(language), altered(language)];
    let text = NoteCode::EntriesUncovered.text(language);
    let notes = vec![note(NoteCode::EntriesUncovered, Severity::Warning, format!("{text}: /Doc_0/extra.xml"))];
    Report {
        report_version: REPORT_VERSION,
        language: words::tag(language),
        verdict: Verdict::Invalid,
        flagged: Report::has_warning(&seals, &notes),
        format: "ofd".to_owned(),
        pages: Some(2),
        document_name: Some("采购合同.ofd".to_owned()),
        document_digest: Digest::of(b"a document").to_string(),
        online: true,
        verified_at: at("2026-03-01T02:03:04Z"),
        seals,
        notes,
    }
}

/// A document without a seal.
pub fn unsealed(language: Language) -> Report {
    let report = report(language);
    Report { verdict: Verdict::Unsealed, flagged: false, online: false, seals: Vec::new(), notes: Vec::new(), ..report }
}

pub fn exhibits() -> Exhibits {
    let dot = || Ok(Picture { png: DOT.to_vec(), width: 1, height: 1 });
    let pages = vec![PageExhibit { page: 1, shown: dot() }, PageExhibit { page: 2, shown: Err(Problem::TookTooLong) }];
    let unsupported = Some(Err(Problem::FormUnsupported));
    Exhibits {
        seals: vec![
            SealExhibit { impression: Some(dot()), pages, left_out: 3 },
            SealExhibit { impression: unsupported, pages: Vec::new(), left_out: 0 },
        ],
    }
}

fn note(code: NoteCode, severity: Severity, text: String) -> Note {
    Note { code: code.code().to_owned(), severity, text }
}

fn passed(language: Language) -> Item {
    Item::new(Outcome::Passed, None, language)
}

fn step(check: Check, outcome: Outcome, why: Option<(Reason, &str)>, language: Language) -> Step {
    let (reason, detail) = why.unzip();
    Step::new(check.code(), outcome, reason.map(|r| r.code().to_owned()), detail.map(str::to_owned), language)
}

fn good(language: Language) -> Seal {
    let checks = [Check::SignatureFormat, Check::SignatureValue, Check::References, Check::DataHash];
    let fine = |indication: &str| StatusAt { indication: indication.to_owned(), sub_indication: None, text: None };
    let expired = StatusAt {
        indication: "INDETERMINATE".to_owned(),
        sub_indication: Some("OUT_OF_BOUNDS_NO_POE".to_owned()),
        text: Some(words::pick(language, "证书已过期", "the certificate has expired").to_owned()),
    };
    Seal {
        name: "s001".to_owned(),
        kind: Kind::Seal,
        signer: passed(language),
        content: passed(language),
        impression: passed(language),
        first_failed: None,
        status: Some(Status { at_sealing: fine("TOTAL-PASSED"), now: expired }),
        signer_subject: "CN=32050000011053,O=11320500014150050B苏州市民政局".to_owned(),
        certificate: Some(Certificate {
            issuer: "CN=Holder CA".to_owned(),
            serial: "0a1b".to_owned(),
            valid_from: at("2025-01-31T08:05:06Z"),
            valid_to: at("2026-02-27T08:05:06Z"),
            fingerprint: Digest::of(b"a certificate").to_string(),
        }),
        seal_id: "32050000011053".to_owned(),
        seal_name: "苏州市民政局合同专用章".to_owned(),
        electronic_seal: Some(ElectronicSeal {
            valid_from: at("2025-01-31T08:05:06Z"),
            valid_to: at("2027-01-31T08:05:06Z"),
            maker_subject: Some("CN=Seal Maker".to_owned()),
            width_mm: 40,
            height_mm: 40,
        }),
        sealing_time: Some(at("2026-01-31T08:05:06Z")),
        sealing_time_source: Some(TimeSource::TimeStamp),
        places: vec![Place { page: 1, x_mm: 120.0, y_mm: 200.5, width_mm: 40.0, height_mm: 40.0 }],
        registry: Some(Registry { known: true, state_then: "active".to_owned(), state_now: "revoked".to_owned() }),
        steps: checks.map(|check| step(check, Outcome::Passed, None, language)).to_vec(),
        notes: vec![note(
            NoteCode::LaterSignatures,
            Severity::Info,
            NoteCode::LaterSignatures.text(language).to_owned(),
        )],
    }
}

fn altered(language: Language) -> Seal {
    let steps = vec![
        step(Check::SignatureValue, Outcome::Passed, None, language),
        step(
            Check::References,
            Outcome::Failed,
            Some((Reason::ContentAltered, "/Doc_0/Pages/Page_0/Content.xml")),
            language,
        ),
        step(Check::SignerChain, Outcome::Unknown, Some((Reason::TrustRootsMissing, "")), language),
    ];
    let item = |outcome, reason: Reason| Item::new(outcome, Some(reason.code().to_owned()), language);
    Seal {
        name: "s002".to_owned(),
        signer: item(Outcome::Unknown, Reason::TrustRootsMissing),
        content: item(Outcome::Failed, Reason::ContentAltered),
        impression: Item::new(Outcome::NotApplicable, None, language),
        kind: Kind::Signature,
        first_failed: Seal::first_failed_of(&steps),
        status: None,
        seal_id: String::new(),
        seal_name: String::new(),
        electronic_seal: None,
        sealing_time_source: Some(TimeSource::SelfAsserted),
        places: Vec::new(),
        registry: None,
        steps,
        notes: vec![note(
            NoteCode::TimeSelfAsserted,
            Severity::Info,
            NoteCode::TimeSelfAsserted.text(language).to_owned(),
        )],
        ..good(language)
    }
}
