//! What is known about certificates: themselves, and statements of their issuers about revocation.

use crate::certificate::Certificate;
use crate::chain::MAX_POOL;
use crate::crl::Crl;
use crate::ocsp::OcspResponse;

/// Of each kind so many are kept: what a document can bring along is bounded.
pub const MAX_EVIDENCE: usize = 512;

/// Certificates, revocation lists and OCSP responses from wherever they came. None of them is to be trusted before its
/// signature was checked.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Material for chains.
    pub certificates: Vec<Certificate>,
    /// Revocation lists.
    pub crls: Vec<Crl>,
    /// OCSP responses.
    pub ocsps: Vec<OcspResponse>,
}

impl Evidence {
    /// Adds what `other` has and this has not, up to [`MAX_EVIDENCE`] of each kind.
    pub fn extend(&mut self, other: Self) {
        merge(&mut self.certificates, other.certificates, |a, b| a == b);
        merge(&mut self.crls, other.crls, |a, b| a.der() == b.der());
        merge(&mut self.ocsps, other.ocsps, |a, b| a == b);
    }

    /// The certificates that may stand above `leaf`, by their names: as many as [`crate::chain::build`] looks through.
    pub fn issuers_of(&self, leaf: &Certificate) -> Vec<Certificate> {
        let mut found: Vec<Certificate> = Vec::new();
        let mut next = 0;
        let mut below = leaf.clone();
        loop {
            for candidate in &self.certificates {
                let is_issuer = below.issuer_name().matches(candidate.subject_name());
                if is_issuer && found.len() < MAX_POOL && !found.contains(candidate) {
                    found.push(candidate.clone());
                }
            }
            let Some(one) = found.get(next) else { return found };
            below = one.clone();
            next += 1;
        }
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty() && self.crls.is_empty() && self.ocsps.is_empty()
    }
}

fn merge<T>(into: &mut Vec<T>, from: Vec<T>, same: impl Fn(&T, &T) -> bool) {
    for one in from {
        if into.len() < MAX_EVIDENCE && !into.iter().any(|known| same(known, &one)) {
            into.push(one);
        }
    }
}
