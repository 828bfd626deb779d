//! Sealing in the same two steps for both formats: what a client does with a card, and a service with a hosted key.
//!
//! What is sealed with which key follows from the format and the form: SM2 for OFD and for the Chinese form of PDF, P-256 for
//! its international form.

use std::fmt;
use std::io::{BufWriter, Cursor, Read, Write};
use std::sync::OnceLock;

use eseal_kernel::Timestamp;
use eseal_pki::{Certificate, Suite};
use eseal_seal::{CertificateList, Seal};

use crate::{
    DocumentError, Format, Limits, OnProgress, Place, Placement, Reason, SealingOption, Size, Source, Stamp, detect,
    ofd, pdf, stamps_with, verify_with,
};

/// A seal that was read and whose maker's signature holds, made ready once for any number of documents of both formats.
pub struct UsableSeal {
    checked: ofd::UsableSeal,
    /// With its picture made ready for pages: by the first PDF that needs it, or why it can't be.
    for_pdf: OnceLock<Result<pdf::UsableSeal, String>>,
}

/// What to seal with, and where.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The seal.
    pub seal: &'a UsableSeal,
    /// Where the impressions go; not asked where [`Options::field`] says it.
    pub placement: &'a Placement,
    /// The sealing time; a fraction of a second is cut off.
    pub time: Timestamp,
    /// The certificate of the key that will sign: see [`suite_for`].
    pub signer: &'a Certificate,
    /// Further certificates for PDF signatures, so that others can build the signer's chain.
    pub chain: &'a [Certificate],
    /// Why, for people; stands in PDF signatures only.
    pub reason: Option<&'a str>,
    /// What is not usual.
    pub options: Options<'a>,
}

/// What hardly anybody asks for; the default is an approval by a new signature, after which others may seal too.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// Whether it is the last seal: 整体保护 in an OFD, a certification that permits nothing in a PDF.
    pub locked: bool,
    /// Makes it a certification of a PDF, after which no more than this may happen to it.
    pub certifies: Option<pdf::Permitted>,
    /// The form of the signature of a PDF.
    pub form: pdf::SealForm,
    /// The name of an empty signature field of a PDF, whose place it takes.
    pub field: Option<&'a str>,
    /// The user's or the owner's password of an encrypted PDF. For others it says nothing.
    pub password: &'a str,
    /// Bytes to keep free in a PDF for a time stamp token over the signature value, see [`pdf::time_stamp_room`]; 0 for none.
    pub time_stamp_room: usize,
    /// Seals with a seal of GM/T 0031-2025 too, see [`ofd::SealingOptions::accept_v5`].
    pub accept_v5: bool,
}

/// A document that is ready to be sealed, except for the signature.
#[derive(Debug)]
pub struct Prepared {
    places: Vec<Place>,
    signer: Certificate,
    of: Of,
}

#[derive(Debug)]
enum Of {
    Ofd(Box<ofd::Prepared>),
    Pdf(Box<pdf::Prepared>),
}

/// A document was sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The name of the signature in the document.
    pub name: String,
    /// DER of the SES_Signature or CMS in it.
    pub signature: Vec<u8>,
}

impl UsableSeal {
    /// Reads a SESeal as its maker made it.
    ///
    /// # Errors
    /// [`DocumentError::SealUnusable`]: it is malformed, of GM/T 0031-2014, or not its maker's.
    pub fn from_der(der: &[u8]) -> Result<Self, DocumentError> {
        Ok(Self { checked: ofd::UsableSeal::from_der(der)?, for_pdf: OnceLock::new() })
    }

    /// The seal.
    pub const fn seal(&self) -> &Seal {
        self.checked.seal()
    }

    /// The certificate in its list whose key is of this suite.
    pub fn signer(&self, suite: Suite) -> Option<Certificate> {
        let CertificateList::Certificates(listed) = &self.seal().info().certificates else { return None };
        let mut certificates = listed.iter().filter_map(|der| Certificate::from_der(der).ok());
        certificates.find(|listed| listed.public_key().ok().and_then(|key| key.suite()) == Some(suite))
    }

    fn for_pdf(&self) -> Result<&pdf::UsableSeal, DocumentError> {
        let made = self.for_pdf.get_or_init(|| {
            pdf::UsableSeal::of_checked(self.seal().clone()).map_err(|error| match error {
                DocumentError::SealUnusable { what } => what,
                other => other.to_string(),
            })
        });
        made.as_ref().map_err(|what| DocumentError::SealUnusable { what: what.clone() })
    }
}

/// Never the seal's bytes: they would bury everything else.
impl fmt::Debug for UsableSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.checked.fmt(f)
    }
}

/// Never the password.
impl fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("locked", &self.locked)
            .field("certifies", &self.certifies)
            .field("form", &self.form)
            .field("field", &self.field)
            .field("time_stamp_room", &self.time_stamp_room)
            .field("accept_v5", &self.accept_v5)
            .finish_non_exhaustive()
    }
}

impl Options<'_> {
    /// Refuses what documents of this format do not have.
    ///
    /// # Errors
    /// [`DocumentError::OptionUnfit`].
    pub fn must_fit(&self, format: Format) -> Result<(), DocumentError> {
        let of_pdf = [
            (self.certifies.is_some(), SealingOption::Certification),
            (self.form != pdf::SealForm::Pades, SealingOption::Form),
            (self.field.is_some(), SealingOption::Field),
        ];
        let unfit = match format {
            Format::Ofd => of_pdf.into_iter().find_map(|(asked, option)| asked.then_some(option)),
            // A SES_Signature of GB/T 38540 has no place for a token in a PDF that other software would look for.
            Format::Pdf if self.form == pdf::SealForm::Gm && self.time_stamp_room > 0 => Some(SealingOption::TimeStamp),
            Format::Pdf => None,
        };
        unfit.map_or(Ok(()), |option| Err(DocumentError::OptionUnfit { format, option }))
    }
}

/// The suite of the key that seals documents of this format, in this form where it is a PDF.
pub const fn suite_for(format: Format, form: pdf::SealForm) -> Suite {
    match (format, form) {
        (Format::Ofd, _) | (Format::Pdf, pdf::SealForm::Gm) => Suite::Sm2Sm3,
        (Format::Pdf, pdf::SealForm::Pades) => Suite::EcdsaP256Sha256,
    }
}

/// What kind of document it is.
///
/// # Errors
/// [`DocumentError::NotADocument`].
pub fn format_of(source: &Source) -> Result<Format, DocumentError> {
    detect(&mut Cursor::new((**source).as_ref()))
}

/// The first earlier seal that no longer holds, and why: a new seal over such a document would stand under what nobody
/// agreed to. The password is that of an encrypted PDF.
///
/// # Errors
/// As [`verify_with`].
pub fn broken_seal(
    source: &Source,
    password: &str,
    limits: &Limits,
    on_progress: OnProgress<'_>,
) -> Result<Option<(String, Reason)>, DocumentError> {
    let seals = match format_of(source)? {
        Format::Ofd => verify_with(source, password, limits, on_progress)?.seals,
        Format::Pdf => pdf::seals_with(source, password, limits, on_progress)?,
    };
    let broken = seals.iter().find_map(|seal| {
        let reason = seal.content.reason().filter(|_| seal.content.is_failed())?;
        Some((seal.id.clone(), reason))
    });
    Ok(broken)
}

/// Everything but the signature.
///
/// # Errors
/// The document can't be sealed, or not there, or not so, or not with this seal and certificate.
pub fn prepare(
    source: &Source,
    request: &Request<'_>,
    limits: &Limits,
    on_progress: OnProgress<'_>,
) -> Result<Prepared, DocumentError> {
    prepare_from(source, None, request, limits, on_progress)
}

/// The same for a mapped file, which `content` reads from the first byte to the last: of a PDF only what says how it is built is
/// then touched in the mapping, and the memory that sealing takes does not grow with the document. (See [`Prepared::finish_reading`].)
///
/// # Errors
/// As [`prepare`]; [`DocumentError::Changed`] where `content` has more or fewer bytes than the source.
pub fn prepare_reading(
    source: &Source,
    content: &mut dyn Read,
    request: &Request<'_>,
    limits: &Limits,
    on_progress: OnProgress<'_>,
) -> Result<Prepared, DocumentError> {
    prepare_from(source, Some(content), request, limits, on_progress)
}

fn prepare_from(
    source: &Source,
    content: Option<&mut dyn Read>,
    request: &Request<'_>,
    limits: &Limits,
    on_progress: OnProgress<'_>,
) -> Result<Prepared, DocumentError> {
    let Request { seal, placement, time, signer, chain, reason, options } = *request;
    let format = format_of(source)?;
    options.must_fit(format)?;
    seal.checked.must_be_usable_at(time.whole_seconds(), options.accept_v5)?;
    let size = Size::from(&seal.seal().info().picture);
    let stamps = match options.field {
        Some(_) => Vec::new(),
        None => stamps_with(source, placement, size, options.password, limits)?,
    };
    let mut places: Vec<Place> = stamps.iter().map(Stamp::visible).collect();
    let of = match format {
        Format::Ofd => {
            let mode = if options.locked { ofd::Mode::Locked } else { ofd::Mode::Open };
            let options = ofd::SealingOptions { mode, accept_v5: options.accept_v5 };
            let request = ofd::SealingRequest { seal: &seal.checked, stamps: &stamps, time, options };
            Of::Ofd(Box::new(ofd::prepare(source.clone(), &request, limits, on_progress)?))
        }
        Format::Pdf => {
            if let Some(field) = options.field {
                places = pdf::field_places(source, field, options.password, limits)?;
            }
            let (seal, stamps) = (seal.for_pdf()?, stamps.as_slice());
            let locked = options.locked.then_some(pdf::Permitted::Nothing);
            let options = pdf::SealingOptions {
                certifies: options.certifies.or(locked),
                form: options.form,
                field: options.field,
                password: options.password,
                time_stamp_room: options.time_stamp_room,
                digest: None,
            };
            let request = pdf::SealingRequest { seal, stamps, time, signer, chain, name: None, reason, options };
            let source = source.clone();
            Of::Pdf(Box::new(match content {
                Some(content) => pdf::prepare_reading(source, content, &request, limits, on_progress)?,
                None => pdf::prepare(source, &request, limits, on_progress)?,
            }))
        }
    };
    Ok(Prepared { places, signer: signer.clone(), of })
}

impl Prepared {
    /// What stands for the whole document: SM3 of Signature.xml (OFD), SHA-256 of the byte ranges (PDF).
    pub fn digest(&self) -> &[u8] {
        match &self.of {
            Of::Ofd(prepared) => prepared.data_hash(),
            Of::Pdf(prepared) => prepared.digest(),
        }
    }

    /// The message that the signer's key signs.
    pub fn to_sign(&self) -> &[u8] {
        match &self.of {
            Of::Ofd(prepared) => prepared.to_sign(),
            Of::Pdf(prepared) => prepared.to_sign(),
        }
    }

    /// Where something of the impressions is seen.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// The certificate of the key that must sign.
    pub const fn signer(&self) -> &Certificate {
        &self.signer
    }

    /// Writes the sealed document with the signature over [`Prepared::to_sign`].
    ///
    /// # Errors
    /// The signature does not verify, or writing fails; then `out` has an incomplete document and must be thrown away.
    pub fn finish(
        self,
        out: impl Write,
        signature: &[u8],
        on_progress: OnProgress<'_>,
    ) -> Result<Sealed, DocumentError> {
        self.finish_stamped(out, signature, None, on_progress)
    }

    /// The same with a time stamp token over the signature; in a PDF where [`Options::time_stamp_room`] kept room for one.
    ///
    /// # Errors
    /// As [`Prepared::finish`]; [`DocumentError::TimeStampRefused`].
    pub fn finish_stamped(
        self,
        out: impl Write,
        signature: &[u8],
        token: Option<&[u8]>,
        on_progress: OnProgress<'_>,
    ) -> Result<Sealed, DocumentError> {
        self.finish_from(None, out, (signature, token), on_progress)
    }

    /// The same for what was prepared by [`prepare_reading`], with the same bytes read once more.
    ///
    /// # Errors
    /// As [`Prepared::finish_stamped`]; [`DocumentError::Read`], [`DocumentError::Changed`].
    pub fn finish_reading(
        self,
        content: &mut dyn Read,
        out: impl Write,
        (signature, token): (&[u8], Option<&[u8]>),
        on_progress: OnProgress<'_>,
    ) -> Result<Sealed, DocumentError> {
        self.finish_from(Some(content), out, (signature, token), on_progress)
    }

    fn finish_from(
        self,
        content: Option<&mut dyn Read>,
        out: impl Write,
        (signature, token): (&[u8], Option<&[u8]>),
        on_progress: OnProgress<'_>,
    ) -> Result<Sealed, DocumentError> {
        match self.of {
            Of::Ofd(prepared) => {
                let mut out = BufWriter::new(out);
                let sealed = prepared.finish_stamped(&mut out, &self.signer, signature, token, on_progress)?;
                out.flush().map_err(DocumentError::Write)?;
                Ok(Sealed { name: sealed.id, signature: sealed.signature.der().to_vec() })
            }
            Of::Pdf(prepared) => {
                let (completed, sealed) = prepared.complete(signature, token)?;
                match content {
                    Some(content) => completed.write_reading(content, out, on_progress)?,
                    None => completed.write(out, on_progress)?,
                }
                Ok(Sealed { name: sealed.id, signature: sealed.signature })
            }
        }
    }
}
