//! 批量签章: many documents in one act. A gate's refusal of the whole act is answered as for one document; a document
//! that is refused is told beside the others.

use eseal_eventstore::Decided;
use eseal_proto::authentication::v1 as pb;
use eseal_service::paging::Page;
use eseal_service::status::internal;
use eseal_service::{Caller, Language};
use tonic::Status;

use super::sealing::{answer, attempt_filter};
use super::{Call, Grpc, kept, parse, parse_batch, refusals};
use crate::app::sealing::Typed;
use crate::codec::at_to_wire;
use crate::domain::Seal;
use crate::domain::event::{Fact, Step};
use crate::domain::reason::Reason;

impl Grpc {
    pub(super) async fn pass_batch(
        &self,
        call: Call,
        message: pb::AuthorizeBatchRequest,
    ) -> Result<pb::AuthorizeBatchResponse, Status> {
        let mut turn = self.own_turn(&call, &message.seal_id, &message.attempt_id).await?;
        let shown = parse_batch::shown(message)?;
        let order = self.app.authorize_batch(&mut turn, shown).await.map_err(|error| internal(&error))?;
        let answer = |decided: &Decided<Seal>| pb::AuthorizeBatchResponse { complete_before: complete_before(decided) };
        self.pass(call, order, answer).await
    }

    pub(super) async fn pass_hosted_batch(
        &self,
        call: Call,
        message: pb::AuthorizeHostedBatchRequest,
        typed: Typed,
    ) -> Result<pb::AuthorizeHostedBatchResponse, Status> {
        let turn = self.own_turn(&call, &message.seal_id, &message.attempt_id).await?;
        let hosted = parse_batch::hosted(&message, typed)?;
        let answering = |decided: &Decided<Seal>| {
            answer(decided, |decided| pb::AuthorizeHostedBatchResponse { complete_before: complete_before(decided) })
        };
        let answer = self.app.authorize_hosted_batch(turn, hosted, call.key, answering).await;
        kept(&answer.map_err(|error| refusals::sealing(error, call.language))?, call.language)
    }

    pub(super) async fn sign_for_batch(
        &self,
        call: Call,
        message: pb::SignHostedBatchRequest,
    ) -> Result<pb::SignHostedBatchResponse, Status> {
        let turn = self.own_turn(&call, &message.seal_id, &message.attempt_id).await?;
        let documents = parse_batch::to_sign(message.documents)?;
        let asked: Vec<u32> = documents.iter().map(|asked| asked.document.index).collect();
        let signed = self.app.sign_hosted_batch(&turn, documents).await;
        let (order, signatures) = signed.map_err(|error| refusals::failed(&error))?;
        let answer = move |decided: &Decided<Seal>| {
            let done = signed_in(decided);
            let signature = |index: &u32| {
                // A signature that was made is given away only once it is on record.
                let given = signatures.iter().find(|(of, _)| of == index && done.contains(index));
                let signature = given.map(|(_, signature)| signature.clone()).unwrap_or_default();
                pb::BatchSignature { index: *index, signature, reason: text(refused_in(decided, *index)) }
            };
            pb::SignHostedBatchResponse { signatures: asked.iter().map(signature).collect() }
        };
        self.pass(call, order, answer).await
    }

    pub(super) async fn end_in_batch(
        &self,
        call: Call,
        message: pb::CompleteBatchRequest,
    ) -> Result<pb::CompleteBatchResponse, Status> {
        let turn = self.own_turn(&call, &message.seal_id, &message.attempt_id).await?;
        let documents = parse_batch::sealed(message.documents)?;
        let asked: Vec<u32> = documents.iter().map(|sealed| sealed.document.index).collect();
        let order = self.app.complete_batch(&turn, documents, message.last).await.map_err(|error| internal(&error))?;
        let answer = move |decided: &Decided<Seal>| {
            let end = |index: &u32| pb::BatchEnd { index: *index, reason: text(refused_in(decided, *index)) };
            pb::CompleteBatchResponse { ends: asked.iter().map(end).collect() }
        };
        self.pass(call, order, answer).await
    }

    pub(super) async fn documents_of_batch(
        &self,
        caller: &Caller,
        language: Language,
        message: pb::ListBatchDocumentsRequest,
    ) -> Result<pb::ListBatchDocumentsResponse, Status> {
        let page = Page::try_new(message.page_size, &message.page_token)?;
        let seal = parse::any_seal("seal_id", &message.seal_id)?;
        let attempt = parse::attempt("attempt_id", &message.attempt_id)?;
        let (filter, after) = (attempt_filter(caller, &message.seal_id)?, parse_batch::place(&page)?);
        let seen = self.app.query.is_seen(&filter, seal, attempt).await.map_err(|error| internal(&error))?;
        if !seen {
            return Err(refusals::attempt_not_found(language));
        }
        let read = self.app.query.batch_documents(seal, attempt, after, page.rows_to_read()).await;
        let mut documents = read.map_err(|error| internal(&error))?;
        let next_page_token = page.cut(&mut documents, |document| document.index.to_string());
        Ok(pb::ListBatchDocumentsResponse { documents, next_page_token })
    }
}

/// Why a document was refused; none if it was not. Each is named once in a request.
fn refused_in(decided: &Decided<Seal>, index: u32) -> Option<Reason> {
    let of = |fact: &Fact| match fact {
        Fact::Sealing(_, Step::DocumentsRefused { documents }) => {
            documents.iter().find(|document| document.index == index).map(|document| document.reason)
        }
        _ => None,
    };
    decided.events.iter().find_map(|event| of(&event.fact))
}

fn signed_in(decided: &Decided<Seal>) -> Vec<u32> {
    let of = |fact: &Fact| match fact {
        Fact::Sealing(_, Step::HostedSignaturesMade { signatures }) => {
            signatures.iter().map(|(index, _)| *index).collect()
        }
        _ => Vec::new(),
    };
    decided.events.iter().flat_map(|event| of(&event.fact)).collect()
}

fn text(reason: Option<Reason>) -> String {
    reason.map(Reason::code).unwrap_or_default().to_owned()
}

fn complete_before(decided: &Decided<Seal>) -> Option<eseal_proto::Timestamp> {
    decided.events.iter().find_map(|event| {
        let Fact::Sealing(_, Step::BatchAuthorized { complete_before, .. }) = &event.fact else { return None };
        at_to_wire(*complete_before)
    })
}
