//! The stop: why no more calls are made, for the run or for one of its accounts, shared by all tasks of a run.
//!
//! Owns the reasons, their scope and the signal to waiting tasks. Does not know what is being stopped.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::invitation::AccountName;
use crate::underway::Underway;

/// Why a run stopped before the end of its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopReason {
    Refused(Refusal),
    /// `--max-errors` consecutive failures.
    TooManyFailures,
    /// Rate limited for longer than `--patience`.
    PatienceExhausted,
    /// The outcomes of further calls could not be reported.
    ReportUnwritable,
    /// The ledger could not be written or read, so a later run would repeat further calls.
    LedgerUnwritable,
    /// An error of usage, configuration or input, before anything was sent.
    Usage,
    /// Another run holds the ledger.
    LedgerHeld,
    /// A panic: a bug in this program.
    Broken,
    Limit(Limit),
    Signal(Signal),
}

/// What the API refuses, whichever invitation it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Refusal {
    Key,
    /// The login token of V1.
    Login,
    /// The account ID of V2.
    Account,
    /// There are none left.
    Credits,
}

/// A limit that the user set, and that a run may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// `--max-credits`.
    Credits,
    /// `--max-withdrawals`.
    Withdrawals,
    /// `--max-duration`.
    Duration,
    DailyCap,
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
        matches!(self, Self::Limit(_))
    }

    /// Whether it says nothing of other accounts.
    const fn is_of_an_account(self) -> bool {
        match self {
            Self::Refused(Refusal::Login | Refusal::Account) | Self::TooManyFailures | Self::Limit(Limit::DailyCap) => {
                true
            }
            Self::Refused(Refusal::Key | Refusal::Credits)
            | Self::PatienceExhausted
            | Self::ReportUnwritable
            | Self::LedgerUnwritable
            | Self::Usage
            | Self::LedgerHeld
            | Self::Broken
            | Self::Limit(Limit::Credits | Limit::Withdrawals | Limit::Duration)
            | Self::Signal(_) => false,
        }
    }

    /// The name in the summary.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Refused(Refusal::Key) => "key_refused",
            Self::Refused(Refusal::Login) => "login_refused",
            Self::Refused(Refusal::Account) => "account_refused",
            Self::Refused(Refusal::Credits) => "credits_used_up",
            Self::TooManyFailures => "too_many_failures",
            Self::PatienceExhausted => "patience_exhausted",
            Self::ReportUnwritable => "report_unwritable",
            Self::LedgerUnwritable => "ledger_unwritable",
            Self::Usage => "usage",
            Self::LedgerHeld => "ledger_held",
            Self::Broken => "broken",
            Self::Limit(Limit::Credits) => "max_credits",
            Self::Limit(Limit::Withdrawals) => "max_withdrawals",
            Self::Limit(Limit::Duration) => "max_duration",
            Self::Limit(Limit::DailyCap) => "daily_cap",
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
        if self.reason == StopReason::Signal(Signal::Interrupt) {
            f.write_str("Ctrl-C (SIGINT)")
        } else if let StopReason::Signal(_) = self.reason {
            f.write_str(&self.reason.as_str().to_uppercase())
        } else {
            f.write_str(&self.detail)
        }
    }
}

/// A request to stop that tasks can check and wait for: the run's, or that of one of its accounts. Clones share one request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    request: Arc<Request>,
    /// `None` for the run's stop.
    account: Option<Arc<AccountScope>>,
}

#[derive(Debug, Default)]
struct Request {
    cause: Mutex<Option<StopCause>>,
    /// Wakes in the order in which tasks began to wait, so that a simulated run can be repeated; a `watch` does not.
    made: Notify,
    underway: Underway,
}

/// What an account's stop belongs to.
#[derive(Debug)]
struct AccountScope {
    name: AccountName,
    run: Stop,
    accounts: Arc<Accounts>,
}

/// How many accounts there are, and why some of them stopped.
#[derive(Debug)]
struct Accounts {
    count: usize,
    stopped: Mutex<Vec<StopCause>>,
}

/// Parts what is known of a row from the stop that cut it short.
const CUT_SHORT: &str = "; then ";

impl Stop {
    /// A stop for each of these accounts. The run's stop stops them too; once all of them are stopped, the run is. One
    /// account has the run's.
    pub(crate) fn of_accounts(&self, names: impl IntoIterator<Item = AccountName>) -> HashMap<AccountName, Self> {
        let names: Vec<_> = names.into_iter().collect();
        let accounts = Arc::new(Accounts { count: names.len(), stopped: Mutex::default() });
        let of = |name: &AccountName| {
            let scope = AccountScope { name: name.clone(), run: self.clone(), accounts: Arc::clone(&accounts) };
            if names.len() == 1 { self.clone() } else { Self { account: Some(Arc::new(scope)), ..Self::default() } }
        };
        names.iter().map(|name| (name.clone(), of(name))).collect()
    }

    /// Requests the stop: of the run, or of the account, if the reason concerns only that.
    pub(crate) fn request(&self, reason: StopReason, detail: impl Into<String>) {
        let cause = StopCause { reason, detail: detail.into() };
        match &self.account {
            None => self.put_run(cause),
            Some(account) if !reason.is_of_an_account() => account.run.put_run(cause),
            Some(account) => {
                if self.put(cause.clone()) {
                    let (name, reason, detail) = (account.name.as_str(), cause.reason.as_str(), &*cause.detail);
                    // A limit is its user's own.
                    if cause.reason.is_limit() {
                        tracing::info!(
                            event = "account_stopped",
                            account = name,
                            reason,
                            detail,
                            "account {name} stopped: {cause}"
                        );
                    } else {
                        tracing::warn!(
                            event = "account_stopped",
                            account = name,
                            reason,
                            detail,
                            "account {name} stopped: {cause}"
                        );
                    }
                    account.stop_the_run_after_all(cause);
                }
            }
        }
    }

    /// Puts the run's stop in place, and logs it: people read it at the end.
    fn put_run(&self, cause: StopCause) {
        if self.put(cause.clone()) {
            let (reason, detail) = (cause.reason.as_str(), &*cause.detail);
            tracing::info!(target: crate::DETAIL, event = "stopped", reason, detail, "stopped: {cause}");
        }
    }

    /// The first reason is kept, but a report or ledger that can't be written replaces any other reason, since the exit
    /// code must say that data is missing there. Returns whether this one was put in place.
    fn put(&self, new: StopCause) -> bool {
        let mut cause = self.request.cause();
        let is_outranked = |cause: &StopCause| new.reason.is_unwritable() && !cause.reason.is_unwritable();
        let replaces = cause.as_ref().is_none_or(is_outranked);
        if replaces {
            *cause = Some(new);
            self.request.made.notify_waiters();
        }
        replaces
    }

    pub(crate) fn is_requested(&self) -> bool {
        self.request.cause().is_some() || self.account.as_ref().is_some_and(|account| account.run.is_requested())
    }

    pub(crate) fn cause(&self) -> Option<StopCause> {
        self.own_cause().or_else(|| self.account.as_ref()?.run.cause())
    }

    /// Why the account was stopped while the run went on. Of the run's stop, why the run was.
    pub(crate) fn own_cause(&self) -> Option<StopCause> {
        self.request.cause().clone()
    }

    /// The detail of a row that was not called for.
    pub(crate) fn before_this_row(&self) -> String {
        let cause = self.cause().map_or_else(String::new, |cause| cause.to_string());
        format!("{} stopped before this row: {cause}", self.what_stopped())
    }

    /// The detail of a row that it cut short, with what was known of it.
    pub(crate) fn after(&self, known: &str) -> String {
        let cause = self.cause().map_or_else(String::new, |cause| cause.to_string());
        format!("{known}{CUT_SHORT}{} stopped: {cause}", self.what_stopped())
    }

    /// What was known before.
    pub(crate) fn without_it(detail: &str) -> &str {
        detail.split_once(CUT_SHORT).map_or(detail, |(known, _)| known)
    }

    fn what_stopped(&self) -> &'static str {
        if self.own_cause().is_some() && self.account.is_some() { "its account" } else { "the run" }
    }

    /// What the run's stop would wait for.
    pub(crate) fn underway(&self) -> &Underway {
        self.account.as_ref().map_or(&self.request.underway, |account| account.run.underway())
    }

    pub(crate) async fn requested(&self) {
        let own = self.request.is_made();
        match &self.account {
            None => own.await,
            Some(account) => {
                tokio::select! {
                    biased;
                    () = own => {}
                    () = Box::pin(account.run.requested()) => {}
                }
            }
        }
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

impl Request {
    fn cause(&self) -> MutexGuard<'_, Option<StopCause>> {
        self.cause.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn is_made(&self) {
        let mut made = pin!(self.made.notified());
        // Before the look, so that no request falls between the two.
        made.as_mut().enable();
        if self.cause().is_none() {
            made.await;
        }
    }
}

impl AccountScope {
    /// Stops the run if no account is left.
    fn stop_the_run_after_all(&self, cause: StopCause) {
        let mut stopped = self.accounts.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        stopped.push(cause);
        if stopped.len() == self.accounts.count
            && let Some(cause) = gravest(stopped.drain(..))
        {
            self.run.put_run(cause);
        }
    }
}

/// The cause that decides the exit code, where several accounts stopped: a limit of the user's is none to worry about.
pub(crate) fn gravest(causes: impl IntoIterator<Item = StopCause>) -> Option<StopCause> {
    causes.into_iter().min_by_key(|StopCause { reason, .. }| {
        let is_refusal = matches!(reason, StopReason::Refused(Refusal::Login | Refusal::Account));
        (!is_refusal, reason.is_limit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_is_kept_except_for_an_unwritable_report() {
        let stop = Stop::default();
        stop.request(StopReason::Refused(Refusal::Credits), "first");
        stop.request(StopReason::Signal(Signal::Interrupt), "second");
        assert_eq!(stop.cause().unwrap().detail, "first");
        stop.request(StopReason::ReportUnwritable, "third");
        stop.request(StopReason::LedgerUnwritable, "fourth");
        stop.request(StopReason::Refused(Refusal::Key), "fifth");
        let cause = stop.cause().unwrap();
        assert_eq!((cause.reason, cause.detail.as_str()), (StopReason::ReportUnwritable, "third"));
    }

    #[test]
    fn an_account_stops_without_the_others_and_the_last_one_stops_the_run() {
        let names = || ["a", "b", "c"].map(|name| AccountName::parse(name).unwrap());
        let reasons = [
            (
                [StopReason::Refused(Refusal::Login), StopReason::Limit(Limit::DailyCap), StopReason::TooManyFailures],
                StopReason::Refused(Refusal::Login),
            ),
            (
                [StopReason::Limit(Limit::DailyCap), StopReason::TooManyFailures, StopReason::Limit(Limit::DailyCap)],
                StopReason::TooManyFailures,
            ),
            ([StopReason::Limit(Limit::DailyCap); 3], StopReason::Limit(Limit::DailyCap)),
        ];
        for (reasons, of_run) in reasons {
            let run = Stop::default();
            let stops = run.of_accounts(names());
            for (at, (name, reason)) in names().iter().zip(reasons).enumerate() {
                assert!(!run.is_requested() && !stops[name].is_requested(), "{reason:?}");
                stops[name].request(reason, "");
                // A second request of an account counts for nothing.
                stops[name].request(reason, "again");
                assert_eq!(names().iter().filter(|name| stops[*name].own_cause().is_some()).count(), at + 1);
            }
            assert_eq!(run.cause().unwrap().reason, of_run);
        }
    }

    #[test]
    fn what_concerns_all_accounts_stops_the_run_and_a_lone_account_has_its_stop() {
        let run = Stop::default();
        let names = ["a", "b"].map(|name| AccountName::parse(name).unwrap());
        let stops = run.of_accounts(names.clone());
        stops[&names[0]].request(StopReason::Refused(Refusal::Key), "");
        assert!(run.is_requested() && stops[&names[1]].is_requested());
        assert_eq!(stops[&names[1]].own_cause(), None);

        let run = Stop::default();
        run.of_accounts(names[..1].to_vec())[&names[0]].request(StopReason::Refused(Refusal::Login), "");
        assert_eq!(run.cause().unwrap().reason, StopReason::Refused(Refusal::Login));
    }

    #[tokio::test]
    async fn a_wait_of_an_account_ends_with_either_stop() {
        for of_run in [true, false] {
            let run = Stop::default();
            let names = ["a", "b"].map(|name| AccountName::parse(name).unwrap());
            let stops = run.of_accounts(names.clone());
            let (waited, ()) = tokio::join!(stops[&names[0]].or(std::future::pending::<()>()), async {
                let asked = if of_run { &run } else { &stops[&names[0]] };
                asked.request(StopReason::Refused(Refusal::Login), "");
            });
            assert_eq!(waited, None);
        }
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
