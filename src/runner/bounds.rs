//! What bounds the calls of a run, and those of each of its accounts.
//!
//! Owns who may send when: gap, hours, and what is left of a cap or a budget. Does not send.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{Timestamp, Zoned};
use tokio::time::Instant;

use super::Clock;
use super::pacing::retry_after;
use super::reserve::{Limited, Reservation, Shared};
use super::turns::Turns;
use crate::api::SecretPlaces;
use crate::invitation::AccountName;
use crate::outcome::{ExitEffect, Outcome};
use crate::pace::{Budget, DailyCap, Gap, Hours};
use crate::stop::{Limit, Stop, StopCause, StopReason};
use crate::underway::Wait;

/// The limits of a whole run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunLimits {
    /// The most calls in flight.
    pub concurrency: usize,
    pub max_credits: Option<u64>,
    pub max_withdrawals: Option<u64>,
    /// No call starts after this moment: it could end too late.
    pub latest_start: Option<Instant>,
}

/// The limits of one account.
#[derive(Clone, Debug, Default)]
pub(crate) struct AccountLimits {
    pub gap: Option<Gap>,
    pub hours: Option<Hours>,
    pub daily_cap: Option<DailyCap>,
    /// For whoever has to renew them.
    pub secrets: SecretPlaces,
}

/// What bounds a run's calls.
#[derive(Debug)]
pub(crate) struct Bounds {
    pub(super) turns: Turns,
    credits: Option<Shared<Budget>>,
    withdrawals: Option<Shared<Budget>>,
    latest_start: Option<Instant>,
    accounts: HashMap<AccountName, Account>,
    /// For accounts without limits of their own.
    unlimited: Account,
    clock: Clock,
}

/// What bounds one account's calls.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) stop: Stop,
    pub(super) secrets: SecretPlaces,
    gap: Option<Gap>,
    /// The gap after the last withdrawal ends here.
    not_before: Mutex<Option<Instant>>,
    hours: Option<Hours>,
    /// Whether it was said that the account waits for its hours.
    is_waiting: AtomicBool,
    daily_cap: Option<Shared<DailyCap>>,
    /// Consecutive rows that failed.
    failures: AtomicU32,
}

/// What one withdrawal takes of cap and budget, held until its outcome is known.
#[derive(Debug)]
pub(super) struct Allowance<'a>(Option<Reservation<'a, DailyCap>>, Option<Reservation<'a, Budget>>);

/// What one call takes of the budget of credits, held until its cost is known.
#[derive(Debug)]
pub(super) struct Credit<'a>(Option<Reservation<'a, Budget>>);

impl Bounds {
    pub(crate) fn new(
        limits: RunLimits,
        accounts: impl IntoIterator<Item = (AccountName, AccountLimits)>,
        stop: &Stop,
        clock: Clock,
    ) -> Self {
        let shared = |limit: Option<u64>| limit.map(|limit| Shared::new(Budget::new(limit), clock.clone()));
        let accounts: Vec<_> = accounts.into_iter().collect();
        let mut stops = stop.of_accounts(accounts.iter().map(|(name, _)| name.clone()));
        let accounts = accounts.into_iter().map(|(name, limits)| {
            let stop = stops.remove(&name).unwrap_or_else(|| stop.clone());
            (name, Account::new(limits, stop, &clock))
        });
        Self {
            turns: Turns::new(limits.concurrency),
            credits: shared(limits.max_credits),
            withdrawals: shared(limits.max_withdrawals),
            latest_start: limits.latest_start,
            accounts: accounts.collect(),
            unlimited: Account::new(AccountLimits::default(), stop.clone(), &clock),
            clock,
        }
    }

    /// From now on the run is stopped as soon as its time is up, whatever it waits for. Within a runtime.
    pub(crate) fn watch_time(&self, stop: &Stop) {
        if let Some(latest_start) = self.latest_start {
            stop_at(latest_start, stop.clone());
        }
    }

    /// What is left of the budget of credits, if there is one.
    pub(crate) fn credits_left(&self) -> Option<u64> {
        self.credits.as_ref().map(Shared::left)
    }

    /// Why accounts stopped that have a stop of their own.
    pub(crate) fn stopped_accounts(&self) -> impl Iterator<Item = (AccountName, StopCause)> {
        let several = self.accounts.iter().filter(|_| self.accounts.len() > 1);
        several.filter_map(|(name, account)| Some((name.clone(), account.stop.own_cause()?)))
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now().timestamp()
    }

    pub(super) fn account(&self, name: &AccountName) -> &Account {
        self.accounts.get(name).unwrap_or(&self.unlimited)
    }

    /// Waits until one of these accounts is within its hours. Returns whether it had to.
    pub(super) async fn hours_begin(&self, names: &[AccountName]) -> bool {
        let mut waited = false;
        loop {
            let now = self.clock.now();
            let of = |name| self.account(name).hours.and_then(|hours| hours.closed_until(&now));
            let Some(opens) = names.iter().map(of).min().flatten() else { break };
            self.say_waiting(names, &opens.to_zoned(now.time_zone().clone()));
            let _wait = self.unlimited.stop.underway().wait(Wait::Hours, opens);
            let left = Duration::try_from(opens.duration_since(now.timestamp())).unwrap_or_default();
            tokio::time::sleep(left.clamp(SHORTEST_NAP, LONGEST_NAP)).await;
            waited = true;
        }
        // Said once, however many workers waited.
        let was_said = |name: &&AccountName| self.account(name).is_waiting.swap(false, Ordering::Relaxed);
        if waited && names.iter().filter(was_said).count() > 0 {
            tracing::info!(
                event = "resumed",
                reason = "between",
                accounts = accounts(names),
                "within the hours again: going on"
            );
        }
        waited
    }

    /// Says it once, however many workers wait.
    fn say_waiting(&self, names: &[AccountName], opens: &Zoned) {
        let is_said = |name: &&AccountName| self.account(name).is_waiting.swap(true, Ordering::Relaxed);
        if names.iter().filter(is_said).count() < names.len() {
            let quoted: Vec<_> = names.iter().map(|name| format!("{:?}", name.as_str())).collect();
            let (quoted, clock) = (quoted.join(", "), opens.strftime("%Y-%m-%d %H:%M"));
            tracing::info!(
                event = "waiting", reason = "between", accounts = accounts(names),
                until = %format_args!("{:.3}", opens.timestamp()),
                "outside the hours of {quoted} (--between): waiting until {clock}"
            );
        }
    }

    pub(super) fn is_within_hours(&self, account: &Account) -> bool {
        account.hours.is_none_or(|hours| hours.closed_until(&self.clock.now()).is_none())
    }

    /// Takes a withdrawal from cap and budget. `None` where that stops the account or the run, or a stop came meanwhile.
    pub(super) async fn allowance<'a>(&'a self, account: &'a Account) -> Option<Allowance<'a>> {
        let stop = &account.stop;
        let cap = reserve(account.daily_cap.as_ref(), stop, StopReason::Limit(Limit::DailyCap), "--daily-cap").await?;
        let withdrawals =
            reserve(self.withdrawals.as_ref(), stop, StopReason::Limit(Limit::Withdrawals), "--max-withdrawals")
                .await?;
        Some(Allowance(cap, withdrawals))
    }

    /// Takes what a call can cost from the budget. `None` as above.
    pub(super) async fn credit(&self, possible: u64, stop: &Stop) -> Option<Credit<'_>> {
        let credits = self.credits.as_ref().filter(|_| possible > 0);
        reserve(credits, stop, StopReason::Limit(Limit::Credits), "--max-credits").await.map(Credit)
    }

    /// Stops the run where a call that starts now could end too late.
    pub(super) fn is_in_time(&self, stop: &Stop) -> bool {
        let is_late = self.latest_start.is_some_and(|latest| Instant::now() > latest);
        if is_late {
            stop.request(StopReason::Limit(Limit::Duration), OVER);
        }
        !is_late
    }
}

/// A wait for a time of day: a clock may be set meanwhile, and a computer sleep.
const LONGEST_NAP: Duration = Duration::from_secs(600);
const SHORTEST_NAP: Duration = Duration::from_millis(1);

impl Account {
    fn new(limits: AccountLimits, stop: Stop, clock: &Clock) -> Self {
        Self {
            stop,
            secrets: limits.secrets,
            gap: limits.gap.filter(|gap| !gap.is_zero()),
            not_before: Mutex::default(),
            hours: limits.hours,
            is_waiting: AtomicBool::default(),
            daily_cap: limits.daily_cap.map(|cap| Shared::new(cap, clock.clone())),
            failures: AtomicU32::default(),
        }
    }

    /// Whether its calls follow each other, one at a time.
    pub(super) fn has_gap(&self) -> bool {
        self.gap.is_some()
    }

    /// Waits until the gap after the last withdrawal has passed.
    pub(super) async fn gap_ends(&self) {
        let moment = *self.not_before();
        if let Some(moment) = moment {
            let left = moment.saturating_duration_since(Instant::now());
            let is_long = left >= LONG_GAP;
            if is_long {
                let wait_s = left.as_secs_f64();
                tracing::info!(
                    target: crate::DETAIL, event = "waiting", reason = "gap", wait_s, "waiting {wait_s:.0} s (--gap)"
                );
            }
            let until = Timestamp::now().saturating_add(left).unwrap_or(Timestamp::MAX);
            let wait = self.stop.underway().wait(Wait::Gap, until);
            tokio::time::sleep_until(moment).await;
            drop(wait);
            if is_long {
                tracing::info!(target: crate::DETAIL, event = "resumed", reason = "gap", "the gap has passed");
            }
        }
    }

    /// Begins the gap after a withdrawal that was called for.
    pub(super) fn begin_gap(&self) {
        if let Some(gap) = self.gap {
            *self.not_before() = Some(Instant::now() + gap.draw(fastrand::f64()));
        }
    }

    fn not_before(&self) -> MutexGuard<'_, Option<Instant>> {
        self.not_before.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops the account after too many rows in a row that end neither fine nor invalid. Rows that were not called for prove
    /// nothing about the API, nor do those that a stop cut short.
    pub(super) fn count_failures(&self, max_errors: u32, outcome: Outcome) {
        if self.stop.is_requested() {
            return;
        }
        match outcome.exit_effect() {
            ExitEffect::Fine => self.failures.store(0, Ordering::Relaxed),
            ExitEffect::FromStop => {}
            ExitEffect::NotFine => {
                let count = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
                if max_errors > 0 && count >= max_errors {
                    let words = format!("{count} rows in a row failed (--max-errors)");
                    self.stop.request(StopReason::TooManyFailures, words);
                }
            }
        }
    }
}

impl Credit<'_> {
    /// What it comes to, as far as is known now.
    pub(super) fn spend(&mut self, credits: u64) {
        if let Some(reservation) = &mut self.0 {
            reservation.spent = credits;
        }
    }
}

impl Allowance<'_> {
    /// From now on it counts as a withdrawal, unless it turns out that it is none.
    pub(super) fn spend(&mut self) {
        self.set(1);
    }

    /// Gives back what was surely not withdrawn.
    pub(super) fn settle(mut self, outcome: Outcome) {
        let may_be_withdrawn = match outcome {
            Outcome::Withdrawn | Outcome::PresumedWithdrawn | Outcome::Unconfirmed => true,
            Outcome::AlreadySettled
            | Outcome::Duplicate
            | Outcome::NotPending
            | Outcome::NotFound
            | Outcome::Rejected
            | Outcome::RateLimited
            | Outcome::Failed
            | Outcome::Invalid
            | Outcome::NotAttempted => false,
        };
        self.set(u64::from(may_be_withdrawn));
    }

    fn set(&mut self, spent: u64) {
        if let Some(cap) = &mut self.0 {
            cap.spent = spent;
        }
        if let Some(withdrawals) = &mut self.1 {
            withdrawals.spent = spent;
        }
    }
}

/// Reserves one of a limit, if there is one. `None` where it is used up for long, which stops, or where the stop came first.
async fn reserve<'a, L: Limited>(
    limit: Option<&'a Shared<L>>,
    stop: &Stop,
    reason: StopReason,
    option: &'static str,
) -> Option<Option<Reservation<'a, L>>> {
    let Some(limit) = limit else { return Some(None) };
    loop {
        if let Some(reservation) = stop.or(limit.reserve()).await? {
            return Some(Some(reservation));
        }
        let free_at = limit.free_at();
        let Some(wait) = free_at.as_ref().and_then(|at| limit.time_until(at)).filter(|wait| *wait <= SOON) else {
            let when = match free_at {
                Some(at) => format!("{option} is used up. {}", retry_after(&at)),
                None if limit.is_nothing() => format!("{option} allows none"),
                None => format!("{option} is used up"),
            };
            stop.request(reason, when);
            return None;
        };
        let (cap, wait_s) = (reason.as_str(), wait.as_secs_f64());
        tracing::info!(
            target: crate::DETAIL, event = "waiting", reason = cap, wait_s, "{option} is used up: waiting {wait_s:.0} s"
        );
        let until = Timestamp::now().saturating_add(wait).unwrap_or(Timestamp::MAX);
        let going = stop.underway().wait(Wait::Limit(option), until);
        stop.or(tokio::time::sleep(wait.max(SHORTEST_NAP))).await?;
        drop(going);
        tracing::info!(target: crate::DETAIL, event = "resumed", reason = cap, "{option} leaves room again");
    }
}

/// A gap of this length is logged.
const LONG_GAP: Duration = Duration::from_secs(10);

/// Accounts' names in the log.
fn accounts(names: &[AccountName]) -> String {
    names.iter().map(AccountName::as_str).collect::<Vec<_>>().join(", ")
}

/// A limit that leaves room again within this time is waited for: a daily job would else find what the one of the day
/// before withdrew seconds later, and withdraw only every other day.
pub(crate) const SOON: Duration = Duration::from_secs(600);

/// Stops the run when no more call may start, whatever it waits for then.
fn stop_at(latest_start: Instant, stop: Stop) {
    tokio::spawn(async move {
        if stop.or(tokio::time::sleep_until(latest_start)).await.is_some() {
            stop.request(StopReason::Limit(Limit::Duration), OVER);
        }
    });
}

const OVER: &str = "--max-duration is over: another call could end after it";
