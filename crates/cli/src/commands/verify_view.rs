//! What a verification says, the same from the service and from here: for scripts and for people.

use eseal_documents::{DocumentReport, Judgement, Note, Outcome, Place, Reason, SealJudgement, SealReport, Step};
use eseal_kernel::{Digest, Timestamp};
use eseal_proto::verification::v1 as pb;
use eseal_proto::{moment, seal::v1 as seal_pb};
use owo_colors::{OwoColorize as _, Stream};
use serde::Serialize;

use super::list::short;
use crate::failure::CODES;
use crate::lang::Lang;
use crate::output::fields;

/// All that is said of a document. The JSON is a contract: names and words are never changed.
#[derive(Debug, Serialize)]
pub struct View {
    /// `valid`, `invalid`, `indeterminate` or `unsealed`.
    pub verdict: String,
    /// `ofd` or `pdf`.
    pub format: String,
    /// Whether the service said so.
    pub online: bool,
    /// SHA-256 of the file.
    pub document_digest: String,
    /// When it was verified.
    pub verified_at: String,
    /// Every seal and signature.
    pub seals: Vec<SealView>,
    /// On the document.
    pub notes: Vec<NoteView>,
}

/// What is said of one seal.
#[derive(Debug, Serialize)]
pub struct SealView {
    /// Its name in the document.
    pub name: String,
    /// `seal` or `signature`.
    pub kind: String,
    /// Who sealed.
    pub signer: ItemView,
    /// What was sealed.
    pub content: ItemView,
    /// The seal itself.
    pub impression: ItemView,
    /// Subject of the signer's certificate.
    pub signer_subject: String,
    /// Id of the seal.
    pub seal_id: String,
    /// Name of the seal.
    pub seal_name: String,
    /// When it was sealed.
    pub sealing_time: Option<String>,
    /// Where it stands.
    pub places: Vec<PlaceView>,
    /// What the registry says: information that changes no verdict.
    pub registry: Option<RegistryView>,
    /// Every technical check.
    pub steps: Vec<StepView>,
    /// On this seal.
    pub notes: Vec<NoteView>,
}

/// One of the three items.
#[derive(Debug, Serialize)]
pub struct ItemView {
    /// `passed`, `failed`, `unknown` or `not_applicable`.
    pub result: String,
    /// UPPER_SNAKE; null where it passed.
    pub reason: Option<String>,
}

/// One technical check.
#[derive(Debug, Serialize)]
pub struct StepView {
    /// UPPER_SNAKE.
    pub code: String,
    /// As of an item.
    pub result: String,
    /// As of an item.
    pub reason: Option<String>,
}

/// Something to know.
#[derive(Debug, Serialize)]
pub struct NoteView {
    /// UPPER_SNAKE.
    pub code: String,
    /// `info` or `warning`.
    pub severity: String,
    /// In words.
    pub text: String,
}

/// Where an impression stands, in mm from the upper left corner of the page.
#[derive(Debug, Serialize)]
pub struct PlaceView {
    page: u32,
    x_mm: f64,
    y_mm: f64,
    width_mm: f64,
    height_mm: f64,
}

/// The registry's word.
#[derive(Debug, Serialize)]
pub struct RegistryView {
    known: bool,
    state_then: String,
    state_now: String,
}

impl View {
    /// Of a verification here.
    pub fn of_judgement(
        found: &DocumentReport,
        judgement: &Judgement,
        digest: Digest,
        now: Timestamp,
        lang: Lang,
    ) -> Self {
        Self {
            verdict: judgement.verdict.as_str().to_owned(),
            format: found.format.to_string().to_ascii_lowercase(),
            online: false,
            document_digest: digest.to_string(),
            verified_at: now.to_string(),
            seals: found.seals.iter().zip(&judgement.seals).map(|(f, j)| SealView::of_judgement(f, j, lang)).collect(),
            notes: judgement.notes.iter().map(|note| NoteView::of(note, lang)).collect(),
        }
    }

    /// Of the service.
    pub fn of_report(report: &pb::Report) -> Self {
        Self {
            verdict: short(report.verdict().as_str_name(), "VERDICT_"),
            format: report.format.clone(),
            online: true,
            document_digest: report.document_digest.clone(),
            verified_at: time(report.verified_at).unwrap_or_default(),
            seals: report.seals.iter().map(SealView::of_report).collect(),
            notes: report.notes.iter().map(NoteView::of_report).collect(),
        }
    }

    /// For scripts.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// For people.
    pub fn to_words(&self, lang: Lang) -> String {
        let mut text = verdict(&self.verdict, lang);
        for seal in &self.seals {
            text.push_str("\n\n");
            text.push_str(&seal.to_words(lang));
        }
        for note in &self.notes {
            text.push_str(&format!("\n{}", note.to_words(lang)));
        }
        text
    }
}

impl SealView {
    fn of_judgement(found: &SealReport, judged: &SealJudgement, lang: Lang) -> Self {
        let info = found.seal.as_ref().map(eseal_seal::Seal::info);
        Self {
            name: judged.id.clone(),
            kind: judged.kind.as_str().to_owned(),
            signer: ItemView::of(judged.signer),
            content: ItemView::of(judged.content),
            impression: ItemView::of(judged.impression),
            signer_subject: found.signer.as_ref().map(eseal_pki::Certificate::subject).unwrap_or_default(),
            seal_id: info.map(|info| info.es_id.clone()).unwrap_or_default(),
            seal_name: info.map(|info| info.name.clone()).unwrap_or_default(),
            sealing_time: found.signed_at.map(|at| at.to_string()),
            places: found.stamps.iter().map(|stamp| PlaceView::of(&stamp.place)).collect(),
            registry: None,
            steps: judged.steps.iter().map(StepView::of).collect(),
            notes: judged.notes.iter().map(|note| NoteView::of(note, lang)).collect(),
        }
    }

    fn of_report(seal: &pb::SealReport) -> Self {
        Self {
            name: seal.name.clone(),
            kind: short(seal.kind().as_str_name(), "SEAL_KIND_"),
            signer: ItemView::of_report(seal.signer.as_ref()),
            content: ItemView::of_report(seal.content.as_ref()),
            impression: ItemView::of_report(seal.impression.as_ref()),
            signer_subject: seal.signer_subject.clone(),
            seal_id: seal.seal_id.clone(),
            seal_name: seal.seal_name.clone(),
            sealing_time: time(seal.sealing_time),
            places: seal.places.iter().map(PlaceView::of_report).collect(),
            registry: seal.registry.as_ref().map(RegistryView::of_report),
            steps: seal.steps.iter().map(StepView::of_report).collect(),
            notes: seal.notes.iter().map(NoteView::of_report).collect(),
        }
    }

    fn to_words(&self, lang: Lang) -> String {
        let kind = if self.kind == "seal" { lang.pick("印章", "seal") } else { lang.pick("签名", "signature") };
        let places: Vec<_> = self.places.iter().map(|place| place.to_words(lang)).collect();
        let registry = self.registry.as_ref().map(|registry| registry.to_words(lang)).unwrap_or_default();
        let mut text = format!("■ {kind} {} {}\n", self.name, self.seal_name);
        text.push_str(&fields(&[
            (lang.pick("签章人", "signer"), self.signer.to_words(lang)),
            (lang.pick("原文", "content"), self.content.to_words(lang)),
            (lang.pick("印章图像", "impression"), self.impression.to_words(lang)),
            (lang.pick("证书", "certificate"), self.signer_subject.clone()),
            (lang.pick("时间", "time"), self.sealing_time.clone().unwrap_or_default()),
            (lang.pick("位置", "place"), places.join("; ")),
            (lang.pick("登记状态", "registry"), registry),
        ]));
        for step in self.steps.iter().filter(|step| step.result == "failed") {
            text.push_str(&format!("\n  ✗ {} {}", step.code, step.reason.as_deref().unwrap_or_default()));
        }
        for note in &self.notes {
            text.push_str(&format!("\n{}", note.to_words(lang)));
        }
        text
    }
}

impl ItemView {
    fn of(outcome: Outcome) -> Self {
        Self { result: outcome.result().to_owned(), reason: outcome.reason().map(|reason| reason.code().to_owned()) }
    }

    fn of_report(item: Option<&pb::Item>) -> Self {
        let item = item.cloned().unwrap_or_default();
        Self { result: result(item.result()), reason: Some(item.reason).filter(|reason| !reason.is_empty()) }
    }

    fn to_words(&self, lang: Lang) -> String {
        let (sign, word) = match self.result.as_str() {
            "passed" => ("✓", lang.pick("通过", "passed")),
            "failed" => ("✗", lang.pick("未通过", "failed")),
            "not_applicable" => ("–", lang.pick("不适用", "not applicable")),
            _ => ("?", lang.pick("未知", "unknown")),
        };
        let why = self.reason.as_deref().map(|code| {
            let known = Reason::ALL.iter().find(|reason| reason.code() == code);
            let words = known.map(|reason| reason.text(lang.into())).unwrap_or_default();
            format!(" {words} [{code}]")
        });
        let text = format!("{sign} {word}");
        let text = match self.result.as_str() {
            "passed" => text.if_supports_color(Stream::Stdout, |t| t.green()).to_string(),
            "failed" => text.if_supports_color(Stream::Stdout, |t| t.red()).to_string(),
            _ => text.if_supports_color(Stream::Stdout, |t| t.yellow()).to_string(),
        };
        text + &why.unwrap_or_default()
    }
}

impl StepView {
    fn of(step: &Step) -> Self {
        let ItemView { result, reason } = ItemView::of(step.outcome);
        Self { code: step.check.code().to_owned(), result, reason }
    }

    fn of_report(step: &pb::Step) -> Self {
        let reason = Some(step.reason.clone()).filter(|reason| !reason.is_empty());
        Self { code: step.code.clone(), result: result(step.result()), reason }
    }
}

impl NoteView {
    fn of(note: &Note, lang: Lang) -> Self {
        Self {
            code: note.code.code().to_owned(),
            severity: note.severity().as_str().to_owned(),
            text: note.text(lang.into()),
        }
    }

    fn of_report(note: &pb::Note) -> Self {
        let severity = short(note.severity().as_str_name(), "SEVERITY_");
        Self { code: note.code.clone(), severity, text: note.text.clone() }
    }

    /// A note of this program.
    pub fn of_client(code: &str, lang: Lang) -> Self {
        let text = CODES.iter().find(|(known, ..)| *known == code).map_or(code, |(_, zh, en)| lang.pick(zh, en));
        Self { code: code.to_owned(), severity: "info".to_owned(), text: text.to_owned() }
    }

    fn to_words(&self, lang: Lang) -> String {
        let sign = if self.severity == "warning" {
            lang.pick("⚠ 警告", "⚠ warning")
        } else {
            lang.pick("ⓘ 提示", "ⓘ note")
        };
        format!("  {sign}: {} [{}]", self.text, self.code)
    }
}

impl PlaceView {
    fn of(place: &Place) -> Self {
        // A PDF has points with few digits: to the micrometre, as the service tells it.
        let round = |mm: f64| (mm * 1000.0).round() / 1000.0;
        let Place { page, x_mm, y_mm, width_mm, height_mm } = *place;
        Self { page, x_mm: round(x_mm), y_mm: round(y_mm), width_mm: round(width_mm), height_mm: round(height_mm) }
    }

    fn of_report(place: &seal_pb::Place) -> Self {
        // Micrometres on a page: far below what an f64 holds exactly.
        let mm = |um: i64| um as f64 / 1000.0;
        Self {
            page: place.page,
            x_mm: mm(place.x_um),
            y_mm: mm(place.y_um),
            width_mm: mm(place.width_um),
            height_mm: mm(place.height_um),
        }
    }

    fn to_words(&self, lang: Lang) -> String {
        let Self { page, x_mm, y_mm, width_mm, height_mm } = self;
        let page = if lang == Lang::En { format!("page {page}") } else { format!("第{page}页") };
        format!("{page} ({x_mm}, {y_mm}) {width_mm} × {height_mm} mm")
    }
}

impl RegistryView {
    fn of_report(registry: &pb::RegistryState) -> Self {
        let word = |state: seal_pb::SealState| short(state.as_str_name(), "SEAL_STATE_");
        Self { known: registry.known, state_then: word(registry.state_then()), state_now: word(registry.state_now()) }
    }

    fn to_words(&self, lang: Lang) -> String {
        if !self.known {
            return lang.pick("本系统未登记该印章", "this system knows no such seal").to_owned();
        }
        let (then, now) = (lang.pick("签章时", "then"), lang.pick("现在", "now"));
        let word = |state: &str| match state {
            "unspecified" => lang.pick("尚未登记", "not registered yet").to_owned(),
            known => known.to_owned(),
        };
        format!("{then} {}, {now} {}", word(&self.state_then), word(&self.state_now))
    }
}

fn verdict(word: &str, lang: Lang) -> String {
    let text = match word {
        "valid" => lang.pick("有效:文档上的印章全部有效", "valid: every seal on the document is good"),
        "invalid" => lang.pick("无效:至少一项验证未通过", "invalid: something did not verify"),
        "unsealed" => lang.pick("未签章:文档上没有印章", "unsealed: there is no seal on the document"),
        _ => lang.pick("无法确定:至少一项无法验证", "indeterminate: something could not be verified"),
    };
    match word {
        "valid" => text.if_supports_color(Stream::Stdout, |t| t.green()).to_string(),
        "invalid" => text.if_supports_color(Stream::Stdout, |t| t.red()).to_string(),
        _ => text.if_supports_color(Stream::Stdout, |t| t.yellow()).to_string(),
    }
}

fn result(result: pb::Result) -> String {
    match result {
        pb::Result::Passed => "passed",
        pb::Result::Failed => "failed",
        pb::Result::NotApplicable => "not_applicable",
        pb::Result::Unknown | pb::Result::Unspecified => "unknown",
    }
    .to_owned()
}

fn time(at: Option<eseal_proto::Timestamp>) -> Option<String> {
    at.as_ref().and_then(moment::micros).map(|micros| Timestamp::from_micros(micros).to_string())
}
