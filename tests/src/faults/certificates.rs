//! Certificates that change under way.

use std::process::Command;

use super::{GOES_ON, Scenario, Site};
use crate::load::Load;
use crate::platform::SERVICES;
use crate::programs::program;

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
        load.advances(10, GOES_ON).map_err(|why| format!("after the certificates were renewed, {why}"))?;
    }
    Ok(())
}
