//! Who may use a seal and how, in words.

use eseal_proto::authentication::v1::SealPolicy;

use super::Language;

/// 用印规则.
pub(super) fn policy(policy: Option<&SealPolicy>, language: Language) -> String {
    let policy = policy.copied().unwrap_or_default();
    if !policy.approval_required {
        return language.pick("用印规则:无需审批", "Policy set: no approval is needed").to_owned();
    }
    let (uses, deadline) = (policy.max_uses, hours(policy.longest_deadline_s, language));
    match language {
        Language::ZhCn => format!("用印规则:每次用印须先审批,一次审批最多 {uses} 次,期限最长 {deadline}"),
        Language::En => format!(
            "Policy set: each use needs an approval, which is for {uses} of a document at most and for {deadline} at the longest"
        ),
    }
}

/// A time in whole days where it is some, else in hours.
fn hours(seconds: u32, language: Language) -> String {
    match (seconds.div_ceil(3_600), language) {
        (hours, Language::ZhCn) if hours % 24 == 0 => format!("{} 天", hours / 24),
        (hours, Language::ZhCn) => format!("{hours} 小时"),
        (hours, Language::En) if hours % 24 == 0 => format!("{} days", hours / 24),
        (hours, Language::En) => format!("{hours} hours"),
    }
}
