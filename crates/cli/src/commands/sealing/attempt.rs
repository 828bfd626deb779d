//! One use of a seal, as the service records it.

use std::sync::atomic::{AtomicU32, Ordering};

use eseal_card::Card;
use eseal_documents::Place;
use eseal_documents::sealing::Prepared;
use eseal_kernel::{Digest, Timestamp};
use eseal_pki::{Certificate, Signer};
use eseal_proto::authentication::v1 as pb;
use eseal_proto::authentication::v1::registry_service_client::RegistryServiceClient;
use eseal_proto::authentication::v1::sealing_service_client::SealingServiceClient;
use eseal_proto::moment;
use eseal_proto::seal::v1::{ChallengeTerms, Custody, Place as WirePlace};
use uuid::Uuid;

use super::repeat::{Act, other_act};
use super::{Kind, digest_of};
use crate::commands::proof::{self, Purpose};
use crate::connect::{Line, MAX_MESSAGE, Server, request_id};
use crate::failure::Failure;
use crate::lang::Lang;

/// An attempt that is open.
pub struct Attempt<'a> {
    server: &'a Server,
    seal: &'a str,
    begun: pb::BeginSealingResponse,
    tries_left: AtomicU32,
    act: Act,
    /// PINs of a hosted key that were wrong: each has a request of its own.
    wrong: AtomicU32,
}

impl<'a> Attempt<'a> {
    /// Gate a, for one document, or for so many in one act.
    pub async fn begin(server: &'a Server, seal: &'a str, documents: u32, act: Act) -> Result<Self, Failure> {
        let (request_id, seal_id) = (act.request_id("begin"), seal.to_owned());
        let request = pb::BeginSealingRequest { request_id, seal_id, documents };
        let begun = server.answer(client(server).begin_sealing(request).await)?;
        // Files are called by it.
        if begun.attempt_id.parse::<Uuid>().map(|id| id.to_string()).ok().as_ref() != Some(&begun.attempt_id) {
            return Err(Failure::new(Kind::Unreachable, "ANSWER_UNREADABLE", server.lang));
        }
        Ok(Self::again(server, seal, begun, act))
    }

    /// One that was begun before.
    pub fn again(server: &'a Server, seal: &'a str, begun: pb::BeginSealingResponse, act: Act) -> Self {
        let tries_left = AtomicU32::new(begun.pin_tries_left);
        Self { server, seal, begun, tries_left, act, wrong: AtomicU32::new(0) }
    }

    /// How the service began it.
    pub fn begun(&self) -> &pb::BeginSealingResponse {
        &self.begun
    }

    pub fn id(&self) -> &str {
        &self.begun.attempt_id
    }

    pub fn seal(&self) -> &str {
        self.seal
    }

    pub fn server(&self) -> &Server {
        self.server
    }

    /// What a card's proof must say.
    pub fn terms(&self) -> Option<&ChallengeTerms> {
        self.begun.challenge.as_ref()
    }

    pub fn is_hosted(&self) -> bool {
        self.begun.custody() == Custody::HostedKey
    }

    /// Whether gate d must be told which documents these are.
    pub fn original_needed(&self) -> bool {
        self.begun.original_needed
    }

    pub fn tries_left(&self) -> u32 {
        self.tries_left.load(Ordering::Relaxed)
    }

    /// The time of sealing, by the service's clock.
    pub fn sealing_time(&self) -> Timestamp {
        let at = self.begun.sealing_time.as_ref().and_then(moment::micros);
        Timestamp::from_micros(at.unwrap_or_default())
    }

    /// Gate b: no card is there. Gives what is to be told.
    pub async fn card_absent(&self) -> Failure {
        let (seal_id, attempt_id) = (self.seal.to_owned(), self.id().to_owned());
        let request = pb::ReportCardAbsentRequest { request_id: request_id(), seal_id, attempt_id };
        let told = self.server.answer(client(self.server).report_card_absent(request).await);
        told.err().unwrap_or_else(|| Failure::new(Kind::Refused, "SEAL_CARD_ABSENT", self.server.lang))
    }

    /// Gate c: how the card answered the PIN.
    pub async fn pin(&self, correct: bool) -> Result<u32, Failure> {
        let (seal_id, attempt_id) = (self.seal.to_owned(), self.id().to_owned());
        let request = pb::ReportPinRequest { request_id: request_id(), seal_id, attempt_id, correct };
        Ok(self.server.answer(client(self.server).report_pin(request).await)?.tries_left)
    }

    /// Gate c: the PIN was wrong. Gives what is to be told.
    pub async fn wrong_pin(&self) -> Failure {
        match self.pin(false).await {
            Err(failure) => failure,
            Ok(tries_left) => {
                let mut failure = Failure::new(Kind::Refused, "PIN_INCORRECT", self.server.lang);
                failure.facts.push(("tries_left".to_owned(), tries_left.to_string()));
                failure
            }
        }
    }

    /// What gate d is shown: what was read from the card, and its proof for this document.
    pub fn authorization(
        &self,
        card: &Card,
        key: &dyn Signer,
        certificate: &Certificate,
        structure: &[u8],
        draft: &Prepared,
        original: Option<pb::OriginalDocument>,
    ) -> Result<pb::AuthorizeSealingRequest, Failure> {
        let document = Digest::try_from(draft.digest()).ok();
        let (audience, purpose) = ("eseal.authentication", "seal-document");
        let of = Purpose { audience, purpose, attempt: self.id(), seal: self.seal, document };
        let statement = proof::statement(self.server.lang, self.begun.challenge.as_ref(), of)?;
        Ok(pb::AuthorizeSealingRequest {
            request_id: self.act.request_id("authorize"),
            seal_id: self.seal.to_owned(),
            attempt_id: self.id().to_owned(),
            card_serial: card.serial().to_owned(),
            seal_digest: digest_of(structure),
            document_digest: hex::encode(draft.digest()),
            proof: Some(proof::signed(self.server.lang, &statement, key, certificate)?),
            places: draft.places().iter().map(wire).collect(),
            card_uses: counted(self.server.lang, card)?,
            original,
        })
    }

    /// Gate d.
    pub async fn authorize(&self, request: pb::AuthorizeSealingRequest) -> Result<(), Failure> {
        self.server.answer(client(self.server).authorize_sealing(request).await).map(drop)
    }

    /// Gates c and d for a hosted key.
    pub async fn authorize_hosted(
        &self,
        pin: &str,
        code: &str,
        certificate: &Certificate,
        draft: &Prepared,
        original: Option<pb::OriginalDocument>,
    ) -> Result<(), Failure> {
        let request = pb::AuthorizeHostedSealingRequest {
            code: code.to_owned(),
            request_id: self.act.request_id(&format!("authorize-{}", self.wrong.load(Ordering::Relaxed))),
            seal_id: self.seal.to_owned(),
            attempt_id: self.id().to_owned(),
            pin: pin.to_owned(),
            document_digest: hex::encode(draft.digest()),
            certificate_digest: certificate.fingerprint().to_string(),
            places: draft.places().iter().map(wire).collect(),
            original,
        };
        let answer = self.server.answer(client(self.server).authorize_hosted_sealing(request).await).map(drop);
        self.learn_tries_left(&answer);
        answer
    }

    /// A refusal may say how many tries are left.
    pub(super) fn learn_tries_left(&self, answer: &Result<(), Failure>) {
        if let Err(failure) = answer {
            if failure.code == "PIN_INCORRECT" {
                self.wrong.fetch_add(1, Ordering::Relaxed);
            }
            let left = failure.facts.iter().find(|(name, _)| name == "tries_left").and_then(|(_, v)| v.parse().ok());
            if let Some(left) = left {
                self.tries_left.store(left, Ordering::Relaxed);
            }
        }
    }

    /// The signature of the hosted key.
    pub async fn sign_hosted(&self, to_be_signed: &[u8]) -> Result<Vec<u8>, Failure> {
        let request = pb::SignHostedRequest {
            request_id: self.act.request_id("sign"),
            seal_id: self.seal.to_owned(),
            attempt_id: self.id().to_owned(),
            to_be_signed: to_be_signed.to_owned(),
        };
        Ok(self.server.answer(client(self.server).sign_hosted(request).await)?.signature)
    }

    /// The signature of the hosted key, if an earlier run of the same act came so far that gate d let it through: then no PIN is
    /// needed again.
    pub async fn signed_before(&self, to_be_signed: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
        if !self.act.may_be_a_repeat() {
            return Ok(None);
        }
        match self.sign_hosted(to_be_signed).await {
            Err(failure) if failure.code == "SEALING_OUT_OF_ORDER" => Ok(None),
            Err(failure) if failure.code == "REQUEST_ID_REUSED" => Err(other_act(self.server.lang)),
            signed => signed.map(Some),
        }
    }

    /// The electronic seal, for who has no card to read it from.
    pub async fn structure(&self) -> Result<Vec<u8>, Failure> {
        let mut client = RegistryServiceClient::new(self.server.line()).max_decoding_message_size(MAX_MESSAGE);
        let request = pb::GetSealStructureRequest { seal_id: self.seal.to_owned() };
        Ok(self.server.answer(client.get_seal_structure(request).await)?.seal)
    }

    /// Gate e: the seal signature.
    pub async fn complete(&self, signature: &[u8]) -> Result<(), Failure> {
        let request = pb::CompleteSealingRequest {
            request_id: self.act.request_id("complete"),
            seal_id: self.seal.to_owned(),
            attempt_id: self.id().to_owned(),
            signature: signature.to_owned(),
        };
        self.server.answer(client(self.server).complete_sealing(request).await).map(drop)
    }

    /// Gate e failed here.
    pub async fn give_up(&self) {
        let (seal_id, attempt_id) = (self.seal.to_owned(), self.id().to_owned());
        let request = pb::ReportSigningFailureRequest { request_id: request_id(), seal_id, attempt_id };
        // A service that can't be told ends the attempt by its age.
        let _ = client(self.server).report_signing_failure(request).await;
    }
}

/// One more use of the card, where it counts. Once for each time that gate d is asked: a count that is told twice is taken for a
/// copy's.
pub fn counted(lang: Lang, card: &Card) -> Result<u64, Failure> {
    card.count_use().map(Option::unwrap_or_default).map_err(|error| Failure::card(lang, &error))
}

pub(super) fn client(server: &Server) -> SealingServiceClient<Line> {
    SealingServiceClient::new(server.line()).max_encoding_message_size(MAX_MESSAGE)
}

/// A place as the service knows it.
pub(super) fn wire(at: &Place) -> WirePlace {
    // Micrometres: the rules of pages bound them far below what an i64 holds.
    let um = |mm: f64| (mm * 1000.0).round() as i64;
    WirePlace {
        page: at.page,
        x_um: um(at.x_mm),
        y_um: um(at.y_mm),
        width_um: um(at.width_mm),
        height_um: um(at.height_mm),
    }
}
