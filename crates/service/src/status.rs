//! Refusals: a gRPC code, a stable reason, and a text in the reader's language.
//!
//! Every refusal carries `google.rpc.ErrorInfo` (reason, domain `eseal`, metadata) and `google.rpc.LocalizedMessage`;
//! a malformed request carries `BadRequest`, a passing trouble `RetryInfo`. The status message itself is English, for
//! developers and logs. Refusals for one of the [`REASONS`] here need no language: [`crate::language`] adds the text
//! on the way out.

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use eseal_eventstore::{CommandError, StoreError};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

pub use crate::language::Language;

/// `ErrorInfo.domain` of every refusal.
pub const DOMAIN: &str = "eseal";

/// A reason why something was refused: its code is stable for ever and documented in `docs/error-codes.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    /// `UPPER_SNAKE`, at most 63 characters.
    pub code: &'static str,
    /// For people, in Chinese.
    pub zh: &'static str,
    /// For people, in English.
    pub en: &'static str,
}

impl Reason {
    /// The reason `code` with its texts.
    pub const fn new(code: &'static str, zh: &'static str, en: &'static str) -> Self {
        Self { code, zh, en }
    }

    /// The text in `language`.
    pub const fn text(&self, language: Language) -> &'static str {
        match language {
            Language::ZhCn => self.zh,
            Language::En => self.en,
        }
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $zh:literal, $en:literal;)*) => {
        $($(#[$doc])* pub const $name: Reason = Reason::new(stringify!($name), $zh, $en);)*
        /// The reasons that any RPC of any service may give.
        pub const REASONS: &[Reason] = &[$($name),*];
    };
}

reasons! {
    /// A field of the request is missing or malformed; the field is named in `BadRequest`.
    INVALID_FIELD = "请求内容不符合要求", "A field of the request is not acceptable";
    /// The request has no token.
    TOKEN_MISSING = "请先登录", "Sign in first";
    /// The token is malformed, or its signature, key, issuer, audience or claims are not right.
    TOKEN_INVALID = "登录凭证无效,请重新登录", "The token is not valid: sign in again";
    /// The token's time is over.
    TOKEN_EXPIRED = "登录已过期,请重新登录", "The token has expired: sign in again";
    /// The issuer of the tokens can't be reached, so that nothing can be said of a token.
    ISSUER_UNAVAILABLE = "暂时无法验证登录凭证,请稍后重试", "The token can't be verified at the moment: try again shortly";
    /// The caller has none of the roles that this needs.
    ROLE_MISSING = "您没有执行此操作的权限", "You have none of the roles that this needs";
    /// The caller is not among those who may call this at all.
    CALLER_NOT_ALLOWED = "不允许调用此接口", "This caller may not call this";
    /// It belongs to an organization that the caller is not bound to.
    OTHER_ORGANIZATION = "不属于您所在的单位", "It belongs to another organization";
    /// There is no such RPC here.
    RPC_UNKNOWN = "没有此接口", "There is no such RPC here";
    /// The request id was used before by the same caller for the same RPC with another content.
    REQUEST_ID_REUSED = "请求编号已用于其他请求", "The request id was used before for another request";
    /// The version that the caller saw is not the present one.
    VERSION_CONFLICT = "数据已被他人修改,请刷新后重试", "It has changed since: read it again and retry";
    /// The service has too much to do at the moment.
    OVERLOADED = "系统繁忙,请稍后重试", "Too much is waiting: try again shortly";
    /// The door can't reach the service behind it.
    SERVICE_UNAVAILABLE = "服务暂不可用,请稍后重试", "The service can't be reached: try again shortly";
    /// The service is stopping.
    STOPPING = "服务正在停止,请稍后重试", "The service is stopping: try again shortly";
    /// The database broke off in the middle of a commit. A repeat with the same request id tells what became of it.
    OUTCOME_UNKNOWN = "处理结果未知,请用相同的请求编号重试", "It is not known whether this was done: send it again with the same request id";
    /// The time that the caller gave was over before the answer was there.
    DEADLINE_EXCEEDED = "处理超时", "The time for the answer is over";
    /// A mistake of ours. It is in the log of the service, never in the answer.
    INTERNAL = "系统内部错误", "An internal error";
}

/// A refusal for `reason`. `metadata` tells machines more about it, such as `[("tries_left", "3".into())]`; no
/// personal data.
pub fn refused(code: Code, reason: &Reason, language: Language, metadata: &[(&str, String)]) -> Status {
    let details = localized(reason, language, metadata);
    Status::with_error_details(code, reason.en, details)
}

/// The same where waiting helps, with the time to wait.
pub fn refused_for_now(code: Code, reason: &Reason, language: Language, retry_in: Duration) -> Status {
    let mut details = localized(reason, language, &[]);
    details.set_retry_info(Some(retry_in));
    Status::with_error_details(code, reason.en, details)
}

fn localized(reason: &Reason, language: Language, metadata: &[(&str, String)]) -> ErrorDetails {
    let mut details = ErrorDetails::new();
    let metadata: HashMap<String, String> = metadata.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
    details.set_error_info(reason.code, DOMAIN, metadata);
    details.set_localized_message(language.tag(), reason.text(language));
    details
}

/// A refusal for one of the [`REASONS`] that any RPC may give; its text is added on the way out.
pub fn generic(code: Code, reason: &Reason) -> Status {
    let mut details = ErrorDetails::new();
    details.set_error_info(reason.code, DOMAIN, HashMap::new());
    Status::with_error_details(code, reason.en, details)
}

/// A generic refusal where waiting helps, with the time to wait.
pub fn generic_for_now(code: Code, reason: &Reason, retry_in: Duration) -> Status {
    let mut details = ErrorDetails::new();
    details.set_error_info(reason.code, DOMAIN, HashMap::new());
    details.set_retry_info(Some(retry_in));
    Status::with_error_details(code, reason.en, details)
}

/// Why a command was not recorded. Only what the aggregate itself rejected is the service's to name: its exhaustive
/// match is `rejected`.
pub fn command_refused<R: Error + 'static>(error: CommandError<R>, rejected: impl FnOnce(R) -> Status) -> Status {
    match error {
        CommandError::Rejected(rejection) => rejected(rejection),
        CommandError::RequestIdReused => generic(Code::AlreadyExists, &REQUEST_ID_REUSED),
        CommandError::Conflict { .. } => generic(Code::Aborted, &VERSION_CONFLICT),
        CommandError::Busy => generic_for_now(Code::Unavailable, &OVERLOADED, Duration::from_millis(200)),
        CommandError::Stopping => generic_for_now(Code::Unavailable, &STOPPING, Duration::from_secs(1)),
        CommandError::Store(error @ StoreError::InDoubt(_)) => {
            tracing::error!(error = chain(&error), "a commit is in doubt");
            generic_for_now(Code::Unavailable, &OUTCOME_UNKNOWN, Duration::from_secs(1))
        }
        CommandError::Store(error) => internal(&error),
    }
}

/// A field of the request is not acceptable: `INVALID_ARGUMENT`. `field` is its path, such as `form.seal_name`.
pub fn field_violation(field: &str, text: impl ToString) -> Status {
    field_violations(vec![(field.to_owned(), text.to_string())])
}

/// Several fields of the request are not acceptable.
pub fn field_violations(violations: Vec<(String, String)>) -> Status {
    let message = violations.iter().map(|(field, text)| format!("{field}: {text}")).collect::<Vec<_>>().join("; ");
    let violations: Vec<_> = violations.into_iter().map(|(field, text)| FieldViolation::new(field, text)).collect();
    let mut details = ErrorDetails::new();
    details.set_error_info(INVALID_FIELD.code, DOMAIN, HashMap::new());
    details.set_bad_request(violations);
    Status::with_error_details(Code::InvalidArgument, message, details)
}

/// A mistake of ours: the whole chain of causes goes to the log, nothing of it to the caller.
pub fn internal(error: &(dyn Error + 'static)) -> Status {
    tracing::error!(error = chain(error), "internal error");
    generic(Code::Internal, &INTERNAL)
}

/// An error and its causes in one line.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// What a client can read from a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The code of the reason, such as `CARD_IN_USE`.
    pub reason: String,
    /// For people: in their language if the service knew it, else in English.
    pub message: String,
    /// For machines.
    pub metadata: HashMap<String, String>,
    /// The fields that were not acceptable, each with its text.
    pub fields: Vec<(String, String)>,
    /// How long to wait before trying again, where that helps.
    pub retry_in: Option<Duration>,
}

/// The refusal that a status carries; nothing if it is not one of this system (a proxy's, a broken connection).
pub fn refusal_of(status: &Status) -> Option<Refused> {
    let details = status.get_error_details();
    let info = details.error_info().filter(|info| info.domain == DOMAIN)?;
    let localized = details.localized_message().map(|localized| localized.message.clone());
    let fields = details.bad_request().map(|bad| bad.field_violations.as_slice()).unwrap_or_default();
    Some(Refused {
        reason: info.reason.clone(),
        message: localized.unwrap_or_else(|| status.message().to_owned()),
        metadata: info.metadata.clone(),
        fields: fields.iter().map(|violation| (violation.field.clone(), violation.description.clone())).collect(),
        retry_in: details.retry_info().and_then(|retry| retry.retry_delay),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the application was withdrawn")]
    struct Withdrawn;

    fn told(error: CommandError<Withdrawn>) -> (Code, String) {
        let status = command_refused(error, |Withdrawn| generic(Code::FailedPrecondition, &RPC_UNKNOWN));
        (status.code(), refusal_of(&status).expect("ours").reason)
    }

    #[test]
    fn a_client_reads_from_a_refusal_what_was_put_into_it() {
        let status = refused(Code::NotFound, &RPC_UNKNOWN, Language::En, &[("gate", "d".to_owned())]);
        let refusal = refusal_of(&status).expect("ours");
        assert_eq!((refusal.reason.as_str(), refusal.message.as_str()), ("RPC_UNKNOWN", RPC_UNKNOWN.en));
        assert_eq!(refusal.metadata, HashMap::from([("gate".to_owned(), "d".to_owned())]));
        let status = refused_for_now(Code::Unavailable, &STOPPING, Language::ZhCn, Duration::from_secs(3));
        let refusal = refusal_of(&status).expect("ours");
        assert_eq!((refusal.message.as_str(), refusal.retry_in), (STOPPING.zh, Some(Duration::from_secs(3))));
    }

    #[test]
    fn a_field_violation_names_the_field() {
        let refusal = refusal_of(&field_violation("form.seal_name", "too long")).expect("ours");
        assert_eq!(refusal.fields, [("form.seal_name".to_owned(), "too long".to_owned())]);
    }

    #[test]
    fn a_status_of_others_is_no_refusal_of_ours() {
        assert_eq!(refusal_of(&Status::unavailable("connection refused")), None);
    }

    #[test]
    fn what_hinders_a_command_has_one_code_and_reason_everywhere() {
        let (expected, actual) = (1, 2);
        assert_eq!(told(CommandError::Rejected(Withdrawn)), (Code::FailedPrecondition, "RPC_UNKNOWN".to_owned()));
        assert_eq!(told(CommandError::RequestIdReused), (Code::AlreadyExists, "REQUEST_ID_REUSED".to_owned()));
        assert_eq!(told(CommandError::Conflict { expected, actual }), (Code::Aborted, "VERSION_CONFLICT".to_owned()));
        assert_eq!(told(CommandError::Busy), (Code::Unavailable, "OVERLOADED".to_owned()));
        assert_eq!(told(CommandError::Stopping), (Code::Unavailable, "STOPPING".to_owned()));
    }

    #[test]
    fn an_internal_error_tells_its_caller_nothing() {
        let status = internal(&StoreError::File("/secret/place".to_owned()));
        assert!(!format!("{status:?}").contains("secret"), "{status:?}");
    }

    #[test]
    fn every_reason_has_a_stable_form_and_both_texts() {
        for (i, reason) in REASONS.iter().enumerate() {
            let word = |c: char| c.is_ascii_uppercase() || c == '_';
            assert!(reason.code.chars().all(word) && reason.code.len() <= 63, "{}", reason.code);
            assert!(!reason.zh.is_ascii() && reason.en.is_ascii(), "{}", reason.code);
            assert!(REASONS.iter().take(i).all(|earlier| earlier.code != reason.code), "{} is twice", reason.code);
        }
    }

    #[test]
    fn the_chain_of_an_error_names_each_cause_once() {
        let error = crate::StartError::Store { service: "x", source: StoreError::Address("no address") };
        assert_eq!(chain(&error), "the database of x can't be used: the database address is not usable: no address");
    }
}
