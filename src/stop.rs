//! The stop: why nothing more is sent, told once to everyone who waits.
//!
//! Owns the reasons and the telling. Does not know what is being stopped.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use tokio::sync::watch;

/// Why a run stopped before its input was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopReason {
    KeyRefused,
    /// The API refused the login token.
    LoginRefused,
    /// The API refused the account's ID.
    AccountRefused,
    /// The API says that the credits are used up.
    CreditsUsedUp,
    /// `--max-errors` rows in a row failed.
    TooManyFailures,
    /// Rate limited for longer than `--patience`.
    PatienceExhausted,
    /// The report could not be written: what is sent now would be known to nobody.
    ReportUnwritable,
    /// The ledger could not be written or read: what is sent now could be sent again.
    LedgerUnwritable,
    /// A part of this program broke: a bug, and no reason to go on.
    Broken,
    Signal(Signal),
}

/// The signals that end a run in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// SIGHUP: the terminal is gone.
    Hangup,
    Interrupt,
    /// SIGTERM: asked to end.
    Terminate,
}

impl StopReason {
    const fn is_unwritable(self) -> bool {
        matches!(self, Self::ReportUnwritable | Self::LedgerUnwritable)
    }

    /// Its name in the summary.
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
            Self::Signal(Signal::Hangup) => "sighup",
            Self::Signal(Signal::Interrupt) => "sigint",
            Self::Signal(Signal::Terminate) => "sigterm",
        }
    }
}

/// A reason with the words for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StopCause {
    pub reason: StopReason,
    /// Why, in words that say what to do next.
    pub detail: String,
}

impl fmt::Display for StopCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason.as_str(), self.detail)
    }
}

/// Asks a run to stop, and tells whoever waits that it was asked. Clones are the same stop.
#[derive(Clone, Debug)]
pub(crate) struct Stop(Arc<watch::Sender<Option<StopCause>>>);

impl Default for Stop {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }
}

impl Stop {
    /// Asks for the stop. The first reason stands, save that a report or a ledger which can't be written outranks every
    /// other: whoever reads the exit code must know that something is missing there.
    pub(crate) fn request(&self, reason: StopReason, detail: impl Into<String>) {
        self.0.send_if_modified(|cause| {
            let outranked = |cause: &StopCause| reason.is_unwritable() && !cause.reason.is_unwritable();
            let takes = cause.as_ref().is_none_or(outranked);
            if takes {
                *cause = Some(StopCause { reason, detail: detail.into() });
            }
            takes
        });
    }

    /// Whether it was asked for.
    pub(crate) fn is_requested(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Why, if it was asked for.
    pub(crate) fn cause(&self) -> Option<StopCause> {
        self.0.borrow().clone()
    }

    /// Why a row that was not called for was not, in words for its line.
    pub(crate) fn before_this_row(&self) -> String {
        let cause = self.cause().map_or_else(String::new, |cause| cause.to_string());
        format!("the run stopped before this row, {cause}")
    }

    /// Ends when the stop is asked for.
    pub(crate) async fn requested(&self) {
        // The sender lives as long as `self`, so the wait can't end for want of one.
        let _ = self.0.subscribe().wait_for(Option::is_some).await;
    }

    /// What `wait` comes to, or `None` as soon as the stop is asked for.
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
    fn the_first_reason_stands_but_for_an_unwritable_report() {
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
