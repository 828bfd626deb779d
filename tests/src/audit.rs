//! The whole truth after a run: what the clients were told, what the stores have, what the bus has and what each consumer
//! has made of it, held against each other.
//!
//! - every acknowledged command is in the store exactly once, and nothing of a refused one but its refusal;
//! - positions are dense, every hash is right, every stream is a chain;
//! - every fact had its effect in the other services exactly once, and every consumer has settled everything;
//! - the bus has what the stores have, once each, in order, byte for byte.
//!
//! It knows nothing from the services: it reads their databases and the bus itself. That it would notice is shown by its
//! own tests, which doctor a good history.

mod books;
mod commands;
mod facts;
mod streams;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use crate::load::Ledger;

pub use books::{Books, Message, Request, Settled, Store, Tables};

/// The most findings that are told; a thousand lost commands have one cause.
const TOLD_MAX: usize = 10;

/// What does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It was acknowledged, or had to follow, and is not there.
    Lost(String),
    /// It is there more often than it happened.
    Doubled(String),
    /// It is there and nobody asked for it, or it was refused.
    Unasked(String),
    /// Positions, hashes or chains.
    Broken(String),
    /// A consumer has not come to the end.
    Behind(String),
    /// Dead letters other than those expected.
    Parked(String),
    /// The bus has something else than the store.
    Diverged(String),
    /// A rebuild changed something.
    Rebuilt(String),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(what) => write!(f, "lost: {what}"),
            Self::Doubled(what) => write!(f, "doubled: {what}"),
            Self::Unasked(what) => write!(f, "nobody asked for it: {what}"),
            Self::Broken(what) => write!(f, "broken: {what}"),
            Self::Behind(what) => write!(f, "behind: {what}"),
            Self::Parked(what) => write!(f, "parked: {what}"),
            Self::Diverged(what) => write!(f, "diverged: {what}"),
            Self::Rebuilt(what) => write!(f, "changed by a rebuild: {what}"),
        }
    }
}

/// Everything that does not fit, in the order in which it was looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    /// One more.
    pub fn add(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    /// Whether all is well.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many things are lost.
    pub fn lost(&self) -> usize {
        self.0.iter().filter(|finding| matches!(finding, Finding::Lost(_))).count()
    }

    /// How many things are doubled, or there without having been asked for.
    pub fn doubled(&self) -> usize {
        self.0.iter().filter(|finding| matches!(finding, Finding::Doubled(_) | Finding::Unasked(_))).count()
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(TOLD_MAX).try_for_each(|finding| writeln!(f, "  {finding}"))?;
        match self.0.len().saturating_sub(TOLD_MAX) {
            0 => Ok(()),
            more => writeln!(f, "  and {more} more"),
        }
    }
}

/// What a fault leaves on purpose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// Dead letters.
    pub dead_letters: usize,
    /// Messages in a stream that its owner did not publish, by owner.
    pub foreign_messages: BTreeMap<&'static str, usize>,
}

/// All that is held against each other.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// What the clients were told.
    pub ledger: &'a Ledger,
    /// What the services have written down, by name.
    pub books: &'a BTreeMap<&'static str, Books>,
    /// What a fault leaves on purpose.
    pub expected: &'a Expected,
}

/// Everything that does not fit.
pub fn audit(case: &Case<'_>) -> Findings {
    let mut findings = Findings::default();
    facts::check_chains(case, &mut findings);
    commands::check(case, &mut findings);
    facts::check_effects(case, &mut findings);
    facts::check_consumers(case, &mut findings);
    streams::check(case, &mut findings);
    findings
}

/// Consumers that have not come to the end yet: `(service, consumer, owner)`.
pub const fn consumers() -> [(&'static str, &'static str, &'static str); 9] {
    facts::CONSUMERS
}

/// Whether a rebuild of `owner`'s read tables left every table as it was.
pub fn compare_tables(owner: &str, before: &Tables, after: &Tables, findings: &mut Findings) {
    for (table, lines) in before {
        let found = after.get(table);
        if found == Some(lines) {
            continue;
        }
        let found = found.map(Vec::as_slice).unwrap_or_default();
        let first = lines.iter().zip(found).position(|(a, b)| a != b).unwrap_or(lines.len().min(found.len()));
        let (had, has) = (lines.get(first), found.get(first));
        findings.add(Finding::Rebuilt(format!("{owner}.{table}, row {first}: had {had:?}, has {has:?}")));
    }
    for table in after.keys().filter(|table| !before.contains_key(*table)) {
        findings.add(Finding::Rebuilt(format!("{owner}.{table} was not there before")));
    }
}
