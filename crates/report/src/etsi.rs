//! A report for other validation software: the ValidationReport of ETSI TS 119 102-2 V1.2.1.
//!
//! Every seal is a `SignatureValidationReport`; its items and checks are validation constraints under names of ours
//! (`urn:eseal:item:…`, `urn:eseal:check:…`), since the standard's constraints know no electronic seal. What the standard
//! leaves open is left away: the report itself is not signed, and names no validator.

mod element;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use eseal_documents::DocumentReport;
use eseal_kernel::Digest;

use crate::etsi::element::Element;
use crate::model::{Moment, Outcome, Report, Seal, TimeSource};

const VR: &str = "http://uri.etsi.org/19102/v1.2.1#";
const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
const SHA_256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
const DOCUMENT_ID: &str = "document";

/// The report as XML. `found` is what the report is about: the signers' certificates go along as validation objects.
///
/// A document without seals has one `SignatureValidationReport`, for the schema wants one: its indication is
/// `urn:eseal:mainindication:no-signature-found`, of ours, since nothing was there to be indicated.
pub fn document(report: &Report, found: &DocumentReport) -> String {
    let certificates: Vec<_> = found.seals.iter().map(|seal| seal.signer.as_ref().map(|s| s.der())).collect();
    let mut root = Element::new("vr:ValidationReport").with("xmlns:vr", VR).with("xmlns:ds", DS);
    if report.seals.is_empty() {
        let none = Element::text("vr:MainIndication", "urn:eseal:mainindication:no-signature-found");
        let status = Element::new("vr:SignatureValidationStatus").containing(none);
        let validation = Element::new("vr:SignatureValidationReport").containing(time_info(report.verified_at, None));
        root = root.containing(validation.containing(signers_document(report)).containing(status));
    }
    for (index, seal) in report.seals.iter().enumerate() {
        let has_certificate = certificates.get(index).is_some_and(Option::is_some);
        root = root.containing(validation(seal, index, has_certificate, report));
    }
    root.containing(objects(report, &certificates)).into_document()
}

/// The order of the children is the schema's.
fn validation(seal: &Seal, index: usize, has_certificate: bool, report: &Report) -> Element {
    let identifier = Element::new("vr:SignatureIdentifier")
        .containing(Element::text("vr:HashOnly", "false"))
        .containing(Element::text("vr:DocHashOnly", "false"))
        .containing(Element::text("vr:DAIdentifier", &seal.name));
    let stamped = seal.sealing_time.filter(|_| seal.sealing_time_source == Some(TimeSource::TimeStamp));
    let mut validation = Element::new("vr:SignatureValidationReport")
        .containing(identifier)
        .containing(constraints(seal))
        .containing(time_info(report.verified_at, stamped))
        .containing(signers_document(report));
    if let Some(time) = seal.sealing_time {
        let time = Element::text("vr:Time", date_time(time));
        let signing_time = Element::new("vr:SigningTime").with("Signed", "true").containing(time);
        validation = validation.containing(Element::new("vr:SignatureAttributes").containing(signing_time));
    }
    if has_certificate {
        let certificate = Element::new("vr:SignerCertificate").with("VOReference", certificate_id(index));
        let signer = Element::text("vr:Signer", &seal.signer_subject);
        let information = Element::new("vr:SignerInformation").containing(certificate).containing(signer);
        validation = validation.containing(information);
    }
    let process = if stamped.is_some() { "LTVM" } else { "Basic" };
    let process = format!("urn:etsi:019102:validationprocess:{process}");
    let process = Element::text("vr:SignatureValidationProcessID", process);
    let (indication, sub_indication) = indication(seal);
    let mut status = Element::new("vr:SignatureValidationStatus")
        .containing(Element::text("vr:MainIndication", format!("urn:etsi:019102:mainindication:{indication}")));
    if let Some(sub) = sub_indication {
        status = status.containing(Element::text("vr:SubIndication", format!("urn:etsi:019102:subindication:{sub}")));
    }
    validation.containing(Element::new("vr:SignatureValidationProcess").containing(process)).containing(status)
}

/// The status along EN 319 102-1; where it was not determined, what the three items come to in its words.
fn indication(seal: &Seal) -> (String, Option<String>) {
    if let Some(status) = &seal.status {
        return (status.now.indication.to_ascii_lowercase(), status.now.sub_indication.clone());
    }
    let items = seal.items().map(|(_, item)| item.result);
    let failed = |code: &str| seal.first_failed.as_deref() == Some(code);
    let (indication, sub) = if items.iter().all(|item| matches!(item, Outcome::Passed | Outcome::NotApplicable)) {
        ("total-passed", None)
    } else if failed("SIGNATURE_VALUE") {
        ("total-failed", Some("SIG_CRYPTO_FAILURE"))
    } else if failed("SIGNATURE_FORMAT") || failed("SEAL_FORMAT") {
        ("total-failed", Some("FORMAT_FAILURE"))
    } else if seal.content.result == Outcome::Failed {
        ("total-failed", Some("HASH_FAILURE"))
    } else if seal.signer.result != Outcome::Passed {
        ("indeterminate", Some("NO_CERTIFICATE_CHAIN_FOUND"))
    } else {
        ("indeterminate", Some("SIG_CONSTRAINTS_FAILURE"))
    };
    (indication.to_owned(), sub.map(str::to_owned))
}

fn constraints(seal: &Seal) -> Element {
    let items = [("signer", &seal.signer), ("content", &seal.content), ("impression", &seal.impression)]
        .map(|(name, item)| constraint(format!("urn:eseal:item:{name}"), item.result, item.reason.as_deref(), None));
    let checks = seal.steps.iter().map(|step| {
        let name = format!("urn:eseal:check:{}", step.code);
        constraint(name, step.result, step.reason.as_deref(), step.detail.as_deref())
    });
    Element::new("vr:ValidationConstraintsEvaluationReport").containing_all(items).containing_all(checks)
}

fn constraint(name: String, result: Outcome, reason: Option<&str>, detail: Option<&str>) -> Element {
    let (status, indication) = match result {
        Outcome::Passed => ("applied", Some("passed")),
        Outcome::Failed => ("applied", Some("failed")),
        Outcome::Unknown => ("applied", Some("indeterminate")),
        Outcome::NotApplicable => ("disabled", None),
    };
    let status = Element::text("vr:Status", format!("urn:etsi:019102:constraintStatus:{status}"));
    let mut constraint = Element::new("vr:ValidationConstraint")
        .containing(Element::text("vr:ValidationConstraintIdentifier", name))
        .containing(Element::new("vr:ConstraintStatus").containing(status));
    if let Some(indication) = indication {
        let indication = format!("urn:etsi:019102:mainindication:{indication}");
        let mut status = Element::new("vr:ValidationStatus").containing(Element::text("vr:MainIndication", indication));
        let data = [("urn:eseal:reason", reason), ("urn:eseal:detail", detail)];
        let data = data.into_iter().filter_map(|(kind, value)| value.map(|value| report_data(kind, value)));
        let additional = Element::new("vr:AdditionalValidationReportData").containing_all(data);
        if reason.or(detail).is_some() {
            status = status.containing(Element::new("vr:AssociatedValidationReportData").containing(additional));
        }
        constraint = constraint.containing(status);
    }
    constraint
}

fn report_data(kind: &str, value: &str) -> Element {
    Element::new("vr:ReportData")
        .containing(Element::text("vr:Type", kind))
        .containing(Element::text("vr:Value", value))
}

/// That the signature existed is known from its time stamp, or else from now on.
fn time_info(now: Moment, stamped: Option<Moment>) -> Element {
    let existence = Element::new("vr:BestSignatureTime")
        .containing(Element::text("vr:POETime", date_time(stamped.unwrap_or(now))))
        .containing(Element::text("vr:TypeOfProof", "urn:etsi:019102:poetype:validation"));
    let time = Element::text("vr:ValidationTime", date_time(now));
    Element::new("vr:ValidationTimeInfo").containing(time).containing(existence)
}

fn signers_document(report: &Report) -> Element {
    Element::new("vr:SignersDocument")
        .containing(digest(&report.document_digest))
        .containing(Element::new("vr:SignersDocumentRepresentation").with("VOReference", DOCUMENT_ID))
}

fn objects(report: &Report, certificates: &[Option<&[u8]>]) -> Element {
    let object = |id: String, kind: &str, representation: Element| {
        Element::new("vr:ValidationObject")
            .with("id", id)
            .containing(Element::text("vr:ObjectType", format!("urn:etsi:019102:validationObject:{kind}")))
            .containing(Element::new("vr:ValidationObjectRepresentation").containing(representation))
    };
    let document = object(DOCUMENT_ID.to_owned(), "signedData", digest(&report.document_digest));
    let certificates = certificates.iter().enumerate().take(report.seals.len()).filter_map(|(index, der)| {
        der.map(|der| object(certificate_id(index), "certificate", Element::text("vr:base64", STANDARD.encode(der))))
    });
    Element::new("vr:SignatureValidationObjects").containing(document).containing_all(certificates)
}

fn digest(hexadecimal: &str) -> Element {
    let value = hexadecimal.parse::<Digest>().map(|digest| STANDARD.encode(digest.bytes())).unwrap_or_default();
    Element::new("vr:DigestAlgAndValue")
        .containing(Element::new("ds:DigestMethod").with("Algorithm", SHA_256))
        .containing(Element::text("ds:DigestValue", value))
}

fn certificate_id(index: usize) -> String {
    format!("certificate-{}", index + 1)
}

fn date_time(moment: Moment) -> String {
    moment.to_string()
}
