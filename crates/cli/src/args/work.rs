//! Making and verifying.

#![allow(missing_docs, reason = "the help text of each item is its documentation")]

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use eseal_card::CardAddress;

#[derive(Debug, Args)]
#[command(after_help = "\
逐个处理待制章申请 · The queue of approved applications, one after the other:
  eseal make --maker-card maker.card                     按提示插入各电子印章卡 · asks for each seal card
  eseal make --maker-card maker.card --card a.card --card b.card --pin-file pin --maker-pin-file pin
                                                         脚本:各卡按证书所属单位对应 · for scripts: each order gets
                                                         the card whose certificate is its organization's
  eseal make --show                                      只看待制章申请 · shows what waits
退出码 · Exit code: 0 全部制成 all made, 1 有未通过的 something was refused, 4 有待插卡的 some wait for a card
中断后重新运行即可继续 · Interrupted, it goes on when it is run again: docs/guides/making-seals.md")]
pub struct Make {
    /// 申请编号;不写则逐个处理待制章申请 · The application [default: all that wait, one after the other]
    pub application: Option<String>,
    /// 只显示待制章申请 · Show what waits, and make nothing
    #[arg(long, conflicts_with = "application")]
    pub show: bool,
    /// 制章授权卡 · The maker card: FILE, pkcs11:… or skf:LIBRARY[#DEVICE]
    #[arg(long, value_name = "CARD")]
    pub maker_card: Option<CardAddress>,
    /// 制章授权卡密码文件 · Read the maker card's PIN from a file instead of asking
    #[arg(long, value_name = "FILE")]
    pub maker_pin_file: Option<PathBuf>,
    /// 电子印章卡,可重复 · The seal card: FILE, pkcs11:… or skf:LIBRARY[#DEVICE]; may be repeated for the queue, where pkcs11:… may
    /// fit several tokens
    #[arg(long = "card", value_name = "CARD")]
    pub cards: Vec<CardAddress>,
    /// 电子印章卡密码文件 · Read the seal card's PIN from a file instead of asking; one for all cards, or one for each
    #[arg(long = "pin-file", value_name = "FILE")]
    pub pin_files: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum MakerCard {
    /// 发放 · Issue a maker card to a maker
    Issue {
        /// 卡 · The card, with its certificate on it: FILE, pkcs11:… or skf:LIBRARY[#DEVICE]
        #[arg(value_name = "FILE")]
        card: CardAddress,
        /// 制章人 · Internal id of the maker
        #[arg(long, value_name = "ID")]
        maker: String,
    },
    /// 恢复 · Let a maker card that was suspended for a copy make seals again; its count begins anew
    Resume {
        /// 卡序列号 · Serial of the card
        serial: String,
    },
    /// 收回 · Withdraw a maker card for ever
    Withdraw {
        /// 卡序列号 · Serial of the card
        serial: String,
        /// 原因 · Why
        #[arg(long, value_enum, default_value_t = WithdrawalCode::Other)]
        reason: WithdrawalCode,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum WithdrawalCode {
    /// 丢失 · Lost
    Lost,
    /// 制章人离任 · The maker left
    MakerLeft,
    /// 密钥泄露 · The key is compromised
    Compromised,
    /// 其他 · Another reason
    Other,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("here").multiple(true)))]
pub struct Verify {
    /// 文档 · The document
    pub file: PathBuf,
    /// 离线验证 · Without the server
    #[arg(long, group = "here")]
    pub offline: bool,
    /// 信任的根证书 · CA certificates of holders to trust
    #[arg(long, value_name = "PEM")]
    pub trust: Option<PathBuf>,
    /// 信任的制章人根证书 · CA certificates of makers to trust
    #[arg(long, value_name = "PEM")]
    pub maker_trust: Option<PathBuf>,
    /// 信任的时间戳根证书 · Roots of time stamping authorities to trust, PEM; without them no time stamp proves when
    #[arg(long, value_name = "PEM", requires = "here")]
    pub tsa_trust: Option<PathBuf>,
    /// CRL 文件,可重复 · A revocation list to look at; may be repeated
    #[arg(long, value_name = "FILE", requires = "here")]
    pub crl: Vec<PathBuf>,
    /// 联网查询吊销 · Verify here, and ask about revocation at the addresses that the certificates name; only where the chain
    /// leads to a given root, only public addresses, for a minute at most
    #[arg(long, group = "here")]
    pub ask_revocation: bool,
    /// 加密 PDF 的密码文件,- 为标准输入 · Read the password of an encrypted PDF from a file, or from standard input: -
    #[arg(long, value_name = "FILE|-", requires = "here")]
    pub password_file: Option<PathBuf>,
    /// 上限,可重复,如 max_pages=200000 · Another limit for this document, such as max_pages=200000; may be repeated
    #[arg(long, value_name = "NAME=NUMBER", requires = "here")]
    pub limit: Vec<String>,
    /// 验证报告,可重复,每个需一个 -o · A report on it; may be repeated, each with its own -o
    #[arg(long, value_name = "FORM")]
    pub report: Vec<ReportForm>,
    /// 报告文件 · Where the report goes
    #[arg(long, short, value_name = "FILE")]
    pub output: Vec<PathBuf>,
    /// 报告所用的中文字体文件 · A font file with Chinese, for PDF reports and page pictures; else an installed font
    #[arg(long, value_name = "FILE")]
    pub font: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
示例 · Example:
  eseal --as admin trust export --purpose holder --output roots.pem
  eseal --as admin trust export --purpose maker --output makers.pem
  eseal verify-batch archive/ --trust roots.pem --maker-trust makers.pem
  eseal verify-batch archive/ --trust roots.pem --json > verdicts.jsonl

每个文档一行;一个文档读不出不影响其他文档。全部有效返回 0,有文档未通过返回 1,有文档读不出返回 2。
One line for each document; one that can't be read stops no other. The exit code is 0 if all are valid, 1 if one is not, 2 if one
could not be read. For the whole report on one document: eseal verify.")]
pub struct VerifyBatch {
    /// 待验证文档或目录 · Documents, and folders that are searched for .ofd and .pdf
    #[arg(required = true, value_name = "FILE|DIR")]
    pub inputs: Vec<PathBuf>,
    /// 信任的根证书 · CA certificates of holders to trust
    #[arg(long, value_name = "PEM")]
    pub trust: Option<PathBuf>,
    /// 信任的制章人根证书 · CA certificates of makers to trust
    #[arg(long, value_name = "PEM")]
    pub maker_trust: Option<PathBuf>,
    /// 信任的时间戳根证书 · Roots of time stamping authorities to trust, PEM; without them no time stamp proves when
    #[arg(long, value_name = "PEM")]
    pub tsa_trust: Option<PathBuf>,
    /// CRL 文件,可重复 · A revocation list to look at; may be repeated
    #[arg(long, value_name = "FILE")]
    pub crl: Vec<PathBuf>,
    /// 加密 PDF 的密码文件,- 为标准输入 · Read the password of encrypted PDFs from a file, or from standard input: -
    #[arg(long, value_name = "FILE|-")]
    pub password_file: Option<PathBuf>,
    /// 上限,可重复,如 max_pages=200000 · Another limit for each document, such as max_pages=200000; may be repeated
    #[arg(long, value_name = "NAME=NUMBER")]
    pub limit: Vec<String>,
    /// 同时验证的文档数 · How many documents at a time [default: one per core]
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
}

/// 报告格式 · Forms of a report
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportForm {
    /// 网页 · For people: one HTML file
    Html,
    /// PDF 文件 · For people: PDF
    Pdf,
    /// JSON 数据 · For programs: JSON, as --json prints it
    Json,
    /// ETSI TS 119 102-2 · For other validation software: XML of ETSI TS 119 102-2
    Xml,
}
