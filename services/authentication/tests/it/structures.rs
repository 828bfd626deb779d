//! Signature structures that are not what they seem, at gate e.

use eseal_pki::cms::SignedAttributes;
use eseal_pki::{Signer as _, Suite};
use eseal_seal::SesSignature;

use crate::bureau::*;
use crate::card::{self, Card};
use crate::signing::*;

#[tokio::test]
async fn a_signature_of_ones_own_key_with_the_seal_of_another_organization_is_refused() {
    let bureau = Bureau::open().await;
    let (card, foreign) = (bureau.active().await, Card::made(&bureau.authorities, SUZHOU));
    let to_sign = card::ofd_to_sign(&foreign.seal, document(), bureau.now());
    assert_refused_at_e(&bureau, &card, &assembled(&card, &to_sign)).await;
}

#[tokio::test]
async fn a_signature_with_a_seal_that_nobody_registered_for_the_same_key_is_refused() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let mine = card::seal(&bureau.authorities, &card.seal_id, &[&card.sm2.1, &card.p256.1]);
    let to_sign = card::ofd_to_sign(&mine, document(), bureau.now());
    assert_refused_at_e(&bureau, &card, &assembled(&card, &to_sign)).await;
}

#[tokio::test]
async fn a_cms_by_another_certificate_of_the_organization_is_refused() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let (key, certificate) =
        card::pair(&bureau.authorities.holders, Suite::EcdsaP256Sha256, LENOVO, card::CERTIFIED_FOR);
    let attributes = card::pdf_attributes(&certificate, document());
    let value = key.sign(attributes.to_be_signed()).expect("a signature");
    let begun = at_gate_e(&bureau, &card, Suite::EcdsaP256Sha256).await;
    let refused = complete(&mut bureau.zhou(), &card.seal_id, &begun.attempt_id, attributes.finish(&value, &[])).await;
    assert_gate(refused, "e", "SIGNING_FAILED");
}

#[tokio::test]
async fn a_cms_by_the_sm2_key_of_the_card_seals_a_chinese_pdf() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let (key, certificate) = &card.sm2;
    let attributes = SignedAttributes::try_new(certificate, document().bytes(), Suite::Sm2Sm3).expect("attributes");
    let value = key.sign(attributes.to_be_signed()).expect("a signature");
    let begun = at_gate_e(&bureau, &card, Suite::Sm2Sm3).await;
    let signature = attributes.finish(&value, &[]);
    complete(&mut bureau.zhou(), &card.seal_id, &begun.attempt_id, signature).await.expect("sealed");
}

#[tokio::test]
async fn no_bytes_and_four_megabytes_are_field_violations() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let begun = at_gate_e(&bureau, &card, Suite::Sm2Sm3).await;
    for signature in [vec![], vec![0x30; (4 << 20) + 1]] {
        let refused = complete(&mut bureau.zhou(), &card.seal_id, &begun.attempt_id, signature).await;
        assert_eq!(violation(refused).0, "signature");
    }
}

fn assembled(card: &Card, to_sign: &[u8]) -> Vec<u8> {
    let value = card.sm2.0.sign(to_sign).expect("a signature");
    SesSignature::assemble(to_sign, &card.sm2.1, &value).expect("a structure")
}

async fn assert_refused_at_e(bureau: &Bureau, card: &Card, signature: &[u8]) {
    let begun = at_gate_e(bureau, card, Suite::Sm2Sm3).await;
    let refused = complete(&mut bureau.zhou(), &card.seal_id, &begun.attempt_id, signature.to_vec()).await;
    assert_gate(refused, "e", "SIGNING_FAILED");
}
