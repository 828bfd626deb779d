//! What is for development and tests only.

#![allow(missing_docs, reason = "the help text of each item is its documentation")]

use std::path::PathBuf;

use clap::Subcommand;
use eseal_card::CardAddress;

#[derive(Debug, Subcommand)]
pub enum DevCa {
    /// 新建 · Create the CAs: holders and makers, SM2 and P-256, and roots.pem and makers.pem
    Create {
        /// 目录 · The folder to create
        folder: PathBuf,
        /// 中级CA · Certify by authorities under the roots; their certificates are in roots.chain.pem and makers.chain.pem
        #[arg(long)]
        intermediate: bool,
        /// 地址 · Name in every certificate where its revocation is told: the address of `eseal dev-ca serve`
        #[arg(long, value_name = "URL")]
        url: Option<String>,
    },
    /// 运行 · Serve the OCSP responder, revocation lists and certificates of the CAs until interrupted
    Serve {
        /// 目录 · The folder of the CAs
        folder: PathBuf,
        /// 监听地址 · Where to listen: on this machine only
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3181")]
        listen: std::net::SocketAddr,
    },
    /// 签发到卡 · Certify the keys of a card and put the certificates onto it
    Issue {
        /// 目录 · The folder of the CAs
        folder: PathBuf,
        /// 卡 · The card: FILE, pkcs11:… or skf:LIBRARY[#DEVICE]
        #[arg(long, value_name = "CARD")]
        card: CardAddress,
        /// 通用名 · Common name: a person (maker) or the seal's code (holder)
        #[arg(long)]
        common_name: String,
        /// 统一社会信用代码 · For seal cards: the organization
        #[arg(long, value_name = "USCC")]
        organization: Option<String>,
        /// 单位名称 · For seal cards: its name
        #[arg(long)]
        name: Option<String>,
        /// 有效天数 · Days of validity
        #[arg(long, default_value_t = 1095)]
        days: u32,
        /// 密码文件 · Read the card's PIN from a file instead of asking
        #[arg(long, value_name = "FILE")]
        pin_file: Option<PathBuf>,
    },
    /// 签发请求 · Answer a certificate request, of a card or a hosted key, with a certificate
    Sign {
        /// 目录 · The folder of the CAs
        folder: PathBuf,
        /// 请求文件 · The request
        #[arg(long, value_name = "FILE")]
        csr: PathBuf,
        /// 制章人 · Certify a maker of seals; else a holder
        #[arg(long)]
        maker: bool,
        /// 通用名 · Common name: a person (maker) or the seal's code (holder)
        #[arg(long)]
        common_name: String,
        /// 统一社会信用代码 · For holders: the organization
        #[arg(long, value_name = "USCC", required_unless_present = "maker")]
        organization: Option<String>,
        /// 单位名称 · For holders: its name
        #[arg(long, required_unless_present = "maker")]
        name: Option<String>,
        /// 有效天数 · Days of validity
        #[arg(long, default_value_t = 1095)]
        days: u32,
        /// 输出文件 · Where the certificate goes
        #[arg(long, short, value_name = "FILE")]
        output: PathBuf,
    },
    /// 吊销 · Revoke a certificate and write the new revocation list
    Revoke {
        /// 目录 · The folder of the CAs
        folder: PathBuf,
        /// 证书文件 · The certificate, PEM
        #[arg(long, value_name = "FILE")]
        certificate: PathBuf,
        /// 输出文件 · Where the list goes
        #[arg(long, short, value_name = "FILE")]
        output: PathBuf,
        /// 增量列表 · Where the list of what changed since the list before goes (a delta CRL)
        #[arg(long, value_name = "FILE")]
        changes: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub enum DevTsa {
    /// 新建 · Create authorities of SM2 and P-256 with roots of their own, and tsa-roots.pem
    Create {
        /// 目录 · The folder to create
        folder: PathBuf,
    },
    /// 运行 · Answer requests for time stamps until interrupted
    Serve {
        /// 目录 · The folder of the authorities
        folder: PathBuf,
        /// 监听地址 · Where to listen: on this machine only
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3180")]
        listen: std::net::SocketAddr,
    },
}
