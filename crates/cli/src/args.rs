//! The command line.

#![allow(missing_docs, reason = "the help text of each item is its documentation")]

mod codes;
mod development;
mod history;
mod paperwork;
mod rights;
mod sealing;
mod things;
mod work;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::lang::Lang;

pub use codes::*;
pub use development::*;
pub use history::*;
pub use paperwork::*;
pub use rights::*;
pub use sealing::*;
pub use things::*;
pub use work::*;

/// 电子印章系统客户端 · The client of the electronic seal system
#[derive(Debug, Parser)]
#[command(name = "eseal", version, propagate_version = true, subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = "\
一枚印章的一生 · The life of a seal:
  eseal login NAME              登录 · sign in
  eseal submit --form seal.toml 经办人提交申请 · the applicant files an application
  eseal approve APPLICATION     审批人批准 · the reviewer approves it
  eseal make APPLICATION …      制章人制章 · the maker makes the seal
  eseal activate SEAL           启用 · the admin puts it into use
  eseal seal contract.ofd …     保管人用印 · the custodian seals a document
  eseal verify contract.ofd     任何人验证 · anybody verifies it

每个命令的说明 · More about each: eseal help COMMAND")]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "通用 · For every command")]
pub struct Global {
    /// 服务器地址 · Address of the server
    #[arg(long, global = true, env = "ESEAL_SERVER", default_value = "http://127.0.0.1:7310", value_name = "URL")]
    pub server: String,
    /// 信任的CA证书文件 · CA certificates to trust for https:// servers, PEM [default: those of this machine]
    #[arg(long, global = true, env = "ESEAL_CA", value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// 客户端证书文件 · Client certificate for servers that ask for one, PEM; needs --key
    #[arg(long, global = true, env = "ESEAL_CERT", value_name = "FILE", requires = "key")]
    pub cert: Option<PathBuf>,
    /// 客户端私钥文件 · Its private key, PEM; needs --cert
    #[arg(long, global = true, env = "ESEAL_KEY", value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,
    /// 以哪个已登录用户的身份 · Act as this signed-in user [default: who signed in last]
    #[arg(long = "as", global = true, value_name = "NAME")]
    pub act_as: Option<String>,
    /// 输出JSON · Print JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// 语言 · Language: zh-CN or en [default: of the terminal]
    #[arg(long, global = true, env = "ESEAL_LANG")]
    pub lang: Option<Lang>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// 登录 · Sign in; keeps a token for the next commands
    Login(Login),
    /// 退出登录 · Forget who is signed in
    Logout(Logout),
    /// 当前用户 · Show who is signed in
    Whoami,

    /// 提交印章申请 · File an application for a seal
    Submit(Submit),
    /// 批准申请 · Approve an application
    Approve(OnApplication),
    /// 退回申请 · Send an application back with a reason
    Return(Return),
    /// 修改被退回的申请 · Change an application that was returned
    Revise(Revise),
    /// 重新提交 · File a returned application again
    Resubmit(OnApplication),
    /// 撤回申请 · Take an application back before it is approved
    Withdraw(OnApplication),
    /// 取消申请 · Cancel an approved application whose seal is not made yet
    Cancel(Cancel),

    /// 制章 · Make the seal of an approved application, with the two cards
    Make(Make),
    /// 制章授权卡 · Issue and withdraw maker cards
    #[command(subcommand)]
    MakerCard(MakerCard),

    /// 启用印章 · Put a registered seal into use
    Activate(OnSeal),
    /// 停用印章 · Forbid the use of a seal for now
    Suspend(WithReason),
    /// 挂失 · Report that the card of a seal is lost: the seal is suspended at once
    ReportLoss(OnSeal),
    /// 恢复印章 · Allow a suspended seal again
    Resume(OnSeal),
    /// 注销印章 · End a seal for ever
    Revoke(WithReason),
    /// 印章换发 · End a seal because another one takes its place
    Replace(Replace),
    /// 解锁 · Unlock a seal's card after wrong PINs
    Unlock(OnSeal),

    /// 保管人 · Who may use a seal, and on what terms
    #[command(subcommand)]
    Custodian(Custodian),
    /// 用印规则 · What a use of a seal needs beyond its gates
    #[command(subcommand)]
    SealPolicy(SealPolicy),
    /// 第二因素 · Codes that a use of a hosted key needs beside its PIN
    #[command(subcommand)]
    SecondFactor(SecondFactor),
    /// 用印申请 · Request and approve uses of a seal
    #[command(subcommand)]
    Use(Use),

    /// 签章 · Seal an OFD or PDF document
    Seal(Seal),
    /// 批量签章 · Seal many documents in one act: the PIN once, several documents at a time
    SealBatch(SealBatch),
    /// 验证文档 · Verify a sealed document; exit 0 = sealed and all valid, 1 = anything else about it, 2 = unreadable
    Verify(Verify),
    /// 批量离线验证 · Verify many documents without the server, several at a time, a line for each
    VerifyBatch(VerifyBatch),

    /// 列表 · List things
    #[command(subcommand)]
    List(List),
    /// 查看 · Show one thing
    #[command(subcommand)]
    Show(Show),
    /// 事件 · Read and follow the events of a service
    #[command(subcommand)]
    Events(Events),
    /// 历史 · The whole life of a seal, its state at a moment, and whether its history is what it was; for auditors
    History(History),

    /// 卡 · Cards (soft cards, PKCS #11 tokens, SKF devices): create, certify, look at
    #[command(subcommand)]
    Card(Card),
    /// 托管密钥 · Keys that the service keeps for sealing without a card
    #[command(subcommand)]
    HostedKey(HostedKey),
    /// 信任 · Trusted CA certificates and revocation lists of the server
    #[command(subcommand)]
    Trust(Trust),
    /// 开发用CA · A small CA for development and tests, never for production
    #[command(subcommand)]
    DevCa(DevCa),
    /// 开发用TLS证书 · TLS certificates of a development system, never for production
    #[command(subcommand)]
    DevPki(DevPki),
    /// 开发用时间戳服务 · A time stamping authority on this machine for development and tests, never for production
    #[command(subcommand)]
    DevTsa(DevTsa),
    /// 自检 · Look for what is wrong with settings, connection, clock, sign-in, trust, drivers and cards; exit 0 = no fault, 1 = faults
    Doctor(Doctor),
    /// 清除个人信息 · Erase what is known of a person; events stay as they are
    ErasePerson(ErasePerson),
    /// 命令补全 · Print completions for a shell
    Completions(Completions),
}

/// Signing in.
#[derive(Debug, Args)]
pub struct Login {
    /// 用户名 · Name of the user
    pub name: String,
    /// 密码文件 · Read the password from a file instead of asking
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// 令牌文件 · Keep this token of an outside issuer (OIDC access token) instead of asking for a password
    #[arg(long, value_name = "FILE", conflicts_with = "password_file")]
    pub token_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum DevPki {
    /// 新建 · Make a CA in a folder, and a certificate for each name
    #[command(after_help = "\
DIR/<name>/ 中有 tls.crt、tls.key、ca.crt · DIR/<name>/ gets tls.crt, tls.key and ca.crt:
  eseal dev-pki create pki                      系统各部分 · one for each part of the system
  eseal dev-pki create pki application gateway  仅这些名称 · for these names only
证书含 <name>.eseal、<name>、localhost、127.0.0.1 · Certificates name <name>.eseal, <name>, localhost, 127.0.0.1")]
    Create {
        /// 目录 · The folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// 名称 · Names [default: application fabrication authentication verification gateway nats postgres setup integrator probe]
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
    /// 换发 · Issue a certificate anew, or for a new name; running services take it up within seconds
    Renew {
        /// 目录 · The folder of the CA
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// 名称 · The name
        name: String,
        /// 附加名称或地址 · A further DNS name or address in the certificate; may be repeated
        #[arg(long, value_name = "NAME")]
        dns: Vec<String>,
        /// 有效天数 · Days of validity
        #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=36_500))]
        days: u32,
    },
}

#[derive(Debug, Args)]
pub struct Logout {
    /// 所有用户 · All users of this server
    #[arg(long)]
    pub all: bool,
}

#[derive(Debug, Args)]
pub struct Completions {
    /// 哪种shell · Which shell
    pub shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
#[command(after_help = "\
  eseal doctor                                     设置、连接、时钟、登录 · settings, connection, clock, sign-in
  eseal doctor --card holder.card --pin-file pin   以及卡与印章 · a card as well, and whether the registry has the seal on it
  eseal doctor --card pkcs11:?module-path=/usr/lib/softhsm/libsofthsm2.so
不写 --pin-file 则不试密码 · Without --pin-file no PIN is tried; with it, one try, and only while all tries are left")]
pub struct Doctor {
    /// 卡,可重复 · A card to look at: FILE, pkcs11:… or skf:LIBRARY[#DEVICE]; may be repeated
    #[arg(long = "card", value_name = "CARD")]
    pub cards: Vec<eseal_card::CardAddress>,
    /// 卡密码文件 · Read the card's PIN from a file, to compare the seal on it with the registry
    #[arg(long, value_name = "FILE", requires = "cards")]
    pub pin_file: Option<PathBuf>,
    /// 信任的根证书 · CA certificates to check the cards' certificates against, PEM [default: those of the server, for those who may see
    /// them]
    #[arg(long, value_name = "PEM")]
    pub trust: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct ErasePerson {
    /// 人员内部编号 · Internal id of the person
    pub person: String,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent_and_every_part_of_it_explains_itself() {
        let command = Cli::command();
        command.clone().debug_assert();
        explained(&command);
    }

    fn explained(command: &clap::Command) {
        for argument in command.get_arguments().filter(|a| !matches!(a.get_id().as_str(), "help" | "version")) {
            assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
        }
        for part in command.get_subcommands().filter(|part| part.get_name() != "help") {
            assert!(part.get_about().is_some(), "{}", part.get_name());
            explained(part);
        }
    }
}
