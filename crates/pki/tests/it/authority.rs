//! Certificates, requests and lists of the development authority, read by OpenSSL.

use std::time::Duration;

use eseal_kernel::{Timestamp, Uscc};
use eseal_pki::ca::CaError;
use eseal_pki::chain::{self, Purpose, TrustStore};
use eseal_pki::{
    Certificate, CertificateRequest, Crl, DevelopmentCa, MAKER_EKU, RevocationReason, SigningKey, Subject, Suite,
};

use crate::openssl::{Desk, IDENTITY, split_signed};

const SUITES: [Suite; 2] = [Suite::Sm2Sm3, Suite::EcdsaP256Sha256];
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

fn now() -> Timestamp {
    eseal_kernel::Clock::System.now()
}

fn uscc() -> Uscc {
    "11320500014150050B".parse().expect("a code")
}

fn authority(suite: Suite, purpose: Purpose) -> DevelopmentCa {
    DevelopmentCa::create(suite, "eseal development CA", purpose, now()).expect("an authority")
}

fn holder(ca: &DevelopmentCa, suite: Suite) -> Certificate {
    let key = SigningKey::generate(suite).expect("a key");
    let subject = Subject::of_organization("32050000011053", uscc(), "苏州市民政局");
    ca.issue(&key.public_key(), &subject, YEAR, now()).expect("a certificate")
}

/// Lets OpenSSL check the signature on `der` (certificate, request or list) with a certificate's key.
fn assert_signed_by(desk: &Desk, der: &[u8], issuer: &Certificate) {
    let (signed, signature) = split_signed(der);
    let key = issuer.public_key().expect("a key");
    desk.put_key("key.pem", &key.to_spki_der());
    desk.put("tbs", &signed);
    desk.put("sig", &signature);
    let digest =
        if key.suite() == Some(Suite::Sm2Sm3) { format!("sm3 -pkeyopt {IDENTITY}") } else { "sha256".to_owned() };
    desk.openssl(&format!("pkeyutl -verify -pubin -inkey key.pem -rawin -digest {digest} -in tbs -sigfile sig"));
}

#[test]
fn openssl_verifies_every_link_of_our_chains() {
    for suite in SUITES {
        let desk = Desk::new();
        let ca = authority(suite, Purpose::Holder);
        let leaf = holder(&ca, suite);
        desk.put("ca.crt", ca.certificate().to_pem().as_bytes());
        desk.put("leaf.crt", leaf.to_pem().as_bytes());
        let identity = if suite == Suite::Sm2Sm3 { format!("-vfyopt {IDENTITY}") } else { String::new() };
        desk.openssl(&format!("verify -x509_strict {identity} -partial_chain -trusted ca.crt leaf.crt"));
        assert_signed_by(&desk, leaf.der(), ca.certificate());
        assert_signed_by(&desk, ca.certificate().der(), ca.certificate());
    }
}

#[test]
fn openssl_reads_in_a_holders_certificate_what_we_wrote() {
    let desk = Desk::new();
    let ca = authority(Suite::Sm2Sm3, Purpose::Holder);
    let leaf = holder(&ca, Suite::Sm2Sm3);
    desk.put("leaf.crt", leaf.to_pem().as_bytes());
    let text = desk.openssl("x509 -in leaf.crt -noout -text -nameopt utf8,sep_comma_plus -certopt ext_parse");
    for expected in [
        "Signature Algorithm: SM2-with-SM3",
        "O=11320500014150050B苏州市民政局",
        "organizationIdentifier=11320500014150050B",
        "CN=32050000011053",
        "Digital Signature, Non Repudiation",
        "CA:FALSE",
    ] {
        assert!(text.contains(expected), "{expected} in\n{text}");
    }
    let serial = desk.openssl("x509 -in leaf.crt -noout -serial").trim().to_lowercase();
    assert_eq!(serial, format!("serial={}", leaf.serial_hex()));
    let fingerprint = desk.openssl("x509 -in leaf.crt -noout -fingerprint -sha256").to_lowercase().replace(':', "");
    assert!(fingerprint.trim().ends_with(&leaf.fingerprint().to_string()));
}

#[test]
fn a_holders_certificate_is_for_its_organization_only() {
    let leaf = holder(&authority(Suite::EcdsaP256Sha256, Purpose::Holder), Suite::EcdsaP256Sha256);
    assert!(leaf.is_for_organization(&uscc()));
    assert!(!leaf.is_for_organization(&"12100000000018032A".parse().expect("a code")));
    assert_eq!(leaf.subject_organization().as_deref(), Some("11320500014150050B苏州市民政局"));
    assert_eq!(leaf.organization_identifier().as_deref(), Some("11320500014150050B"));
    assert_eq!(leaf.common_name().as_deref(), Some("32050000011053"));
    assert!(leaf.allows_signing() && !leaf.is_ca() && !leaf.has_eku(&MAKER_EKU));
}

#[test]
fn only_a_maker_authority_makes_makers() {
    for (purpose, maker) in [(Purpose::Holder, false), (Purpose::Maker, true)] {
        let ca = authority(Suite::Sm2Sm3, purpose);
        let leaf = holder(&ca, Suite::Sm2Sm3);
        assert_eq!(ca.purpose(), purpose);
        assert_eq!(leaf.has_eku(&MAKER_EKU), maker);
        let roots = TrustStore::new(vec![ca.certificate().clone()]);
        let chain = chain::build(&leaf, &[], &roots).expect("a chain");
        assert_eq!(chain.check_purpose(Purpose::Maker).is_ok(), maker);
        assert_eq!(chain.check_purpose(Purpose::Holder), Ok(()));
    }
}

#[test]
fn a_certificate_ends_with_its_authority() {
    let long_ago = Timestamp::from_seconds(1_700_000_000);
    let ca = DevelopmentCa::create(Suite::EcdsaP256Sha256, "CA", Purpose::Holder, long_ago).expect("an authority");
    let key = SigningKey::generate(Suite::EcdsaP256Sha256).expect("a key").public_key();
    let leaf = ca.issue(&key, &Subject::named("a"), YEAR * 100, long_ago).expect("a certificate");
    assert_eq!(leaf.not_after(), ca.certificate().not_after());
    assert_eq!(leaf.not_before(), long_ago);
}

#[test]
fn openssl_verifies_our_requests_and_we_verify_those_of_openssl() {
    for (suite, option) in [(Suite::Sm2Sm3, "-sm3 -sigopt"), (Suite::EcdsaP256Sha256, "-sha256")] {
        let desk = Desk::new();
        let key = SigningKey::generate(suite).expect("a key");
        let request = CertificateRequest::create(&Subject::named("card"), &key, &key.public_key()).expect("a request");
        desk.put("ours.csr", request.to_pem().as_bytes());
        desk.put("key.der", &key.to_pkcs8_der());
        let sm2 = suite == Suite::Sm2Sm3;
        let check = if sm2 { format!("-vfyopt {IDENTITY}") } else { String::new() };
        desk.openssl(&format!("req -in ours.csr -noout -verify {check}"));

        let option = if sm2 { format!("{option} {IDENTITY}") } else { option.to_owned() };
        desk.openssl("pkey -inform DER -in key.der -out key.pem");
        desk.openssl(&format!("req -new -key key.pem -subj /C=CN/CN=theirs {option} -out theirs.csr"));
        let theirs = CertificateRequest::from_pem(&desk.read("theirs.csr")).expect("a request");
        assert_eq!(theirs.verify(), Ok(()), "{suite}");
        assert_eq!(theirs.subject(), "CN=theirs, C=CN");
        assert_eq!(theirs.public_key(), &key.public_key());
    }
}

#[test]
fn an_authority_wants_proof_that_the_requester_has_the_key() {
    let ca = authority(Suite::EcdsaP256Sha256, Purpose::Holder);
    let [own, other] = [(); 2].map(|()| SigningKey::generate(Suite::EcdsaP256Sha256).expect("a key"));
    let subject = Subject::named("a");
    let stolen = CertificateRequest::create(&subject, &own, &other.public_key()).expect("a request");
    assert_eq!(ca.issue_for_request(&stolen, &subject, YEAR, now()), Err(CaError::NoPossession));
    let honest = CertificateRequest::create(&subject, &own, &own.public_key()).expect("a request");
    assert!(ca.issue_for_request(&honest, &subject, YEAR, now()).is_ok());
}

#[test]
fn openssl_reads_and_verifies_our_lists() {
    for suite in SUITES {
        let desk = Desk::new();
        let mut ca = authority(suite, Purpose::Holder);
        let empty = ca.crl(now()).expect("a list");
        assert_eq!(empty.revocations().count(), 0);
        let leaf = holder(&ca, suite);
        ca.revoke(&leaf.serial_hex(), RevocationReason::KeyCompromise, now());
        let crl = ca.crl(now()).expect("a list");
        desk.put("list.crl", crl.to_pem().as_bytes());
        desk.put("ca.crt", ca.certificate().to_pem().as_bytes());
        let text = desk.openssl("crl -in list.crl -noout -text");
        assert!(text.contains("Key Compromise"), "{text}");
        assert!(text.to_lowercase().contains(&leaf.serial_hex()), "{text}");
        assert_signed_by(&desk, crl.der(), ca.certificate());
        if suite == Suite::EcdsaP256Sha256 {
            assert!(desk.openssl("crl -in list.crl -noout -CAfile ca.crt").contains("verify OK"));
            desk.put("leaf.crt", leaf.to_pem().as_bytes());
            let checked = desk.run("verify -crl_check -CAfile ca.crt -CRLfile list.crl leaf.crt");
            assert!(String::from_utf8_lossy(&checked.stderr).contains("certificate revoked"));
        }
    }
}

#[test]
fn the_first_revocation_stands() {
    let mut ca = authority(Suite::EcdsaP256Sha256, Purpose::Holder);
    let leaf = holder(&ca, Suite::EcdsaP256Sha256);
    let first = now();
    ca.revoke(&leaf.serial_hex(), RevocationReason::CertificateHold, first);
    ca.revoke(&leaf.serial_hex(), RevocationReason::Superseded, first.plus(YEAR));
    ca.revoke(&leaf.serial_hex(), RevocationReason::KeyCompromise, first.plus(YEAR));
    let revocation = ca.crl(first).expect("a list").is_revoked(&leaf.serial_hex()).expect("an entry");
    assert_eq!((revocation.since, revocation.reason), (first.whole_seconds(), RevocationReason::Superseded));
}

#[test]
fn openssl_verifies_our_lists_and_sees_the_changes_in_them() {
    for suite in [Suite::EcdsaP256Sha256, Suite::RsaSha256] {
        let desk = Desk::new();
        let mut ca = authority(suite, Purpose::Holder);
        let revoked = holder(&ca, Suite::EcdsaP256Sha256);
        ca.revoke(&revoked.serial_hex(), RevocationReason::Superseded, now());
        desk.put("ca.pem", ca.certificate().to_pem().as_bytes());
        let changes = ca.changes(now().minus(YEAR), now()).expect("changes");
        for (list, is_delta) in [(ca.crl(now()).expect("a list").to_pem(), false), (changes.to_pem(), true)] {
            desk.put("list.pem", list.as_bytes());
            let said = desk.openssl("crl -in list.pem -noout -text -verify -CAfile ca.pem");
            assert!(said.contains("verify OK") && said.contains("Superseded"), "{said}");
            assert!(said.contains(&revoked.serial_hex().to_uppercase()), "{said}");
            assert_eq!(said.contains("Delta CRL Indicator: critical"), is_delta, "{said}");
        }
        desk.put("ca.pem", authority(suite, Purpose::Holder).certificate().to_pem().as_bytes());
        let said = desk.run("crl -in list.pem -noout -verify -CAfile ca.pem");
        assert!(!String::from_utf8_lossy(&said.stderr).contains("verify OK"), "another authority of the same name");
    }
}

#[test]
fn an_authority_comes_back_from_its_files() {
    for suite in SUITES {
        let mut ca = authority(suite, Purpose::Maker);
        let revoked = holder(&ca, suite);
        ca.revoke(&revoked.serial_hex(), RevocationReason::Superseded, now());
        let mut files = ca.to_files(now()).expect("files");
        let again = DevelopmentCa::from_files(&files).expect("the authority");
        assert_eq!(again.certificate(), ca.certificate());
        assert_eq!(again.purpose(), Purpose::Maker);
        assert!(again.crl(now()).expect("a list").is_revoked(&revoked.serial_hex()).is_some());
        assert!(holder(&again, suite).verify_issued_by(ca.certificate()).is_ok());

        files.certificate = authority(suite, Purpose::Maker).certificate().to_pem();
        assert_eq!(DevelopmentCa::from_files(&files).err(), Some(CaError::OtherKey));
    }
}

#[test]
fn lists_of_openssl_are_read_and_verified() {
    let desk = Desk::new();
    desk.put("index.txt", b"");
    desk.put("number", b"01\n");
    desk.put("ca.cnf", b"[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ncrlnumber=number\ndefault_md=sha256\ndefault_crl_days=3\ncrl_extensions=x\n[x]\nauthorityKeyIdentifier=keyid\n");
    let ca = authority(Suite::EcdsaP256Sha256, Purpose::Holder);
    let files = ca.to_files(now()).expect("files");
    desk.put("ca.key", files.key.as_bytes());
    desk.put("ca.crt", files.certificate.as_bytes());
    let [revoked, held, good] = [(); 3].map(|()| holder(&ca, Suite::EcdsaP256Sha256));
    for (certificate, reason) in [(&revoked, "keyCompromise"), (&held, "certificateHold")] {
        desk.put("leaf.crt", certificate.to_pem().as_bytes());
        desk.openssl(&format!("ca -config ca.cnf -keyfile ca.key -cert ca.crt -revoke leaf.crt -crl_reason {reason}"));
    }
    desk.openssl("ca -config ca.cnf -keyfile ca.key -cert ca.crt -gencrl -out list.crl");
    let crl = Crl::from_pem(&desk.read("list.crl")).expect("a list");
    assert_eq!(crl.verify(ca.certificate()), Ok(()));
    let reason = |certificate: &Certificate| crl.is_revoked(&certificate.serial_hex()).map(|entry| entry.reason);
    assert_eq!(reason(&revoked), Some(RevocationReason::KeyCompromise));
    assert_eq!(reason(&held), Some(RevocationReason::CertificateHold));
    assert_eq!(reason(&good), None);
    assert!(!crl.is_stale_at(now()) && crl.is_stale_at(now().plus(YEAR)));
    assert!(crl.verify(authority(Suite::EcdsaP256Sha256, Purpose::Holder).certificate()).is_err());
}
