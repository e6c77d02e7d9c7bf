//! The ledger of a run, as its workers hold it.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread::{self, JoinHandle};

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use super::lock::Lock;
use super::record::is_recorded;
use super::writer::{Answer, Answered, GROUP, Guards, Job, Work, Writer};
use super::{Key, LedgerError, Lookup, RunInfo, Settlement, connection, place, temporary};

/// The ledger of a run: a handle that is cheap to clone. Dropping the last one waits for the writer and lets go of the
/// lock, as [`Ledger::close`] does.
///
/// What it was asked for is done even if the asking future is dropped, so an intent must not be asked for in a race
/// against the stop: it would stand without a call. Once it can't be written, every later call fails the same way.
#[derive(Clone, Debug)]
pub(crate) struct Ledger(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    api: String,
    jobs: Option<mpsc::Sender<Job>>,
    writer: Option<JoinHandle<()>>,
}

impl Ledger {
    /// Opens the ledger of a run, made if need be and readable by its owner alone. Blocks; not for async code.
    pub(crate) fn open(path: &Path, run: &RunInfo) -> Result<Self, LedgerError> {
        let path = place::to_write(path)?;
        let lock = Lock::take(&path, run.command, run.started_at)?;
        match connection::to_write(&path) {
            Ok(connection) => {
                Self::start(Writer::new(connection, path.clone(), run, Guards { directory: None, lock })?, path, run)
            }
            Err(error) => {
                lock.abandon();
                Err(error)
            }
        }
    }

    /// A ledger that is gone when it is closed, for a rehearsal.
    pub(crate) fn open_temporary(run: &RunInfo) -> Result<Self, LedgerError> {
        let directory = temporary::directory()?;
        let path = place::to_write(&directory.path().join(temporary::NAME))?;
        let lock = Lock::take(&path, run.command, run.started_at)?;
        let connection = connection::to_write(&path)?;
        let guards = Guards { directory: Some(directory), lock };
        Self::start(Writer::new(connection, path.clone(), run, guards)?, path, run)
    }

    pub(super) fn start(writer: Writer, path: PathBuf, run: &RunInfo) -> Result<Self, LedgerError> {
        let (jobs, waiting) = mpsc::channel(GROUP);
        let writer = thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || writer.run(waiting))
            .map_err(|error| LedgerError::unwritable(&path, error))?;
        Ok(Self(Arc::new(Inner { path, api: run.api.clone(), jobs: Some(jobs), writer: Some(writer) })))
    }

    /// Puts down that a call is about to leave. Durable when it returns, so that a call which a crash cut off is known
    /// as a lost answer. To be called before each call, and each ends in [`Ledger::retract`], in [`Ledger::settle`] or,
    /// where its answer was lost and it is tried again, in the next intent.
    pub(crate) async fn intend(&self, key: &Key) -> Result<(), LedgerError> {
        self.keep(Work::Intend { key: key.clone(), at: Timestamp::now() }).await
    }

    /// Takes the intent back: its call surely came to nothing. The loss of an earlier call's answer stays known.
    pub(crate) async fn retract(&self, key: &Key) -> Result<(), LedgerError> {
        self.keep(Work::Retract { key: key.clone() }).await
    }

    /// Puts down what the row came to, and ends its intent. When it returns, this stands in line before whatever is
    /// asked for next; it is durable when the [`DurableWrite`] says so, and not before may anyone be told. What was settled
    /// without a call leaves no trace.
    pub(crate) async fn settle(&self, key: &Key, settlement: &Settlement) -> DurableWrite {
        if !is_recorded(settlement.outcome) {
            return DurableWrite(Kept::Known(Some(Ok(()))));
        }
        let work = Work::Settle { key: key.clone(), settlement: settlement.clone() };
        match self.ask(|answer| Job::Keep(work, answer)).await {
            Ok(answered) => DurableWrite(Kept::Asked(answered, self.0.path.clone())),
            Err(error) => DurableWrite(Kept::Known(Some(Err(error)))),
        }
    }

    /// The gate for this run's rows, on a connection of its own; with `recheck` no row counts as settled. One a run:
    /// each knows only the duplicates that it saw itself. Blocks; for the thread that reads the input.
    pub(crate) fn lookup(&self, recheck: bool) -> Result<Lookup, LedgerError> {
        Lookup::new(connection::read_beside_writer(&self.0.path)?, &self.0.path, &self.0.api, recheck)
    }

    /// Waits for what is being written, closes the file and lets go of the lock. Other handles are of no
    /// use afterwards.
    pub(crate) async fn close(self) -> Result<(), LedgerError> {
        self.ask(Job::Close).await?.await.unwrap_or_else(|_| Err(self.closed()))
    }

    async fn keep(&self, work: Work) -> Result<(), LedgerError> {
        self.ask(|answer| Job::Keep(work, answer)).await?.await.unwrap_or_else(|_| Err(self.closed()))
    }

    /// Hands a job to the writer; its answer comes once it is durable.
    async fn ask(&self, job: impl FnOnce(Answer) -> Job) -> Result<Answered, LedgerError> {
        let (answer, answered) = oneshot::channel();
        let jobs = self.0.jobs.as_ref().ok_or_else(|| self.closed())?;
        jobs.send(job(answer)).await.map_err(|_| self.closed())?;
        Ok(answered)
    }

    fn closed(&self) -> LedgerError {
        LedgerError::Closed { path: self.0.path.clone() }
    }
}

/// A settlement that stands in line. Says when it is durable, or why it will never be; then nothing more may be sent.
#[derive(Debug)]
#[must_use = "nobody may be told before it is kept"]
pub(crate) struct DurableWrite(Kept);

#[derive(Debug)]
enum Kept {
    /// Taken by whoever waits for it.
    Known(Option<Result<(), LedgerError>>),
    Asked(Answered, PathBuf),
}

impl Future for DurableWrite {
    type Output = Result<(), LedgerError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Kept::Known(result) => result.take().map_or(Poll::Pending, Poll::Ready),
            Kept::Asked(answered, path) => Pin::new(answered)
                .poll(context)
                .map(|answer| answer.unwrap_or_else(|_| Err(LedgerError::Closed { path: path.clone() }))),
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

    use super::super::testing::{Place, key, run, settlement, standing};
    use super::super::{History, Known, Standing};
    use super::*;
    use crate::outcome::Outcome;

    const NEW: Standing = Standing::New { lost_before: false };
    const LOST: Standing = Standing::New { lost_before: true };

    #[tokio::test]
    async fn an_intent_that_a_crash_left_is_a_lost_answer() {
        let place = Place::new();
        let ledger = place.open("a");
        ledger.intend(&key("7")).await.unwrap();
        let crashed = place.after_a_crash();
        assert_eq!(standing(&crashed.open("b"), &key("7")), LOST);
        assert_eq!(standing(&crashed.open("c"), &key("8")), NEW);
    }

    #[tokio::test]
    async fn what_was_settled_before_a_crash_is_settled() {
        let place = Place::new();
        let ledger = place.open("a");
        ledger.intend(&key("7")).await.unwrap();
        ledger.settle(&key("7"), &settlement(Outcome::Withdrawn)).await.await.unwrap();
        let crashed = place.after_a_crash();
        assert!(matches!(standing(&crashed.open("b"), &key("7")), Standing::Settled { .. }));
    }

    /// What is done to one key in one run, by its letters: `i`ntend, `r`etract, or settle as `f`ailed, `n`ot attempted,
    /// `u`nconfirmed, `w`ithdrawn.
    async fn act(ledger: &Ledger, acts: &str) {
        let key = key("7");
        for act in acts.chars() {
            match act {
                'i' => ledger.intend(&key).await.unwrap(),
                'r' => ledger.retract(&key).await.unwrap(),
                'f' => ledger.settle(&key, &settlement(Outcome::Failed)).await.await.unwrap(),
                'u' => ledger.settle(&key, &settlement(Outcome::Unconfirmed)).await.await.unwrap(),
                'n' => ledger.settle(&key, &settlement(Outcome::NotAttempted)).await.await.unwrap(),
                'w' => ledger.settle(&key, &settlement(Outcome::Withdrawn)).await.await.unwrap(),
                other => panic!("{other}"),
            }
        }
    }

    #[tokio::test]
    async fn how_a_row_stands_after_a_crash() {
        // What each run before the last one did to it; then whether an answer counts as lost.
        let cases: [(&[&str], bool); 14] = [
            (&["i"], true),
            (&["ir"], false),
            (&["irir"], false),
            (&["irif"], false),
            // Tried again after a loss: what the second call came to does not undo it.
            (&["iir"], true),
            (&["iif"], true),
            (&["iiu"], true),
            (&["iiw"], false),
            (&["i", "iw"], false),
            (&["i", "ir"], true),
            (&["i", "if"], true),
            // An intent of an earlier run is not for this one to take back, nor for a row that was not attempted.
            (&["i", "r"], true),
            (&["i", "n"], true),
            (&["if", "i"], true),
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

    #[tokio::test]
    async fn every_outcome_of_calls_is_kept_and_no_other() {
        let place = Place::new();
        let ledger = place.open("a");
        for outcome in Outcome::ALL {
            ledger.settle(&key("7"), &settlement(outcome)).await.await.unwrap();
        }
        ledger.close().await.unwrap();
        let kept: Vec<_> = History::open(&place.path).unwrap().of(&key("7").id).unwrap();
        let kept: Vec<_> = kept
            .into_iter()
            .map(|entry| match entry.known {
                Known::Settled(settlement) => settlement.outcome,
                Known::Intended { .. } => panic!("an intent is left"),
            })
            .collect();
        // All within one millisecond, in their order.
        let expected: Vec<_> = Outcome::ALL.into_iter().filter(|outcome| is_recorded(*outcome)).collect();
        assert_eq!(kept, expected);
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
        assert!(matches!(left.intend(&key("7")).await, Err(LedgerError::Closed { .. })));
    }

    #[tokio::test]
    async fn a_closed_ledger_is_one_file_and_its_lock() {
        let place = Place::new();
        let ledger = place.open("a");
        let lookup = ledger.lookup(false).unwrap();
        ledger.settle(&key("7"), &settlement(Outcome::Withdrawn)).await.await.unwrap();
        drop(lookup);
        ledger.close().await.unwrap();
        assert_eq!(place.listing(), ["ledger.db", "ledger.db.lock"]);
    }

    #[tokio::test]
    async fn a_reader_that_still_reads_does_not_hold_up_the_end() {
        let place = Place::new();
        place.open("a").settle(&key("7"), &settlement(Outcome::Withdrawn)).await.await.unwrap();
        let ledger = place.open("b");
        let mut lookup = ledger.lookup(false).unwrap();
        assert!(matches!(lookup.standing(&key("7"), 1).unwrap(), Standing::Settled { .. }));
        ledger.settle(&key("8"), &settlement(Outcome::Withdrawn)).await.await.unwrap();
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
        ledger.intend(&key("7")).await.unwrap();
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
        ledger.intend(&key("7")).await.unwrap();
        ledger.settle(&key("7"), &settlement(Outcome::Withdrawn)).await.await.unwrap();
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
