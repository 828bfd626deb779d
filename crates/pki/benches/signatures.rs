//! What our types cost over the crates below them: `cargo bench -p eseal-pki`.

use divan::{Bencher, black_box};
use eseal_kernel::Timestamp;
use eseal_pki::{Certificate, DevelopmentCa, PublicKey, Purpose, Signer as _, SigningKey, Suite};
use sm2::dsa::signature::{Signer as _, Verifier as _};
use sm2::elliptic_curve::Generate as _;

/// About the size of a TBS_Sign.
const MESSAGE: [u8; 2048] = [7; 2048];

fn main() {
    divan::main();
}

fn ours(suite: Suite) -> (SigningKey, PublicKey, Vec<u8>) {
    let key = SigningKey::generate(suite).expect("a key");
    let signature = key.sign(&MESSAGE).expect("a signature");
    let public = key.public_key();
    (key, public, signature)
}

fn raw() -> sm2::dsa::SigningKey {
    sm2::dsa::SigningKey::new("1234567812345678", &sm2::SecretKey::generate()).expect("a key")
}

#[divan::bench(args = [Suite::Sm2Sm3, Suite::EcdsaP256Sha256])]
fn sign(bencher: Bencher<'_, '_>, suite: Suite) {
    let (key, ..) = ours(suite);
    bencher.bench_local(|| key.sign(black_box(&MESSAGE)));
}

#[divan::bench(args = [Suite::Sm2Sm3, Suite::EcdsaP256Sha256])]
fn verify(bencher: Bencher<'_, '_>, suite: Suite) {
    let (_, public, signature) = ours(suite);
    bencher.bench_local(|| public.verify(black_box(&MESSAGE), &signature));
}

#[divan::bench]
fn sign_sm2_with_the_crate_alone(bencher: Bencher<'_, '_>) {
    let key = raw();
    bencher.bench_local(|| -> sm2::dsa::Signature { key.sign(black_box(&MESSAGE)) });
}

#[divan::bench]
fn verify_sm2_with_the_crate_alone(bencher: Bencher<'_, '_>) {
    let key = raw();
    let signature: sm2::dsa::Signature = key.sign(&MESSAGE);
    bencher.bench_local(|| key.verifying_key().verify(black_box(&MESSAGE), &signature));
}

#[divan::bench(args = [Suite::Sm2Sm3, Suite::EcdsaP256Sha256])]
fn read_certificate(bencher: Bencher<'_, '_>, suite: Suite) {
    let now = Timestamp::from_seconds(1_800_000_000);
    let der =
        DevelopmentCa::create(suite, "CA", Purpose::Holder, now).expect("an authority").certificate().der().to_vec();
    bencher.bench_local(|| Certificate::from_der(black_box(&der)));
}
