//! Where an authority is asked about the certificates that it issues.

use crate::oid;
use crate::template;

/// Addresses that stand in certificates, each where it is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addresses {
    /// The whole revocation list (cRLDistributionPoints).
    pub list: Option<String>,
    /// The changes since (freshestCRL).
    pub changes: Option<String>,
    /// The OCSP responder (authorityInfoAccess).
    pub ocsp: Option<String>,
    /// The authority's certificate (likewise).
    pub issuer: Option<String>,
}

impl Addresses {
    pub(super) fn extensions(&self) -> Vec<Vec<u8>> {
        let point = |id, address: &Option<String>| address.as_deref().map(|one| template::distribution_point(id, one));
        let mut extensions: Vec<_> = point(&oid::CRL_DISTRIBUTION_POINTS, &self.list).into_iter().collect();
        extensions.extend(point(&oid::FRESHEST_CRL, &self.changes));
        let places = [(oid::ACCESS_OCSP, &self.ocsp), (oid::ACCESS_CA_ISSUERS, &self.issuer)];
        let places: Vec<_> = places.iter().filter_map(|(method, one)| Some((*method, one.as_deref()?))).collect();
        if !places.is_empty() {
            extensions.push(template::information_access(&places));
        }
        extensions
    }
}
