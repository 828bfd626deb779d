//! Signatures on one token through our door (a driver's process, one login, a pool of sessions) beside calls of the same module
//! by as many threads in this process, each with a session of its own: `cargo bench -p eseal-card --bench pkcs11`.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, ObjectClass};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use eseal_card::{Card, CardAddress, CardKind, Drivers, Key, KeyKind, NewCard, Pin};
use eseal_pki::{Signer as _, Suite};
use eseal_testkit::ratio;

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const CONFIGURATION: &str = "SOFTHSM2_CONF";
const PIN: &str = "314159";
/// Sessions of the pool, so that both sides have as many.
const SESSIONS: usize = 8;
/// Signatures of each thread in a round.
const EACH: usize = 256;
/// Turn by turn, so that a slow moment of the machine meets both sides.
const ROUNDS: usize = 9;

fn main() -> ExitCode {
    if !Path::new(MODULE).exists() {
        ratio::skip("card_pkcs11", "SoftHSM 2");
        return ExitCode::SUCCESS;
    }
    if std::env::var_os(CONFIGURATION).is_some_and(|path| path.to_string_lossy().contains("eseal-bench")) {
        measure();
        return ExitCode::SUCCESS;
    }
    // The module reads its configuration from the environment, which a program doesn't change while it runs.
    let folder = tempfile::Builder::new().prefix("eseal-bench").tempdir().expect("a folder");
    let configuration = folder.path().join("softhsm2.conf");
    let tokens = format!("directories.tokendir = {}\nlog.level = ERROR\n", folder.path().display());
    std::fs::write(&configuration, tokens).expect("written");
    let mut again = Command::new(std::env::current_exe().expect("this program"));
    let status = again.args(std::env::args_os().skip(1)).env(CONFIGURATION, configuration).status().expect("runs");
    if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn measure() {
    let card = card();
    let opened = card.unlock(&pin()).expect("unlocked");
    let key = opened.signer(Suite::EcdsaP256Sha256).expect("a key");
    let sessions = sessions();
    for callers in [1, SESSIONS, 32] {
        let name = format!("card_pkcs11_{callers}_callers");
        if !ratio::is_asked_for(&name) {
            continue;
        }
        let threads = callers.min(SESSIONS);
        // By the clock on the wall: most of the work is done in other threads, and on our side in another process.
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            first.push(per_second(callers, || ours(&key, callers)));
            second.push(per_second(threads, || raw(&sessions, threads)));
        }
        let (ours, raw) = (ratio::median(first), ratio::median(second));
        ratio::record(&name, ours, raw, "the module's own calls", "1/s");
    }
}

fn per_second(threads: usize, work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    (threads * EACH) as f64 / begun.elapsed().as_secs_f64()
}

/// Each of the callers signs, and its signature is made DER as documents want it.
fn ours(key: &Key, callers: usize) {
    std::thread::scope(|scope| {
        for _ in 0..callers {
            scope.spawn(|| (0..EACH).for_each(|_| drop(key.sign(b"document").expect("signed"))));
        }
    });
}

fn raw(sessions: &[std::sync::Mutex<Session>], threads: usize) {
    std::thread::scope(|scope| {
        for session in sessions.iter().take(threads) {
            scope.spawn(|| {
                let session = session.lock().expect("no panic");
                let template = [Attribute::Class(ObjectClass::PRIVATE_KEY)];
                let key = session.find_objects(&template).expect("found")[0];
                let digest = Suite::EcdsaP256Sha256.digest().digest(b"document");
                (0..EACH).for_each(|_| drop(session.sign(&Mechanism::Ecdsa, key, &digest).expect("signed")));
            });
        }
    });
}

fn card() -> Card {
    let mut drivers = Drivers::this_program().expect("a program");
    drivers.program = env!("CARGO_BIN_EXE_eseal-card-driver").into();
    let address: CardAddress = format!("pkcs11:?module-path={MODULE}").parse().expect("a URI");
    let new = NewCard { label: "bench".to_owned(), kind: CardKind::Holder, admin: pin(), pin: pin() };
    let card = Card::initialize(&address, &new, &drivers).expect("a card");
    card.unlock(&pin()).expect("unlocked").generate(KeyKind::P256).expect("a key pair");
    let address: CardAddress = format!("pkcs11:token=bench?module-path={MODULE}").parse().expect("a URI");
    Card::open_by(&address, &drivers).expect("a card")
}

fn sessions() -> Vec<std::sync::Mutex<Session>> {
    let context = Pkcs11::new(MODULE).expect("a module");
    context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).expect("initialized");
    let slot = context.get_slots_with_initialized_token().expect("slots")[0];
    let sessions: Vec<_> = (0..SESSIONS).map(|_| context.open_rw_session(slot).expect("a session")).collect();
    sessions[0].login(UserType::User, Some(&AuthPin::from(PIN.to_owned()))).expect("the PIN");
    sessions.into_iter().map(std::sync::Mutex::new).collect()
}

fn pin() -> Pin {
    Pin::try_new(PIN.to_owned()).expect("a PIN")
}
