//! What to do after a command that has ended.

use super::{Summary, plural};
use crate::outcome::Outcome;
use crate::stop::{Limit, StopReason};

pub(super) const NOTHING: &str = "nothing is left to do";

/// What to do, and whether that is the same command again.
pub(super) fn next(summary: &Summary) -> (String, bool) {
    let (words, again) = next_of_a_real_run(summary);
    if again && summary.facts.again.is_none() {
        return ("nothing: this was only a rehearsal (--sandbox)".to_owned(), false);
    }
    (words, again)
}

fn next_of_a_real_run(summary: &Summary) -> (String, bool) {
    let rows = &summary.totals.run.rows;
    let retried: u64 =
        [Outcome::NotFound, Outcome::Unconfirmed, Outcome::Rejected, Outcome::RateLimited, Outcome::Failed]
            .map(|outcome| rows.of(outcome))
            .iter()
            .sum();
    let invalid = rows.of(Outcome::Invalid);
    let going_on = "what is settled is not paid for again";
    let limited = summary.stopped_accounts.values().filter(|cause| !cause.reason.is_limit());
    if let Some(stop) = summary.stop.as_ref().or_else(|| limited.into_iter().next()) {
        let left = match summary.totals.left {
            0 => String::new(),
            left if summary.input_complete => format!(" for the {} left", plural(left, "row")),
            left => format!(" for the {} left, and those that were not read", plural(left, "row")),
        };
        let first = if is_mended_first(stop.reason) { "after that," } else { "to go on," };
        return (format!("{first} run the same command again{left}; {going_on}"), true);
    }
    if summary.facts.command == "list" {
        return match summary.input_complete {
            true => (
                "read the list, delete the lines of people to keep, and pass it to `bulk-withdraw run`, first with --dry-run"
                    .to_owned(),
                false,
            ),
            false => ("the list is not whole: run the same command again".to_owned(), true),
        };
    }
    let correct = || format!("correct the {} in the input, then", plural(invalid, "invalid row"));
    match (retried, invalid) {
        (0, 0) if !summary.input_complete => {
            ("the input was not read to its end: run the same command again".to_owned(), true)
        }
        (0, 0) => (NOTHING.to_owned(), false),
        (0, _) => (format!("{} run the same command again; {going_on}", correct()), true),
        (_, 0) => {
            (format!("run the same command again to retry {}; {going_on}", plural(retried, "unsettled row")), true)
        }
        (..) => (
            format!(
                "{} run the same command again, which also retries {}; {going_on}",
                correct(),
                plural(retried, "unsettled row")
            ),
            true,
        ),
    }
}

/// Whether the stop's words say what to do or to wait for first.
const fn is_mended_first(reason: StopReason) -> bool {
    match reason {
        StopReason::Refused(_)
        | StopReason::TooManyFailures
        | StopReason::PatienceExhausted
        | StopReason::ReportUnwritable
        | StopReason::LedgerUnwritable
        | StopReason::LedgerHeld
        | StopReason::Broken
        | StopReason::Limit(Limit::DailyCap) => true,
        StopReason::Usage
        | StopReason::Limit(Limit::Credits | Limit::Withdrawals | Limit::Duration)
        | StopReason::Signal(_) => false,
    }
}
