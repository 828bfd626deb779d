//! Sealing in the same two steps for both formats: what a client does with a card, and a service with a hosted key.
//!
//! What is sealed with which key follows from the format: SM2 for OFD, P-256 for PDF.

use std::io::{BufWriter, Cursor, Write};

use eseal_kernel::Timestamp;
use eseal_pki::{Certificate, Suite};
use eseal_seal::{CertificateList, Seal};

use crate::{
    DocumentError, Format, Limits, OnProgress, Place, Placement, Reason, Size, Source, Stamp, detect, ofd, pdf, stamps,
    verify,
};

/// What to seal with, and where.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The SESeal, as its maker made it.
    pub seal_der: &'a [u8],
    /// Where the impressions go.
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
    pub extras: Extras,
}

/// What hardly anybody asks for; the default is an approval by a new signature, after which others may seal too.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extras {
    /// Whether it is the last seal: 整体保护 in an OFD, a certification that permits nothing in a PDF.
    pub locked: bool,
    /// Makes it a certification of a PDF, after which no more than this may happen to it.
    pub certifies: Option<pdf::Permitted>,
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

/// The suite of the key that seals documents of this format.
pub const fn suite_for(format: Format) -> Suite {
    match format {
        Format::Ofd => Suite::Sm2Sm3,
        Format::Pdf => Suite::EcdsaP256Sha256,
    }
}

/// The certificate in a SESeal's list whose key seals documents of this format.
pub fn listed_signer(seal_der: &[u8], format: Format) -> Option<Certificate> {
    let seal = Seal::from_der(seal_der).ok()?;
    let CertificateList::Certificates(listed) = &seal.info().certificates else { return None };
    let mut certificates = listed.iter().filter_map(|der| Certificate::from_der(der).ok());
    certificates.find(|listed| listed.public_key().ok().and_then(|key| key.suite()) == Some(suite_for(format)))
}

/// What kind of document it is.
///
/// # Errors
/// [`DocumentError::NotADocument`].
pub fn format_of(source: &Source) -> Result<Format, DocumentError> {
    detect(&mut Cursor::new((**source).as_ref()))
}

/// The first earlier seal that no longer holds, and why: a new seal over such a document would stand under what nobody
/// agreed to.
///
/// # Errors
/// As [`verify`].
pub fn broken_seal(
    source: &Source,
    limits: &Limits,
    on_progress: OnProgress<'_>,
) -> Result<Option<(String, Reason)>, DocumentError> {
    let found = verify(source, limits, on_progress)?;
    let broken = found.seals.iter().find_map(|seal| {
        let reason = seal.content.reason().filter(|_| seal.content.is_failed())?;
        Some((seal.id.clone(), reason))
    });
    Ok(broken)
}

/// Everything but the signature.
///
/// # Errors
/// The document can't be sealed, or not there, or not with this seal and certificate.
pub fn prepare(
    source: &Source,
    request: &Request<'_>,
    limits: &Limits,
    on_progress: OnProgress<'_>,
) -> Result<Prepared, DocumentError> {
    let Request { seal_der, placement, time, signer, chain, reason, extras } = *request;
    let seal = Seal::from_der(seal_der).map_err(|error| DocumentError::SealUnusable { what: error.to_string() })?;
    let stamps = stamps(source, placement, Size::from(&seal.info().picture), limits)?;
    let of = match format_of(source)? {
        Format::Ofd => {
            if extras.certifies.is_some() {
                return Err(DocumentError::Unsupported { what: "an OFD has no certifications".to_owned() });
            }
            let mode = if extras.locked { ofd::Mode::Locked } else { ofd::Mode::Open };
            let options = ofd::SealingOptions { mode, ..ofd::SealingOptions::default() };
            let request = ofd::SealingRequest { seal_der, stamps: &stamps, time, options };
            Of::Ofd(Box::new(ofd::prepare(source.clone(), &request, limits, on_progress)?))
        }
        Format::Pdf => {
            let (seal, stamps) = (&pdf::UsableSeal::from_der(seal_der)?, stamps.as_slice());
            let locked = extras.locked.then_some(pdf::Permitted::Nothing);
            let certifies = extras.certifies.or(locked);
            let options = pdf::SealingOptions { certifies, ..pdf::SealingOptions::default() };
            let request = pdf::SealingRequest { seal, stamps, time, signer, chain, name: None, reason, options };
            Of::Pdf(Box::new(pdf::prepare(source.clone(), &request, limits, on_progress)?))
        }
    };
    Ok(Prepared { places: stamps.iter().map(Stamp::visible).collect(), signer: signer.clone(), of })
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
        match self.of {
            Of::Ofd(prepared) => {
                let mut out = BufWriter::new(out);
                let sealed = prepared.finish(&mut out, &self.signer, signature, on_progress)?;
                out.flush().map_err(DocumentError::Write)?;
                Ok(Sealed { name: sealed.id, signature: sealed.signature.der().to_vec() })
            }
            Of::Pdf(prepared) => {
                let sealed = prepared.finish(out, signature, on_progress)?;
                Ok(Sealed { name: sealed.id, signature: sealed.signature })
            }
        }
    }
}
