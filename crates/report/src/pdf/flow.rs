//! Pages that fill up from the top: what is drawn where, before anything is drawn.

use super::text::Measure;
use crate::exhibit::Picture;

/// A4 in points.
pub const PAGE: (f32, f32) = (595.28, 841.89);
/// What stays free around the text.
pub const MARGIN: f32 = 50.0;
/// What stays free below the text for the foot.
const FOOT: f32 = 62.0;
/// The height of a line, as a multiple of the size of its text.
const LEADING: f32 = 1.5;

/// A colour: red, green, blue.
pub type Color = (u8, u8, u8);

/// How text looks.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// In points.
    pub size: f32,
    /// Its colour.
    pub color: Color,
    /// Drawn with a thicker line: there is one face alone.
    pub bold: bool,
}

/// Something drawn on a page; `x` and `y` are its upper left corner, of a text its baseline.
#[derive(Debug, Clone)]
pub enum Mark {
    /// A line of text.
    Text { x: f32, y: f32, text: String, style: Style },
    /// A filled rectangle.
    Area { x: f32, y: f32, width: f32, height: f32, color: Color },
    /// A picture.
    Image { x: f32, y: f32, width: f32, height: f32, picture: Picture },
}

/// The pages so far.
pub struct Flow<'a> {
    /// Finished ones and, last, the one that is being filled.
    pub pages: Vec<Vec<Mark>>,
    /// How far down the last page is filled.
    pub y: f32,
    /// Of the one font.
    pub measure: &'a Measure<'a>,
}

impl<'a> Flow<'a> {
    /// One empty page.
    pub fn new(measure: &'a Measure<'a>) -> Self {
        Self { pages: vec![Vec::new()], y: MARGIN, measure }
    }

    /// The width between the margins.
    pub const fn width() -> f32 {
        PAGE.0 - 2.0 * MARGIN
    }

    /// Goes to a new page unless there is so much room left on this one.
    pub fn keep(&mut self, height: f32) {
        if self.y + height > PAGE.1 - FOOT && self.y > MARGIN {
            self.pages.push(Vec::new());
            self.y = MARGIN;
        }
    }

    /// Leaves room.
    pub const fn space(&mut self, height: f32) {
        self.y += height;
    }

    /// A paragraph at `x`, no wider than `width`, line by line over pages if it must.
    pub fn paragraph(&mut self, x: f32, width: f32, text: &str, style: Style) {
        for line in self.lines(text, width, style) {
            self.keep(style.height());
            self.line(x, line, style);
            self.y += style.height();
        }
    }

    /// Paragraphs beside each other, each in its column, as high as the highest; a row that fits on a page stays on one.
    pub fn row(&mut self, columns: &[(f32, f32, &str, Style)]) {
        let columns: Vec<_> =
            columns.iter().map(|(x, width, text, style)| (*x, self.lines(text, *width, *style), *style)).collect();
        let height = |(_, lines, style): &(f32, Vec<String>, Style)| lines.len() as f32 * style.height();
        let highest = columns.iter().map(height).fold(0.0, f32::max);
        self.keep(highest.min(PAGE.1 - FOOT - MARGIN));
        let rows = columns.iter().map(|(_, lines, _)| lines.len()).max().unwrap_or(0);
        let leading = columns.iter().map(|(_, _, style)| style.height()).fold(0.0, f32::max);
        for row in 0..rows {
            self.keep(leading);
            for (x, lines, style) in &columns {
                if let Some(line) = lines.get(row) {
                    self.line(*x, line.clone(), *style);
                }
            }
            self.y += leading;
        }
    }

    /// A thin line across the page.
    pub fn rule(&mut self, color: Color) {
        let mark = Mark::Area { x: MARGIN, y: self.y, width: Self::width(), height: 0.6, color };
        self.push(mark);
    }

    /// Draws on the current page.
    pub fn push(&mut self, mark: Mark) {
        if let Some(page) = self.pages.last_mut() {
            page.push(mark);
        }
    }

    /// The lines of a text in a column.
    pub fn lines(&self, text: &str, width: f32, style: Style) -> Vec<String> {
        self.measure.lines(&self.measure.drawable(text), style.size, width)
    }

    /// A line of text with its upper edge at the current height.
    pub fn line(&mut self, x: f32, text: String, style: Style) {
        let y = self.y + style.size * 1.12;
        self.push(Mark::Text { x, y, text, style });
    }
}

impl Style {
    /// The height of one line.
    pub const fn height(self) -> f32 {
        self.size * LEADING
    }

    /// In another colour.
    pub const fn colored(self, color: Color) -> Self {
        Self { color, ..self }
    }
}
