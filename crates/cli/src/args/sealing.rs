//! Sealing: one document, or many in one act.

#![allow(missing_docs, reason = "the help text of each item is its documentation")]

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use eseal_card::CardAddress;
use uuid::Uuid;

#[derive(Debug, Args)]
#[command(after_help = "\
示例 · Examples:
  eseal seal a.ofd --seal SEAL --card CARD --keyword 盖章处     按关键字 · at a text
  eseal seal a.ofd --seal SEAL --card CARD --list-files         附文件清单 · with a list of its files
  eseal seal a.pdf --seal SEAL --card CARD --field Buyer        填入已有签名域 · into a field of its author
  eseal seal a.pdf --seal SEAL --card CARD --form gm            国内格式 · in the Chinese form
  eseal seal a.pdf --seal SEAL --card CARD --level b-t --tsa URL
                                                                带时间戳 · with a time stamp
  eseal seal a.pdf --seal SEAL --at-service                     由服务器签章 · by the service
  eseal seal a.pdf --seal SEAL --card CARD --request-id ID      可重复 · can be repeated

中断后用同一 --request-id 原样重复:已完成的部分不再计数,也不再消耗审批;被拒绝的仍被拒绝,再试请用新编号。
An act that was broken off (killed, or its answer lost) is repeated as it was with the same --request-id: what was done is not counted
again, and no second approval is spent. What was refused stays refused: another try has another id. An attempt lasts ten minutes.

签章中断时,输出文件旁留有 .eseal-编号.json 和 .eseal-编号.sealed,完成后自动删除;再签同一文档时会给出编号。
An act that was broken off leaves .eseal-ID.json and .eseal-ID.sealed beside the output, which go when it is finished; whoever seals the
same document again is told the ID. Without a sealed document they are swept after an hour.

以 - 代替文件时从标准输入按行读取,依次为:文档密码、PIN、验证码。
Where a file is -, a line of standard input is read: the password of the document first, then the PIN, then the code.

选项不适用于该格式的文档时拒绝签章 [OPTION_UNFIT]。
What the format of the document does not have is refused [OPTION_UNFIT] before anything is recorded.")]
pub struct Seal {
    /// 待签章文档 · The document, OFD or PDF
    pub file: PathBuf,
    /// 输出文件 · Where the sealed document goes [default: NAME.sealed.EXT]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// 由服务器用托管密钥签章 · Have the service seal the document with the hosted key: the document is sent there, and
    /// time stamps come from the authority of its settings
    #[arg(long, conflicts_with_all = ["card", "tsa", "tsa_trust", "chain", "crl", "ask_revocation"])]
    pub at_service: bool,
    /// 请求编号 (UUID),重复时用同一编号 · Name the act by a UUID of yours, so that it can be repeated after a break: uuidgen makes one
    #[arg(long, value_name = "UUID")]
    pub request_id: Option<Uuid>,
    #[command(flatten)]
    pub manner: Manner, // behind all others, which would come under its headings
}

#[derive(Debug, Args)]
#[command(after_help = "\
示例 · Example:
  eseal seal-batch contracts/ --seal SEAL --card seal.card --at 120,200 --output-dir sealed/
  eseal seal-batch contracts/ --seal SEAL --card seal.card --at 120,200 --output-dir sealed/ --resume

密码只输一次。每个文档的结果写入 sealed/results.jsonl。一个文档失败不影响其他文档,退出码为 1;
改正后加 --resume 只签其余的。中断(断电、断网、被终止)后同样加 --resume 继续:已签章的不再签章、不再计数,也不再消耗审批;
须在 10 分钟加每文档 0.1 秒之内,其后未完成的重新计数。
Where a file is -, a line of standard input is read: the password of the documents first, then the PIN, then a code for each act.
The PIN is asked for once. What became of each document is in sealed/results.jsonl. One document that fails does not stop the
others; the exit code is then 1, and --resume tries those again that are not sealed. After a break (killed, no power, no server)
the same command with --resume goes on: nothing is sealed, counted or approved twice. The time for that is ten minutes and a
tenth of a second for each document; what is not sealed by then is counted again.

  jq -r 'select(.result == \"failed\") | [.file, .code, .message] | @tsv' sealed/results.jsonl     失败的文档 · what failed")]
pub struct SealBatch {
    /// 待签章文档或目录 · Documents, and folders that are searched for .ofd and .pdf
    #[arg(required = true, value_name = "FILE|DIR")]
    pub inputs: Vec<PathBuf>,
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
    #[command(flatten)]
    pub manner: Manner,
}

/// What to seal with, where, and how: the same for one document and for many.
#[derive(Debug, Args)]
pub struct Manner {
    /// 印章编号 · The seal
    #[arg(long)]
    pub seal: String,
    /// 电子印章卡 · The seal card: FILE, pkcs11:… or skf:LIBRARY[#DEVICE]; without it the seal's hosted key is used
    #[arg(long, value_name = "CARD")]
    pub card: Option<CardAddress>,
    /// 密码文件,- 为标准输入 · Read the PIN from a file, or from standard input: -, instead of asking
    #[arg(long, value_name = "FILE|-")]
    pub pin_file: Option<PathBuf>,
    /// 验证码文件,- 为标准输入 · Read the code that the seal's policy asks for beside a hosted key's PIN from a file, or from standard
    /// input: -; without it, it is asked for
    #[arg(long, value_name = "FILE|-", conflicts_with = "card")]
    pub code_file: Option<PathBuf>,
    #[command(flatten)]
    pub position: Position,
    #[command(flatten)]
    pub special: Special,
    #[command(flatten)]
    pub lasting: Lasting,
}

/// Where the impressions go.
#[derive(Debug, Args)]
#[command(next_help_heading = "位置 · Place")]
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
    /// PDF 已有签名域 · Into this empty signature field of a PDF, at its place
    #[arg(long, value_name = "NAME", conflicts_with_all = ["page", "at", "keyword", "every_page", "seam"])]
    pub field: Option<String>,
}

/// What is not usual about a seal.
#[derive(Debug, Args)]
#[command(next_help_heading = "签章方式 · Kind of seal")]
pub struct Special {
    /// 签章原因 · Reason, written into PDF signatures
    #[arg(long)]
    pub reason: Option<String>,
    /// 锁定:此后不能再签章或修改 · The last seal: nothing may be added or changed after it
    #[arg(long, conflicts_with = "certify")]
    pub lock: bool,
    /// 认证 PDF,此后允许的修改 · Certify a PDF: what may happen to it afterwards
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub certify: Option<Certified>,
    /// PDF 签名格式 · Form of the signature in a PDF
    #[arg(long, value_enum, value_name = "FORM", default_value_t = PdfForm::Pades)]
    pub form: PdfForm,
    /// OFD 防夹带清单,此后不能再签章 · Sign a list of all files of an OFD (OFDEntries.xml, GM/T 0099): what is put in later
    /// shows, and no further seal is possible
    #[arg(long)]
    pub list_files: bool,
    /// 允许 2025 版印章 · Also use a seal of GM/T 0031-2025; software of GB/T 38540-2020 can't read what it seals
    #[arg(long)]
    pub v5: bool,
    /// 加密 PDF 的密码文件,- 为标准输入 · Read the password of an encrypted PDF from a file, or from standard input: -
    #[arg(long, value_name = "FILE|-")]
    pub password_file: Option<PathBuf>,
}

/// What makes a seal last.
#[derive(Debug, Args)]
#[command(next_help_heading = "时间戳与长期有效 · Time stamps and long-term validity")]
pub struct Lasting {
    /// 签名级别 · b-t: a time stamp over the signature, needs --tsa; b-lt and b-lta, of PDFs only (PAdES): also --tsa-trust,
    /// --chain and revocation data
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = PadesLevel::Bb)]
    pub level: PadesLevel,
    /// 时间戳服务地址,可重复 · A time stamping authority (RFC 3161) for --level, and for --list-files; the next one is asked
    /// where one gives no stamp
    #[arg(long, value_name = "URL")]
    pub tsa: Vec<String>,
    /// 时间戳服务的根证书 · Roots that the authority must lead to, PEM
    #[arg(long, value_name = "PEM", requires = "tsa")]
    pub tsa_trust: Option<PathBuf>,
    /// 签章证书之上的CA证书 · CA certificates above the signer's up to the root, PEM; go into the signature
    #[arg(long, value_name = "PEM")]
    pub chain: Option<PathBuf>,
    /// CRL 文件,可重复 · A revocation list for b-lt and b-lta; may be repeated
    #[arg(long, value_name = "FILE", requires = "tsa")]
    pub crl: Vec<PathBuf>,
    /// 联网查询证书状态 · Ask about revocation at the addresses that the certificates name, for b-lt and b-lta
    #[arg(long, requires = "tsa")]
    pub ask_revocation: bool,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PdfForm {
    /// 国际格式 · International: PAdES, with the P-256 key
    Pades,
    /// 国内格式 · Chinese: GM.sm2seal, with the SM2 key
    Gm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PadesLevel {
    /// 签名 · The signature
    #[value(name = "b-b")]
    Bb,
    /// 加时间戳 · With a time stamp over it
    #[value(name = "b-t")]
    Bt,
    /// 另加验证数据 · With certificates and revocation data too: nobody needs to be asked later
    #[value(name = "b-lt")]
    Blt,
    /// 另加文档时间戳 · With a time stamp over all of it too
    #[value(name = "b-lta")]
    Blta,
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
