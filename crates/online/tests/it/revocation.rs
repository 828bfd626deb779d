//! Certificate status and revocation lists over HTTP, at the addresses that certificates name.

use std::path::Path;
use std::time::Duration;

use eseal_online::{Addresses, OnlineError, RevocationClient};
use eseal_pki::ocsp::{CertificateStatus, RESPONSE_MEDIA_TYPE};
use eseal_pki::{Certificate, OcspError};

use crate::servers::{answering, of_kind, openssl};

pub fn client(addresses: Addresses) -> RevocationClient {
    RevocationClient::try_new(Duration::from_secs(5), addresses).expect("a client")
}

/// A CA of OpenSSL's whose certificate number 10 names these addresses, and which revoked it.
pub fn authority(folder: &Path, ocsp: &str, list: &str) -> [Certificate; 2] {
    let config = format!(
        "[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=root\n[root]\nbasicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign,cRLSign\n\
         [leaf]\nkeyUsage=critical,digitalSignature\nauthorityInfoAccess=OCSP;URI:{ocsp}\ncrlDistributionPoints=URI:{list}\n\
         [ca]\ndefault_ca=own\n[own]\ndatabase=index.txt\ndefault_md=sha256\ndefault_crl_days=3\n"
    );
    std::fs::write(folder.join("ca.cnf"), config).expect("a file");
    std::fs::write(folder.join("index.txt"), "R\t491231235959Z\t260101120000Z,superseded\t0A\tunknown\t/CN=leaf\n")
        .expect("a file");
    for name in ["root", "leaf"] {
        openssl(folder, &format!("genpkey -algorithm EC -pkeyopt group:P-256 -out {name}.key"));
    }
    openssl(folder, "req -x509 -new -key root.key -days 10 -config ca.cnf -extensions root -out root.pem");
    openssl(folder, "req -new -key leaf.key -subj /CN=leaf -config ca.cnf -out leaf.csr");
    openssl(
        folder,
        "x509 -req -in leaf.csr -CA root.pem -CAkey root.key -days 5 -set_serial 10 -extfile ca.cnf -extensions leaf -out leaf.pem",
    );
    openssl(folder, "ca -gencrl -config ca.cnf -keyfile root.key -cert root.pem -out list.pem");
    ["leaf.pem", "root.pem"]
        .map(|name| Certificate::from_pem(&std::fs::read(folder.join(name)).expect("a file")).expect("a certificate"))
}

pub fn responder(folder: &Path) -> impl Fn(axum::body::Bytes) -> axum::response::Response + Send + Sync + use<> {
    let folder = folder.to_owned();
    move |request| {
        std::fs::write(folder.join("req.der"), &request).expect("a file");
        openssl(
            &folder,
            "ocsp -index index.txt -CA root.pem -rsigner root.pem -rkey root.key -reqin req.der -respout resp.der -ndays 1",
        );
        of_kind(RESPONSE_MEDIA_TYPE, std::fs::read(folder.join("resp.der")).expect("an answer"))
    }
}

pub fn lists(folder: &Path) -> impl Fn(axum::body::Bytes) -> axum::response::Response + Send + Sync + use<> {
    let folder = folder.to_owned();
    move |_| of_kind("application/octet-stream", std::fs::read(folder.join("list.pem")).expect("a list"))
}

#[tokio::test]
async fn what_openssl_says_about_a_certificate_is_gathered_from_the_responder_that_it_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = answering(responder(folder.path())).await;
    let chain = authority(folder.path(), &url, "http://127.0.0.1:1/");
    assert_eq!((chain[0].ocsp_urls(), chain[0].crl_urls().count()), (&[url][..], 1));
    let gathered = client(Addresses::Any).gather(&chain).await;
    assert!(gathered.failed.is_empty(), "{:?}", gathered.failed);
    assert_eq!((gathered.evidence.certificates.len(), gathered.evidence.crls.len()), (2, 0));
    let statement = gathered.evidence.ocsps[0].statement_about(&chain[0], &chain[1]).expect("about it");
    assert!(matches!(statement.status, CertificateStatus::Revoked(_)));
}

#[tokio::test]
async fn the_list_is_fetched_where_the_responder_fails() {
    let folder = tempfile::tempdir().expect("a folder");
    let broken = answering(|_| of_kind(RESPONSE_MEDIA_TYPE, vec![0x30, 3, 0x0a, 1, 3])).await;
    let url = answering(lists(folder.path())).await;
    let chain = authority(folder.path(), &broken, &url);
    let gathered = client(Addresses::Any).gather(&chain).await;
    assert!(gathered.failed.is_empty(), "{:?}", gathered.failed);
    assert_eq!((gathered.evidence.ocsps.len(), gathered.evidence.crls.len()), (0, 1));
    assert!(gathered.evidence.crls[0].revocation_of(&chain[0]).is_some());
}

#[tokio::test]
async fn an_answer_about_another_certificate_or_by_somebody_else_is_refused() {
    let (mine, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let foreign = answering(responder(other.path())).await;
    let [leaf, root] = authority(mine.path(), &foreign, "http://127.0.0.1:1/");
    authority(other.path(), &foreign, "http://127.0.0.1:1/");
    let refused = client(Addresses::Any).status(&foreign, &leaf, &root).await.expect_err("another CA's responder");
    assert!(
        matches!(
            refused,
            OnlineError::CertificateStatus { source: OcspError::BadSignature | OcspError::NotAuthorized(_), .. }
        ),
        "{refused:?}"
    );
    let gathered = client(Addresses::Any).gather(&[leaf, root]).await;
    assert_eq!(gathered.failed.len(), 2, "the responder and the list: {:?}", gathered.failed);
    assert!(gathered.evidence.ocsps.is_empty());
}

#[tokio::test]
async fn addresses_within_this_network_are_not_asked_unless_allowed() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = answering(responder(folder.path())).await;
    let by_name = url.replace("127.0.0.1", "localhost");
    let chain = authority(folder.path(), &url, &by_name);
    let gathered = client(Addresses::Public).gather(&chain).await;
    assert!(
        matches!(gathered.failed[..], [OnlineError::NotPublic { .. }, OnlineError::Unreachable { .. }]),
        "{:?}",
        gathered.failed
    );
}
