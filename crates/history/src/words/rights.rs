//! Who may use a seal and how, in words.

use eseal_proto::authentication::v1::{
    CustodianTerms, DocumentFormat, SealPolicy, SecondFactor, UseApproved, UseDeclined, UseRequested,
};

use super::{Language, brief, time};

/// 用印规则.
pub fn policy(policy: Option<&SealPolicy>, language: Language) -> String {
    let policy = policy.copied().unwrap_or_default();
    approvals(&policy, language) + code(policy.second_factor(), language)
}

fn code(factor: SecondFactor, language: Language) -> &'static str {
    match factor {
        SecondFactor::Unspecified => "",
        SecondFactor::Totp => {
            language.pick(";托管密钥须输入动态口令", "; a hosted key needs a code of an authenticator")
        }
        SecondFactor::Sent => language.pick(";托管密钥须输入发送的验证码", "; a hosted key needs a code that is sent"),
        SecondFactor::Any => language.pick(";托管密钥须输入验证码", "; a hosted key needs a code"),
    }
}

fn approvals(policy: &SealPolicy, language: Language) -> String {
    if !policy.approval_required {
        return language.pick("用印规则:无需审批", "Policy: no approval is needed").to_owned();
    }
    let (uses, deadline) = (policy.max_uses, duration(policy.longest_deadline_s, language));
    match language {
        Language::ZhCn => format!("用印规则:每次用印须先审批,一次审批每份文档最多 {uses} 次,期限最长 {deadline}"),
        Language::En => {
            format!(
                "Policy: each use needs an approval, for a document {uses} times at most and {deadline} at the longest"
            )
        }
    }
}

/// A time in whole days where it is some, else in hours.
fn duration(seconds: u32, language: Language) -> String {
    match (seconds.div_ceil(3_600), language) {
        (hours, Language::ZhCn) if hours % 24 == 0 => format!("{} 天", hours / 24),
        (hours, Language::ZhCn) => format!("{hours} 小时"),
        (hours, Language::En) if hours % 24 == 0 => format!("{} days", hours / 24),
        (hours, Language::En) => format!("{hours} hours"),
    }
}

/// What a custodian may do.
pub fn terms(terms: Option<&CustodianTerms>, language: Language) -> String {
    let say = |zh, en| language.pick(zh, en);
    let terms = terms.cloned().unwrap_or_default();
    let mut parts = Vec::new();
    if terms.valid_from.is_some() {
        parts.push(format!("{} {}", say("自", "from"), time(terms.valid_from.as_ref())));
    }
    if terms.valid_to.is_some() {
        parts.push(format!("{} {}", say("至", "until"), time(terms.valid_to.as_ref())));
    }
    let formats: Vec<_> = terms.formats().map(format).collect();
    if !formats.is_empty() {
        parts.push(format!("{} {}", say("仅限", "only"), formats.join(", ")));
    }
    if !terms.documents.is_empty() {
        let documents: Vec<_> = terms.documents.iter().map(|document| document_brief(document)).collect();
        parts.push(format!("{} {}", say("仅限文档", "only documents"), documents.join(", ")));
    }
    if terms.max_uses != 0 {
        parts.push(match language {
            Language::ZhCn => format!("最多 {} 份", terms.max_uses),
            Language::En => format!("documents at most: {}", terms.max_uses),
        });
    }
    if parts.is_empty() {
        return say("不限", "without limits").to_owned();
    }
    parts.join(say(",", ", "))
}

const fn format(format: DocumentFormat) -> &'static str {
    match format {
        DocumentFormat::Unspecified => "?",
        DocumentFormat::Ofd => "OFD",
        DocumentFormat::Pdf => "PDF",
    }
}

/// The beginning of a document's digest, with how it was computed.
pub fn document_brief(document: &str) -> String {
    match document.split_once(':') {
        Some((kind, value)) => format!("{kind}:{}", brief(value)),
        None => brief(document).to_owned(),
    }
}

pub(super) fn requested(fact: &UseRequested, language: Language) -> String {
    let documents: Vec<_> = fact.documents.iter().map(|document| document_brief(document)).collect();
    let (documents, uses, deadline) = (documents.join(", "), fact.uses, time(fact.deadline.as_ref()));
    let (requester, purpose) = (&fact.requester_id, super::vocabulary::purpose(&fact.purpose_code, language));
    match language {
        Language::ZhCn => {
            format!(
                "用印申请 {}:{requester} 为文档 {documents} 申请用印,各 {uses} 次,用途 {purpose},期限 {deadline}",
                fact.use_id
            )
        }
        Language::En => format!(
            "Use {} requested by {requester}: documents {documents}, times each {uses}, for {purpose}, until {deadline}",
            fact.use_id
        ),
    }
}

pub(super) fn approved(fact: &UseApproved, language: Language) -> String {
    let (use_id, by) = (&fact.use_id, &fact.approver_id);
    match language {
        Language::ZhCn => format!("用印申请 {use_id} 由 {by} 批准"),
        Language::En => format!("Use {use_id} approved by {by}"),
    }
}

pub(super) fn declined(fact: &UseDeclined, language: Language) -> String {
    let (use_id, by) = (&fact.use_id, &fact.approver_id);
    match language {
        Language::ZhCn => format!("用印申请 {use_id} 由 {by} 退回"),
        Language::En => format!("Use {use_id} declined by {by}"),
    }
}
