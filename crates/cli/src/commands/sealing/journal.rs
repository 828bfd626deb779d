//! What became of each document, in a file that a run that was killed can be resumed from.
//!
//! A sealed document is written whole beside its place, then recorded by the service, then noted here, and then moved to
//! its place. So a document that is noted as sealed is at its place, or waits beside it and is moved there at the next
//! start; one that is not noted is at its place only if somebody else put it there.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

use eseal_pki::DigestAlg;
use serde::{Deserialize, Serialize};
use tempfile::TempPath;

use super::inputs::Input;
use crate::failure::{Failure, Kind};
use crate::lang::Lang;

/// Where documents wait.
const WAITING: &str = ".eseal-waiting";
/// The longest line.
const MAX_LINE: u64 = 1 << 20;

/// What became of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// The document.
    pub file: PathBuf,
    /// Where the sealed one is.
    pub output: PathBuf,
    /// How it ended.
    pub result: Ending,
    /// The attempt at the service.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub attempt_id: String,
    /// Its place in the list of the attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    /// What the signature covers.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub document_digest: String,
    /// SHA-256 of the sealed document.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub output_digest: String,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub code: String,
    /// Why it failed, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// How a document ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// It is sealed.
    Sealed,
    /// It is not.
    Failed,
}

/// The file, and the folder where documents wait. Held by one run at a time.
pub struct Journal {
    lang: Lang,
    path: PathBuf,
    file: File,
    waiting: PathBuf,
}

impl Journal {
    /// Opens it, and gives what is left to do: with `resume` that is what was not sealed before.
    ///
    /// # Errors
    /// Another run has it, it is there and is not to be resumed, or it can't be read or written.
    pub fn open(
        lang: Lang,
        path: PathBuf,
        folder: &Path,
        inputs: Vec<Input>,
        resume: bool,
    ) -> Result<(Self, Vec<Input>, usize), Failure> {
        let unwritable = |error: io::Error| Failure::unwritable(lang, &path, &error);
        let waiting = folder.join(WAITING);
        fs::create_dir_all(&waiting).map_err(|error| Failure::unwritable(lang, &waiting, &error))?;
        let mut file = OpenOptions::new().create(true).read(true).append(true).open(&path).map_err(unwritable)?;
        if file.try_lock().is_err() {
            let why = lang.pick("另一次批量签章正在使用", "another run is using it");
            return Err(
                Failure::new(Kind::Usage, "FILE_UNWRITABLE", lang).because(format!("{}: {why}", path.display()))
            );
        }
        if !resume && file.metadata().map_err(unwritable)?.len() > 0 {
            let failure = Failure::new(Kind::Usage, "FILE_EXISTS", lang).because(path.display());
            return Err(failure.advise(lang.pick("用 --resume 继续上次", "go on with the last run: --resume")));
        }
        let sealed = read(&file).map_err(unwritable)?;
        end_with_a_line(&mut file).map_err(unwritable)?;
        let journal = Self { lang, path, file, waiting };
        let (mut left, mut skipped) = (Vec::new(), 0);
        for input in inputs {
            let line = sealed.get(&input.output);
            if line.is_some_and(|line| line.file == input.file && journal.is_in_place(line)) {
                skipped += 1;
            } else {
                left.push(input);
            }
        }
        journal.throw_away_what_waits()?;
        Ok((journal, left, skipped))
    }

    /// Whether a document that is noted as sealed is at its place; moves it there if it waits beside it.
    fn is_in_place(&self, line: &Line) -> bool {
        let is_it = |path: &Path| digest(path).is_ok_and(|digest| digest == line.output_digest);
        if is_it(&line.output) {
            return true;
        }
        let waiting = self.waiting(&line.attempt_id, line.index.unwrap_or_default());
        is_it(&waiting) && self.place(waiting, &line.output).is_ok()
    }

    /// Where a document waits.
    pub fn waiting(&self, attempt: &str, index: u32) -> PathBuf {
        waiting(&self.waiting, attempt, index)
    }

    /// The folder where documents wait.
    pub fn folder(&self) -> &Path {
        &self.waiting
    }

    /// Notes what became of documents; on return it is on disk.
    ///
    /// # Errors
    /// It can't be written.
    pub fn note(&mut self, lines: &[Line]) -> Result<(), Failure> {
        let mut text = Vec::new();
        for line in lines {
            // Lines are made of texts and numbers: their JSON can't fail.
            text.extend(serde_json::to_vec(line).unwrap_or_default());
            text.push(b'\n');
        }
        let written = self.file.write_all(&text).and_then(|()| self.file.sync_data());
        written.map_err(|error| Failure::unwritable(self.lang, &self.path, &error))
    }

    /// Moves a document that waits to its place, where there must be nothing.
    ///
    /// # Errors
    /// There is something, or it can't be written.
    pub fn place(&self, waiting: PathBuf, output: &Path) -> Result<(), Failure> {
        let unwritable = |error: io::Error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                Failure::new(Kind::Usage, "FILE_EXISTS", self.lang).because(output.display())
            }
            _ => Failure::unwritable(self.lang, output, &error),
        };
        let waiting = TempPath::try_from_path(waiting).map_err(unwritable)?;
        if let Err(failed) = waiting.persist_noclobber(output) {
            // It is sealed and recorded: it is not thrown away.
            let _ = failed.path.keep();
            return Err(unwritable(failed.error));
        }
        Ok(())
    }

    /// Makes names last that were made in the folders of these files.
    pub fn settle<'a>(&self, outputs: impl Iterator<Item = &'a Path>) {
        let folders: std::collections::BTreeSet<_> = outputs.filter_map(Path::parent).collect();
        for folder in folders {
            // Some file systems can't; then the name lasts when they say so.
            let _ = File::open(folder).and_then(|folder| folder.sync_all());
        }
    }

    /// What a killed run left half done. Nothing that is noted as sealed is among it any more.
    fn throw_away_what_waits(&self) -> Result<(), Failure> {
        let unwritable = |error: io::Error| Failure::unwritable(self.lang, &self.waiting, &error);
        for entry in fs::read_dir(&self.waiting).map_err(unwritable)? {
            fs::remove_file(entry.map_err(unwritable)?.path()).map_err(unwritable)?;
        }
        Ok(())
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.waiting); // unless something waits
    }
}

/// Where a document waits in that folder.
pub fn waiting(folder: &Path, attempt: &str, index: u32) -> PathBuf {
    folder.join(format!("{attempt}-{index}"))
}

/// What was noted as sealed last, by the place of the sealed document. A line that was not written to its end says nothing.
fn read(file: &File) -> io::Result<HashMap<PathBuf, Line>> {
    let mut reader = BufReader::new(file.try_clone()?);
    let mut sealed = HashMap::new();
    loop {
        let mut text = Vec::new();
        if io::Read::take(&mut reader, MAX_LINE).read_until(b'\n', &mut text)? == 0 {
            return Ok(sealed);
        }
        let Ok(line) = serde_json::from_slice::<Line>(&text) else { continue };
        match line.result {
            Ending::Sealed => sealed.insert(line.output.clone(), line),
            Ending::Failed => sealed.remove(&line.output),
        };
    }
}

/// A run that was killed may have left half a line.
fn end_with_a_line(file: &mut File) -> io::Result<()> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    if file.metadata()?.len() == 0 {
        return Ok(());
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    if last == *b"\n" { Ok(()) } else { file.write_all(b"\n") }
}

/// SHA-256 of a file.
fn digest(path: &Path) -> io::Result<String> {
    let (mut file, mut hasher, mut piece) = (File::open(path)?, DigestAlg::Sha256.hasher(), vec![0; 1 << 16]);
    loop {
        match io::Read::read(&mut file, &mut piece)? {
            0 => return Ok(hex::encode(hasher.finish())),
            read => hasher.update(piece.get(..read).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with two documents, of which `a` is noted as sealed under the attempt `x`.
    struct Desk(tempfile::TempDir);

    impl Desk {
        fn new() -> Self {
            let desk = Self(tempfile::tempdir().expect("a folder"));
            let (mut journal, left, _) = desk.open(false).expect("a journal");
            assert_eq!(left.len(), 2);
            fs::write(desk.at("out.a"), "sealed").expect("written");
            let digest = digest(&desk.at("out.a")).expect("a digest");
            journal.note(&[desk.line(digest)]).expect("noted");
            desk
        }

        fn at(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn open(&self, resume: bool) -> Result<(Journal, Vec<Input>, usize), Failure> {
            let input = |name: &str| Input { file: self.at(name), output: self.at(&format!("out.{name}")) };
            let inputs = vec![input("a"), input("b")];
            Journal::open(Lang::En, self.at("results.jsonl"), self.0.path(), inputs, resume)
        }

        /// What a resumed run would do.
        fn left(&self) -> Vec<PathBuf> {
            let (_, left, _) = self.open(true).expect("a journal");
            left.into_iter().map(|input| input.file).collect()
        }

        fn line(&self, output_digest: String) -> Line {
            Line {
                file: self.at("a"),
                output: self.at("out.a"),
                result: Ending::Sealed,
                attempt_id: "x".to_owned(),
                index: Some(0),
                document_digest: String::new(),
                output_digest,
                code: String::new(),
                message: String::new(),
            }
        }
    }

    #[test]
    fn what_is_noted_and_in_its_place_is_not_sealed_again() {
        let desk = Desk::new();
        assert_eq!(desk.left(), [desk.at("b")]);
        assert_eq!(desk.open(false).map(drop).expect_err("refused").code, "FILE_EXISTS");
    }

    #[test]
    fn something_else_in_the_place_of_a_sealed_document_is_no_sealed_document() {
        let desk = Desk::new();
        fs::write(desk.at("out.a"), "somebody's").expect("written");
        assert_eq!(desk.left(), [desk.at("a"), desk.at("b")]);
        assert_eq!(fs::read(desk.at("out.a")).expect("a file"), b"somebody's");
    }

    #[test]
    fn what_was_noted_and_waits_is_put_in_its_place_and_the_rest_that_waits_is_thrown_away() {
        let desk = Desk::new();
        let waiting = desk.at(WAITING);
        fs::create_dir_all(&waiting).expect("a folder");
        fs::rename(desk.at("out.a"), waiting.join("x-0")).expect("moved");
        fs::write(waiting.join("x-1"), "half done").expect("written");
        assert_eq!(desk.left(), [desk.at("b")]);
        assert_eq!(fs::read(desk.at("out.a")).expect("a file"), b"sealed");
        assert!(!waiting.exists(), "something is left behind");
    }

    #[test]
    fn one_run_at_a_time_has_the_results() {
        let desk = Desk::new();
        let first = desk.open(true).expect("a journal");
        assert_eq!(desk.open(true).map(drop).expect_err("refused").code, "FILE_UNWRITABLE");
        drop(first);
        assert!(desk.open(true).is_ok());
    }

    #[test]
    fn half_a_line_of_a_killed_run_spoils_no_further_line() {
        let desk = Desk::new();
        let path = desk.at("results.jsonl");
        let text = fs::read_to_string(&path).expect("results");
        fs::write(&path, text.get(..text.len() / 2).expect("half")).expect("written");
        assert_eq!(desk.left(), [desk.at("a"), desk.at("b")]);
        let (mut journal, ..) = desk.open(true).expect("a journal");
        let line = desk.line(digest(&desk.at("out.a")).expect("a digest"));
        journal.note(&[line]).expect("noted");
        drop(journal);
        assert_eq!(desk.left(), [desk.at("b")]);
    }
}
