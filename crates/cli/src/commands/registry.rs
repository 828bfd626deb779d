//! 印章管理.

use eseal_proto::authentication::v1 as pb;
use eseal_proto::authentication::v1::registry_service_client::RegistryServiceClient;
use serde_json::json;

use super::Env;
use crate::args::{OnSeal, Replace, WithReason};
use crate::connect::{Line, Server, request_id};
use crate::failure::Failure;

fn client(server: &Server) -> RegistryServiceClient<Line> {
    RegistryServiceClient::new(server.line())
}

pub async fn activate(env: &Env, OnSeal { seal }: OnSeal) -> Result<(), Failure> {
    let server = env.server()?;
    let request = pb::ActivateSealRequest { request_id: request_id(), seal_id: seal };
    let answer = server.answer(client(&server).activate_seal(request).await)?;
    env.output.result(&json!(answer), env.lang().pick("已启用", "in use"));
    Ok(())
}

pub async fn suspend(env: &Env, WithReason { seal, reason }: WithReason) -> Result<(), Failure> {
    let server = env.server()?;
    let request = pb::SuspendSealRequest { request_id: request_id(), seal_id: seal, reason_code: reason };
    let answer = server.answer(client(&server).suspend_seal(request).await)?;
    env.output.result(&json!(answer), env.lang().pick("已停用", "suspended"));
    Ok(())
}

pub async fn report_loss(env: &Env, OnSeal { seal }: OnSeal) -> Result<(), Failure> {
    let (server, lang) = (env.server()?, env.lang());
    let request = pb::ReportLossRequest { request_id: request_id(), seal_id: seal.clone() };
    let answer = server.answer(client(&server).report_loss(request).await)?;
    env.output.result(&json!(answer), lang.pick("已挂失,印章停用", "reported: the seal is suspended"));
    let next = lang.pick("补办新卡,经办人运行", "for a new card, an applicant runs");
    env.output.say(&format!("{next}: eseal submit --kind replace --existing-seal {seal}"));
    let found = lang.pick("卡已找回,管理员运行", "if the card is found, an admin runs");
    env.output.say(&format!("{found}: eseal resume {seal}"));
    Ok(())
}

pub async fn resume(env: &Env, OnSeal { seal }: OnSeal) -> Result<(), Failure> {
    let server = env.server()?;
    let request = pb::ResumeSealRequest { request_id: request_id(), seal_id: seal };
    let answer = server.answer(client(&server).resume_seal(request).await)?;
    env.output.result(&json!(answer), env.lang().pick("已恢复", "in use again"));
    Ok(())
}

pub async fn revoke(env: &Env, WithReason { seal, reason }: WithReason) -> Result<(), Failure> {
    let server = env.server()?;
    let request = pb::RevokeSealRequest { request_id: request_id(), seal_id: seal, reason_code: reason };
    let answer = server.answer(client(&server).revoke_seal(request).await)?;
    env.output.result(&json!(answer), env.lang().pick("已注销", "revoked"));
    Ok(())
}

pub async fn replace(env: &Env, Replace { seal, successor }: Replace) -> Result<(), Failure> {
    let server = env.server()?;
    let request = pb::ReplaceSealRequest { request_id: request_id(), seal_id: seal, successor_seal_id: successor };
    let answer = server.answer(client(&server).replace_seal(request).await)?;
    env.output.result(&json!(answer), env.lang().pick("已由新印章替代", "replaced"));
    Ok(())
}

pub async fn unlock(env: &Env, OnSeal { seal }: OnSeal) -> Result<(), Failure> {
    let server = env.server()?;
    let request = pb::UnlockSealRequest { request_id: request_id(), seal_id: seal };
    let answer = server.answer(client(&server).unlock_seal(request).await)?;
    env.output.result(&json!(answer), env.lang().pick("已解锁", "unlocked"));
    Ok(())
}
