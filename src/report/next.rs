//! What to do after a command that has ended.

use super::{Summary, Totals, plural};
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
        if let Some(raise) = to_raise(summary, stop.reason) {
            return (raise, false);
        }
        let left = match summary.totals.left {
            0 => String::new(),
            left if summary.input_complete => format!(" for the {} left", plural(left, "row")),
            left => format!(" for the {} left, and those that were not read", plural(left, "row")),
        };
        let first = if stop.reason == StopReason::TooManyFailures {
            "once the cause is mended,"
        } else if is_mended_first(stop.reason) {
            "after that,"
        } else {
            "to go on,"
        };
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
    let of_old_list = summary.totals.not_listed;
    match (retried, invalid) {
        (0, 0) if !summary.input_complete => {
            let what =
                if summary.totals.list.is_some() { "list is not whole" } else { "input was not read to its end" };
            (format!("the {what}: run the same command again"), true)
        }
        (0, 0) => (NOTHING.to_owned(), false),
        (0, _) => (format!("{} run the same command again; {going_on}", correct()), true),
        // For an hour the list that was fetched answers again.
        (_, 0) if of_old_list == retried => (
            format!("run the same command again with --recheck to fetch the list anew for {}", plural(retried, "row")),
            false,
        ),
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

/// Which limit is to be raised first: with it the same command would never get on.
fn to_raise(summary: &Summary, stop: StopReason) -> Option<String> {
    let Totals { list, run, .. } = &summary.totals;
    let took_all = list.is_some_and(|list| list.cost == run.cost && list.cost.possible > 0);
    if stop.is_limit() && summary.facts.allows_none {
        return Some("raise the limit: with 0 the same command never withdraws anything".to_owned());
    }
    let ends_there = stop == StopReason::Limit(Limit::Credits) && took_all;
    let has_list = matches!(summary.facts.command, "clean" | "verify");
    (ends_there && has_list).then(|| "raise --max-credits, which the list alone uses up".to_owned())
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
