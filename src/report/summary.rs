//! The sums of a run: each row counted once, by outcome and by account; as one JSON object and as a table for people.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::causes::Causes;
use super::last_lines;
use crate::api::CallKind;
use crate::event::{Called, Settled};
use crate::invitation::AccountName;
use crate::outcome::{ExitEffect, Outcome};
use crate::pace::Rate;
use crate::policy::{Cost, Meaning, visible};
use crate::share::Share;
use crate::stop::StopCause;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts([u64; Outcome::ALL.len()]);

impl Counts {
    pub(crate) fn add(&mut self, outcome: Outcome) {
        self.0[outcome as usize] += 1;
    }

    pub(crate) fn of(&self, outcome: Outcome) -> u64 {
        self.0[outcome as usize]
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// These without those, of which they are the sum.
    pub(super) fn less(mut self, those: &Self) -> Self {
        for (count, less) in self.0.iter_mut().zip(those.0) {
            *count = count.saturating_sub(less);
        }
        self
    }

    /// Each outcome with its count, in the order of [`Outcome::ALL`].
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Outcome, u64)> {
        Outcome::ALL.into_iter().map(|outcome| (outcome, self.of(outcome)))
    }
}

/// Rows and calls of a run or of one account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    pub rows: Counts,
    /// Those that were never sent included.
    pub calls: u64,
    /// Calls beyond each row's first.
    pub retries: u64,
    /// Those of them that were sent.
    pub repeated: u64,
    /// Calls that were never sent, since there was no connection.
    pub unsent: u64,
    pub rate_limit_answers: u64,
    pub cost: Cost,
}

impl Sum {
    fn add_call(&mut self, called: &Called) {
        self.calls += 1;
        self.retries += u64::from(called.is_retry);
        let is_unsent = called.meaning == Meaning::NotSent;
        self.repeated += u64::from(called.is_retry && !is_unsent);
        self.unsent += u64::from(is_unsent);
        self.rate_limit_answers += u64::from(called.is_rate_limited());
        self.cost += called.cost;
    }

    /// What was special about its calls.
    fn of_calls(&self) -> String {
        let all = [
            (self.repeated, "repeated"),
            (self.rate_limit_answers, "rate limited"),
            (self.unsent, "without a connection"),
        ];
        let some = all.iter().filter(|(count, _)| *count > 0);
        let said: Vec<_> = some.map(|(count, what)| format!("{count} {what}")).collect();
        if said.is_empty() { String::new() } else { format!(" ({})", said.join(", ")) }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ListSum {
    pub pages: u64,
    /// Invitations on them, each counted once.
    pub invitations: u64,
    /// Those that were never sent included.
    pub calls: u64,
    pub cost: Cost,
}

impl ListSum {
    /// What it cost, for people.
    pub(crate) fn cost_words(&self) -> String {
        let Cost { charged, possible } = self.cost;
        if charged == possible { plural(charged, "credit") } else { format!("{charged} to {possible} credits") }
    }
}

impl fmt::Display for ListSum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", plural(self.invitations, "invitation"), plural(self.pages, "page"))
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub run: Sum,
    pub accounts: BTreeMap<AccountName, Sum>,
    /// The list's part of the sums above, if there was a list.
    pub list: Option<ListSum>,
    /// What each account's whole list of connection invitations held.
    pub pending: BTreeMap<AccountName, u64>,
    /// Answers' words that are in no table, with their count.
    pub unknown: BTreeMap<String, u64>,
    /// Such answers beyond the listed ones.
    pub unlisted: u64,
    /// Rows that need another run or a look, but for those that a limit of the user cut short.
    pub not_fine: u64,
    /// Why, by cause.
    pub causes: Causes,
    /// Rows that a later run tries again.
    pub left: u64,
    /// Rows of people who are not on the list.
    pub not_listed: u64,
}

/// Different unknown words that are listed: each may hold a number of its own.
const MAX_UNKNOWN: usize = 10;

impl Totals {
    /// Sums for these accounts. Rows that name another one count only for the run: a column of garbage must not fill the
    /// summary.
    pub(crate) fn new(accounts: impl IntoIterator<Item = AccountName>) -> Self {
        let accounts = accounts.into_iter().map(|name| (name, Sum::default())).collect();
        Self { accounts, ..Self::default() }
    }

    pub(crate) fn add_row(&mut self, settled: &Settled) {
        let account = settled.account.as_ref().and_then(|account| self.accounts.get_mut(account));
        for sum in std::iter::once(&mut self.run).chain(account) {
            sum.rows.add(settled.outcome);
        }
        self.not_listed += u64::from(settled.outcome == Outcome::NotFound && settled.attempts == 0);
        let is_not_fine = settled.outcome.exit_effect() == ExitEffect::NotFine && !settled.cut_by_limit;
        self.not_fine += u64::from(is_not_fine);
        if is_not_fine {
            self.causes.add(settled);
        }
        self.left += u64::from(match settled.outcome.exit_effect() {
            ExitEffect::Fine => false,
            ExitEffect::NotFine => settled.outcome != Outcome::Invalid,
            ExitEffect::FromStop => !settled.is_kept,
        });
    }

    /// Counts a call, unless it is free.
    pub(crate) fn add_call(&mut self, called: &Called) {
        match called.kind {
            CallKind::Balance | CallKind::Account => return,
            CallKind::Withdraw | CallKind::Key => {}
            CallKind::List => {
                let list = self.list.get_or_insert_default();
                list.calls += 1;
                list.cost += called.cost;
            }
        }
        for sum in std::iter::once(&mut self.run).chain(self.accounts.get_mut(&called.account)) {
            sum.add_call(called);
        }
    }

    pub(crate) fn add_unknown_words(&mut self, words: String) {
        if self.unknown.contains_key(&words) || self.unknown.len() < MAX_UNKNOWN {
            *self.unknown.entry(words).or_default() += 1;
        } else {
            self.unlisted += 1;
        }
    }

    pub(crate) fn add_page(&mut self, invitations: u64) {
        let list = self.list.get_or_insert_default();
        list.pages += 1;
        list.invitations += invitations;
    }
}

/// What is known of a run before its first row.
#[derive(Clone, Debug)]
pub(crate) struct RunFacts {
    pub run_id: String,
    pub command: &'static str,
    /// `None` where the settings can't be read.
    pub api: Option<&'static str>,
    /// The part of the rows that it took, unless those were all.
    pub share: Option<Share>,
    pub started_at: Timestamp,
    /// The command as it was typed; `None` for a rehearsal of which nothing is left.
    pub again: Option<String>,
    /// Whether a limit of the user is 0.
    pub allows_none: bool,
    /// Whether a plan on the screen has said of each invalid row why it is.
    pub are_invalid_shown: bool,
}

impl RunFacts {
    pub(crate) fn begin(command: &'static str, share: Option<Share>) -> Self {
        let started_at = Timestamp::now();
        let run_id = format!("{}-{:08x}", started_at.strftime("%Y%m%dT%H%M%SZ"), fastrand::u32(..));
        Self {
            run_id,
            command,
            api: None,
            share,
            started_at,
            again: None,
            allows_none: false,
            are_invalid_shown: false,
        }
    }
}

/// A run that has ended.
#[derive(Clone, Debug)]
pub(crate) struct Summary {
    pub facts: RunFacts,
    pub finished_at: Timestamp,
    pub totals: Totals,
    /// The rate at the end.
    pub rate: Rate,
    /// What the API key has shown to allow, where that is less than the configured rate.
    pub learned: Option<Rate>,
    /// Whether the input was read to its end.
    pub input_complete: bool,
    /// Why it ended early, if it did.
    pub stop: Option<StopCause>,
    /// Why some of several accounts stopped early.
    pub stopped_accounts: BTreeMap<AccountName, StopCause>,
    pub exit_code: u8,
}

impl Summary {
    pub(crate) fn elapsed_s(&self) -> f64 {
        let elapsed = self.finished_at.duration_since(self.facts.started_at).as_secs_f64();
        (elapsed * 1000.0).round() / 1000.0
    }

    pub(crate) fn to_json(&self) -> Value {
        let Self { facts, totals, .. } = self;
        let of_account =
            |(name, sum): (&AccountName, &Sum)| (name.to_string(), account(sum, self.stopped_accounts.get(name)));
        let with_something = totals.accounts.iter().filter(|(_, sum)| sum.calls > 0 || sum.rows.total() > 0);
        let accounts: Map<String, Value> = with_something.map(of_account).collect();
        json!({
            "run_id": facts.run_id,
            "command": facts.command,
            "api": facts.api,
            "partition": facts.share.map(|share| share.to_string()),
            "started_at": timestamp(facts.started_at),
            "finished_at": timestamp(self.finished_at),
            "elapsed_s": self.elapsed_s(),
            "rows": rows(&totals.run.rows),
            "input_complete": self.input_complete,
            "calls": totals.run.calls,
            "retries": totals.run.retries,
            "rate_limit_answers": totals.run.rate_limit_answers,
            "credits": credits(totals.run.cost),
            "list": totals.list.as_ref().map(list),
            "accounts": accounts,
            "pace": {"rate": self.rate.to_string(), "learned": self.learned.map(|rate| rate.to_string())},
            "stop": self.stop.as_ref().map(stop),
            "causes": totals.causes.to_json(),
            "exit_code": self.exit_code,
        })
    }
}

fn account(sum: &Sum, stopped: Option<&StopCause>) -> Value {
    let mut account = json!({"rows": rows(&sum.rows), "calls": sum.calls, "credits": credits(sum.cost)});
    if let Some(cause) = stopped {
        account["stop"] = stop(cause);
    }
    account
}

fn stop(cause: &StopCause) -> Value {
    json!({"reason": cause.reason.as_str(), "detail": cause.detail})
}

/// A list's part of the summary.
pub(crate) fn list(sum: &ListSum) -> Value {
    let Cost { charged, possible } = sum.cost;
    json!({"pages": sum.pages, "invitations": sum.invitations, "charged": charged, "possible": possible})
}

fn rows(counts: &Counts) -> Value {
    let total = std::iter::once(("total", counts.total()));
    total.chain(counts.iter().map(|(outcome, rows)| (outcome.as_str(), rows))).collect()
}

fn credits(cost: Cost) -> Value {
    json!({"charged": cost.charged, "possible": cost.possible})
}

fn credits_words(Cost { charged, possible }: Cost) -> String {
    if charged == possible { charged.to_string() } else { format!("{charged} charged, at most {possible}") }
}

/// The table on stderr at a run's end; `report` is where the report's or the list's lines are.
pub(crate) fn table(summary: &Summary, report: Option<&Path>) -> String {
    let run = &summary.totals.run;
    let mut out = String::new();
    let mut line = |label: &str, value: String| out.push_str(&format!("{label:<22}{}\n", visible(&value)));
    if let Some(share) = summary.facts.share {
        line("partition", share.to_string());
    }
    if let Some(list) = &summary.totals.list {
        line("fetched", format!("{list}, for {}", list.cost_words()));
    }
    if !matches!(summary.facts.command, "list" | "verify" | "check") {
        line("rows", run.rows.total().to_string());
    }
    for (outcome, rows) in run.rows.iter().filter(|(_, rows)| *rows > 0) {
        line(&format!("  {outcome}"), rows.to_string());
    }
    line("calls", format!("{}{}", run.calls, run.of_calls()));
    line("credits", credits_words(run.cost));
    if let Some(learned) = summary.learned {
        line("rate limit", format!("the API key allowed about {learned}; the pace was {}", summary.rate));
    }
    let elapsed = Duration::from_secs_f64(summary.elapsed_s().max(0.0));
    line("time", human_duration(elapsed));
    match summary.totals.list {
        _ if summary.input_complete => {}
        Some(_) => line("incomplete", "the list is not whole".to_owned()),
        None => line("input", "not read to its end; unread rows are not in the report".to_owned()),
    }
    for (words, count) in &summary.totals.unknown {
        line("unknown answer", format!("{count} × {words}"));
    }
    if summary.totals.unlisted > 0 {
        line("unknown answer", format!("{} × in other words", summary.totals.unlisted));
    }
    if !summary.totals.unknown.is_empty() {
        line("", "if one of these confirms a withdrawal, add it to success_messages".to_owned());
    }
    if let Some(report) = report {
        line(if summary.facts.command == "list" { "list" } else { "report" }, report.display().to_string());
    }
    line("exit code", summary.exit_code.to_string());
    // The command to go on with is for others to print, as it must not be broken.
    let lines = last_lines(summary).into_iter().filter(|(label, _)| !label.is_empty());
    lines.for_each(|(label, value)| line(label, value));
    out
}

/// A duration for people: `9 s`, `4 min 10 s`, `3 h 05 min`, `2 d 4 h`.
pub(crate) fn human_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match seconds {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        60..3_600 => format!("{minutes} min {:02} s", seconds % 60),
        3_600..86_400 => format!("{hours} h {:02} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

/// A moment as reports and summaries show it: RFC 3339, UTC, milliseconds.
pub(crate) fn timestamp(moment: Timestamp) -> String {
    format!("{moment:.3}")
}

/// A count with its noun: `1 page`, `2 pages`.
pub(crate) fn plural(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invitation::Carried;
    use crate::stop::Refusal;
    use crate::stop::StopReason;

    #[test]
    fn each_outcome_has_a_place_of_its_own() {
        for (at, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome as usize, at, "{outcome}");
            let mut counts = Counts::default();
            counts.add(outcome);
            assert_eq!((counts.of(outcome), counts.total()), (1, 1), "{outcome}");
        }
    }

    #[test]
    fn a_row_that_a_limit_cut_short_is_not_held_against_the_run() {
        let mut totals = Totals::default();
        let row = |outcome, cut_by_limit| Settled {
            cut_by_limit,
            ..Settled::unsent(1, String::new(), None, outcome, String::new(), Carried::default())
        };
        totals.add_row(&row(Outcome::Unconfirmed, true));
        totals.add_row(&row(Outcome::NotAttempted, false));
        totals.add_row(&row(Outcome::Withdrawn, false));
        assert_eq!((totals.not_fine, totals.run.rows.total()), (0, 3));
        totals.add_row(&row(Outcome::Unconfirmed, false));
        assert_eq!(totals.not_fine, 1);
    }

    #[test]
    fn an_account_that_stopped_says_why() {
        let [idle, busy, stopped] = ["idle", "busy", "stopped"].map(|name| AccountName::parse(name).unwrap());
        let mut totals = Totals::new([idle, busy.clone(), stopped.clone()]);
        for account in [&busy, &stopped] {
            let (id, account) = (String::new(), Some(account.clone()));
            totals.add_row(&Settled::unsent(1, id, account, Outcome::Rejected, String::new(), Carried::default()));
        }
        let cause = StopCause { reason: StopReason::Refused(Refusal::Login), detail: "log in again".to_owned() };
        let moment = Timestamp::UNIX_EPOCH;
        let summary = Summary {
            facts: RunFacts {
                run_id: String::new(),
                command: "run",
                api: Some("v1"),
                share: None,
                started_at: moment,
                again: None,
                allows_none: false,
                are_invalid_shown: false,
            },
            finished_at: moment,
            totals,
            rate: Rate::Unlimited,
            learned: None,
            input_complete: true,
            stop: None,
            stopped_accounts: [(stopped, cause)].into(),
            exit_code: 3,
        };
        let accounts = &summary.to_json()["accounts"];
        assert_eq!(accounts.as_object().unwrap().len(), 2);
        assert_eq!((&accounts["busy"]["rows"]["rejected"], accounts["busy"].get("stop")), (&json!(1), None));
        assert_eq!(accounts["stopped"]["stop"], json!({"reason": "login_refused", "detail": "log in again"}));
        let table = table(&summary, None);
        assert!(table.contains("stopped               account stopped: log in again\n"), "{table}");
    }

    #[test]
    fn unknown_words_are_counted_in_bounded_memory() {
        let mut totals = Totals::default();
        for number in 0..100 {
            totals.add_unknown_words(format!("code {number}"));
            totals.add_unknown_words("code 0".to_owned());
        }
        assert_eq!((totals.unknown.len(), totals.unlisted), (MAX_UNKNOWN, 100 - MAX_UNKNOWN as u64));
        assert_eq!(totals.unknown["code 0"], 101);
    }

    #[test]
    fn durations_for_people() {
        let cases = [
            (0.0, "0.0 s"),
            (8.345, "8.3 s"),
            (59.9, "59 s"),
            (250.0, "4 min 10 s"),
            (11_130.0, "3 h 05 min"),
            (187_300.0, "2 d 4 h"),
        ];
        for (seconds, text) in cases {
            assert_eq!(human_duration(Duration::from_secs_f64(seconds)), text);
        }
    }
}
