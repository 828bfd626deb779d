//! Settings, connection, clock and sign-in.

use std::time::Duration;

use eseal_kernel::{Clock, Timestamp};
use eseal_proto::authentication::v1 as pb;
use eseal_proto::authentication::v1::registry_service_client::RegistryServiceClient;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tonic::transport::Uri;

use super::finding::Findings;
use crate::commands::Env;
use crate::connect::Server;
use crate::failure::Kind;
use crate::session::Sessions;

/// How long a name or a connection may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Seconds apart that are worth a word; the header itself has whole seconds.
const APART: i64 = 30;
/// Seconds apart at which challenges, which last two minutes and more, are in danger.
const WRONG: i64 = 120;
/// A sign-in that ends sooner ends soon.
const SOON: Duration = Duration::from_secs(10 * 60);

/// Looks from the settings on, as far as it gets: gives the server if it answers.
pub async fn look(env: &Env, clock: &Clock, findings: &mut Findings) -> Option<Server> {
    let server = match env.server() {
        Ok(server) => server,
        Err(failure) if failure.code == "NOT_SIGNED_IN" => {
            findings.add("NOT_SIGNED_IN", env.act_as.clone().unwrap_or_default());
            Server::anonymous(&env.server, &env.tls, env.lang()).ok()?
        }
        Err(failure) => {
            findings.add("SETTINGS_UNUSABLE", failure.text);
            return None;
        }
    };
    findings.add("SETTINGS_GOOD", &env.server);
    reach(&env.server, findings).await?;
    match timeout(PATIENCE, server.clock(clock)).await {
        Ok(Ok((offset, ready))) => {
            findings.add(if ready { "SERVER_ANSWERS" } else { "SERVER_NOT_READY" }, &env.server);
            told_offset(offset, findings);
        }
        Ok(Err(status)) => {
            findings.add("SERVER_SILENT", why(&status));
            return None;
        }
        Err(_) => {
            findings.add("SERVER_SILENT", format!("> {} s", PATIENCE.as_secs()));
            return None;
        }
    }
    sign_in(env, &server, clock, findings).await;
    Some(server)
}

/// The name has an address, and somebody takes connections there.
async fn reach(address: &str, findings: &mut Findings) -> Option<()> {
    let uri: Uri = address.parse().ok()?;
    let host = uri.host()?.trim_start_matches('[').trim_end_matches(']').to_owned();
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
    let found = match timeout(PATIENCE, lookup_host((host.clone(), port))).await {
        Ok(Ok(found)) => found.collect::<Vec<_>>(),
        Ok(Err(_)) | Err(_) => Vec::new(),
    };
    if found.is_empty() {
        findings.add("NAME_NOT_RESOLVED", host);
        return None;
    }
    let shown = found.iter().take(4).map(|address| address.ip().to_string()).collect::<Vec<_>>().join(", ");
    findings.add("NAME_RESOLVED", format!("{host} = {shown}"));
    for place in &found {
        if let Ok(Ok(_)) = timeout(PATIENCE, TcpStream::connect(place)).await {
            findings.add("CONNECTED", place.to_string());
            return Some(());
        }
    }
    findings.add("NOT_CONNECTED", format!("{host}:{port}"));
    None
}

fn told_offset(offset: Option<i64>, findings: &mut Findings) {
    let Some(offset) = offset else { return findings.add("CLOCK_UNTOLD", "") };
    let code = match offset.abs() {
        apart if apart > WRONG => "CLOCK_WRONG",
        apart if apart > APART => "CLOCK_APART",
        _ => "CLOCK_GOOD",
    };
    findings.add(code, format!("{offset:+} s"));
}

/// Whether the server takes the token. Whoever may not list seals is told so, which is an answer to somebody it knows.
async fn sign_in(env: &Env, server: &Server, clock: &Clock, findings: &mut Findings) {
    let session = Sessions::of_user(env.lang()).and_then(|sessions| sessions.find(&env.server, env.act_as.as_deref()));
    let by_environment = env.act_as.is_none() && std::env::var_os("ESEAL_TOKEN").is_some_and(|token| !token.is_empty());
    let name = match session {
        Ok(Some((name, session))) => {
            let ends: Option<Timestamp> = session.expires_at.parse().ok();
            if ends.is_some_and(|ends| ends > clock.now() && ends < clock.now().plus(SOON)) {
                findings.add("SIGNED_IN_NOT_LONG", format!("{name}, {}", session.expires_at));
            }
            name
        }
        _ if by_environment => "ESEAL_TOKEN".to_owned(),
        Ok(None) => return findings.add("NOT_SIGNED_IN", ""),
        Err(_) => return,
    };
    let request = pb::ListSealsRequest { page_size: 1, ..Default::default() };
    let answer = server.answer(RegistryServiceClient::new(server.line()).list_seals(request).await);
    match answer {
        Ok(_) => findings.add("SIGNED_IN", name),
        Err(failure) if failure.code == "ROLE_MISSING" => findings.add("SIGNED_IN", name),
        Err(failure) if failure.kind == Kind::Unreachable => findings.add("SERVER_SILENT", failure.text),
        Err(failure) => findings.add("SIGN_IN_REFUSED", format!("{name}: {}", failure.text)),
    }
}

/// An error with what caused it: what is wrong with TLS stands deep inside.
fn why(status: &tonic::Status) -> String {
    let mut text = status.message().to_owned();
    let mut source = std::error::Error::source(status);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;
    use crate::lang::Lang;

    fn level(offset: i64) -> Level {
        let mut findings = Findings::new(Lang::En);
        told_offset(Some(offset), &mut findings);
        findings.worst()
    }

    #[test]
    fn a_clock_that_is_five_minutes_off_is_a_fault_whichever_way() {
        assert_eq!((level(300), level(-300)), (Level::Fault, Level::Fault));
        assert_eq!((level(31), level(-31)), (Level::Warning, Level::Warning));
        assert_eq!((level(30), level(0)), (Level::Good, Level::Good));
    }

    #[tokio::test]
    async fn a_port_where_nobody_listens_is_told() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let mut findings = Findings::new(Lang::En);
        assert!(reach(&address, &mut findings).await.is_some(), "{}", findings.to_words());
        drop(listener);
        assert!(reach(&address, &mut findings).await.is_none(), "{}", findings.to_words());
        assert!(findings.to_words().contains("NOT_CONNECTED"));
    }

    #[tokio::test]
    async fn a_name_without_an_address_is_told() {
        let mut findings = Findings::new(Lang::En);
        assert!(reach("https://no-such-host.invalid", &mut findings).await.is_none());
        assert!(findings.to_words().contains("NAME_NOT_RESOLVED"), "{}", findings.to_words());
    }
}
