//! What the telemetry of a story must be, wherever the services run.

use std::collections::{BTreeMap, BTreeSet};

use eseal_testkit::otlp::{Attributes, Collector, Span, SpanKind};

/// The settings of a process whose telemetry goes to this collector, as a section of its file.
pub fn settings(collector: &Collector) -> String {
    format!(
        "[telemetry]\nformat = \"json\"\nfilter = \"debug\"\notlp_endpoint = \"{}\"\nmetrics_interval = \"200ms\"\n",
        collector.endpoint()
    )
}

/// The same for each process of a distributed system, as variables of its environment.
pub fn variables(collector: &Collector) -> Vec<(String, String)> {
    let settings = [
        ("FORMAT", "json".to_owned()),
        ("FILTER", "debug".to_owned()),
        ("OTLP_ENDPOINT", collector.endpoint()),
        ("METRICS_INTERVAL", "200ms".to_owned()),
    ];
    settings.map(|(name, value)| (format!("ESEAL_TELEMETRY__{name}"), value)).into()
}

/// The story of one application, as its spans tell it.
#[derive(Debug)]
pub struct Story {
    spans: BTreeMap<String, Span>,
    application: String,
    seal: String,
}

impl Story {
    /// The spans until now of this application and its seal; nothing as long as the registration of the seal is not
    /// among them, or has not reached the application.
    pub fn so_far(collector: &Collector, application: &str, seal: &str) -> Option<Self> {
        let spans = collector.spans().into_iter().map(|span| (span.span_id.clone(), span)).collect();
        let story = Self { spans, application: format!("application-{application}"), seal: format!("seal-{seal}") };
        // The commits and the RPCs around a decision end a moment later.
        let is_told = |stream, command| {
            let mut decisions = story.decisions(stream, command).peekable();
            decisions.peek().is_some() && decisions.all(|decision| story.commits_of(decision).next().is_some())
        };
        let complete = is_told(&story.seal, "Register") && is_told(&story.application, "NoteSealState");
        complete.then_some(story)
    }

    /// Whether every process has told its part: of each span the parent, of each call the other side, and what the
    /// fabrication decided. Each process tells in its own time.
    pub fn is_whole(&self) -> bool {
        let fabrication = self.application.replace("application-", "fabrication-");
        let made = ["Queue", "ConfirmSeal"].iter().all(|step| {
            let mut decisions = self.decisions(&fabrication, step);
            decisions.any(|decision| self.commits_of(decision).next().is_some())
        });
        let trace = self.decisions(&self.application, "Submit").next().map(|submitted| submitted.trace_id.clone());
        let mut of_trace = self.spans.values().filter(|span| Some(&span.trace_id) == trace.as_ref());
        let served = |call: &Span| self.spans.values().any(|span| span.parent.as_ref() == Some(&call.span_id));
        let has_parent = |span: &Span| span.parent.as_ref().is_none_or(|parent| self.spans.contains_key(parent));
        made && of_trace.all(|span| has_parent(span) && (span.kind != SpanKind::Client || served(span)))
    }

    /// Holds the story to one trace: from the submission by the approval and the fabrication to the registered seal,
    /// each step below what it follows from.
    ///
    /// # Panics
    /// It is not so; says what.
    pub fn is_one_trace(&self) {
        let submitted = self.one(&self.application, "Submit");
        let trace = &submitted.trace_id;
        // Through the gateway or not: nothing but the request itself is above its decision.
        let mut asked = self.parent(submitted);
        assert_eq!((asked.kind, ends(&asked.name)), (SpanKind::Server, "SubmitApplication"), "{asked:?}");
        while asked.parent.is_some() {
            asked = self.parent(asked);
            assert_eq!(ends(&asked.name), "SubmitApplication", "{asked:?}");
        }
        assert_eq!((asked.kind, &asked.trace_id), (SpanKind::Server, trace), "the submission begins the trace");

        self.approval_continues(submitted);
        self.reactions_hang_below_their_events();
        for span in self.of_the_story() {
            assert_eq!(&span.trace_id, trace, "in another trace: {span:?}");
        }
        for span in self.spans.values().filter(|span| &span.trace_id == trace) {
            let known = span.parent.as_ref().is_none_or(|parent| self.spans.contains_key(parent));
            assert!(known, "its parent was never sent: {span:?}");
            // A delivery may be tried again.
            assert!(!span.failed || span.kind == SpanKind::Consumer, "it failed: {span:?}");
        }
        let roots = self.spans.values().filter(|span| &span.trace_id == trace && span.parent.is_none());
        assert_eq!(roots.count(), 1, "the trace has more than one beginning");
        self.commits_are_linked(trace);
        self.calls_have_two_sides(trace);
    }

    /// Another person's request continues the trace of the application, and is linked to its own.
    fn approval_continues(&self, submitted: &Span) {
        let approved = self.one(&self.application, "Approve");
        assert_eq!(approved.parent.as_ref(), Some(&submitted.span_id), "the approval hangs below the submission");
        let [(linked_trace, linked)] = &approved.links[..] else { panic!("no link to who approved: {approved:?}") };
        let asked = self.spans.get(linked).expect("the request of the reviewer");
        assert_eq!((asked.kind, ends(&asked.name)), (SpanKind::Server, "ApproveApplication"));
        assert_eq!(linked_trace, &asked.trace_id);
        assert_ne!(asked.trace_id, submitted.trace_id, "the reviewer's request has a trace of its own");
    }

    fn reactions_hang_below_their_events(&self) {
        let fabrication = self.application.replace("application-", "fabrication-");
        let steps = [
            (fabrication.as_str(), "Queue", "process eseal.application.v1.Approved", "fabrication"),
            (self.seal.as_str(), "Register", "process eseal.fabrication.v1.SealFabricated", "authentication"),
            (self.application.as_str(), "NoteSealMade", "process eseal.fabrication.v1.SealFabricated", "application"),
            (
                self.application.as_str(),
                "NoteSealState",
                "process eseal.authentication.v1.SealRegistered",
                "application",
            ),
        ];
        for (stream, command, process, consumer) in steps {
            let decision = self.one(stream, command);
            let handling = self.parent(decision);
            assert_eq!((handling.kind, handling.name.as_str()), (SpanKind::Consumer, process), "{decision:?}");
            assert_eq!(value(&handling.attributes, "messaging.consumer.group.name"), consumer);
            let cause = self.parent(handling);
            assert!(cause.name.starts_with("decide "), "an event's handling hangs below its decision: {cause:?}");
        }
        for step in ["BeginRun", "PresentMakerCard", "PresentSealCard", "SignSeal", "ConfirmSeal"] {
            let handling = self.parent(self.one(&fabrication, step));
            assert_eq!(handling.kind, SpanKind::Consumer, "nobody asked for {step}: it is an effect");
        }
    }

    /// A commit serves many: it is in nobody's trace, and linked to each decision in it.
    fn commits_are_linked(&self, trace: &str) {
        for span in self.of_the_story().filter(|span| value(&span.attributes, "eseal.outcome") == "recorded") {
            let commits: Vec<_> = self.commits_of(span).collect();
            assert!(!commits.is_empty(), "no commit is linked to {span:?}");
            assert!(commits.iter().all(|commit| commit.trace_id != trace && commit.parent.is_none()), "{commits:?}");
        }
    }

    fn calls_have_two_sides(&self, trace: &str) {
        let calls = self.spans.values().filter(|span| span.trace_id == trace && span.kind == SpanKind::Client);
        let mut methods = BTreeSet::new();
        for call in calls {
            let served = self.spans.values().find(|span| span.parent.as_ref() == Some(&call.span_id));
            let served = served.unwrap_or_else(|| panic!("nobody served {call:?}"));
            assert_eq!((served.kind, &served.name, &served.trace_id), (SpanKind::Server, &call.name, &call.trace_id));
            assert_eq!(value(&call.attributes, "rpc.response.status_code"), "OK", "{call:?}");
            methods.insert(ends(&call.name));
        }
        assert!(methods.contains("GetSealContent") || methods.len() > 1, "the services did not call each other");
    }

    fn of_the_story(&self) -> impl Iterator<Item = &Span> {
        let fabrication = self.application.replace("application-", "fabrication-");
        self.spans.values().filter(move |span| {
            let stream = value(&span.attributes, "eseal.stream");
            let on_it = [&self.application, &fabrication].iter().any(|ours| *ours == stream);
            on_it || (stream == self.seal && span.name == "decide Register")
        })
    }

    fn decisions<'a>(&'a self, stream: &'a str, command: &'a str) -> impl Iterator<Item = &'a Span> {
        let of_it = move |span: &&Span| {
            value(&span.attributes, "eseal.stream") == stream && value(&span.attributes, "eseal.command") == command
        };
        self.spans.values().filter(of_it)
    }

    fn one<'a>(&'a self, stream: &'a str, command: &'a str) -> &'a Span {
        let recorded = |span: &&Span| value(&span.attributes, "eseal.outcome") == "recorded";
        let found: Vec<_> = self.decisions(stream, command).filter(recorded).collect();
        let [one] = found[..] else { panic!("{} decisions to {command} on {stream}: {found:?}", found.len()) };
        one
    }

    fn parent(&self, span: &Span) -> &Span {
        let parent = span.parent.as_ref().and_then(|parent| self.spans.get(parent));
        parent.unwrap_or_else(|| panic!("no parent of {span:?}"))
    }

    fn commits_of(&self, decision: &Span) -> impl Iterator<Item = &Span> {
        let of_it = (decision.trace_id.clone(), decision.span_id.clone());
        self.spans.values().filter(move |span| span.name == "commit" && span.links.contains(&of_it))
    }
}

/// The sum of a metric over all series with these attributes.
pub fn total(collector: &Collector, name: &str, with: &[(&str, &str)]) -> f64 {
    let fits = |attributes: &Attributes| with.iter().all(|(key, expected)| value(attributes, key) == *expected);
    collector.metrics().iter().filter(|series| series.name == name && fits(&series.attributes)).map(|s| s.value).sum()
}

/// Where `word` stands in `text`. A number, such as a PIN, must stand by itself: the ids and hashes of a story hold any digits.
pub fn told(text: &[u8], word: &str) -> Option<String> {
    let word = word.as_bytes();
    let is_number = word.iter().all(u8::is_ascii_digit);
    let joined = |byte: Option<&u8>| is_number && byte.is_some_and(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let places = text.windows(word.len()).enumerate().filter(|(_, window)| *window == word).map(|(at, _)| at);
    let at = places
        .filter(|at| !joined(at.checked_sub(1).and_then(|before| text.get(before))))
        .find(|at| !joined(text.get(at + word.len())))?;
    let around = &text[at.saturating_sub(80)..(at + word.len() + 80).min(text.len())];
    Some(String::from_utf8_lossy(around).into_owned())
}

fn value<'a>(attributes: &'a Attributes, key: &str) -> &'a str {
    attributes.get(key).map_or("", String::as_str)
}

/// The method of `package.Service/Method`.
fn ends(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or_default()
}
