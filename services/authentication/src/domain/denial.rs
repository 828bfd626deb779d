//! Why a person has no right to a use of a seal: what stands beside `NOT_AUTHORIZED`.

use super::reason::Reason;

macro_rules! denials {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)+) => {
        /// Why a person has no right to a use. Codes never change.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Denial {
            $($(#[$doc])* $name,)+
        }

        impl Denial {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The stable code.
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)+
                }
            }

            /// The one with this code.
            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|denial| denial.code() == code)
            }
        }
    };
}

denials! {
    /// The custodian's right was withdrawn.
    Withdrawn = "RIGHT_WITHDRAWN";
    /// Its time has not begun.
    NotBegun = "RIGHT_NOT_BEGUN";
    /// Its time is over.
    Over = "RIGHT_OVER";
    /// It is for so many uses, and fewer are left than are asked for.
    Spent = "RIGHT_SPENT";
    /// It is for other documents, or nothing was said of this one.
    NotCovered = "DOCUMENT_NOT_COVERED";
    /// The seal's policy asks for an approval, and none was requested for this document.
    NotRequested = "USE_NOT_REQUESTED";
    /// One was requested, and nobody has approved it.
    NotApproved = "USE_NOT_APPROVED";
    /// It was declined.
    Declined = "USE_DECLINED";
    /// Who requested it took it back.
    TakenBack = "USE_WITHDRAWN";
    /// Its deadline is over.
    PastDeadline = "USE_EXPIRED";
    /// All uses that it was for are made.
    Used = "USE_SPENT";
}

/// Why a gate refused, with what stands beside the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The reason.
    pub reason: Reason,
    /// More about [`Reason::NotAuthorized`].
    pub detail: Option<Denial>,
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self { reason, detail: None }
    }
}

impl From<Denial> for Refusal {
    fn from(denial: Denial) -> Self {
        Self { reason: Reason::NotAuthorized, detail: Some(denial) }
    }
}
