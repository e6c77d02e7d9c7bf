//! What a plan says: as a table for people, and as one JSON object.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::forecast::Forecast;
use super::plan::{Account, BadRow, Plan, Rows, ShortIds};
use crate::config::{AccountSettings, Settings};
use crate::invitation::{AccountName, USUAL_DIGITS};
use crate::outcome::Outcome;
use crate::pace::Rate;
use crate::policy::visible;
use crate::report::{ListSum, human_duration, list_json, plural};
use crate::runner::{SHORT_ID_ADVICE, SOON, clock_words};

/// More withdrawals than this in 24 hours are more than careful tools do.
const CAREFUL: u64 = 100;

impl Plan {
    /// Warnings of IDs that may be none, and of accounts that would withdraw more than careful tools do.
    fn cautions(&self, settings: &Settings) -> Vec<String> {
        let has_cap = |name: &AccountName| settings.accounts.get(name).is_some_and(|own| own.daily_cap.is_some());
        let is_shared = settings.share.is_some_and(|share| share.count() > 1);
        let is_much = |account: &Account| account.rows.most() > 0 && account.per_day > CAREFUL;
        let cautioned = self.accounts.iter().filter(|(name, account)| is_much(account) && !has_cap(name));
        let short = self.short_ids.iter().map(ShortIds::words);
        short
            .chain(cautioned.map(|(name, account)| {
                format!(
                    "account {}: {}{}{} withdrawals within 24 hours; 40 to 100 a day, seconds apart, are safer \
                     (--daily-cap 40 --gap 20s..60s)",
                    visible(name.as_str()),
                    if is_shared { "all shares together make about " } else { "" },
                    if account.is_cut { "at least " } else { "" },
                    account.per_day
                )
            }))
            .collect()
    }

    /// Warns where nobody is asked.
    pub(super) fn warn(&self, settings: &Settings) {
        if self.to_send() == 0 {
            let nothing = self.nothing();
            if self.has_rows { tracing::info!("{nothing}") } else { tracing::warn!("{nothing}") }
        }
        for caution in self.cautions(settings) {
            tracing::warn!("{caution}");
        }
    }

    pub(super) fn table(&self, settings: &Settings) -> String {
        let share = settings.share.map(|share| format!("{:<22}{share}\n", "partition"));
        let mut out = share.unwrap_or_default();
        out.push_str(&format!("{:<22}{}\n", "rows", self.rows()));
        for (outcome, rows) in self.all.unsent.iter().filter(|(_, rows)| *rows > 0) {
            out.push_str(&format!("  {:<20}{rows}\n", outcome.as_str()));
            let shown: Vec<_> = self.bad_rows.iter().chain(&self.kept).filter(|bad| bad.outcome == outcome).collect();
            shown.iter().for_each(|bad| out.push_str(&format!("    {:<18}{}\n", bad.place(), bad.reason)));
            if !shown.is_empty() && rows > shown.len() as u64 {
                out.push_str(&format!("    and {} more\n", rows - shown.len() as u64));
            }
        }
        if self.to_send() == 0 {
            out.push_str(&format!("{}\n", self.nothing()));
        } else {
            out.push_str(&self.price(settings));
        }
        for caution in self.cautions(settings) {
            out.push_str(&format!("{:<22}{caution}\n", "warning"));
        }
        if !self.input_complete {
            out.push_str("the input broke off: there may be more rows\n");
        }
        out
    }

    /// That nothing is to be withdrawn, and why.
    fn nothing(&self) -> String {
        let unsent = self.all.unsent.iter().filter(|(_, rows)| *rows > 0);
        let why: Vec<_> =
            unsent.map(|(outcome, rows)| format!("{rows} {}", outcome.as_str().replace('_', " "))).collect();
        match why.as_slice() {
            [] if self.has_rows => "Nothing to withdraw: none of the rows is in this share.".to_owned(),
            [] => "Nothing to withdraw: the input has no rows.".to_owned(),
            why => format!("Nothing to withdraw: {}.", why.join(", ")),
        }
    }

    /// That the limits leave nothing for this run, and until when; unless it would wait for that.
    pub(super) fn nothing_now(&self, settings: &Settings) -> Option<String> {
        let left = self.to_send();
        if left == 0 || self.now(settings) > 0 {
            return None;
        }
        let is_capped = |account: &&Account| account.rows.most() > 0 && account.free_at.is_some();
        let Some(free_at) = self.accounts.values().filter(is_capped).filter_map(|account| account.free_at).min() else {
            return Some(format!("Nothing can be withdrawn: a limit allows none ({left} are left)."));
        };
        let wait = Duration::try_from(free_at.duration_since(Timestamp::now())).unwrap_or_default();
        let caps = self.senders().into_iter().filter_map(|(name, _)| settings.accounts.get(name)?.daily_cap);
        let cap = caps.max().unwrap_or_default();
        let time = clock_words(&free_at.to_zoned(TimeZone::system()));
        (wait > SOON).then(|| format!("Nothing can be withdrawn before {time} (--daily-cap {cap}; {left} are left)."))
    }

    /// What is asked before the first withdrawal.
    pub(super) fn question(&self, settings: &Settings) -> String {
        let (all, now) = (self.to_send(), self.now(settings));
        let many = match now {
            1.. if now < all => format!("up to {now} of {}", plural(all, "invitation")),
            _ if self.all.to_look_up > 0 || now == 0 => format!("up to {}", plural(all, "invitation")),
            _ => plural(all, "invitation"),
        };
        let from = match self.senders().as_slice() {
            [] => String::new(),
            [(name, _)] => format!(" from {}", visible(name.as_str())),
            several => format!(" from {} accounts", several.len()),
        };
        let short = self.short_ids.as_ref().map_or_else(String::new, |short| match short.count {
            1 => " (1 with a short ID)".to_owned(),
            count => format!(" ({count} with short IDs)"),
        });
        format!("Withdraw {many}{short}{from}?")
    }

    /// The accounts that withdraw.
    fn senders(&self) -> Vec<(&AccountName, &Account)> {
        self.accounts.iter().filter(|(_, account)| account.rows.most() > 0).collect()
    }

    /// What it takes.
    fn price(&self, settings: &Settings) -> String {
        let mut out = self.withdrawals(settings);
        out.push_str(&format!("{:<22}{}\n", "credits", self.credits(settings)));
        let held = if self.time(settings) > self.paced(settings) { self.holds(settings) } else { String::new() };
        let time = self.time(settings).map_or_else(
            || "no limit".to_owned(),
            |time| {
                let is_limited = self.pace != Rate::Unlimited;
                let pace = if is_limited { format!(", at {}", self.pace) } else { String::new() };
                format!("about {}{pace}{held}", rounded_up(time))
            },
        );
        out.push_str(&format!("{:<22}{time}\n", "time"));
        if !self.opens_in().is_zero() {
            out.push_str(&format!("{:<22}the first in {}, when --between opens\n", "", rounded_up(self.opens_in())));
        }
        if let Some(longest) = settings.max_duration.filter(|longest| self.time(settings) > Some(*longest)) {
            out.push_str(&format!("{:<22}--max-duration ends it after {}\n", "", human_duration(longest)));
        }
        out
    }

    /// The settings of its accounts that make it take longer than the rate does.
    fn holds(&self, settings: &Settings) -> String {
        let any = |is_set: fn(&AccountSettings) -> bool| {
            self.senders().into_iter().any(|(name, _)| settings.accounts.get(name).is_some_and(is_set))
        };
        let options = [(any(|own| own.gap.is_some()), "--gap"), (any(|own| own.between.is_some()), "--between")];
        let set: Vec<_> = options.iter().filter(|(is_set, _)| *is_set).map(|(_, option)| *option).collect();
        if set.is_empty() { String::new() } else { format!(" with {}", set.join(" and ")) }
    }

    /// The price, as far as it is known.
    fn credits(&self, settings: &Settings) -> String {
        let to_send = self.now(settings);
        let lists: Vec<_> = self.lists().iter().map(|name| visible(name.as_str())).collect();
        let known = match lists.as_slice() {
            [] => format!("at least {to_send}"),
            [name] => format!("at most {to_send}, and before that 1 per page of 10 for the list of account {name}"),
            several => {
                format!("at most {to_send}, and before that 1 per page of 10 for the lists of {}", several.join(", "))
            }
        };
        let known = match self.list_pages {
            0 => known,
            pages => format!("{known} (about {} last time)", plural(pages, "page")),
        };
        match settings.max_credits.map(|most| most.saturating_sub(self.listed)) {
            Some(most) if most <= to_send => format!("at most {most}"),
            Some(most) => format!("{known}; each retry may cost 1 more, up to {most} in all"),
            None => format!("{known}; each retry may cost 1 more"),
        }
    }

    /// How many are withdrawn, from which accounts, and when.
    fn withdrawals(&self, settings: &Settings) -> String {
        let accounts = self.senders();
        let of = match accounts.as_slice() {
            [(name, _)] => format!(" (account {})", visible(name.as_str())),
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
                None => "; a daily cap of 0 allows no more".to_owned(),
                Some(0) => String::new(),
                Some(days) => format!("; the rest takes {} (--daily-cap)", plural(days, "more day")),
            };
            out.push_str(&format!("  {:<20}at most {now}{rest}\n", "in this run"));
        }
        out
    }

    pub(super) fn to_json(&self, settings: &Settings, list: Option<&ListSum>, balance: Option<u64>) -> Value {
        let listed = list.map(|list| list.cost).unwrap_or_default();
        let accounts = self.accounts.iter().map(|(name, Account { rows, forecast, .. })| {
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
            "partition": settings.share.map(|share| share.to_string()),
            "rows": self.all.to_json(),
            "first_bad_rows": self.bad_rows.iter().map(BadRow::to_json).collect::<Vec<_>>(),
            "short_ids": self.short_ids.as_ref().map(ShortIds::to_json),
            "input_complete": self.input_complete,
            "credits": {"charged": listed.charged, "possible": listed.possible + self.list_pages + self.now(settings)},
            "balance": balance,
            "list": list.map(list_json),
            "lists_to_fetch": self.lists().iter().map(AccountName::as_str).collect::<Vec<_>>(),
            "time_s": self.time(settings).map(rounded),
            "accounts": accounts.collect::<Map<_, _>>(),
        })
    }
}

impl BadRow {
    fn place(&self) -> String {
        self.line.map_or_else(|| format!("row {}", self.row), |line| format!("line {line}"))
    }

    fn to_json(&self) -> Value {
        json!({"row": self.row, "line": self.line, "outcome": self.outcome.as_str(), "reason": self.reason})
    }
}

impl ShortIds {
    fn words(&self) -> String {
        let (first, line) = (&self.first, self.line.unwrap_or(self.row));
        let ids = if self.count == 1 { "1 ID has".to_owned() } else { format!("{} IDs have", self.count) };
        format!("{ids} fewer than {USUAL_DIGITS} digits (first: {first}, line {line}); {SHORT_ID_ADVICE}")
    }

    fn to_json(&self) -> Value {
        json!({"count": self.count, "first": self.first.as_str(), "row": self.row, "line": self.line})
    }
}

impl Rows {
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
        let Self { rows, forecast: Forecast { now, time, .. }, .. } = self;
        let to_send = rows.most();
        let now = match *now {
            0 if to_send > 0 => return format!("{to_send}, none in this run"),
            now if now < to_send => format!(", {now} in this run"),
            _ => String::new(),
        };
        let time = time.map(|time| format!(", in about {}", rounded_up(time))).unwrap_or_default();
        format!("{to_send}{now}{time}")
    }
}

/// For people, in whole seconds: it will hardly take less.
fn rounded_up(time: Duration) -> String {
    match time.as_secs() + u64::from(time.subsec_nanos() > 0) {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds => human_duration(Duration::from_secs(seconds)),
    }
}

fn rounded(time: Duration) -> f64 {
    time.as_secs_f64().round()
}
