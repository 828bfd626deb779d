//! Many rows in few statements, on both engines.

use std::io::ErrorKind;

use sea_orm::sea_query::extension::postgres::PgFunc;
use sea_orm::sea_query::{ArrayType, Expr, ExprTrait as _, OnConflict, Query, SelectStatement};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, RuntimeErr, SqlErr, Value, sqlx};

/// The most values bound by one statement. SQLite allows 32,766 and PostgreSQL 65,535.
const BINDS_MAX: usize = 30_000;
/// SQLite's code for what a trigger refused (SQLITE_CONSTRAINT_TRIGGER).
const REFUSED_BY_TRIGGER: &str = "1811";

/// Inserts rows of a table in as few statements as there is room for. How many were inserted or updated.
pub(crate) async fn insert(
    connection: &impl ConnectionTrait,
    table: &'static str,
    columns: &[&'static str],
    rows: Vec<Vec<Value>>,
    on_conflict: Option<&OnConflict>,
) -> Result<u64, DbErr> {
    let room = (BINDS_MAX / columns.len().max(1)).max(1);
    let mut written = 0;
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let mut insert = Query::insert().into_table(table).columns(columns.iter().copied()).take();
        if let Some(on_conflict) = on_conflict {
            insert.on_conflict(on_conflict.clone());
        }
        for row in rows.by_ref().take(room) {
            insert.values(row.into_iter().map(Expr::value)).map_err(|error| DbErr::Custom(error.to_string()))?;
        }
        written += connection.execute(&insert).await?.rows_affected();
    }
    Ok(written)
}

/// The rows of `select` whose `column` is one of `keys`.
pub(crate) async fn select_in(
    connection: &impl ConnectionTrait,
    select: &SelectStatement,
    column: &'static str,
    keys: &[&str],
) -> Result<Vec<QueryResult>, DbErr> {
    let mut found = Vec::new();
    for keys in keys.chunks(BINDS_MAX) {
        let select = select.clone().and_where(one_of(connection.get_database_backend(), column, keys)).take();
        found.append(&mut connection.query_all(&select).await?);
    }
    Ok(found)
}

/// That `column` is one of `keys`. On PostgreSQL they are one value, so that the statement is the same for any number of
/// them and planned once; SQLite has no arrays.
pub(crate) fn one_of(backend: DbBackend, column: &'static str, keys: &[&str]) -> Expr {
    match backend {
        DbBackend::Postgres => {
            let keys = texts(keys.iter().map(|key| (*key).to_owned()));
            Expr::col(column).eq(PgFunc::any(Expr::value(keys)))
        }
        _ => Expr::col(column).is_in(keys.iter().copied()),
    }
}

/// An array of texts, for PostgreSQL.
pub(crate) fn texts(texts: impl IntoIterator<Item = String>) -> Value {
    Value::Array(ArrayType::String, Some(Box::new(texts.into_iter().map(Value::from).collect())))
}

/// Puts the row in the place of the one with the same key.
pub(crate) fn replacing(key: &[&'static str], columns: &[&'static str]) -> OnConflict {
    let others: Vec<&'static str> = columns.iter().copied().filter(|column| !key.contains(column)).collect();
    let mut on_conflict = OnConflict::columns(key.iter().copied());
    if others.is_empty() {
        on_conflict.do_nothing()
    } else {
        on_conflict.update_columns(others)
    };
    on_conflict
}

/// Whether a row was refused because there is one like it. Told by code, never by text.
pub(crate) fn is_duplicate(error: &DbErr) -> bool {
    // On SQLite the trigger on `events` looks before the unique keys do.
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
        || code(error).as_deref() == Some(REFUSED_BY_TRIGGER)
}

/// Whether the database itself answered a commit with this error, so that it rolled back. A connection that broke leaves
/// it open; so does PostgreSQL when an operator ends the session (class 57), which may come after the commit.
pub(crate) fn is_rollback(error: &DbErr) -> bool {
    code(error).is_some_and(|code| !code.starts_with("57P") && !code.starts_with("08"))
}

/// Whether the database is not there, or not yet, so that it helps to wait.
pub(crate) fn is_unreachable(error: &DbErr) -> bool {
    let (DbErr::Conn(RuntimeErr::SqlxError(cause))
    | DbErr::Exec(RuntimeErr::SqlxError(cause))
    | DbErr::Query(RuntimeErr::SqlxError(cause))) = error
    else {
        return matches!(error, DbErr::ConnectionAcquire(_));
    };
    match &**cause {
        // A certificate or its file that is not right does not get better.
        sqlx::Error::Io(error) => !matches!(
            error.kind(),
            ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::NotFound | ErrorKind::PermissionDenied
        ),
        sqlx::Error::PoolTimedOut => true,
        // It starts, stops, or has no room: classes 57P and 53.
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| code.starts_with("57P") || code.starts_with("53"))
        }
        _ => false,
    }
}

/// Whether an error left the connection somewhere in the middle: it is not of the database, but of the way there.
pub(crate) fn is_broken(error: &DbErr) -> bool {
    let (DbErr::Conn(RuntimeErr::SqlxError(cause))
    | DbErr::Exec(RuntimeErr::SqlxError(cause))
    | DbErr::Query(RuntimeErr::SqlxError(cause))) = error
    else {
        return false;
    };
    !matches!(&**cause, sqlx::Error::Database(_))
}

/// The engine's code of an error that the engine answered: SQLSTATE, or SQLite's extended number.
fn code(error: &DbErr) -> Option<String> {
    let (DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) = error else {
        return None;
    };
    let sqlx::Error::Database(error) = &**error else {
        return None;
    };
    error.code().map(|code| code.into_owned())
}
