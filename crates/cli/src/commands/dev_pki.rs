//! The TLS certificates of a development system.

use std::path::Path;
use std::time::Duration;

use eseal_devpki::{DevPki, DevPkiError, NAMES, Request};
use eseal_kernel::Clock;
use serde_json::json;

use super::Env;
use crate::args::DevPki as Command;
use crate::failure::{Failure, Kind};

pub fn dev_pki(env: &Env, command: &Command) -> Result<(), Failure> {
    match command {
        Command::Create { folder, names } => create(env, folder, names),
        Command::Renew { folder, name, dns, days } => renew(env, folder, name, dns, *days),
    }
}

fn create(env: &Env, folder: &Path, names: &[String]) -> Result<(), Failure> {
    let names: Vec<&str> = if names.is_empty() { NAMES.to_vec() } else { names.iter().map(String::as_str).collect() };
    DevPki::create(folder, &names, Clock::System).map_err(|error| failure(env, &error))?;
    env.output.result(&json!({ "folder": folder, "names": names }), folder.display().to_string());
    say_what_it_is_for(env);
    Ok(())
}

fn renew(env: &Env, folder: &Path, name: &str, dns: &[String], days: u32) -> Result<(), Failure> {
    let pki = DevPki::open(folder, Clock::System).map_err(|error| failure(env, &error))?;
    let request = Request { extra: dns.to_vec(), lifetime: Duration::from_secs(u64::from(days) * 86_400) };
    let own = pki.store(folder, name, &request).map_err(|error| failure(env, &error))?;
    env.output.result(&json!({ "folder": own, "name": name }), own.display().to_string());
    say_what_it_is_for(env);
    Ok(())
}

fn say_what_it_is_for(env: &Env) {
    let zh = "仅供开发与测试使用:CA私钥未加密,且无法吊销证书";
    let en = "for development and tests only: the CA's key lies there in the clear, and nothing can be revoked";
    env.output.say(env.lang().pick(zh, en));
}

fn failure(env: &Env, error: &DevPkiError) -> Failure {
    let lang = env.lang();
    match error {
        DevPkiError::File { path, what: "written", source } => Failure::unwritable(lang, path, source),
        DevPkiError::File { path, source, .. } => Failure::unreadable(lang, path, source),
        DevPkiError::Exists(folder) => {
            let why = lang.pick("目录中已有CA", "there is a CA in this folder already");
            Failure::usage(lang, format_args!("{}: {why}", folder.display())).advise("eseal dev-pki renew DIR NAME")
        }
        DevPkiError::Missing(path) => {
            let why = lang.pick("文件不存在", "there is no such file");
            Failure::new(Kind::Usage, "FILE_UNREADABLE", lang)
                .because(format_args!("{}: {why}", path.display()))
                .advise("eseal dev-pki create DIR")
        }
        DevPkiError::Name(name) => {
            let why =
                lang.pick("名称只能含小写字母、数字和连字符", "a name has lower-case letters, digits and hyphens");
            Failure::usage(lang, format_args!("{name:?}: {why}"))
        }
        DevPkiError::Cryptography(_) => Failure::new(Kind::Usage, "CERTIFICATE_UNUSABLE", lang).because(error),
    }
}
