//! What the service authentication knows: whom to trust, what became of a signer's certificate, and of a seal.
//!
//! None of its answers is needed for a report: where it does not answer, the report says so.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use eseal_kernel::{Digest, Timestamp};
use eseal_pki::{Certificate, Crl, TrustStore};
use eseal_proto::authentication::v1 as pb;
use eseal_proto::authentication::v1::registry_service_client::RegistryServiceClient;
use eseal_proto::authentication::v1::trust_service_client::TrustServiceClient;
use eseal_proto::moment;
use eseal_service::{MAX_MESSAGE, Onward, Peer};

/// The service authentication. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Authority {
    peer: Peer,
    /// The revocation lists of the last answer.
    lists: Arc<Mutex<BTreeMap<Digest, Arc<Crl>>>>,
}

/// The most answers that bring the revocation lists.
const MAX_ANSWERS: usize = 100;
/// What an answer has beside a list that is as long as a message.
const AROUND: usize = 64 << 10;

/// The roots that the system trusts.
#[derive(Debug, Clone, Default)]
pub struct Anchors {
    /// Those that certify holders.
    pub holders: Vec<Certificate>,
    /// Those that certify seal makers.
    pub makers: Vec<Certificate>,
}

/// It did not answer. The log says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the service authentication does not answer")]
pub struct Unreachable;

impl Authority {
    /// The service behind this peer.
    pub fn new(peer: Peer) -> Self {
        Self { peer, lists: Arc::default() }
    }

    /// The roots that the system trusts. One that can't be read is passed over: it could certify nobody.
    ///
    /// # Errors
    /// [`Unreachable`].
    pub async fn anchors(&self, onward: &Onward) -> Result<Anchors, Unreachable> {
        let request = pb::ListTrustAnchorsRequest::default();
        let listed = self.peer.call(onward, request, |channel, request| async move {
            let client = TrustServiceClient::new(channel).max_decoding_message_size(MAX_MESSAGE);
            { client }.list_trust_anchors(request).await
        });
        let mut anchors = Anchors::default();
        for anchor in listed.await.map_err(unreachable)?.trust_anchors {
            let Ok(certificate) = Certificate::from_der(&anchor.certificate) else { continue };
            match anchor.purpose() {
                pb::TrustPurpose::Holder => anchors.holders.push(certificate),
                pb::TrustPurpose::Maker => anchors.makers.push(certificate),
                pb::TrustPurpose::Unspecified => {}
            }
        }
        Ok(anchors)
    }

    /// The newest revocation list of each issuer. Those of the last time are not sent again; one that can't be read is passed
    /// over.
    ///
    /// # Errors
    /// [`Unreachable`].
    pub async fn revocation_lists(&self, onward: &Onward) -> Result<Vec<Crl>, Unreachable> {
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for _ in 0..MAX_ANSWERS {
            let known = lists.keys().map(Digest::to_string).collect();
            let request = pb::GetRevocationListsRequest { known };
            let told = self.peer.call(onward, request, |channel, request| async move {
                let client = TrustServiceClient::new(channel).max_decoding_message_size(MAX_MESSAGE + AROUND);
                { client }.get_revocation_lists(request).await
            });
            let told = told.await.map_err(unreachable)?;
            let newest: Vec<Digest> = told.digests.iter().filter_map(|digest| digest.parse().ok()).collect();
            lists.retain(|digest, _| newest.contains(digest));
            let had = lists.len();
            let read = |der: &Vec<u8>| Some((Digest::of(der), Arc::new(Crl::from_der(der).ok()?)));
            lists.extend(told.lists.iter().filter_map(read).filter(|(digest, _)| newest.contains(digest)));
            if lists.len() == had || lists.len() == newest.len() {
                break;
            }
        }
        self.lists.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&lists);
        Ok(lists.into_values().map(|list| Crl::clone(&list)).collect())
    }

    /// What is known of a signer: whether the certificate was valid at the moment of sealing, and is revoked now.
    ///
    /// # Errors
    /// [`Unreachable`].
    pub async fn signer(
        &self,
        onward: &Onward,
        signer: &Certificate,
        chain: &[Certificate],
        at: Timestamp,
    ) -> Result<pb::CheckSignerResponse, Unreachable> {
        let request = pb::CheckSignerRequest {
            certificate: signer.der().to_vec(),
            chain: chain.iter().map(|certificate| certificate.der().to_vec()).collect(),
            purpose: pb::TrustPurpose::Holder.into(),
            at: Some(moment::from_micros(at.micros())),
        };
        let checked = self.peer.call(onward, request, |channel, request| async move {
            TrustServiceClient::new(channel).check_signer(request).await
        });
        checked.await.map_err(unreachable)
    }

    /// The state of exactly this SESeal in the registry, at the moment of sealing and today.
    ///
    /// # Errors
    /// [`Unreachable`].
    pub async fn seal(
        &self,
        onward: &Onward,
        seal: Digest,
        at: Timestamp,
    ) -> Result<pb::SealStateAtResponse, Unreachable> {
        let at = Some(moment::from_micros(at.micros()));
        let request = pb::SealStateAtRequest { seal_id: String::new(), seal_digest: seal.to_string(), at };
        let known = self.peer.call(onward, request, |channel, request| async move {
            RegistryServiceClient::new(channel).seal_state_at(request).await
        });
        known.await.map_err(unreachable)
    }
}

/// These roots and those that the caller brought; nothing where there are none, for then nobody can be judged.
pub fn roots(known: &[Certificate], given: Vec<Certificate>) -> Option<TrustStore> {
    let roots: Vec<Certificate> = known.iter().cloned().chain(given).collect();
    if roots.is_empty() { None } else { Some(TrustStore::new(roots)) }
}

fn unreachable(status: impl std::error::Error) -> Unreachable {
    tracing::warn!(%status, "authentication does not answer");
    Unreachable
}
