//! Certificates, revocation lists and OCSP responses that signers put into attributes, where later validation finds them.

use crate::asn1::{Element, Malformed, Reader, tag};
use crate::certificate::Certificate;
use crate::chain::MAX_POOL;
use crate::cms::read::SignerInfo;
use crate::crl::Crl;
use crate::evidence::Evidence;
use crate::ocsp::OcspResponse;
use crate::oid;

impl SignerInfo {
    /// What lies in this signer's attributes: CAdES certificate-values and revocation-values (ETSI EN 319 122-1 annex A), and
    /// Adobe's revocation information (ISO 32000-1 §12.8.3.3.2). What cannot be read is left out.
    pub fn evidence(&self) -> Evidence {
        let mut evidence = Evidence::default();
        for value in self.unsigned.values(&oid::CERTIFICATE_VALUES) {
            evidence.certificates.extend(certificates(value).unwrap_or_default());
        }
        for value in self.unsigned.values(&oid::REVOCATION_VALUES) {
            let _ = revocation(value, OcspResponse::from_basic_der, &mut evidence);
        }
        let adobe = self.attributes.iter().flat_map(|attributes| attributes.values(&oid::REVOCATION_INFO_ARCHIVAL));
        for value in adobe {
            let _ = revocation(value, OcspResponse::from_der, &mut evidence);
        }
        evidence
    }
}

fn certificates(value: &[u8]) -> Result<Vec<Certificate>, Malformed> {
    let list = items(&Reader::ber(value).any("certificate-values")?)?;
    Ok(list.iter().filter_map(|one| Certificate::from_der(one.bytes).ok()).collect())
}

/// `SEQUENCE { [0] EXPLICIT lists, [1] EXPLICIT OCSP responses }`: both standards have that in common.
fn revocation<E>(
    value: &[u8],
    ocsp: impl Fn(&[u8]) -> Result<OcspResponse, E>,
    evidence: &mut Evidence,
) -> Result<(), Malformed> {
    const WHAT: &str = "revocation-values";
    let mut fields = Reader::ber(value).read(tag::SEQUENCE, WHAT)?.inside()?;
    if let Some(field) = fields.optional(tag::constructed(0))? {
        let list = items(&field.inside()?.any(WHAT)?)?;
        evidence.crls.extend(list.iter().filter_map(|one| Crl::from_der(one.bytes).ok()));
    }
    if let Some(field) = fields.optional(tag::constructed(1))? {
        let list = items(&field.inside()?.any(WHAT)?)?;
        evidence.ocsps.extend(list.iter().filter_map(|one| ocsp(one.bytes).ok()));
    }
    Ok(())
}

fn items<'a>(list: &Element<'a>) -> Result<Vec<Element<'a>>, Malformed> {
    list.inside()?.all(MAX_POOL, "more than 64 values in an attribute")
}
