//! Words of the domain <-> words on the wire. Unspecified words, and those of a newer release, have no counterpart.

use eseal_proto::application::v1 as pb;
use eseal_proto::seal::v1 as seal_pb;

use crate::domain::cancellation::CancellationReason;
use crate::domain::event::{ReturnCode, SealState};
use crate::domain::existing::{CarriedOut, RevocationReason};
use crate::domain::particulars::{AttachmentKind, SealType, Shape};

/// 印章类型.
pub fn seal_type(wire: i32) -> Option<SealType> {
    match seal_pb::SealType::try_from(wire).ok()? {
        seal_pb::SealType::Unspecified => None,
        seal_pb::SealType::Official => Some(SealType::Official),
        seal_pb::SealType::Finance => Some(SealType::Finance),
        seal_pb::SealType::Contract => Some(SealType::Contract),
        seal_pb::SealType::Invoice => Some(SealType::Invoice),
        seal_pb::SealType::LegalRepresentative => Some(SealType::LegalRepresentative),
        seal_pb::SealType::Department => Some(SealType::Department),
        seal_pb::SealType::Personal => Some(SealType::Personal),
    }
}

/// 印章类型, on the wire.
pub const fn seal_type_to_wire(seal_type: SealType) -> seal_pb::SealType {
    match seal_type {
        SealType::Official => seal_pb::SealType::Official,
        SealType::Finance => seal_pb::SealType::Finance,
        SealType::Contract => seal_pb::SealType::Contract,
        SealType::Invoice => seal_pb::SealType::Invoice,
        SealType::LegalRepresentative => seal_pb::SealType::LegalRepresentative,
        SealType::Department => seal_pb::SealType::Department,
        SealType::Personal => seal_pb::SealType::Personal,
    }
}

/// 印章状态.
pub fn seal_state(wire: i32) -> Option<SealState> {
    match seal_pb::SealState::try_from(wire).ok()? {
        seal_pb::SealState::Unspecified => None,
        seal_pb::SealState::Registered => Some(SealState::Registered),
        seal_pb::SealState::Active => Some(SealState::Active),
        seal_pb::SealState::Suspended => Some(SealState::Suspended),
        seal_pb::SealState::Revoked => Some(SealState::Revoked),
        seal_pb::SealState::Replaced => Some(SealState::Replaced),
    }
}

/// 印章状态, on the wire.
pub const fn seal_state_to_wire(state: SealState) -> seal_pb::SealState {
    match state {
        SealState::Registered => seal_pb::SealState::Registered,
        SealState::Active => seal_pb::SealState::Active,
        SealState::Suspended => seal_pb::SealState::Suspended,
        SealState::Revoked => seal_pb::SealState::Revoked,
        SealState::Replaced => seal_pb::SealState::Replaced,
    }
}

/// The outline of a drawn impression; none where it was uploaded.
pub fn shape(wire: i32) -> Option<Shape> {
    match pb::ImpressionShape::try_from(wire).ok()? {
        pb::ImpressionShape::Unspecified => None,
        pb::ImpressionShape::Round => Some(Shape::Round),
        pb::ImpressionShape::Oval => Some(Shape::Oval),
        pb::ImpressionShape::Square => Some(Shape::Square),
    }
}

/// The outline of a drawn impression, on the wire.
pub const fn shape_to_wire(shape: Shape) -> pb::ImpressionShape {
    match shape {
        Shape::Round => pb::ImpressionShape::Round,
        Shape::Oval => pb::ImpressionShape::Oval,
        Shape::Square => pb::ImpressionShape::Square,
    }
}

/// What an attachment is.
pub fn attachment_kind(wire: &str) -> Option<AttachmentKind> {
    match wire {
        "licence" => Some(AttachmentKind::Licence),
        "mandate" => Some(AttachmentKind::Mandate),
        "other" => Some(AttachmentKind::Other),
        _ => None,
    }
}

/// What an attachment is, on the wire.
pub const fn attachment_kind_to_wire(kind: AttachmentKind) -> &'static str {
    match kind {
        AttachmentKind::Licence => "licence",
        AttachmentKind::Mandate => "mandate",
        AttachmentKind::Other => "other",
    }
}

/// Why an application was returned.
pub fn return_code(wire: &str) -> Option<ReturnCode> {
    match wire {
        "MATERIAL_INCOMPLETE" => Some(ReturnCode::MaterialIncomplete),
        "IMPRESSION_UNSUITABLE" => Some(ReturnCode::ImpressionUnsuitable),
        "ORGANIZATION_UNVERIFIED" => Some(ReturnCode::OrganizationUnverified),
        "OTHER" => Some(ReturnCode::Other),
        _ => None,
    }
}

/// Why an application was returned, on the wire.
pub const fn return_code_to_wire(code: ReturnCode) -> &'static str {
    match code {
        ReturnCode::MaterialIncomplete => "MATERIAL_INCOMPLETE",
        ReturnCode::ImpressionUnsuitable => "IMPRESSION_UNSUITABLE",
        ReturnCode::OrganizationUnverified => "ORGANIZATION_UNVERIFIED",
        ReturnCode::Other => "OTHER",
    }
}

/// Why an approved application shall not be made.
pub fn cancellation_reason(wire: &str) -> Option<CancellationReason> {
    match wire {
        "NO_LONGER_NEEDED" => Some(CancellationReason::NoLongerNeeded),
        "CAN_NOT_BE_MADE" => Some(CancellationReason::CanNotBeMade),
        "FILED_IN_ERROR" => Some(CancellationReason::FiledInError),
        "OTHER" => Some(CancellationReason::Other),
        _ => None,
    }
}

/// Why an approved application shall not be made, on the wire.
pub const fn cancellation_reason_to_wire(reason: CancellationReason) -> &'static str {
    match reason {
        CancellationReason::NoLongerNeeded => "NO_LONGER_NEEDED",
        CancellationReason::CanNotBeMade => "CAN_NOT_BE_MADE",
        CancellationReason::FiledInError => "FILED_IN_ERROR",
        CancellationReason::Other => "OTHER",
    }
}

/// Why a seal shall end.
pub fn revocation_reason(wire: &str) -> Option<RevocationReason> {
    match wire {
        "CARD_LOST" => Some(RevocationReason::CardLost),
        "KEY_COMPROMISED" => Some(RevocationReason::KeyCompromised),
        "ORGANIZATION_DISSOLVED" => Some(RevocationReason::OrganizationDissolved),
        "ORGANIZATION_RENAMED" => Some(RevocationReason::OrganizationRenamed),
        "NO_LONGER_USED" => Some(RevocationReason::NoLongerUsed),
        "OTHER" => Some(RevocationReason::Other),
        _ => None,
    }
}

/// Why a seal shall end, on the wire.
pub const fn revocation_reason_to_wire(reason: RevocationReason) -> &'static str {
    match reason {
        RevocationReason::CardLost => "CARD_LOST",
        RevocationReason::KeyCompromised => "KEY_COMPROMISED",
        RevocationReason::OrganizationDissolved => "ORGANIZATION_DISSOLVED",
        RevocationReason::OrganizationRenamed => "ORGANIZATION_RENAMED",
        RevocationReason::NoLongerUsed => "NO_LONGER_USED",
        RevocationReason::Other => "OTHER",
    }
}

/// What became of the existing seal.
pub fn carried_out(wire: &str) -> Option<CarriedOut> {
    match wire {
        "REPLACED" => Some(CarriedOut::Replaced),
        "REVOKED" => Some(CarriedOut::Revoked),
        "ENDED_BEFORE" => Some(CarriedOut::EndedBefore),
        _ => None,
    }
}

/// What became of the existing seal, on the wire.
pub const fn carried_out_to_wire(result: CarriedOut) -> &'static str {
    match result {
        CarriedOut::Replaced => "REPLACED",
        CarriedOut::Revoked => "REVOKED",
        CarriedOut::EndedBefore => "ENDED_BEFORE",
    }
}
