//! Answers that are kept under a request id (AIP-155), so that a repeat gets the first one again: an answer, or the
//! refusal of a gate, which is a fact like any other.

use eseal_eventstore::RequestKey;
use eseal_kernel::{Digest, Id};
use prost::Message;
use tonic::{Code, Status};

use crate::Caller;
use crate::status::{self, Language, Reason, field_violation, generic, refused};

/// What a command led to, in the form that is kept. Free of personal data.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer<R> {
    /// It was done; this is the answer.
    Done(R),
    /// A gate refused; the refusal is on record.
    Refused(Refusal),
}

/// The refusal of a gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The gate of `domain.md`: `a`, `b` …
    pub gate: String,
    /// The code of the reason, such as `CARD_IN_USE`.
    pub reason: String,
    /// For a wrong PIN: the tries that are left.
    pub tries_left: Option<u32>,
    /// The code of what stands beside the reason, such as `RIGHT_OVER` beside `NOT_AUTHORIZED`.
    pub detail: Option<String>,
}

/// The stored form. Fields are numbered for ever.
#[derive(Clone, PartialEq, Message)]
struct Kept {
    #[prost(bytes = "vec", optional, tag = "1")]
    done: Option<Vec<u8>>,
    #[prost(message, optional, tag = "2")]
    refused: Option<KeptRefusal>,
}

#[derive(Clone, PartialEq, Message)]
struct KeptRefusal {
    #[prost(string, tag = "1")]
    gate: String,
    #[prost(string, tag = "2")]
    reason: String,
    #[prost(uint32, optional, tag = "3")]
    tries_left: Option<u32>,
    #[prost(string, optional, tag = "4")]
    detail: Option<String>,
}

/// A kept answer can't be read: it was written by another program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer kept under the request id can't be read")]
pub struct UnreadableAnswer;

impl<R: Message + Default> Answer<R> {
    /// The refusal of `gate` for `reason`.
    pub fn refused(gate: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Refused(Refusal { gate: gate.into(), reason: reason.into(), tries_left: None, detail: None })
    }

    /// The bytes to keep: for `Order::answering`.
    pub fn encode(&self) -> Vec<u8> {
        let kept = match self {
            Self::Done(answer) => Kept { done: Some(answer.encode_to_vec()), refused: None },
            Self::Refused(refusal) => {
                let Refusal { gate, reason, tries_left, detail } = refusal.clone();
                Kept { done: None, refused: Some(KeptRefusal { gate, reason, tries_left, detail }) }
            }
        };
        kept.encode_to_vec()
    }

    /// What was kept: from `Outcome::answer`.
    ///
    /// # Errors
    /// [`UnreadableAnswer`] when the bytes are none of [`Answer::encode`].
    pub fn decode(kept: &[u8]) -> Result<Self, UnreadableAnswer> {
        match Kept::decode(kept).map_err(|_| UnreadableAnswer)? {
            Kept { done: Some(done), refused: None } => {
                R::decode(done.as_slice()).map(Self::Done).map_err(|_| UnreadableAnswer)
            }
            Kept { done: None, refused: Some(KeptRefusal { gate, reason, tries_left, detail }) } => {
                Ok(Self::Refused(Refusal { gate, reason, tries_left, detail }))
            }
            _ => Err(UnreadableAnswer),
        }
    }

    /// The answer, or the gate's refusal as `FAILED_PRECONDITION` with its text out of `reasons`, which is that of the
    /// detail where there is one, and the metadata `gate` and, where they are known, `tries_left` and `detail`.
    ///
    /// # Errors
    /// That refusal. A reason that is none of `reasons` is a mistake of ours: `INTERNAL`.
    pub fn into_result(self, reasons: &[Reason], language: Language) -> Result<R, Status> {
        let refusal = match self {
            Self::Done(answer) => return Ok(answer),
            Self::Refused(refusal) => refusal,
        };
        let Some(reason) = reasons.iter().find(|reason| reason.code == refusal.reason) else {
            tracing::error!(reason = refusal.reason, "a kept refusal has an unknown reason");
            return Err(generic(Code::Internal, &status::INTERNAL));
        };
        let mut metadata = vec![("gate", refusal.gate)];
        metadata.extend(refusal.tries_left.map(|left| ("tries_left", left.to_string())));
        let of_detail = |detail: &String| reasons.iter().find(|told| told.code == detail.as_str());
        let told = refusal.detail.as_ref().and_then(of_detail).unwrap_or(reason);
        metadata.extend(refusal.detail.map(|detail| ("detail", detail)));
        let told = Reason::new(reason.code, told.zh, told.en);
        Err(refused(Code::FailedPrecondition, &told, language, &metadata))
    }
}

/// The key that makes two requests the same. `rpc` is the full name, such as
/// `eseal.application.v1.ApplicationService/SubmitApplication`. **Blank secrets in `message` first**, such as a PIN:
/// its hash is kept.
///
/// # Errors
/// `INVALID_ARGUMENT` on `request_id` unless it is a UUID, and `UNAUTHENTICATED` for anybody: there must be someone to
/// whom the id belongs.
pub fn request_key(caller: &Caller, rpc: &str, request_id: &str, message: &impl Message) -> Result<RequestKey, Status> {
    let id: Id = request_id.parse().map_err(|error| field_violation("request_id", error))?;
    if *caller == Caller::Anonymous {
        return Err(generic(Code::Unauthenticated, &status::TOKEN_MISSING));
    }
    Ok(RequestKey {
        caller: caller.key(),
        rpc: rpc.to_owned(),
        request_id: id.to_string(),
        content: Digest::of(&message.encode_to_vec()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use eseal_proto::application::v1::{ApproveApplicationRequest, ApproveApplicationResponse};

    const REASON: Reason = Reason::new("CARD_IN_USE", "USBkey正在被某个电子印章使用", "The card is in use by a seal");

    fn answer() -> ApproveApplicationResponse {
        ApproveApplicationResponse { state: 3, etag: "7".to_owned() }
    }

    #[test]
    fn a_kept_answer_is_read_back() {
        for kept in
            [Answer::Done(answer()), Answer::Done(ApproveApplicationResponse::default()), Answer::refused("d", "X")]
        {
            assert_eq!(Answer::decode(&kept.encode()), Ok(kept));
        }
    }

    #[test]
    fn other_bytes_are_no_kept_answer() {
        for bytes in [&b""[..], b"\x0a", b"\xff\xff", b"\x0a\x00\x12\x00"] {
            assert_eq!(Answer::<ApproveApplicationResponse>::decode(bytes), Err(UnreadableAnswer), "{bytes:?}");
        }
    }

    #[test]
    fn a_kept_refusal_is_told_in_the_language_of_the_repeat() {
        let kept = Answer::<ApproveApplicationResponse>::Refused(Refusal {
            gate: "d".to_owned(),
            reason: "CARD_IN_USE".to_owned(),
            tries_left: Some(4),
            detail: None,
        });
        let told = kept.into_result(&[REASON], Language::ZhCn).expect_err("refused");
        let refusal = status::refusal_of(&told).expect("ours");
        assert_eq!((told.code(), refusal.reason.as_str()), (Code::FailedPrecondition, "CARD_IN_USE"));
        assert_eq!(refusal.message, REASON.zh);
        assert_eq!((refusal.metadata["gate"].as_str(), refusal.metadata["tries_left"].as_str()), ("d", "4"));
    }

    #[test]
    fn a_detail_is_told_in_words_and_beside_the_reason() {
        let detail = Reason::new("RIGHT_OVER", "使用权限已到期", "The right to use the seal has ended");
        let kept = Refusal {
            gate: "d".to_owned(),
            reason: REASON.code.to_owned(),
            tries_left: None,
            detail: Some(detail.code.to_owned()),
        };
        let told = |reasons: &[Reason]| {
            let kept = Answer::<ApproveApplicationResponse>::Refused(kept.clone()).encode();
            let answer = Answer::<ApproveApplicationResponse>::decode(&kept).expect("kept");
            status::refusal_of(&answer.into_result(reasons, Language::En).expect_err("refused")).expect("ours")
        };
        let refusal = told(&[REASON, detail]);
        assert_eq!((refusal.reason.as_str(), refusal.message.as_str()), (REASON.code, detail.en));
        assert_eq!(refusal.metadata["detail"], detail.code);
        assert_eq!(told(&[REASON]).message, REASON.en, "a detail that has no words");
    }

    #[test]
    fn the_key_of_a_request_follows_from_its_content() {
        let caller = Caller::Service("fabrication".to_owned());
        let id = "0198f7a0-0000-7000-8000-000000000001";
        let request = |etag: &str| ApproveApplicationRequest { etag: etag.to_owned(), ..Default::default() };
        let key = |etag| request_key(&caller, "S/Approve", id, &request(etag)).expect("a key");
        assert_eq!(key("1"), key("1"));
        assert_ne!(key("1").content, key("2").content);
    }

    #[test]
    fn a_request_id_that_is_no_uuid_is_a_field_violation() {
        let caller = Caller::Service("fabrication".to_owned());
        let refusal = request_key(&caller, "S/Approve", "7", &answer()).expect_err("refused");
        let fields = status::refusal_of(&refusal).expect("ours").fields;
        assert_eq!(fields.first().map(|(field, _)| field.as_str()), Some("request_id"));
    }
}
