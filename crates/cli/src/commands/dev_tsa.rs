//! A time stamping authority for development on this machine.

use std::net::SocketAddr;
use std::path::Path;

use eseal_kernel::Clock;
use eseal_online::{OnlineError, development};
use eseal_pki::Suite;
use eseal_pki::tsp::{DevelopmentTsa, TsaFiles};
use serde_json::json;
use tokio::net::TcpListener;
use zeroize::Zeroizing;

use super::Env;
use super::card::unusable;
use crate::args::DevTsa;
use crate::failure::{Failure, read_file, write_file};
use crate::lang::Lang;

const MAX_FILE: u64 = 1 << 20;
const SUITES: [(Suite, &str); 2] = [(Suite::EcdsaP256Sha256, "tsa-p256"), (Suite::Sm2Sm3, "tsa-sm2")];

pub async fn dev_tsa(env: &Env, command: DevTsa) -> Result<(), Failure> {
    match command {
        DevTsa::Create { folder } => create(env, &folder),
        DevTsa::Serve { folder, listen } => serve(env, &folder, listen).await,
    }
}

fn create(env: &Env, folder: &Path) -> Result<(), Failure> {
    let (lang, now) = (env.lang(), Clock::System.now());
    std::fs::create_dir_all(folder).map_err(|error| Failure::unwritable(lang, folder, &error))?;
    let mut roots = String::new();
    for (suite, stem) in SUITES {
        let file = |ending: &str| folder.join(format!("{stem}.{ending}.pem"));
        if file("key").exists() {
            let why = lang.pick("目录中已有时间戳服务", "there is an authority in this folder already");
            return Err(Failure::usage(lang, format_args!("{}: {why}", folder.display())));
        }
        let tsa = DevelopmentTsa::create(suite, now).map_err(|error| unusable(lang, error))?;
        let files = tsa.to_files();
        write_file(lang, &file("cert"), files.certificate.as_bytes(), false)?;
        write_file(lang, &file("root"), files.root.as_bytes(), false)?;
        write_file(lang, &file("crl"), files.crl.as_bytes(), false)?;
        write_file(lang, &file("key"), files.key.as_bytes(), true)?; // the last one: a folder with it has all
        roots.push_str(&files.root);
    }
    write_file(lang, &folder.join("tsa-roots.pem"), roots.as_bytes(), false)?;
    env.output.result(&json!({ "folder": folder }), folder.display().to_string());
    say_what_it_is_for(env);
    Ok(())
}

async fn serve(env: &Env, folder: &Path, listen: SocketAddr) -> Result<(), Failure> {
    let lang = env.lang();
    let tsas = SUITES.iter().map(|(_, stem)| load(lang, folder, stem)).collect::<Result<Vec<_>, _>>()?;
    let failed = |error: OnlineError| Failure::usage(lang, error);
    let listener = listening(env, listen).await?;
    say_what_it_is_for(env);
    development::serve(tsas, listener, Clock::System, interrupted()).await.map_err(failed)
}

/// Where a server for development listens; its address is told.
pub(super) async fn listening(env: &Env, listen: SocketAddr) -> Result<TcpListener, Failure> {
    let failed = |error| Failure::usage(env.lang(), OnlineError::Serve(error));
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let url = format!("http://{}/", listener.local_addr().map_err(failed)?);
    env.output.result(&json!({ "url": url }), &url);
    Ok(listener)
}

/// Ctrl-C. Without signals it runs until it is killed.
pub(super) async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn load(lang: Lang, folder: &Path, stem: &str) -> Result<DevelopmentTsa, Failure> {
    let text = |ending: &str| {
        let path = folder.join(format!("{stem}.{ending}.pem"));
        let bytes = read_file(lang, &path, MAX_FILE)?;
        String::from_utf8(bytes).map_err(|_| unusable(lang, path.display()))
    };
    let files = TsaFiles {
        key: Zeroizing::new(text("key")?),
        certificate: text("cert")?,
        root: text("root")?,
        crl: text("crl")?,
    };
    DevelopmentTsa::from_files(&files).map_err(|error| unusable(lang, error))
}

fn say_what_it_is_for(env: &Env) {
    let zh = "仅供开发与测试使用:其时间戳不具任何证明力";
    let en = "for development and tests only: these time stamps prove nothing";
    env.output.say(env.lang().pick(zh, en));
}
