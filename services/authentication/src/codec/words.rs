//! Words of the domain <-> words on the wire. Unspecified words, and those of a newer release, have no counterpart.

use eseal_kernel::Text;
use eseal_proto::authentication::v1 as pb;
use eseal_proto::seal::v1 as seal_pb;

use super::{Unreadable, parsed};
use crate::domain::command::Place;
use crate::domain::policy::{Policy, SecondFactor};
use crate::domain::registration::{Custody, Organization, SealType};
use crate::domain::seal::Standing;
use crate::domain::trust_anchor::Purpose;

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

/// Where the keys are: the card's serial, or the hosted key.
pub fn custody(wire: i32, card_serial: &str, hosted_key_id: &str) -> Result<Custody, Unreadable> {
    match seal_pb::Custody::try_from(wire) {
        Ok(seal_pb::Custody::SealCard) => {
            let serial = Text::try_new(card_serial).map_err(|_| Unreadable::Field("cardSerial"))?;
            Ok(Custody::SealCard { serial })
        }
        Ok(seal_pb::Custody::HostedKey) => Ok(Custody::HostedKey { key: parsed(hosted_key_id, "hostedKeyId")? }),
        Ok(seal_pb::Custody::Unspecified) | Err(_) => Err(Unreadable::Field("custody")),
    }
}

/// Where the keys are, on the wire.
pub const fn custody_to_wire(custody: &Custody) -> seal_pb::Custody {
    match custody {
        Custody::SealCard { .. } => seal_pb::Custody::SealCard,
        Custody::HostedKey { .. } => seal_pb::Custody::HostedKey,
    }
}

/// The card's serial; empty for a hosted key.
pub fn card_serial(custody: &Custody) -> String {
    match custody {
        Custody::SealCard { serial } => serial.to_string(),
        Custody::HostedKey { .. } => String::new(),
    }
}

/// The hosted key; empty for a card.
pub fn hosted_key_id(custody: &Custody) -> String {
    match custody {
        Custody::SealCard { .. } => String::new(),
        Custody::HostedKey { key } => key.to_string(),
    }
}

/// 使用单位.
pub fn organization(wire: Option<seal_pb::Organization>) -> Result<Organization, Unreadable> {
    let wire = wire.ok_or(Unreadable::Field("organization"))?;
    let uscc = parsed(&wire.uscc, "organization.uscc")?;
    Ok(Organization { uscc, name_zh: wire.name_zh, name_en: wire.name_en })
}

/// 使用单位, on the wire.
pub fn organization_to_wire(organization: &Organization) -> seal_pb::Organization {
    seal_pb::Organization {
        uscc: organization.uscc.to_string(),
        name_zh: organization.name_zh.clone(),
        name_en: organization.name_en.clone(),
    }
}

/// The state of a seal, on the wire.
pub const fn standing_to_wire(standing: Standing) -> seal_pb::SealState {
    match standing {
        Standing::Registered => seal_pb::SealState::Registered,
        Standing::Active => seal_pb::SealState::Active,
        Standing::Suspended(_) => seal_pb::SealState::Suspended,
        Standing::Revoked(_) => seal_pb::SealState::Revoked,
        Standing::Replaced(_) => seal_pb::SealState::Replaced,
    }
}

/// 用印规则; none of numbers that none can have.
pub fn policy(wire: &pb::SealPolicy) -> Option<Policy> {
    let usual = Policy::default();
    let or = |given: u32, otherwise: u32| if given == 0 { otherwise } else { given };
    Policy {
        approval_required: wire.approval_required,
        max_uses: or(wire.max_uses, usual.max_uses),
        longest_deadline_s: or(wire.longest_deadline_s, usual.longest_deadline_s),
        second_factor: second_factor(wire.second_factor)?,
    }
    .within_bounds()
}

/// 用印规则, on the wire.
pub const fn policy_to_wire(policy: &Policy) -> pb::SealPolicy {
    let Policy { approval_required, max_uses, longest_deadline_s, second_factor } = *policy;
    let second_factor = second_factor_to_wire(second_factor) as i32;
    pb::SealPolicy { approval_required, max_uses, longest_deadline_s, second_factor }
}

/// 第二因素.
pub fn second_factor(wire: i32) -> Option<SecondFactor> {
    match pb::SecondFactor::try_from(wire).ok()? {
        pb::SecondFactor::Unspecified => Some(SecondFactor::None),
        pb::SecondFactor::Totp => Some(SecondFactor::Totp),
        pb::SecondFactor::Sent => Some(SecondFactor::Sent),
        pb::SecondFactor::Any => Some(SecondFactor::Any),
    }
}

/// 第二因素, on the wire.
pub const fn second_factor_to_wire(second_factor: SecondFactor) -> pb::SecondFactor {
    match second_factor {
        SecondFactor::None => pb::SecondFactor::Unspecified,
        SecondFactor::Totp => pb::SecondFactor::Totp,
        SecondFactor::Sent => pb::SecondFactor::Sent,
        SecondFactor::Any => pb::SecondFactor::Any,
    }
}

/// What a CA is trusted for.
pub fn purpose(wire: i32) -> Option<Purpose> {
    match pb::TrustPurpose::try_from(wire).ok()? {
        pb::TrustPurpose::Unspecified => None,
        pb::TrustPurpose::Holder => Some(Purpose::Holder),
        pb::TrustPurpose::Maker => Some(Purpose::Maker),
    }
}

/// What a CA is trusted for, on the wire.
pub const fn purpose_to_wire(purpose: Purpose) -> pb::TrustPurpose {
    match purpose {
        Purpose::Holder => pb::TrustPurpose::Holder,
        Purpose::Maker => pb::TrustPurpose::Maker,
    }
}

/// Where an impression stands.
pub const fn place(wire: &seal_pb::Place) -> Place {
    Place { page: wire.page, x: wire.x_um, y: wire.y_um, width: wire.width_um, height: wire.height_um }
}

/// Where an impression stands, on the wire.
pub const fn place_to_wire(place: &Place) -> seal_pb::Place {
    let Place { page, x, y, width, height } = *place;
    seal_pb::Place { page, x_um: x, y_um: y, width_um: width, height_um: height }
}
