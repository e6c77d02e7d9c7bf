//! The summary: the run in one JSON object (`contract.md`, Summary).

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::totals::{Counts, ListSum, Sum, Totals};
use crate::policy::Cost;
use crate::stop::StopCause;

/// What is known of a run beside its rows.
#[derive(Clone, Debug)]
pub(crate) struct RunFacts {
    pub run_id: String,
    /// `run`, `clean` or `list`
    pub command: &'static str,
    pub api: &'static str,
    /// When the run began.
    pub started_at: Timestamp,
}

/// A run that has ended.
#[derive(Clone, Debug)]
pub(crate) struct Summary {
    /// What is known of it beside its rows.
    pub facts: RunFacts,
    pub finished_at: Timestamp,
    /// What its rows came to.
    pub totals: Totals,
    /// Whether the input was read to its end.
    pub input_complete: bool,
    /// Why it stopped early, if it did.
    pub stop: Option<StopCause>,
    /// The process's exit code.
    pub exit_code: u8,
}

impl Summary {
    /// Seconds from start to end.
    pub(crate) fn elapsed_s(&self) -> f64 {
        let elapsed = self.finished_at.duration_since(self.facts.started_at).as_secs_f64();
        (elapsed * 1000.0).round() / 1000.0
    }

    pub(crate) fn to_json(&self) -> Value {
        let Self { facts, totals, .. } = self;
        let accounts: Map<String, Value> =
            totals.accounts.iter().map(|(name, sum)| (name.to_string(), account(sum))).collect();
        let stop = self.stop.as_ref().map(|stop| json!({"reason": stop.reason.as_str(), "detail": stop.detail}));
        json!({
            "run_id": facts.run_id,
            "command": facts.command,
            "api": facts.api,
            "started_at": super::timestamp(facts.started_at),
            "finished_at": super::timestamp(self.finished_at),
            "elapsed_s": self.elapsed_s(),
            "rows": rows(&totals.run.rows),
            "input_complete": self.input_complete,
            "calls": totals.run.calls,
            "retries": totals.run.retries,
            "rate_limit_answers": totals.run.rate_limit_answers,
            "credits": credits(totals.run.cost),
            "list": totals.list.as_ref().map(list),
            "accounts": accounts,
            "stop": stop,
            "exit_code": self.exit_code,
        })
    }
}

fn account(sum: &Sum) -> Value {
    json!({"rows": rows(&sum.rows), "calls": sum.calls, "credits": credits(sum.cost)})
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

/// The table on stderr at a run's end. `report` is where the lines stand, if
/// there are any.
pub(crate) fn table(summary: &Summary, report: Option<&Path>) -> String {
    let run = &summary.totals.run;
    let mut out = String::new();
    let mut line = |label: &str, value: String| out.push_str(&format!("{label:<22}{value}\n"));
    if let Some(list) = &summary.totals.list {
        let cost = format!("{} charged, {} possible", list.cost.charged, list.cost.possible);
        line("listed", format!("{} invitations on {} pages; credits: {cost}", list.invitations, list.pages));
    }
    if summary.facts.command != "list" {
        line("rows", run.rows.total().to_string());
    }
    for (outcome, rows) in run.rows.iter().filter(|(_, rows)| *rows > 0) {
        line(&format!("  {outcome}"), rows.to_string());
    }
    let again = match run.rate_limit_answers {
        0 => String::new(),
        limited => format!(", {limited} rate limited"),
    };
    line("calls", format!("{} ({} repeated{again})", run.calls, run.retries));
    line("credits", format!("{} charged, {} possible", run.cost.charged, run.cost.possible));
    let elapsed = Duration::from_secs_f64(summary.elapsed_s().max(0.0));
    line("time", human_duration(elapsed));
    if !summary.input_complete {
        line("input", "not read to its end; rows that were not read are not in the report".to_owned());
    }
    if let Some(stop) = &summary.stop {
        line("stopped", stop.to_string());
    }
    if let Some(report) = report {
        line(if summary.facts.command == "list" { "list" } else { "report" }, report.display().to_string());
    }
    line("exit code", summary.exit_code.to_string());
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

#[cfg(test)]
mod tests {
    use super::*;

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
