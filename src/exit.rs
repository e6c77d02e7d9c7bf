//! The exit codes that scripts and cron jobs depend on.

use crate::ledger::LedgerError;
use crate::stop::{Refusal, Signal, StopReason};

pub(crate) const FINE: u8 = 0;
/// Finished, but some rows are not fine, or the input was not read to its end.
pub(crate) const NOT_FINE: u8 = 1;
/// Error of usage, configuration or input: nothing was sent.
pub(crate) const USAGE: u8 = 2;
/// Stopped: the API key, login token or account was refused.
pub(crate) const REFUSED: u8 = 3;
pub(crate) const CREDITS_USED_UP: u8 = 4;
/// Stopped: too many consecutive failures, or rate limited for longer than `--patience`.
pub(crate) const GAVE_UP: u8 = 5;
/// Stopped: the report or the ledger could not be written.
pub(crate) const UNWRITABLE: u8 = 6;
/// Another run uses this ledger; nothing was sent.
pub(crate) const HELD: u8 = 75;

/// What each code means, for people.
const MEANINGS: [(&str, &str); 9] = [
    ("0", "all is fine, or a limit that you set ended the run"),
    ("1", "some row is not fine, not all was read, or verify found differences"),
    ("2", "wrong command, settings or input, or answered no; nothing withdrawn"),
    ("3", "API key, login or account refused"),
    ("4", "no credits left"),
    ("5", "gave up: too many failures, rate limited too long, or no answer"),
    ("6", "report or ledger can't be written"),
    ("75", "another run holds the ledger; nothing was sent"),
    ("129, 130, 143", "stopped by SIGHUP, SIGINT or SIGTERM"),
];

/// The codes and their meanings, one per line.
pub(crate) fn help_table() -> String {
    MEANINGS.iter().map(|(codes, meaning)| format!("  {codes:<4}  {meaning}\n")).collect()
}

/// `accounts`: why some of them stopped while the run went on. `fine`: whether every row is fine and the input was read to
/// its end, but for what a limit of the user cut short.
pub(crate) fn of_run(stop: Option<StopReason>, accounts: impl IntoIterator<Item = StopReason>, fine: bool) -> u8 {
    if let Some(reason) = stop.filter(|reason| !reason.is_limit()) {
        return of_stop(reason);
    }
    let graver_than_rows = accounts.into_iter().map(of_stop).filter(|code| *code != FINE).min();
    graver_than_rows.unwrap_or(if fine { FINE } else { NOT_FINE })
}

pub(crate) const fn of_stop(reason: StopReason) -> u8 {
    match reason {
        StopReason::Refused(Refusal::Key | Refusal::Login | Refusal::Account) => REFUSED,
        StopReason::Refused(Refusal::Credits) => CREDITS_USED_UP,
        StopReason::TooManyFailures | StopReason::PatienceExhausted => GAVE_UP,
        StopReason::ReportUnwritable | StopReason::LedgerUnwritable => UNWRITABLE,
        StopReason::Usage => USAGE,
        StopReason::LedgerHeld => HELD,
        StopReason::Broken => NOT_FINE,
        StopReason::Limit(_) => FINE,
        StopReason::Signal(signal) => of_signal(signal),
    }
}

/// For a ledger that can't be used; nothing was sent.
pub(crate) const fn of_ledger(error: &LedgerError) -> u8 {
    match error {
        LedgerError::Held { .. } => HELD,
        LedgerError::Unwritable { .. } | LedgerError::Locked { .. } | LedgerError::NoScratch { .. } => UNWRITABLE,
        LedgerError::NotALedger { .. }
        | LedgerError::Newer { .. }
        | LedgerError::Missing { .. }
        | LedgerError::Copy { .. }
        | LedgerError::LinkToNothing { .. }
        | LedgerError::HardLinked { .. }
        | LedgerError::MountPoint { .. }
        | LedgerError::NetworkFileSystem { .. }
        | LedgerError::NoWriteAheadLog { .. }
        | LedgerError::Unreadable { .. }
        | LedgerError::Closed { .. } => USAGE,
    }
}

/// 128 plus the signal's number, as in shells.
pub(crate) const fn of_signal(signal: Signal) -> u8 {
    match signal {
        Signal::Hangup => 129,
        Signal::Interrupt => 130,
        Signal::Terminate => 143,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stop::Limit;

    #[test]
    fn a_limit_of_the_user_is_no_failure_unless_something_else_is() {
        let cases: [(_, &[_], _, _); 12] = [
            (None, &[], true, FINE),
            (None, &[], false, NOT_FINE),
            (Some(StopReason::Limit(Limit::DailyCap)), &[], true, FINE),
            (Some(StopReason::Limit(Limit::DailyCap)), &[], false, NOT_FINE),
            (Some(StopReason::Limit(Limit::Credits)), &[], true, FINE),
            (Some(StopReason::Limit(Limit::Withdrawals)), &[], true, FINE),
            (Some(StopReason::Limit(Limit::Duration)), &[], false, NOT_FINE),
            (Some(StopReason::Refused(Refusal::Credits)), &[], true, CREDITS_USED_UP),
            (Some(StopReason::Refused(Refusal::Login)), &[], false, REFUSED),
            (None, &[StopReason::Limit(Limit::DailyCap)], true, FINE),
            (None, &[StopReason::Limit(Limit::DailyCap), StopReason::Refused(Refusal::Login)], false, REFUSED),
            (Some(StopReason::Limit(Limit::Credits)), &[StopReason::Refused(Refusal::Account)], true, REFUSED),
        ];
        for (stop, accounts, fine, code) in cases {
            assert_eq!(of_run(stop, accounts.iter().copied(), fine), code, "{stop:?} {accounts:?} {fine}");
        }
    }
}
