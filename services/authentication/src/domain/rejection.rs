//! Why an order to a seal was refused without leaving a fact: it was misuse, not a gate.

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
    /// The person is not the seal's custodian.
    #[error("only the seal's custodian may do this")]
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
    /// A step for cards with a hosted key, or the other way round.
    #[error("the step does not fit the seal's custody")]
    WrongCustody,
}
