//! What acts that were broken off left beside sealed documents: found when the next document is sealed into the folder.
//!
//! An act over the same document is not passed over: sealing it anew would be a second use. Of others nothing will come once
//! their attempts are over, which is swept; but for a sealed document, which may be on record and be the only copy.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use eseal_kernel::Digest;
use tempfile::NamedTempFile;
use uuid::Uuid;

use super::repeat::{Act, PREFIX, RECORD, SEALED, Told, file_name};
use crate::failure::{Failure, Kind};
use crate::lang::Lang;

/// After so long nothing comes of what is not sealed: an attempt lasts ten minutes.
const STALE: Duration = Duration::from_secs(60 * 60);
/// How a sealed document is called while it is written.
const PART: &str = "part";

/// What is in the folder of one act.
#[derive(Default)]
struct Left {
    record: Option<PathBuf>,
    document: Option<PathBuf>,
}

/// Sweeps the folder of `output`, and gives sealed documents that wait there.
///
/// # Errors
/// An act over this document was broken off, and no id says that this is another one.
pub fn look(lang: Lang, output: &Path, document: &[u8], act: &Act) -> Result<Vec<PathBuf>, Failure> {
    let folder = output.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let (mut acts, parts) = found(folder).unwrap_or_default(); // what can't be written there is told later
    acts.remove(&act.id());
    parts.iter().for_each(|part| sweep(part));
    if acts.is_empty() {
        return Ok(Vec::new());
    }
    let (original, mut waiting) = (Digest::of(document), Vec::new());
    for (id, Left { record, document }) in acts {
        let told = record.as_deref().and_then(Told::read);
        let waits = document.is_some() && told.as_ref().is_some_and(|told| told.is_sealed);
        let is_over = record.iter().chain(&document).all(|file| is_stale(file));
        if is_over && !waits {
            record.iter().chain(&document).for_each(|file| drop(fs::remove_file(file)));
        } else if !act.may_be_a_repeat() && told.is_some_and(|told| told.is_of(&original, output)) {
            return Err(broken_off(lang, id));
        } else if is_over {
            waiting.extend(document);
        }
    }
    Ok(waiting)
}

/// A file for a document while it is written, which is found here if nobody comes to rename it: its lock ends with its writer.
///
/// # Errors
/// It can't be made.
pub fn part(folder: &Path) -> io::Result<NamedTempFile> {
    loop {
        let part = tempfile::Builder::new().prefix(PREFIX).suffix(&format!(".{PART}")).tempfile_in(folder)?;
        let _ = part.as_file().lock(); // where there are no locks, it is known by its age
        if part.path().exists() {
            return Ok(part);
        }
        // It was swept before it was locked.
    }
}

/// Removes what nobody writes any more.
fn sweep(part: &Path) {
    let Ok(file) = File::open(part) else { return };
    let is_abandoned = match file.try_lock() {
        Ok(()) => true,
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Error(_)) => is_stale(part),
    };
    if is_abandoned {
        let _ = fs::remove_file(part); // the next act tries again
    }
}

/// What is told of a sealed document that waits.
pub fn told(lang: Lang, waiting: &Path) -> String {
    let id = waiting.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.strip_prefix(PREFIX));
    let (file, id) = (waiting.display(), id.unwrap_or_default());
    match lang.pick("zh", "en") {
        "zh" => format!("{file}:中断的签章留下的文档。用原来的参数加 --request-id {id} 完成;不需要时删除"),
        _ => format!(
            "{file} was left by an act that was broken off: finish it by the same command with --request-id {id}, or delete it"
        ),
    }
}

fn broken_off(lang: Lang, id: Uuid) -> Failure {
    let why = lang.pick(
        "对该文档的一次签章中断了,再签一次将另行计数",
        "an act over this document was broken off, and another one would count again",
    );
    let (record, sealed) = (file_name(&id, RECORD), file_name(&id, SEALED));
    let advice = match lang.pick("zh", "en") {
        "zh" => format!("用原来的参数加 --request-id {id} 继续;确要另签一次,删除 {record} 和 {sealed}"),
        _ => format!(
            "go on with it: the same command with --request-id {id}; to seal anew all the same, delete {record} and {sealed}"
        ),
    };
    let mut failure = Failure::new(Kind::Usage, "FILE_EXISTS", lang);
    failure = failure.because(format_args!("{record}: {why}")).advise(advice);
    failure.facts.push(("request_id".to_owned(), id.to_string()));
    failure
}

fn is_stale(file: &Path) -> bool {
    // A clock that was put back makes files young, which only keeps them for longer.
    let age = fs::metadata(file).and_then(|metadata| metadata.modified()).ok().and_then(|at| at.elapsed().ok());
    age.is_some_and(|age| age > STALE)
}

/// What acts left, and documents that were being written.
fn found(folder: &Path) -> io::Result<(BTreeMap<Uuid, Left>, Vec<PathBuf>)> {
    let (mut acts, mut parts): (BTreeMap<Uuid, Left>, _) = (BTreeMap::new(), Vec::new());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_prefix(PREFIX));
        let Some((stem, ending)) = name.and_then(|name| name.rsplit_once('.')) else { continue };
        match (ending, stem.parse::<Uuid>()) {
            (PART, _) => parts.push(path),
            (RECORD, Ok(id)) => acts.entry(id).or_default().record = Some(path),
            (SEALED, Ok(id)) => acts.entry(id).or_default().document = Some(path),
            _ => {} // somebody else's
        }
    }
    Ok((acts, parts))
}

#[cfg(test)]
mod tests {
    use std::fs::{File, FileTimes};

    use super::*;
    use crate::commands::sealing::repeat::{Kept, Waiting};

    const DOCUMENT: &[u8] = b"document";

    /// A folder in which an act over a document left what it keeps.
    struct Desk(tempfile::TempDir, Uuid);

    impl Desk {
        fn new(sealed: bool) -> Self {
            let (folder, act) = (tempfile::tempdir().expect("a folder"), Act::of(None));
            let output = folder.path().join("sealed.pdf");
            let mut kept = Kept::open(Lang::En, &act, &output, "a", DOCUMENT).expect("new");
            let _ = kept.time_stamp_room(1).expect("kept");
            if sealed {
                let waiting = Waiting { name: "Seal1".to_owned(), signature: vec![1] };
                kept.keep_sealed(part(folder.path()).expect("a file"), "digest".to_owned(), &waiting).expect("kept");
            }
            Self(folder, act.id())
        }

        fn look(&self, document: &[u8], given: Option<Uuid>) -> Result<Vec<PathBuf>, Failure> {
            look(Lang::En, &self.0.path().join("sealed.pdf"), document, &Act::of(given))
        }

        /// As it is after so many minutes.
        fn after(self, minutes: u64) -> Self {
            for entry in fs::read_dir(self.0.path()).expect("a folder") {
                let file = File::options().write(true).open(entry.expect("one").path()).expect("a file");
                let now = file.metadata().expect("its times").modified().expect("a time");
                let then = FileTimes::new().set_modified(now - Duration::from_secs(60 * minutes));
                file.set_times(then).expect("set");
            }
            self
        }

        fn files(&self) -> usize {
            fs::read_dir(self.0.path()).expect("a folder").count()
        }
    }

    #[test]
    fn an_act_over_the_same_document_is_told_with_its_id_before_anything_is_begun() {
        for sealed in [false, true] {
            let desk = Desk::new(sealed);
            let failure = desk.look(DOCUMENT, None).expect_err("refused");
            let advice = failure.advice.unwrap_or_default();
            assert!(advice.contains(&format!("--request-id {}", desk.1)), "{advice}");
            assert!(advice.contains(&format!(".eseal-{}.json", desk.1)), "{advice}");
            // Who names an act says that this is another one, or the same.
            assert!(desk.look(DOCUMENT, Some(Uuid::now_v7())).is_ok() && desk.look(DOCUMENT, Some(desk.1)).is_ok());
            assert!(desk.look(b"another", None).expect("another document").is_empty());
            assert_eq!(desk.files(), 1 + usize::from(sealed), "it is left as it is");
        }
    }

    #[test]
    fn what_nothing_comes_of_any_more_is_swept() {
        let desk = Desk::new(false);
        let _written = part(desk.0.path()).expect("a file");
        File::create(desk.0.path().join(".eseal-x1.part")).expect("a file");
        File::create(desk.0.path().join(".eseal-other.txt")).expect("a file");
        let desk = desk.after(59);
        assert!(desk.look(b"another", None).is_ok());
        assert_eq!(desk.files(), 3, "whoever wrote the part is gone");
        let desk = desk.after(61);
        assert!(desk.look(DOCUMENT, None).expect("nothing is there any more").is_empty());
        assert_eq!(desk.files(), 2, "what is being written or somebody else's is left alone");
    }

    #[test]
    fn a_sealed_document_that_waits_is_told_and_never_swept() {
        let desk = Desk::new(true).after(60 * 24 * 365);
        let waiting = desk.look(b"another", None).expect("told");
        assert_eq!(waiting.len(), 1);
        let told = told(Lang::En, &waiting[0]);
        assert!(told.contains(&format!("--request-id {}", desk.1)), "{told}");
        assert!(desk.look(DOCUMENT, None).is_err());
        assert_eq!(desk.files(), 2);
    }
}
