//! What each command does.

mod application;
mod card;
mod codes;
mod dev_ca;
mod dev_pki;
mod dev_tsa;
mod doctor;
mod events;
mod fabrication;
mod form;
mod history;
mod history_view;
mod hosted_key;
mod identity;
mod list;
mod original;
mod proof;
mod registry;
mod rights;
mod seal_use;
mod sealing;
mod show;
mod trust;
mod verify;
mod verify_batch;
mod verify_report;
mod verify_revocation;
mod verify_view;
mod workbench;

use std::process::ExitCode;

use clap::CommandFactory as _;

use crate::args::{Cli, Command};
use crate::connect::{Server, Tls};
use crate::failure::Failure;
use crate::lang::Lang;
use crate::output::Output;

/// What every command works with.
#[derive(Debug)]
pub struct Env {
    /// The server's address.
    pub server: String,
    /// What is trusted, and shown, over TLS.
    pub tls: Tls,
    /// In whose name.
    pub act_as: Option<String>,
    /// Where results go.
    pub output: Output,
}

impl Env {
    /// The server, on behalf of who is signed in.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn server(&self) -> Result<Server, Failure> {
        Server::of(&self.server, &self.tls, self.act_as.as_deref(), self.output.lang)
    }

    /// The language.
    pub const fn lang(&self) -> Lang {
        self.output.lang
    }
}

/// Runs a command; gives the exit code.
///
/// # Errors
/// [`Failure`].
pub async fn run(env: &Env, command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Login(args) => identity::login(env, &args).await?,
        Command::Logout(args) => identity::logout(env, &args)?,
        Command::Whoami => identity::whoami(env)?,
        Command::Submit(args) => application::submit(env, &args).await?,
        Command::Approve(args) => application::approve(env, args).await?,
        Command::Return(args) => application::send_back(env, args).await?,
        Command::Revise(args) => application::revise(env, &args).await?,
        Command::Resubmit(args) => application::resubmit(env, args).await?,
        Command::Withdraw(args) => application::withdraw(env, args).await?,
        Command::Cancel(args) => application::cancel(env, &args).await?,
        Command::ErasePerson(args) => application::erase_person(env, args).await?,
        Command::Make(args) => return workbench::make(env, &args).await,
        Command::MakerCard(args) => fabrication::maker_card(env, args).await?,
        Command::Activate(args) => registry::activate(env, args).await?,
        Command::Suspend(args) => registry::suspend(env, args).await?,
        Command::ReportLoss(args) => registry::report_loss(env, args).await?,
        Command::Resume(args) => registry::resume(env, args).await?,
        Command::Revoke(args) => registry::revoke(env, args).await?,
        Command::Replace(args) => registry::replace(env, args).await?,
        Command::Unlock(args) => registry::unlock(env, args).await?,
        Command::Custodian(args) => rights::custodian(env, args).await?,
        Command::SealPolicy(args) => rights::policy(env, args).await?,
        Command::SecondFactor(args) => codes::second_factor(env, args).await?,
        Command::Use(args) => seal_use::seal_use(env, args).await?,
        Command::Seal(args) => sealing::seal(env, &args).await?,
        Command::SealBatch(args) => return sealing::batch::seal_batch(env, &args).await,
        Command::Verify(args) => return verify::verify(env, &args).await,
        Command::VerifyBatch(args) => return verify_batch::verify_batch(env, &args),
        Command::List(args) => list::list(env, args).await?,
        Command::Show(args) => show::show(env, args).await?,
        Command::Events(args) => events::events(env, args).await?,
        Command::History(args) => return history::history(env, &args).await,
        Command::Card(args) => card::card(env, args)?,
        Command::HostedKey(args) => hosted_key::hosted_key(env, args).await?,
        Command::Trust(args) => trust::trust(env, args).await?,
        Command::DevCa(args) => dev_ca::dev_ca(env, args).await?,
        Command::DevPki(args) => dev_pki::dev_pki(env, &args)?,
        Command::DevTsa(args) => dev_tsa::dev_tsa(env, args).await?,
        Command::Doctor(args) => return doctor::doctor(env, &args).await,
        Command::Completions(args) => {
            clap_complete::generate(args.shell, &mut Cli::command(), "eseal", &mut std::io::stdout());
        }
    }
    Ok(ExitCode::SUCCESS)
}
