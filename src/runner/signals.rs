//! SIGHUP, SIGINT and SIGTERM: the first ends the run in order, the second ends it at once.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

use super::{Signal, Stop, StopReason};
use crate::exit;

/// From now on, a signal asks for the stop, and a second one exits the process.
///
/// # Errors
/// The system refused to let us listen.
pub fn stop_on_signals(stop: &Stop) -> io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = stop.clone();
    tokio::spawn(async move {
        let mut asked = false;
        loop {
            let signal = tokio::select! {
                Some(()) = hangup.recv() => Signal::Hangup,
                Some(()) = interrupt.recv() => Signal::Interrupt,
                Some(()) = terminate.recv() => Signal::Terminate,
                else => return,
            };
            if asked {
                std::process::exit(i32::from(exit::of_signal(signal)));
            }
            asked = true;
            let name = match signal {
                Signal::Hangup => "SIGHUP",
                Signal::Interrupt => "SIGINT",
                Signal::Terminate => "SIGTERM",
            };
            tracing::warn!("{name}: no new calls; waiting for those in flight (a second signal ends it at once)");
            stop.request(StopReason::Signal(signal), "run the same command again to go on");
        }
    });
    Ok(())
}
