//! Histories.

#![allow(missing_docs, reason = "the help text of each item is its documentation")]

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "\
例 · Examples:
  eseal history SEAL                              印章的一生 · the whole life of a seal
  eseal history --application APPLICATION         一份申请的始末 · what became of an application
  eseal history SEAL --as-of 2026-11-28           当日结束时(北京时间)的状态 · its state at the end of that day in Beijing
  eseal history SEAL --as-of 2026-11-28T08:00:00Z 某一时刻的状态 · its state at a moment
  eseal history --check                           校验全部事件 · recompute every hash and chain of all services
  eseal history SEAL --check --from events.jsonl  离线 · without a server, from a file of `eseal events read --output`

只读事件,不查任何业务表;人员以内部编号表示。需审计角色(离线除外)。
Events alone are read, no table of a service; people are internal ids. For the role auditor (a file needs no role).

退出码 · Exit codes: 0 正常 · fine, 1 校验未通过或被拒绝 · a check failed, or refused, 2 用法不正确或文件无法读取 · wrong usage or an
unreadable file, 3 服务器无法连接 · the server can't be reached")]
pub struct History {
    /// 印章编号 · The seal
    #[arg(required_unless_present_any = ["application", "check"], conflicts_with = "application")]
    pub seal: Option<String>,
    /// 申请编号 · An application instead of a seal, whether a seal came of it or not
    #[arg(long, value_name = "ID")]
    pub application: Option<String>,
    /// 时刻 · The state at this moment, and who could use the seal then: RFC 3339 with its offset, a date (its end in Beijing time, UTC+8), or now
    #[arg(long, value_name = "TIME")]
    pub as_of: Option<String>,
    /// 校验 · Recompute every hash, chain and position of all services, and name the first event that does not fit; exit 1 if there is one
    #[arg(long)]
    pub check: bool,
    /// 事件文件 · Read this file, written by `eseal events read --output`, instead of asking the server
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
}
