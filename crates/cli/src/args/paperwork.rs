//! Applications.

#![allow(missing_docs, reason = "the help text of each item is its documentation")]

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub struct OnApplication {
    /// 申请编号 · The application
    pub application: String,
}

#[derive(Debug, Args)]
#[command(after_help = "\
已有印章的申请只需写明不同之处 · An application about a seal that is there says only what shall be different:
  eseal submit --kind renew --existing-seal SEAL                  续期 · the same seal for longer
  eseal submit --kind replace --existing-seal SEAL                换发 · in place of a lost or broken card
  eseal submit --kind change-impression --existing-seal SEAL --impression new.png
  eseal submit --kind revoke --existing-seal SEAL --reason NO_LONGER_USED
批准后自动办结 · What is approved is carried out by itself: docs/flows/renew-and-replace.md")]
pub struct Submit {
    #[command(flatten)]
    pub form: Form,
}

#[derive(Debug, Args)]
#[command(after_help = "\
已批准、尚未制成的申请可由经办人、审批人或管理员取消 · What is approved and not made yet can be cancelled by its applicant, a reviewer or an admin:
  eseal cancel APPLICATION --reason can-not-be-made
以制章服务的记录为准:先制成则不能取消 · Fabrication decides: a seal that was made first stays made (exit code 1, APPLICATION_ALREADY_MADE)
审批前撤回 · Before its approval: eseal withdraw APPLICATION")]
pub struct Cancel {
    /// 申请编号 · The application
    pub application: String,
    /// 取消原因 · Why
    #[arg(long, value_enum, default_value_t = CancellationReason::Other)]
    pub reason: CancellationReason,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum CancellationReason {
    /// 不再需要 · Nobody needs the seal any more
    NoLongerNeeded,
    /// 无法制章 · Its card, key or certificate will never be right
    CanNotBeMade,
    /// 误报 · It was filed in error
    FiledInError,
    /// 其他 · Another reason
    Other,
}

#[derive(Debug, Args)]
pub struct Revise {
    /// 申请编号 · The application
    pub application: String,
    #[command(flatten)]
    pub form: Form,
}

#[derive(Debug, Args)]
pub struct Return {
    /// 申请编号 · The application
    pub application: String,
    /// 退回原因代码 · Why, as a code
    #[arg(long, value_enum, default_value_t = ReturnCode::Other)]
    pub code: ReturnCode,
    /// 退回原因说明 · Why, in words for the applicant
    #[arg(long)]
    pub reason: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ReturnCode {
    /// 材料不全 · Something is missing
    MaterialIncomplete,
    /// 印模不合格 · The picture can't be used
    ImpressionUnsuitable,
    /// 单位身份未核实 · The organization could not be verified
    OrganizationUnverified,
    /// 其他 · Another reason
    Other,
}

/// What is asked for: from a TOML file, from options, or both; options win.
#[derive(Debug, Args)]
pub struct Form {
    /// 申请表文件 · A TOML file with these fields by the same names (see `docs/flows/issue-a-seal.md`)
    #[arg(long = "form", value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// 申请类型 · What it is for: new, renew, replace, change-impression, revoke
    #[arg(long, value_name = "KIND")]
    pub kind: Option<String>,
    /// 统一社会信用代码 · Unified social credit code of the organization
    #[arg(long, value_name = "USCC")]
    pub organization: Option<String>,
    /// 单位名称 · Name of the organization
    #[arg(long)]
    pub name: Option<String>,
    /// 单位英文名称 · Its name in English
    #[arg(long)]
    pub name_en: Option<String>,
    /// 印章类型 · official, finance, contract, invoice, legal-representative, department or personal
    #[arg(long, value_name = "TYPE")]
    pub seal_type: Option<String>,
    /// 印章名称 · Name of the seal
    #[arg(long)]
    pub seal_name: Option<String>,
    /// 印模图片 · Its picture, PNG or SVG; without it the system draws one
    #[arg(long, value_name = "FILE")]
    pub impression: Option<PathBuf>,
    /// 系统绘制的形状 · Shape of the drawn picture: round, oval or square
    #[arg(long)]
    pub shape: Option<String>,
    /// 宽 (毫米) · Width in mm [default: 40]
    #[arg(long, value_name = "MM")]
    pub width: Option<u32>,
    /// 高 (毫米) · Height in mm [default: 40]
    #[arg(long, value_name = "MM")]
    pub height: Option<u32>,
    /// 托管密钥编号 · A hosted key instead of a seal card
    #[arg(long, value_name = "ID")]
    pub hosted_key: Option<String>,
    /// 保管人 · Internal id of the person who may use the seal
    #[arg(long, value_name = "ID")]
    pub custodian: Option<String>,
    /// 有效期起 · Valid from, RFC 3339 [default: now]
    #[arg(long, value_name = "TIME")]
    pub valid_from: Option<String>,
    /// 有效期止 · Valid to, RFC 3339 [default: 3 years later]
    #[arg(long, value_name = "TIME")]
    pub valid_to: Option<String>,
    /// 原印章编号 · For every kind but new: the seal that it is about. What is not said is as in that seal's own application
    #[arg(long, value_name = "SEAL")]
    pub existing_seal: Option<String>,
    /// 注销原因 · For kind revoke: CARD_LOST, KEY_COMPROMISED, ORGANIZATION_DISSOLVED, ORGANIZATION_RENAMED, NO_LONGER_USED, OTHER
    #[arg(long, value_name = "CODE")]
    pub reason: Option<String>,
    /// 附件 · A file that belongs to it: licence=FILE, mandate=FILE or other=FILE
    #[arg(long, value_name = "KIND=FILE")]
    pub attach: Vec<String>,
}
