//! Why something was refused -> gRPC codes and stable reasons. Exhaustive: a new rejection does not compile until
//! someone chose its code.

use std::time::Duration;

use eseal_eventstore::CommandError;
use eseal_service::answer::Answer;
use eseal_service::status::{command_refused, internal, refused, refused_for_now};
use eseal_service::{Language, Reason};
use tonic::{Code, Status};

use crate::app::AppError;
use crate::domain::event::Event;
use crate::domain::rejection::{CardRejection, Rejection};

/// When to try again what another service could not be asked for.
const RETRY_IN: Duration = Duration::from_secs(1);

macro_rules! reasons {
    ($($name:ident = $zh:literal, $en:literal;)*) => {
        $(const $name: Reason = Reason::new(stringify!($name), $zh, $en);)*
        /// The reasons of this service, for `docs/error-codes.md`.
        pub const REASONS: &[Reason] = &[$($name),*];
    };
}

reasons! {
    MAKER_CARD_ABSENT = "未插制章授权卡,制章失败", "No maker card is connected: no seal was made";
    MAKER_CARD_REJECTED = "未插制章授权卡,制章失败", "The maker card was not issued here, is withdrawn or did not prove its key: no seal was made";
    MAKER_CARD_COPIED = "制章授权卡疑被复制,已停用,制章失败", "The maker card's count of uses went back: it was copied. It is suspended, and no seal was made";
    CERTIFICATE_INVALID = "数字证书不合法或无数字证书,制章失败", "There is no certificate, or it is not good: no seal was made";
    CARD_IN_USE = "USBkey正在被某个电子印章使用", "The card or its certificate is in use by another seal";
    FABRICATION_FAILED = "制章失败", "No seal was made";
    FABRICATION_NOT_FOUND = "没有与该申请对应的制章任务", "No approved application of this id is known here";
    RUN_UNDER_WAY = "其他制章人正在为该申请制章", "Another maker's run is under way for this application";
    RUN_NOT_FOUND = "该次制章已结束或不存在", "This run is over, or never was";
    RUN_AT_OTHER_STEP = "制章步骤顺序不正确", "The run is at another step";
    OTHER_MAKER = "该次制章由其他制章人进行", "The run belongs to another maker";
    FABRICATION_CLOSED = "该申请已无需制章", "Nothing is left to make for this application";
    MAKER_CARD_NOT_FOUND = "制章授权卡不存在", "No maker card of this serial was issued here";
    MAKER_CARD_EXISTS = "该序列号的制章授权卡已发放", "A maker card of this serial was issued before";
    MAKER_CERTIFICATE_IN_USE = "该证书已在其他制章授权卡上", "Another maker card holds this certificate";
    MAKER_CARD_WITHDRAWN = "该制章授权卡已收回", "This maker card is withdrawn";
    MAKER_CARD_SUSPENDED = "该制章授权卡疑被复制,已停用", "This maker card is suspended: a copy of it was used";
    MAKER_CERTIFICATE_UNTRUSTED = "该证书不是受信任的制章人证书", "The certificate does not chain to a trusted maker root, or is not good now";
    SEAL_CONTENT_NOT_FOUND = "电子印章数据不存在", "No electronic seal of this digest was made here";
    PEER_UNAVAILABLE = "相关服务暂不可用,请稍后重试", "Another service can't be reached: try again shortly";
}

/// A rejection of one of this service's aggregates.
pub trait Rejected: std::error::Error + 'static {
    /// Its code and reason.
    fn refusal(&self) -> (Code, &'static Reason);
}

impl Rejected for Rejection {
    fn refusal(&self) -> (Code, &'static Reason) {
        match self {
            Self::NotFound => (Code::NotFound, &FABRICATION_NOT_FOUND),
            Self::RunUnderWay => (Code::FailedPrecondition, &RUN_UNDER_WAY),
            Self::NoSuchRun => (Code::FailedPrecondition, &RUN_NOT_FOUND),
            Self::WrongStep => (Code::FailedPrecondition, &RUN_AT_OTHER_STEP),
            Self::OtherMaker => (Code::PermissionDenied, &OTHER_MAKER),
            Self::Closed => (Code::FailedPrecondition, &FABRICATION_CLOSED),
        }
    }
}

impl Rejected for CardRejection {
    fn refusal(&self) -> (Code, &'static Reason) {
        match self {
            Self::NotFound => (Code::NotFound, &MAKER_CARD_NOT_FOUND),
            Self::AlreadyIssued => (Code::AlreadyExists, &MAKER_CARD_EXISTS),
            Self::CertificateInUse => (Code::FailedPrecondition, &MAKER_CERTIFICATE_IN_USE),
            Self::Suspended => (Code::FailedPrecondition, &MAKER_CARD_SUSPENDED),
            Self::Withdrawn => (Code::FailedPrecondition, &MAKER_CARD_WITHDRAWN),
        }
    }
}

/// A command was not recorded.
pub fn command<R: Rejected>(error: CommandError<R>, language: Language) -> Status {
    command_refused(error, |rejection| {
        let (code, reason) = rejection.refusal();
        refused(code, reason, language, &[])
    })
}

/// A command could not be prepared.
pub fn app(error: AppError, language: Language) -> Status {
    match error {
        AppError::Peer(status) if passes(status.code()) => {
            refused_for_now(Code::Unavailable, &PEER_UNAVAILABLE, language, RETRY_IN)
        }
        AppError::Count(error) => command(error, language),
        error @ (AppError::Peer(_)
        | AppError::Store(_)
        | AppError::Content(_)
        | AppError::Query(_)
        | AppError::Missing(_)
        | AppError::Random) => internal(&error),
    }
}

/// Whether what another service answered passes by itself.
const fn passes(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Aborted | Code::ResourceExhausted
    )
}

/// No approved application of this id.
pub fn not_found(language: Language) -> Status {
    refused(Code::NotFound, &FABRICATION_NOT_FOUND, language, &[])
}

/// No electronic seal of this digest.
pub fn no_content(language: Language) -> Status {
    refused(Code::NotFound, &SEAL_CONTENT_NOT_FOUND, language, &[])
}

/// A certificate that is no trusted maker's.
pub fn untrusted_maker(language: Language) -> Status {
    refused(Code::FailedPrecondition, &MAKER_CERTIFICATE_UNTRUSTED, language, &[])
}

/// The refusal of a gate, where that is how the events end. A refusal before [`Event::RunBegun`] is that of an abandoned
/// run, and no answer to this caller.
pub fn of_gate<R: prost::Message + Default>(events: &[Event]) -> Option<Answer<R>> {
    let latest = events.iter().rev().take_while(|event| !matches!(event, Event::RunBegun { .. }));
    latest.into_iter().find_map(|event| match event {
        Event::Refused { refusal, .. } => Some(Answer::refused(refusal.gate.letter(), refusal.reason.code())),
        Event::Queued(_)
        | Event::RunBegun { .. }
        | Event::MakerCardProved { .. }
        | Event::SealCardAccepted { .. }
        | Event::SealSigned { .. }
        | Event::Fabricated { .. }
        | Event::Stopped { .. }
        | Event::Released { .. } => None,
    })
}
