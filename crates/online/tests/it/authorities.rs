//! Authorities for development over HTTP, before OpenSSL and before us.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use eseal_kernel::Clock;
use eseal_online::{NamedCa, authorities};
use eseal_pki::ca::{Addresses, CaFiles};
use eseal_pki::{Certificate, Crl, DeltaCrl, DevelopmentCa, Purpose, RevocationReason, SigningKey, Subject, Suite};
use zeroize::Zeroizing;

use crate::servers::{listener, now, openssl, run};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A root and an authority under it, served as their files say at each moment.
struct World {
    url: String,
    files: Arc<Mutex<Vec<(String, CaFiles)>>>,
}

fn again(files: &CaFiles) -> DevelopmentCa {
    DevelopmentCa::from_files(files).expect("an authority")
}

impl World {
    async fn open(suite: Suite) -> Self {
        let (listener, url) = listener().await;
        let root = DevelopmentCa::create_root(suite, "DEVELOPMENT root", Purpose::Holder, 1, now()).expect("a root");
        let root = root.at(authorities::addresses(&url, "root"));
        let below = DevelopmentCa::create_under(&root, suite, "DEVELOPMENT holders", now()).expect("an authority");
        let stored = |name: &str, ca: &DevelopmentCa| (name.to_owned(), ca.to_files(now()).expect("files"));
        let files = Arc::new(Mutex::new(vec![stored("root", &root), stored("holders", &below)]));
        let kept = files.clone();
        let source = move || {
            let files = kept.lock().expect("the files");
            let named = files.iter().map(|(name, files)| NamedCa { name: name.clone(), ca: again(files) });
            Ok::<_, Infallible>(named.collect())
        };
        tokio::spawn(authorities::serve(source, listener, Clock::System, std::future::pending()));
        Self { url, files }
    }

    fn ca(&self, place: usize) -> DevelopmentCa {
        again(&self.files.lock().expect("the files")[place].1)
    }

    fn issue(&self, suite: Suite) -> Certificate {
        let key = SigningKey::generate(suite).expect("a key").public_key();
        let ca = self.ca(1).at(authorities::addresses(&self.url, "holders"));
        ca.issue(&key, &Subject::named("holder"), DAY, now()).expect("a certificate")
    }

    fn revoke(&self, certificate: &Certificate) {
        let mut ca = self.ca(1);
        ca.revoke(&certificate.serial_hex(), RevocationReason::KeyCompromise, now());
        self.files.lock().expect("the files")[1].1 = ca.to_files(now()).expect("files");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_asks_our_responder_and_takes_our_lists() {
    let suite = Suite::EcdsaP256Sha256;
    let world = World::open(suite).await;
    let [good, bad] = [world.issue(suite), world.issue(suite)];
    world.revoke(&bad);
    let folder = tempfile::tempdir().expect("a folder");
    let put = |name: &str, text: String| std::fs::write(folder.path().join(name), text).expect("written");
    put("root.pem", world.ca(0).certificate().to_pem());
    put("holders.pem", world.ca(1).certificate().to_pem());
    let get = |path: &str| {
        let url = format!("{}{path}", world.url);
        async move { reqwest::get(url).await.expect("an answer").bytes().await.expect("bytes").to_vec() }
    };
    let lists = [Crl::from_der(&get("root.crl").await), Crl::from_der(&get("holders.crl").await)];
    put("lists.pem", lists.into_iter().map(|list| list.expect("a list").to_pem()).collect());
    for (certificate, said) in [(&good, "leaf.pem: good"), (&bad, "leaf.pem: revoked")] {
        put("leaf.pem", certificate.to_pem());
        let ask = format!("ocsp -issuer holders.pem -cert leaf.pem -CAfile root.pem -url {}ocsp", world.url);
        let answer = openssl(folder.path(), &ask);
        assert!(answer.contains("Response verify OK") && answer.contains(said), "{answer}");
        assert!(!answer.contains("WARNING: no nonce"), "{answer}");

        let verify =
            "verify -x509_strict -crl_check_all -CAfile root.pem -untrusted holders.pem -CRLfile lists.pem leaf.pem";
        assert_eq!(run(folder.path(), verify).status.success(), certificate == &good);
    }
    assert_eq!(Certificate::from_der(&get("holders.crt").await).as_ref(), Ok(world.ca(1).certificate()));
    assert_eq!(reqwest::get(format!("{}nobody.crl", world.url)).await.expect("an answer").status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_say_where_they_are_asked_about_and_the_changes_fit_an_older_list() {
    for suite in [Suite::Sm2Sm3, Suite::EcdsaP256Sha256] {
        let world = World::open(suite).await;
        let certificate = world.issue(suite);
        let below = world.ca(1);
        assert_eq!(certificate.ocsp_urls(), [format!("{}ocsp", world.url)]);
        assert_eq!(certificate.crl_urls().collect::<Vec<_>>(), [format!("{}holders.crl", world.url)]);
        assert_eq!(certificate.issuer_urls(), [format!("{}holders.crt", world.url)]);
        assert_eq!(below.certificate().crl_urls().collect::<Vec<_>>(), [format!("{}root.crl", world.url)]);
        assert_eq!(below.above(), [world.ca(0).certificate().clone()]);
        for one in [&certificate, below.certificate(), world.ca(0).certificate()] {
            assert!(one.is_for_development(), "{one:?}");
        }

        let earlier = below.crl(now().minus(Duration::from_secs(60))).expect("a list");
        world.revoke(&certificate);
        let changes = reqwest::get(format!("{}holders.changes.crl", world.url)).await.expect("an answer");
        let changes = DeltaCrl::from_der(&changes.bytes().await.expect("bytes")).expect("changes");
        assert_eq!(earlier.revocation_of(&certificate), None);
        let updated = earlier.updated(&changes).expect("they fit");
        assert_eq!(updated.verify(below.certificate()), Ok(()));
        assert!(updated.revocation_of(&certificate).is_some(), "{suite}");
    }
}

#[test]
fn an_authority_under_a_root_comes_back_from_its_files() {
    let root = DevelopmentCa::create_root(Suite::Sm2Sm3, "root", Purpose::Maker, 1, now()).expect("a root");
    let below = DevelopmentCa::create_under(&root, Suite::EcdsaP256Sha256, "makers", now()).expect("an authority");
    let files = below.to_files(now()).expect("files");
    let texts = CaFiles { key: Zeroizing::new(files.key.to_string()), ..files };
    let read = again(&texts).at(Addresses::default());
    assert_eq!((read.certificate(), read.above()), (below.certificate(), below.above()));
    assert_eq!(read.purpose(), Purpose::Maker);
}
