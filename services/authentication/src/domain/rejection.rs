//! Why an order to a seal was refused without leaving a fact: it was misuse, not a gate.

use super::policy::SecondFactor;

/// Misuse of a seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// There is no such seal.
    #[error("the seal is not registered")]
    SealNotFound,
    /// Registered before, otherwise.
    #[error("the seal is already registered with other particulars")]
    RegisteredOtherwise,
    /// The order does not fit the state.
    #[error("the seal's state does not allow this")]
    WrongState,
    /// It was revoked or replaced.
    #[error("the seal has ended for ever")]
    Final,
    /// Its validity has ended: it can only be revoked or replaced.
    #[error("the seal's validity has ended")]
    Expired,
    /// The seal that shall take its place is not registered, of another organization, or itself.
    #[error("the successor is not another registered seal of the same organization")]
    UnfitSuccessor,
    /// Somebody of an organization would make the policy of its seal looser.
    #[error("only an administrator of the system can make the policy looser")]
    PolicyLoosened,
    /// The person has a right to use the seal already, on other terms.
    #[error("the person is a custodian already, on other terms")]
    CustodianExists,
    /// The person has no right to use the seal.
    #[error("the person is no custodian of the seal")]
    CustodianNotFound,
    /// The seal has as many custodians as it may have.
    #[error("the seal has too many custodians")]
    TooManyCustodians,
    /// More uses, or a later deadline, than the policy of the seal allows.
    #[error("the seal's policy does not allow so many uses, or so long a time")]
    BeyondPolicy,
    /// As many uses of the seal are asked for as may be.
    #[error("too many uses of the seal are requested")]
    TooManyUses,
    /// The use was declined, taken back or spent, or its deadline is over.
    #[error("the requested use is not open")]
    UseNotOpen,
    /// Who decides is who asked.
    #[error("nobody decides about their own request")]
    OwnRequest,
    /// Who takes it back is not who asked.
    #[error("only who requested it may do this")]
    NotRequester,
    /// The person is not the seal's custodian.
    #[error("only a custodian of the seal, and only in an attempt of their own, may do this")]
    NotCustodian,
    /// The seal has as many open attempts as it may have.
    #[error("the seal has too many open attempts")]
    TooManyAttempts,
    /// The attempt never began, is over, or its time ran out.
    #[error("the attempt is not open")]
    AttemptNotOpen,
    /// The attempt has not passed the gates before this one, or has passed this one.
    #[error("the step does not follow the attempt's last one")]
    OutOfOrder,
    /// The PIN of this attempt is being looked at under another request.
    #[error("the PIN of this attempt is being checked")]
    PinCheckRunning,
    /// The PIN of this attempt was right, and what gate d says is not on record yet.
    #[error("the PIN of this attempt was right, and gate d is not decided yet")]
    PinAccepted,
    /// The policy asks for a code beside the PIN, and none was given.
    #[error("the seal's policy asks for a code beside the PIN")]
    SecondFactorRequired(SecondFactor),
    /// A step for cards with a hosted key, or the other way round.
    #[error("the step does not fit the seal's custody")]
    WrongCustody,
}
