//! The bounded pool: the only place that spawns workers.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use super::call::{Caller, Journal, stop_for, tell};
use super::row::{Limits, Settling};
use super::{Feed, Lists, ReadyRow, Triage, on_a_thread};
use crate::api::LinkUpApi;
use crate::event::Event;
use crate::input::ReadError;
use crate::invitation::{Row, RowError};
use crate::ledger::LedgerError;
use crate::outcome::{ExitEffect, Outcome};
use crate::stop::{Stop, StopReason};

/// After a stop, an input that may never end (a terminal, a pipe) is given this long to hand over what it has read.
const LAST_ROWS: Duration = Duration::from_millis(250);

/// Said of a panic, whose own words the panic has printed.
const BROKEN: &str = "this is a bug, please report it; run the same command again to go on";

#[derive(Clone, Copy, Debug)]
pub(crate) struct Pool {
    /// Workers, and so the most calls in flight.
    pub concurrency: usize,
    pub limits: Limits,
    /// Consecutive rows that may fail before the run stops; 0 for any number.
    pub max_errors: u32,
    /// Whether the input surely ends, so that a stopped run can report all of its rows.
    pub input_ends: bool,
}

/// Brings every row to its outcome and tells the sinks. Returns whether the input was read to its end.
pub(crate) async fn run<A: LinkUpApi, J: Journal>(
    rows: impl Iterator<Item = Result<Result<Row, RowError>, ReadError>> + Send + 'static,
    triage: Triage,
    pool: Pool,
    caller: Arc<Caller<A, J>>,
    lists: Lists,
) -> io::Result<bool> {
    // Two rows for each worker: enough never to wait for the reader, and few to report after a stop.
    let (queue, queued) = mpsc::channel(pool.concurrency * 2);
    let feed = Feed {
        triage,
        lists: lists.clone(),
        queue,
        // Weak, so that a reader which is stuck in an input without end can't keep the sinks waiting.
        events: caller.events.downgrade(),
        stop: caller.stop.clone(),
        input_ends: pool.input_ends,
    };
    let read = on_a_thread("input", move || feed.run(rows))?;
    let stop = caller.stop.clone();
    work(pool, caller, lists, queued).await;
    // A reader that is stuck has not reached the input's end.
    let limit = if pool.input_ends { Duration::MAX } else { LAST_ROWS };
    match tokio::time::timeout(limit, read).await {
        Ok(Ok(complete)) => Ok(complete),
        Ok(Err(_)) => {
            stop.request(StopReason::Broken, BROKEN);
            Ok(false)
        }
        Err(_) => Ok(false),
    }
}

/// Works until the queue is closed and empty.
async fn work<A: LinkUpApi, J: Journal>(
    pool: Pool,
    caller: Arc<Caller<A, J>>,
    lists: Lists,
    queue: mpsc::Receiver<ReadyRow>,
) {
    let queue = Arc::new(Mutex::new(queue));
    let failures = Arc::new(AtomicU32::new(0));
    let (settled, line) = mpsc::channel(pool.concurrency);
    let told = tokio::spawn(tell_when_durable(line, caller.events.clone(), caller.stop.clone()));
    let mut workers = JoinSet::new();
    for _ in 0..pool.concurrency {
        let (caller, queue, failures) = (Arc::clone(&caller), Arc::clone(&queue), Arc::clone(&failures));
        let (settled, lists) = (settled.clone(), lists.clone());
        workers.spawn(async move {
            while let Some(row) = next(&queue, &caller.stop, pool.input_ends).await {
                let account = row.withdrawal.account.clone();
                let withdrawing = lists.withdrawing(&account).await;
                let settling = caller.withdraw(row, &pool.limits).await;
                drop(withdrawing);
                count_failures(&failures, pool.max_errors, settling.settled.outcome, &caller.stop);
                // It listens for as long as a worker is left, or has broken.
                if settled.send(settling).await.is_err() {
                    caller.stop.request(StopReason::Broken, BROKEN);
                }
            }
        });
    }
    drop(settled);
    while let Some(ended) = workers.join_next().await {
        // Its row is in the ledger as an intent, and in no report.
        if ended.is_err() {
            caller.stop.request(StopReason::Broken, BROKEN);
        }
    }
    if told.await.is_err() {
        caller.stop.request(StopReason::Broken, BROKEN);
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

/// The next row; after a stop those that were read already, since each of them gets its line.
async fn next(queue: &Mutex<mpsc::Receiver<ReadyRow>>, stop: &Stop, input_ends: bool) -> Option<ReadyRow> {
    let mut queue = queue.lock().await;
    if let Some(row) = stop.or(queue.recv()).await {
        return row;
    }
    if input_ends {
        return queue.recv().await;
    }
    match tokio::time::timeout(LAST_ROWS, queue.recv()).await {
        Ok(row) => row,
        Err(_) => {
            queue.close();
            queue.recv().await
        }
    }
}

/// Stops the run after too many rows in a row that end neither fine nor invalid. Only rows that were called count: what
/// was not sent proves nothing about the API.
fn count_failures(failures: &AtomicU32, max_errors: u32, outcome: Outcome, stop: &Stop) {
    match outcome.exit_effect() {
        ExitEffect::Fine => failures.store(0, Ordering::Relaxed),
        ExitEffect::FromStop => {}
        ExitEffect::NotFine => {
            let count = failures.fetch_add(1, Ordering::Relaxed) + 1;
            if max_errors > 0 && count >= max_errors {
                stop.request(
                    StopReason::TooManyFailures,
                    format!("{count} rows in a row failed (--max-errors): see their details in the report"),
                );
            }
        }
    }
}
