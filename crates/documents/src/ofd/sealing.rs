//! Sealing in two steps: [`prepare`] says what must be signed, [`Prepared::finish`] writes the sealed document.

use std::collections::BTreeMap;
use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use eseal_kernel::{Digest, Timestamp};
use eseal_pki::{Certificate, DigestAlg, Suite};
use eseal_seal::{SesSignature, ToSign};

use super::digests::Wanted;
use super::edit::{NewSignature, new_list, with_list};
use super::entry_set::EntrySet;
use super::layout::Layout;
use super::output::{self, Copied};
use super::package::{Package, malformed};
use super::present::{Present, utf8};
use super::target::{Target, impressions};
use super::usable::UsableSeal;
use crate::token::must_be_over_value;
use crate::{DocumentError, Limits, OnProgress, Source, Stamp};

/// What to seal with, and where.
#[derive(Debug, Clone, Copy)]
pub struct SealingRequest<'a> {
    /// The seal.
    pub seal: &'a UsableSeal,
    /// Where impressions go; at least one.
    pub stamps: &'a [Stamp],
    /// The sealing time, which the signature states; a fraction of a second is cut off.
    pub time: Timestamp,
    /// What is not usual.
    pub options: SealingOptions,
}

/// Choices that hardly anybody makes.
#[derive(Debug, Clone, Copy, Default)]
pub struct SealingOptions {
    /// Whether further seals may follow.
    pub mode: Mode,
    /// Seals with a seal of GM/T 0031-2025 too. Whoever verifies with software of GB/T 38540-2020 can't read that, and
    /// the text of the standard was not at hand when this was written: it is off by default.
    pub accept_v5: bool,
}

/// Whether further seals may follow (GM/T 0099).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// 继续签章: the list of signatures is not protected, so that others can be added.
    #[default]
    Open,
    /// 整体保护: the list of signatures is protected, and this is the last seal.
    Locked,
}

/// A document that is ready to be sealed, except for the signature.
#[derive(Clone)]
pub struct Prepared {
    source: Source,
    zip: super::package::Zip,
    names: Vec<String>,
    fingerprint: Digest,
    layout: Layout,
    data_hash: [u8; 32],
    to_sign: Vec<u8>,
    /// New and changed files by their entry.
    files: BTreeMap<String, Vec<u8>>,
}

/// A document was sealed.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// The ID of the signature in the document.
    pub id: String,
    /// The signature as it lies in the document.
    pub signature: SesSignature,
}

/// Prepares the sealing of an OFD document.
///
/// # Errors
/// The document cannot be used, an earlier signature locks it, a place is not on its page, places are in several
/// documents of one package, or the seal is malformed, not its maker's, or not valid at that time.
pub fn prepare(
    source: Source,
    request: &SealingRequest<'_>,
    limits: &Limits,
    on_progress: OnProgress<'_>,
) -> Result<Prepared, DocumentError> {
    let time = request.time.whole_seconds();
    request.seal.must_be_usable_at(time, request.options.accept_v5)?;
    let seal_der = request.seal.seal().der();
    let package = Package::open(&source, limits)?;
    let target = Target::find(&package, request.stamps)?;
    let stamps = impressions(&package, &target, request.stamps)?;
    let present = Present::read(&package, &target)?;
    let layout = Layout::new(&package, &target.body, present.highest_id, stamps.len());
    present.must_be_open(&package, &target, &layout)?;

    let mut new = BTreeMap::new();
    let signature = NewSignature { id: &layout.id, max_id: layout.max_id(), entry: &layout.descriptor };
    let list = match &present.list {
        Some(text) => signature.appended(text, &layout.list, limits)?,
        None => new_list(&signature),
    };
    if target.body.signatures.is_none() {
        let text = utf8(&package, &present.ofd_xml)?;
        let text = with_list(&text, target.body.index, &layout.list, limits)?;
        new.insert(present.ofd_xml.clone(), text.into_bytes());
    }
    new.insert(layout.seal.clone(), seal_der.to_vec());
    new.insert(layout.list.clone(), list.into_bytes());
    // What stays open to change: the lists of the other documents always, this one's for further seals.
    let (unprotected, open_list) = match request.options.mode {
        Mode::Open => (&target.lists, Some(layout.list.as_str())),
        Mode::Locked => (&target.other_lists, None),
    };
    let references = references(&package, &new, unprotected, open_list, on_progress)?;

    let descriptor = output::descriptor(&layout, &references, &stamps, time);
    let data_hash = sm3(descriptor.as_bytes());
    new.insert(layout.descriptor.clone(), descriptor.into_bytes());
    let to_sign = ToSign {
        seal_der: seal_der.to_vec(),
        time,
        data_hash,
        property_info: format!("/{}", layout.descriptor),
        extensions: Vec::new(),
    };
    let to_sign = to_sign.to_der().map_err(|error| unusable(error.to_string()))?;
    let names = package.entries().iter().map(|entry| entry.name.clone()).collect();
    let (zip, fingerprint) = (package.zip(), fingerprint(&source, &package.zip()));
    Ok(Prepared { source, zip, names, fingerprint, layout, data_hash, to_sign, files: new })
}

impl Prepared {
    /// The SM3 of the new `Signature.xml`, which stands for the whole document.
    pub fn data_hash(&self) -> &[u8; 32] {
        &self.data_hash
    }

    /// The DER of TBS_Sign: the message that the signer's key signs.
    pub fn to_sign(&self) -> &[u8] {
        &self.to_sign
    }

    /// Writes the sealed document with the signature value over [`Prepared::to_sign`] and the certificate of the key that
    /// made it. Entries that sealing does not change are copied as they are.
    ///
    /// # Errors
    /// The signature does not verify, the certificate is not in the seal's list or not of an SM2 key, the document is not
    /// what was prepared any more, or writing fails; then `out` has an incomplete document and must be thrown away.
    pub fn finish(
        self,
        out: impl Write,
        signer: &Certificate,
        signature: &[u8],
        on_progress: OnProgress<'_>,
    ) -> Result<Sealed, DocumentError> {
        self.finish_stamped(out, signer, signature, None, on_progress)
    }

    /// The same with a time stamp token over the signature value (GB/T 38540-2020 7.1, `timeStamp`).
    ///
    /// # Errors
    /// As [`Prepared::finish`]; [`DocumentError::TimeStampRefused`].
    pub fn finish_stamped(
        mut self,
        out: impl Write,
        signer: &Certificate,
        signature: &[u8],
        token: Option<&[u8]>,
        on_progress: OnProgress<'_>,
    ) -> Result<Sealed, DocumentError> {
        if signer.public_key().ok().and_then(|key| key.suite()) != Some(Suite::Sm2Sm3) {
            return Err(DocumentError::NotAnSm2Key);
        }
        let der = SesSignature::assemble_stamped(&self.to_sign, signer, signature, token);
        let der = der.map_err(|_| DocumentError::SigningFailed)?;
        let signed = SesSignature::from_der(&der).map_err(|_| DocumentError::SigningFailed)?;
        if !signed.signer_in_list() {
            return Err(DocumentError::SignerNotInSeal);
        }
        signed.verify_value().map_err(|_| DocumentError::SigningFailed)?;
        if let Some(token) = token {
            must_be_over_value(token, signature)?;
        }
        if fingerprint(&self.source, &self.zip) != self.fingerprint {
            return Err(DocumentError::Changed);
        }
        self.files.insert(self.layout.value.clone(), der);
        let mut copied = Copied { zip: self.zip, names: self.names };
        output::write(&mut copied, self.files, signed.time(), out, on_progress)?;
        Ok(Sealed { id: self.layout.id, signature: signed })
    }
}

/// Never the bytes of a document or a seal: they would bury everything else.
impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut fields = f.debug_struct("Prepared");
        fields.field("id", &self.layout.id).field("data_hash", &hex::encode(self.data_hash)).finish_non_exhaustive()
    }
}

fn unusable(what: impl Into<String>) -> DocumentError {
    DocumentError::SealUnusable { what: what.into() }
}

/// The digest of every file but those that stay open to change, in the order of the package, new ones behind; Base64.
fn references(
    package: &Package,
    new: &BTreeMap<String, Vec<u8>>,
    unprotected: &EntrySet,
    open_list: Option<&str>,
    on_progress: OnProgress<'_>,
) -> Result<Vec<(String, String)>, DocumentError> {
    let is_protected = |index: usize, name: &str| !unprotected.contains(index) && Some(name) != open_list;
    let present = || package.files().filter(|(index, entry)| is_protected(*index, &entry.name));
    let mut wanted = Wanted::default();
    present()
        .filter(|(_, entry)| !new.contains_key(&entry.name))
        .for_each(|(index, _)| wanted.add(index, DigestAlg::Sm3));
    let digests = wanted.compute(package, on_progress)?;
    let mut references = Vec::with_capacity(package.entries().len() + new.len());
    for (index, entry) in present() {
        let digest = match (new.get(&entry.name), digests.get(index, DigestAlg::Sm3)) {
            (Some(content), _) => BASE64.encode(sm3(content)),
            (None, Some(Ok(digest))) => BASE64.encode(digest),
            (None, damaged) => {
                let what = damaged.and_then(Result::err).unwrap_or("it has no digest");
                return Err(malformed(format!("{}: {what}", entry.name)));
            }
        };
        references.push((entry.name.clone(), digest));
    }
    let added = new.iter().filter(|(name, _)| package.find(name).is_none() && Some(name.as_str()) != open_list);
    references.extend(added.map(|(name, content)| (name.clone(), BASE64.encode(sm3(content)))));
    Ok(references)
}

/// Bytes of a directory that tell a document from another; few have more.
const FINGERPRINT_BYTES: usize = 64 << 20;

/// Tells a document from another by its directory, which has the names, sizes and checksums of all files. A file that
/// somebody saves while the key is asked for must not be sealed with the digests of what it was.
pub(super) fn fingerprint(source: &Source, zip: &super::package::Zip) -> Digest {
    let bytes = (**source).as_ref();
    let directory = usize::try_from(zip.central_directory_start()).ok().and_then(|start| bytes.get(start..));
    let directory = directory.unwrap_or(bytes);
    Digest::of(&directory[..directory.len().min(FINGERPRINT_BYTES)])
}

fn sm3(content: &[u8]) -> [u8; 32] {
    use sm3::Digest as _;
    sm3::Sm3::digest(content).into()
}
