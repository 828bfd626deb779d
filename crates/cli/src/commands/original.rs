//! Documents as they are before sealing, and moments of the command line.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use eseal_kernel::Timestamp;
use eseal_pki::DigestAlg;
use eseal_proto::moment;

use super::Env;
use crate::failure::Failure;
use crate::lang::Lang;

/// Which end of a day a date stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// Its first moment.
    Begin,
    /// Its last one.
    End,
}

/// A moment, or a day in Beijing, where there is no summer time.
pub fn moment(lang: Lang, flag: &str, text: &str, edge: Edge) -> Result<eseal_proto::Timestamp, Failure> {
    let is_date = text.len() == 10 && !text.contains('T');
    let parsed: Result<Timestamp, _> = match (is_date, edge) {
        (false, _) => text.parse(),
        (true, Edge::Begin) => format!("{text}T00:00:00+08:00").parse(),
        (true, Edge::End) => format!("{text}T23:59:59.999999+08:00").parse(),
    };
    parsed.map(|at| moment::from_micros(at.micros())).map_err(|_| {
        let why = lang.pick(
            "应为 RFC 3339 时间(如 2026-11-28T08:00:00+08:00)或日期(如 2026-11-28)",
            "expected RFC 3339 (such as 2026-11-28T08:00:00+08:00) or a date (such as 2026-11-28)",
        );
        Failure::usage(lang, format_args!("{flag} {text}: {why}"))
    })
}

/// The digest of a document's bytes, as requests for uses name it.
pub fn digest(env: &Env, path: &Path, sm3: bool) -> Result<String, Failure> {
    let lang = env.lang();
    let unreadable = |error: std::io::Error| Failure::unreadable(lang, path, &error);
    let mut file = File::open(path).map_err(unreadable)?;
    let alg = if sm3 { DigestAlg::Sm3 } else { DigestAlg::Sha256 };
    let (mut hasher, mut piece) = (alg.hasher(), vec![0; 256 << 10]);
    loop {
        match file.read(&mut piece).map_err(unreadable)? {
            0 => return Ok(named(sm3, &hasher.finish())),
            read => hasher.update(piece.get(..read).unwrap_or_default()),
        }
    }
}

/// Both digests of bytes that are at hand: whoever approved a use named one of them.
pub fn digests(bytes: &[u8]) -> Vec<String> {
    vec![named(false, &DigestAlg::Sha256.digest(bytes)), named(true, &DigestAlg::Sm3.digest(bytes))]
}

fn named(sm3: bool, value: &[u8]) -> String {
    format!("{}:{}", if sm3 { "sm3" } else { "sha256" }, hex::encode(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(text: &str, edge: Edge) -> Option<i64> {
        moment(Lang::En, "--until", text, edge).ok().as_ref().and_then(moment::micros)
    }

    #[test]
    fn a_date_is_a_whole_day_in_beijing() {
        let at = |text: &str| Some(text.parse::<Timestamp>().expect("a moment").micros());
        assert_eq!(micros("2026-11-28", Edge::Begin), at("2026-11-27T16:00:00Z"));
        assert_eq!(micros("2026-11-28", Edge::End), at("2026-11-28T15:59:59.999999Z"));
        assert_eq!(micros("2026-11-28T08:00:00+08:00", Edge::End), at("2026-11-28T00:00:00Z"));
        assert_eq!(micros("tomorrow", Edge::End), None);
    }

    #[test]
    fn a_digest_says_how_it_was_computed() {
        let [sha256, sm3] = digests(b"abc").try_into().expect("two");
        assert_eq!(sha256, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(sm3, "sm3:66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
    }
}
