//! What holds calls back: the pace and the bounds, from the settings and from what earlier runs left in the ledger.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::error::CommandError;
use crate::config::{AccountSettings, Command, Settings};
use crate::invitation::AccountName;
use crate::ledger::{Ledger, LedgerError, Lookup, Withdrawn};
use crate::pace::{DailyCap, Pace, Past, Rate};
use crate::report::human_duration;
use crate::runner::{AccountLimits, Bounds, Clock, RunLimits};
use crate::stop::Stop;

/// The pace, which goes on where earlier runs ended.
pub(super) fn pace(settings: &Settings, ledger: Option<&Ledger>) -> Result<Arc<Pace>, CommandError> {
    let pace =
        pace_after(settings, |window, most| ledger.map_or(Ok(Past::default()), |ledger| ledger.past(window, most)))?;
    if let Some(learned) = pace.learned() {
        let (limit, rate) = (learned.limit(), pace.rate());
        tracing::info!(
            event = "learned", limit = %limit, rate = %rate,
            "the API key allowed about {limit} in earlier runs: sending {rate}"
        );
    }
    Ok(pace)
}

/// Says how long the calls of earlier runs hold up the first one.
pub(super) fn tell_wait(pace: &Pace) {
    let wait = pace.starts_in();
    if wait >= Duration::from_secs(1) {
        let (wait_s, wait) = (wait.as_secs_f64(), human_duration(wait));
        tracing::info!(
            event = "waiting",
            reason = "earlier_runs",
            wait_s,
            "calls of earlier runs still count towards the rate limit: the first call is sent in {wait}"
        );
    }
}

/// The pace after what earlier runs left, which is asked for with the rate's window and calls.
pub(super) fn pace_after(
    settings: &Settings,
    past: impl FnOnce(Duration, u32) -> Result<Past, LedgerError>,
) -> Result<Arc<Pace>, LedgerError> {
    let past = match settings.rate {
        Rate::Calls { calls, window } | Rate::Shared { calls, window, .. } => past(window, calls.get())?,
        Rate::Unlimited => Past::default(),
    };
    Ok(Pace::new(settings.rate, settings.patience, past))
}

/// What bounds the run and its accounts, from now on.
pub(super) fn bounds(settings: &Settings, ledger: Option<&Ledger>, stop: &Stop) -> Result<Bounds, CommandError> {
    // A call may take that long.
    let longest_wait = settings.max_duration.map(|longest| longest.saturating_sub(settings.timeout));
    let run = RunLimits {
        concurrency: settings.concurrency,
        max_credits: settings.max_credits,
        max_withdrawals: settings.max_withdrawals,
        latest_start: longest_wait.and_then(|wait| Instant::now().checked_add(wait)),
    };
    let has_cap = settings.accounts.values().any(|own| own.daily_cap.is_some());
    let lookup = ledger.filter(|_| has_cap).map(|ledger| ledger.lookup(false)).transpose()?;
    let is_concerned = |name: &AccountName| {
        settings.command == Command::Run || settings.listed_accounts().any(|(listed, _)| listed == name)
    };
    let limits = |(name, own): (&AccountName, &AccountSettings)| {
        let recent = |lookup| withdrawn_lately(lookup, name, None);
        let daily_cap = match own.daily_cap {
            Some(cap) => Some(DailyCap::new(cap, lookup.as_ref().map(recent).transpose()?.unwrap_or_default().at)),
            None => None,
        };
        let secrets = settings.secrets(name);
        Ok((name.clone(), AccountLimits { gap: own.gap, hours: own.between, daily_cap, secrets }))
    };
    let concerned = settings.accounts.iter().filter(|(name, _)| is_concerned(name));
    let accounts: Vec<_> = concerned.map(limits).collect::<Result<_, LedgerError>>()?;
    Ok(Bounds::new(run, accounts, stop, Clock::system()))
}

/// What an account withdrew in the last 24 hours, as a daily cap counts; by so many calls at the most.
pub(super) fn withdrawn_lately(
    lookup: &Lookup,
    account: &AccountName,
    most: Option<u32>,
) -> Result<Withdrawn, LedgerError> {
    let since = Timestamp::now().saturating_sub(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MIN);
    lookup.withdrawn_since(account, since, most)
}
