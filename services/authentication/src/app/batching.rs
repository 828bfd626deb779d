//! Acts over many documents: cryptography finds out, several documents at a time, what the rules then decide on.

use std::sync::Arc;

use eseal_eventstore::Order;
use eseal_kernel::{Digest, Id, merkle};
use eseal_pki::{Certificate, batch};

use super::sealing::{Turn, Typed};
use super::{App, AppError};
use crate::domain::Seal;
use crate::domain::command::{BatchCardUse, BatchCompletion, BatchSigning, BatchUse, Place, SealingAction};
use crate::domain::document::Original;
use crate::domain::ids::AttemptId;
use crate::evidence;
use crate::hosting::{HostingError, Pair};
use crate::query::BatchTerms;

/// What was read from a card, and its proofs, as sent.
#[derive(Debug, Clone)]
pub struct BatchShown {
    /// The card.
    pub card_serial: String,
    /// SHA-256 of the SESeal on it.
    pub seal_digest: Digest,
    /// Stands for all documents and their places.
    pub root: Digest,
    /// How many there are.
    pub documents: u32,
    /// Of each key that will sign.
    pub proofs: Vec<Shown>,
    /// How often the card was used; 0 where it does not count.
    pub card_uses: u64,
    /// The documents as they were before sealing; none if nothing is said of them.
    pub originals: Vec<Original>,
}

/// A proof as sent.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The statement that the card signed.
    pub statement: Vec<u8>,
    /// Its signature.
    pub signature: Vec<u8>,
    /// The certificate of the key, DER.
    pub certificate: Vec<u8>,
}

/// What shall be sealed with a hosted key.
#[derive(Debug)]
pub struct HostedBatch {
    /// The PIN as typed.
    pub typed: Typed,
    /// Stands for all documents and their places.
    pub root: Digest,
    /// How many there are.
    pub documents: u32,
    /// SHA-256 of each certificate whose key shall sign.
    pub certificates: Vec<Digest>,
    /// The documents as they were before sealing; none if nothing is said of them.
    pub originals: Vec<Original>,
}

/// A document of an act, and the proof that it stands in the list.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Its place in the list.
    pub index: u32,
    /// Digest that the signature covers.
    pub document_digest: Digest,
    /// Where the impression stands.
    pub places: Vec<Place>,
    /// The neighbours on the way to the root.
    pub path: Vec<Digest>,
}

/// What a hosted key shall sign for one of them.
#[derive(Debug, Clone)]
pub struct ToSign {
    /// The document.
    pub document: Listed,
    /// TBS_Sign, or the signed attributes of a CMS.
    pub to_be_signed: Vec<u8>,
    /// SHA-256 of the certificate whose key shall sign.
    pub certificate: Digest,
}

/// A signature for one of them, as sent.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// The document.
    pub document: Listed,
    /// SES_Signature, or CMS.
    pub signature: Vec<u8>,
}

/// What signs in an act, for as long as one request takes.
struct Key {
    certificate: Certificate,
    fingerprint: Digest,
    pair: Pair,
}

impl Listed {
    fn stands_in(&self, terms: &BatchTerms) -> bool {
        let places = self.places.iter().map(|place| (place.page, place.x, place.y, place.width, place.height));
        let leaf = batch::document(&self.document_digest, places);
        merkle::stands_under(&terms.root, terms.documents, self.index, leaf, &self.path)
    }
}

impl App {
    /// The order for gate d with a card.
    ///
    /// # Errors
    /// [`AppError`].
    pub async fn authorize_batch(&self, turn: &mut Turn, shown: BatchShown) -> Result<Order<Seal>, AppError> {
        let read: Vec<_> = shown.proofs.iter().map(|one| Certificate::from_der(&one.certificate).ok()).collect();
        let findings = self.findings(&read, turn.metadata.now).await?;
        let faults = self.all_kept(turn, findings).await?;
        let digests = shown.proofs.iter().map(|one| Digest::of(&one.certificate));
        let certificates = digests.zip(faults).collect();
        let proof = |(one, by): (&Shown, &Option<Certificate>)| {
            by.as_ref().and_then(|by| evidence::statement(&one.statement, &one.signature, by))
        };
        let proofs = shown.proofs.iter().zip(&read).map(proof).collect();
        let (root, documents) = (shown.root, shown.documents);
        let (list, originals) = (batch::list(&root, documents), shown.originals);
        let subject = BatchUse { root, documents, list, certificates, originals };
        let (card_serial, seal_digest, card_uses) = (shown.card_serial, shown.seal_digest, shown.card_uses);
        let otherwise = AttemptId(Id::random(turn.metadata.now));
        let given = BatchCardUse { subject, card_serial, seal_digest, proofs, card_uses, otherwise };
        Ok(Self::step(turn, SealingAction::AuthorizeBatch(Box::new(given))))
    }

    /// The order to give away signatures of a hosted key for documents of an act, and those signatures by the places of
    /// the documents in the list: none for a document that is not what the act authorized.
    ///
    /// # Errors
    /// [`AppError`].
    pub async fn sign_hosted_batch(
        &self,
        turn: &Turn,
        documents: Vec<ToSign>,
    ) -> Result<(Order<Seal>, Vec<(u32, Vec<u8>)>), AppError> {
        let terms = self.query.batch(turn.seal, turn.attempt).await?;
        let keys = match (&terms, turn.hosted_key()) {
            (Some(terms), Some(_)) => self.keys_of(turn, terms).await?,
            _ => Vec::new(),
        };
        let (terms, keys) = (Arc::new(terms), Arc::new(keys));
        let found = several(documents, move |document| signing(document, terms.as_ref().as_ref(), &keys)).await?;
        let (mut signings, mut signatures) = (Vec::new(), Vec::new());
        for found in found {
            let (signing, signature) = found?;
            if let Some(signature) = signature {
                signatures.push((signing.index, signature));
            }
            signings.push(signing);
        }
        Ok((Self::step(turn, SealingAction::SignHostedBatch { documents: signings }), signatures))
    }

    async fn keys_of(&self, turn: &Turn, terms: &BatchTerms) -> Result<Vec<Key>, AppError> {
        let mut keys = Vec::new();
        for fingerprint in terms.certificates.iter().copied() {
            let Some(certificate) = self.certificate(fingerprint).await? else { continue };
            let (Some(suite), Some(key)) = (evidence::suite_of(&certificate), turn.hosted_key()) else { continue };
            let pair = self.hosting.key_pair(key, suite).await?;
            keys.push(Key { certificate, fingerprint, pair });
        }
        Ok(keys)
    }

    /// The order for gate e for documents of an act.
    ///
    /// # Errors
    /// [`AppError`].
    pub async fn complete_batch(
        &self,
        turn: &Turn,
        documents: Vec<Sealed>,
        last: bool,
    ) -> Result<Order<Seal>, AppError> {
        let terms = Arc::new(self.query.batch(turn.seal, turn.attempt).await?);
        let documents = several(documents, move |sealed| completion(sealed, terms.as_ref().as_ref())).await?;
        Ok(Self::step(turn, SealingAction::CompleteBatch { documents, last }))
    }
}

fn signing(
    asked: ToSign,
    terms: Option<&BatchTerms>,
    keys: &[Key],
) -> Result<(BatchSigning, Option<Vec<u8>>), HostingError> {
    let (document, digest) = (asked.document, Digest::of(&asked.to_be_signed));
    let is_listed = terms.is_some_and(|terms| document.stands_in(terms));
    let key = keys.iter().find(|key| key.fingerprint == asked.certificate);
    let content =
        key.and_then(|key| evidence::to_be_signed(&asked.to_be_signed, &key.certificate, document.document_digest));
    let fits = is_listed && content.as_ref().is_some_and(|content| content.document_digest == document.document_digest);
    let signature = match key.filter(|_| fits) {
        Some(key) => Some(key.pair.sign(&asked.to_be_signed)?),
        None => None,
    };
    let (index, document_digest, certificate) = (document.index, document.document_digest, asked.certificate);
    Ok((BatchSigning { index, is_listed, document_digest, certificate, signed: digest, content }, signature))
}

fn completion(sealed: Sealed, terms: Option<&BatchTerms>) -> BatchCompletion {
    let is_listed = terms.is_some_and(|terms| sealed.document.stands_in(terms));
    let document_digest = sealed.document.document_digest;
    // What is not in the list is not worth the looking.
    let signature = if is_listed { evidence::signature(&sealed.signature, document_digest) } else { None };
    BatchCompletion {
        index: sealed.document.index,
        is_listed,
        document_digest,
        places: sealed.document.places,
        signature_digest: Digest::of(&sealed.signature),
        signature,
    }
}

/// Does the work on each thing, on as many cores as there are, and gives the results in the order of the things.
async fn several<T: Send + 'static, R: Send + 'static>(
    mut things: Vec<T>,
    work: impl Fn(T) -> R + Send + Sync + 'static,
) -> Result<Vec<R>, AppError> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let share = things.len().div_ceil(cores).max(1);
    let work = Arc::new(work);
    let mut shares = Vec::new();
    while !things.is_empty() {
        let rest = things.split_off(share.min(things.len()));
        let (part, work) = (std::mem::replace(&mut things, rest), Arc::clone(&work));
        shares.push(tokio::task::spawn_blocking(move || part.into_iter().map(|thing| work(thing)).collect::<Vec<R>>()));
    }
    let mut results = Vec::new();
    for share in shares {
        results.extend(share.await.map_err(|_| AppError::Stopping)?);
    }
    Ok(results)
}
