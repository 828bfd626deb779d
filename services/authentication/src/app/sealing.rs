//! Uses of seals: cryptography finds out what the rules then decide on.

use eseal_documents::ofd::PreparedList;
use eseal_eventstore::{CommandError, Metadata, Order, Row};
use eseal_kernel::{Digest, Id};
use eseal_pki::{Certificate, Suite};

use super::{App, AppError};
use crate::codes::Code;
use crate::domain::command::{Action, CardUse, Place, SealingAction, Use};
use crate::domain::document::Original;
use crate::domain::ids::{AttemptId, By, HostedKeyId, SealId};
use crate::domain::{Rejection, Seal};
use crate::evidence;
use crate::pins::Pin;
use crate::query::Holding;

/// Whose turn it is in which attempt.
#[derive(Debug, Clone)]
pub struct Turn {
    /// The seal.
    pub seal: SealId,
    /// The attempt.
    pub attempt: AttemptId,
    /// Who asks.
    pub by: By,
    /// What of the seal never changes; none if it is not registered.
    pub holding: Option<Holding>,
    /// When, and what surrounds it.
    pub metadata: Metadata,
    /// What was looked at besides facts, to be kept beside what is decided.
    pub seen: Vec<Row>,
}

impl Turn {
    pub(crate) fn hosted_key(&self) -> Option<HostedKeyId> {
        self.holding.as_ref().and_then(|holding| holding.hosted_key)
    }
}

/// What was read from a card, and its proof, as sent.
#[derive(Debug, Clone)]
pub struct CardShown {
    /// The card.
    pub card_serial: String,
    /// SHA-256 of the SESeal on it.
    pub seal_digest: Digest,
    /// Digest that the signature will cover.
    pub document_digest: Digest,
    /// The statement that the card signed.
    pub statement: Vec<u8>,
    /// Its signature.
    pub signature: Vec<u8>,
    /// The certificate of the key, DER.
    pub certificate: Vec<u8>,
    /// Where the impression will stand.
    pub places: Vec<Place>,
    /// How often the card was used; 0 where it does not count.
    pub card_uses: u64,
    /// The document as it was before sealing.
    pub original: Original,
}

/// What shall be sealed with a hosted key.
#[derive(Debug)]
pub struct HostedUse {
    /// The PIN as typed, and a code.
    pub typed: Typed,
    /// Digest that the signature will cover.
    pub document_digest: Digest,
    /// SHA-256 of the certificate whose key shall sign.
    pub certificate: Digest,
    /// Where the impression will stand.
    pub places: Vec<Place>,
    /// The document as it was before sealing.
    pub original: Original,
}

/// What a custodian types.
#[derive(Debug)]
pub struct Typed {
    /// The PIN.
    pub pin: Pin,
    /// The code of the second factor, where there is one.
    pub code: Option<Code>,
}

/// Why a hosted sealing did not go on.
#[derive(Debug, thiserror::Error)]
pub enum SealingError {
    /// Nothing was recorded.
    #[error(transparent)]
    Command(#[from] CommandError<Rejection>),
    /// A mistake of ours.
    #[error(transparent)]
    App(#[from] AppError),
}

impl App {
    /// The order to take this step.
    pub fn step(turn: &Turn, action: SealingAction) -> Order<Seal> {
        let action = Action::Sealing { attempt: turn.attempt, by: turn.by.clone(), action };
        Self::order(turn.seal, turn.holding.as_ref(), action, turn.metadata.clone()).with_rows(turn.seen.clone())
    }

    /// The order for gate d with a card.
    ///
    /// # Errors
    /// [`AppError`].
    pub async fn authorize(&self, turn: &mut Turn, shown: CardShown) -> Result<Order<Seal>, AppError> {
        let certificate = Certificate::from_der(&shown.certificate).ok();
        let proof = certificate
            .as_ref()
            .and_then(|certificate| evidence::statement(&shown.statement, &shown.signature, certificate));
        let findings = self.findings(&[certificate], turn.metadata.now).await?;
        let certificate_fault = self.all_kept(turn, findings).await?.into_iter().next().flatten();
        let subject = Use {
            document_digest: shown.document_digest,
            certificate: Digest::of(&shown.certificate),
            certificate_fault,
            places: shown.places,
            original: shown.original,
        };
        let (card_serial, seal_digest, card_uses) = (shown.card_serial, shown.seal_digest, shown.card_uses);
        let otherwise = AttemptId(Id::random(turn.metadata.now));
        let given = CardUse { subject, card_serial, seal_digest, proof, card_uses, otherwise };
        Ok(Self::step(turn, SealingAction::Authorize(Box::new(given))))
    }

    /// The order to give away the signature of a hosted key over these bytes, and that signature: none unless the bytes
    /// are what the attempt authorized.
    ///
    /// # Errors
    /// [`AppError`].
    pub async fn sign_hosted(&self, turn: &Turn, to_be_signed: Vec<u8>) -> Result<(Order<Seal>, Vec<u8>), AppError> {
        let signed = Digest::of(&to_be_signed);
        let given = self.query.authorization(turn.seal, turn.attempt).await?;
        let (Some(given), Some(key)) = (given, turn.hosted_key()) else {
            return Ok((Self::step(turn, SealingAction::SignHosted { signed, content: None }), Vec::new()));
        };
        let certificate = self.certificate(given.certificate).await?;
        let content = certificate
            .as_ref()
            .and_then(|certificate| evidence::to_be_signed(&to_be_signed, certificate, given.document_digest));
        let authorized = content.as_ref().is_some_and(|content| content.document_digest == given.document_digest);
        let signature = match certificate.as_ref().and_then(evidence::suite_of) {
            Some(suite) if authorized => self.hosting.sign(key, suite, to_be_signed).await?,
            Some(_) | None => Vec::new(),
        };
        Ok((Self::step(turn, SealingAction::SignHosted { signed, content }), signature))
    }

    /// The order to give away the signature of a hosted key over the list of a document's files, which this service made by
    /// itself of a document that it sealed in the same attempt, and that signature.
    ///
    /// # Errors
    /// [`AppError`].
    pub async fn sign_list(&self, turn: &Turn, list: &PreparedList) -> Result<(Order<Seal>, Vec<u8>), AppError> {
        let signed = Digest::of(list.to_sign());
        let signature = match turn.hosted_key() {
            Some(key) => self.hosting.sign(key, Suite::Sm2Sm3, list.to_sign().to_vec()).await?,
            None => Vec::new(),
        };
        Ok((Self::step(turn, SealingAction::SignList { signed }), signature))
    }

    /// The order for gate e.
    ///
    /// # Errors
    /// [`AppError`].
    pub async fn complete(&self, turn: &Turn, signature: &[u8]) -> Result<Order<Seal>, AppError> {
        let given = self.query.authorization(turn.seal, turn.attempt).await?;
        let found = given.and_then(|given| evidence::signature(signature, given.document_digest));
        let action = SealingAction::Complete { signature_digest: Digest::of(signature), signature: found };
        Ok(Self::step(turn, action))
    }

    /// A stored certificate.
    pub(super) async fn certificate(&self, digest: Digest) -> Result<Option<Certificate>, AppError> {
        let der = self.contents.certificate(digest).await?;
        Ok(der.map(|der| Certificate::from_der(&der)).transpose()?)
    }
}
