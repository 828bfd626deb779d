//! One connection of the writer's own, as sea-orm knows connections.
//!
//! A pool would ask it whether it is still there after each use, and give no hold on a connection that hangs.

use std::sync::Arc;

use sea_orm::sea_query::{ArrayType, Value};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr, Statement};
use sea_orm_migration::async_trait::async_trait;
use sqlx::postgres::{PgArguments, PgConnectOptions};
use sqlx::{Arguments as _, AssertSqlSafe, Encode, Executor as _, PgConnection, Postgres, Type};
use tokio::sync::Mutex;

use crate::database::postgres::connect;

/// What the planner must know of the writer: it looks up by key only, with arrays of keys. On a fresh table without
/// statistics it would rather read all of it; and a plan that is made once is as good as one that is made each time.
const PLANNER: [(&str, &str); 5] = [
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("jit", "off"),
    ("plan_cache_mode", "force_generic_plan"),
];

pub(super) fn options(options: PgConnectOptions) -> PgConnectOptions {
    options.options(PLANNER).application_name("eseal-writer")
}

pub(super) struct Connection(Mutex<PgConnection>);

impl Connection {
    pub(super) async fn open(options: &PgConnectOptions) -> Result<Self, sqlx::Error> {
        connect(options).await.map(Mutex::new).map(Self)
    }
}

#[async_trait]
impl ConnectionTrait for Connection {
    fn get_database_backend(&self) -> DbBackend {
        DbBackend::Postgres
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let arguments = arguments(statement.values)?;
        let query = sqlx::query_with(AssertSqlSafe(statement.sql), arguments);
        query.execute(&mut *self.0.lock().await).await.map(ExecResult::from).map_err(executing)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let sql = AssertSqlSafe(sql.to_owned());
        self.0.lock().await.execute(sql).await.map(ExecResult::from).map_err(executing)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let arguments = arguments(statement.values)?;
        let query = sqlx::query_with(AssertSqlSafe(statement.sql), arguments);
        // It reads up to the end, where the error of a commit would be.
        let row = query.fetch_optional(&mut *self.0.lock().await).await.map_err(querying)?;
        Ok(row.map(QueryResult::from))
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let arguments = arguments(statement.values)?;
        let query = sqlx::query_with(AssertSqlSafe(statement.sql), arguments);
        let rows = query.fetch_all(&mut *self.0.lock().await).await.map_err(querying)?;
        Ok(rows.into_iter().map(QueryResult::from).collect())
    }
}

fn executing(error: sqlx::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error)))
}

fn querying(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(Arc::new(error)))
}

fn arguments(values: Option<sea_orm::Values>) -> Result<PgArguments, DbErr> {
    let mut arguments = PgArguments::default();
    for value in values.into_iter().flat_map(|values| values.0) {
        match value {
            Value::Bool(value) => add(&mut arguments, value)?,
            Value::SmallInt(value) => add(&mut arguments, value)?,
            Value::Int(value) => add(&mut arguments, value)?,
            Value::BigInt(value) => add(&mut arguments, value)?,
            // The limits of sea-query.
            Value::BigUnsigned(value) => {
                add(&mut arguments, value.map(|value| i64::try_from(value).unwrap_or(i64::MAX)))?
            }
            Value::Double(value) => add(&mut arguments, value)?,
            Value::String(value) => add(&mut arguments, value)?,
            Value::Bytes(value) => add(&mut arguments, value)?,
            Value::Array(kind, values) => {
                add_array(&mut arguments, &kind, values.map_or_else(Vec::new, |values| *values))?
            }
            other => return Err(unknown(&other)),
        }
    }
    Ok(arguments)
}

fn add<'q, T: Encode<'q, Postgres> + Type<Postgres>>(arguments: &mut PgArguments, value: T) -> Result<(), DbErr> {
    arguments.add(value).map_err(|error| DbErr::Custom(error.to_string()))
}

/// An array of values that are all of this kind, or absent.
fn add_array(arguments: &mut PgArguments, kind: &ArrayType, values: Vec<Value>) -> Result<(), DbErr> {
    macro_rules! add_all {
        ($variant:ident) => {{
            let each = |value| match value {
                Value::$variant(value) => Ok(value),
                other => Err(unknown(&other)),
            };
            add(arguments, values.into_iter().map(each).collect::<Result<Vec<_>, _>>()?)
        }};
    }
    match kind {
        ArrayType::Bool => add_all!(Bool),
        ArrayType::SmallInt => add_all!(SmallInt),
        ArrayType::Int => add_all!(Int),
        ArrayType::BigInt => add_all!(BigInt),
        ArrayType::Double => add_all!(Double),
        ArrayType::String => add_all!(String),
        ArrayType::Bytes => add_all!(Bytes),
        _ => Err(DbErr::Type(format!("arrays of {kind:?} are not written"))),
    }
}

/// Names the kind and not the value, which may be personal.
fn unknown(value: &Value) -> DbErr {
    DbErr::Type(format!("a value of {:?} is not written here", value.array_type()))
}
