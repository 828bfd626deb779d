//! An old and a new version side by side.
//!
//! A second build would take longer than all faults together, so the new version is told by what it would leave: a
//! migration that expands, and facts with fields that this version does not know. It imitates the state of a roll-out when
//! the newer release has migrated and written already while replicas of this one go on. That shows what a roll-out
//! needs of the old version, and no more: it starts and goes on over a newer database, and reads, hands on and folds newer
//! facts. What the code of another release does beside this one is seen only if there is such a build:
//! `eseal-faults --beside DIR` runs the second replicas from it.

use eseal_eventstore::{Actor, StoredEvent, StreamId};
use eseal_kernel::{Clock, Id};
use serde_json::Value;

use super::{GOES_ON, Scenario, Site};
use crate::load::{Entry, Load, Rpc, Verdict};

pub(super) const SIDE_BY_SIDE: Scenario = Scenario {
    name: "versions",
    about: "a newer version has expanded the databases and left facts with fields that this one does not know",
    may_refuse: false,
    inject: expand,
};

fn expand(site: &mut Site, load: &Load) -> Result<(), String> {
    for service in ["application", "authentication"] {
        let second = format!("{service}-2");
        let other = site.beside.as_ref().map(|folder| folder.join(format!("eseal-{service}")));
        site.platform().run_by(&second, other.clone());
        site.platform().start_with(&second, &[]);
        migrate_further(site, service)?;
        newer_fact(site, service)?;
        site.injected += 1;
        load.advances(4, GOES_ON).map_err(|why| format!("after {service} was expanded, {why}"))?;
        // The old one is started anew over what the new one has left.
        site.platform().kill(service);
        site.platform().start_one(service);
        site.injected += 1;
        load.advances(4, GOES_ON).map_err(|why| format!("after the old {service} was started anew, {why}"))?;
        site.platform().kill(&second);
        if other.is_some() {
            // The other build alone, on what this one has left; and this one again on what that one leaves.
            for program in [other, None] {
                site.platform().kill(service);
                site.platform().run_by(service, program);
                site.platform().start_one(service);
                site.injected += 1;
                load.advances(4, GOES_ON)
                    .map_err(|why| format!("after {service} went over to another build, {why}"))?;
            }
        }
    }
    Ok(())
}

/// A migration of tomorrow: known by its name, and by a column that nobody here knows.
fn migrate_further(site: &mut Site, service: &str) -> Result<(), String> {
    let table = match service {
        "application" => "application",
        _ => "seal",
    };
    let name = format!("m2999{:04}_of_tomorrow", site.rng.u32(..9_999));
    let column = format!("of_tomorrow_{}", site.rng.u32(..));
    let sql = format!(
        "ALTER TABLE {table} ADD COLUMN {column} TEXT; \
         INSERT INTO seaql_migrations (version, applied_at) VALUES ('{name}', 0);"
    );
    let platform = site.platform();
    let done = platform.block_on(platform.postgres.execute(&format!("eseal_{service}"), &sql));
    done.map_err(|error| format!("{service}: {error}"))
}

/// A fact as a newer version of `service` writes it: in a stream of its own, chained and hashed as all are.
fn newer_fact(site: &mut Site, service: &'static str) -> Result<(), String> {
    let books = site.books()?;
    let kind = match service {
        "application" => "eseal.application.v1.Submitted",
        _ => "eseal.authentication.v1.HostedKeyCreated",
    };
    let like = books[service].events.iter().find(|event| event.kind == kind).ok_or("no fact to begin with")?;
    let id = Id::random(Clock::System.now()).to_string();
    let (stream, field, rpc) = match service {
        "application" => (StreamId::try_new("application", &id), "applicationId", Rpc::SubmitApplication),
        _ => (StreamId::try_new("hosted_key", &id), "hostedKeyId", Rpc::CreateHostedKey),
    };
    let stream = stream.map_err(|error| error.to_string())?;
    if like.stream_id.kind() != stream.kind() {
        return Err(format!("{kind} lies in streams like {}", like.stream_id));
    }
    let mut payload: Value = serde_json::from_slice(&like.payload).map_err(|error| error.to_string())?;
    payload[field] = Value::String(id.clone());
    payload["fieldOfTomorrow"] = serde_json::json!({ "unknown": [1, 2, 3] });
    let event = StoredEvent {
        event_id: Id::random(Clock::System.now()),
        stream_id: stream,
        stream_version: 1,
        actor: Actor::new("tomorrow", "applicant"),
        subject: id.clone(),
        correlation_id: id.clone(),
        causation_id: None,
        payload: payload.to_string().into_bytes(),
        prev_hash: None,
        ..like.clone()
    };
    append(site, service, event)?;
    // Nobody of the load asked for it; it is there once.
    let (caller, request_id) = ("tomorrow", String::new());
    let verdict = Verdict::Open("written by a newer version".to_owned());
    site.ledger().entries.push(Entry { rpc, caller, request_id, subject: id, verdict, sent: 1 });
    let platform = site.platform();
    let rebuilt = platform.operate(service, &["rebuild"]);
    rebuilt.map(drop).map_err(|(code, why)| format!("rebuild of {service}: exit {code}: {why}"))
}

/// Takes the next position under the lock that every writer takes. The hash needs the position, so it is computed here and
/// the transaction tries again where another writer was faster.
fn append(site: &mut Site, service: &str, mut event: StoredEvent) -> Result<(), String> {
    let platform = site.platform();
    for _ in 0..50 {
        let head = platform.sql(service, "SELECT position FROM head")?;
        let head: u64 = head.trim().parse().map_err(|_| format!("{head:?} is no position"))?;
        event.position = head + 1;
        event.hash = event.computed_hash();
        let statement = statement(&event, head);
        match platform.block_on(platform.postgres.execute(&format!("eseal_{service}"), &statement)) {
            Ok(()) => return Ok(()),
            Err(error) if error.to_string().contains("somebody was faster") => {}
            Err(error) => return Err(format!("{service}: {error}")),
        }
    }
    Err(format!("{service} never stood still long enough to append a fact"))
}

fn statement(event: &StoredEvent, head: u64) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let bytes = |bytes: &[u8]| format!("'\\x{}'", hex::encode(bytes));
    let values = [
        event.position.to_string(),
        quoted(&event.event_id.to_string()),
        quoted(event.stream_id.as_str()),
        event.stream_version.to_string(),
        quoted(&event.kind),
        event.schema_version.to_string(),
        event.occurred_at.micros().to_string(),
        quoted(&event.actor.to_string()),
        quoted(&event.subject),
        quoted(&event.correlation_id),
        "NULL".to_owned(),
        bytes(&event.payload),
        "NULL".to_owned(),
        bytes(event.hash.bytes()),
        event.traceparent.as_deref().map_or("NULL".to_owned(), quoted),
    ];
    format!(
        "DO $$ BEGIN \
           PERFORM 1 FROM head WHERE position = {head} FOR UPDATE; \
           IF NOT FOUND THEN RAISE EXCEPTION 'somebody was faster'; END IF; \
           INSERT INTO events (position, event_id, stream_id, stream_version, type, schema_version, occurred_at, actor, \
             subject, correlation_id, causation_id, payload, prev_hash, hash, traceparent) VALUES ({}); \
           UPDATE head SET position = {}; \
         END $$;",
        values.join(", "),
        event.position
    )
}
