//! The one writer: a thread that commits all waiting jobs in one transaction, and only then answers.
//!
//! A commit costs a sync of the disk, however much is in it; in groups, durability costs no throughput.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior, params};
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};

use super::connection::of_write;
use super::lock::Lock;
use super::place::{Identity, beside};
use super::record::{CallEnd, CallIntent, resolves_lost_answers};
use super::schema::{account_id, millis};
use super::{CallId, Key, LedgerError, RunInfo, Settlement};
use crate::api::CallKind;
use crate::invitation::AccountName;

/// The most jobs in one transaction, and the most that wait for it.
pub(super) const GROUP: usize = 1_024;

/// A call's `state` in the file.
const OPEN: i64 = 0;
const DONE: i64 = 1;
const LOST: i64 = 2;

/// A call's `kind` in the file.
const fn number_of(kind: CallKind) -> i64 {
    match kind {
        CallKind::Withdraw => 0,
        CallKind::List => 1,
        CallKind::Balance => 2,
    }
}

/// A job for the writer, and where to send its result.
#[derive(Debug)]
pub(super) enum Job {
    Open {
        intent: CallIntent,
        at: Timestamp,
        reply: Reply<CallId>,
    },
    Close {
        call: CallId,
        end: CallEnd,
        key: Option<Key>,
        settlement: Option<Settlement>,
        at: Timestamp,
        reply: Reply<()>,
    },
    Settle {
        call: CallId,
        key: Key,
        settlement: Settlement,
        reply: Reply<()>,
    },
    Stop(Reply<()>),
}

pub(super) type Reply<T> = oneshot::Sender<Result<T, LedgerError>>;

/// What has to outlive the connection.
#[derive(Debug)]
pub(super) struct Guards {
    pub(super) directory: Option<TempDir>,
    /// `None` for what records beside a run.
    pub(super) lock: Option<Lock>,
}

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

/// A reply that is due once its group is durable.
enum Due {
    Opened(CallId, Reply<CallId>),
    Written(Reply<()>),
}

impl Writer {
    /// Enters the run, which also proves that the ledger can be written. The run that holds the lock takes the calls that
    /// earlier ones left open for lost answers.
    pub(super) fn new(
        mut connection: Connection,
        path: PathBuf,
        run: &RunInfo,
        guards: Guards,
    ) -> Result<Self, LedgerError> {
        let run_number = enter(&mut connection, run, guards.lock.is_some()).map_err(of_write(&path))?;
        let identity = |path: &Path| Identity::of(path).map_err(|error| LedgerError::unwritable(path, error));
        let files = [identity(&path)?, identity(&beside(&path, "-wal"))?];
        Ok(Self { connection, path, api: run.api.clone(), run_number, accounts: HashMap::new(), files, guards })
    }

    /// Works until it is told to stop or nobody is left to tell it.
    pub(super) fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut failure = None;
        let mut stopping = None;
        let (mut group, mut due) = (Vec::new(), Vec::new());
        while stopping.is_none() {
            let Some(first) = jobs.blocking_recv() else { break };
            let waiting = std::iter::from_fn(|| jobs.try_recv().ok());
            for job in std::iter::once(first).chain(waiting).take(GROUP) {
                match job {
                    Job::Stop(reply) => stopping = Some(reply),
                    Job::Open { .. } | Job::Close { .. } | Job::Settle { .. } => group.push(job),
                }
            }
            // After a failed commit nobody knows what the disk holds, so nothing is tried again.
            if failure.is_none() && !group.is_empty() {
                failure = self.commit_durably(&mut group, &mut due).err();
            }
            reply(&mut group, &mut due, failure.as_ref());
        }
        let closed = self.close();
        if let Some(reply) = stopping {
            // Whoever asked may have been told to stop meanwhile.
            let _ = reply.send(failure.map_or(closed, Err));
        }
    }

    /// Makes a group durable, in files that can be found again.
    fn commit_durably(&mut self, group: &mut Vec<Job>, due: &mut Vec<Due>) -> Result<(), LedgerError> {
        self.commit(group, due).map_err(of_write(&self.path))?;
        let found = self.files.iter().try_for_each(Identity::check);
        found.map_err(|error| LedgerError::unwritable(&self.path, error))
    }

    fn commit(&mut self, group: &mut Vec<Job>, due: &mut Vec<Due>) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut tables = Tables {
            connection: &transaction,
            api: &self.api,
            run_number: self.run_number,
            accounts: &mut self.accounts,
        };
        for job in group.drain(..) {
            match job {
                Job::Open { intent, at, reply } => due.push(Due::Opened(tables.open(&intent, at)?, reply)),
                Job::Close { call, end, key, settlement, at, reply } => {
                    due.push(Due::Written(reply));
                    tables.close(call, &end, key.as_ref(), settlement.as_ref(), at)?;
                }
                Job::Settle { call, key, settlement, reply } => {
                    due.push(Due::Written(reply));
                    tables.settle(call, &key, &settlement)?;
                }
                Job::Stop(_) => {}
            }
        }
        transaction.commit()
    }

    /// The last connection that closes folds the log into the file; a reader that still reads holds up nothing.
    fn close(self) -> Result<(), LedgerError> {
        let Self { connection, path, run_number, guards: Guards { directory, lock }, .. } = self;
        let ended = connection
            .execute("UPDATE runs SET ended_at = ?1 WHERE number = ?2", params![millis(Timestamp::now()), run_number]);
        let closed = connection.close().map_err(|(_, error)| of_write(&path)(error));
        drop(directory);
        drop(lock);
        ended.map_err(of_write(&path))?;
        closed
    }
}

/// Tells everyone in the group how it went.
fn reply(group: &mut Vec<Job>, due: &mut Vec<Due>, failure: Option<&LedgerError>) {
    // Whoever asked may have been told to stop meanwhile, so a reply that nobody takes is no failure.
    let written = |reply: Reply<()>| drop(reply.send(failure.cloned().map_or(Ok(()), Err)));
    for due in due.drain(..) {
        match due {
            Due::Opened(call, reply) => drop(reply.send(failure.cloned().map_or(Ok(call), Err))),
            Due::Written(reply) => written(reply),
        }
    }
    // What was not even tried.
    for job in group.drain(..) {
        match (job, failure) {
            (Job::Open { reply, .. }, Some(failure)) => drop(reply.send(Err(failure.clone()))),
            (Job::Close { reply, .. } | Job::Settle { reply, .. } | Job::Stop(reply), _) => written(reply),
            (Job::Open { .. }, None) => {}
        }
    }
}

/// Adds a run. With the lock held, no other run works, so what earlier ones left open was cut off.
fn enter(connection: &mut Connection, run: &RunInfo, has_lock: bool) -> rusqlite::Result<i64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if has_lock {
        take_open_for_lost(&transaction)?;
    }
    transaction.execute(
        "INSERT INTO runs (run_id, command, api, started_at, process_id, first_call)
        VALUES (?1, ?2, ?3, ?4, ?5, (SELECT COALESCE(MAX(call), 0) + 1 FROM calls))",
        params![run.run_id, run.command, run.api, format!("{:.3}", run.started_at), std::process::id()],
    )?;
    let number = transaction.last_insert_rowid();
    transaction.commit()?;
    Ok(number)
}

fn take_open_for_lost(connection: &Connection) -> rusqlite::Result<()> {
    // `list` works beside others, so one without an end may be working still; its calls have no effect to be in doubt of.
    let cut_off = "FROM calls JOIN runs ON number = run_number
        WHERE runs.ended_at IS NULL AND command <> 'list' AND call >= first_call AND state = 0";
    connection.execute(
        &format!(
            "INSERT INTO known (account_id, invitation_id, outcome, is_final, at, answer_lost)
            SELECT account_id, invitation_id, NULL, 0, sent_at, 1 {cut_off} AND invitation_id IS NOT NULL
            ON CONFLICT DO UPDATE SET answer_lost = 1"
        ),
        [],
    )?;
    connection.execute(&format!("UPDATE calls SET state = ?1 WHERE call IN (SELECT call {cut_off})"), [LOST])?;
    connection.execute(
        "UPDATE runs SET ended_at = ?1 WHERE ended_at IS NULL AND command <> 'list'",
        [millis(Timestamp::now())],
    )?;
    Ok(())
}

/// One transaction's view of the tables.
struct Tables<'a> {
    connection: &'a Connection,
    api: &'a str,
    run_number: i64,
    accounts: &'a mut HashMap<AccountName, i64>,
}

impl Tables<'_> {
    fn open(&mut self, intent: &CallIntent, at: Timestamp) -> rusqlite::Result<CallId> {
        let sql = "INSERT INTO calls (run_number, account_id, kind, invitation_id, sent_at, state, credits_charged,
                credits_possible)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7)";
        let CallIntent { kind, account, invitation, possible } = intent;
        let account_id = self.account_id(account)?;
        self.execute(
            sql,
            params![self.run_number, account_id, number_of(*kind), invitation, millis(at), OPEN, possible],
        )?;
        Ok(CallId(self.connection.last_insert_rowid()))
    }

    fn close(
        &mut self,
        CallId(call): CallId,
        end: &CallEnd,
        key: Option<&Key>,
        settlement: Option<&Settlement>,
        at: Timestamp,
    ) -> rusqlite::Result<()> {
        let sql = "UPDATE calls SET ended_at = ?2, state = ?3, credits_charged = ?4, credits_possible = ?5,
            http_status = ?6, outcome = ?7, attempts = ?8, detail = ?9 WHERE call = ?1";
        let CallEnd { lost, http_status, cost } = end;
        let state = if *lost { LOST } else { DONE };
        let outcome = settlement.map(|settlement| settlement.outcome);
        let attempts = settlement.map(|settlement| settlement.attempts);
        let detail = settlement.map(|settlement| settlement.detail.as_str());
        let ended_at = settlement.map_or(at, |settlement| settlement.settled_at);
        let values =
            params![call, millis(ended_at), state, cost.charged, cost.possible, http_status, outcome, attempts, detail];
        self.execute(sql, values)?;
        match (key, settlement) {
            (Some(key), Some(settlement)) => self.know(key, settlement),
            (Some(key), None) if *lost => self.know_of_a_loss(key, at),
            (Some(_) | None, _) => Ok(()),
        }
    }

    /// What a row came to whose last call was closed before that was known.
    fn settle(&mut self, CallId(call): CallId, key: &Key, settlement: &Settlement) -> rusqlite::Result<()> {
        let Settlement { outcome, detail, attempts, settled_at: _ } = settlement;
        let sql = "UPDATE calls SET outcome = ?2, attempts = ?3, detail = ?4 WHERE call = ?1";
        self.execute(sql, params![call, outcome, attempts, detail])?;
        self.know(key, settlement)
    }

    /// A final outcome stays, even if a later run was told to ask again and got no answer.
    fn know(&mut self, key: &Key, settlement: &Settlement) -> rusqlite::Result<()> {
        let Settlement { outcome, settled_at, .. } = settlement;
        let sql = if outcome.is_final() {
            "INSERT OR REPLACE INTO known (account_id, invitation_id, outcome, is_final, at, answer_lost)
            VALUES (?1, ?2, ?3, 1, ?4, 0)"
        } else {
            "INSERT INTO known (account_id, invitation_id, outcome, is_final, at, answer_lost)
            VALUES (?1, ?2, ?3, 0, ?4, ?5)
            ON CONFLICT DO UPDATE SET
                outcome = iif(is_final, outcome, excluded.outcome),
                at = iif(is_final, at, excluded.at),
                answer_lost = answer_lost OR excluded.answer_lost"
        };
        let account_id = self.account_id(&key.account)?;
        if outcome.is_final() {
            return self.execute(sql, params![account_id, key.id, outcome, millis(*settled_at)]);
        }
        self.execute(sql, params![account_id, key.id, outcome, millis(*settled_at), resolves_lost_answers(*outcome)])
    }

    fn know_of_a_loss(&mut self, key: &Key, at: Timestamp) -> rusqlite::Result<()> {
        let sql = "INSERT INTO known (account_id, invitation_id, outcome, is_final, at, answer_lost)
            VALUES (?1, ?2, NULL, 0, ?3, 1) ON CONFLICT DO UPDATE SET answer_lost = 1";
        let account_id = self.account_id(&key.account)?;
        self.execute(sql, params![account_id, key.id, millis(at)])
    }

    fn account_id(&mut self, name: &AccountName) -> rusqlite::Result<i64> {
        if let Some(id) = self.accounts.get(name) {
            return Ok(*id);
        }
        let id = match account_id(self.connection, self.api, name)? {
            Some(id) => id,
            None => {
                self.execute("INSERT INTO accounts (api, account) VALUES (?1, ?2)", (self.api, name))?;
                self.connection.last_insert_rowid()
            }
        };
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

    use super::super::testing::{Place, intent, key, run, settle, settlement};
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
        ledger.open_call(intent(&key("1"))).await.unwrap();
        let before = commits(&place);
        // While someone else writes, the writer is held up with the first job and the others gather behind it.
        let other = Connection::open(&place.path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let tasks: Vec<_> = (100..200)
            .map(|number| {
                let ledger = ledger.clone();
                tokio::spawn(async move { ledger.open_call(intent(&key(&number.to_string()))).await.map(drop) })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(tasks.iter().all(|task| !task.is_finished()), "told before it was durable");
        other.execute_batch("COMMIT").unwrap();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        let count: u32 = other.query_one("SELECT COUNT(*) FROM calls", [], |row| row.get(0)).unwrap();
        assert_eq!(count, 101);
        assert!((1..=2).contains(&(commits(&place) - before)), "{} commits", commits(&place) - before);
    }

    fn full_after(place: &Place, pages: u32) -> Ledger {
        let lock = Lock::take(&place.path, "run", Timestamp::now()).unwrap();
        let connection = connection::to_write(&place.path).unwrap();
        connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
        Ledger::start(connection, place.path.clone(), &run("a"), Guards { directory: None, lock: Some(lock) }).unwrap()
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
            match settle(&ledger, &key, &long).await {
                Ok(()) => kept += 1,
                Err(error) => break error,
            }
        };
        assert!(matches!(&error, LedgerError::Unwritable { .. }), "{error}");
        assert!(crate::error_chain(&error).contains("full"), "{}", crate::error_chain(&error));
        // A short one would find room, yet nobody knows what a failed disk holds.
        let again = ledger.open_call(intent(&key("1000"))).await.unwrap_err();
        assert_eq!(crate::error_chain(&again), crate::error_chain(&error));
        assert!(ledger.close().await.is_err());

        let connection = Connection::open(&place.path).unwrap();
        let count: u32 =
            connection.query_one("SELECT COUNT(*) FROM calls WHERE outcome IS NOT NULL", [], |row| row.get(0)).unwrap();
        assert_eq!(count, kept, "what was told to be durable is, and nothing else");
        assert!(kept > 0);
    }

    #[tokio::test]
    async fn what_went_into_a_removed_ledger_is_not_kept() {
        for file in ["ledger.db", "ledger.db-wal"] {
            let place = Place::new();
            let ledger = place.open("a");
            ledger.open_call(intent(&key("7"))).await.unwrap();
            std::fs::remove_file(place.dir.path().join(file)).unwrap();
            let error = settle(&ledger, &key("7"), &settlement(Outcome::Withdrawn)).await.unwrap_err();
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
                tokio::spawn(async move { settle(&ledger, &key(&number.to_string()), &long).await })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(20)).await;
        other.execute_batch("COMMIT").unwrap();
        let mut told = 0;
        for task in tasks {
            told += u32::from(task.await.unwrap().is_ok());
        }
        let count: u32 =
            other.query_one("SELECT COUNT(*) FROM calls WHERE outcome IS NOT NULL", [], |row| row.get(0)).unwrap();
        assert_eq!(count, told);
        assert!(told < 50, "all found room");
    }
}
