//! The bounded pool: the only place that spawns workers.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinSet;

use super::call::{Caller, Journal, stop_for, tell};
use super::feed::{Accounts, Feed, Item, QUEUE, Queue, Rows, low};
use super::row::{Limits, Settling};
use super::{Lists, ReadyRow, Triage, on_a_thread};
use crate::api::LinkUpApi;
use crate::event::Event;
use crate::invitation::AccountName;
use crate::ledger::LedgerError;
use crate::stop::{Stop, StopCause, StopReason, gravest};

/// After a stop, an input that may never end (a terminal, a pipe) is given this long to hand over what it has read.
const LAST_ROWS: Duration = Duration::from_millis(250);

/// Said of a panic, whose own words the panic has printed.
const BROKEN: &str = "a bug in this program ended it: please report it";

#[derive(Clone, Copy, Debug)]
pub(crate) struct Pool {
    /// Workers of each account; the most calls in flight.
    pub concurrency: usize,
    pub limits: Limits,
    /// Consecutive rows of an account that may fail before it stops; 0 for any number.
    pub max_errors: u32,
}

/// Brings every row to its outcome and tells the sinks. Returns whether the input was read to its end.
pub(crate) async fn run<A: LinkUpApi, J: Journal>(
    rows: Rows<impl Iterator<Item = Item> + Send + 'static>,
    triage: Triage,
    pool: Pool,
    caller: Arc<Caller<A, J>>,
    lists: Lists,
) -> io::Result<bool> {
    let runtime = Handle::current();
    let on_a_thread = |read: Reading| on_a_thread("input", move || runtime.block_on(read));
    run_reading(rows, triage, pool, caller, lists, on_a_thread).await
}

/// The reader of the input, which comes to whether it reached the input's end.
pub(super) type Reading = Pin<Box<dyn Future<Output = bool> + Send>>;

/// The same, with the reader started by `start`.
pub(super) async fn run_reading<A: LinkUpApi, J: Journal>(
    rows: Rows<impl Iterator<Item = Item> + Send + 'static>,
    triage: Triage,
    pool: Pool,
    caller: Arc<Caller<A, J>>,
    lists: Lists,
    start: impl FnOnce(Reading) -> io::Result<oneshot::Receiver<bool>>,
) -> io::Result<bool> {
    caller.bounds.watch_time(&caller.stop);
    let input_ends = rows.again.is_some();
    let accounts = triage.accounts();
    // Two rows for each worker: enough never to wait for the reader, and few to report after a stop.
    let queue = if accounts > 1 { QUEUE } else { pool.concurrency * 2 };
    let (opened, queues) = mpsc::channel(1);
    let (runs_dry, dry) = mpsc::channel(1);
    let stop = caller.stop.clone();
    let feed = Feed {
        triage,
        lists: lists.clone(),
        bounds: Arc::clone(&caller.bounds),
        accounts: Accounts::new(accounts, queue, opened, dry),
        events: caller.events.downgrade(),
        stop: stop.clone(),
    };
    let read = start(Box::pin(feed.run(rows)))?;
    work(pool, caller, lists, input_ends, queues, runs_dry).await;
    // A reader that is stuck has not reached the input's end.
    let limit = if input_ends { Duration::MAX } else { LAST_ROWS };
    match tokio::time::timeout(limit, read).await {
        Ok(Ok(complete)) => Ok(complete),
        Ok(Err(_)) => {
            stop.request(StopReason::Broken, BROKEN);
            Ok(false)
        }
        Err(_) => Ok(false),
    }
}

/// Works until each queue is closed and empty, and no further one can come.
async fn work<A: LinkUpApi, J: Journal>(
    pool: Pool,
    caller: Arc<Caller<A, J>>,
    lists: Lists,
    input_ends: bool,
    mut queues: mpsc::Receiver<Queue>,
    runs_dry: mpsc::Sender<()>,
) {
    let stop = &caller.stop;
    let (settled, line) = mpsc::channel(pool.concurrency);
    let told = tokio::spawn(tell_when_durable(line, caller.events.clone(), stop.clone()));
    let mut workers = JoinSet::new();
    let mut accounts = Vec::new();
    let mut is_open = true;
    loop {
        tokio::select! {
            // In one order, so that a simulated run can be repeated.
            biased;
            queue = next(&mut queues, stop, input_ends), if is_open => match queue {
                Some(Queue { account, rows }) => {
                    let has_gap = caller.bounds.account(&account).has_gap();
                    let worker = Worker {
                        pool,
                        caller: Arc::clone(&caller),
                        lists: lists.clone(),
                        rows: Arc::new(Mutex::new(rows)),
                        input_ends,
                        settled: settled.clone(),
                        runs_dry: runs_dry.clone(),
                    };
                    // Its own, so that what holds up one account takes no other's workers. The turns bound the calls in
                    // flight.
                    for _ in 0..if has_gap { 1 } else { pool.concurrency } {
                        workers.spawn(worker.clone().run(account.clone()));
                    }
                    accounts.push(account);
                }
                None => is_open = false,
            },
            Some(ended) = workers.join_next() => {
                // Its row is in the ledger as an intent, and in no report.
                if ended.is_err() {
                    stop.request(StopReason::Broken, BROKEN);
                    // The reader may wait for it.
                    let _ = runs_dry.try_send(());
                }
            }
            else => break,
        }
    }
    drop(settled);
    if told.await.is_err() {
        stop.request(StopReason::Broken, BROKEN);
    }
    // Those that had no row make no difference.
    let causes: Option<Vec<_>> = accounts.iter().map(|name| caller.bounds.account(name).stop.own_cause()).collect();
    if let Some(StopCause { reason, detail }) = causes.and_then(gravest) {
        stop.request(reason, detail);
    }
}

/// One worker of one account.
struct Worker<A, J: Journal> {
    pool: Pool,
    caller: Arc<Caller<A, J>>,
    lists: Lists,
    rows: Arc<Mutex<mpsc::Receiver<ReadyRow>>>,
    input_ends: bool,
    settled: mpsc::Sender<Settling<J::Write>>,
    runs_dry: mpsc::Sender<()>,
}

impl<A, J: Journal> Clone for Worker<A, J> {
    fn clone(&self) -> Self {
        Self {
            caller: Arc::clone(&self.caller),
            lists: self.lists.clone(),
            rows: Arc::clone(&self.rows),
            settled: self.settled.clone(),
            runs_dry: self.runs_dry.clone(),
            ..*self
        }
    }
}

impl<A: LinkUpApi, J: Journal> Worker<A, J> {
    async fn run(self, name: AccountName) {
        let Self { pool, caller, .. } = &self;
        let account = caller.bounds.account(&name);
        while let Some(row) = self.next().await {
            let withdrawing = self.lists.withdrawing(&name).await;
            let settling = caller.withdraw(row, &pool.limits).await;
            drop(withdrawing);
            account.count_failures(pool.max_errors, settling.settled.outcome);
            // It listens for as long as a worker is left, or has broken.
            if self.settled.send(settling).await.is_err() {
                caller.stop.request(StopReason::Broken, BROKEN);
            }
        }
    }

    async fn next(&self) -> Option<ReadyRow> {
        let mut rows = self.rows.lock().await;
        let row = next(&mut rows, &self.caller.stop, self.input_ends).await;
        if rows.len() == low(rows.max_capacity()) {
            // If it is full, the reader will look at all queues.
            let _ = self.runs_dry.try_send(());
        }
        row
    }
}

/// Tells of each row once its outcome is durable, in the order in which they were settled, until no worker is left.
///
/// A worker need not wait for that: what it settled is queued before its next intent, so a crash still finds at most one
/// call per worker without its outcome, and one commit serves both.
async fn tell_when_durable<W>(mut line: mpsc::Receiver<Settling<W>>, events: mpsc::Sender<Event>, stop: Stop)
where
    W: Future<Output = Result<(), LedgerError>>,
{
    while let Some(Settling { mut settled, write }) = line.recv().await {
        if let Err(error) = write.await {
            stop_for(&stop, &error);
            settled.detail.push_str(" (this could not be recorded in the ledger)");
        }
        tell(&events, &stop, Event::Settled(settled)).await;
    }
}

/// The next row or queue; after a stop those that were read already, since each row gets its line.
async fn next<T>(queue: &mut mpsc::Receiver<T>, stop: &Stop, input_ends: bool) -> Option<T> {
    if let Some(next) = stop.or(queue.recv()).await {
        return next;
    }
    if input_ends {
        return queue.recv().await;
    }
    match tokio::time::timeout(LAST_ROWS, queue.recv()).await {
        Ok(next) => next,
        Err(_) => {
            queue.close();
            queue.recv().await
        }
    }
}
