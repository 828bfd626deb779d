//! People at a terminal: what is asked, in which order, and what a wrong card, a wrong PIN and Ctrl-C leave behind.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::thread::park_timeout;
use std::time::{Duration, Instant};

use eseal_e2e::company::{Company, PIN, WRONG_PIN, YUNQI, id_of};
use nix::libc::O_NOCTTY;
use nix::sys::termios::{LocalFlags, tcgetattr};
use rexpect::process::{Signal, WaitStatus};
use rexpect::session::{PtySession, spawn_command};
use serde_json::json;

use crate::fixture;

/// How long a prompt may take, in milliseconds: far longer than any does.
const PATIENCE: u64 = 60_000;
/// A wrong PIN that is part of no time and no identifier.
const UNLIKE_ANYTHING: &str = "Xq-86420";
/// Written behind all that a program has shown.
const LAST_LINE: &str = "-- nothing more is shown --";
const INSERT: &str = "insert the seal card of";
const KEYS: &str = "[Enter = go on, s = skip, q = stop]";

/// Somebody at a terminal, and all that was shown to them.
struct Terminal {
    session: PtySession,
    /// The program's end of it. While it is open, settings and what was shown outlive the program, as they do in a shell.
    program_end: File,
    shown: String,
}

impl Terminal {
    fn running(company: &Company, words: &[&str]) -> Self {
        let session = spawn_command(company.at_terminal(words), Some(PATIENCE)).expect("it starts");
        let program_end = program_end(&session);
        Self { session, program_end, shown: String::new() }
    }

    /// Waits until this is shown.
    #[track_caller]
    fn sees(&mut self, text: &str) {
        match self.session.exp_string(text) {
            Ok(before) => self.shown.push_str(&format!("{before}{text}")),
            Err(error) => panic!("{error}\nafter: {}", self.shown),
        }
    }

    fn types(&mut self, line: &str) {
        self.session.send_line(line).expect("typed");
    }

    fn presses_ctrl_c(&mut self) {
        self.session.send_control('c').expect("typed");
    }

    /// Waits until the program has ended: how, and everything that was shown. The last of it is read when the line that is written
    /// behind it has come. There is no end of a terminal to wait for: programs that other tests started meanwhile may hold it.
    fn ends(mut self) -> (WaitStatus, String) {
        let process = self.session.process();
        let ended = || process.status().filter(|status| *status != WaitStatus::StillAlive);
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = ended() {
                break status;
            }
            assert!(begun.elapsed() < Duration::from_millis(PATIENCE), "it does not end: {}", self.shown);
            park_timeout(Duration::from_millis(20));
        };
        writeln!(self.program_end, "{LAST_LINE}").expect("shown");
        self.sees(LAST_LINE);
        (status, self.shown)
    }
}

fn program_end(session: &PtySession) -> File {
    let own = session.process().get_file_handle().expect("a terminal");
    let told = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", own.as_raw_fd())).expect("its number");
    let number = told.lines().find_map(|line| line.strip_prefix("tty-index:")).expect("its number").trim();
    let path = format!("/dev/pts/{number}");
    File::options().read(true).write(true).custom_flags(O_NOCTTY).open(path).expect("the program's end")
}

/// Whether lines are typed and Ctrl-C interrupts, as before any PIN was asked for. (`rexpect` shows nothing that is typed from the
/// start.)
fn is_usual(terminal: &File) -> bool {
    tcgetattr(terminal).expect("its settings").local_flags.contains(LocalFlags::ICANON | LocalFlags::ISIG)
}

fn exited(status: &WaitStatus, code: i32) -> bool {
    matches!(status, WaitStatus::Exited(_, told) if *told == code)
}

fn interrupted(status: &WaitStatus) -> bool {
    matches!(status, WaitStatus::Signaled(_, Signal::SIGINT, _))
}

/// zhang's terminal, where the PIN of the maker card was typed and orders wait for their cards.
fn at_the_queue(company: &Company) -> Terminal {
    let words = ["zhang", "make", "--maker-card", "@maker.card", "--card", "@slot.card"];
    let mut zhang = Terminal::running(company, &words);
    zhang.sees("PIN of the maker card (tries left: 5): ");
    zhang.types(PIN);
    zhang
}

#[test]
fn a_maker_works_through_the_queue_with_cards_inserted_one_after_the_other() {
    let (_folder, company) = fixture::company();
    let first = company.applies("合同专用章");
    company.approved(&first);
    let second = of_yunqi(&company);
    company.approved(&second);
    company.card("other.card", "holder");
    company.certify("other.card", "33010000000001", Some(YUNQI));
    let mut zhang = at_the_queue(&company);
    // Nothing is there, then another organization's card.
    zhang.sees(INSERT);
    zhang.sees(KEYS);
    insert(&company, "other.card");
    zhang.types("");
    zhang.sees("SEAL_CARD_ABSENT");
    zhang.sees(KEYS);
    remove(&company, "other.card");
    insert(&company, "seal.card");
    zhang.types("");
    zhang.sees("PIN of the seal card (tries left: 5): ");
    zhang.types(UNLIKE_ANYTHING);
    zhang.sees("PIN_INCORRECT");
    zhang.sees("once more?");
    zhang.types("");
    zhang.sees("PIN of the seal card (tries left: 4): ");
    zhang.types(PIN);
    zhang.sees("made: ");
    // The card of the first order is in the slot still, and is not the second one's.
    zhang.sees(INSERT);
    remove(&company, "seal.card");
    insert(&company, "other.card");
    zhang.types("");
    zhang.sees("PIN of the seal card (tries left: 5): ");
    zhang.types(PIN);
    zhang.sees("made: ");
    let (status, shown) = zhang.ends();
    assert!(exited(&status, 0), "{status:?}: {shown}");
    assert!(!shown.contains(PIN) && !shown.contains(UNLIKE_ANYTHING), "no PIN is shown: {shown}");
    assert!(shown.matches(&first).count() >= 2, "the queue is readable where the terminal tells no width: {shown}");
    for application in [first, second] {
        let state = company.as_(&["zhang", "show", "fabrication", &application]).good().value["state"].clone();
        assert_eq!(state, "FABRICATION_STATE_MADE");
    }
}

#[test]
fn an_order_is_skipped_or_the_sitting_ended_and_what_was_not_made_waits() {
    let (_folder, company) = fixture::company();
    let orders = [company.applies("合同专用章"), of_yunqi(&company)];
    orders.iter().for_each(|order| company.approved(order));
    let mut zhang = at_the_queue(&company);
    zhang.sees(KEYS);
    zhang.types("s");
    zhang.sees("2/2");
    zhang.sees(KEYS);
    zhang.types("q");
    let (status, shown) = zhang.ends();
    assert!(exited(&status, 4), "{status:?}: {shown}");
    for order in &orders {
        let state = company.as_(&["zhang", "show", "fabrication", order]).good().value["state"].clone();
        assert_eq!(state, "FABRICATION_STATE_WAITING", "nothing was begun without a card");
    }
}

#[test]
fn ctrl_c_at_a_pin_leaves_nothing_half_done_and_the_terminal_as_it_was() {
    let (_folder, company) = fixture::company();
    let application = company.applies("合同专用章");
    company.approved(&application);
    let words = ["zhang", "make", &application, "--maker-card", "@maker.card", "--card", "@seal.card"];
    let mut zhang = Terminal::running(&company, &words);
    zhang.sees("PIN of the maker card (tries left: 5): ");
    zhang.types(PIN);
    zhang.sees("PIN of the seal card (tries left: 5): ");
    let terminal = zhang.program_end.try_clone().expect("the same end");
    assert!(!is_usual(&terminal), "what is typed is read as it is");
    zhang.presses_ctrl_c();
    let (status, shown) = zhang.ends();
    assert!(interrupted(&status), "128 + 2 in a shell: {status:?}: {shown}");
    assert!(is_usual(&terminal), "the shell that comes back has its terminal again");
    let card = company.run(&["card", "show", "@seal.card"]).good().value;
    assert_eq!((&card["triesLeft"], &card["hasSeal"]), (&json!(5), &json!(false)), "{card}");
    // The run that was left is begun anew, by the same words.
    let made = company.makes(&application, Some("maker.card"), Some("seal.card")).good();
    assert!(!made.get("sealId").is_empty());
}

#[test]
fn ctrl_c_between_two_cards_leaves_what_was_made_and_what_waits() {
    let (_folder, company) = fixture::company();
    let orders = [company.applies("合同专用章"), of_yunqi(&company)];
    orders.iter().for_each(|order| company.approved(order));
    let words = ["zhang", "make", "--maker-card", "@maker.card", "--card", "@seal.card", "--pin-file", "@pin"];
    let mut zhang = Terminal::running(&company, &words);
    zhang.sees("PIN of the maker card");
    zhang.types(PIN);
    zhang.sees("made: ");
    zhang.sees(INSERT);
    zhang.sees(KEYS);
    zhang.presses_ctrl_c();
    let (status, shown) = zhang.ends();
    assert!(interrupted(&status), "{status:?}: {shown}");
    for (order, expected) in orders.iter().zip(["MADE", "WAITING"]) {
        let state = company.as_(&["zhang", "show", "fabrication", order]).good().value["state"].clone();
        assert_eq!(state, format!("FABRICATION_STATE_{expected}"));
    }
}

#[test]
fn a_card_says_how_many_tries_are_left_before_each_pin_and_its_administrator_unblocks_it() {
    let (_folder, company) = fixture::company();
    let asks = |words: &[&str], answers: &[(&str, &str)]| {
        let mut chen = Terminal::running(&company, &[&["chen", "card"], words].concat());
        for (prompt, answer) in answers {
            chen.sees(prompt);
            chen.types(answer);
        }
        chen.ends()
    };
    let given = asks(
        &["administrator", "@seal.card"],
        &[("PIN of the card (tries left: 5): ", PIN), ("New PIN of the administrator: ", "864297")],
    );
    assert!(exited(&given.0, 0), "{given:?}");
    for left in (1..=5).rev() {
        let prompt = format!("PIN of the card (tries left: {left}): ");
        let wrong = asks(&["change-pin", "@seal.card"], &[(&prompt, WRONG_PIN), ("New PIN: ", "975318")]);
        assert!(exited(&wrong.0, 2), "{wrong:?}");
        let code = if left == 1 { "PIN_LOCKED" } else { "PIN_INCORRECT" };
        assert!(wrong.1.contains(code), "{wrong:?}");
    }
    let locked = asks(&["change-pin", "@seal.card"], &[]);
    assert!(exited(&locked.0, 2) && locked.1.contains("PIN_LOCKED") && locked.1.contains("unblock"), "{locked:?}");
    assert!(!locked.1.contains("New PIN"), "nothing is asked of a locked card: {locked:?}");
    let prompts = [("PIN of the administrator (tries left: 5): ", WRONG_PIN), ("New PIN: ", "975318")];
    let wrong = asks(&["unblock", "@seal.card"], &prompts);
    assert!(exited(&wrong.0, 2) && wrong.1.contains("ADMIN_PIN_INCORRECT"), "{wrong:?}");
    let prompts = [("PIN of the administrator (tries left: 4): ", "864297"), ("New PIN: ", PIN)];
    let unblocked = asks(&["unblock", "@seal.card"], &prompts);
    assert!(exited(&unblocked.0, 0), "{unblocked:?}");
    assert_eq!(company.run(&["card", "show", "@seal.card"]).good().value["triesLeft"], 5);
}

#[test]
fn the_end_of_the_input_is_no_pin() {
    let (_folder, company) = fixture::company();
    let mut chen = Terminal::running(&company, &["chen", "card", "change-pin", "@seal.card"]);
    chen.sees("PIN of the card (tries left: 5): ");
    chen.session.send_control('d').expect("typed");
    let (status, shown) = chen.ends();
    assert!(exited(&status, 2), "{status:?}: {shown}");
    assert_eq!(company.run(&["card", "show", "@seal.card"]).good().value["triesLeft"], 5);
}

/// An application of 乙方 for a contract seal on a card.
fn of_yunqi(company: &Company) -> String {
    let mut words = vec!["zhao", "submit", "--organization", YUNQI.uscc, "--name", YUNQI.name];
    words.extend(["--seal-type", "contract", "--seal-name", "合同专用章", "--custodian", id_of("zhao")]);
    company.as_(&words).good().get("applicationId").to_owned()
}

/// The slot gets this card.
fn insert(company: &Company, card: &str) {
    std::fs::rename(company.path(card), company.path("slot.card")).expect("inserted");
}

fn remove(company: &Company, card: &str) {
    std::fs::rename(company.path("slot.card"), company.path(card)).expect("removed");
}
