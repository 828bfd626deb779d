//! What an application ordered <-> the particulars of its events.

use eseal_kernel::Id;
use eseal_proto::application::v1 as pb;
use eseal_proto::moment;
use eseal_proto::seal::v1 as seal_pb;

use super::{Unreadable, at, digest, id, words};
use crate::domain::order::{Custody, Order, Organization, Purpose};

/// What an approved application orders; nothing where it is for the end of a seal.
///
/// # Errors
/// [`Unreadable`] where the event does not say what an approval says.
pub fn ordered_by(approved: pb::Approved) -> Result<Option<Order>, Unreadable> {
    let kind = approved.particulars.as_ref().map(pb::Particulars::kind);
    if kind == Some(pb::ApplicationKind::Revoke) {
        return Ok(None);
    }
    from_wire(id(&approved.application_id, "applicationId")?, approved.applicant_id, approved.particulars).map(Some)
}

/// What was ordered.
pub(super) fn from_wire(
    application_id: Id,
    applicant_id: String,
    stored: Option<pb::Particulars>,
) -> Result<Order, Unreadable> {
    let stored = stored.ok_or(Unreadable::Field("particulars"))?;
    Ok(Order {
        application_id,
        applicant_id,
        purpose: purpose(&stored)?,
        seal_type: words::seal_type(stored.seal_type).ok_or(Unreadable::Field("sealType"))?,
        seal_name: digest(&stored.seal_name_digest, "sealNameDigest")?,
        impression: digest(&stored.impression_digest, "impressionDigest")?,
        width_mm: stored.impression_width_mm,
        height_mm: stored.impression_height_mm,
        custody: custody(&stored)?,
        valid_from: at(stored.valid_from.as_ref(), "validFrom")?,
        valid_to: at(stored.valid_to.as_ref(), "validTo")?,
        existing_seal_id: existing_seal(&stored)?,
        organization: organization(stored.organization.unwrap_or_default())?,
        custodian_id: stored.custodian_id,
    })
}

/// What was ordered, as events carry it on.
pub(super) fn to_wire(order: &Order) -> pb::Particulars {
    let hosted_key_id = match &order.custody {
        Custody::SealCard => String::new(),
        Custody::HostedKey(key) => key.to_string(),
    };
    pb::Particulars {
        kind: purpose_to_wire(order.purpose).into(),
        organization: Some(words::organization_to_wire(&order.organization)),
        seal_type: words::seal_type_to_wire(order.seal_type).into(),
        seal_name_digest: order.seal_name.to_string(),
        impression_digest: order.impression.to_string(),
        impression_width_mm: order.width_mm,
        impression_height_mm: order.height_mm,
        custody: words::custody_to_wire(&order.custody).into(),
        hosted_key_id,
        custodian_id: order.custodian_id.clone(),
        valid_from: Some(moment::from_micros(order.valid_from.micros())),
        valid_to: Some(moment::from_micros(order.valid_to.micros())),
        existing_seal_id: order.existing_seal_id.map(|seal| seal.to_string()).unwrap_or_default(),
        // Of no concern to the making of a seal.
        attachments: Vec::new(),
        drawn: pb::ImpressionShape::Unspecified.into(),
        revocation_reason: String::new(), // nothing is made to end a seal
    }
}

fn purpose(stored: &pb::Particulars) -> Result<Purpose, Unreadable> {
    match pb::ApplicationKind::try_from(stored.kind) {
        Ok(pb::ApplicationKind::New) => Ok(Purpose::New),
        Ok(pb::ApplicationKind::Renew) => Ok(Purpose::Renew),
        Ok(pb::ApplicationKind::Replace) => Ok(Purpose::Replace),
        Ok(pb::ApplicationKind::ChangeImpression) => Ok(Purpose::ChangeImpression),
        Ok(pb::ApplicationKind::Revoke | pb::ApplicationKind::Unspecified) | Err(_) => Err(Unreadable::Field("kind")),
    }
}

const fn purpose_to_wire(purpose: Purpose) -> pb::ApplicationKind {
    match purpose {
        Purpose::New => pb::ApplicationKind::New,
        Purpose::Renew => pb::ApplicationKind::Renew,
        Purpose::Replace => pb::ApplicationKind::Replace,
        Purpose::ChangeImpression => pb::ApplicationKind::ChangeImpression,
    }
}

fn custody(stored: &pb::Particulars) -> Result<Custody, Unreadable> {
    match seal_pb::Custody::try_from(stored.custody) {
        Ok(seal_pb::Custody::SealCard) => Ok(Custody::SealCard),
        Ok(seal_pb::Custody::HostedKey) => Ok(Custody::HostedKey(id(&stored.hosted_key_id, "hostedKeyId")?)),
        Ok(seal_pb::Custody::Unspecified) | Err(_) => Err(Unreadable::Field("custody")),
    }
}

fn existing_seal(stored: &pb::Particulars) -> Result<Option<Id>, Unreadable> {
    if stored.existing_seal_id.is_empty() {
        return Ok(None);
    }
    id(&stored.existing_seal_id, "existingSealId").map(Some)
}

fn organization(stored: seal_pb::Organization) -> Result<Organization, Unreadable> {
    let uscc = stored.uscc.parse().map_err(|_| Unreadable::Field("organization.uscc"))?;
    Ok(Organization { uscc, name_zh: stored.name_zh, name_en: stored.name_en })
}
