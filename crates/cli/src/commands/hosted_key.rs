//! 托管密钥.

use eseal_pki::CertificateRequest;
use eseal_proto::authentication::v1 as pb;
use eseal_proto::authentication::v1::hosted_key_service_client::HostedKeyServiceClient;
use eseal_proto::seal::v1::Organization;
use serde_json::json;

use super::Env;
use super::card::{read_certificates, unusable, write_request};
use crate::args::HostedKey;
use crate::connect::request_id;
use crate::failure::Failure;
use crate::secret;

pub async fn hosted_key(env: &Env, command: HostedKey) -> Result<(), Failure> {
    let (server, lang) = (env.server()?, env.lang());
    let mut client = HostedKeyServiceClient::new(server.line());
    match command {
        HostedKey::Create { organization, name, pin_file, output } => {
            let pin = secret::read(lang, pin_file.as_deref(), lang.pick("设置密钥密码", "Choose a PIN for the key"))?;
            let request = pb::CreateHostedKeyRequest {
                request_id: request_id(),
                organization: Some(Organization { uscc: organization, name_zh: name, name_en: String::new() }),
                pin: pin.as_str().to_owned(),
            };
            let key = server.answer(client.create_hosted_key(request).await)?.hosted_key.unwrap_or_default();
            let mut written = Vec::new();
            for der in &key.certificate_requests {
                let request = CertificateRequest::from_der(der).map_err(|error| unusable(lang, error))?;
                let suite = request.public_key().suite().ok_or_else(|| unusable(lang, &key.hosted_key_id))?;
                written.push(write_request(lang, &output, suite, &request)?);
            }
            env.output.result(&json!({ "hostedKeyId": key.hosted_key_id, "written": written }), &key.hosted_key_id);
            for path in written {
                env.output.say(&format!("{}: {}", lang.pick("证书请求", "certificate request"), path.display()));
            }
        }
        HostedKey::Certify { id, certificates } => {
            let mut chain = Vec::new();
            for path in certificates {
                chain.extend(read_certificates(lang, &path)?.into_iter().map(|c| c.der().to_vec()));
            }
            let request =
                pb::CertifyHostedKeyRequest { request_id: request_id(), hosted_key_id: id, certificates: chain };
            let key = server.answer(client.certify_hosted_key(request).await)?.hosted_key.unwrap_or_default();
            env.output.result(&json!({ "hostedKeyId": key.hosted_key_id }), lang.pick("证书已导入", "certified"));
        }
    }
    Ok(())
}
