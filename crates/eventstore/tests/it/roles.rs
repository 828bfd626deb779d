//! Two roles on PostgreSQL: the owner migrates, the service adds facts and can't change one.

use eseal_eventstore::{
    Database, DatabaseConfig, Log, Migrations, Projector, Row, StoreError, WriterSettings, grant, migrate, rebuild,
    refuse_if_pending, verify_log,
};
use eseal_testkit::TestDb;
use eseal_testkit::postgres::SUPERUSER;
use sea_orm::{ConnectionTrait as _, DbErr, RuntimeErr, sqlx};
use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

use crate::support::{Command, Locker, add, delivery, locker, now, order, request, start};

/// A database that its owner migrated, and a service's door to it.
struct Divided {
    db: TestDb,
    owner: Database,
    service: Database,
    service_role: String,
}

impl Divided {
    async fn new() -> Self {
        let db = TestDb::postgres().await;
        let (server, name) = db.on_postgres().expect("a server");
        let (owner_role, service_role) = (format!("{name}_owner"), format!("{name}_service"));
        let sql = format!(
            "CREATE ROLE {owner_role} LOGIN PASSWORD 'o'; CREATE ROLE {service_role} LOGIN PASSWORD 's';
             ALTER DATABASE {name} OWNER TO {owner_role}"
        );
        for statement in sql.split(';') {
            server.execute(SUPERUSER, statement).await.expect("two roles");
        }
        let owner = open(server.url_as(name, &owner_role, "o")).await;
        migrate(&owner, locker::migrations).await.expect("migrated");
        grant(&owner, &service_role).await.expect("granted");
        let service = open(server.url_as(name, &service_role, "s")).await;
        Self { db, owner, service, service_role }
    }

    /// What the service is told when it tries this: the code of PostgreSQL.
    async fn refusal(&self, sql: &str) -> Option<String> {
        let tx = self.service.begin().await.expect("begun");
        let refused = tx.execute_unprepared(sql).await;
        tx.rollback().await.expect("rolled back");
        let Err(DbErr::Exec(RuntimeErr::SqlxError(error))) = refused else { return None };
        let sqlx::Error::Database(error) = &*error else { return None };
        error.code().map(|code| code.into_owned())
    }
}

async fn open(url: String) -> Database {
    Database::connect(&DatabaseConfig::new(url)).await.expect("connected")
}

#[tokio::test]
async fn a_service_role_does_all_that_a_service_does() {
    let divided = Divided::new().await;
    refuse_if_pending(&divided.service, locker::migrations).await.expect("it sees what was migrated");
    let (writer, stop, task) = start(&divided.service, WriterSettings::new("test"));
    let person = |name: Option<&str>| {
        let name = name.map(str::to_owned);
        vec![Row { table: "persons", key: &["id"], values: vec![("id", "7".into()), ("name", name.into())] }]
    };
    writer.execute(add("a", 1).request(request("r", "r")).with_rows(person(Some("Li")))).await.expect("recorded");
    writer.execute(order("a", Command::Take("8A03".to_owned()))).await.expect("a claim is taken");
    writer.execute(order("a", Command::GiveBack("8A03".to_owned()))).await.expect("and released");
    writer.execute(add("b", 1).delivered(delivery(1))).await.expect("a delivery is settled");
    let stream = Log::new(divided.service.clone(), "test").read(0, 1).await.expect("read")[0].stream_id.clone();
    writer.park(delivery(2), stream, "why".to_owned(), 3, now()).await.expect("another one parked");
    writer.acknowledge(delivery(2)).await.expect("and settled after all");
    writer.execute(add("a", 1).with_rows(person(None))).await.expect("a person is erased");
    let tx = divided.service.begin().await.expect("begun");
    tx.execute_unprepared("DELETE FROM persons").await.expect("erased for good");
    tx.commit().await.expect("committed");
    assert_eq!(rebuild(&divided.service, &[Projector::of::<Locker>()]).await.expect("rebuilt"), 5);
    assert!(divided.service.lease("relay").await.expect("asked").is_some());
    stop.cancel();
    task.await.expect("no panic").expect("ended well");
    let events = Log::new(divided.service.clone(), "test").read(0, 100).await.expect("read");
    assert_eq!(verify_log(&events), Ok(5));
}

#[tokio::test]
async fn a_service_role_can_not_change_a_fact_or_what_guards_it() {
    let divided = Divided::new().await;
    let (writer, stop, task) = start(&divided.service, WriterSettings::new("test"));
    writer.execute(add("a", 1)).await.expect("recorded");
    stop.cancel();
    task.await.expect("no panic").expect("ended well");
    let before = Log::new(divided.owner.clone(), "test").read(0, 10).await.expect("read");
    for forbidden in [
        "UPDATE events SET actor = 'admin:x'",
        "DELETE FROM events",
        "TRUNCATE events",
        "TRUNCATE lockers",
        "DELETE FROM head",
        "INSERT INTO head VALUES (2, 0)",
        "INSERT INTO contracts VALUES ('x')",
        "DELETE FROM seaql_migrations",
        "ALTER TABLE events DISABLE TRIGGER events_are_never_changed",
        "DROP TRIGGER events_are_never_changed ON events",
        "CREATE TRIGGER mine BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION refuse_to_change_events()",
        "ALTER TABLE events DROP COLUMN hash",
        "ALTER TABLE lockers ADD COLUMN more TEXT",
        "DROP TABLE lockers",
        "CREATE TABLE mine (id TEXT)",
        "DROP FUNCTION refuse_to_change_events() CASCADE",
        "CREATE OR REPLACE FUNCTION refuse_to_change_events() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "SET session_replication_role = replica",
        "GRANT UPDATE ON events TO PUBLIC",
    ] {
        let refusal = divided.refusal(forbidden).await;
        // GRANT without the right to grant is a warning or an error, as PostgreSQL sees it; the next lines tell.
        if !forbidden.starts_with("GRANT") {
            assert_eq!(refusal.as_deref(), Some("42501"), "{forbidden}");
        }
    }
    assert_eq!(divided.refusal("UPDATE events SET actor = 'x'").await.as_deref(), Some("42501"));
    assert_eq!(Log::new(divided.owner.clone(), "test").read(0, 10).await.expect("read"), before);
}

#[tokio::test]
async fn granting_again_covers_later_tables_and_takes_back_what_was_added_by_hand() {
    let divided = Divided::new().await;
    let later: Migrations =
        || locker::migrations().into_iter().chain([Box::new(Later) as Box<dyn MigrationTrait>]).collect();
    migrate(&divided.owner, later).await.expect("migrated");
    assert_eq!(divided.refusal("INSERT INTO later VALUES ('a')").await.as_deref(), Some("42501"));
    let tx = divided.owner.begin().await.expect("begun");
    let by_hand = format!("GRANT UPDATE, TRUNCATE ON events TO {}", divided.service_role);
    tx.execute_unprepared(&by_hand).await.expect("granted");
    tx.commit().await.expect("committed");
    for _ in 0..2 {
        grant(&divided.owner, &divided.service_role).await.expect("granted");
        assert_eq!(divided.refusal("INSERT INTO later VALUES ('a')").await, None);
        assert_eq!(divided.refusal("UPDATE events SET actor = 'x'").await.as_deref(), Some("42501"));
        assert_eq!(divided.refusal("TRUNCATE events").await.as_deref(), Some("42501"));
    }
}

#[tokio::test]
async fn only_a_role_that_exists_gets_grants() {
    let divided = Divided::new().await;
    assert!(matches!(grant(&divided.owner, "nobody_here").await, Err(StoreError::Database(_))));
    for name in ["", "a\"; DROP TABLE events; --", "Upper", &"x".repeat(64)] {
        assert!(matches!(grant(&divided.owner, name).await, Err(StoreError::Role(_))), "{name}");
    }
    // The service can't give itself anything.
    assert!(
        grant(&divided.service, &divided.service_role).await.is_err() || {
            divided.refusal("UPDATE events SET actor = 'x'").await.as_deref() == Some("42501")
        }
    );
    assert!(divided.db.on_postgres().is_some());
}

struct Later;

impl MigrationName for Later {
    fn name(&self) -> &'static str {
        "test_0002_later"
    }
}

#[async_trait]
impl MigrationTrait for Later {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("CREATE TABLE later (id TEXT PRIMARY KEY)").await.map(drop)
    }
}
