//! Fields of requests about who may use a seal and how -> types of the domain, or a field violation: as in
//! [`super::parse`].

use eseal_proto::authentication::v1 as pb;
use eseal_service::status::field_violation;
use tonic::Status;

use crate::codec::words;
use crate::domain::policy::{MAX_DEADLINE_S, MAX_USES, Policy};

/// What a seal's uses need beyond its gates.
pub fn policy(message: Option<&pb::SealPolicy>) -> Result<Policy, Status> {
    let message = message.ok_or_else(|| field_violation("policy", "missing"))?;
    if message.max_uses > MAX_USES {
        return Err(field_violation("policy.max_uses", format!("at most {MAX_USES} are allowed")));
    }
    if message.longest_deadline_s > MAX_DEADLINE_S {
        return Err(field_violation("policy.longest_deadline_s", format!("at most {MAX_DEADLINE_S} are allowed")));
    }
    words::policy(message).ok_or_else(|| field_violation("policy", "beyond what is allowed"))
}
