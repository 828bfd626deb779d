//! What is known about the revocation of one certificate.

use std::time::Duration;

use eseal_kernel::Timestamp;
use eseal_pki::ocsp::CertificateStatus;
use eseal_pki::{Certificate, Evidence, Revocation, RevocationReason};

/// By how much other clocks may be ahead of ours.
const TOLERANCE: Duration = Duration::from_secs(5 * 60);
/// How long a statement holds that does not say when the next one is due (EN 319 102-1 §5.2.5 leaves that to the policy).
const UNDATED: Duration = Duration::from_secs(24 * 60 * 60);

/// What genuine lists and answers of the issuer say.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The earliest final revocation.
    revoked: Option<Revocation>,
    /// A hold, where the newest statement has it.
    hold: Option<Revocation>,
    /// From when until when it was said to be good.
    good: Vec<(Timestamp, Timestamp)>,
}

/// How a certificate stood at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    NotRevoked,
    Revoked(Revocation),
    /// Suspended, which may be lifted.
    OnHold(Revocation),
    /// What is known was known up to this moment only.
    Stale(Timestamp),
    Unknown,
}

/// One statement about the certificate, from a list or an answer that is genuine.
struct Statement {
    this_update: Timestamp,
    next_update: Option<Timestamp>,
    revocation: Option<Revocation>,
    /// Whether silence about a revocation means that there is none.
    complete: bool,
}

impl Known {
    /// Gathers what `evidence` has about `certificate`, which `issuer` issued. Statements from after `now` are not genuine.
    pub(super) fn gather(certificate: &Certificate, issuer: &Certificate, evidence: &Evidence, now: Timestamp) -> Self {
        let mut statements = lists(certificate, issuer, evidence);
        statements.extend(answers(certificate, issuer, evidence));
        statements.retain(|statement| statement.this_update <= now.plus(TOLERANCE));
        let mut known = Self::default();
        let newest = statements.iter().map(|statement| statement.this_update).max();
        for Statement { this_update, next_update, revocation, complete } in statements {
            match revocation {
                Some(revocation) if revocation.reason.is_final() => {
                    let earlier = known.revoked.is_none_or(|known| revocation.since < known.since);
                    known.revoked = if earlier { Some(revocation) } else { known.revoked };
                }
                Some(hold) if Some(this_update) == newest => known.hold = Some(hold),
                Some(_) => {}
                None if complete => {
                    let until = next_update.unwrap_or_else(|| this_update.plus(UNDATED));
                    known.good.push((this_update, until));
                }
                None => {}
            }
        }
        known
    }

    /// How it stood at `at`. A statement made later counts as well: a revocation carries its own moment.
    pub(super) fn at(&self, at: Timestamp) -> Standing {
        match (self.revoked, self.hold) {
            (Some(revocation), _) if revocation.since <= at => return Standing::Revoked(revocation),
            (_, Some(hold)) if hold.since <= at => return Standing::OnHold(hold),
            // The issuer says since when; before that it was not revoked.
            (Some(_), _) | (_, Some(_)) => return Standing::NotRevoked,
            (None, None) => {}
        }
        if self.good.iter().any(|(from, until)| at <= *from || at <= *until) {
            return Standing::NotRevoked;
        }
        let newest = self.good.iter().map(|(_, until)| *until).max();
        newest.map_or(Standing::Unknown, Standing::Stale)
    }
}

fn lists(certificate: &Certificate, issuer: &Certificate, evidence: &Evidence) -> Vec<Statement> {
    let genuine = evidence.crls.iter().filter(|list| list.verify(issuer).is_ok());
    let statements = genuine.map(|list| Statement {
        this_update: list.this_update(),
        next_update: list.next_update(),
        revocation: list.revocation_of(certificate),
        complete: list.speaks_about(certificate),
    });
    statements.collect()
}

fn answers(certificate: &Certificate, issuer: &Certificate, evidence: &Evidence) -> Vec<Statement> {
    let mut statements = Vec::new();
    for response in &evidence.ocsps {
        // Looking is cheaper than checking a signature.
        let Some(said) = response.statement_about(certificate, issuer) else { continue };
        if response.verify(issuer).is_err() {
            continue;
        }
        let remembers = said.this_update <= certificate.not_after()
            || said.archive_cutoff.is_some_and(|cutoff| cutoff <= certificate.not_after());
        let (revocation, complete) = match said.status {
            CertificateStatus::Good => (None, remembers),
            CertificateStatus::Revoked(revocation) => (Some(revocation), false),
            CertificateStatus::Unknown => continue,
        };
        let (this_update, next_update) = (said.this_update, said.next_update);
        statements.push(Statement { this_update, next_update, revocation, complete });
    }
    statements
}

/// `2026-01-31T08:00:00Z keyCompromise`.
pub(super) fn shown(revocation: Revocation) -> String {
    match revocation.reason {
        RevocationReason::Unspecified => revocation.since.to_string(),
        reason => format!("{} {reason}", revocation.since),
    }
}
