//! An old and a new release on one database: expand, deploy, contract.

use eseal_eventstore::{Migrations, StoreError, contract, migrate, refuse_if_pending};
use eseal_testkit::TestDb;
use sea_orm::{ConnectionTrait as _, DbErr};
use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

use crate::support::{Store, add, connect, locker, on_every_engine};

on_every_engine!(
    an_expanded_database_serves_the_old_release_too,
    a_contracted_database_is_closed_to_the_old_release_only,
    a_contract_that_fails_closes_nothing,
);

const OLD: Migrations = locker::migrations;

fn expanded() -> Vec<Box<dyn MigrationTrait>> {
    let mut migrations = locker::migrations();
    migrations.push(Box::new(Step {
        name: "test_0002_expand",
        sql: "ALTER TABLE lockers ADD COLUMN colour TEXT",
        contract: false,
    }));
    migrations
}

fn contracted() -> Vec<Box<dyn MigrationTrait>> {
    let mut migrations = expanded();
    migrations.push(Box::new(Step { name: "test_0003_contract", sql: "DROP TABLE notes", contract: true }));
    migrations
}

async fn an_expanded_database_serves_the_old_release_too(db: TestDb) {
    let store = Store::open(db).await;
    let newer = connect(&store.db).await;
    migrate(&newer, expanded).await.expect("migrated");
    // The old one goes on, starts anew, and its `migrate` is run again when it is rolled back to.
    store.execute(add("a", 1)).await.expect("recorded");
    refuse_if_pending(&store.database, OLD).await.expect("accepted");
    migrate(&store.database, OLD).await.expect("nothing to do");
    refuse_if_pending(&newer, expanded).await.expect("what the newer one did is still there");
}

async fn a_contracted_database_is_closed_to_the_old_release_only(db: TestDb) {
    let store = Store::open(db).await;
    migrate(&store.database, contracted).await.expect("migrated");
    refuse_if_pending(&store.database, contracted).await.expect("open to those who know");
    migrate(&store.database, contracted).await.expect("nothing to do");
    for older in [OLD, expanded] {
        for refused in [refuse_if_pending(&store.database, older).await, migrate(&store.database, older).await] {
            let Err(StoreError::NewerDatabase(names)) = refused else { panic!("{refused:?}") };
            assert_eq!(names, ["test_0003_contract"]);
        }
    }
}

async fn a_contract_that_fails_closes_nothing(db: TestDb) {
    let store = Store::open(db).await;
    let failing: Migrations = || {
        let mut migrations = locker::migrations();
        migrations.push(Box::new(Step { name: "test_0002_fails", sql: "DROP TABLE nothing_here", contract: true }));
        migrations
    };
    assert!(migrate(&store.database, failing).await.is_err());
    refuse_if_pending(&store.database, OLD).await.expect("accepted");
}

struct Step {
    name: &'static str,
    sql: &'static str,
    contract: bool,
}

impl MigrationName for Step {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if self.contract {
            contract(manager, self.name).await?;
        }
        manager.get_connection().execute_unprepared(self.sql).await.map(drop)
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
