//! Histories.

use std::io::Write as _;
use std::path::Path;

use eseal_proto::event::v1 as pb;
use eseal_proto::event::v1::event_log_service_client::EventLogServiceClient;
use eseal_proto::event_line;
use serde_json::json;

use super::Env;
use crate::args::{Events, Owner};
use crate::connect::{Line, MAX_MESSAGE, Server};
use crate::failure::{Failure, may_be_written, open_to_others};
use crate::lang::Lang;

const ALL: [Owner; 4] = [Owner::Application, Owner::Fabrication, Owner::Authentication, Owner::Verification];

pub async fn events(env: &Env, command: Events) -> Result<(), Failure> {
    match command {
        Events::Read { owners, after, output } => {
            let owners = if owners.is_empty() { ALL.to_vec() } else { owners };
            read(env, &owners, after, output.as_deref()).await
        }
        Events::Tail { owner, after } => tail(env, owner, after).await,
    }
}

async fn read(env: &Env, owners: &[Owner], after: u64, output: Option<&Path>) -> Result<(), Failure> {
    let (server, lang) = (env.server()?, env.lang());
    let mut file = match output {
        Some(path) => Some((path, temporary(lang, path)?)),
        None => None,
    };
    let mut count = 0_u64;
    for owner in owners {
        let mut cursor = after;
        loop {
            let request = pb::ReadEventsRequest { owner: owner.name().to_owned(), after_position: cursor, limit: 1000 };
            let page = server.answer(client(&server).read_events(request).await)?;
            for event in &page.events {
                cursor = event.position;
                count += 1;
                match &mut file {
                    Some((path, file)) => {
                        writeln!(file, "{}", event_line(event)).map_err(|e| Failure::unwritable(lang, path, &e))?;
                    }
                    None => env.output.stream(&event_line(event), &as_words(event)),
                }
            }
            if page.events.is_empty() || cursor >= page.head_position {
                break;
            }
        }
    }
    if let Some((path, mut file)) = file {
        let unwritable = |error: std::io::Error| Failure::unwritable(lang, path, &error);
        file.flush().and_then(|()| open_to_others(file.as_file())).map_err(unwritable)?;
        file.persist(path).map_err(|error| unwritable(error.error))?;
        env.output.result(&json!({ "written": path, "events": count }), format!("{} ({count})", path.display()));
    }
    Ok(())
}

async fn tail(env: &Env, owner: Owner, after: u64) -> Result<(), Failure> {
    let server = env.server()?;
    let request = pb::TailEventsRequest { owner: owner.name().to_owned(), after_position: after };
    let mut stream = server.answer(client(&server).tail_events(request).await)?;
    loop {
        match stream.message().await {
            Ok(Some(message)) => {
                let event = message.event.unwrap_or_default();
                env.output.stream(&event_line(&event), &as_words(&event));
            }
            Ok(None) => return Ok(()),
            Err(status) => return Err(Failure::status(server.lang, &server.address, &status)),
        }
    }
}

fn client(server: &Server) -> EventLogServiceClient<Line> {
    EventLogServiceClient::new(server.line()).max_decoding_message_size(MAX_MESSAGE)
}

fn temporary(lang: Lang, path: &Path) -> Result<tempfile::NamedTempFile, Failure> {
    may_be_written(lang, path)?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    tempfile::NamedTempFile::new_in(folder).map_err(|error| Failure::unwritable(lang, path, &error))
}

fn as_words(event: &pb::Event) -> String {
    let kind = event.r#type.rsplit('.').next().unwrap_or_default();
    let pb::Event { occurred_at, owner, position, actor, subject, .. } = event;
    format!("{occurred_at}  {owner}#{position}  {kind}  {subject}  {actor}")
}
