//! Which certificates a revocation list speaks about (issuingDistributionPoint, RFC 5280 §5.2.5).

use super::CrlError;
use crate::asn1::{Malformed, Reader, tag};
use crate::certificate::Certificate;
use crate::extensions::full_names;

/// What a list leaves out. Where nothing is said it is the issuer's whole list.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    /// The names of this part of the issuer's list, each a GeneralName as received; `None`: it is not a part.
    point: Option<Vec<Vec<u8>>>,
    only_users: bool,
    only_authorities: bool,
    only_attributes: bool,
    pub(super) only_some_reasons: bool,
}

impl Scope {
    /// Reads the extension's value. A list with entries of other issuers is refused: whoever takes it for one of this issuer
    /// would find the wrong certificates revoked.
    pub(super) fn read(value: &[u8]) -> Result<Self, CrlError> {
        const WHAT: &str = "issuingDistributionPoint";
        const FIELDS: usize = 6;
        let mut scope = Self::default();
        for field in Reader::der(value).single(tag::SEQUENCE, WHAT)?.inside()?.all(FIELDS, WHAT)? {
            let is_set = field.content != [0];
            match field.tag {
                _ if field.tag == tag::constructed(0) => scope.point = Some(full_names(&field)?),
                _ if field.tag == tag::context(1) => scope.only_users = is_set,
                _ if field.tag == tag::context(2) => scope.only_authorities = is_set,
                _ if field.tag == tag::context(3) => scope.only_some_reasons = true,
                _ if field.tag == tag::context(4) && is_set => {
                    return Err(CrlError::Unsupported("entries of other issuers".to_owned()));
                }
                _ if field.tag == tag::context(4) => {}
                _ if field.tag == tag::context(5) => scope.only_attributes = is_set,
                _ => return Err(Malformed(WHAT).into()),
            }
        }
        Ok(scope)
    }

    /// Whether a certificate of this issuer that is not on the list is not revoked, for the reasons that the list is about
    /// (RFC 5280 §6.3.3 b).
    pub(super) fn covers(&self, certificate: &Certificate) -> bool {
        let kind = !self.only_attributes
            && !(self.only_users && certificate.is_ca())
            && !(self.only_authorities && !certificate.is_ca());
        let part = self
            .point
            .as_ref()
            .is_none_or(|names| certificate.extensions().distribution_points.iter().any(|point| names.contains(point)));
        kind && part
    }
}
