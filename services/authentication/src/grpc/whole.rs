//! A document that is sealed here as a whole, with a hosted key: received, sealed through the same gates as one that a
//! client seals, and sent back.
//!
//! The rules are asked what a client would ask them, step by step, under request ids that follow from the one of the order.
//! So a repeat gets the answers that are kept: it tries no PIN and signs nothing anew, and the same document comes again.

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use eseal_documents::Format;
use eseal_documents::sealing::{Prepared, UsableSeal};
use eseal_eventstore::{Decided, RequestKey};
use eseal_kernel::{Digest, Id, Timestamp};
use eseal_online::pades::{Level, Pades};
use eseal_pki::Certificate;
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
use crate::app::sealing::{HostedUse, Turn, Typed};
use crate::app::stamping::StampingError;
use crate::app::whole::{
    Manner, NotSealed, Order, Received, Sound, at_its_beginning, completed, list_of, with_list, written,
};
use crate::codec::words;
use crate::domain::command::SealingAction;
use crate::domain::document::{self, DigestKind, DocumentDigest, Original};
use crate::domain::ids::AttemptId;
use crate::domain::{Rejection, Seal};

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
    /// Whether who asks is a custodian of the seal.
    theirs: bool,
    /// The document as it came.
    original: Original,
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
        let typed = (std::mem::take(&mut order.pin), std::mem::take(&mut order.code)); // before anything is computed from the message
        let typed = parse::typed("order.", typed.0, typed.1)?;
        let password = parse_whole::password(&mut order)?;
        let seal = parse::any_seal("order.seal_id", &order.seal_id)?;
        let manner = Arc::new(parse_whole::manner(&order, password)?);
        let key = request_key(&caller, RPC, &order.request_id, &order)?;

        let received = parse_whole::document(pieces, order.size, self.room.max_bytes).await?;
        // The document is part of what is asked for.
        let content = Digest::of(&[*key.content.bytes(), *received.digest.bytes()].concat());
        let holding = self.app.query.holding(seal).await.map_err(|error| internal(&error))?;
        let (attempt, by) = (AttemptId(Id::random(metadata.now)), super::by(&caller)?);
        let theirs = self.app.query.is_custodian(seal, &by.person).await.map_err(|error| internal(&error))?;
        let turn = Turn { seal, attempt, by, holding, metadata, seen: Vec::new() };
        let original = original(&received);
        let whole = Whole { caller, language, key: RequestKey { content, ..key }, turn, theirs, original };
        let sound = received.looked_at(Arc::clone(&manner)).await;
        let sound = sound.map_err(|error| refusals::not_sealed(&error, language))?;
        let (first, file) = self.seal_sound(whole, sound, manner, typed).await?;
        Ok(sent_back(first, file, permit))
    }

    /// Gates a, c, d and e.
    async fn seal_sound(
        &self,
        mut whole: Whole,
        sound: Sound,
        manner: Arc<Manner>,
        typed: Typed,
    ) -> Result<(pb::SealedDocument, File), Status> {
        let (language, now) = (whole.language, whole.turn.metadata.now);
        whole.original.format = Some(match sound.format() {
            Format::Ofd => document::Format::Ofd,
            Format::Pdf => document::Format::Pdf,
        });
        let not_sealed = |error: &NotSealed| refusals::not_sealed(error, language);
        if manner.level > Level::Basic && self.app.stamping.is_off() {
            return Err(refusals::stamping(&StampingError::Off, language)); // before anything is recorded
        }
        // A stranger's order ends at its begin, and nobody is asked for it.
        let ready = match whole.is_custodians() {
            true => Some(self.ready(&whole, &manner, sound.format()).await?),
            false => None,
        };
        let room = ready.as_ref().and_then(|ready| ready.pades.as_ref()).map_or(0, Pades::room);
        let begun = self.begin_whole(&mut whole, room).await?;
        let Ready { seal, signer, pades } = ready.ok_or_else(|| refusals::not_custodian(language))?;
        let time = begun.sealing_time.as_ref().and_then(moment::micros).map_or(now, Timestamp::from_micros);
        // What is laid out around the room must come to the same digest when the order is repeated.
        let time_stamp_room = usize::try_from(begun.time_stamp_room).unwrap_or_default();
        let order = Order { seal, manner: Arc::clone(&manner), time_stamp_room, time, signer: signer.clone() };
        let prepared = sound.laid_out(order).await.map_err(|error| not_sealed(&error))?;
        let places = wire_places(&prepared);
        self.authorize_whole(&mut whole, &prepared, signer.fingerprint(), &places, typed).await?;
        let value = self.sign_whole(&mut whole, &prepared, pades.as_ref()).await?;
        let token = Some(value.time_stamp).filter(|token| !token.is_empty());
        let (mut file, sealed) = written(prepared, value.signature, token).await.map_err(|error| not_sealed(&error))?;
        if let Some(pades) = pades.as_ref().filter(|_| sound.format() == Format::Pdf) {
            completed(&file, pades, &manner).await.map_err(|error| not_sealed(&error))?;
        }
        if manner.list_files {
            file = self.list_whole(&mut whole, &file, signer, time).await?;
        }
        self.complete_whole(&mut whole, &sealed.signature).await?;
        let (file, size) = at_its_beginning(file).map_err(|error| not_sealed(&error))?;
        let attempt_id = whole.turn.attempt.to_string();
        let format = sound.format().to_string();
        Ok((pb::SealedDocument { attempt_id, name: sealed.name, format, size, places }, file))
    }

    /// What the document will be sealed with, before anything is recorded.
    async fn ready(&self, whole: &Whole, manner: &Manner, format: Format) -> Result<Ready, Status> {
        let language = whole.language;
        let seal = UsableSeal::from_der(&self.structure(whole).await?).map_err(|error| internal(&error))?;
        let signer = seal.signer(manner.suite(format));
        let signer = signer.ok_or_else(|| refusals::rejected(Rejection::WrongCustody, language))?;
        let trust = self.app.trust.current().await.map_err(|error| internal(&error))?;
        let pades = self.app.stamping.pades(manner.level, format, &signer, &trust, whole.turn.metadata.now).await;
        let pades = pades.map_err(|error| refusals::stamping(&error, language))?;
        Ok(Ready { seal, signer, pades })
    }

    async fn begin_whole(&self, whole: &mut Whole, room: usize) -> Result<pb::BegunWhole, Status> {
        // Its custodian may know where its keys are; anybody else is refused as a stranger.
        if whole.theirs && whole.turn.holding.as_ref().is_some_and(|holding| holding.hosted_key.is_none()) {
            return Err(refusals::rejected(Rejection::WrongCustody, whole.language));
        }
        let (seal, attempt) = (whole.turn.seal, whole.turn.attempt);
        let order = App::step(&whole.turn, SealingAction::Begin { nonce: parse::nonce()?, documents: 0 });
        let time_stamp_room = u32::try_from(room).unwrap_or(u32::MAX);
        let done = move |decided: &Decided<Seal>| {
            let pb::BeginSealingResponse { attempt_id, sealing_time, .. } = begun(seal, attempt, 0, decided);
            pb::BegunWhole { attempt_id, sealing_time, time_stamp_room }
        };
        let begun = self.pass(whole.call("Begin"), order, done).await?;
        // A repeat goes on with the attempt of the first time.
        whole.turn.attempt = parse::attempt("attempt_id", &begun.attempt_id)?;
        Ok(begun)
    }

    async fn structure(&self, whole: &Whole) -> Result<Vec<u8>, Status> {
        let holding = whole.turn.holding.as_ref().ok_or_else(|| refusals::seal_not_found(whole.language))?;
        let structure = self.app.contents.seal(holding.seal_digest).await;
        let structure = structure.map_err(|error| refusals::failed(&error.into()))?;
        structure.ok_or_else(|| refusals::seal_erased(whole.language))
    }

    async fn authorize_whole(
        &self,
        whole: &mut Whole,
        prepared: &Prepared,
        certificate: Digest,
        places: &[seal_pb::Place],
        typed: Typed,
    ) -> Result<(), Status> {
        let document_digest = Digest::try_from(prepared.digest()).map_err(|error| internal(&error))?;
        let places = parse::places("order.placement", places)?;
        let hosted = HostedUse { typed, document_digest, certificate, places, original: whole.original.clone() };
        let answering = |decided: &Decided<Seal>| {
            answer(decided, |decided| pb::AuthorizeHostedSealingResponse { complete_before: complete_before(decided) })
        };
        let turn = self.turn_now(whole);
        let answer = self.app.authorize_hosted(turn, hosted, whole.step("Authorize"), answering).await;
        let answer = answer.map_err(|error| refusals::sealing(error, whole.language))?;
        kept::<pb::AuthorizeHostedSealingResponse>(&answer, whole.language).map(drop)
    }

    /// The signature, with its time stamp: kept together, so that a repeat gives the same.
    async fn sign_whole(
        &self,
        whole: &mut Whole,
        prepared: &Prepared,
        pades: Option<&Pades>,
    ) -> Result<pb::SealedValue, Status> {
        let turn = self.turn_now(whole);
        let signed = self.app.sign_hosted(&turn, prepared.to_sign().to_vec()).await;
        let (order, signature) = signed.map_err(|error| refusals::failed(&error))?;
        let time_stamp = match pades {
            Some(pades) if !signature.is_empty() => {
                let token = pades.token(&signature).await.map_err(StampingError::Pades);
                token.map_err(|error| refusals::stamping(&error, whole.language))?
            }
            Some(_) | None => Vec::new(),
        };
        let value = pb::SealedValue { signature, time_stamp };
        self.pass(whole.call("Sign"), order, move |_: &Decided<Seal>| value.clone()).await
    }

    /// The sealed OFD with a list of its files.
    async fn list_whole(
        &self,
        whole: &mut Whole,
        sealed: &File,
        signer: Certificate,
        time: Timestamp,
    ) -> Result<File, Status> {
        let language = whole.language;
        let not_sealed = |error: &NotSealed| refusals::not_sealed(error, language);
        let list = list_of(sealed, time).await.map_err(|error| not_sealed(&error))?;
        let turn = self.turn_now(whole);
        let signed = self.app.sign_list(&turn, &list).await.map_err(|error| refusals::failed(&error))?;
        let (order, signature) = signed;
        let time_stamp = self.app.stamping.over_list(&signature).await;
        let time_stamp = time_stamp.map_err(|error| refusals::stamping(&error, language))?.unwrap_or_default();
        let value = pb::SealedValue { signature, time_stamp };
        let value = self.pass(whole.call("SignList"), order, move |_: &Decided<Seal>| value.clone()).await?;
        let token = Some(value.time_stamp).filter(|token| !token.is_empty());
        with_list(list, signer, value.signature, token).await.map_err(|error| not_sealed(&error))
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

/// What a document will be sealed with.
struct Ready {
    seal: UsableSeal,
    signer: Certificate,
    pades: Option<Pades>,
}

impl Whole {
    /// Whether who asks may use the seal, and it has a hosted key.
    fn is_custodians(&self) -> bool {
        self.theirs && self.turn.hosted_key().is_some()
    }

    fn step(&self, name: &str) -> RequestKey {
        RequestKey { rpc: format!("{RPC}.{name}"), ..self.key.clone() }
    }

    fn call(&self, name: &str) -> Call {
        let (caller, metadata) = (self.caller.clone(), self.turn.metadata.clone());
        Call { caller, language: self.language, metadata, key: self.step(name) }
    }
}

/// What its bytes say; what kind of document they are is found out when it is looked at.
fn original(received: &Received) -> Original {
    let digest = |kind, value| DocumentDigest { kind, value };
    let digests = vec![digest(DigestKind::Sha256, received.digest), digest(DigestKind::Sm3, received.sm3)];
    Original { digests, format: None }
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
