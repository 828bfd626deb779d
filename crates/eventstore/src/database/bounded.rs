//! No answer of a database is waited for without end.
//!
//! A connection that is cut without a word, by a pulled cable or a firewall that forgets, never answers and never fails: the
//! system would give it up after a quarter of an hour, and only if something is being sent. Whoever waits on it holds
//! a place in the pool meanwhile. So every statement has a bound here; once it is over the connection goes back to
//! the pool, which asks it once more, briefly, and closes it (`postgres.rs`). SQLite has no wire, and no bound.

use std::time::Duration;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, Statement,
};
use sea_orm_migration::async_trait::async_trait;
use tokio::time::timeout;

use super::postgres::{database, silent};

/// How long a statement may take, the wait for a connection included.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound(Option<Duration>);

impl Bound {
    pub(crate) const NONE: Self = Self(None);

    pub(super) const fn of(time: Duration) -> Self {
        Self(Some(time))
    }

    /// The answer, or the error of a server that says nothing.
    pub(crate) async fn hold<T>(self, what: &str, answer: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
        match self.0 {
            None => answer.await,
            Some(time) => timeout(time, answer).await.unwrap_or_else(|_| Err(database(silent(what)))),
        }
    }
}

/// A connection, a pool or a transaction whose statements each end within the `statement_timeout` of the database, on
/// PostgreSQL.
#[derive(Debug, Clone)]
pub struct Bounded<C> {
    inner: C,
    bound: Bound,
}

/// The pool of connections that read.
pub type Reader = Bounded<DatabaseConnection>;

/// A transaction that writes. Dropped, it rolls back.
pub type Transaction = Bounded<DatabaseTransaction>;

impl<C> Bounded<C> {
    pub(super) const fn new(inner: C, bound: Bound) -> Self {
        Self { inner, bound }
    }

    /// What is behind it, for what is no statement. Whoever uses it bounds each wait by [`Bounded::bound`].
    pub(crate) const fn inner(&self) -> &C {
        &self.inner
    }

    pub(crate) const fn bound(&self) -> Bound {
        self.bound
    }
}

#[async_trait]
impl<C: ConnectionTrait> ConnectionTrait for Bounded<C> {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.bound.hold("execute", self.inner.execute_raw(statement)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.bound.hold("execute", self.inner.execute_unprepared(sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.bound.hold("query", self.inner.query_one_raw(statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.bound.hold("query", self.inner.query_all_raw(statement)).await
    }
}

impl Transaction {
    /// Makes what was written stay. Never after an error: PostgreSQL answers `Ok` to that although it rolled back.
    ///
    /// # Errors
    /// [`DbErr`] when it was refused, or nobody knows whether it happened.
    pub async fn commit(self) -> Result<(), DbErr> {
        let Self { inner, bound } = self;
        bound.hold("commit", inner.commit()).await
    }

    /// Undoes what was written.
    ///
    /// # Errors
    /// [`DbErr`] when the connection is not there any more, which undoes it too.
    pub async fn rollback(self) -> Result<(), DbErr> {
        let Self { inner, bound } = self;
        bound.hold("rollback", inner.rollback()).await
    }
}
