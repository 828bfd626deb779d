//! Pages of lists (AIP-158): a token is the key of the last row shown, opaque to clients.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tonic::Status;

use crate::status::field_violation;

/// The rows of a page where the client names no number.
pub const USUAL_SIZE: u32 = 50;
/// The most rows of a page.
pub const LARGEST_SIZE: u32 = 500;
/// The most bytes of a key.
const KEY_MAX: usize = 512;
/// Tells our tokens from others, and this form from a later one.
const PREFIX: &str = "1:";

/// What page is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The most rows of it: 1 to 500.
    pub size: u32,
    /// The key of the last row of the page before; none for the first page.
    pub after: Option<String>,
}

impl Page {
    /// The page that `page_size` and `page_token` of a request ask for. Size 0 means 50; more than 500 means 500.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` on `page_token` for a token that none of our answers had.
    pub fn try_new(page_size: u32, page_token: &str) -> Result<Self, Status> {
        let size = if page_size == 0 { USUAL_SIZE } else { page_size.min(LARGEST_SIZE) };
        let after = if page_token.is_empty() { None } else { Some(key(page_token)?) };
        Ok(Self { size, after })
    }

    /// One row more than the page has: whether it is there tells if a next page is.
    pub fn rows_to_read(&self) -> u64 {
        u64::from(self.size) + 1
    }

    /// Cuts what was read by [`Page::rows_to_read`] to the page, and gives the token of the next one: empty on the
    /// last page. `key` gives the key of a row; the list is ordered by it.
    pub fn cut<T>(&self, rows: &mut Vec<T>, key: impl FnOnce(&T) -> String) -> String {
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        if rows.len() <= size {
            return String::new();
        }
        rows.truncate(size);
        rows.last().map(|row| token(&key(row))).unwrap_or_default()
    }
}

/// The token for the rows after the one with this key.
fn token(key: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{PREFIX}{key}"))
}

fn key(token: &str) -> Result<String, Status> {
    let refused = || field_violation("page_token", "not the next_page_token of an answer");
    if token.len() > KEY_MAX * 2 {
        return Err(refused());
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| refused())?;
    let text = String::from_utf8(bytes).map_err(|_| refused())?;
    let key = text.strip_prefix(PREFIX).ok_or_else(refused)?;
    if key.is_empty() || key.len() > KEY_MAX || key.chars().any(char::is_control) {
        return Err(refused());
    }
    Ok(key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_of_a_page_leads_to_the_next_one() {
        let first = Page::try_new(2, "").expect("a page");
        let mut rows = vec!["a", "b", "c"];
        let token = first.cut(&mut rows, |row| (*row).to_owned());
        assert_eq!(rows, ["a", "b"]);
        assert_eq!(Page::try_new(2, &token).expect("a page").after.as_deref(), Some("b"));
    }

    #[test]
    fn the_last_page_has_no_token() {
        let page = Page::try_new(2, "").expect("a page");
        let mut rows = vec!["a", "b"];
        assert_eq!(page.cut(&mut rows, |row| (*row).to_owned()), "");
        assert_eq!(rows, ["a", "b"]);
    }

    #[test]
    fn sizes_are_clamped() {
        let size = |asked| Page::try_new(asked, "").expect("a page").size;
        assert_eq!((size(0), size(1), size(500), size(501), size(u32::MAX)), (50, 1, 500, 500, 500));
    }

    #[test]
    fn a_token_that_is_none_of_ours_is_a_field_violation() {
        let foreign = [URL_SAFE_NO_PAD.encode("1:"), URL_SAFE_NO_PAD.encode("2:a"), URL_SAFE_NO_PAD.encode("1:a\nb")];
        for token in ["%", "b", "x".repeat(9_999).as_str()].into_iter().chain(foreign.iter().map(String::as_str)) {
            assert!(Page::try_new(2, token).is_err(), "{token}");
        }
    }
}
