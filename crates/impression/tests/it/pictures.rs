//! Pictures from outside: what is accepted, and what is refused before it costs anything.

use eseal_impression::{Checked, ImpressionError, MAX_BYTES, MAX_SIDE, check};
use png::{BitDepth, ColorType};
use proptest::prelude::*;

#[test]
fn ordinary_pictures_are_accepted_with_their_size() {
    let transparent = file(100, 80, ColorType::Rgba, |i| if i % 8 == 3 { 0 } else { 0x99 });
    assert_eq!(check(&transparent).ok(), Some(Checked { width_px: 100, height_px: 80, has_alpha: true }));
    let opaque = file(16, 16, ColorType::Rgb, |_| 0x99);
    assert_eq!(check(&opaque).ok(), Some(Checked { width_px: 16, height_px: 16, has_alpha: false }));
    let opaque_alpha = file(16, 16, ColorType::GrayscaleAlpha, |_| 0xFF);
    assert_eq!(check(&opaque_alpha).ok(), Some(Checked { width_px: 16, height_px: 16, has_alpha: false }));
    let largest = file(MAX_SIDE, 16, ColorType::Grayscale, |_| 0);
    assert!(check(&largest).is_ok());
}

#[test]
fn files_that_are_no_png_are_refused() {
    let jpeg = b"\xff\xd8\xff\xe0\0\x10JFIF\0";
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg'/>";
    for bytes in [&b""[..], b"text", jpeg, svg, b"\x89PNG", b"PK\x03\x04"] {
        assert!(matches!(check(bytes), Err(ImpressionError::NotPng)), "{bytes:?}");
    }
}

#[test]
fn twenty_thousand_pixels_are_refused_by_the_header_alone() {
    // Nothing follows the header: whoever went on to decode would report a damaged file.
    for (width, height) in
        [(20_000, 20_000), (20_000, 16), (16, 20_000), (MAX_SIDE + 1, 100), (i32::MAX as u32, i32::MAX as u32)]
    {
        let result = check(&header_only(width, height));
        assert!(
            matches!(result, Err(ImpressionError::Pixels { width: w, height: h }) if (w, h) == (width, height)),
            "{result:?}"
        );
    }
    for (width, height) in [(1, 1), (15, 500)] {
        assert!(matches!(check(&header_only(width, height)), Err(ImpressionError::Pixels { .. })));
    }
    assert!(matches!(check(&header_only(100, 100)), Err(ImpressionError::DamagedPng(_))));
    assert!(check(&header_only(0, 100)).is_err());
}

#[test]
fn a_file_of_too_many_bytes_is_refused_unread() {
    let mut file = file(100, 100, ColorType::Rgb, |_| 1);
    file.resize(MAX_BYTES + 1, 0);
    assert!(matches!(check(&file), Err(ImpressionError::TooManyBytes { .. })));
}

#[test]
fn compressed_texts_and_colour_profiles_are_not_unpacked() {
    let plain = file(100, 100, ColorType::Rgb, |_| 1);
    let (head, rest) = plain.split_at(8 + 25);
    // Whoever unpacked these would find that they are broken.
    for chunk in [png_chunk(b"zTXt", b"Comment\0\0no zlib stream"), png_chunk(b"iCCP", b"profile\0\0no zlib stream")] {
        assert!(check(&[head, &chunk, rest].concat()).is_ok());
    }
}

#[test]
fn more_image_data_than_the_header_promises_is_survived() {
    let header = header_only(100, 100);
    let bomb = [&header[..], &png_chunk(b"IDAT", &deflated_zeros()), &png_chunk(b"IEND", b"")].concat();
    // A hundred megabytes for a picture of 40 kB: the first of them are used, or the file is called damaged.
    assert!(matches!(check(&bomb), Err(ImpressionError::DamagedPng(_) | ImpressionError::Empty)));
}

#[test]
fn a_picture_that_breaks_off_or_goes_on_is_damaged() {
    let whole = file(64, 64, ColorType::Rgba, |i| (i % 251) as u8);
    for end in (8..whole.len()).step_by(7) {
        assert!(check(&whole[..end]).is_err(), "{end} of {} bytes", whole.len());
    }
    let longer = [&whole[..], b"PK\x03\x04 something else"].concat();
    assert!(matches!(check(&longer), Err(ImpressionError::DamagedPng(_))));
}

#[test]
fn a_picture_without_anything_on_it_is_refused() {
    assert!(matches!(check(&file(64, 64, ColorType::Rgba, |_| 0)), Err(ImpressionError::Empty)));
    assert!(matches!(check(&file(64, 64, ColorType::GrayscaleAlpha, |_| 0)), Err(ImpressionError::Empty)));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        let _ = check(&bytes);
        let _ = check(&[&b"\x89PNG\r\n\x1a\n"[..], &bytes].concat());
    }

    #[test]
    fn changed_pictures_never_panic(at: proptest::sample::Index, to: u8) {
        let mut file = file(32, 32, ColorType::Rgba, |i| (i % 251) as u8);
        let at = at.index(file.len());
        file[at] = to;
        let _ = check(&file);
    }
}

/// A PNG whose samples are a function of their place.
fn file(width: u32, height: u32, colour: ColorType, sample: impl Fn(usize) -> u8) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(colour);
    encoder.set_depth(BitDepth::Eight);
    let samples: Vec<u8> = (0..(width * height) as usize * colour.samples()).map(sample).collect();
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(&samples).expect("written");
    writer.finish().expect("finished");
    file
}

fn header_only(width: u32, height: u32) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 6, 0, 0, 0]].concat();
    [&b"\x89PNG\r\n\x1a\n"[..], &png_chunk(b"IHDR", &header)].concat()
}

fn png_chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let body = [&kind[..], content].concat();
    let length = u32::try_from(content.len()).expect("short").to_be_bytes();
    [&length[..], &body, &crc32(&body).to_be_bytes()].concat()
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}

/// A zlib stream of a hundred megabytes of zeros: fixed Huffman codes, one literal and then copies of 258 bytes.
fn deflated_zeros() -> Vec<u8> {
    let mut bits = vec![true, true, false]; // the last block; fixed codes, low bit first
    bits.extend([false, false, true, true, false, false, false, false]); // literal 0
    for _ in 0..400_000 {
        bits.extend([true, true, false, false, false, true, false, true]); // 258 bytes
        bits.extend([false; 5]); // from one byte back
    }
    bits.extend([false; 7]); // end of block
    let bytes = bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |b, bit| b << 1 | u8::from(*bit)));
    [0x78, 0x9C].into_iter().chain(bytes).collect()
}
