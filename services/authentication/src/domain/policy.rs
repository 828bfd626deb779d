//! What a use of a seal needs beyond its gates: a fact of the seal, set by administrators.

/// The most uses of a document that one approval can name.
pub const MAX_USES: u32 = 1_000;
/// The longest time from a request to its deadline: a year.
pub const MAX_DEADLINE_S: u32 = 366 * 24 * 60 * 60;

/// What a use of a seal needs beyond its gates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// 用印审批: each use is requested and approved first.
    pub approval_required: bool,
    /// How many uses of a document one approval may name at most.
    pub max_uses: u32,
    /// The longest time from a request to its deadline, in seconds.
    pub longest_deadline_s: u32,
    /// 第二因素: the code that a use of a hosted key needs beside its PIN.
    pub second_factor: SecondFactor,
}

/// What a code comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondFactor {
    /// None is needed.
    None,
    /// The custodian's authenticator (RFC 6238).
    Totp,
    /// Somebody who sends it to the custodian.
    Sent,
    /// Either of them.
    Any,
}

impl SecondFactor {
    /// Whether a use in which `shown` was found right has what this asks for.
    pub fn is_met_by(self, shown: Self) -> bool {
        match self {
            Self::None => true,
            Self::Any => shown != Self::None,
            Self::Totp | Self::Sent => shown == self,
        }
    }
}

impl Default for Policy {
    /// Nothing beyond the gates. Where a use is requested all the same, an approval is for one, within a month.
    fn default() -> Self {
        Self {
            approval_required: false,
            max_uses: 1,
            longest_deadline_s: 30 * 24 * 60 * 60,
            second_factor: SecondFactor::None,
        }
    }
}

impl Policy {
    /// Itself, unless its numbers are ones that none can have.
    pub fn within_bounds(self) -> Option<Self> {
        let fits = (1..=MAX_USES).contains(&self.max_uses) && (1..=MAX_DEADLINE_S).contains(&self.longest_deadline_s);
        fits.then_some(self)
    }

    /// Whether it lets nothing through that `other` does not. What an approval may name only counts where one is needed.
    pub fn is_as_strict_as(&self, other: &Self) -> bool {
        let approvals_are_no_wider =
            self.max_uses <= other.max_uses && self.longest_deadline_s <= other.longest_deadline_s;
        let codes_are_no_weaker = other.second_factor.is_met_by(self.second_factor);
        codes_are_no_weaker && (!other.approval_required || (self.approval_required && approvals_are_no_wider))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APPROVED: Policy =
        Policy { approval_required: true, max_uses: 3, longest_deadline_s: 1_000, second_factor: SecondFactor::Totp };

    #[test]
    fn a_policy_is_as_strict_as_another_if_it_lets_nothing_more_through() {
        assert!(APPROVED.is_as_strict_as(&APPROVED));
        assert!(APPROVED.is_as_strict_as(&Policy::default()));
        assert!(Policy { max_uses: 2, longest_deadline_s: 999, ..APPROVED }.is_as_strict_as(&APPROVED));
        for looser in [
            Policy { approval_required: false, ..APPROVED },
            Policy { max_uses: 4, ..APPROVED },
            Policy { longest_deadline_s: 1_001, ..APPROVED },
            Policy { second_factor: SecondFactor::None, ..APPROVED },
            Policy { second_factor: SecondFactor::Sent, ..APPROVED },
            Policy { second_factor: SecondFactor::Any, ..APPROVED },
        ] {
            assert!(!looser.is_as_strict_as(&APPROVED), "{looser:?}");
        }
    }

    #[test]
    fn numbers_have_bounds_and_what_is_usual_lies_within_them() {
        assert_eq!(Policy::default().within_bounds(), Some(Policy::default()));
        for beyond in [
            Policy { max_uses: 0, ..APPROVED },
            Policy { max_uses: MAX_USES + 1, ..APPROVED },
            Policy { longest_deadline_s: 0, ..APPROVED },
            Policy { longest_deadline_s: MAX_DEADLINE_S + 1, ..APPROVED },
        ] {
            assert_eq!(beyond.within_bounds(), None, "{beyond:?}");
        }
    }
}
