//! 用印申请: uses of a seal that are requested, approved by somebody else, and spent at gate d.
//!
//! They belong to the seal, not to a stream of their own: what gate d lets through and what it spends for that are one
//! fact, so that no race and no repeat spends a use twice.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use eseal_kernel::Timestamp;

use super::denial::Denial;
use super::document::{DocumentDigest, Original};
use super::ids::{PersonId, UseId};
use super::use_request::UseFact;

/// The most documents of one request.
pub const MAX_DOCUMENTS: usize = 100;
/// The most documents of a seal for which uses are requested or approved and not over.
pub const MAX_OPEN: usize = 10_000;
/// The most documents of an act that are looked up among the approved ones.
pub const MAX_IN_ACT: usize = 1_000;

/// Where several uses of a document are none, the first of these that is true says most of what to do.
const MOST_TELLING: [Denial; 5] =
    [Denial::NotApproved, Denial::Used, Denial::PastDeadline, Denial::Declined, Denial::TakenBack];

/// A use that somebody requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealUse {
    /// Who requested it.
    pub requester: PersonId,
    /// For which documents, with how often each was sealed for it.
    pub documents: Vec<(DocumentDigest, u32)>,
    /// How often each may be.
    pub uses: u32,
    /// The last moment.
    pub deadline: Timestamp,
    /// How it stands.
    pub standing: UseStanding,
}

/// How a use stands. That its deadline is over, or all of it spent, is no state: it follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UseStanding {
    /// Nobody has decided.
    Requested,
    /// It may be made.
    Approved(PersonId),
    /// It may not.
    Declined(PersonId),
    /// Who requested it took it back.
    TakenBack,
}

impl SealUse {
    fn is_spent(&self) -> bool {
        self.documents.iter().all(|(_, used)| *used >= self.uses)
    }

    /// Whether it can still be decided about, or made.
    pub fn is_open(&self, now: Timestamp) -> bool {
        let undecided = matches!(self.standing, UseStanding::Requested | UseStanding::Approved(_));
        undecided && now <= self.deadline && !self.is_spent()
    }

    /// Whether a document of it, which was sealed so often, may be sealed now.
    fn check(&self, used: u32, now: Timestamp) -> Result<(), Denial> {
        match self.standing {
            UseStanding::Declined(_) => Err(Denial::Declined),
            UseStanding::TakenBack => Err(Denial::TakenBack),
            UseStanding::Requested | UseStanding::Approved(_) if now > self.deadline => Err(Denial::PastDeadline),
            UseStanding::Requested => Err(Denial::NotApproved),
            UseStanding::Approved(_) if used >= self.uses => Err(Denial::Used),
            UseStanding::Approved(_) => Ok(()),
        }
    }

    fn count(&mut self, document: DocumentDigest, change: impl Fn(u32) -> u32) {
        for (_, used) in self.documents.iter_mut().filter(|(of, _)| *of == document) {
            *used = change(*used);
        }
    }
}

/// One approved use of one document, spent at gate d.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// The request.
    pub use_id: UseId,
    /// The document, as the request names it.
    pub document: DocumentDigest,
}

/// A document as gate d admitted it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Admitted {
    /// As it was before sealing.
    pub original: Original,
    /// What was spent for it; none where the policy asks for nothing.
    pub spent: Option<Spent>,
}

/// The uses of a seal that are open, and those that ended lately.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SealUses(Arc<BTreeMap<UseId, Arc<SealUse>>>);

impl SealUses {
    /// A use; none if it was never requested, or ended long ago.
    pub fn get(&self, id: UseId) -> Option<&SealUse> {
        self.0.get(&id).map(Arc::as_ref)
    }

    /// The documents of the uses that are open.
    pub(super) fn documents(&self, now: Timestamp) -> usize {
        self.0.values().filter(|one| one.is_open(now)).map(|one| one.documents.len()).sum()
    }

    /// The approved uses that let these documents through, one for each, in their order. What ends first is spent first.
    pub(super) fn find(&self, originals: &[Original], now: Timestamp) -> Result<Vec<Spent>, Denial> {
        let mut offers: HashMap<DocumentDigest, Offer> = HashMap::new();
        for digest in originals.iter().flat_map(|original| &original.digests) {
            offers.entry(*digest).or_default();
        }
        for (id, one) in self.0.iter() {
            for (document, used) in &one.documents {
                if let Some(offer) = offers.get_mut(document) {
                    offer.add(*id, one, *used, now);
                }
            }
        }
        for offer in offers.values_mut() {
            offer.left.make_contiguous().sort_unstable();
        }
        originals.iter().map(|original| chosen(&mut offers, original)).collect()
    }

    pub(super) fn evolve(&mut self, id: UseId, fact: &UseFact) {
        let uses = Arc::make_mut(&mut self.0);
        match fact {
            UseFact::Requested(asked) => {
                // What is over is forgotten once there is no room for it.
                if uses.values().map(|one| one.documents.len()).sum::<usize>() + asked.documents.len() > MAX_OPEN {
                    uses.retain(|_, one| one.is_open(asked.requested_at));
                }
                let one = SealUse {
                    requester: asked.requester.clone(),
                    documents: asked.documents.iter().map(|document| (*document, 0)).collect(),
                    uses: asked.uses,
                    deadline: asked.deadline,
                    standing: UseStanding::Requested,
                };
                uses.insert(id, Arc::new(one));
            }
            UseFact::Approved { by } => stand(uses, id, UseStanding::Approved(by.clone())),
            UseFact::Declined { by, .. } => stand(uses, id, UseStanding::Declined(by.clone())),
            UseFact::TakenBack => stand(uses, id, UseStanding::TakenBack),
        }
    }

    /// Gate d let these through.
    pub(super) fn spend(&mut self, spent: &[Spent]) {
        self.count(spent, |used| used.saturating_add(1));
    }

    /// They came to nothing.
    pub(super) fn give_back(&mut self, spent: &[Spent]) {
        self.count(spent, |used| used.saturating_sub(1));
    }

    fn count(&mut self, spent: &[Spent], change: impl Fn(u32) -> u32) {
        if spent.is_empty() {
            return; // and nothing is cloned
        }
        let uses = Arc::make_mut(&mut self.0);
        for one in spent {
            if let Some(of) = uses.get_mut(&one.use_id) {
                Arc::make_mut(of).count(one.document, &change);
            }
        }
    }
}

/// What the uses of a seal have to offer for one document.
#[derive(Debug, Default)]
struct Offer {
    /// Those that let it through, with how often each still does.
    left: VecDeque<(Timestamp, UseId, u32)>,
    /// Why the others do not.
    denials: Vec<Denial>,
}

impl Offer {
    fn add(&mut self, id: UseId, one: &SealUse, used: u32, now: Timestamp) {
        match one.check(used, now) {
            Ok(()) => self.left.push_back((one.deadline, id, one.uses - used)),
            Err(why) if self.denials.contains(&why) => {}
            Err(why) => self.denials.push(why),
        }
    }

    fn spend(&mut self) {
        if let Some((_, _, left)) = self.left.front_mut() {
            *left -= 1;
            if *left == 0 {
                self.left.pop_front();
                self.denials.push(Denial::Used); // by documents before it in the list
            }
        }
    }
}

fn chosen(offers: &mut HashMap<DocumentDigest, Offer>, original: &Original) -> Result<Spent, Denial> {
    let offered = original.digests.iter().filter_map(|document| {
        let (deadline, use_id, _) = *offers.get(document)?.left.front()?;
        Some((deadline, Spent { use_id, document: *document }))
    });
    let Some((_, spent)) = offered.min_by_key(|(deadline, spent)| (*deadline, spent.use_id)) else {
        let said = |why: &Denial| {
            original.digests.iter().filter_map(|document| offers.get(document)).any(|offer| offer.denials.contains(why))
        };
        return Err(MOST_TELLING.into_iter().find(said).unwrap_or(Denial::NotRequested));
    };
    if let Some(offer) = offers.get_mut(&spent.document) {
        offer.spend();
    }
    Ok(spent)
}

fn stand(uses: &mut BTreeMap<UseId, Arc<SealUse>>, id: UseId, standing: UseStanding) {
    if let Some(one) = uses.get_mut(&id) {
        Arc::make_mut(one).standing = standing;
    }
}
