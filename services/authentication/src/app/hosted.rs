//! Gates c and d with a hosted key. The PIN comes first, with the code of a second factor: what is wrong is counted and refused
//! without waiting for anybody. Issuers are asked about the certificates while it is looked at, and are waited for only where
//! it is right.
//!
//! A request that comes again after a crash finds out how far it got. Its PIN is not looked at a second time: who sends it again
//! can type another one. Where it was right, gate d is decided now; where nobody knows, its try stays counted.

use eseal_eventstore::{CommandError, RequestKey};
use eseal_kernel::{Digest, Timestamp};
use eseal_pki::{Certificate, batch};
use opentelemetry::trace::FutureExt as _;
use tokio::task::JoinHandle;
use tracing::Instrument as _;

use super::batching::HostedBatch;
use super::findings::Finding;
use super::sealing::{HostedUse, SealingError, Turn, Typed};
use super::{Answering, App, AppError};
use crate::codes::{Code, Shown, Whose};
use crate::domain::command::{BatchUse, Place, SealingAction, Use};
use crate::domain::document::Original;
use crate::domain::event::{Fact, Step};
use crate::domain::policy::SecondFactor;
use crate::domain::reason::Reason;
use crate::domain::{Event, Rejection};
use crate::evidence;
use crate::hosting::{HostingError, PinHash, SUITES};
use crate::pins::Pin;

/// What a hosted key is wanted for.
struct Wanted {
    /// SHA-256 of each certificate whose key shall sign.
    certificates: Vec<Digest>,
    what: What,
}

enum What {
    Document { document_digest: Digest, places: Vec<Place>, original: Original },
    List { root: Digest, documents: u32, originals: Vec<Original> },
}

impl Wanted {
    /// What is to be decided. Of certificates that nobody looked at nothing is known: where the PIN is wrong, they are not.
    fn action(self, pin_correct: bool, code: SecondFactor, faults: Vec<Option<Reason>>) -> SealingAction {
        let faults = faults.into_iter().chain(std::iter::repeat(Some(Reason::CertificateUntrusted)));
        let mut certificates = self.certificates.into_iter().zip(faults);
        match self.what {
            What::Document { document_digest, places, original } => {
                let (certificate, certificate_fault) =
                    certificates.next().unwrap_or((Digest::of(&[]), Some(Reason::CertificateUntrusted)));
                let subject = Use { document_digest, certificate, certificate_fault, places, original };
                SealingAction::AuthorizeHosted { pin_correct, code, subject: Box::new(subject) }
            }
            What::List { root, documents, originals } => {
                let (list, certificates) = (batch::list(&root, documents), certificates.collect());
                let subject = BatchUse { root, documents, list, certificates, originals };
                SealingAction::AuthorizeHostedBatch { pin_correct, code, subject: Box::new(subject) }
            }
        }
    }
}

impl App {
    /// Gates c and d with a hosted key: what is kept as the answer. The try is counted before the PIN is looked at, and
    /// what was counted is carried to its end even if the caller goes away.
    ///
    /// # Errors
    /// [`SealingError`].
    pub async fn authorize_hosted(
        &self,
        turn: Turn,
        hosted: HostedUse,
        key: RequestKey,
        answering: Answering,
    ) -> Result<Vec<u8>, SealingError> {
        let HostedUse { typed, document_digest, certificate, places, original } = hosted;
        let what = What::Document { document_digest, places, original };
        self.carried_out(turn, typed, Wanted { certificates: vec![certificate], what }, key, answering).await
    }

    /// The same for an act over many documents.
    ///
    /// # Errors
    /// [`SealingError`].
    pub async fn authorize_hosted_batch(
        &self,
        turn: Turn,
        hosted: HostedBatch,
        key: RequestKey,
        answering: Answering,
    ) -> Result<Vec<u8>, SealingError> {
        let HostedBatch { typed, root, documents, certificates, originals } = hosted;
        let what = What::List { root, documents, originals };
        self.carried_out(turn, typed, Wanted { certificates, what }, key, answering).await
    }

    async fn carried_out(
        &self,
        turn: Turn,
        typed: Typed,
        wanted: Wanted,
        key: RequestKey,
        answering: Answering,
    ) -> Result<Vec<u8>, SealingError> {
        let app = self.clone();
        let work = async move { app.look_at_pin(turn, typed, wanted, key, answering).await };
        tokio::spawn(work.with_current_context().in_current_span()).await.unwrap_or(Err(AppError::Stopping.into()))
    }

    async fn look_at_pin(
        &self,
        mut turn: Turn,
        Typed { pin, code }: Typed,
        wanted: Wanted,
        key: RequestKey,
        answering: Answering,
    ) -> Result<Vec<u8>, SealingError> {
        // What can't be read is found before a try is spent.
        let pin_hash = self.pin_hash(&turn).await?;
        let code = self.look_up_code(&turn, code).await?;
        let certificates = self.certificates(&turn, &wanted.certificates).await?;
        let counted_under = RequestKey { rpc: format!("{}.TryPin", key.rpc), ..key.clone() };
        let counting = Self::step(&turn, SealingAction::TryPin { with_code: code.is_some() });
        let counting = counting.request(counted_under).answering(move |decided| {
            // Kept only where it is the last word: the seal is locked.
            if decided.events.iter().any(is_refusal) { answering(decided) } else { Vec::new() }
        });
        let counted = self.take_step(counting).await?;
        if !counted.answer.is_empty() {
            return Ok(counted.answer);
        }
        let action = match (pin_hash, counted.decided) {
            (_, None) => match self.kept_or_accepted(&turn, &key, answering).await? {
                Some(answer) => return Ok(answer),
                None => {
                    let asking = self.asking(certificates, turn.metadata.now);
                    wanted.action(true, SecondFactor::None, self.faults(&mut turn, asking).await?)
                }
            },
            (None, Some(_)) => wanted.action(false, SecondFactor::None, Vec::new()), // a seal on a card: refused
            (Some(hash), Some(decided)) => {
                let asked = decided.state.entry().map_or(SecondFactor::None, |entry| entry.policy.second_factor);
                self.compared(&mut turn, (pin, hash), (code, asked), (wanted, certificates)).await?
            }
        };
        Ok(self.take_step(Self::step(&turn, action).request(key).answering(answering)).await?.answer)
    }

    /// What is to be decided by PIN and code, and by what is said of the certificates where they are right.
    async fn compared(
        &self,
        turn: &mut Turn,
        (pin, hash): (Pin, PinHash),
        (code, asked): (Option<Shown>, SecondFactor),
        (wanted, certificates): (Wanted, Vec<Option<Certificate>>),
    ) -> Result<SealingAction, SealingError> {
        let asking = self.asking(certificates, turn.metadata.now);
        // Both are looked at whatever comes of the first, so that the time tells nothing either.
        let pin_correct = self.hosting.is_right(pin, hash).await.map_err(AppError::from)?;
        let right = match code {
            Some(code) => self.codes.compare(asked, code, turn.metadata.now).await.map_err(AppError::from)?,
            None => None,
        };
        // A typo in the PIN does not use the code up: that it was right would show at the next try.
        let code = match right.filter(|_| pin_correct) {
            Some(right) => self.codes.use_up(right).await.map_err(AppError::from)?,
            None => SecondFactor::None,
        };
        if !pin_correct || !asked.is_met_by(code) {
            return Ok(wanted.action(pin_correct, code, Vec::new())); // who is asked answers for the next one
        }
        if !asking.is_finished() {
            // While others are waited for, the try does not count as one that may be wrong: so many may be waiting.
            self.take_step(Self::step(turn, SealingAction::AcceptPin { code })).await?;
        }
        match self.faults(turn, asking).await {
            Ok(faults) => Ok(wanted.action(true, code, faults)),
            Err(error) => {
                // Nothing is decided, and the try was none that was wrong. The same request goes on from here.
                self.take_step(Self::step(turn, SealingAction::AcceptPin { code })).await?;
                Err(error.into())
            }
        }
    }

    /// The answer that is kept under the request; none if its PIN was found right, and what was to follow never came.
    async fn kept_or_accepted(
        &self,
        turn: &Turn,
        key: &RequestKey,
        answering: Answering,
    ) -> Result<Option<Vec<u8>>, SealingError> {
        let asked = Self::step(turn, SealingAction::AwaitPin).request(key.clone()).answering(answering);
        match self.take_step(asked).await {
            Err(CommandError::Rejected(Rejection::PinAccepted)) => Ok(None),
            kept => Ok(Some(kept?.answer)),
        }
    }

    async fn faults(
        &self,
        turn: &mut Turn,
        asking: JoinHandle<Result<Vec<Finding>, AppError>>,
    ) -> Result<Vec<Option<Reason>>, AppError> {
        let findings = asking.await.unwrap_or(Err(AppError::Stopping))?;
        self.all_kept(turn, findings).await
    }

    /// Finds out about certificates, whether or not anybody waits for it: for so long as a use may wait.
    fn asking(
        &self,
        certificates: Vec<Option<Certificate>>,
        now: Timestamp,
    ) -> JoinHandle<Result<Vec<Finding>, AppError>> {
        let app = self.clone();
        let work = async move { app.findings(&certificates, now).await };
        tokio::spawn(work.with_current_context().in_current_span())
    }

    /// The certificates whose keys shall sign, where they are stored; each of those keys could sign.
    async fn certificates(&self, turn: &Turn, digests: &[Digest]) -> Result<Vec<Option<Certificate>>, AppError> {
        let Some(key) = turn.hosted_key() else { return Ok(Vec::new()) };
        let mut certificates = Vec::new();
        for digest in digests {
            let certificate = self.certificate(*digest).await?;
            let suite = certificate.as_ref().and_then(evidence::suite_of).filter(|suite| SUITES.contains(suite));
            if let Some(suite) = suite {
                self.hosting.key_pair(key, suite).await?;
            }
            certificates.push(certificate);
        }
        Ok(certificates)
    }

    async fn look_up_code(&self, turn: &Turn, code: Option<Code>) -> Result<Option<Shown>, AppError> {
        let (Some(code), Some(key)) = (code, turn.hosted_key()) else { return Ok(None) };
        let person = &turn.by.person;
        let authenticator = self.query.authenticator(key, person).await?;
        Ok(Some(self.codes.look_up(code, Whose { seal: turn.seal, key, person, authenticator }).await?))
    }

    /// What the PIN of a seal's hosted key is compared with; none for a seal on a card.
    async fn pin_hash(&self, turn: &Turn) -> Result<Option<PinHash>, AppError> {
        let Some(key) = turn.hosted_key() else { return Ok(None) };
        Ok(Some(self.hosting.pin_hash(key).await?.ok_or(HostingError::NoKey(key))?))
    }
}

fn is_refusal(event: &Event) -> bool {
    matches!(event.fact, Fact::Sealing(_, Step::Refused { .. }))
}
