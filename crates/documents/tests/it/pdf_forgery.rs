//! Seals in PDF documents that are not the signer's to use.

use eseal_documents::{Outcome, Reason, Verdict};
use eseal_pki::cms::SignedAttributes;
use eseal_pki::{Certificate, DigestAlg, Signer, SigningKey, Suite};

use crate::support::pdf_builder::{CATALOG, PLAIN};
use crate::support::pdf_harm::{assert_forbidden, gap};
use crate::support::pdf_parties::{PdfWorld, judged, verify};

/// `document` with its last seal signed again by somebody else.
fn signed_again(document: &[u8], key: &SigningKey, certificate: &Certificate) -> Vec<u8> {
    let [start, end] = gap(document);
    let digest = DigestAlg::Sha256.digest(&[&document[..start], &document[end..]].concat());
    let attributes = SignedAttributes::try_new(certificate, &digest, Suite::EcdsaP256Sha256).expect("attributes");
    let signature = key.sign(attributes.to_be_signed()).expect("a signature");
    let value: String = attributes.finish(&signature, &[]).iter().map(|byte| format!("{byte:02x}")).collect();
    let mut out = document.to_vec();
    out[start + 1..end - 1].fill(b'0');
    out[start + 1..][..value.len()].copy_from_slice(value.as_bytes());
    out
}

#[test]
fn somebody_elses_seal_with_ones_own_signature_has_a_good_content_and_a_failed_impression() {
    let world = PdfWorld::new();
    let (party, thief) = (world.party("甲方"), world.party("乙方"));
    let forged = signed_again(&party.seal(&PLAIN.build()), &thief.key, &thief.certificate);
    let judgement = judged(&forged, &world);
    assert_eq!(judgement.verdict, Verdict::Invalid);
    assert_eq!(judgement.seals[0].signer, Outcome::Passed);
    assert_eq!(judgement.seals[0].content, Outcome::Passed);
    assert_eq!(judgement.seals[0].impression, Outcome::Failed(Reason::SignerNotInSeal));
}

#[test]
fn a_seal_that_is_exchanged_by_an_update_is_found() {
    let world = PdfWorld::new();
    let (party, other) = (world.party("甲方"), world.party("乙方"));
    let sealed = party.seal(&PLAIN.build());
    let text = String::from_utf8_lossy(&sealed);
    let number: u32 = text
        .split("/ESEAL.SESeal ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next()?.parse().ok())
        .expect("the number of the seal");
    let mut exchanged = sealed.clone();
    let start = exchanged.len();
    exchanged.extend(format!("{number} 0 obj\n<< /Length {} >>\nstream\n", other.seal.len()).bytes());
    exchanged.extend(&other.seal);
    exchanged.extend(b"\nendstream\nendobj\n");
    let table = exchanged.len();
    let previous = text.rsplit("startxref\n").next().and_then(|rest| rest.lines().next()).expect("a number");
    exchanged.extend(
        format!(
            "xref\n{number} 1\n{start:010} 00000 n \ntrailer\n<< /Size 99 /Root {CATALOG} 0 R /Prev {previous} >>\n\
             startxref\n{table}\n%%EOF\n"
        )
        .bytes(),
    );
    assert_forbidden(&exchanged, "/V of the field \"Seal1\"");
    // The seal that counts is the one that was signed.
    assert_eq!(verify(&exchanged).seals[0].seal.as_ref().expect("a seal").der(), party.seal);
}

#[test]
fn a_seal_that_a_holder_made_is_not_authorized() {
    let world = PdfWorld::new();
    let mut party = world.party("甲方");
    let holder = world.sm2_holder("乙方");
    party.seal = holder.makes(&party.info());
    let sealed = party.seal(&PLAIN.build());
    assert_eq!(judged(&sealed, &world).seals[0].impression, Outcome::Failed(Reason::MakerNotAuthorized));
}

#[test]
fn whoever_trusts_nobody_gets_no_verdict() {
    let sealed = PdfWorld::new().party("甲方").seal(&PLAIN.build());
    let judgement = eseal_documents::judge(&verify(&sealed), &eseal_documents::Trust::default());
    assert_eq!(judgement.verdict, Verdict::Indeterminate);
    assert_eq!(judgement.seals[0].content, Outcome::Passed);
}
