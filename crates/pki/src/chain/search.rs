//! The search for a way from a signer to a root, depth first and bounded.

use super::policies::PolicyDemand;
use super::{ChainError, MAX_DEPTH, rules};
use crate::certificate::{Certificate, CertificateError};
use crate::extensions::KeyUsage;

/// Signatures that are checked while looking for one chain: bounds what a pool full of equal names can cost.
const MAX_CHECKS: usize = 200;
/// Ways to a root whose names and policies are looked at.
const MAX_PATHS: usize = 16;
/// Comparisons of names with constraints in all of them, of directory names those of attributes.
const MAX_COMPARISONS: usize = 500_000;

pub(super) struct Search<'a> {
    /// Those that may stand above others, and whether they are trusted: in the order in which they are tried.
    issuers: Vec<(&'a Certificate, bool)>,
    demand: &'a PolicyDemand,
    /// From the leaf up to the certificate whose issuer is looked for.
    path: Vec<Certificate>,
    checks: usize,
    paths: usize,
    comparisons: usize,
}

impl<'a> Search<'a> {
    pub(super) fn new(leaf: &Certificate, issuers: Vec<(&'a Certificate, bool)>, demand: &'a PolicyDemand) -> Self {
        let path = vec![leaf.clone()];
        Self { issuers, demand, path, checks: MAX_CHECKS, paths: MAX_PATHS, comparisons: MAX_COMPARISONS }
    }

    /// The path from the leaf to a root, or what stood in the way.
    pub(super) fn run(mut self) -> Result<Vec<Certificate>, ChainError> {
        self.complete()?;
        Ok(self.path)
    }

    /// Extends the path to a root, or leaves it as it was and says what stood in the way.
    fn complete(&mut self) -> Result<(), ChainError> {
        let Some(last) = self.path.last().cloned() else { return Err(ChainError::TooManyCertificates) };
        if self.issuers.iter().any(|(certificate, trusted)| *trusted && **certificate == last) {
            return self.check_whole();
        }
        let mut obstacles = Vec::new();
        for (issuer, trusted) in self.candidates(&last) {
            let tried = self.step(&last, issuer).and_then(|()| {
                may_issue(issuer, trusted, &self.path)?;
                self.path.push(issuer.clone());
                let done = if trusted { self.check_whole() } else { self.complete() };
                if done.is_err() {
                    self.path.pop();
                }
                done
            });
            match tried {
                Ok(()) => return Ok(()),
                Err(ChainError::TooManyCertificates) => return Err(ChainError::TooManyCertificates),
                Err(other) => obstacles.push(other),
            }
        }
        let nobody = if last.is_self_issued() && last.verify_issued_by(&last).is_ok() {
            ChainError::NotTrusted { root: last.subject() }
        } else {
            ChainError::NoPath { issuer: last.issuer() }
        };
        Err(obstacles.into_iter().fold(nobody, ChainError::or_more_telling))
    }

    /// Those of the name that `last` has as its issuer's, first those with the key that it names. Nobody stands above itself: a
    /// name with a key that is in the path already leads nowhere new.
    fn candidates(&self, last: &Certificate) -> Vec<(&'a Certificate, bool)> {
        let is_there = |issuer: &Certificate| {
            let same = |one: &Certificate| {
                one.subject_name().matches(issuer.subject_name())
                    && matches!((one.key_bits(), issuer.key_bits()), (Ok(a), Ok(b)) if a == b)
            };
            self.path.contains(issuer) || self.path.iter().skip(1).any(same)
        };
        let named =
            |(issuer, _): &(&Certificate, bool)| last.issuer_name().matches(issuer.subject_name()) && !is_there(issuer);
        let mut candidates: Vec<_> = self.issuers.iter().copied().filter(named).collect();
        // A hint and no rule (RFC 5280 §4.2.1.1): authorities get it wrong, and the signature decides.
        let wanted = last.extensions().authority_key.as_ref();
        candidates.sort_by_key(|(issuer, _)| match (wanted, &issuer.extensions().subject_key) {
            (Some(wanted), Some(key)) if wanted == key => 0,
            (Some(_), Some(_)) => 2,
            _ => 1,
        });
        candidates
    }

    /// Whether there is room for one more, and `issuer` signed `last`.
    fn step(&mut self, last: &Certificate, issuer: &Certificate) -> Result<(), ChainError> {
        if self.path.len() >= MAX_DEPTH {
            return Err(ChainError::PathTooLong { subject: issuer.subject() });
        }
        self.checks = self.checks.checked_sub(1).ok_or(ChainError::TooManyCertificates)?;
        last.verify_issued_by(issuer).map_err(|error| match error {
            CertificateError::IssuerKey(_) | CertificateError::UnsupportedAlgorithm(_) => {
                ChainError::UnsupportedAlgorithm { subject: last.subject(), reason: error.to_string() }
            }
            _ => ChainError::BadSignature { subject: last.subject() },
        })
    }

    fn check_whole(&mut self) -> Result<(), ChainError> {
        self.paths = self.paths.checked_sub(1).ok_or(ChainError::TooManyCertificates)?;
        rules::check(&self.path, self.demand, &mut self.comparisons)
    }
}

/// Whether `issuer` is an authority that may stand above this path (§6.1.4 k–o).
fn may_issue(issuer: &Certificate, trusted: bool, path: &[Certificate]) -> Result<(), ChainError> {
    let subject = || issuer.subject();
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
    let below = path.iter().skip(1).filter(|certificate| !certificate.is_self_issued()).count();
    match issuer.extensions().path_length {
        Some(allowed) if below > allowed as usize => Err(ChainError::PathTooLong { subject: subject() }),
        _ => Ok(()),
    }
}

pub(super) fn no_unknown_critical(certificate: &Certificate) -> Result<(), ChainError> {
    match certificate.extensions().unknown_critical.first() {
        Some(extension) => {
            Err(ChainError::UnknownCritical { subject: certificate.subject(), extension: extension.clone() })
        }
        None => Ok(()),
    }
}
