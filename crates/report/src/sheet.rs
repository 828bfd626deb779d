//! What people read, line by line: the same on a terminal, in HTML and in PDF. Text from the document is plain here
//! ([`words::plain`]), and still has to be escaped by whoever writes markup.

use std::str::FromStr as _;

use eseal_documents::{Check, Language, NoteCode};

use crate::model::{Note, Outcome, Place, Report, Seal, Severity, StatusAt, Step, Verdict};
use crate::words::{self, pick, plain};

/// Checks that are about the content: where one failed, that is what changed.
const OF_CONTENT: [Check; 4] = [Check::References, Check::ByteRange, Check::DataHash, Check::LaterChanges];
/// Notes that say what came after sealing.
const OF_CHANGES: [NoteCode; 5] = [
    NoteCode::LaterSignatures,
    NoteCode::ValidationDataAdded,
    NoteCode::FormFilled,
    NoteCode::CommentsPermitted,
    NoteCode::CommentsAdded,
];
/// The most places of a seal that are told one by one.
const MAX_PLACES: usize = 12;

/// A report for people.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    /// In which language.
    pub language: Language,
    /// What this is.
    pub title: &'static str,
    /// The verdict.
    pub tone: Tone,
    /// The verdict in a word or two.
    pub headline: &'static str,
    /// What it means.
    pub sentence: &'static str,
    /// Where something must be known whatever the verdict.
    pub warning: Option<&'static str>,
    /// Of the document.
    pub facts: Vec<Fact>,
    /// Seal by seal.
    pub seals: Vec<SealSheet>,
    /// On the document.
    pub notes: Vec<Line>,
    /// What was and was not done.
    pub closing: Vec<&'static str>,
}

/// One seal for people.
#[derive(Debug, Clone, PartialEq)]
pub struct SealSheet {
    /// Such as `Seal 1`.
    pub ordinal: String,
    /// The seal's name, or that of the field.
    pub title: String,
    /// The worst of its items.
    pub tone: Tone,
    /// Signer, content and impression.
    pub items: Vec<ItemLine>,
    /// Who, when and where.
    pub facts: Vec<Fact>,
    /// What changed after sealing.
    pub changes: Vec<Line>,
    /// What else there is to know.
    pub notes: Vec<Line>,
    /// Every check.
    pub steps: Vec<StepLine>,
}

/// How something is to be shown: a colour never stands alone, there is always a word beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// It holds.
    Good,
    /// It does not.
    Bad,
    /// It can't be said, or must be looked at.
    Unsure,
    /// Nothing to say about it.
    Neutral,
}

/// A name and what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What it is.
    pub label: &'static str,
    /// What it says.
    pub value: String,
    /// Whether it is to be compared digit by digit.
    pub exact: bool,
}

/// One of the three items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemLine {
    /// Its name.
    pub label: &'static str,
    /// The question that it answers.
    pub question: &'static str,
    /// How to show it.
    pub tone: Tone,
    /// A sign, for who looks.
    pub sign: &'static str,
    /// A word, for who reads.
    pub word: &'static str,
    /// Why it did not pass.
    pub reason: Option<Line>,
}

/// A sentence with its code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// How to show it.
    pub tone: Tone,
    /// What kind of line it is, such as `warning`; empty where that is plain.
    pub word: &'static str,
    /// The sentence.
    pub text: String,
    /// For support and programs; empty where there is none.
    pub code: String,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepLine {
    /// What was checked.
    pub text: String,
    /// Its code.
    pub code: String,
    /// How to show it.
    pub tone: Tone,
    /// As of an item.
    pub sign: &'static str,
    /// As of an item.
    pub word: &'static str,
    /// The reason and what explains it; empty where it passed.
    pub why: String,
}

impl Sheet {
    /// The report, for people who read its language.
    pub fn of(report: &Report) -> Self {
        let language = report.language();
        let (headline, sentence) = words::verdict(report.verdict, language);
        let warning =
            pick(language, "有警告:请查看下方标为“警告”的内容。", "There are warnings: read what is marked so below.");
        let seals = (1..).zip(&report.seals).map(|(number, seal)| SealSheet::of(seal, number, report, language));
        Self {
            language,
            title: pick(language, "电子签章验证报告", "Verification report"),
            tone: match report.verdict {
                Verdict::Valid if report.flagged => Tone::Unsure,
                Verdict::Valid => Tone::Good,
                Verdict::Invalid => Tone::Bad,
                Verdict::Indeterminate => Tone::Unsure,
                Verdict::Unsealed => Tone::Neutral,
            },
            headline,
            sentence,
            warning: report.flagged.then_some(warning),
            facts: facts_of_document(report, language),
            seals: seals.collect(),
            notes: report.notes.iter().map(|note| line_of_note(note, language)).collect(),
            closing: closing(report, language),
        }
    }
}

impl SealSheet {
    fn of(seal: &Seal, number: usize, report: &Report, language: Language) -> Self {
        let items = seal.items().into_iter().map(|(name, item)| {
            let (label, question) = words::item(name, language);
            let (sign, word) = words::outcome(item.result, language);
            let tone = Tone::of(item.result);
            let reason = item.reason.as_ref().map(|code| {
                let text = item.text.as_deref().unwrap_or_default();
                Line { tone, word: "", text: plain(text).into_owned(), code: plain(code).into_owned() }
            });
            ItemLine { label, question, tone, sign, word, reason }
        });
        let items: Vec<_> = items.collect();
        let (changes, notes) = seal.notes.iter().partition::<Vec<_>, _>(|note| is_change(note));
        let title = if seal.seal_name.is_empty() { &seal.name } else { &seal.seal_name };
        Self {
            ordinal: format!("{} {number}", words::kind(seal.kind, language)),
            title: plain(title).into_owned(),
            tone: worst(&items),
            items,
            facts: facts_of_seal(seal, report, language),
            changes: lines_of_changes(seal, &changes, language),
            notes: notes.into_iter().map(|note| line_of_note(note, language)).collect(),
            steps: seal.steps.iter().map(|step| line_of_step(step, language)).collect(),
        }
    }
}

impl Tone {
    const fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Passed => Self::Good,
            Outcome::Failed => Self::Bad,
            Outcome::Unknown => Self::Unsure,
            Outcome::NotApplicable => Self::Neutral,
        }
    }
}

impl Fact {
    fn new(label: &'static str, value: impl AsRef<str>) -> Self {
        Self { label, value: plain(value.as_ref()).into_owned(), exact: false }
    }

    fn exact(label: &'static str, value: impl AsRef<str>) -> Self {
        Self { exact: true, ..Self::new(label, value) }
    }
}

fn worst(items: &[ItemLine]) -> Tone {
    let has = |tone| items.iter().any(|item| item.tone == tone);
    [Tone::Bad, Tone::Unsure].into_iter().find(|tone| has(*tone)).unwrap_or(Tone::Good)
}

fn facts_of_document(report: &Report, language: Language) -> Vec<Fact> {
    let p = |zh, en| pick(language, zh, en);
    let way = if report.online {
        p("在线:由验证服务判断", "online: judged by the verification service")
    } else {
        p("离线:仅凭给出的根证书", "offline: with the roots that were given alone")
    };
    let mut facts = Vec::new();
    facts.extend(report.document_name.as_ref().map(|name| Fact::new(p("文件", "File"), name)));
    let format = report.format.to_ascii_uppercase();
    facts.push(match report.pages {
        Some(pages) => Fact::new(p("格式", "Format"), format!("{format}, {pages} {}", p("页", "pages"))),
        None => Fact::new(p("格式", "Format"), format),
    });
    facts.push(Fact::new(p("验证时间", "Verified"), words::moment(report.verified_at, language)));
    facts.push(Fact::new(p("验证方式", "How"), way));
    facts.push(Fact::exact("SHA-256", &report.document_digest));
    facts
}

fn facts_of_seal(seal: &Seal, report: &Report, language: Language) -> Vec<Fact> {
    let p = |zh, en| pick(language, zh, en);
    let at = |moment| words::moment(moment, language);
    let mut facts = Vec::new();
    let first = seal.steps.iter().find(|step| step.result == Outcome::Failed);
    facts.extend(first.map(|step| {
        let text = format!("{} [{}]", why(step), step.code);
        Fact::new(p("首个未通过的检查", "First check that failed"), text)
    }));
    if !seal.signer_subject.is_empty() {
        facts.push(Fact::new(p("签章人证书", "Signer's certificate"), &seal.signer_subject));
    }
    if let Some(certificate) = &seal.certificate {
        let (from, to) = (at(certificate.valid_from), at(certificate.valid_to));
        facts.push(Fact::new(p("颁发者", "Issued by"), &certificate.issuer));
        facts.push(Fact::exact(p("证书序列号", "Serial number"), &certificate.serial));
        facts.push(Fact::new(p("证书有效期", "Certificate valid"), format!("{from} – {to}")));
    }
    let none = p("签名未给出时间", "the signature does not say").to_owned();
    let time = seal.sealing_time.map_or(none, |time| match seal.sealing_time_source {
        Some(source) => format!("{} ({})", at(time), words::time_source(source, language)),
        None => at(time),
    });
    facts.push(Fact::new(p("签章时间", "Sealed"), time));
    if !seal.seal_id.is_empty() {
        facts.push(Fact::exact(p("印章编码", "Seal id"), &seal.seal_id));
    }
    if let Some(info) = &seal.electronic_seal {
        let (from, to) = (at(info.valid_from), at(info.valid_to));
        facts.push(Fact::new(p("印章有效期", "Seal valid"), format!("{from} – {to}")));
        facts.extend(info.maker_subject.as_ref().map(|maker| Fact::new(p("制章人", "Seal maker"), maker)));
    }
    facts.extend(fact_of_registry(seal, report, language));
    if let Some(status) = &seal.status {
        facts.push(Fact::new(p("签章时状态", "Status when sealed"), words_of_status(&status.at_sealing)));
        facts.push(Fact::new(p("当前状态", "Status now"), words_of_status(&status.now)));
    }
    facts.push(Fact::new(p("位置", "Place"), words_of_places(&seal.places, language)));
    facts.push(Fact::new(p("文档内名称", "Name in the document"), &seal.name));
    facts
}

/// Only a seal can be registered; that nobody was asked is said, since silence would look like a good answer.
fn fact_of_registry(seal: &Seal, report: &Report, language: Language) -> Option<Fact> {
    if seal.electronic_seal.is_none() && seal.seal_id.is_empty() {
        return None;
    }
    let text = match &seal.registry {
        Some(known) => words::registry(known, language),
        None if report.online => pick(language, "登记系统未答复", "the registry did not answer").to_owned(),
        None => pick(language, "离线验证,未查询", "not asked: verified offline").to_owned(),
    };
    Some(Fact::new(pick(language, "登记状态", "Registry"), text))
}

fn words_of_status(status: &StatusAt) -> String {
    let code = match &status.sub_indication {
        Some(sub) => format!("{} / {sub}", status.indication),
        None => status.indication.clone(),
    };
    status.text.as_ref().map_or(code.clone(), |text| format!("{code}: {text}"))
}

fn words_of_places(places: &[Place], language: Language) -> String {
    if places.is_empty() {
        return pick(language, "页面上不可见", "not visible on a page").to_owned();
    }
    let one = |place: &Place| {
        let Place { page, x_mm, y_mm, width_mm, height_mm } = place;
        match language {
            Language::ZhCn => format!("第{page}页 ({x_mm}, {y_mm}) {width_mm} × {height_mm} mm"),
            Language::En => format!("page {page} ({x_mm}, {y_mm}) {width_mm} × {height_mm} mm"),
        }
    };
    let mut text = places.iter().take(MAX_PLACES).map(one).collect::<Vec<_>>().join("; ");
    match (places.len().saturating_sub(MAX_PLACES), language) {
        (0, _) => {}
        (more, Language::ZhCn) => text.push_str(&format!(",另有{more}处")),
        (more, Language::En) => text.push_str(&format!(", and {more} more")),
    }
    text
}

fn is_change(note: &Note) -> bool {
    NoteCode::from_str(&note.code).is_ok_and(|code| OF_CHANGES.contains(&code))
}

/// Checks of the content that failed, then what was added; that nothing was is said only where it was checked.
fn lines_of_changes(seal: &Seal, notes: &[&Note], language: Language) -> Vec<Line> {
    let of_content = |step: &&Step| Check::from_str(&step.code).is_ok_and(|check| OF_CONTENT.contains(&check));
    let steps: Vec<_> = seal.steps.iter().filter(of_content).collect();
    let failed = steps.iter().filter(|step| step.result == Outcome::Failed).map(|step| Line {
        tone: Tone::Bad,
        word: words::outcome(Outcome::Failed, language).1,
        text: why(step),
        code: plain(step.reason.as_deref().unwrap_or(&step.code)).into_owned(),
    });
    let mut lines: Vec<_> = failed.chain(notes.iter().map(|note| line_of_note(note, language))).collect();
    let checked = !steps.is_empty() && steps.iter().all(|step| step.result == Outcome::Passed);
    if lines.is_empty() && checked {
        let text = pick(language, "签章后没有变化", "nothing changed after sealing").to_owned();
        lines.push(Line { tone: Tone::Good, word: "", text, code: String::new() });
    }
    lines
}

fn line_of_note(note: &Note, language: Language) -> Line {
    Line {
        tone: match note.severity {
            Severity::Info => Tone::Neutral,
            Severity::Warning => Tone::Unsure,
        },
        word: words::severity(note.severity, language),
        text: plain(&note.text).into_owned(),
        code: plain(&note.code).into_owned(),
    }
}

fn line_of_step(step: &Step, language: Language) -> StepLine {
    let (sign, word) = words::outcome(step.result, language);
    StepLine {
        text: plain(step.text.as_deref().unwrap_or(&step.code)).into_owned(),
        code: plain(&step.code).into_owned(),
        tone: Tone::of(step.result),
        sign,
        word,
        why: why(step),
    }
}

fn why(step: &Step) -> String {
    let reason = step.reason_text.as_deref().or(step.reason.as_deref());
    let parts: Vec<_> = reason.into_iter().chain(step.detail.as_deref()).map(plain).collect();
    parts.join(": ")
}

fn closing(report: &Report, language: Language) -> Vec<&'static str> {
    let mut lines = vec![pick(
        language,
        "证书有效期、吊销、登记状态和警告只供参考,不改变三项结论。",
        "Validity and revocation of certificates, the registry's word and warnings are information: they change none of the three items.",
    )];
    if !report.online {
        lines.push(pick(
            language,
            "离线验证:未查询登记系统和证书吊销状态。",
            "Verified offline: neither the registry nor the revocation of certificates was asked for.",
        ));
    }
    lines
}
