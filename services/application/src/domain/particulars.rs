//! What an application asks for, without personal data: texts and files are named by their digests.

use std::time::Duration;

use eseal_kernel::{Digest, Id, Text, Timestamp, Uscc};

use super::PersonId;
use super::existing::RevocationReason;

/// A name of an organization or a seal: 1 to 200 bytes, no control characters.
pub type Name = Text<200>;

/// Everything that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Particulars {
    /// What the application is for.
    pub kind: Kind,
    /// 使用单位: whose seal it shall be.
    pub organization: Organization,
    /// 印章类型.
    pub seal_type: SealType,
    /// SHA-256 of the seal's name. The name of a personal seal is personal data, so no name is in an event.
    pub seal_name: Digest,
    /// 印模: its picture.
    pub impression: Impression,
    /// Where its keys are.
    pub custody: Custody,
    /// 保管人: who may use it.
    pub custodian: PersonId,
    /// For how long.
    pub validity: Validity,
    /// Licence, mandate and the like; at most [`MAX_ATTACHMENTS`].
    pub attachments: Vec<Attachment>,
    /// Why, where the end of a seal is asked for.
    pub revocation_reason: Option<RevocationReason>,
}

/// The most attachments of one application.
pub const MAX_ATTACHMENTS: usize = 20;

/// What an application is for. Every kind but a new seal is about an existing one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A new seal.
    New,
    /// The same seal for longer.
    Renew(Id),
    /// Another seal in its place.
    Replace(Id),
    /// The same seal with another picture.
    ChangeImpression(Id),
    /// The end of a seal.
    Revoke(Id),
}

impl Kind {
    /// The existing seal that it is about.
    pub const fn existing(self) -> Option<Id> {
        match self {
            Self::New => None,
            Self::Renew(seal) | Self::Replace(seal) | Self::ChangeImpression(seal) | Self::Revoke(seal) => Some(seal),
        }
    }

    /// Whether a seal is made when it is approved.
    pub const fn makes_a_seal(self) -> bool {
        match self {
            Self::New | Self::Renew(_) | Self::Replace(_) | Self::ChangeImpression(_) => true,
            Self::Revoke(_) => false,
        }
    }
}

/// A legal entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// 统一社会信用代码.
    pub uscc: Uscc,
    /// Name in Chinese.
    pub name_zh: Name,
    /// Name in English.
    pub name_en: Option<Name>,
}

/// 印章类型.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealType {
    /// 公章.
    Official,
    /// 财务专用章.
    Finance,
    /// 合同专用章.
    Contract,
    /// 发票专用章.
    Invoice,
    /// 法定代表人名章.
    LegalRepresentative,
    /// 部门章.
    Department,
    /// 个人名章.
    Personal,
}

impl SealType {
    /// True if the seal shows a person's name: then its name and picture are personal data.
    pub const fn names_a_person(self) -> bool {
        match self {
            Self::LegalRepresentative | Self::Personal => true,
            Self::Official | Self::Finance | Self::Contract | Self::Invoice | Self::Department => false,
        }
    }
}

/// 印模: the picture of the seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Impression {
    /// SHA-256 of the PNG.
    pub digest: Digest,
    /// The outline, if the system drew it.
    pub drawn: Option<Shape>,
    /// Its size on paper.
    pub size: Size,
}

/// The outline of a drawn impression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Round with a star, the name along the arc.
    Round,
    /// Oval.
    Oval,
    /// Square.
    Square,
}

/// A size on paper in millimetres, each side between [`Size::MIN_MM`] and [`Size::MAX_MM`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    width_mm: u32,
    height_mm: u32,
}

/// Why two lengths are not a [`Size`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an impression is {} to {} mm wide and high", Size::MIN_MM, Size::MAX_MM)]
pub struct InvalidSize;

impl Size {
    /// The smallest side; name seals are about 18 mm wide.
    pub const MIN_MM: u32 = 10;
    /// The greatest side; the largest official seals are 60 mm wide.
    pub const MAX_MM: u32 = 100;

    /// A size whose sides are in bounds.
    pub fn try_new(width_mm: u32, height_mm: u32) -> Result<Self, InvalidSize> {
        let allowed = Self::MIN_MM..=Self::MAX_MM;
        if allowed.contains(&width_mm) && allowed.contains(&height_mm) {
            Ok(Self { width_mm, height_mm })
        } else {
            Err(InvalidSize)
        }
    }

    /// Width in millimetres.
    pub const fn width_mm(self) -> u32 {
        self.width_mm
    }

    /// Height in millimetres.
    pub const fn height_mm(self) -> u32 {
        self.height_mm
    }
}

/// Where the holder's keys are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Custody {
    /// 电子印章卡: on a card of the holder.
    SealCard,
    /// 托管密钥: with the authentication service, under this id.
    HostedKey(Id),
}

/// A span of time: from before to, at most ten years.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    from: Timestamp,
    to: Timestamp,
}

/// Why two moments are not a [`Validity`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidValidity {
    /// It ends before it begins, or at once.
    #[error("the validity must end after it begins")]
    Reversed,
    /// More than ten years.
    #[error("the validity is longer than ten years")]
    TooLong,
}

impl Validity {
    /// Ten years that have three leap days in them, the longest there are.
    const LONGEST: Duration = Duration::from_secs((10 * 365 + 3) * 24 * 60 * 60);

    /// The span between two moments.
    pub fn try_new(from: Timestamp, to: Timestamp) -> Result<Self, InvalidValidity> {
        if to <= from {
            Err(InvalidValidity::Reversed)
        } else if to > from.plus(Self::LONGEST) {
            Err(InvalidValidity::TooLong)
        } else {
            Ok(Self { from, to })
        }
    }

    /// Its first moment.
    pub const fn from(self) -> Timestamp {
        self.from
    }

    /// Its end.
    pub const fn to(self) -> Timestamp {
        self.to
    }

    /// True if it has ended at `now`.
    pub fn has_passed(self, now: Timestamp) -> bool {
        self.to <= now
    }
}

/// A file that belongs to an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// What it is.
    pub kind: AttachmentKind,
    /// SHA-256 of the file.
    pub digest: Digest,
}

/// What an attachment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttachmentKind {
    /// 营业执照.
    Licence,
    /// 授权委托书.
    Mandate,
    /// Anything else.
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    #[test]
    fn a_validity_ends_after_it_begins() {
        let moment = Timestamp::from_seconds(1_000);
        assert_eq!(Validity::try_new(moment, moment), Err(InvalidValidity::Reversed));
        assert!(Validity::try_new(moment, Timestamp::from_seconds(1_001)).is_ok());
    }

    #[test]
    fn a_validity_lasts_ten_years_at_most() {
        let from: Timestamp = "2027-01-01T00:00:00Z".parse().expect("a moment");
        let to: Timestamp = "2037-01-01T00:00:00Z".parse().expect("a moment");
        assert!(Validity::try_new(from, to).is_ok());
        assert_eq!(Validity::try_new(from, to.plus(DAY)), Err(InvalidValidity::TooLong));
    }

    #[test]
    fn an_impression_without_width_or_of_a_metre_is_refused() {
        assert_eq!(Size::try_new(0, 40), Err(InvalidSize));
        assert_eq!(Size::try_new(40, 1_000), Err(InvalidSize));
        assert!(Size::try_new(40, 40).is_ok());
    }
}
