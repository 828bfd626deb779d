//! A database of its own for each test.

use tempfile::TempDir;

/// An empty database that is gone when this is dropped.
#[derive(Debug)]
pub struct TestDb {
    url: String,
    _folder: TempDir,
}

impl TestDb {
    /// A new SQLite file in a temporary folder.
    ///
    /// # Panics
    /// When there is no room for it.
    #[allow(clippy::expect_used)] // a test without a database can't go on
    pub fn sqlite() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        Self { url, _folder: folder }
    }

    /// The address to connect to.
    pub fn url(&self) -> &str {
        &self.url
    }
}
