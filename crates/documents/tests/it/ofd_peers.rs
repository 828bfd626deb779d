//! What programs by others say of every kind of OFD that we write: OpenSSL of the signatures and digests over the exact
//! bytes, the crate `sofd-sign` of the signature values, and ofdkit (PyPI) of the document.

use std::fs;
use std::path::Path;

use eseal_documents::ofd::{Mode, SealingOptions, prepare_list};
use eseal_documents::{Limits, Placement, Seam, Size, stamps};
use eseal_pki::{Certificate, DigestAlg, Signer};
use eseal_seal::{CertificateDigest, CertificateList, Seal, SesSignature, Version};

use crate::support::authority::Authority;
use crate::support::hostile::{content, entries};
use crate::support::ofd_contract::{contract, contract_of};
use crate::support::parties::{Party, World, info, now, source};
use crate::support::peers::{run, said, venv};
use crate::support::resigning::LIST;

/// A name, the pages and the bytes of one document of each kind.
fn kinds(world: &World) -> Vec<(&'static str, usize, Vec<u8>)> {
    let party = world.party("甲方");
    let with = |party: &Party, document: &[u8], options| {
        let sealed =
            party.identity.try_seal_at(&party.seal, document, &[crate::support::parties::PLACE.into()], options);
        sealed.expect("sealed").0
    };
    let locked = SealingOptions { mode: Mode::Locked, accept_v5: false };
    let v5 = SealingOptions { mode: Mode::Open, accept_v5: true };
    let size = Size { width_mm: 40.0, height_mm: 40.0 };
    let five = contract_of(5);
    let strips = stamps(&source(&five), &Placement::Seam(Seam::default()), size, &Limits::default()).expect("strips");
    let seam = party.identity.try_seal_at(&party.seal, &five, &strips, SealingOptions::default()).expect("sealed").0;
    let once = party.seal(&contract());
    vec![
        ("open", 2, once.clone()),
        ("twice", 2, world.party("乙方").seal(&once)),
        ("locked", 2, with(&party, &contract(), locked)),
        ("digests", 2, digests_party(world).seal(&contract())),
        ("v5", 2, with(&v5_party(world), &contract(), v5)),
        ("seam", 5, seam),
        ("listed", 2, listed(&once, world)),
        ("stamped", 2, stamped(&party)),
    ]
}

/// With a time stamp over the signature; without OpenSSL with none.
fn stamped(party: &Party) -> Vec<u8> {
    let Some(authority) = Authority::new() else { return party.seal(&contract()) };
    let token = |signature: &[u8]| authority.token("sm3", &DigestAlg::Sm3.digest(signature));
    super::ofd_time_stamp::stamped(party, token).expect("sealed").0
}

fn digests_party(world: &World) -> Party {
    let mut party = world.party("甲方");
    let mut info = info("甲方", &[&party.identity.certificate]);
    info.certificates = CertificateList::Digests(vec![CertificateDigest::of(&party.identity.certificate)]);
    party.seal = world.maker().makes(&info);
    party
}

fn v5_party(world: &World) -> Party {
    let mut party = world.party("甲方");
    let info = info("甲方", &[&party.identity.certificate]).to_der_as(Version::V5).expect("a seal");
    let value = world.maker().key.sign(&info).expect("a signature");
    party.seal = Seal::assemble(&info, &world.maker().certificate, &value).expect("a seal");
    party
}

fn listed(document: &[u8], world: &World) -> Vec<u8> {
    let clerk = world.holder("经办人");
    let prepared = prepare_list(source(document), now(), &Limits::default()).expect("prepared");
    let signature = clerk.key.sign(prepared.to_sign()).expect("a signature");
    let mut out = Vec::new();
    prepared.finish(&mut out, &clerk.certificate, &signature, None, &mut |_| {}).expect("written");
    out
}

/// Every signature of a document with the bytes of its `Signature.xml`.
fn signatures(document: &[u8]) -> Vec<(SesSignature, Vec<u8>)> {
    let files = entries(document);
    let values = files.iter().filter(|(name, _)| name.ends_with("SignedValue.dat"));
    values
        .map(|(name, value)| {
            let descriptor = content(document, &name.replace("SignedValue.dat", "Signature.xml"));
            (SesSignature::from_der(value).expect("a signature"), descriptor)
        })
        .collect()
}

#[test]
fn openssl_verifies_signatures_seals_and_digests_of_every_kind_over_their_exact_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    for (kind, _, document) in kinds(&World::new()) {
        let signatures = signatures(&document);
        assert!(!signatures.is_empty(), "{kind}");
        for (signature, descriptor) in signatures {
            let seal = signature.seal();
            let signer = signature.certificate().expect("a certificate");
            let maker = seal.maker_certificate().expect("a certificate");
            let verifies = |by: &Certificate, bytes: &[u8], value: &[u8]| openssl(folder.path(), by, bytes, value);
            let Some(verified) = verifies(signer, signature.to_sign_der(), signature.signature()) else { return };
            assert!(verified, "{kind}");
            assert_eq!(verifies(maker, seal.info_der(), seal.signature()), Some(true), "{kind}");
            assert_eq!(
                verifies(maker, signature.to_sign_der(), signature.signature()),
                Some(false),
                "openssl does look"
            );
            let file = folder.path().join("Signature.xml");
            fs::write(&file, descriptor).expect("written");
            let digest =
                run("openssl", &["dgst", "-sm3", "-r", file.to_str().expect("a plain name")]).expect("openssl");
            assert!(said(&digest).starts_with(&hex::encode(signature.data_hash())), "{kind}: {}", said(&digest));
        }
    }
}

fn openssl(folder: &Path, signer: &Certificate, signed: &[u8], value: &[u8]) -> Option<bool> {
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, bytes).expect("written");
        path.to_str().expect("a plain name").to_owned()
    };
    let key = file("key", &signer.public_key().expect("a key").to_spki_der());
    let (signed, value) = (file("signed", signed), file("value", value));
    let arguments = [
        "pkeyutl",
        "-verify",
        "-pubin",
        "-keyform",
        "DER",
        "-inkey",
        &key,
        "-rawin",
        "-digest",
        "sm3",
        "-pkeyopt",
        "distid:1234567812345678",
        "-in",
        &signed,
        "-sigfile",
        &value,
    ];
    run("openssl", &arguments).map(|output| output.status.success())
}

#[test]
fn the_crate_sofd_sign_accepts_every_signature_of_every_kind() {
    // It takes what stands last in the structure for the signature value; behind it stands the time stamp.
    for (kind, _, document) in kinds(&World::new()).into_iter().filter(|(kind, ..)| *kind != "stamped") {
        let mut package = sofd_package::Package::from_bytes(&document).expect("a package");
        let list = sofd_sign::read_sign_list(&mut package, LIST).expect("a list");
        assert_eq!(list.len(), if kind == "twice" { 2 } else { 1 }, "{kind}");
        for listed in list {
            let mut signature = sofd_sign::read_signature(&mut package, &listed.base_loc).expect("a signature");
            signature.read_check_value(&mut package).expect("a value");
            let status = sofd_sign::verify_signature(&mut package, &signature).expect("a status");
            assert_eq!(status, sofd_sign::VerifyStatus::Valid, "{kind}");
        }
    }
}

#[test]
fn ofdkit_opens_every_kind_and_reads_its_pages_and_text() {
    let folder = tempfile::tempdir().expect("a folder");
    let ofdkit = venv("ofdkit");
    for (kind, pages, document) in kinds(&World::new()) {
        let file = folder.path().join(format!("{kind}.ofd"));
        fs::write(&file, document).expect("written");
        let file = file.to_str().expect("a plain name");
        let Some(info) = run(&ofdkit.to_string_lossy(), &["info", file]) else { return };
        let told = said(&info);
        assert!(info.status.success() && told.contains(&format!("页数      {pages}")), "{kind}: {told}");
        let text = said(&run(&ofdkit.to_string_lossy(), &["text", file]).expect("ofdkit"));
        assert!(text.contains("乙方:杭州示例贸易有限公司"), "{kind}: {text}");
    }
}
