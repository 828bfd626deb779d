//! A card that was copied. A soft card is a file, and a file can be copied; so it counts its uses, and the seal remembers the last
//! count. Of two copies, the one that is used later counts what was counted before, whoever uses which first.
//!
//! Nobody can tell which of them is the custodian's, so the seal is suspended at once. When an administrator resumes it, the count
//! begins anew: a card that was brought back from a backup goes on then. What a card never counted (devices, clients of
//! earlier releases) is not asked for; what it counted once it always counts.

use super::command::SuspensionCause;
use super::event::{Fact, Step};
use super::reason::Reason;
use super::seal::{Seal, Standing};

/// Whether this count of a card's uses may follow that one.
pub(super) const fn check_count(last: u64, told: u64) -> Result<(), Reason> {
    if told > last || (last == 0 && told == 0) { Ok(()) } else { Err(Reason::CardCopied) }
}

impl Seal {
    /// What else follows from these steps: a seal whose card was copied is not used any more.
    pub(super) fn consequences(&self, steps: &[Step]) -> Option<Fact> {
        let copied = |step: &Step| matches!(step, Step::Refused { reason: Reason::CardCopied, .. });
        let entry = self.entry.as_ref().filter(|entry| entry.standing == Standing::Active)?;
        let cause = SuspensionCause::KeyCompromised;
        steps.iter().any(copied).then(|| Fact::Suspended(entry.registration.application, cause))
    }
}

#[cfg(test)]
mod tests;
