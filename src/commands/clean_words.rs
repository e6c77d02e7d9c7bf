//! What `clean` says of a list before anybody on it is withdrawn: how many go and how many stay, and who.

use std::path::Path;

use super::fetch::{Fetched, NAMES};
use super::job::Job;
use super::plan::Plan;
use crate::config::{Layers, Settings};
use crate::listing::{Listed, SelectionCounts, oldest_and_newest};
use crate::policy::visible;
use crate::report::plural;

/// What was listed, and who of it goes, as a table for people.
pub(super) fn listed(job: &Job<'_>, selected: &[Listed], fetched: &Fetched) -> String {
    let counts = fetched.counts;
    let sum = job.sinks.totals.list.unwrap_or_default();
    let (going, pending) = (selected.len(), sum.invitations);
    let mut out = format!("{:<22}{sum}, for {}\n", "fetched", sum.cost_words());
    out.push_str(&format!(
        "{pending} pending: {going} to withdraw, {} to stay\n",
        pending.saturating_sub(going as u64)
    ));
    for (what, count) in staying(counts, job.settings).into_iter().filter(|(_, count)| *count > 0) {
        out.push_str(&format!("  {what:<20}{count}\n"));
    }
    if let Some((oldest, newest)) = oldest_and_newest(selected) {
        out.push_str(&format!("{:<22}{}\n", "oldest", with_age(oldest)));
        out.push_str(&format!("{:<22}{}\n", "newest", with_age(newest)));
        out.push_str(&format!("{:<22}{}\n", "names", names(selected, going as u64)));
    }
    if counts.kept > 0 {
        out.push_str(&format!("{:<22}{}\n", "kept", names(&fetched.kept, counts.kept)));
    }
    out
}

/// The first names of this many people.
fn names(first: &[Listed], all: u64) -> String {
    let names: Vec<_> = first.iter().take(NAMES).map(name).collect();
    match all.saturating_sub(names.len() as u64) {
        0 => names.join("; "),
        more => format!("{} and {more} more", names.join("; ")),
    }
}

/// Why the others stay.
fn staying(counts: SelectionCounts, settings: &Settings) -> [(&'static str, u64); 9] {
    let by_age = if settings.which.newer_than.is_some() { "outside age limits" } else { "too recent" };
    [
        ("on the --keep list", counts.kept),
        ("perhaps kept", counts.might_be_kept),
        ("not matching", counts.other_text),
        ("with a note", counts.has_note),
        ("perhaps with a note", counts.note_unknown),
        (by_age, counts.other_age),
        ("age unknown", counts.age_unknown),
        ("too recent by ID", counts.younger_by_id),
        ("under --max-pending", counts.left),
    ]
}

/// The same for the log: how many go and how many stay, and why.
pub(super) fn in_a_line(pending: u64, going: u64, counts: SelectionCounts, settings: &Settings) -> String {
    let why: Vec<_> = staying(counts, settings).into_iter().filter(|(_, count)| *count > 0).collect();
    let why: Vec<_> = why.iter().map(|(what, count)| format!("{count} {what}")).collect();
    let why = if why.is_empty() { String::new() } else { format!(" ({})", why.join(", ")) };
    format!("{pending} pending: {going} to withdraw, {} to stay{why}", pending.saturating_sub(going))
}

/// That nobody on the list is to go.
pub(super) fn nothing(pending: u64, counts: SelectionCounts, settings: &Settings) -> String {
    let too_young = counts.other_age + counts.younger_by_id;
    let why = match pending {
        0 => "no invitation is pending".to_owned(),
        _ if too_young == pending && settings.which.newer_than.is_none() => {
            format!("none of the {pending} pending is old enough")
        }
        _ => format!("none of the {pending} pending is to go"),
    };
    format!("Nothing to withdraw: {why}.")
}

/// What was listed, and what follows.
pub(super) fn with_plan(listed: &str, plan: &Plan, nothing: &str, settings: &Settings) -> String {
    let plan = match plan.rows() {
        0 => format!("{nothing}\n"),
        _ => plan.table(settings),
    };
    format!("{listed}{plan}")
}

/// How the written list is carried out.
pub(super) fn to_carry_out(path: &Path, settings: &Settings, layers: &Layers) -> String {
    let command = match settings.is_rehearsal() {
        true => "nothing: this was only a rehearsal (--sandbox)".to_owned(),
        false => layers.run_of(path),
    };
    format!("{:<22}{command}\n", "to withdraw these")
}

fn with_age(listed: &Listed) -> String {
    let age = listed.age_days().map(|days| format!(", at least {} old", plural(days.into(), "day")));
    let day = listed.sent_on().map(|day| format!(", sent about {day}"));
    format!("{}{}{}", name(listed), age.unwrap_or_default(), day.unwrap_or_default())
}

/// The person's, or what else tells who that is.
fn name(Listed { found, .. }: &Listed) -> String {
    let known = [found.name.as_str(), found.profile_url.as_str(), found.id.as_str()];
    visible(known.into_iter().find(|text| !text.trim().is_empty()).unwrap_or_default())
}
