use super::*;
use tempfile::TempDir;

fn users() -> (TempDir, Users) {
    let folder = tempfile::tempdir().expect("a folder");
    let users = Users::open(&folder.path().join("users.toml"), Clock::default()).expect("no users yet");
    (folder, users)
}

fn li() -> NewUser {
    let password = Some(Password::try_new("correct horse").expect("a password"));
    let organization = Some("91110000600037341L".parse().expect("a code"));
    NewUser { password, organization, ..NewUser::new("李", [Role::Applicant, Role::Custodian]) }
}

#[test]
fn a_user_is_there_once_added_and_gone_once_removed() {
    let (_folder, users) = users();
    let added = users.add(li()).expect("added");
    let found = users.find("李").expect("there");
    let grant = found.grant().expect("a grant");
    assert_eq!((grant.person_id, grant.roles), (added.person_id, vec![Role::Applicant, Role::Custodian]));
    assert!(Password::try_new("correct horse").expect("a password").fits(&found.password));
    users.remove("李").expect("removed");
    assert!(users.find("李").is_none());
}

#[test]
fn a_change_by_another_process_is_seen() {
    let (folder, users) = users();
    let other = Users::open(&folder.path().join("users.toml"), Clock::default()).expect("no users yet");
    assert!(users.find("李").is_none());
    other.add(li()).expect("added");
    assert!(users.find("李").is_some());
}

#[test]
fn a_file_that_becomes_unreadable_changes_nobody() {
    let (folder, users) = users();
    users.add(li()).expect("added");
    write_private(&folder.path().join("users.toml"), b"[[user]").expect("written");
    assert!(users.find("李").is_some());
    assert!(matches!(users.list(), Err(UsersError::Malformed { .. })));
    assert!(matches!(users.remove("李"), Err(UsersError::Malformed { .. })));
}

#[test]
fn a_name_is_taken_once() {
    let (_folder, users) = users();
    users.add(li()).expect("added");
    assert!(matches!(users.add(li()), Err(UsersError::Exists(_))));
    assert!(matches!(users.remove("王"), Err(UsersError::Unknown(_))));
}

#[test]
fn users_that_can_not_be_are_refused() {
    let (_folder, users) = users();
    assert!(matches!(users.add(NewUser::new("li", [])), Err(UsersError::NoRole)));
    assert!(matches!(users.add(NewUser::new("a\nb", [Role::Admin])), Err(UsersError::Name(_))));
    let nameless = NewUser { person_id: Some(String::new()), ..NewUser::new("li", [Role::Admin]) };
    assert!(matches!(users.add(nameless), Err(UsersError::PersonId(_))));
}

#[test]
fn a_file_with_a_user_that_can_not_be_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("users.toml");
    let hash = Password::generate().expect("made").hash().expect("hashed");
    let user = |more: &str| format!("[[user]]\nname = \"li\"\nperson_id = \"p1\"\n{more}\n");
    let good = user(&format!("roles = [\"admin\"]\npassword = \"{hash}\""));
    let cases = [
        (user("roles = [\"admin\"]\npassword = \"secret\""), "Argon2id"),
        (user(&format!("roles = [\"root\"]\npassword = \"{hash}\"")), "no such role"),
        (user(&format!("roles = []\npassword = \"{hash}\"")), "one at least"),
        (user(&format!("roles = [\"admin\"]\norganization = \"x\"\npassword = \"{hash}\"")), "organization"),
        (format!("{good}{good}"), "twice"),
        (format!("{good}shell = \"sh\"\n"), "unknown field"),
    ];
    for (text, reason) in cases {
        write_private(&path, text.as_bytes()).expect("written");
        let refused = Users::open(&path, Clock::default()).expect_err(reason).to_string();
        assert!(refused.contains(reason), "{refused}");
    }
    write_private(&path, good.as_bytes()).expect("written");
    assert!(Users::open(&path, Clock::default()).is_ok());
}

#[test]
fn two_processes_that_add_at_the_same_time_lose_nobody() {
    let (folder, _) = users();
    let path = folder.path().join("users.toml");
    let add = |name: String| {
        let path = path.clone();
        move || Users::open(&path, Clock::default()).and_then(|users| users.add(NewUser::new(name, [Role::Admin])))
    };
    let threads: Vec<_> = (0..4).map(|i| std::thread::spawn(add(format!("u{i}")))).collect();
    for thread in threads {
        thread.join().expect("no panic").expect("added");
    }
    assert_eq!(Users::open(&path, Clock::default()).expect("read").list().expect("read").len(), 4);
}
