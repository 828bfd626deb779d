//! Draws pages with `krilla`, which embeds of the font what is used.

use eseal_documents::Language;
use krilla::color::rgb;
use krilla::geom::{PathBuilder, Point, Rect, Size, Transform};
use krilla::image::Image;
use krilla::metadata::{DateTime, Metadata};
use krilla::page::PageSettings;
use krilla::paint::{Fill, Stroke};
use krilla::surface::Surface;
use krilla::text::{Font, TextDirection};
use krilla::{Document, SerializeSettings};

use super::PdfError;
use super::flow::{Color, Mark, PAGE};
use crate::font::Face;
use crate::model::Moment;
use crate::words::tag;

/// What is said of the file itself.
pub struct About<'a> {
    /// Its title.
    pub title: &'a str,
    /// The language of its text.
    pub language: Language,
    /// When the document was verified.
    pub made: Moment,
}

/// The file.
pub fn paint(pages: &[Vec<Mark>], about: &About<'_>, face: &Face) -> Result<Vec<u8>, PdfError> {
    let font = Font::new(face.bytes().into(), face.index()).ok_or(PdfError::Font)?;
    let mut document = Document::new_with(SerializeSettings::default());
    let metadata = Metadata::new()
        .title(about.title.to_owned())
        .language(tag(about.language).to_owned())
        .creator(concat!("eseal ", env!("CARGO_PKG_VERSION")).to_owned());
    document.set_metadata(match date(about.made) {
        Some(date) => metadata.creation_date(date),
        None => metadata,
    });
    for marks in pages {
        let settings = PageSettings::from_wh(PAGE.0, PAGE.1).ok_or(PdfError::Layout)?;
        let mut page = document.start_page_with(settings);
        let mut surface = page.surface();
        for mark in marks {
            draw(mark, &mut surface, &font)?;
        }
        surface.finish();
        page.finish();
    }
    document.finish().map_err(|error| PdfError::Write(error.to_string()))
}

fn draw(mark: &Mark, surface: &mut Surface<'_>, font: &Font) -> Result<(), PdfError> {
    match mark {
        Mark::Text { x, y, text, style } => {
            surface.set_fill(Some(filled(style.color)));
            // There is no bold face of most Chinese fonts: a thin outline of the same colour makes one.
            surface.set_stroke(style.bold.then(|| Stroke {
                paint: color(style.color).into(),
                width: style.size * 0.028,
                ..Stroke::default()
            }));
            surface.draw_text(
                Point::from_xy(*x, *y),
                font.clone(),
                style.size,
                text,
                false,
                TextDirection::LeftToRight,
            );
        }
        Mark::Area { x, y, width, height, color } => {
            let mut path = PathBuilder::new();
            path.push_rect(Rect::from_xywh(*x, *y, *width, *height).ok_or(PdfError::Layout)?);
            surface.set_fill(Some(filled(*color)));
            surface.set_stroke(None);
            surface.draw_path(&path.finish().ok_or(PdfError::Layout)?);
        }
        Mark::Image { x, y, width, height, picture } => {
            let image = Image::from_png(picture.png.clone().into(), true).map_err(PdfError::Write)?;
            surface.push_transform(&Transform::from_translate(*x, *y));
            surface.draw_image(image, Size::from_wh(*width, *height).ok_or(PdfError::Layout)?);
            surface.pop();
        }
    }
    Ok(())
}

fn filled(rgb: Color) -> Fill {
    Fill { paint: color(rgb).into(), ..Fill::default() }
}

fn color((red, green, blue): Color) -> rgb::Color {
    rgb::Color::new(red, green, blue)
}

/// From the text of the moment, whose form is fixed.
fn date(moment: Moment) -> Option<DateTime> {
    let text = moment.to_string();
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<u8>().ok();
    let year = text.get(..4)?.parse().ok()?;
    let date = DateTime::new(year).month(part(5, 7)?).day(part(8, 10)?);
    Some(date.hour(part(11, 13)?).minute(part(14, 16)?).second(part(17, 19)?).utc_offset_hour(0).utc_offset_minute(0))
}
