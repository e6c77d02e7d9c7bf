//! What a run will do and what it can cost, told before anything is sent.

use std::time::Duration;

use serde_json::{Value, json};

use super::intake::Intake;
use crate::config::Settings;
use crate::ledger::LedgerError;
use crate::outcome::Outcome;
use crate::policy::visible;
use crate::report::{Counts, ListSum, human_duration, list_json};
use crate::runner::{Route, Triage};
use crate::stop::Stop;

/// What an input comes to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Plan {
    /// Rows that would be sent.
    pub(super) to_send: u64,
    /// The others, by what they would be reported as.
    pub(super) unsent: Counts,
    /// Whether the input could be read to its end.
    pub(super) input_complete: bool,
}

impl Plan {
    /// Reads the whole input and sends nothing.
    pub(super) fn of(intake: Intake, mut triage: Triage, stop: &Stop) -> Result<Self, LedgerError> {
        let mut plan = Self { input_complete: true, ..Self::default() };
        for row in intake {
            if stop.is_requested() {
                plan.input_complete = false;
                break;
            }
            match row.map(|row| triage.route(row)) {
                Ok(Route::Call(_)) => plan.to_send += 1,
                Ok(Route::NoCall(settled)) => plan.unsent.add(settled.outcome),
                Ok(Route::Unknown(_, error)) => return Err(error),
                Err(error) => {
                    tracing::error!("{}", crate::error_chain(&error));
                    plan.input_complete = false;
                }
            }
        }
        triage.warn_of_perhaps_kept();
        Ok(plan)
    }

    pub(super) fn rows(&self) -> u64 {
        self.to_send + self.unsent.total()
    }

    /// The shortest time that the calls can take; none without a limit.
    fn time(&self, settings: &Settings) -> Option<Duration> {
        let calls = u32::try_from(self.to_send).unwrap_or(u32::MAX);
        settings.rate.interval().map(|interval| interval.saturating_mul(calls))
    }

    pub(super) fn table(&self, settings: &Settings) -> String {
        let mut out = format!("{:<22}{}\n", "rows", self.rows());
        for (outcome, rows) in self.unsent.iter().filter(|(_, rows)| *rows > 0) {
            out.push_str(&format!("  {:<20}{rows}\n", outcome.as_str()));
        }
        let others = if settings.accounts.len() > 1 { ", and of those that rows name" } else { "" };
        let account = visible(settings.account.as_str());
        out.push_str(&format!("{:<22}{}, of account {account}{others}\n", "to withdraw", self.to_send));
        out.push_str(&format!("{:<22}at least {}; each retry may cost 1 more\n", "credits", self.to_send));
        let time = self.time(settings).map_or_else(
            || "no limit".to_owned(),
            |time| format!("about {}, at {}", human_duration(time), settings.rate),
        );
        out.push_str(&format!("{:<22}{time}\n", "time"));
        if !self.input_complete {
            out.push_str("the input broke off: there may be more rows\n");
        }
        out
    }

    pub(super) fn to_json(self, settings: &Settings, list: Option<&ListSum>) -> Value {
        let mut rows = serde_json::Map::from_iter([
            ("total".to_owned(), Value::from(self.rows())),
            ("to_withdraw".to_owned(), Value::from(self.to_send)),
        ]);
        for outcome in [Outcome::AlreadySettled, Outcome::Duplicate, Outcome::Invalid, Outcome::NotAttempted] {
            rows.insert(outcome.as_str().to_owned(), self.unsent.of(outcome).into());
        }
        let listed = list.map(|list| list.cost).unwrap_or_default();
        json!({
            "dry_run": true,
            "rows": rows,
            "input_complete": self.input_complete,
            "credits": {"charged": listed.charged, "possible": listed.possible + self.to_send},
            "list": list.map(list_json),
            "time_s": self.time(settings).map(|time| time.as_secs_f64().round()),
        })
    }
}
