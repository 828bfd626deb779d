//! Why there is no report -> gRPC codes and stable reasons. What is wrong with a seal is never here: it is in the report.

use std::time::Duration;

use eseal_documents::DocumentError;
use eseal_service::status::{OVERLOADED, command_refused, field_violation, generic_for_now, internal, refused};
use eseal_service::{Language, Reason};
use tonic::{Code, Status};

use crate::app::VerifyError;
use crate::domain::Rejection;
use crate::inspection::InspectionError;

/// A reason of `eseal_documents`, as a reason of this service.
const fn of(reason: eseal_documents::Reason) -> Reason {
    use eseal_documents::Language;
    Reason::new(reason.code(), reason.text(Language::ZhCn), reason.text(Language::En))
}

/// The reasons of this service, for `docs/error-codes.md`.
pub const REASONS: &[Reason] = &[
    of(eseal_documents::Reason::DocumentUnreadable),
    of(eseal_documents::Reason::NotADocument),
    of(eseal_documents::Reason::DocumentMalformed),
    of(eseal_documents::Reason::DocumentEncrypted),
    of(eseal_documents::Reason::DocumentUnsupported),
    of(eseal_documents::Reason::DocumentTooLarge),
    of(eseal_documents::Reason::EntryNameUnsafe),
];

/// There is no report.
pub fn verify(error: VerifyError, language: Language) -> Status {
    match error {
        VerifyError::Inspection(InspectionError::Document(error)) => document(&error, language),
        VerifyError::Inspection(error @ InspectionError::Ended(_)) => internal(&error),
        VerifyError::Render(error) => internal(&error),
        VerifyError::Record(error) => command_refused(error, |rejection| match rejection {
            // Only failures are recorded, under fresh ids: either would be our mistake.
            Rejection::NothingFailed | Rejection::AlreadyExists => internal(&rejection),
        }),
    }
}

/// Too many documents are being verified.
pub fn too_many() -> Status {
    generic_for_now(Code::ResourceExhausted, &OVERLOADED, Duration::from_secs(1))
}

/// More bytes than are taken.
pub fn too_large(max: u64) -> Status {
    field_violation("chunk", format!("the document has more than {max} bytes"))
}

/// The language of the texts in a report.
pub const fn of_documents(language: Language) -> eseal_documents::Language {
    match language {
        Language::ZhCn => eseal_documents::Language::ZhCn,
        Language::En => eseal_documents::Language::En,
    }
}

fn document(error: &DocumentError, language: Language) -> Status {
    match error {
        DocumentError::Read(_) | DocumentError::Write(_) => internal(error), // it is our file
        DocumentError::NotADocument
        | DocumentError::Malformed { .. }
        | DocumentError::Encrypted
        | DocumentError::Unsupported { .. }
        | DocumentError::TooLarge { .. }
        | DocumentError::EntryName { .. }
        | DocumentError::NoSuchPage { .. }
        | DocumentError::OutsidePage { .. }
        | DocumentError::NoPlace
        | DocumentError::KeywordNotFound { .. }
        | DocumentError::SeveralDocuments { .. }
        | DocumentError::NotFirst { .. }
        | DocumentError::Restricted
        | DocumentError::FieldUnusable { .. }
        | DocumentError::SeedValue { .. }
        | DocumentError::OptionUnfit { .. }
        | DocumentError::TimeStampRefused { .. }
        | DocumentError::NoSeam { .. }
        | DocumentError::PlacementInvalid { .. }
        | DocumentError::Locked { .. }
        | DocumentError::Changed
        | DocumentError::SealUnusable { .. }
        | DocumentError::SealNotValid { .. }
        | DocumentError::SignerNotInSeal
        | DocumentError::NotAnSm2Key
        | DocumentError::SigningFailed => {
            refused(Code::InvalidArgument, &of(error.reason()), language, &[("detail", error.to_string())])
        }
    }
}
