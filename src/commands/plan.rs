//! What a run will do and what it can cost, told before anything is sent.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::error::CommandError;
use super::forecast::{CommonLimits, Forecast};
use super::intake::Intake;
use super::limits::{pace_after, withdrawn_lately};
use crate::config::{Settings, names};
use crate::invitation::{AccountName, Row};
use crate::outcome::Outcome;
use crate::pace::Rate;
use crate::policy::visible;
use crate::report::{Counts, ListSum, human_duration, list_json, plural};
use crate::runner::{Route, Triage};
use crate::stop::Stop;

/// What an input comes to.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    all: Rows,
    /// Of accounts that rows name, those that are configured.
    accounts: BTreeMap<AccountName, Account>,
    /// Credits that lists can have cost until now.
    listed: u64,
    /// The pace that a run begins with; `None` before the input was read.
    pace: Option<Rate>,
    /// Whether the input could be read to its end.
    pub(super) input_complete: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Rows {
    to_send: u64,
    /// Those that name people by their profiles, and are sent if the account's list has an invitation to them.
    to_look_up: u64,
    /// The others, by what they would be reported as.
    unsent: Counts,
}

#[derive(Clone, Copy, Debug)]
struct Account {
    rows: Rows,
    forecast: Forecast,
}

/// A row whose account can't be called for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccountError {
    #[error(
        "row {row} names no account: name one with --account, or with `account` in the configuration file: {known}"
    )]
    NotNamed { row: u64, known: String },
    #[error("row {row}: account {name:?} is not configured; configured: {known}")]
    Unknown { row: u64, name: String, known: String },
}

/// More withdrawals than this in 24 hours are more than careful tools do.
const CAREFUL: u64 = 100;

impl Plan {
    /// Reads the whole input and sends nothing. `listed` is what lists can have cost until now.
    pub(super) fn of(
        intake: Intake,
        mut triage: Triage,
        settings: &Settings,
        listed: u64,
        stop: &Stop,
    ) -> Result<Self, CommandError> {
        let recent = withdrawn_lately(triage.lookup())?;
        let pace = pace_after(settings, |window, most| triage.lookup().past(window, most))?;
        // Of an input that is read only once, such a row is invalid.
        let is_checked = intake.ends();
        let mut plan = Self { listed, pace: Some(pace.rate()), input_complete: true, ..Self::default() };
        let mut accounts = BTreeMap::<AccountName, Rows>::new();
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
            if let Ok(row) = &row
                && is_checked
            {
                check_account(row, settings)?;
            }
            let (account, row) = match triage.route(row) {
                Route::Call(ready) => (Some(ready.withdrawal.account), Planned::Send),
                Route::NoCall(settled) => (settled.account, Planned::Unsent(settled.outcome)),
                Route::List(account, _) => (Some(account), Planned::LookUp),
                Route::Unknown(_, error) => return Err(error.into()),
            };
            plan.all.add(row);
            if let Some(account) = account.filter(|account| settings.accounts.contains_key(account)) {
                accounts.entry(account).or_default().add(row);
            }
        }
        triage.warn_of_perhaps_kept();
        let of = |(name, rows): (AccountName, Rows)| {
            let own = settings.accounts.get(&name)?;
            let recent = recent.get(&name).map_or(0, Vec::len) as u64;
            let run = CommonLimits { most: most(settings, listed), interval: pace.rate().interval() };
            let forecast = Forecast::of(rows.most(), recent, run, own);
            Some((name, Account { rows, forecast }))
        };
        plan.accounts = accounts.into_iter().filter_map(of).collect();
        Ok(plan)
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

    /// Withdrawals that the limits leave for this run.
    pub(super) fn now(&self, settings: &Settings) -> u64 {
        let of_accounts: u64 = self.accounts.values().map(|account| account.forecast.now).sum();
        of_accounts.min(most(settings, self.listed))
    }

    fn rate(&self, settings: &Settings) -> Rate {
        self.pace.unwrap_or(settings.rate)
    }

    /// The shortest time that the calls of this run can take at the rate; `None` without a limit.
    fn paced(&self, settings: &Settings) -> Option<Duration> {
        let calls = u32::try_from(self.now(settings)).unwrap_or(u32::MAX);
        self.rate(settings).interval().map(|interval| interval.saturating_mul(calls))
    }

    /// The same, within each account's limits.
    fn time(&self, settings: &Settings) -> Option<Duration> {
        let slowest = self.accounts.values().map(|account| account.forecast.time).max().flatten();
        self.paced(settings).max(slowest)
    }

    /// Warnings of accounts that would withdraw more than careful tools do.
    fn cautions(&self, settings: &Settings) -> Vec<String> {
        let has_cap = |name: &AccountName| settings.accounts.get(name).is_some_and(|own| own.daily_cap.is_some());
        let is_much = |account: &Account| account.rows.most() > 0 && account.forecast.per_day > CAREFUL;
        let cautioned = self.accounts.iter().filter(|(name, account)| is_much(account) && !has_cap(name));
        cautioned
            .map(|(name, account)| {
                format!(
                    "account {}: {} withdrawals within 24 hours; careful tools make 40 to 100, seconds apart \
                     (--daily-cap 40 --gap 20s..60s)",
                    visible(name.as_str()),
                    account.forecast.per_day
                )
            })
            .collect()
    }

    /// Warns where nobody is asked.
    pub(super) fn warn(&self, settings: &Settings) {
        for caution in self.cautions(settings) {
            tracing::warn!("{caution}");
        }
    }

    pub(super) fn table(&self, settings: &Settings) -> String {
        let mut out = format!("{:<22}{}\n", "rows", self.rows());
        for (outcome, rows) in self.all.unsent.iter().filter(|(_, rows)| *rows > 0) {
            out.push_str(&format!("  {:<20}{rows}\n", outcome.as_str()));
        }
        out.push_str(&self.withdrawals(settings));
        out.push_str(&format!("{:<22}{}\n", "credits", self.credits(settings)));
        let held = if self.time(settings) > self.paced(settings) { ", within gaps and hours" } else { "" };
        let time = self.time(settings).map_or_else(
            || "no limit".to_owned(),
            |time| format!("about {}, at {}{held}", human_duration(time), self.rate(settings)),
        );
        out.push_str(&format!("{:<22}{time}\n", "time"));
        if let Some(longest) = settings.max_duration.filter(|longest| self.time(settings) > Some(*longest)) {
            out.push_str(&format!("{:<22}--max-duration ends it after {}\n", "", human_duration(longest)));
        }
        for caution in self.cautions(settings) {
            out.push_str(&format!("{:<22}{caution}\n", "warning"));
        }
        if !self.input_complete {
            out.push_str("the input broke off: there may be more rows\n");
        }
        out
    }

    /// The price, as far as it is known.
    fn credits(&self, settings: &Settings) -> String {
        let to_send = self.now(settings);
        let lists: Vec<_> = self.lists().iter().map(|name| visible(name.as_str())).collect();
        let known = match lists.as_slice() {
            [] => format!("at least {to_send}"),
            [name] => format!("1 per 10 pending of account {name}, for the list, and up to {to_send}"),
            several => {
                format!("1 per 10 pending of accounts {}, for their lists, and up to {to_send}", several.join(", "))
            }
        };
        match settings.max_credits.map(|most| most.saturating_sub(self.listed)) {
            Some(most) if most <= to_send => format!("at most {most}"),
            Some(most) => format!("{known}; each retry may cost 1 more, up to {most} in all"),
            None => format!("{known}; each retry may cost 1 more"),
        }
    }

    /// How many are withdrawn, from which accounts, and when.
    fn withdrawals(&self, settings: &Settings) -> String {
        let accounts: Vec<_> = self.accounts.iter().filter(|(_, account)| account.rows.most() > 0).collect();
        let of = match accounts.as_slice() {
            [(name, _)] => format!(", of account {}", visible(name.as_str())),
            [] | [_, _, ..] => String::new(),
        };
        let most = if self.all.to_look_up > 0 { "at most " } else { "" };
        let mut out = format!("{:<22}{most}{}{of}\n", "to withdraw", self.to_send());
        if self.all.to_look_up > 0 {
            out.push_str(&format!("  {:<20}{}\n", "by profile", self.all.to_look_up));
        }
        if accounts.len() > 1 {
            for (name, account) in &accounts {
                out.push_str(&format!("  {:<20}{}\n", visible(name.as_str()), account.words()));
            }
        }
        let now = self.now(settings);
        if now < self.to_send() {
            let days: Option<Vec<u64>> = accounts.iter().map(|(_, account)| account.forecast.more_days).collect();
            let rest = match days.map(|days| days.into_iter().max().unwrap_or_default()) {
                None => "; a daily cap of 0 lets no others through".to_owned(),
                Some(0) => String::new(),
                Some(days) => format!("; the daily cap spreads the rest over {}", plural(days, "further day")),
            };
            out.push_str(&format!("  {:<20}at most {now}{rest}\n", "in this run"));
        }
        out
    }

    pub(super) fn to_json(&self, settings: &Settings, list: Option<&ListSum>) -> Value {
        let listed = list.map(|list| list.cost).unwrap_or_default();
        let accounts = self.accounts.iter().map(|(name, Account { rows, forecast })| {
            let account = json!({
                "rows": rows.to_json(),
                "this_run": forecast.now,
                "more_days": forecast.more_days,
                "time_s": forecast.time.map(rounded),
            });
            (name.to_string(), account)
        });
        json!({
            "dry_run": true,
            "rows": self.all.to_json(),
            "input_complete": self.input_complete,
            "credits": {"charged": listed.charged, "possible": listed.possible + self.now(settings)},
            "list": list.map(list_json),
            "lists_to_fetch": self.lists().iter().map(AccountName::as_str).collect::<Vec<_>>(),
            "time_s": self.time(settings).map(rounded),
            "accounts": accounts.collect::<Map<_, _>>(),
        })
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

    fn total(&self) -> u64 {
        self.most() + self.unsent.total()
    }

    /// Those that would be sent, at most.
    fn most(&self) -> u64 {
        self.to_send + self.to_look_up
    }

    fn to_json(self) -> Value {
        let unsent =
            [Outcome::AlreadySettled, Outcome::Duplicate, Outcome::NotFound, Outcome::Invalid, Outcome::NotAttempted];
        let unsent = unsent.map(|outcome| (outcome.as_str(), self.unsent.of(outcome)));
        let own = [("total", self.total()), ("to_withdraw", self.to_send), ("to_look_up", self.to_look_up)];
        own.into_iter().chain(unsent).map(|(name, rows)| (name.to_owned(), Value::from(rows))).collect()
    }
}

impl Account {
    fn words(&self) -> String {
        let Self { rows, forecast: Forecast { now, time, .. } } = self;
        let to_send = rows.most();
        let now = match *now {
            0 if to_send > 0 => return format!("{to_send}, none of them in this run"),
            now if now < to_send => format!(", {now} of them in this run"),
            _ => String::new(),
        };
        let time = time.map(|time| format!(", in about {}", human_duration(time))).unwrap_or_default();
        format!("{to_send}{now}{time}")
    }
}

/// A row that names an account which is not configured, or none where there are several, must be found before anything is
/// sent.
fn check_account(row: &Row, settings: &Settings) -> Result<(), AccountError> {
    let known = || names(settings.accounts.keys());
    match row.account.as_ref().or(settings.account.as_ref()) {
        None => Err(AccountError::NotNamed { row: row.number, known: known() }),
        Some(name) if settings.accounts.contains_key(name) => Ok(()),
        Some(name) => Err(AccountError::Unknown { row: row.number, name: name.to_string(), known: known() }),
    }
}

/// Withdrawals of a run at most.
fn most(settings: &Settings, listed: u64) -> u64 {
    let credits = settings.max_credits.map(|most| most.saturating_sub(listed));
    [settings.max_withdrawals, credits].into_iter().flatten().min().unwrap_or(u64::MAX)
}

fn rounded(time: Duration) -> f64 {
    time.as_secs_f64().round()
}
