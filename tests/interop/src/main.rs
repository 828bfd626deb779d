//! `make interop CORPUS=…`: what this program says of documents that others made, beside what is known of them.
//!
//! A corpus is a folder with `pdf/` and `ofd/`. What must be said of a file stands in `manifest.tsv` beside it, one file a
//! line with its label in the second column; for OFD files also in the table of the corpus's README. Files without an
//! expectation are judged and shown, and count for nothing.

mod corpus;
mod table;
mod verdict;

use std::io::{Write as _, stderr, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use eseal_documents::Limits;

use crate::table::{Counts, Row};

/// Judges a corpus of documents and compares the verdicts with what is known. 对照样本集检验验证结论。
#[derive(Debug, Parser)]
#[command(name = "eseal-interop", version)]
struct Cli {
    /// The folder with `pdf/` and `ofd/`. 样本目录。
    #[arg(long, value_name = "DIR", default_value = "../shared/samples")]
    corpus: PathBuf,
    /// One JSON object instead of a table. 以JSON输出。
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(counts) if counts.are_good() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(stderr(), "eseal-interop: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> std::io::Result<Counts> {
    let files = corpus::read(&cli.corpus)?;
    if files.is_empty() {
        writeln!(stderr(), "eseal-interop: skipped: there is no corpus in {}", cli.corpus.display())?;
        return Ok(Counts::default());
    }
    let limits = Limits::default();
    let rows: Vec<Row> = files.into_iter().map(|file| Row::of(file, &limits)).collect();
    let counts = Counts::of(&rows);
    let mut out = stdout().lock();
    if cli.json {
        table::write_json(&mut out, &rows, &counts)?
    } else {
        table::write(&mut out, &rows, &counts)?
    }
    Ok(counts)
}
