//! Words of SQL that both engines understand.

/// A name as it is, whatever letters it has.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Puts the row in the place of the one with the same key.
pub(super) fn replacing(key: &[&str], columns: &[&str]) -> String {
    let others = columns.iter().filter(|column| !key.contains(column));
    let others: Vec<String> = others.map(|column| format!("{0} = excluded.{0}", quoted(column))).collect();
    let key: Vec<String> = key.iter().map(|column| quoted(column)).collect();
    let action = if others.is_empty() { "NOTHING".to_owned() } else { format!("UPDATE SET {}", others.join(", ")) };
    format!("ON CONFLICT ({}) DO {action}", key.join(", "))
}
