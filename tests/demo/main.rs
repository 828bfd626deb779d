//! `make demo`: the whole life of a seal on real documents, by the programs themselves. Every step is told with its time;
//! what is left in the output folder is listed at the end.

mod narrator;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use eseal_e2e::company::{Company, XINGHE, YUNQI, id_of};
use eseal_e2e::programs::Answer;
use serde_json::{Value, json};

use narrator::Narrator;

const CONTRACT_OFD: &[u8] = include_bytes!("../documents/contract.ofd");
const CONTRACT_PDF: &[u8] = include_bytes!("../documents/contract.pdf");

#[expect(clippy::print_stderr, reason = "what went wrong is told there")]
fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let output = match (words.next().as_deref(), words.next()) {
        (Some("--output"), Some(folder)) => PathBuf::from(folder),
        _ => {
            eprintln!("usage: eseal-demo --output FOLDER   (the folder is emptied first)");
            return ExitCode::from(2);
        }
    };
    match demo(&output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("eseal-demo: {}: {error}", output.display());
            ExitCode::FAILURE
        }
    }
}

fn demo(output: &Path) -> std::io::Result<()> {
    if output.exists() {
        fs::remove_dir_all(output)?;
    }
    let work = output.join("work");
    fs::create_dir_all(&work)?;
    let work = work.canonicalize()?;
    for (name, bytes) in [("contract.ofd", CONTRACT_OFD), ("contract.pdf", CONTRACT_PDF)] {
        fs::write(output.join(name), bytes)?;
        fs::write(work.join(name), bytes)?;
    }
    let mut tell = Narrator::new();

    tell.chapter("准备 · Setting up");
    let company = tell
        .step("开发用CA、卡、用户,启动单机版 · development CA, cards, people, the standalone", || {
            Company::build(&work)
        });
    tell.step("登录,设置信任,发放制章授权卡 · sign in, trust, maker cards", || {
        company.open_for_business()
    });
    fs::copy(work.join("ca/roots.pem"), output.join("roots.pem"))?;
    fs::copy(work.join("ca/makers.pem"), output.join("makers.pem"))?;

    let seal = apply_and_make(&mut tell, &company, output);
    use_seal(&mut tell, &company, &seal);
    hosted(&mut tell, &company);
    let tampered = verify(&mut tell, &company)?;
    end_of_life(&mut tell, &company, &seal);

    tell.chapter("历史 · History");
    let events = tell.step("导出全部事件 · every event as published", || {
        company.as_(&["qian", "events", "read", "--output", "@events.jsonl"]).good()
    });
    fs::copy(work.join("events.jsonl"), output.join("events.jsonl"))?;
    for name in ["contract.sealed.ofd", "contract.sealed.pdf"] {
        fs::copy(work.join(name), output.join(name))?;
    }
    let report = json!({ "documents": tampered, "events": events.value["events"], "steps": tell.steps() });
    fs::write(output.join("report.json"), format!("{report:#}\n"))?;
    drop(company);
    tell.end(output);
    Ok(())
}

/// Chapter 1 and 2: an application with one return, the gates that refuse, and the seal.
fn apply_and_make(tell: &mut Narrator, company: &Company, output: &Path) -> String {
    tell.chapter("一、印章申请 · 1. Application");
    let application = tell.step("经办人提交 · the applicant files it", || company.applies("采购合同专用章"));
    tell.refused("经办人不能审批 · an applicant can't approve", "ROLE_MISSING", || {
        company.as_(&["wang", "approve", &application])
    });
    tell.step("审批人退回 · the reviewer returns it", || {
        company.as_(&["li", "return", &application, "--code", "other", "--reason", "印章名称应为“合同专用章”"]).good()
    });
    tell.step("经办人修改并重新提交 · revised and filed again", || {
        let mut words = vec!["wang", "revise", &application, "--organization", XINGHE.uscc, "--name", XINGHE.name];
        words.extend(["--seal-type", "contract", "--seal-name", "合同专用章", "--custodian", id_of("chen")]);
        let _ = company.as_(&words).good();
        company.as_(&["wang", "resubmit", &application]).good()
    });
    tell.step("审批人批准,转入制章 · approved, handed over to fabrication", || {
        company.approved(&application)
    });
    let shown = company.as_(&["wang", "show", "application", &application]).good().value;
    let digest = shown["form"]["impression"]["materialDigest"].as_str().unwrap_or_default().to_owned();
    let picture = output.join("impression.png").display().to_string();
    tell.step("系统绘制的印模 · the impression that the system drew", || {
        company.as_(&["wang", "show", "material", &digest, "--output", &picture]).good()
    });

    tell.chapter("二、印章制作 · 2. Fabrication");
    gates(tell, company, &application);
    let made = tell.step("制章成功 · made, stored on the card, read back", || {
        company.makes(&application, Some("maker.card"), Some("seal.card")).good()
    });
    let seal = made.get("sealId").to_owned();
    tell.refused("d 卡已被占用 · the card carries a seal already", "CARD_IN_USE", || {
        let second = company.applies("第二枚合同专用章");
        company.approved(&second);
        company.makes(&second, Some("maker.card"), Some("seal.card"))
    });
    tell.step("印章登记并启用 · registered, put into use", || company.activates(&seal));
    seal
}

fn gates(tell: &mut Narrator, company: &Company, application: &str) {
    tell.refused("a 未插制章授权卡 · no maker card", "MAKER_CARD_ABSENT", || {
        company.makes(application, None, Some("seal.card"))
    });
    company.card("other-maker.card", "maker");
    company.certify("other-maker.card", "李某", None);
    tell.refused(
        "a 未发放的制章授权卡 · a maker card that was not issued here",
        "MAKER_CARD_REJECTED",
        || company.makes(application, Some("other-maker.card"), Some("seal.card")),
    );
    company.card("blank.card", "holder");
    tell.refused("b 卡中无证书 · a seal card without certificates", "CERTIFICATE_INVALID", || {
        company.makes(application, Some("maker.card"), Some("blank.card"))
    });
    company.certify("blank.card", "33010000000009", Some(YUNQI));
    tell.refused("c 其他单位的证书 · certificates of another organization", "CERTIFICATE_INVALID", || {
        company.makes(application, Some("maker.card"), Some("blank.card"))
    });
    let failed = |company: &Company| {
        let mut words = vec!["zhang", "make", application, "--maker-card", "@maker.card", "--maker-pin-file", "@pin"];
        words.extend(["--card", "@seal.card", "--pin-file", "@wrong-pin"]);
        let _ = company.as_(&words);
        let runs = company.as_(&["zhang", "list", "runs", "--application", application, "--limit", "1"]).good();
        let reason = runs.value["runs"][0]["reason"].clone();
        Answer { code: 1, error: json!({ "code": reason }), ..runs }
    };
    tell.refused("e 制章中断 · the station could not go on", "FABRICATION_FAILED", || failed(company));
}

/// Chapter 3: sealing both kinds of document, wrong PINs, a suspended seal.
fn use_seal(tell: &mut Narrator, company: &Company, seal: &str) {
    tell.chapter("三、签章认证 · 3. Sealing");
    tell.step("OFD签章(SM2) · an OFD sealed with SM2", || {
        company.seals(seal, "seal.card", "pin", "contract.ofd", "half.ofd", "45,112").good()
    });
    tell.step("PDF签章(P-256) · a PDF sealed with P-256", || {
        company.seals(seal, "seal.card", "pin", "contract.pdf", "half.pdf", "45,112").good()
    });
    tell.refused("未插电子印章卡 · no seal card", "SEAL_CARD_ABSENT", || {
        company.seals(seal, "no.card", "pin", "contract.ofd", "no.ofd", "45,112")
    });
    let _ = fs::copy(company.path("seal.card"), company.path("copy.card"));
    for left in ["4", "3", "2", "1"] {
        let told = tell.refused("密码错误 · a wrong PIN", "PIN_INCORRECT", || {
            company.seals(seal, "copy.card", "wrong-pin", "contract.ofd", "no.ofd", "45,112")
        });
        assert_eq!(told.error["facts"]["tries_left"], left, "tries left");
    }
    tell.refused("第五次密码错误,锁定 · the fifth locks", "PIN_LOCKED", || {
        company.seals(seal, "copy.card", "wrong-pin", "contract.ofd", "no.ofd", "45,112")
    });
    tell.refused("锁定后正确密码也被拒绝 · then the right one is refused too", "PIN_LOCKED", || {
        company.seals(seal, "seal.card", "pin", "contract.ofd", "no.ofd", "45,112")
    });
    tell.step("管理员解锁 · an admin unlocks", || company.as_(&["root", "unlock", seal]).good());
    tell.step("停用 · suspended", || company.as_(&["root", "suspend", seal]).good());
    tell.refused("停用后用印被拒绝 · a suspended seal is refused", "SEAL_SUSPENDED", || {
        company.seals(seal, "seal.card", "pin", "contract.ofd", "no.ofd", "45,112")
    });
    tell.step("恢复 · resumed", || company.as_(&["root", "resume", seal]).good());
}

/// Chapter 4: the other party has its keys hosted; its seal is made without anybody, and joins on the same documents.
fn hosted(tell: &mut Narrator, company: &Company) {
    tell.chapter("四、托管密钥 · 4. Hosted keys");
    let key = tell.step("生成并认证托管密钥 · generated and certified", || company.has_a_hosted_key());
    let seal = tell.step("申请、批准,自动制章 · applied for, approved, made by itself", || {
        let mut words = vec!["zhao", "submit", "--organization", YUNQI.uscc, "--name", YUNQI.name];
        words.extend(["--seal-type", "contract", "--seal-name", "合同专用章", "--custodian", id_of("zhao")]);
        words.extend(["--hosted-key", &key]);
        let application = company.as_(&words).good().get("applicationId").to_owned();
        let _ = company.as_(&["li", "approve", &application]).good();
        company.eseal.until("the hosted seal is made", |_| {
            let shown = company.as_(&["zhao", "show", "application", &application]).value;
            shown["outcome"]["sealId"].as_str().map(str::to_owned)
        })
    });
    tell.step("登记并启用 · registered, put into use", || company.activates(&seal));
    for ending in ["ofd", "pdf"] {
        tell.step("乙方在同一文档上签章 · the second seal on the same document", || {
            let (input, output) = (format!("@half.{ending}"), format!("@contract.sealed.{ending}"));
            let mut words = vec!["zhao", "seal", &input, "--seal", &seal, "--pin-file", "@pin", "--page", "2"];
            words.extend(["--at", "125,112", "--output", &output]);
            company.as_(&words).good()
        });
    }
}

/// Chapter 5: everybody verifies; a tampered copy is found.
fn verify(tell: &mut Narrator, company: &Company) -> std::io::Result<Vec<Value>> {
    tell.chapter("五、文档验证 · 5. Verification");
    let mut documents = Vec::new();
    for file in ["contract.sealed.ofd", "contract.sealed.pdf"] {
        let online = tell
            .step(&format!("在线验证 · online: {file}"), || company.run(&["verify", &format!("@{file}")]).good());
        let offline = tell.step(&format!("离线验证 · offline: {file}"), || company.verifies_offline(file).good());
        documents.push(json!({ "file": file, "online": online.value, "offline": offline.value }));
    }
    let mut bytes = fs::read(company.path("contract.sealed.pdf"))?;
    let title = bytes.windows(7).position(|w| w == b"/Title ").map(|at| at + 12);
    if let Some(byte) = title.and_then(|at| bytes.get_mut(at)) {
        *byte ^= 1;
    }
    fs::write(company.path("tampered.pdf"), bytes)?;
    let found = tell.refused("被篡改的副本 · a tampered copy is found", "invalid", || {
        let answer = company.run(&["verify", "@tampered.pdf"]);
        Answer { error: json!({ "code": answer.value["verdict"] }), ..answer }
    });
    documents.push(json!({ "file": "tampered.pdf", "online": found.value }));
    tell.step("失败记入日志 · the failure is in the log", || {
        let log = company.as_(&["qian", "list", "failures"]).good();
        assert_eq!(log.value["failures"][0]["documentDigest"], found.value["document_digest"], "{}", log.text);
    });
    let unsealed = tell.refused("没有印章的文档 · a document without a seal", "unsealed", || {
        let answer = company.verifies_offline("contract.pdf");
        Answer { error: json!({ "code": answer.value["verdict"] }), ..answer }
    });
    documents.push(json!({ "file": "contract.pdf", "offline": unsealed.value }));
    Ok(documents)
}

/// Chapter 6: the seal ends; what it sealed stays valid; a person is erased.
fn end_of_life(tell: &mut Narrator, company: &Company, seal: &str) {
    tell.chapter("六、注销 · 6. The end of a seal");
    tell.step("注销 · revoked", || company.as_(&["root", "revoke", seal, "--reason", "NO_LONGER_USED"]).good());
    tell.refused("注销后用印被拒绝 · a revoked seal is refused", "SEAL_REVOKED", || {
        company.seals(seal, "seal.card", "pin", "contract.ofd", "no.ofd", "45,112")
    });
    tell.step("先前签章的文档仍然有效 · what it sealed before stays valid", || {
        company.run(&["verify", "@contract.sealed.ofd"]).good()
    });
    tell.step("清除经办人的个人信息 · what is known of the applicant is erased", || {
        company.as_(&["root", "erase-person", id_of("wang")]).good()
    });
}
