//! Every RPC of the proto, on the one port.

use eseal_proto::event::v1::ReadEventsRequest;
use eseal_proto::event::v1::event_log_service_client::EventLogServiceClient;
use eseal_proto::identity::v1::SignInRequest;
use eseal_proto::identity::v1::identity_service_client::IdentityServiceClient;
use eseal_service::access::{Rule, rules};
use eseal_service::client::Bearer;
use eseal_service::{Language, Role};
use eseal_standalone::services::SERVICES;
use tonic::Code;
use tonic::client::Grpc;
use tonic::codegen::InterceptedService;
use tonic::transport::Channel;
use tonic_prost::ProstCodec;

use crate::{House, user};

/// How the RPC answers a message without any field.
async fn answer(channel: Channel, bearer: Bearer, rule: &Rule) -> Code {
    let mut client = Grpc::new(InterceptedService::new(channel, bearer));
    client.ready().await.expect("ready");
    let path = format!("/{}", rule.rpc).parse().expect("a path");
    let called = client.unary(tonic::Request::new(()), path, ProstCodec::<(), ()>::default()).await;
    called.err().map_or(Code::Ok, |status| status.code())
}

async fn token(house: &House, name: &str, roles: &[Role]) -> Bearer {
    house.running.users().add(user(name, roles)).expect("added");
    let request = SignInRequest { name: name.to_owned(), password: "correct horse".to_owned() };
    let signed_in = IdentityServiceClient::new(house.channel().await).sign_in(request).await.expect("signed in");
    Bearer::try_new(&signed_in.into_inner().token, Language::En).expect("a token")
}

#[tokio::test]
async fn every_rpc_of_the_proto_has_its_service_here() {
    let house = House::start().await;
    let (everybody, channel) = (token(&house, "all", &Role::ALL).await, house.channel().await);
    for rule in rules().expect("rules") {
        let code = answer(channel.clone(), everybody.clone(), &rule).await;
        let for_people = rule.public || !rule.roles.is_empty();
        let expected: &[Code] =
            if for_people { &[Code::Ok, Code::InvalidArgument, Code::NotFound] } else { &[Code::PermissionDenied] };
        assert!(expected.contains(&code), "{}: {code:?}", rule.rpc);
    }
}

#[tokio::test]
async fn nobody_gets_in_without_a_token_but_where_it_is_public() {
    let house = House::start().await;
    let channel = house.channel().await;
    for rule in rules().expect("rules") {
        let code = answer(channel.clone(), Bearer::anonymous(Language::En), &rule).await;
        assert_eq!(code == Code::Unauthenticated, !rule.public, "{}: {code:?}", rule.rpc);
    }
}

#[tokio::test]
async fn an_auditor_reads_the_history_of_every_service() {
    let house = House::start().await;
    let auditor = token(&house, "auditor", &[Role::Auditor]).await;
    let mut client = EventLogServiceClient::with_interceptor(house.channel().await, auditor);
    for service in SERVICES {
        let request = ReadEventsRequest { owner: service.name.to_owned(), ..Default::default() };
        let page = client.read_events(request).await.expect("a page").into_inner();
        assert_eq!((page.events.len(), page.head_position), (0, 0), "{}", service.name);
    }
}
