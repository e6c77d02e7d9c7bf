//! SIGHUP, SIGINT and SIGTERM: the first ends the run in order, a further SIGINT or SIGTERM ends it at once.

use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};

use crate::exit;
use crate::stop::{Signal, Stop, StopReason};

/// From now on, a signal asks for the stop. One that was ignored when the program was started stays so: `nohup` means it.
pub(crate) fn stop_on_signals(stop: &Stop) -> io::Result<()> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let asked = Arc::new(AtomicBool::new(false));
    for (which, kind) in [
        (Signal::Hangup, SignalKind::hangup()),
        (Signal::Interrupt, SignalKind::interrupt()),
        (Signal::Terminate, SignalKind::terminate()),
    ] {
        if is_ignored(&status, kind) {
            continue;
        }
        let mut signals = signal(kind)?;
        let (stop, asked) = (stop.clone(), Arc::clone(&asked));
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                arrived(which, &stop, &asked);
            }
        });
    }
    Ok(())
}

fn arrived(signal: Signal, stop: &Stop, asked: &AtomicBool) {
    let reason = StopReason::Signal(signal);
    if !asked.swap(true, Ordering::Relaxed) {
        let name = reason.as_str().to_uppercase();
        tracing::warn!("{name}: no new calls; waiting for those in flight (a second signal ends it at once)");
        stop.request(reason, "run the same command again to go on");
    } else if signal != Signal::Hangup {
        // A terminal that closes sends SIGHUP more than once, and nobody is there to mean anything by it.
        std::process::exit(i32::from(exit::of_signal(signal)));
    }
}

/// Whether the process ignores this signal, by what Linux says of it (proc(5), `SigIgn`).
fn is_ignored(status: &str, kind: SignalKind) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    mask >> (kind.as_raw_value() - 1) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_signals_are_ignored() {
        let status = "Name:\tx\nSigIgn:\t0000000000001001\nSigCgt:\tffffffffffffffff\n";
        assert!(is_ignored(status, SignalKind::hangup()));
        assert!(!is_ignored(status, SignalKind::interrupt()));
        assert!(!is_ignored(status, SignalKind::terminate()));
        assert!(!is_ignored("", SignalKind::hangup()));
    }
}
