//! An application's form, from a TOML file and options.

use std::path::Path;

use eseal_kernel::{Clock, Timestamp};
use eseal_proto::application::v1 as pb;
use eseal_proto::application::v1::application_service_client::ApplicationServiceClient;
use eseal_proto::authentication::v1 as authentication;
use eseal_proto::authentication::v1::registry_service_client::RegistryServiceClient;
use eseal_proto::{moment, seal::v1 as seal_pb};
use serde::Deserialize;

use crate::args::Form;
use crate::connect::{MAX_MESSAGE, Server};
use crate::failure::{Failure, read_file};
use crate::lang::Lang;

const MAX_FORM: u64 = 1 << 20;
const MAX_MATERIAL: u64 = 10 << 20;
const USUAL_VALIDITY: std::time::Duration = std::time::Duration::from_secs(3 * 365 * 24 * 3600);

/// What a form file may say: the options of the command by the same names, and the contacts.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct FormFile {
    kind: Option<String>,
    organization: Option<String>,
    name: Option<String>,
    name_en: Option<String>,
    seal_type: Option<String>,
    seal_name: Option<String>,
    impression: Option<std::path::PathBuf>,
    shape: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    hosted_key: Option<String>,
    custodian: Option<String>,
    valid_from: Option<String>,
    valid_to: Option<String>,
    existing_seal: Option<String>,
    reason: Option<String>,
    attach: Vec<String>,
    contacts: Vec<Contact>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Contact {
    person: String,
    name: String,
    #[serde(default)]
    phone: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    document_number: String,
}

/// The form as the service takes it. Pictures and attachments are stored on the way.
///
/// # Errors
/// Something is missing or not understood, a file can't be read, or the server refused one.
pub async fn read(server: &Server, form: &Form) -> Result<(pb::ApplicationForm, Vec<pb::Contact>), Failure> {
    let lang = server.lang;
    let file = match &form.file {
        Some(path) => parse(lang, path)?,
        None => FormFile::default(),
    };
    let or = |option: &Option<String>, stored: &Option<String>| option.clone().or_else(|| stored.clone());
    let existing_seal_id = or(&form.existing_seal, &file.existing_seal).unwrap_or_default();
    let before = earlier(server, &existing_seal_id).await?;
    let need = |option: &Option<String>, stored: &Option<String>, name: &str, before: Option<String>| {
        let missing = || Failure::usage(lang, format_args!("--{name}: {}", lang.pick("缺少", "is missing")));
        option.clone().or_else(|| stored.clone()).or(before).ok_or_else(missing)
    };
    let seal_type_before = before.as_ref().map(|form| form.seal_type().as_str_name().replace("SEAL_TYPE_", ""));
    let seal_type = need(&form.seal_type, &file.seal_type, "seal-type", seal_type_before)?;
    let seal_type =
        word(lang, "seal-type", &seal_type, |name| seal_pb::SealType::from_str_name(&format!("SEAL_TYPE_{name}")))?;
    let kind = word(lang, "kind", &or(&form.kind, &file.kind).unwrap_or_else(|| "new".to_owned()), |name| {
        pb::ApplicationKind::from_str_name(&format!("APPLICATION_KIND_{name}"))
    })?;
    let custodian_before = before.as_ref().map(|form| form.custodian_id.clone());
    let custodian_id = need(&form.custodian, &file.custodian, "custodian", custodian_before)?;
    let picture = form.impression.as_deref().or(file.impression.as_deref());
    let shape = or(&form.shape, &file.shape);
    let impression_before = before.as_ref().and_then(|form| form.impression.clone());
    let usual = impression_before.as_ref().map_or((40, 40), |before| (before.width_mm, before.height_mm));
    let size = (form.width.or(file.width).unwrap_or(usual.0), form.height.or(file.height).unwrap_or(usual.1));
    let names_a_person = matches!(seal_type, seal_pb::SealType::Personal | seal_pb::SealType::LegalRepresentative);
    let about = if names_a_person { custodian_id.as_str() } else { "" };
    let impression = match impression_before {
        Some(before) if picture.is_none() && shape.is_none() => unchanged(before, size),
        _ => impression(server, picture, shape.as_deref(), size, about).await?,
    };
    let from = time(lang, "valid-from", or(&form.valid_from, &file.valid_from))?.unwrap_or_else(|| Clock::System.now());
    let to = time(lang, "valid-to", or(&form.valid_to, &file.valid_to))?.unwrap_or_else(|| from.plus(USUAL_VALIDITY));
    let key_before = before.as_ref().map(|form| form.hosted_key_id.clone());
    let hosted_key_id = or(&form.hosted_key, &file.hosted_key).or(key_before).unwrap_or_default();
    let organization_before = before.as_ref().and_then(|form| form.organization.clone());
    let named = |name: fn(seal_pb::Organization) -> String| organization_before.clone().map(name);
    let custody = if hosted_key_id.is_empty() { seal_pb::Custody::SealCard } else { seal_pb::Custody::HostedKey };
    let filled = pb::ApplicationForm {
        kind: kind.into(),
        organization: Some(seal_pb::Organization {
            uscc: need(&form.organization, &file.organization, "organization", named(|before| before.uscc))?,
            name_zh: need(&form.name, &file.name, "name", named(|before| before.name_zh))?,
            name_en: or(&form.name_en, &file.name_en).or(named(|before| before.name_en)).unwrap_or_default(),
        }),
        seal_type: seal_type.into(),
        seal_name: need(&form.seal_name, &file.seal_name, "seal-name", before.map(|form| form.seal_name))?,
        impression: Some(impression),
        custody: custody.into(),
        hosted_key_id,
        custodian_id,
        valid_from: Some(moment::from_micros(from.micros())),
        valid_to: Some(moment::from_micros(to.micros())),
        attachments: attachments(server, form.attach.iter().chain(&file.attach)).await?,
        existing_seal_id,
        revocation_reason: or(&form.reason, &file.reason).unwrap_or_default(),
    };
    Ok((filled, file.contacts.into_iter().map(Contact::into_wire).collect()))
}

/// What was asked for when the existing seal was made.
async fn earlier(server: &Server, seal_id: &str) -> Result<Option<pb::ApplicationForm>, Failure> {
    if seal_id.is_empty() {
        return Ok(None);
    }
    let request = authentication::GetSealRequest { seal_id: seal_id.to_owned() };
    let seal = server.answer(RegistryServiceClient::new(server.line()).get_seal(request).await)?.seal;
    let application_id = seal.unwrap_or_default().application_id;
    let request = pb::GetApplicationRequest { application_id };
    let answer = server.answer(ApplicationServiceClient::new(server.line()).get_application(request).await)?;
    Ok(answer.application.and_then(|application| application.form))
}

/// The picture that the existing seal has. One that the system drew is drawn anew.
fn unchanged(before: pb::Impression, (width_mm, height_mm): (u32, u32)) -> pb::Impression {
    let material_digest = if before.drawn == 0 { before.material_digest } else { String::new() };
    pb::Impression { material_digest, width_mm, height_mm, ..before }
}

fn parse(lang: Lang, path: &Path) -> Result<FormFile, Failure> {
    let bytes = read_file(lang, path, MAX_FORM)?;
    let text = String::from_utf8(bytes).map_err(|error| Failure::usage(lang, error))?;
    let mut file: FormFile =
        toml::from_str(&text).map_err(|error| Failure::usage(lang, format_args!("{}: {error}", path.display())))?;
    // A form names its files as people do: beside itself.
    if let Some(folder) = path.parent() {
        file.impression = file.impression.map(|picture| folder.join(picture));
        for attached in &mut file.attach {
            if let Some((kind, name)) = attached.split_once('=') {
                *attached = format!("{kind}={}", folder.join(name).display());
            }
        }
    }
    Ok(file)
}

impl Contact {
    fn into_wire(self) -> pb::Contact {
        let Self { person, name, phone, email, document_number } = self;
        pb::Contact { person_id: person, name, phone, email, document_number }
    }
}

/// A word of a protobuf enum, as `two-words` or `TWO_WORDS`.
fn word<T>(lang: Lang, option: &str, text: &str, find: impl Fn(&str) -> Option<T>) -> Result<T, Failure> {
    let name = text.to_ascii_uppercase().replace('-', "_");
    let unknown =
        || Failure::usage(lang, format_args!("--{option} {text}: {}", lang.pick("没有这个值", "no such value")));
    find(&name).filter(|_| name != "UNSPECIFIED").ok_or_else(unknown)
}

fn time(lang: Lang, option: &str, text: Option<String>) -> Result<Option<Timestamp>, Failure> {
    let parse = |text: String| text.parse().map_err(|error| Failure::usage(lang, format_args!("--{option}: {error}")));
    text.map(parse).transpose()
}

async fn impression(
    server: &Server,
    picture: Option<&Path>,
    shape: Option<&str>,
    (width_mm, height_mm): (u32, u32),
    about: &str,
) -> Result<pb::Impression, Failure> {
    let lang = server.lang;
    let mut impression = pb::Impression { width_mm, height_mm, ..Default::default() };
    match (picture, shape) {
        (Some(_), Some(_)) => return Err(Failure::usage(lang, "--impression, --shape")),
        (Some(path), None) => {
            impression.material_digest = store(server, path, about, (width_mm, height_mm)).await?;
        }
        (None, shape) => {
            let shape = word(lang, "shape", shape.unwrap_or("round"), |name| {
                pb::ImpressionShape::from_str_name(&format!("IMPRESSION_SHAPE_{name}"))
            })?;
            impression.drawn = shape.into();
        }
    }
    Ok(impression)
}

async fn attachments(server: &Server, named: impl Iterator<Item = &String>) -> Result<Vec<pb::Attachment>, Failure> {
    let mut attachments = Vec::new();
    for text in named {
        let why = server.lang.pick("应为 种类=文件", "expected KIND=FILE");
        let (kind, path) =
            text.split_once('=').ok_or_else(|| Failure::usage(server.lang, format_args!("--attach {text}: {why}")))?;
        let digest = store(server, Path::new(path), "", (0, 0)).await?;
        attachments.push(pb::Attachment { kind: kind.to_owned(), digest });
    }
    Ok(attachments)
}

async fn store(server: &Server, path: &Path, about: &str, size: (u32, u32)) -> Result<String, Failure> {
    let content = read_file(server.lang, path, MAX_MATERIAL)?;
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    let media_type = match ending.as_str() {
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "jpg" | "jpeg" => "image/jpeg",
        "pdf" => "application/pdf",
        _ => return Err(Failure::usage(server.lang, format_args!("{}: png, svg, jpg, pdf", path.display()))),
    };
    let request = pb::PutMaterialRequest {
        content,
        media_type: media_type.to_owned(),
        person_id: about.to_owned(),
        width_mm: size.0,
        height_mm: size.1,
    };
    let mut client = ApplicationServiceClient::new(server.line()).max_encoding_message_size(MAX_MESSAGE);
    Ok(server.answer(client.put_material(request).await)?.digest)
}
