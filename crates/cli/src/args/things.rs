//! Seals, cards, keys, trust, events.

#![allow(missing_docs, reason = "the help text of each item is its documentation")]

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use eseal_card::CardAddress;

#[derive(Debug, Args)]
pub struct OnSeal {
    /// 印章编号 · The seal
    pub seal: String,
}

#[derive(Debug, Args)]
pub struct WithReason {
    /// 印章编号 · The seal
    pub seal: String,
    /// 原因 · Why: CARD_LOST, KEY_COMPROMISED, ORGANIZATION_ORDER (suspend), ORGANIZATION_DISSOLVED, ORGANIZATION_RENAMED, NO_LONGER_USED (revoke), OTHER
    #[arg(long, default_value = "OTHER", value_name = "CODE")]
    pub reason: String,
}

#[derive(Debug, Args)]
pub struct Replace {
    /// 印章编号 · The seal
    pub seal: String,
    /// 新印章编号 · The seal that takes its place
    #[arg(long, value_name = "SEAL")]
    pub successor: String,
}

/// How a list is cut.
#[derive(Debug, Args)]
pub struct Pages {
    /// 每页条数 · At most so many
    #[arg(long, default_value_t = 50)]
    pub limit: u32,
    /// 下一页标记 · The page after: `next_page_token` of the page before
    #[arg(long, value_name = "TOKEN", default_value = "")]
    pub page: String,
}

#[derive(Debug, Subcommand)]
pub enum List {
    /// 申请 · Applications
    Applications {
        /// 状态 · under-review, returned, approved, withdrawn or cancelled
        #[arg(long)]
        state: Option<String>,
        /// 单位 · Of one organization
        #[arg(long, value_name = "USCC", default_value = "")]
        organization: String,
        #[command(flatten)]
        pages: Pages,
    },
    /// 制章任务 · Fabrications: the makers' queue
    Fabrications {
        /// 状态 · waiting, running, made or stopped
        #[arg(long)]
        state: Option<String>,
        #[command(flatten)]
        pages: Pages,
    },
    /// 制章日志 · Runs of the gates, good and bad
    Runs {
        /// 申请编号 · Of one application
        #[arg(long, value_name = "ID", default_value = "")]
        application: String,
        #[command(flatten)]
        pages: Pages,
    },
    /// 制章授权卡 · Maker cards
    MakerCards {
        #[command(flatten)]
        pages: Pages,
    },
    /// 印章 · Registered seals
    Seals {
        /// 状态 · registered, active, suspended, revoked or replaced
        #[arg(long)]
        state: Option<String>,
        /// 单位 · Of one organization
        #[arg(long, value_name = "USCC", default_value = "")]
        organization: String,
        #[command(flatten)]
        pages: Pages,
    },
    /// 签章日志 · Uses of seals, good and bad
    Attempts {
        /// 印章编号 · Of one seal
        #[arg(long, value_name = "ID", default_value = "")]
        seal: String,
        #[command(flatten)]
        pages: Pages,
    },
    /// 验证失败日志 · Documents that did not verify
    Failures {
        #[command(flatten)]
        pages: Pages,
    },
    /// 信任的根证书 · Trusted CA certificates
    Trust,
}

#[derive(Debug, Subcommand)]
pub enum Show {
    /// 申请 · An application
    Application {
        /// 申请编号 · Its id
        id: String,
    },
    /// 制章任务 · The fabrication for an application
    Fabrication {
        /// 申请编号 · The application's id
        id: String,
    },
    /// 印章 · A seal
    Seal {
        /// 印章编号 · Its id
        id: String,
    },
    /// 托管密钥 · A hosted key
    HostedKey {
        /// 密钥编号 · Its id
        id: String,
    },
    /// 文件 · A stored file, such as an impression, by its SHA-256
    Material {
        /// SHA-256
        digest: String,
        /// 输出文件 · Where it goes
        #[arg(long, short, value_name = "FILE")]
        output: PathBuf,
    },
    /// 签章依据 · What a use of a seal was judged by: revocation lists and OCSP responses
    Evidence {
        /// 印章编号 · The seal's id
        seal: String,
        /// 签章编号 · The attempt's id, from `eseal list attempts --json`
        attempt: String,
        /// 输出目录 · Write each into this folder, as SHA-256.crl or SHA-256.ors (DER)
        #[arg(long, short, value_name = "DIR")]
        output: Option<PathBuf>,
    },
}

/// A service that has a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Owner {
    Application,
    Fabrication,
    Authentication,
    Verification,
}

impl Owner {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Fabrication => "fabrication",
            Self::Authentication => "authentication",
            Self::Verification => "verification",
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum Events {
    /// 读取 · Print the events of services (all of them, if none is named) in order of service and position
    Read {
        /// 服务 · Whose
        #[arg(value_enum)]
        owners: Vec<Owner>,
        /// 位置 · After this position
        #[arg(long, default_value_t = 0)]
        after: u64,
        /// 输出文件 · Into a file, one JSON object a line
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// 跟踪 · Print the events of a service, and each new one as it comes
    Tail {
        /// 服务 · Whose
        #[arg(value_enum)]
        owner: Owner,
        /// 位置 · After this position
        #[arg(long, default_value_t = 0)]
        after: u64,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CardKind {
    /// 制章授权卡 · Maker card
    Maker,
    /// 电子印章卡 · Seal card
    Holder,
}

#[derive(Debug, Subcommand)]
pub enum Card {
    /// 新建 · Create a soft card with fresh keys
    Create {
        /// 卡文件 · The file to create
        file: PathBuf,
        /// 用途 · What it is for
        #[arg(long, value_enum)]
        kind: CardKind,
        /// 密码文件 · Read the PIN from a file instead of asking
        #[arg(long, value_name = "FILE")]
        pin_file: Option<PathBuf>,
        /// 管理员密码文件 · Give it an administrator, who can unblock it, with the PIN in this file
        #[arg(long, value_name = "FILE")]
        admin_pin_file: Option<PathBuf>,
    },
    /// 列出 · List the tokens behind a PKCS #11 module, or the devices behind an SKF library
    List {
        /// 位置 · pkcs11:?module-path=FILE or skf:LIBRARY
        card: CardAddress,
    },
    /// 初始化 · Make a card of a token or device that was never used, with fresh keys; nothing is overwritten
    Init {
        /// 卡 · pkcs11:… or skf:LIBRARY[#DEVICE]
        card: CardAddress,
        /// 用途 · What it is for
        #[arg(long, value_enum)]
        kind: CardKind,
        /// 标签 · The name that it gets, at most 32 bytes
        #[arg(long)]
        label: String,
        /// 密钥 · The key pairs to make on it
        #[arg(long, value_enum, value_delimiter = ',', required = true)]
        keys: Vec<NewKey>,
        /// 管理员密码文件 · Read the administrator's PIN, which unblocks the card, from a file instead of asking
        #[arg(long, value_name = "FILE")]
        admin_pin_file: Option<PathBuf>,
        /// 密码文件 · Read the PIN from a file instead of asking
        #[arg(long, value_name = "FILE")]
        pin_file: Option<PathBuf>,
    },
    /// 生成密钥 · Make a key pair on a token or device
    Generate {
        /// 卡 · pkcs11:… or skf:LIBRARY[#DEVICE]
        card: CardAddress,
        /// 密钥 · What kind of key pair
        #[arg(long, value_enum)]
        key: NewKey,
        /// 密码文件 · Read the PIN from a file instead of asking
        #[arg(long, value_name = "FILE")]
        pin_file: Option<PathBuf>,
    },
    /// 查看 · Show serial, keys, certificates and tries left; needs no PIN
    Show {
        /// 卡 · The card: FILE, pkcs11:… or skf:LIBRARY[#DEVICE]
        card: CardAddress,
    },
    /// 证书请求 · Write certificate requests for its keys: NAME.sm2.csr, NAME.p256.csr, NAME.rsa.csr
    Csr {
        /// 卡 · The card: FILE, pkcs11:… or skf:LIBRARY[#DEVICE]
        card: CardAddress,
        /// 输出前缀 · Where they go: PREFIX.sm2.csr, PREFIX.p256.csr
        #[arg(long, short, value_name = "PREFIX")]
        output: PathBuf,
        /// 通用名 · Common name
        #[arg(long)]
        common_name: String,
        /// 统一社会信用代码 · For seal cards: the organization, for CAs that take it from the request
        #[arg(long, value_name = "USCC", requires = "name")]
        organization: Option<String>,
        /// 单位名称 · For seal cards: its name
        #[arg(long, requires = "organization")]
        name: Option<String>,
        /// 密码文件 · Read the PIN from a file instead of asking
        #[arg(long, value_name = "FILE")]
        pin_file: Option<PathBuf>,
    },
    /// 导入证书 · Put certificates onto it
    Import {
        /// 卡 · The card: FILE, pkcs11:… or skf:LIBRARY[#DEVICE]
        card: CardAddress,
        /// 证书 · The certificates, PEM; those of CAs beside them are left out
        #[arg(required = true)]
        certificates: Vec<PathBuf>,
        /// 密码文件 · Read the PIN from a file instead of asking
        #[arg(long, value_name = "FILE")]
        pin_file: Option<PathBuf>,
    },
    /// 修改密码 · Change its PIN
    ChangePin {
        /// 卡 · The card: FILE, pkcs11:… or skf:LIBRARY[#DEVICE]
        card: CardAddress,
        /// 原密码文件 · Read the old PIN from a file instead of asking
        #[arg(long, value_name = "FILE")]
        pin_file: Option<PathBuf>,
        /// 新密码文件 · Read the new PIN from a file instead of asking
        #[arg(long, value_name = "FILE")]
        new_pin_file: Option<PathBuf>,
    },
    /// 解锁 · Give a locked card a new PIN, by the administrator's
    Unblock {
        /// 卡 · The card: FILE, pkcs11:… or skf:LIBRARY[#DEVICE]
        card: CardAddress,
        /// 管理员密码文件 · Read the administrator's PIN from a file instead of asking
        #[arg(long, value_name = "FILE")]
        admin_pin_file: Option<PathBuf>,
        /// 新密码文件 · Read the new PIN from a file instead of asking
        #[arg(long, value_name = "FILE")]
        new_pin_file: Option<PathBuf>,
    },
    /// 管理员 · Give a soft card an administrator, who can unblock it, or change their PIN
    Administrator {
        /// 卡文件 · The soft card
        card: CardAddress,
        /// 密码文件 · For a card without an administrator: read its PIN from a file instead of asking
        #[arg(long, value_name = "FILE")]
        pin_file: Option<PathBuf>,
        /// 原管理员密码文件 · For a card with one: read the administrator's PIN from a file instead of asking
        #[arg(long, value_name = "FILE", conflicts_with = "pin_file")]
        admin_pin_file: Option<PathBuf>,
        /// 新管理员密码文件 · Read the administrator's new PIN from a file instead of asking
        #[arg(long, value_name = "FILE")]
        new_admin_pin_file: Option<PathBuf>,
    },
}

/// A key pair that a card makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum NewKey {
    /// SM2
    Sm2,
    /// ECDSA P-256
    P256,
    /// RSA 2048
    Rsa2048,
    /// RSA 3072
    Rsa3072,
    /// RSA 4096
    Rsa4096,
}

impl From<NewKey> for eseal_card::KeyKind {
    fn from(key: NewKey) -> Self {
        match key {
            NewKey::Sm2 => Self::Sm2,
            NewKey::P256 => Self::P256,
            NewKey::Rsa2048 => Self::Rsa2048,
            NewKey::Rsa3072 => Self::Rsa3072,
            NewKey::Rsa4096 => Self::Rsa4096,
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum HostedKey {
    /// 新建 · Have key pairs generated for an organization; writes their certificate requests
    Create {
        /// 统一社会信用代码 · The organization
        #[arg(long, value_name = "USCC")]
        organization: String,
        /// 单位名称 · Its name
        #[arg(long)]
        name: String,
        /// 密码文件 · Read the PIN from a file instead of asking
        #[arg(long, value_name = "FILE")]
        pin_file: Option<PathBuf>,
        /// 输出前缀 · Where the requests go: PREFIX.sm2.csr, PREFIX.p256.csr
        #[arg(long, short, value_name = "PREFIX")]
        output: PathBuf,
    },
    /// 导入证书 · Hand in the certificates that a CA issued, the SM2 one first
    Certify {
        /// 密钥编号 · The hosted key
        id: String,
        /// 证书 · The certificates, PEM
        #[arg(required = true)]
        certificates: Vec<PathBuf>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Purpose {
    /// 持有人 · Holders of seals
    Holder,
    /// 制章人 · Makers of seals
    Maker,
}

#[derive(Debug, Subcommand)]
pub enum Trust {
    /// 添加 · Trust CA certificates for a purpose
    Add {
        /// 用途 · What for
        #[arg(long, value_enum)]
        purpose: Purpose,
        /// 证书文件 · PEM, one or more
        file: PathBuf,
    },
    /// 移除 · Trust a CA certificate no more
    Remove {
        /// 用途 · What for
        #[arg(long, value_enum)]
        purpose: Purpose,
        /// 指纹 · SHA-256 of the certificate
        fingerprint: String,
    },
    /// 导入吊销列表 · Hand in a revocation list
    ImportCrl {
        /// CRL文件 · PEM or DER
        file: PathBuf,
    },
    /// 导出 · Write the trusted CA certificates into a PEM file, for verifying offline
    Export {
        /// 用途 · What for
        #[arg(long, value_enum)]
        purpose: Purpose,
        /// 输出文件 · Where they go
        #[arg(long, short, value_name = "FILE")]
        output: PathBuf,
    },
}
