use super::*;

fn rule(rpc: &str) -> Rule {
    rules().expect("rules").into_iter().find(|rule| rule.rpc == rpc).expect("an RPC of this name")
}

#[test]
fn the_rules_are_those_beside_the_rpcs() {
    let submit = rule("eseal.application.v1.ApplicationService/SubmitApplication");
    assert_eq!((submit.roles, submit.services, submit.public), (vec![Role::Applicant], vec![], false));
    let material = rule("eseal.application.v1.ApplicationService/GetMaterial");
    assert_eq!(material.services, ["fabrication"]);
    assert!(rule("eseal.identity.v1.IdentityService/SignIn").public);
}

#[test]
fn every_rpc_can_be_called_by_somebody() {
    for rule in rules().expect("rules") {
        assert!(rule.public || !rule.roles.is_empty() || !rule.services.is_empty(), "{}", rule.rpc);
    }
}

#[test]
fn a_bearer_token_is_the_only_one_and_has_the_right_scheme() {
    let headers = |values: &[&'static str]| {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, http::HeaderValue::from_static(value));
        }
        headers
    };
    assert_eq!(bearer(&headers(&["Bearer a.b.c"])), Some("a.b.c"));
    assert_eq!(bearer(&headers(&["bearer a.b.c"])), Some("a.b.c"));
    assert_eq!(bearer(&headers(&["Bearer a.b.c", "Bearer d.e.f"])), None);
    assert_eq!(bearer(&headers(&["Basic YTpi"])), None);
    assert_eq!(bearer(&headers(&["Bearer"])), None);
    assert_eq!(bearer(&headers(&[])), None);
}
