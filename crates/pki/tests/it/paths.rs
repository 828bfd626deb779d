//! Chains that OpenSSL cannot judge: SM2, alone and mixed with others; and what building one may cost.

use eseal_pki::{
    Certificate, CertificateError, ChainError, MAKER_EKU, Purpose, SignatureAlgorithm, Suite, TrustStore, chain,
};

use crate::forge::{
    NOW, Party, algorithm, alternative, authority, constraints, dns, draft, extension, oid, plain, read, seq, signer,
    tlv, usages,
};
use crate::openssl::{Desk, IDENTITY, split_signed};

const SM2_WITH_SM3: &str = "1.2.156.10197.1.501";

fn trust(root: &[u8]) -> TrustStore {
    TrustStore::new(vec![read(root)])
}

/// Whether OpenSSL verifies each link by the issuer's key and SM2's usual identity, over the signed part as it lies there.
fn links_hold(desk: &Desk, chain: &[Certificate]) -> bool {
    chain.iter().zip(chain.iter().skip(1)).all(|(certificate, issuer)| {
        let (signed, value) = split_signed(certificate.der());
        desk.put("tbs", &signed);
        desk.put("sig", &value);
        desk.put_key("key.pem", &issuer.public_key().expect("a key").to_spki_der());
        let digest = match certificate.signature_algorithm().expect("a known algorithm") {
            SignatureAlgorithm::Sm2Sm3 => format!("-digest sm3 -pkeyopt {IDENTITY}"),
            other => format!("-digest {}", other.digest().expect("a digest").to_string().replace('-', "")),
        };
        let words = format!("pkeyutl -verify -pubin -inkey key.pem -rawin {digest} -in tbs -sigfile sig");
        desk.run(&words).status.success()
    })
}

#[test]
fn every_link_of_an_sm2_chain_and_of_mixed_chains_is_one_for_openssl_too() {
    use Suite::{EcdsaP256Sha256 as P256, EcdsaP384Sha384 as P384, RsaSha256 as Rsa, Sm2Sm3 as Sm2};
    let desk = Desk::new();
    for suites in [[Sm2; 3], [Sm2, P256, Sm2], [P256, Sm2, P256], [Rsa, Sm2, P384], [Sm2, Rsa, Sm2]] {
        let [root, middle, leaf] = [("root", suites[0]), ("middle", suites[1]), ("leaf", suites[2])]
            .map(|(name, suite)| Party::with(suite, plain(name)));
        let own = draft(&root, &authority(None)).sign(&root);
        let pool = [read(&draft(&middle, &authority(None)).sign(&root))];
        let leaf = read(&draft(&leaf, &signer()).sign(&middle));
        let found = chain::build_at(&leaf, &pool, &trust(&own), Some(NOW)).expect("a chain");
        assert_eq!(found.certificates().len(), 3);
        assert_eq!(found.valid_at(NOW), Ok(()));
        assert!(links_hold(&desk, found.certificates()), "{suites:?}");

        let mut changed = leaf.der().to_vec();
        changed[60] ^= 1; // within the names or the times
        if let Ok(changed) = Certificate::from_der(&changed) {
            assert!(chain::build(&changed, &pool, &trust(&own)).is_err(), "{suites:?}");
            assert!(!links_hold(&desk, &[changed, pool[0].clone()]), "{suites:?}");
        }
    }
}

#[test]
fn sm2_signatures_hold_with_absent_and_with_null_parameters_in_either_place() {
    let desk = Desk::new();
    let [root, leaf] = ["root", "leaf"].map(|name| Party::with(Suite::Sm2Sm3, plain(name)));
    let own = draft(&root, &authority(None)).sign(&root);
    let absent = algorithm(&root.key);
    let null = seq(&[oid(SM2_WITH_SM3), tlv(5, &[])]);
    for (inner, outer) in [(&absent, &absent), (&null, &null), (&absent, &null), (&null, &absent)] {
        let leaf = draft(&leaf, &signer()).with_algorithms(inner.clone(), outer.clone()).sign(&root);
        let found = chain::build(&read(&leaf), &[], &trust(&own)).expect("a chain");
        assert!(links_hold(&desk, found.certificates()));
    }
    let ecdsa = seq(&[oid("1.2.840.10045.4.3.2")]);
    let two = draft(&leaf, &signer()).with_algorithms(absent, ecdsa).sign(&root);
    let refused = Certificate::from_der(&two);
    assert_eq!(refused.err(), Some(CertificateError::Malformed("two different signature algorithms")));
}

#[test]
fn a_signature_of_one_suite_is_none_of_another() {
    let [root, leaf] = [("root", Suite::Sm2Sm3), ("leaf", Suite::EcdsaP256Sha256)]
        .map(|(name, suite)| Party::with(suite, plain(name)));
    let ecdsa = seq(&[oid("1.2.840.10045.4.3.2")]);
    let own = draft(&root, &authority(None)).sign(&root);
    let mislabeled = draft(&leaf, &signer()).with_algorithms(ecdsa.clone(), ecdsa).sign(&root);
    let refused = chain::build(&read(&mislabeled), &[], &trust(&own)).expect_err("another algorithm");
    assert!(matches!(&refused, ChainError::BadSignature { subject } if subject == "CN=leaf, O=eseal"), "{refused}");
}

#[test]
fn an_authority_that_certifies_for_other_usages_makes_no_makers_and_no_holders_of_these() {
    const MAIL: &str = "1.3.6.1.5.5.7.3.4";
    const STAMPS: &str = "1.3.6.1.5.5.7.3.8";
    const ANY: &str = "2.5.29.37.0";
    let maker = MAKER_EKU.to_string();
    let [root, middle, leaf] = ["root", "middle", "leaf"].map(Party::new);
    let own = draft(&root, &authority(None)).sign(&root);
    let with = |own: Vec<Vec<u8>>, list: &[&str]| {
        if list.is_empty() { own } else { [own, vec![usages(list)]].concat() }
    };
    let allowed = |above: &[&str], listed: &[&str], purpose| {
        let pool = [read(&draft(&middle, &with(authority(None), above)).sign(&root))];
        let leaf = read(&draft(&leaf, &with(signer(), listed)).sign(&middle));
        let found = chain::build(&leaf, &pool, &trust(&own)).expect("a chain").check_purpose(purpose);
        if let Err(error) = &found {
            assert_eq!((error.subject(), error.clause()), (Some("CN=middle, O=eseal"), Some("4.2.1.12")), "{error}");
        }
        found.is_ok()
    };
    assert!(allowed(&[], &[&maker], Purpose::Maker));
    assert!(allowed(&[&maker], &[&maker], Purpose::Maker));
    assert!(allowed(&[ANY], &[&maker], Purpose::Maker));
    assert!(!allowed(&[MAIL], &[&maker], Purpose::Maker), "it certifies people who write letters");
    assert!(allowed(&[MAIL], &[], Purpose::Holder));
    assert!(allowed(&[MAIL, STAMPS], &[MAIL, "1.2.3"], Purpose::Holder), "one of its usages");
    assert!(allowed(&[MAIL], &[ANY], Purpose::Holder));
    assert!(!allowed(&[STAMPS], &[MAIL], Purpose::Holder));
}

#[test]
fn a_certificate_of_a_megabyte_is_not_read() {
    let leaf = Party::new("leaf");
    let huge = extension("1.2.3.4.5", false, &vec![0; 1_000_000]);
    let der = draft(&leaf, &[huge]).sign(&leaf);
    assert!(der.len() > 1_000_000);
    assert_eq!(Certificate::from_der(&der).err(), Some(CertificateError::TooLarge));
}

#[test]
fn names_and_constraints_beyond_count_are_given_up_and_not_compared() {
    let [root, middle, leaf] = ["root", "middle", "leaf"].map(Party::new);
    let own = draft(&root, &authority(None)).sign(&root);
    let hosts = |from: u32| (from..from + 900).map(|number| dns(&format!("a{number}.test"))).collect::<Vec<_>>();
    let limited = [authority(None), vec![constraints(&[], &hosts(5_000))]].concat();
    let pool = [read(&draft(&middle, &limited).sign(&root))];
    let leaf = read(&draft(&leaf, &[signer(), vec![alternative(&hosts(0))]].concat()).sign(&middle));
    let refused = chain::build(&leaf, &pool, &trust(&own)).expect_err("810 000 comparisons");
    assert_eq!(refused, ChainError::TooManyCertificates);
}

#[test]
fn of_two_issuers_the_one_with_the_key_identifier_that_a_certificate_names_is_taken() {
    let [root, middle, leaf] = ["root", "middle", "leaf"].map(Party::new);
    let own = draft(&root, &authority(None)).sign(&root);
    let right = read(&draft(&middle, &authority(None)).sign(&root));
    let other = read(&draft(&middle, &authority(None)).with_subject_key(&[7; 20]).sign(&root));
    let leaf = read(&draft(&leaf, &signer()).sign(&middle));
    for pool in [[right.clone(), other.clone()], [other, right.clone()]] {
        let found = chain::build(&leaf, &pool, &trust(&own)).expect("a chain");
        assert_eq!(found.certificates()[1], right);
    }
}
