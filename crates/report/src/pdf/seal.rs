//! The part of a report on one seal.

use eseal_documents::Language;

use super::flow::{Flow, MARGIN, Mark, PAGE, Style};
use super::{BODY, FRAME, HEADING, INK, RULE, SMALL, SOFT, colors, facts, lines};
use crate::exhibit::{PageExhibit, Picture, SealExhibit};
use crate::sheet::{ItemLine, SealSheet, StepLine};
use crate::words::{pick, problem};

/// The longest side of an impression in points.
const IMPRESSION: f32 = 82.0;
const CHIP: f32 = 66.0;
const GAP: f32 = 14.0;

/// All about one seal.
pub fn section(flow: &mut Flow<'_>, seal: &SealSheet, exhibit: Option<&SealExhibit>, language: Language) {
    flow.space(16.0);
    flow.keep(190.0);
    head(flow, seal, exhibit, language);
    for item in &seal.items {
        self::item(flow, item);
    }
    if !seal.changes.is_empty() {
        heading(flow, pick(language, "签章后的变化", "Since it was sealed"));
        lines(flow, &seal.changes);
    }
    if !seal.notes.is_empty() {
        heading(flow, pick(language, "说明", "Notes"));
        lines(flow, &seal.notes);
    }
    heading(flow, pick(language, "详情", "Details"));
    facts(flow, &seal.facts);
    if let Some(exhibit) = exhibit {
        pages(flow, exhibit, language);
    }
    if !seal.steps.is_empty() {
        heading(flow, pick(language, "全部技术检查", "Every technical check"));
        seal.steps.iter().for_each(|step| self::step(flow, step));
    }
}

fn head(flow: &mut Flow<'_>, seal: &SealSheet, exhibit: Option<&SealExhibit>, language: Language) {
    let (ink, _) = colors(seal.tone);
    flow.push(Mark::Area { x: MARGIN, y: flow.y, width: Flow::width(), height: 3.5, color: ink });
    flow.space(12.0);
    let (top, page) = (flow.y, flow.pages.len());
    let width = Flow::width() - IMPRESSION - 16.0;
    flow.paragraph(MARGIN, width, &seal.ordinal, BODY.colored(SOFT));
    flow.paragraph(MARGIN, width, &seal.title, Style { size: 16.0, color: INK, bold: true });
    let mut bottom = flow.y;
    match exhibit.and_then(|exhibit| exhibit.impression.as_ref()) {
        Some(Ok(picture)) if flow.pages.len() == page => {
            let (width, height) = fitted(picture, IMPRESSION, IMPRESSION);
            let x = PAGE.0 - MARGIN - width;
            flow.push(Mark::Image { x, y: top, width, height, picture: picture.clone() });
            bottom = bottom.max(top + height);
        }
        Some(Err(why)) => {
            let text = format!("{}: {}", pick(language, "印章图像", "Impression"), problem(*why, language));
            flow.paragraph(MARGIN, width, &text, SMALL);
            bottom = flow.y;
        }
        _ => {}
    }
    flow.y = bottom + 8.0;
}

fn item(flow: &mut Flow<'_>, item: &ItemLine) {
    let (ink, ground) = colors(item.tone);
    flow.keep(44.0);
    flow.rule(RULE);
    flow.space(6.0);
    flow.push(Mark::Area { x: MARGIN, y: flow.y, width: CHIP, height: 16.0, color: ground });
    let word = Style { bold: true, ..BODY.colored(ink) };
    let x = MARGIN + (CHIP - flow.measure.width(item.word, word.size)) / 2.0;
    let top = flow.y;
    flow.y += 2.0;
    flow.line(x, item.word.to_owned(), word);
    let name = Style { size: 10.5, color: INK, bold: true };
    let x = MARGIN + CHIP + GAP;
    flow.line(x, item.label.to_owned(), name);
    let after = x + flow.measure.width(item.label, name.size) + 10.0;
    flow.line(after, item.question.to_owned(), BODY.colored(SOFT));
    flow.y = top + 19.0;
    if let Some(reason) = &item.reason {
        let text = format!("{} [{}]", reason.text, reason.code);
        flow.paragraph(x, Flow::width() - CHIP - GAP, text.trim_start(), BODY);
    }
    flow.space(3.0);
}

fn heading(flow: &mut Flow<'_>, text: &str) {
    flow.space(9.0);
    flow.keep(60.0);
    flow.paragraph(MARGIN, Flow::width(), text, HEADING);
    flow.space(3.0);
}

/// Two pages beside each other.
fn pages(flow: &mut Flow<'_>, exhibit: &SealExhibit, language: Language) {
    if exhibit.pages.is_empty() && exhibit.left_out == 0 {
        return;
    }
    heading(flow, pick(language, "签章所在页面", "Where it stands"));
    let hint = pick(language, "蓝框标出该印章的位置。", "The blue frame marks the place of this seal.");
    flow.paragraph(MARGIN, Flow::width(), hint, SMALL);
    flow.space(4.0);
    let column = (Flow::width() - GAP) / 2.0;
    for pair in exhibit.pages.chunks(2) {
        let sizes = pair.iter().map(|page| page.shown.as_ref().map_or((column, 0.0), |p| fitted(p, column, 330.0)));
        let sizes: Vec<_> = sizes.collect();
        let highest = sizes.iter().map(|(_, height)| *height).fold(0.0, f32::max);
        flow.keep(highest + 30.0);
        let top = flow.y;
        let mut bottom = top;
        for (index, (page, size)) in pair.iter().zip(sizes).enumerate() {
            flow.y = top;
            self::page(flow, MARGIN + index as f32 * (column + GAP), page, size, language);
            bottom = bottom.max(flow.y);
        }
        flow.y = bottom + 8.0;
    }
    if exhibit.left_out > 0 {
        let text = match language {
            Language::ZhCn => format!("另有{}页未附图。", exhibit.left_out),
            Language::En => format!("{} more stamped pages are not pictured.", exhibit.left_out),
        };
        flow.paragraph(MARGIN, Flow::width(), &text, SMALL);
    }
}

fn page(flow: &mut Flow<'_>, x: f32, page: &PageExhibit, (width, height): (f32, f32), language: Language) {
    let name = match language {
        Language::ZhCn => format!("第{}页", page.page),
        Language::En => format!("Page {}", page.page),
    };
    match &page.shown {
        Ok(picture) => {
            let frame =
                Mark::Area { x: x - 0.6, y: flow.y - 0.6, width: width + 1.2, height: height + 1.2, color: FRAME };
            flow.push(frame);
            flow.push(Mark::Image { x, y: flow.y, width, height, picture: picture.clone() });
            flow.space(height + 3.0);
            flow.line(x, name, SMALL);
            flow.space(SMALL.height());
        }
        Err(why) => {
            flow.line(x, format!("{name}: {}", problem(*why, language)), SMALL);
            flow.space(SMALL.height());
        }
    }
}

fn step(flow: &mut Flow<'_>, step: &StepLine) {
    let (ink, _) = colors(step.tone);
    let text = format!("{} [{}]", step.text, step.code);
    let text = if step.why.is_empty() { text } else { format!("{text} — {}", step.why) };
    let width = Flow::width() - CHIP - GAP;
    let word = Style { bold: true, ..SMALL.colored(ink) };
    flow.row(&[(MARGIN, CHIP, step.word, word), (MARGIN + CHIP + GAP, width, &text, SMALL.colored(INK))]);
    flow.space(2.0);
}

/// A size in points that keeps the form and fits into a box.
fn fitted(picture: &Picture, width: f32, height: f32) -> (f32, f32) {
    let (w, h) = (picture.width.max(1) as f32, picture.height.max(1) as f32);
    let scale = (width / w).min(height / h);
    (w * scale, h * scale)
}
