//! What rules come to.

use proptest::prelude::*;

use super::*;
use crate::Clip;

const A4: PageSize = PageSize { width_mm: 210.0, height_mm: 297.0 };
const SIZE: Size = Size { width_mm: 42.0, height_mm: 30.0 };

fn resolved(placement: &Placement, pages: &[PageSize], hits: &[Hit]) -> Result<Vec<Stamp>, DocumentError> {
    placement.resolve(SIZE, pages, hits, &Limits::default())
}

fn seam(seam: Seam, pages: usize) -> Vec<Stamp> {
    resolved(&Placement::Seam(seam), &vec![A4; pages], &[]).expect("stamps")
}

fn keyword(which: Which) -> Placement {
    Placement::Keyword { text: "盖章".to_owned(), which, offset_mm: (0.0, 0.0) }
}

fn hit(page: u32, x_mm: f64, y_mm: f64) -> Hit {
    Hit { page, x_mm, y_mm, width_mm: 10.0, height_mm: 4.0 }
}

#[test]
fn an_impression_has_the_size_of_the_seal_at_every_point() {
    let spots = vec![Spot { page: 1, x_mm: 10.0, y_mm: 20.0 }, Spot { page: 2, x_mm: 168.0, y_mm: 267.0 }];
    let stamps = resolved(&Placement::At(spots), &[A4, A4], &[]).expect("stamps");
    let place = |page, x_mm, y_mm| Stamp::from(Place { page, x_mm, y_mm, width_mm: 42.0, height_mm: 30.0 });
    assert_eq!(stamps, [place(1, 10.0, 20.0), place(2, 168.0, 267.0)]);
}

#[test]
fn points_off_the_page_or_of_no_page_are_refused() {
    let refused = |spot| resolved(&Placement::At(vec![spot]), &[A4], &[]).expect_err("refused");
    let outside = refused(Spot { page: 1, x_mm: 169.0, y_mm: 0.0 });
    assert!(matches!(outside, DocumentError::OutsidePage { .. }));
    for page in [0, 2] {
        assert!(matches!(refused(Spot { page, x_mm: 0.0, y_mm: 0.0 }), DocumentError::NoSuchPage { pages: 1, .. }));
    }
    assert!(matches!(resolved(&Placement::At(vec![]), &[A4], &[]), Err(DocumentError::NoPlace)));
}

#[test]
fn an_impression_is_centred_on_the_keyword_and_moved_by_the_offset() {
    let placement = Placement::Keyword { text: "盖章".to_owned(), which: Which::All, offset_mm: (20.0, -5.0) };
    let stamps = resolved(&placement, &[A4], &[hit(1, 100.0, 200.0)]).expect("stamps");
    let place = stamps[0].place;
    assert_eq!((place.x_mm + 21.0, place.y_mm + 15.0), (105.0 + 20.0, 202.0 - 5.0));
}

#[test]
fn a_keyword_near_the_edge_moves_the_impression_inward_and_no_further() {
    let stamps = resolved(&keyword(Which::All), &[A4], &[hit(1, 198.0, 1.0), hit(1, 0.0, 290.0)]).expect("stamps");
    assert_eq!((stamps[0].place.x_mm, stamps[0].place.y_mm), (168.0, 0.0));
    assert_eq!((stamps[1].place.x_mm, stamps[1].place.y_mm), (0.0, 267.0));
    let small = PageSize { width_mm: 41.0, height_mm: 297.0 };
    let refused = resolved(&keyword(Which::All), &[small], &[hit(1, 0.0, 0.0)]);
    assert!(matches!(refused, Err(DocumentError::OutsidePage { .. })), "no room for it on any place of the page");
}

#[test]
fn one_hit_can_be_chosen() {
    let hits = [hit(1, 50.0, 50.0), hit(2, 60.0, 50.0), hit(2, 70.0, 50.0)];
    let at = |which| -> Vec<(u32, f64)> {
        let stamps = resolved(&keyword(which), &[A4, A4], &hits).expect("stamps");
        stamps.iter().map(|stamp| (stamp.place.page, stamp.place.x_mm + 16.0)).collect()
    };
    assert_eq!(at(Which::All), [(1, 50.0), (2, 60.0), (2, 70.0)]);
    assert_eq!(at(Which::First), [(1, 50.0)]);
    assert_eq!(at(Which::Last), [(2, 70.0)]);
    assert_eq!(at(Which::Nth(2)), [(2, 60.0)]);
}

#[test]
fn a_keyword_that_is_not_there_that_often_is_refused_with_how_often_it_is() {
    for (which, hits, times) in
        [(Which::All, vec![], 0), (Which::First, vec![], 0), (Which::Nth(2), vec![hit(1, 9.0, 9.0)], 1)]
    {
        let error = resolved(&keyword(which), &[A4], &hits).expect_err("refused");
        assert!(matches!(error, DocumentError::KeywordNotFound { found, .. } if found == times), "{error}");
    }
    let zeroth = resolved(&keyword(Which::Nth(0)), &[A4], &[hit(1, 9.0, 9.0)]);
    assert!(matches!(zeroth, Err(DocumentError::PlacementInvalid { .. })));
}

#[test]
fn a_blank_or_endless_keyword_is_refused() {
    for text in ["", " \u{3000}\n", &"章".repeat(257)] {
        let placement = Placement::Keyword { text: text.to_owned(), which: Which::All, offset_mm: (0.0, 0.0) };
        assert!(matches!(placement.keyword(), Err(DocumentError::PlacementInvalid { .. })), "{text}");
    }
    assert_eq!(keyword(Which::All).keyword().expect("a keyword"), Some("盖章"));
}

#[test]
fn every_page_gets_the_same_impression() {
    let stamps = resolved(&Placement::EveryPage { x_mm: 1.0, y_mm: 2.0 }, &[A4; 3], &[]).expect("stamps");
    let at: Vec<_> = stamps.iter().map(|stamp| (stamp.place.page, stamp.place.x_mm, stamp.place.y_mm)).collect();
    assert_eq!(at, [(1, 1.0, 2.0), (2, 1.0, 2.0), (3, 1.0, 2.0)]);
}

#[test]
fn more_impressions_than_the_limit_are_refused() {
    let limits = Limits { max_stamps: 3, ..Limits::default() };
    let spots = vec![Spot { page: 1, x_mm: 0.0, y_mm: 0.0 }; 4];
    for placement in [
        Placement::At(spots),
        Placement::EveryPage { x_mm: 0.0, y_mm: 0.0 },
        Placement::Seam(Seam::default()),
        keyword(Which::All),
    ] {
        let refused = placement.resolve(SIZE, &[A4; 4], &[hit(1, 0.0, 0.0); 4], &limits);
        assert!(matches!(refused, Err(DocumentError::TooLarge { limit: Limit::Stamps, max: 3 })), "{placement:?}");
    }
}

#[test]
fn a_seam_seal_on_the_right_edge_is_where_other_producers_put_it() {
    let stamps = seam(Seam { edge: Edge::Right, ..Seam::default() }, 3);
    let found: Vec<_> = stamps.iter().map(|stamp| (stamp.place.x_mm, stamp.place.y_mm, stamp.clip)).collect();
    let clip = |x_mm| Some(Clip { x_mm, y_mm: 0.0, width_mm: 14.0, height_mm: 30.0 });
    assert_eq!(found, [(196.0, 133.5, clip(0.0)), (182.0, 133.5, clip(14.0)), (168.0, 133.5, clip(28.0))]);
}

#[test]
fn a_seam_seal_on_the_left_or_upper_edge_begins_with_its_last_strip() {
    let left = seam(Seam { edge: Edge::Left, ..Seam::default() }, 3);
    let found: Vec<_> = left.iter().map(|stamp| (stamp.place.x_mm, stamp.clip.map(|clip| clip.x_mm))).collect();
    assert_eq!(found, [(-28.0, Some(28.0)), (-14.0, Some(14.0)), (0.0, Some(0.0))]);
    let top = seam(Seam { edge: Edge::Top, offset_mm: Some(5.0), ..Seam::default() }, 2);
    let found: Vec<_> = top.iter().map(|stamp| (stamp.place.x_mm, stamp.place.y_mm, stamp.clip)).collect();
    let clip = |y_mm| Some(Clip { x_mm: 0.0, y_mm, width_mm: 42.0, height_mm: 15.0 });
    assert_eq!(found, [(5.0, -15.0, clip(15.0)), (5.0, 0.0, clip(0.0))]);
}

#[test]
fn facing_pages_have_opposed_halves_of_one_impression() {
    let stamps = seam(Seam { split: Some(2), opposed: true, ..Seam::default() }, 4);
    let seen: Vec<_> = stamps.iter().map(|stamp| (stamp.visible().x_mm, stamp.clip.map(|clip| clip.x_mm))).collect();
    let spread = [(189.0, Some(0.0)), (0.0, Some(21.0))];
    assert_eq!(seen, [spread, spread].concat());
}

#[test]
fn a_last_page_is_never_alone() {
    let strips = |pages| -> Vec<f64> {
        let stamps = seam(Seam { split: Some(3), ..Seam::default() }, pages);
        stamps.iter().filter_map(|stamp| stamp.clip).map(|clip| (42.0 / clip.width_mm).round()).collect()
    };
    assert_eq!(strips(6), [3.0; 6]);
    assert_eq!(strips(7), [3.0, 3.0, 3.0, 4.0, 4.0, 4.0, 4.0]);
    assert_eq!(strips(8), [3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 2.0, 2.0]);
    assert_eq!(strips(2), [2.0; 2]);
}

#[test]
fn a_seam_needs_two_pages_and_two_strips() {
    let refused = |seam, pages| resolved(&Placement::Seam(seam), &vec![A4; pages], &[]).expect_err("refused");
    for pages in [0, 1] {
        assert!(matches!(refused(Seam::default(), pages), DocumentError::NoSeam { .. }));
    }
    for split in [0, 1] {
        let error = refused(Seam { split: Some(split), ..Seam::default() }, 3);
        assert!(matches!(error, DocumentError::PlacementInvalid { .. }));
    }
    let error = refused(Seam { offset_mm: Some(270.0), ..Seam::default() }, 2);
    assert!(matches!(error, DocumentError::OutsidePage { .. }));
}

/// Ends of the visible strip in the impression, across the edge.
fn span(clip: Clip, edge: Edge) -> (f64, f64) {
    match edge {
        Edge::Left | Edge::Right => (clip.x_mm, clip.x_mm + clip.width_mm),
        Edge::Top | Edge::Bottom => (clip.y_mm, clip.y_mm + clip.height_mm),
    }
}

proptest! {
    /// Whatever is asked for: the strips of each group, put together, are the whole impression without gap or overlap;
    /// each touches an edge of its page; and no group has a single page.
    #[test]
    fn the_strips_of_a_group_are_exactly_the_whole_impression(
        edge in prop::sample::select(Edge::ALL.to_vec()),
        split in prop::option::of(2_u32..40),
        opposed in any::<bool>(),
        width in 100.0..400.0_f64,
        heights in prop::collection::vec(100.0..500.0_f64, 2..90),
    ) {
        let pages: Vec<PageSize> =
            heights.iter().map(|height| PageSize { width_mm: width, height_mm: *height }).collect();
        let stamps = resolved(&Placement::Seam(Seam { edge, split, opposed, offset_mm: None }), &pages, &[])?;
        prop_assert_eq!(stamps.len(), pages.len());
        let whole = if matches!(edge, Edge::Left | Edge::Right) { SIZE.width_mm } else { SIZE.height_mm };
        let mut rest = &stamps[..];
        while let Some(first) = rest.first() {
            let (start, end) = span(first.clip.expect("a strip"), edge);
            let parts = (whole / (end - start)).round() as usize;
            prop_assert!(parts >= 2 && parts <= rest.len());
            let (group, others) = rest.split_at(parts);
            let mut strips: Vec<_> = group.iter().map(|stamp| span(stamp.clip.expect("a strip"), edge)).collect();
            strips.sort_by(|a, b| a.0.total_cmp(&b.0));
            let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
            prop_assert!(near(strips[0].0, 0.0) && near(strips[parts - 1].1, whole));
            prop_assert!(strips.windows(2).all(|pair| near(pair[0].1, pair[1].0)));
            rest = others;
        }
        for (stamp, page) in stamps.iter().zip(&pages) {
            let seen = stamp.visible();
            let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
            let touches = match edge {
                Edge::Left | Edge::Right => near(seen.x_mm, 0.0) || near(seen.x_mm + seen.width_mm, page.width_mm),
                Edge::Top | Edge::Bottom => near(seen.y_mm, 0.0) || near(seen.y_mm + seen.height_mm, page.height_mm),
            };
            prop_assert!(touches, "{} on {}", seen, page);
        }
    }
}
