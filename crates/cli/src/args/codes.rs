//! Second factors.

#![allow(missing_docs, reason = "the help text of each item is its documentation")]

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
#[command(after_help = "\
印章规则要求时,使用托管密钥除密码外还须输入验证码 · Where a seal's policy asks for a code beside the PIN of its hosted key:
  eseal seal-policy set SEAL --second-factor totp|sent|any   设置 · an administrator asks for it
  eseal second-factor enrol SEAL                             绑定动态口令 · each custodian enrols an authenticator, once
  eseal second-factor send SEAL                              或接收验证码 · or has a code sent
  eseal seal a.pdf --seal SEAL …                             签章时会询问 · sealing asks for the code

密码与验证码合为一个秘密:连续五次有误即锁定,且不提示哪一个有误。
PIN and code are one secret: five wrong ones in a row lock the seal, and nobody is told which of them was wrong.
动态口令丢失:由管理员解除,再重新绑定 · A lost authenticator: an administrator removes it, then another one is enrolled:
  eseal second-factor remove SEAL --custodian PERSON")]
pub enum SecondFactor {
    /// 绑定动态口令 · Enrol an authenticator (TOTP): prints, once, the otpauth:// URI that it scans, and asks for its first code
    Enrol {
        /// 印章编号 · A seal with the hosted key; it then counts for all seals with that key
        seal: String,
        #[command(flatten)]
        code: FirstCode,
    },
    /// 确认动态口令 · Take an authenticator that was enrolled into use, by its first code
    Confirm {
        /// 印章编号 · The seal
        seal: String,
        /// 动态口令编号 · The authenticator, as `enrol` told it
        authenticator: String,
        #[command(flatten)]
        code: FirstCode,
    },
    /// 解除动态口令 · Take the authenticator of a custodian out of use, for good. Nobody removes their own
    Remove {
        /// 印章编号 · The seal
        seal: String,
        /// 保管人 · Whose it is
        #[arg(long, value_name = "PERSON")]
        custodian: String,
    },
    /// 发送验证码 · Have a code sent to you for a use of a seal: good once, for five minutes
    Send {
        /// 印章编号 · The seal
        seal: String,
    },
}

#[derive(Debug, Args)]
pub struct FirstCode {
    /// 验证码文件 · Read the code from a file, - for standard input, instead of asking
    #[arg(long, value_name = "FILE")]
    pub code_file: Option<PathBuf>,
}
