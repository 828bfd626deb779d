//! Our events -> rows of our read table. Pure; written in the writer's transaction, and folded anew by a rebuild.

use eseal_eventstore::{Recorded, Row};

use crate::codec::item_to_wire;
use crate::domain::Event;

/// The tables that follow from events alone.
pub const TABLES: &[&str] = &["failure"];

/// The rows that follow from one event.
pub fn rows(recorded: &Recorded<'_>, event: &Event) -> Vec<Row> {
    let Event::VerificationFailed { failure, document, items } = event;
    let items: Vec<_> = items.iter().map(item_to_wire).collect();
    vec![Row {
        table: "failure",
        key: &["failure_id"],
        values: vec![
            ("failure_id", failure.to_string().into()),
            ("document_digest", document.to_string().into()),
            // JSON of what this service made itself; that can't fail.
            ("items", serde_json::to_string(&items).unwrap_or_default().into()),
            ("recorded_at", recorded.occurred_at.micros().into()),
        ],
    }]
}
