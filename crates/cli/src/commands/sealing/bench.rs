//! What several work at side by side in an act: laying a document out, and writing it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use eseal_card::{Card, Key};
use eseal_documents::Format;
use eseal_documents::sealing::{Prepared, UsableSeal};
use eseal_kernel::{Digest, Timestamp};
use eseal_online::pades::Pades;
use eseal_pki::{Certificate, DigestAlg, Hasher, Suite};
use eseal_proto::authentication::v1 as pb;
use tokio::runtime::Handle;
use zeroize::Zeroizing;

use super::act::{self, Listed};
use super::attempt::Attempt;
use super::document::{Document, Sealing};
use super::inputs::Input;
use super::journal::{self, Journal};
use super::manner::Manner;
use super::no_key;
use super::workers::side_by_side;
use super::writing::{Lister, Writing};
use crate::commands::Env;
use crate::failure::{Failure, Kind, open_to_others};
use crate::mapped;

/// What documents are sealed with.
pub(super) struct Means {
    /// SHA-256 of the SESeal.
    pub(super) seal_digest: String,
    /// The SESeal, made ready once for all of them.
    pub(super) seal: UsableSeal,
    pub(super) certificates: BTreeMap<&'static str, Certificate>,
    pub(super) holder: Holder,
    /// What makes documents of a format reach their level.
    pub(super) pades: BTreeMap<Format, Pades>,
}

/// How many bytes are kept free for a time stamp in documents of a format, where there is one.
pub(super) type Rooms = BTreeMap<Format, usize>;

impl Means {
    pub(super) fn rooms(&self) -> Rooms {
        self.pades.iter().map(|(format, pades)| (*format, pades.room())).collect()
    }
}

pub(super) enum Holder {
    Card { card: Card, keys: BTreeMap<&'static str, Key> },
    Hosted { pin: Zeroizing<String> },
}

/// What those who work side by side share.
pub(super) struct Bench<'a> {
    pub(super) env: &'a Env,
    pub(super) manner: &'a Manner,
    pub(super) means: &'a Means,
    pub(super) attempt: &'a Attempt<'a>,
    /// Where sealed documents wait.
    folder: PathBuf,
    /// The sealing time.
    time: Timestamp,
    /// Bytes that are kept free for time stamps.
    rooms: Rooms,
    /// Where those who work side by side have their time stamps asked for.
    runtime: Handle,
}

/// A document that is digested.
pub(super) struct Ready {
    pub(super) input: Input,
    /// SHA-256 of it before sealing.
    pub(super) input_digest: String,
    pub(super) listed: Listed,
    pub(super) suite: Suite,
    pub(super) structure_size: usize,
    /// What is laid out of it, if it was kept.
    pub(super) draft: Slot<Draft>,
}

/// A document that is sealed and waits for the service's word.
pub(super) struct Waiting {
    /// Where it waits.
    pub(super) path: PathBuf,
    pub(super) signature: Vec<u8>,
    pub(super) output_digest: String,
}

/// A document with what is laid out of it.
pub(super) type Draft = (Document, Prepared);
/// The same with its signature.
pub(super) type Signed = (Draft, Vec<u8>);

/// Documents whose layout is kept between digesting and sealing: each takes as much memory as the picture and what is
/// written of the document anew.
const KEPT: usize = 400;
/// What a structure has beside what is signed.
const AROUND: usize = 8 << 10;

pub(super) const SUITES: [Suite; 2] = [Suite::Sm2Sm3, Suite::EcdsaP256Sha256];

impl<'a> Bench<'a> {
    /// Panics outside of a runtime.
    pub(super) fn new(
        env: &'a Env,
        manner: &'a Manner,
        means: &'a Means,
        attempt: &'a Attempt<'a>,
        (journal, rooms): (&Journal, Rooms),
    ) -> Self {
        let (folder, time) = (journal.folder().to_owned(), attempt.sealing_time());
        Self { env, manner, means, attempt, folder, time, rooms, runtime: Handle::current() }
    }

    /// Digests documents, so many at a time. The first few are kept laid out.
    pub(super) fn digest_all(&self, jobs: NonZeroUsize, inputs: &[Input]) -> Vec<Result<Ready, Failure>> {
        let (kept, told) = (AtomicUsize::new(0), self.attempt.original_needed());
        let digest = |input: &Input| {
            let (document, prepared) = self.prepare(input, true)?;
            let digest = Digest::try_from(prepared.digest());
            let digest = digest.map_err(|error| Failure::usage(self.env.lang(), error))?;
            let (places, structure_size) = (prepared.places().to_vec(), prepared.to_sign().len() + self.around());
            let input_digest = document.digest()?;
            let original = told.then(|| document.original()).transpose()?;
            let (listed, suite) = (Listed { index: 0, digest, places, original }, self.manner.suite(document.format()));
            let draft = Some((document, prepared)).filter(|_| kept.fetch_add(1, Ordering::Relaxed) < KEPT);
            let (input, draft) = (input.clone(), Slot::new(draft));
            Ok(Ready { input, input_digest, listed, suite, structure_size, draft })
        };
        side_by_side(jobs, inputs, digest)
    }

    /// Bytes that a structure has beside what is signed, about.
    fn around(&self) -> usize {
        let chain: usize = self.manner.chain.iter().map(|certificate| certificate.der().len()).sum();
        let stamp = self.rooms.values().max().copied().unwrap_or_default();
        AROUND + chain + stamp
    }

    fn room(&self, format: Format) -> usize {
        self.rooms.get(&format).copied().unwrap_or_default()
    }

    /// Everything but the signature.
    fn prepare(&self, input: &Input, is_first: bool) -> Result<Draft, Failure> {
        let lang = self.env.lang();
        if input.output.exists() {
            return Err(Failure::new(Kind::Usage, "FILE_EXISTS", lang).because(input.output.display()));
        }
        let document = Document::open(self.env.output.quiet(), &input.file)?;
        self.manner.must_fit(lang, document.format())?;
        if is_first {
            document.earlier_seals_hold(self.manner.password())?;
        }
        let suite = self.manner.suite(document.format());
        let certificate = self.means.certificates.get(suite.name()).ok_or_else(|| no_key(lang, suite))?;
        let (seal, manner, time) = (&self.means.seal, self.manner, self.time);
        let time_stamp_room = self.room(document.format());
        let prepared = document.prepare(Sealing { seal, manner, time, time_stamp_room }, certificate)?;
        Ok((document, prepared))
    }

    /// The same again for a document that was digested; it must come to the same.
    pub(super) fn prepare_again(&self, ready: &Ready) -> Result<Draft, Failure> {
        let (document, prepared) = self.prepare(&ready.input, false)?;
        if prepared.digest() == ready.listed.digest.bytes() {
            return Ok((document, prepared));
        }
        let changed = Failure::new(Kind::Usage, "FILE_CHANGED", self.env.lang());
        Err(changed.because(ready.input.file.display()))
    }

    /// Has the service record what was sealed; the reason of each that it refused.
    pub(super) fn complete(&self, request: pb::CompleteBatchRequest) -> Result<Vec<Result<(), String>>, Failure> {
        self.runtime.block_on(act::complete_batch(self.attempt.server(), request))
    }

    /// A signature of the hosted key for each.
    pub(super) fn sign_hosted(
        &self,
        request: pb::SignHostedBatchRequest,
    ) -> Result<Vec<Result<Vec<u8>, String>>, Failure> {
        self.runtime.block_on(act::sign_batch(self.attempt.server(), request))
    }

    /// The sealed document, whole, where it waits.
    pub(super) fn write(&self, draft: Draft, signature: &[u8], ready: &Ready) -> Result<Waiting, Failure> {
        let path = journal::waiting(&self.folder, self.attempt.id(), ready.listed.index);
        let written = self.write_to(draft, signature, &path);
        if written.is_err() {
            let _ = fs::remove_file(&path);
        }
        let (signature, output_digest) = written?;
        Ok(Waiting { path, signature, output_digest })
    }

    /// The signature structure, and SHA-256 of what was written.
    fn write_to(
        &self,
        (document, prepared): Draft,
        signature: &[u8],
        path: &Path,
    ) -> Result<(Vec<u8>, String), Failure> {
        let unwritable = |error: io::Error| Failure::unwritable(self.env.lang(), path, &error);
        let file = File::options().read(true).write(true).create(true).truncate(true).open(path).map_err(unwritable)?;
        let mut out = Digesting { file: &file, hasher: DigestAlg::Sha256.hasher() };
        let (written, beside) = (|| mapped::file(&file), path.parent().unwrap_or_else(|| Path::new(".")));
        let writing = Writing {
            lang: self.env.lang(),
            manner: self.manner,
            pades: self.means.pades.get(&document.format()),
            lister: self.lister(),
            time: self.time,
        };
        let work = writing.write(&document, prepared, signature, &mut out, written, beside);
        let sealed = self.runtime.block_on(work)?;
        open_to_others(&file).map_err(unwritable)?;
        Ok((sealed.signature, hex::encode(out.hasher.finish())))
    }
}

impl Bench<'_> {
    /// Who signs lists of files: the SM2 key of a card.
    fn lister(&self) -> Option<Lister<'_>> {
        let Holder::Card { keys, .. } = &self.means.holder else { return None };
        let sm2 = Suite::Sm2Sm3.name();
        Some(Lister { key: keys.get(sm2)?, certificate: self.means.certificates.get(sm2)? })
    }
}

/// Something that one of several takes.
pub(super) struct Slot<T>(Mutex<Option<T>>);

impl<T> Slot<T> {
    pub(super) const fn new(thing: Option<T>) -> Self {
        Self(Mutex::new(thing))
    }

    pub(super) fn take(&self) -> Option<T> {
        self.0.lock().ok().and_then(|mut thing| thing.take())
    }
}

/// Writes, and digests what is written.
struct Digesting<'a> {
    file: &'a File,
    hasher: Hasher,
}

impl Write for Digesting<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
