//! The two forms of an elliptic-curve signature: `SEQUENCE { r, s }`, and r and s side by side.

use crate::asn1::{Malformed, Reader, tag, writer};
use crate::public_key::BadSignature;

/// r and s of equal length side by side, as DER.
pub(crate) fn to_der(fixed: &[u8]) -> Vec<u8> {
    let (r, s) = fixed.split_at(fixed.len() / 2);
    writer::sequence(&[writer::unsigned(r), writer::unsigned(s)])
}

/// r and s side by side, each `width` bytes.
pub(crate) fn to_fixed(der: &[u8], width: usize) -> Result<Vec<u8>, BadSignature> {
    read(der, width).map_err(|_| BadSignature)
}

fn read(der: &[u8], width: usize) -> Result<Vec<u8>, Malformed> {
    const WHAT: &str = "a signature value";
    let mut numbers = Reader::der(der).single(tag::SEQUENCE, WHAT)?.inside()?;
    let mut fixed = vec![0; 2 * width];
    for half in fixed.chunks_exact_mut(width) {
        let number = numbers.any(WHAT)?.unsigned(WHAT)?;
        let padding = width.checked_sub(number.len()).ok_or(Malformed(WHAT))?;
        half[padding..].copy_from_slice(number);
    }
    numbers.finish(WHAT)?;
    Ok(fixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_numbers_are_padded_on_the_left() {
        let der = writer::sequence(&[writer::number(1), writer::number(0x80)]);
        assert_eq!(to_fixed(&der, 2), Ok(vec![0, 1, 0, 0x80]));
        assert_eq!(to_der(&[0, 1, 0, 0x80]), der);
    }

    #[test]
    fn numbers_that_are_too_long_negative_or_too_many_are_refused() {
        let [one, long] = [writer::number(1), writer::number(0x0100_0000)];
        let negative = writer::tlv(tag::INTEGER, &[0x80]);
        for parts in [vec![&one, &long], vec![&one, &negative], vec![&one], vec![&one, &one, &one], vec![]] {
            assert_eq!(to_fixed(&writer::sequence(&parts), 2), Err(BadSignature));
        }
    }
}
