//! Who may sign in: a file that people can read, `users.toml`. It is changed by `user add` and `user remove` while the
//! standalone runs, or by hand, and read again when it has changed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use eseal_kernel::text::InvalidText;
use eseal_kernel::{Clock, Id, Text, Uscc};
use eseal_service::Role;
use eseal_service::token::Grant;
use serde::{Deserialize, Serialize};

use crate::files::{FileError, io_error, open_private, read_private, write_private};
use crate::password::{Password, PasswordError, is_hash};

const HEAD: &str = "# Who may sign in to eseal-standalone. Changed by `eseal-standalone user add|remove`; \
                    read again when it has changed.\n\n";

/// The users of a standalone. Cheap to clone; copies share what was read.
#[derive(Debug, Clone)]
pub struct Users {
    path: PathBuf,
    clock: Clock,
    read: Arc<Mutex<Read>>,
}

#[derive(Debug, Default)]
struct Read {
    of: Option<Stamp>,
    users: Arc<Vec<User>>,
}

/// What changes when the file does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    written: SystemTime,
    length: u64,
    #[cfg(unix)]
    inode: u64,
}

/// A user as the file has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// What they type to sign in.
    pub name: String,
    /// Internal id: what tokens and events have in the place of the name.
    pub person_id: String,
    /// Such as `applicant`.
    #[serde(with = "role_names")]
    pub roles: Vec<Role>,
    /// The organization that they are bound to and see nothing beyond.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// Argon2id in PHC form.
    pub password: String,
}

/// Roles by their names.
mod role_names {
    use super::{Deserialize as _, Role};
    use serde::{Deserializer, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(roles: &[Role], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(roles.iter().map(|role| role.name()))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Role>, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        names.iter().map(|name| name.parse().map_err(D::Error::custom)).collect()
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default, rename = "user")]
    users: Vec<User>,
}

/// A user to be.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// What they type to sign in.
    pub name: String,
    /// One at least.
    pub roles: Vec<Role>,
    /// The organization to bind them to. People of an organization see their own only.
    pub organization: Option<Uscc>,
    /// Their internal id; none = a new one.
    pub person_id: Option<String>,
    /// Their password; none = a generated one.
    pub password: Option<Password>,
}

impl NewUser {
    /// A user with these roles, bound to no organization, with a new id and a generated password.
    pub fn new(name: impl Into<String>, roles: impl Into<Vec<Role>>) -> Self {
        Self { name: name.into(), roles: roles.into(), organization: None, person_id: None, password: None }
    }
}

/// A user as added.
#[derive(Debug, Clone)]
pub struct Added {
    /// Their internal id.
    pub person_id: String,
    /// The password that was generated, or given.
    pub password: Password,
}

/// What is wrong with the users.
#[derive(Debug, thiserror::Error)]
pub enum UsersError {
    /// The file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is no TOML of this form, or has a user that can't be.
    #[error("{} can't be read: {why}", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// There is one of this name.
    #[error("there is a user of the name {0:?} already")]
    Exists(String),
    /// There is none of this name.
    #[error("there is no user of the name {0:?}")]
    Unknown(String),
    /// A name that can't be.
    #[error("the name can't be used: {0}")]
    Name(InvalidText),
    /// An id that can't be.
    #[error("the id of the person can't be used: {0}")]
    PersonId(InvalidText),
    /// Somebody without any role could do nothing.
    #[error("a user needs one role at least")]
    NoRole,
    /// The password.
    #[error(transparent)]
    Password(#[from] PasswordError),
}

impl Users {
    /// The users in the file at `path`, which may not be there yet.
    ///
    /// # Errors
    /// [`UsersError::Malformed`], [`UsersError::File`].
    pub fn open(path: &Path, clock: Clock) -> Result<Self, UsersError> {
        let users = Self { path: path.to_owned(), clock, read: Arc::default() };
        users.refresh()?;
        Ok(users)
    }

    /// Everybody, as the file is now.
    ///
    /// # Errors
    /// [`UsersError`] when it can't be read.
    pub fn list(&self) -> Result<Arc<Vec<User>>, UsersError> {
        self.refresh()
    }

    /// The user of this name. A file that can't be read at the moment counts as unchanged, and is logged.
    pub fn find(&self, name: &str) -> Option<User> {
        let users = self.refresh().unwrap_or_else(|error| {
            tracing::error!(error = eseal_service::status::chain(&error), "the users are as they were read before");
            self.read.lock().unwrap_or_else(PoisonError::into_inner).users.clone()
        });
        users.iter().find(|user| user.name == name).cloned()
    }

    /// Adds a user. Takes the time of a password's hash.
    ///
    /// # Errors
    /// [`UsersError`]; then nothing has changed.
    pub fn add(&self, new: NewUser) -> Result<Added, UsersError> {
        let name = Text::<64>::try_new(&new.name).map_err(UsersError::Name)?.to_string();
        if new.roles.is_empty() {
            return Err(UsersError::NoRole);
        }
        let person_id = new.person_id.unwrap_or_else(|| Id::random(self.clock.now()).to_string());
        let person_id = Text::<128>::try_new(&person_id).map_err(UsersError::PersonId)?.to_string();
        let password = new.password.map_or_else(Password::generate, Ok)?;
        let user = User {
            name: name.clone(),
            person_id: person_id.clone(),
            roles: new.roles,
            organization: new.organization.as_ref().map(Uscc::to_string),
            password: password.hash()?,
        };
        self.change(|users| {
            if users.iter().any(|user| user.name == name) {
                return Err(UsersError::Exists(name));
            }
            users.push(user);
            Ok(())
        })?;
        Ok(Added { person_id, password })
    }

    /// Removes a user. Tokens that are out live on until they end.
    ///
    /// # Errors
    /// [`UsersError`]; then nothing has changed.
    pub fn remove(&self, name: &str) -> Result<(), UsersError> {
        self.change(|users| {
            let before = users.len();
            users.retain(|user| user.name != name);
            if users.len() == before { Err(UsersError::Unknown(name.to_owned())) } else { Ok(()) }
        })
    }

    /// Changes the file, one process at a time.
    fn change(&self, change: impl FnOnce(&mut Vec<User>) -> Result<(), UsersError>) -> Result<(), UsersError> {
        let lock = self.path.with_extension("lock");
        let file = open_private(&lock).map_err(io_error(&lock, "opened"))?;
        file.lock().map_err(io_error(&lock, "locked"))?;
        let mut users = self.refresh()?.to_vec();
        change(&mut users)?;
        let text = toml::to_string(&Document { users })
            .map_err(|error| UsersError::Malformed { path: self.path.clone(), why: error.to_string() })?;
        write_private(&self.path, format!("{HEAD}{text}").as_bytes())?;
        self.refresh().map(drop)
    }

    /// Reads the file if it has changed.
    fn refresh(&self) -> Result<Arc<Vec<User>>, UsersError> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = Stamp::of(&self.path).map_err(io_error(&self.path, "read"))?;
        if stamp != read.of {
            // The stamp is the older one of the two: a change in between is read the next time.
            let users = if stamp.is_some() { parse(&self.path)? } else { Vec::new() };
            *read = Read { of: stamp, users: Arc::new(users) };
        }
        Ok(read.users.clone())
    }
}

impl Stamp {
    /// None where there is no file.
    fn of(path: &Path) -> std::io::Result<Option<Self>> {
        let metadata = match File::open(path).and_then(|file| file.metadata()) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            read => read?,
        };
        Ok(Some(Self::from_metadata(&metadata)?))
    }

    fn from_metadata(metadata: &fs::Metadata) -> std::io::Result<Self> {
        Ok(Self {
            written: metadata.modified()?,
            length: metadata.len(),
            #[cfg(unix)]
            inode: std::os::unix::fs::MetadataExt::ino(metadata),
        })
    }
}

impl User {
    /// What a token says of them.
    ///
    /// # Errors
    /// What is wrong with the organization.
    pub fn grant(&self) -> Result<Grant, eseal_kernel::uscc::InvalidUscc> {
        let organization = self.organization.as_deref().map(str::parse).transpose()?;
        Ok(Grant { person_id: self.person_id.clone(), roles: self.roles.clone(), organization })
    }

    /// What is wrong with them, for people.
    fn fault(&self) -> Option<String> {
        if let Err(error) = Text::<64>::try_new(&self.name) {
            Some(format!("name: {error}"))
        } else if let Err(error) = Text::<128>::try_new(&self.person_id) {
            Some(format!("person_id: {error}"))
        } else if let Err(error) = self.grant() {
            Some(format!("organization: {error}"))
        } else if self.roles.is_empty() {
            Some("roles: one at least".to_owned())
        } else if !is_hash(&self.password) {
            Some("password: not an Argon2id hash; `user add` makes one".to_owned())
        } else {
            None
        }
    }
}

fn parse(path: &Path) -> Result<Vec<User>, UsersError> {
    let malformed = |why: String| UsersError::Malformed { path: path.to_owned(), why };
    let content = read_private(path)?;
    let text = std::str::from_utf8(&content).map_err(|_| malformed("it is not UTF-8".to_owned()))?;
    let Document { users } = toml::from_str(text).map_err(|error| malformed(error.message().to_owned()))?;
    for (i, user) in users.iter().enumerate() {
        if let Some(fault) = user.fault() {
            return Err(malformed(format!("user {:?}: {fault}", user.name)));
        }
        if users.iter().take(i).any(|earlier| earlier.name == user.name) {
            return Err(malformed(format!("user {:?} is there twice", user.name)));
        }
    }
    Ok(users)
}

#[cfg(test)]
mod tests;
