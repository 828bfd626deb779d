//! What happened to an application.

use eseal_proto::application::v1::application_event::Kind;
use eseal_proto::application::v1::{ApplicationKind, Particulars};

use super::{Language, time, vocabulary};

pub(super) fn what(kind: &Kind, language: Language) -> String {
    let say = |zh, en| language.pick(zh, en);
    match kind {
        Kind::Submitted(fact) => {
            let asked = particulars(fact.particulars.as_ref(), language);
            let needed = fact.approvals_needed;
            match language {
                Language::ZhCn => format!("提交申请:{asked};需 {needed} 人审批"),
                Language::En => format!("Application filed: {asked}; approvals needed: {needed}"),
            }
        }
        Kind::StepApproved(fact) => format!("{} {}", say("审批通过,第", "Approval given, number"), fact.step),
        Kind::Approved(fact) => match fact.particulars.as_ref().map(Particulars::kind) {
            Some(ApplicationKind::Revoke) => {
                say("申请批准,转入注销", "Application approved: the order to revoke the seal")
            }
            _ => say("申请批准,转入制章", "Application approved: the order to make the seal"),
        }
        .to_owned(),
        Kind::Returned(_) => say("申请退回", "Application returned").to_owned(),
        Kind::Revised(fact) => {
            format!("{}: {}", say("申请修改", "Application changed"), particulars(fact.particulars.as_ref(), language))
        }
        Kind::Resubmitted(_) => say("申请重新提交", "Application filed again").to_owned(),
        Kind::Withdrawn(_) => say("申请撤回", "Application withdrawn").to_owned(),
        Kind::CancellationAsked(_) => {
            say("申请取消(已批准,未制章)", "End of the approved application asked for").to_owned()
        }
        Kind::Cancelled(_) => say("申请已取消,不再制章", "Application cancelled: nothing will be made").to_owned(),
        Kind::FabricationRefusalNoted(_) => {
            say("申请得知:制章未通过", "Told to the application: making was refused").to_owned()
        }
        Kind::SealMadeNoted(fact) => match language {
            Language::ZhCn => format!("申请得知:印章 {} 已制成", fact.seal_id),
            Language::En => format!("Told to the application: seal {} was made", fact.seal_id),
        },
        Kind::SealStateNoted(fact) => {
            let state = vocabulary::seal_state(fact.state(), language);
            format!("{} {state}", say("申请得知:印章状态", "Told to the application: the seal is"))
        }
        Kind::CarriedOutNoted(fact) => {
            let result = vocabulary::carried_out(&fact.result, language);
            format!("{} {result}", say("申请得知:原印章", "Told to the application: the existing seal"))
        }
        Kind::PersonErased(_) => say("个人信息清除", "What was known of a person was erased").to_owned(),
    }
}

pub(super) fn reason(kind: &Kind) -> (&str, &str) {
    match kind {
        Kind::Returned(fact) => ("", &fact.reason_code),
        Kind::CancellationAsked(fact) => ("", &fact.reason_code),
        Kind::FabricationRefusalNoted(fact) => (&fact.gate, &fact.reason),
        Kind::Submitted(_)
        | Kind::StepApproved(_)
        | Kind::Approved(_)
        | Kind::Revised(_)
        | Kind::Resubmitted(_)
        | Kind::Withdrawn(_)
        | Kind::Cancelled(_)
        | Kind::SealMadeNoted(_)
        | Kind::SealStateNoted(_)
        | Kind::CarriedOutNoted(_)
        | Kind::PersonErased(_) => ("", ""),
    }
}

/// What is asked for, in a line.
fn particulars(asked: Option<&Particulars>, language: Language) -> String {
    let asked = asked.cloned().unwrap_or_default();
    let organization = asked.organization.clone().unwrap_or_default();
    let kind = vocabulary::application_kind(asked.kind(), language);
    let seal_type = vocabulary::seal_type(asked.seal_type(), language);
    let custody = vocabulary::custody(asked.custody(), language);
    let key = if asked.hosted_key_id.is_empty() { String::new() } else { format!(" {}", asked.hosted_key_id) };
    let (from, to) = (time(asked.valid_from.as_ref()), time(asked.valid_to.as_ref()));
    let (uscc, name, custodian) = (organization.uscc, organization.name_zh, asked.custodian_id);
    let existing = asked.existing_seal_id;
    let mut text = match language {
        Language::ZhCn => {
            format!("{kind}{seal_type},{name} {uscc},{custody}{key},保管人 {custodian},有效期 {from} – {to}")
        }
        Language::En => {
            format!("{kind}, {seal_type} of {name} {uscc}, {custody}{key}, custodian {custodian}, valid {from} – {to}")
        }
    };
    if !existing.is_empty() {
        let about = match asked.kind {
            kind if kind == i32::from(ApplicationKind::Revoke) => language.pick(",印章", ", seal"),
            _ => language.pick(",原印章", ", in place of seal"),
        };
        text.push_str(&format!("{about} {existing}"));
    }
    if !asked.revocation_reason.is_empty() {
        let reason = vocabulary::reason(&asked.revocation_reason, language);
        text.push_str(&format!("{} {reason}", language.pick(",原因", ", because of")));
    }
    text
}
