//! Which ledger a run keeps: the one it names, the user's own, or one that is thrown away.

use crate::config::{Settings, Target};
use crate::ledger::{Ledger, LedgerError, Lookup, RunInfo};
use crate::report::RunFacts;

/// What a rehearsal's rows are kept by, instead of an address: they never settle a real one.
const SANDBOX: &str = "sandbox";

/// Takes the run's ledger, and with it the right to be the only run on it.
pub(super) fn open(settings: &Settings, facts: &RunFacts) -> Result<Ledger, LedgerError> {
    let run = RunInfo {
        run_id: facts.run_id.clone(),
        started_at: facts.started_at,
        command: facts.command,
        api: api(settings),
    };
    match &settings.ledger {
        Some(path) => Ledger::open(path, &run),
        None => Ledger::open_temporary(&run),
    }
}

/// What the ledger says now, for a plan: no lock, no trace. With `recheck` no row counts as settled.
pub(super) fn look(settings: &Settings, recheck: bool) -> Result<Lookup, LedgerError> {
    match &settings.ledger {
        Some(path) => Lookup::open(path, &api(settings), recheck),
        None => Lookup::without_ledger(),
    }
}

fn api(settings: &Settings) -> String {
    match &settings.target {
        Target::Sandbox => SANDBOX.to_owned(),
        Target::Real { base_url, .. } => base_url.to_string(),
    }
}
