//! The steps of a run: what a card showed, and what can be found out about it before the rules are asked.

use eseal_eventstore::{Metadata, Order, Row};
use eseal_kernel::{Digest, Timestamp};
use eseal_pki::{Certificate, Suite};
use eseal_proto::authentication::v1::TrustPurpose;
use eseal_proto::seal::v1 as seal_pb;
use eseal_service::Onward;
use tonic::Code;

use super::{App, AppError, Prepared, RunStep, fresh_challenge};
use crate::contents::Kind;
use crate::domain::command::{CardCommand, Command, ShownCertificate, Step};
use crate::domain::order::Order as SealOrder;
use crate::domain::run::{Run, Stage};
use crate::domain::{Fabrication, MakerCard};
use crate::making;
use crate::proof::{maker_terms, proved, seal_card_terms};

impl App {
    /// Gate a: what the maker card showed, and how often it says that it was used. The service's own card does not count: its
    /// replicas have copies of it.
    ///
    /// # Errors
    /// [`AppError`]. A service that can't be reached is one, and never a refusal.
    pub async fn maker_card(
        &self,
        onward: &Onward,
        step: &RunStep,
        proof: &seal_pb::SignedStatement,
        told: Option<(u64, Metadata)>,
    ) -> Result<Prepared, AppError> {
        let now = self.now();
        let (state, version) = self.fabrication(step.application).await?;
        let terms = running(&state, step).and_then(|(_, run)| maker_terms(run));
        let mut shown = ShownCertificate { certificate: Digest::of(&proof.certificate), good: false, proved: None };
        if let (Some(terms), Ok(certificate)) = (terms, Certificate::from_der(&proof.certificate)) {
            shown.proved = proved(proof, &certificate, &terms);
            shown.good =
                shown.proved.is_some() && self.peers.is_good(onward, &certificate, TrustPurpose::Maker, None).await?;
        }
        let copied = match (running(&state, step).and_then(|(_, run)| run.maker_card_serial.clone()), told) {
            (Some(serial), Some(told)) if shown.good => self.is_copied(&serial, shown.certificate, step, told).await?,
            _ => false,
        };
        let command = Step::PresentMakerCard { shown, challenge: fresh_challenge(now)?, copied };
        Ok(step.prepared(now, version, command, Vec::new()))
    }

    /// Whether the use of a maker card whose key was just proved is that of a copy. Counted for the card before the step is
    /// decided for its run: killed in between, the same step again finds its own count.
    async fn is_copied(
        &self,
        serial: &str,
        certificate: Digest,
        step: &RunStep,
        (count, metadata): (u64, Metadata),
    ) -> Result<bool, AppError> {
        let card = self.maker_card_of(serial).await?;
        if card.known().is_none_or(|known| known.certificate != certificate) {
            return Ok(false); // none of ours: the rules refuse it
        }
        let order = Order::<MakerCard>::new(serial, CardCommand::Count { run: step.run, count }, metadata);
        self.execute(order).await?;
        Ok(self.maker_card_of(serial).await?.was_copied_in(step.run))
    }

    /// Gates b, c and d: what the seal card showed.
    ///
    /// # Errors
    /// [`AppError`]. A service that can't be reached is one, and never a refusal.
    pub async fn seal_card(
        &self,
        onward: &Onward,
        step: &RunStep,
        card_serial: &str,
        proofs: &[seal_pb::SignedStatement],
    ) -> Result<Prepared, AppError> {
        let now = self.now();
        let (state, version) = self.fabrication(step.application).await?;
        let (mut shown, mut certificates, mut info) = (Vec::new(), Vec::new(), None);
        if let Some((order, run)) = running(&state, step)
            && let Some(terms) = seal_card_terms(run)
        {
            for proof in proofs {
                shown.push(self.shown(onward, order, &terms, proof, &mut certificates).await?);
            }
            if !shown.is_empty() && shown.iter().all(|certificate| certificate.good) {
                info = self.seal_info(onward, order, run, &certificates, now).await?;
            }
        }
        let rows = info.iter().map(|der| self.contents.row(Kind::SealInfo, der, now)).collect::<Result<_, _>>()?;
        let predecessor = match state.order().and_then(|order| order.existing_seal_id) {
            Some(seal) => self.query.application_of(seal).await?,
            None => None,
        };
        let command = Step::PresentSealCard {
            maker_certificate: maker_certificate(&state),
            card_serial: card_serial.to_owned(),
            certificates: shown,
            seal_info: info.map(|der| Digest::of(&der)),
            predecessor,
        };
        Ok(step.prepared(now, version, command, rows))
    }

    /// Gate e: the maker's signature over what it was given.
    ///
    /// # Errors
    /// [`AppError`].
    pub async fn signature(&self, step: &RunStep, signature: &[u8]) -> Result<Prepared, AppError> {
        let now = self.now();
        let (state, version) = self.fabrication(step.application).await?;
        let seal = match running(&state, step).map(|(_, run)| &run.stage) {
            // Once it is signed, the writer answers with the first seal, whatever this signature gives.
            Some(Stage::Signing { maker_certificate, card } | Stage::Storing { maker_certificate, card, .. }) => {
                self.assembled(*maker_certificate, card.seal_info, signature).await?
            }
            Some(Stage::MakerCard(_) | Stage::SealCard { .. }) | None => None,
        };
        let rows = seal.iter().map(|der| self.contents.row(Kind::Seal, der, now)).collect::<Result<_, _>>()?;
        let seal = seal.map(|der| Digest::of(&der));
        let command = Step::SignSeal { maker_certificate: maker_certificate(&state), seal };
        Ok(step.prepared(now, version, command, rows))
    }

    /// Gate e: what was read back.
    ///
    /// # Errors
    /// [`AppError`].
    pub async fn confirmation(&self, step: &RunStep, read_back: &[u8]) -> Result<Prepared, AppError> {
        let (state, version) = self.fabrication(step.application).await?;
        // Read back and verified, not only compared: a made seal is one that its readers will accept.
        let read_back = if making::is_genuine(read_back) { Digest::of(read_back) } else { nothing() };
        let command = Step::ConfirmSeal { maker_certificate: maker_certificate(&state), read_back };
        Ok(step.prepared(self.now(), version, command, Vec::new()))
    }

    /// The station could not go on, wherever the run is.
    pub fn failure(&self, step: &RunStep) -> Prepared {
        Prepared { version: None, ..step.prepared(self.now(), 0, Step::ReportFailure, Vec::new()) }
    }

    /// What a seal card showed for one of its keys, checked as far as it can be before the rules are asked.
    async fn shown(
        &self,
        onward: &Onward,
        order: &SealOrder,
        terms: &seal_pb::ChallengeTerms,
        proof: &seal_pb::SignedStatement,
        before: &mut Vec<Certificate>,
    ) -> Result<ShownCertificate, AppError> {
        let mut shown = ShownCertificate { certificate: Digest::of(&proof.certificate), good: false, proved: None };
        let Ok(certificate) = Certificate::from_der(&proof.certificate) else { return Ok(shown) };
        let suite = certificate.public_key().ok().and_then(|key| key.suite());
        // The SM2 key comes first, where the card has one: readers of seals look there. A card without seals PDF alone. And each
        // key is shown once.
        let in_its_place = before.is_empty() || suite != Some(Suite::Sm2Sm3);
        let fits = suite.is_some() && in_its_place && before.iter().all(|earlier| earlier.der() != certificate.der());
        shown.proved = proved(proof, &certificate, terms);
        let owner = Some(&order.organization.uscc);
        shown.good = fits
            && shown.proved.is_some()
            && self.peers.is_good(onward, &certificate, TrustPurpose::Holder, owner).await?;
        before.push(certificate);
        Ok(shown)
    }

    /// DER of the SES_SealInfo that the maker is to sign; nothing if none can be built.
    async fn seal_info(
        &self,
        onward: &Onward,
        order: &SealOrder,
        run: &Run,
        certificates: &[Certificate],
        now: Timestamp,
    ) -> Result<Option<Vec<u8>>, AppError> {
        let name = self.material(onward, order.seal_name).await?;
        let picture = self.material(onward, order.impression).await?;
        let Some(contents) = name.zip(picture) else {
            tracing::error!(application = %order.application_id, "the name or the picture of the seal was erased");
            return Ok(None);
        };
        let info = making::seal_info(order, run, certificates, contents, now, self.seal_version);
        Ok(info.inspect_err(|error| tracing::error!(%error, "the electronic seal can't be built")).ok())
    }

    /// A stored text or picture; nothing if it was erased.
    async fn material(&self, onward: &Onward, digest: Digest) -> Result<Option<Vec<u8>>, AppError> {
        match self.peers.material(onward, digest).await {
            Ok(content) => Ok(Some(content)),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(status.into()),
        }
    }

    /// The SESeal with this signature; nothing if it does not hold.
    async fn assembled(&self, maker: Digest, info: Digest, signature: &[u8]) -> Result<Option<Vec<u8>>, AppError> {
        let info = self.contents.get(Kind::SealInfo, info).await?.ok_or(AppError::Missing("SES_SealInfo"))?;
        let maker = self.contents.get(Kind::Certificate, maker).await?;
        let maker = maker.and_then(|der| Certificate::from_der(&der).ok());
        let maker = maker.ok_or(AppError::Missing("maker certificate"))?;
        Ok(making::assembled(&info, &maker, signature))
    }
}

impl RunStep {
    fn prepared(&self, now: Timestamp, version: u64, step: Step, rows: Vec<Row>) -> Prepared {
        let command = Command::Step { run_id: self.run, maker_id: self.maker_id.clone(), now, step };
        Prepared { command, rows, version: Some(version) }
    }
}

fn running<'a>(state: &'a Fabrication, step: &RunStep) -> Option<(&'a SealOrder, &'a Run)> {
    match state {
        Fabrication::Running { order, run } if run.run_id == step.run => Some((order, run)),
        Fabrication::Absent
        | Fabrication::Waiting { .. }
        | Fabrication::Running { .. }
        | Fabrication::Made { .. }
        | Fabrication::Closed { .. } => None,
    }
}

fn maker_certificate(state: &Fabrication) -> Digest {
    let certificate = match state {
        Fabrication::Running { run, .. } => run.maker_certificate(),
        Fabrication::Absent | Fabrication::Waiting { .. } | Fabrication::Made { .. } | Fabrication::Closed { .. } => {
            None
        }
    };
    certificate.unwrap_or_else(nothing)
}

/// The digest of nothing: no content has it.
fn nothing() -> Digest {
    Digest::of(b"")
}
