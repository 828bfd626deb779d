//! Reports as people and programs get them.

mod documents;
mod golden;
mod hostile;
mod made_up;
mod pictures;
mod samples;
mod schema;
mod validator;
