//! Time stamps over HTTP.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use eseal_kernel::Clock;
use eseal_online::{OnlineError, TimeStampClient, TimeStampSettings, development};
use eseal_pki::chain::TrustStore;
use eseal_pki::tsp::{DevelopmentTsa, MAX_REQUEST, MAX_TOKEN, QUERY_MEDIA_TYPE, REPLY_MEDIA_TYPE};
use eseal_pki::{DigestAlg, Suite, TspError};

use crate::servers::{answering, development_tsa, listener, now, of_kind, openssl, run};

const IMPRINT: [u8; 32] = [7; 32];

fn client(authorities: Vec<String>, root: Option<&eseal_pki::Certificate>) -> TimeStampClient {
    let roots = root.map(|root| TrustStore::new(vec![root.clone()]));
    let settings = TimeStampSettings { authorities, roots, timeout: Duration::from_secs(5), tls_roots: Vec::new() };
    TimeStampClient::try_new(settings).expect("a client")
}

#[tokio::test]
async fn a_stamp_comes_from_an_authority_that_is_trusted() {
    for (suite, digest) in [(Suite::Sm2Sm3, DigestAlg::Sm3), (Suite::EcdsaP256Sha256, DigestAlg::Sha256)] {
        let (root, url) = development_tsa(suite).await;
        let token = client(vec![url], Some(&root)).stamp(digest, &IMPRINT).await.expect("a stamp");
        assert_eq!(token.info().imprint, IMPRINT);
        assert!((token.info().time.seconds() - now().seconds()).abs() < 60);
    }
}

#[tokio::test]
async fn the_next_authority_is_asked_where_one_fails_and_each_failure_is_told() {
    let (root, good) = development_tsa(Suite::EcdsaP256Sha256).await;
    let (_, strange) = development_tsa(Suite::EcdsaP256Sha256).await;
    let (gone, refused) = listener().await;
    drop(gone);
    let page = answering(|_| of_kind("text/html", b"<html>".to_vec())).await;
    let failing = answering(|_| StatusCode::SERVICE_UNAVAILABLE.into_response()).await;
    let garbage = answering(|_| of_kind(REPLY_MEDIA_TYPE, b"garbage".to_vec())).await;
    let huge = answering(|_| of_kind(REPLY_MEDIA_TYPE, vec![0x30; MAX_TOKEN + 1])).await;
    let moved = answering(|_| (StatusCode::FOUND, [("location", "http://127.0.0.1:1/")]).into_response()).await;
    let urls = vec!["ftp://a/".to_owned(), strange, refused, page, failing, garbage, huge, moved];

    let OnlineError::None(failed) =
        client(urls.clone(), Some(&root)).stamp(DigestAlg::Sha256, &IMPRINT).await.expect_err("no stamp")
    else {
        panic!("another error")
    };
    let kinds: Vec<bool> = vec![
        matches!(failed[0], OnlineError::Address { .. }),
        matches!(failed[1], OnlineError::TimeStamp { source: TspError::Untrusted(_), .. }),
        matches!(failed[2], OnlineError::Unreachable { .. }),
        matches!(failed[3], OnlineError::MediaType { .. }),
        matches!(failed[4], OnlineError::Status { status: 503, .. }),
        matches!(failed[5], OnlineError::TimeStamp { source: TspError::Malformed(_), .. }),
        matches!(failed[6], OnlineError::TooLarge { .. }),
        matches!(failed[7], OnlineError::Status { status: 302, .. }),
    ];
    assert_eq!(kinds, [true; 8], "{failed:?}");

    let all = urls.into_iter().chain([good]).collect();
    client(all, Some(&root)).stamp(DigestAlg::Sha256, &IMPRINT).await.expect("the last one gave it");
}

#[tokio::test]
async fn an_authority_that_does_not_answer_is_left_after_its_time() {
    let (silent, url) = listener().await; // it accepts, and says nothing
    let settings = TimeStampSettings {
        authorities: vec![url],
        timeout: Duration::from_millis(300),
        ..TimeStampSettings::default()
    };
    let client = TimeStampClient::try_new(settings).expect("a client");
    let OnlineError::None(failed) = client.stamp(DigestAlg::Sha256, &IMPRINT).await.expect_err("no stamp") else {
        panic!("another error")
    };
    assert!(matches!(failed[..], [OnlineError::TooSlow { .. }]), "{failed:?}");
    drop(silent);
}

#[tokio::test]
async fn an_old_answer_is_not_a_new_one() {
    let tsa = DevelopmentTsa::create(Suite::EcdsaP256Sha256, now()).expect("an authority");
    let root = tsa.root().clone();
    let request = eseal_pki::TimeStampRequest::try_new(DigestAlg::Sha256, &IMPRINT).expect("a request");
    let old = tsa.respond(&request.to_der(), now()).expect("an answer").to_der();
    let url = answering(move |_| of_kind(REPLY_MEDIA_TYPE, old.clone())).await;
    let OnlineError::None(failed) =
        client(vec![url], Some(&root)).stamp(DigestAlg::Sha256, &IMPRINT).await.expect_err("no stamp")
    else {
        panic!("another error")
    };
    assert!(matches!(failed[..], [OnlineError::TimeStamp { source: TspError::OtherNonce, .. }]), "{failed:?}");
}

#[tokio::test]
async fn openssl_verifies_what_the_development_authority_answers_over_http() {
    let (root, url) = development_tsa(Suite::EcdsaP256Sha256).await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("data"), b"the value of a signature").expect("a file");
    std::fs::write(path("root.pem"), root.to_pem()).expect("a file");
    openssl(folder.path(), "ts -query -data data -sha256 -cert -out query.tsq");
    let query = std::fs::read(path("query.tsq")).expect("a request");
    let http = reqwest::Client::new();
    let post = |kind: &'static str, body: Vec<u8>| http.post(&url).header("content-type", kind).body(body).send();
    let answer = post(QUERY_MEDIA_TYPE, query.clone()).await.expect("an answer");
    assert_eq!(answer.headers()["content-type"], REPLY_MEDIA_TYPE);
    std::fs::write(path("reply.tsr"), answer.bytes().await.expect("bytes")).expect("a file");
    let said = openssl(folder.path(), "ts -verify -queryfile query.tsq -in reply.tsr -CAfile root.pem");
    assert!(said.contains("Verification: OK"), "{said}");
    std::fs::write(path("data"), b"another value").expect("a file");
    assert!(!run(folder.path(), "ts -verify -data data -in reply.tsr -CAfile root.pem").status.success());

    assert_eq!(post("text/plain", query).await.expect("an answer").status(), 415);
    assert_eq!(post(QUERY_MEDIA_TYPE, vec![0; MAX_REQUEST + 1]).await.expect("an answer").status(), 413);
}

#[tokio::test]
async fn the_client_accepts_what_openssl_answers() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let config = "[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=stamper\n[x]\nextendedKeyUsage=critical,timeStamping\nkeyUsage=digitalSignature\n\
                  [tsa]\ndefault_tsa=own\n[own]\nserial=serial\nsigner_cert=tsa.pem\nsigner_key=tsa.key\nsigner_digest=sha256\ndefault_policy=1.2.3\n\
                  digests=sha256\ness_cert_id_alg=sha256\n";
    std::fs::write(path("a.cnf"), config).expect("a file");
    std::fs::write(path("serial"), "01\n").expect("a file");
    openssl(folder.path(), "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out tsa.key");
    openssl(folder.path(), "req -x509 -new -key tsa.key -days 10 -config a.cnf -extensions x -out tsa.pem");
    let pem = std::fs::read(path("tsa.pem")).expect("a certificate");
    let root = eseal_pki::Certificate::from_pem(&pem).expect("a certificate");
    let place = folder.path().to_owned();
    let url = answering(move |query| {
        std::fs::write(place.join("query.tsq"), &query).expect("a file");
        openssl(&place, "ts -reply -queryfile query.tsq -config a.cnf -out reply.tsr");
        of_kind(REPLY_MEDIA_TYPE, std::fs::read(place.join("reply.tsr")).expect("an answer"))
    })
    .await;
    let token = client(vec![url], Some(&root)).stamp(DigestAlg::Sha256, &IMPRINT).await.expect("a stamp");
    assert_eq!(token.certificates().len(), 1);
}

#[tokio::test]
async fn the_development_authority_listens_on_this_machine_only() {
    let tsa = DevelopmentTsa::create(Suite::EcdsaP256Sha256, now()).expect("an authority");
    let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.expect("a port");
    let refused = development::serve(vec![tsa], listener, Clock::System, std::future::pending()).await;
    assert!(matches!(refused, Err(OnlineError::NotLoopback(_))), "{refused:?}");
}

#[test]
fn a_client_without_authorities_is_none() {
    assert!(matches!(TimeStampClient::try_new(TimeStampSettings::default()), Err(OnlineError::NoAuthority)));
}
