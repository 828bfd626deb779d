//! Stream filters (ISO 32000-1 §7.4), with a bound on what they may give.
//!
//! The filters of structure and text only; pictures are compared as they are. Lenient as viewers are: what a damaged
//! Flate stream gave before the damage counts.

use flate2::{Decompress, FlushDecompress, Status};

use super::lexical::{decode_hexadecimal, is_space};
use super::object::Dictionary;

use crate::{DocumentError, Limit};

/// One filter of a stream with its parameters.
pub(crate) struct Filter {
    pub name: Vec<u8>,
    pub parameters: Dictionary,
}

/// More filters on one stream than this are an attempt to make a bomb.
pub(crate) const MAX_FILTERS: usize = 8;

/// Applies `filters` to `raw`, which may never become more than `max` bytes.
///
/// `None` where a filter is not known here, or where what it was given is not its own output.
///
/// # Errors
/// [`DocumentError::TooLarge`].
pub(crate) fn decode(filters: &[Filter], raw: &[u8], max: u64) -> Result<Option<Vec<u8>>, DocumentError> {
    let mut data = None::<Vec<u8>>;
    for filter in filters {
        let input = data.as_deref().unwrap_or(raw);
        let output = match filter.name.as_slice() {
            b"Crypt" => Some(input.to_vec()), // done already: see `crypt`
            b"FlateDecode" | b"Fl" => inflate(input, max)?.and_then(|plain| unpredict(plain, &filter.parameters)),
            b"ASCIIHexDecode" | b"AHx" => decode_hexadecimal(input.split(|byte| *byte == b'>').next().unwrap_or(input)),
            b"ASCII85Decode" | b"A85" => ascii85(input),
            b"RunLengthDecode" | b"RL" => run_length(input, max)?,
            b"LZWDecode" | b"LZW" => super::lzw::decode(input, &filter.parameters, max)?
                .and_then(|plain| unpredict(plain, &filter.parameters)),
            _ => None,
        };
        match output {
            Some(output) => data = Some(output),
            None => return Ok(None),
        }
    }
    Ok(Some(data.unwrap_or_else(|| raw.to_vec())))
}

fn inflate(input: &[u8], max: u64) -> Result<Option<Vec<u8>>, DocumentError> {
    match inflate_as(input, true, max)? {
        Some(output) => Ok(Some(output)),
        None => inflate_as(input, false, max), // no zlib header
    }
}

fn inflate_as(input: &[u8], zlib: bool, max: u64) -> Result<Option<Vec<u8>>, DocumentError> {
    let mut state = Decompress::new(zlib);
    let mut output = Vec::with_capacity(input.len().saturating_mul(3).clamp(256, 1 << 20));
    loop {
        Limit::EntryBytes.check(output.len() as u64, max)?;
        if output.len() == output.capacity() {
            output.reserve(output.len().clamp(4096, 1 << 22));
        }
        let consumed = usize::try_from(state.total_in()).unwrap_or(usize::MAX);
        let before = output.len();
        let rest = input.get(consumed..).unwrap_or_default();
        match state.decompress_vec(rest, &mut output, FlushDecompress::None) {
            Ok(Status::StreamEnd) => return Ok(Some(output)),
            Ok(_) if output.len() > before || output.len() == output.capacity() => {}
            // Damaged or cut short: what came out so far counts, nothing at all does not.
            Ok(_) | Err(_) => return Ok((!output.is_empty()).then_some(output)),
        }
    }
}

/// Undoes the predictor of Flate and LZW, §7.4.4.4.
fn unpredict(data: Vec<u8>, parameters: &Dictionary) -> Option<Vec<u8>> {
    let parameter = |key: &str, default: usize| {
        parameters.get(key).map_or(Some(default), super::object::Value::as_offset).filter(|number| *number <= 1 << 20)
    };
    let predictor = parameter("Predictor", 1)?;
    if predictor < 2 {
        return Some(data);
    }
    let bits = parameter("Colors", 1)?.checked_mul(parameter("BitsPerComponent", 8)?)?;
    let row = bits.checked_mul(parameter("Columns", 1)?)?.div_ceil(8);
    let pixel = bits.div_ceil(8);
    if row == 0 {
        return None;
    }
    if predictor == 2 {
        tiff(data, row, pixel, parameter("BitsPerComponent", 8)?)
    } else {
        Some(png(&data, row, pixel))
    }
}

fn tiff(mut data: Vec<u8>, row: usize, pixel: usize, depth: usize) -> Option<Vec<u8>> {
    if depth != 8 {
        return None; // other depths are for pictures only
    }
    for line in data.chunks_mut(row) {
        for at in pixel..line.len() {
            line[at] = line[at].wrapping_add(line[at - pixel]);
        }
    }
    Some(data)
}

fn png(data: &[u8], row: usize, pixel: usize) -> Vec<u8> {
    let mut output = Vec::with_capacity(data.len());
    let mut above = vec![0_u8; row];
    for line in data.chunks(row + 1) {
        let Some((&kind, line)) = line.split_first() else { break };
        let mut current = vec![0_u8; row];
        for (at, &byte) in line.iter().enumerate() {
            let left = if at >= pixel { current[at - pixel] } else { 0 };
            let corner = if at >= pixel { above[at - pixel] } else { 0 };
            let guess = match kind {
                1 => left,
                2 => above[at],
                3 => ((u16::from(left) + u16::from(above[at])) / 2) as u8,
                4 => paeth(left, above[at], corner),
                _ => 0,
            };
            current[at] = byte.wrapping_add(guess);
        }
        output.extend_from_slice(current.get(..line.len()).unwrap_or_default());
        above = current;
    }
    output
}

/// RFC 2083 §6.6.
fn paeth(left: u8, above: u8, corner: u8) -> u8 {
    let estimate = i16::from(left) + i16::from(above) - i16::from(corner);
    let distance = |value: u8| (estimate - i16::from(value)).abs();
    if distance(left) <= distance(above) && distance(left) <= distance(corner) {
        left
    } else if distance(above) <= distance(corner) {
        above
    } else {
        corner
    }
}

fn ascii85(input: &[u8]) -> Option<Vec<u8>> {
    let mut output = Vec::with_capacity(input.len() / 5 * 4 + 4);
    let mut group = Vec::with_capacity(5);
    for byte in input.iter().copied().filter(|byte| !is_space(*byte)) {
        match byte {
            b'~' => break,
            b'z' if group.is_empty() => output.extend_from_slice(&[0; 4]),
            b'!'..=b'u' => {
                group.push(byte - b'!');
                if group.len() == 5 {
                    output.extend_from_slice(&base85(&group));
                    group.clear();
                }
            }
            _ => return None,
        }
    }
    if group.len() > 1 {
        let kept = group.len() - 1;
        group.resize(5, 84);
        output.extend_from_slice(&base85(&group)[..kept]);
    }
    Some(output)
}

fn base85(digits: &[u8]) -> [u8; 4] {
    digits.iter().fold(0_u32, |sum, digit| sum.wrapping_mul(85).wrapping_add(u32::from(*digit))).to_be_bytes()
}

fn run_length(input: &[u8], max: u64) -> Result<Option<Vec<u8>>, DocumentError> {
    let mut output = Vec::new();
    let mut rest = input;
    while let Some((&length, tail)) = rest.split_first() {
        Limit::EntryBytes.check(output.len() as u64, max)?;
        let length = usize::from(length);
        match length {
            0..=127 => {
                let (run, after) = tail.split_at(tail.len().min(length + 1));
                output.extend_from_slice(run);
                rest = after;
            }
            128 => break,
            _ => {
                let Some((&byte, after)) = tail.split_first() else { break };
                output.resize(output.len() + 257 - length, byte);
                rest = after;
            }
        }
    }
    Ok(Some(output))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::super::object::Value;
    use super::*;

    fn filter(name: &str, parameters: Dictionary) -> Vec<Filter> {
        vec![Filter { name: name.as_bytes().to_vec(), parameters }]
    }

    fn zlib(data: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(data).expect("memory");
        encoder.finish().expect("memory")
    }

    #[test]
    fn a_bomb_is_refused_before_it_fills_memory() {
        let bomb = zlib(&vec![0; 8 << 20]);
        let refused = decode(&filter("FlateDecode", Dictionary::default()), &bomb, 1 << 20);
        assert!(matches!(refused, Err(DocumentError::TooLarge { limit: Limit::EntryBytes, .. })));
    }

    #[test]
    fn what_came_before_the_damage_of_a_flate_stream_counts() {
        let data: Vec<u8> = (0..20_000_u32).flat_map(u32::to_le_bytes).collect();
        let cut = &zlib(&data)[..10_000];
        let output =
            decode(&filter("FlateDecode", Dictionary::default()), cut, 1 << 20).expect("small").expect("known");
        assert!(!output.is_empty() && data.starts_with(&output));
    }

    #[test]
    fn rows_are_restored_from_the_up_predictor_of_xref_streams() {
        let parameters = Dictionary::from([("Predictor", Value::Integer(12)), ("Columns", Value::Integer(2))]);
        let packed = zlib(&[2, 1, 2, 2, 1, 1, 2, 0, 5]);
        let output = decode(&filter("FlateDecode", parameters), &packed, 100).expect("small").expect("known");
        assert_eq!(output, [1, 2, 2, 3, 2, 8]);
    }

    #[test]
    fn text_filters_give_back_their_bytes() {
        let plain = |name, raw: &[u8]| decode(&filter(name, Dictionary::default()), raw, 100).expect("small");
        assert_eq!(plain("ASCIIHexDecode", b"48 65 6C6c 6f>"), Some(b"Hello".to_vec()));
        assert_eq!(plain("ASCII85Decode", b"87cURD_*#4DfTZ)~>"), Some(b"Hello, World".to_vec()));
        assert_eq!(plain("RunLengthDecode", &[1, b'a', b'b', 254, b'c', 128]), Some(b"abccc".to_vec()));
        assert_eq!(plain("DCTDecode", b"..."), None);
    }
}
