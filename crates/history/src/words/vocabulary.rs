//! Words for codes.

use eseal_proto::application::v1::{ApplicationKind, ApplicationState};
use eseal_proto::seal::v1::{Custody, SealState, SealType};

use super::Language;

/// Why a gate refused, why a seal was suspended or revoked, why an application was returned, why a maker card was
/// withdrawn. A code that is not here stands for itself.
pub const REASONS: &[(&str, &str, &str)] = &[
    ("MAKER_CARD_ABSENT", "未插制章授权卡", "no maker card"),
    ("MAKER_CARD_REJECTED", "制章授权卡无效", "the maker card is not valid"),
    ("MAKER_CARD_COPIED", "制章授权卡疑被复制", "another copy of the maker card was used"),
    ("NO_LONGER_NEEDED", "不再需要", "nobody needs the seal"),
    ("CAN_NOT_BE_MADE", "无法制章", "it can't be made"),
    ("FILED_IN_ERROR", "误报", "filed in error"),
    ("CERTIFICATE_INVALID", "数字证书不合法或无数字证书", "no valid certificate"),
    ("CARD_IN_USE", "USBkey正在被某个电子印章使用", "the card is in use by another seal"),
    ("FABRICATION_FAILED", "制章失败", "the making failed"),
    ("SEAL_NOT_REGISTERED", "该电子印章未在本系统注册", "the seal is not registered here"),
    ("SEAL_CARD_ABSENT", "未插电子印章卡", "no seal card"),
    ("PIN_INCORRECT", "密码错误", "wrong PIN"),
    ("PIN_LOCKED", "密码错误次数过多,已锁定", "too many wrong PINs: locked"),
    ("SEAL_NOT_ACTIVE", "印章尚未启用或尚未生效", "not in use yet, or its validity has not begun"),
    ("SEAL_SUSPENDED", "印章已停用", "the seal is suspended"),
    ("SEAL_REVOKED", "印章已注销", "the seal was revoked"),
    ("SEAL_REPLACED", "印章已被更换", "the seal was replaced"),
    ("SEAL_EXPIRED", "印章已过有效期", "the seal's validity has ended"),
    ("CERTIFICATE_EXPIRED", "数字证书不在有效期内", "the certificate is outside its validity"),
    ("CERTIFICATE_REVOKED", "数字证书已被吊销", "the certificate was revoked"),
    ("CERTIFICATE_STATUS_UNKNOWN", "无法确认数字证书是否已被吊销", "nobody said whether the certificate was revoked"),
    ("CERTIFICATE_UNTRUSTED", "数字证书不受信任或与印章不符", "the certificate is not trusted, or not of this seal"),
    ("NOT_AUTHORIZED", "无权使用该印章", "no right to use the seal"),
    ("RIGHT_WITHDRAWN", "使用权限已被收回", "the right was withdrawn"),
    ("RIGHT_NOT_BEGUN", "使用权限尚未生效", "the right had not begun"),
    ("RIGHT_OVER", "使用权限已到期", "the right had ended"),
    ("RIGHT_SPENT", "可用次数已用完", "no uses were left"),
    ("DOCUMENT_NOT_COVERED", "使用权限不包括该文档", "the right is not for this document"),
    ("USE_NOT_REQUESTED", "未申请用印", "no use was requested"),
    ("USE_NOT_APPROVED", "用印申请未批准", "the requested use was not approved"),
    ("USE_DECLINED", "用印申请被退回", "the requested use was declined"),
    ("USE_WITHDRAWN", "用印申请已撤回", "the requested use was taken back"),
    ("USE_EXPIRED", "用印申请已过期限", "the deadline of the use was over"),
    ("USE_SPENT", "获准次数已用完", "all approved uses were made"),
    ("CHALLENGE_INVALID", "认证应答无效", "the answer to the challenge is not valid"),
    ("CARD_COPIED", "电子印章卡疑被复制", "the card was copied"),
    ("SIGNING_FAILED", "签章失败", "sealing failed"),
    ("CARD_LOST", "卡遗失", "the card was lost"),
    ("KEY_COMPROMISED", "密钥可能泄露", "the key may be known to others"),
    ("ORGANIZATION_ORDER", "单位要求", "its owner wants it"),
    ("ORGANIZATION_DISSOLVED", "单位注销", "the organization was dissolved"),
    ("ORGANIZATION_RENAMED", "单位更名", "the organization was renamed"),
    ("NO_LONGER_USED", "不再使用", "no longer used"),
    ("CUSTODIAN_LEFT", "保管人离职", "the custodian left"),
    ("CUSTODIAN_REASSIGNED", "保管人转岗", "the custodian has other work"),
    ("SEAL_MISUSED", "违规用印", "the seal was used against the rules"),
    ("DOCUMENT_UNFIT", "文档不宜用印", "the document is not fit to be sealed"),
    ("PURPOSE_UNFIT", "用途不符", "the seal is not for that"),
    ("NOT_NEEDED", "不再需要", "not needed any more"),
    ("MATERIAL_INCOMPLETE", "材料不全", "something is missing"),
    ("IMPRESSION_UNSUITABLE", "印模不合要求", "the impression can't be used"),
    ("ORGANIZATION_UNVERIFIED", "单位身份未核实", "the organization could not be verified"),
    ("OTHER", "其他", "another reason"),
];

/// What uses are requested for.
const PURPOSES: &[(&str, &str, &str)] = &[
    ("CONTRACT", "合同", "a contract"),
    ("OFFICIAL_DOCUMENT", "公文", "an official document"),
    ("FINANCE", "财务", "finance"),
    ("PERSONNEL", "人事", "personnel"),
    ("TENDER", "投标", "a tender"),
    ("CERTIFICATE", "证明", "a certificate"),
    ("OTHER", "其他", "another purpose"),
];

/// Roles as events name them.
const ROLES: &[(&str, &str, &str)] = &[
    ("applicant", "经办人", "applicant"),
    ("reviewer", "审批人", "reviewer"),
    ("maker", "制章人", "maker"),
    ("custodian", "保管人", "custodian"),
    ("auditor", "审计", "auditor"),
    ("admin", "管理员", "admin"),
    ("integrator", "集成系统", "integrator"),
    ("service", "系统", "service"),
    ("anonymous", "匿名", "anonymous"),
];

/// Services as events name them.
const OWNERS: &[(&str, &str, &str)] = &[
    ("application", "印章申请", "application"),
    ("fabrication", "印章制作", "fabrication"),
    ("authentication", "签章认证", "authentication"),
    ("verification", "文档验证", "verification"),
];

fn word<'a>(words: &[(&str, &'a str, &'a str)], code: &'a str, language: Language) -> &'a str {
    words.iter().find(|(known, ..)| *known == code).map_or(code, |(_, zh, en)| language.pick(zh, en))
}

/// A reason in words.
pub fn reason(code: &str, language: Language) -> &str {
    word(REASONS, code, language)
}

/// What a use is for, in words.
pub fn purpose(code: &str, language: Language) -> &str {
    word(PURPOSES, code, language)
}

/// A role in words.
pub fn role(code: &str, language: Language) -> &str {
    word(ROLES, code, language)
}

/// A service in words.
pub fn owner(code: &str, language: Language) -> &str {
    word(OWNERS, code, language)
}

/// 印章类型.
pub fn seal_type(seal_type: SealType, language: Language) -> &'static str {
    match seal_type {
        SealType::Unspecified => "?",
        SealType::Official => language.pick("公章", "official seal"),
        SealType::Finance => language.pick("财务专用章", "finance seal"),
        SealType::Contract => language.pick("合同专用章", "contract seal"),
        SealType::Invoice => language.pick("发票专用章", "invoice seal"),
        SealType::LegalRepresentative => language.pick("法定代表人名章", "legal representative's seal"),
        SealType::Department => language.pick("部门章", "department seal"),
        SealType::Personal => language.pick("个人名章", "personal seal"),
    }
}

/// What an application asks for.
pub fn application_kind(kind: ApplicationKind, language: Language) -> &'static str {
    match kind {
        ApplicationKind::Unspecified => "?",
        ApplicationKind::New => language.pick("新办", "new"),
        ApplicationKind::Renew => language.pick("续期", "renewal"),
        ApplicationKind::Replace => language.pick("换发", "replacement"),
        ApplicationKind::ChangeImpression => language.pick("变更印模", "change of impression"),
        ApplicationKind::Revoke => language.pick("注销", "revocation"),
    }
}

/// Where an application stands.
pub fn application_state(state: ApplicationState, language: Language) -> &'static str {
    match state {
        ApplicationState::Unspecified => "?",
        ApplicationState::UnderReview => language.pick("审批中", "under review"),
        ApplicationState::Returned => language.pick("已退回", "returned"),
        ApplicationState::Approved => language.pick("已批准", "approved"),
        ApplicationState::Withdrawn => language.pick("已撤回", "withdrawn"),
        ApplicationState::Cancelled => language.pick("已取消", "cancelled"),
    }
}

/// Where the holder's keys are.
pub fn custody(custody: Custody, language: Language) -> &'static str {
    match custody {
        Custody::Unspecified => "?",
        Custody::SealCard => language.pick("电子印章卡", "seal card"),
        Custody::HostedKey => language.pick("托管密钥", "hosted key"),
    }
}

/// What became of the seal that an application is about.
pub fn carried_out(result: &str, language: Language) -> &str {
    match result {
        "REPLACED" => language.pick("已被新印章接替", "was replaced by its successor"),
        "REVOKED" => language.pick("已注销", "was revoked"),
        "ENDED_BEFORE" => language.pick("此前已终止", "had ended before"),
        other => other,
    }
}

/// 印章状态.
pub fn seal_state(state: SealState, language: Language) -> &'static str {
    match state {
        SealState::Unspecified => language.pick("未注册", "not registered"),
        SealState::Registered => language.pick("已注册", "registered"),
        SealState::Active => language.pick("启用", "active"),
        SealState::Suspended => language.pick("停用", "suspended"),
        SealState::Revoked => language.pick("已注销", "revoked"),
        SealState::Replaced => language.pick("已更换", "replaced"),
    }
}
