//! Which documents are meant, and where each one goes.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use eseal_documents::Format;
use eseal_pki::batch::MAX_DOCUMENTS;

use crate::failure::{Failure, Kind};
use crate::lang::Lang;

/// The most documents of one run.
const MAX: usize = 1_000_000;
/// The deepest folder.
const MAX_DEPTH: usize = 64;

/// The most bytes of the documents of one act, so that it ends in time.
const BYTES_OF_ACT: u64 = 8 << 30;

/// A document to be sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// The document.
    pub file: PathBuf,
    /// Where the sealed one goes.
    pub output: PathBuf,
}

/// The documents that `named` means, in order: files as they are, and in folders, however deep, what ends in .ofd or .pdf.
/// A file of a folder goes to the same place below `folder`.
///
/// # Errors
/// A folder can't be read, there are too many documents or none, or two would go to one place.
pub fn collect(lang: Lang, named: &[PathBuf], folder: &Path) -> Result<Vec<Input>, Failure> {
    let mut inputs = Vec::new();
    search(lang, named, Some(folder), |file, root| {
        let below = match root {
            Some(root) => file.strip_prefix(root).unwrap_or(&file),
            None => Path::new(file.file_name().ok_or_else(|| Failure::usage(lang, file.display()))?),
        };
        if file.to_str().is_none() {
            let why = lang.pick(
                "文件名不是 UTF-8,结果中无法写明:请先改名(如 convmv -f gbk -t utf8)",
                "the name is not UTF-8, and could not be told in the results: rename it first (convmv -f gbk -t utf8)",
            );
            return Err(Failure::usage(lang, format_args!("{}: {why}", file.display())));
        }
        inputs.push(Input { output: folder.join(below), file });
        Ok(())
    })?;
    no_two_in_one_place(lang, &inputs)?;
    Ok(inputs)
}

/// The formats that are among them, as far as names tell.
pub fn formats(inputs: &[Input]) -> impl Iterator<Item = Format> {
    let may_be = |format: Format, other: &str| {
        let is_other = |ending: &OsStr| ending.eq_ignore_ascii_case(other);
        let found = inputs.iter().any(|input| !input.file.extension().is_some_and(is_other));
        found.then_some(format)
    };
    [may_be(Format::Ofd, "pdf"), may_be(Format::Pdf, "ofd")].into_iter().flatten()
}

/// How many documents go into one act.
pub fn size_of_act(inputs: &[Input]) -> usize {
    let mut bytes = 0_u64;
    let fits = |input: &&Input| {
        let first = bytes == 0;
        bytes = bytes.saturating_add(fs::metadata(&input.file).map_or(0, |metadata| metadata.len()).max(1));
        first || bytes <= BYTES_OF_ACT
    };
    inputs.iter().take(MAX_DOCUMENTS as usize).take_while(fits).count()
}

/// The documents that `named` means, as [`collect`] finds them, where nothing is written.
///
/// # Errors
/// A folder can't be read, or there are too many documents or none.
pub fn documents(lang: Lang, named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    search(lang, named, None, |file, _| {
        files.push(file);
        Ok(())
    })?;
    Ok(files)
}

/// Gives each document to `found`, with the named folder that it was found in.
fn search(
    lang: Lang,
    named: &[PathBuf],
    apart: Option<&Path>,
    mut found: impl FnMut(PathBuf, Option<&Path>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut count = 0;
    let apart = apart.and_then(|folder| fs::canonicalize(folder).ok());
    for path in named {
        if path.is_dir() {
            let mut each = |file| found(file, Some(path));
            Walk { lang, apart: apart.as_deref(), count: &mut count, found: &mut each }.read(path, 0)?;
        } else {
            count += 1;
            found(path.clone(), None)?;
        }
    }
    if count == 0 {
        let why = lang.pick("没有找到 .ofd 或 .pdf 文档", "no .ofd or .pdf document was found");
        return Err(Failure::usage(lang, why));
    }
    Ok(())
}

struct Walk<'a> {
    lang: Lang,
    /// The folder of results is not looked through, wherever it lies.
    apart: Option<&'a Path>,
    count: &'a mut usize,
    found: &'a mut dyn FnMut(PathBuf) -> Result<(), Failure>,
}

impl Walk<'_> {
    fn read(&mut self, path: &Path, depth: usize) -> Result<(), Failure> {
        let lang = self.lang;
        let unreadable = |error: std::io::Error| Failure::unreadable(lang, path, &error);
        if depth > MAX_DEPTH || self.apart.is_some() && fs::canonicalize(path).ok().as_deref() == self.apart {
            return Ok(());
        }
        let mut entries = fs::read_dir(path).map_err(unreadable)?.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let kind = entry.file_type().map_err(unreadable)?;
            let file = entry.path();
            // Links are not followed: they may lead in a circle.
            if kind.is_dir() {
                self.read(&file, depth + 1)?;
            } else if kind.is_file() && is_document(&file) {
                if *self.count >= MAX {
                    return Err(Failure::usage(self.lang, format_args!("> {MAX}")));
                }
                *self.count += 1;
                (self.found)(file)?;
            }
        }
        Ok(())
    }
}

fn is_document(file: &Path) -> bool {
    let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let hidden = file.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    !hidden && (ending.eq_ignore_ascii_case("ofd") || ending.eq_ignore_ascii_case("pdf"))
}

fn no_two_in_one_place(lang: Lang, inputs: &[Input]) -> Result<(), Failure> {
    let mut taken: HashMap<&Path, &Path> = HashMap::new();
    for input in inputs {
        if let Some(other) = taken.insert(&input.output, &input.file) {
            let (file, output) = (input.file.display(), input.output.display());
            let why = format!("{}, {file} → {output}", other.display());
            return Err(Failure::new(Kind::Usage, "FILE_EXISTS", lang).because(why));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_searched_in_order_and_the_results_are_left_out() {
        let root = tempfile::tempdir().expect("a folder");
        let at = |name: &str| root.path().join(name);
        for name in ["b.PDF", "a.ofd", "deep/er/c.pdf", "notes.txt", ".hidden.pdf", "out/a.ofd"] {
            fs::create_dir_all(at(name).parent().expect("a folder")).expect("made");
            fs::write(at(name), "x").expect("written");
        }
        let found = collect(Lang::En, &[root.path().to_owned()], &at("out")).expect("documents");
        let names: Vec<_> = found.iter().map(|input| input.output.clone()).collect();
        assert_eq!(names, [at("out/a.ofd"), at("out/b.PDF"), at("out/deep/er/c.pdf")]);
        let none = collect(Lang::En, &[at("deep/er/none")], &at("out")).expect("told when it is opened");
        assert_eq!(none[0].output, at("out/none"));
    }

    #[test]
    fn a_name_that_the_results_could_not_tell_is_refused_before_anything_is_sealed() {
        use std::os::unix::ffi::OsStrExt as _;
        let in_gbk = PathBuf::from(OsStr::from_bytes(b"\xba\xcf\xcd\xac.pdf"));
        let refused = collect(Lang::En, &[in_gbk], Path::new("out")).expect_err("refused");
        assert!(refused.text.contains("not UTF-8"), "{}", refused.text);
    }

    #[test]
    fn two_documents_of_one_name_are_refused_before_anything_is_sealed() {
        let named = [PathBuf::from("x/a.pdf"), PathBuf::from("y/a.pdf")];
        assert_eq!(collect(Lang::En, &named, Path::new("out")).expect_err("refused").code, "FILE_EXISTS");
    }
}
