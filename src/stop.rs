//! The stop: why no more calls are made, shared by all tasks of a run.
//!
//! Owns the reasons and the signal to waiting tasks. Does not know what is being stopped.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use tokio::sync::watch;

/// Why a run stopped before the end of its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopReason {
    KeyRefused,
    LoginRefused,
    AccountRefused,
    CreditsUsedUp,
    /// `--max-errors` consecutive failures.
    TooManyFailures,
    /// Rate limited for longer than `--patience`.
    PatienceExhausted,
    /// The outcomes of further calls could not be reported.
    ReportUnwritable,
    /// The ledger could not be written or read, so a later run would repeat further calls.
    LedgerUnwritable,
    /// A panic: a bug in this program.
    Broken,
    /// `--max-credits`.
    MaxCredits,
    /// `--max-withdrawals`.
    MaxWithdrawals,
    /// `--max-duration`.
    MaxDuration,
    /// `--daily-cap`.
    DailyCap,
    Signal(Signal),
}

/// The signals that stop a run in an orderly way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// SIGHUP: the terminal was closed.
    Hangup,
    Interrupt,
    /// SIGTERM.
    Terminate,
}

impl StopReason {
    const fn is_unwritable(self) -> bool {
        matches!(self, Self::ReportUnwritable | Self::LedgerUnwritable)
    }

    /// Whether the user set the limit that ended the run.
    pub(crate) const fn is_limit(self) -> bool {
        matches!(self, Self::MaxCredits | Self::MaxWithdrawals | Self::MaxDuration | Self::DailyCap)
    }

    /// The name in the summary.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::KeyRefused => "key_refused",
            Self::LoginRefused => "login_refused",
            Self::AccountRefused => "account_refused",
            Self::CreditsUsedUp => "credits_used_up",
            Self::TooManyFailures => "too_many_failures",
            Self::PatienceExhausted => "patience_exhausted",
            Self::ReportUnwritable => "report_unwritable",
            Self::LedgerUnwritable => "ledger_unwritable",
            Self::Broken => "broken",
            Self::MaxCredits => "max_credits",
            Self::MaxWithdrawals => "max_withdrawals",
            Self::MaxDuration => "max_duration",
            Self::DailyCap => "daily_cap",
            Self::Signal(Signal::Hangup) => "sighup",
            Self::Signal(Signal::Interrupt) => "sigint",
            Self::Signal(Signal::Terminate) => "sigterm",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StopCause {
    pub reason: StopReason,
    /// A sentence for people, which says what to do next.
    pub detail: String,
}

impl fmt::Display for StopCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason.as_str(), self.detail)
    }
}

/// A request to stop that tasks can check and wait for. Clones share one request.
#[derive(Clone, Debug)]
pub(crate) struct Stop(Arc<watch::Sender<Option<StopCause>>>);

impl Default for Stop {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }
}

impl Stop {
    /// Requests the stop. The first reason is kept, but a report or ledger that can't be written replaces any other reason,
    /// since the exit code must say that data is missing there.
    pub(crate) fn request(&self, reason: StopReason, detail: impl Into<String>) {
        self.0.send_if_modified(|cause| {
            let is_outranked = |cause: &StopCause| reason.is_unwritable() && !cause.reason.is_unwritable();
            let replaces = cause.as_ref().is_none_or(is_outranked);
            if replaces {
                *cause = Some(StopCause { reason, detail: detail.into() });
            }
            replaces
        });
    }

    pub(crate) fn is_requested(&self) -> bool {
        self.0.borrow().is_some()
    }

    pub(crate) fn cause(&self) -> Option<StopCause> {
        self.0.borrow().clone()
    }

    /// The detail of a row that was not called for.
    pub(crate) fn before_this_row(&self) -> String {
        let cause = self.cause().map_or_else(String::new, |cause| cause.to_string());
        format!("the run stopped before this row, {cause}")
    }

    pub(crate) async fn requested(&self) {
        // An error would mean that the sender was dropped, but `self` owns it.
        let _ = self.0.subscribe().wait_for(Option::is_some).await;
    }

    /// The result of `wait`, or `None` as soon as the stop is requested.
    pub(crate) async fn or<T>(&self, wait: impl Future<Output = T>) -> Option<T> {
        if self.is_requested() {
            return None;
        }
        tokio::select! {
            biased;
            () = self.requested() => None,
            done = wait => Some(done),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_is_kept_except_for_an_unwritable_report() {
        let stop = Stop::default();
        stop.request(StopReason::CreditsUsedUp, "first");
        stop.request(StopReason::Signal(Signal::Interrupt), "second");
        assert_eq!(stop.cause().unwrap().detail, "first");
        stop.request(StopReason::ReportUnwritable, "third");
        stop.request(StopReason::LedgerUnwritable, "fourth");
        stop.request(StopReason::KeyRefused, "fifth");
        let cause = stop.cause().unwrap();
        assert_eq!((cause.reason, cause.detail.as_str()), (StopReason::ReportUnwritable, "third"));
    }

    #[tokio::test]
    async fn a_wait_ends_with_the_stop() {
        let stop = Stop::default();
        assert_eq!(stop.or(async { 7 }).await, Some(7));
        let asked = stop.clone();
        let (waited, ()) = tokio::join!(stop.or(std::future::pending::<()>()), async move {
            asked.request(StopReason::Signal(Signal::Terminate), "");
        });
        assert_eq!(waited, None);
        assert_eq!(stop.or(async { 7 }).await, None);
    }
}
