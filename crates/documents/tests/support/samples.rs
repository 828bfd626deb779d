//! Real documents, where the folder with them is present.

use std::path::{Path, PathBuf};

/// The folder of the samples: `ESEAL_SAMPLES`, or `shared/samples` beside the workspace.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn folder() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples");
    let folder = std::env::var_os("ESEAL_SAMPLES").map_or_else(beside, PathBuf::from);
    if folder.is_dir() {
        Some(folder)
    } else {
        println!("skipped: there is no folder of samples at {}; set ESEAL_SAMPLES", folder.display());
        None
    }
}

/// The sample `name`, such as `ofd/1.ofd`; `None`, with a printed note, where there are no samples.
pub fn sample(name: &str) -> Option<Vec<u8>> {
    let folder = folder()?;
    Some(std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}")))
}

/// The names of all samples in a folder of samples.
pub fn names(folder_name: &str) -> Vec<String> {
    let Some(folder) = folder() else { return Vec::new() };
    let entries = std::fs::read_dir(folder.join(folder_name)).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
