//! PEM (RFC 7468): Base64 between lines of dashes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// `der` as one PEM block with lines of 64 characters.
pub(crate) fn encode(label: &str, der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    for start in (0..base64.len()).step_by(64) {
        pem.push_str(&base64[start..base64.len().min(start + 64)]);
        pem.push('\n');
    }
    pem.push_str("-----END ");
    pem.push_str(label);
    pem.push_str("-----\n");
    pem
}

/// The contents of every block with this label, in order; `None` for a block that is cut short or is no Base64.
///
/// Text between the blocks, any line length and any line ends are accepted: files are put together by hand.
pub(crate) fn decode_all(label: &str, text: &[u8]) -> impl Iterator<Item = Option<Vec<u8>>> {
    let begin = format!("-----BEGIN {label}-----");
    let end = format!("-----END {label}-----");
    let mut rest = String::from_utf8_lossy(text).into_owned();
    std::iter::from_fn(move || {
        let start = rest.find(&begin)? + begin.len();
        let Some(length) = rest[start..].find(&end) else {
            rest.clear();
            return Some(None);
        };
        let base64: String = rest[start..start + length].split_whitespace().collect();
        rest.drain(..start + length + end.len());
        Some(STANDARD.decode(base64).ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_between_other_text_and_blocks() {
        let text =
            format!("notes\r\n{}{}", encode("KEY", b"secret"), encode("CERTIFICATE", &[7; 100]).replace('\n', "\r\n"));
        let blocks: Vec<_> = decode_all("CERTIFICATE", text.as_bytes()).collect();
        assert_eq!(blocks, [Some(vec![7; 100])]);
    }

    #[test]
    fn a_block_without_an_end_or_with_other_characters_is_reported() {
        assert_eq!(decode_all("A", b"-----BEGIN A-----\nAAAA").collect::<Vec<_>>(), [None]);
        assert_eq!(decode_all("A", b"-----BEGIN A-----\n!!!!\n-----END A-----").collect::<Vec<_>>(), [None]);
        assert_eq!(decode_all("A", b"").count(), 0);
    }
}
