//! People of an organization see and change what is its own: every RPC that people may call, tried by those of another one.

use std::collections::BTreeSet;

use eseal_proto::fabrication::v1 as pb;
use eseal_proto::fabrication::v1::maker_card_service_client::MakerCardServiceClient;
use eseal_service::Role;
use eseal_service::testing::{came, done, rpcs_for_people};

use crate::cards::Card;
use crate::workshop::*;

#[tokio::test]
async fn people_of_another_organization_get_nothing_by_any_rpc() {
    let workshop = Workshop::open().await;
    let (maker, application) = (workshop.issued("M1").await, workshop.approved().await);
    let mut run = begin(workshop.maker("zhang"), &application, "M1").await.expect("begun");
    let mut chen = workshop.person("zhang", Role::Maker, Some(SUZHOU));
    run.maker = chen.clone();
    let suzhou = SUZHOU.parse().expect("a code");
    let channel = workshop.house().person("fabrication", "chen", &[Role::Admin], Some(&suzhou));
    let mut cards = MakerCardServiceClient::new(channel);
    let other = || Err("OTHER_ORGANIZATION".to_owned());
    let fabrications = pb::ListFabricationsRequest::default();
    let runs = pb::ListRunsRequest { application_id: application.clone(), ..Default::default() };
    let tried = [
        ("FabricationService/BeginRun", other(), done(begin(chen.clone(), &application, "M1").await)),
        ("FabricationService/PresentMakerCard", other(), done(run.presents_maker(maker.proves(&run.terms)).await)),
        ("FabricationService/PresentSealCard", other(), done(run.presents(&Card::holder("S1", LENOVO)).await)),
        ("FabricationService/SignSeal", other(), done(run.signs(vec![1]).await)),
        ("FabricationService/ConfirmSeal", other(), done(run.confirms(b"seal").await)),
        ("FabricationService/ReportFailure", other(), done(run.reports_failure().await)),
        ("FabricationService/GetFabrication", other(), done(show(&mut chen, &application).await)),
        (
            "FabricationService/ListFabrications",
            Ok(true),
            came(chen.list_fabrications(fabrications).await, |page| page.fabrications.is_empty()),
        ),
        ("FabricationService/ListRuns", Ok(true), came(chen.list_runs(runs).await, |page| page.runs.is_empty())),
        // Maker cards are of no organization: who is bound to one neither issues nor withdraws them.
        ("MakerCardService/IssueMakerCard", other(), done(issue(&mut cards, &Card::maker("M2")).await)),
        ("MakerCardService/WithdrawMakerCard", other(), done(withdraw(&mut cards, "M1").await)),
        ("MakerCardService/ResumeMakerCard", other(), done(crate::copies::resume(&mut cards, "M1").await)),
        (
            "MakerCardService/ListMakerCards",
            Ok(false),
            came(cards.list_maker_cards(pb::ListMakerCardsRequest::default()).await, |page| {
                page.maker_cards.is_empty()
            }),
        ),
    ];
    for (rpc, expected, got) in &tried {
        assert_eq!(got, expected, "{rpc}");
    }
    let names = tried.iter().map(|(rpc, ..)| (*rpc).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(names, rpcs_for_people("eseal.fabrication.v1"));
}
