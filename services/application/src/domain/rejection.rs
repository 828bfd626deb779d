//! Why a command was refused. Nothing is recorded of it.

/// Why a command was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Nobody filed it.
    #[error("the application does not exist")]
    NotFound,
    /// Its id is taken by another one.
    #[error("there is another application with this id")]
    AlreadyExists,
    /// The reviewer filed it.
    #[error("an applicant can't decide about their own application")]
    SelfApproval,
    /// Only its applicant may change it, file it again or take it back.
    #[error("somebody else filed the application")]
    NotTheApplicant,
    /// It was returned, and not filed again yet.
    #[error("the application is not under review")]
    NotUnderReview,
    /// Only a returned application can be changed or filed again.
    #[error("the application was not returned")]
    NotReturned,
    /// The last approval was given.
    #[error("the application is approved")]
    AlreadyApproved,
    /// Its applicant took it back.
    #[error("the application was withdrawn")]
    AlreadyWithdrawn,
    /// It was ended after its approval.
    #[error("the application was cancelled")]
    AlreadyCancelled,
    /// There is a seal of it, which ends in the registry alone.
    #[error("the seal of the application is made")]
    AlreadyMade,
    /// It is for the end of a seal, which follows from its approval at once.
    #[error("an approved application for the end of a seal is carried out at once")]
    NothingToMake,
    /// A revision names another organization.
    #[error("a revision can't change the organization of an application")]
    OrganizationFixed,
    /// A revision is for something else.
    #[error("a revision can't change the kind of an application, or the seal that it is about")]
    KindFixed,
    /// The seal that it is about is not one that the registry told of.
    #[error("no such seal is registered")]
    SealUnknown,
    /// The seal that it is about is somebody else's.
    #[error("the seal is of another organization")]
    SealOfOtherOrganization,
    /// The seal that it is about was revoked or replaced.
    #[error("the seal has ended for ever")]
    SealEnded,
    /// The successor would be a seal of another kind.
    #[error("a successor is of the same type as the seal in whose place it is made")]
    SealTypeFixed,
    /// The successor could not be used when it takes its place.
    #[error("the validity of a successor begins when it is made at the latest")]
    BeginsLater,
    /// Somebody applied before.
    #[error("another application is open for this seal")]
    AnotherOpen,
    /// The validity asked for is over.
    #[error("the validity asked for has passed")]
    ValidityPassed,
    /// A note about an application that no seal can follow from.
    #[error("the application is not approved")]
    NotApproved,
    /// A note about another seal than the one that was made.
    #[error("the application has another seal")]
    OtherSeal,
}
