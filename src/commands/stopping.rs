//! What a command does not wait for once it is to stop.

use std::io;

use super::error::RunError;
use crate::runner::on_a_thread;
use crate::stop::{Stop, StopReason};

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
