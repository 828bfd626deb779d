//! Chains of certificates from a signer to a root that the caller trusts (RFC 5280 §6).
//!
//! Building a chain says nothing about time and revocation: a document may be old. Those are asked of the [`Chain`], for the
//! moment that the caller has in mind.

use std::cmp::Reverse;

use eseal_kernel::Timestamp;

use crate::certificate::{Certificate, CertificateError};
use crate::crl::{Crl, RevocationReason};
use crate::extensions::KeyUsage;
use crate::oid::MAKER_EKU;

/// Certificates of the longest chain, signer and root included.
pub const MAX_DEPTH: usize = 10;
/// Certificates that are looked through for the way to a root.
pub const MAX_POOL: usize = 64;
/// Signatures that are checked while looking for one chain: bounds what a pool full of equal names can cost.
const MAX_CHECKS: usize = 200;

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
}

impl TrustStore {
    /// Trusts these certificates. Usually CA certificates; any other is trusted for itself alone.
    pub fn new(roots: Vec<Certificate>) -> Self {
        Self { roots }
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
}

/// Why there is no chain, or it does not serve. `subject` names the certificate that is the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are named in the messages")]
pub enum ChainError {
    /// Its issuer's certificate is neither given nor trusted.
    #[error("the certificate of the issuer {issuer} is missing")]
    NoPath { issuer: String },
    /// The chain ends in a root that is not among the trusted ones.
    #[error("the chain ends in {root}, which is not trusted")]
    NotTrusted { root: String },
    /// The issuer that it names did not sign it.
    #[error("the certificate of {subject} was not signed by the issuer that it names")]
    BadSignature { subject: String },
    /// It was signed with an algorithm, or by a key, that cannot be checked here.
    #[error("the signature on the certificate of {subject} cannot be checked: {reason}")]
    UnsupportedAlgorithm { subject: String, reason: String },
    /// It stands in an issuer's place and is no CA.
    #[error("{subject} is no certificate authority")]
    NotCa { subject: String },
    /// More certificates than [`MAX_DEPTH`], or than a pathLenConstraint allows.
    #[error("the chain is too long at {subject}")]
    PathTooLong { subject: String },
    /// Its keyUsage does not allow what it was used for.
    #[error("the certificate of {subject} does not allow this use of its key")]
    KeyUsage { subject: String },
    /// Its extKeyUsage does not list the purpose.
    #[error("the certificate of {subject} is not one of a seal maker")]
    Purpose { subject: String },
    /// A critical extension that is not processed here (RFC 5280 §4.2: the certificate must be refused).
    #[error("the certificate of {subject} has the unknown critical extension {extension}")]
    UnknownCritical { subject: String, extension: String },
    /// At that moment its validity had not begun.
    #[error("the certificate of {subject} is valid from {from} only")]
    NotYetValid { subject: String, from: Timestamp },
    /// At that moment its validity was over.
    #[error("the certificate of {subject} was valid until {until} only")]
    Expired { subject: String, until: Timestamp },
    /// At that moment it was revoked.
    #[error("the certificate of {subject} is revoked since {since}")]
    Revoked { subject: String, since: Timestamp, reason: RevocationReason },
    /// More than [`MAX_POOL`] certificates to look through, or too many of one name.
    #[error("too many certificates to find a chain among")]
    TooManyCertificates,
}

/// Finds a chain from `leaf` through `pool` to one of `roots`, checking names, signatures, basicConstraints, path lengths,
/// keyCertSign and critical extensions. Of several ways the one over roots, and over certificates that end later, is taken.
pub fn build(leaf: &Certificate, pool: &[Certificate], roots: &TrustStore) -> Result<Chain, ChainError> {
    build_at(leaf, pool, roots, None)
}

/// The same, taking the way over issuers that were valid at `at` where there are several: a CA that renewed its certificate has
/// two of one name and key, and for a document of old the older one is the right one.
pub fn build_at(
    leaf: &Certificate,
    pool: &[Certificate],
    roots: &TrustStore,
    at: Option<Timestamp>,
) -> Result<Chain, ChainError> {
    if pool.len() > MAX_POOL {
        return Err(ChainError::TooManyCertificates);
    }
    no_unknown_critical(leaf)?;
    let mut issuers: Vec<_> = roots.roots.iter().map(|root| (root, true)).collect();
    issuers.extend(pool.iter().map(|certificate| (certificate, false)));
    // A renewed certificate has the name and the key of the one before it: the later one is the better issuer.
    let was_valid = |one: &Certificate| at.is_none_or(|at| one.not_before() <= at && at <= one.not_after());
    issuers.sort_by_key(|(one, trusted)| (!trusted, !was_valid(one), Reverse(one.not_after())));
    let mut search = Search { issuers, path: vec![leaf.clone()], checks: 0 };
    search.complete()?;
    Ok(Chain { certificates: search.path })
}

struct Search<'a> {
    /// Those that may stand above others, and whether they are trusted: in the order in which they are tried.
    issuers: Vec<(&'a Certificate, bool)>,
    /// From the leaf up to the certificate whose issuer is looked for.
    path: Vec<Certificate>,
    checks: usize,
}

impl Search<'_> {
    /// Extends the path to a root, or leaves it as it was and says what stood in the way.
    fn complete(&mut self) -> Result<(), ChainError> {
        let Some(last) = self.path.last().cloned() else { return Err(ChainError::TooManyCertificates) };
        if self.issuers.iter().any(|(certificate, trusted)| *trusted && **certificate == last) {
            return Ok(());
        }
        let mut obstacle = if last.is_self_issued() && last.verify_issued_by(&last).is_ok() {
            ChainError::NotTrusted { root: last.subject() }
        } else {
            ChainError::NoPath { issuer: last.issuer() }
        };
        for (issuer, trusted) in self.issuers.clone() {
            if self.path.contains(issuer) || !last.issuer_name().matches(issuer.subject_name()) {
                continue;
            }
            let tried = self.step(&last, issuer, trusted).and_then(|()| {
                self.path.push(issuer.clone());
                let done = if trusted { Ok(()) } else { self.complete() };
                if done.is_err() {
                    self.path.pop();
                }
                done
            });
            match tried {
                Ok(()) => return Ok(()),
                Err(ChainError::TooManyCertificates) => return Err(ChainError::TooManyCertificates),
                Err(other) => obstacle = more_telling(obstacle, other),
            }
        }
        Err(obstacle)
    }

    /// Whether `issuer` may stand above `last` and signed it.
    fn step(&mut self, last: &Certificate, issuer: &Certificate, trusted: bool) -> Result<(), ChainError> {
        let subject = || issuer.subject();
        if self.path.len() >= MAX_DEPTH {
            return Err(ChainError::PathTooLong { subject: subject() });
        }
        self.checks += 1;
        if self.checks > MAX_CHECKS {
            return Err(ChainError::TooManyCertificates);
        }
        last.verify_issued_by(issuer).map_err(|error| match error {
            CertificateError::IssuerKey(_) | CertificateError::UnsupportedAlgorithm(_) => {
                ChainError::UnsupportedAlgorithm { subject: last.subject(), reason: error.to_string() }
            }
            _ => ChainError::BadSignature { subject: last.subject() },
        })?;
        no_unknown_critical(issuer)?;
        // A root of version 1 or without basicConstraints is a CA because the caller says so; any other has to say it itself.
        let ca = issuer.extensions().ca.unwrap_or(trusted);
        if !ca {
            return Err(ChainError::NotCa { subject: subject() });
        }
        if !issuer.allows(KeyUsage::KEY_CERT_SIGN) {
            return Err(ChainError::KeyUsage { subject: subject() });
        }
        // §4.2.1.9: CAs between this one and the leaf, those not counted that only carry the same name over to a new key.
        let below = self.path.iter().skip(1).filter(|certificate| !certificate.is_self_issued()).count();
        match issuer.extensions().path_length {
            Some(allowed) if below > allowed as usize => Err(ChainError::PathTooLong { subject: subject() }),
            _ => Ok(()),
        }
    }
}

/// Of two reasons the one that tells more: something wrong on the way, before a way that ends, before no way at all.
fn more_telling(a: ChainError, b: ChainError) -> ChainError {
    let rank = |error: &ChainError| match error {
        ChainError::NoPath { .. } => 0,
        ChainError::NotTrusted { .. } => 1,
        ChainError::BadSignature { .. } => 2, // perhaps merely another key of the same name
        _ => 3,
    };
    if rank(&b) > rank(&a) { b } else { a }
}

fn no_unknown_critical(certificate: &Certificate) -> Result<(), ChainError> {
    match certificate.extensions().unknown_critical.first() {
        Some(extension) => {
            Err(ChainError::UnknownCritical { subject: certificate.subject(), extension: extension.clone() })
        }
        None => Ok(()),
    }
}

impl Chain {
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

    /// Whether the signer's certificate may be used for this.
    pub fn check_purpose(&self, purpose: Purpose) -> Result<(), ChainError> {
        let Some(signer) = self.certificates.first() else { return Ok(()) };
        if !signer.allows_signing() {
            return Err(ChainError::KeyUsage { subject: signer.subject() });
        }
        match purpose {
            Purpose::Maker if !signer.has_eku(&MAKER_EKU) => Err(ChainError::Purpose { subject: signer.subject() }),
            Purpose::Maker | Purpose::Holder => Ok(()),
        }
    }

    /// Whether one of the certificates below the root was revoked at that moment, by what genuine lists of their issuers say.
    ///
    /// A list that is not genuine is passed over, and so is the absence of one: see [`Chain::without_current_crl`]. A list made
    /// after `at` counts, since a revocation carries its own moment. A hold counts while the issuer's newest list has it.
    pub fn check_revocation(&self, crls: &[Crl], at: Timestamp) -> Result<(), ChainError> {
        for (certificate, lists) in self.with_lists(crls) {
            let newest = lists.iter().map(|list| list.this_update()).max();
            for list in lists {
                let Some(revocation) = list.revocation_of(certificate) else { continue };
                let counts = revocation.reason.is_final() || Some(list.this_update()) == newest;
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
        self.certificates.windows(2).map(move |pair| {
            let genuine = crls.iter().filter(|list| list.verify(&pair[1]).is_ok());
            (&pair[0], genuine.collect())
        })
    }
}

#[cfg(test)]
mod tests;
