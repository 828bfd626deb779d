//! Sealing in two steps: [`prepare`] says what must be signed, [`Prepared::finish`] writes the sealed document.

use std::collections::BTreeMap;
use std::io::{Read, Seek, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use eseal_kernel::{Digest, Timestamp};
use eseal_pki::{Certificate, DigestAlg, Suite};
use eseal_seal::{Seal, SesSignature, ToSign, Version};

use super::coverage::INTEGRITY_LIST;
use super::document::{Body, OFD_XML, Pages, bodies};
use super::edit::{NewSignature, new_list, with_list};
use super::files::Files;
use super::layout::{Layout, highest_id, max_id_of};
use super::package::{Package, malformed};
use super::signatures::{self, Descriptor, Listed};
use super::{output, xml};
use crate::{DocumentError, Limit, Limits, OnProgress, Stamp};

/// What to seal with, and where.
#[derive(Debug, Clone, Copy)]
pub struct SealingRequest<'a> {
    /// The SESeal, as its maker made it.
    pub seal_der: &'a [u8],
    /// Where impressions go; at least one.
    pub stamps: &'a [Stamp],
    /// The sealing time, which the signature states; a fraction of a second is cut off.
    pub time: Timestamp,
}

/// A document that is ready to be sealed, except for the signature.
#[derive(Debug, Clone)]
pub struct Prepared {
    limits: Limits,
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

/// Prepares the sealing of an OFD document; it stays open for further seals.
///
/// # Errors
/// The document cannot be used, an earlier signature locks it, a place is not on its page, or the seal is malformed,
/// not its maker's, or not valid at that time.
pub fn prepare<R: Read + Seek>(
    input: R,
    request: &SealingRequest<'_>,
    limits: &Limits,
    on_progress: OnProgress<'_>,
) -> Result<Prepared, DocumentError> {
    let time = request.time.whole_seconds();
    usable_seal(request.seal_der, time)?;
    let mut files = Files::new(Package::open(input, limits)?, on_progress);
    let package = &mut files.package;
    let fingerprint = fingerprint(package);
    let body = only_body(package)?;
    let stamps = stamps(package, &body, request.stamps)?;
    let present = Present::read(package, &body)?;
    let layout = Layout::new(package, &body, present.highest_id, stamps.len());
    present.must_be_open(package, &body, &layout)?;

    let mut new = BTreeMap::new();
    let signature = NewSignature { id: &layout.id, max_id: layout.max_id(), entry: &layout.descriptor };
    let list = match &present.list {
        Some(text) => signature.appended(text, &layout.list, limits)?,
        None => new_list(&signature),
    };
    if body.signatures.is_none() {
        let text = utf8(package, &present.ofd_xml)?;
        new.insert(present.ofd_xml.clone(), with_list(&text, &layout.list, limits)?.into_bytes());
    }
    new.insert(layout.seal.clone(), request.seal_der.to_vec());
    let references = references(&mut files, &new, &layout.list)?;
    new.insert(layout.list.clone(), list.into_bytes());
    files.finish();

    let descriptor = output::descriptor(&layout, &references, &stamps, time);
    let data_hash = sm3(descriptor.as_bytes());
    new.insert(layout.descriptor.clone(), descriptor.into_bytes());
    let to_sign = ToSign {
        seal_der: request.seal_der.to_vec(),
        time,
        data_hash,
        property_info: format!("/{}", layout.descriptor),
        extensions: Vec::new(),
    };
    let to_sign = to_sign.to_der().map_err(|error| unusable(error.to_string()))?;
    Ok(Prepared { limits: limits.clone(), fingerprint, layout, data_hash, to_sign, files: new })
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

    /// Writes the sealed document: `input` once more, and the signature value over [`Prepared::to_sign`] with the
    /// certificate of the key that made it. Entries that sealing does not change are copied as they are.
    ///
    /// # Errors
    /// The signature does not verify, the certificate is not in the seal's list or not of an SM2 key, `input` is not
    /// what was prepared, or writing fails; then `out` has an incomplete document and must be thrown away.
    pub fn finish<R, W>(
        mut self,
        input: R,
        out: W,
        signer: &Certificate,
        signature: &[u8],
    ) -> Result<Sealed, DocumentError>
    where
        R: Read + Seek,
        W: Write,
    {
        if signer.public_key().ok().and_then(|key| key.suite()) != Some(Suite::Sm2Sm3) {
            return Err(DocumentError::NotAnSm2Key);
        }
        let der = SesSignature::assemble(&self.to_sign, signer, signature).map_err(|_| DocumentError::SigningFailed)?;
        let signed = SesSignature::from_der(&der).map_err(|_| DocumentError::SigningFailed)?;
        if !signed.signer_in_list() {
            return Err(DocumentError::SignerNotInSeal);
        }
        signed.verify_value().map_err(|_| DocumentError::SigningFailed)?;
        let mut package = Package::open(input, &self.limits)?;
        if fingerprint(&package) != self.fingerprint {
            return Err(DocumentError::Changed);
        }
        self.files.insert(self.layout.value.clone(), der);
        output::write(&mut package, self.files, signed.time(), out)?;
        Ok(Sealed { id: self.layout.id, signature: signed })
    }
}

fn usable_seal(der: &[u8], time: Timestamp) -> Result<(), DocumentError> {
    let seal = Seal::from_der(der).map_err(|error| unusable(error.to_string()))?;
    if seal.version() == Version::V1 {
        return Err(unusable("seals of GM/T 0031-2014 are verified, but documents are not sealed with them any more"));
    }
    seal.verify_value().map_err(|error| unusable(error.to_string()))?;
    let info = seal.info();
    match info.is_valid_at(time) {
        true => Ok(()),
        false => Err(DocumentError::SealNotValid { time, from: info.valid_from, to: info.valid_to }),
    }
}

fn unusable(what: impl Into<String>) -> DocumentError {
    DocumentError::SealUnusable { what: what.into() }
}

/// Packages with several documents exist in the standard but hardly anywhere else.
fn only_body<R: Read + Seek>(package: &mut Package<R>) -> Result<Body, DocumentError> {
    let mut bodies = bodies(package)?;
    match (bodies.pop(), bodies.is_empty()) {
        (Some(body), true) => Ok(body),
        _ => Err(DocumentError::Unsupported { what: "it has several documents in one package".to_owned() }),
    }
}

/// The object ID of the page of every impression, and where it is there; each must lie on its page.
fn stamps<R: Read + Seek>(
    package: &mut Package<R>,
    body: &Body,
    wanted: &[Stamp],
) -> Result<Vec<(String, Stamp)>, DocumentError> {
    if wanted.is_empty() {
        return Err(DocumentError::NoPlace);
    }
    Limit::Stamps.check(wanted.len() as u64, package.limits().max_stamps.into())?;
    let mut pages = Pages::read(package, body)?;
    let mut stamps = Vec::with_capacity(wanted.len());
    for stamp in wanted {
        let page = stamp.place.page;
        let id = pages.id_of(page)?.to_owned();
        stamp.must_lie_on(pages.size_of(package, page)?, pages.count())?;
        stamps.push((id, *stamp));
    }
    Ok(stamps)
}

/// The signatures that the document has already.
struct Present {
    /// The entry of `OFD.xml`, which may be written otherwise.
    ofd_xml: String,
    /// The text of the list, if it exists.
    list: Option<String>,
    listed: Vec<Listed>,
    descriptors: Vec<Descriptor>,
    highest_id: u32,
}

impl Present {
    fn read<R: Read + Seek>(package: &mut Package<R>, body: &Body) -> Result<Self, DocumentError> {
        let ofd_xml = package.locate("", OFD_XML).unwrap_or_default();
        let Some(entry) = body.signatures.as_ref().filter(|entry| package.find(entry).is_some()) else {
            return Ok(Self { ofd_xml, list: None, listed: Vec::new(), descriptors: Vec::new(), highest_id: 0 });
        };
        let listed = signatures::list(package, entry)?;
        let mut descriptors = Vec::with_capacity(listed.len());
        for signature in &listed {
            let bytes = package.read_xml(&signature.entry)?;
            descriptors.push(Descriptor::read(package, &signature.entry, &bytes)?);
        }
        let text = utf8(package, entry)?;
        let max_id = max_id_of(package, entry, &text)?;
        let highest_id = highest_id(max_id.as_deref(), &listed, &descriptors);
        Ok(Self { ofd_xml, list: Some(text), listed, descriptors, highest_id })
    }

    /// Refuses if a file that sealing must change is protected: that seal would break.
    fn must_be_open<R: Read + Seek>(
        &self,
        package: &Package<R>,
        body: &Body,
        layout: &Layout,
    ) -> Result<(), DocumentError> {
        if package.find(INTEGRITY_LIST).is_some() {
            let (by, covered) = (INTEGRITY_LIST.to_owned(), "the set of files".to_owned());
            return Err(DocumentError::Locked { by, covered });
        }
        let ofd_xml = body.signatures.is_none().then_some(self.ofd_xml.as_str());
        let changed = [Some(layout.list.as_str()), ofd_xml];
        for covered in changed.into_iter().flatten() {
            let lock = self.listed.iter().zip(&self.descriptors).find(|(_, descriptor)| descriptor.covers(covered));
            if let Some((signature, _)) = lock {
                let by = format!("signature {}", signature.id);
                return Err(DocumentError::Locked { by, covered: covered.to_owned() });
            }
        }
        Ok(())
    }
}

/// The digest of every file but the list, in the order of the package, new ones behind; Base64.
fn references<R: Read + Seek>(
    files: &mut Files<'_, R>,
    new: &BTreeMap<String, Vec<u8>>,
    list: &str,
) -> Result<Vec<(String, String)>, DocumentError> {
    let entries = files.package.entries().iter().enumerate().filter(|(_, entry)| !entry.is_directory);
    let present: Vec<(usize, String)> = entries.map(|(index, entry)| (index, entry.name.clone())).collect();
    let mut references = Vec::with_capacity(present.len() + 1);
    for (index, name) in present.iter().filter(|(_, name)| name != list) {
        let digest = match new.get(name) {
            Some(content) => sm3(content).to_vec(),
            None => match files.digest(*index, DigestAlg::Sm3)? {
                Ok(digest) => digest.clone(),
                Err(what) => return Err(malformed(format!("{name}: {what}"))),
            },
        };
        references.push((name.clone(), BASE64.encode(digest)));
    }
    let added = new.iter().filter(|(name, _)| files.package.find(name).is_none());
    references.extend(added.map(|(name, content)| (name.clone(), BASE64.encode(sm3(content)))));
    Ok(references)
}

/// The text of an XML file that is to be edited in place.
fn utf8<R: Read + Seek>(package: &mut Package<R>, name: &str) -> Result<String, DocumentError> {
    let bytes = package.read_xml(name)?;
    xml::decode(&bytes, name)?;
    String::from_utf8(bytes).map_err(|_| DocumentError::Unsupported { what: format!("{name} is not UTF-8") })
}

/// Tells a document from another by the names, sizes and checksums in its directory.
fn fingerprint<R: Read + Seek>(package: &Package<R>) -> Digest {
    let mut summary = Vec::new();
    for entry in package.entries() {
        summary.extend_from_slice(entry.name.as_bytes());
        summary.push(0);
        summary.extend_from_slice(&entry.size.to_be_bytes());
        summary.extend_from_slice(&entry.crc32.to_be_bytes());
    }
    Digest::of(&summary)
}

fn sm3(content: &[u8]) -> [u8; 32] {
    use sm3::Digest as _;
    sm3::Sm3::digest(content).into()
}
