//! The ledger's history as a page: what was withdrawn and what it cost, by day and account, and who can be invited again.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use maud::{Markup, html};

use super::chart::{Bar, Part, bars};
use super::cost::{credits, last_runs};
use super::frame::{document, figure, linked, section, text};
use super::observed::MOST_PEOPLE;
use super::people::time;
use crate::ledger::{DayLine, Reinvitable, RunLine};
use crate::policy::Cost;
use crate::report::plural;

/// Days that a chart shows, the newest.
const MOST_DAYS: usize = 60;

/// `next`: the day from which somebody else can be invited again.
pub(crate) fn history_page(
    now: Timestamp,
    ledger: &str,
    days: &[DayLine],
    runs: &[RunLine],
    people: &[Reinvitable],
    next: Option<Date>,
) -> String {
    let sections = [
        ("overview", "Overview"),
        ("days", "Days"),
        ("accounts", "Accounts"),
        ("runs", "Runs"),
        ("reinvitable", "Invite again"),
    ];
    let header = html! {
        h1 { "bulk-withdraw history" }
        p.facts { (time(now)) " UTC · ledger " (text(ledger)) }
    };
    let withdrawn: u64 = days.iter().map(|line| line.withdrawn).sum();
    let cost = sum(days);
    let body = html! {
        section.verdict id="overview" aria-labelledby="overview-title" {
            h2 id="overview-title" { (plural(withdrawn, "invitation")) " withdrawn, for " (credits(cost)) }
            p {
                @match (days.first(), days.last()) {
                    (Some(first), Some(last)) if first.day == last.day => { "On " (first.day) ". " }
                    (Some(first), Some(last)) => { "From " (first.day) " to " (last.day) ". " }
                    _ => { "The ledger has no calls of that time. " }
                }
                (again(people.len(), next))
            }
        }
        @if !days.is_empty() { (by_day(days)) (by_account(days)) }
        @if !runs.is_empty() { (section("runs", "The last runs", last_runs(runs))) }
        (reinvitable(people, next))
    };
    let shown: Vec<_> = sections
        .into_iter()
        .filter(|(id, _)| match *id {
            "days" | "accounts" => !days.is_empty(),
            "runs" => !runs.is_empty(),
            _ => true,
        })
        .collect();
    document("bulk-withdraw history", &shown, header, body)
}

/// Who can be invited again, and from when.
fn again(people: usize, next: Option<Date>) -> String {
    let now = match people {
        0 => "Nobody can be invited again yet.".to_owned(),
        1 => "1 person can be invited again.".to_owned(),
        _ => format!("{people} people can be invited again."),
    };
    next.map_or(now.clone(), |day| format!("{now} The next can be from {day} on."))
}

fn sum<'a>(lines: impl IntoIterator<Item = &'a DayLine>) -> Cost {
    lines.into_iter().fold(Cost::default(), |mut sum, line| {
        sum += line.cost;
        sum
    })
}

/// Sums of several lines.
#[derive(Clone, Copy, Default)]
struct Sums {
    withdrawn: u64,
    not_pending: u64,
    failed: u64,
    cost: Cost,
}

fn by<'a, K: Ord>(days: &'a [DayLine], key: impl Fn(&'a DayLine) -> K) -> Vec<(K, Sums)> {
    let mut sums: BTreeMap<K, Sums> = BTreeMap::new();
    for line in days {
        let sum = sums.entry(key(line)).or_default();
        sum.withdrawn += line.withdrawn;
        sum.not_pending += line.not_pending;
        sum.failed += line.failed;
        sum.cost += line.cost;
    }
    sums.into_iter().collect()
}

fn by_day(days: &[DayLine]) -> Markup {
    let mut rows: Vec<_> = by(days, |line| line.day).into_iter().map(|(day, sums)| (day.to_string(), sums)).collect();
    let older = rows.len().saturating_sub(MOST_DAYS);
    rows.drain(..older);
    let said = match older {
        0 => format!("Withdrawals by day, {}.", plural(rows.len() as u64, "day")),
        _ => format!("Withdrawals by day, the last {MOST_DAYS} days with calls."),
    };
    section("days", "By day", figure(&said, None, chart(&rows), table("Day", &rows)))
}

fn by_account(days: &[DayLine]) -> Markup {
    let name = |line: &DayLine| format!("{} ({})", line.account, line.api.trim_start_matches("https://"));
    let rows = by(days, name);
    let said = format!("Withdrawals by account, {}.", plural(rows.len() as u64, "account"));
    section("accounts", "By account", figure(&said, None, chart(&rows), table("Account", &rows)))
}

fn chart(rows: &[(String, Sums)]) -> Markup {
    let bar = |(label, sums): &(String, Sums)| Bar {
        label: label.clone(),
        parts: vec![(Part::Main, sums.withdrawn), (Part::Pale, sums.not_pending), (Part::Refused, sums.failed)],
        value: sums.withdrawn.to_string(),
        rule: None,
    };
    let legend = [(Part::Main, "withdrawn"), (Part::Pale, "no longer pending"), (Part::Refused, "not settled")];
    bars(&rows.iter().map(bar).collect::<Vec<_>>(), &legend)
}

fn table(first: &str, rows: &[(String, Sums)]) -> Markup {
    let is_day = first == "Day";
    html! {
        table {
            thead { tr {
                th scope="col" { (first) }
                th.number scope="col" { "With­drawn" }
                th.number scope="col" { "Not pending" }
                th.number scope="col" { "Not settled" }
                th.number scope="col" { "Credits" }
            } }
            tbody { @for (label, sums) in rows { tr {
                @if is_day { th.day scope="row" { (label) } } @else { th scope="row" { (text(label)) } }
                td.number { (sums.withdrawn) }
                td.number { (sums.not_pending) }
                td.number { (sums.failed) }
                td.number {
                    (sums.cost.charged)
                    @if sums.cost.possible > sums.cost.charged { " to " (sums.cost.possible) }
                }
            } } }
        }
    }
}

fn reinvitable(people: &[Reinvitable], next: Option<Date>) -> Markup {
    let more = people.len().saturating_sub(MOST_PEOPLE);
    section(
        "reinvitable",
        "Who can be invited again",
        html! {
            @if people.is_empty() {
                p { (again(0, next)) " That takes 21 days from a withdrawal." }
            } @else {
                table.people {
                    thead { tr { th scope="col" { "Person" } th scope="col" { "Account" } th.number scope="col" { "Since" } } }
                    tbody { @for person in people.iter().take(MOST_PEOPLE) { tr {
                        td {
                            @if person.name.is_empty() && person.profile_url.is_empty() { (text(&person.invitation_id)) }
                            @else { (linked(&person.name, &person.profile_url)) }
                        }
                        td { (text(person.account.as_str())) }
                        td.number { (person.reinvite_on) }
                    } } }
                }
                @if more > 0 { p.more { "and " (more) " more: see " code { "bulk-withdraw history --reinvitable" } } }
            }
        },
    )
}
