//! What a run will do and what it can cost, told before anything is sent.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{Timestamp, Zoned};

use super::error::CommandError;
use super::forecast::{CommonLimits, Forecast};
use super::intake::Intake;
use super::limits::{pace_after, withdrawn_lately};
use super::part::Part;
use crate::api::InvitationType;
use crate::config::{Settings, names};
use crate::event::Settled;
use crate::invitation::{AccountName, InvitationId, Row};
use crate::ledger::{ListOf, Withdrawn};
use crate::outcome::{ExitEffect, Outcome};
use crate::pace::{DailyCap, Rate};
use crate::policy::visible;
use crate::report::Counts;
use crate::runner::{ReadyRow, Route, Triage};
use crate::stop::Stop;

/// What an input comes to.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) all: Rows,
    /// Of accounts that rows name, those that are configured.
    pub(super) accounts: BTreeMap<AccountName, Account>,
    /// Credits that lists can have cost until now.
    pub(super) listed: u64,
    /// Pages of the lists that have to be fetched, by those that were fetched before.
    pub(super) list_pages: u64,
    /// The pace that a run begins with.
    pub(super) pace: Rate,
    /// Whether the input could be read to its end.
    pub(super) input_complete: bool,
    /// Whether it, of which this process may have a share, has any row.
    pub(super) has_rows: bool,
    /// The first rows that need a look.
    pub(super) bad_rows: Vec<BadRow>,
    /// The first rows of people who are kept.
    pub(super) kept: Vec<BadRow>,
    pub(super) short_ids: Option<ShortIds>,
}

/// Calls that a plan looks at for each account that has no cap: enough to see that it withdraws many.
const MOST_RECENT: u32 = 1_000;

/// Bad rows that a plan shows, and kept ones.
const MOST_SHOWN: usize = 5;

/// A row that is not sent, and why.
#[derive(Clone, Debug)]
pub(super) struct BadRow {
    pub(super) row: u64,
    pub(super) line: Option<u64>,
    pub(super) outcome: Outcome,
    pub(super) reason: String,
}

/// IDs to be sent that may be row numbers.
#[derive(Clone, Debug)]
pub(super) struct ShortIds {
    pub(super) count: u64,
    pub(super) first: InvitationId,
    /// The first one's.
    pub(super) row: u64,
    pub(super) line: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rows {
    pub(super) to_send: u64,
    /// Those that name people by their profiles, and are sent if the account's list has an invitation to them.
    pub(super) to_look_up: u64,
    /// The others, by what they would be reported as.
    pub(super) unsent: Counts,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Account {
    pub(super) rows: Rows,
    pub(super) forecast: Forecast,
    /// When the cap, which is used up, leaves room again.
    pub(super) free_at: Option<Timestamp>,
    /// Withdrawals within 24 hours, about, those of other shares included: they take as many, but no more than there are rows.
    pub(super) per_day: u64,
    /// Whether there are more.
    pub(super) is_cut: bool,
}

/// A row whose account can't be called for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccountError {
    #[error("{place} has no account: add {known}")]
    NotNamed { place: String, known: String },
    #[error("row {row}: account {name:?} is not configured; configured: {known}")]
    Unknown { row: u64, name: String, known: String },
}

impl Plan {
    /// Reads the whole input and sends nothing. `listed` is what lists can have cost until now.
    pub(super) fn of(
        intake: Intake,
        mut triage: Triage,
        settings: &Settings,
        listed: u64,
        stop: &Stop,
    ) -> Result<Self, CommandError> {
        let pace = pace_after(settings, |window, most| triage.lookup().past(window, most))?;
        // Of an input that is read only once, such a row is invalid.
        let is_checked = intake.ends();
        let mut plan = Self::new(listed, pace.rate());
        let mut accounts = BTreeMap::<AccountName, Rows>::new();
        let part = Part::of(settings);
        let shares = settings.share.map_or(1, |share| u64::from(share.count()));
        // With the rows of other shares.
        let mut rows_of = BTreeMap::<AccountName, u64>::new();
        let now = Zoned::now();
        for row in intake {
            if stop.is_requested() {
                plan.input_complete = false;
                break;
            }
            let row = match row {
                Ok(row) => row,
                Err(error) => {
                    // A run that follows says it itself.
                    if settings.dry_run {
                        tracing::error!("{}", crate::error_chain(&error));
                    }
                    plan.input_complete = false;
                    continue;
                }
            };
            if let Some(name) = row.as_ref().ok().and_then(|row| row.account.as_ref().or(settings.account.as_ref()))
                && settings.accounts.contains_key(name)
            {
                *rows_of.entry(name.clone()).or_default() += 1;
            }
            plan.has_rows = true;
            if let Ok(row) = &row
                && is_checked
            {
                check_account(row, settings)?;
                // Whichever share has the row, so that all of them refuse the input before anything is sent.
                if part.is_some() {
                    Part::check(row)?;
                }
            }
            let row = match &part {
                None => row,
                Some(part) => match part.own(row) {
                    Some(row) => row,
                    None => continue,
                },
            };
            let is_short = row.as_ref().is_ok_and(|row| row.is_short);
            let (account, row) = match triage.route(row) {
                Route::Call(ready) => {
                    if is_short {
                        plan.note_short(&ready);
                    }
                    (Some(ready.withdrawal.account), Planned::Send)
                }
                Route::NoCall(settled) => {
                    plan.note_unsent(&settled);
                    (settled.account, Planned::Unsent(settled.outcome))
                }
                Route::List(account, _) => (Some(account), Planned::LookUp),
                Route::Unknown(_, error) => return Err(error.into()),
            };
            plan.all.add(row);
            if let Some(account) = account.filter(|account| settings.accounts.contains_key(account)) {
                accounts.entry(account).or_default().add(row);
            }
        }
        triage.warn_of_perhaps_kept();
        for (name, rows) in accounts {
            let Some(own) = settings.accounts.get(&name) else { continue };
            let most_recent = Some(MOST_RECENT).filter(|_| own.daily_cap.is_none());
            let lately = match rows.most() {
                0 => Withdrawn::default(),
                _ => withdrawn_lately(triage.lookup(), &name, most_recent)?,
            };
            let recent = lately.at.len() as u64;
            let free_at = own.daily_cap.and_then(|cap| DailyCap::new(cap, lately.at).free_at());
            let run = CommonLimits { most: most(settings, listed), interval: plan.pace.interval() };
            let forecast = Forecast::of(rows.most(), recent, run, own, &now);
            let by_all = recent.saturating_mul(shares).saturating_add(rows_of.get(&name).copied().unwrap_or_default());
            let per_day =
                if shares > 1 { forecast.per_day.saturating_mul(shares).min(by_all) } else { forecast.per_day };
            let account = Account { rows, forecast, free_at, per_day, is_cut: lately.is_cut };
            plan.accounts.insert(name, account);
        }
        for account in plan.lists() {
            let list = ListOf { account, invitation_type: InvitationType::Connection };
            plan.list_pages += triage.lookup().last_pages(&list)?.unwrap_or_default();
        }
        Ok(plan)
    }

    fn new(listed: u64, pace: Rate) -> Self {
        Self {
            all: Rows::default(),
            accounts: BTreeMap::new(),
            listed,
            list_pages: 0,
            pace,
            input_complete: true,
            has_rows: false,
            bad_rows: Vec::new(),
            kept: Vec::new(),
            short_ids: None,
        }
    }

    fn note_short(&mut self, ready: &ReadyRow) {
        let ReadyRow { number: row, line, ref withdrawal, .. } = *ready;
        let first = || ShortIds { count: 0, first: withdrawal.id.clone(), row, line };
        self.short_ids.get_or_insert_with(first).count += 1;
    }

    fn note_unsent(&mut self, settled: &Settled) {
        let Settled { row, line, outcome, is_kept, ref detail, ref invitation_id, .. } = *settled;
        let bad = |reason: &str| BadRow { row, line, outcome, reason: reason.to_owned() };
        if is_kept && self.kept.len() < MOST_SHOWN {
            self.kept.push(bad(format!("{invitation_id} {detail}").trim_start()));
        } else if outcome.exit_effect() == ExitEffect::NotFine && self.bad_rows.len() < MOST_SHOWN {
            self.bad_rows.push(bad(detail));
        }
    }

    /// Rows that would be sent, at most.
    pub(super) fn to_send(&self) -> u64 {
        self.all.most()
    }

    /// The accounts that have rows.
    pub(super) fn accounts(&self) -> Vec<AccountName> {
        self.accounts.keys().cloned().collect()
    }

    /// The accounts whose lists have to be fetched, to find people by their profiles.
    pub(super) fn lists(&self) -> Vec<AccountName> {
        let wanted = self.accounts.iter().filter(|(_, account)| account.rows.to_look_up > 0);
        wanted.map(|(name, _)| name.clone()).collect()
    }

    pub(super) fn unsent(&self, outcome: Outcome) -> u64 {
        self.all.unsent.of(outcome)
    }

    pub(super) fn rows(&self) -> u64 {
        self.all.total()
    }

    /// Whether each invalid row is among those that are shown.
    pub(super) fn shows_each_invalid(&self) -> bool {
        let shown = self.bad_rows.iter().filter(|bad| bad.outcome == Outcome::Invalid).count();
        self.unsent(Outcome::Invalid) == shown as u64
    }

    /// Withdrawals that the limits leave for this run.
    pub(super) fn now(&self, settings: &Settings) -> u64 {
        let of_accounts: u64 = self.accounts.values().map(|account| account.forecast.now).sum();
        of_accounts.min(most(settings, self.listed))
    }

    /// The shortest time that the calls of this run can take at the rate; `None` without a limit.
    pub(super) fn paced(&self, settings: &Settings) -> Option<Duration> {
        let calls = u32::try_from(self.now(settings)).unwrap_or(u32::MAX);
        self.pace.interval().map(|interval| interval.saturating_mul(calls))
    }

    /// Until the first account's hours begin.
    pub(super) fn opens_in(&self) -> Duration {
        let sends = self.accounts.values().filter(|account| account.forecast.now > 0);
        sends.map(|account| account.forecast.opens_in).min().unwrap_or_default()
    }

    /// The same, within each account's limits.
    pub(super) fn time(&self, settings: &Settings) -> Option<Duration> {
        let slowest = self.accounts.values().map(|account| account.forecast.time).max().flatten();
        self.paced(settings).max(slowest)
    }
}

/// What a row comes to, as far as it is known ahead.
#[derive(Clone, Copy, Debug)]
enum Planned {
    Send,
    LookUp,
    Unsent(Outcome),
}

impl Rows {
    fn add(&mut self, row: Planned) {
        match row {
            Planned::Send => self.to_send += 1,
            Planned::LookUp => self.to_look_up += 1,
            Planned::Unsent(outcome) => self.unsent.add(outcome),
        }
    }

    pub(super) fn total(&self) -> u64 {
        self.most() + self.unsent.total()
    }

    /// Those that would be sent, at most.
    pub(super) fn most(&self) -> u64 {
        self.to_send + self.to_look_up
    }
}

/// A row that names an account which is not configured, or none where there are several, must be found before anything is
/// sent.
fn check_account(row: &Row, settings: &Settings) -> Result<(), AccountError> {
    let known = || names(settings.accounts.keys());
    match row.account.as_ref().or(settings.account.as_ref()) {
        None => {
            let place = row.line.map_or_else(|| format!("row {}", row.number), |line| format!("line {line}"));
            let flags = settings.accounts.keys().map(|name| format!("--account {}", visible(name.as_str())));
            Err(AccountError::NotNamed { place, known: flags.collect::<Vec<_>>().join(" or ") })
        }
        Some(name) if settings.accounts.contains_key(name) => Ok(()),
        Some(name) => Err(AccountError::Unknown { row: row.number, name: name.to_string(), known: known() }),
    }
}

/// Withdrawals of a run at most.
fn most(settings: &Settings, listed: u64) -> u64 {
    let credits = settings.max_credits.map(|most| most.saturating_sub(listed));
    [settings.max_withdrawals, credits].into_iter().flatten().min().unwrap_or(u64::MAX)
}
