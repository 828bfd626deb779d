//! The life of a seal, from events alone.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use eseal_history::{Check, Life, Moment, Subject, Survey, json_line};
use eseal_kernel::{Clock, Id, Timestamp};
use eseal_proto::event::v1 as pb;
use eseal_proto::event::v1::event_log_service_client::EventLogServiceClient;
use indicatif::ProgressBar;

use super::Env;
use super::history_view::View;
use crate::args::{History, Owner};
use crate::connect::{Line, MAX_MESSAGE, Server};
use crate::failure::{Failure, Kind};
use crate::lang::Lang;

const ALL: [Owner; 4] = [Owner::Application, Owner::Fabrication, Owner::Authentication, Owner::Verification];
/// The most events of a page, as the server has it.
const PAGE: u32 = 1_000;

/// By owner, the first and the last position that matter.
type Spans = BTreeMap<String, (u64, u64)>;

pub async fn history(env: &Env, args: &History) -> Result<ExitCode, Failure> {
    let lang = env.lang();
    let subject = subject(lang, args)?;
    let moment = args.as_of.as_deref().map(|text| moment(lang, text, &Clock::System)).transpose()?;
    if moment.is_some() && subject.is_none() {
        let why = lang.pick("--as-of 需要印章或申请", "--as-of needs a seal or an application");
        return Err(Failure::usage(lang, why));
    }
    let mut survey = Survey::new(args.check);
    let source = Source::open(env, args.from.as_deref(), &mut survey).await?;
    let bar = env.output.count(lang.pick("读取事件", "reading events"), source.size());
    source.read(None, &bar, &mut |event| survey.read(&event)).await?;
    let life = match subject {
        Some(subject) => Some(source.life(&survey, subject, lang, &bar).await?),
        None => None,
    };
    bar.finish_and_clear();
    let checks = args.check.then(|| survey.checks());
    let passed = checks.as_ref().is_none_or(|checks| checks.values().all(Check::passed));
    let standing = life.as_ref().zip(moment).map(|(life, moment)| life.as_of(moment));
    let view = View { life: life.as_ref(), standing: standing.as_ref(), checks: checks.as_ref(), lang };
    env.output.result(&view.to_json(), view.to_words());
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn subject(lang: Lang, args: &History) -> Result<Option<Subject>, Failure> {
    let id = |text: &str| {
        text.parse::<Id>().map_err(|_| {
            let why = lang.pick("不是编号(UUID,36 个字符)", "not an id (a UUID of 36 characters)");
            Failure::usage(lang, format_args!("{text}: {why}"))
        })
    };
    match (&args.seal, &args.application) {
        (Some(seal), _) => Ok(Some(Subject::Seal(id(seal)?))),
        (None, Some(application)) => Ok(Some(Subject::Application(id(application)?))),
        (None, None) => Ok(None),
    }
}

/// A date is its end in Beijing, where there is no summer time: what was so "on that day" includes the day.
fn moment(lang: Lang, text: &str, clock: &Clock) -> Result<Moment, Failure> {
    if text == "now" {
        return Ok(Moment::Now(clock.now()));
    }
    let is_date = text.len() == 10 && !text.contains('T');
    let parsed: Result<Timestamp, _> =
        if is_date { format!("{text}T23:59:59.999999+08:00").parse() } else { text.parse() };
    parsed.map(Moment::At).map_err(|_| {
        let why = lang.pick(
            "应为 RFC 3339 时间(如 2026-11-28T08:00:00+08:00)、日期(如 2026-11-28)或 now",
            "expected RFC 3339 (such as 2026-11-28T08:00:00+08:00), a date (such as 2026-11-28) or now",
        );
        Failure::usage(lang, format_args!("--as-of {text}: {why}"))
    })
}

/// Where events come from. They are read twice: the first time to learn what belongs together.
enum Source {
    /// What `eseal events read --output` wrote.
    File { lang: Lang, path: PathBuf, file: File, bytes: u64 },
    /// The services, each up to where its history ended when the replay began.
    Server { server: Server, heads: Vec<(Owner, u64)> },
}

impl Source {
    async fn open(env: &Env, from: Option<&Path>, survey: &mut Survey) -> Result<Self, Failure> {
        let lang = env.lang();
        if let Some(path) = from {
            let unreadable = |error: std::io::Error| Failure::unreadable(lang, path, &error);
            let file = File::open(path).map_err(unreadable)?;
            let about = file.metadata().map_err(unreadable)?;
            if !about.is_file() {
                // It is read twice.
                let why = lang.pick("不是普通文件", "not a regular file");
                let why = format!("{}: {why}", path.display());
                return Err(Failure::new(Kind::Usage, "FILE_UNREADABLE", lang).because(why));
            }
            return Ok(Self::File { lang, path: path.to_owned(), file, bytes: about.len() });
        }
        let server = env.server()?;
        let mut heads = Vec::new();
        for owner in ALL {
            let request = pb::OpenReplayRequest { owner: owner.name().to_owned() };
            let opened = server.answer(client(&server).open_replay(request).await)?;
            survey.expect(owner.name(), opened.head_position);
            heads.push((owner, opened.head_position));
        }
        Ok(Self::Server { server, heads })
    }

    /// How much there is to read, in events of a server or bytes of a file.
    fn size(&self) -> u64 {
        match self {
            Self::File { bytes, .. } => *bytes,
            Self::Server { heads, .. } => heads.iter().map(|(_, head)| head).sum(),
        }
    }

    /// The second reading: what belongs to `subject`.
    async fn life(&self, survey: &Survey, subject: Subject, lang: Lang, bar: &ProgressBar) -> Result<Life, Failure> {
        let scope = survey.scope(subject).ok_or_else(|| {
            let (Subject::Seal(id) | Subject::Application(id)) = subject;
            Failure::new(Kind::Refused, "NOT_IN_HISTORY", lang).because(id)
        })?;
        let (spans, mut life) = (survey.spans(&scope), Life::new(scope));
        self.read(Some(&spans), bar, &mut |event| life.read(event)).await?;
        life.settle(survey).map_err(|changed| {
            let (owner, stream) = (changed.owner, changed.stream_id);
            Failure::new(Kind::Refused, "HISTORY_CHANGED", lang).because(format_args!("{owner} {stream}"))
        })
    }

    /// Reads everything, or what lies in `spans`, in order of owner and position.
    async fn read(
        &self,
        spans: Option<&Spans>,
        bar: &ProgressBar,
        take: &mut (dyn FnMut(pb::Event) + Send),
    ) -> Result<(), Failure> {
        match self {
            Self::File { lang, path, file, .. } => read_file(*lang, path, file, bar, take),
            Self::Server { server, heads } => {
                for (owner, head) in heads {
                    match spans.map(|spans| spans.get(owner.name())) {
                        None => read_owner(server, *owner, (1, *head), bar, take).await?,
                        Some(Some(span)) => read_owner(server, *owner, *span, bar, take).await?,
                        Some(None) => {}
                    }
                }
                Ok(())
            }
        }
    }
}

/// The events of one owner from the first to the last position of the span.
async fn read_owner(
    server: &Server,
    owner: Owner,
    (first, last): (u64, u64),
    bar: &ProgressBar,
    take: &mut (dyn FnMut(pb::Event) + Send),
) -> Result<(), Failure> {
    let mut cursor = first.saturating_sub(1);
    while cursor < last {
        let request = pb::ReadEventsRequest { owner: owner.name().to_owned(), after_position: cursor, limit: PAGE };
        let page = server.answer(client(server).read_events(request).await)?;
        let before = cursor;
        for event in page.events.into_iter().filter(|event| event.position <= last) {
            // The owner is who was asked, whatever the event says.
            cursor = cursor.max(event.position);
            bar.inc(1);
            take(pb::Event { owner: owner.name().to_owned(), ..event });
        }
        if cursor == before {
            break; // the end is missing: the check says so
        }
    }
    Ok(())
}

fn read_file(
    lang: Lang,
    path: &Path,
    mut file: &File,
    bar: &ProgressBar,
    take: &mut (dyn FnMut(pb::Event) + Send),
) -> Result<(), Failure> {
    let unreadable = |error: std::io::Error| Failure::unreadable(lang, path, &error);
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    let mut reader = BufReader::new(file);
    let (mut line, mut number, mut events) = (String::new(), 0_u64, 0_u64);
    let bad = |number: u64, why: &dyn std::fmt::Display| {
        let why = format!("{}:{number}: {why}", path.display());
        Failure::new(Kind::Usage, "FILE_UNREADABLE", lang).because(why)
    };
    loop {
        line.clear();
        let read = reader.by_ref().take(json_line::MAX_LINE as u64 + 1).read_line(&mut line).map_err(unreadable)?;
        number += 1;
        match line.trim_end() {
            _ if read == 0 => break,
            _ if read > json_line::MAX_LINE => {
                return Err(bad(number, &format_args!("> {} bytes", json_line::MAX_LINE)));
            }
            "" => {}
            text => {
                take(json_line::read(text).map_err(|error| bad(number, &error))?);
                events += 1;
            }
        }
        bar.inc(read as u64);
    }
    if events == 0 {
        return Err(bad(number, &lang.pick("没有事件", "no events")));
    }
    Ok(())
}

fn client(server: &Server) -> EventLogServiceClient<Line> {
    EventLogServiceClient::new(server.line()).max_decoding_message_size(MAX_MESSAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Moment, String> {
        let clock = Clock::fixed(Timestamp::from_seconds(7));
        moment(Lang::En, text, &clock).map_err(|failure| failure.code)
    }

    #[test]
    fn a_date_is_its_end_in_beijing() {
        let end = "2026-11-28T15:59:59.999999Z".parse().unwrap();
        assert_eq!(parsed("2026-11-28"), Ok(Moment::At(end)));
    }

    #[test]
    fn a_moment_has_its_offset_and_now_is_now() {
        let at = "2026-11-28T00:00:00Z".parse().unwrap();
        assert_eq!(parsed("2026-11-28T08:00:00+08:00"), Ok(Moment::At(at)));
        assert_eq!(parsed("now"), Ok(Moment::Now(Timestamp::from_seconds(7))));
    }

    #[test]
    fn what_is_no_moment_is_wrong_usage() {
        for text in ["", "yesterday", "2026-13-01", "2026-02-30", "2026-11-28T08:00:00", "2026/11/28", "20261128"] {
            assert_eq!(parsed(text), Err("USAGE".to_owned()), "{text}");
        }
    }
}
