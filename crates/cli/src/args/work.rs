//! Making, sealing, verifying.

#![allow(missing_docs, reason = "the help text of each item is its documentation")]

use std::num::NonZeroUsize;
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

/// Where the impressions go.
#[derive(Debug, Args)]
pub struct Position {
    /// 页码 · Page of --at, from 1
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub page: u32,
    /// 位置 (毫米),可重复 · Upper left corner of the seal from that of the page, in mm; may be repeated [default: 120,200]
    #[arg(long, value_name = "[PAGE:]X,Y", allow_hyphen_values = true)]
    pub at: Vec<String>,
    /// 关键字 · At a text: the middle of the seal on the middle of the text
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["page", "at", "every_page", "seam"])]
    pub keyword: Option<String>,
    /// 第几处关键字 · At which of the texts: all, first, last, or its number from 1
    #[arg(long, value_name = "WHICH", requires = "keyword", default_value = "all")]
    pub which: String,
    /// 偏移 (毫米) · From the middle of the text to the middle of the seal, right and down, in mm
    #[arg(long, value_name = "X,Y", requires = "keyword", allow_hyphen_values = true)]
    pub offset: Option<String>,
    /// 每页同一位置 · At that point of every page
    #[arg(long, conflicts_with_all = ["page", "seam"])]
    pub every_page: bool,
    /// 骑缝章 · Across all pages: strips at this edge of each
    #[arg(long, value_enum, value_name = "EDGE", conflicts_with_all = ["page", "at"])]
    pub seam: Option<PageEdge>,
    /// 骑缝章每枚跨几页 · How many pages share one seam seal [default: all]
    #[arg(long, value_name = "N", requires = "seam", value_parser = clap::value_parser!(u32).range(2..))]
    pub splits: Option<u32>,
    /// 对开骑缝 · Even pages have their strip at the opposite edge
    #[arg(long, requires = "seam")]
    pub opposed: bool,
}

/// What is not usual about a seal.
#[derive(Debug, Args)]
pub struct Special {
    /// 锁定:此后不能再签章或修改 · The last seal: nothing may be added or changed after it
    #[arg(long, conflicts_with = "certify")]
    pub lock: bool,
    /// 认证 PDF,此后允许的修改 · Certify a PDF: what may happen to it afterwards
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub certify: Option<Certified>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Certified {
    /// 不允许 · Nothing
    #[value(name = "1")]
    Nothing,
    /// 填写表单与签名 · Filling in forms, and signing
    #[value(name = "2")]
    Filling,
    /// 另加批注 · Comments too
    #[value(name = "3")]
    Comments,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum PageEdge {
    /// 左 · Left
    Left,
    /// 右 · Right
    Right,
    /// 上 · Top
    Top,
    /// 下 · Bottom
    Bottom,
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
    #[command(flatten)]
    pub position: Position,
    #[command(flatten)]
    pub special: Special,
    /// 由服务器用托管密钥签章 · Have the service seal the document with the hosted key: the document is sent there
    #[arg(long, conflicts_with_all = ["card", "lock", "certify"])]
    pub at_service: bool,
    /// 输出文件 · Where the sealed document goes [default: NAME.sealed.EXT]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// 签章原因 · Reason, written into PDF signatures
    #[arg(long)]
    pub reason: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
示例 · Example:
  eseal seal-batch contracts/ --seal SEAL --card seal.card --at 120,200 --output-dir sealed/
  eseal seal-batch contracts/ --seal SEAL --card seal.card --at 120,200 --output-dir sealed/ --resume

密码只输一次。每个文档的结果写入 sealed/results.jsonl;中断后加 --resume 继续,已签章的不再签章。
The PIN is asked for once. What became of each document is in sealed/results.jsonl; after a break --resume goes on with the
rest. One document that fails does not stop the others; the exit code is then 1.")]
pub struct SealBatch {
    /// 待签章文档或目录 · Documents, and folders that are searched for .ofd and .pdf
    #[arg(required = true, value_name = "FILE|DIR")]
    pub inputs: Vec<PathBuf>,
    /// 印章编号 · The seal
    #[arg(long)]
    pub seal: String,
    /// 电子印章卡文件 · The seal card; without it the seal's hosted key is used
    #[arg(long, value_name = "FILE")]
    pub card: Option<PathBuf>,
    /// 密码文件 · Read the PIN from a file instead of asking
    #[arg(long, value_name = "FILE")]
    pub pin_file: Option<PathBuf>,
    #[command(flatten)]
    pub position: Position,
    #[command(flatten)]
    pub special: Special,
    /// 输出目录 · Where sealed documents go, under the names that they have
    #[arg(long, short = 'o', value_name = "DIR")]
    pub output_dir: PathBuf,
    /// 结果文件 · What became of each document, one JSON line each [default: DIR/results.jsonl]
    #[arg(long, value_name = "FILE")]
    pub results: Option<PathBuf>,
    /// 同时处理的文档数 · How many documents at a time [default: one per core]
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// 继续上次 · Go on with a run that was broken off: what is sealed is left as it is
    #[arg(long)]
    pub resume: bool,
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
