//! `rewrap`: what is encrypted under an earlier key-encryption key goes under the current one.

use std::io::{self, IsTerminal as _, Write};

use eseal_eventstore::Database;

use super::ProcessError;
use super::operate::progress;
use crate::{Language, StartError};

/// What a service is asked to do, and whom it tells how far it has come.
pub struct Rewrapping<'a> {
    /// Change nothing: only find out how much needs which key.
    pub check: bool,
    /// Hears how many rows are done, and of how many.
    pub tell: &'a mut (dyn FnMut(u64, u64) + Send),
}

/// What was done, and what needs which key now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rewrapped {
    /// Rows that were encrypted anew.
    pub rows: u64,
    /// All keys that are configured or needed.
    pub keys: Vec<KeyUse>,
    /// What can't be opened and stays as it was: where and why, as far as they are told.
    pub unopened: Vec<String>,
    /// How many more there are of these.
    pub more_unopened: u64,
}

/// How much needs a key-encryption key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUse {
    /// Its name in the settings.
    pub name: String,
    /// Rows that need it.
    pub rows: u64,
    /// Whether new secrets are encrypted under it.
    pub is_current: bool,
}

impl Rewrapped {
    /// Rows that still need another key than the current one.
    pub fn left(&self) -> u64 {
        self.keys.iter().filter(|key| !key.is_current).map(|key| key.rows).sum()
    }
}

pub(super) async fn run<C, R>(
    config: C,
    database: &Database,
    rewrap: R,
    check: bool,
    language: Language,
    out: &mut (impl Write + Send),
) -> Result<(), ProcessError>
where
    R: AsyncFnOnce(C, &Database, Rewrapping<'_>) -> Result<Rewrapped, StartError>,
{
    let bar = progress(language.pick("改换密钥", "rewrapping"));
    let is_watched = io::stderr().is_terminal();
    let mut told = Ok(());
    let mut hear = |done: u64, of: u64| {
        bar.set_length(of);
        bar.set_position(done);
        if !is_watched && told.is_ok() && !check {
            told = writeln!(out, "{done}/{of}").and_then(|()| out.flush());
        }
    };
    let rewrapped = rewrap(config, database, Rewrapping { check, tell: &mut hear }).await;
    bar.finish_and_clear();
    let rewrapped = rewrapped?;
    told?;
    tell(&rewrapped, language, out)?;
    match rewrapped.left() {
        left if left > 0 && !check => Err(ProcessError::NotRewrapped { rows: left }),
        _ => Ok(()),
    }
}

/// Prints what was done, a line for each key, and what is in the way.
///
/// # Errors
/// It can't be written.
pub fn tell(rewrapped: &Rewrapped, language: Language, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}: {}", language.pick("已改换的行数", "rows rewrapped"), rewrapped.rows)?;
    for KeyUse { name, rows, is_current } in &rewrapped.keys {
        let means = match (is_current, rows) {
            (true, _) => language.pick("当前密钥", "current"),
            (false, 0) => language.pick(
                "已无数据需要:所有副本都使用当前密钥后即可移除",
                "nothing needs it: it may be taken away once every replica runs with the current key",
            ),
            (false, _) => language.pick("仍需保留", "still needed"),
        };
        writeln!(out, "{name}\t{rows}\t{means}")?;
    }
    for unopened in &rewrapped.unopened {
        writeln!(out, "{}: {unopened}", language.pick("无法解密", "not opened"))?;
    }
    if rewrapped.more_unopened > 0 {
        let more = language.pick("另有无法解密的行数", "further rows that were not opened");
        writeln!(out, "{more}: {}", rewrapped.more_unopened)?;
    }
    Ok(())
}
