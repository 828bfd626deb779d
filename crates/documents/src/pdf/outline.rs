//! The paths of a content stream (ISO 32000-1 §8.5), and how much of a page their paint covers.

use hayro_interpret::kurbo::{Affine, BezPath, PathEl, Point, Shape as _};

/// How exactly curves are measured.
pub(crate) const ACCURACY: f64 = 0.1;

/// How thick a closed shape is in the mean: of a box of `w` by `h`, `wh / (w + h)`; of a long stroke, its width.
pub(crate) fn mean_thickness(shape: &BezPath) -> f64 {
    let around = shape.perimeter(ACCURACY);
    if around > 0.0 { 2.0 * shape.area().abs() / around } else { 0.0 }
}

/// The parts of a path, closed.
pub(crate) fn parts(path: &BezPath) -> Vec<BezPath> {
    let mut parts: Vec<BezPath> = Vec::new();
    for element in path.elements() {
        if matches!(element, PathEl::MoveTo(_)) || parts.is_empty() {
            parts.push(BezPath::new());
        }
        if let Some(part) = parts.last_mut() {
            part.push(*element);
        }
    }
    parts.iter_mut().for_each(|part| part.close_path());
    parts
}

/// Operators that build a path (§8.5.2), in units of the page.
pub(crate) fn extend(path: &mut BezPath, word: &[u8], numbers: &[f64], matrix: Affine) {
    let at = |x: f64, y: f64| matrix * Point::new(x, y);
    let begun = !path.elements().is_empty();
    match (word, numbers) {
        (b"m", [x, y]) => path.move_to(at(*x, *y)),
        (b"l", [x, y]) if begun => path.line_to(at(*x, *y)),
        (b"c", [a, b, c, d, x, y]) if begun => path.curve_to(at(*a, *b), at(*c, *d), at(*x, *y)),
        (b"y", [a, b, x, y]) if begun => path.curve_to(at(*a, *b), at(*x, *y), at(*x, *y)),
        (b"v", [c, d, x, y]) if begun => path.quad_to(at(*c, *d), at(*x, *y)),
        (b"h", _) if begun => path.close_path(),
        (b"re", [x, y, width, height]) => {
            path.move_to(at(*x, *y));
            path.line_to(at(x + width, *y));
            path.line_to(at(x + width, y + height));
            path.line_to(at(*x, y + height));
            path.close_path();
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> BezPath {
        let mut path = BezPath::new();
        let mut numbers: Vec<f64> = Vec::new();
        for word in text.split(' ') {
            match word.parse() {
                Ok(number) => numbers.push(number),
                Err(_) => {
                    extend(&mut path, word.as_bytes(), &numbers, Affine::IDENTITY);
                    numbers.clear();
                }
            }
        }
        path
    }

    #[test]
    fn a_box_is_as_thick_as_its_sides_and_a_long_stroke_as_its_pen() {
        for (text, thickness) in
            [("0 0 12 12 re", 6.0), ("0 0 1000 2 re", 1.996), ("0 0 m 9 0 l 9 9 l h", 2.636), ("5 5 m", 0.0)]
        {
            let found = mean_thickness(&path(text));
            assert!((found - thickness).abs() < 0.01, "{text}: {found}");
        }
    }

    #[test]
    fn parts_are_closed_and_count_by_themselves() {
        let parts = parts(&path("0 0 m 9 0 l 9 9 l 20 20 5 5 re"));
        assert_eq!(parts.iter().map(|part| part.area().abs()).collect::<Vec<_>>(), [40.5, 25.0]);
        assert!(path("1 1 l 2 2 3 3 4 4 c h").elements().is_empty(), "nothing was begun");
    }
}
