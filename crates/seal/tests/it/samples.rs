//! Real and other people's seals, where the folder with them is there: `ESEAL_SAMPLES`, or `../shared/samples` beside the
//! workspace.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use eseal_kernel::Timestamp;
use eseal_pki::SignatureForm;
use eseal_seal::{CertificateList, Seal, SesSignature, ValueError, Version};

use crate::world::{seal, signature};

/// A seal signature found in a package, and the Seal.esl beside it.
pub struct Found {
    pub package: String,
    pub signed_value: Vec<u8>,
    pub seal: Option<Vec<u8>>,
}

#[test]
fn seals_of_three_generations_are_read_and_their_makers_signatures_hold() {
    let Some(folder) = folder() else { return };
    for (file, version, kind) in
        [("UserV1.esl", Version::V1, 1), ("UserV4.esl", Version::V4, 3), ("UserV5.esl", Version::V5, 3)]
    {
        let der = fs::read(folder.join("seal").join(file)).expect("readable");
        let seal = seal(&der);
        assert_eq!(seal.der(), der, "{file}");
        assert_eq!(seal.version(), version, "{file}");
        assert_eq!(seal.verify_value(), Ok(SignatureForm::Der), "{file}");
        let info = seal.info();
        assert_eq!(info.seal_type, kind, "{file}");
        assert_eq!(
            (info.picture.width_mm, info.picture.height_mm, info.picture.data.len()),
            (40, 40, 15_693),
            "{file}"
        );
        assert!(info.picture.kind.eq_ignore_ascii_case("png") && info.name.contains("测试用印章"), "{file}");
        assert_eq!(info.certificates.len(), 1, "{file}");
        assert!(info.is_valid_at(info.valid_from) && info.is_valid_at(info.valid_to), "{file}: both ends included");
        assert!(!info.is_valid_at(info.valid_to.plus(std::time::Duration::from_secs(1))), "{file}");
        assert!(seal.maker_certificate().is_some_and(|maker| !info.certificates.contains(maker)), "{file}");
    }
}

#[test]
fn a_signature_of_the_peers_test_data_holds() {
    let Some(folder) = folder() else { return };
    let signature = signature(&fs::read(folder.join("seal/SignedValueV4.dat")).expect("readable"));
    assert_eq!(signature.version(), Version::V4);
    assert_eq!(signature.verify_value(), Ok(SignatureForm::Der));
    assert_eq!(signature.seal().verify_value(), Ok(SignatureForm::Der));
    assert!(signature.signer_in_list());
    assert_eq!(signature.time(), Some(at("2020-10-12T11:14:03Z")));
    assert_eq!(signature.property_info(), "/Doc_0/Signs/Sign_0/Signature.xml");
    assert_eq!(signature.data_hash().len(), 32);
    assert_eq!(signature.timestamp(), None);
}

#[test]
fn every_seal_signature_in_the_sample_packages_is_read_and_gets_the_right_verdict() {
    let Some(found) = found() else { return };
    assert!(found.len() >= 15, "only {} found", found.len());
    for Found { package, signed_value, seal } in found {
        let signature = signature(&signed_value);
        assert_eq!(signature.der(), signed_value, "{package}");
        assert!(signature.seal().verify_value().is_ok(), "{package}: every seal in the samples is genuine");
        match package.as_str() {
            "bad-signature_value_bitflip.ofd" | "n.ofd" => {
                assert!(matches!(signature.verify_value(), Err(ValueError::BadSignature(_))), "{package}");
            }
            _ => assert_eq!(signature.verify_value(), Ok(SignatureForm::Der), "{package}"),
        }
        let foreign = matches!(package.as_str(), "bad-signer_not_in_seal_list.ofd" | "n.ofd");
        assert_eq!(signature.signer_in_list(), !foreign, "{package}");
        if let Some(seal) = seal {
            assert_eq!(signature.seal().der(), seal, "{package}: Seal.esl is the embedded seal");
        }
    }
}

#[test]
fn a_tax_seal_with_an_explicit_false_is_kept_as_it_came() {
    let Some(signed_value) = of_package("1.ofd") else { return };
    let signature = signature(&signed_value);
    let info = signature.seal().info();
    assert_eq!(
        (info.vid.as_str(), info.es_id.as_str(), info.name.as_str()),
        ("GOMAIN", "33010600000001", "国家税务总局浙江省税务局")
    );
    assert_eq!((info.picture.kind.as_str(), info.picture.width_mm, info.picture.height_mm), ("ofd", 30, 20));
    assert!(info.created > info.valid_from, "created after its validity began, as real seals are");
    assert_eq!(info.extensions.len(), 1);
    assert_eq!((info.extensions[0].critical, info.extensions[0].value.as_slice()), (false, &b"2.1"[..]));
    assert_eq!(info.extensions[0].id.to_string(), "1.2.156.10197.6.7.2.2.1");
    let explicit_false = [0x01, 0x01, 0x00, 0x04, 0x03];
    assert!(signature.seal().signed_bytes().windows(5).any(|window| window == explicit_false));
    assert_ne!(info.to_der().expect("encodes"), signature.seal().info_der(), "which is why nothing is encoded again");
}

#[test]
fn an_old_seal_whose_certificate_list_is_no_list_of_certificates_is_read() {
    let Some(signed_value) = of_package("n.ofd") else { return };
    let signature = signature(&signed_value);
    assert_eq!((signature.version(), signature.seal().version()), (Version::V1, Version::V1));
    assert_eq!(signature.seal().info().certificates, CertificateList::Certificates(vec![b"1".to_vec()]));
    assert_eq!(signature.time(), Some(at("2020-01-25T07:31:56.377Z")));
}

#[test]
fn a_list_of_digests_names_its_certificate() {
    let Some(signed_value) = of_package("v4_list2_digest.ofd") else { return };
    let signature = signature(&signed_value);
    assert!(matches!(&signature.seal().info().certificates, CertificateList::Digests(list) if list.len() == 1));
    assert!(signature.signer_in_list());
}

#[test]
fn other_kinds_of_signed_values_are_no_seal_signatures() {
    let Some(packages) = packages() else { return };
    for name in ["DigitalSign.ofd", "testImageNotFound.ofd", "hello-integrity.ofd"] {
        let path = packages.iter().find(|path| path.ends_with(name)).expect("in the samples");
        for (_, bytes) in entries(path).into_iter().filter(|(name, _)| name.to_lowercase().ends_with(".dat")) {
            assert!(SesSignature::from_der(&bytes).is_err(), "{name}");
            assert!(Seal::from_der(&bytes).is_err(), "{name}");
        }
    }
}

/// All seal signatures of all packages; `None`, with a note, where the folder is not there.
pub fn found() -> Option<Vec<Found>> {
    let other = ["DigitalSign.ofd", "testImageNotFound.ofd", "hello-integrity.ofd"];
    let mut found = Vec::new();
    for path in packages()? {
        let package = path.file_name().expect("a name").to_string_lossy().into_owned();
        let entries = entries(&path);
        for (name, bytes) in entries.iter().filter(|(name, _)| name.to_lowercase().ends_with(".dat")) {
            if other.contains(&package.as_str()) {
                continue;
            }
            let beside = name.rsplit_once('/').map(|(directory, _)| format!("{directory}/Seal.esl"));
            let seal = entries.iter().find(|(name, _)| Some(name) == beside.as_ref()).map(|(_, bytes)| bytes.clone());
            found.push(Found { package: package.clone(), signed_value: bytes.clone(), seal });
        }
    }
    Some(found)
}

/// The folder of the samples.
pub fn folder() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples");
    let folder = std::env::var_os("ESEAL_SAMPLES").map_or(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no samples at {}", folder.display());
    None
}

fn packages() -> Option<Vec<PathBuf>> {
    let entries = fs::read_dir(folder()?.join("ofd")).expect("a directory");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "ofd"));
    paths.sort();
    Some(paths)
}

fn of_package(name: &str) -> Option<Vec<u8>> {
    let found = found()?.into_iter().find(|found| found.package == name);
    Some(found.expect("in the samples").signed_value)
}

fn entries(package: &Path) -> Vec<(String, Vec<u8>)> {
    let mut zip = zip::ZipArchive::new(fs::File::open(package).expect("readable")).expect("a zip");
    let mut entries = Vec::new();
    for i in 0..zip.len() {
        let mut entry = zip.by_index(i).expect("an entry");
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("readable");
        entries.push((entry.name().expect("a name").into_owned(), bytes));
    }
    entries
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a moment")
}
