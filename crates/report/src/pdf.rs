//! A report for people, as PDF: the same content as the HTML, for the file and for paper.
//!
//! - `text`: how wide text is; `flow`: pages that fill up; `paint`: the file

mod flow;
mod paint;
mod seal;
mod text;

use crate::exhibit::Exhibits;
use crate::font::Face;
use crate::model::Report;
use crate::pdf::flow::{Color, Flow, MARGIN, Mark, PAGE, Style};
use crate::pdf::paint::About;
use crate::pdf::text::Measure;
use crate::sheet::{Fact, Line, Sheet, Tone};
use crate::words::pick;

const INK: Color = (0x1d, 0x24, 0x30);
const SOFT: Color = (0x5b, 0x64, 0x72);
const RULE: Color = (0xdf, 0xe3, 0xea);
const FRAME: Color = (0xb4, 0xbc, 0xc8);
const BODY: Style = Style { size: 9.5, color: INK, bold: false };
const SMALL: Style = Style { size: 8.0, color: SOFT, bold: false };
const HEADING: Style = Style { size: 11.0, color: INK, bold: true };
/// Where the values of facts begin.
const LABEL: f32 = 105.0;

/// Why there is no PDF.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PdfError {
    /// The font can't be used.
    #[error("the font can't be used in a PDF")]
    Font,
    /// Something has no size.
    #[error("the report can't be laid out")]
    Layout,
    /// The file can't be made.
    #[error("the PDF can't be made: {0}")]
    Write(String),
}

/// The report as PDF, in this font.
///
/// # Errors
/// [`PdfError`]: the font can't be embedded.
pub fn document(report: &Report, exhibits: &Exhibits, face: &Face) -> Result<Vec<u8>, PdfError> {
    let sheet = Sheet::of(report);
    let bytes = face.bytes();
    let measure = Measure::new(&bytes, face).ok_or(PdfError::Font)?;
    let mut flow = Flow::new(&measure);
    banner(&mut flow, &sheet);
    facts(&mut flow, &sheet.facts);
    lines(&mut flow, &sheet.notes);
    for (index, seal) in sheet.seals.iter().enumerate() {
        seal::section(&mut flow, seal, exhibits.of_seal(index), sheet.language);
    }
    flow.space(12.0);
    for line in &sheet.closing {
        flow.paragraph(MARGIN, Flow::width(), line, SMALL);
    }
    let mut pages = flow.pages;
    feet(&mut pages, &sheet, report, &measure);
    let title = format!("{} · {}", sheet.title, sheet.headline);
    paint::paint(&pages, &About { title: &title, language: sheet.language, made: report.verified_at }, face)
}

fn banner(flow: &mut Flow<'_>, sheet: &Sheet) {
    let (ink, ground) = colors(sheet.tone);
    let (x, width) = (MARGIN + 22.0, Flow::width() - 40.0);
    let big = Style { size: 24.0, color: ink, bold: true };
    let warning = Style { bold: true, ..BODY.colored(colors(Tone::Unsure).0) };
    let title = Style { size: 10.0, color: ink, bold: false };
    let sentence = Style { size: 11.0, color: INK, bold: false };
    let mut parts = vec![(sheet.title, title), (sheet.headline, big), (sheet.sentence, sentence)];
    parts.extend(sheet.warning.map(|text| (text, warning)));
    let height = |(text, style): &(&str, Style)| flow.lines(text, width, *style).len() as f32 * style.height();
    let height = parts.iter().map(height).sum::<f32>() + 28.0;
    flow.push(Mark::Area { x: MARGIN, y: flow.y, width: Flow::width(), height, color: ground });
    flow.push(Mark::Area { x: MARGIN, y: flow.y, width: 8.0, height, color: ink });
    let bottom = flow.y + height;
    flow.space(14.0);
    for (text, style) in parts {
        flow.paragraph(x, width, text, style);
    }
    flow.y = bottom + 10.0;
}

fn facts(flow: &mut Flow<'_>, facts: &[Fact]) {
    for fact in facts {
        let (label, value) = (BODY.colored(SOFT), BODY);
        flow.row(&[
            (MARGIN, LABEL - 8.0, fact.label, label),
            (MARGIN + LABEL, Flow::width() - LABEL, &fact.value, value),
        ]);
        flow.space(1.5);
        flow.rule(RULE);
        flow.space(3.0);
    }
}

/// Sentences on the ground of their tone, each with its word and code.
fn lines(flow: &mut Flow<'_>, lines: &[Line]) {
    for line in lines {
        let (ink, ground) = colors(line.tone);
        let (x, width) = (MARGIN + 12.0, Flow::width() - 22.0);
        let text = match (line.word, line.code.as_str()) {
            ("", "") => line.text.clone(),
            ("", code) => format!("{} [{code}]", line.text),
            (word, code) => format!("{word}: {} [{code}]", line.text),
        };
        let height = flow.lines(&text, width, BODY).len() as f32 * BODY.height();
        flow.keep(height + 8.0);
        // A sentence that is longer than a page has no ground: it would need one on each.
        if flow.y + height + 8.0 <= PAGE.1 - MARGIN {
            flow.push(Mark::Area { x: MARGIN, y: flow.y, width: Flow::width(), height: height + 6.0, color: ground });
            flow.push(Mark::Area { x: MARGIN, y: flow.y, width: 3.5, height: height + 6.0, color: ink });
        }
        flow.space(3.0);
        flow.paragraph(x, width, &text, BODY);
        flow.space(7.0);
    }
}

/// Below every page: of which document this is, and which page of how many.
fn feet(pages: &mut [Vec<Mark>], sheet: &Sheet, report: &Report, measure: &Measure<'_>) {
    let count = pages.len();
    for (number, page) in (1..).zip(pages) {
        let text = format!("{number} / {count}");
        let y = PAGE.1 - 34.0;
        let x = PAGE.0 - MARGIN - measure.width(&text, SMALL.size);
        page.push(Mark::Area { x: MARGIN, y: y - 14.0, width: Flow::width(), height: 0.6, color: RULE });
        page.push(Mark::Text { x, y, text, style: SMALL });
        let digest = format!("{}  SHA-256 {}", pick(sheet.language, "文档", "Document"), report.document_digest);
        page.push(Mark::Text { x: MARGIN, y, text: measure.drawable(&digest), style: SMALL });
    }
}

/// Ink and ground of a tone, as in the HTML.
const fn colors(tone: Tone) -> (Color, Color) {
    match tone {
        Tone::Good => ((0x12, 0x6b, 0x38), (0xe7, 0xf5, 0xec)),
        Tone::Bad => ((0xa8, 0x19, 0x20), (0xfd, 0xec, 0xec)),
        Tone::Unsure => ((0x7a, 0x4b, 0x00), (0xff, 0xf4, 0xdc)),
        Tone::Neutral => ((0x47, 0x50, 0x5e), (0xec, 0xef, 0xf4)),
    }
}
