//! Passwords: Argon2id (RFC 9106) with the parameters that OWASP recommends, and never in a log.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

/// The fewest bytes of a password.
const MIN: usize = 8;
/// The most bytes of a password.
const MAX: usize = 1_024;

/// A password in clear, wiped when it is dropped.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

/// Why a text is no password, or could not be hashed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too short or too long.
    #[error("a password has 8 to 1024 bytes")]
    Length,
    /// Without random numbers or memory.
    #[error("the password could not be hashed")]
    Failed,
}

impl Password {
    /// The password `text`.
    ///
    /// # Errors
    /// [`PasswordError::Length`].
    pub fn try_new(text: impl Into<String>) -> Result<Self, PasswordError> {
        let text = Zeroizing::new(text.into());
        if (MIN..=MAX).contains(&text.len()) { Ok(Self(text)) } else { Err(PasswordError::Length) }
    }

    /// A new one of 144 random bits: 24 letters, digits, `-` and `_`.
    ///
    /// # Errors
    /// [`PasswordError::Failed`] without random numbers.
    pub fn generate() -> Result<Self, PasswordError> {
        let mut bytes = Zeroizing::new([0_u8; 18]);
        getrandom::fill(bytes.as_mut_slice()).map_err(|_| PasswordError::Failed)?;
        Ok(Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice()))))
    }

    /// The text, to show or store it once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Its hash in the PHC form `$argon2id$v=19$…`, with a salt of its own.
    ///
    /// # Errors
    /// [`PasswordError::Failed`].
    pub fn hash(&self) -> Result<String, PasswordError> {
        let hash = Argon2::default().hash_password(self.0.as_bytes()).map_err(|_| PasswordError::Failed)?;
        Ok(hash.to_string())
    }

    /// Whether `hash` is its hash. Takes the time that the hash's parameters say, whatever the answer.
    pub fn fits(&self, hash: &str) -> bool {
        PasswordHash::new(hash).is_ok_and(|hash| Argon2::default().verify_password(self.0.as_bytes(), &hash).is_ok())
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Whether the text is a hash that [`Password::fits`] can check.
pub fn is_hash(text: &str) -> bool {
    text.starts_with("$argon2id$") && PasswordHash::new(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_its_own_hash_only() {
        let (right, wrong) = (Password::generate().expect("made"), Password::generate().expect("made"));
        let hash = right.hash().expect("hashed");
        assert!(is_hash(&hash));
        assert_eq!((right.fits(&hash), wrong.fits(&hash), right.fits("$argon2id$")), (true, false, false));
    }

    #[test]
    fn the_same_password_has_another_hash_each_time() {
        let password = Password::try_new("correct horse").expect("a password");
        assert_ne!(password.hash(), password.hash());
    }

    #[test]
    fn short_and_endless_passwords_are_refused() {
        for length in [0, 7, 1_025] {
            assert_eq!(Password::try_new("x".repeat(length)).err(), Some(PasswordError::Length), "{length}");
        }
    }

    #[test]
    fn a_password_is_not_in_its_debug_text() {
        assert_eq!(format!("{:?}", Password::try_new("correct horse")), "Ok(Password(…))");
    }
}
