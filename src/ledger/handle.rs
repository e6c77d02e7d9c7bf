//! The ledger of a run, as its workers hold it.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use super::lock::Lock;
use super::record::{CallEnd, CallIntent};
use super::writer::{GROUP, Guards, Job, Reply, Task, Writer};
use super::{
    Beliefs, CallId, Key, LedgerError, ListOf, Lookup, RunInfo, Settlement, Shown, connection, pace, place, temporary,
};
use crate::invitation::{AccountName, InvitationId};
use crate::pace::{Learned, Past};
use crate::policy::Difference;

/// The ledger of a run: a handle that is cheap to clone. Dropping the last one waits for the writer and releases the
/// lock, as [`Ledger::close`] does.
///
/// What it was asked for is done even if the asking future is dropped, so a withdrawal's intent must not race against the
/// stop: it would stay open without a call. Once the ledger can't be written, every later request fails the same way.
#[derive(Clone, Debug)]
pub(crate) struct Ledger(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    api: String,
    jobs: Option<mpsc::Sender<Job>>,
    writer: Option<JoinHandle<()>>,
    now: fn() -> Timestamp,
}

impl Ledger {
    /// Opens the ledger of the only run that may withdraw with it, created if need be and readable by its owner only.
    /// Blocks; not for async code.
    pub(crate) fn open(path: &Path, run: &RunInfo) -> Result<Self, LedgerError> {
        let path = place::to_write(path)?;
        let lock = Lock::take(&path, run.command, run.started_at)?;
        match connection::to_write(&path, &run.stop) {
            Ok(connection) => Self::start(connection, path, run, Guards { directory: None, lock: Some(lock) }),
            Err(error) => {
                lock.abandon();
                Err(error)
            }
        }
    }

    /// Opens the ledger to record calls that withdraw nothing, beside a run that works. An older file is brought up to
    /// date only if no run works on it: that may be one of an older version.
    pub(crate) fn open_beside(path: &Path, run: &RunInfo) -> Result<Self, LedgerError> {
        let path = place::to_write(path)?;
        let lock = match connection::is_outdated(&path)? {
            true => Some(Lock::take(&path, run.command, run.started_at)?),
            false => None,
        };
        let connection = connection::to_write(&path, &run.stop)?;
        drop(lock);
        Self::start(connection, path, run, Guards { directory: None, lock: None })
    }

    /// A ledger that is removed when it is closed, for a rehearsal.
    pub(crate) fn open_temporary(run: &RunInfo) -> Result<Self, LedgerError> {
        let directory = temporary::directory()?;
        let path = place::to_write(&directory.path().join(temporary::NAME))?;
        let lock = Lock::take(&path, run.command, run.started_at)?;
        let connection = connection::to_write(&path, &run.stop)?;
        Self::start(connection, path, run, Guards { directory: Some(directory), lock: Some(lock) })
    }

    pub(super) fn start(
        connection: rusqlite::Connection,
        path: PathBuf,
        run: &RunInfo,
        guards: Guards,
    ) -> Result<Self, LedgerError> {
        let writer = Writer::new(connection, path.clone(), run, guards)?;
        let (jobs, waiting) = mpsc::channel(GROUP);
        let writer = thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || writer.run(waiting))
            .map_err(|error| LedgerError::unwritable(&path, error))?;
        let api = run.api.clone();
        Ok(Self(Arc::new(Inner { path, api, jobs: Some(jobs), writer: Some(writer), now: Timestamp::now })))
    }

    /// A ledger whose jobs go to whoever has the other end, by another clock.
    #[cfg(test)]
    pub(super) fn of_jobs(path: &Path, run: &RunInfo, jobs: mpsc::Sender<Job>, now: fn() -> Timestamp) -> Self {
        let (path, api) = (path.to_owned(), run.api.clone());
        Self(Arc::new(Inner { path, api, jobs: Some(jobs), writer: None, now }))
    }

    /// Records that a call is about to be sent. Durable when it returns, so that a call which a crash cuts off is known as
    /// a lost answer. On an error the call must not be sent.
    pub(crate) async fn open_call(&self, intent: CallIntent) -> Result<CallId, LedgerError> {
        let task = Task::Open { intent, at: (self.0.now)() };
        let opened = self.ask(|reply| Job::Write(task, reply)).await?;
        opened.await.unwrap_or_else(|_| Err(self.closed()))?.ok_or_else(|| self.closed())
    }

    /// Records how a call ended and, where it settled its row, what that came to. When this returns, it is queued before
    /// whatever is asked for next; it is durable when the [`DurableWrite`] says so, and nobody may be told before.
    pub(crate) async fn close_call(
        &self,
        call: CallId,
        end: CallEnd,
        key: Option<Key>,
        settlement: Option<Settlement>,
    ) -> DurableWrite {
        self.write(Task::Close { call, end, key, settlement, at: (self.0.now)() }).await
    }

    /// Records what a row came to whose last call was closed before that was known.
    pub(crate) async fn settle(&self, call: CallId, key: Key, settlement: Settlement) -> DurableWrite {
        self.write(Task::Settle { call, key, settlement }).await
    }

    /// Keeps what a page showed that was asked for at this moment.
    pub(crate) async fn keep_page(&self, list: ListOf, shown: Vec<Shown>, at: Timestamp) -> DurableWrite {
        self.write(Task::Page { list, shown, at }).await
    }

    /// Keeps that a list was read whole whose first page was asked for at this moment.
    pub(crate) async fn keep_list_end(&self, list: ListOf, began_at: Timestamp, is_whole: bool) -> DurableWrite {
        self.write(Task::ListEnd { list, began_at, is_whole }).await
    }

    /// Keeps where a list that began at this moment differs from what was believed, and believes the list.
    pub(crate) async fn keep_differences(
        &self,
        account: AccountName,
        differences: Vec<(InvitationId, Difference)>,
        began_at: Timestamp,
    ) -> DurableWrite {
        self.write(Task::Differences { account, differences, began_at }).await
    }

    /// What is believed of an account's invitations. Blocks.
    pub(crate) fn beliefs(&self, account: &AccountName) -> Result<Beliefs, LedgerError> {
        Beliefs::open(&self.0.path, &self.0.api, account)
    }

    /// Keeps what was learned of the rate limit for the next run; `None` forgets it.
    pub(crate) async fn keep_pace(&self, learned: Option<Learned>) -> DurableWrite {
        self.write(Task::Pace { learned, at: (self.0.now)() }).await
    }

    /// What earlier runs learned of the rate limit, and when the calls of the last `window` were sent: at most `most` of
    /// them. Blocks.
    pub(crate) fn past(&self, window: Duration, most: u32) -> Result<Past, LedgerError> {
        let connection = connection::read_beside_writer(&self.0.path)?;
        pace::past(&connection, &self.0.api, window, most, (self.0.now)())
            .map_err(|error| LedgerError::unreadable(&self.0.path, error))
    }

    /// The look-ups for this run's rows, on a connection of its own; with `recheck` no row counts as settled. One per pass
    /// over the input: each knows only the duplicates that it saw itself. Blocks; for the thread that reads the input.
    pub(crate) fn lookup(&self, recheck: bool) -> Result<Lookup, LedgerError> {
        Lookup::with(Some(connection::read_beside_writer(&self.0.path)?), &self.0.path, &self.0.api, recheck)
    }

    /// Waits for what is being written, closes the file and releases the lock. Other handles are of no use afterwards. An
    /// error says that something could not be written, now or before; what was reported as durable is.
    pub(crate) async fn close(self) -> Result<(), LedgerError> {
        self.ask(Job::Stop).await?.await.unwrap_or_else(|_| Err(self.closed()))
    }

    async fn write(&self, task: Task) -> DurableWrite {
        DurableWrite(match self.ask(|reply| Job::Write(task, reply)).await {
            Ok(written) => Write::Queued(written, self.0.path.clone()),
            Err(error) => Write::Known(Some(Err(error))),
        })
    }

    /// Hands a job to the writer; the reply comes once it is durable.
    async fn ask<T>(
        &self,
        job: impl FnOnce(Reply<T>) -> Job,
    ) -> Result<oneshot::Receiver<Result<T, LedgerError>>, LedgerError> {
        let (reply, replied) = oneshot::channel();
        let jobs = self.0.jobs.as_ref().ok_or_else(|| self.closed())?;
        jobs.send(job(reply)).await.map_err(|_| self.closed())?;
        Ok(replied)
    }

    fn closed(&self) -> LedgerError {
        LedgerError::Closed { path: self.0.path.clone() }
    }
}

/// A write that is queued. Says when it is durable, or why it never will be; then nothing more may be sent.
#[derive(Debug)]
#[must_use = "nobody may be told before it is durable"]
pub(crate) struct DurableWrite(Write);

#[derive(Debug)]
enum Write {
    /// Taken by whoever waits for it.
    Known(Option<Result<(), LedgerError>>),
    Queued(oneshot::Receiver<Result<Option<CallId>, LedgerError>>, PathBuf),
}

impl DurableWrite {
    /// There was nothing to write.
    pub(crate) const fn nothing() -> Self {
        Self(Write::Known(Some(Ok(()))))
    }
}

impl Future for DurableWrite {
    type Output = Result<(), LedgerError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Write::Known(result) => result.take().map_or(Poll::Pending, Poll::Ready),
            Write::Queued(written, path) => Pin::new(written)
                .poll(context)
                .map(|result| result.unwrap_or_else(|_| Err(LedgerError::Closed { path: path.clone() })).map(drop)),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(writer) = self.writer.take() {
            // It only fails by a panic, which has been printed.
            let _ = writer.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::super::testing::{Place, end, intent, key, run, settle, settlement, standing};
    use super::super::{CallEnd, CallIntent, CallState, History, Standing};
    use super::*;
    use crate::api::CallKind;
    use crate::outcome::Outcome;
    use crate::policy::Cost;

    const NEW: Standing = Standing::New { lost_before: false };
    const LOST: Standing = Standing::New { lost_before: true };

    #[tokio::test]
    async fn an_intent_that_a_crash_left_is_a_lost_answer() {
        let place = Place::new();
        let ledger = place.open("a");
        ledger.open_call(intent(&key("7"))).await.unwrap();
        let crashed = place.after_a_crash();
        assert_eq!(standing(&crashed.open("b"), &key("7")), LOST);
        assert_eq!(standing(&crashed.open("c"), &key("8")), NEW);
    }

    #[tokio::test]
    async fn what_was_settled_before_a_crash_is_settled() {
        let place = Place::new();
        let ledger = place.open("a");
        ledger.open_call(intent(&key("7"))).await.unwrap();
        settle(&ledger, &key("7"), &settlement(Outcome::Withdrawn)).await.unwrap();
        let crashed = place.after_a_crash();
        assert!(matches!(standing(&crashed.open("b"), &key("7")), Standing::Settled { .. }));
    }

    /// After a disk that was full, or a bug, a run can still end in order.
    #[tokio::test]
    async fn a_call_that_a_closed_ledger_has_open_is_a_lost_answer() {
        let place = Place::new();
        for (run, lost_before) in [("a", false), ("b", true), ("c", true)] {
            let ledger = place.open(run);
            assert_eq!(standing(&ledger, &key("7")), Standing::New { lost_before });
            if run == "a" {
                ledger.open_call(intent(&key("7"))).await.unwrap();
            }
            ledger.close().await.unwrap();
        }
    }

    /// What is done to one key in one run, by its letters: `o`pen a call; end it as `d`one or `l`ost; or settle the row with
    /// it as `f`ailed, `u`nconfirmed or `w`ithdrawn.
    async fn act(ledger: &Ledger, acts: &str) {
        let key = key("7");
        let mut call = None;
        for act in acts.chars() {
            let (state, outcome) = match act {
                'o' => {
                    call = Some(ledger.open_call(intent(&key)).await.unwrap());
                    continue;
                }
                'd' => (CallState::Answered, None),
                'l' => (CallState::Lost, None),
                'f' => (CallState::Answered, Some(Outcome::Failed)),
                'u' => (CallState::Lost, Some(Outcome::Unconfirmed)),
                'w' => (CallState::Answered, Some(Outcome::Withdrawn)),
                other => panic!("{other}"),
            };
            let written = ledger.close_call(call.unwrap(), end(state), Some(key.clone()), outcome.map(settlement));
            written.await.await.unwrap();
        }
    }

    #[tokio::test]
    async fn how_a_row_stands_after_a_crash() {
        // What each run before the last one did to it; then whether an answer counts as lost.
        let cases: [(&[&str], bool); 15] = [
            (&["o"], true),
            (&["od"], false),
            (&["odod"], false),
            (&["odof"], false),
            (&["ol"], true),
            // Tried again after a loss: what the second call came to does not undo it.
            (&["olo"], true),
            (&["olod"], true),
            (&["olof"], true),
            (&["olou"], true),
            (&["olow"], false),
            (&["o", "ow"], false),
            (&["o", "od"], true),
            (&["o", "of"], true),
            (&["of", "o"], true),
            (&["ow", "o"], true),
        ];
        for (runs, lost_before) in cases {
            let mut place = Place::new();
            for (number, acts) in runs.iter().enumerate() {
                let ledger = place.open(&number.to_string());
                act(&ledger, acts).await;
                place = place.after_a_crash();
            }
            // Rechecking, so that what is settled is asked for its losses too.
            let mut lookup = place.open("last").lookup(true).unwrap();
            assert_eq!(lookup.standing(&key("7"), 1).unwrap(), Standing::New { lost_before }, "{runs:?}");
        }
    }

    /// A crash must not make a call cheaper than it may have been, nor a stop make one dearer.
    #[tokio::test]
    async fn what_a_cut_off_call_can_have_cost_is_on_the_bill() {
        let place = Place::new();
        let ledger = place.open("a");
        let list = CallIntent { kind: CallKind::List, invitation: None, ..intent(&key("7")) };
        ledger.open_call(list.clone()).await.unwrap();
        ledger.open_call(intent(&key("7"))).await.unwrap();
        let unsent = ledger.open_call(intent(&key("8"))).await.unwrap();
        let free = CallEnd { cost: Cost::default(), http_status: None, state: CallState::NotSent };
        ledger.close_call(unsent, free, Some(key("8")), None).await.await.unwrap();
        let crashed = place.after_a_crash();
        drop(crashed.open("b"));
        let bill = History::open(&crashed.path).unwrap().by_day(None).unwrap();
        assert_eq!(bill.iter().map(|line| line.cost).collect::<Vec<_>>(), [Cost { charged: 0, possible: 2 }]);
        let ended: Vec<_> = History::open(&crashed.path).unwrap().of(&key("7").id).unwrap();
        assert_eq!(ended.iter().map(|entry| entry.state).collect::<Vec<_>>(), [Some(CallState::Lost)]);
    }

    /// `list` records beside a run, and takes neither its lock nor its calls.
    #[tokio::test]
    async fn calls_are_recorded_beside_a_run() {
        let place = Place::new();
        let list = CallIntent { kind: CallKind::List, invitation: None, ..intent(&key("7")) };
        // The first one makes the file.
        let first = Ledger::open_beside(&place.path, &run("a")).unwrap();
        first.open_call(list.clone()).await.unwrap();
        first.close().await.unwrap();

        let ledger = place.open("b");
        let call = ledger.open_call(intent(&key("7"))).await.unwrap();
        let beside = Ledger::open_beside(&place.path, &run("c")).unwrap();
        let page = beside.open_call(list).await.unwrap();
        beside.close_call(page, end(CallState::Answered), None, None).await.await.unwrap();
        beside.close().await.unwrap();
        let written = ledger
            .close_call(call, end(CallState::Answered), Some(key("7")), Some(settlement(Outcome::Withdrawn)))
            .await;
        written.await.unwrap();
        ledger.close().await.unwrap();
        let bill = History::open(&place.path).unwrap().by_day(None).unwrap();
        let possible: u64 = bill.iter().map(|line| line.cost.possible).sum();
        assert_eq!(possible, 1 + 2 + 2);
    }

    #[tokio::test]
    async fn a_ledger_excludes_a_second_run_until_its_last_handle_is_gone() {
        let place = Place::new();
        let first = place.open("a");
        let clone = first.clone();
        drop(first);
        let error = Ledger::open(&place.path, &run("b")).unwrap_err();
        assert!(matches!(&error, LedgerError::Held { holder: Some(_), .. }), "{error}");
        // By another name it is the same ledger.
        let link = place.dir.path().join("link.db");
        std::os::unix::fs::symlink(&place.path, &link).unwrap();
        assert!(matches!(Ledger::open(&link, &run("b")), Err(LedgerError::Held { .. })));
        drop(clone);
        drop(place.open("b"));
        let closed = place.open("c");
        let left = closed.clone();
        closed.close().await.unwrap();
        drop(place.open("d"));
        assert!(matches!(left.open_call(intent(&key("7"))).await, Err(LedgerError::Closed { .. })));
    }

    #[tokio::test]
    async fn a_closed_ledger_is_one_file_and_its_lock() {
        let place = Place::new();
        let ledger = place.open("a");
        let lookup = ledger.lookup(false).unwrap();
        settle(&ledger, &key("7"), &settlement(Outcome::Withdrawn)).await.unwrap();
        drop(lookup);
        ledger.close().await.unwrap();
        assert_eq!(place.listing(), ["ledger.db", "ledger.db.lock"]);
    }

    #[tokio::test]
    async fn a_reader_that_still_reads_does_not_hold_up_the_end() {
        let place = Place::new();
        settle(&place.open("a"), &key("7"), &settlement(Outcome::Withdrawn)).await.unwrap();
        let ledger = place.open("b");
        let mut lookup = ledger.lookup(false).unwrap();
        assert!(matches!(lookup.standing(&key("7"), 1).unwrap(), Standing::Settled { .. }));
        settle(&ledger, &key("8"), &settlement(Outcome::Withdrawn)).await.unwrap();
        let started = std::time::Instant::now();
        ledger.close().await.unwrap();
        assert!(started.elapsed().as_secs() < 3);
        let next = place.open("c");
        assert!(matches!(standing(&next, &key("8")), Standing::Settled { .. }));
    }

    #[tokio::test]
    async fn only_its_owner_can_read_a_new_ledger() {
        let place = Place::new();
        let dir = place.dir.path().join("state/bulk-withdraw");
        let path = dir.join("ledger.db");
        let ledger = Ledger::open(&path, &run("a")).unwrap();
        ledger.open_call(intent(&key("7"))).await.unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&dir), mode(dir.parent().unwrap())), (0o700, 0o700));
        let files = super::super::testing::listing(&dir);
        assert_eq!(files, ["ledger.db", "ledger.db-shm", "ledger.db-wal", "ledger.db.lock"]);
        for file in files {
            assert_eq!(mode(&dir.join(&file)), 0o600, "{file}");
        }
        drop(ledger);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        drop(Ledger::open(&path, &run("b")).unwrap());
        assert_eq!(mode(&path), 0o640, "what its owner set is left alone");
    }

    #[tokio::test]
    async fn a_temporary_ledger_works_and_leaves_nothing() {
        let ledger = Ledger::open_temporary(&run("a")).unwrap();
        let dir = ledger.0.path.parent().unwrap().to_owned();
        ledger.open_call(intent(&key("7"))).await.unwrap();
        settle(&ledger, &key("7"), &settlement(Outcome::Withdrawn)).await.unwrap();
        assert!(matches!(standing(&ledger, &key("7")), Standing::Settled { .. }));
        assert!(dir.exists());
        ledger.close().await.unwrap();
        assert!(!dir.exists());
    }

    #[test]
    fn a_directory_that_can_not_be_made_is_said() {
        let place = Place::new();
        fs::write(place.dir.path().join("file"), "").unwrap();
        let error = Ledger::open(&place.dir.path().join("file/ledger.db"), &run("a")).unwrap_err();
        assert!(matches!(&error, LedgerError::Unwritable { .. }), "{error}");
    }
}
