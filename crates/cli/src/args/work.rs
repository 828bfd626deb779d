//! Making, sealing, verifying.

#![allow(missing_docs, reason = "the help text of each item is its documentation")]

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Args)]
pub struct Make {
    /// 申请编号 · The application
    pub application: String,
    /// 制章授权卡文件 · The maker card
    #[arg(long, value_name = "FILE")]
    pub maker_card: Option<PathBuf>,
    /// 制章授权卡密码文件 · Read the maker card's PIN from a file instead of asking
    #[arg(long, value_name = "FILE")]
    pub maker_pin_file: Option<PathBuf>,
    /// 电子印章卡文件 · The seal card
    #[arg(long, value_name = "FILE")]
    pub card: Option<PathBuf>,
    /// 电子印章卡密码文件 · Read the seal card's PIN from a file instead of asking
    #[arg(long, value_name = "FILE")]
    pub pin_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum MakerCard {
    /// 发放 · Issue a maker card to a maker
    Issue {
        /// 卡文件 · The card, with its certificate on it
        #[arg(value_name = "FILE")]
        card: PathBuf,
        /// 制章人 · Internal id of the maker
        #[arg(long, value_name = "ID")]
        maker: String,
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
pub struct Seal {
    /// 待签章文档 · The document, OFD or PDF
    pub file: PathBuf,
    /// 印章编号 · The seal
    #[arg(long)]
    pub seal: String,
    /// 电子印章卡文件 · The seal card; without it the seal's hosted key is used
    #[arg(long, value_name = "FILE")]
    pub card: Option<PathBuf>,
    /// 密码文件 · Read the PIN from a file instead of asking
    #[arg(long, value_name = "FILE")]
    pub pin_file: Option<PathBuf>,
    /// 页码 · Page, from 1
    #[arg(long, default_value_t = 1)]
    pub page: u32,
    /// 位置 (毫米) · Upper left corner of the seal from that of the page, in mm
    #[arg(long, value_name = "X,Y", default_value = "120,200", allow_hyphen_values = true)]
    pub at: String,
    /// 输出文件 · Where the sealed document goes [default: NAME.sealed.EXT]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// 签章原因 · Reason, written into PDF signatures
    #[arg(long)]
    pub reason: Option<String>,
}

#[derive(Debug, Args)]
pub struct Verify {
    /// 文档 · The document
    pub file: PathBuf,
    /// 离线验证 · Without the server
    #[arg(long)]
    pub offline: bool,
    /// 信任的根证书 · CA certificates of holders to trust
    #[arg(long, value_name = "PEM")]
    pub trust: Option<PathBuf>,
    /// 信任的制章人根证书 · CA certificates of makers to trust
    #[arg(long, value_name = "PEM")]
    pub maker_trust: Option<PathBuf>,
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
