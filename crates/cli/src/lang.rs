//! The language in which people are spoken to.

use std::fmt;
use std::str::FromStr;

/// 中文 or English.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    /// 简体中文.
    #[default]
    ZhCn,
    /// English.
    En,
}

/// Not a language that this program speaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected zh-CN or en")]
pub struct UnknownLang;

impl Lang {
    /// The text of this language.
    pub const fn pick<'a>(self, zh: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::ZhCn => zh,
            Self::En => en,
        }
    }

    /// As in `accept-language`.
    pub const fn tag(self) -> &'static str {
        self.pick("zh-CN", "en")
    }

    /// The language of the terminal: of `LC_ALL`, `LC_MESSAGES` or `LANG`, the first that is set. English unless it is
    /// a Chinese one.
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let locale =
            ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(|name| variable(name).filter(|v| !v.is_empty()));
        if locale.is_some_and(|locale| locale.starts_with("zh")) { Self::ZhCn } else { Self::En }
    }
}

impl FromStr for Lang {
    type Err = UnknownLang;

    fn from_str(text: &str) -> Result<Self, UnknownLang> {
        match text.to_ascii_lowercase().as_str() {
            "zh" | "zh-cn" | "zh_cn" => Ok(Self::ZhCn),
            "en" | "en-us" | "en_us" => Ok(Self::En),
            _ => Err(UnknownLang),
        }
    }
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}

impl From<Lang> for eseal_documents::Language {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::ZhCn => Self::ZhCn,
            Lang::En => Self::En,
        }
    }
}

impl From<Lang> for eseal_history::Language {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::ZhCn => Self::ZhCn,
            Lang::En => Self::En,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_terminal_decides_and_english_is_the_rest() {
        let of = |value: &'static str| Lang::of_environment(|name| (name == "LANG").then(|| value.to_owned()));
        assert_eq!(of("zh_CN.UTF-8"), Lang::ZhCn);
        assert_eq!(of("C.UTF-8"), Lang::En);
        assert_eq!(Lang::of_environment(|_| None), Lang::En);
    }
}
