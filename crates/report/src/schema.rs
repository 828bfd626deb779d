//! The JSON schema of a report.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::model::Report;

/// JSON Schema 2020-12 of [`Report`], as `docs/verification-report.schema.json` has it. Properties may be added: a reader
/// ignores those that it does not know.
pub fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<Report>();
    schema.insert("$id".to_owned(), "urn:eseal:verification-report:1".into());
    schema.insert("title".to_owned(), "Verification report of eseal".into());
    schema.into()
}
