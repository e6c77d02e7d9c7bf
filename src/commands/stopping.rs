//! What a command does not wait for once it is to stop.

use std::io;
use std::time::{Duration, Instant};

use super::error::RunError;
use crate::report::Pulse;
use crate::runner::on_a_thread;
use crate::stop::{Stop, StopReason};

/// How often a run that is to stop looks whether its report gets on.
const STALL_CHECK: Duration = Duration::from_millis(100);

/// What this comes to, unless the stop is asked for before it is done, however long it blocks.
pub(super) async fn unless_stopped<T: Send + 'static>(
    stop: &Stop,
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, RunError> {
    if stop.is_requested() {
        return Err(stopped(stop));
    }
    match stop.or(on_a_thread(name, work)?).await {
        Some(done) => done.map_err(|_| RunError::Io(io::Error::other(format!("the thread {name} broke off")))),
        None => Err(stopped(stop)),
    }
}

pub(super) fn stopped(stop: &Stop) -> RunError {
    RunError::Stopped(stop.cause().map_or(StopReason::Broken, |cause| cause.reason))
}

/// Ends when a run that a signal asked to stop can't, since nobody takes its report. By then no call is in flight any
/// more, for none takes longer than `limit`, and what they came to is in the ledger. Any other stop waits: somebody may
/// be reading page by page.
pub(super) async fn stalled(stop: &Stop, pulse: &Pulse, limit: Duration) {
    stop.requested().await;
    let asked = Instant::now();
    while !by_signal(stop) || asked.elapsed().min(pulse.stuck_for()) < limit {
        tokio::time::sleep(STALL_CHECK).await;
    }
}

fn by_signal(stop: &Stop) -> bool {
    stop.cause().is_some_and(|cause| matches!(cause.reason, StopReason::Signal(_)))
}
