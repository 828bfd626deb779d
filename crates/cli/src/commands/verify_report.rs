//! Reports as files: for people, for programs, for other validation software.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use eseal_documents::{DocumentReport, Limits, Progress, Source};
use eseal_report::draw::Drawer;
use eseal_report::{Exhibits, Face, Report, etsi, html, pdf};

use zeroize::Zeroizing;

use super::Env;
use crate::args::{ReportForm, Verify};
use crate::failure::{Failure, may_be_written, write_file};
use crate::lang::Lang;

/// A document that is verified, read once however often it is asked for.
pub struct Document<'a> {
    path: &'a Path,
    source: Source,
    password: Zeroizing<String>,
    limits: Limits,
    found: OnceCell<DocumentReport>,
}

impl<'a> Document<'a> {
    /// The content of the file at `path`, with the password of an encrypted PDF, and what it may ask for.
    pub const fn new(path: &'a Path, source: Source, password: Zeroizing<String>, limits: Limits) -> Self {
        Self { path, source, password, limits, found: OnceCell::new() }
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        self.source.as_ref().as_ref()
    }

    /// The name of its file, without the folders, which are nobody else's business.
    pub fn name(&self) -> Option<String> {
        self.path.file_name().map(|name| name.to_string_lossy().into_owned())
    }

    /// What its bytes say.
    pub fn found(&self, env: &Env) -> Result<&DocumentReport, Failure> {
        if let Some(found) = self.found.get() {
            return Ok(found);
        }
        let bar = env.output.bar(env.lang().pick("验证", "verifying"));
        let mut on_progress = |Progress { done, total }: Progress| {
            bar.set_length(total);
            bar.set_position(done);
        };
        let found = eseal_documents::verify_with(&self.source, &self.password, &self.limits, &mut on_progress);
        bar.finish_and_clear();
        let found = found.map_err(|error| Failure::document(env.lang(), &error))?;
        Ok(self.found.get_or_init(|| found))
    }
}

/// The limits of documents, with those that the command line names.
pub fn limits(lang: Lang, named: &[String]) -> Result<Limits, Failure> {
    let mut limits = Limits::default();
    for named in named {
        let wrong = |why: &dyn std::fmt::Display| Failure::usage(lang, format_args!("--limit {named}: {why}"));
        let (name, number) = named.split_once('=').ok_or_else(|| wrong(&"NAME=NUMBER"))?;
        limits.set(name, number.parse::<u64>().map_err(|error| wrong(&error))?).map_err(|error| wrong(&error))?;
    }
    Ok(limits)
}

/// The reports that are asked for, each with its file; asked before anything is done.
pub fn wanted(lang: Lang, args: &Verify) -> Result<Vec<(ReportForm, &PathBuf)>, Failure> {
    if args.report.len() != args.output.len() {
        let why = lang.pick("每个 --report 需要一个 -o 文件", "every --report needs its own -o FILE");
        return Err(Failure::usage(lang, why));
    }
    let wanted: Vec<_> = args.report.iter().copied().zip(&args.output).collect();
    wanted.iter().try_for_each(|(_, path)| may_be_written(lang, path))?;
    Ok(wanted)
}

/// Writes them, and adds to `report` what the document itself says where the service judged it.
pub fn write(
    env: &Env,
    wanted: &[(ReportForm, &PathBuf)],
    font: Option<&Path>,
    report: &mut Report,
    document: &Document<'_>,
) -> Result<(), Failure> {
    if wanted.is_empty() {
        return Ok(());
    }
    let found = document.found(env)?;
    report.add_facts(found);
    let exhibits = OnceCell::new();
    let drawn = || exhibits.get_or_init(|| draw(env, found, document, font));
    for (form, path) in wanted {
        let content = match form {
            ReportForm::Html => html::page(report, drawn()).into_bytes(),
            ReportForm::Pdf => pdf_of(env.lang(), report, drawn(), font)?,
            ReportForm::Json => serde_json::to_vec_pretty(report).unwrap_or_default(),
            ReportForm::Xml => etsi::document(report, found).into_bytes(),
        };
        write_file(env.lang(), path, &content, false)?;
        env.output.say(&format!("{} {}", env.lang().pick("报告:", "report:"), path.display()));
    }
    Ok(())
}

/// Without pictures where this program can't be started once more: the report says so in their places.
fn draw(env: &Env, found: &DocumentReport, document: &Document<'_>, font: Option<&Path>) -> Exhibits {
    env.output.say(env.lang().pick("正在绘制页面", "drawing pages"));
    match Drawer::this_program() {
        Ok(drawer) => Exhibits::draw(found, document.bytes(), &Drawer { font: font.map(Path::to_owned), ..drawer }),
        Err(_) => Exhibits::default(),
    }
}

fn pdf_of(lang: Lang, report: &Report, exhibits: &Exhibits, font: Option<&Path>) -> Result<Vec<u8>, Failure> {
    let face = Face::find(font).map_err(|error| {
        let advice = lang.pick(
            "安装中文字体(如 fonts-wqy-microhei),或用 --font 指定字体文件",
            "install a Chinese font (such as fonts-wqy-microhei), or name a font file with --font",
        );
        Failure::new(crate::failure::Kind::Usage, "FONT_UNUSABLE", lang).because(error).advise(advice)
    })?;
    pdf::document(report, exhibits, &face)
        .map_err(|error| Failure::new(crate::failure::Kind::Usage, "FONT_UNUSABLE", lang).because(error))
}
