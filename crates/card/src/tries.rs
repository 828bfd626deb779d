//! How often a PIN may still be tried.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a card says of the tries that are left. Show it before asking for a PIN.
///
/// Soft cards and SKF devices count in numbers. PKCS #11 has no number: a token says no more than that some were used up, that
/// one is left, or none (PKCS #11 v2.40 §3.2, CKF_USER_PIN_COUNT_LOW and its kin), and some say nothing at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tries {
    /// So many.
    Exactly(u8),
    /// At least one was used up; the card does not say how many are left.
    Fewer,
    /// The card does not say.
    Untold,
}

impl Tries {
    /// How many are left, where the card says.
    pub const fn number(self) -> Option<u8> {
        match self {
            Self::Exactly(number) => Some(number),
            Self::Fewer | Self::Untold => None,
        }
    }

    /// Whether the card is known to be locked.
    pub const fn is_locked(self) -> bool {
        matches!(self, Self::Exactly(0))
    }
}

impl fmt::Display for Tries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(number) => write!(f, "{number}"),
            Self::Fewer => f.write_str("?, <max"),
            Self::Untold => f.write_str("?"),
        }
    }
}
