//! An application, for the tests of its rules.

use eseal_kernel::{Digest, Text, Timestamp};

use super::PersonId;
use super::particulars::{Custody, Impression, Kind, Organization, Particulars, SealType, Shape, Size, Validity};

pub fn person(id: &str) -> PersonId {
    id.parse().expect("an id")
}

pub fn now() -> Timestamp {
    "2027-01-01T00:00:00Z".parse().expect("a moment")
}

pub fn to() -> Timestamp {
    "2032-01-01T00:00:00Z".parse().expect("a moment")
}

/// A contract seal on a card, from now on.
pub fn particulars(kind: Kind) -> Particulars {
    Particulars {
        kind,
        organization: Organization {
            uscc: "91110000600037341L".parse().expect("a code"),
            name_zh: Text::try_new("联想（北京）有限公司").expect("a name"),
            name_en: None,
        },
        seal_type: SealType::Contract,
        seal_name: Digest::of("合同专用章".as_bytes()),
        impression: Impression {
            digest: Digest::of(b"png"),
            drawn: Some(Shape::Round),
            size: Size::try_new(40, 40).expect("a size"),
        },
        custody: Custody::SealCard,
        custodian: person("sun"),
        validity: Validity::try_new(now(), to()).expect("a validity"),
        attachments: Vec::new(),
        revocation_reason: None,
    }
}
