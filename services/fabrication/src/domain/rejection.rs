//! Why a command was refused without leaving a fact: misuse of the API.

/// Misuse of a fabrication.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// No approved application of that id is known here.
    #[error("no fabrication is known for this application")]
    NotFound,
    /// Another maker's run is under way.
    #[error("another maker's run is under way for this application")]
    RunUnderWay,
    /// The run is over, or never was.
    #[error("this run is not under way")]
    NoSuchRun,
    /// The run is not at this step.
    #[error("the run is at another step")]
    WrongStep,
    /// The run belongs to another maker.
    #[error("the run belongs to another maker")]
    OtherMaker,
    /// The seal is made, or will never be.
    #[error("nothing is left to make for this application")]
    Closed,
}

/// Misuse of a maker card.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CardRejection {
    /// No card of that serial was issued.
    #[error("no maker card of this serial was issued here")]
    NotFound,
    /// The serial was issued with another certificate or to another maker.
    #[error("a maker card of this serial was issued before")]
    AlreadyIssued,
    /// The certificate is on another maker card.
    #[error("another maker card holds this certificate")]
    CertificateInUse,
    /// A copy of it was found out.
    #[error("this maker card is suspended: a copy of it was used")]
    Suspended,
    /// A withdrawn card stays withdrawn.
    #[error("this maker card is withdrawn")]
    Withdrawn,
}
