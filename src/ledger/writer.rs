//! The one writer: a thread that takes what waits into one transaction, commits it, and only then answers.
//!
//! A commit costs a sync of the disk, whatever is in it; grouped, they cost no throughput.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior, params};
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};

use super::columns::time_text;
use super::connection::of_write;
use super::lock::Lock;
use super::place::{Identity, beside};
use super::record::resolves_lost_answers;
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
/// Where its end is heard.
pub(super) type Answered = oneshot::Receiver<Result<(), LedgerError>>;

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
    /// The ledger and its log, as they must still be after each commit.
    files: [Identity; 2],
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
        let identity = |path: &Path| Identity::of(path).map_err(|error| LedgerError::unwritable(path, error));
        let files = [identity(&path)?, identity(&beside(&path, "-wal"))?];
        Ok(Self { connection, path, api: run.api.clone(), run_number, accounts: HashMap::new(), files, guards })
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
                failure = self.keep(group).err();
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

    /// Makes a group durable, in files that can be found again.
    fn keep(&mut self, group: Vec<Work>) -> Result<(), LedgerError> {
        self.commit(group).map_err(of_write(&self.path))?;
        let found = self.files.iter().try_for_each(Identity::check);
        found.map_err(|error| LedgerError::unwritable(&self.path, error))
    }

    fn commit(&mut self, group: Vec<Work>) -> rusqlite::Result<()> {
        if group.is_empty() {
            return Ok(());
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut book = Tables {
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

    /// The last connection that closes folds the log into the file; a reader that still reads holds up nothing.
    fn close(self) -> Result<(), LedgerError> {
        let Self { connection, path, guards: Guards { directory, lock }, .. } = self;
        let closed = connection.close().map_err(|(_, error)| of_write(&path)(error));
        drop(directory);
        drop(lock);
        closed
    }
}

/// One transaction's view of the tables.
struct Tables<'a> {
    connection: &'a Connection,
    api: &'a str,
    run_number: i64,
    accounts: &'a mut HashMap<AccountName, i64>,
}

impl Tables<'_> {
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
        self.execute(end, params![account_id, key.id, resolves_lost_answers(*outcome)])
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::testing::{Place, key, run, settlement};
    use super::super::{Ledger, connection};
    use super::*;
    use crate::outcome::Outcome;

    /// Commits in SQLite's write-ahead log: frames that tell the size of the file after them
    /// (<https://sqlite.org/fileformat.html#the_write_ahead_log>).
    fn commits(place: &Place) -> usize {
        let log = std::fs::read(place.dir.path().join("ledger.db-wal")).unwrap();
        log[32..].chunks(24 + 4096).filter(|frame| frame[4..8] != [0; 4]).count()
    }

    #[tokio::test]
    async fn what_waits_together_is_committed_together() {
        let place = Place::new();
        let ledger = place.open("a");
        ledger.intend(&key("1")).await.unwrap();
        let before = commits(&place);
        // While someone else writes, the writer is held up with the first job and the others gather behind it.
        let other = Connection::open(&place.path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let tasks: Vec<_> = (100..200)
            .map(|number| {
                let ledger = ledger.clone();
                tokio::spawn(async move { ledger.intend(&key(&number.to_string())).await })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(tasks.iter().all(|task| !task.is_finished()), "told before it was durable");
        other.execute_batch("COMMIT").unwrap();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        let count: u32 = other.query_one("SELECT COUNT(*) FROM intents", [], |row| row.get(0)).unwrap();
        assert_eq!(count, 101);
        assert!((1..=2).contains(&(commits(&place) - before)), "{} commits", commits(&place) - before);
    }

    fn full_after(place: &Place, pages: u32) -> Ledger {
        let lock = Lock::take(&place.path, "run", Timestamp::now()).unwrap();
        let connection = connection::to_write(&place.path).unwrap();
        connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
        let writer = Writer::new(connection, place.path.clone(), &run("a"), Guards { directory: None, lock }).unwrap();
        Ledger::start(writer, place.path.clone(), &run("a")).unwrap()
    }

    #[tokio::test]
    async fn a_ledger_that_could_not_be_written_takes_nothing_more() {
        let place = Place::new();
        let ledger = full_after(&place, 16);
        let long = Settlement { detail: "x".repeat(3_000), ..settlement(Outcome::Withdrawn) };
        let mut kept = 0;
        let error = loop {
            assert!(kept < 100, "it never gets full");
            let key = key(&(1_000 + kept).to_string());
            match ledger.settle(&key, &long).await.await {
                Ok(()) => kept += 1,
                Err(error) => break error,
            }
        };
        assert!(matches!(&error, LedgerError::Unwritable { .. }), "{error}");
        assert!(crate::error_chain(&error).contains("full"), "{}", crate::error_chain(&error));
        // A retraction would find room, yet nobody knows what a failed disk holds.
        let again = ledger.retract(&key("1000")).await.unwrap_err();
        assert_eq!(crate::error_chain(&again), crate::error_chain(&error));
        assert!(ledger.close().await.is_err());

        let connection = Connection::open(&place.path).unwrap();
        let count: u32 = connection.query_one("SELECT COUNT(*) FROM settlements", [], |row| row.get(0)).unwrap();
        assert_eq!(count, kept, "what was told to be durable is, and nothing else");
        assert!(kept > 0);
    }

    #[tokio::test]
    async fn what_went_into_a_removed_ledger_is_not_kept() {
        for file in ["ledger.db", "ledger.db-wal"] {
            let place = Place::new();
            let ledger = place.open("a");
            ledger.intend(&key("7")).await.unwrap();
            std::fs::remove_file(place.dir.path().join(file)).unwrap();
            let error = ledger.settle(&key("7"), &settlement(Outcome::Withdrawn)).await.await.unwrap_err();
            let said = crate::error_chain(&error);
            assert!(matches!(&error, LedgerError::Unwritable { .. }), "{said}");
            assert!(said.contains(file) && said.contains("was removed during the run"), "{said}");
        }
    }

    #[tokio::test]
    async fn all_who_waited_for_a_failed_commit_are_told() {
        let place = Place::new();
        let ledger = full_after(&place, 16);
        let other = Connection::open(&place.path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let tasks: Vec<_> = (100..150)
            .map(|number| {
                let ledger = ledger.clone();
                let long = Settlement { detail: "x".repeat(3_000), ..settlement(Outcome::Withdrawn) };
                tokio::spawn(async move { ledger.settle(&key(&number.to_string()), &long).await.await })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(20)).await;
        other.execute_batch("COMMIT").unwrap();
        let mut told = 0;
        for task in tasks {
            told += u32::from(task.await.unwrap().is_ok());
        }
        let count: u32 = other.query_one("SELECT COUNT(*) FROM settlements", [], |row| row.get(0)).unwrap();
        assert_eq!(count, told);
        assert!(told < 50, "all found room");
    }
}
