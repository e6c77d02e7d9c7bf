//! SIGHUP, SIGINT and SIGTERM: the first ends the run in order; only the same SIGINT or SIGTERM again, a second later, ends
//! it at once. SIGXFSZ: a write beyond a size limit fails, and ends nothing.

use std::fs;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use crate::exit;
use crate::stop::{Signal, Stop, StopReason};

/// A service manager, `timeout` or a terminal that closes sends two signals, or one twice, within moments, and means one.
const MIN_REPEAT: Duration = Duration::from_secs(1);

/// From now on, a signal asks for the stop. One that was ignored when the program was started stays so: `nohup` means it.
pub(crate) fn stop_on_signals(stop: &Stop) -> io::Result<()> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let first_of_all = Arc::new(OnceLock::new());
    for (which, kind) in [
        (Signal::Hangup, SignalKind::hangup()),
        (Signal::Interrupt, SignalKind::interrupt()),
        (Signal::Terminate, SignalKind::terminate()),
    ] {
        if is_ignored(&status, kind) {
            continue;
        }
        let mut signals = signal(kind)?;
        let (stop, first_of_all) = (stop.clone(), Arc::clone(&first_of_all));
        tokio::spawn(async move {
            let mut first = None;
            while signals.recv().await.is_some() {
                let code_of = *first_of_all.get_or_init(|| {
                    ask_to_stop(which, &stop);
                    which
                });
                if is_repeat(which, *first.get_or_insert_with(Instant::now), Instant::now()) {
                    std::process::exit(i32::from(exit::of_signal(code_of)));
                }
            }
        });
    }
    Ok(())
}

/// A write beyond the limit on a file's size sends SIGXFSZ, which would end the process. Once it is handled, the write is
/// an error like any other. tokio's handler stays when its stream is dropped.
pub(crate) fn survive_size_limit() -> io::Result<()> {
    signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw())).map(drop)
}

fn ask_to_stop(signal: Signal, stop: &Stop) {
    let reason = StopReason::Signal(signal);
    let name = reason.as_str().to_uppercase();
    tracing::warn!(
        event = "signal",
        signal = name,
        "{name}: no new calls; waiting for those in flight (SIGINT or SIGTERM twice, a second apart, ends it at once)"
    );
    stop.request(reason, "run the same command again to go on");
}

/// Whether a signal means that the run is to end at once, when the first of its kind came at `first`.
fn is_repeat(signal: Signal, first: Instant, now: Instant) -> bool {
    match signal {
        // A terminal that closes sends it more than once, and nobody is there to mean anything by it.
        Signal::Hangup => false,
        Signal::Interrupt | Signal::Terminate => now.duration_since(first) >= MIN_REPEAT,
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

    #[test]
    fn only_the_same_signal_a_second_later_is_meant_as_a_second_one() {
        let first = Instant::now();
        let cases = [
            (Signal::Interrupt, 0, false),
            (Signal::Interrupt, 999, false),
            (Signal::Interrupt, 1_000, true),
            (Signal::Terminate, 999, false),
            (Signal::Terminate, 60_000, true),
            (Signal::Hangup, 60_000, false),
        ];
        for (signal, millis, expected) in cases {
            assert_eq!(
                is_repeat(signal, first, first + Duration::from_millis(millis)),
                expected,
                "{signal:?} {millis}"
            );
        }
    }
}
