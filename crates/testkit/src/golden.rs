//! Golden files of events: every form that was ever stored.

use std::path::Path;

/// A form in which a kind of event was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredForm {
    /// Such as `eseal.application.v1.Approved`.
    pub kind: String,
    /// The version of the kind's schema.
    pub schema_version: u32,
    /// An event of that form.
    pub payload: Vec<u8>,
}

/// The forms in the files `<kind>.v<version>.snap` of this folder.
///
/// # Panics
/// There are none, or a file is not such a file.
pub fn stored_forms(folder: impl AsRef<Path>) -> Vec<StoredForm> {
    let files = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let form = |path: std::path::PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".snap"));
        let (kind, version) = name.and_then(|name| name.rsplit_once(".v")).expect("<kind>.v<version>.snap");
        let text = std::fs::read_to_string(&path).expect("a file");
        let payload = text.splitn(3, "---\n").nth(2).expect("a payload behind the head").trim_end();
        let schema_version = version.parse().expect("a version");
        StoredForm { kind: kind.to_owned(), schema_version, payload: payload.as_bytes().to_vec() }
    };
    let forms: Vec<_> = files.map(form).collect();
    assert!(!forms.is_empty(), "there is no golden file");
    forms
}
