//! Tells each step with its time, and stops the demo where something is not as it should be.

use std::path::Path;
use std::time::{Duration, Instant};

use eseal_e2e::programs::Answer;
use serde_json::{Value, json};

/// Who tells the story.
pub struct Narrator {
    begun: Instant,
    told: Vec<(String, Duration, Option<String>)>,
}

#[expect(clippy::print_stdout, reason = "telling is its purpose")]
impl Narrator {
    pub fn new() -> Self {
        Self { begun: Instant::now(), told: Vec::new() }
    }

    /// A new part of the story.
    pub fn chapter(&self, title: &str) {
        println!("\n{title}");
    }

    /// A step that works.
    pub fn step<T>(&mut self, what: &str, work: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let result = work();
        self.tell(what, begun.elapsed(), None);
        result
    }

    /// A step that must be refused for exactly this reason.
    pub fn refused(&mut self, what: &str, reason: &str, work: impl FnOnce() -> Answer) -> Answer {
        let begun = Instant::now();
        let answer = work();
        assert!(
            answer.code == 1,
            "{what}: expected a refusal, but exit {}: {} {}",
            answer.code,
            answer.error,
            answer.text
        );
        assert_eq!(answer.reason(), reason, "{what}: {}", answer.error);
        self.tell(what, begun.elapsed(), Some(reason));
        answer
    }

    fn tell(&mut self, what: &str, time: Duration, refused: Option<&str>) {
        let sign = if refused.is_some() { "✗" } else { "✓" };
        let reason = refused.map(|reason| format!("  [{reason}]")).unwrap_or_default();
        println!("  {sign} {:>6} ms  {what}{reason}", time.as_millis());
        self.told.push((what.to_owned(), time, refused.map(str::to_owned)));
    }

    /// What was told, for the report.
    pub fn steps(&self) -> Value {
        let step = |(what, time, refused): &(String, Duration, Option<String>)| json!({ "step": what, "milliseconds": u64::try_from(time.as_millis()).unwrap_or(u64::MAX), "refused": refused });
        self.told.iter().map(step).collect()
    }

    /// The end, and what is left.
    pub fn end(&self, output: &Path) {
        println!(
            "\n完成 · done: {} steps, {:.1} s. 产物 · left in {}:",
            self.told.len(),
            self.begun.elapsed().as_secs_f32(),
            output.display()
        );
        let mut names: Vec<_> =
            std::fs::read_dir(output).into_iter().flatten().flatten().map(|e| e.file_name()).collect();
        names.sort();
        for name in names {
            println!("  {}", name.display());
        }
    }
}
