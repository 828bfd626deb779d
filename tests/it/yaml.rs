//! JSON written as YAML, for documents that people read.

use std::fmt::Write as _;

use serde_json::Value;

/// The value as YAML, block by block.
pub fn written(value: &Value) -> String {
    let mut text = String::new();
    block(&mut text, value, 0);
    text
}

fn block(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                let _ = write!(text, "{:indent$}{}:", "", scalar(name), indent = depth * 2);
                nested(text, value, depth);
            }
        }
        Value::Array(list) => {
            for value in list {
                let _ = write!(text, "{:indent$}-", "", indent = depth * 2);
                nested(text, value, depth);
            }
        }
        simple => {
            let _ = writeln!(text, "{}", inline(simple));
        }
    }
}

fn nested(text: &mut String, value: &Value, depth: usize) {
    let is_empty =
        value.as_object().is_some_and(serde_json::Map::is_empty) || value.as_array().is_some_and(Vec::is_empty);
    if is_empty || !(value.is_object() || value.is_array()) {
        let _ = writeln!(text, " {}", inline(value));
    } else {
        text.push('\n');
        block(text, value, depth + 1);
    }
}

fn inline(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), scalar)
}

/// A text, in quotes unless it can't be taken for anything else. JSON's quotes are YAML's.
fn scalar(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.' | '/');
    let is_word = text.starts_with(|letter: char| letter.is_ascii_alphabetic()) && text.chars().all(plain);
    let means_more = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    if is_word && !means_more.contains(&text.to_lowercase().as_str()) {
        text.to_owned()
    } else {
        Value::from(text).to_string()
    }
}
