//! Why something was refused -> gRPC codes and stable reasons. Exhaustive: a new rejection does not compile until
//! someone chose its code.

use eseal_eventstore::CommandError;
use eseal_impression::ImpressionError;
use eseal_service::status::{command_refused, field_violation, internal, refused};
use eseal_service::{Language, Reason};
use tonic::{Code, Status};

use crate::app::Refusal;
use crate::domain::Rejection;
use crate::domain::person::Never;

macro_rules! reasons {
    ($($name:ident = $zh:literal, $en:literal;)*) => {
        $(const $name: Reason = Reason::new(stringify!($name), $zh, $en);)*
        /// The reasons of this service, for `docs/error-codes.md`.
        pub const REASONS: &[Reason] = &[$($name),*];
    };
}

reasons! {
    APPLICATION_NOT_FOUND = "印章申请不存在", "The application does not exist";
    APPLICATION_EXISTS = "该编号的印章申请已存在", "There is another application with this id";
    SELF_APPROVAL = "审批人不能审批本人经办的申请", "An applicant can't decide about their own application";
    NOT_THE_APPLICANT = "只有该申请的经办人才能执行此操作", "Only its applicant may do this with an application";
    APPLICATION_NOT_UNDER_REVIEW = "该申请不在审批中", "The application is not under review";
    APPLICATION_NOT_RETURNED = "该申请未被退回", "The application was not returned";
    APPLICATION_NOT_APPROVED = "该申请未审批通过", "The application is not approved";
    APPLICATION_ALREADY_APPROVED = "该申请已审批通过", "The application is approved already";
    APPLICATION_ALREADY_WITHDRAWN = "该申请已撤回", "The application was withdrawn";
    APPLICATION_ALREADY_CANCELLED = "该申请已取消", "The application was cancelled";
    APPLICATION_ALREADY_MADE = "该申请的印章已制成,不能取消;可注销该印章", "The seal of the application is made: it can't be cancelled any more, but the seal can be revoked";
    APPLICATION_CARRIED_OUT_AT_ONCE = "注销申请批准后立即执行,不能取消", "An application to revoke is carried out as soon as it is approved: there is nothing to cancel";
    ORGANIZATION_FIXED = "修改申请时不能更换使用单位", "A revision can't change the organization";
    KIND_FIXED = "修改申请时不能更改申请类型或所涉印章", "A revision can't change the kind or the seal it is about";
    EXISTING_SEAL_NOT_FOUND = "所涉电子印章未在本系统注册", "The seal that it is about is not registered in this system";
    EXISTING_SEAL_OF_OTHER_ORGANIZATION = "所涉电子印章不属于该单位", "The seal that it is about is of another organization";
    EXISTING_SEAL_ENDED = "所涉电子印章已注销或已被更换", "The seal that it is about has ended: it was revoked or replaced";
    SEAL_TYPE_FIXED = "新印章的类型须与原印章相同", "A successor has the type of the seal in whose place it is made";
    SUCCESSOR_BEGINS_LATER = "新印章制成即接替原印章,有效期不能晚于此时开始", "A successor takes its place when it is made: its validity must have begun by then";
    APPLICATION_OPEN_FOR_SEAL = "该印章已有未办结的申请", "Another application is open for this seal";
    VALIDITY_PASSED = "申请的有效期已过", "The validity asked for has passed";
    OTHER_SEAL = "该申请已有其他印章", "The application has another seal";
    MATERIAL_NOT_FOUND = "文件不存在", "There is no such file";
    FONT_UNUSABLE = "服务器没有可用的中文字体,无法绘制印模", "The server has no font with Chinese characters to draw with";
}

/// A rejection of one of this service's aggregates.
pub trait Rejected: std::error::Error + 'static {
    /// Its code and reason.
    fn refusal(&self) -> (Code, &'static Reason);
}

impl Rejected for Rejection {
    fn refusal(&self) -> (Code, &'static Reason) {
        match self {
            Self::NotFound => (Code::NotFound, &APPLICATION_NOT_FOUND),
            Self::AlreadyExists => (Code::AlreadyExists, &APPLICATION_EXISTS),
            Self::SelfApproval => (Code::PermissionDenied, &SELF_APPROVAL),
            Self::NotTheApplicant => (Code::PermissionDenied, &NOT_THE_APPLICANT),
            Self::NotUnderReview => (Code::FailedPrecondition, &APPLICATION_NOT_UNDER_REVIEW),
            Self::NotReturned => (Code::FailedPrecondition, &APPLICATION_NOT_RETURNED),
            Self::NotApproved => (Code::FailedPrecondition, &APPLICATION_NOT_APPROVED),
            Self::AlreadyApproved => (Code::FailedPrecondition, &APPLICATION_ALREADY_APPROVED),
            Self::AlreadyWithdrawn => (Code::FailedPrecondition, &APPLICATION_ALREADY_WITHDRAWN),
            Self::AlreadyCancelled => (Code::FailedPrecondition, &APPLICATION_ALREADY_CANCELLED),
            Self::AlreadyMade => (Code::FailedPrecondition, &APPLICATION_ALREADY_MADE),
            Self::NothingToMake => (Code::FailedPrecondition, &APPLICATION_CARRIED_OUT_AT_ONCE),
            Self::OrganizationFixed => (Code::InvalidArgument, &ORGANIZATION_FIXED),
            Self::KindFixed => (Code::InvalidArgument, &KIND_FIXED),
            Self::SealUnknown => (Code::NotFound, &EXISTING_SEAL_NOT_FOUND),
            Self::SealOfOtherOrganization => (Code::PermissionDenied, &EXISTING_SEAL_OF_OTHER_ORGANIZATION),
            Self::SealEnded => (Code::FailedPrecondition, &EXISTING_SEAL_ENDED),
            Self::SealTypeFixed => (Code::InvalidArgument, &SEAL_TYPE_FIXED),
            Self::BeginsLater => (Code::InvalidArgument, &SUCCESSOR_BEGINS_LATER),
            Self::AnotherOpen => (Code::FailedPrecondition, &APPLICATION_OPEN_FOR_SEAL),
            Self::ValidityPassed => (Code::InvalidArgument, &VALIDITY_PASSED),
            Self::OtherSeal => (Code::FailedPrecondition, &OTHER_SEAL),
        }
    }
}

impl Rejected for Never {
    fn refusal(&self) -> (Code, &'static Reason) {
        match *self {}
    }
}

/// A command was not recorded.
pub fn command<R: Rejected>(error: CommandError<R>, language: Language) -> Status {
    command_refused(error, |rejection| {
        let (code, reason) = rejection.refusal();
        refused(code, reason, language, &[])
    })
}

/// A form was refused before any rule was asked.
pub fn form(refusal: &Refusal, language: Language) -> Status {
    match refusal {
        Refusal::NotStored(digest) => {
            refused(Code::FailedPrecondition, &MATERIAL_NOT_FOUND, language, &[("digest", digest.to_string())])
        }
        Refusal::NotAboutCustodian => field_violation("form.impression.material_digest", refusal),
        Refusal::Picture(error) => picture("form.impression", error, language),
        Refusal::Query(error) => internal(error),
        Refusal::Database(error) => internal(error),
    }
}

/// A picture was not drawn or not accepted.
pub fn picture(field: &str, error: &ImpressionError, language: Language) -> Status {
    match error {
        ImpressionError::Text { .. }
        | ImpressionError::Size { .. }
        | ImpressionError::NotRound
        | ImpressionError::MissingCharacter(_)
        | ImpressionError::JoinedScript(_)
        | ImpressionError::NotPng
        | ImpressionError::TooManyBytes { .. }
        | ImpressionError::Pixels { .. }
        | ImpressionError::DamagedPng(_)
        | ImpressionError::Empty
        | ImpressionError::Svg(_) => field_violation(field, error),
        ImpressionError::NoFont | ImpressionError::FontFile { .. } | ImpressionError::NotAFont => {
            tracing::error!(%error, "no picture can be drawn");
            refused(Code::FailedPrecondition, &FONT_UNUSABLE, language, &[])
        }
        ImpressionError::Encoding(_) => internal(error),
    }
}

/// Nobody filed it.
pub fn not_found(language: Language) -> Status {
    refused(Code::NotFound, &APPLICATION_NOT_FOUND, language, &[])
}

/// No such file, or none that the caller may read.
pub fn not_stored(language: Language) -> Status {
    refused(Code::NotFound, &MATERIAL_NOT_FOUND, language, &[])
}
