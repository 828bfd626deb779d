//! Who may use a seal, and uses that are requested.

#![allow(missing_docs, reason = "the help text of each item is its documentation")]

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::Pages;

#[derive(Debug, Subcommand)]
#[command(after_help = "\
须审批的印章,先申请、后审批、再签章;签章时自动使用已批准的申请 · Where a seal's policy asks for it:
  eseal use request a.pdf --seal SEAL --purpose 与乙公司的采购合同 --purpose-code contract
                                                    申请 · a custodian or applicant requests
  eseal use list --state requested                  待审批 · what waits for a decision
  eseal use approve USE                             审批,不能审批自己的申请 · somebody else approves
  eseal seal a.pdf --seal SEAL …                    签章 · gate d finds the approval and spends it

申请以文档签章前的摘要为准:文档改动后须重新申请。
A request names the document by its digest before sealing: once it is changed, another one is needed.")]
pub enum Use {
    /// 申请用印 · Request uses of a seal for documents
    Request(RequestUse),
    /// 列表 · List requests, newest first
    List {
        /// 印章编号 · Of one seal
        #[arg(long, value_name = "ID", default_value = "")]
        seal: String,
        /// 状态 · How they stand
        #[arg(long, value_enum)]
        state: Option<UseState>,
        /// 文档 · For this document, as it is before sealing
        #[arg(long, value_name = "FILE")]
        document: Option<PathBuf>,
        #[command(flatten)]
        pages: Pages,
    },
    /// 查看 · Show a request
    Show(OnUse),
    /// 批准 · Approve a request of somebody else
    Approve(OnUse),
    /// 退回 · Decline a request of somebody else, or what is left of an approval
    Decline {
        /// 申请编号 · The request
        id: String,
        /// 原因 · Why
        #[arg(long, value_enum, default_value_t = DeclineCode::Other)]
        code: DeclineCode,
        /// 说明 · Why, in words; kept where it can be erased
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// 撤回 · Take one's own request back
    Withdraw(OnUse),
}

#[derive(Debug, Args)]
pub struct RequestUse {
    /// 待签章文档 · The documents as they are before sealing, at most 100
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// 印章编号 · The seal
    #[arg(long)]
    pub seal: String,
    /// 用途 · What for, in words; kept where it can be erased
    #[arg(long, value_name = "TEXT")]
    pub purpose: String,
    /// 用途类别 · What for, as a code
    #[arg(long, value_enum, default_value_t = PurposeCode::Other)]
    pub purpose_code: PurposeCode,
    /// 每份文档的次数 · How often each document may be sealed, as far as the policy goes
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub uses: u32,
    /// 期限 · Until when: RFC 3339, or a date, which includes the day [default: as long as the policy allows]
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// 以 SM3 摘要标识文档 · Name the documents by SM3 instead of SHA-256
    #[arg(long)]
    pub sm3: bool,
}

#[derive(Debug, Args)]
pub struct OnUse {
    /// 申请编号 · The request
    pub id: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum UseState {
    /// 待审批 · Nobody has decided
    Requested,
    /// 已批准 · May be made
    Approved,
    /// 已退回 · Declined
    Declined,
    /// 已撤回 · Taken back
    Withdrawn,
    /// 已过期限 · Its deadline is over
    Expired,
    /// 已用完 · All of it was made
    Spent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PurposeCode {
    /// 合同 · A contract
    Contract,
    /// 公文 · An official document
    OfficialDocument,
    /// 财务 · Finance
    Finance,
    /// 人事 · Personnel
    Personnel,
    /// 投标 · A tender
    Tender,
    /// 证明 · A certificate
    Certificate,
    /// 其他 · Anything else
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DeclineCode {
    /// 文档不宜用印 · The document is not fit to be sealed
    DocumentUnfit,
    /// 用途不符 · This seal is not for that
    PurposeUnfit,
    /// 不再需要 · Not needed any more
    NotNeeded,
    /// 其他 · Another reason
    Other,
}

#[derive(Debug, Subcommand)]
#[command(after_help = "\
申请中的保管人为首任保管人,不受限制,直至管理员变更 · The custodian of the application has the right without limits until changed:
  eseal custodian grant SEAL PERSON --until 2026-12-31 --format pdf --max-uses 10
  eseal custodian withdraw SEAL PERSON --reason custodian-left
每次签章在认证环节核对权限 · Gate d asks for the right at each sealing: NOT_AUTHORIZED says in which respect it is missing.")]
pub enum Custodian {
    /// 授权 · Give a person the right to use a seal
    Grant(Terms),
    /// 变更 · Change the terms of a right; what was used stays counted
    Change(Terms),
    /// 收回 · Take a right away
    Withdraw {
        /// 印章编号 · The seal
        seal: String,
        /// 人员内部编号 · Internal id of the person
        person: String,
        /// 原因 · Why
        #[arg(long, value_enum, default_value_t = RightWithdrawal::Other)]
        reason: RightWithdrawal,
    },
    /// 列表 · List the custodians of a seal, those of the past too
    List {
        /// 印章编号 · The seal
        seal: String,
        #[command(flatten)]
        pages: Pages,
    },
}

#[derive(Debug, Args)]
pub struct Terms {
    /// 印章编号 · The seal
    pub seal: String,
    /// 人员内部编号 · Internal id of the person
    pub person: String,
    /// 起始时间 · From when: RFC 3339, or a date [default: at once]
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// 截止时间 · Until when: RFC 3339, or a date, which includes the day [default: as long as the seal lasts]
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// 文档类型,可重复 · Only documents of this kind; may be repeated
    #[arg(long, value_enum)]
    pub format: Vec<DocumentKind>,
    /// 指定文档,可重复 · Only this document, as it is before sealing; may be repeated
    #[arg(long, value_name = "FILE")]
    pub document: Vec<PathBuf>,
    /// 份数上限 · For how many documents [default: any number]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub max_uses: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DocumentKind {
    /// OFD
    Ofd,
    /// PDF
    Pdf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RightWithdrawal {
    /// 离职 · The person left
    CustodianLeft,
    /// 转岗 · The person has other work
    CustodianReassigned,
    /// 违规用印 · The seal was used against the rules
    SealMisused,
    /// 其他 · Another reason
    Other,
}

#[derive(Debug, Subcommand)]
pub enum SealPolicy {
    /// 查看 · Show what a use of a seal needs beyond its gates
    Show {
        /// 印章编号 · The seal
        seal: String,
    },
    /// 设置 · Set it; what is not named stays as it is. People of the seal's organization can make it stricter only
    #[command(after_help = "\
  eseal seal-policy set SEAL --approval required --max-uses 3 --longest-deadline 7
                                             每次用印须审批 · each use is requested and approved first
  eseal seal-policy set SEAL --approval none 无需审批 · no approval
  eseal seal-policy set SEAL --second-factor totp
                                             须输入动态口令 · a code of an authenticator beside the PIN: eseal second-factor --help")]
    Set {
        /// 印章编号 · The seal
        seal: String,
        /// 用印审批 · Whether each use needs an approval
        #[arg(long, value_enum)]
        approval: Option<Approval>,
        /// 一次审批的次数上限 · How many uses of a document an approval may name
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
        max_uses: Option<u32>,
        /// 验证码 · The code that a use of a hosted key needs beside its PIN
        #[arg(long, value_enum)]
        second_factor: Option<CodeFrom>,
        /// 最长期限 (天) · The longest time from a request to its deadline, in days
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=366))]
        longest_deadline: Option<u32>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Approval {
    /// 须审批 · Each use
    Required,
    /// 无需审批 · None
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CodeFrom {
    /// 动态口令 · An authenticator (TOTP)
    Totp,
    /// 发送的验证码 · A code that is sent
    Sent,
    /// 任一种 · Either of them
    Any,
    /// 无需验证码 · No code
    None,
}
