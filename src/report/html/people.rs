//! Who was withdrawn, who was kept and why, who needs a person, who is pending.

use std::collections::BTreeSet;

use jiff::Timestamp;
use maud::{Markup, html};

use super::first::First;
use super::frame::{linked, section, text};
use super::observed::{MOST_PEOPLE, Observed};
use super::outcomes::next_of;
use super::person::Person;
use crate::outcome::Outcome;
use crate::report::groups::Groups;
use crate::report::{Summary, plural};

pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

/// What a table of people shows beside the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shown {
    age: bool,
    reinvite: bool,
    account: bool,
}

/// `report`: the name of the file that has all of them.
pub(super) fn withdrawn(observed: &Observed, report: Option<&str>) -> Markup {
    let First { people, count } = &observed.withdrawn;
    section(
        "withdrawn",
        "Who was withdrawn",
        html! {
            @if *count == 0 {
                p { "Nobody." }
            } @else {
                p { (plural(*count, "invitation")) " withdrawn. From the day in the last column on, the person can be invited again." }
                (table(people, true))
                (more(&observed.withdrawn, report))
            }
        },
    )
}

pub(super) fn pending(first: &First<MOST_PEOPLE>, report: Option<&str>) -> Markup {
    section(
        "pending",
        "Who is pending",
        html! {
            @if first.count == 0 {
                p { "Nobody, by these filters." }
            } @else {
                p { (plural(first.count, "invitation")) ", as the list shows them." }
                (table(&first.people, false))
                (more(first, report))
            }
        },
    )
}

fn more<const MOST: usize>(first: &First<MOST>, report: Option<&str>) -> Markup {
    html! {
        @if first.more() > 0 {
            p.more { "and " (first.more()) " more" @if let Some(report) = report { ": see " (text(report)) } }
        }
    }
}

/// People in sight; the others are folded.
const IN_SIGHT: usize = 25;

/// A table of people. Columns that would say nothing are left out.
fn table(people: &[Person], has_reinvite: bool) -> Markup {
    let accounts: BTreeSet<_> = people.iter().map(|person| &person.account).collect();
    let shown = Shown {
        age: people.iter().any(|person| person.age_days.is_some()),
        reinvite: has_reinvite,
        account: accounts.len() > 1,
    };
    let (in_sight, folded) = people.split_at(people.len().min(IN_SIGHT));
    html! {
        (part(in_sight, shown))
        @if !folded.is_empty() {
            details { summary { "Show " (plural(folded.len() as u64, "more invitation")) } (part(folded, shown)) }
        }
    }
}

fn part(people: &[Person], shown: Shown) -> Markup {
    html! {
        table.people {
            thead { tr {
                th scope="col" { "Person" }
                @if shown.account { th scope="col" { "Account" } }
                @if shown.age { th.number scope="col" { "Age" } }
                @if shown.reinvite { th.number scope="col" { "Invite again" } }
            } }
            tbody { @for person in people { (row(person, shown)) } }
        }
    }
}

fn row(person: &Person, shown: Shown) -> Markup {
    html! {
        tr {
            td { (who(person)) }
            @if shown.account { td { (text(&person.account)) } }
            @if shown.age { td.number { @if let Some(days) = person.age_days { (days) " d" } @else { "unknown" } } }
            @if shown.reinvite { td.number { @if let Some(day) = person.reinvite_on { (day.to_string()) } } }
        }
    }
}

/// The name with what finds the person: the profile, else the invitation.
fn who(person: &Person) -> Markup {
    let profile = person.profile_url.trim_start_matches("https://").trim_start_matches("www.");
    html! {
        @if person.name.is_empty() && person.profile_url.is_empty() {
            (text(if person.invitation_id.is_empty() { "(no ID)" } else { &person.invitation_id }))
        } @else {
            (linked(&person.name, &person.profile_url))
            @if !person.name.is_empty() {
                small { (text(if profile.is_empty() { &person.invitation_id } else { profile })) }
            }
        }
    }
}

pub(super) fn kept(observed: &Observed) -> Markup {
    let left_out = observed.backlog.as_ref().map(|backlog| &backlog.left_out);
    let all = left_out.into_iter().chain([&observed.kept]);
    let groups: Vec<_> = all.flat_map(|groups: &Groups<Option<Outcome>, First<20>>| &groups.0).collect();
    section(
        "kept",
        "Who was kept, and why",
        html! {
            @if groups.is_empty() {
                p { "Nobody: all that were asked for were called for." }
            }
            @for group in groups {
                div.group {
                    h3 { (plural(group.value.count, "invitation")) ": " (text(&group.reason)) }
                    @if let Some(outcome) = group.kind { p.outcome { code { (outcome.as_str()) } } }
                    (names(&group.value))
                }
            }
        },
    )
}

fn names(first: &First<20>) -> Markup {
    html! {
        ul.names {
            @for person in &first.people { li { (who(person)) } }
            @if first.more() > 0 { li.more { "and " (first.more()) " more" } }
        }
    }
}

/// What needs a person, by cause. What a limit of the user's or a stop left is told of, too.
pub(super) fn needs(observed: &Observed, summary: &Summary, report: Option<&str>) -> Markup {
    let groups = &observed.needs.0;
    let total = groups.iter().map(|group| group.value.count).sum();
    section(
        "needs",
        "What needs a person",
        html! {
            @if groups.is_empty() {
                p { "Nothing: every row is settled." }
            } @else {
                p {
                    (plural(total, "row")) ", by cause"
                    @if let Some(report) = report { "; each with its details is in " (text(report)) } "."
                }
            }
            @for group in groups {
                div.group {
                    h3 { (plural(group.value.count, "row")) ": " (text(if group.reason.is_empty() { "no reason given" } else { &group.reason })) }
                    p.outcome { code { (group.kind.as_str()) } " – " (next_of(group.kind)) }
                    (lines(&group.value))
                }
            }
            @if !summary.totals.unknown.is_empty() {
                div.group {
                    h3 { "Answers in words that this program does not know" }
                    ul.names { @for (words, count) in &summary.totals.unknown { li { (count) " × " (text(words)) } } }
                    p { "Please report these words; if one confirms a withdrawal, add it to " code { "success_messages" } "." }
                }
            }
        },
    )
}

fn lines(first: &First<20>) -> Markup {
    let place = |person: &Person| match person.line {
        Some(line) => format!("line {line}"),
        None => format!("row {}", person.row),
    };
    html! {
        ul.names {
            @for person in &first.people { li { strong { (place(person)) } " " (who(person)) } }
            @if first.more() > 0 { li.more { "and " (first.more()) " more" } }
        }
    }
}
