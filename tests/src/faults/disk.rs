//! The disk of the standalone is full.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use super::GOES_ON;
use crate::audit::{Books, Case, Expected, Findings, Store, audit, compare_tables};
use crate::company::Company;
use crate::load::{Door, Ledger, Load, Plan};
use crate::platform::SERVICES;
use crate::programs::program;

/// Large enough for the databases of the load, and small enough to be filled at once.
const SIZE: &str = "96m";

/// A small disk of its own, gone when this is dropped.
#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
}

impl Disk {
    /// Mounts one at `folder`, which is made.
    ///
    /// # Errors
    /// Why it can't be mounted: it takes root, and a kernel that lets root do it.
    pub fn mount(folder: &Path) -> Result<Self, String> {
        std::fs::create_dir_all(folder).map_err(|why| why.to_string())?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={SIZE},mode=0700"), "eseal-faults"]).arg(folder);
        let output = mount.output().map_err(|why| format!("mount: {why}"))?;
        match output.status.success() {
            true => Ok(Self { folder: folder.to_owned() }),
            false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        }
    }

    /// Leaves not a byte.
    fn fill(&self) -> Result<(), String> {
        let mut file = std::fs::File::create(self.filler()).map_err(|why| why.to_string())?;
        let zeros = vec![0; 1 << 16];
        loop {
            match std::io::Write::write(&mut file, &zeros) {
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    fn free(&self) -> Result<(), String> {
        std::fs::remove_file(self.filler()).map_err(|why| why.to_string())
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.folder).status();
    }
}

/// The disk is filled under the load, so that no command can be recorded; freed again, the load goes on. How many commands
/// were acknowledged, and what does not fit.
///
/// # Errors
/// What did not go as it must.
pub fn full(folder: &Path, seed: u64) -> Result<(usize, Findings), String> {
    let disk = Disk::mount(&folder.join("data"))?;
    let company = Company::found(folder);
    let door = Door { url: company.eseal.url.clone(), ca: None };
    let load = Load::begin(&door, &company.path("ca"), &Plan::of_seed(seed));
    let happened = fill_and_free(&disk, &load);
    let ledger = load.finish();
    happened?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|why| why.to_string())?;
    let stores = stores(folder, &runtime)?;
    let mut findings = settled(&stores, &runtime, &ledger)?;
    // A rebuild wants the data for itself.
    let tables = || {
        let read = stores.iter().map(|(owner, store)| Ok((*owner, runtime.block_on(store.tables())?)));
        read.collect::<Result<Vec<_>, String>>()
    };
    drop(company);
    let before = tables()?;
    let mut command = Command::new(program("eseal-standalone"));
    command.arg("rebuild").arg("--data").arg(folder.join("data")).arg("--config").arg(folder.join("eseal.toml"));
    let output = command.output().map_err(|why| why.to_string())?;
    if !output.status.success() {
        return Err(format!("rebuild: {}", String::from_utf8_lossy(&output.stderr)));
    }
    for ((owner, before), (_, after)) in before.iter().zip(&tables()?) {
        compare_tables(owner, before, after, &mut findings);
    }
    Ok((ledger.acknowledged(), findings))
}

fn fill_and_free(disk: &Disk, load: &Load) -> Result<(), String> {
    load.advances(20, GOES_ON)?;
    for _ in 0..2 {
        disk.fill()?;
        // A few may still fit into pages that were there already; then none does.
        let deadline = Instant::now() + GOES_ON;
        loop {
            let (acknowledged, failed) = (load.acknowledged(), load.failed_tries());
            super::let_pass(Duration::from_secs(2));
            if load.acknowledged() == acknowledged && load.failed_tries() > failed {
                break;
            }
            if Instant::now() > deadline {
                return Err("commands are acknowledged although the disk is full".to_owned());
            }
        }
        disk.free()?;
        load.advances(20, GOES_ON).map_err(|why| format!("after the disk was freed, {why}"))?;
    }
    Ok(())
}

fn settled(stores: &Stores, runtime: &Runtime, ledger: &Ledger) -> Result<Findings, String> {
    let (expected, deadline) = (Expected::default(), Instant::now() + Duration::from_secs(60));
    loop {
        let mut books = BTreeMap::<&'static str, Books>::new();
        for (owner, store) in stores {
            books.insert(*owner, runtime.block_on(store.books())?);
        }
        let findings = audit(&Case { ledger, books: &books, expected: &expected });
        if findings.is_empty() || Instant::now() > deadline {
            return Ok(findings);
        }
        super::let_pass(Duration::from_millis(500));
    }
}

type Stores = Vec<(&'static str, Store)>;

fn stores(folder: &Path, runtime: &Runtime) -> Result<Stores, String> {
    let open = |owner| {
        let url = format!("sqlite:{}", folder.join("data").join(format!("{owner}.db")).display());
        Ok((owner, runtime.block_on(Store::open(owner, &url))?))
    };
    SERVICES.into_iter().map(open).collect()
}
