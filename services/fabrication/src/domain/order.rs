//! What an approved application orders.

use eseal_kernel::{Digest, Id, Timestamp, Uscc};

/// The legal entity that will own the seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its code.
    pub uscc: Uscc,
    /// Name in Chinese.
    pub name_zh: String,
    /// Name in English; may be empty.
    pub name_en: String,
}

/// Kind of seal (印章类型).
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
    /// The number in the seal's property `type`: 1 official, 2 finance, 3 invoice, 4 contract, 5 name seal,
    /// 99 other, as the systems in use have it.
    pub const fn number(self) -> i64 {
        match self {
            Self::Official => 1,
            Self::Finance => 2,
            Self::Invoice => 3,
            Self::Contract => 4,
            Self::LegalRepresentative | Self::Personal => 5,
            Self::Department => 99,
        }
    }
}

/// What the new seal is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A first seal.
    New,
    /// The same seal with a new validity or certificate.
    Renew,
    /// In place of a lost or damaged one.
    Replace,
    /// With another picture.
    ChangeImpression,
}

/// Where the holder's keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Custody {
    /// On a card of the holder.
    SealCard,
    /// With the authentication service, under this id.
    HostedKey(Id),
}

/// All that fabrication needs to know of an approved application. Texts and pictures are named by digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The application.
    pub application_id: Id,
    /// What the seal is for.
    pub purpose: Purpose,
    /// Internal id of the applicant.
    pub applicant_id: String,
    /// The owner of the seal.
    pub organization: Organization,
    /// Kind of seal.
    pub seal_type: SealType,
    /// SHA-256 of the seal's name.
    pub seal_name: Digest,
    /// SHA-256 of the picture.
    pub impression: Digest,
    /// Width of the picture in mm.
    pub width_mm: u32,
    /// Height of the picture in mm.
    pub height_mm: u32,
    /// Where the keys are.
    pub custody: Custody,
    /// Internal id of the person who may use the seal.
    pub custodian_id: String,
    /// Begin of the validity asked for.
    pub valid_from: Timestamp,
    /// End of the validity asked for.
    pub valid_to: Timestamp,
    /// For renewals and replacements: the seal that it is about.
    pub existing_seal_id: Option<Id>,
}
