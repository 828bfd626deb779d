//! Chains of certificates from a signer to a root that the caller trusts (RFC 5280 §6).
//!
//! - [`build`] finds one: names, signatures, authorities, path lengths, critical extensions, restrictions of names and policies
//! - [`Chain`] is asked about a moment and a purpose: building says nothing about time and revocation, for a document may be old
//! - [`ChainError`]: which certificate broke which rule

mod error;
mod policies;
mod rules;
mod search;

use std::cmp::Reverse;

use eseal_kernel::Timestamp;

use crate::certificate::Certificate;
use crate::crl::Crl;
use crate::oid::{MAKER_EKU, Oid};

pub use error::ChainError;
pub use policies::PolicyDemand;
use search::Search;

/// Certificates of the longest chain, signer and root included.
pub const MAX_DEPTH: usize = 10;
/// Certificates that are looked through for the way to a root.
pub const MAX_POOL: usize = 64;

/// What the first certificate of a chain is to be good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Signing documents.
    Holder,
    /// Signing electronic seals: the certificate must list [`MAKER_EKU`].
    Maker,
}

/// The roots that the caller trusts for one purpose. Holder roots and maker roots are kept apart.
#[derive(Debug, Clone, Default)]
pub struct TrustStore {
    roots: Vec<Certificate>,
    demand: PolicyDemand,
}

impl TrustStore {
    /// Trusts these certificates. Usually CA certificates; any other is trusted for itself alone.
    pub fn new(roots: Vec<Certificate>) -> Self {
        Self { roots, demand: PolicyDemand::default() }
    }

    /// The same, trusted only for certificates whose policies are as demanded.
    pub fn demanding(self, demand: PolicyDemand) -> Self {
        Self { demand, ..self }
    }

    /// Whether nothing is trusted.
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// The trusted certificates.
    pub fn roots(&self) -> &[Certificate] {
        &self.roots
    }
}

/// A signer's certificate, its issuer's, and so on up to a trusted one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    certificates: Vec<Certificate>,
    /// Certificates that were given and are not in the chain, of the same names as its authorities: these may sign their lists with
    /// other keys than their certificates.
    namesakes: Vec<Certificate>,
}

/// Finds a chain from `leaf` through `pool` to one of `roots` that satisfies RFC 5280 §6.1 but for time and revocation. Of several
/// ways the one over roots, and over certificates that end later, is taken.
///
/// What a root's own certificate restricts (path length, names, policies, usages) holds for what is below it (RFC 5937). A chain
/// may have signatures of both suites: each is checked by what it says that it is.
///
/// # Errors
/// The [`ChainError`] that tells most of those that were met on all ways.
pub fn build(leaf: &Certificate, pool: &[Certificate], roots: &TrustStore) -> Result<Chain, ChainError> {
    build_at(leaf, pool, roots, None)
}

/// The same, taking a way over issuers that were valid at `at` if there is one: a CA that renewed its certificate has two of one
/// name and key, and for a document of old the older one is the right one. If there is none, then one over others.
///
/// # Errors
/// As [`build`].
pub fn build_at(
    leaf: &Certificate,
    pool: &[Certificate],
    roots: &TrustStore,
    at: Option<Timestamp>,
) -> Result<Chain, ChainError> {
    if pool.len() > MAX_POOL {
        return Err(ChainError::TooManyCertificates);
    }
    search::no_unknown_critical(leaf)?;
    let mut issuers: Vec<_> = roots.roots.iter().map(|root| (root, true)).collect();
    issuers.extend(pool.iter().map(|certificate| (certificate, false)));
    // A renewed certificate has the name and the key of the one before it: the later one is the better issuer.
    let was_valid =
        |one: &Certificate| at.is_none_or(|at| one.not_before() <= at && at.whole_seconds() <= one.not_after());
    issuers.sort_by_key(|(one, trusted)| (!trusted, !was_valid(one), Reverse(one.not_after())));
    if !issuers.iter().all(|(one, _)| was_valid(one)) {
        let valid = issuers.iter().copied().filter(|(one, _)| was_valid(one)).collect();
        if let Ok(certificates) = Search::new(leaf, valid, &roots.demand).run() {
            return Ok(Chain::new(certificates, pool));
        }
    }
    Ok(Chain::new(Search::new(leaf, issuers, &roots.demand).run()?, pool))
}

impl Chain {
    fn new(certificates: Vec<Certificate>, pool: &[Certificate]) -> Self {
        let is_authority = |one: &Certificate| {
            certificates.iter().skip(1).any(|authority| authority.subject_name().matches(one.subject_name()))
        };
        let namesakes = pool.iter().filter(|one| !certificates.contains(one) && is_authority(one)).cloned().collect();
        Self { certificates, namesakes }
    }

    /// The certificates from the signer's to the trusted one.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// Whether every certificate, the root included, was valid at that moment.
    pub fn valid_at(&self, at: Timestamp) -> Result<(), ChainError> {
        for certificate in &self.certificates {
            let subject = || certificate.subject();
            if at < certificate.not_before() {
                return Err(ChainError::NotYetValid { subject: subject(), from: certificate.not_before() });
            }
            // The last second belongs to the validity as a whole: certificates know no smaller unit.
            if at.whole_seconds() > certificate.not_after() {
                return Err(ChainError::Expired { subject: subject(), until: certificate.not_after() });
            }
        }
        Ok(())
    }

    /// Whether the signer's certificate may be used for this, and the authorities above it may certify for this.
    ///
    /// # Errors
    /// [`ChainError::KeyUsage`], [`ChainError::Purpose`], [`ChainError::CaPurpose`].
    pub fn check_purpose(&self, purpose: Purpose) -> Result<(), ChainError> {
        let Some(signer) = self.certificates.first() else { return Ok(()) };
        if !signer.allows_signing() {
            return Err(ChainError::KeyUsage { subject: signer.subject() });
        }
        match purpose {
            Purpose::Maker if !signer.has_eku(&MAKER_EKU) => Err(ChainError::Purpose { subject: signer.subject() }),
            Purpose::Maker => self.check_authorities(&MAKER_EKU),
            Purpose::Holder => rules::authorities_allow_one(&self.certificates),
        }
    }

    /// Whether the authorities above the signer may certify for this usage: each that lists usages lists this one, or any.
    ///
    /// # Errors
    /// [`ChainError::CaPurpose`].
    pub fn check_authorities(&self, usage: &Oid) -> Result<(), ChainError> {
        rules::authorities_allow(&self.certificates, usage)
    }

    /// Whether one of the certificates below the root was revoked at that moment, by what genuine lists of their issuers say.
    ///
    /// A list that is not genuine is passed over, and so is the absence of one: see [`Chain::without_current_crl`]. A list made
    /// after `at` counts, since a revocation carries its own moment. A hold counts while the issuer's newest list
    /// about the certificate has it.
    pub fn check_revocation(&self, crls: &[Crl], at: Timestamp) -> Result<(), ChainError> {
        for (certificate, lists) in self.with_lists(crls) {
            // One that is not about the certificate does not lift a hold.
            let newest = lists.iter().filter(|list| list.covers(certificate)).map(|list| list.this_update()).max();
            for list in lists {
                let Some(revocation) = list.revocation_of(certificate) else { continue };
                let counts = revocation.reason.is_final() || Some(list.this_update()) >= newest;
                if counts && revocation.since <= at {
                    let (since, reason) = (revocation.since, revocation.reason);
                    return Err(ChainError::Revoked { subject: certificate.subject(), since, reason });
                }
            }
        }
        Ok(())
    }

    /// The certificates below the root about which no genuine list that is current at `at` says anything.
    pub fn without_current_crl(&self, crls: &[Crl], at: Timestamp) -> Vec<Certificate> {
        let current = |certificate: &Certificate, lists: &[&Crl]| {
            lists.iter().any(|list| !list.is_stale_at(at) && list.covers(certificate))
        };
        let without = self.with_lists(crls).filter(|(certificate, lists)| !current(certificate, lists));
        without.map(|(certificate, _)| certificate.clone()).collect()
    }

    /// Each certificate below the root with the genuine lists of its issuer.
    fn with_lists<'a>(&'a self, crls: &'a [Crl]) -> impl Iterator<Item = (&'a Certificate, Vec<&'a Crl>)> {
        self.certificates.iter().zip(1..self.certificates.len()).map(move |(certificate, issuer)| {
            (certificate, crls.iter().filter(|list| self.is_genuine(list, issuer, crls)).collect())
        })
    }

    /// Whether the authority at this place signed a list: with the key of its certificate, with one that the chain has under the same
    /// name further up, or with one that it, or who certified it, certified for the same name and did not revoke (RFC 5280 §6.3.3 f).
    fn is_genuine(&self, list: &Crl, place: usize, crls: &[Crl]) -> bool {
        let [issuer, above @ ..] = self.certificates.get(place..).unwrap_or_default() else { return false };
        let same_name = |one: &Certificate| one.subject_name().matches(issuer.subject_name());
        let certified = |one: &Certificate| {
            let made = list.this_update();
            let in_time = one.not_before() <= made && made.whole_seconds() <= one.not_after();
            let revoked = |by| crls.iter().any(|list| list.revocation_of(one).is_some() && list.verify(by).is_ok());
            let by = |by: &&Certificate| one.verify_issued_by(by).is_ok();
            in_time && std::iter::once(issuer).chain(above.first()).find(by).is_some_and(|by| !revoked(by))
        };
        list.verify(issuer).is_ok()
            || above.iter().any(|one| same_name(one) && list.verify(one).is_ok())
            || self.namesakes.iter().any(|one| same_name(one) && list.verify(one).is_ok() && certified(one))
    }
}

#[cfg(test)]
mod tests;
