//! Time stamps: ours before OpenSSL, and OpenSSL's before us.

use eseal_kernel::Timestamp;
use eseal_pki::chain::TrustStore;
use eseal_pki::tsp::{DevelopmentTsa, FailureInfo, TimeStampRequest, TimeStampResponse, TimeStampToken, TspError};
use eseal_pki::{Certificate, DigestAlg, Suite};

use crate::openssl::{Desk, IDENTITY, split_signed};

const CONTENT: &[u8] = b"the value of a signature";

fn now() -> Timestamp {
    eseal_kernel::Clock::System.now()
}

fn tsa(suite: Suite) -> DevelopmentTsa {
    DevelopmentTsa::create(suite, now()).expect("an authority")
}

#[test]
fn openssl_accepts_our_answer_to_its_request_about_these_bytes_only() {
    let (desk, tsa) = (Desk::new(), tsa(Suite::EcdsaP256Sha256));
    desk.put("data", CONTENT);
    desk.put("root.pem", tsa.root().to_pem().as_bytes());
    for digest in ["sha256", "sha384", "sha512"] {
        desk.openssl(&format!("ts -query -data data -{digest} -cert -out query.tsq"));
        desk.put("reply.tsr", &tsa.respond(&desk.read("query.tsq"), now()).expect("an answer").to_der());
        let said = desk.openssl("ts -verify -queryfile query.tsq -in reply.tsr -CAfile root.pem");
        assert!(said.contains("Verification: OK"), "{said}");
        assert!(desk.openssl("ts -verify -data data -in reply.tsr -CAfile root.pem").contains("Verification: OK"));
        desk.put("other", b"another value");
        assert!(!desk.run("ts -verify -data other -in reply.tsr -CAfile root.pem").status.success());
    }
    let shown = desk.openssl("ts -reply -in reply.tsr -text");
    assert!(shown.contains("Status: Granted.") && shown.contains("Accuracy: 0x01 seconds"), "{shown}");
}

#[test]
fn openssl_understands_our_refusals_and_our_requests() {
    let (desk, tsa) = (Desk::new(), tsa(Suite::EcdsaP256Sha256));
    let request = TimeStampRequest::about(CONTENT, DigestAlg::Sha256).expect("a request");
    desk.put("query.tsq", &request.to_der());
    let shown = desk.openssl("ts -query -in query.tsq -text");
    assert!(shown.contains("Hash Algorithm: sha256") && shown.contains("Certificate required: yes"), "{shown}");
    desk.put("data", CONTENT);
    desk.openssl("ts -query -data data -sha1 -out weak.tsq");
    desk.put("reply.tsr", &tsa.respond(&desk.read("weak.tsq"), now()).expect("an answer").to_der());
    let shown = desk.openssl("ts -reply -in reply.tsr -text");
    assert!(shown.contains("unrecognized or unsupported algorithm identifier"), "{shown}");
}

/// OpenSSL as an authority with an RSA or an EC key.
fn authority(desk: &Desk, key: &str) {
    desk.put(
        "ca.cnf",
        b"[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=root\n[root]\nbasicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign,cRLSign\n\
          [stamper]\nbasicConstraints=critical,CA:false\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n\
          [anybody]\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=timeStamping\n",
    );
    desk.put(
        "tsa.cnf",
        b"[tsa]\ndefault_tsa=own\n[own]\nserial=serial\ncrypto_device=builtin\nsigner_cert=tsa.pem\nsigner_key=tsa.key\nsigner_digest=sha256\n\
          certs=root.pem\ndefault_policy=1.2.3.4.1\ndigests=sha256,sha384,sha512\naccuracy=secs:1,millisecs:500,microsecs:100\nclock_precision_digits=3\n\
          tsa_name=yes\ness_cert_id_chain=no\ness_cert_id_alg=sha256\nordering=yes\n",
    );
    desk.put("serial", b"01\n");
    desk.openssl(&format!("genpkey {key} -out root.key"));
    desk.openssl(&format!("genpkey {key} -out tsa.key"));
    desk.openssl("req -x509 -new -key root.key -days 10 -config ca.cnf -extensions root -out root.pem");
    desk.openssl("req -new -key tsa.key -subj /CN=stamper -config ca.cnf -out tsa.csr");
    certify(desk, "stamper");
}

fn certify(desk: &Desk, extensions: &str) {
    desk.openssl(&format!(
        "x509 -req -in tsa.csr -CA root.pem -CAkey root.key -days 5 -set_serial 7 -extfile ca.cnf -extensions {extensions} -out tsa.pem"
    ));
}

fn answered(desk: &Desk, request: &TimeStampRequest) -> TimeStampResponse {
    desk.put("query.tsq", &request.to_der());
    desk.openssl("ts -reply -queryfile query.tsq -config tsa.cnf -out reply.tsr");
    TimeStampResponse::from_der(&desk.read("reply.tsr")).expect("an answer")
}

fn roots(desk: &Desk) -> TrustStore {
    TrustStore::new(vec![Certificate::from_pem(&desk.read("root.pem")).expect("a root")])
}

const KEYS: [&str; 3] = [
    "-algorithm RSA -pkeyopt rsa_keygen_bits:2048",
    "-algorithm EC -pkeyopt group:P-256",
    "-algorithm EC -pkeyopt group:P-384",
];

#[test]
fn we_accept_openssls_answer_to_our_request() {
    for key in KEYS {
        let desk = Desk::new();
        authority(&desk, key);
        let request = TimeStampRequest::about(CONTENT, DigestAlg::Sha384).expect("a request");
        let response = answered(&desk, &request);
        let token = response.accept(&request).expect("the answer to this request");
        token.is_about(CONTENT).expect("these bytes");
        let stamp = token.verify(&[]).expect("it holds");
        assert_eq!(token.info().accuracy.expect("stated").as_micros(), 1_500_100);
        assert!(token.info().ordering);
        assert!((stamp.time.seconds() - now().seconds()).abs() < 600);
        assert_eq!(stamp.certificate.common_name().as_deref(), Some("stamper"));
        stamp.chain(&roots(&desk)).expect("trusted");
        let other = TimeStampRequest::about(CONTENT, DigestAlg::Sha384).expect("a request");
        assert_eq!(response.accept(&other).expect_err("another nonce"), TspError::OtherNonce);
    }
}

#[test]
fn a_refusal_of_openssl_is_told() {
    let desk = Desk::new();
    authority(&desk, KEYS[1]);
    let request = TimeStampRequest::about(CONTENT, DigestAlg::Sha1).expect("a request");
    let refused = answered(&desk, &request).accept(&request).expect_err("no stamp");
    let TspError::Refused { failure, text } = refused else { panic!("{refused}") };
    assert_eq!(failure, FailureInfo::BadAlg);
    assert!(text.is_some_and(|text| text.contains("not supported")));
}

#[test]
fn a_stamp_by_a_certificate_that_is_not_reserved_for_stamps_does_not_hold() {
    let desk = Desk::new();
    authority(&desk, KEYS[1]);
    let request = TimeStampRequest::about(CONTENT, DigestAlg::Sha256).expect("a request");
    let token = answered(&desk, &request).accept(&request).expect("an answer");
    token.verify(&[]).expect("it holds");
    // The same key, certified once more without `critical`: the stamp names its certificate, so it can't be exchanged either.
    certify(&desk, "anybody");
    let other = Certificate::from_pem(&desk.read("tsa.pem")).expect("a certificate");
    let without = TimeStampRequest::about(CONTENT, DigestAlg::Sha256).expect("a request");
    desk.put("query.tsq", &without.to_der());
    assert!(
        !desk.run("ts -reply -queryfile query.tsq -config tsa.cnf -out reply.tsr").status.success(),
        "OpenSSL refuses too"
    );
    let stripped = stripped(&token);
    assert!(matches!(stripped.verify(&[other]), Err(TspError::Cms(_))), "not the certificate that it names");
}

/// A token without the certificates in it: their tag becomes one that is passed over, so nothing else changes.
fn stripped(token: &TimeStampToken) -> TimeStampToken {
    let mut der = token.der().to_vec();
    let certificate = token.certificates().first().expect("a certificate").der();
    for start in 0..der.len() - certificate.len() {
        if token.certificates().iter().any(|one| der[start..].starts_with(one.der())) {
            der[start] = 0xa1; // another choice of CertificateChoices
        }
    }
    TimeStampToken::from_der(&der).expect("a token")
}

#[test]
fn openssl_verifies_the_sm2_signature_of_our_stamp() {
    let (desk, tsa) = (Desk::new(), tsa(Suite::Sm2Sm3));
    let token = tsa.stamp(CONTENT, now()).expect("a stamp");
    token.is_about(CONTENT).expect("these bytes");
    token.verify(&[]).expect("it holds").chain(&TrustStore::new(vec![tsa.root().clone()])).expect("trusted");
    assert_eq!(token.info().digest, DigestAlg::Sm3);
    // The value is the last thing in the token, and the attributes stand before it under the tag [0].
    desk.put("token.der", token.der());
    let (attributes, signature) = signer_of(&desk);
    desk.put("tbs", &attributes);
    desk.put("sig", &signature);
    let key = tsa.certificate().public_key().expect("a key");
    desk.put_key("key.pem", &key.to_spki_der());
    let verify =
        format!("pkeyutl -verify -pubin -inkey key.pem -rawin -digest sm3 -pkeyopt {IDENTITY} -in tbs -sigfile sig");
    assert!(desk.openssl(&verify).contains("Verified Successfully"));
    let (certificate, value) = split_signed(tsa.certificate().der());
    desk.put("tbs", &certificate);
    desk.put("sig", &value);
    desk.put_key("key.pem", &tsa.root().public_key().expect("a key").to_spki_der());
    assert!(desk.openssl(&verify).contains("Verified Successfully"), "the root certified it");
}

/// The signed attributes as a SET, and the signature value, found by `openssl asn1parse`.
fn signer_of(desk: &Desk) -> (Vec<u8>, Vec<u8>) {
    let parsed = desk.openssl("asn1parse -inform DER -in token.der");
    let field = |line: &str, name: &str| -> usize {
        let rest = &line[line.find(name).expect("a field") + name.len()..];
        rest.trim_start().split(|c: char| !c.is_ascii_digit()).next().expect("digits").parse().expect("a number")
    };
    let der = desk.read("token.der");
    let slice = |line: &str| {
        let offset: usize = line.split(':').next().expect("an offset").trim().parse().expect("a number");
        (offset, field(line, "hl="), field(line, " l="))
    };
    let last = parsed.lines().last().expect("a signature value");
    let (offset, header, length) = slice(last);
    let signature = der[offset + header..offset + header + length].to_vec();
    let attributes = parsed.lines().rfind(|line| line.contains("cont [ 0 ]")).expect("signed attributes");
    let (offset, header, length) = slice(attributes);
    let mut attributes = der[offset..offset + header + length].to_vec();
    attributes[0] = 0x31;
    (attributes, signature)
}
