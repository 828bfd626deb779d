//! What the registry holds of a seal. It never changes: a seal with other keys or another validity is another seal.

use eseal_kernel::{Digest, Text, Timestamp, Uscc};

use super::ids::{ApplicationId, HostedKeyId, PersonId, SealId};
use super::reason::Reason;

/// A seal as it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The application that asked for it.
    pub application: ApplicationId,
    /// SHA-256 of its SESeal.
    pub seal_digest: Digest,
    /// Where its keys are.
    pub custody: Custody,
    /// SHA-256 of the certificates in its SESeal, the SM2 one first.
    pub certificates: Vec<Digest>,
    /// Its owner.
    pub organization: Organization,
    /// Its kind.
    pub seal_type: SealType,
    /// The first person who may use it.
    pub custodian: PersonId,
    /// First moment of its validity.
    pub valid_from: Timestamp,
    /// Last moment of its validity.
    pub valid_to: Timestamp,
    /// When it was taken in.
    pub registered_at: Timestamp,
    /// The seal in whose place it was made.
    pub predecessor: Option<SealId>,
    /// The last moment of each certificate, in their order; none of seals that earlier releases registered, until a fact of its own
    /// says so.
    pub certificates_valid_to: Vec<Timestamp>,
}

impl Registration {
    /// Whether the validity has ended. It includes its last moment.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now > self.valid_to
    }

    /// Gate d: the card that carries this seal, and nothing else.
    pub fn check_binding(&self, card_serial: &str, seal_digest: Digest) -> Result<(), Reason> {
        let card = match &self.custody {
            Custody::SealCard { serial } => serial.as_str() == card_serial,
            Custody::HostedKey { .. } => false,
        };
        if card && self.seal_digest == seal_digest { Ok(()) } else { Err(Reason::NotAuthorized) }
    }

    /// Gate d: one of the certificates that the seal was made for.
    pub fn check_certificate(&self, certificate: Digest) -> Result<(), Reason> {
        if self.certificates.contains(&certificate) { Ok(()) } else { Err(Reason::CertificateUntrusted) }
    }
}

/// The legal entity that owns a seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its code.
    pub uscc: Uscc,
    /// Its name in Chinese.
    pub name_zh: String,
    /// Its name in English; may be empty.
    pub name_en: String,
}

/// Where the holder's keys are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Custody {
    /// On a card of the holder.
    SealCard {
        /// The card's serial number.
        serial: Text<64>,
    },
    /// In this service, encrypted.
    HostedKey {
        /// The key pairs.
        key: HostedKeyId,
    },
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
