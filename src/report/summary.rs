//! The summary: the run in one JSON object (`contract.md`, Summary).

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
