//! Signing in: at the built-in issuer, or with a token of an outside one.

use std::path::Path;

use eseal_proto::access::v1::Role;
use eseal_proto::identity::v1::SignInRequest;
use eseal_proto::identity::v1::identity_service_client::IdentityServiceClient;
use serde_json::json;

use super::Env;
use crate::args::{Login, Logout};
use crate::connect::Server;
use crate::failure::{Failure, Kind};
use crate::output::fields;
use crate::secret;
use crate::session::{Session, Sessions};
use crate::token;

pub async fn login(env: &Env, args: &Login) -> Result<(), Failure> {
    if let Some(file) = &args.token_file {
        return keep_token(env, &args.name, file);
    }
    let lang = env.lang();
    let password = secret::read(lang, args.password_file.as_deref(), lang.pick("密码", "Password"))?;
    let server = Server::of(&env.server, &env.tls, None, lang)?;
    let request = SignInRequest { name: args.name.clone(), password: password.as_str().to_owned() };
    let answer = server.answer(IdentityServiceClient::new(server.line()).sign_in(request).await)?;
    let session = Session {
        roles: answer.roles().map(role_name).collect(),
        expires_at: answer.expires_at.and_then(|at| serde_json::to_value(at).ok()).map(text_of).unwrap_or_default(),
        token: answer.token,
        person_id: answer.person_id,
        uscc: answer.uscc,
    };
    let shown = shown(&args.name, &session);
    Sessions::of_user(lang)?.keep(&env.server, &args.name, session)?;
    env.output.result(&shown.0, shown.1);
    Ok(())
}

/// Keeps a token of an outside issuer. What it says is shown and not believed: servers verify it.
fn keep_token(env: &Env, name: &str, file: &Path) -> Result<(), Failure> {
    let lang = env.lang();
    let token = secret::read_token(lang, file)?;
    let session =
        token::session(&token).map_err(|why| Failure::usage(lang, format_args!("{}: {why}", file.display())))?;
    let shown = shown(name, &session);
    Sessions::of_user(lang)?.keep(&env.server, name, session)?;
    env.output.result(&shown.0, shown.1);
    env.output.say(lang.pick("以上内容尚未验证,由服务器验证", "read from the token, not verified: servers do that"));
    Ok(())
}

pub fn logout(env: &Env, args: &Logout) -> Result<(), Failure> {
    let sessions = Sessions::of_user(env.lang())?;
    let name = match &env.act_as {
        Some(name) => Some(name.clone()),
        None if args.all => None,
        None => sessions.find(&env.server, None)?.map(|(name, _)| name),
    };
    sessions.forget(&env.server, name.as_deref())?;
    env.output.result(&json!({ "signedOut": name }), env.lang().pick("已退出登录", "signed out"));
    Ok(())
}

pub fn whoami(env: &Env) -> Result<(), Failure> {
    let found = Sessions::of_user(env.lang())?.find(&env.server, env.act_as.as_deref())?;
    let Some((name, session)) = found else {
        return Err(Failure::new(Kind::Refused, "NOT_SIGNED_IN", env.lang()).advise("eseal login NAME"));
    };
    let shown = shown(&name, &session);
    env.output.result(&shown.0, shown.1);
    Ok(())
}

fn shown(name: &str, session: &Session) -> (serde_json::Value, String) {
    let Session { person_id, roles, uscc, expires_at, .. } = session;
    let value = json!({
        "name": name, "personId": person_id, "roles": roles, "uscc": uscc, "expiresAt": expires_at,
    });
    let words = fields(&[
        ("name", name.to_owned()),
        ("person", person_id.clone()),
        ("roles", roles.join(", ")),
        ("organization", uscc.clone()),
        ("until", expires_at.clone()),
    ]);
    (value, words)
}

fn role_name(role: Role) -> String {
    role.as_str_name().trim_start_matches("ROLE_").to_ascii_lowercase()
}

fn text_of(value: serde_json::Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
