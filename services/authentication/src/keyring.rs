//! Which key-encryption keys the rows of the database need, and what becomes of rows that need an earlier one.
//!
//! A row names its key in a column beside its boxes. So a start finds out at once that a key is missing, and
//! [`Keyring::rewrap`] goes through the rows of earlier keys alone: it can be stopped at any moment and begun again, beside
//! services that read and write meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;

use eseal_eventstore::Database;
use eseal_service::process::Rewrapped;
use futures::stream::{self, StreamExt as _};
use sea_orm::sea_query::{Expr, ExprTrait as _, Func, Order, Query};
use sea_orm::{ConnectionTrait as _, DbErr, QueryResult};

use crate::codes::authenticator_place;
use crate::contents::{KEY_ID, seal_place, secret_place, use_text_place};
use crate::vault::{KEY_FILE, Vault, VaultError};

/// Rows of one transaction.
const BATCH: usize = 50;
/// Rows that wait for an HSM or KMS at a time.
const AT_A_TIME: usize = 8;
/// Places that can't be opened which are told by name; more are counted.
const TOLD: usize = 20;

/// A table with boxes.
#[derive(Debug, Clone, Copy)]
struct Boxes {
    table: &'static str,
    key: &'static str,
    columns: &'static [&'static str],
    /// The place that a box is bound to, of its row and column.
    place: fn(&str, &str) -> String,
}

const TABLES: [Boxes; 4] = [
    Boxes {
        table: "hosted_key_secret",
        key: "hosted_key_id",
        columns: &["sm2_key", "p256_key", "pin_hash"],
        place: secret_place,
    },
    Boxes { table: "seal_content", key: "digest", columns: &["content"], place: |id, _| seal_place(id) },
    Boxes { table: "use_text", key: "text_id", columns: &["content"], place: |id, _| use_text_place(id) },
    Boxes {
        table: "authenticator_secret",
        key: "secret_id",
        columns: &["secret"],
        place: |id, _| authenticator_place(id),
    },
];

/// What is encrypted in a database, and the keys for it.
#[derive(Debug)]
pub struct Keyring {
    database: Database,
    vault: Arc<Vault>,
}

/// Why keys and rows do not fit.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(#[from] DbErr),
    /// Rows need a key that the settings do not name.
    #[error("{rows} rows need the key {key:?}, which is not configured; there are: {}", .configured.join(", "))]
    Missing {
        /// The name of the key.
        key: String,
        /// How many rows need it.
        rows: u64,
        /// The names of the keys that are there.
        configured: Vec<String>,
    },
    /// A box does not open.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// A row with its boxes.
struct Held {
    id: String,
    key: String,
    boxes: Vec<Vec<u8>>,
}

impl Boxes {
    fn held(self, row: &QueryResult) -> Result<Held, DbErr> {
        let boxes = self.columns.iter().map(|column| row.try_get("", column)).collect::<Result<_, _>>()?;
        Ok(Held { id: row.try_get("", self.key)?, key: row.try_get("", KEY_ID)?, boxes })
    }

    fn select(self) -> sea_orm::sea_query::SelectStatement {
        Query::select().columns([self.key, KEY_ID]).columns(self.columns.iter().copied()).from(self.table).take()
    }
}

/// Whether anything is encrypted in the database: a new key file would be of no use then.
///
/// # Errors
/// [`DbErr`].
pub async fn is_anything_encrypted(database: &Database) -> Result<bool, DbErr> {
    for Boxes { table, key, .. } in TABLES {
        let select = Query::select().column(key).from(table).limit(1).take();
        if database.reader().query_one(&select).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Keyring {
    /// What is encrypted in `database`, and the keys of `vault`.
    pub const fn new(database: Database, vault: Arc<Vault>) -> Self {
        Self { database, vault }
    }

    /// The keys that rows need, each with how many.
    ///
    /// # Errors
    /// [`DbErr`].
    pub async fn needed(&self) -> Result<BTreeMap<String, u64>, DbErr> {
        let mut needed = BTreeMap::new();
        for Boxes { table, key, .. } in TABLES {
            let count = Expr::from(Func::count(Expr::col(key)));
            let select = Query::select().column(KEY_ID).expr_as(count, "rows").from(table).group_by_col(KEY_ID).take();
            for row in self.database.reader().query_all(&select).await? {
                let rows: i64 = row.try_get("", "rows")?;
                let key: String = row.try_get("", KEY_ID)?;
                *needed.entry(named(key)).or_insert(0) += u64::try_from(rows).unwrap_or_default();
            }
        }
        Ok(needed)
    }

    /// Finds out at the start whether each key that rows need is there, and opens one box of each: a file may hold another
    /// key than it did. An HSM or KMS that is not there just now is no reason not to start.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn check(&self) -> Result<(), KeyringError> {
        let configured = self.vault.keys();
        for (key, rows) in self.needed().await? {
            if !configured.contains(&key.as_str()) {
                let configured = configured.iter().map(|key| (*key).to_owned()).collect();
                return Err(KeyringError::Missing { key, rows, configured });
            }
            for boxes in TABLES {
                let Some((place, sealed)) = self.any(boxes, &key).await? else { continue };
                match self.vault.open_box(&place, &sealed).await {
                    Err(error) if error.is_for_now() => tracing::warn!(%error, key, "a key can't be looked at now"),
                    opened => drop(opened?),
                }
            }
        }
        // Nothing may be under the current key yet. That it does not take anything is found out now.
        match self.vault.seal("start", b"start").await {
            Err(error) if error.is_for_now() => tracing::warn!(%error, "the current key can't be looked at now"),
            sealed => drop(sealed?),
        }
        Ok(())
    }

    async fn any(&self, boxes: Boxes, key: &str) -> Result<Option<(String, Vec<u8>)>, DbErr> {
        let select = boxes.select().and_where(needs(key)).limit(1).take();
        let Some(row) = self.database.reader().query_one(&select).await? else { return Ok(None) };
        let held = boxes.held(&row)?;
        let column = boxes.columns.last().copied().unwrap_or_default();
        Ok(held.boxes.into_iter().last().map(|sealed| ((boxes.place)(&held.id, column), sealed)))
    }

    /// Encrypts everything anew under the current key that is under an earlier one, a few rows at a time. `tell` hears how many
    /// are done, and of how many.
    ///
    /// # Errors
    /// [`KeyringError`] when the database fails, or a key can't be reached: what is done is done, and it can be begun again.
    pub async fn rewrap(&self, mut tell: impl FnMut(u64, u64)) -> Result<Rewrapped, KeyringError> {
        let (mut done, mut closed) = (0, Closed::default());
        let earlier = self.needed().await?.into_iter().filter(|(key, _)| key != self.vault.current());
        let of = earlier.map(|(_, rows)| rows).sum::<u64>();
        tell(0, of);
        for boxes in TABLES {
            let mut after = String::new();
            loop {
                let rows = self.earlier(boxes, &after).await?;
                let Some(last) = rows.last() else { break };
                after = last.id.clone();
                let mut anew = Vec::new();
                let mut sealing = stream::iter(rows.iter().map(|held| self.anew(boxes, held))).buffered(AT_A_TIME);
                while let Some(sealed) = sealing.next().await {
                    match sealed {
                        Ok(sealed) => anew.push(Some(sealed)),
                        Err(error) if closed.takes(&error) => anew.push(None),
                        Err(error) => return Err(error.into()),
                    }
                }
                drop(sealing);
                done += self.replace(boxes, &rows, anew).await?;
                tell(done, Ord::max(of, done));
            }
        }
        self.database.purge().await?; // of what was under an earlier key
        Ok(Rewrapped { rows: done, unopened: closed.places, more_unopened: closed.more, ..Rewrapped::default() })
    }

    /// The next rows of earlier keys.
    async fn earlier(&self, boxes: Boxes, after: &str) -> Result<Vec<Held>, DbErr> {
        let select = boxes
            .select()
            .and_where(Expr::col(KEY_ID).ne(self.vault.current()))
            .and_where(Expr::col(boxes.key).gt(after))
            .order_by(boxes.key, Order::Asc)
            .limit(BATCH as u64)
            .take();
        self.database.reader().query_all(&select).await?.iter().map(|row| boxes.held(row)).collect()
    }

    async fn anew(&self, boxes: Boxes, held: &Held) -> Result<Vec<Vec<u8>>, VaultError> {
        let mut anew = Vec::with_capacity(held.boxes.len());
        for (column, sealed) in boxes.columns.iter().zip(&held.boxes) {
            let place = (boxes.place)(&held.id, column);
            let plaintext = self.vault.open_box(&place, sealed).await?;
            anew.push(self.vault.seal(&place, &plaintext).await?);
        }
        Ok(anew)
    }

    /// Puts new boxes in the place of those that were read, where those still are there: a row may have been erased, or another
    /// process may have been faster.
    async fn replace(&self, boxes: Boxes, rows: &[Held], anew: Vec<Option<Vec<Vec<u8>>>>) -> Result<u64, DbErr> {
        let tx = self.database.begin().await?;
        let mut replaced = 0;
        for (held, anew) in rows.iter().zip(anew) {
            let Some(anew) = anew else { continue };
            let mut update = Query::update().table(boxes.table).value(KEY_ID, self.vault.current()).take();
            update.and_where(Expr::col(boxes.key).eq(held.id.as_str()));
            update.and_where(Expr::col(KEY_ID).eq(held.key.as_str()));
            for ((column, before), after) in boxes.columns.iter().zip(&held.boxes).zip(anew) {
                update.value(*column, after).and_where(Expr::col(*column).eq(before.clone()));
            }
            match tx.execute(&update).await {
                Ok(done) => replaced += done.rows_affected(),
                Err(error) => {
                    if let Err(error) = tx.rollback().await {
                        tracing::warn!(%error, "rollback failed");
                    }
                    return Err(error);
                }
            }
        }
        tx.commit().await?;
        Ok(replaced)
    }
}

/// What does not open: it stays as it is, and is told at the end.
#[derive(Default)]
struct Closed {
    places: Vec<String>,
    more: u64,
}

impl Closed {
    fn takes(&mut self, error: &VaultError) -> bool {
        match error {
            VaultError::Closed(_) | VaultError::NotConfigured { .. } | VaultError::Refused { .. } => {
                if self.places.len() < TOLD {
                    self.places.push(error.to_string());
                } else {
                    self.more += 1;
                }
                true
            }
            VaultError::Failed | VaultError::Unavailable { .. } => false,
        }
    }
}

/// Rows of earlier releases name no key: theirs is the key file.
fn named(key: String) -> String {
    if key.is_empty() { KEY_FILE.to_owned() } else { key }
}

fn needs(key: &str) -> Expr {
    let names = if key == KEY_FILE { vec![KEY_FILE, ""] } else { vec![key] };
    Expr::col(KEY_ID).is_in(names)
}
