//! What a command that went wrong says last: the causes, why it stopped, and how to go on.

use super::Summary;
use super::causes::Kind;
use super::next::{NOTHING, next};
use crate::exit;
use crate::outcome::Outcome;
use crate::stop::StopReason;

/// Causes that are named.
const MOST: usize = 5;

/// Each line with what it is about; none where all went well.
pub(crate) fn last_lines(summary: &Summary) -> Vec<(&'static str, String)> {
    let Summary { totals, stop, stopped_accounts, facts, exit_code, .. } = summary;
    let mut lines = Vec::new();
    let stops: Vec<_> = stop.iter().chain(stopped_accounts.values()).map(ToString::to_string).collect();
    // The stop's own words have it already.
    let is_limited = stop.as_ref().is_some_and(|stop| stop.reason == StopReason::PatienceExhausted);
    let is_wanted = |kind| match kind {
        Kind::RateLimited => !is_limited,
        Kind::Invalid => !facts.are_invalid_shown,
        Kind::Other => true,
    };
    let causes = totals.causes.by_count(is_wanted).into_iter();
    let causes: Vec<_> = causes.filter(|(cause, _)| !stops.iter().any(|stop| stop.contains(cause))).collect();
    lines.extend(causes.iter().take(MOST).map(|(cause, count)| ("cause", format!("{count} × {cause}"))));
    if causes.len() > MOST {
        lines.push(("cause", format!("and {} more", causes.len() - MOST)));
    }
    let invalid = totals.run.rows.of(Outcome::Invalid);
    if facts.are_invalid_shown && invalid > 0 {
        lines.push(("cause", format!("{invalid} × invalid, as the plan above says")));
    }
    // What stopped all of them is said last.
    for (account, cause) in stopped_accounts.iter().filter(|(_, cause)| stop.as_ref() != Some(*cause)) {
        lines.push(("stopped", format!("account {account}: {cause}")));
    }
    lines.extend(stop.iter().map(|stop| ("stopped", stop.to_string())));
    if *exit_code != exit::FINE || stop.is_some() {
        let (words, again) = next(summary);
        lines.extend((words != NOTHING).then_some(("next", words)));
        lines.extend(facts.again.clone().filter(|_| again).map(|command| ("", command)));
    }
    lines
}
