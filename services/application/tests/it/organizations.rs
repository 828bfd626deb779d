//! People of an organization see and change what is its own: every RPC that people may call, tried by those of another one.

use std::collections::BTreeSet;

use eseal_proto::application::v1 as pb;
use eseal_service::Role;
use eseal_service::testing::{came, done, rpcs_for_people};

use crate::cancel::cancel;
use crate::office::*;

#[tokio::test]
async fn people_of_another_organization_get_nothing_by_any_rpc() {
    let office = Office::open().await;
    let application = office.returned().await;
    let picture = eseal_kernel::Digest::of(DOT).to_string();
    let mut applicant = office.person("chen", Role::Applicant, Some(SUZHOU));
    let mut reviewer = office.person("chen", Role::Reviewer, Some(SUZHOU));
    let mut admin = office.person("chen", Role::Admin, Some(SUZHOU));
    let other = || Err("OTHER_ORGANIZATION".to_owned());
    let erase = pb::ErasePersonRequest { request_id: request_id(), person_id: "sun".to_owned() };
    let named = pb::ListApplicationsRequest { uscc: LENOVO.to_owned(), ..Default::default() };
    let all = pb::ListApplicationsRequest::default();
    // A file that nobody of theirs has stored is not there, whoever knows its digest; stored by them too, it is theirs.
    let read = done(get(&mut applicant, &picture).await);
    let form = form(&put(&mut applicant, DOT).await);
    let tried = [
        ("PutMaterial", Ok(false), done(get(&mut applicant, &picture).await)),
        ("GetMaterial", Err("MATERIAL_NOT_FOUND".to_owned()), read),
        ("SubmitApplication", other(), done(submit(&mut applicant, form.clone()).await)),
        ("ApproveApplication", other(), done(approve(&mut reviewer, &application).await)),
        ("ReturnApplication", other(), done(send_back(&mut reviewer, &application).await)),
        ("ReviseApplication", other(), done(revise(&mut applicant, &application, form, contacts()).await)),
        ("ResubmitApplication", other(), done(resubmit(&mut applicant, &application).await)),
        ("WithdrawApplication", other(), done(withdraw(&mut applicant, &application).await)),
        ("CancelApplication", other(), done(cancel(&mut reviewer, &application).await)),
        ("GetApplication", other(), done(show(&mut admin, &application).await)),
        ("ListApplications", other(), came(admin.list_applications(named).await, |_| false)),
        ("ListApplications", Ok(true), came(admin.list_applications(all).await, |page| page.applications.is_empty())),
        ("ErasePerson", other(), came(admin.erase_person(erase).await, |_| false)),
    ];
    for (rpc, expected, got) in &tried {
        assert_eq!(got, expected, "{rpc}");
    }
    let names = tried.iter().map(|(rpc, ..)| format!("ApplicationService/{rpc}")).collect::<BTreeSet<_>>();
    assert_eq!(names, rpcs_for_people("eseal.application.v1"));
}
