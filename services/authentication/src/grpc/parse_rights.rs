//! Fields of requests about who may use a seal and how -> types of the domain, or a field violation: as in
//! [`super::parse`].

use eseal_kernel::{Timestamp, Uscc};
use eseal_proto::authentication::v1 as pb;
use eseal_service::status::field_violation;
use tonic::Status;

use super::parse::{at, one_of, parsed, text};
use crate::codec::{words, words_rights};
use crate::domain::document::{DocumentDigest, Original};
use crate::domain::ids::PersonId;
use crate::domain::policy::{MAX_DEADLINE_S, MAX_USES, Policy};
use crate::domain::right::{MAX_NAMED, MAX_USES as MAX_USES_OF_RIGHT, Terms, WithdrawalCause};
use crate::domain::seal_use::{MAX_DOCUMENTS, MAX_IN_ACT};
use crate::domain::use_request::{DeclineCause, Purpose};
use crate::query::UseFilter;

/// The most characters of what people write about a use.
const MAX_TEXT: usize = 500;

/// What is asked for in a request for a use.
pub struct Asked {
    /// The documents.
    pub documents: Vec<DocumentDigest>,
    /// How often each may be sealed.
    pub uses: u32,
    /// What for.
    pub purpose: Purpose,
    /// The same in words.
    pub purpose_text: String,
    /// The last moment, if one is named.
    pub deadline: Option<Timestamp>,
}

/// What a seal's uses need beyond its gates.
pub fn policy(message: Option<&pb::SealPolicy>) -> Result<Policy, Status> {
    let message = message.ok_or_else(|| field_violation("policy", "missing"))?;
    if message.max_uses > MAX_USES {
        return Err(field_violation("policy.max_uses", format!("at most {MAX_USES} are allowed")));
    }
    if message.longest_deadline_s > MAX_DEADLINE_S {
        return Err(field_violation("policy.longest_deadline_s", format!("at most {MAX_DEADLINE_S} are allowed")));
    }
    if words::second_factor(message.second_factor).is_none() {
        return Err(field_violation("policy.second_factor", "no kind of code that is known here"));
    }
    words::policy(message).ok_or_else(|| field_violation("policy", "beyond what is allowed"))
}

pub fn person(field: &str, text: &str) -> Result<PersonId, Status> {
    parsed(field, text)
}

pub fn withdrawal(code: &str) -> Result<WithdrawalCause, Status> {
    WithdrawalCause::from_code(code)
        .ok_or_else(|| one_of("reason_code", WithdrawalCause::ALL.iter().map(|cause| cause.code())))
}

/// A custodian's terms; none given are those without limits.
pub fn terms(message: Option<&pb::CustodianTerms>) -> Result<Terms, Status> {
    let Some(message) = message else { return Ok(Terms::default()) };
    let moment = |field, wire: Option<&eseal_proto::Timestamp>| wire.map(|wire| at(field, wire)).transpose();
    let from = moment("terms.valid_from", message.valid_from.as_ref())?;
    let to = moment("terms.valid_to", message.valid_to.as_ref())?;
    if to.is_some_and(|to| from.is_some_and(|from| to < from)) {
        return Err(field_violation("terms.valid_to", "before valid_from"));
    }
    if message.max_uses > MAX_USES_OF_RIGHT {
        return Err(field_violation("terms.max_uses", format!("at most {MAX_USES_OF_RIGHT} are allowed")));
    }
    let mut formats = Vec::new();
    for (i, wire) in message.formats.iter().enumerate() {
        let refused = || field_violation(&format!("terms.formats[{i}]"), "unknown");
        let format = words_rights::format(*wire).ok_or_else(refused)?;
        if !formats.contains(&format) {
            formats.push(format);
        }
    }
    let documents = documents("terms.documents", &message.documents, MAX_NAMED)?;
    Ok(Terms { from, to, formats, documents, max_uses: Some(message.max_uses).filter(|max| *max != 0) })
}

/// What a client says of a document as it was before sealing; nothing of one of which nothing is said.
pub fn original(field: &str, message: Option<&pb::OriginalDocument>) -> Result<Original, Status> {
    let Some(message) = message else { return Ok(Original::default()) };
    let digests = documents(&format!("{field}.digests"), &message.digests, 2)?;
    if let [one, other] = digests.as_slice()
        && one.kind == other.kind
    {
        return Err(field_violation(&format!("{field}.digests"), "two of the same kind"));
    }
    let format = match message.format {
        0 => None,
        wire => {
            let refused = || field_violation(&format!("{field}.format"), "unknown");
            Some(words_rights::format(wire).ok_or_else(refused)?)
        }
    };
    Ok(Original { digests, format })
}

/// The same for the documents of a list: of none, or of each.
pub fn originals(messages: &[pb::OriginalDocument], listed: u32) -> Result<Vec<Original>, Status> {
    if messages.is_empty() {
        return Ok(Vec::new());
    }
    if messages.len() > MAX_IN_ACT || messages.len() != listed as usize {
        let text = format!("{} of {listed} documents; all of at most {MAX_IN_ACT} are expected", messages.len());
        return Err(field_violation("originals", text));
    }
    messages.iter().enumerate().map(|(i, message)| original(&format!("originals[{i}]"), Some(message))).collect()
}

pub fn asked(message: &pb::RequestUseRequest) -> Result<Asked, Status> {
    let purpose = Purpose::from_code(&message.purpose_code)
        .ok_or_else(|| one_of("purpose_code", Purpose::ALL.iter().map(|purpose| purpose.code())))?;
    let named = documents("documents", &message.documents, MAX_DOCUMENTS)?;
    if named.is_empty() {
        return Err(field_violation("documents", "missing"));
    }
    Ok(Asked {
        documents: named,
        uses: if message.uses == 0 { 1 } else { message.uses }, // bounded by the policy
        purpose,
        purpose_text: text::<MAX_TEXT>("purpose", &message.purpose)?,
        deadline: message.deadline.as_ref().map(|deadline| at("deadline", deadline)).transpose()?,
    })
}

pub fn declined(message: &pb::DeclineUseRequest) -> Result<(DeclineCause, String), Status> {
    let cause = DeclineCause::from_code(&message.reason_code)
        .ok_or_else(|| one_of("reason_code", DeclineCause::ALL.iter().map(|cause| cause.code())))?;
    Ok((cause, text::<MAX_TEXT>("reason", &message.reason)?))
}

/// Which uses, narrowed to the caller's organization if the caller has one.
pub fn use_filter(message: &pb::ListUsesRequest, bound_to: Option<&Uscc>) -> Result<UseFilter, Status> {
    let state = pb::UseState::try_from(message.state).map_err(|_| field_violation("state", "unknown"))?;
    let optional = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Ok(UseFilter {
        seal: optional(&message.seal_id).map(|text| parsed("seal_id", &text)).transpose()?,
        organization: bound_to.cloned(),
        state: Some(state).filter(|state| *state != pb::UseState::Unspecified),
        document: optional(&message.document).map(|text| parsed("document", &text)).transpose()?,
    })
}

/// Digests of documents, each once.
fn documents(field: &str, texts: &[String], max: usize) -> Result<Vec<DocumentDigest>, Status> {
    if texts.len() > max {
        return Err(field_violation(field, format!("{} are too many; at most {max} are allowed", texts.len())));
    }
    let mut digests = Vec::new();
    for (i, text) in texts.iter().enumerate() {
        let digest = parsed(&format!("{field}[{i}]"), text)?;
        if digests.contains(&digest) {
            return Err(field_violation(&format!("{field}[{i}]"), "named before"));
        }
        digests.push(digest);
    }
    Ok(digests)
}
