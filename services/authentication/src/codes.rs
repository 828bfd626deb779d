//! 第二因素: codes that a use of a hosted key needs beside its PIN, where the seal's policy asks for one: of an authenticator (TOTP,
//! RFC 6238), or sent to the custodian by somebody else's service.
//!
//! A code is good once: for the use that it lets through together with the PIN. What remembers that is no fact: it is a row that is
//! changed before anything follows from it, by a statement that only one of several processes can win.
//!
//! - [`authenticators`]: their secrets; [`totp`]: their codes
//! - [`sent`]: codes that are sent; [`webhook`]: how one gets to who sends it on

mod authenticators;
mod sent;
mod totp;
mod webhook;

use std::fmt;
use std::sync::Arc;

use eseal_eventstore::Database;
use eseal_kernel::Timestamp;
use sea_orm::{ConnectionTrait as _, DbErr, StatementBuilder};
use zeroize::Zeroizing;

use crate::domain::ids::{AuthenticatorId, HostedKeyId, PersonId, SealId};
use crate::domain::policy::SecondFactor;
use crate::pins::{PinError, Pins};
use crate::vault::{Vault, VaultError};

pub use authenticators::Confirmed;
pub(crate) use authenticators::place as authenticator_place;
pub use sent::Sent;
pub use webhook::{Webhook, WebhookConfig, WebhookError};

use authenticators::Authenticator;

/// The codes of hosted keys. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Codes {
    database: Database,
    vault: Arc<Vault>,
    pins: Pins,
    webhook: Option<Arc<Webhook>>,
}

/// A code as it was typed. Wiped when dropped; never shown.
pub struct Code(Zeroizing<String>);

/// Why a text is no code. Says nothing about the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a code has 6 or 8 digits")]
pub struct InvalidCode;

/// Why codes can't be made or compared.
#[derive(Debug, thiserror::Error)]
pub enum CodesError {
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] DbErr),
    /// A secret can't be encrypted or decrypted.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A code can't be hashed.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// What is stored of an authenticator or a code is none.
    #[error("what is stored of an authenticator or a code is damaged")]
    Damaged,
    /// Nobody took the code to send it on.
    #[error(transparent)]
    Webhook(#[from] WebhookError),
}

impl CodesError {
    /// Whether it may be better later.
    pub const fn is_for_now(&self) -> bool {
        matches!(self, Self::Vault(error) if error.is_for_now())
    }
}

/// For a use of which seal a code is, with which hosted key and by whom.
#[derive(Debug, Clone, Copy)]
pub struct Whose<'a> {
    /// The seal.
    pub seal: SealId,
    /// Its hosted key.
    pub key: HostedKeyId,
    /// The custodian.
    pub person: &'a PersonId,
    /// Their authenticator for the hosted key, if they have one.
    pub authenticator: Option<AuthenticatorId>,
}

/// A code that was typed, and what it is compared with.
#[derive(Debug)]
pub struct Shown {
    code: Code,
    against: Against,
}

#[derive(Debug)]
enum Against {
    Authenticator(Option<Authenticator>),
    Sent(SealId, PersonId),
}

/// A code that was found right, and is not used up yet.
#[derive(Debug)]
pub struct RightCode(Memory);

/// What remembers that a code is used up.
#[derive(Debug)]
enum Memory {
    /// The authenticator of this name, and the step of its code.
    Step(String, i64),
    /// The code that was sent then.
    Sent(SealId, PersonId, i64),
}

impl Code {
    /// Takes the text over; it is wiped whether or not it is a code.
    ///
    /// # Errors
    /// It has not 6 or 8 digits.
    pub fn try_new(text: String) -> Result<Self, InvalidCode> {
        let text = Zeroizing::new(text);
        let fits = [totp::DIGITS, sent::DIGITS].contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        if fits { Ok(Self(text)) } else { Err(InvalidCode) }
    }

    /// Where it comes from, if it is right: those that are sent have more digits than those of an authenticator.
    fn kind(&self) -> SecondFactor {
        if self.0.len() == sent::DIGITS { SecondFactor::Sent } else { SecondFactor::Totp }
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(…)")
    }
}

impl Codes {
    /// The codes in `database`, whose secrets are encrypted by `vault`; sent on by `webhook`, if by anybody.
    pub fn new(database: Database, vault: Arc<Vault>, pins: Pins, webhook: Option<Webhook>) -> Self {
        Self { database, vault, pins, webhook: webhook.map(Arc::new) }
    }

    /// Finds what a code is compared with, so that a key-encryption key that is away is noticed before a try is spent.
    ///
    /// # Errors
    /// [`CodesError`].
    pub async fn look_up(&self, code: Code, whose: Whose<'_>) -> Result<Shown, CodesError> {
        let against = match code.kind() {
            SecondFactor::Sent => Against::Sent(whose.seal, whose.person.clone()),
            SecondFactor::None | SecondFactor::Totp | SecondFactor::Any => {
                Against::Authenticator(match whose.authenticator {
                    Some(id) => self.authenticator(whose.key, whose.person, id).await?,
                    None => None,
                })
            }
        };
        Ok(Shown { code, against })
    }

    /// The code, if it is of a kind that is asked for and right. Nothing is looked at where none is asked for.
    ///
    /// # Errors
    /// [`CodesError`].
    pub async fn compare(
        &self,
        asked: SecondFactor,
        shown: Shown,
        now: Timestamp,
    ) -> Result<Option<RightCode>, CodesError> {
        if asked == SecondFactor::None || !asked.is_met_by(shown.code.kind()) {
            return Ok(None);
        }
        let right = match shown.against {
            Against::Authenticator(own) => own.and_then(|own| own.right(&shown.code, now)),
            Against::Sent(seal, person) => self.right_sent(seal, person, shown.code, now).await?,
        };
        Ok(right)
    }

    /// Uses a right code up, and says where it came from; nothing if another use was first.
    ///
    /// # Errors
    /// [`CodesError`].
    pub async fn use_up(&self, right: RightCode) -> Result<SecondFactor, CodesError> {
        let (kind, is_first) = match right.0 {
            Memory::Step(name, step) => (SecondFactor::Totp, self.use_step(&name, step).await?),
            Memory::Sent(seal, person, made_at) => (SecondFactor::Sent, self.use_sent(seal, &person, made_at).await?),
        };
        Ok(if is_first { kind } else { SecondFactor::None })
    }

    /// Rows that a statement changed, in a transaction of its own.
    async fn changed(&self, statement: &impl StatementBuilder) -> Result<u64, DbErr> {
        let transaction = self.database.begin().await?;
        let rows = transaction.execute(statement).await?.rows_affected();
        transaction.commit().await.map(|()| rows)
    }
}

#[cfg(test)]
mod tests {
    use eseal_eventstore::{DatabaseConfig, migrate};
    use eseal_kernel::Id;
    use eseal_service::config::Sources;
    use eseal_testkit::TestDb;

    use super::*;
    use crate::config::{CONFIG_DEFAULT, Config};

    /// Codes in a database of their own, which goes with them. They are sent on by nobody.
    pub(super) struct Own {
        pub(super) codes: Codes,
        _db: TestDb,
    }

    impl Own {
        pub(super) async fn open() -> Self {
            let (db, folder) = (TestDb::any().await, tempfile::tempdir().expect("a folder"));
            let database = Database::connect(&DatabaseConfig::new(db.url())).await.expect("a database");
            migrate(&database, crate::migrations).await.expect("migrations");
            let config: Config = Sources::new(CONFIG_DEFAULT).load().expect("settings");
            let config = Config { key_file: folder.path().join("authentication.key"), ..config };
            let vault = Arc::new(Vault::open(&config, true).expect("a vault"));
            Self { codes: Codes::new(database, vault, Pins::default(), None), _db: db }
        }
    }

    pub(super) fn zhou() -> PersonId {
        "zhou".parse().expect("a short name")
    }

    pub(super) fn seal() -> SealId {
        SealId(Id::from_bytes([1; 16]))
    }

    pub(super) fn key() -> HostedKeyId {
        HostedKeyId(Id::from_bytes([2; 16]))
    }

    pub(super) fn code(text: &str) -> Code {
        Code::try_new(text.to_owned()).expect("a code")
    }

    #[test]
    fn six_or_eight_digits_are_a_code() {
        for (text, kind) in [("123456", SecondFactor::Totp), ("00000000", SecondFactor::Sent)] {
            assert_eq!(Code::try_new(text.to_owned()).expect("a code").kind(), kind);
        }
        for text in ["", "12345", "1234567", "123456789", "12345a", "１２"] {
            assert!(Code::try_new(text.to_owned()).is_err(), "{text}");
        }
        assert!(!format!("{:?}", Code::try_new("271828".to_owned())).contains("271828"));
    }
}
