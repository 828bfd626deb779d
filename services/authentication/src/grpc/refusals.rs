//! Why something was refused -> gRPC codes and stable reasons. Exhaustive: a new rejection does not compile until
//! someone chose its code.

use std::convert::Infallible;
use std::time::Duration;

use eseal_documents::DocumentError;
use eseal_eventstore::CommandError;
use eseal_online::pades::PadesError;
use eseal_service::status::{
    OVERLOADED, chain, command_refused, field_violation, generic, generic_for_now, internal, refused,
};
use eseal_service::{Language, Reason};
use tonic::{Code, Status};

use crate::app::AppError;
use crate::app::keys::{Misfit, NotProved};
use crate::app::sealing::SealingError;
use crate::app::stamping::StampingError;
use crate::app::trusting::NotTrusted;
use crate::app::whole::NotSealed;
use crate::domain::Rejection;
use crate::domain::hosted_key::HostedKeyRejection;
use crate::domain::policy::SecondFactor;
use crate::domain::trust_anchor::AnchorRejection;

macro_rules! reasons {
    ($($name:ident = $zh:literal, $en:literal;)*) => {
        $(#[allow(dead_code)] const $name: Reason = Reason::new(stringify!($name), $zh, $en);)*
        /// The reasons of this service, for `docs/error-codes.md`. Those of the gates first, in their order.
        pub const REASONS: &[Reason] = &[$($name),*];
    };
}

reasons! {
    SEAL_NOT_REGISTERED = "该电子印章未在本系统注册", "The seal is not registered in this system";
    SEAL_CARD_ABSENT = "请插入电子印章卡", "Connect the seal card";
    PIN_INCORRECT = "密码错误,签章失败", "The PIN is wrong";
    PIN_OR_CODE_INCORRECT = "密码或验证码错误,签章失败", "The PIN or the code is wrong";
    PIN_LOCKED = "密码错误,签章失败", "The PIN was wrong too often: the seal is locked until an administrator unlocks it";
    SEAL_NOT_ACTIVE = "该电子印章尚未启用,不能签章", "The seal is not in use yet";
    SEAL_SUSPENDED = "该电子印章已停用,不能签章", "The seal is suspended";
    SEAL_REVOKED = "该电子印章已注销,不能签章", "The seal was revoked";
    SEAL_REPLACED = "该电子印章已被更换,不能签章", "The seal was replaced by another one";
    SEAL_EXPIRED = "该电子印章已过有效期", "The seal's validity has ended";
    CERTIFICATE_EXPIRED = "数字证书不在有效期内", "The certificate is outside its validity";
    CERTIFICATE_REVOKED = "数字证书已被吊销", "The certificate was revoked";
    CERTIFICATE_STATUS_UNKNOWN = "无法确认数字证书是否已被吊销,请稍后再试或联系管理员", "Nobody says whether the certificate was revoked: try again later, or ask an administrator";
    CERTIFICATE_UNTRUSTED = "数字证书不受信任或与该电子印章不符", "The certificate is not trusted, or not one of this seal";
    NOT_AUTHORIZED = "无权使用该电子印章", "This person or card has no right to use the seal";
    CHALLENGE_INVALID = "认证应答无效,请重新签章", "The card's answer to the challenge is not valid: begin again";
    CARD_COPIED = "电子印章卡疑被复制,印章已停用", "The card's count of uses went back: it was copied. The seal is suspended";
    SIGNING_FAILED = "签章失败", "Sealing failed";
    RIGHT_WITHDRAWN = "您对该电子印章的使用权限已被收回", "Your right to use the seal was withdrawn";
    RIGHT_NOT_BEGUN = "您对该电子印章的使用权限尚未生效", "Your right to use the seal has not begun";
    RIGHT_OVER = "您对该电子印章的使用权限已到期", "Your right to use the seal has ended";
    RIGHT_SPENT = "您对该电子印章的可用次数已用完", "Your right to use the seal has no uses left, or fewer than this";
    DOCUMENT_NOT_COVERED = "您的使用权限不包括该文档", "Your right to use the seal is not for this document";
    USE_NOT_REQUESTED = "该文档用印须先申请并经批准", "A use of the seal for this document must be requested and approved first";
    USE_NOT_APPROVED = "该文档的用印申请尚未批准", "The use that was requested for this document is not approved";
    USE_DECLINED = "该文档的用印申请未获批准", "The use that was requested for this document was declined";
    USE_WITHDRAWN = "该文档的用印申请已撤回", "The use that was requested for this document was taken back";
    USE_EXPIRED = "该文档的用印申请已过期限", "The deadline of the use that was requested for this document is over";
    USE_SPENT = "该文档获准的用印次数已用完", "All uses that were approved for this document are made";
    STORAGE_FULL = "服务器存储空间不足", "There is no room left for documents";
    CLIENT_TOO_SLOW = "传输中断时间过长", "Nothing came for too long";
    DOCUMENT_NOT_LISTED = "该文档不在本次批量签章的授权清单内", "The document is not in the list that was authorized for this act";
    DOCUMENT_ALREADY_SEALED = "该文档在本次批量签章中已签章", "The document was sealed in this act before";

    TIME_STAMPS_OFF = "服务器未配置时间戳服务", "The service has no time stamping authority: only level B-B is possible here";
    TIME_STAMP_UNAVAILABLE = "未取得时间戳", "No time stamp was given";
    PROOFS_INCOMPLETE = "缺少长期有效所需的证书或吊销信息", "Certificates or revocation data that long-term validation needs are missing";

    SEAL_NOT_FOUND = "该电子印章不存在", "There is no such seal";
    SEAL_ERASED = "该电子印章数据已删除", "The electronic seal was erased";
    SEAL_REGISTERED_OTHERWISE = "该电子印章已以其他内容注册", "The seal is registered with other particulars";
    SEAL_STATE_UNFIT = "电子印章的当前状态不允许此操作", "The seal's state does not allow this";
    SEAL_ENDED = "该电子印章已注销或已被更换,状态不能再改变", "The seal has ended for ever";
    SUCCESSOR_UNFIT = "接替的印章须是同一单位已注册的另一枚印章", "The successor must be another registered seal of the organization";
    POLICY_LOOSENED = "单位人员只能收紧、不能放宽用印规则", "People of an organization can make the policy of its seal stricter, never looser";
    CUSTODIAN_EXISTS = "该人员已是该电子印章的保管人", "The person is a custodian of the seal already, on other terms";
    CUSTODIAN_NOT_FOUND = "该人员不是该电子印章的保管人", "The person is no custodian of the seal";
    TOO_MANY_CUSTODIANS = "该电子印章的保管人过多", "The seal has too many custodians";
    BEYOND_POLICY = "超出该电子印章用印规则允许的次数或期限", "The seal's policy does not allow so many uses, or so long a time";
    TOO_MANY_USES = "该电子印章未结束的用印申请过多", "Too many uses of the seal are requested";
    USE_NOT_FOUND = "该用印申请不存在", "There is no such request for a use";
    USE_NOT_OPEN = "该用印申请已处理、已用完、已撤回或已过期限", "The requested use was declined, taken back or spent, or its deadline is over";
    OWN_REQUEST = "不能审批自己提出的用印申请", "Nobody decides about their own request";
    NOT_REQUESTER = "只有申请人才能撤回用印申请", "Only who requested the use can take it back";
    NOT_CUSTODIAN = "只有该电子印章或密钥的保管人才能执行此操作", "Only its custodian may do this";
    TOO_MANY_ATTEMPTS = "该电子印章进行中的签章过多,请稍后重试", "The seal has too many open attempts";
    ATTEMPT_NOT_FOUND = "该次签章不存在", "There is no such attempt";
    ATTEMPT_NOT_OPEN = "该次签章不存在、已结束或已超时", "The attempt is not open: it never began, is over or has expired";
    SEALING_OUT_OF_ORDER = "签章步骤顺序不正确", "The step does not follow the attempt's last one";
    PIN_CHECK_RUNNING = "密码正在校验,请稍后重试", "The PIN is being checked";
    CUSTODY_UNFIT = "该操作不适用于此电子印章的保管方式", "The step does not fit where the seal's keys are kept";
    KEY_UNAVAILABLE = "密钥设备或密钥管理系统暂不可用,请稍后重试", "The HSM or key management system is not available now: try again shortly";
    SECOND_FACTOR_REQUIRED = "该电子印章要求输入验证码", "The seal's policy asks for a code beside the PIN";
    AUTHENTICATOR_ENROLLED = "您已为该托管密钥绑定动态口令,丢失时请由管理员解除", "You have an authenticator for the hosted key already: if it was lost, an administrator removes it";
    AUTHENTICATOR_NOT_FOUND = "该动态口令不存在、已解除或未在限期内确认", "There is no such authenticator: it was removed, or not confirmed in time";
    OWN_AUTHENTICATOR = "不能解除自己的动态口令,请由其他管理员解除", "Nobody removes their own authenticator: another administrator does";
    TOO_MANY_AUTHENTICATORS = "该托管密钥绑定的动态口令过多", "The hosted key has too many authenticators";
    CODE_INCORRECT = "验证码错误或已使用", "The code is wrong, or was used before";
    CODE_UNFIT = "该电子印章不使用发送的验证码", "The seal's policy has no use for a code that is sent";
    CODE_JUST_SENT = "验证码刚刚发送,请稍后再试", "A code was sent a moment ago";
    CODES_OFF = "服务器未配置验证码发送服务", "The service has nobody who sends codes";
    CODE_NOT_SENT = "验证码发送失败,请稍后重试", "The code could not be sent: try again shortly";
    HOSTED_KEY_NOT_FOUND = "托管密钥不存在", "There is no such hosted key";
    HOSTED_KEY_EXISTS = "该编号的托管密钥已属于他人", "The hosted key belongs to another owner";
    HOSTED_KEY_NOT_CERTIFIED = "托管密钥尚无数字证书", "The hosted key is not certified";
    HOSTED_KEY_OF_OTHER_ORGANIZATION = "托管密钥不属于该单位", "The hosted key is of another organization";
    TRUST_ANCHOR_NOT_FOUND = "该证书未被信任过", "The certificate was never trusted for this purpose";
    DEVELOPMENT_ROOT = "开发用CA的证书不能在此系统中信任", "The certificate is of an authority for development, and this system trusts none";
    CRL_ISSUER_UNTRUSTED = "吊销列表不是由受信任的证书颁发机构签发", "No trusted authority signed the revocation list";
}

/// What is told beside `PIN_INCORRECT` where a code was asked for as well.
pub const PIN_OR_CODE: &str = PIN_OR_CODE_INCORRECT.code;

/// A rejection of one of this service's aggregates.
pub trait Rejected: std::error::Error + 'static {
    /// Its code and reason.
    fn refusal(&self) -> (Code, &'static Reason);

    /// What else is told.
    fn about(&self) -> Option<(&'static str, String)> {
        None
    }
}

impl Rejected for Rejection {
    fn refusal(&self) -> (Code, &'static Reason) {
        match self {
            Self::SealNotFound => (Code::NotFound, &SEAL_NOT_FOUND),
            Self::RegisteredOtherwise => (Code::AlreadyExists, &SEAL_REGISTERED_OTHERWISE),
            Self::WrongState => (Code::FailedPrecondition, &SEAL_STATE_UNFIT),
            Self::Final => (Code::FailedPrecondition, &SEAL_ENDED),
            Self::Expired => (Code::FailedPrecondition, &SEAL_EXPIRED),
            Self::UnfitSuccessor => (Code::FailedPrecondition, &SUCCESSOR_UNFIT),
            Self::CustodianExists => (Code::AlreadyExists, &CUSTODIAN_EXISTS),
            Self::CustodianNotFound => (Code::NotFound, &CUSTODIAN_NOT_FOUND),
            Self::TooManyCustodians => (Code::ResourceExhausted, &TOO_MANY_CUSTODIANS),
            Self::BeyondPolicy => (Code::FailedPrecondition, &BEYOND_POLICY),
            Self::TooManyUses => (Code::ResourceExhausted, &TOO_MANY_USES),
            Self::UseNotOpen => (Code::FailedPrecondition, &USE_NOT_OPEN),
            Self::OwnRequest => (Code::PermissionDenied, &OWN_REQUEST),
            Self::NotRequester => (Code::PermissionDenied, &NOT_REQUESTER),
            Self::PolicyLoosened => (Code::PermissionDenied, &POLICY_LOOSENED),
            Self::NotCustodian => (Code::PermissionDenied, &NOT_CUSTODIAN),
            Self::TooManyAttempts => (Code::ResourceExhausted, &TOO_MANY_ATTEMPTS),
            Self::AttemptNotOpen => (Code::FailedPrecondition, &ATTEMPT_NOT_OPEN),
            Self::OutOfOrder => (Code::FailedPrecondition, &SEALING_OUT_OF_ORDER),
            Self::PinCheckRunning | Self::PinAccepted => (Code::Aborted, &PIN_CHECK_RUNNING),
            Self::WrongCustody => (Code::FailedPrecondition, &CUSTODY_UNFIT),
            Self::SecondFactorRequired(_) => (Code::FailedPrecondition, &SECOND_FACTOR_REQUIRED),
        }
    }

    fn about(&self) -> Option<(&'static str, String)> {
        let Self::SecondFactorRequired(asked) = self else { return None };
        let asked = match asked {
            SecondFactor::None => "none",
            SecondFactor::Totp => "totp",
            SecondFactor::Sent => "sent",
            SecondFactor::Any => "any",
        };
        Some(("second_factor", asked.to_owned()))
    }
}

impl Rejected for HostedKeyRejection {
    fn refusal(&self) -> (Code, &'static Reason) {
        match self {
            Self::NotFound => (Code::NotFound, &HOSTED_KEY_NOT_FOUND),
            Self::CreatedOtherwise => (Code::AlreadyExists, &HOSTED_KEY_EXISTS),
            Self::NotCustodian => (Code::PermissionDenied, &NOT_CUSTODIAN),
            Self::AuthenticatorInUse => (Code::AlreadyExists, &AUTHENTICATOR_ENROLLED),
            Self::AuthenticatorNotFound => (Code::NotFound, &AUTHENTICATOR_NOT_FOUND),
            Self::OwnAuthenticator => (Code::PermissionDenied, &OWN_AUTHENTICATOR),
            Self::TooManyAuthenticators => (Code::ResourceExhausted, &TOO_MANY_AUTHENTICATORS),
        }
    }
}

impl Rejected for AnchorRejection {
    fn refusal(&self) -> (Code, &'static Reason) {
        match self {
            Self::NotFound => (Code::NotFound, &TRUST_ANCHOR_NOT_FOUND),
        }
    }
}

impl Rejected for Infallible {
    fn refusal(&self) -> (Code, &'static Reason) {
        match *self {}
    }
}

/// A command was not recorded.
pub fn command<R: Rejected>(error: CommandError<R>, language: Language) -> Status {
    command_refused(error, |rejection| {
        let (code, reason) = rejection.refusal();
        refused(code, reason, language, rejection.about().as_slice())
    })
}

/// A hosted sealing did not go on.
pub fn sealing(error: SealingError, language: Language) -> Status {
    match error {
        SealingError::Command(error) => command(error, language),
        SealingError::App(error) => failed(&error),
    }
}

/// A mistake of ours; or a key that is not there just now, which is nobody's.
pub fn failed(error: &AppError) -> Status {
    if !error.is_for_now() {
        return internal(error);
    }
    tracing::warn!(error = chain(error), "a key can't be used now");
    generic_for_now(Code::Unavailable, &KEY_UNAVAILABLE, Duration::from_secs(5))
}

/// Certificates are not taken in.
pub fn misfit(misfit: Misfit) -> Status {
    let field = match misfit {
        Misfit::Count => "certificates".to_owned(),
        Misfit::Malformed(i) | Misfit::OtherKey(i) | Misfit::OtherOrganization(i) | Misfit::NotForSigning(i) => {
            format!("certificates[{i}]")
        }
    };
    field_violation(&field, misfit)
}

/// A hosted key is not proved.
pub fn not_proved(error: NotProved, language: Language) -> Status {
    match error {
        NotProved::NotCertified => refused(Code::FailedPrecondition, &HOSTED_KEY_NOT_CERTIFIED, language, &[]),
        NotProved::Terms => field_violation("terms", error),
        NotProved::App(error) => failed(&error),
    }
}

/// Something is not taken in as trust.
pub fn not_trusted(field: &str, error: NotTrusted, language: Language) -> Status {
    match error {
        NotTrusted::Certificate(_) | NotTrusted::NotCa | NotTrusted::List(_) => field_violation(field, error),
        NotTrusted::Development => refused(Code::FailedPrecondition, &DEVELOPMENT_ROOT, language, &[]),
        NotTrusted::Issuer => refused(Code::FailedPrecondition, &CRL_ISSUER_UNTRUSTED, language, &[]),
        NotTrusted::App(error) => internal(&error),
    }
}

/// A rejection that follows from what never changes, before anything is asked of the rules.
pub fn rejected(rejection: Rejection, language: Language) -> Status {
    let (code, reason) = rejection.refusal();
    refused(code, reason, language, &[])
}

/// Too many whole documents are under way.
pub fn too_many() -> Status {
    generic_for_now(Code::ResourceExhausted, &OVERLOADED, Duration::from_secs(1))
}

/// A client sends nothing more.
pub fn too_slow() -> Status {
    generic(Code::DeadlineExceeded, &CLIENT_TOO_SLOW)
}

/// A whole document is not sealed, for a reason that is told in the language of the caller.
pub fn not_sealed(error: &NotSealed, language: Language) -> Status {
    let document = |code, reason: eseal_documents::Reason| {
        use eseal_documents::Language::{En, ZhCn};
        let reason = Reason::new(reason.code(), reason.text(ZhCn), reason.text(En));
        refused(code, &reason, language, &[("detail", error.to_string())])
    };
    match error {
        NotSealed::Document(DocumentError::Read(_) | DocumentError::Write(_)) => internal(error), // it is our file
        NotSealed::Document(error) => document(Code::InvalidArgument, error.reason()),
        NotSealed::Broken { reason, .. } => document(Code::FailedPrecondition, *reason),
        NotSealed::Stamping(error) => stamping(error, language),
        NotSealed::NoRoom(_) | NotSealed::File(_) | NotSealed::Ended(_) => not_sealed_here(error),
    }
}

/// What others prove did not come.
pub fn stamping(error: &StampingError, language: Language) -> Status {
    let told = |code, reason: &Reason| refused(code, reason, language, &[("detail", error.to_string())]);
    match error {
        StampingError::Off => refused(Code::FailedPrecondition, &TIME_STAMPS_OFF, language, &[]),
        StampingError::Online(_) | StampingError::Pades(PadesError::TimeStamp(_)) => {
            tracing::warn!(%error, "no time stamp");
            told(Code::Unavailable, &TIME_STAMP_UNAVAILABLE)
        }
        StampingError::Pades(PadesError::Authority(_) | PadesError::Chain { .. } | PadesError::Unproved { .. }) => {
            told(Code::FailedPrecondition, &PROOFS_INCOMPLETE)
        }
        StampingError::Pades(PadesError::Document(document)) => {
            use eseal_documents::Language::{En, ZhCn};
            let reason = document.reason();
            told(Code::InvalidArgument, &Reason::new(reason.code(), reason.text(ZhCn), reason.text(En)))
        }
        StampingError::Pades(PadesError::File(_) | PadesError::Ended(_))
        | StampingError::File { .. }
        | StampingError::Roots { .. }
        | StampingError::List { .. }
        | StampingError::Ended(_) => internal(error),
    }
}

/// A whole document is not sealed, for a reason of this machine.
pub fn not_sealed_here(error: &NotSealed) -> Status {
    match error {
        NotSealed::NoRoom(_) => generic_for_now(Code::ResourceExhausted, &STORAGE_FULL, Duration::from_secs(60)),
        other => internal(other),
    }
}

/// No such seal.
pub fn seal_not_found(language: Language) -> Status {
    refused(Code::NotFound, &SEAL_NOT_FOUND, language, &[])
}

/// No such attempt that the caller may see.
pub fn attempt_not_found(language: Language) -> Status {
    refused(Code::NotFound, &ATTEMPT_NOT_FOUND, language, &[])
}

/// No such request for a use.
pub fn use_not_found(language: Language) -> Status {
    refused(Code::NotFound, &USE_NOT_FOUND, language, &[])
}

/// The bytes of the seal are gone.
pub fn seal_erased(language: Language) -> Status {
    refused(Code::NotFound, &SEAL_ERASED, language, &[])
}

/// Somebody else's.
pub fn not_custodian(language: Language) -> Status {
    refused(Code::PermissionDenied, &NOT_CUSTODIAN, language, &[])
}

/// A person has one authenticator for a hosted key.
pub fn authenticator_enrolled(language: Language) -> Status {
    refused(Code::AlreadyExists, &AUTHENTICATOR_ENROLLED, language, &[])
}

/// Nothing waits for this code.
pub fn authenticator_not_found(language: Language) -> Status {
    refused(Code::NotFound, &AUTHENTICATOR_NOT_FOUND, language, &[])
}

/// The first code of an authenticator is not the one of now.
pub fn code_incorrect(language: Language) -> Status {
    refused(Code::FailedPrecondition, &CODE_INCORRECT, language, &[])
}

/// The seal takes no code that is sent.
pub fn code_unfit(language: Language) -> Status {
    refused(Code::FailedPrecondition, &CODE_UNFIT, language, &[])
}

/// A code was sent a moment ago.
pub fn code_just_sent(wait: Duration) -> Status {
    generic_for_now(Code::ResourceExhausted, &CODE_JUST_SENT, wait)
}

/// Nobody sends codes.
pub fn codes_off(language: Language) -> Status {
    refused(Code::FailedPrecondition, &CODES_OFF, language, &[])
}

/// Whoever sends codes did not take it.
pub fn code_not_sent(language: Language) -> Status {
    refused(Code::Unavailable, &CODE_NOT_SENT, language, &[])
}

/// No such hosted key.
pub fn key_not_found(language: Language) -> Status {
    refused(Code::NotFound, &HOSTED_KEY_NOT_FOUND, language, &[])
}

/// A hosted key of another organization than the seal.
pub fn key_of_other_organization(language: Language) -> Status {
    refused(Code::FailedPrecondition, &HOSTED_KEY_OF_OTHER_ORGANIZATION, language, &[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{denial, reason};

    #[test]
    fn every_reason_of_a_gate_has_its_messages() {
        for reason in reason::Reason::ALL {
            assert!(REASONS.iter().any(|told| told.code == reason.code()), "{}", reason.code());
        }
        for detail in denial::Denial::ALL {
            assert!(REASONS.iter().any(|told| told.code == detail.code()), "{}", detail.code());
        }
    }

    #[test]
    fn a_code_stands_for_one_reason() {
        let mut codes: Vec<_> = REASONS.iter().map(|reason| reason.code).collect();
        codes.sort_unstable();
        assert!(codes.windows(2).all(|pair| pair[0] != pair[1]), "{codes:?}");
    }
}
