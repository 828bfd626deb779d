//! What a use of a seal was judged by.

use eseal_proto::authentication::v1 as pb;
use eseal_service::status::internal;
use eseal_service::{Caller, Language};
use tonic::{Request, Status};

use super::sealing::attempt_filter;
use super::{Grpc, parse, refusals};
use crate::contents::Kind;

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
        let (mut evidence, mut bytes) = (Vec::new(), 0);
        for one in found {
            let fits = match wanted {
                Some(wanted) => wanted == one.digest,
                None => bytes == 0 || bytes + one.bytes <= MAX_BYTES,
            };
            let der = match fits {
                true => self.app.contents.evidence_bytes(&one).await.map_err(|error| internal(&error))?,
                false => None,
            };
            let der = der.unwrap_or_default();
            bytes += der.len();
            evidence.push(pb::Evidence { digest: one.digest.to_string(), der, kind: kind_to_wire(one.kind).into() });
        }
        Ok(pb::GetAttemptEvidenceResponse { evidence })
    }
}

const fn kind_to_wire(kind: Kind) -> pb::EvidenceKind {
    match kind {
        Kind::List => pb::EvidenceKind::List,
        Kind::Changes => pb::EvidenceKind::Changes,
        Kind::Ocsp => pb::EvidenceKind::Ocsp,
    }
}
