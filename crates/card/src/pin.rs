//! The PIN of a card.

use std::fmt;

use zeroize::Zeroizing;

const SHORTEST: usize = 6;
const LONGEST: usize = 16;

/// A PIN of 6 to 16 printable ASCII characters without spaces, as tokens take them. Wiped when dropped; never shown.
#[derive(Clone)]
pub struct Pin(Zeroizing<String>);

/// Why a text is no PIN. Says nothing about the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a PIN has 6 to 16 letters, digits or signs, without spaces")]
pub struct InvalidPin;

impl Pin {
    /// Takes the text over; it is wiped whether or not it is a PIN.
    ///
    /// # Errors
    /// The length or a character is not allowed.
    pub fn try_new(text: String) -> Result<Self, InvalidPin> {
        let text = Zeroizing::new(text);
        let fits = (SHORTEST..=LONGEST).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if fits { Ok(Self(text)) } else { Err(InvalidPin) }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_to_sixteen_characters_are_a_pin() {
        for pin in ["123456", "0123456789abcdef", "p!n~#0"] {
            assert!(Pin::try_new(pin.to_owned()).is_ok(), "{pin}");
        }
        for text in ["", "12345", "0123456789abcdefg", "123 456", "12345\n", "密码密码密码"] {
            assert_eq!(Pin::try_new(text.to_owned()).err(), Some(InvalidPin), "{text}");
        }
    }

    #[test]
    fn debug_does_not_show_it() {
        let pin = Pin::try_new("271828".to_owned()).expect("a PIN");
        assert!(!format!("{pin:?}").contains("271828"));
    }
}
