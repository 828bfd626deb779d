//! What is asked for <-> its stored form.

use eseal_kernel::Text;
use eseal_proto::application::v1 as pb;
use eseal_proto::moment;
use eseal_proto::seal::v1 as seal_pb;

use super::{Unreadable, at, digest, id, person, words};
use crate::domain::Particulars;
use crate::domain::existing::RevocationReason;
use crate::domain::particulars::{Attachment, Custody, Impression, Kind, Organization, Size, Validity};

/// The stored form.
pub fn to_wire(particulars: &Particulars) -> pb::Particulars {
    let (kind, existing_seal) = kind_to_wire(particulars.kind);
    let (custody, hosted_key) = match particulars.custody {
        Custody::SealCard => (seal_pb::Custody::SealCard, None),
        Custody::HostedKey(key) => (seal_pb::Custody::HostedKey, Some(key)),
    };
    let impression = &particulars.impression;
    pb::Particulars {
        kind: kind.into(),
        organization: Some(organization_to_wire(&particulars.organization)),
        seal_type: words::seal_type_to_wire(particulars.seal_type).into(),
        seal_name_digest: particulars.seal_name.to_string(),
        impression_digest: impression.digest.to_string(),
        impression_width_mm: impression.size.width_mm(),
        impression_height_mm: impression.size.height_mm(),
        custody: custody.into(),
        hosted_key_id: hosted_key.map(|key| key.to_string()).unwrap_or_default(),
        custodian_id: particulars.custodian.to_string(),
        valid_from: Some(moment::from_micros(particulars.validity.from().micros())),
        valid_to: Some(moment::from_micros(particulars.validity.to().micros())),
        attachments: particulars.attachments.iter().map(attachment_to_wire).collect(),
        existing_seal_id: existing_seal.map(|seal| seal.to_string()).unwrap_or_default(),
        drawn: impression.drawn.map(words::shape_to_wire).unwrap_or_default().into(),
        revocation_reason: particulars
            .revocation_reason
            .map(words::revocation_reason_to_wire)
            .unwrap_or_default()
            .to_owned(),
    }
}

/// What was stored.
pub(super) fn from_wire(stored: Option<pb::Particulars>) -> Result<Particulars, Unreadable> {
    let stored = stored.ok_or(Unreadable::Field("particulars"))?;
    let size = Size::try_new(stored.impression_width_mm, stored.impression_height_mm);
    let (from, to) = (at(stored.valid_from.as_ref(), "validFrom")?, at(stored.valid_to.as_ref(), "validTo")?);
    Ok(Particulars {
        kind: kind(&stored)?,
        seal_type: words::seal_type(stored.seal_type).ok_or(Unreadable::Field("sealType"))?,
        seal_name: digest(&stored.seal_name_digest, "sealNameDigest")?,
        impression: Impression {
            digest: digest(&stored.impression_digest, "impressionDigest")?,
            drawn: words::shape(stored.drawn),
            size: size.map_err(|_| Unreadable::Field("impressionWidthMm"))?,
        },
        custody: custody(&stored)?,
        custodian: person(&stored.custodian_id, "custodianId")?,
        validity: Validity::try_new(from, to).map_err(|_| Unreadable::Field("validTo"))?,
        attachments: stored.attachments.iter().map(attachment).collect::<Result<_, _>>()?,
        revocation_reason: revocation_reason(&stored)?,
        organization: organization(stored.organization.unwrap_or_default())?,
    })
}

/// Applications to end a seal of earlier releases said no reason.
fn revocation_reason(stored: &pb::Particulars) -> Result<Option<RevocationReason>, Unreadable> {
    match stored.revocation_reason.as_str() {
        "" => Ok((stored.kind() == pb::ApplicationKind::Revoke).then(RevocationReason::default)),
        code => words::revocation_reason(code).map(Some).ok_or(Unreadable::Field("revocationReason")),
    }
}

fn kind(stored: &pb::Particulars) -> Result<Kind, Unreadable> {
    let seal = || id(&stored.existing_seal_id, "existingSealId");
    match pb::ApplicationKind::try_from(stored.kind) {
        Ok(pb::ApplicationKind::New) => Ok(Kind::New),
        Ok(pb::ApplicationKind::Renew) => Ok(Kind::Renew(seal()?)),
        Ok(pb::ApplicationKind::Replace) => Ok(Kind::Replace(seal()?)),
        Ok(pb::ApplicationKind::ChangeImpression) => Ok(Kind::ChangeImpression(seal()?)),
        Ok(pb::ApplicationKind::Revoke) => Ok(Kind::Revoke(seal()?)),
        Ok(pb::ApplicationKind::Unspecified) | Err(_) => Err(Unreadable::Field("kind")),
    }
}

const fn kind_to_wire(kind: Kind) -> (pb::ApplicationKind, Option<eseal_kernel::Id>) {
    match kind {
        Kind::New => (pb::ApplicationKind::New, None),
        Kind::Renew(seal) => (pb::ApplicationKind::Renew, Some(seal)),
        Kind::Replace(seal) => (pb::ApplicationKind::Replace, Some(seal)),
        Kind::ChangeImpression(seal) => (pb::ApplicationKind::ChangeImpression, Some(seal)),
        Kind::Revoke(seal) => (pb::ApplicationKind::Revoke, Some(seal)),
    }
}

fn custody(stored: &pb::Particulars) -> Result<Custody, Unreadable> {
    match seal_pb::Custody::try_from(stored.custody) {
        Ok(seal_pb::Custody::SealCard) => Ok(Custody::SealCard),
        Ok(seal_pb::Custody::HostedKey) => Ok(Custody::HostedKey(id(&stored.hosted_key_id, "hostedKeyId")?)),
        Ok(seal_pb::Custody::Unspecified) | Err(_) => Err(Unreadable::Field("custody")),
    }
}

fn organization(stored: seal_pb::Organization) -> Result<Organization, Unreadable> {
    let name = |text: &str, field| Text::try_new(text).map_err(|_| Unreadable::Field(field));
    let name_en = Some(stored.name_en.as_str()).filter(|text| !text.is_empty());
    Ok(Organization {
        uscc: stored.uscc.parse().map_err(|_| Unreadable::Field("organization.uscc"))?,
        name_zh: name(&stored.name_zh, "organization.nameZh")?,
        name_en: name_en.map(|text| name(text, "organization.nameEn")).transpose()?,
    })
}

fn organization_to_wire(organization: &Organization) -> seal_pb::Organization {
    seal_pb::Organization {
        uscc: organization.uscc.to_string(),
        name_zh: organization.name_zh.to_string(),
        name_en: organization.name_en.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}

fn attachment(stored: &pb::Attachment) -> Result<Attachment, Unreadable> {
    Ok(Attachment {
        kind: words::attachment_kind(&stored.kind).ok_or(Unreadable::Field("attachments.kind"))?,
        digest: digest(&stored.digest, "attachments.digest")?,
    })
}

fn attachment_to_wire(attachment: &Attachment) -> pb::Attachment {
    let kind = words::attachment_kind_to_wire(attachment.kind).to_owned();
    pb::Attachment { kind, digest: attachment.digest.to_string() }
}
