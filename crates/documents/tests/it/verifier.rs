//! Many documents by one verifier: what it met before changes no finding.

use std::sync::Arc;

use eseal_documents::{Check, DocumentReport, Limits, Outcome, Source, Verifier, verify};

use crate::support::parties::World;
use crate::support::pdf_builder::PLAIN;
use crate::support::pdf_parties::PdfWorld;
use crate::support::samples::{names, sample};

/// Everything that was found, in words.
fn told(found: &DocumentReport) -> String {
    let seals = found.seals.iter().map(|seal| format!("{:?} {:?} {:?}", seal.steps, seal.notes, seal.signer));
    format!("{:?} {:?}", seals.collect::<Vec<_>>(), found.notes)
}

fn by(verifier: &Verifier, document: &[u8]) -> String {
    let source: Source = Arc::new(document.to_vec());
    verifier.verify(&source, &mut |_| {}).map_or_else(|error| error.to_string(), |found| told(&found))
}

fn afresh(document: &[u8]) -> String {
    let source: Source = Arc::new(document.to_vec());
    let found = verify(&source, &Limits::default(), &mut |_| {});
    found.map_or_else(|error| error.to_string(), |found| told(&found))
}

#[test]
fn every_sample_is_found_to_be_the_same_whatever_came_before_it() {
    let verifier = Verifier::default();
    for _ in 0..2 {
        for folder in ["pdf", "ofd"] {
            for name in names(folder) {
                let Some(document) = sample(&format!("{folder}/{name}")) else { continue };
                assert_eq!(by(&verifier, &document), afresh(&document), "{name}");
            }
        }
    }
}

#[test]
fn a_seal_or_certificate_that_differs_in_a_bit_is_not_taken_for_the_one_that_was_met() {
    let verifier = Verifier::default();
    let party = PdfWorld::new().party("甲方");
    let sealed = party.seal(&PLAIN.build());
    let good = by(&verifier, &sealed);
    assert_eq!(good, afresh(&sealed));
    let at = memchr::memmem::find(&sealed, &party.seal).expect("the seal lies in the document");
    let mut forged = 0;
    for offset in (at..at + party.seal.len()).step_by(37) {
        let mut other = sealed.clone();
        other[offset] ^= 1;
        assert_eq!(by(&verifier, &other), afresh(&other), "bit at {offset}");
        let source: Source = Arc::new(other);
        let found = verifier.verify(&source, &mut |_| {}).expect("a document");
        let step = found.seals[0].steps.iter().find(|step| step.check == Check::SealMakerSignature);
        forged += usize::from(step.is_some_and(|step| step.outcome.is_failed()));
    }
    assert!(forged > 40, "only {forged} were found to be forged");
    assert_eq!(by(&verifier, &sealed), good, "and the good one is good again");
}

#[test]
fn a_maker_or_signer_of_the_same_name_and_another_key_is_somebody_else() {
    let verifier = Verifier::default();
    // Each world has authorities and makers of the same names, with keys of their own.
    let documents: Vec<Vec<u8>> = (0..3).map(|_| PdfWorld::new().party("甲方").seal(&PLAIN.build())).collect();
    let packages = (0..3).map(|_| {
        let world = World::new();
        world.party("甲方").seal(&crate::support::ofd_contract::contract())
    });
    for document in documents.into_iter().chain(packages) {
        let (first, fresh) = (by(&verifier, &document), afresh(&document));
        assert_eq!(first, fresh);
        let source: Source = Arc::new(document);
        let found = verifier.verify(&source, &mut |_| {}).expect("a document");
        assert_eq!((found.seals[0].content, found.seals[0].impression), (Outcome::Passed, Outcome::Passed));
    }
}
