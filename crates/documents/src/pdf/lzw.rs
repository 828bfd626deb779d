//! The LZW filter (ISO 32000-1 §7.4.4), met in files of the last century and in attempts to hide.

use super::object::{Dictionary, Value};
use crate::{DocumentError, Limit};

const CLEAR: usize = 256;
const END: usize = 257;
const MAX_CODES: usize = 4096;

/// A sequence of the table: where it lies in the output that was made so far.
#[derive(Clone, Copy)]
struct Sequence {
    start: usize,
    length: usize,
}

/// Decodes `input`; what came before damage counts. `None` where nothing did.
///
/// # Errors
/// [`DocumentError::TooLarge`] beyond `max` bytes.
pub(crate) fn decode(input: &[u8], parameters: &Dictionary, max: u64) -> Result<Option<Vec<u8>>, DocumentError> {
    // With early change, the default, codes grow one code sooner than they must.
    let early = usize::from(parameters.get("EarlyChange").and_then(Value::as_integer) != Some(0));
    let mut output = Vec::new();
    let mut table = Vec::<Sequence>::new(); // codes from 258 on
    let mut previous = None::<Sequence>;
    let mut bits = Bits { input, buffer: 0, held: 0 };
    loop {
        Limit::EntryBytes.check(output.len() as u64, max)?;
        let width = width_for(END + 1 + table.len() + early);
        let Some(code) = bits.take(width) else { break };
        let start = output.len();
        match code {
            END => break,
            CLEAR => {
                table.clear();
                previous = None;
                continue;
            }
            0..CLEAR => output.push(code as u8),
            _ => {
                let known = table.get(code - END - 1).copied();
                // The one code that is not in the table yet: the previous sequence and its own first byte.
                let Some(Sequence { start, length }) =
                    known.or(previous.map(|p| Sequence { length: p.length + 1, ..p }))
                else {
                    break;
                };
                for at in start..start + length {
                    let byte = output.get(at).copied().unwrap_or_default();
                    output.push(byte);
                }
            }
        }
        if let Some(previous) = previous
            && table.len() + END + 1 < MAX_CODES
        {
            table.push(Sequence { length: previous.length + 1, ..previous });
        }
        previous = Some(Sequence { start, length: output.len() - start });
    }
    Ok((!output.is_empty() || input.is_empty()).then_some(output))
}

fn width_for(codes: usize) -> u32 {
    match codes {
        0..512 => 9,
        512..1024 => 10,
        1024..2048 => 11,
        _ => 12,
    }
}

struct Bits<'a> {
    input: &'a [u8],
    buffer: u32,
    held: u32,
}

impl Bits<'_> {
    fn take(&mut self, width: u32) -> Option<usize> {
        while self.held < width {
            let (&byte, rest) = self.input.split_first()?;
            self.input = rest;
            self.buffer = self.buffer << 8 | u32::from(byte);
            self.held += 8;
        }
        self.held -= width;
        Some((self.buffer >> self.held & ((1 << width) - 1)) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard_is_decoded() {
        // ISO 32000-1 §7.4.4.2, example 1: codes 256 45 258 258 65 259 66 257.
        let encoded = [0x80, 0x0b, 0x60, 0x50, 0x22, 0x0c, 0x0c, 0x85, 0x01];
        let decoded = decode(&encoded, &Dictionary::default(), 100).expect("small");
        assert_eq!(decoded, Some(vec![45, 45, 45, 45, 45, 65, 45, 45, 45, 66]));
    }

    #[test]
    fn rubbish_ends_without_harm() {
        for seed in 0..200_u32 {
            let bytes: Vec<u8> =
                (0..300).map(|at| (seed.wrapping_mul(2_654_435_761).rotate_left(at) >> 8) as u8).collect();
            assert!(decode(&bytes, &Dictionary::default(), 1 << 20).is_ok());
        }
    }
}
