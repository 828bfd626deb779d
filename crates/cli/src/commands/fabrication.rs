//! 制章: the maker's workstation.

use std::path::{Path, PathBuf};

use clap::ValueEnum as _;
use eseal_card::{Card, CardAddress, CardError, Opened};
use eseal_pki::{Signer as _, Suite};
use eseal_proto::fabrication::v1 as pb;
use eseal_proto::fabrication::v1::fabrication_service_client::FabricationServiceClient;
use eseal_proto::fabrication::v1::maker_card_service_client::MakerCardServiceClient;
use eseal_proto::seal::v1::ChallengeTerms;
use eseal_seal::{Seal, SealInfo};
use serde_json::json;

use super::Env;
use super::card::asked;
use super::proof::{self, Purpose};
use super::sealing::counted;
use crate::args::{Make, MakerCard};
use crate::connect::{Line, MAX_MESSAGE, Server, request_id};
use crate::failure::{Failure, Kind};
use crate::lang::Lang;
use crate::output::Output;

const AUDIENCE: &str = "eseal.fabrication";

/// A run that is under way.
pub struct Run<'a> {
    server: &'a Server,
    output: Output,
    application: &'a str,
    /// Its id.
    pub run: String,
    seal: String,
    challenge: Option<ChallengeTerms>,
}

/// The seal card for a run, and where its PIN is.
#[derive(Debug, Clone, Copy)]
pub struct SealCard<'a> {
    /// It.
    pub card: &'a Card,
    /// The file with its PIN.
    pub pin_file: Option<&'a Path>,
}

/// One application, by its id.
pub async fn make(env: &Env, args: &Make, application: &str) -> Result<(), Failure> {
    let (server, lang, output) = (env.server()?, env.lang(), env.output);
    if args.cards.len() > 1 || args.pin_files.len() > 1 {
        return Err(Failure::usage(lang, "--card, --pin-file"));
    }
    let maker_card = connected(lang, args.maker_card.as_ref())?;
    let run = Run::begin(&server, output, application, maker_card.as_ref()).await?;
    let Some(maker_card) = maker_card else {
        // Without a card only a hosted fabrication gets here: the service makes the seal itself.
        let words = lang.pick("已由服务端开始制章", "the service makes the seal itself");
        output.result(&json!({ "runId": run.run }), words);
        return Ok(());
    };
    let made = async {
        let maker = maker_unlocked(lang, &maker_card, args.maker_pin_file.as_deref())?;
        let card = || connected(lang, args.cards.first());
        run.carry_on(&maker, card, args.pin_files.first().map(PathBuf::as_path)).await
    };
    let seal_id = run.settled(made.await).await?;
    output.result(
        &json!({ "sealId": seal_id, "runId": run.run }),
        format!("{} {seal_id}", lang.pick("制章成功", "made:")),
    );
    output.say(&format!("eseal activate {seal_id}"));
    Ok(())
}

impl<'a> Run<'a> {
    /// Begins one. Without a maker card the service refuses it, unless it makes the seal itself.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn begin(
        server: &'a Server,
        output: Output,
        application: &'a str,
        maker_card: Option<&Card>,
    ) -> Result<Self, Failure> {
        let request = pb::BeginRunRequest {
            request_id: request_id(),
            application_id: application.to_owned(),
            maker_card_serial: maker_card.map(|card| card.serial().to_owned()).unwrap_or_default(),
        };
        let begun = server.answer(client(server).begin_run(request).await)?;
        Ok(Self {
            server,
            output,
            application,
            run: begun.run_id,
            seal: begun.seal_id,
            challenge: begun.maker_challenge,
        })
    }

    /// The rest of the run: gives the id of the seal. The seal card is looked for once the maker card is proved, and not being
    /// there is refused by the service like any other.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn carry_on(
        &self,
        maker: &Opened,
        card: impl FnOnce() -> Result<Option<Card>, Failure>,
        pin_file: Option<&Path>,
    ) -> Result<String, Failure> {
        let lang = self.server.lang;
        let challenge = self.prove_maker(maker, self.challenge.as_ref()).await?;
        self.output.say(lang.pick("a 制章授权卡:通过", "a maker card: passed"));

        let card = card()?;
        let card = card.as_ref().map(|card| SealCard { card, pin_file });
        let (holder, info) = self.prove_holder(card, challenge.as_ref()).await?;
        self.output.say(lang.pick("b–d 数字证书与电子印章卡:通过", "b–d certificates and seal card: passed"));

        let seal = self.sign(maker, &info).await?;
        let before = holder.read_seal().map_err(|error| Failure::card(lang, &error))?;
        let confirmed = self.store(&holder, &seal).await;
        if let (Err(failure), Some(before)) = (&confirmed, before)
            && failure.kind != Kind::Unreachable
        {
            // The card carried a seal, which stays in use while no other takes its place. A server that did not answer may have
            // recorded the new one: then the card must keep that.
            holder.store_seal(&before).map_err(|error| Failure::card(lang, &error))?;
            self.output.say(lang.pick("原印章已写回卡中", "the seal that was on the card is back on it"));
        }
        confirmed
    }

    /// Stores the seal on the card and reads it back.
    async fn store(&self, holder: &Opened, seal: &[u8]) -> Result<String, Failure> {
        let lang = self.server.lang;
        holder.store_seal(seal).map_err(|error| Failure::card(lang, &error))?;
        let read_back = holder.read_seal().map_err(|error| Failure::card(lang, &error))?.unwrap_or_default();
        let request = pb::ConfirmSealRequest {
            request_id: request_id(),
            application_id: self.application.to_owned(),
            run_id: self.run.clone(),
            read_back,
        };
        let confirmed = self.server.answer(client(self.server).confirm_seal(request).await)?;
        self.output.say(lang.pick("e 制章、写卡、读回验证:通过", "e made, stored, read back: passed"));
        Ok(confirmed.seal_id)
    }

    /// What came of it; a failure that is ours and not a refusal by the service is told, since that should not wait for the
    /// rest.
    ///
    /// # Errors
    /// The failure.
    pub async fn settled(&self, made: Result<String, Failure>) -> Result<String, Failure> {
        if made.as_ref().is_err_and(|failure| failure.kind == Kind::Usage) {
            self.give_up().await;
        }
        made
    }

    async fn prove_maker(
        &self,
        maker: &Opened,
        challenge: Option<&ChallengeTerms>,
    ) -> Result<Option<ChallengeTerms>, Failure> {
        let lang = self.server.lang;
        let proof = self.proof(maker, Suite::Sm2Sm3, "make-seal", challenge)?;
        let proof = proof.ok_or_else(|| no_key(lang, maker.card()))?;
        let request = pb::PresentMakerCardRequest {
            request_id: request_id(),
            application_id: self.application.to_owned(),
            run_id: self.run.clone(),
            proof: Some(proof),
            card_uses: counted(lang, maker.card())?,
        };
        Ok(self.server.answer(client(self.server).present_maker_card(request).await)?.seal_card_challenge)
    }

    /// Shows the seal card; a card that is not there, or has no certificate, is refused by the service like any other.
    async fn prove_holder(
        &self,
        card: Option<SealCard<'_>>,
        challenge: Option<&ChallengeTerms>,
    ) -> Result<(Opened, Vec<u8>), Failure> {
        let lang = self.server.lang;
        let prompt = lang.pick("电子印章卡密码", "PIN of the seal card");
        let unlock = |card: SealCard<'_>| unlocked(lang, card.card, card.pin_file, prompt);
        let holder = card.map(unlock).transpose()?;
        let mut proofs = Vec::new();
        for suite in [Suite::Sm2Sm3, Suite::EcdsaP256Sha256, Suite::RsaSha256] {
            if let Some(holder) = &holder {
                proofs.extend(self.proof(holder, suite, "hold-seal", challenge)?);
            }
        }
        let request = pb::PresentSealCardRequest {
            request_id: request_id(),
            application_id: self.application.to_owned(),
            run_id: self.run.clone(),
            card_serial: card.map_or("absent", |card| card.card.serial()).to_owned(),
            proofs,
        };
        let info = self.server.answer(client(self.server).present_seal_card(request).await)?.seal_info;
        let holder = holder.ok_or_else(|| Failure::new(Kind::Refused, "SEAL_CARD_ABSENT", lang))?;
        Ok((holder, info))
    }

    fn proof(
        &self,
        card: &Opened,
        suite: Suite,
        purpose: &'static str,
        terms: Option<&ChallengeTerms>,
    ) -> Result<Option<eseal_proto::seal::v1::SignedStatement>, Failure> {
        let lang = self.server.lang;
        let certificate = card.card().certificate(suite).map_err(|error| Failure::card(lang, &error))?;
        let (Some(key), Some(certificate)) = (card.signer(suite), certificate) else { return Ok(None) };
        let of = Purpose { audience: AUDIENCE, purpose, attempt: &self.run, seal: &self.seal, document: None };
        let statement = proof::statement(lang, terms, of)?;
        proof::signed(lang, &statement, &key, &certificate).map(Some)
    }

    /// Signs what decodes as the seal of this run, and checks the seal that comes of it.
    async fn sign(&self, maker: &Opened, info: &[u8]) -> Result<Vec<u8>, Failure> {
        let lang = self.server.lang;
        let decoded = SealInfo::from_der(info).ok().filter(|decoded| decoded.es_id == self.seal);
        let decoded = decoded.ok_or_else(|| Failure::new(Kind::Refused, "NOT_SIGNED_BLINDLY", lang))?;
        self.output.say(&format!("  {} {} – {}", decoded.name, decoded.valid_from, decoded.valid_to));
        let key = maker.signer(Suite::Sm2Sm3).ok_or_else(|| no_key(lang, maker.card()))?;
        let signature =
            key.sign(info).map_err(|error| Failure::new(Kind::Usage, "CARD_UNUSABLE", lang).because(error))?;
        let request = pb::SignSealRequest {
            request_id: request_id(),
            application_id: self.application.to_owned(),
            run_id: self.run.clone(),
            signature,
        };
        let seal = self.server.answer(client(self.server).sign_seal(request).await)?.seal;
        let genuine = Seal::from_der(&seal).is_ok_and(|made| made.info_der() == info && made.verify_value().is_ok());
        if genuine { Ok(seal) } else { Err(Failure::new(Kind::Usage, "ANSWER_UNREADABLE", lang)) }
    }

    async fn give_up(&self) {
        let request = pb::ReportFailureRequest {
            request_id: request_id(),
            application_id: self.application.to_owned(),
            run_id: self.run.clone(),
        };
        // A server that can't be told finds the run abandoned.
        let _ = client(self.server).report_failure(request).await;
    }
}

pub async fn maker_card(env: &Env, command: MakerCard) -> Result<(), Failure> {
    let (server, lang) = (env.server()?, env.lang());
    let mut client = MakerCardServiceClient::new(server.line());
    match command {
        MakerCard::Issue { card, maker } => {
            let opened = Card::open(&card).map_err(|error| Failure::card(lang, &error))?;
            let certificate = opened.certificate(Suite::Sm2Sm3).map_err(|error| Failure::card(lang, &error))?;
            let certificate = certificate.ok_or_else(|| no_key(lang, &opened))?;
            let request = pb::IssueMakerCardRequest {
                request_id: request_id(),
                card_serial: opened.serial().to_owned(),
                maker_id: maker,
                certificate: certificate.der().to_vec(),
            };
            let answer = server.answer(client.issue_maker_card(request).await)?;
            let words = format!("{} {}", lang.pick("已发放制章授权卡", "maker card issued:"), opened.serial());
            env.output.result(&json!({ "cardSerial": opened.serial(), "etag": answer.etag }), words);
        }
        MakerCard::Resume { serial } => {
            let request = pb::ResumeMakerCardRequest { request_id: request_id(), card_serial: serial };
            let answer = server.answer(client.resume_maker_card(request).await)?;
            env.output.result(&json!(answer), lang.pick("已恢复制章授权卡", "maker card resumed"));
        }
        MakerCard::Withdraw { serial, reason } => {
            let code = reason.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
            let request = pb::WithdrawMakerCardRequest {
                request_id: request_id(),
                card_serial: serial,
                reason_code: code.to_ascii_uppercase().replace('-', "_"),
            };
            let answer = server.answer(client.withdraw_maker_card(request).await)?;
            env.output.result(&json!(answer), lang.pick("已收回制章授权卡", "maker card withdrawn"));
        }
    }
    Ok(())
}

fn client(server: &Server) -> FabricationServiceClient<Line> {
    FabricationServiceClient::new(server.line())
        .max_decoding_message_size(MAX_MESSAGE)
        .max_encoding_message_size(MAX_MESSAGE)
}

/// The card, if one is there.
pub fn connected(lang: Lang, card: Option<&CardAddress>) -> Result<Option<Card>, Failure> {
    let Some(address) = card else { return Ok(None) };
    match Card::open(address) {
        Ok(card) => Ok(Some(card)),
        Err(CardError::Absent(_)) => Ok(None),
        Err(error) => Err(Failure::card(lang, &error)),
    }
}

/// Opens a card with its PIN: one try, since each wrong one counts.
pub fn unlocked(lang: Lang, card: &Card, pin_file: Option<&Path>, prompt: &str) -> Result<Opened, Failure> {
    let pin = asked(lang, card, pin_file, prompt)?;
    card.unlock(&pin).map_err(|error| Failure::card(lang, &error))
}

/// The maker card with its PIN.
///
/// # Errors
/// [`Failure`].
pub fn maker_unlocked(lang: Lang, card: &Card, pin_file: Option<&Path>) -> Result<Opened, Failure> {
    unlocked(lang, card, pin_file, lang.pick("制章授权卡密码", "PIN of the maker card"))
}

fn no_key(lang: Lang, card: &Card) -> Failure {
    let why = lang.pick("没有SM2密钥或证书", "has no SM2 key with a certificate");
    Failure::new(Kind::Usage, "CARD_UNUSABLE", lang).because(format_args!("{} {why}", card.address()))
}
