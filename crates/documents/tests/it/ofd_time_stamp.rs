//! Time stamps over the seal signatures of OFDs, with OpenSSL's authority.

use eseal_documents::ofd::{self, Sealed, SealingOptions, SealingRequest};
use eseal_documents::{DocumentError, Limits, NoteCode, Outcome, Reason, Verdict};
use eseal_pki::{DigestAlg, Signer as _};
use eseal_seal::SesSignature;

use crate::support::authority::Authority;
use crate::support::hostile::with_changed;
use crate::support::ofd_contract::contract;
use crate::support::parties::{PLACE, Party, World, judged, now, source, verify};
use crate::support::resigning::VALUE;

/// The contract with a seal and whatever `token` gives for the value of its signature.
pub fn stamped(party: &Party, token: impl FnOnce(&[u8]) -> Vec<u8>) -> Result<(Vec<u8>, Sealed), DocumentError> {
    let seal = &ofd::UsableSeal::from_der(&party.seal)?;
    let (stamps, options) = (&[PLACE.into()], SealingOptions::default());
    let request = SealingRequest { seal, stamps, time: now(), options };
    let prepared = ofd::prepare(source(&contract()), &request, &Limits::default(), &mut |_| {})?;
    let signature = party.identity.key.sign(prepared.to_sign()).expect("a signature");
    let mut out = Vec::new();
    let token = token(&signature);
    let sealed =
        prepared.finish_stamped(&mut out, &party.identity.certificate, &signature, Some(&token), &mut |_| {})?;
    Ok((out, sealed))
}

#[test]
fn a_stamp_over_the_signature_is_in_the_seal_signature_and_holds_here_and_before_openssl() {
    let Some(authority) = Authority::new() else { return };
    let world = World::new();
    for (name, digest) in [("sm3", DigestAlg::Sm3), ("sha256", DigestAlg::Sha256)] {
        let token = |signature: &[u8]| authority.token(name, &digest.digest(signature));
        let (document, sealed) = stamped(&world.party("甲方"), token).expect("sealed");
        let report = verify(&document);
        let stamp = &report.seals[0].time_stamps[0];
        assert_eq!((stamp.outcome, report.seals[0].content), (Outcome::Passed, Outcome::Passed), "{name}");
        assert_eq!(judged(&document, &world).verdict, Verdict::Valid, "{name}");
        let token = sealed.signature.timestamp().expect("a token");
        assert!(authority.holds(token, sealed.signature.signature()), "{name}");
        assert!(!authority.holds(token, b"something else"), "OpenSSL does look");
        let again = SesSignature::from_der(sealed.signature.der()).expect("readable");
        assert!(again.verify_value().is_ok(), "{name}");
    }
}

#[test]
fn a_stamp_over_something_else_is_not_put_into_a_document() {
    let Some(authority) = Authority::new() else { return };
    let party = World::new().party("甲方");
    let of_another = |_: &[u8]| authority.token("sm3", &DigestAlg::Sm3.digest(b"something else"));
    for refused in [stamped(&party, of_another), stamped(&party, |_| b"token".to_vec())] {
        let refused = refused.expect_err("refused");
        assert!(matches!(refused, DocumentError::TimeStampRefused { .. }), "{refused}");
    }
}

#[test]
fn a_stamp_that_was_put_in_from_another_signature_is_told_and_proves_no_time() {
    let Some(authority) = Authority::new() else { return };
    let world = World::new();
    let party = world.party("甲方");
    let token = |signature: &[u8]| authority.token("sm3", &DigestAlg::Sm3.digest(signature));
    let (document, sealed) = stamped(&party, token).expect("sealed");
    let (_, other) = stamped(&party, token).expect("sealed");
    let (own, of_another) = (&sealed.signature, other.signature.timestamp());
    let holder = &party.identity.certificate;
    let forged = SesSignature::assemble_stamped(own.to_sign_der(), holder, own.signature(), of_another);
    let forged = with_changed(&document, VALUE, |_| forged.expect("a structure"));
    let report = verify(&forged);
    let stamp = &report.seals[0].time_stamps[0];
    assert_eq!(stamp.outcome, Outcome::Failed(Reason::TimeStampWrong), "{:?}", stamp.detail);
    let judgement = judged(&forged, &world);
    assert!(judgement.seals[0].notes.iter().any(|note| note.code == NoteCode::TimeStampWrong), "{judgement:?}");
}
