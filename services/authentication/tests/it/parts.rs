//! Authorities that give their revocation lists in parts (RFC 5280 §5.2.5): what one part says no other one takes back.

use eseal_kernel::Digest;
use eseal_pki::Certificate;
use eseal_proto::authentication::v1 as pb;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CrlDistributionPoint,
    CrlIssuingDistributionPoint, CrlScope, DnType, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevokedCertParams, SerialNumber, date_time_ymd,
};
use sea_orm::ConnectionTrait as _;
use sea_orm::sea_query::Query;

use crate::bureau::*;
use crate::trust::{check, import, verification};

const HOLDER: pb::TrustPurpose = pb::TrustPurpose::Holder;
const PLACE: &str = "http://lists.example/1.crl";

/// An authority of others, and a holder whom it certified.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: Vec<u8>,
    holder: Certificate,
}

fn place() -> CrlDistributionPoint {
    CrlDistributionPoint { uris: vec![PLACE.to_owned()] }
}

fn named(name: &str, usages: &[KeyUsagePurpose]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2036, 1, 1));
    params.key_usages = usages.to_vec();
    params
}

impl Authority {
    fn new() -> Self {
        let (key, of_holder) = (KeyPair::generate().expect("a key"), KeyPair::generate().expect("a key"));
        let mut params = named("an authority", &[KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a certificate").der().to_vec();
        let issuer = Issuer::new(params, key);
        let mut params = named("a holder", &[KeyUsagePurpose::DigitalSignature]);
        params.distinguished_name.push(DnType::OrganizationName, LENOVO);
        params.serial_number = Some(SerialNumber::from(7));
        params.crl_distribution_points = vec![place()];
        let holder = params.signed_by(&of_holder, &issuer).expect("a certificate");
        Self { issuer, certificate, holder: Certificate::from_der(holder.der()).expect("a certificate") }
    }

    /// Its list of a day, or a part of it, that has the holder or nobody.
    fn list(&self, day: u8, part: Option<CrlScope>, revokes: bool) -> Vec<u8> {
        let (serial_number, revocation_time) = (SerialNumber::from(7), date_time_ymd(2027, 1, 1));
        let revoked = RevokedCertParams { serial_number, revocation_time, reason_code: None, invalidity_date: None };
        let part = part.map(|scope| CrlIssuingDistributionPoint { distribution_point: place(), scope: Some(scope) });
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2027, 1, day),
            next_update: date_time_ymd(2028, 1, 1),
            crl_number: SerialNumber::from(u64::from(day)),
            issuing_distribution_point: part,
            revoked_certs: if revokes { vec![revoked] } else { vec![] },
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).expect("a list").der().to_vec()
    }
}

const OF_PEOPLE: Option<CrlScope> = Some(CrlScope::UserCertsOnly);
const OF_AUTHORITIES: Option<CrlScope> = Some(CrlScope::CaCertsOnly);

#[tokio::test]
async fn a_revocation_counts_though_a_later_list_of_other_certificates_was_taken_in() {
    let (mut bureau, authority) = (Bureau::open().await, Authority::new());
    bureau.trusts(HOLDER, &authority.certificate).await.expect("trusted");
    bureau.later(DAY * 20);
    let standing = async |bureau: &Bureau| check(bureau, HOLDER, &authority.holder, LENOVO).await;
    assert_eq!(standing(&bureau).await, (true, String::new()));
    import(&bureau, &authority.list(2, OF_PEOPLE, true)).await.expect("imported");
    import(&bureau, &authority.list(3, OF_AUTHORITIES, false)).await.expect("imported");
    let revoked = (false, "CERTIFICATE_REVOKED".to_owned());
    assert_eq!(standing(&bureau).await, revoked);

    // So it was taken in by an earlier release, which did not say which part a list is.
    bureau.stops().await;
    let transaction = bureau.database.begin().await.expect("begun");
    let forgotten = Query::update().table("crl_content").value("part", None::<String>).take();
    transaction.execute(&forgotten).await.expect("changed");
    transaction.commit().await.expect("committed");
    bureau.restart().await;
    assert_eq!(standing(&bureau).await, revoked);
    import(&bureau, &authority.list(4, OF_AUTHORITIES, false)).await.expect("imported");
    assert_eq!(standing(&bureau).await, revoked);
}

#[tokio::test]
async fn of_each_part_the_newest_list_counts_and_a_whole_one_stands_for_all_that_are_older() {
    let (bureau, authority) = (Bureau::open().await, Authority::new());
    bureau.trusts(HOLDER, &authority.certificate).await.expect("trusted");
    bureau.later(DAY * 20);
    let lists = [
        authority.list(2, OF_PEOPLE, true),
        authority.list(3, OF_AUTHORITIES, false),
        authority.list(4, OF_PEOPLE, false),
        authority.list(5, None, true),
        authority.list(6, OF_PEOPLE, true),
    ];
    let digests = lists.clone().map(|list| Digest::of(&list).to_string());
    for (taken_in, expected) in [&[0][..], &[1, 0], &[2, 1], &[3], &[4, 3]].iter().enumerate() {
        import(&bureau, &lists[taken_in]).await.expect("imported");
        let request = pb::GetRevocationListsRequest::default();
        let told = verification(&bureau).get_revocation_lists(request).await.expect("told").into_inner();
        let expected: Vec<_> = expected.iter().map(|place| digests[*place].clone()).collect();
        assert_eq!(told.digests, expected, "{taken_in}");
    }
}
