//! What trust and issuers say of the certificates of a use: asked for all of them at once, within one time.

use eseal_kernel::{Digest, Timestamp};
use eseal_online::Proof;
use eseal_pki::Certificate;
use futures::future::try_join_all;

use super::sealing::Turn;
use super::{App, AppError};
use crate::contents::seen_row;
use crate::domain::reason::Reason;
use crate::domain::trust_anchor::Purpose;
use crate::trust::Fault;

/// What was found out about one certificate.
#[derive(Debug)]
pub struct Finding {
    fault: Option<Reason>,
    /// SHA-256 of the imported lists that say so.
    lists: Vec<Digest>,
    /// What was asked for besides.
    answers: Vec<Proof>,
}

impl App {
    /// What there is to say of each of these holders' certificates, in their order; one that is none can't be trusted.
    pub(super) async fn findings(
        &self,
        certificates: &[Option<Certificate>],
        now: Timestamp,
    ) -> Result<Vec<Finding>, AppError> {
        let deadline = self.inquiry.deadline();
        let finding = |certificate: Option<Certificate>| async move {
            let Some(certificate) = certificate else {
                let fault = Some(Reason::CertificateUntrusted);
                return Ok(Finding { fault, lists: Vec::new(), answers: Vec::new() });
            };
            let standing = self.standing(Purpose::Holder, &certificate, &[], now, deadline).await?;
            let fault = standing.checked.err().map(Fault::at_gate_d);
            Ok(Finding { fault, lists: standing.lists, answers: standing.answers })
        };
        try_join_all(certificates.iter().cloned().map(finding)).await
    }

    /// Has what says so kept with the attempt, and gives what trust has against the certificate.
    pub(super) async fn kept(&self, turn: &mut Turn, finding: Finding) -> Result<Option<Reason>, AppError> {
        let attempt = (turn.seal, turn.attempt);
        turn.seen.extend(finding.lists.iter().map(|list| seen_row(attempt, *list)));
        for (piece, der) in finding.answers.iter().flat_map(Proof::pieces) {
            turn.seen.push(seen_row(attempt, Digest::of(der)));
            turn.seen.extend(self.contents.evidence_row(piece.into(), der, turn.metadata.now).await?);
        }
        Ok(finding.fault)
    }

    /// The same for several at once, in their order.
    pub(super) async fn all_kept(
        &self,
        turn: &mut Turn,
        findings: Vec<Finding>,
    ) -> Result<Vec<Option<Reason>>, AppError> {
        let mut faults = Vec::new();
        for finding in findings {
            faults.push(self.kept(turn, finding).await?);
        }
        Ok(faults)
    }
}
