//! Our events -> rows of our read tables. Pure; written in the writer's transaction, and folded anew by a rebuild.

use eseal_eventstore::{Recorded, Row};
use eseal_kernel::Timestamp;
use sea_orm::Value;

use crate::codec::words;
use crate::domain::event::Event;
use crate::domain::gate::Refusal;
use crate::domain::order::Order;
use crate::domain::run::Run;
use crate::domain::{Fabrication, MakerCard};

/// The tables that follow from the events of fabrications.
pub const TABLES: &[&str] = &["fabrication", "run"];

/// The table that follows from the events of maker cards.
pub const CARD_TABLES: &[&str] = &["maker_card"];

/// The rows that follow from one event of a fabrication; `state` is the one after it.
pub fn rows(recorded: &Recorded<'_>, event: &Event, state: &Fabrication) -> Vec<Row> {
    let Some(order) = state.order() else { return Vec::new() };
    let mut rows = vec![fabrication(recorded, order, state)];
    match (event, state) {
        (Event::RunBegun { .. }, Fabrication::Running { run: begun, .. }) => rows.push(run(begun, None, None, false)),
        (Event::Refused { .. }, Fabrication::Waiting { ended: Some((ended, refusal)), .. }) => {
            rows.push(run(ended, Some(recorded.occurred_at), Some(*refusal), false));
        }
        (Event::Fabricated { .. }, Fabrication::Made { run: ended, .. }) => {
            rows.push(run(ended, Some(recorded.occurred_at), None, true));
        }
        (
            Event::Queued(_)
            | Event::RunBegun { .. }
            | Event::MakerCardProved { .. }
            | Event::SealCardAccepted { .. }
            | Event::SealSigned { .. }
            | Event::Refused { .. }
            | Event::Fabricated { .. }
            | Event::Stopped { .. }
            | Event::Released { .. },
            _,
        ) => {}
    }
    rows
}

fn fabrication(recorded: &Recorded<'_>, order: &Order, state: &Fabrication) -> Row {
    let (seal, refusal) = match state {
        Fabrication::Absent | Fabrication::Waiting { ended: None, .. } | Fabrication::Running { .. } => (None, None),
        Fabrication::Waiting { ended: Some((_, refusal)), .. } => (None, Some(refusal.reason.code())),
        Fabrication::Made { run, .. } => (Some(run.seal_id), None),
        Fabrication::Closed { seal_id, .. } => (*seal_id, None),
    };
    Row {
        table: "fabrication",
        key: &["application_id"],
        values: vec![
            ("application_id", order.application_id.to_string().into()),
            ("state", words::state_to_wire(state).as_str_name().into()),
            ("uscc", order.organization.uscc.as_str().into()),
            ("name_zh", order.organization.name_zh.as_str().into()),
            ("name_en", order.organization.name_en.as_str().into()),
            ("seal_type", words::seal_type_to_wire(order.seal_type).as_str_name().into()),
            ("custody", words::custody_to_wire(&order.custody).as_str_name().into()),
            ("seal_id", seal.map(|seal| seal.to_string()).into()),
            ("last_refusal", refusal.into()),
            ("changed_at", recorded.occurred_at.micros().into()),
            ("version", i64::try_from(recorded.version).unwrap_or(i64::MAX).into()),
        ],
    }
}

fn run(run: &Run, ended_at: Option<Timestamp>, refusal: Option<Refusal>, made: bool) -> Row {
    Row {
        table: "run",
        key: &["run_id"],
        values: vec![
            ("run_id", run.run_id.to_string().into()),
            ("application_id", run.application_id.to_string().into()),
            ("maker_id", run.maker_id.as_str().into()),
            ("begun_at", run.begun_at.micros().into()),
            ("ended_at", ended_at.map(Timestamp::micros).into()),
            ("gate", refusal.map(|refusal| refusal.gate.letter()).into()),
            ("reason", refusal.map(|refusal| refusal.reason.code()).into()),
            ("made", made.into()),
        ],
    }
}

/// The row that follows from one event of a maker card; `state` is the one after it.
pub fn card_rows(recorded: &Recorded<'_>, state: &MakerCard) -> Vec<Row> {
    let Some(card) = state.known() else { return Vec::new() };
    let now = Some(recorded.occurred_at.micros());
    let (suspended_at, withdrawn_at) = match state {
        MakerCard::Absent | MakerCard::Issued { .. } => (None, None),
        MakerCard::Suspended { .. } => (now, None),
        MakerCard::Withdrawn { .. } => (None, now),
    };
    let row = Row {
        table: "maker_card",
        key: &["card_serial"],
        values: vec![
            ("card_serial", card.card_serial.as_str().into()),
            ("maker_id", card.maker_id.as_str().into()),
            ("certificate_digest", card.certificate.to_string().into()),
            ("issued_at", card.issued_at.micros().into()),
            ("suspended_at", Value::from(suspended_at)),
            ("withdrawn_at", Value::from(withdrawn_at)),
        ],
    };
    vec![row]
}
