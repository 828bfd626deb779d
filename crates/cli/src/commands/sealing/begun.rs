//! What a run keeps of an act, so that a run that was killed goes on in the same act: nothing is counted, recorded or approved
//! a second time.
//!
//! It lies where the documents wait, under the id of the attempt: `ID.act` has the list and what gate d is shown,
//! `ID-….sign` what a hosted key shall sign, `ID-….complete` what gate e is shown. Each is on disk before the service is
//! asked, and is the request itself with its id: the service answers it again as it did before (ADR 13).

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use eseal_documents::Format;
use eseal_kernel::Digest;
use eseal_proto::authentication::v1 as pb;
use prost::Message;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::act::List;
use super::attempt::Attempt;
use super::bench::{Ready, Rooms};
use crate::connect::MAX_MESSAGE;
use crate::failure::{Failure, Kind, read_file, write_file};
use crate::lang::Lang;

/// The most bytes of what is kept of an act: ten thousand documents whose names are as long as names can be.
const MAX: u64 = 128 << 20;
/// How what is kept is called behind the id of the attempt.
const ACT: &str = "act";
const SIGN: &str = "sign";
const COMPLETE: &str = "complete";

/// An act as it is kept.
pub struct Begun {
    lang: Lang,
    /// Where documents wait.
    folder: PathBuf,
    attempt_id: String,
    said: Record,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    seal_id: String,
    /// SHA-256 of the SESeal.
    seal_digest: String,
    /// How the service began it: `BeginSealingResponse`, hex.
    begun: String,
    authorization: Authorization,
    /// Bytes that were kept free for time stamps.
    #[serde(default)]
    ofd_room: usize,
    #[serde(default)]
    pdf_room: usize,
    /// The list, in its order.
    documents: Vec<Entry>,
}

/// What gate d is shown, hex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Authorization {
    /// `AuthorizeBatchRequest`.
    Card(String),
    /// `AuthorizeHostedBatchRequest`, without what is secret.
    Hosted(String),
}

/// What gate d is shown.
#[derive(Debug, Clone, PartialEq)]
pub enum Asking {
    /// Of a card.
    Card(pb::AuthorizeBatchRequest),
    /// Of a hosted key, without what is secret.
    Hosted(pb::AuthorizeHostedBatchRequest),
}

/// A document of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The document.
    pub file: PathBuf,
    /// Where the sealed one goes, from the output folder.
    pub output: PathBuf,
    /// SHA-256 of it before sealing.
    pub input_digest: String,
    /// What the signature covers.
    pub document_digest: String,
    /// What stands for it in the list.
    pub leaf: String,
}

impl Begun {
    /// What is to be kept of an act over these documents, which lie below `output_dir` once they are sealed.
    pub fn of(
        (lang, folder, output_dir): (Lang, &Path, &Path),
        attempt: &Attempt<'_>,
        seal_digest: &str,
        rooms: &Rooms,
        ready: &[Ready],
    ) -> Self {
        let entry = |ready: &Ready| Entry {
            file: ready.input.file.clone(),
            output: ready.input.output.strip_prefix(output_dir).unwrap_or(&ready.input.output).to_owned(),
            input_digest: ready.input_digest.clone(),
            document_digest: ready.listed.digest.to_string(),
            leaf: ready.listed.leaf().to_string(),
        };
        let room = |format| rooms.get(&format).copied().unwrap_or_default();
        let said = Record {
            seal_id: attempt.seal().to_owned(),
            seal_digest: seal_digest.to_owned(),
            begun: hex::encode(attempt.begun().encode_to_vec()),
            authorization: Authorization::Card(String::new()),
            ofd_room: room(Format::Ofd),
            pdf_room: room(Format::Pdf),
            documents: ready.iter().map(entry).collect(),
        };
        Self { lang, folder: folder.to_owned(), attempt_id: attempt.id().to_owned(), said }
    }

    /// Keeps it with what gate d is about to be shown.
    ///
    /// # Errors
    /// It can't be written.
    pub fn keep(&mut self, asking: &Asking) -> Result<(), Failure> {
        self.said.authorization = match asking {
            Asking::Card(request) => Authorization::Card(hex::encode(request.encode_to_vec())),
            Asking::Hosted(request) => Authorization::Hosted(hex::encode(request.encode_to_vec())),
        };
        // Made of texts and numbers: its JSON can't fail.
        self.write(&self.path(ACT), &serde_json::to_vec(&self.said).unwrap_or_default())
    }

    /// The attempts of which something is kept in this folder, the oldest first.
    ///
    /// # Errors
    /// It can't be read.
    pub fn all(lang: Lang, folder: &Path) -> Result<BTreeSet<Uuid>, Failure> {
        let attempt = |path: &PathBuf| path.file_stem()?.to_str()?.parse().ok();
        Ok(files(lang, folder, ACT)?.iter().filter_map(attempt).collect())
    }

    /// What is kept of an attempt.
    ///
    /// # Errors
    /// It can't be read, or is damaged.
    pub fn read(lang: Lang, folder: &Path, attempt: Uuid) -> Result<Self, Failure> {
        let attempt_id = attempt.to_string();
        let path = folder.join(format!("{attempt_id}.{ACT}"));
        let said =
            serde_json::from_slice(&read_file(lang, &path, MAX)?).map_err(|error| damaged(lang, &path, &error))?;
        let begun = Self { lang, folder: folder.to_owned(), attempt_id, said };
        if begun.response()?.attempt_id == begun.attempt_id { Ok(begun) } else { Err(damaged(lang, &path, &"ID")) }
    }

    /// The attempt.
    pub fn attempt_id(&self) -> &str {
        &self.attempt_id
    }

    /// The seal.
    pub fn seal_id(&self) -> &str {
        &self.said.seal_id
    }

    /// SHA-256 of the SESeal that its documents are laid out with.
    pub fn seal_digest(&self) -> &str {
        &self.said.seal_digest
    }

    /// How the service began it.
    ///
    /// # Errors
    /// It is damaged.
    pub fn response(&self) -> Result<pb::BeginSealingResponse, Failure> {
        self.decoded(&self.said.begun)
    }

    /// What gate d was shown, or was about to be.
    ///
    /// # Errors
    /// It is damaged.
    pub fn asking(&self) -> Result<Asking, Failure> {
        match &self.said.authorization {
            Authorization::Card(request) => self.decoded(request).map(Asking::Card),
            Authorization::Hosted(request) => self.decoded(request).map(Asking::Hosted),
        }
    }

    /// Bytes that are kept free for time stamps.
    pub fn rooms(&self) -> Rooms {
        let rooms = [(Format::Ofd, self.said.ofd_room), (Format::Pdf, self.said.pdf_room)];
        rooms.into_iter().filter(|(_, room)| *room > 0).collect()
    }

    /// The list.
    ///
    /// # Errors
    /// It is damaged.
    pub fn list(&self) -> Result<List, Failure> {
        let leaves = self.said.documents.iter().map(|entry| entry.leaf.parse::<Digest>());
        let leaves: Result<_, _> = leaves.collect();
        leaves.ok().and_then(List::again).ok_or_else(|| damaged(self.lang, &self.path(ACT), &"documents"))
    }

    /// A document of the list.
    pub fn entry(&self, index: u32) -> Option<&Entry> {
        self.said.documents.get(index as usize)
    }

    /// The documents that have not come to an end, by where the sealed ones go.
    pub fn open(&self, output_dir: &Path, ended: Option<&HashSet<u32>>) -> BTreeMap<PathBuf, (u32, &Entry)> {
        let is_open = |(index, _): &(u32, &Entry)| !ended.is_some_and(|ended| ended.contains(index));
        let open = (0..).zip(&self.said.documents).filter(is_open);
        open.map(|(index, entry)| (output_dir.join(&entry.output), (index, entry))).collect()
    }

    /// Keeps what the hosted key is about to be asked to sign.
    ///
    /// # Errors
    /// It can't be written.
    pub fn keep_signing(&self, request: &pb::SignHostedBatchRequest) -> Result<(), Failure> {
        let last = request.documents.iter().filter_map(|asked| Some(asked.document.as_ref()?.index)).max();
        let name = format!("{}-{}-{}.{SIGN}", self.attempt_id, last.unwrap_or_default(), request.request_id);
        self.write(&self.folder.join(name), &request.encode_to_vec())
    }

    /// What the hosted key was asked to sign.
    ///
    /// # Errors
    /// It can't be read.
    pub fn signings(&self) -> Result<Vec<pb::SignHostedBatchRequest>, Failure> {
        self.kept(SIGN)?.iter().map(|path| self.request(path)).collect()
    }

    /// Forgets what the hosted key signed for documents up to this one: what was made of it is kept.
    pub fn forget_signings(&self, up_to: u32) {
        let prefix = format!("{}-", self.attempt_id);
        let last = |path: &Path| {
            let name = path.file_name()?.to_str()?.strip_prefix(&prefix)?;
            name.split_once('-')?.0.parse::<u32>().ok()
        };
        for path in self.kept(SIGN).unwrap_or_default().iter().filter(|path| last(path).is_some_and(|l| l <= up_to)) {
            let _ = fs::remove_file(path); // it goes with the act at last
        }
    }

    /// Keeps what gate e is about to be shown, and says where.
    ///
    /// # Errors
    /// It can't be written.
    pub fn keep_completion(&self, request: &pb::CompleteBatchRequest) -> Result<PathBuf, Failure> {
        let path = self.folder.join(format!("{}-{}.{COMPLETE}", self.attempt_id, request.request_id));
        self.write(&path, &request.encode_to_vec())?;
        Ok(path)
    }

    /// What gate e was shown, and where it is kept.
    ///
    /// # Errors
    /// It can't be read.
    pub fn completions(&self) -> Result<Vec<(PathBuf, pb::CompleteBatchRequest)>, Failure> {
        let read = |path: PathBuf| self.request(&path).map(|request| (path, request));
        self.kept(COMPLETE)?.into_iter().map(read).collect()
    }

    /// Forgets the act: nothing more will come of it.
    pub fn forget(&self) {
        for ending in [SIGN, COMPLETE] {
            for path in self.kept(ending).unwrap_or_default() {
                let _ = fs::remove_file(path); // swept with what waits
            }
        }
        let _ = fs::remove_file(self.path(ACT));
    }

    fn path(&self, ending: &str) -> PathBuf {
        self.folder.join(format!("{}.{ending}", self.attempt_id))
    }

    fn kept(&self, ending: &str) -> Result<Vec<PathBuf>, Failure> {
        let is_own = |path: &PathBuf| is_of(path, &self.attempt_id);
        Ok(files(self.lang, &self.folder, ending)?.into_iter().filter(is_own).collect())
    }

    /// Writes a file and its name, and the names of those that it speaks of.
    fn write(&self, path: &Path, content: &[u8]) -> Result<(), Failure> {
        write_file(self.lang, path, content, true)?;
        let synced = File::open(&self.folder).and_then(|folder| folder.sync_all());
        synced.map_err(|error| Failure::unwritable(self.lang, path, &error))
    }

    fn request<M: Message + Default>(&self, path: &Path) -> Result<M, Failure> {
        let bytes = read_file(self.lang, path, MAX_MESSAGE as u64)?;
        M::decode(bytes.as_slice()).map_err(|error| damaged(self.lang, path, &error))
    }

    fn decoded<M: Message + Default>(&self, text: &str) -> Result<M, Failure> {
        let message = hex::decode(text).ok().and_then(|bytes| M::decode(bytes.as_slice()).ok());
        message.ok_or_else(|| damaged(self.lang, &self.path(ACT), &"hex"))
    }
}

/// Whether a file in the folder of what waits belongs to this attempt.
pub fn is_of(path: &Path, attempt: &str) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.strip_prefix(attempt).is_some_and(|rest| rest.starts_with(['-', '.']))
}

/// Files with this ending, by name.
fn files(lang: Lang, folder: &Path, ending: &str) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |error: std::io::Error| Failure::unreadable(lang, folder, &error);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|is| is == ending) {
            found.push(path);
        }
    }
    found.sort_unstable();
    Ok(found)
}

fn damaged(lang: Lang, path: &Path, why: &dyn std::fmt::Display) -> Failure {
    let told = format!("{}: {} ({why})", path.display(), lang.pick("内容已损坏", "it is damaged"));
    Failure::new(Kind::Usage, "FILE_UNREADABLE", lang).because(told).advise(lang.pick(
        "这是一次中断的批量签章的记录;删除后,其中未完成的文档将重新签章并再次计数",
        "it is the record of a run that was broken off; without it the documents that it did not finish are sealed, and counted, again",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0198c0de-0000-7000-8000-000000000001";

    fn begun(folder: &Path) -> Begun {
        let entry = |name: &str| Entry {
            file: name.into(),
            output: name.into(),
            input_digest: String::new(),
            document_digest: String::new(),
            leaf: Digest::of(name.as_bytes()).to_string(),
        };
        let response = pb::BeginSealingResponse { attempt_id: ID.to_owned(), ..pb::BeginSealingResponse::default() };
        let said = Record {
            seal_id: "S".to_owned(),
            seal_digest: "D".to_owned(),
            begun: hex::encode(response.encode_to_vec()),
            authorization: Authorization::Card(String::new()),
            ofd_room: 0,
            pdf_room: 7,
            documents: ["a.pdf", "b.pdf"].map(entry).into(),
        };
        Begun { lang: Lang::En, folder: folder.to_owned(), attempt_id: ID.to_owned(), said }
    }

    fn signing(request_id: &str, indexes: &[u32]) -> pb::SignHostedBatchRequest {
        let asked = |index: &u32| pb::BatchToSign {
            document: Some(pb::ListedDocument { index: *index, ..pb::ListedDocument::default() }),
            ..pb::BatchToSign::default()
        };
        let (request_id, documents) = (request_id.to_owned(), indexes.iter().map(asked).collect());
        pb::SignHostedBatchRequest { request_id, documents, ..pb::SignHostedBatchRequest::default() }
    }

    #[test]
    fn what_is_kept_is_read_as_it_was_and_nothing_of_it_stays_when_it_is_forgotten() {
        let folder = tempfile::tempdir().expect("a folder");
        let asking = Asking::Hosted(pb::AuthorizeHostedBatchRequest { documents: 2, ..Default::default() });
        let mut kept = begun(folder.path());
        kept.keep(&asking).expect("kept");
        kept.keep_signing(&signing("r", &[0, 1])).expect("kept");
        let completion = pb::CompleteBatchRequest { request_id: "q".to_owned(), last: true, ..Default::default() };
        let path = kept.keep_completion(&completion).expect("kept");

        let attempts = Begun::all(Lang::En, folder.path()).expect("read");
        assert_eq!(attempts.iter().map(Uuid::to_string).collect::<Vec<_>>(), [ID]);
        let read = Begun::read(Lang::En, folder.path(), attempts.into_iter().next().expect("one")).expect("read");
        assert_eq!((&read.said, read.asking().expect("whole")), (&kept.said, asking));
        assert_eq!(read.rooms(), Rooms::from([(Format::Pdf, 7)]));
        assert_eq!(read.signings().expect("read"), [signing("r", &[0, 1])]);
        assert_eq!(read.completions().expect("read"), [(path, completion)]);
        read.forget();
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }

    #[test]
    fn what_a_hosted_key_signed_is_forgotten_once_all_of_it_was_shown_to_gate_e() {
        let folder = tempfile::tempdir().expect("a folder");
        let kept = begun(folder.path());
        for (request, indexes) in [("x", [0, 99]), ("y", [50, 120]), ("z", [100, 101])] {
            kept.keep_signing(&signing(request, &indexes)).expect("kept");
        }
        kept.forget_signings(101);
        assert_eq!(kept.signings().expect("read"), [signing("y", &[50, 120])]);
    }

    #[test]
    fn documents_that_came_to_an_end_are_open_no_more() {
        let kept = begun(Path::new("out"));
        let open = |ended: &[u32]| {
            let ended = ended.iter().copied().collect();
            kept.open(Path::new("out"), Some(&ended)).into_keys().collect::<Vec<_>>()
        };
        assert_eq!(open(&[]), [Path::new("out/a.pdf"), Path::new("out/b.pdf")]);
        assert_eq!(open(&[0]), [Path::new("out/b.pdf")]);
        assert_eq!(kept.open(Path::new("out"), None).len(), 2);
    }

    #[test]
    fn what_was_damaged_or_is_of_another_attempt_is_told_with_what_to_do() {
        let folder = tempfile::tempdir().expect("a folder");
        let other: Uuid = "0198c0de-0000-7000-8000-000000000002".parse().expect("an id");
        let text = serde_json::to_vec(&begun(folder.path()).said).expect("JSON");
        for content in [b"{".as_slice(), text.as_slice()] {
            fs::write(folder.path().join(format!("{other}.act")), content).expect("written");
            let failure = Begun::read(Lang::En, folder.path(), other).map(drop).expect_err("refused");
            assert_eq!((failure.code.as_str(), failure.advice.is_some()), ("FILE_UNREADABLE", true));
        }
    }

    #[test]
    fn a_file_belongs_to_the_attempt_that_its_name_begins_with() {
        for name in ["0198c0de-0000-7000-8000-000000000001.act", "0198c0de-0000-7000-8000-000000000001-3"] {
            assert!(is_of(Path::new(name), ID));
        }
        assert!(!is_of(Path::new("0198c0de-0000-7000-8000-0000000000011"), ID) && !is_of(Path::new(".tmpx"), ID));
    }
}
