//! Where the impressions go, as the command line says it.

use eseal_documents::{Edge, Placement, Seam, Spot, Which};

use crate::args::{PageEdge, Position};
use crate::failure::Failure;
use crate::lang::Lang;

/// Where a contract has room for a seal: at the right, below.
const USUAL: (f64, f64) = (120.0, 200.0);

/// The rule that the command line names.
///
/// # Errors
/// It names points that are none.
pub fn placement(lang: Lang, position: &Position) -> Result<Placement, Failure> {
    if let Some(text) = &position.keyword {
        let which =
            which(&position.which).ok_or_else(|| Failure::usage(lang, format_args!("--which {}", position.which)))?;
        let offset = position.offset.as_deref().unwrap_or("0,0");
        let offset_mm = pair(offset).ok_or_else(|| Failure::usage(lang, format_args!("--offset {offset}")))?;
        return Ok(Placement::Keyword { text: text.clone(), which, offset_mm });
    }
    if let Some(edge) = position.seam {
        let (split, opposed) = (position.splits, position.opposed);
        return Ok(Placement::Seam(Seam { edge: edge_of(edge), split, opposed, offset_mm: None }));
    }
    let spot = |text: &String| spot(text, position.page).ok_or_else(|| wrong(lang, text));
    let mut spots = position.at.iter().map(spot).collect::<Result<Vec<_>, _>>()?;
    if spots.is_empty() {
        let (x_mm, y_mm) = USUAL;
        spots.push(Spot { page: position.page, x_mm, y_mm });
    }
    match (position.every_page, spots.as_slice()) {
        (false, _) => Ok(Placement::At(spots)),
        (true, [Spot { x_mm, y_mm, .. }]) => Ok(Placement::EveryPage { x_mm: *x_mm, y_mm: *y_mm }),
        (true, _) => {
            Err(Failure::usage(lang, lang.pick("--every-page 只能有一个 --at", "--every-page takes one --at")))
        }
    }
}

/// `X,Y` on `page`, or `PAGE:X,Y`.
fn spot(text: &str, page: u32) -> Option<Spot> {
    let (page, point) = match text.split_once(':') {
        Some((page, point)) => (page.trim().parse().ok().filter(|page| *page > 0)?, point),
        None => (page, text),
    };
    let (x_mm, y_mm) = pair(point)?;
    Some(Spot { page, x_mm, y_mm })
}

fn pair(text: &str) -> Option<(f64, f64)> {
    let (x, y) = text.split_once(',')?;
    Some((x.trim().parse().ok()?, y.trim().parse().ok()?))
}

fn which(text: &str) -> Option<Which> {
    match text {
        "all" => Some(Which::All),
        "first" => Some(Which::First),
        "last" => Some(Which::Last),
        number => number.parse().ok().filter(|number| *number > 0).map(Which::Nth),
    }
}

const fn edge_of(edge: PageEdge) -> Edge {
    match edge {
        PageEdge::Left => Edge::Left,
        PageEdge::Right => Edge::Right,
        PageEdge::Top => Edge::Top,
        PageEdge::Bottom => Edge::Bottom,
    }
}

fn wrong(lang: Lang, text: &str) -> Failure {
    let expected = lang.pick("应为 X,Y 或 页:X,Y(毫米)", "expected X,Y or PAGE:X,Y in mm");
    Failure::usage(lang, format_args!("--at {text}: {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position() -> Position {
        Position {
            page: 3,
            at: Vec::new(),
            keyword: None,
            which: "all".to_owned(),
            offset: None,
            every_page: false,
            seam: None,
            splits: None,
            opposed: false,
            field: None,
        }
    }

    #[test]
    fn a_point_may_name_its_page() {
        assert_eq!(spot("120, 200.5", 3), Some(Spot { page: 3, x_mm: 120.0, y_mm: 200.5 }));
        assert_eq!(spot("2:-1,0", 3), Some(Spot { page: 2, x_mm: -1.0, y_mm: 0.0 }));
        for wrong in ["", "1", "1,", "x,1", "0:1,1", "-1:1,1", "1:2:3,4"] {
            assert_eq!(spot(wrong, 1), None, "{wrong}");
        }
    }

    #[test]
    fn without_a_point_the_usual_one_is_meant() {
        let usual = Spot { page: 3, x_mm: 120.0, y_mm: 200.0 };
        assert_eq!(placement(Lang::En, &position()).expect("a rule"), Placement::At(vec![usual]));
        let every = Position { every_page: true, ..position() };
        assert_eq!(placement(Lang::En, &every).expect("a rule"), Placement::EveryPage { x_mm: 120.0, y_mm: 200.0 });
        let two = Position { at: vec!["1,1".to_owned(), "2,2".to_owned()], ..every };
        assert_eq!(placement(Lang::En, &two).expect_err("two points").code, "USAGE");
    }

    #[test]
    fn a_keyword_says_which_and_how_far_off() {
        let keyword = |which: &str, offset: Option<&str>| {
            let (which, offset) = (which.to_owned(), offset.map(str::to_owned));
            placement(Lang::En, &Position { keyword: Some("盖章".to_owned()), which, offset, ..position() })
        };
        let expected = Placement::Keyword { text: "盖章".to_owned(), which: Which::Nth(2), offset_mm: (-5.0, 1.5) };
        assert_eq!(keyword("2", Some("-5,1.5")).expect("a rule"), expected);
        for (which, offset) in [("0", None), ("second", None), ("all", Some("5"))] {
            assert_eq!(keyword(which, offset).expect_err("refused").code, "USAGE");
        }
    }

    #[test]
    fn a_seam_says_where_and_how() {
        let seam = Position { seam: Some(PageEdge::Left), splits: Some(4), opposed: true, ..position() };
        let expected = Seam { edge: Edge::Left, split: Some(4), opposed: true, offset_mm: None };
        assert_eq!(placement(Lang::En, &seam).expect("a rule"), Placement::Seam(expected));
    }
}
