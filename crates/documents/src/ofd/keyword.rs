//! Where a keyword stands in a package.

use std::collections::HashMap;

use super::document::{Pages, bodies};
use super::package::Package;
use super::text::glyphs;
use crate::text::{Bounds, in_order, needle, occurrences};
use crate::{DocumentError, Hit, Limit, Limits, Source};

/// The places of `keyword` on all pages, page by page and on each from top to bottom and left to right.
///
/// # Errors
/// As [`crate::ofd::pages`]; also where there are more places than [`Limits::max_stamps`].
pub fn find_text(source: &Source, keyword: &str, limits: &Limits) -> Result<Vec<Hit>, DocumentError> {
    let package = Package::open(source, limits)?;
    let needle = needle(keyword)?;
    // Many pages may share a template, and nothing forbids them to share their content.
    let mut by_entry: HashMap<String, Vec<Bounds>> = HashMap::new();
    let (mut hits, mut before) = (Vec::new(), 0);
    for body in bodies(&package)? {
        let mut pages = Pages::read(&package, &body)?;
        for number in 1..=pages.count() {
            let mut on_page = Vec::new();
            for entry in pages.contents_of(&package, number)? {
                let found = match by_entry.get(&entry) {
                    Some(found) => found,
                    None => {
                        let found = occurrences(&glyphs(&package, &entry)?, &needle);
                        by_entry.entry(entry).or_insert(found)
                    }
                };
                on_page.extend(found.iter().copied());
            }
            let on_page = in_order(on_page).into_iter().map(|bounds| bounds.hit(before + number));
            hits.extend(on_page);
            Limit::Stamps.check(hits.len() as u64, limits.max_stamps.into())?;
        }
        before += pages.count();
    }
    Ok(hits)
}
