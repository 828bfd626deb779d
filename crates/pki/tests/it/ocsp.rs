//! Certificate status: ours before OpenSSL, and OpenSSL's before us.

use std::time::Duration;

use eseal_kernel::Timestamp;
use eseal_pki::ocsp::{CertificateStatus, OcspRequest, OcspResponse};
use eseal_pki::{Certificate, DevelopmentCa, DigestAlg, Purpose, RevocationReason, SigningKey, Subject, Suite};

use crate::openssl::{Desk, IDENTITY, split_signed};

fn now() -> Timestamp {
    eseal_kernel::Clock::System.now()
}

fn ca(suite: Suite) -> DevelopmentCa {
    DevelopmentCa::create(suite, "CA", Purpose::Holder, now()).expect("an authority")
}

fn certificate(ca: &DevelopmentCa, suite: Suite) -> Certificate {
    let key = SigningKey::generate(suite).expect("a key");
    let day = Duration::from_secs(86_400);
    ca.issue(&key.public_key(), &Subject::named("holder"), day, now()).expect("a certificate")
}

#[test]
fn openssl_accepts_our_answer_to_its_question() {
    for suite in [Suite::EcdsaP256Sha256, Suite::RsaSha256] {
        openssl_accepts_our_answer(suite);
    }
}

fn openssl_accepts_our_answer(suite: Suite) {
    let (desk, mut ca) = (Desk::new(), ca(suite));
    let (good, bad) = (certificate(&ca, Suite::EcdsaP256Sha256), certificate(&ca, Suite::EcdsaP256Sha256));
    ca.revoke(&bad.serial_hex(), RevocationReason::Superseded, now());
    desk.put("ca.pem", ca.certificate().to_pem().as_bytes());
    for (certificate, expected) in [(&good, "leaf.pem: good"), (&bad, "leaf.pem: revoked")] {
        desk.put("leaf.pem", certificate.to_pem().as_bytes());
        for digest in ["sha1", "sha256"] {
            desk.openssl(&format!("ocsp -{digest} -issuer ca.pem -cert leaf.pem -reqout req.der"));
            desk.put("resp.der", &ca.respond(&desk.read("req.der"), now()).expect("an answer"));
            let check =
                format!("ocsp -{digest} -issuer ca.pem -cert leaf.pem -respin resp.der -CAfile ca.pem -no_nonce");
            let said = desk.openssl(&check);
            assert!(said.contains("Response verify OK") && said.contains(expected), "{said}");
            if expected.ends_with("revoked") {
                assert!(said.contains("Reason: superseded"), "{said}");
            }
        }
    }
    let mut broken = desk.read("resp.der");
    let last = broken.len() - 1;
    broken[last] ^= 1;
    desk.put("resp.der", &broken);
    let said = desk.run("ocsp -issuer ca.pem -cert leaf.pem -respin resp.der -CAfile ca.pem -no_nonce");
    assert!(!String::from_utf8_lossy(&said.stderr).contains("Response verify OK"));
}

/// OpenSSL as a CA with one good and one revoked certificate, and a responder.
fn authority(desk: &Desk, key: &str, more: &str) {
    desk.put(
        "ca.cnf",
        b"[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=root\n[root]\nbasicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign,cRLSign\n\
          [leaf]\nkeyUsage=critical,digitalSignature\n[responder]\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=OCSPSigning\nnoCheck=yes\n",
    );
    for name in ["root", "good", "bad", "responder"] {
        desk.openssl(&format!("genpkey {key} -out {name}.key"));
    }
    desk.openssl(&format!(
        "req -x509 -new -key root.key -days 10 -config ca.cnf -extensions root {more} -out root.pem"
    ));
    for (number, name, extensions) in [(10, "good", "leaf"), (11, "bad", "leaf"), (12, "responder", "responder")] {
        desk.openssl(&format!("req -new -key {name}.key -subj /CN={name} -config ca.cnf {more} -out {name}.csr"));
        let verify = if more.is_empty() { String::new() } else { format!("-vfyopt {IDENTITY}") };
        desk.openssl(&format!(
            "x509 -req -in {name}.csr -CA root.pem -CAkey root.key -days 5 -set_serial {number} -extfile ca.cnf -extensions {extensions} {more} {verify} -out {name}.pem"
        ));
    }
    desk.put(
        "index.txt",
        b"V\t491231235959Z\t\t0A\tunknown\t/CN=good\nR\t491231235959Z\t260101120000Z,keyCompromise\t0B\tunknown\t/CN=bad\n",
    );
}

fn read(desk: &Desk, name: &str) -> Certificate {
    Certificate::from_pem(&desk.read(name)).expect("a certificate")
}

fn answer(desk: &Desk, request: &OcspRequest, by: &str, more: &str) -> OcspResponse {
    desk.put("req.der", &request.to_der());
    desk.openssl(&format!(
        "ocsp -index index.txt -CA root.pem -rsigner {by}.pem -rkey {by}.key -reqin req.der -respout resp.der -ndays 1 {more}"
    ));
    OcspResponse::from_der(&desk.read("resp.der")).expect("an answer")
}

#[test]
fn we_accept_openssls_answer_to_our_question() {
    let keys = ["-algorithm RSA -pkeyopt rsa_keygen_bits:2048", "-algorithm EC -pkeyopt group:P-256"];
    for (key, by) in [(keys[0], "responder"), (keys[1], "responder"), (keys[1], "root")] {
        let desk = Desk::new();
        authority(&desk, key, "");
        let root = read(&desk, "root.pem");
        for (name, revoked) in [("good.pem", false), ("bad.pem", true)] {
            let certificate = read(&desk, name);
            for (digest, more) in [(DigestAlg::Sha1, ""), (DigestAlg::Sha256, "-resp_key_id")] {
                let request = OcspRequest::about(&certificate, &root, digest).expect("a request");
                let response = answer(&desk, &request, by, more);
                response.answers(&request).expect("the same nonce");
                let responder = response.verify(&root).expect("genuine");
                assert_eq!(responder.delegated, by == "responder");
                assert_eq!(responder.no_check, by == "responder");
                let statement = response.statement_about(&certificate, &root).expect("an answer about it");
                match statement.status {
                    CertificateStatus::Good => assert!(!revoked),
                    CertificateStatus::Revoked(revocation) => {
                        assert!(revoked);
                        assert_eq!(revocation.reason, RevocationReason::KeyCompromise);
                        assert_eq!(revocation.since.to_string(), "2026-01-01T12:00:00.000000Z");
                    }
                    CertificateStatus::Unknown => panic!("{name} is known"),
                }
                assert!(statement.next_update.is_some_and(|next| next > statement.this_update));
            }
        }
    }
}

#[test]
fn an_answer_by_a_certificate_that_the_issuer_did_not_make_its_responder_is_refused() {
    let desk = Desk::new();
    authority(&desk, "-algorithm EC -pkeyopt group:P-256", "");
    let (root, good) = (read(&desk, "root.pem"), read(&desk, "good.pem"));
    let request = OcspRequest::about(&good, &root, DigestAlg::Sha1).expect("a request");
    let response = answer(&desk, &request, "good", "");
    let refused = response.verify(&root).expect_err("an ordinary certificate");
    assert_eq!(refused.to_string(), "CN=good may not speak for the issuer of the certificate");
}

#[test]
fn sm2_answers_hold_in_both_directions() {
    let desk = Desk::new();
    authority(&desk, "-algorithm EC -pkeyopt group:SM2", &format!("-sm3 -sigopt {IDENTITY}"));
    let (root, bad) = (read(&desk, "root.pem"), read(&desk, "bad.pem"));
    let request = OcspRequest::about(&bad, &root, DigestAlg::Sm3).expect("a request");
    let response = answer(&desk, &request, "root", &format!("-rmd sm3 -rsigopt {IDENTITY}"));
    response.verify(&root).expect("genuine");
    let statement = response.statement_about(&bad, &root).expect("an answer about it");
    assert!(matches!(statement.status, CertificateStatus::Revoked(_)));

    let ca = ca(Suite::Sm2Sm3);
    let certificate = certificate(&ca, Suite::Sm2Sm3);
    let request = OcspRequest::about(&certificate, ca.certificate(), DigestAlg::Sm3).expect("a request");
    let der = ca.respond(&request.to_der(), now()).expect("an answer");
    let response = OcspResponse::from_der(&der).expect("an answer");
    response.verify(ca.certificate()).expect("genuine");
    // OpenSSL's client can't be told SM2's identity, so the parts are checked: BasicOCSPResponse is the only OCTET STRING that
    // reaches to the end.
    let octets = (0..der.len())
        .find(|at| der[*at] == 4 && inside_octets(&der[*at..]).is_some_and(|inner| der.ends_with(&inner)));
    let basic = inside_octets(&der[octets.expect("an answer")..]).expect("an answer");
    let (signed, signature) = split_signed(&basic);
    desk.put("tbs", &signed);
    desk.put("sig", &signature);
    desk.put_key("key.pem", &ca.certificate().public_key().expect("a key").to_spki_der());
    let said = desk.openssl(&format!(
        "pkeyutl -verify -pubin -inkey key.pem -rawin -digest sm3 -pkeyopt {IDENTITY} -in tbs -sigfile sig"
    ));
    assert!(said.contains("Verified Successfully"), "{said}");
}

/// The contents of a value of up to 64 KiB.
fn inside_octets(der: &[u8]) -> Option<Vec<u8>> {
    let byte = |at: usize| der.get(at).map(|byte| usize::from(*byte));
    let (header, length) = match byte(1)? {
        short @ 0..=0x7f => (2, short),
        0x81 => (3, byte(2)?),
        0x82 => (4, byte(2)? << 8 | byte(3)?),
        _ => return None,
    };
    der.get(header..header + length).map(<[u8]>::to_vec)
}
