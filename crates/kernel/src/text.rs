//! Text from outside: bounded, and free of control characters.

use std::fmt;

/// Text of 1 to `MAX` bytes without control characters and without white space at its ends.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text<const MAX: usize>(String);

/// Why a text was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// Nothing, or only white space.
    #[error("the text is empty")]
    Empty,
    /// More bytes than allowed.
    #[error("the text has {actual} bytes; at most {max} are allowed")]
    TooLong {
        /// The most bytes allowed.
        max: usize,
        /// The bytes given.
        actual: usize,
    },
    /// A control character, such as a line break or NUL.
    #[error("the text has a control character")]
    Control,
}

impl<const MAX: usize> Text<MAX> {
    /// The text with white space at its ends removed.
    pub fn try_new(text: &str) -> Result<Self, InvalidText> {
        if text.len() > MAX {
            return Err(InvalidText::TooLong { max: MAX, actual: text.len() });
        }
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidText::Empty);
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidText::Control);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_megabytes_of_name_are_refused_with_their_length() {
        let name = "章".repeat(10_000_000 / 3);
        assert_eq!(Text::<200>::try_new(&name), Err(InvalidText::TooLong { max: 200, actual: name.len() }));
    }

    #[test]
    fn empty_and_control_characters_are_refused() {
        assert_eq!(Text::<9>::try_new("  "), Err(InvalidText::Empty));
        assert_eq!(Text::<9>::try_new("a\nb"), Err(InvalidText::Control));
        assert_eq!(Text::<9>::try_new(" a ").map(|t| t.as_str().to_owned()), Ok("a".to_owned()));
    }
}
