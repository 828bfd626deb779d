//! A report for people, as one HTML file: no script, nothing from elsewhere, readable on a phone and on paper.
//!
//! Everything is escaped by `maud`. The page forbids itself everything but its own style, by the style's hash, and the
//! pictures inside it, so that even a mistake here could run nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use eseal_documents::Language;
use eseal_kernel::Digest;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::draw::Problem;
use crate::exhibit::{Exhibits, Picture, SealExhibit};
use crate::model::Report;
use crate::sheet::{Fact, ItemLine, Line, SealSheet, Sheet, StepLine, Tone};
use crate::words::{pick, problem, tag};

const STYLE: &str = include_str!("html/style.css");

/// The report as HTML.
pub fn page(report: &Report, exhibits: &Exhibits) -> String {
    let sheet = Sheet::of(report);
    let hash = STANDARD.encode(Digest::of(STYLE.as_bytes()).bytes());
    let policy =
        format!("default-src 'none'; img-src data:; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'");
    let seals = sheet.seals.iter().enumerate();
    let markup = html! {
        (DOCTYPE)
        html lang=(tag(sheet.language)) {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { (sheet.title) " · " (sheet.headline) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    (banner(&sheet))
                    (facts(&sheet.facts))
                    (lines(&sheet.notes))
                    @for (index, seal) in seals {
                        (seal_section(seal, exhibits.of_seal(index), sheet.language))
                    }
                }
                footer {
                    @for line in &sheet.closing { p { (line) } }
                    p.program { "eseal " (env!("CARGO_PKG_VERSION")) }
                }
            }
        }
    };
    markup.into_string()
}

fn banner(sheet: &Sheet) -> Markup {
    html! {
        header.banner.(class(sheet.tone)) {
            p.title { (sheet.title) }
            h1 { span.sign aria-hidden="true" { (sign(sheet.tone)) } (sheet.headline) }
            p.sentence { (sheet.sentence) }
            @if let Some(warning) = sheet.warning { p.heed { "⚠ " (warning) } }
        }
    }
}

fn seal_section(seal: &SealSheet, exhibit: Option<&SealExhibit>, language: Language) -> Markup {
    html! {
        section.seal.(class(seal.tone)) {
            div.head {
                div.name {
                    p.ordinal { (seal.ordinal) }
                    h2 { bdi { (seal.title) } }
                }
                @if let Some(shown) = exhibit.and_then(|exhibit| exhibit.impression.as_ref()) {
                    (impression(shown, language))
                }
            }
            ul.items { @for item in &seal.items { (item_line(item)) } }
            @if !seal.changes.is_empty() {
                h3 { (pick(language, "签章后的变化", "Since it was sealed")) }
                (lines(&seal.changes))
            }
            @if !seal.notes.is_empty() {
                h3 { (pick(language, "说明", "Notes")) }
                (lines(&seal.notes))
            }
            h3 { (pick(language, "详情", "Details")) }
            (facts(&seal.facts))
            @if let Some(exhibit) = exhibit { (pages(exhibit, language)) }
            (steps(&seal.steps, language))
        }
    }
}

fn item_line(item: &ItemLine) -> Markup {
    html! {
        li {
            span.chip.(class(item.tone)) { span aria-hidden="true" { (item.sign) } " " (item.word) }
            div {
                strong { (item.label) } " " span.question { (item.question) }
                @if let Some(reason) = &item.reason { p.reason { (reason.text) " " code { (reason.code) } } }
            }
        }
    }
}

fn lines(lines: &[Line]) -> Markup {
    html! {
        @if !lines.is_empty() {
            ul.lines {
                @for line in lines {
                    li.(class(line.tone)) {
                        @if !line.word.is_empty() { b { (line.word) } " " }
                        bdi { (line.text) }
                        @if !line.code.is_empty() { " " code { (line.code) } }
                    }
                }
            }
        }
    }
}

fn facts(facts: &[Fact]) -> Markup {
    html! {
        dl {
            @for fact in facts {
                div {
                    dt { (fact.label) }
                    dd { @if fact.exact { code { (fact.value) } } @else { bdi { (fact.value) } } }
                }
            }
        }
    }
}

fn impression(shown: &Result<Picture, Problem>, language: Language) -> Markup {
    let what = pick(language, "印章图像", "Impression of the seal");
    html! {
        figure.impression {
            @match shown {
                Ok(picture) => { (image(picture, what)) }
                Err(why) => { figcaption { (what) ": " (problem(*why, language)) } }
            }
        }
    }
}

fn pages(exhibit: &SealExhibit, language: Language) -> Markup {
    let name = |page: u32| match language {
        Language::ZhCn => format!("第{page}页"),
        Language::En => format!("Page {page}"),
    };
    html! {
        @if !exhibit.pages.is_empty() {
            h3 { (pick(language, "签章所在页面", "Where it stands")) }
            p.hint { (pick(language, "蓝框标出该印章的位置。", "The blue frame marks the place of this seal.")) }
            div.pages {
                @for page in &exhibit.pages {
                    figure {
                        @match &page.shown {
                            Ok(picture) => {
                                (image(picture, &name(page.page)))
                                figcaption { (name(page.page)) }
                            }
                            Err(why) => { figcaption.missing { (name(page.page)) ": " (problem(*why, language)) } }
                        }
                    }
                }
            }
        }
        @if exhibit.left_out > 0 {
            p.hint {
                @match language {
                    Language::ZhCn => { "另有" (exhibit.left_out) "页未附图。" }
                    Language::En => { (exhibit.left_out) " more stamped pages are not pictured." }
                }
            }
        }
    }
}

fn image(picture: &Picture, what: &str) -> Markup {
    let source = format!("data:image/png;base64,{}", STANDARD.encode(&picture.png));
    html! { img src=(source) width=(picture.width) height=(picture.height) alt=(what); }
}

fn steps(steps: &[StepLine], language: Language) -> Markup {
    html! {
        @if !steps.is_empty() {
            details {
                summary { (pick(language, "全部技术检查", "Every technical check")) " (" (steps.len()) ")" }
                table {
                    thead {
                        tr {
                            th scope="col" { (pick(language, "结果", "Result")) }
                            th scope="col" { (pick(language, "检查", "Check")) }
                            th scope="col" { (pick(language, "说明", "Explanation")) }
                        }
                    }
                    tbody {
                        @for step in steps {
                            tr {
                                td { span.chip.(class(step.tone)) { span aria-hidden="true" { (step.sign) } " " (step.word) } }
                                td { (step.text) " " code { (step.code) } }
                                td { bdi { (step.why) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

const fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Bad => "bad",
        Tone::Unsure => "unsure",
        Tone::Neutral => "neutral",
    }
}

const fn sign(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "✓",
        Tone::Bad => "✗",
        Tone::Unsure => "!",
        Tone::Neutral => "–",
    }
}
