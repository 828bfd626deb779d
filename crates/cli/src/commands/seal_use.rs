//! 用印申请.

use eseal_history::words::{rights, vocabulary};
use eseal_proto::authentication::v1 as pb;
use eseal_proto::authentication::v1::use_service_client::UseServiceClient;
use serde_json::json;

use super::Env;
use super::list::{short, time};
use super::original::{self, Edge};
use super::rights::code;
use crate::args::{OnUse, RequestUse, Use};
use crate::connect::{Line, Server, request_id};
use crate::failure::Failure;
use crate::lang::Lang;
use crate::output::fields;

fn client(server: &Server) -> UseServiceClient<Line> {
    UseServiceClient::new(server.line())
}

pub async fn seal_use(env: &Env, what: Use) -> Result<(), Failure> {
    let (server, lang) = (env.server()?, env.lang());
    match what {
        Use::Request(args) => request(env, &server, args).await?,
        Use::List { seal, state, document, pages } => {
            let state = state.and_then(|state| pb::UseState::from_str_name(&format!("USE_STATE_{}", code(&state))));
            let document = document.map(|path| original::digest(env, &path, false)).transpose()?;
            let request = pb::ListUsesRequest {
                page_size: pages.limit,
                page_token: pages.page,
                seal_id: seal,
                state: state.unwrap_or_default().into(),
                document: document.unwrap_or_default(),
            };
            let answer = server.answer(client(&server).list_uses(request).await)?;
            let rows = answer.uses.iter().map(|one| row(one, lang)).collect();
            let head = ["requested", "use", "state", "by", "documents", "purpose", "until"];
            env.output.result(&json!(answer), env.output.table(&head, rows));
            if !answer.next_page_token.is_empty() {
                env.output.say(&format!("{}: --page {}", lang.pick("下一页", "next page"), answer.next_page_token));
            }
        }
        Use::Show(OnUse { id }) => {
            let answer = server.answer(client(&server).get_use(pb::GetUseRequest { use_id: id }).await)?;
            let shown = answer.seal_use.unwrap_or_default();
            env.output.result(&json!(shown), words(&shown, lang));
        }
        Use::Approve(OnUse { id }) => {
            let request = pb::ApproveUseRequest { request_id: request_id(), use_id: id };
            let answer = server.answer(client(&server).approve_use(request).await)?;
            env.output.result(&json!(answer), lang.pick("已批准", "approved"));
        }
        Use::Decline { id, code: why, reason } => {
            let (use_id, reason_code) = (id, code(&why));
            let request = pb::DeclineUseRequest { request_id: request_id(), use_id, reason_code, reason };
            let answer = server.answer(client(&server).decline_use(request).await)?;
            env.output.result(&json!(answer), lang.pick("已退回", "declined"));
        }
        Use::Withdraw(OnUse { id }) => {
            let request = pb::WithdrawUseRequest { request_id: request_id(), use_id: id };
            let answer = server.answer(client(&server).withdraw_use(request).await)?;
            env.output.result(&json!(answer), lang.pick("已撤回", "taken back"));
        }
    }
    Ok(())
}

async fn request(env: &Env, server: &Server, args: RequestUse) -> Result<(), Failure> {
    let lang = env.lang();
    let documents = args.files.iter().map(|path| original::digest(env, path, args.sm3));
    let until = args.until.as_deref().map(|text| original::moment(lang, "--until", text, Edge::End));
    let request = pb::RequestUseRequest {
        request_id: request_id(),
        seal_id: args.seal,
        documents: documents.collect::<Result<_, _>>()?,
        uses: args.uses,
        purpose_code: code(&args.purpose_code),
        purpose: args.purpose,
        deadline: until.transpose()?,
    };
    let answer = server.answer(client(server).request_use(request).await)?;
    let id = &answer.use_id;
    env.output.result(&json!(answer), id);
    let next = lang.pick("已提交。由他人审批:", "requested. Somebody else runs:");
    env.output.say(&format!("{next} eseal use approve {id}"));
    Ok(())
}

fn row(one: &pb::SealUse, lang: Lang) -> Vec<String> {
    let purpose = vocabulary::purpose(&one.purpose_code, lang.into());
    let documents = one.documents.iter().map(|document| rights::document_brief(&document.document));
    vec![
        time(one.requested_at),
        one.use_id.clone(),
        short(one.state().as_str_name(), "USE_STATE_"),
        one.requester_id.clone(),
        documents.collect::<Vec<_>>().join("\n"),
        format!("{purpose} {}", one.purpose).trim().to_owned(),
        time(one.deadline),
    ]
}

fn words(one: &pb::SealUse, lang: Lang) -> String {
    let documents =
        one.documents.iter().map(|document| format!("{} ({}/{})", document.document, document.used, one.uses));
    let purpose = vocabulary::purpose(&one.purpose_code, lang.into());
    let reason = match one.reason_code.as_str() {
        "" => String::new(),
        code => format!("{code} {}", one.reason).trim().to_owned(),
    };
    fields(&[
        ("use", one.use_id.clone()),
        ("seal", one.seal_id.clone()),
        ("state", short(one.state().as_str_name(), "USE_STATE_")),
        ("requested by", one.requester_id.clone()),
        ("requested", time(one.requested_at)),
        ("documents", documents.collect::<Vec<_>>().join("\n")),
        ("purpose", format!("{purpose} {}", one.purpose).trim().to_owned()),
        ("until", time(one.deadline)),
        ("decided by", one.decided_by.clone()),
        ("declined", reason),
    ])
}
