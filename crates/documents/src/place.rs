//! Where an impression stands.

use std::fmt;

use crate::DocumentError;

/// The box of an impression on a page, in millimetres from the page's upper left corner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// The page, counted from 1.
    pub page: u32,
    /// From the page's left edge to the box.
    pub x_mm: f64,
    /// From the page's upper edge to the box.
    pub y_mm: f64,
    /// Width of the box.
    pub width_mm: f64,
    /// Height of the box.
    pub height_mm: f64,
}

/// One impression on a page: the whole picture in its box, or of it only what lies in `clip`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stamp {
    /// The box of the whole picture. With a clip it may hang over the page's edges.
    pub place: Place,
    /// The part of the picture that is shown.
    pub clip: Option<Clip>,
}

/// A part of an impression, in millimetres from the upper left corner of the impression's own box (GB/T 33190-2016
/// table 69).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clip {
    /// From the box's left edge.
    pub x_mm: f64,
    /// From the box's upper edge.
    pub y_mm: f64,
    /// Width of the part.
    pub width_mm: f64,
    /// Height of the part.
    pub height_mm: f64,
}

/// The size of a page as it is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PageSize {
    /// Width in millimetres.
    pub width_mm: f64,
    /// Height in millimetres.
    pub height_mm: f64,
}

/// Boxes that touch a page's edge may miss it by rounding.
const TOLERANCE_MM: f64 = 0.01;

impl Place {
    /// Refuses a box that is empty, not a number, or not wholly on the page of `size`; `pages` is the number of
    /// pages, for the message.
    ///
    /// # Errors
    /// [`DocumentError::OutsidePage`].
    pub fn must_lie_on(&self, size: PageSize, pages: u32) -> Result<(), DocumentError> {
        // Comparisons with a NaN are false, so a box of NaNs fits nowhere.
        let fits = |start: f64, length: f64, page: f64| {
            start >= -TOLERANCE_MM && length > 0.0 && start + length <= page + TOLERANCE_MM
        };
        if fits(self.x_mm, self.width_mm, size.width_mm) && fits(self.y_mm, self.height_mm, size.height_mm) {
            Ok(())
        } else {
            Err(DocumentError::OutsidePage { place: *self, size, pages })
        }
    }
}

impl Stamp {
    /// What is seen of the impression.
    pub fn visible(&self) -> Place {
        let Some(clip) = self.clip else { return self.place };
        Place {
            page: self.place.page,
            x_mm: self.place.x_mm + clip.x_mm,
            y_mm: self.place.y_mm + clip.y_mm,
            width_mm: clip.width_mm,
            height_mm: clip.height_mm,
        }
    }

    /// Refuses an impression of which what is seen is not wholly on the page of `size`, or a clip that is no part of
    /// its box; `pages` is the number of pages, for the message.
    ///
    /// # Errors
    /// [`DocumentError::OutsidePage`].
    pub fn must_lie_on(&self, size: PageSize, pages: u32) -> Result<(), DocumentError> {
        if let Some(clip) = self.clip {
            let of_box = PageSize { width_mm: self.place.width_mm, height_mm: self.place.height_mm };
            let Clip { x_mm, y_mm, width_mm, height_mm } = clip;
            let part = Place { page: self.place.page, x_mm, y_mm, width_mm, height_mm };
            if part.must_lie_on(of_box, pages).is_err() {
                return Err(DocumentError::OutsidePage { place: self.visible(), size, pages });
            }
        }
        self.visible().must_lie_on(size, pages)
    }
}

impl From<Place> for Stamp {
    fn from(place: Place) -> Self {
        Self { place, clip: None }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [x, y, width, height] = [self.x_mm, self.y_mm, self.width_mm, self.height_mm].map(shown);
        write!(f, "{width} × {height} mm at ({x}, {y}) on page {}", self.page)
    }
}

impl fmt::Display for PageSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} × {} mm", shown(self.width_mm), shown(self.height_mm))
    }
}

/// Millimetres as people read them: to a hundredth, and never hundreds of digits.
fn shown(mm: f64) -> String {
    if mm.abs() < 1e6 { ((mm * 100.0).round() / 100.0).to_string() } else { format!("{mm:e}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A4: PageSize = PageSize { width_mm: 210.0, height_mm: 297.0 };

    fn at(x_mm: f64, y_mm: f64) -> Place {
        Place { page: 1, x_mm, y_mm, width_mm: 40.0, height_mm: 40.0 }
    }

    #[test]
    fn a_box_that_touches_the_edges_fits() {
        assert!(at(170.0, 257.0).must_lie_on(A4, 1).is_ok());
        assert!(at(0.0, 0.0).must_lie_on(A4, 1).is_ok());
    }

    #[test]
    fn a_box_beyond_an_edge_is_refused_with_the_size_of_the_page() {
        for place in [at(171.0, 0.0), at(0.0, 258.0), at(-1.0, 0.0), at(f64::NAN, 0.0), at(f64::INFINITY, 0.0)] {
            let message = place.must_lie_on(A4, 7).expect_err("outside").to_string();
            assert!(message.contains("210 × 297 mm") && message.contains("7 pages"), "{message}");
        }
    }

    #[test]
    fn lengths_are_told_to_a_hundredth_of_a_millimetre() {
        assert_eq!(PageSize { width_mm: 210.000_003, height_mm: 297.0 }.to_string(), "210 × 297 mm");
        assert!(at(1e300, 0.0).to_string().len() < 60);
    }

    #[test]
    fn a_clipped_impression_may_hang_over_the_edge_as_long_as_its_part_does_not() {
        let clip = Clip { x_mm: 30.0, y_mm: 0.0, width_mm: 10.0, height_mm: 40.0 };
        let stamp = |x_mm, clip| Stamp { place: at(x_mm, 0.0), clip };
        assert!(stamp(-30.0, Some(clip)).must_lie_on(A4, 1).is_ok());
        assert!(stamp(-30.0, None).must_lie_on(A4, 1).is_err());
        assert!(stamp(-31.0, Some(clip)).must_lie_on(A4, 1).is_err());
        assert!(stamp(10.0, Some(Clip { x_mm: 31.0, ..clip })).must_lie_on(A4, 1).is_err(), "no part of the box");
        assert!(stamp(10.0, Some(Clip { width_mm: f64::NAN, ..clip })).must_lie_on(A4, 1).is_err());
    }

    #[test]
    fn an_empty_box_is_refused() {
        assert!(Place { width_mm: 0.0, ..at(1.0, 1.0) }.must_lie_on(A4, 1).is_err());
    }
}
