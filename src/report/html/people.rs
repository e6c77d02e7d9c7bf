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
use crate::report::groups::{Group, OTHER};
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
    let has_presumed = people.iter().any(|person| person.is_presumed);
    section(
        "withdrawn",
        "Who was withdrawn",
        html! {
            @if *count == 0 {
                p { "Nobody." }
            } @else {
                p { (plural(*count, "invitation")) " withdrawn. From the day in the last column on, the person can be invited again." }
                @if has_presumed {
                    p { "Those marked " em { "presumed" } " had a lost answer, and a later one said that nothing is pending any more." }
                }
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
            td { (who(person)) @if person.is_presumed { small { em { "presumed" } } } }
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

/// What a list of people says of each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    place: bool,
    account: bool,
}

/// Those who need no withdrawal; `None` if there are none.
pub(super) fn settled(observed: &Observed, has_accounts: bool) -> Option<Markup> {
    let groups = by_rank(&observed.settled.0, |outcome| outcome as usize);
    let told = Told { place: false, account: has_accounts };
    (!groups.is_empty()).then(|| {
        section(
            "settled",
            "No longer pending, or settled earlier",
            html! { @for group in groups { (of_outcome(group, "invitation", told)) } },
        )
    })
}

/// Those who are kept, by the list of whom to keep or by the filters; `None` if there are none.
pub(super) fn kept(observed: &Observed, has_accounts: bool) -> Option<Markup> {
    let left_out = observed.backlog.iter().flat_map(|backlog| &backlog.left_out.0);
    let groups: Vec<_> = left_out.chain(&observed.kept.0).collect();
    let told = Told { place: false, account: has_accounts };
    (!groups.is_empty()).then(|| {
        section("kept", "Who was kept, and why", html! { @for group in groups { (plain(group, "invitation", told)) } })
    })
}

/// Those whom a stop or a limit left; `None` if there are none.
pub(super) fn untried(observed: &Observed, summary: &Summary, has_accounts: bool) -> Option<Markup> {
    let chosen = observed.backlog.as_ref().map(|backlog| &backlog.selected).filter(|first| first.count > 0);
    // The stop came before the first row.
    let unreached = chosen.filter(|_| summary.totals.run.rows.total() == 0);
    let told = Told { place: unreached.is_none(), account: has_accounts };
    (!observed.untried.0.is_empty() || unreached.is_some()).then(|| {
        section(
            "untried",
            "Not tried",
            html! {
                p { "Nothing was sent for these. The next run tries them." }
                @if let Some(unreached) = unreached {
                    div.group {
                        h3 { (plural(unreached.count, "invitation")) ": chosen, but not reached" }
                        (names(&unreached.people[..unreached.people.len().min(20)], unreached.count, None, told))
                    }
                }
                @for group in &observed.untried.0 { (plain(group, "row", told)) }
            },
        )
    })
}

/// What needs a person, the gravest first.
pub(super) fn needs(observed: &Observed, summary: &Summary, report: Option<&str>, has_accounts: bool) -> Markup {
    let groups = by_rank(&observed.needs.0, rank);
    let total: u64 = groups.iter().map(|group| group.value.count).sum();
    let told = Told { place: true, account: has_accounts };
    let is_settled = summary.input_complete && observed.untried.0.is_empty() && summary.stop.is_none();
    section(
        "needs",
        "What needs a person",
        html! {
            @if groups.is_empty() {
                p { @if is_settled { "Nothing: every row is settled." } @else { "Nothing among the rows that were tried." } }
            } @else {
                p {
                    (plural(total, "row")) ", by cause"
                    @if let Some(report) = report { "; each with its details is in " (text(report)) } "."
                }
            }
            @for group in groups { (of_outcome(group, "row", told)) }
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

/// Who must look first, and what only wants another run last.
const fn rank(outcome: Outcome) -> usize {
    match outcome {
        Outcome::Unconfirmed => 0,
        Outcome::Rejected => 1,
        Outcome::NotFound => 2,
        Outcome::Invalid => 3,
        Outcome::Failed => 4,
        Outcome::RateLimited => 5,
        Outcome::Withdrawn
        | Outcome::PresumedWithdrawn
        | Outcome::AlreadySettled
        | Outcome::Duplicate
        | Outcome::NotPending
        | Outcome::NotAttempted => 6,
    }
}

/// By rank, and the largest of each rank first.
fn by_rank(groups: &[PeopleGroup<Outcome>], rank: fn(Outcome) -> usize) -> Vec<&PeopleGroup<Outcome>> {
    let mut groups: Vec<_> = groups.iter().collect();
    groups.sort_by_key(|group| (rank(group.kind), std::cmp::Reverse(group.value.count)));
    groups
}

type PeopleGroup<K> = Group<K, First<20>>;

fn of_outcome(group: &PeopleGroup<Outcome>, noun: &str, told: Told) -> Markup {
    let outcome = html! { p.outcome { code { (group.kind.as_str()) } " – " (next_of(group.kind)) } };
    named(&group.reason, &group.value, noun, told, outcome)
}

fn plain(group: &PeopleGroup<()>, noun: &str, told: Told) -> Markup {
    named(&group.reason, &group.value, noun, told, html! {})
}

fn named(reason: &str, first: &First<20>, noun: &str, told: Told, outcome: Markup) -> Markup {
    let shown = if reason.is_empty() { "no reason given" } else { reason };
    html! {
        div.group {
            h3 { (plural(first.count, noun)) ": " (text(shown)) }
            (outcome)
            (names(&first.people, first.count, Some(reason), told))
        }
    }
}

/// `reason`: what was said of all of them; what a row's own reason says beyond that is added.
fn names(people: &[Person], count: u64, reason: Option<&str>, told: Told) -> Markup {
    let mut people: Vec<_> = people.iter().collect();
    people.sort_by_key(|person| (&person.account, person.row));
    let more = count - people.len() as u64;
    let own = |person: &Person| {
        reason.is_some_and(|reason| reason == OTHER || reason.contains('…') && person.detail != reason)
    };
    html! {
        ul.names {
            @for person in people {
                li {
                    @if told.place { strong { (place(person)) } " " }
                    (who(person))
                    @if told.account && !person.account.is_empty() { small { "account " (text(&person.account)) } }
                    @if let Some(day) = person.reinvite_on { small { "can be invited again from " (day) } }
                    @if own(person) { small { (text(&person.detail)) } }
                }
            }
            @if more > 0 { li.more { "and " (more) " more" } }
        }
    }
}

fn place(person: &Person) -> String {
    match person.line {
        Some(line) => format!("line {line}"),
        None => format!("row {}", person.row),
    }
}
