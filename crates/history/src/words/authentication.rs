//! What happened to a registered seal, its uses, hosted keys and trust.

use eseal_proto::authentication::v1::authentication_event::Kind;
use eseal_proto::authentication::v1::{SealExpiring, SealRegistered, SealingAuthorized, SecondFactor};

use super::{Language, brief, rights, time, vocabulary};

pub(super) fn what(kind: &Kind, language: Language) -> String {
    let say = |zh, en| language.pick(zh, en);
    match kind {
        Kind::SealRegistered(fact) => registered(fact, language),
        Kind::SealActivated(_) => say("印章启用", "Seal activated").to_owned(),
        Kind::SealSuspended(_) => say("印章停用", "Seal suspended").to_owned(),
        Kind::SealResumed(_) => say("印章恢复使用", "Seal resumed").to_owned(),
        Kind::SealRevoked(_) => say("印章注销", "Seal revoked").to_owned(),
        Kind::SealReplaced(fact) => format!("{} {}", say("印章更换为", "Seal replaced by"), fact.successor_seal_id),
        Kind::SealExpired(_) => say("印章有效期届满", "The seal's validity has ended").to_owned(),
        Kind::SealPolicySet(fact) => rights::policy(fact.policy.as_ref(), language),
        Kind::SealExpiring(fact) => expiring(fact, language),
        Kind::SealCertificatesDated(_) => say("补记数字证书有效期", "The ends of its certificates noted").to_owned(),
        Kind::ApplicationCarriedOut(fact) => {
            let result = vocabulary::carried_out(&fact.result, language);
            format!("{} {}: {result}", say("申请办结", "Carried out: application"), fact.application_id)
        }
        Kind::CustodianGranted(fact) => {
            let (person, terms) = (&fact.custodian_id, rights::terms(fact.terms.as_ref(), language));
            format!("{} {person}: {terms}", say("授予使用权限", "Right to use the seal given to"))
        }
        Kind::CustodianChanged(fact) => {
            let (person, terms) = (&fact.custodian_id, rights::terms(fact.terms.as_ref(), language));
            format!("{} {person}: {terms}", say("变更使用权限", "Right to use the seal changed for"))
        }
        Kind::CustodianWithdrawn(fact) => {
            format!("{} {}", say("收回使用权限", "Right to use the seal withdrawn from"), fact.custodian_id)
        }
        Kind::UseRequested(fact) => rights::requested(fact, language),
        Kind::UseApproved(fact) => rights::approved(fact, language),
        Kind::UseDeclined(fact) => rights::declined(fact, language),
        Kind::UseWithdrawn(fact) => format!("{} {}", say("撤回用印申请", "Use taken back:"), fact.use_id),
        Kind::SealingBegun(_) => say("签章开始", "Sealing begins").to_owned(),
        Kind::SealingRefused(fact) => {
            let refused = say("签章未通过", "Sealing was refused");
            match fact.detail.as_str() {
                "" => refused.to_owned(),
                detail => format!("{refused} [{detail}] {}", vocabulary::reason(detail, language)),
            }
        }
        Kind::PinTried(_) => say("托管密钥的密码送验", "The hosted key's PIN is looked at").to_owned(),
        Kind::PinAccepted(fact) => match fact.second_factor() {
            SecondFactor::Unspecified => say("密码正确", "PIN right").to_owned(),
            SecondFactor::Totp => say("密码与动态口令正确", "PIN and code of the authenticator right").to_owned(),
            SecondFactor::Sent | SecondFactor::Any => {
                say("密码与发送的验证码正确", "PIN and code that was sent right").to_owned()
            }
        },
        Kind::PinRefused(fact) => format!("{} {}", say("密码错误,剩余次数", "PIN wrong, tries left"), fact.tries_left),
        Kind::PinLocked(_) => say("密码错误次数过多,锁定", "Locked after wrong PINs").to_owned(),
        Kind::PinUnlocked(_) => say("解锁", "Unlocked").to_owned(),
        Kind::SealingAuthorized(fact) => authorized(fact, language),
        Kind::HostedSignatureMade(fact) => {
            format!("{} {}", say("托管密钥签名", "Signed with the hosted key:"), brief(&fact.signed_digest))
        }
        Kind::FileListSigned(fact) => {
            let what = say("托管密钥签署文件清单", "Signed the list of files with the hosted key:");
            format!("{what} {}", brief(&fact.signed_digest))
        }
        Kind::SealingCompleted(fact) => {
            let (document, signature) = (brief(&fact.document_digest), brief(&fact.signature_digest));
            match language {
                Language::ZhCn => format!("签章成功:文档 {document},签章 {signature}"),
                Language::En => format!("Sealed: document {document}, signature {signature}"),
            }
        }
        Kind::BatchAuthorized(fact) => {
            let (documents, root) = (fact.documents, brief(&fact.root));
            match language {
                Language::ZhCn => format!("批量签章获准:{documents} 个文档,清单 {root}"),
                Language::En => format!("Sealing of {documents} documents may go on, list {root}"),
            }
        }
        Kind::HostedSignaturesMade(fact) => {
            format!(
                "{} {}",
                say("托管密钥批量签名,份数", "Signatures made with the hosted key:"),
                fact.signatures.len()
            )
        }
        Kind::DocumentsSealed(fact) => {
            let documents = fact.documents.len();
            match language {
                Language::ZhCn => format!("批量签章成功:{documents} 个文档"),
                Language::En => format!("Sealed: {documents} documents of a list"),
            }
        }
        Kind::DocumentsRefused(fact) => {
            let reasons: std::collections::BTreeSet<_> =
                fact.documents.iter().map(|document| document.reason.as_str()).collect();
            let (documents, reasons) = (fact.documents.len(), reasons.into_iter().collect::<Vec<_>>().join(", "));
            match language {
                Language::ZhCn => format!("批量签章中 {documents} 个文档未通过:{reasons}"),
                Language::En => format!("Documents of a list that were refused: {documents} ({reasons})"),
            }
        }
        Kind::BatchEnded(fact) => {
            format!("{} {}", say("批量签章结束,已签章", "Sealing of a list has ended, sealed:"), fact.documents_sealed)
        }
        Kind::HostedKeyCreated(fact) => {
            let (uscc, custodian) = (&fact.uscc, &fact.custodian_id);
            match language {
                Language::ZhCn => format!("托管密钥生成:单位 {uscc},保管人 {custodian}"),
                Language::En => format!("Hosted key generated for {uscc}, custodian {custodian}"),
            }
        }
        Kind::HostedKeyCertified(fact) => {
            let certificates: Vec<_> = fact.certificate_digests.iter().map(|digest| brief(digest)).collect();
            format!("{} {}", say("托管密钥证书导入", "Hosted key certified:"), certificates.join(", "))
        }
        Kind::AuthenticatorEnrolled(fact) => {
            format!("{} {}", say("绑定动态口令:保管人", "Authenticator enrolled by custodian"), fact.custodian_id)
        }
        Kind::AuthenticatorRemoved(fact) => {
            format!("{} {}", say("解除动态口令:保管人", "Authenticator removed of custodian"), fact.custodian_id)
        }
        Kind::TrustAnchorAdded(fact) => format!("{} {}", say("信任证书", "Trusted:"), brief(&fact.fingerprint)),
        Kind::TrustAnchorRemoved(fact) => {
            format!("{} {}", say("不再信任证书", "Trusted no more:"), brief(&fact.fingerprint))
        }
        Kind::CrlImported(fact) => {
            format!("{} {}", say("导入吊销列表", "Revocation list taken in:"), brief(&fact.digest))
        }
    }
}

pub(super) fn reason(kind: &Kind) -> (&str, &str) {
    match kind {
        Kind::SealSuspended(fact) => ("", &fact.reason_code),
        Kind::SealRevoked(fact) => ("", &fact.reason_code),
        Kind::SealingRefused(fact) => (&fact.gate, &fact.reason),
        Kind::CustodianWithdrawn(fact) => ("", &fact.reason_code),
        Kind::UseDeclined(fact) => ("", &fact.reason_code),
        Kind::SealRegistered(_)
        | Kind::SealActivated(_)
        | Kind::SealResumed(_)
        | Kind::SealReplaced(_)
        | Kind::SealExpired(_)
        | Kind::SealPolicySet(_)
        | Kind::SealExpiring(_)
        | Kind::SealCertificatesDated(_)
        | Kind::ApplicationCarriedOut(_)
        | Kind::CustodianGranted(_)
        | Kind::CustodianChanged(_)
        | Kind::UseRequested(_)
        | Kind::UseApproved(_)
        | Kind::UseWithdrawn(_)
        | Kind::SealingBegun(_)
        | Kind::PinTried(_)
        | Kind::PinAccepted(_)
        | Kind::PinRefused(_)
        | Kind::PinLocked(_)
        | Kind::PinUnlocked(_)
        | Kind::SealingAuthorized(_)
        | Kind::HostedSignatureMade(_)
        | Kind::FileListSigned(_)
        | Kind::SealingCompleted(_)
        | Kind::BatchAuthorized(_)
        | Kind::HostedSignaturesMade(_)
        | Kind::DocumentsSealed(_)
        | Kind::DocumentsRefused(_)
        | Kind::BatchEnded(_)
        | Kind::HostedKeyCreated(_)
        | Kind::HostedKeyCertified(_)
        | Kind::AuthenticatorEnrolled(_)
        | Kind::AuthenticatorRemoved(_)
        | Kind::TrustAnchorAdded(_)
        | Kind::TrustAnchorRemoved(_)
        | Kind::CrlImported(_) => ("", ""),
    }
}

fn registered(fact: &SealRegistered, language: Language) -> String {
    let seal_type = vocabulary::seal_type(fact.seal_type(), language);
    let custody = vocabulary::custody(fact.custody(), language);
    let organization = fact.organization.clone().unwrap_or_default();
    let (name, uscc, custodian) = (organization.name_zh, organization.uscc, &fact.custodian_id);
    let carrier = if fact.hosted_key_id.is_empty() { &fact.card_serial } else { &fact.hosted_key_id };
    let (from, to) = (time(fact.valid_from.as_ref()), time(fact.valid_to.as_ref()));
    let mut text = match language {
        Language::ZhCn => {
            format!("印章注册:{seal_type},{name} {uscc},{custody} {carrier},保管人 {custodian},有效期 {from} – {to}")
        }
        Language::En => {
            format!(
                "Seal registered: {seal_type} of {name} {uscc}, {custody} {carrier}, custodian {custodian}, valid {from} – {to}"
            )
        }
    };
    if !fact.predecessor_seal_id.is_empty() {
        let before = language.pick(",接替印章", ", in place of seal");
        text.push_str(&format!("{before} {}", fact.predecessor_seal_id));
    }
    text
}

/// What ends soon.
fn expiring(fact: &SealExpiring, language: Language) -> String {
    let (days, at) = (fact.days, time(fact.ends_at.as_ref()));
    let what = match fact.certificate_digest.as_str() {
        "" => language.pick("印章有效期", "the seal's validity").to_owned(),
        digest => format!("{} {}", language.pick("数字证书", "certificate"), brief(digest)),
    };
    match (language, days) {
        (Language::ZhCn, 0) => format!("{what}已届满({at})"),
        (Language::ZhCn, days) => format!("{what}将在 {days} 天内届满({at})"),
        (Language::En, 0) => format!("Ended: {what}, at {at}"),
        (Language::En, days) => format!("Ends within {days} days: {what}, at {at}"),
    }
}

fn authorized(fact: &SealingAuthorized, language: Language) -> String {
    let mut pages: Vec<_> = fact.places.iter().map(|place| place.page).collect();
    pages.dedup();
    let pages: Vec<_> = pages.iter().map(ToString::to_string).collect();
    let (document, pages) = (brief(&fact.document_digest), pages.join(", "));
    let spent = fact.admitted.as_ref().map(|admitted| admitted.use_id.as_str()).filter(|id| !id.is_empty());
    match (language, spent) {
        (Language::ZhCn, None) => format!("签章认证通过:文档 {document},第 {pages} 页"),
        (Language::ZhCn, Some(id)) => format!("签章认证通过:文档 {document},第 {pages} 页,用印申请 {id}"),
        (Language::En, None) => format!("Sealing authorized: document {document}, page {pages}"),
        (Language::En, Some(id)) => format!("Sealing authorized: document {document}, page {pages}, by use {id}"),
    }
}
