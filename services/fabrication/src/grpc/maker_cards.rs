//! 制章授权卡: issuing, withdrawing, listing.

use eseal_eventstore::Order;
use eseal_pki::Certificate;
use eseal_proto::authentication::v1::TrustPurpose;
use eseal_proto::fabrication::v1 as pb;
use eseal_proto::fabrication::v1::maker_card_service_server::MakerCardService;
use eseal_proto::moment;
use eseal_service::Language;
use eseal_service::answer::Answer;
use eseal_service::paging::Page;
use eseal_service::status::internal;
use tonic::{Request, Response, Status};

use super::{Call, Grpc, parse, refusals};
use crate::contents::Kind;
use crate::domain::MakerCard;
use crate::domain::command::CardCommand;
use crate::query::ListedCard;

#[tonic::async_trait]
impl MakerCardService for Grpc {
    async fn issue_maker_card(
        &self,
        request: Request<pb::IssueMakerCardRequest>,
    ) -> Result<Response<pb::IssueMakerCardResponse>, Status> {
        let call = self.call(&request, "MakerCardService/IssueMakerCard", &request.get_ref().request_id)?;
        call.caller.may_see_all()?;
        let message = request.into_inner();
        let card_serial = parse::serial("card_serial", &message.card_serial)?;
        let maker_id = parse::person("maker_id", &message.maker_id)?;
        let certificate = parse::certificate("certificate", &message.certificate)?;
        self.check_new(&call, &card_serial, &certificate).await?;
        let now = call.metadata.now;
        let row = self.app.contents.row(Kind::Certificate, certificate.der(), now).map_err(|error| internal(&error))?;
        let command = CardCommand::Issue {
            card_serial: card_serial.clone(),
            maker_id,
            certificate: certificate.fingerprint(),
            now,
        };
        let order = Order::<MakerCard>::new(card_serial, command, call.metadata.clone()).with_rows(vec![row]);
        let answer = self.decide(call, order, |decided| {
            Answer::Done(pb::IssueMakerCardResponse { etag: decided.version.to_string() })
        });
        answer.await.map(Response::new)
    }

    async fn withdraw_maker_card(
        &self,
        request: Request<pb::WithdrawMakerCardRequest>,
    ) -> Result<Response<pb::WithdrawMakerCardResponse>, Status> {
        let call = self.call(&request, "MakerCardService/WithdrawMakerCard", &request.get_ref().request_id)?;
        call.caller.may_see_all()?;
        let message = request.into_inner();
        let card_serial = parse::serial("card_serial", &message.card_serial)?;
        let command = CardCommand::Withdraw { reason_code: parse::withdrawal(&message.reason_code)? };
        let order = Order::<MakerCard>::new(card_serial, command, call.metadata.clone());
        let answer = self.decide(call, order, |decided| {
            Answer::Done(pb::WithdrawMakerCardResponse { etag: decided.version.to_string() })
        });
        answer.await.map(Response::new)
    }

    async fn resume_maker_card(
        &self,
        request: Request<pb::ResumeMakerCardRequest>,
    ) -> Result<Response<pb::ResumeMakerCardResponse>, Status> {
        let call = self.call(&request, "MakerCardService/ResumeMakerCard", &request.get_ref().request_id)?;
        call.caller.may_see_all()?;
        let card_serial = parse::serial("card_serial", &request.get_ref().card_serial)?;
        let order = Order::<MakerCard>::new(card_serial, CardCommand::Resume, call.metadata.clone());
        let answer = self.decide(call, order, |decided| {
            Answer::Done(pb::ResumeMakerCardResponse { etag: decided.version.to_string() })
        });
        answer.await.map(Response::new)
    }

    async fn list_maker_cards(
        &self,
        request: Request<pb::ListMakerCardsRequest>,
    ) -> Result<Response<pb::ListMakerCardsResponse>, Status> {
        let language = Language::of(&request);
        let message = request.into_inner();
        let page = Page::try_new(message.page_size, &message.page_token)?;
        let listed = self.app.query.maker_cards(page.after.as_deref(), page.rows_to_read()).await;
        let mut listed = listed.map_err(|error| internal(&error))?;
        let next_page_token = page.cut(&mut listed, |card| card.card_serial.clone());
        let mut maker_cards = Vec::with_capacity(listed.len());
        for card in listed {
            maker_cards.push(self.shown(card, language).await?);
        }
        Ok(Response::new(pb::ListMakerCardsResponse { maker_cards, next_page_token }))
    }
}

impl Grpc {
    /// Asks whether the certificate is a maker's. Of a card that is known already the rules know enough, and a repeat
    /// gets its first answer whatever became of the certificate since.
    async fn check_new(&self, call: &Call, card_serial: &str, certificate: &Certificate) -> Result<(), Status> {
        let known = self.app.maker_card_of(card_serial).await.map_err(|error| internal(&error))?;
        if known != MakerCard::Absent {
            return Ok(());
        }
        let good = self.app.peers.is_good(&call.onward, certificate, TrustPurpose::Maker, None).await;
        match good.map_err(|status| refusals::app(status.into(), call.language))? {
            true => Ok(()),
            false => Err(refusals::untrusted_maker(call.language)),
        }
    }

    async fn shown(&self, card: ListedCard, language: Language) -> Result<pb::MakerCard, Status> {
        let digest = parse::digest("certificate_digest", &card.certificate_digest)?;
        let certificate = self.app.contents.get(Kind::Certificate, digest).await;
        let certificate = certificate.map_err(|error| refusals::app(error.into(), language))?.unwrap_or_default();
        Ok(pb::MakerCard {
            card_serial: card.card_serial,
            maker_id: card.maker_id,
            certificate,
            issued_at: Some(moment::from_micros(card.issued_at.micros())),
            suspended_at: card.suspended_at.map(|at| moment::from_micros(at.micros())),
            withdrawn_at: card.withdrawn_at.map(|at| moment::from_micros(at.micros())),
        })
    }
}
