//! Passwords and PINs: from a file, or asked for at a terminal. Never from the command line, where others see them.
//!
//! Where a file is `-`, a line of standard input is read: one for each secret, in the order in which they are needed.

use std::io::{BufRead, IsTerminal as _};
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
/// It can't be read, or there is no terminal to ask at.
pub fn read(lang: Lang, file: Option<&Path>, prompt: &str) -> Result<Zeroizing<String>, Failure> {
    file.map_or_else(|| ask(lang, prompt), |file| of_file(lang, file))
}

/// The secret in `file`, or the next line of standard input where that is `-`.
///
/// # Errors
/// It can't be read, is longer than a secret, or is no text.
pub fn of_file(lang: Lang, file: &Path) -> Result<Zeroizing<String>, Failure> {
    if file == Path::new("-") {
        return next_line(lang, std::io::stdin().lock());
    }
    let bytes = Zeroizing::new(read_file(lang, file, MAX)?);
    let text = std::str::from_utf8(&bytes).map_err(|_| Failure::usage(lang, file.display()))?;
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// The next line, without its end. There must be one: a secret that is missing is not an empty one.
fn next_line(lang: Lang, input: impl BufRead) -> Result<Zeroizing<String>, Failure> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX as usize + 1)); // it never grows and leaves a copy behind
    let read = input.take(MAX + 1).read_until(b'\n', &mut bytes);
    let read = read.map_err(|error| Failure::unreadable(lang, Path::new("-"), &error))?;
    if read == 0 {
        let why =
            lang.pick("标准输入中没有更多的行:每个密码一行", "standard input has no further line: one for each secret");
        return Err(Failure::usage(lang, format_args!("-: {why}")));
    }
    let text = std::str::from_utf8(&bytes).ok().filter(|text| text.len() as u64 <= MAX);
    let too_long = || Failure::usage(lang, format_args!("-: > {MAX} bytes, UTF-8"));
    Ok(Zeroizing::new(text.ok_or_else(too_long)?.trim_end_matches(['\r', '\n']).to_owned()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_standard_input_are_its_lines_one_after_the_other() {
        let mut input = "密码 1\r\n\n 271828 \n123456".as_bytes();
        let mut next = || next_line(Lang::En, &mut input).map(|line| line.to_string());
        let read: Vec<_> = std::iter::from_fn(|| next().ok()).collect();
        assert_eq!(read, ["密码 1", "", " 271828 ", "123456"]);
    }

    #[test]
    fn a_line_that_is_missing_is_told_and_is_no_empty_secret() {
        let failure = next_line(Lang::En, "".as_bytes()).expect_err("none");
        assert!(failure.text.contains("no further line"), "{}", failure.text);
    }

    #[test]
    fn a_line_has_a_bound_and_is_text() {
        let fits = format!("{}\n", "a".repeat(MAX as usize - 1));
        assert_eq!(next_line(Lang::En, fits.as_bytes()).expect("fits").len(), MAX as usize - 1);
        let endless = std::io::BufReader::new(std::io::repeat(b'a'));
        assert!(next_line(Lang::En, endless).is_err());
        assert!(next_line(Lang::En, [0xff, b'\n'].as_slice()).is_err());
    }
}
