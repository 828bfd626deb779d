//! What an event says, typed.

use eseal_proto::application::v1::application_event::Kind as Application;
use eseal_proto::authentication::v1::authentication_event::Kind as Authentication;
use eseal_proto::event::v1::Event;
use eseal_proto::fabrication::v1::fabrication_event::Kind as Fabrication;
use eseal_proto::verification::v1::verification_event::Kind as Verification;

/// The version of every payload that this release reads.
const SCHEMA_VERSION: u32 = 1;

/// What an event says.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// About an application.
    Application(Application),
    /// About the making of a seal.
    Fabrication(Fabrication),
    /// About a registered seal, its use, a hosted key or trust.
    Authentication(Authentication),
    /// About a verification.
    Verification(Verification),
    /// Of a kind, or of a form of it, that this release does not know.
    Unknown,
    /// Of a known kind, but its payload is not what that kind says.
    Unreadable(String),
}

impl Fact {
    /// What `event` says.
    pub fn of(event: &Event) -> Self {
        let Some((package, kind)) = event.r#type.rsplit_once('.') else { return Self::Unknown };
        if event.schema_version != SCHEMA_VERSION {
            return Self::Unknown;
        }
        let payload = event.payload.as_slice();
        let read = match package {
            "eseal.application.v1" => application(kind, payload),
            "eseal.fabrication.v1" => fabrication(kind, payload),
            "eseal.authentication.v1" => authentication(kind, payload),
            "eseal.verification.v1" => verification(kind, payload),
            _ => None,
        };
        match read {
            Some(Ok(fact)) => fact,
            Some(Err(why)) => Self::Unreadable(why.to_string()),
            None => Self::Unknown,
        }
    }
}

/// What a payload says; nothing for a kind that is not known.
type Read = Option<Result<Fact, serde_json::Error>>;

macro_rules! kinds {
    ($name:ident, $owner:ident, [$($kind:ident),+ $(,)?]) => {
        fn $name(kind: &str, payload: &[u8]) -> Read {
            match kind {
                $(stringify!($kind) => {
                    let message = serde_json::from_slice::<eseal_proto::$name::v1::$kind>(payload);
                    Some(message.map(|message| Fact::$owner($owner::$kind(message))))
                })+
                _ => None,
            }
        }
    };
}

kinds!(
    application,
    Application,
    [
        Submitted,
        StepApproved,
        Approved,
        Returned,
        Revised,
        Resubmitted,
        Withdrawn,
        FabricationRefusalNoted,
        SealMadeNoted,
        SealStateNoted,
        PersonErased,
        CarriedOutNoted,
        CancellationAsked,
        Cancelled,
    ]
);

kinds!(
    fabrication,
    Fabrication,
    [
        FabricationQueued,
        RunBegun,
        MakerCardProved,
        SealCardAccepted,
        SealSigned,
        FabricationRefused,
        SealFabricated,
        FabricationStopped,
        CardReleased,
        MakerCardIssued,
        MakerCardWithdrawn,
        MakerCardUsed,
        MakerCardSuspended,
        MakerCardResumed,
    ]
);

kinds!(
    authentication,
    Authentication,
    [
        SealRegistered,
        SealActivated,
        SealSuspended,
        SealResumed,
        SealRevoked,
        SealReplaced,
        SealExpired,
        SealingBegun,
        SealingRefused,
        PinAccepted,
        PinRefused,
        PinLocked,
        PinUnlocked,
        SealingAuthorized,
        SealingCompleted,
        HostedKeyCreated,
        HostedKeyCertified,
        TrustAnchorAdded,
        TrustAnchorRemoved,
        CrlImported,
        PinTried,
        HostedSignatureMade,
        BatchAuthorized,
        HostedSignaturesMade,
        DocumentsSealed,
        DocumentsRefused,
        BatchEnded,
        FileListSigned,
        SealPolicySet,
        SealExpiring,
        SealCertificatesDated,
        ApplicationCarriedOut,
        CustodianGranted,
        CustodianChanged,
        CustodianWithdrawn,
        UseRequested,
        UseApproved,
        UseDeclined,
        UseWithdrawn,
        AuthenticatorEnrolled,
        AuthenticatorRemoved,
    ]
);

kinds!(verification, Verification, [VerificationFailed]);

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, schema_version: u32, payload: &str) -> Event {
        Event { r#type: kind.to_owned(), schema_version, payload: payload.into(), ..Event::default() }
    }

    #[test]
    fn what_a_newer_release_writes_is_unknown_and_not_guessed() {
        for (kind, version) in [
            ("eseal.authentication.v1.SealPainted", 1),
            ("eseal.authentication.v1.SealRevoked", 2),
            ("eseal.audit.v1.Sealed", 1),
            ("SealRevoked", 1),
        ] {
            assert_eq!(Fact::of(&event(kind, version, "{}")), Fact::Unknown, "{kind} {version}");
        }
    }

    #[test]
    fn fields_that_a_newer_release_added_are_passed_over() {
        let fact = Fact::of(&event("eseal.authentication.v1.PinUnlocked", 1, r#"{"sealId":"s","colour":"red"}"#));
        let expected = eseal_proto::authentication::v1::PinUnlocked { seal_id: "s".to_owned() };
        assert_eq!(fact, Fact::Authentication(Authentication::PinUnlocked(expected)));
    }

    #[test]
    fn a_payload_that_is_not_what_its_kind_says_is_told_as_such() {
        let fact = Fact::of(&event("eseal.authentication.v1.PinUnlocked", 1, "[]"));
        assert!(matches!(fact, Fact::Unreadable(_)), "{fact:?}");
    }
}
