//! What became of each document, in a file that a run that was killed can be resumed from.
//!
//! A sealed document is written whole beside its place, then recorded by the service, then noted here, and then moved to
//! its place. So a document that is noted as sealed is at its place, or waits beside it and is moved there at the next
//! start; one that is not noted is at its place only if somebody else put it there. What the service was shown of those
//! that are not noted is kept beside them ([`super::begun`]).

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use tempfile::TempPath;
use uuid::Uuid;

use super::begun::{self, Begun};
use super::inputs::Input;
use super::line::{Ending, Line};
use super::workers::side_by_side;
use crate::commands::original;
use crate::failure::{Failure, Kind};
use crate::lang::Lang;

/// Where documents wait.
const WAITING: &str = ".eseal-waiting";
/// The longest line.
const MAX_LINE: u64 = 1 << 20;

/// The file, and the folder where documents wait. Held by one run at a time.
pub struct Journal {
    lang: Lang,
    path: PathBuf,
    file: File,
    waiting: PathBuf,
    /// Keeps others out of the folder, who may note what they do elsewhere.
    _held: File,
    noted: Noted,
    /// What waits though it is noted: something else is in its place.
    stuck: HashSet<PathBuf>,
}

/// What is noted.
#[derive(Default)]
struct Noted {
    /// Who was sealed last, by the place of the sealed document.
    sealed: HashMap<PathBuf, Line>,
    /// Which documents of an attempt came to an end.
    ended: HashMap<String, HashSet<u32>>,
}

/// What is to be done about documents.
pub struct Sorted {
    /// They are to be sealed.
    pub left: Vec<Input>,
    /// So many are sealed.
    pub sealed: usize,
    /// What must be told of others.
    pub failed: Vec<Line>,
}

/// How a document stands.
enum Stand {
    Left,
    Sealed,
    /// It is sealed and recorded, and can't be where it belongs; where it waits, and why.
    Stuck(PathBuf, Line),
    /// It was sealed and is another one now.
    Changed(Line),
}

impl Journal {
    /// Opens it.
    ///
    /// # Errors
    /// Another run has it, there is something to be resumed and that is not wanted, or it can't be read or written.
    pub fn open(lang: Lang, path: PathBuf, folder: &Path, resume: bool) -> Result<Self, Failure> {
        let unwritable = |error: io::Error| Failure::unwritable(lang, &path, &error);
        let in_use = |path: &Path| {
            let why = lang.pick("另一次批量签章正在使用", "another run is using it");
            Failure::new(Kind::Usage, "FILE_UNWRITABLE", lang).because(format!("{}: {why}", path.display()))
        };
        let waiting = folder.join(WAITING);
        let no_folder = |error: io::Error| Failure::unwritable(lang, &waiting, &error);
        fs::create_dir_all(&waiting).map_err(no_folder)?;
        let held = File::open(&waiting).map_err(no_folder)?;
        held.try_lock().map_err(|_| in_use(&waiting))?;
        let mut file = OpenOptions::new().create(true).read(true).append(true).open(&path).map_err(unwritable)?;
        file.try_lock().map_err(|_| in_use(&path))?;
        let is_new = file.metadata().map_err(unwritable)?.len() == 0 && Begun::all(lang, &waiting)?.is_empty();
        if !resume && !is_new {
            let failure = Failure::new(Kind::Usage, "FILE_EXISTS", lang).because(path.display());
            return Err(failure.advise(lang.pick("用 --resume 继续上次", "go on with the last run: --resume")));
        }
        let noted = read(&file).map_err(unwritable)?;
        end_with_a_line(&mut file).map_err(unwritable)?;
        Ok(Self { lang, path, file, waiting, _held: held, noted, stuck: HashSet::new() })
    }

    /// The attempts of a run that was killed, of which something is kept.
    ///
    /// # Errors
    /// The folder can't be read.
    pub fn begun(&self) -> Result<BTreeSet<Uuid>, Failure> {
        Begun::all(self.lang, &self.waiting)
    }

    /// Which documents of an attempt came to an end.
    pub fn ended(&self, attempt: &str) -> Option<&HashSet<u32>> {
        self.noted.ended.get(attempt)
    }

    /// Sorts documents by what is noted of them, and puts those that wait in their places.
    pub fn sort(&mut self, jobs: NonZeroUsize, inputs: Vec<Input>) -> Sorted {
        let stands = side_by_side(jobs, &inputs, |input| self.stand(input));
        let mut sorted = Sorted { left: Vec::new(), sealed: 0, failed: Vec::new() };
        for (input, stand) in inputs.into_iter().zip(stands) {
            match stand {
                Stand::Left => sorted.left.push(input),
                Stand::Sealed => sorted.sealed += 1,
                Stand::Changed(line) => sorted.failed.push(line),
                Stand::Stuck(waiting, line) => {
                    self.stuck.insert(waiting);
                    sorted.failed.push(line);
                }
            }
        }
        sorted
    }

    fn stand(&self, input: &Input) -> Stand {
        let Some(line) = self.noted.sealed.get(&input.output).filter(|line| line.file == input.file) else {
            return Stand::Left;
        };
        let is_it = |path: &Path| digest(path).is_ok_and(|digest| digest == line.output_digest);
        if !is_it(&line.output) {
            let waiting = self.waiting(&line.attempt_id, line.index.unwrap_or_default());
            if !is_it(&waiting) {
                return Stand::Left;
            }
            if let Err(failure) = self.place(waiting.clone(), &line.output) {
                return Stand::Stuck(waiting, line.clone().unplaced(&failure));
            }
        }
        // One that is gone, or was noted by an earlier version, is not compared.
        let is_another = !line.input_digest.is_empty() && digest(&input.file).is_ok_and(|now| now != line.input_digest);
        if is_another { Stand::Changed(line.clone().changed(self.lang)) } else { Stand::Sealed }
    }

    /// Where a document waits.
    pub fn waiting(&self, attempt: &str, index: u32) -> PathBuf {
        waiting(&self.waiting, attempt, index)
    }

    /// The folder where documents wait.
    pub fn folder(&self) -> &Path {
        &self.waiting
    }

    /// Whether it is noted what became of this document in this attempt.
    pub fn is_ended(&self, attempt: &str, index: u32) -> bool {
        self.ended(attempt).is_some_and(|ended| ended.contains(&index))
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
        written.map_err(|error| Failure::unwritable(self.lang, &self.path, &error))?;
        lines.iter().cloned().for_each(|line| self.noted.learn(line));
        Ok(())
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
        output.parent().map_or(Ok(()), fs::create_dir_all).map_err(unwritable)?;
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
        let folders: BTreeSet<_> = outputs.filter_map(Path::parent).collect();
        for folder in folders {
            // Some file systems can't; then the name lasts when they say so.
            let _ = File::open(folder).and_then(|folder| folder.sync_all());
        }
    }

    /// Something else is in the place of what waits here: it is not swept.
    pub fn leave(&mut self, waiting: PathBuf) {
        self.stuck.insert(waiting);
    }

    /// Throws away what was left half done, and says how much: what waits without being noted, and belongs to no act that goes on.
    ///
    /// # Errors
    /// The folder can't be read or written.
    pub fn sweep(&self) -> Result<usize, Failure> {
        let unwritable = |error: io::Error| Failure::unwritable(self.lang, &self.waiting, &error);
        let begun: Vec<_> = self.begun()?.iter().map(Uuid::to_string).collect();
        let mut swept = 0;
        for entry in fs::read_dir(&self.waiting).map_err(unwritable)? {
            let path = entry.map_err(unwritable)?.path();
            if self.stuck.contains(&path) || begun.iter().any(|attempt| begun::is_of(&path, attempt)) {
                continue;
            }
            fs::remove_file(path).map_err(unwritable)?;
            swept += 1;
        }
        Ok(swept)
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

impl Noted {
    fn learn(&mut self, line: Line) {
        if let Some(index) = line.index {
            self.ended.entry(line.attempt_id.clone()).or_default().insert(index);
        }
        match line.result {
            Ending::Sealed => drop(self.sealed.insert(line.output.clone(), line)),
            Ending::Failed if line.output_digest.is_empty() => drop(self.sealed.remove(&line.output)),
            Ending::Failed => {} // sealed before, and not in its place
        }
    }
}

/// What is noted. A line that was not written to its end says nothing.
fn read(file: &File) -> io::Result<Noted> {
    let mut reader = BufReader::new(file.try_clone()?);
    let mut noted = Noted::default();
    loop {
        let mut text = Vec::new();
        if io::Read::take(&mut reader, MAX_LINE).read_until(b'\n', &mut text)? == 0 {
            return Ok(noted);
        }
        if let Ok(line) = serde_json::from_slice::<Line>(&text) {
            noted.learn(line);
        }
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
pub fn digest(path: &Path) -> io::Result<String> {
    original::sha256(File::open(path)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with two documents, of which `a` is noted as sealed under the attempt `x`.
    struct Desk(tempfile::TempDir);

    impl Desk {
        fn new() -> Self {
            let desk = Self(tempfile::tempdir().expect("a folder"));
            let mut journal = desk.open(false).expect("a journal");
            fs::write(desk.at("a"), "before").expect("written");
            fs::write(desk.at("out.a"), "sealed").expect("written");
            let digest = digest(&desk.at("out.a")).expect("a digest");
            journal.note(&[desk.line(digest)]).expect("noted");
            desk
        }

        fn at(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn open(&self, resume: bool) -> Result<Journal, Failure> {
            Journal::open(Lang::En, self.at("results.jsonl"), self.0.path(), resume)
        }

        fn sorted(&self) -> Sorted {
            let input = |name: &str| Input { file: self.at(name), output: self.at(&format!("out.{name}")) };
            let mut journal = self.open(true).expect("a journal");
            let sorted = journal.sort(NonZeroUsize::MIN, vec![input("a"), input("b")]);
            journal.sweep().expect("swept");
            sorted
        }

        /// What a resumed run would do.
        fn left(&self) -> Vec<PathBuf> {
            self.sorted().left.into_iter().map(|input| input.file).collect()
        }

        fn line(&self, output_digest: String) -> Line {
            Line {
                file: self.at("a"),
                output: self.at("out.a"),
                result: Ending::Sealed,
                attempt_id: "x".to_owned(),
                index: Some(0),
                document_digest: String::new(),
                input_digest: original::sha256(&b"before"[..]).expect("a digest"),
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
        let mut journal = desk.open(true).expect("a journal");
        let line = desk.line(digest(&desk.at("out.a")).expect("a digest"));
        journal.note(&[line]).expect("noted");
        drop(journal);
        assert_eq!(desk.left(), [desk.at("b")]);
    }

    #[test]
    fn a_document_that_is_another_one_than_was_sealed_is_told_and_not_taken_for_it() {
        let desk = Desk::new();
        fs::write(desk.at("a"), "after").expect("written");
        let sorted = desk.sorted();
        assert_eq!((sorted.left.len(), sorted.sealed), (1, 0));
        let told: Vec<_> = sorted.failed.iter().map(|line| (line.code.as_str(), line.result)).collect();
        assert_eq!(told, [("FILE_CHANGED", Ending::Failed)]);
        let mut journal = desk.open(true).expect("a journal");
        journal.note(&sorted.failed).expect("noted");
        drop(journal);
        assert_eq!(desk.left(), [desk.at("a"), desk.at("b")], "it is sealed as it is now");
    }

    #[test]
    fn a_sealed_document_whose_place_is_taken_waits_until_it_is_free() {
        let desk = Desk::new();
        let waiting = desk.at(WAITING);
        fs::create_dir_all(&waiting).expect("a folder");
        fs::rename(desk.at("out.a"), waiting.join("x-0")).expect("moved");
        fs::write(desk.at("out.a"), "somebody's").expect("written");
        for _ in 0..2 {
            let sorted = desk.sorted();
            assert_eq!((sorted.left.len(), sorted.failed[0].code.as_str()), (1, "FILE_EXISTS"));
            desk.open(true).expect("a journal").note(&sorted.failed).expect("noted");
        }
        fs::remove_file(desk.at("out.a")).expect("removed");
        let sorted = desk.sorted();
        assert_eq!((sorted.left.len(), sorted.sealed), (1, 1));
        assert_eq!(fs::read(desk.at("out.a")).expect("a file"), b"sealed");
    }

    #[test]
    fn two_runs_that_note_elsewhere_do_not_share_a_folder() {
        let desk = Desk::new();
        let first = desk.open(true).expect("a journal");
        let second = Journal::open(Lang::En, desk.at("others.jsonl"), desk.0.path(), false);
        assert_eq!(second.map(drop).expect_err("refused").code, "FILE_UNWRITABLE");
        drop(first);
    }

    #[test]
    fn lines_of_the_version_before_are_understood() {
        let desk = Desk::new();
        let path = desk.at("results.jsonl");
        let text = fs::read_to_string(&path).expect("results");
        let mut line: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        line.as_object_mut().expect("an object").remove("inputDigest").expect("what it did not have");
        fs::write(&path, format!("{line}\n")).expect("written");
        fs::write(desk.at("a"), "after").expect("written");
        assert_eq!(desk.left(), [desk.at("b")], "of it nothing says that it was changed");
    }
}
