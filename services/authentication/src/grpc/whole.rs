//! A document that is sealed here as a whole, with a hosted key: received, sealed through the same gates as one that a
//! client seals, and sent back.
//!
//! The rules are asked what a client would ask them, step by step, under request ids that follow from the one of the order.
//! So a repeat gets the answers that are kept: it tries no PIN and signs nothing anew, and the same document comes again.

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use eseal_documents::sealing::Prepared;
use eseal_eventstore::{Decided, RequestKey};
use eseal_kernel::{Digest, Id, Timestamp};
use eseal_proto::authentication::v1 as pb;
use eseal_proto::moment;
use eseal_proto::seal::v1 as seal_pb;
use eseal_service::answer::request_key;
use eseal_service::status::internal;
use eseal_service::{Caller, Language};
use tokio::io::AsyncReadExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Status, Streaming};

use super::sealing::{answer, begun, complete_before};
use super::{Call, Grpc, kept, parse, parse_whole, refusals};
use crate::app::App;
use crate::app::sealing::{HostedUse, Turn};
use crate::app::whole::{Order, Received, Sound, written};
use crate::codec::words;
use crate::domain::command::SealingAction;
use crate::domain::ids::AttemptId;
use crate::domain::{Rejection, Seal};
use crate::pins::Pin;
use crate::query::Holding;

const RPC: &str = "eseal.authentication.v1.SealingService/SealDocument";
/// Bytes of a piece of the answer, and how many wait for a client.
const PIECE: usize = 256 << 10;
const PIECES: usize = 4;
/// The longest that one of them waits.
const PATIENCE: Duration = Duration::from_secs(30);

/// The sealed document on its way back.
pub(super) type Pieces = ReceiverStream<Result<pb::SealDocumentResponse, Status>>;

/// What is taken of whole documents.
#[derive(Debug, Clone)]
pub struct Room {
    permits: Arc<Semaphore>,
    max_bytes: u64,
}

impl Room {
    /// For so many documents of this size at a time.
    pub fn new(documents_at_a_time: usize, max_bytes: u64) -> Self {
        Self { permits: Arc::new(Semaphore::new(documents_at_a_time)), max_bytes }
    }
}

/// Whose turn it is, and under which request ids.
struct Whole {
    caller: Caller,
    language: Language,
    key: RequestKey,
    turn: Turn,
}

impl Grpc {
    pub(super) async fn seal_whole(
        &self,
        request: Request<Streaming<pb::SealDocumentRequest>>,
    ) -> Result<Pieces, Status> {
        let permit = self.room.permits.clone().try_acquire_owned().map_err(|_| refusals::too_many())?;
        let (caller, language) = (Caller::of(&request), Language::of(&request));
        let metadata = caller.metadata(self.clock.now(), &request);
        let mut pieces = request.into_inner();
        let mut order = parse_whole::order(&mut pieces).await?;
        let pin = parse::pin("order.pin", std::mem::take(&mut order.pin))?; // before anything is computed from the message
        let seal = parse::any_seal("order.seal_id", &order.seal_id)?;
        let placement = parse_whole::placement(order.placement.as_ref())?;
        let reason = parse_whole::reason(&order.reason)?;
        let key = request_key(&caller, RPC, &order.request_id, &order)?;

        let received = parse_whole::document(pieces, order.size, self.room.max_bytes).await?;
        // The document is part of what is asked for.
        let content = Digest::of(&[*key.content.bytes(), *received.digest.bytes()].concat());
        let holding = self.app.query.holding(seal).await.map_err(|error| internal(&error))?;
        let attempt = AttemptId(Id::random(metadata.now));
        let turn = Turn { seal, attempt, by: super::by(&caller)?, holding, metadata };
        let whole = Whole { caller, language, key: RequestKey { content, ..key }, turn };
        let sound = looked_at(received, language).await?;
        let (first, file) = self.seal_sound(whole, sound, (placement, reason), pin).await?;
        Ok(sent_back(first, file, permit))
    }

    /// Gates a, c, d and e.
    async fn seal_sound(
        &self,
        mut whole: Whole,
        sound: Sound,
        (placement, reason): (eseal_documents::Placement, Option<String>),
        pin: Pin,
    ) -> Result<(pb::SealedDocument, File), Status> {
        let language = whole.language;
        let begun = self.begin_whole(&mut whole).await?;
        let structure = self.structure(&whole).await?;
        let signer = eseal_documents::sealing::listed_signer(&structure, sound.format());
        let signer = signer.ok_or_else(|| refusals::rejected(Rejection::WrongCustody, language))?;
        let certificate = signer.fingerprint();
        let time = begun.sealing_time.as_ref().and_then(moment::micros).map(Timestamp::from_micros);
        let time = time.unwrap_or(whole.turn.metadata.now);
        let order = Order { structure, placement, time, signer, reason };
        let prepared = sound.laid_out(order).await.map_err(|error| refusals::not_sealed(&error, language))?;
        let places = wire_places(&prepared);
        self.authorize_whole(&mut whole, &prepared, certificate, &places, pin).await?;
        let signature = self.sign_whole(&mut whole, &prepared).await?;
        let done = written(prepared, signature).await;
        let (file, size, sealed) = done.map_err(|error| refusals::not_sealed(&error, language))?;
        self.complete_whole(&mut whole, &sealed.signature).await?;
        let attempt_id = whole.turn.attempt.to_string();
        let format = sound.format().to_string();
        Ok((pb::SealedDocument { attempt_id, name: sealed.name, format, size, places }, file))
    }

    async fn begin_whole(&self, whole: &mut Whole) -> Result<pb::BeginSealingResponse, Status> {
        // Its custodian may know where its keys are; anybody else is refused as a stranger.
        let of_card = |holding: &&Holding| holding.hosted_key.is_none() && holding.custodian == whole.turn.by.person;
        if whole.turn.holding.as_ref().filter(of_card).is_some() {
            return Err(refusals::rejected(Rejection::WrongCustody, whole.language));
        }
        let (seal, attempt) = (whole.turn.seal, whole.turn.attempt);
        let order = App::step(&whole.turn, SealingAction::Begin { nonce: parse::nonce()?, documents: 0 });
        let done = move |decided: &Decided<Seal>| begun(seal, attempt, 0, decided);
        let begun = self.pass(whole.call("Begin"), order, done).await?;
        // A repeat goes on with the attempt of the first time.
        whole.turn.attempt = parse::attempt("attempt_id", &begun.attempt_id)?;
        Ok(begun)
    }

    async fn structure(&self, whole: &Whole) -> Result<Vec<u8>, Status> {
        let holding = whole.turn.holding.as_ref().ok_or_else(|| refusals::seal_not_found(whole.language))?;
        let structure = self.app.contents.seal(holding.seal_digest).await.map_err(|error| internal(&error))?;
        structure.ok_or_else(|| refusals::seal_erased(whole.language))
    }

    async fn authorize_whole(
        &self,
        whole: &mut Whole,
        prepared: &Prepared,
        certificate: Digest,
        places: &[seal_pb::Place],
        pin: Pin,
    ) -> Result<(), Status> {
        let document_digest = Digest::try_from(prepared.digest()).map_err(|error| internal(&error))?;
        let places = parse::places("order.placement", places)?;
        let hosted = HostedUse { pin, document_digest, certificate, places };
        let answering = |decided: &Decided<Seal>| {
            answer(decided, |decided| pb::AuthorizeHostedSealingResponse { complete_before: complete_before(decided) })
        };
        let turn = self.turn_now(whole);
        let answer = self.app.authorize_hosted(turn, hosted, whole.step("Authorize"), answering).await;
        let answer = answer.map_err(|error| refusals::sealing(error, whole.language))?;
        kept::<pb::AuthorizeHostedSealingResponse>(&answer, whole.language).map(drop)
    }

    async fn sign_whole(&self, whole: &mut Whole, prepared: &Prepared) -> Result<Vec<u8>, Status> {
        let turn = self.turn_now(whole);
        let signed = self.app.sign_hosted(&turn, prepared.to_sign().to_vec()).await;
        let (order, signature) = signed.map_err(|error| internal(&error))?;
        let done = move |_: &Decided<Seal>| pb::SignHostedResponse { signature: signature.clone() };
        Ok(self.pass(whole.call("Sign"), order, done).await?.signature)
    }

    async fn complete_whole(&self, whole: &mut Whole, signature: &[u8]) -> Result<(), Status> {
        let turn = self.turn_now(whole);
        let order = self.app.complete(&turn, signature).await.map_err(|error| internal(&error))?;
        self.pass(whole.call("Complete"), order, |_| pb::CompleteSealingResponse {}).await.map(drop)
    }

    /// The turn at this moment: documents take their time.
    fn turn_now(&self, whole: &mut Whole) -> Turn {
        whole.turn.metadata.now = self.clock.now();
        whole.turn.clone()
    }
}

impl Whole {
    fn step(&self, name: &str) -> RequestKey {
        RequestKey { rpc: format!("{RPC}.{name}"), ..self.key.clone() }
    }

    fn call(&self, name: &str) -> Call {
        let (caller, metadata) = (self.caller.clone(), self.turn.metadata.clone());
        Call { caller, language: self.language, metadata, key: self.step(name) }
    }
}

async fn looked_at(received: Received, language: Language) -> Result<Sound, Status> {
    received.looked_at().await.map_err(|error| refusals::not_sealed(&error, language))
}

fn wire_places(prepared: &Prepared) -> Vec<seal_pb::Place> {
    // Micrometres: the rules of pages bound them far below what an i64 holds.
    let um = |mm: f64| (mm * 1000.0).round() as i64;
    let place = |at: &eseal_documents::Place| crate::domain::command::Place {
        page: at.page,
        x: um(at.x_mm),
        y: um(at.y_mm),
        width: um(at.width_mm),
        height: um(at.height_mm),
    };
    prepared.places().iter().map(|at| words::place_to_wire(&place(at))).collect()
}

/// What was done, and then the document, as fast as the client takes it. A client that takes nothing for too long gets no
/// more, and the file goes with the task.
fn sent_back(first: pb::SealedDocument, file: File, permit: OwnedSemaphorePermit) -> Pieces {
    let (sender, receiver) = mpsc::channel(PIECES);
    tokio::spawn(async move {
        let _permit = permit;
        let mut file = tokio::fs::File::from_std(file);
        let mut part = pb::seal_document_response::Part::Sealed(first);
        loop {
            let message = Ok(pb::SealDocumentResponse { part: Some(part) });
            if !matches!(tokio::time::timeout(PATIENCE, sender.send(message)).await, Ok(Ok(()))) {
                return;
            }
            let mut piece = vec![0; PIECE];
            match file.read(&mut piece).await {
                Ok(0) => return,
                Ok(read) => {
                    piece.truncate(read);
                    part = pb::seal_document_response::Part::Piece(piece);
                }
                Err(error) => {
                    let _ = sender.send(Err(internal(&error))).await;
                    return;
                }
            }
        }
    });
    ReceiverStream::new(receiver)
}
