//! Answers that say nothing of what was asked: about another certificate, from the past or the future, without an end.

use std::path::Path;
use std::time::Duration;

use eseal_kernel::Timestamp;
use eseal_online::{Addresses, OnlineError, Status, Statuses};
use eseal_pki::ocsp::RESPONSE_MEDIA_TYPE;
use eseal_pki::{Certificate, OcspError};

use crate::revocation::{authority, client};
use crate::servers::{answering, endless, now, of_kind, openssl};

const NOWHERE: &str = "http://127.0.0.1:1/";
const MINUTE: Duration = Duration::from_secs(60);

/// What OpenSSL's responder says of a certificate by its number, to somebody who gave no nonce: an answer made beforehand.
fn made_beforehand(folder: &Path, number: u8) -> Vec<u8> {
    let index = "V\t491231235959Z\t\t0A\tunknown\t/CN=leaf\nV\t491231235959Z\t\t0B\tunknown\t/CN=other\n";
    std::fs::write(folder.join("index.txt"), index).expect("a file");
    openssl(folder, &format!("ocsp -issuer root.pem -serial {number} -no_nonce -reqout req.der"));
    let words =
        "ocsp -index index.txt -CA root.pem -rsigner root.pem -rkey root.key -reqin req.der -respout resp.der -ndays 1";
    openssl(folder, words);
    std::fs::read(folder.join("resp.der")).expect("an answer")
}

/// An authority whose responder always gives the same answer: that about the certificate with this number. Its certificate has the
/// number 10.
async fn repeating(folder: &Path, number: u8) -> [Certificate; 2] {
    let place = folder.join("answer.der");
    let url = answering(move |_| of_kind(RESPONSE_MEDIA_TYPE, std::fs::read(&place).expect("an answer"))).await;
    let certificates = authority(folder, &url, NOWHERE);
    std::fs::write(folder.join("answer.der"), made_beforehand(folder, number)).expect("a file");
    certificates
}

async fn asked([leaf, root]: &[Certificate; 2], at: Timestamp) -> Status {
    Statuses::new(client(Addresses::Any)).of(leaf, root, at).await
}

fn first(status: &Status) -> &OnlineError {
    let Status::Unknown(why) = status else { panic!("it is known: {status:?}") };
    &why[0]
}

#[tokio::test]
async fn an_answer_about_another_certificate_of_the_same_authority_says_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let certificates = repeating(folder.path(), 11).await;
    let status = asked(&certificates, now()).await;
    let OnlineError::CertificateStatus { source: OcspError::Malformed(why), .. } = first(&status) else {
        panic!("{status:?}")
    };
    assert!(why.contains("another certificate"), "{why}");
}

#[tokio::test]
async fn an_answer_without_a_nonce_counts_while_it_is_fresh_and_says_nothing_when_it_is_shown_again_later() {
    let folder = tempfile::tempdir().expect("a folder");
    let certificates = repeating(folder.path(), 10).await;
    let at = now();
    assert!(matches!(asked(&certificates, at).await, Status::Good(_)));
    let later = asked(&certificates, at.plus(MINUTE * 60 * 48)).await;
    assert!(matches!(first(&later), OnlineError::Outdated { .. }), "{later:?}");
}

#[tokio::test]
async fn a_clock_that_is_less_than_five_minutes_behind_is_borne_and_one_that_is_more_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = now();
    let certificates = repeating(folder.path(), 10).await;
    assert!(matches!(asked(&certificates, at.minus(MINUTE * 2)).await, Status::Good(_)));
    let behind = asked(&certificates, at.minus(MINUTE * 6)).await;
    assert!(matches!(first(&behind), OnlineError::Ahead { .. }), "{behind:?}");
}

#[tokio::test]
async fn a_responder_that_never_ends_its_answer_is_given_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = endless(RESPONSE_MEDIA_TYPE).await;
    let certificates = authority(folder.path(), &url, NOWHERE);
    let status = asked(&certificates, now()).await;
    assert!(matches!(first(&status), OnlineError::TooLarge { .. } | OnlineError::TooSlow { .. }), "{status:?}");
}
