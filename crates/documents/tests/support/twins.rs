//! A sealed package that must be plainly good, and its twins to which something was done, which must not.

use eseal_documents::{Limits, Outcome, Reason, Verdict, Verifier, judge};

use super::ofd_recipe::{Files, Recipe};
use super::parties::{Party, World, source};

/// Who looks at packages, and trusts a world.
pub struct Judge {
    pub world: World,
    verifier: Verifier,
}

impl Judge {
    pub fn new() -> Self {
        Self::of(World::new())
    }

    pub fn of(world: World) -> Self {
        Self { world, verifier: Verifier::new(Limits::default()) }
    }

    /// What keeps a package from being plainly good.
    pub fn complaint(&self, package: &[u8]) -> Option<String> {
        let report = match self.verifier.verify(&source(package), &mut |_| {}) {
            Ok(report) => report,
            Err(error) => return Some(error.to_string()),
        };
        let judgement = judge(&report, &self.world.trust());
        let is_good = judgement.verdict == Verdict::Valid && !judgement.is_flagged();
        let seals = judgement.seals.iter().map(|seal| (&seal.steps, &seal.notes));
        (!is_good).then(|| format!("{:?} {:?} {:?}", judgement.verdict, judgement.notes, seals.collect::<Vec<_>>()))
    }

    /// The reason for which the content of the only seal failed.
    pub fn content_failed(&self, package: &[u8]) -> Option<Reason> {
        let report = self.verifier.verify(&source(package), &mut |_| {}).expect("a report");
        match report.seals[0].content {
            Outcome::Failed(reason) => Some(reason),
            _ => None,
        }
    }

    /// Asserts that the package is plainly good, and that none of its twins is.
    pub fn tells_twins(&self, recipe: &Recipe, party: &Party) {
        let files = recipe.files(party);
        let of = |files: &[(String, Vec<u8>)]| (recipe.package)(files);
        assert_eq!(self.complaint(&of(&files)), None, "{}", recipe.name);
        let told = |what: &str, twin: &Files| {
            assert!(self.complaint(&of(twin)).is_some(), "{}: {what} is not told", recipe.name);
        };
        for (at, (name, content)) in files.iter().enumerate() {
            let is_part =
                [recipe.descriptor, recipe.value].contains(&name.as_str()) || recipe.seal == Some(name.as_str());
            if name.ends_with('/') || name != recipe.list && !is_part && !(recipe.covers)(name) {
                continue;
            }
            let mut twin = files.clone();
            twin.remove(at);
            told(&format!("{name} removed"), &twin);
            if name != recipe.list {
                let mut twin = files.clone();
                twin[at].1.push(b' ');
                told(&format!("{name} longer"), &twin);
                let mut twin = files.clone();
                twin[at].1[content.len() / 2] ^= 1;
                told(&format!("{name} changed"), &twin);
            }
        }
        let mut twin = files.clone();
        twin.push(("Doc_0/Res/smuggled.bin".to_owned(), b"x".to_vec()));
        told("a file more", &twin);
    }
}
