//! Gates and the reasons for which they refuse.

/// A gate of fabrication, in the order in which they are passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gate {
    /// A maker card of this system is connected and proves its key.
    A,
    /// The seal card (or hosted key) holds a certificate.
    B,
    /// Its certificates are good and it has their keys.
    C,
    /// Neither the card nor a certificate is in use by another seal.
    D,
    /// The seal is signed, stored and read back.
    E,
}

impl Gate {
    /// The letter that names it in events, the log and errors.
    pub const fn letter(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
            Self::C => "c",
            Self::D => "d",
            Self::E => "e",
        }
    }

    /// The gate that `letter` names.
    pub fn from_letter(letter: &str) -> Option<Self> {
        [Self::A, Self::B, Self::C, Self::D, Self::E].into_iter().find(|gate| gate.letter() == letter)
    }
}

/// Why a gate refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalReason {
    /// No maker card is connected.
    MakerCardAbsent,
    /// The maker card was not issued here, is withdrawn, or did not prove its key.
    MakerCardRejected,
    /// Another copy of the maker card was used: its count of uses went back.
    MakerCardCopied,
    /// The seal card has no certificate, or one that is not good, or did not prove a key.
    CertificateInvalid,
    /// The card or a certificate carries another seal.
    CardInUse,
    /// Signing, storing or reading back failed.
    FabricationFailed,
}

impl RefusalReason {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::MakerCardAbsent,
        Self::MakerCardRejected,
        Self::MakerCardCopied,
        Self::CertificateInvalid,
        Self::CardInUse,
        Self::FabricationFailed,
    ];

    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::MakerCardAbsent => "MAKER_CARD_ABSENT",
            Self::MakerCardRejected => "MAKER_CARD_REJECTED",
            Self::MakerCardCopied => "MAKER_CARD_COPIED",
            Self::CertificateInvalid => "CERTIFICATE_INVALID",
            Self::CardInUse => "CARD_IN_USE",
            Self::FabricationFailed => "FABRICATION_FAILED",
        }
    }

    /// The reason that `code` names.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }
}

/// A gate's refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The gate that refused.
    pub gate: Gate,
    /// Why.
    pub reason: RefusalReason,
}
