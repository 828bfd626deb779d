//! Fields of requests for many documents -> types of the domain, or a field violation: as in [`super::parse`].

use eseal_kernel::Digest;
use eseal_proto::authentication::v1 as pb;
use eseal_proto::seal::v1 as seal_pb;
use eseal_service::paging::Page;
use eseal_service::status::field_violation;
use tonic::Status;

use super::parse::{MAX_PLACES, parsed, places, structure, text};
use super::parse_rights;
use crate::app::batching::{BatchShown, HostedBatch, Listed, Sealed, Shown, ToSign};
use crate::app::sealing::Typed;
use crate::domain::batch::MAX_DOCUMENTS;

/// The most documents of one request.
const MAX_AT_A_TIME: usize = 200;
/// The most keys that sign in one act: for OFD and for PDF.
const MAX_KEYS: usize = 2;
/// The longest way to a root: 2^14 documents.
const MAX_PATH: usize = 14;

/// How many documents an act is for; 0 = one, without a list.
pub fn documents_or_one(field: &str, documents: u32) -> Result<u32, Status> {
    if documents == 0 { Ok(0) } else { count(field, documents) }
}

pub fn shown(message: pb::AuthorizeBatchRequest) -> Result<BatchShown, Status> {
    let proofs = message.proofs;
    if proofs.is_empty() || proofs.len() > MAX_KEYS {
        return Err(field_violation("proofs", format!("{} proofs; 1 to {MAX_KEYS} are expected", proofs.len())));
    }
    let proof = |proof: seal_pb::SignedStatement| Shown {
        statement: proof.statement,
        signature: proof.signature,
        certificate: proof.certificate,
    };
    Ok(BatchShown {
        card_serial: text::<64>("card_serial", &message.card_serial)?,
        seal_digest: parsed("seal_digest", &message.seal_digest)?,
        root: parsed("root", &message.root)?,
        documents: count("documents", message.documents)?,
        card_uses: message.card_uses,
        originals: parse_rights::originals(&message.originals, message.documents)?,
        proofs: proofs.into_iter().map(proof).collect(),
    })
}

pub fn hosted(message: &pb::AuthorizeHostedBatchRequest, typed: Typed) -> Result<HostedBatch, Status> {
    let digests = &message.certificate_digests;
    if digests.is_empty() || digests.len() > MAX_KEYS {
        let text = format!("{} certificates; 1 to {MAX_KEYS} are expected", digests.len());
        return Err(field_violation("certificate_digests", text));
    }
    let certificate = |(i, digest): (usize, &String)| parsed(&format!("certificate_digests[{i}]"), digest);
    Ok(HostedBatch {
        typed,
        root: parsed("root", &message.root)?,
        documents: count("documents", message.documents)?,
        originals: parse_rights::originals(&message.originals, message.documents)?,
        certificates: digests.iter().enumerate().map(certificate).collect::<Result<_, _>>()?,
    })
}

pub fn to_sign(messages: Vec<pb::BatchToSign>) -> Result<Vec<ToSign>, Status> {
    let documents = messages.into_iter().enumerate().map(|(i, message)| {
        Ok(ToSign {
            document: listed(i, message.document)?,
            to_be_signed: structure(&format!("documents[{i}].to_be_signed"), message.to_be_signed)?,
            certificate: parsed(&format!("documents[{i}].certificate_digest"), &message.certificate_digest)?,
        })
    });
    bounded(documents.collect::<Result<Vec<ToSign>, Status>>()?, |asked| &asked.document)
}

/// A document without a signature is one that the client could not seal.
pub fn sealed(messages: Vec<pb::BatchSealed>) -> Result<Vec<Sealed>, Status> {
    let documents = messages.into_iter().enumerate().map(|(i, message)| {
        let signature = match message.signature.is_empty() {
            true => Vec::new(),
            false => structure(&format!("documents[{i}].signature"), message.signature)?,
        };
        Ok(Sealed { document: listed(i, message.document)?, signature })
    });
    bounded(documents.collect::<Result<Vec<Sealed>, Status>>()?, |sealed| &sealed.document)
}

/// The place in the list behind which the page begins.
pub fn place(page: &Page) -> Result<Option<u32>, Status> {
    page.after.as_deref().map(|key| parsed("page_token", key)).transpose()
}

fn count(field: &str, documents: u32) -> Result<u32, Status> {
    let fits = (1..=MAX_DOCUMENTS).contains(&documents);
    let refused = || field_violation(field, format!("{documents} documents; 1 to {MAX_DOCUMENTS} are allowed"));
    fits.then_some(documents).ok_or_else(refused)
}

fn listed(i: usize, message: Option<pb::ListedDocument>) -> Result<Listed, Status> {
    let field = format!("documents[{i}].document");
    let message = message.ok_or_else(|| field_violation(&field, "missing"))?;
    if message.path.len() > MAX_PATH {
        let text = format!("{} digests are too many; at most {MAX_PATH} are allowed", message.path.len());
        return Err(field_violation(&format!("{field}.path"), text));
    }
    let neighbour = |bytes: &Vec<u8>| {
        Digest::try_from(bytes.as_slice()).map_err(|error| field_violation(&format!("{field}.path"), error))
    };
    Ok(Listed {
        index: message.index,
        document_digest: parsed(&format!("{field}.document_digest"), &message.document_digest)?,
        places: places(&format!("{field}.places"), &message.places)?,
        path: message.path.iter().map(neighbour).collect::<Result<_, _>>()?,
    })
}

/// Not too many documents and places, and none named twice: what is answered for one would be told of the other.
fn bounded<T>(documents: Vec<T>, of: impl Fn(&T) -> &Listed) -> Result<Vec<T>, Status> {
    if documents.len() > MAX_AT_A_TIME {
        let text = format!("{} are too many; at most {MAX_AT_A_TIME} are allowed", documents.len());
        return Err(field_violation("documents", text));
    }
    let spots: usize = documents.iter().map(|document| of(document).places.len()).sum();
    if spots > MAX_PLACES {
        let text = format!("{spots} places are too many; at most {MAX_PLACES} are allowed");
        return Err(field_violation("documents", text));
    }
    let mut indexes: Vec<u32> = documents.iter().map(|document| of(document).index).collect();
    indexes.sort_unstable();
    if indexes.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(field_violation("documents", "one of them is named twice"));
    }
    Ok(documents)
}
