//! Who is signed in: tokens of servers, in a file for its owner alone.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Kind};
use crate::lang::Lang;

/// The file of sessions.
#[derive(Debug)]
pub struct Sessions {
    path: PathBuf,
    lang: Lang,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Stored {
    /// By the server's address.
    servers: BTreeMap<String, Server>,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Server {
    /// Who signed in last.
    current: String,
    /// By the name of the user.
    sessions: BTreeMap<String, Session>,
}

/// One person at one server.
#[derive(Clone, Serialize, Deserialize)]
pub struct Session {
    /// The token.
    pub token: String,
    /// Internal id of the person.
    pub person_id: String,
    /// What they may do.
    pub roles: Vec<String>,
    /// The organization that they are bound to; empty = none.
    #[serde(default)]
    pub uscc: String,
    /// When the token ends.
    pub expires_at: String,
}

/// Tokens never get into a log.
impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("person_id", &self.person_id).finish_non_exhaustive()
    }
}

impl Sessions {
    /// The sessions of this user of the machine: in `ESEAL_CONFIG_DIR`, or the usual place for configuration.
    pub fn of_user(lang: Lang) -> Result<Self, Failure> {
        let folder = std::env::var_os("ESEAL_CONFIG_DIR")
            .map(PathBuf::from)
            .or_else(|| directories::ProjectDirs::from("", "", "eseal").map(|folders| folders.config_dir().to_owned()));
        let folder = folder.ok_or_else(|| Failure::usage(lang, "no home folder: set ESEAL_CONFIG_DIR"))?;
        Ok(Self { path: folder.join("sessions.json"), lang })
    }

    /// The session of `name` at `server`, or of whoever signed in there last.
    ///
    /// # Errors
    /// The file can't be read, or `name` was asked for and is not signed in.
    pub fn find(&self, server: &str, name: Option<&str>) -> Result<Option<(String, Session)>, Failure> {
        let stored = self.read()?;
        let Some(server) = stored.servers.get(server) else { return self.none(name) };
        let name_wanted = name.unwrap_or(&server.current);
        match server.sessions.get(name_wanted) {
            Some(session) => Ok(Some((name_wanted.to_owned(), session.clone()))),
            None => self.none(name),
        }
    }

    fn none(&self, name: Option<&str>) -> Result<Option<(String, Session)>, Failure> {
        let Some(name) = name else { return Ok(None) };
        let advice = format!("eseal login {name}");
        Err(Failure::new(Kind::Usage, "NOT_SIGNED_IN", self.lang).because(name).advise(advice))
    }

    /// Keeps a session; it is the current one from now on.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn keep(&self, server: &str, name: &str, session: Session) -> Result<(), Failure> {
        self.change(|stored| {
            let server = stored.servers.entry(server.to_owned()).or_default();
            name.clone_into(&mut server.current);
            server.sessions.insert(name.to_owned(), session);
        })
    }

    /// Forgets the session of `name`, or all of a server.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn forget(&self, server: &str, name: Option<&str>) -> Result<(), Failure> {
        self.change(|stored| match name {
            None => drop(stored.servers.remove(server)),
            Some(name) => {
                if let Some(server) = stored.servers.get_mut(server) {
                    server.sessions.remove(name);
                }
            }
        })
    }

    fn read(&self) -> Result<Stored, Failure> {
        match std::fs::read(&self.path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                let why = format!("{}: {error}", self.path.display());
                Failure::new(Kind::Usage, "FILE_UNREADABLE", self.lang).because(why).advise("eseal logout --all")
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Stored::default()),
            Err(error) => Err(Failure::unreadable(self.lang, &self.path, &error)),
        }
    }

    /// Two programs at once: the lock keeps one's session from undoing the other's.
    fn change(&self, change: impl FnOnce(&mut Stored)) -> Result<(), Failure> {
        let unwritable = |error: std::io::Error| Failure::unwritable(self.lang, &self.path, &error);
        let folder = self.path.parent().unwrap_or_else(|| Path::new("."));
        std::fs::create_dir_all(folder).map_err(unwritable)?;
        let lock = std::fs::File::create(self.path.with_extension("lock")).map_err(unwritable)?;
        lock.lock().map_err(unwritable)?;
        let mut stored = self.read().unwrap_or_default();
        change(&mut stored);
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(unwritable)?;
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o600)).map_err(unwritable)?;
        serde_json::to_writer_pretty(&mut file, &stored).map_err(|error| unwritable(error.into()))?;
        file.flush().map_err(unwritable)?;
        file.persist(&self.path).map_err(|error| unwritable(error.error))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(token: &str) -> Session {
        let (token, person_id) = (token.to_owned(), "p".to_owned());
        Session { token, person_id, roles: vec![], uscc: String::new(), expires_at: String::new() }
    }

    #[test]
    fn the_last_one_to_sign_in_is_current_and_others_are_found_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let sessions = Sessions { path: folder.path().join("a/sessions.json"), lang: Lang::En };
        assert!(sessions.find("s", None).unwrap().is_none());
        sessions.keep("s", "li", session("1")).unwrap();
        sessions.keep("s", "wang", session("2")).unwrap();
        assert_eq!(sessions.find("s", None).unwrap().unwrap().0, "wang");
        assert_eq!(sessions.find("s", Some("li")).unwrap().unwrap().1.token, "1");
        assert_eq!(sessions.find("s", Some("zhao")).unwrap_err().code, "NOT_SIGNED_IN");
        let mode = std::fs::metadata(&sessions.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
