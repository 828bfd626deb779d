//! 保管人与用印规则.

use eseal_history::words::rights;
use eseal_proto::authentication::v1 as pb;
use eseal_proto::authentication::v1::registry_service_client::RegistryServiceClient;
use serde_json::json;

use super::Env;
use super::list::time;
use super::original::{self, Edge};
use crate::args::{Approval, CodeFrom, Custodian, DocumentKind, SealPolicy, Terms};
use crate::connect::{Line, Server, request_id};
use crate::failure::Failure;

fn client(server: &Server) -> RegistryServiceClient<Line> {
    RegistryServiceClient::new(server.line())
}

pub async fn custodian(env: &Env, what: Custodian) -> Result<(), Failure> {
    let (server, lang) = (env.server()?, env.lang());
    match what {
        Custodian::Grant(args) => {
            let terms = Some(terms(env, &args)?);
            let (seal_id, custodian_id) = (args.seal, args.person);
            let request = pb::GrantCustodianRequest { request_id: request_id(), seal_id, custodian_id, terms };
            let answer = server.answer(client(&server).grant_custodian(request).await)?;
            env.output.result(&json!(answer), lang.pick("已授权", "the right is given"));
        }
        Custodian::Change(args) => {
            let terms = Some(terms(env, &args)?);
            let (seal_id, custodian_id) = (args.seal, args.person);
            let request = pb::ChangeCustodianRequest { request_id: request_id(), seal_id, custodian_id, terms };
            let answer = server.answer(client(&server).change_custodian(request).await)?;
            env.output.result(&json!(answer), lang.pick("已变更", "the right is changed"));
        }
        Custodian::Withdraw { seal, person, reason } => {
            let (seal_id, custodian_id, reason_code) = (seal, person, code(&reason));
            let request = pb::WithdrawCustodianRequest { request_id: request_id(), seal_id, custodian_id, reason_code };
            let answer = server.answer(client(&server).withdraw_custodian(request).await)?;
            env.output.result(&json!(answer), lang.pick("已收回", "the right is withdrawn"));
        }
        Custodian::List { seal, pages } => {
            let request = pb::ListCustodiansRequest { page_size: pages.limit, page_token: pages.page, seal_id: seal };
            let answer = server.answer(client(&server).list_custodians(request).await)?;
            let row = |custodian: &pb::Custodian| {
                let state = match custodian.in_force {
                    true => lang.pick("有效", "in force").to_owned(),
                    false => format!("{} {}", lang.pick("已收回", "withdrawn"), custodian.withdrawal_code),
                };
                let terms = rights::terms(custodian.terms.as_ref(), lang.into());
                let used = custodian.used.to_string();
                vec![custodian.custodian_id.clone(), state, terms, used, time(custodian.changed_at)]
            };
            let rows = answer.custodians.iter().map(row).collect();
            let table = env.output.table(&["custodian", "state", "terms", "used", "changed"], rows);
            env.output.result(&json!(answer), table);
            if !answer.next_page_token.is_empty() {
                env.output.say(&format!("{}: --page {}", lang.pick("下一页", "next page"), answer.next_page_token));
            }
        }
    }
    Ok(())
}

pub async fn policy(env: &Env, what: SealPolicy) -> Result<(), Failure> {
    let (server, lang) = (env.server()?, env.lang());
    match what {
        SealPolicy::Show { seal } => {
            let policy = of_seal(&server, &seal).await?;
            env.output.result(&json!(policy), rights::policy(Some(&policy), lang.into()));
        }
        SealPolicy::Set { seal, approval, max_uses, second_factor, longest_deadline } => {
            // The whole of it is sent: what is not named stays as it is.
            let mut policy = of_seal(&server, &seal).await?;
            policy.approval_required = match approval {
                None => policy.approval_required,
                Some(Approval::Required) => true,
                Some(Approval::None) => false,
            };
            policy.second_factor = second_factor.map_or(policy.second_factor, |from| match from {
                CodeFrom::Totp => pb::SecondFactor::Totp.into(),
                CodeFrom::Sent => pb::SecondFactor::Sent.into(),
                CodeFrom::Any => pb::SecondFactor::Any.into(),
                CodeFrom::None => pb::SecondFactor::Unspecified.into(),
            });
            policy.max_uses = max_uses.unwrap_or(policy.max_uses);
            policy.longest_deadline_s = longest_deadline.map_or(policy.longest_deadline_s, |days| days * 86_400);
            let request = pb::SetSealPolicyRequest { request_id: request_id(), seal_id: seal, policy: Some(policy) };
            let answer = server.answer(client(&server).set_seal_policy(request).await)?;
            env.output.result(&json!(answer), rights::policy(Some(&policy), lang.into()));
        }
    }
    Ok(())
}

async fn of_seal(server: &Server, seal: &str) -> Result<pb::SealPolicy, Failure> {
    let request = pb::GetSealRequest { seal_id: seal.to_owned() };
    let answer = server.answer(client(server).get_seal(request).await)?;
    Ok(answer.seal.and_then(|seal| seal.policy).unwrap_or_default())
}

fn terms(env: &Env, args: &Terms) -> Result<pb::CustodianTerms, Failure> {
    let lang = env.lang();
    let moment = |flag, text: &Option<String>, edge| {
        text.as_deref().map(|text| original::moment(lang, flag, text, edge)).transpose()
    };
    let format = |kind: &DocumentKind| match kind {
        DocumentKind::Ofd => pb::DocumentFormat::Ofd.into(),
        DocumentKind::Pdf => pb::DocumentFormat::Pdf.into(),
    };
    let documents = args.document.iter().map(|path| original::digest(env, path, false));
    Ok(pb::CustodianTerms {
        valid_from: moment("--from", &args.from, Edge::Begin)?,
        valid_to: moment("--until", &args.until, Edge::End)?,
        formats: args.format.iter().map(format).collect(),
        documents: documents.collect::<Result<_, _>>()?,
        max_uses: args.max_uses.unwrap_or_default(),
    })
}

/// The code of a word of the command line.
pub fn code(word: &impl clap::ValueEnum) -> String {
    let name = word.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    name.to_ascii_uppercase().replace('-', "_")
}
