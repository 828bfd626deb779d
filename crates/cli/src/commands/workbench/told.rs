//! What is told of a sitting: to people on the way, to scripts at the end.

use std::process::ExitCode;

use eseal_proto::fabrication::v1 as pb;
use serde_json::{Value, json};

use crate::commands::list::{short, time};
use crate::failure::Failure;
use crate::lang::Lang;
use crate::output::Output;

/// The exit code of a sitting in which nothing was refused, but some orders wait for their cards.
const WAITING: u8 = 4;

/// What became of the orders.
#[derive(Debug, Default)]
pub struct Told {
    made: Vec<Value>,
    handed_over: Vec<Value>,
    refused: Vec<Value>,
    waiting: Vec<Value>,
    unreachable: bool,
}

impl Told {
    /// A seal was made.
    pub fn made(&mut self, order: &pb::Fabrication, seal: &str) {
        self.made.push(json!({ "applicationId": order.application_id, "sealId": seal }));
    }

    /// The service makes it itself.
    pub fn handed_over(&mut self, order: &pb::Fabrication) {
        self.handed_over.push(json!({ "applicationId": order.application_id }));
    }

    /// It was refused, or has to wait.
    pub fn not_made(&mut self, order: &pb::Fabrication, failure: Failure) {
        let waits = matches!(failure.code.as_str(), "SEAL_CARD_ABSENT" | "RUN_UNDER_WAY");
        self.unreachable |= failure.kind == crate::failure::Kind::Unreachable;
        let value = json!({
            "applicationId": order.application_id, "organization": uscc(order),
            "code": failure.code, "text": failure.text, "advice": failure.advice,
        });
        if waits { self.waiting.push(value) } else { self.refused.push(value) }
    }

    /// Nobody got to these, but for the first.
    pub fn leave(&mut self, orders: &[pb::Fabrication]) {
        let left = orders.iter().skip(1);
        let value =
            |order: &pb::Fabrication| json!({ "applicationId": order.application_id, "organization": uscc(order) });
        self.waiting.extend(left.map(value));
    }

    /// For scripts. A contract: names are never changed.
    pub fn to_json(&self) -> Value {
        json!({
            "made": self.made, "handedOver": self.handed_over, "refused": self.refused, "waiting": self.waiting,
        })
    }

    /// For people.
    pub fn to_words(&self, lang: Lang) -> String {
        let (made, refused, waiting) = (self.made.len(), self.refused.len(), self.waiting.len());
        let by_itself = self.handed_over.len();
        match lang {
            Lang::ZhCn => format!("制成 {made},服务端自动制章 {by_itself},未通过 {refused},待处理 {waiting}"),
            Lang::En => format!("made {made}, left to the service {by_itself}, refused {refused}, waiting {waiting}"),
        }
    }

    /// 3 if the server could not be reached, 1 if anything was refused, 4 if anything waits, else 0.
    pub fn exit_code(&self) -> ExitCode {
        if self.unreachable {
            ExitCode::from(3)
        } else if !self.refused.is_empty() {
            ExitCode::from(1)
        } else if !self.waiting.is_empty() {
            ExitCode::from(WAITING)
        } else {
            ExitCode::SUCCESS
        }
    }
}

/// The orders, for scripts.
pub fn queue_json(orders: &[pb::Fabrication]) -> Value {
    json!({ "fabrications": orders })
}

/// The orders, for people.
pub fn table(output: Output, orders: &[pb::Fabrication]) -> String {
    let lang = output.lang;
    let row = |(number, order): (usize, &pb::Fabrication)| {
        vec![
            (number + 1).to_string(),
            order.application_id.clone(),
            order.organization.clone().unwrap_or_default().name_zh,
            short(order.seal_type().as_str_name(), "SEAL_TYPE_"),
            short(order.custody().as_str_name(), "CUSTODY_"),
            order.last_refusal.clone(),
            time(order.changed_at),
        ]
    };
    let heads: [&str; 7] = match lang {
        Lang::ZhCn => ["序号", "申请", "使用单位", "印章类型", "保管方式", "上次未通过原因", "时间 (UTC)"],
        Lang::En => ["no.", "application", "organization", "seal type", "custody", "last refusal", "since (UTC)"],
    };
    output.table(&heads, orders.iter().enumerate().map(row).collect())
}

/// What stands above an order.
pub fn heading(lang: Lang, number: usize, of: usize, order: &pb::Fabrication) -> String {
    let organization = order.organization.clone().unwrap_or_default();
    let seal_type = short(order.seal_type().as_str_name(), "SEAL_TYPE_");
    let word = lang.pick("申请", "application");
    format!(
        "── {number}/{of} {} {} {seal_type} ({word} {})",
        organization.uscc, organization.name_zh, order.application_id
    )
}

/// A seal was made.
pub fn success(lang: Lang, seal: &str) -> String {
    match lang {
        Lang::ZhCn => format!("制章成功 {seal}"),
        Lang::En => format!("made: {seal}"),
    }
}

/// A failure with what a maker can do about it.
pub fn advised(failure: Failure, lang: Lang) -> Failure {
    let advice = match failure.code.as_str() {
        "SEAL_CARD_ABSENT" => lang.pick(
            "插入证书属于该单位的电子印章卡,或用 --card 指明",
            "insert the card whose certificate is this organization's, or name it with --card",
        ),
        "CARD_IN_USE" => lang.pick(
            "换一张卡;同一张卡换发须由经办人以原印章提交续期或换发申请",
            "take another card; for a new seal on the same card an applicant files a renewal or replacement of its seal",
        ),
        "CERTIFICATE_INVALID" => lang.pick(
            "运行 eseal doctor --card 查看卡的证书;为该卡申请新证书并导入(eseal card csr, eseal card import)",
            "see the card's certificates with eseal doctor --card; have it certified anew (eseal card csr, eseal card import)",
        ),
        "MAKER_CARD_ABSENT" => lang.pick("插入制章授权卡", "insert the maker card"),
        "FABRICATION_FAILED" => lang.pick(
            "再试一次;仍失败则运行 eseal doctor 检查驱动与卡",
            "try once more; if it fails again, eseal doctor looks at driver and card",
        ),
        "PIN_INCORRECT" => lang.pick("核对密码后再试;次数有限", "make sure of the PIN and try again: tries are few"),
        "RUN_UNDER_WAY" => lang.pick("另一制章人正在处理,十分钟后可接手", "another maker is at it; it can be taken over after ten minutes"),
        _ => return failure,
    };
    if failure.advice.is_some() { failure } else { failure.advise(advice) }
}

fn uscc(order: &pb::Fabrication) -> String {
    order.organization.clone().unwrap_or_default().uscc
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Kind;

    fn order(id: &str) -> pb::Fabrication {
        pb::Fabrication { application_id: id.to_owned(), ..Default::default() }
    }

    fn failure(kind: Kind, code: &'static str) -> Failure {
        Failure::new(kind, code, Lang::En)
    }

    fn code(told: &Told) -> String {
        format!("{:?}", told.exit_code())
    }

    #[test]
    fn the_exit_code_says_the_worst_that_happened() {
        let exits = |number: u8| format!("{:?}", ExitCode::from(number));
        let mut told = Told::default();
        told.made(&order("1"), "seal");
        assert_eq!(code(&told), exits(0));
        told.not_made(&order("2"), failure(Kind::Refused, "SEAL_CARD_ABSENT"));
        assert_eq!(code(&told), exits(WAITING));
        told.not_made(&order("3"), failure(Kind::Refused, "CARD_IN_USE"));
        assert_eq!(code(&told), exits(1));
        told.not_made(&order("4"), failure(Kind::Unreachable, "SERVER_UNREACHABLE"));
        assert_eq!(code(&told), exits(3));
        let value = told.to_json();
        let count = |name: &str| value[name].as_array().map_or(0, Vec::len);
        assert_eq!((count("made"), count("refused"), count("waiting")), (1, 2, 1), "{value}");
    }

    #[test]
    fn what_nobody_got_to_waits() {
        let mut told = Told::default();
        let orders = [order("1"), order("2"), order("3")];
        told.not_made(&orders[0], failure(Kind::Refused, "CARD_IN_USE"));
        told.leave(&orders);
        assert_eq!(told.to_json()["waiting"].as_array().map_or(0, Vec::len), 2);
    }

    #[test]
    fn a_refusal_says_what_a_maker_can_do_in_both_languages() {
        for reason in ["SEAL_CARD_ABSENT", "CARD_IN_USE", "CERTIFICATE_INVALID", "FABRICATION_FAILED", "PIN_INCORRECT"]
        {
            let advice = |lang| advised(Failure::new(Kind::Refused, reason, lang), lang).advice.unwrap_or_default();
            assert!(!advice(Lang::En).is_empty() && advice(Lang::En) != advice(Lang::ZhCn), "{reason}");
        }
    }
}
