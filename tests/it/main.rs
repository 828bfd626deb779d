//! The platform as its users see it, one file per story.

mod accepted;
mod asyncapi;
mod batch;
mod chart;
mod demo;
mod deploy;
mod documented;
mod faults;
mod fixture;
mod forged;
mod history;
mod house_rules;
mod image;
mod issue_a_seal;
mod manner;
mod operations;
mod others_agree;
mod personal_data;
mod reports;
mod restart;
mod samples;
mod subscription;
mod telemetry;
mod tokens;
mod verify_contract;
mod yaml;
