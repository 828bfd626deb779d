//! An ellipse that text stands on.

use std::f32::consts::{PI, TAU};

/// Points in which the curve is measured: far finer than a pixel.
const STEPS: usize = 2048;

/// An ellipse around the origin, measured by the length of its arc. Coordinates are millimetres, y downwards.
pub(crate) struct Curve {
    a: f32,
    b: f32,
    /// The length of the arc from the bottom, clockwise, up to each step.
    lengths: Vec<f32>,
}

/// A place on the curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spot {
    pub(crate) x: f32,
    pub(crate) y: f32,
    /// The direction away from the centre, in radians clockwise from straight up.
    pub(crate) outward: f32,
}

impl Curve {
    /// An ellipse with these half axes.
    pub(crate) fn new(a: f32, b: f32) -> Self {
        let (a, b) = (a.max(0.01), b.max(0.01));
        let mut lengths = Vec::with_capacity(STEPS + 1);
        let (mut length, mut last) = (0.0, point(a, b, -PI));
        for step in 0..=STEPS {
            let next = point(a, b, TAU * step as f32 / STEPS as f32 - PI);
            length += (next.0 - last.0).hypot(next.1 - last.1);
            lengths.push(length);
            last = next;
        }
        Self { a, b, lengths }
    }

    /// The length of the whole curve.
    pub(crate) fn perimeter(&self) -> f32 {
        self.lengths.last().copied().unwrap_or(0.0)
    }

    /// The place at that length of arc from the top, clockwise.
    pub(crate) fn upper(&self, length: f32) -> Spot {
        let along = (self.perimeter() / 2.0 + length).clamp(0.0, self.perimeter());
        let after = self.lengths.partition_point(|l| *l < along).clamp(1, STEPS);
        let (low, high) = (self.lengths[after - 1], self.lengths[after]);
        let between = if high > low { (along - low) / (high - low) } else { 0.0 };
        let t = TAU * ((after - 1) as f32 + between) / STEPS as f32 - PI;
        let (x, y) = point(self.a, self.b, t);
        Spot { x, y, outward: (x / (self.a * self.a)).atan2(-y / (self.b * self.b)) }
    }

    /// The place at that length of arc from the bottom, counter-clockwise, so that it grows from left to right.
    pub(crate) fn lower(&self, length: f32) -> Spot {
        let mirrored = self.upper(length);
        Spot { x: mirrored.x, y: -mirrored.y, outward: PI - mirrored.outward }
    }
}

/// `t` is 0 at the top and grows clockwise.
fn point(a: f32, b: f32, t: f32) -> (f32, f32) {
    (a * t.sin(), -b * t.cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_is_measured_by_its_angle() {
        let circle = Curve::new(10.0, 10.0);
        assert!((circle.perimeter() - TAU * 10.0).abs() < 0.01);
        let right = circle.upper(circle.perimeter() / 4.0);
        assert!((right.x - 10.0).abs() < 0.01 && right.y.abs() < 0.05, "{right:?}");
        assert!((right.outward - PI / 2.0).abs() < 0.01);
    }

    #[test]
    fn the_bottom_is_read_from_left_to_right() {
        let curve = Curve::new(20.0, 15.0);
        let (left, right) = (curve.lower(-5.0), curve.lower(5.0));
        assert!(left.x < 0.0 && right.x > 0.0 && left.y > 14.0 && right.y > 14.0, "{left:?} {right:?}");
    }

    #[test]
    fn equal_lengths_of_an_ellipse_are_equal_distances() {
        let curve = Curve::new(20.0, 10.0);
        let spots: Vec<Spot> = (-20..=20).map(|i| curve.upper(i as f32)).collect();
        for pair in spots.windows(2) {
            let distance = (pair[1].x - pair[0].x).hypot(pair[1].y - pair[0].y);
            assert!((distance - 1.0).abs() < 0.02, "{distance}");
        }
    }
}
