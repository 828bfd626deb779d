//! A locker: something to add to, cards to take, and ways to misbehave.

use eseal_eventstore::{DecodeError, Encoded, Recorded, Row, Stored, StreamId};
use eseal_kernel::{Aggregate, ClaimChange, ClaimKey, Claims};
use sea_orm::{ConnectionTrait as _, DbErr};
use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};
use serde_json::{Value, json};

/// The amount that the read table refuses: how a test makes a statement fail.
pub const POISON: i64 = 666;

#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Locker {
    pub total: i64,
    pub additions: u64,
    pub cards: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Adds an amount; nothing happens for 0, and negative ones are refused.
    Add(i64),
    /// Adds two amounts as two facts.
    AddTwice(i64, i64),
    /// Adds as the first release did: stored in version 1 of the schema.
    AddAsLongAgo(i64),
    /// Takes a card, unless another locker has it.
    Take(String),
    /// Gives a card back.
    GiveBack(String),
    /// Takes a card without looking who has it: a mistake of `decide`.
    Grab(String),
    /// Panics in `decide`.
    Panic,
    /// Records a fact whose kind the codec does not know.
    Unreadable,
    /// Writes a row of a table that is not the projection's.
    Stray,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Added(i64),
    AddedAsLongAgo(i64),
    Taken(String),
    GivenBack(String),
    Unreadable,
    Stray,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("an amount is not negative")]
    Negative,
    #[error("the card is in use by {0}")]
    InUse(String),
}

pub fn card(serial: &str) -> ClaimKey {
    ClaimKey::new("card", serial)
}

impl Aggregate for Locker {
    const KIND: &'static str = "locker";
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn evolve(mut self, event: &Event) -> Self {
        match event {
            Event::Added(amount) | Event::AddedAsLongAgo(amount) => {
                self.total += amount;
                self.additions += 1;
            }
            Event::Taken(serial) => self.cards.push(serial.clone()),
            Event::GivenBack(serial) => self.cards.retain(|card| card != serial),
            Event::Unreadable | Event::Stray => {}
        }
        self
    }

    fn decide(&self, command: &Command, claims: &Claims) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::Add(0) => Ok(vec![]),
            Command::Add(amount) if *amount < 0 => Err(Rejection::Negative),
            Command::Add(amount) => Ok(vec![Event::Added(*amount)]),
            Command::AddTwice(first, second) => Ok(vec![Event::Added(*first), Event::Added(*second)]),
            Command::AddAsLongAgo(amount) => Ok(vec![Event::AddedAsLongAgo(*amount)]),
            Command::Take(serial) => match claims.holder(&card(serial)) {
                Some(_) if self.cards.contains(serial) => Ok(vec![]),
                Some(holder) => Err(Rejection::InUse(holder.to_owned())),
                None => Ok(vec![Event::Taken(serial.clone())]),
            },
            Command::GiveBack(serial) if self.cards.contains(serial) => Ok(vec![Event::GivenBack(serial.clone())]),
            Command::GiveBack(_) => Ok(vec![]),
            Command::Grab(serial) => Ok(vec![Event::Taken(serial.clone())]),
            Command::Panic => panic!("a mistake in decide, made by a test"),
            Command::Unreadable => Ok(vec![Event::Unreadable]),
            Command::Stray => Ok(vec![Event::Stray]),
        }
    }

    fn looks_at(command: &Command) -> Vec<ClaimKey> {
        match command {
            Command::Take(serial) => vec![card(serial)],
            _ => vec![],
        }
    }

    fn claims_of(event: &Event) -> Vec<ClaimChange> {
        match event {
            Event::Taken(serial) => vec![ClaimChange::Taken(card(serial))],
            Event::GivenBack(serial) => vec![ClaimChange::Released(card(serial))],
            _ => vec![],
        }
    }
}

impl Stored for Locker {
    const TABLES: &'static [&'static str] = &["lockers", "additions"];

    fn encode(event: &Event) -> Encoded {
        let (kind, schema_version, payload) = match event {
            // Version 2 says the unit, which was always the same before.
            Event::Added(amount) => ("eseal.test.v1.Added", 2, json!({ "amount": amount, "unit": "piece" })),
            Event::AddedAsLongAgo(amount) => ("eseal.test.v1.Added", 1, json!({ "amount": amount })),
            Event::Taken(serial) => ("eseal.test.v1.Taken", 1, json!({ "serial": serial })),
            Event::GivenBack(serial) => ("eseal.test.v1.GivenBack", 1, json!({ "serial": serial })),
            Event::Unreadable => ("eseal.test.v1.Unreadable", 1, json!({})),
            Event::Stray => ("eseal.test.v1.Stray", 1, json!({})),
        };
        Encoded { kind, schema_version, payload: payload.to_string().into_bytes() }
    }

    fn decode(kind: &str, schema_version: u32, payload: &[u8]) -> Result<Event, DecodeError> {
        let malformed = |why: &str| DecodeError::malformed(kind, why);
        let mut payload: Value =
            serde_json::from_slice(payload).map_err(|error| DecodeError::malformed(kind, error))?;
        let serial = |payload: &Value| payload["serial"].as_str().map(str::to_owned).ok_or_else(|| malformed("serial"));
        match (kind, schema_version) {
            ("eseal.test.v1.Added", 1 | 2) => {
                if schema_version == 1 {
                    payload = added_v1_to_v2(payload);
                }
                payload["unit"].as_str().filter(|unit| *unit == "piece").ok_or_else(|| malformed("unit"))?;
                payload["amount"].as_i64().map(Event::Added).ok_or_else(|| malformed("amount"))
            }
            ("eseal.test.v1.Taken", 1) => serial(&payload).map(Event::Taken),
            ("eseal.test.v1.GivenBack", 1) => serial(&payload).map(Event::GivenBack),
            ("eseal.test.v1.Stray", 1) => Ok(Event::Stray),
            _ => Err(DecodeError::unknown(kind, schema_version)),
        }
    }

    fn subject(stream: &StreamId, _state: &Self) -> String {
        stream.id().to_owned()
    }

    fn rows(recorded: &Recorded<'_>, event: &Event, state: &Self) -> Vec<Row> {
        let mut rows = vec![Row {
            table: "lockers",
            key: &["id"],
            values: vec![
                ("id", recorded.stream.id().into()),
                ("total", state.total.into()),
                ("cards", state.cards.join(",").into()),
                ("version", i64::try_from(recorded.version).unwrap_or(i64::MAX).into()),
            ],
        }];
        match event {
            Event::Added(amount) | Event::AddedAsLongAgo(amount) => rows.push(Row {
                table: "additions",
                key: &["id", "number"],
                values: vec![
                    ("id", recorded.stream.id().into()),
                    ("number", i64::try_from(state.additions).unwrap_or(i64::MAX).into()),
                    ("amount", (*amount).into()),
                    ("by", recorded.actor.to_string().into()),
                ],
            }),
            Event::Stray => rows.push(Row { table: "persons", key: &["id"], values: vec![("id", "x".into())] }),
            _ => {}
        }
        rows
    }
}

fn added_v1_to_v2(mut payload: Value) -> Value {
    payload["unit"] = json!("piece");
    payload
}

pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(Tables)]
}

struct Tables;

impl MigrationName for Tables {
    fn name(&self) -> &'static str {
        "test_0001_tables"
    }
}

#[async_trait]
impl MigrationTrait for Tables {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = format!(
            "CREATE TABLE lockers (id TEXT PRIMARY KEY, total BIGINT NOT NULL CHECK (total <> {POISON}),
                                   cards TEXT NOT NULL, version BIGINT NOT NULL);
             CREATE TABLE additions (id TEXT, number BIGINT, amount BIGINT NOT NULL, \"by\" TEXT NOT NULL,
                                     PRIMARY KEY (id, number));
             CREATE TABLE notes (id TEXT PRIMARY KEY, text TEXT NOT NULL);
             CREATE TABLE persons (id TEXT PRIMARY KEY, name TEXT);
             CREATE TABLE mandates (id TEXT PRIMARY KEY,
                                    person TEXT REFERENCES persons (id) DEFERRABLE INITIALLY DEFERRED);"
        );
        manager.get_connection().execute_unprepared(&sql).await.map(drop)
    }
}
