//! The folder of a development CA, and what others make of its certificates.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use eseal_devpki::{DevPki, DevPkiError, NAMES, Request};
use eseal_kernel::{Clock, Timestamp};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use tempfile::TempDir;

fn now() -> Timestamp {
    Timestamp::from_seconds(1_800_000_000)
}

fn created(names: &[&str]) -> (TempDir, DevPki) {
    let folder = tempfile::tempdir().expect("a folder");
    let pki = DevPki::create(folder.path(), names, Clock::fixed(now())).expect("a CA");
    (folder, pki)
}

/// Whether rustls takes the certificate in `folder/<name>` for a server of this name at that moment, and for a client.
fn is_taken(folder: &Path, name: &str, server: &str, at: Timestamp) -> (bool, bool) {
    let read = |file: &str| CertificateDer::from_pem_file(folder.join(name).join(file)).expect("a certificate");
    let mut roots = RootCertStore::empty();
    roots.add(read("ca.crt")).expect("a root");
    let (roots, provider) = (Arc::new(roots), Arc::new(aws_lc_rs::default_provider()));
    let seconds = u64::try_from(at.seconds()).expect("after 1970");
    let (certificate, at) = (read("tls.crt"), UnixTime::since_unix_epoch(Duration::from_secs(seconds)));
    let servers = WebPkiServerVerifier::builder_with_provider(roots.clone(), provider.clone()).build().expect("roots");
    let clients = WebPkiClientVerifier::builder_with_provider(roots, provider).build().expect("roots");
    let server = ServerName::try_from(server.to_owned()).expect("a name");
    (
        servers.verify_server_cert(&certificate, &[], &server, &[], at).is_ok(),
        clients.verify_client_cert(&certificate, &[], at).is_ok(),
    )
}

#[test]
fn a_certificate_is_good_for_servers_and_clients_by_its_names_and_no_others() {
    let (folder, _) = created(&["application", "gateway"]);
    for server in ["application.eseal", "application", "localhost", "127.0.0.1", "::1"] {
        assert_eq!(is_taken(folder.path(), "application", server, now()), (true, true), "{server}");
    }
    for server in ["gateway.eseal", "eseal", "a.application.eseal", "127.0.0.2"] {
        assert_eq!(is_taken(folder.path(), "application", server, now()), (false, true), "{server}");
    }
}

#[test]
fn a_certificate_ends_after_its_lifetime_and_forgives_a_clock_that_is_behind() {
    let (folder, pki) = created(&[]);
    let request =
        Request { extra: vec!["eseal.test".to_owned(), "10.1.2.3".to_owned()], lifetime: Duration::from_secs(60) };
    pki.store(folder.path(), "gateway", &request).expect("stored");
    for (at, good) in [
        (now().minus(Duration::from_secs(3_500)), true),
        (now().minus(Duration::from_secs(3_700)), false),
        (now().plus(Duration::from_secs(59)), true),
        (now().plus(Duration::from_secs(61)), false),
    ] {
        assert_eq!(is_taken(folder.path(), "gateway", "eseal.test", at), (good, good), "{at}");
        assert_eq!(is_taken(folder.path(), "gateway", "10.1.2.3", at), (good, good), "{at}");
    }
}

#[test]
fn openssl_reads_the_subject_as_nats_does_and_checks_the_chain() {
    let (folder, _) = created(&["bus"]);
    let openssl = |arguments: &[&str]| {
        let run = Command::new("openssl").current_dir(folder.path()).args(arguments).output().expect("openssl");
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        String::from_utf8(run.stdout).expect("text")
    };
    let subject = openssl(&["x509", "-in", "bus/tls.crt", "-noout", "-subject", "-nameopt", "RFC2253"]);
    assert_eq!(subject.trim(), "subject=CN=bus.eseal,O=eseal");
    let at = now().seconds().to_string();
    openssl(&["verify", "-attime", &at, "-x509_strict", "-purpose", "sslserver", "-CAfile", "ca.crt", "bus/tls.crt"]);
}

#[test]
fn keys_are_for_their_owner_alone_and_certificates_for_all() {
    let (folder, _) = created(&["application"]);
    let mode = |file: &str| {
        let metadata = std::fs::metadata(folder.path().join(file)).expect("a file");
        metadata.permissions().mode() & 0o777
    };
    assert_eq!((mode("ca.key"), mode("application/tls.key")), (0o600, 0o600));
    assert_eq!((mode("ca.crt"), mode("application/tls.crt"), mode("application/ca.crt")), (0o644, 0o644, 0o644));
}

#[test]
fn a_folder_opened_again_renews_what_the_same_roots_take() {
    let (folder, _) = created(&["application"]);
    let before = std::fs::read(folder.path().join("application/tls.crt")).expect("read");
    let later = now().plus(Duration::from_secs(300 * 86_400));
    let pki = DevPki::open(folder.path(), Clock::fixed(later)).expect("the CA");
    pki.store(folder.path(), "application", &Request::default()).expect("renewed");
    assert_ne!(std::fs::read(folder.path().join("application/tls.crt")).expect("read"), before);
    assert_eq!(is_taken(folder.path(), "application", "application.eseal", later), (true, true));
}

#[test]
fn a_ca_is_not_replaced_and_one_that_is_not_there_is_told() {
    let (folder, _) = created(&[]);
    let again = DevPki::create(folder.path(), &[], Clock::fixed(now()));
    assert!(matches!(again, Err(DevPkiError::Exists(_))));
    let empty = tempfile::tempdir().expect("a folder");
    assert!(matches!(DevPki::open(empty.path(), Clock::fixed(now())), Err(DevPkiError::Missing(_))));
}

#[test]
fn a_name_that_could_leave_the_folder_or_the_domain_is_refused() {
    let (folder, pki) = created(&[]);
    for name in ["", "..", "a/b", "a.b", "A", "-a", "a-", "*", "ä", "a b", "a".repeat(51).as_str()] {
        let refused = pki.store(folder.path(), name, &Request::default());
        assert!(matches!(refused, Err(DevPkiError::Name(_))), "{name}");
        let empty = tempfile::tempdir().expect("a folder");
        assert!(
            matches!(DevPki::create(empty.path(), &[name], Clock::fixed(now())), Err(DevPkiError::Name(_))),
            "{name}"
        );
        assert_eq!(std::fs::read_dir(empty.path()).expect("a folder").count(), 0, "nothing was begun for {name}");
    }
    assert!(NAMES.iter().all(|name| pki.issue(name, &Request::default()).is_ok()));
}
