//! Who could use a seal, and which uses were requested, folded: the rules are those of the registry.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use eseal_kernel::Timestamp;
use eseal_proto::authentication::v1::authentication_event::Kind;
use eseal_proto::authentication::v1::{AdmittedDocument, CustodianTerms, UseRequested, UseState};
use eseal_proto::moment;
use eseal_proto::seal::v1::Custody;
use serde::Serialize;

/// How long an attempt lasts.
const LIFETIME: Duration = Duration::from_secs(10 * 60);

/// A person who could use a seal, or once could.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CustodianStanding {
    /// By internal id.
    pub custodian_id: String,
    /// Whether the right was not withdrawn.
    pub in_force: bool,
    /// What it was for.
    pub terms: CustodianTerms,
    /// For how many documents it was used.
    pub used: u32,
    #[serde(skip)]
    grants: u32,
}

/// A requested use that was open: not declined, taken back or spent, and before its deadline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UseStanding {
    /// The request.
    pub use_id: String,
    /// `USE_STATE_REQUESTED` or `USE_STATE_APPROVED`.
    pub state: &'static str,
    /// Who requested it.
    pub requester_id: String,
    /// Who approved it.
    pub approver_id: Option<String>,
    /// For which documents, with how often each was sealed.
    pub documents: BTreeMap<String, u32>,
    /// How often each could be.
    pub uses: u32,
    /// The last moment.
    pub deadline: String,
}

#[derive(Debug)]
struct Use {
    state: UseState,
    requester_id: String,
    approver_id: Option<String>,
    documents: BTreeMap<String, u32>,
    uses: u32,
    deadline: Option<Timestamp>,
}

/// What an attempt took from its custodian's right and from approved uses.
#[derive(Debug)]
struct Act {
    by: String,
    grants: u32,
    until: Timestamp,
    documents: u32,
    /// By the place in the list: the use and the document by which it names it.
    spent: BTreeMap<u32, (String, String)>,
    signed: BTreeSet<u32>,
}

/// The rights and requested uses of one seal.
#[derive(Debug, Default)]
pub(super) struct Rights {
    /// The service's own key signs: what it did not sign comes back.
    is_hosted: bool,
    custodians: BTreeMap<String, CustodianStanding>,
    uses: BTreeMap<String, Use>,
    acts: BTreeMap<String, Act>,
}

impl Rights {
    pub(super) fn evolve(&mut self, kind: &Kind, at: Timestamp) {
        match kind {
            Kind::SealRegistered(fact) => {
                self.is_hosted = fact.custody() == Custody::HostedKey;
                self.grant(&fact.custodian_id, CustodianTerms::default());
            }
            Kind::CustodianGranted(fact) => self.grant(&fact.custodian_id, fact.terms.clone().unwrap_or_default()),
            Kind::CustodianChanged(fact) => {
                let terms = fact.terms.clone().unwrap_or_default();
                self.custodian(&fact.custodian_id, |right| right.terms = terms);
            }
            Kind::CustodianWithdrawn(fact) => self.custodian(&fact.custodian_id, |right| right.in_force = false),
            Kind::UseRequested(fact) => self.request(fact),
            Kind::UseApproved(fact) => {
                let by = fact.approver_id.clone();
                self.requested(&fact.use_id, |one| (one.state, one.approver_id) = (UseState::Approved, Some(by)));
            }
            Kind::UseDeclined(fact) => self.requested(&fact.use_id, |one| one.state = UseState::Declined),
            Kind::UseWithdrawn(fact) => self.requested(&fact.use_id, |one| one.state = UseState::Withdrawn),
            Kind::SealingBegun(fact) => self.begin(&fact.attempt_id, &fact.custodian_id, at),
            Kind::SealingAuthorized(fact) => {
                let admitted: Vec<_> = fact.admitted.iter().collect();
                self.take(&fact.attempt_id, 1, &admitted, None);
            }
            Kind::BatchAuthorized(fact) => {
                let until = fact.complete_before.as_ref().and_then(moment::micros).map(Timestamp::from_micros);
                let admitted: Vec<_> = fact.admitted.iter().collect();
                self.take(&fact.attempt_id, fact.documents, &admitted, until);
            }
            Kind::HostedSignatureMade(fact) => self.sign(&fact.attempt_id, [0]),
            Kind::HostedSignaturesMade(fact) => {
                self.sign(&fact.attempt_id, fact.signatures.iter().map(|made| made.index));
            }
            Kind::SealingCompleted(fact) => self.end(&fact.attempt_id),
            Kind::SealingRefused(fact) => self.end(&fact.attempt_id),
            Kind::BatchEnded(fact) => self.end(&fact.attempt_id),
            _ => {}
        }
    }

    /// All persons who had a right.
    pub(super) fn custodians(&self) -> Vec<CustodianStanding> {
        self.custodians.values().cloned().collect()
    }

    /// Who could use it, as far as rights go.
    pub(super) fn usable_by(&self, now: Timestamp) -> Vec<String> {
        let moment = |wire: &Option<eseal_proto::Timestamp>| wire.as_ref().and_then(moment::micros);
        let could = |right: &&CustodianStanding| {
            let terms = &right.terms;
            right.in_force
                && moment(&terms.valid_from).is_none_or(|from| from <= now.micros())
                && moment(&terms.valid_to).is_none_or(|to| now.micros() <= to)
                && (terms.max_uses == 0 || right.used < terms.max_uses)
        };
        self.custodians.values().filter(could).map(|right| right.custodian_id.clone()).collect()
    }

    /// The uses that were open.
    pub(super) fn open_uses(&self, now: Timestamp) -> Vec<UseStanding> {
        let open = |(_, one): &(&String, &Use)| {
            matches!(one.state, UseState::Requested | UseState::Approved)
                && one.deadline.is_some_and(|deadline| now <= deadline)
                && one.documents.values().any(|used| *used < one.uses)
        };
        let told = |(use_id, one): (&String, &Use)| UseStanding {
            use_id: use_id.clone(),
            state: one.state.as_str_name(),
            requester_id: one.requester_id.clone(),
            approver_id: one.approver_id.clone(),
            documents: one.documents.clone(),
            uses: one.uses,
            deadline: one.deadline.map(|deadline| deadline.to_string()).unwrap_or_default(),
        };
        self.uses.iter().filter(open).map(told).collect()
    }

    fn grant(&mut self, custodian_id: &str, terms: CustodianTerms) {
        let grants = self.custodians.get(custodian_id).map_or(0, |right| right.grants) + 1;
        let right = CustodianStanding { custodian_id: custodian_id.to_owned(), in_force: true, terms, used: 0, grants };
        self.custodians.insert(custodian_id.to_owned(), right);
    }

    fn custodian(&mut self, id: &str, change: impl FnOnce(&mut CustodianStanding)) {
        if let Some(right) = self.custodians.get_mut(id) {
            change(right);
        }
    }

    fn request(&mut self, fact: &UseRequested) {
        let one = Use {
            state: UseState::Requested,
            requester_id: fact.requester_id.clone(),
            approver_id: None,
            documents: fact.documents.iter().map(|document| (document.clone(), 0)).collect(),
            uses: fact.uses,
            deadline: fact.deadline.as_ref().and_then(moment::micros).map(Timestamp::from_micros),
        };
        self.uses.insert(fact.use_id.clone(), one);
    }

    fn requested(&mut self, id: &str, change: impl FnOnce(&mut Use)) {
        if let Some(one) = self.uses.get_mut(id) {
            change(one);
        }
    }

    /// What is over by itself is settled when the next attempt begins.
    fn begin(&mut self, id: &str, by: &str, at: Timestamp) {
        let over: Vec<_> = self.acts.iter().filter(|(_, act)| act.until < at).map(|(id, _)| id.clone()).collect();
        over.iter().for_each(|id| self.end(id));
        let (by, until, spent, signed) = (by.to_owned(), at.plus(LIFETIME), BTreeMap::new(), BTreeSet::new());
        self.acts.insert(id.to_owned(), Act { by, grants: 0, until, documents: 0, spent, signed });
    }

    fn take(&mut self, id: &str, documents: u32, admitted: &[&AdmittedDocument], until: Option<Timestamp>) {
        let Some(act) = self.acts.get_mut(id) else { return };
        act.documents = documents;
        act.until = until.unwrap_or(act.until);
        for (place, admitted) in (0..).zip(admitted) {
            let digests = admitted.original.as_ref().map(|original| original.digests.as_slice()).unwrap_or_default();
            let named = digests.get(admitted.use_digest as usize).filter(|_| !admitted.use_id.is_empty());
            if let Some(document) = named {
                act.spent.insert(place, (admitted.use_id.clone(), document.clone()));
            }
        }
        let (by, spent) = (act.by.clone(), act.spent.clone());
        act.grants = self.custodians.get(&by).map_or(0, |right| right.grants);
        self.custodian(&by, |right| right.used = right.used.saturating_add(documents));
        for (use_id, document) in spent.into_values() {
            self.count(&use_id, &document, |used| used.saturating_add(1));
        }
    }

    fn sign(&mut self, id: &str, places: impl IntoIterator<Item = u32>) {
        if let Some(act) = self.acts.get_mut(id) {
            act.signed.extend(places);
        }
    }

    fn end(&mut self, id: &str) {
        let Some(act) = self.acts.remove(id).filter(|_| self.is_hosted) else { return };
        let signed = u32::try_from(act.signed.len()).unwrap_or(u32::MAX);
        let unsigned = act.documents.saturating_sub(signed);
        self.custodian(&act.by, |right| {
            if right.grants == act.grants {
                right.used = right.used.saturating_sub(unsigned);
            }
        });
        for (_, (use_id, document)) in act.spent.into_iter().filter(|(place, _)| !act.signed.contains(place)) {
            self.count(&use_id, &document, |used| used.saturating_sub(1));
        }
    }

    fn count(&mut self, use_id: &str, document: &str, change: impl FnOnce(u32) -> u32) {
        if let Some(used) = self.uses.get_mut(use_id).and_then(|one| one.documents.get_mut(document)) {
            *used = change(*used);
        }
    }
}
