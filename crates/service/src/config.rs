//! Settings: the defaults that are built in, then a file, then the environment.
//!
//! The environment names a setting as `ESEAL_<SECTION>__<FIELD>`, such as `ESEAL_SERVER__ADDRESS`; deeper sections are
//! further `__`. A value is read as TOML where it is TOML (`5`, `true`, `["a"]`), else as text. Variables without `__`
//! are not ours.

use std::fmt;
use std::path::{Path, PathBuf};

use figment::providers::{Format as _, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};
use serde::de::DeserializeOwned;

const PREFIX: &str = "ESEAL_";

/// Where settings come from; what comes later wins.
#[derive(Debug, Clone)]
pub struct Sources(Figment);

/// Settings that can't be used, each with where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The named file can't be read.
    #[error("the configuration file {} can't be read: {why}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Settings that are unknown, missing or of the wrong kind.
    #[error("{}", Lines(.0))]
    Wrong(Vec<Problem>),
}

/// What is wrong with one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The setting, such as `server.address`; may be empty if the file is no TOML at all.
    pub setting: String,
    /// What is wrong with it.
    pub what: String,
    /// Where it was set: a file, a variable, or the built-in defaults.
    pub source: String,
}

struct Lines<'a>(&'a [Problem]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, Problem { setting, what, source }) in self.0.iter().enumerate() {
            let (line, colon) = (if i == 0 { "" } else { "\n" }, if setting.is_empty() { "" } else { ": " });
            write!(f, "{line}{setting}{colon}{what} (set by {source})")?;
        }
        Ok(())
    }
}

impl Sources {
    /// The built-in defaults: the service's `config.default.toml`.
    pub fn new(defaults: &str) -> Self {
        Self(Figment::from(Named { source: "the built-in defaults".to_owned(), of: Toml::string(defaults) }))
    }

    /// The built-in defaults of a part, under `section`.
    #[must_use]
    pub fn section(self, section: &str, defaults: &str) -> Self {
        let source = format!("the built-in defaults of {section}");
        Self(self.0.merge(Nested { section: section.to_owned(), of: Named { source, of: Toml::string(defaults) } }))
    }

    /// A file.
    ///
    /// # Errors
    /// [`ConfigError::Unreadable`].
    pub fn file(self, path: &Path) -> Result<Self, ConfigError> {
        let unreadable =
            |error: std::io::Error| ConfigError::Unreadable { path: path.to_owned(), why: error.to_string() };
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        Ok(Self(self.0.merge(Named { source: path.display().to_string(), of: Toml::string(&text) })))
    }

    /// Variables of the environment: `std::env::vars()`.
    #[must_use]
    pub fn environment(self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let ours = |(name, value): (String, String)| {
            let path = name.strip_prefix(PREFIX).filter(|path| path.contains("__"))?;
            Some(Variable { path: path.to_ascii_lowercase().replace("__", "."), name, value })
        };
        Self(variables.into_iter().filter_map(ours).fold(self.0, Figment::merge))
    }

    /// The settings. Types with `deny_unknown_fields` find unknown ones here.
    ///
    /// # Errors
    /// [`ConfigError::Wrong`] with all that is wrong at once, as far as it can be told.
    pub fn load<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        self.0.extract().map_err(|error| ConfigError::Wrong(error.into_iter().map(problem).collect()))
    }
}

fn problem(error: figment::Error) -> Problem {
    let source = error.metadata.as_ref().map_or("nobody", |metadata| &metadata.name).to_owned();
    Problem { setting: error.path.join("."), what: error.kind.to_string(), source }
}

/// A provider under a name for people.
struct Named<P> {
    source: String,
    of: P,
}

impl<P: Provider> Provider for Named<P> {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.source.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        self.of.data()
    }
}

/// A provider whose settings all lie in one section.
struct Nested<P> {
    section: String,
    of: P,
}

impl<P: Provider> Provider for Nested<P> {
    fn metadata(&self) -> Metadata {
        self.of.metadata()
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let nest = |(profile, dict)| (profile, Dict::from([(self.section.clone(), Value::from(dict))]));
        Ok(self.of.data()?.into_iter().map(nest).collect())
    }
}

/// A variable of the environment.
struct Variable {
    name: String,
    path: String,
    value: String,
}

impl Provider for Variable {
    fn metadata(&self) -> Metadata {
        Metadata::named(format!("the variable {}", self.name))
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let as_toml = toml::from_str::<toml::Table>(&format!("value = {}", self.value)).ok();
        let value = as_toml.filter(|table| table.len() == 1).and_then(|mut table| table.remove("value"));
        let value = Value::serialize(value.unwrap_or_else(|| toml::Value::String(self.value.clone())))?;
        let dict = figment::util::nest(&self.path, value).into_dict().unwrap_or_default();
        Ok(Profile::Default.collect(dict))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Config {
        server: Server,
        part: Part,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Server {
        address: String,
        port: u16,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Part {
        steps: u32,
    }

    const DEFAULTS: &str = "[server]\naddress = \"here\"\nport = 1";

    fn sources() -> Sources {
        Sources::new(DEFAULTS).section("part", "steps = 1")
    }

    fn variable(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    fn config(address: &str, port: u16, steps: u32) -> Config {
        Config { server: Server { address: address.to_owned(), port }, part: Part { steps } }
    }

    #[test]
    fn a_file_wins_over_the_defaults_and_the_environment_over_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("eseal.toml");
        std::fs::write(&file, "[server]\nport = 2\n[part]\nsteps = 2").expect("written");
        let variables = [variable("ESEAL_PART__STEPS", "3"), variable("ESEAL_SERVER__ADDRESS", "127.0.0.1:0")];
        let loaded = sources().file(&file).expect("read").environment(variables).load();
        assert_eq!(loaded, Ok(config("127.0.0.1:0", 2, 3)));
    }

    #[test]
    fn variables_that_name_no_section_are_not_ours() {
        let variables = [variable("ESEAL_SAMPLES", "x"), variable("OTHER__FIELD", "y")];
        assert_eq!(sources().environment(variables).load(), Ok(config("here", 1, 1)));
    }

    #[test]
    fn an_unknown_setting_is_refused_with_its_name_and_source() {
        let error = sources().environment([variable("ESEAL_SERVER__PROT", "7")]).load::<Config>().expect_err("refused");
        let text = error.to_string();
        assert!(text.contains("prot") && text.contains("the variable ESEAL_SERVER__PROT"), "{text}");
    }

    #[test]
    fn a_setting_of_the_wrong_kind_is_refused_with_its_name_and_source() {
        let error =
            sources().environment([variable("ESEAL_SERVER__PORT", "many")]).load::<Config>().expect_err("refused");
        let ConfigError::Wrong(problems) = error else { panic!("{error}") };
        assert_eq!(problems[0].setting, "server.port");
        assert_eq!(problems[0].source, "the variable ESEAL_SERVER__PORT");
    }

    #[test]
    fn a_file_that_is_not_there_is_refused_with_its_path() {
        let error = sources().file(Path::new("nowhere.toml")).expect_err("refused");
        assert!(error.to_string().contains("nowhere.toml"), "{error}");
    }

    #[test]
    fn a_file_that_is_no_toml_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("eseal.toml");
        std::fs::write(&file, "[server").expect("written");
        assert!(matches!(sources().file(&file).expect("read").load::<Config>(), Err(ConfigError::Wrong(_))));
    }
}
