//! What the ledger's tests share.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::lock::Lock;
use super::writer::{GROUP, Guards, Job, Writer};
use super::{
    CallEnd, CallIntent, CallState, Key, Ledger, LedgerError, Lookup, RunInfo, Settlement, Standing, connection, pace,
};
use crate::api::CallKind;
use crate::invitation::{AccountName, InvitationId};
use crate::outcome::Outcome;
use crate::pace::Past;
use crate::policy::Cost;
use crate::stop::Stop;

pub(super) const API: &str = "https://api.example";
/// When every settlement of the tests happens that does not say otherwise.
pub(super) const NOON: &str = "2026-03-01T12:00:00.25Z";

pub(super) fn run(run_id: &str) -> RunInfo {
    run_at(run_id, API)
}

pub(super) fn run_at(run_id: &str, api: &str) -> RunInfo {
    let started_at = "2026-03-01T10:00:00Z".parse().unwrap();
    RunInfo { run_id: run_id.to_owned(), started_at, command: "run", api: api.to_owned(), stop: Stop::default() }
}

pub(super) fn id(digits: &str) -> InvitationId {
    InvitationId::parse(digits).unwrap()
}

pub(super) fn key(digits: &str) -> Key {
    Key { account: AccountName::default(), id: id(digits) }
}

pub(super) fn key_of(account: &str, digits: &str) -> Key {
    Key { account: AccountName::parse(account).unwrap(), id: id(digits) }
}

pub(super) fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A settlement at noon.
pub(super) fn settlement(outcome: Outcome) -> Settlement {
    settlement_at(outcome, NOON)
}

pub(super) fn settlement_at(outcome: Outcome, at: &str) -> Settlement {
    Settlement { outcome, detail: format!("the API's words for {outcome}"), attempts: 2, settled_at: moment(at) }
}

pub(super) fn intent(key: &Key) -> CallIntent {
    CallIntent { kind: CallKind::Withdraw, account: key.account.clone(), invitation: Some(key.id.clone()), possible: 1 }
}

/// How the tests' calls end: at a cost that tells charged from possible.
pub(super) fn end(state: CallState) -> CallEnd {
    CallEnd { state, http_status: Some(200), cost: Cost { charged: 1, possible: 2 } }
}

/// Makes a call for the key, which settles it.
pub(super) async fn settle(ledger: &Ledger, key: &Key, settlement: &Settlement) -> Result<(), LedgerError> {
    let call = ledger.open_call(intent(key)).await?;
    let state = if settlement.outcome == Outcome::Unconfirmed { CallState::Lost } else { CallState::Answered };
    ledger.close_call(call, end(state), Some(key.clone()), Some(settlement.clone())).await.await
}

/// A ledger file in a directory of its own, from which each run of a test starts anew.
pub(super) struct Place {
    pub(super) dir: TempDir,
    pub(super) path: PathBuf,
}

impl Place {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger.db");
        Self { dir, path }
    }

    pub(super) fn open(&self, run_id: &str) -> Ledger {
        Ledger::open(&self.path, &run(run_id)).unwrap()
    }

    /// What a power cut at this moment would leave behind: the files as they are, with nobody's locks on them.
    pub(super) fn after_a_crash(&self) -> Self {
        let copy = Self::new();
        for name in self.listing() {
            std::fs::copy(self.dir.path().join(&name), copy.dir.path().join(&name)).unwrap();
        }
        copy
    }

    pub(super) fn listing(&self) -> Vec<String> {
        listing(self.dir.path())
    }
}

pub(super) fn listing(dir: &Path) -> Vec<String> {
    let names = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

/// Where a key stands for a run that begins now.
pub(super) fn standing(ledger: &Ledger, key: &Key) -> Standing {
    standing_of(&mut ledger.lookup(false).unwrap(), key)
}

pub(super) fn standing_of(lookup: &mut Lookup, key: &Key) -> Standing {
    lookup.standing(key, 1).unwrap()
}

/// A ledger's writer without its thread: whoever holds it says when it commits. Dropped, it loses what waits, as a kill does.
pub(crate) struct DrivenWriter {
    writer: Writer,
    jobs: mpsc::Receiver<Job>,
    first: Option<Job>,
}

impl DrivenWriter {
    /// A ledger for a simulated run, by the clock of the simulation.
    pub(crate) fn open(path: &Path, run: &RunInfo, now: fn() -> Timestamp) -> Result<(Ledger, Self), LedgerError> {
        let lock = Lock::unsealed(path, run.command, run.started_at)?;
        let connection = connection::to_write(path, &run.stop)?;
        // A kill, unlike a power cut, loses nothing that was written.
        connection.pragma_update(None, "synchronous", "off").map_err(connection::of_write(path))?;
        let writer = Writer::new(connection, path.to_owned(), run, Guards { directory: None, lock: Some(lock) })?;
        let (jobs, waiting) = mpsc::channel(GROUP);
        Ok((Ledger::of_jobs(path, run, jobs, now), Self { writer, jobs: waiting, first: None }))
    }

    /// As [`Ledger::past`], without a connection of its own: of all that a simulated run does, opening one takes longest.
    pub(crate) fn past(&self, run: &RunInfo, window: Duration, most: u32, now: Timestamp) -> Past {
        pace::past(&self.writer.connection, &run.api, window, most, now).unwrap()
    }

    /// Waits until there is something to commit; `false` where nobody is left who could want it.
    pub(crate) async fn has_work(&mut self) -> bool {
        self.first = self.jobs.recv().await;
        self.first.is_some()
    }

    /// Commits what waits. `None` once the ledger is closed.
    pub(crate) fn commit(mut self) -> Option<Self> {
        let stopping = self.writer.serve(self.first.take()?, &mut self.jobs);
        if stopping.is_none() {
            return Some(self);
        }
        self.writer.end(stopping);
        None
    }
}
