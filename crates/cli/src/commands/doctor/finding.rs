//! Findings: what was looked at, what was found, what to do.

use owo_colors::{OwoColorize as _, Stream};
use serde_json::{Value, json};

use crate::lang::Lang;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Good,
    /// Could not be looked at, or is worth knowing.
    Note,
    /// Works, and will not for long, or may not.
    Warning,
    /// Does not work.
    Fault,
}

impl Level {
    /// As scripts see it. Never changes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Fault => "fault",
        }
    }
}

/// What each code means, and what to do about it: code, level, zh, en, advice zh, advice en. For scripts the codes are a
/// contract.
const CODES: &[(&str, Level, &str, &str, &str, &str)] = &[
    ("SETTINGS_GOOD", Level::Good, "设置可用", "The settings can be used", "", ""),
    (
        "SETTINGS_UNUSABLE",
        Level::Fault,
        "设置不可用",
        "The settings can't be used",
        "改正 --server、--ca、--cert、--key 或对应的环境变量",
        "mend --server, --ca, --cert, --key, or the variables of the environment for them",
    ),
    ("NAME_RESOLVED", Level::Good, "服务器名称可解析", "The server's name has addresses", "", ""),
    (
        "NAME_NOT_RESOLVED",
        Level::Fault,
        "服务器名称无法解析",
        "The server's name has no address",
        "检查名称与DNS设置",
        "check the name and the settings of DNS",
    ),
    ("CONNECTED", Level::Good, "可建立连接", "The server takes connections", "", ""),
    (
        "NOT_CONNECTED",
        Level::Fault,
        "无法建立连接",
        "The server takes no connections",
        "检查地址、端口与防火墙,或启动服务器",
        "check address, port and firewall, or start the server",
    ),
    ("SERVER_ANSWERS", Level::Good, "服务器应答正常", "The server answers", "", ""),
    (
        "SERVER_NOT_READY",
        Level::Warning,
        "服务器尚未就绪",
        "The server says that it is not ready",
        "稍后再试;持续如此则查看服务器日志",
        "try again later; if it stays so, look into the server's log",
    ),
    (
        "SERVER_SILENT",
        Level::Fault,
        "服务器没有应答",
        "The server does not answer",
        "若为 https://,检查 --ca 是否为其证书的颁发者",
        "with https://, see that --ca is who issued its certificate",
    ),
    ("CLOCK_GOOD", Level::Good, "本机时钟与服务器一致", "This machine's clock agrees with the server's", "", ""),
    (
        "CLOCK_APART",
        Level::Warning,
        "本机时钟与服务器相差较大",
        "This machine's clock and the server's are apart",
        "用NTP校准时钟",
        "set the clock by NTP",
    ),
    (
        "CLOCK_WRONG",
        Level::Fault,
        "本机时钟与服务器相差过大,签章质询会失效",
        "This machine's clock is too far from the server's: challenges run out before they are answered",
        "用NTP校准时钟",
        "set the clock by NTP",
    ),
    ("CLOCK_UNTOLD", Level::Note, "服务器未告知时间", "The server does not tell its time", "", ""),
    ("SIGNED_IN", Level::Good, "已登录", "Signed in", "", ""),
    (
        "SIGNED_IN_NOT_LONG",
        Level::Warning,
        "登录即将到期",
        "The sign-in ends soon",
        "运行 eseal login 用户名",
        "run: eseal login NAME",
    ),
    (
        "NOT_SIGNED_IN",
        Level::Warning,
        "未登录",
        "Nobody is signed in",
        "运行 eseal login 用户名",
        "run: eseal login NAME",
    ),
    (
        "SIGN_IN_REFUSED",
        Level::Fault,
        "服务器不接受当前登录",
        "The server does not accept the sign-in",
        "运行 eseal login 用户名",
        "run: eseal login NAME",
    ),
    ("TRUST_GOOD", Level::Good, "信任的根证书可用", "The trusted roots can be used", "", ""),
    (
        "TRUST_UNSEEN",
        Level::Note,
        "无法查看服务器信任的根证书(需管理员或审计员,或 --trust)",
        "The server's roots can't be seen (for admins and auditors, or give --trust)",
        "",
        "",
    ),
    (
        "TRUST_EMPTY",
        Level::Fault,
        "没有信任的根证书",
        "No root is trusted",
        "管理员运行 eseal trust add",
        "an admin runs: eseal trust add",
    ),
    (
        "TRUST_ENDED",
        Level::Fault,
        "信任的根证书已过期",
        "A trusted root has expired",
        "向CA索取新的根证书",
        "ask the CA for its new root",
    ),
    (
        "TRUST_ENDS_SOON",
        Level::Warning,
        "信任的根证书即将到期",
        "A trusted root expires soon",
        "向CA索取新的根证书",
        "ask the CA for its new root",
    ),
    ("DRIVER_LOADED", Level::Good, "驱动可用", "The driver can be used", "", ""),
    (
        "DRIVER_UNUSABLE",
        Level::Fault,
        "驱动不可用",
        "The driver can't be used",
        "检查驱动文件的路径、版本与位数;见 docs/guides/cards.md",
        "check the library's path, version and architecture; see docs/guides/cards.md",
    ),
    (
        "DRIVER_SEES_NOTHING",
        Level::Fault,
        "驱动未发现任何设备",
        "The driver sees no device",
        "插入设备",
        "insert the device",
    ),
    ("CARD_FOUND", Level::Good, "卡已就绪", "The card is there", "", ""),
    (
        "CARD_NOT_FOUND",
        Level::Fault,
        "卡不可用",
        "The card can't be used",
        "插入卡,或改正 --card",
        "insert it, or mend --card",
    ),
    (
        "CARD_NOT_INITIALIZED",
        Level::Fault,
        "卡未初始化",
        "The token is not initialized",
        "运行 eseal card init",
        "run: eseal card init",
    ),
    ("PIN_TRIES_FULL", Level::Good, "密码次数未减少", "All tries of the PIN are left", "", ""),
    (
        "PIN_TRIES_FEW",
        Level::Warning,
        "密码剩余次数减少",
        "Tries of the PIN were used up",
        "确认密码后再输入",
        "make sure of the PIN before it is typed again",
    ),
    (
        "PIN_TRIES_GONE",
        Level::Fault,
        "卡已锁定",
        "The card is locked",
        "运行 eseal card unblock,或换发印章",
        "run eseal card unblock, or have the seal replaced",
    ),
    ("PIN_TRIES_UNTOLD", Level::Note, "卡不告知密码剩余次数", "The card does not tell the tries of its PIN", "", ""),
    ("CERTIFICATE_GOOD", Level::Good, "证书有效", "The certificate is good", "", ""),
    (
        "CERTIFICATE_MISSING",
        Level::Fault,
        "卡上没有证书",
        "The card has no certificate",
        "运行 eseal card csr 与 eseal card import",
        "run eseal card csr, have it certified, and eseal card import",
    ),
    (
        "CERTIFICATE_EARLY",
        Level::Fault,
        "证书尚未生效",
        "The certificate is not valid yet",
        "检查本机时钟,或等待生效",
        "check this machine's clock, or wait",
    ),
    (
        "CERTIFICATE_ENDED",
        Level::Fault,
        "证书已过期",
        "The certificate has expired",
        "换发证书后提交续期申请:eseal submit --kind renew",
        "have it renewed, then the seal: eseal submit --kind renew",
    ),
    (
        "CERTIFICATE_ENDS_SOON",
        Level::Warning,
        "证书即将到期",
        "The certificate expires soon",
        "换发证书后提交续期申请:eseal submit --kind renew",
        "have it renewed, then the seal: eseal submit --kind renew",
    ),
    (
        "CERTIFICATE_NOT_TRUSTED",
        Level::Warning,
        "证书不能直接追溯到信任的根证书(可能缺少中间证书)",
        "The certificate does not lead to a trusted root by itself (an intermediate one may be missing here)",
        "由受信任的CA签发,或由管理员添加其根证书",
        "have a trusted CA issue it, or an admin add its root",
    ),
    (
        "SEAL_ABSENT",
        Level::Note,
        "卡上没有印章",
        "No seal is on the card",
        "制章:eseal make",
        "have it made: eseal make",
    ),
    (
        "SEAL_UNSEEN",
        Level::Note,
        "给出 --pin-file 可比对卡上印章与注册信息",
        "Give --pin-file to compare the seal on the card with the registry",
        "",
        "",
    ),
    (
        "SEAL_UNREADABLE",
        Level::Fault,
        "卡上印章无法读取",
        "The seal on the card can't be read",
        "重新制章:eseal make",
        "have it made again: eseal make",
    ),
    ("SEAL_REGISTERED", Level::Good, "卡上印章与注册一致", "The seal on the card is the registered one", "", ""),
    ("SEAL_NOT_COMPARED", Level::Note, "无法与注册信息比对", "The registry could not be asked", "", ""),
    (
        "SEAL_UNKNOWN",
        Level::Fault,
        "卡上印章未注册",
        "The seal on the card is not registered",
        "制章中断时重新运行 eseal make;旧印章已被更换",
        "if making was broken off, run eseal make again",
    ),
    (
        "SEAL_DIFFERS",
        Level::Fault,
        "卡上印章与注册信息不符",
        "The registry has another seal of this id, or on another card",
        "重新制章:eseal make",
        "have it made again: eseal make",
    ),
    (
        "SEAL_NOT_USABLE",
        Level::Fault,
        "该印章当前不能使用",
        "The seal can't be used now",
        "见 eseal show seal",
        "see: eseal show seal",
    ),
    (
        "PIN_NOT_TRIED",
        Level::Note,
        "密码次数已减少,自检不再试密码",
        "Tries were used up, so that no PIN was tried",
        "",
        "",
    ),
    (
        "PIN_WRONG",
        Level::Fault,
        "密码错误",
        "The PIN is wrong",
        "确认密码后再输入",
        "make sure of the PIN before it is typed again",
    ),
];

/// Something that was found.
#[derive(Debug)]
struct Finding {
    code: &'static str,
    level: Level,
    about: String,
    text: &'static str,
    advice: &'static str,
}

/// Everything that was found, in the order in which it was looked at.
#[derive(Debug)]
pub struct Findings {
    lang: Lang,
    found: Vec<Finding>,
}

impl Findings {
    /// Nothing yet.
    pub const fn new(lang: Lang) -> Self {
        Self { lang, found: Vec::new() }
    }

    /// The language of words.
    pub const fn lang(&self) -> Lang {
        self.lang
    }

    /// Something was found, with what is special about it.
    pub fn add(&mut self, code: &'static str, about: impl Into<String>) {
        let known = CODES.iter().find(|(known, ..)| *known == code);
        let (level, text, advice) =
            known.map_or((Level::Note, code, ""), |(_, level, zh, en, advice_zh, advice_en)| {
                (*level, self.lang.pick(zh, en), self.lang.pick(advice_zh, advice_en))
            });
        self.found.push(Finding { code, level, about: about.into(), text, advice });
    }

    /// The worst of them.
    pub fn worst(&self) -> Level {
        self.found.iter().map(|finding| finding.level).max().unwrap_or(Level::Good)
    }

    /// For scripts. A contract: names and codes are never changed.
    pub fn to_json(&self) -> Value {
        let value = |finding: &Finding| {
            json!({
                "code": finding.code, "level": finding.level.name(), "about": finding.about,
                "text": finding.text, "advice": finding.advice,
            })
        };
        self.found.iter().map(value).collect()
    }

    /// For people.
    pub fn to_words(&self) -> String {
        let line = |finding: &Finding| {
            let mark = match finding.level {
                Level::Good => "✓".if_supports_color(Stream::Stdout, |mark| mark.green()).to_string(),
                Level::Note => "ⓘ".to_owned(),
                Level::Warning => "⚠".if_supports_color(Stream::Stdout, |mark| mark.yellow()).to_string(),
                Level::Fault => "✗".if_supports_color(Stream::Stdout, |mark| mark.red()).to_string(),
            };
            // What a card, a server or a certificate says of itself may be anything.
            let about = eseal_history::words::plain(&finding.about);
            let about = if about.is_empty() { about } else { format!(": {about}") };
            let code = format!("[{}]", finding.code);
            let code = code.if_supports_color(Stream::Stdout, |code| code.dimmed()).to_string();
            let advice =
                if finding.advice.is_empty() { String::new() } else { format!("\n    → {}", finding.advice) };
            format!("{mark} {}{about} {code}{advice}", finding.text)
        };
        self.found.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_code_stands_once_and_whatever_is_bad_says_what_to_do_in_both_languages() {
        for (number, (code, level, zh, en, advice_zh, advice_en)) in CODES.iter().enumerate() {
            assert!(CODES[..number].iter().all(|(earlier, ..)| earlier != code), "{code}");
            assert!(!zh.is_empty() && !en.is_empty(), "{code}");
            let advised = !advice_zh.is_empty() && !advice_en.is_empty();
            assert!(advised || *level < Level::Warning, "{code} says what is wrong and not what to do");
        }
    }

    #[test]
    fn what_is_looked_for_is_explained_and_what_is_explained_is_looked_for() {
        let source = [include_str!("cards.rs"), include_str!("connection.rs")].concat();
        let is_code = |word: &&str| word.len() > 3 && word.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        let mut named: BTreeSet<&str> = source.split('"').filter(is_code).collect();
        for of_others in ["ESEAL_TOKEN", "ROLE_MISSING", "SEAL_NOT_FOUND", "SEAL_STATE_"] {
            assert!(named.remove(of_others), "{of_others}");
        }
        assert_eq!(named, CODES.iter().map(|(code, ..)| *code).collect());
    }

    #[test]
    fn the_worst_finding_is_told() {
        let mut findings = Findings::new(Lang::En);
        assert_eq!(findings.worst(), Level::Good);
        findings.add("SETTINGS_GOOD", "");
        findings.add("CLOCK_APART", "40 s");
        assert_eq!(findings.worst(), Level::Warning);
        findings.add("CARD_NOT_FOUND", "");
        findings.add("CARD_FOUND", "");
        assert_eq!(findings.worst(), Level::Fault);
        assert!(findings.to_words().contains("40 s"));
    }

    #[test]
    fn what_others_say_of_themselves_moves_no_terminal() {
        let mut findings = Findings::new(Lang::En);
        findings.add("CARD_FOUND", "\u{1b}[2Jcard");
        assert!(!findings.to_words().contains('\u{1b}'), "{}", findings.to_words());
    }
}
