//! 印章申请.

use std::time::Duration;

use clap::ValueEnum as _;
use eseal_proto::application::v1 as pb;
use eseal_proto::application::v1::application_service_client::ApplicationServiceClient;
use serde_json::json;

use super::{Env, form};
use crate::args::{Cancel, ErasePerson, OnApplication, Return, Revise, Submit};
use crate::connect::{Line, Server, request_id};
use crate::failure::Failure;

fn client(server: &Server) -> ApplicationServiceClient<Line> {
    ApplicationServiceClient::new(server.line())
}

pub async fn submit(env: &Env, args: &Submit) -> Result<(), Failure> {
    let server = env.server()?;
    let (filled, contacts) = form::read(&server, &args.form).await?;
    let request = pb::SubmitApplicationRequest { request_id: request_id(), form: Some(filled), contacts };
    let answer = server.answer(client(&server).submit_application(request).await)?;
    let id = &answer.application_id;
    env.output.result(&json!(answer), id);
    let next = env.lang().pick("已提交。审批人运行", "filed. A reviewer runs");
    env.output.say(&format!("{next}: eseal approve {id}"));
    Ok(())
}

pub async fn approve(env: &Env, OnApplication { application }: OnApplication) -> Result<(), Failure> {
    let server = env.server()?;
    let request =
        pb::ApproveApplicationRequest { request_id: request_id(), application_id: application, etag: String::new() };
    let answer = server.answer(client(&server).approve_application(request).await)?;
    let words = match answer.state() {
        pb::ApplicationState::Approved => env.lang().pick("已批准,转入制章", "approved; handed over to fabrication"),
        pb::ApplicationState::UnderReview => {
            env.lang().pick("本级已批准,待下一审批人", "this step is approved; another reviewer is next")
        }
        pb::ApplicationState::Unspecified
        | pb::ApplicationState::Returned
        | pb::ApplicationState::Withdrawn
        | pb::ApplicationState::Cancelled => answer.state().as_str_name(),
    };
    env.output.result(&json!(answer), words);
    Ok(())
}

pub async fn send_back(env: &Env, args: Return) -> Result<(), Failure> {
    let server = env.server()?;
    let code = args.code.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    let reason = pb::ReturnReason { code: code.to_ascii_uppercase().replace('-', "_"), text: args.reason };
    let request = pb::ReturnApplicationRequest {
        request_id: request_id(),
        application_id: args.application,
        etag: String::new(),
        reason: Some(reason),
    };
    let answer = server.answer(client(&server).return_application(request).await)?;
    env.output.result(&json!(answer), env.lang().pick("已退回", "returned"));
    Ok(())
}

pub async fn revise(env: &Env, args: &Revise) -> Result<(), Failure> {
    let server = env.server()?;
    let (filled, contacts) = form::read(&server, &args.form).await?;
    let request = pb::ReviseApplicationRequest {
        request_id: request_id(),
        application_id: args.application.clone(),
        etag: String::new(),
        form: Some(filled),
        contacts,
    };
    let answer = server.answer(client(&server).revise_application(request).await)?;
    env.output.result(&json!(answer), env.lang().pick("已修改", "revised"));
    env.output.say(&format!("eseal resubmit {}", args.application));
    Ok(())
}

pub async fn resubmit(env: &Env, OnApplication { application }: OnApplication) -> Result<(), Failure> {
    let server = env.server()?;
    let request =
        pb::ResubmitApplicationRequest { request_id: request_id(), application_id: application, etag: String::new() };
    let answer = server.answer(client(&server).resubmit_application(request).await)?;
    env.output.result(&json!(answer), env.lang().pick("已重新提交", "filed again"));
    Ok(())
}

pub async fn withdraw(env: &Env, OnApplication { application }: OnApplication) -> Result<(), Failure> {
    let server = env.server()?;
    let request =
        pb::WithdrawApplicationRequest { request_id: request_id(), application_id: application, etag: String::new() };
    let answer = server.answer(client(&server).withdraw_application(request).await)?;
    env.output.result(&json!(answer), env.lang().pick("已撤回", "withdrawn"));
    Ok(())
}

/// How long `cancel` waits for what fabrication says, and how often it looks.
const DECIDED_WITHIN: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Asks for the end of an approved application, and waits a moment for what fabrication makes of that.
pub async fn cancel(env: &Env, args: &Cancel) -> Result<(), Failure> {
    let server = env.server()?;
    let reason = args.reason.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    let reason_code = reason.to_ascii_uppercase().replace('-', "_");
    let ask = || pb::CancelApplicationRequest {
        request_id: request_id(),
        application_id: args.application.clone(),
        etag: String::new(),
        reason_code: reason_code.clone(),
    };
    server.answer(client(&server).cancel_application(ask()).await)?;
    let decided = tokio::time::timeout(DECIDED_WITHIN, async {
        loop {
            let request = pb::GetApplicationRequest { application_id: args.application.clone() };
            let shown = server.answer(client(&server).get_application(request).await)?.application.unwrap_or_default();
            let made = shown.outcome.as_ref().is_some_and(|outcome| !outcome.seal_id.is_empty());
            if made || shown.state() == pb::ApplicationState::Cancelled {
                return Ok::<_, Failure>(made);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    });
    match decided.await {
        // The seal was made first: asked again, the server says so.
        Ok(Ok(true)) => server.answer(client(&server).cancel_application(ask()).await).map(drop),
        Ok(Ok(false)) => {
            let value = json!({ "state": pb::ApplicationState::Cancelled.as_str_name() });
            env.output.result(&value, env.lang().pick("已取消,不再制章", "cancelled: nothing will be made"));
            Ok(())
        }
        Ok(Err(failure)) => Err(failure),
        Err(_) => {
            let value = json!({ "state": pb::ApplicationState::Approved.as_str_name() });
            let words = env.lang().pick("已申请取消,制章服务尚未答复", "asked for; fabrication has not answered yet");
            env.output.result(&value, words);
            env.output.say(&format!("eseal show application {}", args.application));
            Ok(())
        }
    }
}

pub async fn erase_person(env: &Env, ErasePerson { person }: ErasePerson) -> Result<(), Failure> {
    let server = env.server()?;
    let request = pb::ErasePersonRequest { request_id: request_id(), person_id: person };
    let answer = server.answer(client(&server).erase_person(request).await)?;
    let words = format!("{}: {}", env.lang().pick("已清除的记录数", "rows and files erased"), answer.erased);
    env.output.result(&json!(answer), words);
    Ok(())
}
