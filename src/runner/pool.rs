//! The bounded pool: the only place that spawns workers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use super::{Admitted, Attempts, Stop, StopReason};
use crate::api::Withdraw;
use crate::event::Event;
use crate::outcome::{Outcome, Standing};

/// After a stop, an input that may never end (a terminal, a pipe) is given this long to hand over what it has read.
const LAST_ROWS: Duration = Duration::from_millis(250);

/// How the pool works.
#[derive(Clone, Copy, Debug)]
pub struct Pool {
    /// Workers, and so the most calls in flight.
    pub concurrency: usize,
    /// Rows in a row that may fail before the run stops; 0 for any number.
    pub max_errors: u32,
    /// Whether the input surely ends, so that a stopped run can report all of its rows.
    pub input_ends: bool,
}

/// Works until the queue is closed and empty: every row that comes out of it is settled and told. A panic of one worker
/// is passed on.
pub async fn run<A: Withdraw>(pool: Pool, attempts: Attempts<A>, queue: mpsc::Receiver<Admitted>) {
    let attempts = Arc::new(attempts);
    let queue = Arc::new(Mutex::new(queue));
    let failures = Arc::new(AtomicU32::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..pool.concurrency {
        let (attempts, queue, failures) = (Arc::clone(&attempts), Arc::clone(&queue), Arc::clone(&failures));
        workers.spawn(async move {
            while let Some(row) = next(&queue, &attempts.stop, pool.input_ends).await {
                let settled = attempts.withdraw(row).await;
                count_failures(&failures, pool.max_errors, settled.outcome, &attempts.stop);
                // Sinks that are gone have failed, and their failure has asked for the stop.
                let _ = attempts.events.send(Event::Settled(settled)).await;
            }
        });
    }
    while let Some(ended) = workers.join_next().await {
        if let Err(error) = ended
            && let Ok(panic) = error.try_into_panic()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

/// The next row; after a stop those that were read already, since each of them gets its line.
async fn next(queue: &Mutex<mpsc::Receiver<Admitted>>, stop: &Stop, input_ends: bool) -> Option<Admitted> {
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
    match outcome.standing() {
        Standing::Fine => failures.store(0, Ordering::Relaxed),
        Standing::AsTheStop => {}
        Standing::NotFine => {
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
