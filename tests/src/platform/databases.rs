//! The databases of the services: one for each, with two roles.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Platform, SERVICES, private_file, random_hex};

impl Platform {
    /// For each service a database with two roles: its owner, who migrates, and the one that serves.
    pub(super) fn set_up_databases(&self) {
        for service in SERVICES {
            let data = self.data(service);
            let (database, owner, serving) =
                (format!("eseal_{service}"), format!("{service}_owner"), format!("{service}_service"));
            if !data.join("encryption.key").is_file() {
                fs::create_dir_all(&data).expect("a folder");
                private_file(&data.join("owner-password"), &random_hex());
                private_file(&data.join("password"), &random_hex());
                self.create_database(&data, &database, [&owner, &serving]);
                private_file(&data.join("encryption.key"), &(random_hex() + &random_hex()));
            }
            // Its port is another one after every start.
            for (role, url) in [(&owner, "owner-"), (&serving, "")] {
                let password = fs::read_to_string(data.join(format!("{url}password"))).expect("a password");
                let address = self.postgres.tls_url_as(&database, role, &password);
                private_file(&data.join(format!("{url}url")), &address);
            }
        }
    }

    fn create_database(&self, data: &Path, database: &str, [owner, serving]: [&str; 2]) {
        let password = |file: &str| fs::read_to_string(data.join(file)).expect("a password");
        let statements = [
            format!("CREATE ROLE {owner} LOGIN PASSWORD '{}'", password("owner-password")),
            format!("CREATE ROLE {serving} LOGIN PASSWORD '{}'", password("password")),
            format!("CREATE DATABASE {database} OWNER {owner}"),
            format!("REVOKE ALL ON DATABASE {database} FROM PUBLIC"),
            format!("GRANT CONNECT ON DATABASE {database} TO {serving}"),
        ];
        for statement in statements {
            let executed = self.runtime.block_on(self.postgres.execute("postgres", &statement));
            executed.unwrap_or_else(|error| panic!("{database}: {error}"));
        }
    }

    /// Runs SQL as the role that a service serves with; what it gives, a row a line, or why it was refused.
    ///
    /// # Errors
    /// What PostgreSQL said.
    ///
    /// # Panics
    /// `psql` can't be run.
    pub fn sql(&self, service: &str, statement: &str) -> Result<String, String> {
        self.psql(&self.data(service).join("url"), statement)
    }

    /// The same as the role that owns a service's tables.
    ///
    /// # Errors
    /// What PostgreSQL said.
    ///
    /// # Panics
    /// `psql` can't be run.
    pub fn sql_as_owner(&self, service: &str, statement: &str) -> Result<String, String> {
        self.psql(&self.data(service).join("owner-url"), statement)
    }

    fn psql(&self, url_file: &Path, statement: &str) -> Result<String, String> {
        let url = fs::read_to_string(url_file).expect("the address");
        let mut psql = Command::new(self.postgres.program("psql"));
        psql.arg(url).args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement]).stdin(Stdio::null());
        let output = psql.output().expect("psql runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// Every row of every table that follows from a service's events, in an order of its own.
    ///
    /// # Panics
    /// A table can't be read.
    pub fn derived_rows(&self, service: &str) -> String {
        let read = |statement: &str| self.sql(service, statement).unwrap_or_else(|why| panic!("{statement}: {why}"));
        let tables = read(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_name NOT IN \
             ('events', 'head', 'requests', 'inbox', 'cursors', 'dead_letters', 'seaql_migrations') ORDER BY 1",
        );
        let rows =
            |table: &str| format!("# {table}\n{}", read(&format!("SELECT t::text FROM \"{table}\" t ORDER BY 1")));
        tables.lines().map(rows).collect()
    }
}
