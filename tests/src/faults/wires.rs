//! Connections that are cut without a word: no FIN, no RST, only silence.

use std::time::Duration;

use eseal_testkit::Proxy;

use super::{GOES_ON, Scenario, Site};
use crate::load::Load;
use crate::platform::Platform;

/// How long new connections stay silent too.
const OUTAGE: Duration = Duration::from_secs(20);
/// What each session asks of PostgreSQL (`crates/eventstore/src/database/postgres.rs`): a client that does not answer for
/// so long is given up, with the locks that it holds.
const GIVEN_UP: Duration = Duration::from_secs(15);

pub(super) const DATABASE: Scenario = Scenario {
    name: "cut-postgres",
    about: "the connections of a service to PostgreSQL go silent",
    may_refuse: false,
    inject: |site, load| {
        for service in chosen(site, &["application", "authentication", "fabrication"]) {
            let platform = site.platform();
            let proxy = Proxy::to_watchful(platform.postgres.port(), GIVEN_UP);
            let file = platform.folder.join(format!("{service}.proxied-url"));
            let url = std::fs::read_to_string(platform.database_url_file(service)).map_err(|why| why.to_string())?;
            let proxied = url.replace(&format!(":{}/", platform.postgres.port()), &format!(":{}/", proxy.port()));
            std::fs::write(&file, proxied).map_err(|why| why.to_string())?;
            let setting = ("ESEAL_DATABASE__URL_FILE".to_owned(), format!("{:?}", file.display().to_string()));
            cut(site, load, service, &proxy, &setting)?;
        }
        Ok(())
    },
};

pub(super) const BUS: Scenario = Scenario {
    name: "cut-nats",
    about: "the connection of a service to NATS goes silent",
    may_refuse: false,
    inject: |site, load| {
        for service in chosen(site, &["application", "fabrication", "authentication"]) {
            let proxy = Proxy::to(site.platform().nats.port());
            let servers = format!("[\"tls://localhost:{}\"]", proxy.port());
            cut(site, load, service, &proxy, &("ESEAL_BUS__SERVERS".to_owned(), servers))?;
        }
        Ok(())
    },
};

pub(super) const PEERS: Scenario = Scenario {
    name: "cut-gateway",
    about: "the connections of the gateway to a service go silent",
    may_refuse: false,
    inject: |site, load| {
        for service in chosen(site, &["authentication", "application"]) {
            let proxy = Proxy::to(site.platform().port(service));
            let address = format!("https://127.0.0.1:{}", proxy.port());
            cut(site, load, "gateway", &proxy, &(format!("ESEAL_PEERS__{}", service.to_uppercase()), address))?;
        }
        Ok(())
    },
};

/// All of them, or in a short run one.
fn chosen(site: &mut Site, all: &[&'static str]) -> Vec<&'static str> {
    match site.pace {
        super::Pace::Full => all.to_vec(),
        super::Pace::Short => vec![all[site.rng.usize(..all.len())]],
    }
}

/// Puts the wire into the process' way, cuts it under the load, and takes it out again.
fn cut(site: &mut Site, load: &Load, process: &str, proxy: &Proxy, setting: &(String, String)) -> Result<(), String> {
    let outage = site.pace.outage(OUTAGE).max(Duration::from_secs(5));
    restart(site.platform(), process, std::slice::from_ref(setting));
    let before = proxy.passed();
    // The lives of the load may all be at a step that another service takes.
    let mut used = load.advances(4, GOES_ON);
    for _ in 0..20 {
        if used.is_err() || proxy.passed() > before {
            break;
        }
        used = load.advances(4, GOES_ON);
    }
    let cut = used.and_then(|()| match proxy.passed() > before {
        true => Ok(()),
        false => Err(format!("nothing of {process} goes over the wire that is to be cut")),
    });
    if cut.is_ok() {
        proxy.cut();
        super::let_pass(outage);
        proxy.mend();
        site.injected += 1;
    }
    // It has to find new connections by itself, with nothing started anew.
    let found = cut.and_then(|()| load.advances(6, GOES_ON));
    restart(site.platform(), process, &[]);
    found.map_err(|why| format!("the wire of {process} ({}): {why}", setting.0))
}

fn restart(platform: &mut Platform, process: &str, settings: &[(String, String)]) {
    platform.kill(process);
    platform.start_with(process, settings);
}
