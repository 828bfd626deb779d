//! The unified social credit code (统一社会信用代码, GB 32100-2015).

use std::fmt;
use std::str::FromStr;

const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
/// 3^(i-1) mod 31 (GB 32100-2015, annex A).
const WEIGHTS: [usize; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];

/// The code that identifies an organization: 18 characters, the last one a check character.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uscc(String);

/// Why a text is not a [`Uscc`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUscc {
    /// Not 18 characters of the code's alphabet.
    #[error("a unified social credit code has 18 characters of 0-9 and A-Z without I, O, S, V and Z")]
    Form,
    /// The last character does not fit the others: most likely a typing mistake.
    #[error("the last character of the unified social credit code should be {expected}: check for a typing mistake")]
    CheckCharacter {
        /// The character that fits the first 17.
        expected: char,
    },
}

impl Uscc {
    /// The 18 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Uscc {
    type Err = InvalidUscc;

    fn from_str(text: &str) -> Result<Self, InvalidUscc> {
        let code = text.as_bytes();
        if code.len() != 18 {
            return Err(InvalidUscc::Form);
        }
        let mut sum = 0;
        for (i, character) in code.iter().enumerate() {
            let value = ALPHABET.iter().position(|c| c == character).ok_or(InvalidUscc::Form)?;
            sum += value * WEIGHTS.get(i).copied().unwrap_or(0);
        }
        let expected = ALPHABET[(31 - sum % 31) % 31];
        if code[17] != expected {
            return Err(InvalidUscc::CheckCharacter { expected: char::from(expected) });
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Uscc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Uscc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_codes_are_accepted() {
        for code in [
            "11320500014150050B",
            "11370306MB2867521U",
            "115300000151003540",
            "91350100M000100Y43",
            "91110000600037341L",
        ] {
            assert_eq!(code.parse::<Uscc>().map(|c| c.to_string()), Ok(code.to_owned()));
        }
    }

    #[test]
    fn a_mistyped_code_is_refused_with_the_character_that_would_fit() {
        assert_eq!("11320500014150050C".parse::<Uscc>(), Err(InvalidUscc::CheckCharacter { expected: 'B' }));
        assert!(matches!("91110108MA00A2BQ31".parse::<Uscc>(), Err(InvalidUscc::CheckCharacter { .. })));
    }

    #[test]
    fn any_single_wrong_character_is_found() {
        let code = "91110000600037341L";
        for i in 0..18 {
            for other in ALPHABET {
                let mut wrong = code.as_bytes().to_vec();
                wrong[i] = *other;
                let wrong = String::from_utf8(wrong).expect("ASCII");
                assert_eq!(wrong.parse::<Uscc>().is_ok(), wrong == code, "{wrong}");
            }
        }
    }

    #[test]
    fn letters_outside_the_alphabet_and_other_lengths_are_refused() {
        for code in ["", "I1320500014150050B", "11320500014150050b", "1132050001415005", "章章章章章章"] {
            assert_eq!(code.parse::<Uscc>(), Err(InvalidUscc::Form), "{code}");
        }
    }
}
