//! An act of sealing that can be repeated: the same id gives the same result, and nothing is counted or spent twice.
//!
//! Each step of the act is a request whose id follows from the one of the act, so that the service answers a repeat as it did
//! before (ADR 13). What it can't give again, because a card made it, is kept beside the sealed document before it is sent: the
//! proof of the card (`.eseal-ID.json`), and then the sealed document with its signature (`.eseal-ID.sealed`). Both go when the
//! document is in its place, or the act is decided against; what becomes of the others says [`super::leftover`].

use std::fs;
use std::path::{Path, PathBuf};

use eseal_kernel::Digest;
use eseal_proto::authentication::v1 as pb;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;
use uuid::{Builder, Uuid};

use crate::failure::{Failure, Kind, open_to_others, read_file, write_file};
use crate::lang::Lang;

/// The most bytes of what is kept beside the document.
const MAX: u64 = 32 << 20;
/// How it is called before and behind the id of the act.
pub const PREFIX: &str = ".eseal-";
pub const RECORD: &str = "json";
pub const SEALED: &str = "sealed";

/// One act of sealing, by its id.
#[derive(Debug, Clone, Copy)]
pub struct Act {
    id: Uuid,
    given: bool,
}

impl Act {
    /// The act with this id, which may be a repeat; or a new one.
    pub fn of(given: Option<Uuid>) -> Self {
        Self { id: given.unwrap_or_else(Uuid::now_v7), given: given.is_some() }
    }

    /// Its id.
    pub const fn id(&self) -> Uuid {
        self.id
    }

    /// Whether it may have been begun before.
    pub const fn may_be_a_repeat(&self) -> bool {
        self.given
    }

    /// The request id of one of its steps (RFC 9562 §5.8): the same for the same step of the same act.
    pub fn request_id(&self, step: &str) -> String {
        let digest = Digest::of(format!("eseal-act-v1\n{}\n{step}", self.id).as_bytes());
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(digest.bytes()).for_each(|(to, from)| *to = *from);
        Builder::from_custom_bytes(bytes).into_uuid().to_string()
    }

    /// Whether a repeat may come to its end after this: nobody has decided against it.
    pub fn goes_on_after(&self, failure: &Failure) -> bool {
        match failure.kind {
            Kind::Refused => false,
            Kind::Usage => self.given, // a file that is missing in a repeat does not end what was begun
            Kind::Unreachable => self.given || failure.code != "TIME_STAMP_UNAVAILABLE",
        }
    }

    /// What is told where a repeat may go on, with which id, and where it can't.
    pub fn told(&self, lang: Lang, mut failure: Failure) -> Failure {
        if self.given && failure.code == "ATTEMPT_NOT_OPEN" {
            return failure.advise(lang.pick(
                "这次签章已结束或已超过十分钟:请用新的 --request-id 重新签章",
                "this act has ended, or ten minutes have passed: seal anew, with another --request-id",
            ));
        }
        if failure.kind != Kind::Unreachable || !self.goes_on_after(&failure) {
            return failure;
        }
        let repeat = lang.pick("结果未知,可原样重复", "whether it was done is not known: repeat it as it was, with");
        let repeat = format!("{repeat} --request-id {}", self.id);
        failure.facts.push(("request_id".to_owned(), self.id.to_string()));
        let advice = failure.advice.take().map_or(repeat.clone(), |advice| format!("{advice}; {repeat}"));
        failure.advise(advice)
    }
}

/// What an act keeps beside the sealed document until that is in its place.
pub struct Kept {
    lang: Lang,
    record: PathBuf,
    document: PathBuf,
    said: Record,
    recorded: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    /// The attempt at the service.
    attempt_id: String,
    /// SHA-256 of the document before sealing.
    original: String,
    /// What the sealed one is called, in the same folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    /// Bytes that were kept free for a time stamp: the document comes to the same digest with as many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time_stamp_room: Option<usize>,
    /// What gate d is shown with a card, as it is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    authorization: Option<String>,
    /// What came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed: Option<SealedRecord>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SealedRecord {
    name: String,
    signature: String,
    digest: String,
}

/// A sealed document that waits for the service's word.
#[derive(Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The name of the seal in the document.
    pub name: String,
    /// Its signature.
    pub signature: Vec<u8>,
}

impl Kept {
    /// What this act kept beside `output`, if it did.
    ///
    /// # Errors
    /// It can't be read, or is of another document.
    pub fn open(lang: Lang, act: &Act, output: &Path, attempt: &str, original: &[u8]) -> Result<Self, Failure> {
        let folder = output.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        let [record, document] = [RECORD, SEALED].map(|ending| folder.join(file_name(&act.id, ending)));
        let original = Digest::of(original).to_string();
        let (attempt_id, output) = (attempt.to_owned(), name_of(output));
        let new = Record { attempt_id, original, output, time_stamp_room: None, authorization: None, sealed: None };
        if !act.given || !record.exists() {
            return Ok(Self { lang, record, document, said: new, recorded: false });
        }
        let unreadable = |why: &dyn std::fmt::Display| {
            Failure::new(Kind::Usage, "FILE_UNREADABLE", lang).because(format_args!("{}: {why}", record.display()))
        };
        let said: Record =
            serde_json::from_slice(&read_file(lang, &record, MAX)?).map_err(|error| unreadable(&error))?;
        if (&said.attempt_id, &said.original) != (&new.attempt_id, &new.original) {
            return Err(other_act(lang));
        }
        Ok(Self { lang, record, document, said, recorded: false })
    }

    /// How many bytes to keep free for a time stamp: as many as the first time, or else so many.
    ///
    /// # Errors
    /// It can't be written.
    pub fn time_stamp_room(&mut self, wanted: usize) -> Result<usize, Failure> {
        if let Some(room) = self.said.time_stamp_room {
            return Ok(room);
        }
        if wanted > 0 {
            self.said.time_stamp_room = Some(wanted);
            self.write()?;
        }
        Ok(wanted)
    }

    /// The request to gate d that was sent, or was about to be.
    ///
    /// # Errors
    /// What is kept is damaged.
    pub fn authorization(&self) -> Result<Option<pb::AuthorizeSealingRequest>, Failure> {
        let Some(kept) = &self.said.authorization else { return Ok(None) };
        let request = hex::decode(kept).ok().and_then(|bytes| prost::Message::decode(bytes.as_slice()).ok());
        request.map(Some).ok_or_else(|| self.damaged())
    }

    /// Keeps the request to gate d before it is sent.
    ///
    /// # Errors
    /// It can't be written.
    pub fn keep_authorization(&mut self, request: &pb::AuthorizeSealingRequest) -> Result<(), Failure> {
        self.said.authorization = Some(hex::encode(prost::Message::encode_to_vec(request)));
        self.write()
    }

    /// Keeps the sealed document before the service is told of it.
    ///
    /// # Errors
    /// It can't be written.
    pub fn keep_sealed(&mut self, file: NamedTempFile, digest: String, sealed: &Waiting) -> Result<(), Failure> {
        let unwritable = |error: std::io::Error| Failure::unwritable(self.lang, &self.document, &error);
        file.as_file().sync_all().map_err(unwritable)?;
        file.persist(&self.document).map_err(|failed| unwritable(failed.error))?;
        let (name, signature) = (sealed.name.clone(), hex::encode(&sealed.signature));
        self.said.sealed = Some(SealedRecord { name, signature, digest });
        self.write()
    }

    /// The sealed document that waits, if it does.
    ///
    /// # Errors
    /// What is kept is damaged.
    pub fn waiting(&self) -> Result<Option<Waiting>, Failure> {
        let Some(SealedRecord { name, signature, digest }) = &self.said.sealed else { return Ok(None) };
        let written = fs::File::open(&self.document).and_then(|file| crate::mapped::file(&file));
        if !written.is_ok_and(|bytes| Digest::of(bytes.as_ref().as_ref()).to_string() == *digest) {
            return Err(self.damaged());
        }
        let signature = hex::decode(signature).map_err(|_| self.damaged())?;
        Ok(Some(Waiting { name: name.clone(), signature }))
    }

    /// Puts the sealed document into its place, and keeps nothing any more.
    ///
    /// # Errors
    /// It can't be written. It is sealed and recorded, and stays where it is.
    pub fn place(&mut self, output: &Path) -> Result<(), Failure> {
        self.recorded = true;
        let stays = |error: std::io::Error| {
            Failure::unwritable(self.lang, output, &error).advise(self.document.display().to_string())
        };
        let opened = fs::File::open(&self.document).and_then(|file| open_to_others(&file));
        opened.and_then(|()| fs::rename(&self.document, output)).map_err(stays)?;
        let _ = fs::remove_file(&self.record);
        Ok(())
    }

    /// Whether the service has recorded the sealed document.
    pub const fn is_recorded(&self) -> bool {
        self.recorded
    }

    /// Throws away what is kept: nothing will come of it.
    pub fn throw_away(&self) {
        for file in [&self.record, &self.document] {
            let _ = fs::remove_file(file); // there may be none
        }
    }

    fn write(&self) -> Result<(), Failure> {
        // Made of texts: its JSON can't fail.
        write_file(self.lang, &self.record, &serde_json::to_vec(&self.said).unwrap_or_default(), true)
    }

    fn damaged(&self) -> Failure {
        let why = self.lang.pick("内容已损坏", "it is damaged");
        Failure::new(Kind::Usage, "FILE_UNREADABLE", self.lang)
            .because(format_args!("{}: {why}", self.record.display()))
    }
}

/// What is kept of an act is called so.
pub fn file_name(act: &Uuid, ending: &str) -> String {
    format!("{PREFIX}{act}.{ending}")
}

fn name_of(path: &Path) -> Option<String> {
    path.file_name().and_then(|name| name.to_str()).map(str::to_owned)
}

/// What a record tells of its act.
pub struct Told {
    original: String,
    output: Option<String>,
    /// Whether the document is sealed: then that may be on record at the service.
    pub is_sealed: bool,
}

impl Told {
    /// What this one tells; none if it can't be read.
    pub fn read(record: &Path) -> Option<Self> {
        let said: Record = serde_json::from_slice(&read_file(Lang::En, record, MAX).ok()?).ok()?;
        Some(Self { original: said.original, output: said.output, is_sealed: said.sealed.is_some() })
    }

    /// Whether this document was to be sealed to that place, which is in the same folder.
    pub fn is_of(&self, original: &Digest, output: &Path) -> bool {
        self.original == original.to_string() && (self.output.is_none() || self.output == name_of(output))
    }
}

/// The id belongs to another act.
pub fn other_act(lang: Lang) -> Failure {
    let why = lang.pick(
        "该请求编号属于另一次签章(文档、印章或位置不同)",
        "the id belongs to another act: of another document, seal or place",
    );
    Failure::usage(lang, format_args!("--request-id: {why}"))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn act() -> Act {
        Act::of(Some(Uuid::from_bytes([7; 16])))
    }

    fn kept(folder: &Path, attempt: &str, original: &[u8]) -> Result<Kept, Failure> {
        Kept::open(Lang::En, &act(), &folder.join("sealed.pdf"), attempt, original)
    }

    fn sealed(folder: &Path) -> Waiting {
        let mut file = NamedTempFile::new_in(folder).expect("a file");
        file.write_all(b"sealed").expect("written");
        let waiting = Waiting { name: "Seal1".to_owned(), signature: vec![1, 2, 3] };
        let digest = Digest::of(b"sealed").to_string();
        kept(folder, "a", b"x").expect("new").keep_sealed(file, digest, &waiting).expect("kept");
        waiting
    }

    #[test]
    fn the_steps_of_an_act_have_ids_of_their_own_that_are_the_same_in_a_repeat() {
        assert_eq!(act().request_id("begin"), act().request_id("begin"));
        assert_ne!(act().request_id("begin"), act().request_id("complete"));
        assert_ne!(act().request_id("begin"), Act::of(None).request_id("begin"));
        let id: Uuid = act().request_id("begin").parse().expect("a UUID");
        assert_eq!(id.get_version_num(), 8);
    }

    #[test]
    fn a_repeat_finds_what_was_kept_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().expect("a folder");
        let request = pb::AuthorizeSealingRequest { card_uses: 3, ..pb::AuthorizeSealingRequest::default() };
        kept(folder.path(), "a", b"x").expect("new").keep_authorization(&request).expect("kept");
        let again = kept(folder.path(), "a", b"x").expect("kept");
        assert_eq!(again.authorization().expect("whole"), Some(request));
        assert_eq!(again.waiting().expect("whole"), None);
        let waiting = sealed(folder.path());
        let mut again = kept(folder.path(), "a", b"x").expect("kept");
        assert_eq!(again.waiting().expect("whole"), Some(waiting));
        again.place(&folder.path().join("sealed.pdf")).expect("placed");
        let left: Vec<_> =
            fs::read_dir(folder.path()).expect("a folder").map(|e| e.expect("one").file_name()).collect();
        assert_eq!(left, ["sealed.pdf"]);
        assert_eq!(fs::read(folder.path().join("sealed.pdf")).expect("read"), b"sealed");
    }

    #[test]
    fn what_another_act_kept_is_not_taken_for_it() {
        let folder = tempfile::tempdir().expect("a folder");
        sealed(folder.path());
        for (attempt, original) in [("b", b"x"), ("a", b"y")] {
            let failure = kept(folder.path(), attempt, original).err().expect("refused");
            assert!(failure.text.contains("--request-id"), "{}", failure.text);
        }
    }

    #[test]
    fn a_sealed_document_that_was_changed_while_it_waited_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        sealed(folder.path());
        let document = kept(folder.path(), "a", b"x").expect("kept").document;
        fs::write(document, b"other").expect("written");
        let failure = kept(folder.path(), "a", b"x").expect("kept").waiting().expect_err("damaged");
        assert_eq!(failure.code, "FILE_UNREADABLE");
    }

    #[test]
    fn the_id_is_told_where_an_answer_was_lost_and_not_where_the_act_was_decided() {
        let lost = act().told(Lang::En, Failure::new(Kind::Unreachable, "SERVER_UNREACHABLE", Lang::En));
        assert!(lost.advice.expect("advice").contains("--request-id 07070707-"), "{:?}", lost.facts);
        let refused = act().told(Lang::En, Failure::new(Kind::Refused, "PIN_INCORRECT", Lang::En));
        assert_eq!((refused.advice, refused.facts.len()), (None, 0));
        let missing = act().told(Lang::En, Failure::usage(Lang::En, "pin"));
        assert!(act().goes_on_after(&missing) && missing.advice.is_none());
        // Without an id of the user's the attempt is given up where no stamp comes, and what was approved comes back.
        let stamp = || Failure::new(Kind::Unreachable, "TIME_STAMP_UNAVAILABLE", Lang::En);
        assert!(act().goes_on_after(&stamp()) && !Act::of(None).goes_on_after(&stamp()));
    }
}
