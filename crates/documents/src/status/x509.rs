//! The chain of a certificate at a moment: found, valid, not revoked (EN 319 102-1 §5.2.6).

use eseal_kernel::Timestamp;
use eseal_pki::chain::{self, Chain, ChainError, TrustStore};
use eseal_pki::{Certificate, Evidence, Revocation};

use super::revocation::{Known, Standing, shown};
use super::{Requirement, SubIndication};

/// A certificate with its issuers up to a trusted one, and what is known about the revocation of each.
pub(super) struct Path {
    chain: Chain,
    /// Of each certificate below the trusted one.
    known: Vec<Known>,
}

/// Why a chain does not serve at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) kind: TroubleKind,
    /// Whether it is the signer's own certificate, and not one of a CA.
    pub(super) of_signer: bool,
    pub(super) detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TroubleKind {
    NotYetValid,
    /// With its end, and whether it is known not to have been revoked up to it.
    Expired(Timestamp, bool),
    Revoked(Revocation),
    OnHold,
    Stale,
    Unknown,
}

impl Path {
    /// Finds the way to one of `roots` over issuers that were valid at `at`, where there are such.
    pub(super) fn find(
        leaf: &Certificate,
        roots: &TrustStore,
        evidence: &Evidence,
        at: Timestamp,
        now: Timestamp,
    ) -> Result<Self, ChainError> {
        let chain = chain::build_at(leaf, &evidence.issuers_of(leaf), roots, Some(at))?;
        let pairs = chain.certificates().windows(2);
        let known = pairs.map(|pair| Known::gather(&pair[0], &pair[1], evidence, now)).collect();
        Ok(Self { chain, known })
    }

    pub(super) fn certificates(&self) -> &[Certificate] {
        self.chain.certificates()
    }

    /// The first thing that stands in the way at `at`, beginning with the signer's certificate. The trusted root is trusted
    /// because the caller says so, whatever its own dates; a signer's certificate that is trusted itself is not.
    pub(super) fn trouble(&self, at: Timestamp, requirement: Requirement) -> Option<Trouble> {
        let below = self.known.len().max(1);
        (0..below).find_map(|index| {
            let certificate = self.chain.certificates().get(index)?;
            let known = self.known.get(index);
            let (kind, detail) =
                invalid(certificate, known, at).or_else(|| known.and_then(|known| revoked(known, at, requirement)))?;
            let detail = format!("{}: {detail}", certificate.subject());
            Some(Trouble { kind, of_signer: index == 0, detail })
        })
    }
}

fn invalid(certificate: &Certificate, known: Option<&Known>, at: Timestamp) -> Option<(TroubleKind, String)> {
    let (from, until) = (certificate.not_before(), certificate.not_after());
    let kind = if at < from {
        TroubleKind::NotYetValid
    } else if at.whole_seconds() > until {
        TroubleKind::Expired(until, known.is_some_and(|known| known.at(until) == Standing::NotRevoked))
    } else {
        return None;
    };
    Some((kind, format!("{from} – {until}")))
}

fn revoked(known: &Known, at: Timestamp, requirement: Requirement) -> Option<(TroubleKind, String)> {
    match known.at(at) {
        Standing::NotRevoked => None,
        Standing::Revoked(revocation) => Some((TroubleKind::Revoked(revocation), shown(revocation))),
        Standing::OnHold(hold) => Some((TroubleKind::OnHold, shown(hold))),
        Standing::Stale(_) | Standing::Unknown if requirement == Requirement::WhereKnown => None,
        Standing::Stale(until) => Some((TroubleKind::Stale, format!("≤ {until}"))),
        Standing::Unknown => Some((TroubleKind::Unknown, "CRL, OCSP: –".to_owned())),
    }
}

impl Trouble {
    /// Its name where nothing proves an earlier existence.
    pub(super) fn without_proof(&self) -> SubIndication {
        match self.kind {
            TroubleKind::NotYetValid => SubIndication::OutOfBoundsNoPoe,
            TroubleKind::Expired(_, true) if self.of_signer => SubIndication::OutOfBoundsNotRevoked,
            TroubleKind::Expired(..) => SubIndication::OutOfBoundsNoPoe,
            TroubleKind::Revoked(_) if self.of_signer => SubIndication::RevokedNoPoe,
            TroubleKind::Revoked(_) => SubIndication::RevokedCaNoPoe,
            TroubleKind::OnHold | TroubleKind::Stale | TroubleKind::Unknown => SubIndication::TryLater,
        }
    }
}

/// Why there is no chain, by its name.
pub(super) fn no_chain(error: &ChainError) -> SubIndication {
    match error {
        // A trusted root that did not sign it usually has the same name and another key, and so is no way either.
        ChainError::NoPath { .. } | ChainError::NotTrusted { .. } | ChainError::BadSignature { .. } => {
            SubIndication::NoCertificateChainFound
        }
        ChainError::UnsupportedAlgorithm { .. } | ChainError::TooManyCertificates => {
            SubIndication::CertificateChainGeneralFailure
        }
        ChainError::NotCa { .. }
        | ChainError::PathTooLong { .. }
        | ChainError::KeyUsage { .. }
        | ChainError::Purpose { .. }
        | ChainError::CaPurpose { .. }
        | ChainError::UnknownCritical { .. }
        | ChainError::NameNotAllowed { .. }
        | ChainError::NameNotCompared { .. }
        | ChainError::NamesMalformed { .. }
        | ChainError::NoPolicy { .. }
        | ChainError::AnyPolicyMapped { .. } => SubIndication::ChainConstraintsFailure,
        ChainError::NotYetValid { .. } | ChainError::Expired { .. } => SubIndication::OutOfBoundsNoPoe,
        ChainError::Revoked { .. } => SubIndication::RevokedNoPoe,
    }
}
