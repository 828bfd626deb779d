//! Everything that a system has written down, read without any of its services.

use std::collections::BTreeMap;

use eseal_eventstore::{Database, DatabaseConfig, Log, StoredEvent};
use sea_orm::{ConnectOptions, ConnectionTrait as _, DatabaseBackend, DatabaseConnection, DbErr, Statement};

/// The books of one service.
#[derive(Debug, Clone, Default)]
pub struct Books {
    /// Its facts in their order.
    pub events: Vec<StoredEvent>,
    /// The requests that it has answered.
    pub requests: Vec<Request>,
    /// The facts of others that it has settled.
    pub inbox: Vec<Settled>,
    /// Up to where it has settled everything, by consumer and owner.
    pub cursors: BTreeMap<(String, String), u64>,
    /// What its consumers could not settle.
    pub dead_letters: Vec<String>,
    /// What the bus has of its facts; nothing where there is no bus.
    pub stream: Option<Vec<Message>>,
}

/// A request that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its id.
    pub request_id: String,
    /// Who asked.
    pub caller: String,
    /// What was asked.
    pub rpc: String,
}

/// A fact of somebody else, settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Who settled it.
    pub consumer: String,
    /// Whose fact it is.
    pub owner: String,
    /// The fact.
    pub event_id: String,
    /// Its place.
    pub position: u64,
}

/// A message on the bus.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// Its place in the stream.
    pub sequence: u64,
    /// Its subject.
    pub subject: String,
    /// Its headers.
    pub headers: BTreeMap<String, String>,
    /// Its content.
    pub payload: Vec<u8>,
}

/// The rows of every table, as text, in an order of their own.
pub type Tables = BTreeMap<String, Vec<String>>;

/// The database of one service.
#[derive(Debug)]
pub struct Store {
    owner: &'static str,
    database: Database,
    connection: DatabaseConnection,
}

impl Store {
    /// The database of `owner`, for somebody who may read everything.
    ///
    /// # Errors
    /// When it can't be opened.
    pub async fn open(owner: &'static str, url: &str) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| format!("the database of {owner}: {error}");
        let config = DatabaseConfig { max_readers: 1, ..DatabaseConfig::new(url) };
        let database = Database::connect(&config).await.map_err(|error| failed(&error))?;
        let mut options = ConnectOptions::new(url.to_owned());
        options.max_connections(1).sqlx_logging(false);
        let connection = sea_orm::Database::connect(options).await.map_err(|error| failed(&error))?;
        Ok(Self { owner, database, connection })
    }

    /// The position of its last fact.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn head(&self) -> Result<u64, String> {
        Log::new(self.database.clone(), self.owner).head().await.map_err(|error| error.to_string())
    }

    /// Up to where each consumer in it has come.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn cursors(&self) -> Result<BTreeMap<(String, String), u64>, String> {
        let rows = self.rows("SELECT consumer, owner, position FROM cursors").await?;
        let read = |row: &sea_orm::QueryResult| {
            let position: i64 = row.try_get("", "position")?;
            Ok(((row.try_get("", "consumer")?, row.try_get("", "owner")?), position.unsigned_abs()))
        };
        rows.iter().map(read).collect::<Result<_, DbErr>>().map_err(|error| error.to_string())
    }

    /// Everything in it; what the bus has is for somebody else to say.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn books(&self) -> Result<Books, String> {
        let mut books = Books { cursors: self.cursors().await?, ..Books::default() };
        let log = Log::new(self.database.clone(), self.owner);
        loop {
            let after = books.events.last().map_or(0, |event| event.position);
            let page = log.read(after, 1_000).await.map_err(|error| format!("{}: {error}", self.owner))?;
            if page.is_empty() {
                break;
            }
            books.events.extend(page);
        }
        for row in self.rows("SELECT request_id, caller, rpc FROM requests").await? {
            let text = |column: &str| row.try_get::<String>("", column).map_err(|error| error.to_string());
            books.requests.push(Request {
                request_id: text("request_id")?,
                caller: text("caller")?,
                rpc: text("rpc")?,
            });
        }
        for row in self.rows("SELECT consumer, owner, event_id, position FROM inbox WHERE parked = 0").await? {
            let text = |column: &str| row.try_get::<String>("", column).map_err(|error| error.to_string());
            let position: i64 = row.try_get("", "position").map_err(|error| error.to_string())?;
            books.inbox.push(Settled {
                consumer: text("consumer")?,
                owner: text("owner")?,
                event_id: text("event_id")?,
                position: position.unsigned_abs(),
            });
        }
        let letters = "SELECT consumer, owner, position, reason FROM dead_letters ORDER BY consumer, owner, position";
        for row in self.rows(letters).await? {
            let text = |column: &str| row.try_get::<String>("", column).map_err(|error| error.to_string());
            let position: i64 = row.try_get("", "position").map_err(|error| error.to_string())?;
            let (consumer, owner, reason) = (text("consumer")?, text("owner")?, text("reason")?);
            books.dead_letters.push(format!("{consumer} could not take in {owner} {position}: {reason}"));
        }
        Ok(books)
    }

    /// The rows of all its tables.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn tables(&self) -> Result<Tables, String> {
        let (names, whole_row): (_, fn(&str, &[String]) -> String) = match self.connection.get_database_backend() {
            DatabaseBackend::Postgres => (
                "SELECT table_name::text AS name FROM information_schema.tables WHERE table_schema = 'public'",
                |table, _| format!("SELECT t::text AS line FROM \"{table}\" t ORDER BY 1"),
            ),
            _ => (
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
                |table, columns| {
                    let quoted: Vec<_> = columns.iter().map(|column| format!("quote(\"{column}\")")).collect();
                    format!("SELECT {} AS line FROM \"{table}\" ORDER BY 1", quoted.join(" || '|' || "))
                },
            ),
        };
        let mut tables = Tables::new();
        for table in self.texts(names, "name").await? {
            let columns = match self.connection.get_database_backend() {
                DatabaseBackend::Postgres => Vec::new(),
                _ => self.texts(&format!("SELECT name FROM pragma_table_info('{table}')"), "name").await?,
            };
            let lines = self.texts(&whole_row(&table, &columns), "line").await?;
            tables.insert(table, lines);
        }
        Ok(tables)
    }

    async fn texts(&self, sql: &str, column: &str) -> Result<Vec<String>, String> {
        let rows = self.rows(sql).await?;
        rows.iter().map(|row| row.try_get("", column)).collect::<Result<_, DbErr>>().map_err(|error| error.to_string())
    }

    async fn rows(&self, sql: &str) -> Result<Vec<sea_orm::QueryResult>, String> {
        let statement = Statement::from_string(self.connection.get_database_backend(), sql);
        self.connection.query_all_raw(statement).await.map_err(|error| format!("{}: {error}", self.owner))
    }
}
