//! What a use of a seal was judged by.

use eseal_kernel::Digest;
use eseal_pki::Crl;
use eseal_proto::authentication::v1 as pb;
use eseal_service::status::internal;
use eseal_service::{Caller, Language};
use tonic::{Request, Status};

use super::sealing::attempt_filter;
use super::{Grpc, parse, refusals};
use crate::contents::Evidence;

/// Bytes of the lists and answers of one answer; one alone may have more, as it may when it is taken in.
const MAX_BYTES: usize = 8 << 20;

impl Grpc {
    pub(super) async fn evidence_of(
        &self,
        request: &Request<pb::GetAttemptEvidenceRequest>,
    ) -> Result<pb::GetAttemptEvidenceResponse, Status> {
        let (caller, message) = (Caller::of(request), request.get_ref());
        let seal = parse::any_seal("seal_id", &message.seal_id)?;
        let attempt = parse::attempt("attempt_id", &message.attempt_id)?;
        let wanted = match message.digest.as_str() {
            "" => None,
            digest => parse::digests("digest", &[digest.to_owned()])?.into_iter().next(),
        };
        let filter = attempt_filter(&caller, &message.seal_id)?;
        if !self.app.query.is_seen(&filter, seal, attempt).await.map_err(|error| internal(&error))? {
            return Err(refusals::attempt_not_found(Language::of(request)));
        }
        let found = self.app.contents.evidence(seal, attempt).await.map_err(|error| internal(&error))?;
        let mut answer = pb::GetAttemptEvidenceResponse::default();
        let mut bytes = 0;
        for (digest, evidence) in found {
            answer.evidence.push(shown(digest, evidence, wanted, &mut bytes));
        }
        Ok(answer)
    }
}

fn shown(digest: Digest, evidence: Evidence, wanted: Option<Digest>, bytes: &mut usize) -> pb::Evidence {
    let (Evidence::Imported(der) | Evidence::Answered(der)) = evidence;
    let kind = if Crl::from_der(&der).is_ok() { pb::EvidenceKind::List } else { pb::EvidenceKind::Ocsp };
    let fits = match wanted {
        Some(wanted) => wanted == digest,
        None => *bytes == 0 || *bytes + der.len() <= MAX_BYTES,
    };
    let der = if fits { der } else { Vec::new() };
    *bytes += der.len();
    pb::Evidence { digest: digest.to_string(), der, kind: kind.into() }
}
