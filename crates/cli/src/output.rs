//! What people read, and what scripts read.

use std::io::{IsTerminal as _, Write as _};

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{ContentArrangement, Table};
use indicatif::{ProgressBar, ProgressStyle};
use owo_colors::{OwoColorize as _, Stream};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::lang::Lang;

/// The fewest columns that a table is fitted into.
const NARROWEST: u16 = 60;

/// Where results go: people's words or one JSON value, to standard output; everything else to standard error.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// JSON instead of words.
    pub json: bool,
    /// The language of words.
    pub lang: Lang,
}

impl Output {
    /// The same without bars: for work that several do at a time.
    #[must_use]
    pub const fn quiet(self) -> Self {
        Self { json: true, ..self }
    }

    /// A result: `value` for scripts, `words` for people.
    pub fn result(self, value: &Value, words: impl AsRef<str>) {
        let text =
            if self.json { serde_json::to_string_pretty(value).unwrap_or_default() } else { words.as_ref().to_owned() };
        self.line(&text);
    }

    /// One line of a stream of results.
    pub fn stream(self, value: &Value, words: &str) {
        let text = if self.json { value.to_string() } else { words.to_owned() };
        self.line(&text);
    }

    /// A closed pipe (`| head`) ends the output, and is no error.
    fn line(self, text: &str) {
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{text}").and_then(|()| out.flush());
    }

    /// Something that people want to know on the way; scripts don't.
    pub fn say(self, text: &str) {
        if !self.json {
            let _ = writeln!(std::io::stderr().lock(), "{text}");
        }
    }

    /// A failure with its advice.
    pub fn fail(self, failure: &Failure) {
        let mut err = std::io::stderr().lock();
        if self.json {
            let facts: serde_json::Map<_, _> = failure.facts.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
            let error = json!({ "error": { "code": failure.code, "text": failure.text, "advice": failure.advice, "facts": facts } });
            let _ = writeln!(err, "{error}");
            return;
        }
        let code = format!("[{}]", failure.code);
        let _ = writeln!(
            err,
            "{} {} {}",
            self.lang.pick("错误:", "error:").if_supports_color(Stream::Stderr, |t| t.red()),
            failure.text,
            code.if_supports_color(Stream::Stderr, |t| t.dimmed()),
        );
        for (name, value) in &failure.facts {
            let _ = writeln!(err, "  {name}: {value}");
        }
        if let Some(advice) = &failure.advice {
            let _ = writeln!(err, "{} {advice}", self.lang.pick("建议:", "hint:"));
        }
    }

    /// A failure that does not end the work: scripts find it in the result.
    pub fn fail_on_the_way(self, failure: &Failure) {
        if !self.json {
            self.fail(failure);
        }
    }

    /// A table of rows; a sentence where there are none.
    pub fn table(self, head: &[&str], rows: Vec<Vec<String>>) -> String {
        if rows.is_empty() {
            return self.lang.pick("(无)", "(none)").to_owned();
        }
        let mut table = Table::new();
        table.load_style(UTF8_HORIZONTAL_ONLY);
        // A terminal that does not know its width says 0; in so few columns a table would be a letter wide.
        if table.width().is_none_or(|width| width >= NARROWEST) {
            table.set_content_arrangement(ContentArrangement::Dynamic);
        }
        table.set_header(head.to_vec());
        table.add_rows(rows);
        table.to_string()
    }

    /// A bar for long work on bytes: only for people at a terminal.
    pub fn bar(self, what: &str) -> ProgressBar {
        self.bar_of("{msg} [{bar:30}] {bytes}/{total_bytes} {eta}", what)
    }

    /// A bar for long work on many things.
    pub fn count(self, what: &str, total: u64) -> ProgressBar {
        let bar = self.bar_of("{msg} [{bar:30}] {human_pos}/{human_len} {eta}", what);
        bar.set_length(total);
        bar
    }

    fn bar_of(self, template: &str, what: &str) -> ProgressBar {
        if self.json || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template(template);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
        bar.set_message(what.to_owned());
        bar
    }
}

/// `name: value` lines, aligned; further lines of a value stand below its first.
pub fn fields(pairs: &[(&str, String)]) -> String {
    let shown: Vec<_> = pairs.iter().filter(|(_, value)| !value.is_empty()).collect();
    let width = shown.iter().map(|(name, _)| display_width(name)).max().unwrap_or(0);
    let below = format!("\n{}", " ".repeat(width + 2));
    let line = |(name, value): &&(&str, String)| {
        format!("{name}{}  {}", " ".repeat(width - display_width(name)), value.replace('\n', &below))
    };
    shown.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Columns that a text takes: Chinese characters take two.
fn display_width(text: &str) -> usize {
    text.chars().map(|c| if (c as u32) >= 0x2E80 { 2 } else { 1 }).sum()
}
