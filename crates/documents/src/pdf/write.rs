//! From values to bytes: the inverse of `parse`.

use super::lexical::is_regular;
use super::object::{Dictionary, Id, Value};

/// Appends `value` as it stands in a file.
pub(crate) fn value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Boolean(true) => out.extend_from_slice(b"true"),
        Value::Boolean(false) => out.extend_from_slice(b"false"),
        Value::Integer(number) => out.extend_from_slice(number.to_string().as_bytes()),
        // `{}` of a finite f64 never has an exponent, and reads back as the same number.
        Value::Real(number) => out.extend_from_slice(format!("{number}").as_bytes()),
        Value::String(bytes) => string(out, bytes),
        Value::Name(bytes) => name(out, bytes),
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b' ');
                }
                self::value(out, item);
            }
            out.push(b']');
        }
        Value::Dictionary(entries) => dictionary(out, entries),
        Value::Reference(id) => out.extend_from_slice(format!("{} {} R", id.number, id.generation).as_bytes()),
    }
}

/// Appends a dictionary, one entry a line.
pub(crate) fn dictionary(out: &mut Vec<u8>, entries: &Dictionary) {
    out.extend_from_slice(b"<<");
    for (key, entry) in entries.iter() {
        out.push(b'\n');
        name(out, key);
        out.push(b' ');
        value(out, entry);
    }
    out.extend_from_slice(b"\n>>");
}

/// Appends `12 0 obj` and a line end.
pub(crate) fn head(out: &mut Vec<u8>, id: Id) {
    out.extend_from_slice(format!("{} {} obj\n", id.number, id.generation).as_bytes());
}

fn name(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'/');
    for &byte in bytes {
        if is_regular(byte) && byte != b'#' && byte.is_ascii_graphic() {
            out.push(byte);
        } else {
            out.extend_from_slice(format!("#{byte:02X}").as_bytes());
        }
    }
}

fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    if bytes.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ') {
        out.push(b'(');
        for &byte in bytes {
            if matches!(byte, b'(' | b')' | b'\\') {
                out.push(b'\\');
            }
            out.push(byte);
        }
        out.push(b')');
    } else {
        out.push(b'<');
        out.extend_from_slice(hex::encode(bytes).as_bytes());
        out.push(b'>');
    }
}
