//! 批量签章: a thousand small documents of both kinds, client and standalone together, on two cores beside the same on one
//! core of the same run. What the second core adds is what is done side by side.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use eseal_e2e::company::{Company, System};
use eseal_testkit::ratio;

const DOCUMENTS: usize = 1_000;
const OFD: &[u8] = include_bytes!("../documents/contract.ofd");
const PDF: &[u8] = include_bytes!("../documents/contract.pdf");

fn main() {
    if !ratio::is_asked_for("batch_two_cores") {
        return;
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let can_pin = Command::new("taskset").arg("--version").stdout(Stdio::null()).status().is_ok();
    if cores < 2 || !can_pin {
        return ratio::skip("batch_two_cores", "one core");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let company = Company::found(&folder.path().join("company"));
    let (seal, _) = company.has_a_seal();
    fill(&company.path("in"));
    // In turns, so that what the machine does meanwhile meets both.
    let mut figures = [Vec::new(), Vec::new()];
    for round in 0..5 {
        for (figures, cores) in figures.iter_mut().zip(["0", "0,1"]) {
            figures.push(per_second(&company, &seal, cores, &format!("out-{round}-{}", cores.len())));
        }
    }
    let [one, two] = figures.map(ratio::median);
    ratio::record("batch_two_cores", two, one, "one core", "documents/s");
}

fn fill(folder: &Path) {
    std::fs::create_dir(folder).expect("a folder");
    for number in 0..DOCUMENTS {
        let (ending, bytes) = if number % 2 == 0 { ("ofd", OFD) } else { ("pdf", PDF) };
        std::fs::write(folder.join(format!("{number:04}.{ending}")), bytes).expect("a file");
    }
}

/// Seals all of them with client and server on these cores.
fn per_second(company: &Company, seal: &str, cores: &str, output: &str) -> f64 {
    let Some(System::Standalone(standalone)) = &company.system else { return f64::NAN };
    let mut pin = Command::new("taskset");
    pin.args(["-a", "-p", "-c", cores, &standalone.pid().to_string()]).stdout(Stdio::null());
    assert!(pin.status().expect("taskset runs").success(), "the server is not on its cores");
    let file = |name: &str| company.path(name).display().to_string();
    let (input, output, card, pin) = (file("in"), file(output), file("seal.card"), file("pin"));
    let words = ["--as", "chen", "seal-batch", &input, "--seal", seal, "--card", &card, "--pin-file", &pin];
    let eseal = company.eseal.command(words.into_iter().chain(["--at", "45,112", "--output-dir", &output]));
    let mut command = Command::new("taskset");
    command.args(["-c", cores]).arg(eseal.get_program()).args(eseal.get_args());
    command.envs(eseal.get_envs().filter_map(|(name, value)| Some((name, value?)))).env_remove("ESEAL_TOKEN");
    let begun = Instant::now();
    let ended = command.stdin(Stdio::null()).stdout(Stdio::null()).status().expect("eseal starts");
    assert!(ended.success(), "not all were sealed");
    DOCUMENTS as f64 / begun.elapsed().as_secs_f64()
}
