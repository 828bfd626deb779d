//! What is asked of other services.

use eseal_kernel::{Digest, Id, Uscc};
use eseal_pki::Certificate;
use eseal_proto::application::v1 as application;
use eseal_proto::application::v1::application_service_client::ApplicationServiceClient;
use eseal_proto::authentication::v1 as authentication;
use eseal_proto::authentication::v1::hosted_key_service_client::HostedKeyServiceClient;
use eseal_proto::authentication::v1::trust_service_client::TrustServiceClient;
use eseal_proto::seal::v1 as seal;
use eseal_service::{Context, MAX_MESSAGE, Onward, Peer};
use tonic::Status;

/// The services that this one asks. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Peers {
    application: Peer,
    authentication: Peer,
}

impl Peers {
    /// The peers of a service.
    pub fn of(context: &Context) -> Self {
        Self { application: context.peer("application"), authentication: context.peer("authentication") }
    }

    /// A stored file or text.
    ///
    /// # Errors
    /// Of the call. What comes with another digest than was asked for is `DATA_LOSS`.
    pub async fn material(&self, onward: &Onward, digest: Digest) -> Result<Vec<u8>, Status> {
        let request = application::GetMaterialRequest { digest: digest.to_string() };
        let answer = self
            .application
            .call(onward, request, |channel, request| async move {
                let mut client = ApplicationServiceClient::new(channel).max_decoding_message_size(MAX_MESSAGE);
                client.get_material(request).await
            })
            .await?;
        if Digest::of(&answer.content) == digest {
            Ok(answer.content)
        } else {
            Err(Status::data_loss("another content"))
        }
    }

    /// Whether a certificate is good now: for a holder of the organization, or for a maker.
    ///
    /// # Errors
    /// Of the call; never turned into a refusal.
    pub async fn is_good(
        &self,
        onward: &Onward,
        certificate: &Certificate,
        purpose: authentication::TrustPurpose,
        organization: Option<&Uscc>,
    ) -> Result<bool, Status> {
        let request = authentication::CheckCertificateRequest {
            certificate: certificate.der().to_vec(),
            chain: Vec::new(),
            purpose: purpose.into(),
            uscc: organization.map(ToString::to_string).unwrap_or_default(),
        };
        let answer = self
            .authentication
            .call(onward, request, |channel, request| async move {
                TrustServiceClient::new(channel).check_certificate(request).await
            })
            .await?;
        if !answer.good {
            tracing::info!(reason = answer.reason, certificate = %certificate.fingerprint(), "a certificate is not good");
        }
        Ok(answer.good)
    }

    /// The proofs of a hosted key, one for each of its keys, the SM2 one first.
    ///
    /// # Errors
    /// Of the call.
    pub async fn prove_hosted_key(
        &self,
        onward: &Onward,
        key: Id,
        organization: &Uscc,
        terms: seal::ChallengeTerms,
    ) -> Result<Vec<seal::SignedStatement>, Status> {
        let request = authentication::ProveHostedKeyRequest {
            hosted_key_id: key.to_string(),
            uscc: organization.to_string(),
            terms: Some(terms),
        };
        let answer = self
            .authentication
            .call(onward, request, |channel, request| async move {
                HostedKeyServiceClient::new(channel).prove_hosted_key(request).await
            })
            .await?;
        Ok(answer.proofs)
    }
}
