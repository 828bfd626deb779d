//! `eseal verify` as scripts know it: exit codes, JSON, and that it never hangs.

use std::fs;
use std::time::{Duration, Instant};

use eseal_e2e::programs::Eseal;

use crate::fixture;

fn nowhere() -> (tempfile::TempDir, Eseal) {
    let folder = tempfile::tempdir().expect("a folder");
    // Port 9 of the loopback has no server.
    let eseal = Eseal {
        url: "http://127.0.0.1:9".to_owned(),
        sessions: folder.path().join("sessions"),
        ca: None,
        environment: Vec::new(),
    };
    (folder, eseal)
}

#[test]
fn a_document_without_a_seal_is_unsealed_and_exits_1() {
    let (folder, eseal) = nowhere();
    for (name, bytes) in [
        ("a.ofd", &include_bytes!("../documents/contract.ofd")[..]),
        ("a.pdf", &include_bytes!("../documents/contract.pdf")[..]),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("a file");
        let answer = eseal.run(["verify".as_ref(), path.as_os_str(), "--offline".as_ref()]);
        assert_eq!((answer.code, &answer.value["verdict"]), (1, &"unsealed".into()), "{}", answer.text);
        assert_eq!(answer.value["seals"], serde_json::json!([]));
    }
}

#[test]
fn what_is_no_document_or_not_there_exits_2_with_a_code() {
    let (folder, eseal) = nowhere();
    let path = folder.path().join("a.txt");
    fs::write(&path, "hello").expect("a file");
    let answer = eseal.run(["verify".as_ref(), path.as_os_str(), "--offline".as_ref()]);
    assert_eq!((answer.code, answer.reason()), (2, "NOT_A_DOCUMENT"), "{}", answer.text);
    let answer = eseal.run(["verify", "/nonexistent/a.pdf"]);
    assert_eq!((answer.code, answer.reason()), (2, "FILE_UNREADABLE"), "{}", answer.text);
    assert_eq!(eseal.run(["verify"]).code, 2);
}

#[test]
fn without_a_server_and_a_terminal_it_goes_on_offline_and_says_so() {
    let (folder, eseal) = nowhere();
    let path = folder.path().join("a.ofd");
    fs::write(&path, include_bytes!("../documents/contract.ofd")).expect("a file");
    let begun = Instant::now();
    let answer = eseal.run(["verify".as_ref(), path.as_os_str()]);
    assert!(begun.elapsed() < Duration::from_secs(20), "it hung");
    assert_eq!((answer.code, &answer.value["verdict"]), (1, &"unsealed".into()), "{}", answer.text);
    assert_eq!(answer.value["notes"][0]["code"], "SERVER_UNREACHABLE");
    assert_eq!(answer.value["notes"][0]["severity"], "info");
}

#[test]
fn roots_that_are_not_given_leave_items_unknown_and_wrong_ones_fail_them() {
    let (_folder, company) = fixture::company();
    let (seal, _) = company.has_a_seal();
    fixture::contract(&company, "ofd");
    let _ = company.seals(&seal, "seal.card", "pin", "contract.ofd", "sealed.ofd", "45,112").good();

    let without = company.run(&["verify", "@sealed.ofd", "--offline"]);
    assert_eq!((without.code, &without.value["verdict"]), (1, &"indeterminate".into()), "{}", without.text);
    let judged = &without.value["seals"][0];
    assert_eq!((&judged["signer"]["result"], &judged["content"]["result"]), (&"unknown".into(), &"passed".into()));
    let impression = &judged["impression"];
    assert_eq!(
        (&impression["result"], &impression["reason"]),
        (&"unknown".into(), &"MAKER_NOT_AUTHORIZED".into()),
        "{impression}"
    );

    let swapped = company.run(&["verify", "@sealed.ofd", "--offline", "--trust", "@ca/makers.pem"]);
    assert_eq!((swapped.code, &swapped.value["verdict"]), (1, &"invalid".into()), "{}", swapped.text);
    let judged = &swapped.value["seals"][0];
    assert_eq!((&judged["signer"]["result"], &judged["content"]["reason"]), (&"failed".into(), &"NOT_REACHED".into()));
    assert!(judged["steps"].as_array().is_some_and(|steps| steps.len() > 5), "every step is listed all the same");
}

#[test]
fn completions_are_printed_for_every_shell() {
    let (_folder, eseal) = nowhere();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let answer = eseal.run(["completions", shell]);
        assert!(answer.code == 0 && answer.text.contains("erase-person"), "{shell}");
    }
}

#[test]
fn a_server_that_takes_connections_but_answers_nothing_is_given_up_after_two_seconds() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let (folder, mut eseal) = nowhere();
    eseal.url = format!("http://{}", silent.local_addr().expect("an address"));
    let path = folder.path().join("a.ofd");
    fs::write(&path, include_bytes!("../documents/contract.ofd")).expect("a file");
    let begun = Instant::now();
    let answer = eseal.run(["verify".as_ref(), path.as_os_str()]);
    assert!(begun.elapsed() < Duration::from_secs(20), "it hung");
    assert_eq!((answer.code, &answer.value["notes"][0]["code"]), (1, &"SERVER_UNREACHABLE".into()), "{}", answer.text);
}

#[test]
fn a_document_may_come_through_a_pipe_and_a_folder_is_none() {
    let (folder, eseal) = nowhere();
    let (path, pipe) = (folder.path().join("a.ofd"), folder.path().join("pipe"));
    fs::write(&path, include_bytes!("../documents/contract.ofd")).expect("a file");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    std::thread::scope(|scope| {
        scope.spawn(|| fs::copy(&path, &pipe).ok());
        let answer = eseal.run(["verify".as_ref(), pipe.as_os_str(), "--offline".as_ref()]);
        assert_eq!((answer.code, &answer.value["verdict"]), (1, &"unsealed".into()), "{}", answer.text);
    });
    let answer = eseal.run(["verify".as_ref(), folder.path().as_os_str(), "--offline".as_ref()]);
    assert_eq!((answer.code, answer.reason()), (2, "FILE_UNREADABLE"), "{}", answer.text);
    let endless = ["verify".as_ref(), path.as_os_str(), "--offline".as_ref(), "--trust".as_ref(), "/dev/zero".as_ref()];
    assert_eq!(eseal.run(endless).reason(), "FILE_UNREADABLE");
}

#[test]
fn many_documents_are_told_in_order_and_one_that_is_none_stops_no_other() {
    let (folder, eseal) = nowhere();
    let archive = folder.path().join("archive");
    fs::create_dir_all(archive.join("b")).expect("a folder");
    for (name, bytes) in [
        ("a.pdf", &b"hello"[..]),
        ("b/c.ofd", include_bytes!("../documents/contract.ofd")),
        ("b/note.txt", b"not looked at"),
        ("d.PDF", include_bytes!("../documents/contract.pdf")),
    ] {
        fs::write(archive.join(name), bytes).expect("a file");
    }
    for (jobs, named, code) in [("1", &archive, 2), ("7", &archive, 2), ("2", &archive.join("b"), 1)] {
        let answer = eseal.run(["verify-batch".as_ref(), named.as_os_str(), "--jobs".as_ref(), jobs.as_ref()]);
        let told: Vec<serde_json::Value> =
            answer.text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
        let (summary, told) = told.split_last().expect("a summary");
        let whole = [
            ("archive/a.pdf", "NOT_A_DOCUMENT", ""),
            ("archive/b/c.ofd", "", "unsealed"),
            ("archive/d.PDF", "", "unsealed"),
        ];
        let expected = if code == 2 { &whole[..] } else { &whole[1..2] };
        assert_eq!((answer.code, told.len()), (code, expected.len()), "{}", answer.text);
        for (one, (file, error, verdict)) in told.iter().zip(expected) {
            assert!(one["file"].as_str().is_some_and(|told| told.ends_with(file)), "{one}");
            assert_eq!(one["error"]["code"].as_str().unwrap_or_default(), *error, "{one}");
            assert_eq!(one["report"]["verdict"].as_str().unwrap_or_default(), *verdict, "{one}");
        }
        let counts = (&summary["unsealed"], &summary["unreadable"]);
        assert_eq!(counts, (&(if code == 2 { 2 } else { 1 }).into(), &(if code == 2 { 1 } else { 0 }).into()));
    }
    let empty = tempfile::tempdir().expect("a folder");
    assert_eq!(eseal.run(["verify-batch".as_ref(), empty.path().as_os_str()]).reason(), "USAGE");
}

#[test]
fn a_password_is_not_sent_in_the_clear_to_another_machine() {
    let (folder, mut eseal) = nowhere();
    // An address of the documentation (RFC 5737): refused before anything is sent.
    eseal.url = "http://192.0.2.1:9".to_owned();
    let password = folder.path().join("password");
    fs::write(&password, "secret").expect("a file");
    let answer = eseal.run(["login".as_ref(), "wang".as_ref(), "--password-file".as_ref(), password.as_os_str()]);
    assert_eq!((answer.code, answer.reason()), (2, "USAGE"), "{}", answer.text);
}
