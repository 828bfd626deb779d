//! Why a gate refused.

/// A gate of sealing, in the order in which they are passed. Gate 0, reaching the service, is the client's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gate {
    /// The seal is registered.
    A,
    /// The card is connected.
    B,
    /// The PIN is right.
    C,
    /// Card, certificate, seal, person and document belong together.
    D,
    /// The signature is made.
    E,
}

impl Gate {
    /// Its letter in facts and answers.
    pub const fn letter(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
            Self::C => "c",
            Self::D => "d",
            Self::E => "e",
        }
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal at $gate:ident;)+) => {
        /// Why a gate refused. Codes never change.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Reason {
            $($(#[$doc])* $name,)+
        }

        impl Reason {
            /// All of them, in the order of the gates.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The stable code.
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)+
                }
            }

            /// The gate that it belongs to.
            pub const fn gate(self) -> Gate {
                match self {
                    $(Self::$name => Gate::$gate,)+
                }
            }

            /// The reason with this code.
            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|reason| reason.code() == code)
            }
        }
    };
}

reasons! {
    /// No seal of this system, even if a genuine one.
    SealNotRegistered = "SEAL_NOT_REGISTERED" at A;
    /// No card is connected.
    SealCardAbsent = "SEAL_CARD_ABSENT" at B;
    /// A wrong PIN; tries are left and the attempt goes on.
    PinIncorrect = "PIN_INCORRECT" at C;
    /// Five wrong PINs in a row.
    PinLocked = "PIN_LOCKED" at C;
    /// Not activated yet, or its validity has not begun.
    SealNotActive = "SEAL_NOT_ACTIVE" at D;
    /// Suspended for now.
    SealSuspended = "SEAL_SUSPENDED" at D;
    /// Revoked for ever.
    SealRevoked = "SEAL_REVOKED" at D;
    /// Another seal took its place.
    SealReplaced = "SEAL_REPLACED" at D;
    /// Its validity has ended.
    SealExpired = "SEAL_EXPIRED" at D;
    /// The certificate is outside its validity.
    CertificateExpired = "CERTIFICATE_EXPIRED" at D;
    /// Its CA revoked it.
    CertificateRevoked = "CERTIFICATE_REVOKED" at D;
    /// Not one that was registered for the seal, or no chain to a trusted holder root, or not for signing.
    CertificateUntrusted = "CERTIFICATE_UNTRUSTED" at D;
    /// Nobody says whether it is revoked, and the settings ask for that.
    CertificateStatusUnknown = "CERTIFICATE_STATUS_UNKNOWN" at D;
    /// This person, or this card with this SESeal, may not use the seal.
    NotAuthorized = "NOT_AUTHORIZED" at D;
    /// The proof is not this attempt's, not for this document, too old, used before, or not the card's.
    ChallengeInvalid = "CHALLENGE_INVALID" at D;
    /// Its count of uses went back: another copy of the card was used.
    CardCopied = "CARD_COPIED" at D;
    /// No signature, or not one over what was authorized.
    SigningFailed = "SIGNING_FAILED" at E;
    /// Not a document of the list that was authorized for this act, or not with these places.
    DocumentNotListed = "DOCUMENT_NOT_LISTED" at E;
    /// It was sealed in this act before, or signed for.
    DocumentAlreadySealed = "DOCUMENT_ALREADY_SEALED" at E;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_names_one_reason() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_code(reason.code()), Some(*reason));
        }
        assert_eq!(Reason::from_code("OTHER"), None);
    }

    #[test]
    fn reasons_stand_in_the_order_of_the_gates() {
        assert!(Reason::ALL.is_sorted_by_key(|reason| reason.gate()));
    }
}
