//! What is said to people, in which words.

use std::borrow::Cow;
use std::str::FromStr as _;

use eseal_documents::{Check, Language, Reason};
use eseal_kernel::Timestamp;

use crate::draw::Problem;
use crate::model::{Kind, Moment, Outcome, Registry, Severity, TimeSource, Verdict};

/// The three items of a seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemName {
    /// 签章人.
    Signer,
    /// 原文.
    Content,
    /// 印章.
    Impression,
}

/// The tag of a language, as in `accept-language`.
pub const fn tag(language: Language) -> &'static str {
    pick(language, "zh-CN", "en")
}

/// The text of a language.
pub const fn pick(language: Language, zh: &'static str, en: &'static str) -> &'static str {
    match language {
        Language::ZhCn => zh,
        Language::En => en,
    }
}

/// What a reason's code says; nothing for one that this version does not know.
pub fn reason(code: &str, language: Language) -> Option<&'static str> {
    Reason::from_str(code).ok().map(|reason| reason.text(language))
}

/// What a check's code says; nothing for one that this version does not know.
pub fn check(code: &str, language: Language) -> Option<&'static str> {
    Check::from_str(code).ok().map(|check| check.text(language))
}

/// The verdict as a headline, and what it means for whoever holds the document.
pub const fn verdict(verdict: Verdict, language: Language) -> (&'static str, &'static str) {
    match (verdict, language) {
        (Verdict::Valid, Language::ZhCn) => ("有效", "文档上的印章全部有效,签章后内容未被改动。"),
        (Verdict::Valid, Language::En) => {
            ("Valid", "Every seal on the document is good, and the content is what was sealed.")
        }
        (Verdict::Invalid, Language::ZhCn) => ("无效", "至少一项验证未通过,请勿以此文档为准;原因见下。"),
        (Verdict::Invalid, Language::En) => {
            ("Invalid", "At least one item did not verify: do not rely on this document. The reason is below.")
        }
        (Verdict::Indeterminate, Language::ZhCn) => ("无法确定", "没有未通过的项目,但有些项目无法验证;缺少什么见下。"),
        (Verdict::Indeterminate, Language::En) => {
            ("Indeterminate", "Nothing failed, but something could not be verified. What is missing is below.")
        }
        (Verdict::Unsealed, Language::ZhCn) => ("未签章", "文档上没有印章,也没有数字签名。"),
        (Verdict::Unsealed, Language::En) => ("Unsealed", "There is no seal and no signature on the document."),
    }
}

/// The name of an item, and the question that it answers.
pub const fn item(name: ItemName, language: Language) -> (&'static str, &'static str) {
    match (name, language) {
        (ItemName::Signer, Language::ZhCn) => ("签章人", "签章人是否可信、是否有权签章"),
        (ItemName::Signer, Language::En) => ("Signer", "Is the signer trusted, and allowed to sign?"),
        (ItemName::Content, Language::ZhCn) => ("原文", "内容是否与签章时一致"),
        (ItemName::Content, Language::En) => ("Content", "Is the content what was sealed?"),
        (ItemName::Impression, Language::ZhCn) => ("印章", "印章是否真实、是否属于签章人"),
        (ItemName::Impression, Language::En) => ("Seal", "Is the seal genuine, and the signer's to use?"),
    }
}

/// What came of something: a sign, and a word that says the same.
pub const fn outcome(outcome: Outcome, language: Language) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Passed => ("✓", pick(language, "通过", "passed")),
        Outcome::Failed => ("✗", pick(language, "未通过", "failed")),
        Outcome::Unknown => ("?", pick(language, "无法确定", "unknown")),
        Outcome::NotApplicable => ("–", pick(language, "不适用", "not applicable")),
    }
}

/// How much a note matters.
pub const fn severity(severity: Severity, language: Language) -> &'static str {
    match severity {
        Severity::Info => pick(language, "提示", "note"),
        Severity::Warning => pick(language, "警告", "warning"),
    }
}

/// What kind of mark it is.
pub const fn kind(kind: Kind, language: Language) -> &'static str {
    match kind {
        Kind::Seal => pick(language, "印章", "Seal"),
        Kind::Signature => pick(language, "数字签名", "Signature"),
    }
}

/// Who says when it was sealed.
pub const fn time_source(source: TimeSource, language: Language) -> &'static str {
    match source {
        TimeSource::SelfAsserted => pick(language, "签章人自述,无时间戳", "the signer's own statement"),
        TimeSource::TimeStamp => pick(language, "时间戳证明", "proved by a time stamp"),
    }
}

/// What the registry says of a seal.
pub fn registry(registry: &Registry, language: Language) -> String {
    if !registry.known {
        return pick(language, "本系统未登记该印章", "this system knows no such seal").to_owned();
    }
    let (then, now) = (state(&registry.state_then, language), state(&registry.state_now, language));
    match language {
        Language::ZhCn => format!("签章时:{then};现在:{now}"),
        Language::En => format!("when sealed: {then}; now: {now}"),
    }
}

/// A state of a seal in the registry.
fn state(code: &str, language: Language) -> Cow<'_, str> {
    let known = match code {
        "registered" => pick(language, "已登记,未启用", "registered, not active yet"),
        "active" => pick(language, "正常使用", "active"),
        "suspended" => pick(language, "已停用", "suspended"),
        "revoked" => pick(language, "已注销", "revoked"),
        "replaced" => pick(language, "已被替换", "replaced"),
        "expired" => pick(language, "已过期", "expired"),
        "unspecified" => pick(language, "尚未登记", "not registered yet"),
        other => return plain(other),
    };
    Cow::Borrowed(known)
}

/// Why there is no picture.
pub const fn problem(problem: Problem, language: Language) -> &'static str {
    match problem {
        Problem::DocumentTooLarge => pick(language, "文档太大,未绘制页面", "the document is too large to be drawn"),
        Problem::Unreadable => pick(language, "无法读取,未能绘制", "it can't be read by what draws pages"),
        Problem::FormUnsupported => pick(language, "不支持该图像格式", "the form of the picture is not supported"),
        Problem::PageMissing => pick(language, "文档没有此页", "the document has no such page"),
        Problem::RendererFailed => pick(language, "绘制失败", "what draws pages failed on it"),
        Problem::TookTooLong => pick(language, "绘制超时", "drawing it took too long"),
        Problem::DrawerMissing => pick(language, "绘制程序未能启动", "what draws pages could not be started"),
    }
}

/// A moment for people: Beijing time in Chinese, since China has one zone, and UTC in English; always with the zone.
pub fn moment(moment: Moment, language: Language) -> String {
    let (shift_hours, zone) = match language {
        Language::ZhCn => (8, "北京时间"),
        Language::En => (0, "UTC"),
    };
    let shifted = Timestamp::from_micros(moment.0.micros().saturating_add(shift_hours * 3_600_000_000));
    let text = shifted.to_string();
    match text.get(..19).map(|head| head.replace('T', " ")) {
        Some(text) => format!("{text} {zone}"),
        None => moment.to_string(),
    }
}

/// Text from a document as people may see it: without control characters, which a terminal would obey and XML forbids,
/// and without those that turn the direction of what follows, which would let a name pretend to be another.
pub fn plain(text: &str) -> Cow<'_, str> {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{061c}')
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}')
    };
    if text.contains(hidden) {
        Cow::Owned(text.chars().map(|c| if hidden(c) { char::REPLACEMENT_CHARACTER } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_with_its_zone() {
        let at = Moment(Timestamp::from_micros(1_700_000_000_123_456));
        assert_eq!(moment(at, Language::En), "2023-11-14 22:13:20 UTC");
        assert_eq!(moment(at, Language::ZhCn), "2023-11-15 06:13:20 北京时间");
    }

    #[test]
    fn what_would_command_a_terminal_or_turn_a_line_round_is_not_shown() {
        assert_eq!(plain("甲\u{1b}[2J\u{202e}fdp\n"), "甲\u{fffd}[2J\u{fffd}fdp\u{fffd}");
        assert!(matches!(plain("苏州市民政局"), Cow::Borrowed(_)));
    }
}
