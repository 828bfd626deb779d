//! A life, a standing and a check, for people and for scripts.

use std::collections::BTreeMap;

use eseal_history::order::rank;
use eseal_history::standing::{ApplicationStanding, Making, Named, SealStanding};
use eseal_history::words::{plain, rights, short_time, time, vocabulary};
use eseal_history::{Check, Language, Life, Line, Misfit, Standing, Wrong};
use eseal_proto::application::v1::ApplicationState;
use owo_colors::{OwoColorize as _, Stream};
use serde_json::{Value, json};

use crate::lang::Lang;
use crate::output::fields;

/// Columns of a moment to the second.
const TIME_WIDTH: usize = 19;

/// What is told of a history. The JSON is a contract: names and words are never changed.
pub struct View<'a> {
    /// The life that was asked for.
    pub life: Option<&'a Life>,
    /// The standing, if a moment was asked for.
    pub standing: Option<&'a Standing>,
    /// The check, if it was asked for.
    pub checks: Option<&'a BTreeMap<&'a str, Check>>,
    /// The language.
    pub lang: Lang,
}

impl View<'_> {
    /// For scripts. With a moment, the standing takes the place of the events.
    pub fn to_json(&self) -> Value {
        let language = Language::from(self.lang);
        let texts = |ids: &[eseal_kernel::Id]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
        let mut value = json!({});
        if let Some(life) = self.life {
            let scope = life.scope();
            value["seals"] = json!(texts(&scope.seals));
            value["applications"] = json!(texts(&scope.applications));
            value["earlier_seals"] = json!(texts(&scope.earlier));
            value["later_seals"] = json!(texts(&scope.later));
            if self.standing.is_none() {
                value["events"] = life.lines().map(|line| json!(line.view(language))).collect();
            }
        }
        if let Some(standing) = self.standing {
            value["as_of"] = json!(standing);
        }
        value["check"] = self.checks.map_or(Value::Null, |checks| check_json(checks));
        value
    }

    /// For people.
    pub fn to_words(&self) -> String {
        let lang = self.lang;
        let mut parts = Vec::new();
        if let Some(life) = self.life {
            parts.push(head(life, lang));
            match self.standing {
                Some(standing) => parts.push(standing_words(standing, lang)),
                None => parts.push(events(life, lang)),
            }
        }
        match self.checks {
            Some(checks) => parts.push(check_words(checks, lang)),
            None => parts.push(
                lang.pick(
                    "ⓘ 未校验;加 --check 重算全部哈希与链",
                    "ⓘ not checked: --check recomputes every hash and chain",
                )
                .to_owned(),
            ),
        }
        parts.join("\n\n")
    }
}

/// Whose life it is.
fn head(life: &Life, lang: Lang) -> String {
    let scope = life.scope();
    let texts = |ids: &[eseal_kernel::Id]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    shown(&[
        (lang.pick("印章", "seal"), texts(&scope.seals)),
        (lang.pick("申请", "application"), texts(&scope.applications)),
        (lang.pick("之前的印章", "earlier seals"), texts(&scope.earlier)),
        (lang.pick("之后的印章", "later seals"), texts(&scope.later)),
    ])
}

/// Two lines an event: when and what; who, and where it lies.
fn events(life: &Life, lang: Lang) -> String {
    let language = Language::from(lang);
    // Of a family of seals, each event says which one it is about.
    let many = life.events().iter().any(|event| event.correlation_id != life.events()[0].correlation_id);
    let told = |line: Line<'_>| {
        let (role, id) = line.actor();
        let mut what = line.what(language);
        let reason = reason_words(line.reason(), language);
        if !reason.is_empty() {
            what = format!("{what}: {reason}");
        }
        if line.is_refusal() {
            what = what.if_supports_color(Stream::Stdout, |text| text.red()).to_string();
        }
        let mut who = plain(&format!("{} {id}", vocabulary::role(role, language)));
        if many {
            who = format!("{who} · {}", plain(&line.event.stream_id));
        }
        let place = format!("{} {}", vocabulary::owner(&line.event.owner, language), line.event.position);
        let beside = format!("{who} · {place}");
        let beside = beside.if_supports_color(Stream::Stdout, |text| text.dimmed()).to_string();
        format!("{}  {what}\n{:TIME_WIDTH$}  {beside}\n", plain(&short_time(&line.event.occurred_at)), "")
    };
    let count = life.events().len();
    let count = match lang {
        Lang::ZhCn => format!("共 {count} 个事件,时间为 UTC"),
        Lang::En => format!("{count} events; times are UTC"),
    };
    life.lines().map(told).collect::<String>() + &count
}

fn reason_words((gate, reason): (Option<&str>, Option<&str>), language: Language) -> String {
    let Some(code) = reason else { return String::new() };
    let gate = gate.map(|gate| format!("{gate} ")).unwrap_or_default();
    plain(format!("{gate}{code} {}", vocabulary::reason(code, language)).trim())
}

/// Fields whose values came out of events.
fn shown(pairs: &[(&str, String)]) -> String {
    let lines = |value: &String| value.split('\n').map(plain).collect::<Vec<_>>().join("\n");
    fields(&pairs.iter().map(|(name, value)| (*name, lines(value))).collect::<Vec<_>>())
}

fn standing_words(standing: &Standing, lang: Lang) -> String {
    let mut parts = vec![format!("■ {} {} (UTC)", lang.pick("截至", "as of"), short_time(&standing.at))];
    if standing.seals.is_empty() {
        parts.push(lang.pick("当时没有已注册的印章", "no seal was registered then").to_owned());
    }
    parts.extend(standing.seals.iter().map(|seal| seal_words(seal, lang)));
    if standing.applications.is_empty() {
        parts.push(lang.pick("当时没有已提交的申请", "no application was filed then").to_owned());
    }
    parts.extend(standing.applications.iter().map(|application| application_words(application, lang)));
    let doubt = lang.pick(
        "时钟曾回拨:下列事件在其流中较晚,时间却早于该时刻,未计入",
        "the clock went back: these events came later in their stream but name a time before the moment; they are not counted",
    );
    let unknown = lang.pick(
        "下列事件的内容本版本无法识别,状态可能不完整",
        "this release can't read what these events say: the state may be another",
    );
    parts.extend(warning(doubt, &standing.doubts, lang));
    parts.extend(warning(unknown, &standing.unknown, lang));
    parts.join("\n\n")
}

fn warning(text: &str, events: &[Named], lang: Lang) -> Option<String> {
    let line = |event: &Named| {
        let Named { owner, position, kind, event_id, at } = event;
        format!("\n  {}", plain(&format!("{owner} {position}  {kind}  {event_id}  {}", short_time(at))))
    };
    let sign = lang.pick("⚠ 警告", "⚠ warning");
    (!events.is_empty()).then(|| format!("{sign}: {text}{}", events.iter().map(line).collect::<String>()))
}

fn seal_words(standing: &SealStanding, lang: Lang) -> String {
    let (seal, language) = (&standing.registered, Language::from(lang));
    let organization = seal.organization.clone().unwrap_or_default();
    let mut state = vocabulary::seal_state(seal.state(), language).to_owned();
    if let Some(code) = &standing.reason_code {
        state = format!("{state} ({code} {})", vocabulary::reason(code, language));
    }
    if seal.expired {
        state = format!("{state} ({})", lang.pick("已过有效期", "expired"));
    }
    let usable = match standing.not_usable_because {
        None => format!("{} {}", lang.pick("保管人", "custodian"), standing.usable_by.join(", ")),
        Some(code) => {
            format!("{} ({code} {})", lang.pick("无人", "nobody"), vocabulary::reason(code, language))
        }
    };
    let custodians = standing.custodians.iter().map(|custodian| {
        let terms = rights::terms(Some(&custodian.terms), language);
        let state = if custodian.in_force { "" } else { lang.pick(" (已收回)", " (withdrawn)") };
        let used = match custodian.terms.max_uses {
            0 => String::new(),
            max => format!(" {}/{max}", custodian.used),
        };
        format!("{} {terms}{used}{state}", custodian.custodian_id)
    });
    let policy = seal.policy.as_ref().map(|policy| rights::policy(Some(policy), language)).unwrap_or_default();
    let requested = standing.requested_uses.iter().map(|one| {
        let by = one.approver_id.as_deref().map_or_else(
            || lang.pick("待审批", "waits for a decision").to_owned(),
            |by| format!("{} {by}", lang.pick("已批准", "approved by")),
        );
        format!("{} {} {by} {}", one.use_id, one.requester_id, short_time(&one.deadline))
    });
    let locked = if seal.pin_locked { lang.pick(" (已锁定)", " (locked)") } else { "" };
    let uses = match lang {
        Lang::ZhCn => format!("成功 {},未通过 {}", standing.completed, standing.refused),
        Lang::En => format!("{} sealed, {} refused", standing.completed, standing.refused),
    };
    let open = standing
        .open_uses
        .iter()
        .map(|open| format!("{} {} {}", short_time(&open.begun_at), open.custodian_id, open.attempt_id));
    let past = standing.last_uses.iter().map(|past| {
        let how = match &past.reason {
            None => lang.pick("签章成功", "sealed").to_owned(),
            reason => reason_words((past.gate.as_deref(), reason.as_deref()), language),
        };
        let document = past.document_digest.as_deref().map(|digest| format!(" {digest}")).unwrap_or_default();
        format!("{} {} {how}{document}", short_time(&past.ended_at), past.actor_id)
    });
    shown(&[
        (lang.pick("印章", "seal"), seal.seal_id.clone()),
        (lang.pick("状态", "state"), state),
        (lang.pick("更换为", "replaced by"), standing.successor_seal_id.clone().unwrap_or_default()),
        (lang.pick("当时可用者", "usable by"), usable),
        (lang.pick("单位", "organization"), format!("{} {}", organization.uscc, organization.name_zh)),
        (lang.pick("类型", "type"), vocabulary::seal_type(seal.seal_type(), language).to_owned()),
        (lang.pick("密钥所在", "custody"), vocabulary::custody(seal.custody(), language).to_owned()),
        (lang.pick("保管人", "custodians"), custodians.collect::<Vec<_>>().join("\n")),
        (lang.pick("用印规则", "policy"), policy),
        (lang.pick("未结束的用印申请", "requested uses"), requested.collect::<Vec<_>>().join("\n")),
        (lang.pick("卡", "card"), seal.card_serial.clone()),
        (lang.pick("托管密钥", "hosted key"), seal.hosted_key_id.clone()),
        (
            lang.pick("有效期", "validity"),
            format!("{} – {}", time(seal.valid_from.as_ref()), time(seal.valid_to.as_ref())),
        ),
        (lang.pick("密码剩余次数", "PIN tries left"), format!("{}{locked}", seal.pin_tries_left)),
        (lang.pick("使用", "uses"), uses),
        (lang.pick("进行中的签章", "open uses"), open.collect::<Vec<_>>().join("\n")),
        (lang.pick("最近的签章", "last uses"), past.collect::<Vec<_>>().join("\n")),
        (lang.pick("注册", "registered"), time(seal.registered_at.as_ref())),
        (lang.pick("最近变更", "changed"), time(seal.changed_at.as_ref())),
    ])
}

fn application_words(standing: &ApplicationStanding, lang: Lang) -> String {
    let language = Language::from(lang);
    let state = ApplicationState::from_str_name(standing.state).unwrap_or_default();
    let approvals =
        format!("{}/{} {}", standing.approved_by.len(), standing.approvals_needed, standing.approved_by.join(", "));
    let returned = standing.return_code.as_deref();
    let making = standing.fabrication.as_ref().map(|making| {
        let refusal = reason_words((making.last_gate.as_deref(), making.last_refusal.as_deref()), language);
        let state = match making.state {
            Making::Waiting => lang.pick("待制章", "waiting"),
            Making::Running => lang.pick("制章中", "running"),
            Making::Made => lang.pick("已制成", "made"),
            Making::Closed => lang.pick("已结束", "closed"),
        };
        let last = if refusal.is_empty() {
            refusal
        } else {
            format!("; {} {refusal}", lang.pick("最近未通过", "last refusal"))
        };
        format!("{state}; {} {}{last}", lang.pick("次数", "runs"), making.runs)
    });
    shown(&[
        (lang.pick("申请", "application"), standing.application_id.clone()),
        (lang.pick("状态", "state"), vocabulary::application_state(state, language).to_owned()),
        (lang.pick("经办人", "applicant"), standing.applicant_id.clone()),
        (lang.pick("审批", "approvals"), approvals.trim().to_owned()),
        (lang.pick("退回原因", "returned"), reason_words((None, returned), language)),
        (lang.pick("制章", "making"), making.unwrap_or_default()),
    ])
}

/// In the order of the flow.
fn in_order<'a>(checks: &'a BTreeMap<&'a str, Check>) -> Vec<(&'a str, &'a Check)> {
    let mut checks: Vec<_> = checks.iter().map(|(owner, check)| (*owner, check)).collect();
    checks.sort_by_key(|(owner, _)| rank(owner));
    checks
}

fn check_json(checks: &BTreeMap<&str, Check>) -> Value {
    let owner = |(name, check): (&str, &Check)| {
        json!({
            "owner": name,
            "passed": check.passed(),
            "events": check.events,
            "streams": check.streams,
            "last_position": check.last_position,
            "head_position": check.head_position,
            "misfit": check.misfit.as_ref().map(Misfit::view),
        })
    };
    json!({
        "passed": checks.values().all(Check::passed),
        "events": checks.values().map(|check| check.events).sum::<u64>(),
        "owners": in_order(checks).into_iter().map(owner).collect::<Vec<_>>(),
    })
}

fn check_words(checks: &BTreeMap<&str, Check>, lang: Lang) -> String {
    let passed = checks.values().all(Check::passed);
    let events: u64 = checks.values().map(|check| check.events).sum();
    let verdict = match (passed, lang) {
        (true, Lang::ZhCn) => format!("✓ 校验通过:{events} 个事件的哈希、链与位置全部相符"),
        (true, Lang::En) => format!("✓ check passed: hashes, chains and positions of {events} events fit"),
        (false, Lang::ZhCn) => format!("✗ 校验未通过:之前有 {events} 个事件相符"),
        (false, Lang::En) => format!("✗ check failed; {events} events fit"),
    };
    let verdict = if passed {
        verdict.if_supports_color(Stream::Stdout, |text| text.green()).to_string()
    } else {
        verdict.if_supports_color(Stream::Stdout, |text| text.red()).to_string()
    };
    let lines = in_order(checks).into_iter().map(|(owner, check)| format!("\n{}", owner_words(owner, check, lang)));
    verdict + &lines.collect::<String>()
}

fn owner_words(owner: &str, check: &Check, lang: Lang) -> String {
    let name = plain(vocabulary::owner(owner, lang.into()));
    let Check { events, streams, last_position: last, .. } = check;
    let head = match (check.head_position, lang) {
        (Some(head), Lang::ZhCn) => format!(",服务声明的末位 {head}"),
        (Some(head), Lang::En) => format!(" of {head}"),
        // A file can't say what came after it.
        (None, Lang::ZhCn) => ",文件末尾之后是否还有事件,文件本身无从得知".to_owned(),
        (None, Lang::En) => "; what came after the end of the file is not known".to_owned(),
    };
    let sign = if check.passed() { "✓" } else { "✗" };
    let line = match lang {
        Lang::ZhCn => format!("  {sign} {name}: {events} 个事件,{streams} 个流,末位 {last}{head}"),
        Lang::En => format!("  {sign} {name}: events {events}, streams {streams}, last position {last}{head}"),
    };
    check.misfit.as_ref().map_or(line.clone(), |misfit| format!("{line}\n    {}", misfit_words(misfit, lang)))
}

fn misfit_words(misfit: &Misfit, lang: Lang) -> String {
    let code = misfit.wrong.code();
    let text = Wrong::CODES.iter().find(|(known, ..)| *known == code).map_or(code, |(_, zh, en)| lang.pick(zh, en));
    let more = match &misfit.wrong {
        Wrong::Malformed { field } => (*field).to_owned(),
        Wrong::Changed { computed } => format!("{} {computed}", lang.pick("按内容重算为", "its content gives")),
        Wrong::Unlinked { before } => {
            let before = before.map(|hash| hash.to_string()).unwrap_or_default();
            format!("{} {before}", lang.pick("前一事件的哈希为", "the hash before it is")).trim_end().to_owned()
        }
        Wrong::VersionMissing { expected } => format!("{} {expected}", lang.pick("应为版本", "expected version")),
        Wrong::PositionMissing { expected } => format!("{} {expected}", lang.pick("应为位置", "expected position")),
        Wrong::TailMissing { expected, head } => format!("{expected} – {head}"),
    };
    let Misfit { position, event_id, stream_id, stream_version, .. } = misfit;
    let place = match (&misfit.wrong, lang) {
        (Wrong::TailMissing { .. }, _) => String::new(),
        (_, Lang::ZhCn) => format!("位置 {position},事件 {event_id},流 {stream_id} 版本 {stream_version}: "),
        (_, Lang::En) => {
            format!("position {position}, event {event_id}, stream {stream_id} version {stream_version}: ")
        }
    };
    plain(&format!("{place}{text} [{code}]: {more}"))
}
