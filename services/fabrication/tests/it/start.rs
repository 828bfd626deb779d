//! What the service refuses to start with.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use eseal_card::{CardKind, Pin, SoftCard};
use eseal_fabrication::Config;

use crate::workshop::*;

#[tokio::test]
async fn a_key_file_that_is_missing_damaged_or_open_to_others_is_refused() {
    let mut workshop = Workshop::open().await;
    workshop.stops().await;
    let config = |name: &str| Config { key_file: workshop.file(name), ..workshop.config() };
    secret(&workshop.file("short"), "5a5a");
    secret(&workshop.file("open"), &"5a".repeat(32));
    fs::set_permissions(workshop.file("open"), fs::Permissions::from_mode(0o640)).expect("opened");
    let (missing, short, open) = (config("missing"), config("short"), config("open"));
    for (config, why) in [(missing, "can't be read"), (short, "64 hexadecimal digits"), (open, "0600")] {
        let refused = workshop.starts_with(config).await.expect_err("refused").to_string();
        assert!(refused.contains(why), "{refused}");
    }
}

#[tokio::test]
async fn another_key_than_that_of_the_database_is_refused() {
    let mut workshop = Workshop::open().await;
    workshop.issued("M1").await;
    workshop.stops().await;
    secret(&workshop.file("fabrication.key"), &"a5".repeat(32));
    let refused = workshop.starts_with(workshop.config()).await.expect_err("refused").to_string();
    assert!(refused.contains("does not fit what is stored"), "{refused}");
}

#[tokio::test]
async fn a_maker_card_without_its_pin_file_is_refused_and_the_other_way_round() {
    let mut workshop = Workshop::with_own_card().await;
    workshop.stops().await;
    for config in
        [Config { maker_pin_file: None, ..workshop.config() }, Config { maker_card_file: None, ..workshop.config() }]
    {
        assert!(workshop.starts_with(config).await.expect_err("refused").to_string().contains("is not set"));
    }
}

#[tokio::test]
async fn a_holders_card_is_no_maker_card() {
    let mut workshop = Workshop::with_own_card().await;
    workshop.stops().await;
    let card = soft_card(&workshop.file(""), "holder", CardKind::Holder);
    let config = Config { maker_card_file: Some(card.path().to_owned()), ..workshop.config() };
    let refused = workshop.starts_with(config).await.expect_err("refused").to_string();
    assert!(refused.contains("no maker card"), "{refused}");
}

#[tokio::test]
async fn starting_again_and_again_with_a_wrong_pin_does_not_lock_the_card() {
    let mut workshop = Workshop::with_own_card().await;
    workshop.stops().await;
    secret(&workshop.file("wrong"), "another-pin");
    let config = Config { maker_pin_file: Some(workshop.file("wrong")), ..workshop.config() };
    for _ in 0..8 {
        workshop.starts_with(config.clone()).await.expect_err("refused");
    }
    let card = SoftCard::open(config.maker_card_file.as_deref().expect("a card")).expect("opened");
    assert_eq!(card.tries_left().expect("readable"), 2);
    let pin = Pin::try_new(fs::read_to_string(workshop.file("pin")).expect("a PIN").trim().to_owned()).expect("a PIN");
    card.unlock(&pin).expect("a person unlocks it");
    workshop.starts().await;
}
