//! PEM (RFC 7468): Base64 between lines of dashes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// `der` as one PEM block with lines of 64 characters. It may be a private key: nothing but the result holds a copy of it.
pub(crate) fn encode(label: &str, der: &[u8]) -> String {
    let mut pem = String::with_capacity(der.len() * 3 / 2 + 2 * label.len() + 64);
    pem.push_str("-----BEGIN ");
    pem.push_str(label);
    pem.push_str("-----\n");
    for line in der.chunks(48) {
        STANDARD.encode_string(line, &mut pem);
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
pub(crate) fn decode_all<'a>(
    label: &str,
    text: &'a [u8],
) -> impl Iterator<Item = Option<Zeroizing<Vec<u8>>>> + use<'a> {
    let begin = format!("-----BEGIN {label}-----");
    let end = format!("-----END {label}-----");
    let mut rest = text;
    std::iter::from_fn(move || {
        let block = &rest[find(rest, &begin)? + begin.len()..];
        let Some(length) = find(block, &end) else {
            rest = &[];
            return Some(None);
        };
        rest = &block[length + end.len()..];
        let base64: Zeroizing<Vec<u8>> =
            block[..length].iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect::<Vec<_>>().into();
        Some(STANDARD.decode(&base64).ok().map(Zeroizing::new))
    })
}

fn find(text: &[u8], what: &str) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(label: &str, text: &[u8]) -> Vec<Option<Vec<u8>>> {
        decode_all(label, text).map(|block| block.map(|block| block.to_vec())).collect()
    }

    #[test]
    fn blocks_are_found_between_other_text_and_blocks() {
        let text =
            format!("notes\r\n{}{}", encode("KEY", b"secret"), encode("CERTIFICATE", &[7; 100]).replace('\n', "\r\n"));
        assert_eq!(blocks("CERTIFICATE", text.as_bytes()), [Some(vec![7; 100])]);
    }

    #[test]
    fn lines_have_64_characters() {
        let pem = encode("A", &[0; 49]);
        let lengths: Vec<_> = pem.lines().map(str::len).collect();
        assert_eq!(lengths, [17, 64, 4, 15]);
    }

    #[test]
    fn a_block_without_an_end_or_with_other_characters_is_reported() {
        assert_eq!(blocks("A", b"-----BEGIN A-----\nAAAA"), [None]);
        assert_eq!(blocks("A", b"-----BEGIN A-----\n!!!!\n-----END A-----"), [None]);
        assert!(blocks("A", b"").is_empty());
    }
}
