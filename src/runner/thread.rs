//! Threads for what blocks: reading the input, writing the report.

use std::io;
use std::thread;

use tokio::sync::oneshot;

/// Starts a thread. What it comes to arrives at the receiver, which fails if the thread panics.
///
/// A thread rather than tokio's blocking pool: one that is stuck in a read can't keep the process from ending.
pub(crate) fn on_a_thread<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<oneshot::Receiver<T>> {
    let (done, result) = oneshot::channel();
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        // Nobody waits any more for what it came to.
        let _ = done.send(work());
    })?;
    Ok(result)
}
