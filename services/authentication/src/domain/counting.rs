//! What an attempt takes from its custodian's right and from approved uses, and what of it comes back.
//!
//! Gate d takes. What a hosted key signs is known here, so what it did not sign comes back once the attempt is over: by a
//! fact at once, by its time when the next attempt begins. What a card signs is known to its holder alone, who could go
//! away with the signature and say that there is none: nothing comes back.

use eseal_kernel::Timestamp;

use super::attempt::Attempt;
use super::ids::{AttemptId, PersonId};
use super::registration::Custody;
use super::seal::Seal;
use super::seal_use::Spent;

/// What comes back: to whom, under which grant, for how many documents, and the uses spent for them.
type Unused = (PersonId, u32, u32, Vec<Spent>);

impl Seal {
    /// Gate d let so many documents through.
    pub(super) fn take(&mut self, id: AttemptId, documents: u32, spent: &[Spent]) {
        let Some(by) = self.attempts.get(id).map(|attempt| attempt.by.clone()) else { return };
        let grants = self.custodians.right(&by).map_or(0, |right| right.grants);
        self.attempts.count_against(id, grants);
        self.custodians.take(&by, documents);
        self.uses.spend(spent);
        self.note(by, spent);
    }

    /// An attempt is about to end by a fact.
    pub(super) fn settle(&mut self, id: AttemptId) {
        let unused = self.attempts.get(id).filter(|attempt| attempt.end.is_none()).and_then(unused);
        self.give_back(unused.into_iter().collect());
    }

    /// Those that ended by themselves before this moment are about to be forgotten.
    pub(super) fn settle_what_ran_out(&mut self, now: Timestamp) {
        let unused = self.attempts.run_out(now).filter_map(unused).collect();
        self.give_back(unused);
    }

    fn give_back(&mut self, unused: Vec<Unused>) {
        let signs_itself = self.entry.as_ref().is_some_and(|entry| match entry.registration.custody {
            Custody::HostedKey { .. } => true,
            Custody::SealCard { .. } => false,
        });
        for (by, grants, documents, spent) in unused.into_iter().filter(|_| signs_itself) {
            self.custodians.give_back(&by, grants, documents);
            self.uses.give_back(&spent);
            self.note(by, &spent);
        }
    }

    fn note(&mut self, by: PersonId, spent: &[Spent]) {
        self.changes.persons.push(by);
        self.changes.uses.extend(spent.iter().map(|spent| spent.use_id));
    }
}

fn unused(attempt: &Attempt) -> Option<Unused> {
    let (documents, spent) = attempt.not_signed();
    (documents > 0).then(|| (attempt.by.clone(), attempt.grants, documents, spent))
}
