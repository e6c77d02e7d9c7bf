//! The one writer: a thread that takes what waits into one transaction, commits it, and only then answers.
//!
//! A commit costs a sync of the disk, whatever is in it; grouped, they cost no throughput.

use std::collections::HashMap;
use std::path::PathBuf;

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior, params};
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};

use super::columns::time_text;
use super::connection::of_write;
use super::lock::Lock;
use super::record::speaks_of_losses;
use super::{Key, LedgerError, RunInfo, Settlement, account};
use crate::invitation::AccountName;

/// The most jobs in one transaction, and the most that wait for it.
pub(super) const GROUP: usize = 1_024;

/// What the ledger is asked to keep.
#[derive(Debug)]
pub(super) enum Work {
    Intend { key: Key, at: Timestamp },
    Retract { key: Key },
    Settle { key: Key, settlement: Settlement },
}

/// How its end is told.
pub(super) type Answer = oneshot::Sender<Result<(), LedgerError>>;

/// A message to the writer.
#[derive(Debug)]
pub(super) enum Job {
    Keep(Work, Answer),
    Close(Answer),
}

/// What has to outlive the connection.
#[derive(Debug)]
pub(super) struct Guards {
    pub(super) directory: Option<TempDir>,
    pub(super) lock: Lock,
}

/// The writer's state.
#[derive(Debug)]
pub(super) struct Writer {
    connection: Connection,
    path: PathBuf,
    api: String,
    run_number: i64,
    accounts: HashMap<AccountName, i64>,
    guards: Guards,
}

impl Writer {
    /// Enters the run, which also proves that the ledger can be written.
    pub(super) fn new(
        connection: Connection,
        path: PathBuf,
        run: &RunInfo,
        guards: Guards,
    ) -> Result<Self, LedgerError> {
        let sql = "INSERT INTO runs (run_id, command, api, started_at, process_id) VALUES (?1, ?2, ?3, ?4, ?5)";
        let started_at = time_text(run.started_at);
        connection
            .execute(sql, params![run.run_id, run.command, run.api, started_at, std::process::id()])
            .map_err(of_write(&path))?;
        let run_number = connection.last_insert_rowid();
        Ok(Self { connection, path, api: run.api.clone(), run_number, accounts: HashMap::new(), guards })
    }

    /// Works until it is told to close or nobody is left to tell it.
    pub(super) fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut failure = None;
        let mut closing = None;
        while closing.is_none() {
            let Some(first) = jobs.blocking_recv() else { break };
            let (mut group, mut answers) = (Vec::new(), Vec::new());
            let waiting = std::iter::from_fn(|| jobs.try_recv().ok());
            for job in std::iter::once(first).chain(waiting).take(GROUP) {
                match job {
                    Job::Keep(work, answer) => {
                        group.push(work);
                        answers.push(answer);
                    }
                    Job::Close(answer) => closing = Some(answer),
                }
            }
            // After a failed commit nobody knows what the disk holds, so nothing is tried again.
            if failure.is_none() {
                failure = self.commit(group).map_err(of_write(&self.path)).err();
            }
            for answer in answers {
                // Whoever asked may have been told to stop meanwhile.
                let _ = answer.send(failure.clone().map_or(Ok(()), Err));
            }
        }
        let closed = self.close();
        if let Some(answer) = closing {
            let _ = answer.send(failure.map_or(closed, Err));
        }
    }

    fn commit(&mut self, group: Vec<Work>) -> rusqlite::Result<()> {
        if group.is_empty() {
            return Ok(());
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut book = Book {
            connection: &transaction,
            api: &self.api,
            run_number: self.run_number,
            accounts: &mut self.accounts,
        };
        for work in group {
            match work {
                Work::Intend { key, at } => book.intend(&key, at)?,
                Work::Retract { key } => book.retract(&key)?,
                Work::Settle { key, settlement } => book.settle(&key, &settlement)?,
            }
        }
        transaction.commit()
    }

    /// Folds the log into the file, then lets go of the lock.
    fn close(self) -> Result<(), LedgerError> {
        let Self { connection, path, guards: Guards { directory, lock }, .. } = self;
        // A reader may be in the way. The next one to close does it then, and nothing is lost meanwhile.
        let checkpoint = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        let closed = connection.close().map_err(|(_, error)| error);
        drop(directory);
        drop(lock);
        checkpoint.and(closed).map_err(of_write(&path))
    }
}

/// One transaction's view of the tables.
struct Book<'a> {
    connection: &'a Connection,
    api: &'a str,
    run_number: i64,
    accounts: &'a mut HashMap<AccountName, i64>,
}

impl Book<'_> {
    /// An intent that finds one standing says that the answer to that one's call was lost: nobody took it back.
    fn intend(&mut self, key: &Key, at: Timestamp) -> rusqlite::Result<()> {
        let sql = "INSERT INTO intents (account_id, invitation_id, intended_at, answer_lost, run_number)
            VALUES (?1, ?2, ?3, 0, ?4)
            ON CONFLICT (account_id, invitation_id) DO UPDATE
            SET intended_at = excluded.intended_at, answer_lost = 1, run_number = excluded.run_number";
        let account_id = self.account_id(&key.account)?;
        self.execute(sql, params![account_id, key.id, time_text(at), self.run_number])
    }

    /// Takes back this run's own intent, and none that also stands for a lost answer.
    fn retract(&mut self, key: &Key) -> rusqlite::Result<()> {
        let sql = "DELETE FROM intents
            WHERE account_id = ?1 AND invitation_id = ?2 AND answer_lost = 0 AND run_number = ?3";
        let account_id = self.account_id(&key.account)?;
        self.execute(sql, params![account_id, key.id, self.run_number])
    }

    fn settle(&mut self, key: &Key, settlement: &Settlement) -> rusqlite::Result<()> {
        let account_id = self.account_id(&key.account)?;
        let add = "INSERT INTO settlements (account_id, invitation_id, settlement, settled_at, outcome, detail,
                http_status, attempts, credits_charged, credits_possible, run_number)
            SELECT ?1, ?2, COALESCE(MAX(settlement), 0) + 1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10
            FROM settlements WHERE account_id = ?1 AND invitation_id = ?2";
        let Settlement { outcome, detail, http_status, attempts, cost, settled_at } = settlement;
        self.execute(
            add,
            params![
                account_id,
                key.id,
                time_text(*settled_at),
                outcome,
                detail,
                http_status,
                attempts,
                cost.charged,
                cost.possible,
                self.run_number
            ],
        )?;
        let end = "DELETE FROM intents WHERE account_id = ?1 AND invitation_id = ?2 AND (answer_lost = 0 OR ?3)";
        self.execute(end, params![account_id, key.id, speaks_of_losses(*outcome)])
    }

    fn account_id(&mut self, name: &AccountName) -> rusqlite::Result<i64> {
        if let Some(id) = self.accounts.get(name) {
            return Ok(*id);
        }
        let id = account::find_or_add(self.connection, self.api, name)?;
        self.accounts.insert(name.clone(), id);
        Ok(id)
    }

    fn execute(&self, sql: &str, params: impl rusqlite::Params) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute(params)?;
        Ok(())
    }
}
