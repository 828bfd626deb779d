//! Certificates that change under way.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{GOES_ON, Scenario, Site};
use crate::load::Load;
use crate::platform::SERVICES;
use crate::programs::program;

/// How long a process may take to take up a certificate that changed on disk.
const TAKEN_UP: Duration = Duration::from_secs(60);

pub(super) const ROTATED: Scenario = Scenario {
    name: "certificates",
    about: "the certificates of all processes are renewed on disk, twice, and nothing is restarted",
    may_refuse: false,
    inject: rotate,
};

fn rotate(site: &mut Site, load: &Load) -> Result<(), String> {
    for _ in 0..2 {
        for name in SERVICES.iter().chain(&["gateway"]) {
            let pki = site.platform().folder.join("pki");
            let before = std::fs::read(pki.join(name).join("tls.crt")).map_err(|why| why.to_string())?;
            let mut command = Command::new(program("eseal"));
            let output =
                command.args(["dev-pki", "renew"]).arg(&pki).arg(name).output().map_err(|why| why.to_string())?;
            if !output.status.success() {
                return Err(format!("dev-pki renew: {}", String::from_utf8_lossy(&output.stderr)));
            }
            let after = std::fs::read(pki.join(name).join("tls.crt")).map_err(|why| why.to_string())?;
            if before == after {
                return Err(format!("the certificate of {name} is the same as before"));
            }
            site.injected += 1;
        }
        for name in SERVICES.iter().chain(&["gateway"]) {
            is_presented(site, name)?;
        }
        load.advances(10, GOES_ON).map_err(|why| format!("after the certificates were renewed, {why}"))?;
    }
    Ok(())
}

/// Whoever connects anew to the process is shown the certificate that is on the disk now.
fn is_presented(site: &mut Site, name: &str) -> Result<(), String> {
    let (port, file) = (site.platform().port(name), site.platform().certificate(name).join("tls.crt"));
    let on_disk = std::fs::read_to_string(&file).map_err(|why| why.to_string())?;
    let on_disk = first_pem(&on_disk).ok_or_else(|| format!("{} holds no certificate", file.display()))?;
    let deadline = Instant::now() + TAKEN_UP;
    loop {
        let shown = presented(port)?;
        match first_pem(&shown) {
            Some(shown) if shown == on_disk => return Ok(()),
            _ if Instant::now() < deadline => super::let_pass(Duration::from_millis(200)),
            Some(_) => return Err(format!("{name} still presents another certificate {TAKEN_UP:?} after the change")),
            None => return Err(format!("{name} presents no certificate: {shown}")),
        }
    }
}

/// What `openssl s_client` tells of a server. It has no certificate to show in turn, and is shown the server's before that
/// matters.
fn presented(port: u16) -> Result<String, String> {
    let mut client = Command::new("openssl");
    client.args(["s_client", "-servername", "localhost", "-connect", &format!("127.0.0.1:{port}")]);
    let output = client.stdin(Stdio::null()).output().map_err(|why| format!("openssl: {why}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The first certificate of a text, without its line ends.
fn first_pem(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("-----BEGIN CERTIFICATE-----")?;
    let (base64, _) = rest.split_once("-----END CERTIFICATE-----")?;
    Some(base64.split_whitespace().collect())
}
