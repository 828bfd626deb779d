use super::*;

fn only(bytes: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut reader = Reader::der(bytes);
    let element = reader.any("nothing")?;
    reader.finish("something behind it")?;
    Ok(element.content.to_vec())
}

#[test]
fn der_has_one_form_of_a_length() {
    assert_eq!(only(&[4, 1, 7]), Ok(vec![7]));
    for other in [&[4, 0x81, 1, 7][..], &[4, 0x82, 0, 1, 7], &[0x24, 0x80, 4, 1, 7, 0, 0], &[4, 0x80, 7, 0, 0]] {
        assert!(only(other).is_err(), "{other:02x?}");
    }
    let long = [[4, 0x81, 0x80].as_slice(), &[7; 0x80]].concat();
    assert_eq!(only(&long), Ok(vec![7; 0x80]));
}

#[test]
fn nothing_is_read_beyond_what_encloses_it() {
    for cut in [&[][..], &[4], &[4, 2, 7], &[4, 0x82, 1], &[0x30, 3, 4, 2, 7]] {
        let read = Reader::der(cut).any("nothing").and_then(|element| element.inside()?.any("nothing"));
        assert!(read.is_err(), "{cut:02x?}");
    }
}

#[test]
fn ber_may_leave_a_length_open_and_write_it_long() {
    // SEQUENCE { OCTET STRING { 01, 02 03 in pieces }, BOOLEAN }, lengths open, and one of them in three bytes.
    let bytes = [0x30, 0x80, 0x24, 0x80, 4, 1, 1, 4, 0x83, 0, 0, 2, 2, 3, 0, 0, 1, 1, 0xff, 0, 0, 9];
    let mut reader = Reader::ber(&bytes);
    let element = reader.read(tag::SEQUENCE, "a sequence").expect("a sequence");
    assert_eq!(reader.rest(), [9]);
    assert_eq!(element.bytes, &bytes[..21]);
    let mut inside = element.inside().expect("values");
    let octets = inside.any("octets").expect("a value");
    assert!(octets.is_octet_string());
    assert_eq!(&*octets.octets("octets").expect("bytes"), [1, 2, 3]);
    assert_eq!(inside.any("a boolean").and_then(|value| value.boolean("a boolean")), Ok(true));
    assert_eq!(inside.finish("more"), Ok(()));
}

#[test]
fn an_open_length_needs_its_end() {
    for open in [&[0x30, 0x80][..], &[0x30, 0x80, 4, 1, 7], &[0x30, 0x80, 4, 1, 7, 0], &[0x30, 0x80, 0x30, 0x80, 0, 0]]
    {
        assert!(Reader::ber(open).any("nothing").is_err(), "{open:02x?}");
    }
}

#[test]
fn nesting_has_an_end() {
    let mut bytes = vec![];
    for _ in 0..30 {
        bytes = writer::tlv(tag::SEQUENCE, &bytes);
    }
    let mut depth = 0;
    let mut element = Reader::der(&bytes).any("nothing").expect("a value");
    while let Ok(inside) = element.inside().and_then(|mut inside| inside.any("nothing")) {
        (element, depth) = (inside, depth + 1);
    }
    assert_eq!(depth, 24);
}

#[test]
fn numbers_are_read_by_their_value() {
    let number = |bytes: &[u8]| Reader::der(bytes).any("nothing").and_then(|element| element.number("a number"));
    assert_eq!(number(&[2, 1, 0]), Ok(0));
    assert_eq!(number(&[2, 5, 0, 0xff, 0xff, 0xff, 0xff]), Ok(u32::MAX));
    assert_eq!(number(&[0x0a, 1, 5]), Ok(5));
    for other in [&[2, 0][..], &[2, 1, 0x80], &[2, 5, 1, 0, 0, 0, 0], &[4, 1, 1]] {
        assert!(number(other).is_err(), "{other:02x?}");
    }
}

#[test]
fn a_span_is_where_a_part_lies_in_the_whole() {
    let whole = [0x30, 3, 4, 1, 7];
    let inner = Reader::der(&whole).any("a").and_then(|outer| outer.inside()?.any("b")).expect("a value");
    assert_eq!(inner.span_in(&whole), 2..5);
    assert_eq!(&whole[span(&whole, inner.content)], [7]);
}
