//! What operators do with a service's database, in its own process and in the standalone alike.

use std::io::{self, Write};

use eseal_eventstore::{Database, DeadLetter, DeadLetters, Log, StoreError};

use crate::Language;
use crate::event_log::on_the_wire;

/// Letters and events are read in pages of so many.
const PAGE: u64 = 500;

/// Why it could not be done.
#[derive(Debug, thiserror::Error)]
pub enum TendError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is told could not be written.
    #[error("reading or writing failed")]
    Io(#[from] io::Error),
}

/// Prints the dead letters of all consumers in this database, a line each. How many there are.
///
/// # Errors
/// [`TendError`].
pub async fn list_dead_letters(
    database: &Database,
    language: Language,
    out: &mut impl Write,
) -> Result<u64, TendError> {
    let letters = DeadLetters::new(database.clone());
    let mut told = 0;
    for count in letters.counts().await? {
        let mut after = 0;
        loop {
            let page = letters.list(&count.consumer, &count.owner, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.position;
            told += page.len() as u64;
            page.iter().try_for_each(|letter| print_letter(letter, language, out))?;
        }
    }
    Ok(told)
}

fn print_letter(letter: &DeadLetter, language: Language, out: &mut impl Write) -> io::Result<()> {
    let DeadLetter { consumer, owner, event_id, stream_id, position, reason, tries, parked_at, replay } = letter;
    let waits = if *replay { language.pick("等待重试", "to be tried again") } else { "" };
    writeln!(out, "{consumer}\t{owner}\t{position}\t{stream_id}\t{event_id}\t{parked_at}\t{tries}\t{waits}\t{reason}")
}

/// Writes the events of `log` after a position, a JSON line each, as `eseal events read` does. `tell` hears how far it
/// has come: the position, and the last one. How many there were.
///
/// # Errors
/// [`TendError`].
pub async fn export_events(
    log: &Log,
    after: u64,
    out: &mut impl Write,
    mut tell: impl FnMut(u64, u64),
) -> Result<u64, TendError> {
    // What is written meanwhile is for the next export.
    let head = log.head().await?;
    let (mut position, mut count) = (after, 0);
    while position < head {
        let page = log.read(position, PAGE.min(head - position)).await?;
        let Some(last) = page.last() else { break };
        position = last.position;
        count += page.len() as u64;
        for event in page {
            writeln!(out, "{}", eseal_proto::event_line(&on_the_wire(log.owner(), event)))?;
        }
        tell(position, head);
    }
    out.flush()?;
    Ok(count)
}
