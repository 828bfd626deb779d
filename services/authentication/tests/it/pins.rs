//! Wrong PINs of a card: counted here too, whatever its driver does.

use eseal_proto::authentication::v1 as pb;
use tonic::Code;

use crate::bureau::*;
use crate::signing::*;

#[tokio::test]
async fn each_wrong_pin_is_told_with_the_tries_that_are_left() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let begun = begin(&mut bureau.zhou(), &card.seal_id).await.expect("begun");
    for left in ["4", "3", "2", "1"] {
        let refused = pin(&mut bureau.zhou(), &card.seal_id, &begun.attempt_id, false).await;
        let refused = assert_gate(refused, "c", "PIN_INCORRECT");
        assert_eq!(refused.message, "密码错误,签章失败");
        assert_eq!(refused.metadata.get("tries_left").map(String::as_str), Some(left));
    }
    assert_eq!(pin(&mut bureau.zhou(), &card.seal_id, &begun.attempt_id, true).await.expect("right"), 5);
}

#[tokio::test]
async fn five_wrong_pins_end_the_flow_and_lock_the_card() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let begun = begin(&mut bureau.zhou(), &card.seal_id).await.expect("begun");
    for _ in 0..4 {
        pin(&mut bureau.zhou(), &card.seal_id, &begun.attempt_id, false).await.expect_err("wrong");
    }
    let fifth = pin(&mut bureau.zhou(), &card.seal_id, &begun.attempt_id, false).await;
    let refused = assert_gate(fifth, "c", "PIN_LOCKED");
    assert_eq!(refused.metadata.get("tries_left").map(String::as_str), Some("0"));
    let sixth = pin(&mut bureau.zhou(), &card.seal_id, &begun.attempt_id, true).await;
    assert_refused(sixth, Code::FailedPrecondition, "ATTEMPT_NOT_OPEN");
    assert_gate(begin(&mut bureau.zhou(), &card.seal_id).await, "c", "PIN_LOCKED");
    let shown = show(&mut bureau.admin(), &card.seal_id).await.expect("shown");
    assert_eq!((shown.pin_locked, shown.pin_tries_left), (true, 0));
    let mut attempts = attempts(&bureau, &card.seal_id).await;
    let first = attempts.pop().expect("an attempt");
    assert_eq!((first.state(), first.reason.as_str()), (pb::AttemptState::Refused, "PIN_LOCKED"));
}

#[tokio::test]
async fn wrong_pins_count_over_all_attempts_of_the_card() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    for wrongs in 1..=5 {
        let begun = begin(&mut bureau.zhou(), &card.seal_id).await.expect("begun");
        let refused = pin(&mut bureau.zhou(), &card.seal_id, &begun.attempt_id, false).await;
        assert_gate(refused, "c", if wrongs < 5 { "PIN_INCORRECT" } else { "PIN_LOCKED" });
    }
}

#[tokio::test]
async fn a_right_pin_gives_all_tries_back() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let begun = begin(&mut bureau.zhou(), &card.seal_id).await.expect("begun");
    for _ in 0..2 {
        for _ in 0..4 {
            let wrong = pin(&mut bureau.zhou(), &card.seal_id, &begun.attempt_id, false).await;
            assert_gate(wrong, "c", "PIN_INCORRECT");
        }
        pin(&mut bureau.zhou(), &card.seal_id, &begun.attempt_id, true).await.expect("right");
    }
}

#[tokio::test]
async fn a_lock_lasts_over_a_restart_until_an_administrator_unlocks() {
    let mut bureau = Bureau::open().await;
    let card = bureau.active().await;
    let begun = begin(&mut bureau.zhou(), &card.seal_id).await.expect("begun");
    for _ in 0..5 {
        pin(&mut bureau.zhou(), &card.seal_id, &begun.attempt_id, false).await.expect_err("wrong");
    }
    bureau.restart().await;
    assert_gate(begin(&mut bureau.zhou(), &card.seal_id).await, "c", "PIN_LOCKED");
    let mut zhou = bureau.registry(ZHOU, eseal_service::Role::Custodian, Some(LENOVO));
    assert_refused(unlock(&mut zhou, &card.seal_id).await, Code::PermissionDenied, "ROLE_MISSING");
    unlock(&mut bureau.admin(), &card.seal_id).await.expect("unlocked");
    assert_eq!(begin(&mut bureau.zhou(), &card.seal_id).await.expect("begun").pin_tries_left, 5);
}

#[tokio::test]
async fn four_wrong_pins_are_remembered_over_a_restart() {
    let mut bureau = Bureau::open().await;
    let card = bureau.active().await;
    let begun = begin(&mut bureau.zhou(), &card.seal_id).await.expect("begun");
    for _ in 0..4 {
        pin(&mut bureau.zhou(), &card.seal_id, &begun.attempt_id, false).await.expect_err("wrong");
    }
    bureau.restart().await;
    let fifth = pin(&mut bureau.zhou(), &card.seal_id, &begun.attempt_id, false).await;
    assert_gate(fifth, "c", "PIN_LOCKED");
}

#[tokio::test]
async fn a_lock_stops_the_other_attempts_of_the_card_too() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let waiting = at_gate_d(&bureau, &card).await;
    let begun = begin(&mut bureau.zhou(), &card.seal_id).await.expect("begun");
    for _ in 0..5 {
        pin(&mut bureau.zhou(), &card.seal_id, &begun.attempt_id, false).await.expect_err("wrong");
    }
    let shown = showing(&card, &waiting, eseal_pki::Suite::Sm2Sm3);
    assert_gate(authorize(&mut bureau.zhou(), shown).await, "c", "PIN_LOCKED");
}
