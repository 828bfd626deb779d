//! A seal is made, and what is left of that.

use eseal_eventstore::rebuild;
use eseal_fabrication::{Config, SealVersion, projectors};
use eseal_kernel::Digest;
use eseal_proto::fabrication::v1 as pb;
use eseal_seal::{CertificateList, Seal, SealInfo, Version};
use eseal_service::Role;
use tonic::Code;

use crate::cards::Card;
use crate::workshop::*;

#[tokio::test]
async fn a_made_seal_is_genuine_and_says_what_was_ordered() {
    let workshop = Workshop::open().await;
    let made = made(&workshop).await;
    let seal = Seal::from_der(&made.seal).expect("a seal");
    seal.verify_value().expect("genuine");
    assert_eq!(seal.maker_certificate().expect("a maker").der(), made.maker.certificate().der());
    let info = seal.info();
    assert_eq!((info.es_id.as_str(), info.name.as_str(), info.seal_type), (made.seal_id.as_str(), SEAL_NAME, 5));
    assert_eq!((info.picture.data.as_slice(), info.picture.kind.as_str()), (PICTURE, "PNG"));
    assert_eq!((info.picture.width_mm, info.picture.height_mm), (20, 21));
    assert_eq!((info.created, info.valid_from), (now(), now()));
}

#[tokio::test]
async fn a_seal_is_of_the_generation_that_the_settings_name() {
    let mut workshop = Workshop::open().await;
    for (generation, version) in [(SealVersion::V4, Version::V4), (SealVersion::V5, Version::V5)] {
        workshop.stops().await;
        let config = Config { seal_version: generation, ..workshop.config() };
        workshop.starts_with(config).await.expect("started");
        let made = made_with(&workshop, &format!("M{generation:?}"), &format!("S{generation:?}")).await;
        let seal = Seal::from_der(&made.seal).expect("a seal");
        seal.verify_value().expect("genuine");
        assert_eq!((seal.version(), seal.info().es_id.as_str()), (version, made.seal_id.as_str()));
        assert_eq!(SealInfo::from_exact_der(seal.info_der()), Ok((seal.info().clone(), version)));
    }
    let refused = SealVersion::try_from(3).expect_err("refused");
    assert!(refused.to_string().contains("version 3"), "{refused}");
}

#[tokio::test]
async fn a_made_seal_lists_the_sm2_certificate_first() {
    let workshop = Workshop::open().await;
    let made = made(&workshop).await;
    let seal = Seal::from_der(&made.seal).expect("a seal");
    let CertificateList::Certificates(listed) = &seal.info().certificates else { panic!("digests") };
    let listed: Vec<Digest> = listed.iter().map(|der| Digest::of(der)).collect();
    assert_eq!(listed, made.holder.digests());
    let said: pb::SealFabricated = workshop.said(&made.application, "SealFabricated").await;
    assert_eq!(said.certificate_digests, listed.iter().map(ToString::to_string).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_history_tells_how_a_seal_was_made_and_of_which_application() {
    let workshop = Workshop::open().await;
    let made = made(&workshop).await;
    let kinds =
        ["FabricationQueued", "RunBegun", "MakerCardProved", "SealCardAccepted", "SealSigned", "SealFabricated"];
    assert_eq!(workshop.kinds(&made.application).await, kinds);
    for event in workshop.events_of(&made.application).await {
        assert_eq!((&event.correlation_id, &event.subject), (&made.application, &made.application));
    }
    let said: pb::SealFabricated = workshop.said(&made.application, "SealFabricated").await;
    assert_eq!((said.seal_id.as_str(), said.seal_digest), (made.seal_id.as_str(), Digest::of(&made.seal).to_string()));
    assert_eq!((said.card_serial.as_str(), said.particulars), ("S1", Some(particulars())));
    let shown = workshop.shown(&made.application).await;
    assert_eq!((shown.state(), shown.seal_id), (pb::FabricationState::Made, made.seal_id));
}

#[tokio::test]
async fn no_event_holds_personal_data_a_certificate_or_a_picture() {
    let workshop = Workshop::open().await;
    let made = made(&workshop).await;
    let cards = made.holder.keys.iter().chain(&made.maker.keys);
    let mut secrets: Vec<Vec<u8>> = cards.map(|(_, certificate)| certificate.der().to_vec()).collect();
    secrets.extend([PICTURE.to_vec(), made.seal]);
    for event in workshop.events().await {
        let text = format!("{}\n{}", event.envelope_text(), String::from_utf8(event.payload).expect("JSON"));
        assert!(!text.contains(SEAL_NAME), "{} holds the name of a personal seal", event.kind);
        for secret in &secrets {
            let hex = hex::encode(&secret[..16]);
            assert!(!text.contains(&hex) && text.len() < 3_000, "{} holds a content", event.kind);
        }
    }
}

#[tokio::test]
async fn contents_lie_encrypted_in_the_database() {
    let mut workshop = Workshop::open_in_a_file().await;
    let made = made(&workshop).await;
    let file = workshop.database_file();
    workshop.stops().await; // everything is in the file now
    let mut stored = std::fs::read(&file).expect("the database");
    stored.extend(std::fs::read(file.with_extension("db-wal")).unwrap_or_default());
    let holds = |bytes: &[u8]| stored.windows(bytes.len()).any(|window| window == bytes);
    assert!(holds(made.application.as_bytes()), "the file is the database");
    assert!(!holds(&made.seal[..64]) && !holds(&made.seal[200..264]), "the seal");
    assert!(!holds(PICTURE) && !holds(SEAL_NAME.as_bytes()), "what is in the seal");
    assert!(!holds(&made.maker.certificate().der()[..64]), "a certificate");
}

#[tokio::test]
async fn authentication_and_nobody_else_is_given_a_made_seal() {
    let workshop = Workshop::open().await;
    let made = made(&workshop).await;
    let request = pb::GetSealRequest { digest: Digest::of(&made.seal).to_string() };
    let given = workshop.service("authentication").get_seal(request.clone()).await.expect("given").into_inner();
    assert_eq!(given.seal, made.seal);
    let refused = workshop.service("verification").get_seal(request.clone()).await;
    assert_eq!(refused.expect_err("refused").code(), Code::PermissionDenied);
    let refused = workshop.maker("zhang").get_seal(request).await;
    assert_eq!(refused.expect_err("refused").code(), Code::PermissionDenied);
}

#[tokio::test]
async fn only_seals_are_given_by_their_digest() {
    let workshop = Workshop::open().await;
    let made = made(&workshop).await;
    let info = Digest::of(Seal::from_der(&made.seal).expect("a seal").info_der());
    let certificate = made.maker.certificate().fingerprint();
    for digest in [info, certificate, Digest::of(b"nothing")] {
        let request = pb::GetSealRequest { digest: digest.to_string() };
        let answer = workshop.service("authentication").get_seal(request).await;
        assert_refused(answer, Code::NotFound, "SEAL_CONTENT_NOT_FOUND");
    }
    let request = pb::GetSealRequest { digest: "abc".to_owned() };
    assert_eq!(violation(workshop.service("authentication").get_seal(request).await), "digest");
}

#[tokio::test]
async fn a_rebuild_gives_the_same_lists_and_the_same_claims() {
    let workshop = Workshop::open().await;
    let made = made(&workshop).await;
    let waiting = workshop.approved().await;
    begin(workshop.maker("zhang"), &waiting, "").await.expect_err("no maker card");
    let before = everything(&workshop).await;
    rebuild(workshop.database(), &projectors()).await.expect("rebuilt");
    assert_eq!(everything(&workshop).await, before);
    let mut run = begin(workshop.maker("zhang"), &waiting, "M1").await.expect("begun");
    run.presents_maker(made.maker.proves(&run.terms)).await.expect("still issued");
    assert_refused(run.presents(&made.holder).await, Code::FailedPrecondition, "CARD_IN_USE");
}

struct Made {
    application: String,
    seal_id: String,
    seal: Vec<u8>,
    maker: Card,
    holder: Card,
}

async fn made(workshop: &Workshop) -> Made {
    made_with(workshop, "M1", "S1").await
}

/// Made with a maker card and for a seal card of these serials, which no other has.
async fn made_with(workshop: &Workshop, maker_card: &str, seal_card: &str) -> Made {
    let (maker, holder) = (workshop.issued(maker_card).await, Card::holder(seal_card, LENOVO));
    let application = workshop.approved().await;
    let mut run = begin(workshop.maker("zhang"), &application, maker_card).await.expect("begun");
    let seal = run.makes(&maker, &holder).await.expect("made");
    Made { application, seal_id: run.seal_id, seal, maker, holder }
}

/// All that the lists show.
async fn everything(workshop: &Workshop) -> (Vec<pb::Fabrication>, Vec<pb::Run>, Vec<pb::MakerCard>) {
    let mut auditor = workshop.person("audit", Role::Auditor, None);
    let fabrications = auditor.list_fabrications(pb::ListFabricationsRequest::default()).await.expect("listed");
    let runs = auditor.list_runs(pb::ListRunsRequest::default()).await.expect("listed");
    let mut cards = workshop.maker_cards(Role::Auditor);
    let cards = cards.list_maker_cards(pb::ListMakerCardsRequest::default());
    (
        fabrications.into_inner().fabrications,
        runs.into_inner().runs,
        cards.await.expect("listed").into_inner().maker_cards,
    )
}
