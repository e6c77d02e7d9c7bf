//! The one writer: a thread that commits all waiting jobs in one transaction, and only then answers.
//!
//! A commit costs a sync of the disk, however much is in it; in groups, durability costs no throughput.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior, params};
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};

use super::connection::{of_write, once_unlocked};
use super::lock::Lock;
use super::place::{Identity, beside};
use super::record::{CallEnd, CallIntent, CallState};
use super::schema::{account_id, millis};
use super::totals::{self, MARK};
use super::{CallId, Key, LedgerError, ListOf, RunInfo, Settlement, Shown, beliefs, listed, pace};
use crate::api::CallKind;
use crate::invitation::{AccountName, InvitationId};
use crate::outcome::Outcome;
use crate::pace::Learned;
use crate::policy::Difference;
use crate::stop::Stop;

/// The most jobs in one transaction, and the most that wait for it.
pub(super) const GROUP: usize = 1_024;

/// After so many ended calls the mark moves. Simulated runs, which are short, move it, too.
const MOVED: usize = if cfg!(test) { 3 } else { 1_000 };

/// How long outcomes wait after a stop for a ledger that another program has locked: less than a service manager or a
/// container's gives a process before it kills it.
const SETTLING: Duration = Duration::from_secs(5);

/// A call's `kind` in the file.
const fn number_of(kind: CallKind) -> i64 {
    match kind {
        CallKind::Withdraw => 0,
        CallKind::List => 1,
        CallKind::Balance => 2,
        CallKind::Key => 3,
        CallKind::Account => 4,
    }
}

/// What to write.
#[derive(Debug)]
pub(super) enum Task {
    Open { intent: CallIntent, at: Timestamp },
    Close { call: CallId, end: CallEnd, key: Option<Key>, settlement: Option<Settlement>, at: Timestamp },
    Settle { call: CallId, key: Key, settlement: Settlement },
    Pace { learned: Option<Learned>, at: Timestamp },
    Page { list: ListOf, shown: Vec<Shown>, at: Timestamp },
    ListEnd { list: ListOf, began_at: Timestamp, is_whole: bool },
    Differences { account: AccountName, differences: Vec<(InvitationId, Difference)>, began_at: Timestamp },
}

#[derive(Debug)]
pub(super) enum Job {
    /// Answered with the call it was about, if it was about one, once it is durable.
    Write(Task, Reply<Option<CallId>>),
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
    pub(super) connection: Connection,
    path: PathBuf,
    api: String,
    run_number: i64,
    accounts: HashMap<AccountName, i64>,
    /// The ledger and its log, as they must still be after each commit.
    files: [Identity; 2],
    guards: Guards,
    stop: Stop,
    /// Why nothing can be written any more.
    failure: Option<LedgerError>,
    /// Calls that ended since the mark last moved.
    ended: usize,
    /// Empty; kept for its memory.
    group: Vec<(Task, Reply<Option<CallId>>)>,
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
        let enter = || enter(&mut connection, run, guards.lock.is_some()).map_err(of_write(&path));
        let run_number = once_unlocked(&path, &run.stop, Duration::ZERO, enter)?;
        let identity = |path: &Path| Identity::of(path).map_err(|error| LedgerError::unwritable(path, error));
        let files = [identity(&path)?, identity(&beside(&path, "-wal"))?];
        let (api, stop) = (run.api.clone(), run.stop.clone());
        let (accounts, failure, group, ended) = (HashMap::new(), None, Vec::new(), 0);
        Ok(Self { connection, path, api, run_number, accounts, files, guards, stop, failure, ended, group })
    }

    /// Works until it is told to stop or nobody is left to tell it.
    pub(super) fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut stopping = None;
        while stopping.is_none() {
            let Some(first) = jobs.blocking_recv() else { break };
            stopping = self.serve(first, &mut jobs);
        }
        self.end(stopping);
    }

    /// Serves the first job and all that wait behind it. Returns who told it to stop, if anyone did.
    pub(super) fn serve(&mut self, first: Job, jobs: &mut mpsc::Receiver<Job>) -> Option<Reply<()>> {
        let mut group = std::mem::take(&mut self.group);
        let mut stopping = None;
        let waiting = std::iter::from_fn(|| jobs.try_recv().ok());
        for job in std::iter::once(first).chain(waiting).take(GROUP) {
            match job {
                Job::Stop(reply) => stopping = Some(reply),
                Job::Write(task, reply) => group.push((task, reply)),
            }
        }
        // After a failed commit nobody knows what the disk holds, so nothing is tried again.
        let committed = match &self.failure {
            Some(failure) => Err(LedgerError::clone(failure)),
            None => self.commit_durably(&group),
        };
        match committed {
            Ok(calls) => group.drain(..).zip(calls).for_each(|((_, reply), call)| answer(reply, Ok(call))),
            Err(error) => {
                group.drain(..).for_each(|(_, reply)| answer(reply, Err(error.clone())));
                // Where it was locked nothing was begun.
                self.failure = Some(error).filter(|error| !matches!(error, LedgerError::Locked { .. }));
            }
        }
        self.group = group;
        stopping
    }

    /// Closes the ledger, and tells this to who asked for it.
    pub(super) fn end(mut self, stopping: Option<Reply<()>>) {
        let failure = self.failure.take();
        let closed = self.close();
        if let Some(reply) = stopping {
            answer(reply, failure.map_or(closed, Err));
        }
    }

    /// Makes a group durable, in files that can be found again. Returns the call of each task.
    fn commit_durably(&mut self, group: &[(Task, Reply<Option<CallId>>)]) -> Result<Vec<Option<CallId>>, LedgerError> {
        if group.is_empty() {
            return Ok(Vec::new());
        }
        // What is not sent yet need not be; an outcome would be bought again.
        let is_unsent = group.iter().all(|(task, _)| matches!(task, Task::Open { .. }));
        let after_stop = if is_unsent { Duration::ZERO } else { SETTLING };
        let (path, stop) = (self.path.clone(), self.stop.clone());
        let commit = || self.commit(group).map_err(of_write(&path));
        let calls = once_unlocked(&path, &stop, after_stop, commit)?;
        let found = self.files.iter().try_for_each(Identity::check);
        found.map_err(|error| LedgerError::unwritable(&self.path, error))?;
        Ok(calls)
    }

    fn commit(&mut self, group: &[(Task, Reply<Option<CallId>>)]) -> rusqlite::Result<Vec<Option<CallId>>> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let closed = group.iter().filter(|(task, _)| matches!(task, Task::Close { .. })).count();
        let mut ended = self.ended + closed;
        let mut tables = Tables {
            connection: &transaction,
            api: &self.api,
            run_number: self.run_number,
            accounts: &mut self.accounts,
        };
        let mut write = || {
            let calls = group.iter().map(|(task, _)| tables.write(task)).collect::<Result<_, _>>()?;
            if ended >= MOVED {
                totals::move_mark(&transaction, self.run_number)?;
                ended = 0;
            }
            Ok(calls)
        };
        let calls = write();
        let committed = calls.and_then(|calls| transaction.commit().map(|()| calls));
        if committed.is_err() {
            // The numbers of new ones are rolled back with them.
            self.accounts.clear();
        } else {
            self.ended = ended;
        }
        committed
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

/// Whoever asked may have been told to stop meanwhile, so an answer that nobody takes is no failure.
fn answer<T>(reply: Reply<T>, result: Result<T, LedgerError>) {
    let _ = reply.send(result);
}

/// Adds a run, and returns its number. With the lock held, no other run works, so what earlier ones left open was cut off.
fn enter(connection: &mut Connection, run: &RunInfo, has_lock: bool) -> rusqlite::Result<i64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute(
        "INSERT INTO runs (run_id, command, api, started_at, process_id) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![run.run_id, run.command, run.api, format!("{:.3}", run.started_at), std::process::id()],
    )?;
    let run_number = transaction.last_insert_rowid();
    if has_lock {
        mark_cut_off_calls_lost(&transaction)?;
    }
    totals::move_mark(&transaction, run_number)?;
    transaction.commit()?;
    Ok(run_number)
}

/// A page that a `list` is fetching at this moment is taken for lost, too, until its answer is recorded.
fn mark_cut_off_calls_lost(connection: &Connection) -> rusqlite::Result<()> {
    let known = format!(
        "INSERT INTO known (account_id, invitation_id, outcome, is_final, at, answer_lost, first_at)
        SELECT account_id, invitation_id, NULL, 0, sent_at, 1, sent_at FROM calls
        WHERE call >= {MARK} AND state = ?1 AND invitation_id IS NOT NULL
        ON CONFLICT DO UPDATE SET answer_lost = 1"
    );
    connection.execute(&known, [CallState::Open])?;
    let lost = format!("UPDATE calls SET state = ?2 WHERE call >= {MARK} AND state = ?1");
    connection.execute(&lost, [CallState::Open, CallState::Lost]).map(drop)
}

/// One transaction's view of the tables.
struct Tables<'a> {
    connection: &'a Connection,
    api: &'a str,
    run_number: i64,
    accounts: &'a mut HashMap<AccountName, i64>,
}

impl Tables<'_> {
    fn write(&mut self, task: &Task) -> rusqlite::Result<Option<CallId>> {
        match task {
            Task::Open { intent, at } => self.open(intent, *at).map(Some),
            Task::Close { call, end, key, settlement, at } => {
                self.close(*call, end, key.as_ref(), settlement.as_ref(), *at)?;
                Ok(Some(*call))
            }
            Task::Settle { call, key, settlement } => {
                self.settle(*call, key, settlement)?;
                Ok(Some(*call))
            }
            Task::Page { list: ListOf { account, invitation_type }, shown, at } => {
                let account_id = self.account_id(account)?;
                listed::keep_page(self.connection, account_id, *invitation_type, shown, *at).map(|()| None)
            }
            Task::ListEnd { list: ListOf { account, invitation_type }, began_at, is_whole } => {
                let account_id = self.account_id(account)?;
                listed::keep_end(self.connection, account_id, *invitation_type, *began_at, *is_whole).map(|()| None)
            }
            Task::Differences { account, differences, began_at } => {
                let account_id = self.account_id(account)?;
                for (id, difference) in differences {
                    let (connection, run) = (self.connection, self.run_number);
                    beliefs::keep_difference(connection, account_id, run, id, difference, *began_at)?;
                }
                Ok(None)
            }
            Task::Pace { learned, at } => pace::keep(self.connection, self.api, *learned, *at).map(|()| None),
        }
    }

    fn open(&mut self, intent: &CallIntent, at: Timestamp) -> rusqlite::Result<CallId> {
        let sql = "INSERT INTO calls (run_number, account_id, kind, invitation_id, sent_at, state, credits_charged,
                credits_possible)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7)";
        let CallIntent { kind, account, invitation, possible } = intent;
        let account_id = self.account_id(account)?;
        self.execute(
            sql,
            params![self.run_number, account_id, number_of(*kind), invitation, millis(at), CallState::Open, possible],
        )?;
        Ok(CallId(self.connection.last_insert_rowid()))
    }

    fn close(
        &mut self,
        CallId(number): CallId,
        end: &CallEnd,
        key: Option<&Key>,
        settlement: Option<&Settlement>,
        at: Timestamp,
    ) -> rusqlite::Result<()> {
        let sql = "UPDATE calls SET ended_at = ?2, state = ?3, credits_charged = ?4, credits_possible = ?5,
            http_status = ?6, outcome = ?7, attempts = ?8, detail = ?9 WHERE call = ?1 AND (state = 0 OR ?10)";
        let CallEnd { state, http_status, cost } = end;
        let outcome = settlement.map(|settlement| settlement.outcome);
        let attempts = settlement.map(|settlement| settlement.attempts);
        let detail = settlement.map(|settlement| settlement.detail.as_str());
        let ended_at = millis(settlement.map_or(at, |settlement| settlement.settled_at));
        let mut update = self.connection.prepare_cached(sql)?;
        let mut update = |even_if_ended: bool| {
            update.execute(params![
                number,
                ended_at,
                state,
                cost.charged,
                cost.possible,
                http_status,
                outcome,
                attempts,
                detail,
                even_if_ended
            ])
        };
        if update(false)? == 0 {
            // A run that began meanwhile took it for lost, or it was closed before.
            totals::changing(self.connection, number, || update(true).map(drop))?;
        }
        match (key, settlement) {
            (Some(key), Some(settlement)) => self.know(key, settlement),
            (Some(key), None) if *state == CallState::Lost => self.know_of_a_loss(key, at),
            (Some(_) | None, _) => Ok(()),
        }
    }

    /// What a row came to whose last call was closed before that was known.
    fn settle(&mut self, CallId(number): CallId, key: &Key, settlement: &Settlement) -> rusqlite::Result<()> {
        let Settlement { outcome, detail, attempts, settled_at: _ } = settlement;
        let sql = "UPDATE calls SET outcome = ?2, attempts = ?3, detail = ?4 WHERE call = ?1";
        let update = || self.execute(sql, params![number, outcome, attempts, detail]);
        totals::changing(self.connection, number, update)?;
        self.know(key, settlement)
    }

    /// A final outcome stays, even if a later run was told to ask again and got no answer. It ends the doubt about lost
    /// answers; of the others only `unconfirmed` says that one was lost.
    fn know(&mut self, key: &Key, settlement: &Settlement) -> rusqlite::Result<()> {
        let Settlement { outcome, settled_at, .. } = settlement;
        let sql = if outcome.is_final() {
            "INSERT OR REPLACE INTO known (account_id, invitation_id, outcome, is_final, at, answer_lost, first_at)
            VALUES (?1, ?2, ?3, 1, ?4, ?5, ?4)"
        } else {
            "INSERT INTO known (account_id, invitation_id, outcome, is_final, at, answer_lost, first_at)
            VALUES (?1, ?2, ?3, 0, ?4, ?5, ?4)
            ON CONFLICT DO UPDATE SET
                outcome = iif(is_final, outcome, excluded.outcome),
                at = iif(is_final, at, excluded.at),
                answer_lost = answer_lost OR excluded.answer_lost"
        };
        let account_id = self.account_id(&key.account)?;
        let answer_lost = *outcome == Outcome::Unconfirmed;
        self.execute(sql, params![account_id, key.id, outcome, millis(*settled_at), answer_lost])
    }

    fn know_of_a_loss(&mut self, key: &Key, at: Timestamp) -> rusqlite::Result<()> {
        let sql = "INSERT INTO known (account_id, invitation_id, outcome, is_final, at, answer_lost, first_at)
            VALUES (?1, ?2, NULL, 0, ?3, 1, ?3) ON CONFLICT DO UPDATE SET answer_lost = 1";
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
    use super::super::testing::{Place, intent, key, run, settle, settlement};
    use super::super::{Ledger, connection};
    use super::*;

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
        let connection = connection::to_write(&place.path, &Stop::default()).unwrap();
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
            match task.await.unwrap() {
                Ok(()) => told += 1,
                Err(error) => assert!(crate::error_chain(&error).contains("full"), "{}", crate::error_chain(&error)),
            }
        }
        let count: u32 =
            other.query_one("SELECT COUNT(*) FROM calls WHERE outcome IS NOT NULL", [], |row| row.get(0)).unwrap();
        assert_eq!(count, told);
        assert!(told < 50, "all found room");
    }
}
