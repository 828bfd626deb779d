//! Which document of a package is sealed, and where on its pages.

use super::document::{Body, Pages, bodies};
use super::entry_set::EntrySet;
use super::package::Package;
use crate::{DocumentError, Limit, Place, Stamp};

/// The document that is sealed. Nearly every package has one only; pages are counted over all of them.
pub struct Target {
    /// What `OFD.xml` says of it.
    pub body: Body,
    /// How many pages the documents before it have.
    pub before: u32,
    /// How many pages all documents have.
    pub pages: u32,
    /// The lists of signatures of all documents.
    pub lists: EntrySet,
    /// Those of the others: they stay open, whatever happens to this one.
    pub other_lists: EntrySet,
}

impl Target {
    /// The document that has all pages of `stamps`.
    ///
    /// # Errors
    /// There is no such page, or the pages are of several documents: one signature belongs to one list.
    pub fn find(package: &Package, stamps: &[Stamp]) -> Result<Self, DocumentError> {
        let first = stamps.first().ok_or(DocumentError::NoPlace)?.place.page;
        Limit::Stamps.check(stamps.len() as u64, package.limits().max_stamps.into())?;
        let all = bodies(package)?;
        let list_of = |body: &Body| body.signatures.as_ref().and_then(|list| package.find(list));
        let lists: EntrySet = all.iter().filter_map(list_of).collect();
        let (mut pages, mut target, documents) = (0, None, all.len());
        for body in all {
            let own = Pages::read(package, &body)?.count();
            let (before, end) = (pages, pages + own);
            if (before + 1..=end).contains(&first) {
                if stamps.iter().any(|stamp| !(before + 1..=end).contains(&stamp.place.page)) {
                    target = Some(Err(documents));
                } else {
                    let own: EntrySet = list_of(&body).into_iter().collect();
                    target = Some(Ok((body, before, lists.without(&own))));
                }
            }
            pages = end;
        }
        let outside = stamps.iter().map(|stamp| stamp.place.page).find(|page| *page == 0 || *page > pages);
        match (outside, target) {
            (Some(page), _) => Err(DocumentError::NoSuchPage { page, pages }),
            (None, Some(Ok((body, before, other_lists)))) => Ok(Self { body, before, pages, lists, other_lists }),
            (None, _) => {
                Err(DocumentError::SeveralDocuments { documents: u32::try_from(documents).unwrap_or(u32::MAX) })
            }
        }
    }
}

/// The object ID of the page of every impression, and where it is there; each must lie on its page.
pub fn impressions(
    package: &Package,
    target: &Target,
    stamps: &[Stamp],
) -> Result<Vec<(String, Stamp)>, DocumentError> {
    let mut pages = Pages::read(package, &target.body)?;
    let mut impressions = Vec::with_capacity(stamps.len());
    for stamp in stamps {
        let page = stamp.place.page.saturating_sub(target.before);
        let id = pages.id_of(page)?.to_owned();
        stamp.must_lie_on(pages.size_of(package, page)?, target.pages)?;
        impressions.push((id, Stamp { place: Place { page, ..stamp.place }, ..*stamp }));
    }
    Ok(impressions)
}
