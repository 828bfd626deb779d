//! People of an organization see and change what is its own: every RPC that people may call, tried by those of another one.

use std::collections::BTreeSet;

use eseal_pki::Suite;
use eseal_proto::authentication::v1 as pb;
use eseal_proto::authentication::v1::second_factor_service_client::SecondFactorServiceClient;
use eseal_proto::authentication::v1::trust_service_client::TrustServiceClient;
use eseal_proto::authentication::v1::use_service_client::UseServiceClient;
use eseal_service::Role;
use eseal_service::testing::{came, done, rpcs_for_people};

use crate::batch::{Many, showing_list};
use crate::bureau::*;
use crate::rights::{APPROVED, change, grant, set_policy, take_right};
use crate::signing::*;
use crate::uses::{self, approve, decline, request, take_back};
use crate::whole::{OFD, order, pieces};

/// What a stranger gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gets {
    /// `OTHER_ORGANIZATION`.
    OtherOrganization,
    /// A gate's refusal, which is a fact: somebody tried to use a seal that is not theirs.
    NotAuthorized,
    /// `NOT_CUSTODIAN`: the attempt is not theirs.
    NotCustodian,
    /// `ATTEMPT_NOT_FOUND`: for them there is none.
    NotFound,
    /// A list with nothing in it.
    Nothing,
    /// What is of no organization: roots that all trust, and what they say of a certificate.
    WhatAllMayKnow,
}

#[tokio::test]
async fn people_of_another_organization_get_nothing_by_any_rpc() {
    let bureau = Bureau::open().await;
    let (card, successor) = (bureau.active().await, bureau.registered().await);
    let begun = begin(&mut bureau.zhou(), &card.seal_id).await.expect("begun");
    let key = created_key(&bureau).await;
    let (seal, attempt) = (card.seal_id.as_str(), begun.attempt_id.as_str());
    let person = |role| bureau.person("chen", role, Some(SUZHOU));
    let mut admin = bureau.registry("chen", Role::Admin, Some(SUZHOU));
    let mut custodian = bureau.registry("chen", Role::Custodian, Some(SUZHOU));
    let mut auditor = bureau.registry("chen", Role::Auditor, Some(SUZHOU));
    let mut sealing = bureau.sealing("chen", Role::Custodian, Some(SUZHOU));
    let mut keys = bureau.keys("chen", Role::Custodian, Some(SUZHOU));
    let mut trust = TrustServiceClient::new(person(Role::Admin));
    let mut factors = SecondFactorServiceClient::new(person(Role::Custodian));
    let asked = request(&mut uses::uses(&bureau, ZHOU, Role::Custodian), seal).await.expect("requested");
    let mut uses = UseServiceClient::new(person(Role::Custodian));
    let mut supervisor = UseServiceClient::new(person(Role::Reviewer));
    let at = pb::SealStateAtRequest { seal_id: seal.to_owned(), ..Default::default() };
    let structure = pb::GetSealStructureRequest { seal_id: seal.to_owned() };
    let named = pb::ListSealsRequest { uscc: LENOVO.to_owned(), ..Default::default() };
    let certify =
        pb::CertifyHostedKeyRequest { request_id: request_id(), hosted_key_id: key.clone(), certificates: vec![] };
    let certificate = bureau.authorities.holders.certificate().der().to_vec();
    use Gets::{NotAuthorized, NotCustodian, NotFound, Nothing, OtherOrganization, WhatAllMayKnow};
    let tried = [
        ("RegistryService/ActivateSeal", OtherOrganization, done(activate(&mut admin, seal).await)),
        ("RegistryService/SuspendSeal", OtherOrganization, done(suspend(&mut custodian, seal).await)),
        ("RegistryService/ReportLoss", OtherOrganization, done(report_loss(&mut custodian, seal).await)),
        ("RegistryService/ResumeSeal", OtherOrganization, done(resume(&mut admin, seal).await)),
        ("RegistryService/RevokeSeal", OtherOrganization, done(revoke(&mut admin, seal).await)),
        ("RegistryService/ReplaceSeal", OtherOrganization, done(replace(&mut admin, seal, &successor.seal_id).await)),
        ("RegistryService/UnlockSeal", OtherOrganization, done(unlock(&mut admin, seal).await)),
        ("RegistryService/SetSealPolicy", OtherOrganization, done(set_policy(&mut admin, seal, APPROVED).await)),
        (
            "RegistryService/GrantCustodian",
            OtherOrganization,
            done(grant(&mut admin, seal, "wu", pb::CustodianTerms::default()).await),
        ),
        (
            "RegistryService/ChangeCustodian",
            OtherOrganization,
            done(change(&mut admin, seal, ZHOU, pb::CustodianTerms::default()).await),
        ),
        ("RegistryService/WithdrawCustodian", OtherOrganization, done(take_right(&mut admin, seal, ZHOU).await)),
        (
            "RegistryService/ListCustodians",
            OtherOrganization,
            came(
                auditor
                    .list_custodians(pb::ListCustodiansRequest { seal_id: seal.to_owned(), ..Default::default() })
                    .await,
                |_| false,
            ),
        ),
        ("UseService/RequestUse", OtherOrganization, done(request(&mut uses, seal).await)),
        ("UseService/ApproveUse", OtherOrganization, done(approve(&mut supervisor, &asked).await)),
        ("UseService/DeclineUse", OtherOrganization, done(decline(&mut supervisor, &asked).await)),
        ("UseService/WithdrawUse", OtherOrganization, done(take_back(&mut uses, &asked).await)),
        (
            "UseService/GetUse",
            OtherOrganization,
            came(uses.get_use(pb::GetUseRequest { use_id: asked.clone() }).await, |_| false),
        ),
        (
            "UseService/ListUses",
            Nothing,
            came(uses.list_uses(pb::ListUsesRequest::default()).await, |page| page.uses.is_empty()),
        ),
        ("RegistryService/GetSeal", OtherOrganization, done(show(&mut custodian, seal).await)),
        ("RegistryService/ListSeals", OtherOrganization, came(custodian.list_seals(named).await, |_| false)),
        (
            "RegistryService/ListSeals",
            Nothing,
            came(custodian.list_seals(pb::ListSealsRequest::default()).await, |page| page.seals.is_empty()),
        ),
        (
            "RegistryService/GetSealStructure",
            OtherOrganization,
            came(custodian.get_seal_structure(structure).await, |_| false),
        ),
        ("RegistryService/SealStateAt", OtherOrganization, came(auditor.seal_state_at(at).await, |_| false)),
        ("SealingService/BeginSealing", NotAuthorized, done(begin(&mut sealing, seal).await)),
        ("SealingService/ReportCardAbsent", NotCustodian, done(card_absent(&mut sealing, seal, attempt).await)),
        ("SealingService/ReportPin", NotCustodian, done(pin(&mut sealing, seal, attempt, true).await)),
        (
            "SealingService/AuthorizeSealing",
            NotAuthorized,
            done(authorize(&mut sealing, showing(&card, &begun, Suite::Sm2Sm3)).await),
        ),
        (
            "SealingService/AuthorizeHostedSealing",
            NotCustodian,
            came(sealing.authorize_hosted_sealing(hosted_use(&card, attempt)).await, |_| false),
        ),
        (
            "SealingService/SignHosted",
            NotCustodian,
            came(
                sealing
                    .sign_hosted(pb::SignHostedRequest {
                        request_id: request_id(),
                        seal_id: seal.to_owned(),
                        attempt_id: attempt.to_owned(),
                        to_be_signed: vec![1],
                    })
                    .await,
                |_| false,
            ),
        ),
        ("SealingService/CompleteSealing", NotCustodian, done(complete(&mut sealing, seal, attempt, vec![1]).await)),
        ("SealingService/ReportSigningFailure", NotCustodian, done(signing_failed(&mut sealing, seal, attempt).await)),
        (
            "SealingService/AuthorizeBatch",
            NotAuthorized,
            came(sealing.authorize_batch(showing_list(&card, &begun, &Many::of(2), &[Suite::Sm2Sm3])).await, |_| false),
        ),
        (
            "SealingService/AuthorizeHostedBatch",
            NotCustodian,
            came(sealing.authorize_hosted_batch(hosted_batch(seal, attempt)).await, |_| false),
        ),
        (
            "SealingService/SignHostedBatch",
            NotCustodian,
            came(sealing.sign_hosted_batch(nothing_to_sign(seal, attempt)).await, |_| false),
        ),
        (
            "SealingService/CompleteBatch",
            NotCustodian,
            came(sealing.complete_batch(nothing_to_complete(seal, attempt)).await, |_| false),
        ),
        (
            "SealingService/ListBatchDocuments",
            NotFound,
            came(sealing.list_batch_documents(documents_of(seal, attempt)).await, |_| false),
        ),
        (
            "SealingService/SealDocument",
            NotAuthorized,
            done(sealing.seal_document(tokio_stream::iter(pieces(order(seal, "a long pin"), OFD))).await.map(|_| ())),
        ),
        (
            "SealingService/GetAttemptEvidence",
            NotFound,
            came(
                bureau
                    .sealing("chen", Role::Auditor, Some(SUZHOU))
                    .get_attempt_evidence(pb::GetAttemptEvidenceRequest {
                        seal_id: seal.to_owned(),
                        attempt_id: attempt.to_owned(),
                        ..Default::default()
                    })
                    .await,
                |_| false,
            ),
        ),
        (
            "SealingService/ListAttempts",
            Nothing,
            came(
                bureau
                    .sealing("chen", Role::Auditor, Some(SUZHOU))
                    .list_attempts(pb::ListAttemptsRequest { seal_id: seal.to_owned(), ..Default::default() })
                    .await,
                |page| page.attempts.is_empty(),
            ),
        ),
        (
            "HostedKeyService/CreateHostedKey",
            OtherOrganization,
            came(keys.create_hosted_key(creation()).await, |_| false),
        ),
        (
            "HostedKeyService/CertifyHostedKey",
            OtherOrganization,
            came(keys.certify_hosted_key(certify).await, |_| false),
        ),
        (
            "HostedKeyService/GetHostedKey",
            OtherOrganization,
            came(keys.get_hosted_key(pb::GetHostedKeyRequest { hosted_key_id: key.clone() }).await, |_| false),
        ),
        (
            "SecondFactorService/EnrolAuthenticator",
            OtherOrganization,
            came(factors.enrol_authenticator(pb::EnrolAuthenticatorRequest { seal_id: seal.to_owned() }).await, |_| {
                false
            }),
        ),
        (
            "SecondFactorService/ConfirmAuthenticator",
            OtherOrganization,
            came(factors.confirm_authenticator(first_code(seal)).await, |_| false),
        ),
        (
            "SecondFactorService/RemoveAuthenticator",
            OtherOrganization,
            came(
                SecondFactorServiceClient::new(person(Role::Admin))
                    .remove_authenticator(lost_authenticator(seal))
                    .await,
                |_| false,
            ),
        ),
        (
            "SecondFactorService/SendSealingCode",
            OtherOrganization,
            came(factors.send_sealing_code(pb::SendSealingCodeRequest { seal_id: seal.to_owned() }).await, |_| false),
        ),
        (
            "TrustService/AddTrustAnchor",
            OtherOrganization,
            came(
                trust
                    .add_trust_anchor(pb::AddTrustAnchorRequest {
                        request_id: request_id(),
                        purpose: pb::TrustPurpose::Holder.into(),
                        certificate: certificate.clone(),
                    })
                    .await,
                |_| false,
            ),
        ),
        (
            "TrustService/RemoveTrustAnchor",
            OtherOrganization,
            came(
                trust
                    .remove_trust_anchor(pb::RemoveTrustAnchorRequest {
                        request_id: request_id(),
                        purpose: pb::TrustPurpose::Holder.into(),
                        fingerprint: eseal_kernel::Digest::of(&certificate).to_string(),
                    })
                    .await,
                |_| false,
            ),
        ),
        (
            "TrustService/ImportCrl",
            OtherOrganization,
            came(trust.import_crl(pb::ImportCrlRequest { request_id: request_id(), crl: vec![1] }).await, |_| false),
        ),
        (
            "TrustService/ListTrustAnchors",
            WhatAllMayKnow,
            came(trust.list_trust_anchors(pb::ListTrustAnchorsRequest::default()).await, |_| false),
        ),
        (
            "TrustService/CheckCertificate",
            WhatAllMayKnow,
            came(
                trust
                    .check_certificate(pb::CheckCertificateRequest {
                        purpose: pb::TrustPurpose::Maker.into(),
                        certificate,
                        ..Default::default()
                    })
                    .await,
                |_| false,
            ),
        ),
    ];
    for (rpc, gets, got) in &tried {
        let expected = match gets {
            OtherOrganization => Err("OTHER_ORGANIZATION".to_owned()),
            NotAuthorized => Err("NOT_AUTHORIZED".to_owned()),
            NotCustodian => Err("NOT_CUSTODIAN".to_owned()),
            NotFound => Err("ATTEMPT_NOT_FOUND".to_owned()),
            Nothing => Ok(true),
            WhatAllMayKnow => Ok(false),
        };
        assert_eq!(*got, expected, "{rpc}");
    }
    assert_eq!(
        tried.iter().map(|(rpc, ..)| (*rpc).to_owned()).collect::<BTreeSet<_>>(),
        rpcs_for_people("eseal.authentication.v1")
    );
    // The custodian's own attempt is where it was.
    assert_eq!(pin(&mut bureau.zhou(), seal, attempt, true).await.expect("goes on"), 5);
}

async fn created_key(bureau: &Bureau) -> String {
    let created = bureau.keys(ZHOU, Role::Custodian, Some(LENOVO)).create_hosted_key(creation()).await;
    created.expect("created").into_inner().hosted_key.expect("a key").hosted_key_id
}

fn creation() -> pb::CreateHostedKeyRequest {
    let organization = Some(organization());
    pb::CreateHostedKeyRequest { request_id: request_id(), organization, pin: "a long pin".to_owned() }
}

fn first_code(seal: &str) -> pb::ConfirmAuthenticatorRequest {
    pb::ConfirmAuthenticatorRequest {
        request_id: request_id(),
        seal_id: seal.to_owned(),
        authenticator_id: request_id(),
        code: "123456".to_owned(),
    }
}

fn lost_authenticator(seal: &str) -> pb::RemoveAuthenticatorRequest {
    let (seal_id, custodian_id) = (seal.to_owned(), ZHOU.to_owned());
    pb::RemoveAuthenticatorRequest { request_id: request_id(), seal_id, custodian_id }
}

fn hosted_use(card: &crate::card::Card, attempt_id: &str) -> pb::AuthorizeHostedSealingRequest {
    pb::AuthorizeHostedSealingRequest {
        request_id: request_id(),
        code: String::new(),
        seal_id: card.seal_id.clone(),
        attempt_id: attempt_id.to_owned(),
        pin: "a long pin".to_owned(),
        document_digest: document().to_string(),
        certificate_digest: document().to_string(),
        places: vec![place()],
        original: None,
    }
}

fn hosted_batch(seal: &str, attempt: &str) -> pb::AuthorizeHostedBatchRequest {
    pb::AuthorizeHostedBatchRequest {
        request_id: request_id(),
        code: String::new(),
        seal_id: seal.to_owned(),
        attempt_id: attempt.to_owned(),
        pin: "a long pin".to_owned(),
        root: document().to_string(),
        documents: 2,
        certificate_digests: vec![document().to_string()],
        originals: vec![],
    }
}

fn nothing_to_sign(seal: &str, attempt: &str) -> pb::SignHostedBatchRequest {
    let (seal_id, attempt_id) = (seal.to_owned(), attempt.to_owned());
    pb::SignHostedBatchRequest { request_id: request_id(), seal_id, attempt_id, documents: vec![] }
}

fn nothing_to_complete(seal: &str, attempt: &str) -> pb::CompleteBatchRequest {
    let (seal_id, attempt_id) = (seal.to_owned(), attempt.to_owned());
    pb::CompleteBatchRequest { request_id: request_id(), seal_id, attempt_id, documents: vec![], last: true }
}

fn documents_of(seal: &str, attempt: &str) -> pb::ListBatchDocumentsRequest {
    let (seal_id, attempt_id) = (seal.to_owned(), attempt.to_owned());
    pb::ListBatchDocumentsRequest { seal_id, attempt_id, ..Default::default() }
}
