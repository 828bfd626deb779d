//! Passwords and PINs: from a file, or asked for at a terminal. Never from the command line, where others see them.

use std::io::{IsTerminal as _, Read as _};
use std::path::Path;

use eseal_card::Pin;
use nix::sys::signal::{SigSet, Signal};
use zeroize::Zeroizing;

use crate::failure::{Failure, read_file};
use crate::lang::Lang;

/// The most bytes of a file with a secret.
const MAX: u64 = 1024;
/// The most bytes of a file with a token.
const MAX_TOKEN: u64 = 16 << 10;

/// The secret in `file`, or what the user types.
///
/// # Errors
/// The file can't be read, or there is no terminal to ask at.
pub fn read(lang: Lang, file: Option<&Path>, prompt: &str) -> Result<Zeroizing<String>, Failure> {
    let Some(file) = file else { return ask(lang, prompt) };
    let bytes = Zeroizing::new(read_file(lang, file, MAX)?);
    let text = std::str::from_utf8(&bytes).map_err(|_| Failure::usage(lang, file.display()))?;
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// The password of a document: in `file`, or what standard input gives where that is `-`.
///
/// # Errors
/// It can't be read, is longer than a password, or is no text.
pub fn password(lang: Lang, file: &Path) -> Result<Zeroizing<String>, Failure> {
    if file != Path::new("-") {
        return read(lang, Some(file), "");
    }
    let mut bytes = Zeroizing::new(Vec::new());
    let read = std::io::stdin().lock().take(MAX + 1).read_to_end(&mut bytes);
    read.map_err(|error| Failure::unreadable(lang, file, &error))?;
    let text = std::str::from_utf8(&bytes).ok().filter(|text| text.len() as u64 <= MAX);
    let text = text.ok_or_else(|| Failure::usage(lang, "--password-file -"))?;
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// The code of a second factor that was given: in `file`, or by standard input where that is `-`.
///
/// # Errors
/// As [`password`].
pub fn code(lang: Lang, file: Option<&Path>) -> Result<Option<Zeroizing<String>>, Failure> {
    file.map(|file| password(lang, file)).transpose()
}

/// The token in `file`.
///
/// # Errors
/// The file can't be read, or is larger than a token.
pub fn read_token(lang: Lang, file: &Path) -> Result<Zeroizing<String>, Failure> {
    let bytes = Zeroizing::new(read_file(lang, file, MAX_TOKEN)?);
    let text = std::str::from_utf8(&bytes).map_err(|_| Failure::usage(lang, file.display()))?;
    Ok(Zeroizing::new(text.trim().to_owned()))
}

/// The PIN in `file`, or what the user types.
///
/// # Errors
/// As [`read`], or what was given is no PIN.
pub fn pin(lang: Lang, file: Option<&Path>, prompt: &str) -> Result<Pin, Failure> {
    let mut text = read(lang, file, prompt)?;
    Pin::try_new(std::mem::take(&mut *text)).map_err(|error| Failure::usage(lang, error))
}

/// Whether somebody can be asked.
pub fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Ctrl-C, kept back while somebody types: what reads the secret raises it before it puts the terminal back, and the shell would
/// be left with one that shows nothing of what is typed.
struct Interrupt(SigSet);

impl Interrupt {
    fn deferred() -> Self {
        let mut set = SigSet::empty();
        set.add(Signal::SIGINT);
        let _ = set.thread_block(); // at worst the terminal stays as it was while typing
        Self(set)
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        let _ = self.0.thread_unblock();
    }
}

fn ask(lang: Lang, prompt: &str) -> Result<Zeroizing<String>, Failure> {
    if !can_ask() {
        let why = lang.pick("没有终端可供输入,请用文件给出密码", "there is no terminal to ask at: give it in a file");
        return Err(Failure::usage(lang, why));
    }
    let interrupt = Interrupt::deferred();
    let typed = rpassword::prompt_password(format!("{prompt}: "));
    drop(interrupt); // somebody who pressed Ctrl-C ends the program here
    typed.map(Zeroizing::new).map_err(|error| Failure::usage(lang, error))
}
