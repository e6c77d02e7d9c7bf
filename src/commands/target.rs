//! From settings to what they name: the API that is called, real or simulated, and the ledger.

use std::io;

use secrecy::SecretString;

use super::error::CommandError;
use crate::api::{AccountId, Accounts, ApiVersion, BaseUrl, Client, ClientError, Credentials};
use crate::config::{Settings, Target};
use crate::ledger::{Ledger, LedgerError, Lookup, RunInfo};
use crate::report::RunFacts;
use crate::sandbox::{Sandbox, SandboxOptions};
use crate::stop::Stop;

/// An API that can be called, with what must live as long as the calls.
pub(super) struct Ready {
    pub(super) api: Client,
    pub(super) sandbox: Option<Sandbox>,
}

/// Makes the API ready. Nothing is sent yet.
pub(super) async fn ready(settings: &Settings) -> Result<Ready, CommandError> {
    match &settings.target {
        Target::Sandbox => {
            let options = SandboxOptions { record_invitations: false, ..SandboxOptions::default() };
            let sandbox = Sandbox::start(options).await.map_err(|source| CommandError::Sandbox { port: 0, source })?;
            let base_url = sandbox.base_url().parse().map_err(io::Error::other)?;
            let credentials = rehearsal(settings);
            tracing::info!("rehearsing against the simulated API at {base_url}: nothing real is withdrawn");
            Ok(Ready { api: api_at(settings, &base_url, &credentials)?, sandbox: Some(sandbox) })
        }
        Target::Real { base_url, credentials } => {
            let credentials = credentials.as_ref().ok_or(CommandError::NoCredentials)?;
            Ok(Ready { api: api_at(settings, base_url, credentials)?, sandbox: None })
        }
    }
}

/// What the simulated API takes for credentials: anything.
fn rehearsal(settings: &Settings) -> Credentials {
    let names = settings.accounts.keys().cloned();
    let accounts = match settings.api {
        ApiVersion::V1 => Accounts::V1(names.map(|name| (name, SecretString::from("sandbox"))).collect()),
        ApiVersion::V2 => Accounts::V2(names.filter_map(|name| Some((name, AccountId::parse("sandbox")?))).collect()),
    };
    Credentials { api_key: SecretString::from("sandbox"), accounts }
}

fn api_at(settings: &Settings, base_url: &BaseUrl, credentials: &Credentials) -> Result<Client, ClientError> {
    Client::new(base_url, credentials, settings.timeout, settings.concurrency)
}

/// In place of the API's address in a rehearsal's records, so that they never settle a real row.
const SANDBOX: &str = "sandbox";

/// Opens the run's ledger: the one it names, the user's own, or a temporary one. No other run can work on it meanwhile.
pub(super) fn open_ledger(settings: &Settings, facts: &RunFacts, stop: &Stop) -> Result<Ledger, LedgerError> {
    let run = run_info(settings, facts, stop);
    match &settings.ledger {
        Some(path) => Ledger::open(path, &run),
        None => Ledger::open_temporary(&run),
    }
}

/// Opens the ledger to record calls that withdraw nothing. `None`, with a warning, where that is not possible.
pub(super) fn open_ledger_beside(settings: &Settings, facts: &RunFacts, stop: &Stop) -> Option<Ledger> {
    let opened = Ledger::open_beside(settings.ledger.as_deref()?, &run_info(settings, facts, stop));
    opened
        .inspect_err(|error| {
            tracing::warn!("these calls are not recorded: {}", crate::error_chain(error));
        })
        .ok()
}

fn run_info(settings: &Settings, facts: &RunFacts, stop: &Stop) -> RunInfo {
    let RunFacts { run_id, command, started_at, .. } = facts.clone();
    RunInfo { run_id, started_at, command, api: api(settings), stop: stop.clone() }
}

/// Look-ups in the ledger as it is now, without a lock, for a plan. With `recheck` no row counts as settled.
pub(super) fn look_up(settings: &Settings, recheck: bool) -> Result<Lookup, LedgerError> {
    match &settings.ledger {
        Some(path) => Lookup::open(path, &api(settings), recheck),
        None => Lookup::without_ledger(),
    }
}

/// The API as the ledger knows it.
pub(super) fn api(settings: &Settings) -> String {
    match &settings.target {
        Target::Sandbox => SANDBOX.to_owned(),
        Target::Real { base_url, .. } => base_url.to_string(),
    }
}
