//! The files of a corpus, and what is known of each.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What is known of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// Every signature intact, only permitted changes after each.
    Good,
    /// Good, with something that a reader must be told.
    Noted,
    /// Intact over what it covers, but changed afterwards in a way that must be told.
    Modified,
    /// A digest, a signature value or a byte range is wrong.
    Broken,
    /// No signature with a value.
    Unsigned,
    /// Nothing opens it without a password.
    Unreadable,
    /// Honest experts disagree.
    Disputed,
}

/// A file of a corpus.
#[derive(Debug, Clone)]
pub struct File {
    /// Its name below the corpus.
    pub name: String,
    pub path: PathBuf,
    pub label: Option<Label>,
    /// How many signatures without time stamps it has, where that is known.
    pub signatures: Option<usize>,
    /// What is expected, in the words of whoever labelled it.
    pub words: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Expected {
    label: Option<Label>,
    signatures: Option<usize>,
    words: String,
}

impl Label {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Noted => "noted",
            Self::Modified => "modified",
            Self::Broken => "broken",
            Self::Unsigned => "unsigned",
            Self::Unreadable => "unreadable",
            Self::Disputed => "disputed",
        }
    }

    fn named(name: &str) -> Option<Self> {
        let all =
            [Self::Good, Self::Noted, Self::Modified, Self::Broken, Self::Unsigned, Self::Unreadable, Self::Disputed];
        all.into_iter().find(|label| label.as_str() == name.trim())
    }

    /// The label that a sentence means, by its first telling word. What is wrong with a part of a document counts more than
    /// what is good about the rest; what can only be refused politely is no expectation.
    fn meant_by(sentence: &str) -> Option<Self> {
        const WORDS: [(&str, Label); 11] = [
            ("unsupported", Label::Disputed),
            ("uncovered entry reported", Label::Modified),
            ("no seal", Label::Unsigned),
            ("altered", Label::Broken),
            ("differs", Label::Broken),
            ("wrong", Label::Broken),
            ("failed", Label::Broken),
            ("bad", Label::Broken),
            ("say so", Label::Noted),
            ("good", Label::Good),
            ("genuine", Label::Good),
        ];
        let sentence = sentence.to_ascii_lowercase();
        WORDS.into_iter().find(|(word, _)| sentence.contains(word)).map(|(_, label)| label)
    }
}

/// Every document below `folder`, in order; none where it is absent.
pub fn read(folder: &Path) -> io::Result<Vec<File>> {
    let mut files = Vec::new();
    for (kind, readme) in [("pdf", false), ("ofd", true)] {
        let mut expected = if readme { of_readme(&optional(&folder.join("README.md"))?) } else { BTreeMap::new() };
        expected.extend(of_manifest(&optional(&folder.join(kind).join("manifest.tsv"))?));
        for path in documents(&folder.join(kind), kind)? {
            let own = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let Expected { label, signatures, words } = expected.remove(&own).unwrap_or_default();
            files.push(File { name: format!("{kind}/{own}"), path, label, signatures, words });
        }
    }
    Ok(files)
}

fn optional(path: &Path) -> io::Result<String> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        other => other,
    }
}

fn documents(folder: &Path, kind: &str) -> io::Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let is_wanted = |path: &PathBuf| path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case(kind));
    let mut paths: Vec<_> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    paths.retain(is_wanted);
    paths.sort();
    Ok(paths)
}

/// Lines of `file`, `label`, and by their headings, where there are such, the number of signatures and the reason.
fn of_manifest(text: &str) -> BTreeMap<String, Expected> {
    let mut lines = text.lines();
    let headings: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let column = |name: &str| headings.iter().position(|heading| *heading == name);
    let (count, reason) = (column("n_signatures"), column("reason"));
    let line = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        let at = |index: Option<usize>| index.and_then(|index| fields.get(index)).copied();
        let expected = Expected {
            label: at(Some(1)).and_then(Label::named),
            signatures: at(count).and_then(|number| number.parse().ok()),
            words: at(reason).unwrap_or_default().to_owned(),
        };
        Some(((*fields.first()?).to_owned(), expected))
    };
    lines.filter_map(line).collect()
}

/// The rows of the table below the heading `ofd/`: names, what it is, what it must give.
fn of_readme(text: &str) -> BTreeMap<String, Expected> {
    let mut inside = false;
    let mut found = BTreeMap::new();
    for line in text.lines() {
        if line.starts_with("## ") {
            inside = line.starts_with("## ofd/");
        }
        let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
        let [names, what, must] = cells[..] else { continue };
        if !inside || names == "file" || names.starts_with("---") {
            continue;
        }
        let words = if what.is_empty() { must.to_owned() } else { format!("{must} ({what})") };
        for name in names.split(',').map(str::trim) {
            let file = if name.ends_with(".ofd") { name.to_owned() } else { format!("{name}.ofd") };
            found.insert(file, Expected { label: Label::meant_by(must), signatures: None, words: words.clone() });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_gives_labels_and_numbers_by_its_headings() {
        let text = "file\tlabel\tn_signatures\treason\na.pdf\tgood\t2\tintact\nb.pdf\tdisputed\n";
        let found = of_manifest(text);
        let a = Expected { label: Some(Label::Good), signatures: Some(2), words: "intact".to_owned() };
        assert_eq!(found["a.pdf"], a);
        assert_eq!(found["b.pdf"].label, Some(Label::Disputed));
        assert_eq!(of_manifest("file\tlabel\nc.ofd\tbroken\n")["c.ofd"].label, Some(Label::Broken));
    }

    #[test]
    fn the_table_of_a_readme_gives_labels_by_its_words() {
        let text = "## ofd/ (from x)\n| file | what it is | must give |\n|---|---|---|\n| 1.ofd | a | one seal, all good |\n\
                    | h, k | b | first altered, second good |\n| s | | seal good, uncovered entry reported |\n\
                    ## pdf/\n| p.ofd | q | good |\n";
        let found = of_readme(text);
        let label = |name: &str| found.get(name).and_then(|expected| expected.label);
        assert_eq!(label("1.ofd"), Some(Label::Good));
        assert_eq!((label("h.ofd"), label("k.ofd")), (Some(Label::Broken), Some(Label::Broken)));
        assert_eq!(label("s.ofd"), Some(Label::Modified));
        assert_eq!(label("p.ofd"), None);
    }

    #[test]
    fn a_folder_that_is_absent_is_an_empty_corpus() {
        assert!(read(Path::new("/nonexistent/corpus")).is_ok_and(|files| files.is_empty()));
    }
}
