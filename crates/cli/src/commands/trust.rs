//! 信任.

use eseal_pki::{Certificate, Crl};
use eseal_proto::authentication::v1 as pb;
use eseal_proto::authentication::v1::trust_service_client::TrustServiceClient;
use serde_json::json;

use super::Env;
use super::card::{read_certificates, unusable};
use crate::args::{Purpose, Trust};
use crate::connect::request_id;
use crate::failure::{Failure, read_file, write_file};

const MAX_CRL: u64 = 15 << 20;

pub async fn trust(env: &Env, command: Trust) -> Result<(), Failure> {
    let (server, lang) = (env.server()?, env.lang());
    let mut client = TrustServiceClient::new(server.line()).max_decoding_message_size(crate::connect::MAX_MESSAGE);
    match command {
        Trust::Add { purpose, file } => {
            let mut fingerprints = Vec::new();
            for certificate in read_certificates(lang, &file)? {
                if certificate.is_for_development() {
                    let zh = "这是开发用CA:其证书不具任何证明力";
                    let en = "this is an authority for development: its certificates prove nothing";
                    env.output.say(&format!("{}: {}", certificate.subject(), lang.pick(zh, en)));
                }
                let request = pb::AddTrustAnchorRequest {
                    request_id: request_id(),
                    purpose: to_wire(purpose).into(),
                    certificate: certificate.der().to_vec(),
                };
                fingerprints.push(server.answer(client.add_trust_anchor(request).await)?.fingerprint);
            }
            env.output.result(&json!({ "fingerprints": fingerprints }), fingerprints.join("\n"));
        }
        Trust::Remove { purpose, fingerprint } => {
            let purpose = to_wire(purpose).into();
            let request = pb::RemoveTrustAnchorRequest { request_id: request_id(), purpose, fingerprint };
            let answer = server.answer(client.remove_trust_anchor(request).await)?;
            env.output.result(&json!(answer), lang.pick("已移除", "removed"));
        }
        Trust::ImportCrl { file } => {
            let bytes = read_file(lang, &file, MAX_CRL)?;
            let crl = if bytes.starts_with(b"-----") { Crl::from_pem(&bytes) } else { Crl::from_der(&bytes) };
            let crl = crl.map_err(|error| unusable(lang, error))?.der().to_vec();
            let answer =
                server.answer(client.import_crl(pb::ImportCrlRequest { request_id: request_id(), crl }).await)?;
            env.output.result(&json!(answer), &answer.digest);
        }
        Trust::Export { purpose, output } => {
            let request = pb::ListTrustAnchorsRequest { purpose: to_wire(purpose).into() };
            let anchors = server.answer(client.list_trust_anchors(request).await)?.trust_anchors;
            let mut pem = String::new();
            for anchor in &anchors {
                let certificate = Certificate::from_der(&anchor.certificate).map_err(|error| unusable(lang, error))?;
                pem.push_str(&certificate.to_pem());
            }
            write_file(lang, &output, pem.as_bytes(), false)?;
            env.output.result(&json!({ "written": output, "count": anchors.len() }), output.display().to_string());
        }
    }
    Ok(())
}

const fn to_wire(purpose: Purpose) -> pb::TrustPurpose {
    match purpose {
        Purpose::Holder => pb::TrustPurpose::Holder,
        Purpose::Maker => pb::TrustPurpose::Maker,
    }
}
