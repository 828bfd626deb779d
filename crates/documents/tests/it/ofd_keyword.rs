//! Seals where a keyword stands, however a document cuts and turns its text.

use eseal_documents::ofd::{self, find_text};
use eseal_documents::{DocumentError, Hit, Limit, Limits, Placement, Size, Verdict, Which, stamps};

use crate::support::hostile::with_changed;
use crate::support::ofd_contract::{contract, contract_of, entries_of, zip_of};
use crate::support::parties::{World, judged, source, verify};

const SIZE: Size = Size { width_mm: 40.0, height_mm: 40.0 };

/// A document of one page with this content.
fn page(content: &str) -> Vec<u8> {
    with_changed(&contract_of(1), "Doc_0/Pages/Page_0/Content.xml", |_| page_xml(content).into_bytes())
}

fn page_xml(content: &str) -> String {
    format!(
        "<ofd:Page xmlns:ofd=\"http://www.ofdspec.org/2016\"><ofd:Content><ofd:Layer ID=\"11\">{content}\
         </ofd:Layer></ofd:Content></ofd:Page>"
    )
}

/// A text object at (x, y) with the attributes and codes given.
fn object(x: f64, y: f64, more: &str, codes: &str) -> String {
    format!(
        "<ofd:TextObject ID=\"12\" Boundary=\"{x} {y} 100 10\" Font=\"2\" Size=\"5\" {more}>{codes}</ofd:TextObject>"
    )
}

fn hits(document: &[u8], keyword: &str) -> Vec<Hit> {
    find_text(&source(document), keyword, &Limits::default()).expect("a search")
}

/// The only hit, as its middle.
#[track_caller]
fn middle(document: &[u8], keyword: &str) -> (f64, f64) {
    let found = hits(document, keyword);
    let [hit] = &found[..] else { panic!("{found:?}") };
    (hit.x_mm + hit.width_mm / 2.0, hit.y_mm + hit.height_mm / 2.0)
}

#[track_caller]
fn near(found: (f64, f64), expected: (f64, f64)) {
    assert!((found.0 - expected.0).abs() < 0.01 && (found.1 - expected.1).abs() < 0.01, "{found:?} {expected:?}");
}

#[test]
fn a_keyword_in_one_run_is_where_its_distances_put_it() {
    let text = object(20.0, 30.0, "", "<ofd:TextCode X=\"0\" Y=\"5\" DeltaX=\"g 3 5 10\">甲方盖章处</ofd:TextCode>");
    // 盖 begins after two distances of 5 mm, 章 after one more.
    near(middle(&page(&text), "盖章"), (20.0 + 15.0, 30.0 + 5.0 - 1.75));
}

#[test]
fn a_keyword_is_found_across_the_ends_of_codes_and_objects() {
    let two_codes = "<ofd:TextCode X=\"0\" Y=\"5\" DeltaX=\"5\">甲盖</ofd:TextCode><ofd:TextCode X=\"10\" Y=\"5\">章</ofd:TextCode>";
    near(middle(&page(&object(20.0, 30.0, "", two_codes)), "盖章"), (20.0 + 10.0, 33.25));
    let code = |text: &str| format!("<ofd:TextCode X=\"0\" Y=\"5\">{text}</ofd:TextCode>");
    let one = |x, text| object(x, 30.0, "", &code(text));
    near(middle(&page(&[one(20.0, "盖"), one(25.0, "章")].concat()), "盖章"), (25.0, 33.25));
    let unordered = [one(25.0, "章"), object(20.0, 80.0, "", &code("乙")), one(20.0, "盖")].concat();
    near(middle(&page(&unordered), "盖章"), (25.0, 33.25));
}

#[test]
fn characters_that_only_happen_to_follow_each_other_in_the_file_are_no_keyword() {
    let code = |text: &str| format!("<ofd:TextCode X=\"0\" Y=\"5\">{text}</ofd:TextCode>");
    let apart = [object(20.0, 30.0, "", &code("盖")), object(120.0, 30.0, "", &code("章"))].concat();
    assert_eq!(hits(&page(&apart), "盖章"), []);
    let above = [object(20.0, 130.0, "", &code("盖")), object(60.0, 30.0, "", &code("章"))].concat();
    assert_eq!(hits(&page(&above), "盖章"), []);
}

#[test]
fn the_transformation_of_an_object_moves_and_turns_the_hit() {
    let code = "<ofd:TextCode X=\"0\" Y=\"5\" DeltaX=\"5\">盖章</ofd:TextCode>";
    let twice = object(20.0, 30.0, "CTM=\"2 0 0 2 1 3\"", code);
    near(middle(&page(&twice), "盖章"), (20.0 + 2.0 * 5.0 + 1.0, 30.0 + 2.0 * 3.25 + 3.0));
    // A quarter turn: what ran to the right runs down.
    let turned = object(100.0, 30.0, "CTM=\"0 1 -1 0 0 0\"", code);
    near(middle(&page(&turned), "盖章"), (100.0 - 3.25, 30.0 + 5.0));
}

#[test]
fn columns_the_next_line_and_white_space_do_not_hide_a_keyword() {
    let down = "<ofd:TextCode X=\"0\" Y=\"5\" DeltaY=\"6\">盖章</ofd:TextCode>";
    near(middle(&page(&object(20.0, 30.0, "", down)), "盖章"), (22.5, 30.0 + (0.75 + 11.75) / 2.0));
    let spread = "<ofd:TextCode X=\"0\" Y=\"5\" DeltaX=\"g 3 5\">盖 \u{3000}章</ofd:TextCode>";
    near(middle(&page(&object(20.0, 30.0, "", spread)), "盖 章"), (20.0 + 10.0, 33.25));
    let code = |text: &str| format!("<ofd:TextCode X=\"0\" Y=\"5\">{text}</ofd:TextCode>");
    let wrapped = [object(180.0, 30.0, "", &code("盖")), object(20.0, 37.0, "", &code("章"))].concat();
    near(middle(&page(&wrapped), "盖章"), (182.5, 33.25)); // its part on the first line
}

#[test]
fn text_in_blocks_and_of_templates_counts_and_invisible_text_does_not() {
    let code = "<ofd:TextCode X=\"0\" Y=\"5\" DeltaX=\"5\">盖章</ofd:TextCode>";
    let block = format!("<ofd:PageBlock ID=\"90\">{}</ofd:PageBlock>", object(20.0, 30.0, "", code));
    near(middle(&page(&block), "盖章"), (25.0, 33.25));
    assert_eq!(hits(&page(&object(20.0, 30.0, "Visible=\"false\"", code)), "盖章"), []);

    let mut entries = entries_of(2);
    for (name, content) in &mut entries {
        let text = String::from_utf8(std::mem::take(content)).expect("text");
        let template = "<ofd:TemplatePage ID=\"80\" BaseLoc=\"Tpls/Tpl_0/Content.xml\"/></ofd:CommonData>";
        let uses = "<ofd:Template TemplateID=\"80\"/><ofd:Content>";
        let text = text.replace("</ofd:CommonData>", template).replace("<ofd:Content>", uses);
        *content = text.into_bytes();
        assert!(name != "Doc_0/Document.xml" || content.windows(12).any(|window| window == b"TemplatePage"));
    }
    let template = page_xml(&object(20.0, 30.0, "", code)).into_bytes();
    entries.push(("Doc_0/Tpls/Tpl_0/Content.xml".to_owned(), template));
    let pages: Vec<u32> = hits(&zip_of(&entries), "盖章").iter().map(|hit| hit.page).collect();
    assert_eq!(pages, [1, 2]);
}

#[test]
fn text_printed_twice_to_look_bold_is_one_hit_and_hits_are_in_the_order_of_reading() {
    let code = "<ofd:TextCode X=\"0\" Y=\"5\" DeltaX=\"5\">盖章</ofd:TextCode>";
    let at = |x, y| object(x, y, "", code);
    let content = [at(20.0, 90.0), at(20.1, 90.1), at(120.0, 30.0), at(20.0, 30.0)].concat();
    let places: Vec<(f64, f64)> = hits(&page(&content), "盖章").iter().map(|hit| (hit.x_mm, hit.y_mm)).collect();
    assert_eq!(places, [(20.0, 30.75), (120.0, 30.75), (20.0, 90.75)]);
}

#[test]
fn a_document_is_sealed_at_a_keyword_of_every_page() {
    let world = World::new();
    let (party, document) = (world.party("甲方"), contract_of(3));
    let placement = Placement::Keyword { text: "乙方:杭州".to_owned(), which: Which::All, offset_mm: (10.0, 0.0) };
    let found = stamps(&source(&document), &placement, SIZE, &Limits::default()).expect("places");
    let pages: Vec<u32> = found.iter().map(|stamp| stamp.place.page).collect();
    assert_eq!(pages, [1, 2, 3]);
    let (sealed, _) =
        party.identity.try_seal_at(&party.seal, &document, &found, ofd::SealingOptions::default()).expect("sealed");
    assert_eq!(judged(&sealed, &world).verdict, Verdict::Valid);
    let place = verify(&sealed).seals[0].stamps[0].place;
    // Five characters from x = 25 on the line at y = 54, moved by 10 mm.
    near((place.x_mm + 20.0, place.y_mm + 20.0), (25.0 + 12.5 + 10.0, 54.0 + 5.0 - 1.75));
}

#[test]
fn a_keyword_that_is_not_there_is_told_and_too_many_are_refused() {
    let refused = |placement: &Placement, limits: &Limits| {
        stamps(&source(&contract()), placement, SIZE, limits).expect_err("refused")
    };
    let keyword = |text: &str| Placement::Keyword { text: text.to_owned(), which: Which::All, offset_mm: (0.0, 0.0) };
    let missing = refused(&keyword("丁方"), &Limits::default());
    assert!(matches!(missing, DocumentError::KeywordNotFound { found: 0, .. }));
    let crowded = refused(&keyword("甲方"), &Limits { max_stamps: 3, ..Limits::default() });
    assert!(matches!(crowded, DocumentError::TooLarge { limit: Limit::Stamps, .. }));
    let long = refused(&keyword("甲方"), &Limits { max_page_text: 20, ..Limits::default() });
    assert!(matches!(long, DocumentError::TooLarge { limit: Limit::PageText, .. }));
}
