//! SIGHUP, SIGINT and SIGTERM: the first ends the run in order; only the same SIGINT or SIGTERM again, a second later, ends
//! it at once. SIGXFSZ: a write beyond a size limit fails, and ends nothing.

use std::fs;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use crate::exit;
use crate::report::{Screen, plural, rounded};
use crate::stop::{Signal, Stop, StopReason};
use crate::underway::Seen;

/// A service manager, `timeout` or a terminal that closes sends two signals, or one twice, within moments, and means one.
const MIN_REPEAT: Duration = Duration::from_secs(1);

/// From now on, a signal asks for the stop. One that was ignored when the program was started stays so: `nohup` means it.
pub(crate) fn stop_on_signals(stop: &Stop, screen: &Screen) -> io::Result<()> {
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
        let (stop, screen, first_of_all) = (stop.clone(), screen.clone(), Arc::clone(&first_of_all));
        tokio::spawn(async move {
            let mut first = None;
            while signals.recv().await.is_some() {
                let code_of = *first_of_all.get_or_init(|| {
                    ask_to_stop(which, &stop);
                    which
                });
                if is_repeat(which, *first.get_or_insert_with(Instant::now), Instant::now()) {
                    screen.draw(Vec::new());
                    let unresolved = stop.underway().look();
                    tracing::warn!(event = "quit", unresolved = unresolved.calls, "{}", quit(&unresolved));
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
    tracing::warn!(event = "signal", signal = name, "{}", stopping(signal, &stop.underway().look()));
    stop.request(reason, "run the same command again to go on");
}

fn stopping(signal: Signal, seen: &Seen) -> String {
    let again = match signal {
        // It never ends a run at once.
        Signal::Hangup => "",
        Signal::Interrupt => " Ctrl-C again to quit.",
        Signal::Terminate => " SIGTERM again to quit.",
    };
    match seen.calls as u64 {
        0 => "Stopping.".to_owned(),
        calls => format!("Stopping: {} to finish, at most {}.{again}", plural(calls, "call"), rounded(seen.longest)),
    }
}

fn quit(seen: &Seen) -> String {
    let results = seen.results.as_ref().map(|path| format!("results so far: {}; ", path.display()));
    format!(
        "Quit. {} unresolved; {}run again to continue.",
        plural(seen.calls as u64, "call"),
        results.unwrap_or_default()
    )
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
    fn what_a_person_is_told() {
        let longest = Duration::from_secs(18);
        let seen = |calls| Seen { calls, longest, wait: None, results: Some("june.csv.partial".into()) };
        let cases = [
            (Signal::Interrupt, 3, "Stopping: 3 calls to finish, at most 18 s. Ctrl-C again to quit."),
            (Signal::Terminate, 1, "Stopping: 1 call to finish, at most 18 s. SIGTERM again to quit."),
            (Signal::Hangup, 1, "Stopping: 1 call to finish, at most 18 s."),
            (Signal::Interrupt, 0, "Stopping."),
        ];
        for (signal, calls, words) in cases {
            assert_eq!(stopping(signal, &seen(calls)), words);
        }
        let words = "Quit. 2 calls unresolved; results so far: june.csv.partial; run again to continue.";
        assert_eq!(quit(&seen(2)), words);
        assert_eq!(quit(&Seen::default()), "Quit. 0 calls unresolved; run again to continue.");
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
