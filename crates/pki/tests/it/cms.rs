//! CMS signatures: ours before OpenSSL, and OpenSSL's in all their forms before us.

use std::time::Duration;

use eseal_kernel::Timestamp;
use eseal_pki::cms::{CmsError, ContentForm, SignedAttributes, SignedData};
use eseal_pki::{
    Certificate, DevelopmentCa, DigestAlg, Hasher, PublicKey, Purpose, RsaBits, SignatureAlgorithm, Signer as _,
    SigningKey, Subject, Suite,
};

use crate::openssl::Desk;

const CONTENT: &[u8] = b"the bytes of the document";

fn feed(content: &[u8]) -> impl FnMut(Hasher) -> Vec<u8> {
    move |mut hasher| {
        hasher.update(content);
        hasher.finish()
    }
}

fn now() -> Timestamp {
    eseal_kernel::Clock::System.now()
}

struct Person {
    key: SigningKey,
    certificate: Certificate,
    ca: DevelopmentCa,
}

fn person(suite: Suite) -> Person {
    person_with(suite, SigningKey::generate(suite).expect("a key"))
}

fn person_with(of_ca: Suite, key: SigningKey) -> Person {
    let ca = DevelopmentCa::create(of_ca, "CA", Purpose::Holder, now()).expect("an authority");
    let year = Duration::from_secs(365 * 24 * 60 * 60);
    let certificate = ca.issue(&key.public_key(), &Subject::named("signer"), year, now()).expect("a certificate");
    Person { key, certificate, ca }
}

fn signed(person: &Person, suite: Suite) -> Vec<u8> {
    let digest = suite.digest().digest(CONTENT);
    let attributes = SignedAttributes::try_new(&person.certificate, &digest, suite).expect("attributes");
    let signature = person.key.sign(attributes.to_be_signed()).expect("a signature");
    assert_eq!(attributes.check(&signature), Ok(()));
    attributes.finish(&signature, &[person.ca.certificate().clone(), person.certificate.clone()])
}

/// A person for every kind and size of key, with the suites that it signs in.
fn people() -> Vec<(Person, Vec<Suite>)> {
    let rsa = [RsaBits::Rsa2048, RsaBits::Rsa3072, RsaBits::Rsa4096].map(|bits| {
        let key = SigningKey::generate_rsa(bits).expect("a key");
        (person_with(Suite::EcdsaP384Sha384, key), vec![Suite::RsaSha256, Suite::RsaSha384, Suite::RsaSha512])
    });
    let ec = [Suite::EcdsaP256Sha256, Suite::EcdsaP384Sha384].map(|suite| (person(suite), vec![suite]));
    ec.into_iter().chain(rsa).collect()
}

#[test]
fn openssl_accepts_our_cades_signature_of_every_key_over_its_content_only() {
    let desk = Desk::new();
    for (mut person, suites) in people() {
        desk.put("ca.crt", person.ca.certificate().to_pem().as_bytes());
        for suite in suites {
            person.key = person.key.with_suite(suite).expect("a suite of its kind");
            desk.put("sig.p7s", &signed(&person, suite));
            desk.put("data", CONTENT);
            let verify = "cms -verify -binary -inform DER -in sig.p7s -content data -CAfile ca.crt -cades -out out";
            let said = desk.openssl(verify);
            assert!(said.contains("CAdES Verification successful"), "{suite:?}: {said}");
            desk.put("data", b"the bytes of another document");
            assert!(!desk.run(verify).status.success(), "{suite:?}");
        }
    }
}

#[test]
fn a_digest_that_does_not_go_with_the_key_is_refused() {
    let person = person(Suite::EcdsaP384Sha384);
    let attributes = |suite: Suite| {
        SignedAttributes::try_new(&person.certificate, &suite.digest().digest(CONTENT), suite).map(|_| ())
    };
    assert_eq!(attributes(Suite::EcdsaP384Sha384), Ok(()));
    for other in [Suite::EcdsaP256Sha256, Suite::RsaSha384, Suite::Sm2Sm3] {
        assert_eq!(attributes(other), Err(CmsError::OtherSuite), "{other:?}");
    }
}

#[test]
fn our_signature_is_read_and_holds_in_both_suites() {
    for suite in [Suite::Sm2Sm3, Suite::EcdsaP256Sha256] {
        let person = person(suite);
        let cms = SignedData::from_der(&signed(&person, suite)).expect("a signature");
        assert_eq!(cms.certificates().len(), 2);
        let [signer] = cms.signers() else { panic!("one signer") };
        let signature = signer.verify(feed(CONTENT)).expect("it holds");
        assert_eq!(signature.certificate, person.certificate);
        assert_eq!((signature.content, signature.names_certificate), (ContentForm::Detached, true));
        assert_eq!(signature.signing_time, None, "PAdES forbids it");
        assert_eq!(signer.verify(feed(b"another")), Err(CmsError::ContentChanged));
    }
}

#[test]
fn a_changed_signature_value_or_attribute_does_not_hold() {
    let person = person(Suite::EcdsaP256Sha256);
    let der = signed(&person, Suite::EcdsaP256Sha256);
    let digest = DigestAlg::Sha256.digest(CONTENT);
    let position = der.windows(32).rposition(|window| window == digest).expect("messageDigest");
    for (changed, expected) in [(der.len() - 1, CmsError::BadSignature), (position, CmsError::ContentChanged)] {
        let mut der = der.clone();
        der[changed] ^= 1;
        let cms = SignedData::from_der(&der).expect("still a structure");
        assert_eq!(cms.signers()[0].verify(feed(CONTENT)), Err(expected));
    }
}

#[test]
fn a_signature_that_names_one_certificate_does_not_hold_with_another_of_the_same_key() {
    let person = person(Suite::EcdsaP256Sha256);
    let twin = person
        .ca
        .issue(&person.key.public_key(), &Subject::named("another role"), Duration::from_secs(60), now())
        .expect("a certificate");
    let cms = SignedData::from_der(&signed(&person, Suite::EcdsaP256Sha256)).expect("a signature");
    assert_eq!(cms.signers()[0].verify_with(&twin, feed(CONTENT)), Err(CmsError::OtherCertificate));
}

#[test]
fn attributes_for_another_suite_are_not_made() {
    let person = person(Suite::EcdsaP256Sha256);
    let wrong_length = SignedAttributes::try_new(&person.certificate, &[0; 20], Suite::EcdsaP256Sha256);
    assert_eq!(wrong_length.err(), Some(CmsError::OtherSuite));
    let wrong_key = SignedAttributes::try_new(&person.certificate, &[0; 32], Suite::Sm2Sm3);
    assert_eq!(wrong_key.err(), Some(CmsError::OtherSuite));
}

#[test]
fn the_space_behind_a_signature_in_a_pdf_is_passed_over_and_other_bytes_are_not() {
    let mut der = signed(&person(Suite::EcdsaP256Sha256), Suite::EcdsaP256Sha256);
    der.extend([0; 100]);
    assert!(SignedData::from_der(&der).is_ok());
    der.push(1);
    assert!(SignedData::from_der(&der).is_err());
}

/// What OpenSSL signs `CONTENT` to, with a fresh self-signed certificate for a key made with these words.
fn made_by_openssl(desk: &Desk, key: &str, sign: &str) -> Vec<u8> {
    desk.put("data", CONTENT);
    desk.openssl(&format!("genpkey {key} -out key.pem"));
    desk.openssl("req -new -x509 -key key.pem -subj /CN=openssl -days 2 -out signer.crt");
    desk.openssl(&format!(
        "cms -sign -binary -in data -signer signer.crt -inkey key.pem -outform DER -out sig.p7s {sign}"
    ));
    desk.read("sig.p7s")
}

fn assert_holds(der: &[u8], algorithm: SignatureAlgorithm, content: ContentForm, what: &str) {
    let cms = SignedData::from_der(der).unwrap_or_else(|error| panic!("{what}: {error}"));
    let signature = cms.signers()[0].verify(feed(CONTENT)).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!((signature.algorithm, signature.content), (algorithm, content), "{what}");
    assert!(cms.signers()[0].verify(feed(b"another")).is_err(), "{what}");
}

#[test]
fn signatures_of_openssl_with_all_kinds_of_keys_hold() {
    use SignatureAlgorithm::{Ecdsa, RsaPkcs1, RsaPss};
    let rsa = "-algorithm RSA -pkeyopt rsa_keygen_bits:2048";
    let curve = |name| format!("-algorithm EC -pkeyopt group:{name}");
    let pss = |salt| format!("-md sha256 -keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:{salt}");
    let salted = |salt_len| RsaPss { digest: DigestAlg::Sha256, mask: DigestAlg::Sha256, salt_len };
    for (key, sign, algorithm) in [
        (rsa.to_owned(), "-md sha256".to_owned(), RsaPkcs1(DigestAlg::Sha256)),
        (rsa.to_owned(), "-md sha384".to_owned(), RsaPkcs1(DigestAlg::Sha384)),
        (rsa.to_owned(), "-md sha1".to_owned(), RsaPkcs1(DigestAlg::Sha1)),
        (rsa.to_owned(), pss("32"), salted(32)),
        (rsa.to_owned(), pss("20"), salted(20)),
        (rsa.to_owned(), pss("222"), salted(222)),
        (curve("P-256"), "-md sha256".to_owned(), Ecdsa(DigestAlg::Sha256)),
        (curve("P-256"), "-md sha512".to_owned(), Ecdsa(DigestAlg::Sha512)),
        (curve("P-384"), "-md sha384".to_owned(), Ecdsa(DigestAlg::Sha384)),
        (curve("P-384"), "-md sha256".to_owned(), Ecdsa(DigestAlg::Sha256)),
        (curve("brainpoolP256r1"), "-md sha256".to_owned(), Ecdsa(DigestAlg::Sha256)),
        (curve("brainpoolP384r1"), "-md sha384".to_owned(), Ecdsa(DigestAlg::Sha384)),
        (curve("P-521"), "-md sha512".to_owned(), Ecdsa(DigestAlg::Sha512)),
    ] {
        let der = made_by_openssl(&Desk::new(), &key, &sign);
        assert_holds(&der, algorithm, ContentForm::Detached, &format!("{key} {sign}"));
    }
}

#[test]
fn what_the_library_does_not_check_by_itself_holds_too() {
    use SignatureAlgorithm::{Ecdsa, RsaPkcs1, RsaPss};
    let rsa = |bits: usize| format!("-algorithm RSA -pkeyopt rsa_keygen_bits:{bits}");
    let curve = |name| format!("-algorithm EC -pkeyopt group:{name}");
    let pss = |salt| format!("-md sha256 -keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:{salt}");
    let salted = |salt_len| RsaPss { digest: DigestAlg::Sha256, mask: DigestAlg::Sha256, salt_len };
    let with_mask = RsaPss { digest: DigestAlg::Sha256, mask: DigestAlg::Sha1, salt_len: 32 };
    for (key, sign, algorithm) in [
        (rsa(2048), "-md sha3-256".to_owned(), RsaPkcs1(DigestAlg::Sha3_256)),
        (rsa(2048), "-md sha224".to_owned(), RsaPkcs1(DigestAlg::Sha224)),
        (rsa(2048), "-md ripemd160".to_owned(), RsaPkcs1(DigestAlg::Ripemd160)),
        (rsa(2048), "-md sha3-512 -noattr".to_owned(), RsaPkcs1(DigestAlg::Sha3_512)),
        (rsa(2048), pss("0"), salted(0)),
        (rsa(2048), pss("13"), salted(13)),
        (rsa(2048), pss("32 -keyopt rsa_mgf1_md:sha1"), with_mask),
        (rsa(1024), "-md sha384".to_owned(), RsaPkcs1(DigestAlg::Sha384)),
        (rsa(1024), pss("32"), salted(32)),
        (rsa(2047), pss("max"), salted(222)),
        (rsa(2041), pss("32"), salted(32)), // the encoding is a byte shorter than the modulus
        (curve("P-256"), "-md sha224".to_owned(), Ecdsa(DigestAlg::Sha224)),
        (curve("P-384"), "-md sha1".to_owned(), Ecdsa(DigestAlg::Sha1)),
        (curve("P-384"), "-md sha512 -noattr".to_owned(), Ecdsa(DigestAlg::Sha512)),
        (curve("P-521"), "-md sha224".to_owned(), Ecdsa(DigestAlg::Sha224)),
        (curve("secp256k1"), "-md sha512".to_owned(), Ecdsa(DigestAlg::Sha512)),
    ] {
        let der = made_by_openssl(&Desk::new(), &key, &sign);
        assert_holds(&der, algorithm, ContentForm::Detached, &format!("{key} {sign}"));
    }
}

#[test]
fn an_ed448_signature_of_openssl_holds_for_its_message_only() {
    let desk = Desk::new();
    desk.put("data", CONTENT);
    desk.openssl("genpkey -algorithm ED448 -out key.pem");
    desk.openssl("pkey -in key.pem -pubout -outform DER -out key.spki");
    desk.openssl("pkeyutl -sign -rawin -in data -inkey key.pem -out value");
    let key = PublicKey::from_spki_der(&desk.read("key.spki")).expect("a key");
    assert_eq!((key.algorithm(), key.suite(), key.longest_signature()), (SignatureAlgorithm::Ed448, None, None));
    let mut value = desk.read("value");
    assert_eq!(key.verify(CONTENT, &value), Ok(()));
    assert!(key.verify(b"another", &value).is_err());
    assert!(key.verify_with(SignatureAlgorithm::Ed25519, CONTENT, &value).is_err());
    value[0] ^= 1;
    assert!(key.verify(CONTENT, &value).is_err());
    assert!(key.verify(CONTENT, &value[1..]).is_err());
}

#[test]
fn signatures_of_openssl_in_all_their_forms_hold() {
    let key = "-algorithm EC -pkeyopt group:P-256";
    let algorithm = SignatureAlgorithm::Ecdsa(DigestAlg::Sha256);
    for (form, content) in [
        ("-cades", ContentForm::Detached),
        ("-nodetach", ContentForm::Attached),
        ("-noattr", ContentForm::Detached),
        ("-noattr -nodetach", ContentForm::Attached),
        ("-keyid", ContentForm::Detached),
        ("-nodetach -stream", ContentForm::Attached), // indefinite lengths, the content in pieces
        ("-stream -noattr", ContentForm::Attached),
    ] {
        let der = made_by_openssl(&Desk::new(), key, form);
        assert_holds(&der, algorithm, content, form);
    }
}

#[test]
fn the_signing_time_of_openssl_is_read() {
    let der = made_by_openssl(&Desk::new(), "-algorithm EC -pkeyopt group:P-256", "");
    let time = SignedData::from_der(&der).expect("a signature").signers()[0].signing_time().expect("a time");
    let seconds = now().seconds() - time.seconds();
    assert!((0..60).contains(&seconds), "{time}");
}

#[test]
fn a_signature_without_its_certificate_holds_with_one_found_elsewhere() {
    let desk = Desk::new();
    let der = made_by_openssl(&desk, "-algorithm EC -pkeyopt group:P-256", "-nocerts");
    let cms = SignedData::from_der(&der).expect("a signature");
    assert_eq!(cms.signers()[0].verify(feed(CONTENT)), Err(CmsError::NoCertificate));
    let certificate = Certificate::from_pem(&desk.read("signer.crt")).expect("a certificate");
    assert!(cms.signers()[0].verify_with(&certificate, feed(CONTENT)).is_ok());
}

#[test]
fn keys_and_algorithms_that_are_not_known_are_named_when_they_are_used() {
    let desk = Desk::new();
    let der = made_by_openssl(&desk, "-algorithm EC -pkeyopt group:secp224r1", "-md sha256");
    let cms = SignedData::from_der(&der).expect("a signature");
    assert_eq!(cms.certificates().len(), 1, "reading the certificate does not fail");
    let refused = cms.signers()[0].verify(feed(CONTENT)).expect_err("unsupported");
    assert!(matches!(&refused, CmsError::Key(_)), "{refused:?}");
    assert!(refused.to_string().contains("1.3.132.0.33"), "{refused}");
}

#[test]
fn a_time_stamp_holds_for_what_it_stamps() {
    let desk = Desk::new();
    desk.put("data", CONTENT);
    desk.put("serial", b"01\n");
    desk.put(
        "tsa.cnf",
        b"[ext]\nextendedKeyUsage=critical,timeStamping\n[tsa]\nserial=serial\ndefault_policy=1.2.3.4\n\
          digests=sha256\nsigner_digest=sha256\ness_cert_id_alg=sha256\n[req]\ndistinguished_name=dn\n[dn]\n",
    );
    desk.openssl("genpkey -algorithm EC -pkeyopt group:P-256 -out key.pem");
    desk.openssl("req -new -x509 -config tsa.cnf -extensions ext -key key.pem -subj /CN=tsa -days 2 -out tsa.crt");
    desk.openssl("ts -query -data data -sha256 -cert -out query.tsq");
    desk.openssl(
        "ts -reply -config tsa.cnf -section tsa -queryfile query.tsq -signer tsa.crt -inkey key.pem -token_out -out token.der",
    );
    let token = SignedData::from_der(&desk.read("token.der")).expect("a token");
    assert!(token.is_time_stamp());
    let stamp = token.signers()[0].verify(feed(CONTENT)).expect("it holds");
    assert_eq!(stamp.content, ContentForm::TimeStamp);
    let age = now().seconds() - stamp.time_stamp.expect("a time").seconds();
    assert!((0..60).contains(&age));
    assert_eq!(token.signers()[0].verify(feed(b"another")), Err(CmsError::ContentChanged));
}
