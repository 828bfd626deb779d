//! Documents as they are before sealing, and moments of the command line.

use std::fs::File;
use std::io::{self, Read};
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

/// An algorithm by the name that stands before its digests.
type Named = (&'static str, DigestAlg);

const SHA256: Named = ("sha256", DigestAlg::Sha256);
const SM3: Named = ("sm3", DigestAlg::Sm3);

/// The digest of a document's bytes, as requests for uses name it.
pub fn digest(env: &Env, path: &Path, sm3: bool) -> Result<String, Failure> {
    let digest = File::open(path).and_then(|file| digested(file, [if sm3 { SM3 } else { SHA256 }]));
    let [digest] = digest.map_err(|error| Failure::unreadable(env.lang(), path, &error))?;
    Ok(digest)
}

/// Both digests of a document: whoever approved a use named one of them.
pub fn digests(content: impl Read) -> io::Result<Vec<String>> {
    digested(content, [SHA256, SM3]).map(Vec::from)
}

/// SHA-256 of a document's bytes.
pub fn sha256(content: impl Read) -> io::Result<String> {
    let [named] = digested(content, [SHA256])?;
    Ok(named.split_once(':').map_or_else(String::new, |(_, digest)| digest.to_owned()))
}

/// It is read once, for however many digests.
fn digested<const COUNT: usize>(mut content: impl Read, by: [Named; COUNT]) -> io::Result<[String; COUNT]> {
    let (mut hashers, mut piece) = (by.map(|(name, alg)| (name, alg.hasher())), vec![0; 256 << 10]);
    loop {
        let read = match content.read(&mut piece) {
            Ok(0) => return Ok(hashers.map(|(name, hasher)| format!("{name}:{}", hex::encode(hasher.finish())))),
            Ok(read) => piece.get(..read).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hashers.iter_mut().for_each(|(_, hasher)| hasher.update(read));
    }
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
        let [sha256, sm3] = digests(&b"abc"[..]).expect("read").try_into().expect("two");
        assert_eq!(sha256, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(sm3, "sm3:66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
    }
}
