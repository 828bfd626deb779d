//! 防夹带: the list of the names of all files (GM/T 0099 annex D). Whatever the package has beside them was put there later.
//!
//! The list has no digests, so it stands beside seals and not in their place. Its signature is a GB/T 35275 SignedData
//! whose content is the SM3 of the list, with a time stamp where the caller has one.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;

use eseal_kernel::{Digest, Timestamp};
use eseal_pki::cms::{GmSignature, SignedData};
use eseal_pki::{Certificate, DigestAlg};

use super::coverage::shortened;
use super::entry_set::EntrySet;
use super::output::{self, Copied};
use super::package::{Fault, Package, Zip};
use super::sealing::fingerprint;
use super::xml::{self, escaped};
use crate::{DocumentError, Limit, Limits, Note, NoteCode, OnProgress, Source};

/// The list, beside `OFD.xml`.
pub const LIST: &str = "OFDEntries.xml";

/// Where its signature is written, as other producers do.
const VALUE: &str = "signedvalue.dat";

/// What is to be known of the list, if the package has one; it and its signature are carriers, which no seal covers.
///
/// # Errors
/// Only if the package as a whole cannot be used.
pub fn check(package: &Package, carriers: &mut EntrySet) -> Result<Vec<Note>, DocumentError> {
    let Some(index) = package.find(LIST) else { return Ok(Vec::new()) };
    carriers.insert(index);
    let wrong = |what: String| Ok(vec![Note::with(NoteCode::IntegrityListWrong, what)]);
    let list = match List::read(package) {
        Ok(list) => list,
        Err(Fault::Damaged(what)) => return wrong(what),
        Err(Fault::Fatal(error)) => return Err(error),
    };
    let Some(value) = list.value else { return wrong("it names no signature value".to_owned()) };
    carriers.insert(value);
    let bytes = match package.read(value, Limit::SignatureBytes, package.limits().max_signature_bytes) {
        Ok(bytes) => bytes,
        Err(Fault::Damaged(what)) => return wrong(what),
        Err(Fault::Fatal(error)) => return Err(error),
    };
    let signer = match signer_of(&bytes, &list.bytes) {
        Ok(signer) => signer,
        Err(what) => return wrong(what),
    };
    let own: EntrySet = [index, value].into_iter().collect();
    let files: EntrySet = package.files().map(|(index, _)| index).collect();
    let smuggled = files.without(&list.files).without(&own);
    let mut notes = Vec::new();
    if !smuggled.is_empty() {
        let names = smuggled.iter().map(|index| package.name_of(index));
        notes.push(Note::with(NoteCode::FilesNotListed, shortened(names, smuggled.len())));
    }
    if !list.missing.is_empty() {
        let names = list.missing.iter().map(String::as_str);
        notes.push(Note::with(NoteCode::ListedFilesMissing, shortened(names, list.missing.len())));
    }
    if notes.is_empty() {
        notes.push(Note::with(NoteCode::IntegrityListHolds, signer.subject()));
    }
    Ok(notes)
}

/// The signer, if every signature in `value` is of the list.
fn signer_of(value: &[u8], list: &[u8]) -> Result<Certificate, String> {
    let data = SignedData::from_der(value).map_err(|error| error.to_string())?;
    let mut first = None;
    for signer in data.signers() {
        let verified = signer.verify(|mut hasher| {
            hasher.update(list);
            hasher.finish()
        });
        let signature = verified.map_err(|error| error.to_string())?;
        first.get_or_insert(signature.certificate);
    }
    first.ok_or_else(|| "it has no signature".to_owned())
}

/// What the list says.
struct List {
    bytes: std::sync::Arc<[u8]>,
    /// The entry of its signature.
    value: Option<usize>,
    /// The entries that it names.
    files: EntrySet,
    /// Names that no entry has.
    missing: Vec<String>,
}

impl List {
    fn read(package: &Package) -> Result<Self, Fault> {
        let bytes = package.read_xml(LIST)?;
        let text = xml::decode(&bytes, LIST)?;
        let tree = xml::parse(&text, LIST, package.limits())?;
        let entry = |location: &str| package.locate("", location).and_then(|name| package.find(&name));
        let (mut files, mut missing) = (EntrySet::default(), Vec::new());
        let listed = xml::child(tree.root_element(), "FileList").into_iter();
        for location in listed.flat_map(|list| xml::children(list, "File")).filter_map(|file| file.attribute("FileLoc"))
        {
            match entry(location) {
                Some(index) => drop(files.insert(index)),
                None => missing.push(location.to_owned()),
            }
        }
        let value = xml::child_text(tree.root_element(), "SignedValueLoc").and_then(|location| entry(&location));
        drop(tree);
        drop(text);
        Ok(Self { bytes, value, files, missing })
    }
}

/// A document whose files are listed, except for the signature of the list.
pub struct PreparedList {
    source: Source,
    zip: Zip,
    names: Vec<String>,
    fingerprint: Digest,
    time: Timestamp,
    list: String,
    digest: Vec<u8>,
}

/// Lists all files of a document, which is usually sealed already: a list admits no further seal. Who signs it need not
/// be who sealed.
///
/// # Errors
/// The document cannot be used, or has a list.
pub fn prepare_list(source: Source, time: Timestamp, limits: &Limits) -> Result<PreparedList, DocumentError> {
    let package = Package::open(&source, limits)?;
    if package.find(super::document::OFD_XML).is_none() {
        return Err(DocumentError::NotADocument);
    }
    for name in [LIST, VALUE] {
        if let Some(index) = package.find(name) {
            let (by, covered) = (package.name_of(index).to_owned(), "the set of files".to_owned());
            return Err(DocumentError::Locked { by, covered });
        }
    }
    let list = text_of(&package, time);
    let digest = DigestAlg::Sm3.digest(list.as_bytes());
    let (zip, names) = (package.zip(), package.entries().iter().map(|entry| entry.name.clone()).collect());
    let fingerprint = fingerprint(&source, &zip);
    Ok(PreparedList { source, zip, names, fingerprint, time, list, digest })
}

impl PreparedList {
    /// The SM3 of the list: the message that the signer's SM2 key signs.
    pub fn to_sign(&self) -> &[u8] {
        &self.digest
    }

    /// Writes the document with its list. `time_stamp` is a token over the signature value, which annex D asks for.
    ///
    /// # Errors
    /// The signature is not one of the list by that certificate's SM2 key, the document is not what was prepared any more,
    /// or writing fails; then `out` has an incomplete document and must be thrown away.
    pub fn finish(
        self,
        out: impl Write,
        signer: &Certificate,
        signature: &[u8],
        time_stamp: Option<&[u8]>,
        on_progress: OnProgress<'_>,
    ) -> Result<(), DocumentError> {
        let value = GmSignature { signer, content: &self.digest, signature, time_stamp, others: &[] }.to_der();
        signer_of(&value, self.list.as_bytes()).map_err(|_| DocumentError::SigningFailed)?;
        if fingerprint(&self.source, &self.zip) != self.fingerprint {
            return Err(DocumentError::Changed);
        }
        let files = BTreeMap::from([(LIST.to_owned(), self.list.into_bytes()), (VALUE.to_owned(), value)]);
        let mut copied = Copied { zip: self.zip, names: self.names };
        output::write(&mut copied, files, Some(self.time), out, on_progress)
    }
}

fn text_of(package: &Package, time: Timestamp) -> String {
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <ofd:DocEntries xmlns:ofd=\"{}\" ID=\"1\" CreatorName=\"eseal\" Version=\"{}\" CreationDate=\"{}\">\
         <ofd:SignedValueLoc>/{VALUE}</ofd:SignedValueLoc><ofd:FileList>",
        super::NAMESPACE,
        env!("CARGO_PKG_VERSION"),
        time.to_string().get(..10).unwrap_or_default(),
    );
    for (number, (_, entry)) in (2_u32..).zip(package.files()) {
        // Writing to a String never fails.
        let _ = write!(text, "<ofd:File ID=\"{number}\" FileLoc=\"/{}\"/>", escaped(&entry.name));
    }
    text.push_str("</ofd:FileList></ofd:DocEntries>");
    text
}
