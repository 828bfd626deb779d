//! 第二因素.

use std::path::Path;

use eseal_proto::authentication::v1 as pb;
use eseal_proto::authentication::v1::second_factor_service_client::SecondFactorServiceClient;
use serde_json::json;

use super::Env;
use super::list::time;
use crate::args::SecondFactor;
use crate::connect::{Line, Server, request_id};
use crate::failure::Failure;
use crate::secret;

fn client(server: &Server) -> SecondFactorServiceClient<Line> {
    SecondFactorServiceClient::new(server.line())
}

pub async fn second_factor(env: &Env, what: SecondFactor) -> Result<(), Failure> {
    let (server, lang) = (env.server()?, env.lang());
    match what {
        SecondFactor::Enrol { seal, code } => enrol(env, &server, &seal, code.code_file.as_deref()).await?,
        SecondFactor::Confirm { seal, authenticator, code } => {
            confirm(env, &server, &seal, &authenticator, code.code_file.as_deref()).await?;
            env.output.result(&json!({ "authenticatorId": authenticator }), lang.pick("动态口令已启用", "in use"));
        }
        SecondFactor::Remove { seal, custodian } => {
            let request =
                pb::RemoveAuthenticatorRequest { request_id: request_id(), seal_id: seal, custodian_id: custodian };
            let answer = server.answer(client(&server).remove_authenticator(request).await)?;
            env.output.result(&json!(answer), lang.pick("动态口令已解除", "removed"));
        }
        SecondFactor::Send { seal } => {
            let request = pb::SendSealingCodeRequest { seal_id: seal };
            let answer = server.answer(client(&server).send_sealing_code(request).await)?;
            let sent = lang.pick("验证码已发送,有效期至", "a code is on its way, good until");
            env.output.result(&json!(answer), format!("{sent} {}", time(answer.expires_at)));
        }
    }
    Ok(())
}

async fn enrol(env: &Env, server: &Server, seal: &str, code_file: Option<&Path>) -> Result<(), Failure> {
    let lang = env.lang();
    let request = pb::EnrolAuthenticatorRequest { seal_id: seal.to_owned() };
    let offer = server.answer(client(server).enrol_authenticator(request).await)?;
    let id = offer.authenticator_id.as_str();
    env.output.result(&json!(offer), &offer.uri);
    env.output.say(lang.pick(
        "以上内容为机密,仅显示这一次:请立即用动态口令应用扫描或录入",
        "this is a secret and shown this once: scan it now, or type it into the authenticator",
    ));
    if code_file.is_none() && !secret::can_ask() {
        let next = lang.pick("请在限期内确认", "confirm it before");
        let command = format!("eseal second-factor confirm {seal} {id} --code-file -");
        env.output.say(&format!("{next} {}: {command}", time(offer.confirm_before)));
        return Ok(());
    }
    loop {
        match confirm(env, server, seal, id, code_file).await {
            Err(failure) if failure.code == "CODE_INCORRECT" && code_file.is_none() => env.output.fail(&failure),
            done => break done?,
        }
    }
    env.output.say(lang.pick("动态口令已启用", "the authenticator is in use"));
    Ok(())
}

async fn confirm(
    env: &Env,
    server: &Server,
    seal: &str,
    authenticator: &str,
    code_file: Option<&Path>,
) -> Result<(), Failure> {
    let lang = env.lang();
    let code = match code_file {
        Some(file) => secret::of_file(lang, file)?,
        None => {
            secret::read(lang, None, lang.pick("动态口令应用显示的验证码", "The code that the authenticator shows"))?
        }
    };
    let request = pb::ConfirmAuthenticatorRequest {
        request_id: request_id(),
        seal_id: seal.to_owned(),
        authenticator_id: authenticator.to_owned(),
        code: code.to_string(),
    };
    server.answer(client(server).confirm_authenticator(request).await)?;
    Ok(())
}
