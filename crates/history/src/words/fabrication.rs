//! What happened in the making of a seal.

use eseal_proto::fabrication::v1::fabrication_event::Kind;

use super::{Language, brief};

pub(super) fn what(kind: &Kind, language: Language) -> String {
    let say = |zh, en| language.pick(zh, en);
    match kind {
        Kind::FabricationQueued(_) => say("制章任务排队", "Making is due").to_owned(),
        Kind::RunBegun(fact) if fact.maker_card_serial.is_empty() => {
            say("制章开始,未插制章授权卡", "A run begins, without a maker card").to_owned()
        }
        Kind::RunBegun(fact) => {
            let (serial, seal) = (&fact.maker_card_serial, &fact.seal_id);
            match language {
                Language::ZhCn => format!("制章开始:制章授权卡 {serial},拟制印章 {seal}"),
                Language::En => format!("A run begins: maker card {serial}, seal to be {seal}"),
            }
        }
        Kind::MakerCardProved(fact) => {
            format!(
                "{} {}",
                say("制章授权卡验证通过,证书", "Maker card proved, certificate"),
                brief(&fact.certificate_digest)
            )
        }
        Kind::SealCardAccepted(fact) => {
            let certificates: Vec<_> = fact.certificate_digests.iter().map(|digest| brief(digest)).collect();
            let (serial, certificates) = (&fact.card_serial, certificates.join(", "));
            match language {
                Language::ZhCn => format!("印章卡或托管密钥 {serial} 通过检查,证书 {certificates}"),
                Language::En => format!("Card or hosted key {serial} accepted, certificates {certificates}"),
            }
        }
        Kind::SealSigned(fact) => {
            format!("{} {}", say("制章人签名,印章数据", "Signed by the maker, seal data"), brief(&fact.seal_digest))
        }
        Kind::FabricationRefused(_) => say("制章未通过", "Making was refused").to_owned(),
        Kind::SealFabricated(fact) => {
            let (seal, digest) = (&fact.seal_id, brief(&fact.seal_digest));
            match language {
                Language::ZhCn => format!("制章成功:印章 {seal},印章数据 {digest}"),
                Language::En => format!("Made: seal {seal}, seal data {digest}"),
            }
        }
        Kind::FabricationStopped(_) => say("制章终止", "Making was stopped").to_owned(),
        Kind::CardReleased(fact) => {
            format!(
                "{} {}",
                say("解除占用:卡或托管密钥", "Free for another seal: card or hosted key"),
                fact.card_serial
            )
        }
        Kind::MakerCardIssued(fact) => format!("{} {}", say("制章授权卡发放", "Maker card issued"), fact.card_serial),
        Kind::MakerCardUsed(fact) => match language {
            Language::ZhCn => format!("制章授权卡 {} 第 {} 次使用", fact.card_serial, fact.card_uses),
            Language::En => format!("Maker card {} used, count {}", fact.card_serial, fact.card_uses),
        },
        Kind::MakerCardSuspended(fact) => {
            format!("{} {}", say("制章授权卡停用", "Maker card suspended"), fact.card_serial)
        }
        Kind::MakerCardResumed(fact) => {
            format!("{} {}", say("制章授权卡恢复", "Maker card resumed"), fact.card_serial)
        }
        Kind::MakerCardWithdrawn(fact) => {
            format!("{} {}", say("制章授权卡收回", "Maker card withdrawn"), fact.card_serial)
        }
    }
}

pub(super) fn reason(kind: &Kind) -> (&str, &str) {
    match kind {
        Kind::FabricationRefused(fact) => (&fact.gate, &fact.reason),
        Kind::MakerCardWithdrawn(fact) => ("", &fact.reason_code),
        Kind::MakerCardSuspended(fact) => ("", &fact.reason_code),
        Kind::FabricationQueued(_)
        | Kind::RunBegun(_)
        | Kind::MakerCardProved(_)
        | Kind::SealCardAccepted(_)
        | Kind::SealSigned(_)
        | Kind::SealFabricated(_)
        | Kind::FabricationStopped(_)
        | Kind::CardReleased(_)
        | Kind::MakerCardIssued(_)
        | Kind::MakerCardUsed(_)
        | Kind::MakerCardResumed(_) => ("", ""),
    }
}
