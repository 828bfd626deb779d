//! One act over many documents, as the service records it.

use std::time::Duration;

use eseal_card::{Card, Key};
use eseal_documents::Place;
use eseal_kernel::{Digest, merkle::Merkle};
use eseal_pki::{Certificate, batch};
use eseal_proto::authentication::v1 as pb;
use tonic::{Response, Status};

use super::attempt::{Attempt, client, counted, wire};
use crate::commands::proof::{self, Purpose};
use crate::connect::{Server, request_id};
use crate::failure::{Failure, Kind};

/// The most documents of one request, and the most bytes of their structures: a message has 16 MiB at most.
const AT_A_TIME: usize = 100;
const BYTES_AT_A_TIME: usize = 8 << 20;
/// The most places of one request.
const PLACES_AT_A_TIME: usize = 10_000;
/// How often a request is sent again whose answer did not come: with its id it is carried out once.
const TRIES: u32 = 5;

/// The documents of an act under one digest.
pub struct List {
    tree: Merkle,
    documents: u32,
    originals: Vec<pb::OriginalDocument>,
}

/// A document of the list.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Its place in it.
    pub index: u32,
    /// What the signature covers.
    pub digest: Digest,
    /// Where the impressions stand.
    pub places: Vec<Place>,
    /// As it was before sealing, where gate d must be told.
    pub original: Option<pb::OriginalDocument>,
}

impl Listed {
    /// What stands for it in the list.
    pub fn leaf(&self) -> Digest {
        let numbers = |place: &Place| {
            let place = wire(place);
            (place.page, place.x_um, place.y_um, place.width_um, place.height_um)
        };
        batch::document(&self.digest, self.places.iter().map(numbers))
    }
}

impl List {
    /// The list of these; none of none.
    pub fn of(documents: &[Listed]) -> Option<Self> {
        let originals = documents.iter().filter_map(|document| document.original.clone()).collect();
        Some(Self { originals, ..Self::again(documents.iter().map(Listed::leaf).collect())? })
    }

    /// The list of what these stand for, once gate d has let it through; none of none.
    pub fn again(leaves: Vec<Digest>) -> Option<Self> {
        let documents = u32::try_from(leaves.len()).ok()?;
        Some(Self { tree: Merkle::over(leaves)?, documents, originals: Vec::new() })
    }

    fn named(&self, document: &Listed) -> pb::ListedDocument {
        let path = self.tree.path(document.index as usize);
        pb::ListedDocument {
            index: document.index,
            document_digest: document.digest.to_string(),
            places: document.places.iter().map(wire).collect(),
            path: path.iter().map(|digest| digest.bytes().to_vec()).collect(),
        }
    }
}

/// How many of these go into one request: (bytes of the structure, places) of each.
pub fn fitting(sizes: impl Iterator<Item = (usize, usize)>) -> usize {
    let (mut bytes, mut places, mut count) = (0, 0, 0);
    for (structure, spots) in sizes.take(AT_A_TIME) {
        bytes += structure + 1_024 + spots * 32;
        places += spots;
        if count > 0 && (bytes > BYTES_AT_A_TIME || places > PLACES_AT_A_TIME) {
            break;
        }
        count += 1;
    }
    count
}

impl Attempt<'_> {
    /// What gate d is shown for the list: a proof of each key that will sign.
    pub fn batch_authorization(
        &self,
        card: &Card,
        keys: &[(Key, Certificate)],
        seal_digest: String,
        list: &List,
    ) -> Result<pb::AuthorizeBatchRequest, Failure> {
        let document = Some(batch::list(&list.tree.root(), list.documents));
        let (audience, purpose) = ("eseal.authentication", batch::BATCH_PURPOSE);
        let of = Purpose { audience, purpose, attempt: self.id(), seal: self.seal(), document };
        let statement = proof::statement(self.server().lang, self.terms(), of)?;
        let proof =
            |(key, certificate): &(Key, Certificate)| proof::signed(self.server().lang, &statement, key, certificate);
        Ok(pb::AuthorizeBatchRequest {
            request_id: request_id(),
            seal_id: self.seal().to_owned(),
            attempt_id: self.id().to_owned(),
            card_serial: card.serial().to_owned(),
            seal_digest,
            root: list.tree.root().to_string(),
            documents: list.documents,
            proofs: keys.iter().map(proof).collect::<Result<_, _>>()?,
            card_uses: counted(self.server().lang, card)?,
            originals: list.originals.clone(),
        })
    }

    /// Gate d for the list.
    pub async fn authorize_batch(&self, request: pb::AuthorizeBatchRequest) -> Result<(), Failure> {
        self.server().answer(client(self.server()).authorize_batch(request).await).map(drop)
    }

    /// What gates c and d are shown for the list with a hosted key, but for what is secret.
    pub fn hosted_batch_authorization(
        &self,
        certificates: &[Certificate],
        list: &List,
    ) -> pb::AuthorizeHostedBatchRequest {
        pb::AuthorizeHostedBatchRequest {
            code: String::new(),
            request_id: request_id(),
            seal_id: self.seal().to_owned(),
            attempt_id: self.id().to_owned(),
            pin: String::new(),
            root: list.tree.root().to_string(),
            documents: list.documents,
            certificate_digests: certificates.iter().map(|by| by.fingerprint().to_string()).collect(),
            originals: list.originals.clone(),
        }
    }

    /// Gates c and d for the list with a hosted key.
    pub async fn authorize_hosted_batch(
        &self,
        request: pb::AuthorizeHostedBatchRequest,
        pin: &str,
        code: &str,
    ) -> Result<(), Failure> {
        let request = pb::AuthorizeHostedBatchRequest { pin: pin.to_owned(), code: code.to_owned(), ..request };
        let answer = self.server().answer(client(self.server()).authorize_hosted_batch(request).await).map(drop);
        self.learn_tries_left(&answer);
        answer
    }

    /// What the hosted key shall sign, with the certificate of each.
    pub fn signing(&self, list: &List, documents: Vec<(Listed, Vec<u8>, Digest)>) -> pb::SignHostedBatchRequest {
        let asked = documents.into_iter().map(|(document, to_be_signed, certificate)| pb::BatchToSign {
            document: Some(list.named(&document)),
            to_be_signed,
            certificate_digest: certificate.to_string(),
        });
        pb::SignHostedBatchRequest {
            request_id: request_id(),
            seal_id: self.seal().to_owned(),
            attempt_id: self.id().to_owned(),
            documents: asked.collect(),
        }
    }

    /// What gate e is shown of documents of the list. One without a signature could not be sealed.
    pub fn completion(&self, list: &List, documents: Vec<(Listed, Vec<u8>)>, last: bool) -> pb::CompleteBatchRequest {
        let sealed = documents
            .into_iter()
            .map(|(document, signature)| pb::BatchSealed { document: Some(list.named(&document)), signature });
        let (seal_id, attempt_id) = (self.seal().to_owned(), self.id().to_owned());
        pb::CompleteBatchRequest { request_id: request_id(), seal_id, attempt_id, documents: sealed.collect(), last }
    }
}

/// Signatures of the hosted key, in the order of the request; the reason where there is none. The same request again gets the
/// same signatures.
pub async fn sign_batch(
    server: &Server,
    request: pb::SignHostedBatchRequest,
) -> Result<Vec<Result<Vec<u8>, String>>, Failure> {
    let answer = insisting(server, async |request| client(server).sign_hosted_batch(request).await, request).await?;
    let given = answer.signatures.into_iter().map(|given| match given.reason.is_empty() {
        true => Ok(given.signature),
        false => Err(given.reason),
    });
    Ok(given.collect())
}

/// Gate e for documents of the list: the reason where one was refused. The same request again gets the same answer.
pub async fn complete_batch(
    server: &Server,
    request: pb::CompleteBatchRequest,
) -> Result<Vec<Result<(), String>>, Failure> {
    let answer = insisting(server, async |request| client(server).complete_batch(request).await, request).await?;
    let ends = answer.ends.into_iter().map(|end| match end.reason.is_empty() {
        true => Ok(()),
        false => Err(end.reason),
    });
    Ok(ends.collect())
}

/// The answer, asked for again if it does not come.
async fn insisting<M: Clone, R>(
    server: &Server,
    ask: impl AsyncFn(M) -> Result<Response<R>, Status>,
    request: M,
) -> Result<R, Failure> {
    let mut tries = 1;
    loop {
        match server.answer(ask(request.clone()).await) {
            Err(failure) if failure.kind == Kind::Unreachable && tries < TRIES => {
                tokio::time::sleep(Duration::from_secs(1 << (tries - 1))).await;
                tries += 1;
            }
            answer => return answer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_takes_what_fits_and_one_document_at_least() {
        let small = || std::iter::repeat_n((4_000, 1), 1_000);
        assert_eq!(fitting(small()), 100);
        assert_eq!(fitting(std::iter::repeat_n((1 << 20, 1), 1_000)), 7);
        assert_eq!(fitting(std::iter::repeat_n((1, 6_000), 3)), 1);
        assert_eq!(fitting(std::iter::once((32 << 20, 1))), 1);
        assert_eq!(fitting(std::iter::empty()), 0);
    }
}
