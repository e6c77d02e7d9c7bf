//! The ledger of a run, as its workers hold it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use super::lock::Lock;
use super::record::tells_of_calls;
use super::writer::{GROUP, Guards, Job, Work, Writer};
use super::{Admission, Key, LedgerError, RunInfo, Settlement, connection, place};

/// The ledger of a run: a handle that is cheap to clone. Dropping the last one waits for the writer and lets go of the
/// lock, as [`Ledger::close`] does.
///
/// What it was asked for is done even if the asking future is dropped, so an intent must not be asked for in a race
/// against the stop: it would stand without a call. Once it can't be written, every later call fails the same way.
#[derive(Clone, Debug)]
pub struct Ledger(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    api: String,
    jobs: Option<mpsc::Sender<Job>>,
    writer: Option<JoinHandle<()>>,
}

impl Ledger {
    /// Opens the ledger of a run, made if need be and readable by its owner alone. Blocks; not for async code.
    ///
    /// # Errors
    /// [`LedgerError::Held`] where another run has it; every other variant but [`LedgerError::Missing`] and
    /// [`LedgerError::Closed`] where it can't be used.
    pub fn open(path: &Path, run: &RunInfo) -> Result<Self, LedgerError> {
        let path = place::to_write(path)?;
        let lock = Lock::take(&path, run.command, run.started_at)?;
        match connection::to_write(&path) {
            Ok(connection) => {
                Self::start(Writer::new(connection, path.clone(), run, Guards { directory: None, lock })?, path, run)
            }
            Err(error) => {
                lock.withdraw();
                Err(error)
            }
        }
    }

    /// A ledger that is gone when it is closed, for a rehearsal.
    ///
    /// # Errors
    /// The temporary directory can't be written.
    pub fn open_temporary(run: &RunInfo) -> Result<Self, LedgerError> {
        let directory = tempfile::Builder::new()
            .prefix("bulk-withdraw-")
            .tempdir()
            .map_err(|error| LedgerError::unwritable(&std::env::temp_dir(), error))?;
        let path = place::to_write(&directory.path().join("ledger.db"))?;
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

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Puts down that a call is about to leave. Durable when it returns, so that a call which a crash cut off is known
    /// as a lost answer. To be called before each call, and each ends in [`Ledger::retract`], in [`Ledger::settle`] or,
    /// where its answer was lost and it is tried again, in the next intent.
    ///
    /// # Errors
    /// It is not written, so the call must not leave.
    pub async fn intend(&self, key: &Key) -> Result<(), LedgerError> {
        self.keep(Work::Intend { key: key.clone(), at: Timestamp::now() }).await
    }

    /// Takes the intent back: its call surely came to nothing. The loss of an earlier call's answer stays known.
    ///
    /// # Errors
    /// It is not written; nothing more may be sent.
    pub async fn retract(&self, key: &Key) -> Result<(), LedgerError> {
        self.keep(Work::Retract { key: key.clone() }).await
    }

    /// Puts down what the row came to, and ends its intent. Durable when it returns, and not before may anyone be told.
    /// What was settled without a call leaves no trace.
    ///
    /// # Errors
    /// It is not written; nothing more may be sent.
    pub async fn settle(&self, key: &Key, settlement: &Settlement) -> Result<(), LedgerError> {
        if !tells_of_calls(settlement.outcome) {
            return Ok(());
        }
        self.keep(Work::Settle { key: key.clone(), settlement: settlement.clone() }).await
    }

    /// The gate for this run's rows, on a connection of its own; with `recheck` no row counts as settled. One a run:
    /// each knows only the duplicates that it saw itself. Blocks; for the thread that reads the input.
    ///
    /// # Errors
    /// The ledger can't be read, or the temporary directory not written.
    pub fn admission(&self, recheck: bool) -> Result<Admission, LedgerError> {
        Admission::new(connection::read_beside_writer(&self.0.path)?, &self.0.path, &self.0.api, recheck)
    }

    /// Waits for what is being written, folds the log into the file and lets go of the lock. Other handles are of no
    /// use afterwards.
    ///
    /// # Errors
    /// Something could not be written, now or before. What was reported as durable is.
    pub async fn close(self) -> Result<(), LedgerError> {
        self.ask(Job::Close).await
    }

    async fn keep(&self, work: Work) -> Result<(), LedgerError> {
        self.ask(|answer| Job::Keep(work, answer)).await
    }

    async fn ask(&self, job: impl FnOnce(super::writer::Answer) -> Job) -> Result<(), LedgerError> {
        let closed = || LedgerError::Closed { path: self.0.path.clone() };
        let (answer, answered) = oneshot::channel();
        let jobs = self.0.jobs.as_ref().ok_or_else(closed)?;
        jobs.send(job(answer)).await.map_err(|_| closed())?;
        answered.await.unwrap_or_else(|_| Err(closed()))
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
