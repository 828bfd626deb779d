//! A document in pieces -> a file without a name. Memory holds one piece at a time.

use std::fs::File;

use eseal_kernel::Digest;
use eseal_pki::{Certificate, DigestAlg};
use eseal_proto::verification::v1 as pb;
use eseal_service::status::{field_violation, internal};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::spawn_blocking;
use tonic::{Status, Streaming};

use super::refusals;
use crate::app::{Asked, Given};
use crate::inspection::Document;
use crate::rendering::Wanted;

/// The most bytes of given roots of one kind.
const MAX_PEM: usize = 1 << 20;
/// The most bytes of the name of a document.
const MAX_NAME: usize = 1_000;
/// The most given roots of one kind.
const MAX_ROOTS: usize = 100;

/// Receives a document of at most `max` bytes, and what was asked with its first piece.
pub async fn receive(
    mut pieces: Streaming<pb::VerifyDocumentRequest>,
    max: u64,
    permit: OwnedSemaphorePermit,
) -> Result<(Document, Asked), Status> {
    let file = spawn_blocking(tempfile::tempfile).await.map_err(|error| internal(&error))?;
    let mut file = tokio::fs::File::from_std(file.map_err(|error| internal(&error))?);
    let (mut hasher, mut bytes, mut asked) = (DigestAlg::Sha256.hasher(), 0_u64, None);
    while let Some(piece) = pieces.message().await? {
        bytes = bytes.saturating_add(piece.chunk.len() as u64);
        if bytes > max {
            return Err(refusals::too_large(max));
        }
        match asked {
            None => asked = Some(Asked { given: roots(&piece)?, wanted: wanted(&piece)? }),
            Some(_) if !piece.report_forms.is_empty() || !piece.document_name.is_empty() => {
                return Err(field_violation("report_forms", "what is wanted comes with the first piece only"));
            }
            Some(_) if piece.trust_pem.is_empty() && piece.maker_trust_pem.is_empty() => {}
            Some(_) => return Err(field_violation("trust_pem", "roots come with the first piece only")),
        }
        hasher.update(&piece.chunk);
        file.write_all(&piece.chunk).await.map_err(|error| internal(&error))?;
    }
    file.flush().await.map_err(|error| internal(&error))?;
    let file: File = file.into_std().await;
    let digest = Digest::try_from(hasher.finish().as_slice()).map_err(|error| internal(&error))?;
    Ok((Document { file, digest, permit }, asked.unwrap_or_default()))
}

/// The forms that are wanted, each once, and the name that they are to tell.
fn wanted(piece: &pb::VerifyDocumentRequest) -> Result<Wanted, Status> {
    let mut forms = Vec::new();
    for form in piece.report_forms.iter().map(|form| pb::ReportForm::try_from(*form)) {
        match form {
            Ok(pb::ReportForm::Unspecified) | Err(_) => {
                return Err(field_violation("report_forms", "not a form of this service"));
            }
            Ok(form) if forms.contains(&form) => return Err(field_violation("report_forms", "a form twice")),
            Ok(form) => forms.push(form),
        }
    }
    if piece.document_name.len() > MAX_NAME {
        return Err(field_violation("document_name", format!("more than {MAX_NAME} bytes")));
    }
    let name = Some(piece.document_name.clone()).filter(|name| !name.is_empty());
    Ok(Wanted { forms, name })
}

fn roots(piece: &pb::VerifyDocumentRequest) -> Result<Given, Status> {
    Ok(Given {
        holders: certificates("trust_pem", &piece.trust_pem)?,
        makers: certificates("maker_trust_pem", &piece.maker_trust_pem)?,
    })
}

fn certificates(field: &str, pem: &[u8]) -> Result<Vec<Certificate>, Status> {
    if pem.is_empty() {
        return Ok(Vec::new());
    }
    if pem.len() > MAX_PEM {
        return Err(field_violation(field, format!("{} bytes are too many; at most {MAX_PEM} are allowed", pem.len())));
    }
    let certificates = Certificate::many_from_pem(pem).map_err(|error| field_violation(field, error))?;
    if certificates.is_empty() || certificates.len() > MAX_ROOTS {
        let text = format!("{} certificates; 1 to {MAX_ROOTS} are expected", certificates.len());
        return Err(field_violation(field, text));
    }
    Ok(certificates)
}
