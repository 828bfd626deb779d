//! Reads SignedData of any producer, BER included, and keeps what was signed as it came.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use eseal_kernel::Timestamp;

use crate::algorithm::{AlgorithmError, SignatureAlgorithm, read_digest};
use crate::asn1::{Element, Malformed, Reader, tag, writer, x509_time};
use crate::certificate::{Certificate, serial_number};
use crate::chain::MAX_POOL;
use crate::cms::{CmsError, MAX_CMS};
use crate::crl::Crl;
use crate::digest_alg::DigestAlg;
use crate::evidence::Evidence;
use crate::name::Name;
use crate::ocsp::OcspResponse;
use crate::oid::{self, Oid};

const MAX_SIGNERS: usize = 32;
const MAX_ATTRIBUTES: usize = 64;
const MAX_VALUES: usize = 16;

/// A SignedData structure (RFC 5652 §5.1, PKCS #7, GB/T 35275 §8): signatures with certificates, and perhaps the content.
#[derive(Debug, Clone)]
pub struct SignedData {
    encapsulated: Arc<Encapsulated>,
    certificates: Vec<Certificate>,
    crls: Vec<Crl>,
    ocsps: Vec<OcspResponse>,
    signers: Vec<SignerInfo>,
}

/// What was signed, as far as the structure itself says.
#[derive(Debug)]
pub(crate) struct Encapsulated {
    pub(crate) content_type: Option<Oid>,
    /// `None`: detached, the content lies elsewhere.
    pub(crate) content: Option<Vec<u8>>,
}

/// One signature of a [`SignedData`].
#[derive(Clone)]
pub struct SignerInfo {
    pub(crate) encapsulated: Arc<Encapsulated>,
    pub(crate) certificate: Option<Certificate>,
    pub(crate) digest: Result<DigestAlg, AlgorithmError>,
    pub(crate) algorithm: Result<SignatureAlgorithm, AlgorithmError>,
    pub(crate) attributes: Option<Attributes>,
    pub(crate) signature: Vec<u8>,
    /// SignerIdentifier, header included.
    sid: Vec<u8>,
    pub(super) unsigned: Attributes,
}

/// Signed or unsigned attributes.
#[derive(Clone)]
pub(crate) struct Attributes {
    /// Of signed ones the bytes that the signature is over: contents in the order received, under the tag of a SET (RFC 5652 §5.4).
    pub(crate) signed: Vec<u8>,
    list: Vec<Attribute>,
}

#[derive(Clone)]
struct Attribute {
    oid: Option<Oid>,
    /// The bytes of each value, header included.
    values: Vec<Vec<u8>>,
}

impl SignedData {
    /// Reads a ContentInfo with SignedData. Zero bytes behind it, with which PDF fills up the space for a signature, are
    /// passed over.
    pub fn from_der(bytes: &[u8]) -> Result<Self, CmsError> {
        if bytes.len() > MAX_CMS {
            return Err(CmsError::TooLarge);
        }
        let mut reader = Reader::ber(bytes);
        let mut outer = reader.read(tag::SEQUENCE, "contentInfo")?.inside()?;
        if reader.rest().iter().any(|byte| *byte != 0) {
            return Err(CmsError::Malformed("something behind the structure"));
        }
        let content_type = outer.read(tag::OID, "contentType")?;
        match content_type.oid() {
            Some(oid::PKCS7_SIGNED_DATA | oid::GM_SIGNED_DATA) => {}
            other => return Err(CmsError::NotSignedData(other.map_or_else(String::new, |oid| oid.to_string()))),
        }
        let content = outer.read(tag::constructed(0), "content")?.inside()?.any("signedData")?;
        Self::read(&content)
    }

    fn read(element: &Element<'_>) -> Result<Self, CmsError> {
        if element.tag != tag::SEQUENCE {
            return Err(CmsError::Malformed("signedData"));
        }
        let mut fields = element.inside()?;
        fields.read(tag::INTEGER, "version")?;
        fields.read(tag::SET, "digestAlgorithms")?;
        let encapsulated = Arc::new(Encapsulated::read(&fields.read(tag::SEQUENCE, "encapContentInfo")?)?);
        let certificates = match fields.optional(tag::constructed(0))? {
            Some(set) => read_certificates(&set)?,
            None => Vec::new(),
        };
        let (crls, ocsps) = match fields.optional(tag::constructed(1))? {
            Some(set) => read_revocation(&set)?,
            None => Default::default(),
        };
        let signers = fields.read(tag::SET, "signerInfos")?.inside()?.all(MAX_SIGNERS, "more than 32 signers")?;
        let signers = signers.iter().map(|signer| SignerInfo::read(signer, &encapsulated, &certificates));
        Ok(Self { signers: signers.collect::<Result<_, _>>()?, encapsulated, certificates, crls, ocsps })
    }

    /// The signatures.
    pub fn signers(&self) -> &[SignerInfo] {
        &self.signers
    }

    /// The certificates that came along: material for [`crate::chain::build`]. Those that cannot be read are left out.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// The revocation lists that came along. Those that cannot be read are left out.
    pub fn crls(&self) -> &[Crl] {
        &self.crls
    }

    /// The OCSP responses that came along. Those that cannot be read are left out.
    pub fn ocsps(&self) -> &[OcspResponse] {
        &self.ocsps
    }

    /// Everything about certificates that came along, in all the places that there are for it.
    pub fn evidence(&self) -> Evidence {
        let (certificates, crls) = (self.certificates.clone(), self.crls.clone());
        let mut evidence = Evidence { certificates, crls, ocsps: self.ocsps.clone() };
        self.signers.iter().for_each(|signer| evidence.extend(signer.evidence()));
        evidence
    }

    /// The content, where it is not detached.
    pub fn content(&self) -> Option<&[u8]> {
        self.encapsulated.content.as_deref()
    }

    /// Whether it is a time stamp (RFC 3161), whose content is not the document but a statement about it.
    pub fn is_time_stamp(&self) -> bool {
        self.encapsulated.content_type == Some(oid::TST_INFO)
    }
}

impl Encapsulated {
    fn read(element: &Element<'_>) -> Result<Self, CmsError> {
        let mut fields = element.inside()?;
        let content_type = fields.read(tag::OID, "eContentType")?.oid();
        let content = match fields.optional(tag::constructed(0))? {
            // CMS has an OCTET STRING here; in PKCS #7 it may be anything, and its contents octets are what is hashed.
            Some(field) => match field.inside()?.next()? {
                Some(content) if content.is_octet_string() => Some(content.octets("eContent")?.into_owned()),
                Some(content) => Some(content.content.to_vec()),
                None => None,
            },
            None => None,
        };
        // Some producers leave the content away by leaving it empty (OpenSSL's PKCS7_verify knows them too). What was signed is
        // what is shown, then: a signature over nothing has another digest.
        let content = content.filter(|content| !content.is_empty());
        Ok(Self { content_type, content })
    }
}

/// CertificateSet. Other choices than certificates (attribute certificates, PKCS #6) are passed over.
fn read_certificates(set: &Element<'_>) -> Result<Vec<Certificate>, CmsError> {
    let elements = set.inside()?.all(MAX_POOL, "more than 64 certificates")?;
    Ok(elements.iter().filter_map(|element| Certificate::from_der(element.bytes).ok()).collect())
}

/// RevocationInfoChoices (RFC 5652 §10.2.1): lists, and OCSP responses (RFC 5940). What cannot be read is left out.
fn read_revocation(set: &Element<'_>) -> Result<(Vec<Crl>, Vec<OcspResponse>), CmsError> {
    let (mut crls, mut ocsps) = (Vec::new(), Vec::new());
    for element in set.inside()?.all(MAX_POOL, "more than 64 revocation lists")? {
        if element.tag == tag::constructed(1) {
            let mut other = element.inside()?;
            if other.read(tag::OID, "otherRevInfoFormat")?.oid() == Some(oid::OCSP_RESPONSE_CHOICE) {
                ocsps.extend(OcspResponse::from_der(other.any("otherRevInfo")?.bytes).ok());
            }
        } else {
            crls.extend(Crl::from_der(element.bytes).ok());
        }
    }
    Ok((crls, ocsps))
}

impl SignerInfo {
    fn read(element: &Element<'_>, encapsulated: &Arc<Encapsulated>, pool: &[Certificate]) -> Result<Self, CmsError> {
        let mut fields = element.inside()?;
        fields.read(tag::INTEGER, "version")?;
        let sid = fields.any("sid")?;
        let certificate = signer_certificate(&sid, pool)?;
        let digest = read_digest(&fields.any("digestAlgorithm")?);
        let attributes = match fields.optional(tag::constructed(0))? {
            Some(set) => Some(Attributes::read(&set)?),
            None => None,
        };
        let algorithm = SignatureAlgorithm::read(&fields.any("signatureAlgorithm")?, digest.clone().ok());
        let signature = fields.any("signature")?;
        if !signature.is_octet_string() {
            return Err(CmsError::Malformed("signature"));
        }
        let signature = signature.octets("signature")?.into_owned();
        let unsigned = match fields.optional(tag::constructed(1))? {
            Some(set) => Attributes::read(&set)?,
            None => Attributes { signed: Vec::new(), list: Vec::new() },
        };
        let encapsulated = Arc::clone(encapsulated);
        let sid = sid.bytes.to_vec();
        Ok(Self { encapsulated, certificate, digest, algorithm, attributes, signature, sid, unsigned })
    }

    /// The signer's certificate, if it came along.
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_ref()
    }

    /// The certificate among `pool` that the signature names as its signer's, for one that did not come along.
    pub fn certificate_among(&self, pool: &[Certificate]) -> Option<Certificate> {
        let sid = Reader::ber(&self.sid).any("sid").ok()?;
        signer_certificate(&sid, pool).ok().flatten()
    }

    /// The digest of the content; an error for one that is not known.
    pub fn digest_alg(&self) -> Result<DigestAlg, CmsError> {
        self.digest.clone().map_err(CmsError::from)
    }

    /// How the signature value was computed; an error for an algorithm that is not known.
    pub fn algorithm(&self) -> Result<SignatureAlgorithm, CmsError> {
        self.algorithm.clone().map_err(CmsError::from)
    }

    /// The signature value: what a time stamp in the unsigned attributes is over.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// When the signer says to have signed: an assertion, nothing more.
    pub fn signing_time(&self) -> Option<Timestamp> {
        let value = self.attributes.as_ref()?.value(&oid::SIGNING_TIME)?;
        x509_time(&Reader::ber(value).any("signingTime").ok()?).ok()
    }

    /// Whether there are signed attributes; without them the signature is over the content itself.
    pub fn has_signed_attributes(&self) -> bool {
        self.attributes.is_some()
    }

    /// The time stamps over the signature value (RFC 3161, annex A), to be read by [`crate::TimeStampToken::from_der`]. Not
    /// checked.
    pub fn time_stamp_tokens(&self) -> impl Iterator<Item = &[u8]> {
        self.unsigned.values(&oid::TIME_STAMP_TOKEN)
    }
}

impl Attributes {
    fn read(set: &Element<'_>) -> Result<Self, CmsError> {
        Ok(Self { signed: writer::tlv(tag::SET, set.content), list: read_attributes(set)? })
    }

    /// Every value of an attribute.
    pub(super) fn values(&self, oid: &Oid) -> impl Iterator<Item = &[u8]> {
        let found = self.list.iter().filter(move |attribute| attribute.oid.as_ref() == Some(oid));
        found.flat_map(|attribute| attribute.values.iter().map(Vec::as_slice))
    }

    /// The only value of an attribute; `None` also when there are several, which no attribute used here may have.
    pub(crate) fn value(&self, oid: &Oid) -> Option<&[u8]> {
        let mut found = self.list.iter().filter(|attribute| attribute.oid.as_ref() == Some(oid));
        match (found.next()?.values.as_slice(), found.next()) {
            ([value], None) => Some(value),
            _ => None,
        }
    }

    pub(crate) fn has(&self, oid: &Oid) -> bool {
        self.list.iter().any(|attribute| attribute.oid.as_ref() == Some(oid))
    }

    /// messageDigest (RFC 5652 §11.2).
    pub(crate) fn message_digest(&self) -> Result<Cow<'_, [u8]>, Malformed> {
        const WHAT: &str = "the attribute messageDigest";
        let value = Reader::ber(self.value(&oid::MESSAGE_DIGEST).ok_or(Malformed(WHAT))?).any(WHAT)?;
        if value.is_octet_string() { value.octets(WHAT) } else { Err(Malformed(WHAT)) }
    }
}

fn read_attributes(set: &Element<'_>) -> Result<Vec<Attribute>, CmsError> {
    let mut attributes = Vec::new();
    for attribute in set.inside()?.all(MAX_ATTRIBUTES, "more than 64 attributes")? {
        let mut parts = attribute.inside()?;
        let oid = parts.read(tag::OID, "an attribute")?.oid();
        let values =
            parts.read(tag::SET, "the values of an attribute")?.inside()?.all(MAX_VALUES, "more than 16 values")?;
        attributes.push(Attribute { oid, values: values.iter().map(|value| value.bytes.to_vec()).collect() });
    }
    Ok(attributes)
}

/// The certificate that a SignerIdentifier names: by issuer and serial number, or by the key's identifier.
fn signer_certificate(sid: &Element<'_>, pool: &[Certificate]) -> Result<Option<Certificate>, CmsError> {
    const WHAT: &str = "sid";
    let found = if sid.tag == tag::SEQUENCE {
        let mut fields = sid.inside()?;
        let issuer = fields.any(WHAT)?;
        let name = Name::read(&issuer, issuer.bytes)?;
        let serial = serial_number(fields.read(tag::INTEGER, WHAT)?.content);
        pool.iter().find(|other| other.issuer_name().matches(&name) && serial_number(other.serial()) == serial)
    } else if sid.tag & 0x9f == tag::context(0) {
        let key = sid.octets(WHAT)?;
        pool.iter().find(|other| other.extensions().subject_key.as_deref() == Some(&*key))
    } else {
        return Err(CmsError::Malformed(WHAT));
    };
    Ok(found.cloned())
}

impl fmt::Debug for SignerInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignerInfo")
            .field("certificate", &self.certificate)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}
