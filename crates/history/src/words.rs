//! Events in words. The words follow from the event alone: people are internal ids, texts are digests.

mod application;
mod authentication;
mod fabrication;
pub mod rights;
pub mod vocabulary;

use eseal_proto::Timestamp;
use eseal_proto::event::v1::Event;
use eseal_proto::moment;

use crate::fact::Fact;

/// The language in which people are spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// 简体中文.
    ZhCn,
    /// English.
    En,
}

impl Language {
    /// The text of this language.
    pub const fn pick<'a>(self, zh: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::ZhCn => zh,
            Self::En => en,
        }
    }
}

/// What happened.
pub fn what(event: &Event, fact: &Fact, language: Language) -> String {
    let words = match fact {
        Fact::Application(kind) => application::what(kind, language),
        Fact::Fabrication(kind) => fabrication::what(kind, language),
        Fact::Authentication(kind) => authentication::what(kind, language),
        Fact::Verification(_) => language.pick("文档验证未通过", "A document did not verify").to_owned(),
        Fact::Unknown => {
            let known_later = language.pick("本版本不认识的事件", "An event that this release does not know");
            format!("{known_later}: {} v{}", event.r#type, event.schema_version)
        }
        Fact::Unreadable(why) => {
            let unreadable = language.pick("内容无法识别的事件", "An event whose content can't be read");
            format!("{unreadable}: {} ({why})", event.r#type)
        }
    };
    plain(&words)
}

/// The text without control characters: what somebody put into an event must not steer a terminal.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// The gate that refused and the code of the reason, where there are such.
pub fn reason(fact: &Fact) -> (Option<&str>, Option<&str>) {
    let (gate, reason) = match fact {
        Fact::Application(kind) => application::reason(kind),
        Fact::Fabrication(kind) => fabrication::reason(kind),
        Fact::Authentication(kind) => authentication::reason(kind),
        Fact::Verification(_) | Fact::Unknown | Fact::Unreadable(_) => ("", ""),
    };
    (Some(gate).filter(|gate| !gate.is_empty()), Some(reason).filter(|reason| !reason.is_empty()))
}

/// A moment as people read it, in UTC to the second.
pub fn time(at: Option<&Timestamp>) -> String {
    let micros = at.and_then(moment::micros);
    micros.map(|micros| short_time(&eseal_kernel::Timestamp::from_micros(micros).to_string())).unwrap_or_default()
}

/// The same of RFC 3339 text.
pub fn short_time(text: &str) -> String {
    text.get(..19).unwrap_or(text).replace('T', " ")
}

/// The beginning of a digest: enough to find it again.
fn brief(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

#[cfg(test)]
mod tests;
