//! What this service does: it has a document inspected and judged, asks what is known of its signers and seals, and
//! records what failed.

use std::sync::Arc;

use eseal_documents::status::{Context, assess};
use eseal_documents::{DocumentReport, Judgement, Language, Outcome, SealReport, Trust, Verdict, Verifier, judge};
use eseal_eventstore::{CommandError, Metadata, Order, Writer};
use eseal_kernel::{Digest, Id, Timestamp};
use eseal_pki::{Certificate, Evidence, TrustStore};
use eseal_proto::verification::v1 as pb;
use eseal_report::Origin;
use eseal_service::Onward;
use tokio::sync::Semaphore;

use crate::authority::{Anchors, Authority, Unreachable, roots};
use crate::domain::{FailedItem, Failure, Item, Record, Rejection};
use crate::inspection::{Document, InspectionError, inspect};
use crate::metrics;
use crate::query::Query;
use crate::rendering::{RenderError, Rendering, Wanted, rendered};
use crate::report::{self, Known};

/// The most seals of one document about which the registry is asked.
const MAX_ASKED: usize = 64;

/// How many documents are drawn at a time.
const DRAWN_AT_A_TIME: usize = 2;

/// The service behind its gRPC methods. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    /// The read side.
    pub query: Query,
    authority: Authority,
    /// Roots of time stamping authorities.
    tsa_roots: Option<TrustStore>,
    writer: Writer,
    /// Knows the certificates and seals that it met: many documents carry the same ones.
    verifier: Arc<Verifier>,
    /// Each takes a process with a document in it: fewer at a time than documents are verified.
    drawing: Arc<Semaphore>,
}

/// Roots that the caller brought, besides those of the system.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// Of holders.
    pub holders: Vec<Certificate>,
    /// Of seal makers.
    pub makers: Vec<Certificate>,
}

/// What comes with a document.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Further roots.
    pub given: Given,
    /// Reports as files.
    pub wanted: Wanted,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The document can't be verified.
    #[error(transparent)]
    Inspection(#[from] InspectionError),
    /// The failure could not be recorded.
    #[error(transparent)]
    Record(#[from] CommandError<Rejection>),
    /// The report could not be made as a file.
    #[error(transparent)]
    Render(#[from] RenderError),
}

impl App {
    /// The service on its writer.
    pub fn new(
        query: Query,
        authority: Authority,
        tsa_roots: Option<TrustStore>,
        writer: Writer,
        verifier: Verifier,
    ) -> Self {
        let drawing = Arc::new(Semaphore::new(DRAWN_AT_A_TIME));
        Self { query, authority, tsa_roots, writer, verifier: Arc::new(verifier), drawing }
    }

    /// Verifies a document; a failure is on record before it is told.
    ///
    /// # Errors
    /// [`VerifyError`].
    pub async fn verify(
        &self,
        document: Document,
        asked: Asked,
        onward: &Onward,
        metadata: Metadata,
        language: Language,
    ) -> Result<pb::VerifyDocumentResponse, VerifyError> {
        let Asked { given, wanted } = asked;
        let (digest, now) = (document.digest, metadata.now);
        let inspected = inspect(document, Arc::clone(&self.verifier)).await;
        let (found, document) = inspected.inspect_err(|_| metrics::judged(None))?;
        let anchors =
            if found.seals.is_empty() { Ok(Anchors::default()) } else { self.authority.anchors(onward).await };
        let known = anchors.as_ref().ok();
        let trust = Trust {
            holder_roots: roots(known.map_or(&[], |anchors| &anchors.holders), given.holders),
            maker_roots: roots(known.map_or(&[], |anchors| &anchors.makers), given.makers),
        };
        let judgement = judge(&found, &trust);
        self.record(&judgement, digest, metadata).await?;
        metrics::judged(Some(judgement.verdict));
        let known = match anchors {
            Ok(_) => Some(self.known(&found, now, onward).await),
            Err(Unreachable) => None,
        };
        let statuses = assess(
            &found,
            &judgement,
            &trust,
            &self.context(known.is_some() && !found.seals.is_empty(), now, onward).await,
        );
        let mut report = report::of(&found, &judgement, known.as_deref(), digest, now, language);
        report::add_statuses(&mut report, &statuses, language);
        let mut files = Vec::new();
        if !wanted.forms.is_empty() {
            let origin = Origin { name: wanted.name, digest, verified_at: now, language };
            let _drawing = self.drawing.acquire().await;
            files = rendered(Rendering { found, judgement, statuses, origin }, &report, document, wanted.forms).await?;
        }
        Ok(pb::VerifyDocumentResponse { report: Some(report), rendered: files })
    }

    /// What the status is computed from besides the document: the lists that authentication holds, where it answers.
    async fn context(&self, asks: bool, now: Timestamp, onward: &Onward) -> Context {
        let lists = if asks { self.authority.revocation_lists(onward).await } else { Err(Unreachable) };
        let evidence = Evidence { crls: lists.unwrap_or_default(), ..Evidence::default() };
        Context { tsa_roots: self.tsa_roots.clone(), evidence, ..Context::at(now) }
    }

    /// What the registry knows of each seal and its signer, as far as it answers.
    async fn known(&self, found: &DocumentReport, now: Timestamp, onward: &Onward) -> Vec<Known> {
        let mut known = Vec::with_capacity(found.seals.len().min(MAX_ASKED));
        for seal in found.seals.iter().take(MAX_ASKED) {
            match self.known_of(seal, now, onward).await {
                Ok(one) => known.push(one),
                Err(Unreachable) => break, // and it will not answer for the others either
            }
        }
        known
    }

    async fn known_of(&self, seal: &SealReport, now: Timestamp, onward: &Onward) -> Result<Known, Unreachable> {
        let at = seal.signed_at.unwrap_or(now);
        let mut known = Known::default();
        if let Some(signer) = &seal.signer {
            known.signer = Some(self.authority.signer(onward, signer, &seal.certificates, at).await?);
        }
        if let Some(seal) = &seal.seal {
            known.seal = Some(self.authority.seal(onward, Digest::of(seal.der()), at).await?);
        }
        Ok(known)
    }

    async fn record(
        &self,
        judgement: &Judgement,
        document: Digest,
        metadata: Metadata,
    ) -> Result<(), CommandError<Rejection>> {
        match judgement.verdict {
            Verdict::Valid | Verdict::Indeterminate | Verdict::Unsealed => return Ok(()),
            Verdict::Invalid => {}
        }
        let failure = Id::random(metadata.now);
        let command = Record { failure, document, items: failed(judgement) };
        let order: Order<Failure> = Order::new(failure, command, metadata);
        self.writer.execute(order).await.map(drop)
    }
}

/// The items that failed, seal by seal.
fn failed(judgement: &Judgement) -> Vec<FailedItem> {
    let mut failed = Vec::new();
    for (seal, judged) in (1..).zip(&judgement.seals) {
        for (item, outcome) in [Item::Signer, Item::Content, Item::Impression].into_iter().zip(judged.items()) {
            match outcome {
                Outcome::Failed(reason) => {
                    failed.push(FailedItem { seal, item, reason: reason.code().to_owned() });
                }
                Outcome::Passed | Outcome::Unknown(_) | Outcome::NotApplicable => {}
            }
        }
    }
    failed
}
