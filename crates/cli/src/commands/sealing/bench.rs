//! What several work at side by side in an act: laying a document out, and writing it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Mutex;

use eseal_card::{CardKey, SoftCard};
use eseal_documents::Placement;
use eseal_documents::sealing::Prepared;
use eseal_pki::{Certificate, DigestAlg, Hasher, Suite};
use zeroize::Zeroizing;

use super::batch::Ready;
use super::document::{Document, Sealing};
use super::inputs::Input;
use super::no_key;
use crate::commands::Env;
use crate::failure::{Failure, Kind, open_to_others};

/// What documents are sealed with.
pub(super) struct Means {
    pub(super) structure: Vec<u8>,
    pub(super) placement: Placement,
    pub(super) certificates: BTreeMap<&'static str, Certificate>,
    pub(super) holder: Holder,
}

pub(super) enum Holder {
    Card { card: SoftCard, keys: BTreeMap<&'static str, CardKey> },
    Hosted { pin: Zeroizing<String> },
}

/// What those who work side by side share.
pub(super) struct Bench<'a> {
    pub(super) env: &'a Env,
    pub(super) means: &'a Means,
    pub(super) of: Sealing<'a>,
}

/// A document that is sealed and waits for the service's word.
pub(super) struct Waiting {
    pub(super) signature: Vec<u8>,
    pub(super) output_digest: String,
}

/// A document with what is laid out of it.
pub(super) type Draft = (Document, Prepared);
/// The same with its signature.
pub(super) type Signed = (Draft, Vec<u8>);

pub(super) const SUITES: [Suite; 2] = [Suite::Sm2Sm3, Suite::EcdsaP256Sha256];

impl Bench<'_> {
    /// Everything but the signature.
    pub(super) fn prepare(&self, input: &Input, is_first: bool) -> Result<Draft, Failure> {
        let lang = self.env.lang();
        if input.output.exists() {
            return Err(Failure::new(Kind::Usage, "FILE_EXISTS", lang).because(input.output.display()));
        }
        let document = Document::open(self.env.output.quiet(), &input.file)?;
        if is_first {
            document.earlier_seals_hold()?;
        }
        let certificate = self.means.certificates.get(document.suite().name());
        let certificate = certificate.ok_or_else(|| no_key(lang, document.suite()))?;
        let prepared = document.prepare(self.of, certificate)?;
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

    /// The sealed document, whole and on disk, where it waits.
    pub(super) fn write(&self, (document, prepared): Draft, signature: &[u8], path: &Path) -> Result<Waiting, Failure> {
        let unwritable = |error: io::Error| Failure::unwritable(self.env.lang(), path, &error);
        let file = File::create(path).map_err(unwritable)?;
        let mut out = Digesting { file, hasher: DigestAlg::Sha256.hasher() };
        let sealed = document.finish(prepared, signature, &mut out)?;
        open_to_others(&out.file).map_err(unwritable)?;
        out.file.sync_all().map_err(unwritable)?;
        Ok(Waiting { signature: sealed.signature, output_digest: hex::encode(out.hasher.finish()) })
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
struct Digesting {
    file: File,
    hasher: Hasher,
}

impl Write for Digesting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
