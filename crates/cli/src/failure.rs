//! What can go wrong, what to do about it, and the exit code that scripts see.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use eseal_card::{CardError, DriverError};
use eseal_documents::DocumentError;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::lang::Lang;

/// Something failed. Shown to people with advice, to scripts with a code.
#[derive(Debug)]
pub struct Failure {
    /// UPPER_SNAKE, stable.
    pub code: String,
    /// What happened, in the user's language.
    pub text: String,
    /// What to do next, if there is something.
    pub advice: Option<String>,
    /// Further facts, such as the gate that refused.
    pub facts: Vec<(String, String)>,
    /// What the exit code says.
    pub kind: Kind,
}

/// What the exit code says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 1: understood, and refused.
    Refused,
    /// 2: wrong usage, or a file that can't be read.
    Usage,
    /// 3: the server can't be reached, or failed.
    Unreachable,
}

/// The codes that this program itself gives, with what they mean: for `docs/error-codes.md`.
pub const CODES: &[(&str, &str, &str)] = &[
    (
        "SERVER_UNREACHABLE",
        "无法连接认证服务器,请检查系统设置",
        "The server can't be reached: check the address and that it runs",
    ),
    ("SEAL_CARD_ABSENT", "请插入电子印章卡", "There is no seal card: connect it, or name its file"),
    ("MAKER_CARD_ABSENT", "未插制章授权卡,制章失败", "There is no maker card: connect it, or name its file"),
    ("PIN_INCORRECT", "密码错误,签章失败", "The PIN is wrong"),
    ("PIN_LOCKED", "密码错误,签章失败", "The card is locked after wrong PINs"),
    ("NOT_SIGNED_IN", "请先登录", "Sign in first"),
    ("FILE_UNREADABLE", "文件无法读取", "A file can't be read"),
    ("FILE_UNWRITABLE", "文件无法写入", "A file can't be written"),
    ("FILE_EXISTS", "文件已存在", "A file is there already"),
    ("FILE_CHANGED", "文件在签章期间被改动", "The file was changed while it was being sealed"),
    ("SIGNING_FAILED", "签章失败", "Sealing failed"),
    (
        "DOCUMENT_NOT_LISTED",
        "该文档不在本次批量签章的授权清单内",
        "The document is not in the list that was authorized for this act",
    ),
    ("DOCUMENT_ALREADY_SEALED", "该文档在本次批量签章中已签章", "The document was sealed in this act before"),
    ("TIME_STAMP_UNAVAILABLE", "未取得时间戳", "No time stamp was given"),
    (
        "PROOFS_INCOMPLETE",
        "缺少长期有效所需的证书或吊销信息",
        "Certificates or revocation data that long-term validation needs are missing",
    ),
    ("FONT_UNUSABLE", "没有可用的中文字体", "There is no font that a PDF could be made with"),
    ("USAGE", "用法不正确", "The command line is not understood"),
    ("CARD_UNUSABLE", "卡无法使用", "The card can't be used"),
    ("CARD_ABSENT", "未找到该卡,请插入后再试", "No such card is connected"),
    ("CARD_LOGGED_OUT", "卡已退出登录,需要重新输入密码", "The card logged out by itself; its PIN is needed again"),
    ("CARD_REMOVED", "卡在使用中被拔出", "The card was removed while it was used"),
    ("CARDS_AMBIGUOUS", "有多张卡符合条件,请指明", "Several cards or keys fit: say which"),
    ("CARD_NOT_OFFERED", "该卡不支持此操作或算法", "The card does not offer this operation or algorithm"),
    (
        "CARD_DRIVER_EDITION",
        "卡的驱动程序遵循的标准版本与本程序不同",
        "The card's driver follows another edition of its standard",
    ),
    ("CARD_DRIVER_FAILED", "卡的驱动程序异常", "The card's driver failed"),
    ("ADMIN_PIN_INCORRECT", "管理员密码错误", "The administrator's PIN is wrong"),
    ("ADMIN_PIN_LOCKED", "管理员密码已锁定", "The administrator's PIN is locked"),
    ("ADMIN_EXISTS", "该卡已有管理员,请提供其密码", "The card has an administrator: their PIN is needed"),
    ("CERTIFICATE_UNUSABLE", "证书无法使用", "A certificate or key can't be used"),
    (
        "NOT_SIGNED_BLINDLY",
        "拒绝签署与请求不符的数据",
        "What is to be signed is not what was asked for: it was not signed",
    ),
    ("NOT_IN_HISTORY", "事件中没有该印章或申请", "No event tells of this seal or application"),
    (
        "HISTORY_CHANGED",
        "两次读取的事件不一致,历史在读取期间被改动",
        "The events were not the same when they were read again: the history was changed meanwhile",
    ),
    ("ANSWER_UNREADABLE", "服务器返回的数据无法识别", "The answer of the server can't be understood"),
];

impl Failure {
    /// A failure with a code of [`CODES`].
    pub fn new(kind: Kind, code: &'static str, lang: Lang) -> Self {
        let text = CODES.iter().find(|(known, ..)| *known == code).map_or(code, |(_, zh, en)| lang.pick(zh, en));
        Self { code: code.to_owned(), text: text.to_owned(), advice: None, facts: Vec::new(), kind }
    }

    /// With what is special about it.
    #[must_use]
    pub fn because(mut self, why: impl fmt::Display) -> Self {
        self.text = format!("{}: {why}", self.text);
        self
    }

    /// With what to do next.
    #[must_use]
    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// Wrong usage.
    pub fn usage(lang: Lang, why: impl fmt::Display) -> Self {
        Self::new(Kind::Usage, "USAGE", lang).because(why)
    }

    /// A file that can't be read.
    pub fn unreadable(lang: Lang, path: &Path, error: &io::Error) -> Self {
        Self::new(Kind::Usage, "FILE_UNREADABLE", lang).because(format_args!("{}: {error}", path.display()))
    }

    /// A file that can't be written.
    pub fn unwritable(lang: Lang, path: &Path, error: &io::Error) -> Self {
        Self::new(Kind::Usage, "FILE_UNWRITABLE", lang).because(format_args!("{}: {error}", path.display()))
    }

    /// A document that can't be sealed or read.
    pub fn document(lang: Lang, error: &DocumentError) -> Self {
        let reason = error.reason();
        let text = reason.text(lang.into());
        // The English text of the error has the particulars.
        let text = if lang == Lang::En { error.to_string() } else { format!("{text} ({error})") };
        let text = std::error::Error::source(error).map_or(text.clone(), |cause| format!("{text}: {cause}"));
        Self { code: reason.code().to_owned(), text, advice: None, facts: Vec::new(), kind: Kind::Usage }
    }

    /// A card that can't be used, or that did not take a PIN.
    pub fn card(lang: Lang, error: &CardError) -> Self {
        let code = match error {
            CardError::PinIncorrect { .. } => "PIN_INCORRECT",
            CardError::PinLocked => "PIN_LOCKED",
            CardError::AdminPinIncorrect { .. } => "ADMIN_PIN_INCORRECT",
            CardError::AdminPinLocked => "ADMIN_PIN_LOCKED",
            CardError::AdminExists => "ADMIN_EXISTS",
            CardError::Absent(_) => "CARD_ABSENT",
            CardError::Removed => "CARD_REMOVED",
            CardError::LoggedOut => "CARD_LOGGED_OUT",
            CardError::Several(_) => "CARDS_AMBIGUOUS",
            CardError::NotOffered(_) => "CARD_NOT_OFFERED",
            CardError::Driver(DriverError::Edition(_)) => "CARD_DRIVER_EDITION",
            CardError::Driver(_) => "CARD_DRIVER_FAILED",
            _ => "CARD_UNUSABLE",
        };
        let mut failure = Self::new(Kind::Usage, code, lang);
        match error {
            CardError::PinIncorrect { tries_left } | CardError::AdminPinIncorrect { tries_left } => {
                failure.facts.push(("tries_left".to_owned(), tries_left.to_string()));
                return failure;
            }
            // The card's own lock: `eseal unlock` opens the service's.
            CardError::PinLocked => {
                return failure.advise(lang.pick(
                    "卡自身已锁定:有管理员的卡可运行 eseal card unblock",
                    "the card itself is locked: with an administrator's PIN, eseal card unblock",
                ));
            }
            CardError::AdminPinLocked | CardError::Removed | CardError::LoggedOut | CardError::AdminExists => {
                return failure;
            }
            _ => {}
        }
        failure.because(error)
    }

    /// What the server answered, or that it did not.
    pub fn status(lang: Lang, server: &str, status: &Status) -> Self {
        let details = status.get_error_details();
        if let Some(info) = details.error_info() {
            let local = details.localized_message().map(|m| m.message.clone()).filter(|text| !text.is_empty());
            let fields = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
            let mut text = local.unwrap_or_else(|| status.message().to_owned());
            for field in fields {
                text = format!("{text}\n  {}: {}", field.field, field.description);
            }
            let mut facts: Vec<_> = info.metadata.clone().into_iter().collect();
            facts.sort();
            let failure = Self { code: info.reason.clone(), text, advice: None, facts, kind: kind_of(status.code()) };
            return failure.advised(lang);
        }
        match status.code() {
            Code::Unavailable | Code::DeadlineExceeded | Code::Unknown | Code::Cancelled => {
                Self::new(Kind::Unreachable, "SERVER_UNREACHABLE", lang).because(server).advise(lang.pick(
                    "用 --server 指定地址,或先启动 eseal-standalone",
                    "name its address with --server, or start eseal-standalone first",
                ))
            }
            code => Self::new(Kind::Unreachable, "ANSWER_UNREADABLE", lang).because(format_args!("{code:?}")),
        }
    }

    fn advised(self, lang: Lang) -> Self {
        let advice = match self.code.as_str() {
            "TOKEN_MISSING" | "TOKEN_INVALID" | "TOKEN_EXPIRED" => {
                lang.pick("运行 eseal login 用户名", "run: eseal login NAME")
            }
            "PIN_LOCKED" => lang.pick("请管理员运行 eseal unlock 印章编号", "ask an admin to run: eseal unlock SEAL"),
            "SEAL_NOT_ACTIVE" => {
                lang.pick("请管理员运行 eseal activate 印章编号", "ask an admin to run: eseal activate SEAL")
            }
            "CARD_COPIED" => lang.pick(
                "换发新卡:eseal submit --kind replace;若卡由备份恢复,请管理员运行 eseal resume 印章编号",
                "have it replaced: eseal submit --kind replace; if the card came from a backup, ask an admin to run: eseal resume SEAL",
            ),
            "SEAL_SUSPENDED" => {
                lang.pick("请管理员运行 eseal resume 印章编号", "ask an admin to run: eseal resume SEAL")
            }
            "NOT_AUTHORIZED" if self.fact("detail").is_some_and(|detail| detail.starts_with("USE_")) => lang.pick(
                "先申请并由他人批准:eseal use request 文档 --seal 印章编号 --purpose 用途;已有申请:eseal use list --document 文档",
                "have it approved first: eseal use request FILE --seal SEAL --purpose TEXT; what was requested: eseal use list --document FILE",
            ),
            "NOT_AUTHORIZED" if self.fact("detail").is_some() => lang.pick(
                "查看权限:eseal custodian list 印章编号;由管理员变更:eseal custodian change",
                "see your right: eseal custodian list SEAL; an admin changes it: eseal custodian change",
            ),
            "MAKER_CARD_COPIED" => lang.pick(
                "收回该卡并发放新卡:eseal maker-card withdraw;若卡由备份恢复,请管理员运行 eseal maker-card resume 序列号",
                "have it withdrawn and another one issued: eseal maker-card withdraw; if the card came from a backup, ask an admin to run: eseal maker-card resume SERIAL",
            ),
            "MAKER_CARD_REJECTED" => lang.pick(
                "用 eseal list maker-cards 查看已发放的制章授权卡",
                "see the cards issued here: eseal list maker-cards",
            ),
            "VERSION_CONFLICT" => lang.pick("重新查看后再试", "look at it again and retry"),
            _ => return self,
        };
        self.advise(advice)
    }

    fn fact(&self, name: &str) -> Option<&str> {
        self.facts.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The exit code of the program.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self.kind {
            Kind::Refused => 1,
            Kind::Usage => 2,
            Kind::Unreachable => 3,
        })
    }
}

fn kind_of(code: Code) -> Kind {
    match code {
        Code::Unavailable | Code::ResourceExhausted | Code::Internal | Code::DeadlineExceeded | Code::Cancelled => {
            Kind::Unreachable
        }
        Code::InvalidArgument => Kind::Usage,
        _ => Kind::Refused,
    }
}

/// A file that must be read whole, of at most `max` bytes. It may be a pipe; it may not be endless.
///
/// # Errors
/// [`Failure`] of kind usage.
pub fn read_file(lang: Lang, path: &Path, max: u64) -> Result<Vec<u8>, Failure> {
    let unreadable = |error: io::Error| Failure::unreadable(lang, path, &error);
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(file, max + 1), &mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > max {
        let why = format!("{}: > {max} bytes", path.display());
        return Err(Failure::new(Kind::Usage, "FILE_UNREADABLE", lang).because(why));
    }
    Ok(bytes)
}

/// Refuses a place that a file must not take: files are put there by renaming, which would replace a device or a pipe.
///
/// # Errors
/// [`Failure`] of kind usage.
pub fn may_be_written(lang: Lang, path: &Path) -> Result<(), Failure> {
    match std::fs::metadata(path) {
        Ok(there) if !there.is_file() => {
            let why = lang.pick("不是普通文件", "not a regular file");
            Err(Failure::new(Kind::Usage, "FILE_UNWRITABLE", lang).because(format_args!("{}: {why}", path.display())))
        }
        _ => Ok(()),
    }
}

/// Writes a file whole or not at all.
///
/// # Errors
/// [`Failure`] of kind usage.
pub fn write_file(lang: Lang, path: &Path, content: &[u8], secret: bool) -> Result<(), Failure> {
    may_be_written(lang, path)?;
    let unwritable = |error: io::Error| Failure::unwritable(lang, path, &error);
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), Path::to_owned);
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(unwritable)?;
    io::Write::write_all(&mut file, content).map_err(unwritable)?;
    if !secret {
        open_to_others(file.as_file()).map_err(unwritable)?;
    }
    file.as_file().sync_all().map_err(unwritable)?;
    file.persist(path).map_err(|error| unwritable(error.error))?;
    Ok(())
}

/// Temporary files are for their owner alone; documents and certificates are not secret.
pub fn open_to_others(file: &std::fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}
