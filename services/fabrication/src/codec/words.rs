//! Words of the domain <-> words on the wire. Unspecified words, and those of a newer release, have no counterpart.

use eseal_proto::fabrication::v1 as pb;
use eseal_proto::seal::v1 as seal_pb;

use crate::domain::Fabrication;
use crate::domain::order::{Custody, Organization, SealType};

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

/// Where the keys are, on the wire.
pub const fn custody_to_wire(custody: &Custody) -> seal_pb::Custody {
    match custody {
        Custody::SealCard => seal_pb::Custody::SealCard,
        Custody::HostedKey(_) => seal_pb::Custody::HostedKey,
    }
}

/// 使用单位, on the wire.
pub fn organization_to_wire(organization: &Organization) -> seal_pb::Organization {
    seal_pb::Organization {
        uscc: organization.uscc.to_string(),
        name_zh: organization.name_zh.clone(),
        name_en: organization.name_en.clone(),
    }
}

/// Where a fabrication stands, on the wire.
pub const fn state_to_wire(state: &Fabrication) -> pb::FabricationState {
    match state {
        Fabrication::Absent => pb::FabricationState::Unspecified,
        Fabrication::Waiting { .. } => pb::FabricationState::Waiting,
        Fabrication::Running { .. } => pb::FabricationState::Running,
        Fabrication::Made { .. } => pb::FabricationState::Made,
        Fabrication::Closed { .. } => pb::FabricationState::Stopped,
    }
}
