//! What it cost and why.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::chart::{Bar, Part, bars};
use super::frame::{figure, section, text};
use super::observed::{Observed, Result, Spent};
use super::people::time;
use crate::ledger::RunLine;
use crate::policy::Cost;
use crate::report::{Summary, human_duration, plural};

impl Result {
    const ALL: [Self; 8] = [
        Self::Page,
        Self::Confirmed,
        Self::NotPending,
        Self::Lost,
        Self::Refused,
        Self::OtherAnswer,
        Self::OwnError,
        Self::NotSent,
    ];

    const fn words(self) -> &'static str {
        match self {
            Self::Page => "Pages of the list",
            Self::Confirmed => "Confirmed withdrawals",
            Self::NotPending => "No longer pending",
            Self::Lost => "Lost or unclear answers",
            Self::Refused => "Refused by the rate limit",
            Self::OtherAnswer => "Other answers",
            Self::OwnError => "The API's own errors",
            Self::NotSent => "Never sent",
        }
    }
}

/// What was surely charged, and the most that it can be.
pub(super) fn credits(Cost { charged, possible }: Cost) -> String {
    match possible {
        1 if charged == 1 => "1 credit".to_owned(),
        _ if charged == possible => format!("{charged} credits"),
        _ => format!("{charged} to {possible} credits"),
    }
}

pub(super) fn cost(observed: &Observed, summary: &Summary, runs: &[RunLine]) -> Markup {
    let run = &summary.totals.run;
    let free = observed.spent.values().map(|spent| spent.free).sum();
    let repeated = match run.repeated {
        0 => String::new(),
        repeated => format!(", {repeated} of them repeated"),
    };
    let certain = certain(run.cost, run.calls, free, summary.facts.api);
    section(
        "cost",
        "What it cost",
        html! {
            p { "This run cost " strong { (credits(run.cost)) } " for " (plural(run.calls, "call")) (repeated) ". " (certain) }
            @if run.calls > 0 { (by_result(observed)) }
            @if accounts(observed).len() > 1 { (by_account(observed)) }
            @if !runs.is_empty() { (last_runs(runs)) }
        },
    )
}

/// How far the figure can be relied on, and why. `free`: calls that cost nothing for certain.
fn certain(cost: Cost, calls: u64, free: u64, api: Option<&str>) -> String {
    let free_words = match free {
        0 => String::new(),
        1 => " 1 call cost nothing for certain.".to_owned(),
        _ => format!(" {free} calls cost nothing for certain."),
    };
    let why = match cost {
        _ if calls == 0 => return String::new(),
        Cost { charged: 0, possible: 0 } => return "Nothing was charged: that is certain.".to_owned(),
        Cost { charged, possible } if charged == possible => "That is certain.",
        _ if api == Some("v2") => "The higher figure counts calls whose answer was lost, or did not say what it cost.",
        _ => {
            "The higher figure counts calls for which the API may have charged: those that it refused or answered without \
             a withdrawal, and those whose answer was lost. Its own errors (HTTP 500) cost nothing."
        }
    };
    format!("{why}{free_words}")
}

const LEGEND: [(Part, &str); 2] = [(Part::Main, "charged"), (Part::Pale, "possible beyond that")];

fn parts(cost: Cost) -> Vec<(Part, u64)> {
    vec![(Part::Main, cost.charged), (Part::Pale, cost.possible.saturating_sub(cost.charged))]
}

fn bar(label: &str, cost: Cost) -> Bar {
    Bar { label: label.to_owned(), parts: parts(cost), value: range(cost), rule: None }
}

fn range(Cost { charged, possible }: Cost) -> String {
    if charged == possible { charged.to_string() } else { format!("{charged} to {possible}") }
}

fn by_result(observed: &Observed) -> Markup {
    let of = |result| sum(observed.spent.iter().filter(|((_, other), _)| *other == result).map(|(_, spent)| *spent));
    let rows = Result::ALL.map(|result| (result.words(), of(result)));
    let rows: Vec<_> = rows.into_iter().filter(|(_, spent)| spent.calls > 0).collect();
    let dearest = rows.iter().max_by_key(|(_, spent)| spent.cost.possible);
    let said = dearest.map_or_else(
        || "No call was made.".to_owned(),
        |(words, spent)| format!("Credits by what the calls came to; most went to: {words} ({}).", credits(spent.cost)),
    );
    let chart = bars(&rows.iter().map(|(words, spent)| bar(words, spent.cost)).collect::<Vec<_>>(), &LEGEND);
    let rows = rows.iter().map(|(words, spent)| ((*words).to_owned(), *spent)).collect::<Vec<_>>();
    figure(&said, None, chart, table("Result", &rows))
}

fn accounts(observed: &Observed) -> Vec<(String, Spent)> {
    let mut accounts: BTreeMap<&str, Vec<Spent>> = BTreeMap::new();
    for ((account, _), spent) in &observed.spent {
        accounts.entry(account.as_str()).or_default().push(*spent);
    }
    accounts.into_iter().map(|(name, spent)| (name.to_owned(), sum(spent.into_iter()))).collect()
}

fn by_account(observed: &Observed) -> Markup {
    let rows = accounts(observed);
    let said = format!("Credits by account: {} accounts made calls.", rows.len());
    let chart = bars(&rows.iter().map(|(name, spent)| bar(name, spent.cost)).collect::<Vec<_>>(), &LEGEND);
    figure(&said, None, chart, table("Account", &rows))
}

fn table(first: &str, rows: &[(String, Spent)]) -> Markup {
    html! {
        table {
            thead { tr {
                th scope="col" { (first) }
                th.number scope="col" { "Calls" }
                th.number scope="col" { "Charged" }
                th.number scope="col" { "Possible" }
            } }
            tbody { @for (name, spent) in rows { tr {
                th scope="row" { (text(name)) }
                td.number { (spent.calls) }
                td.number { (spent.cost.charged) }
                td.number { (spent.cost.possible) }
            } } }
        }
    }
}

fn sum(all: impl Iterator<Item = Spent>) -> Spent {
    all.fold(Spent::default(), |mut sum, spent| {
        sum.calls += spent.calls;
        sum.free += spent.free;
        sum.cost += spent.cost;
        sum
    })
}

/// The last runs of the ledger, with what each cost.
pub(super) fn last_runs(runs: &[RunLine]) -> Markup {
    let said = format!("The last {} in the ledger, the newest last: what each cost.", count(runs.len()));
    let label = |run: &RunLine| format!("{} {}", run.started_at.strftime("%m-%d %H:%M"), run.command);
    let chart = bars(&runs.iter().map(|run| bar(&label(run), run.cost)).collect::<Vec<_>>(), &LEGEND);
    let table = html! {
        table {
            thead { tr {
                th scope="col" { "Began (UTC)" }
                th scope="col" { "Command" }
                th.number scope="col" { "With­drawn" }
                th.number scope="col" { "Credits" }
                th.number scope="col" { "Time" }
            } }
            tbody { @for run in runs { tr {
                th.moment scope="row" { @for part in time(run.started_at).split(' ') { span { (part) } " " } }
                td { (text(&run.command)) }
                td.number { (run.withdrawn) }
                td.number { (range(run.cost)) }
                td.number { (lasted(run)) }
            } } }
        }
    };
    figure(&said, None, chart, table)
}

fn count(runs: usize) -> String {
    if runs == 1 { "run".to_owned() } else { format!("{runs} runs") }
}

/// Until the last call, since the ledger knows no later moment.
fn lasted(run: &RunLine) -> String {
    let lasted = run.last_call_at.map(|end| end.duration_since(run.started_at));
    lasted.and_then(|time| time.try_into().ok()).map_or_else(String::new, human_duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_the_bill_can_be_relied_on() {
        let cases = [
            ((0, 0), 0, 0, Some("v1"), ""),
            ((0, 0), 52, 52, Some("v1"), "Nothing was charged: that is certain."),
            ((7, 7), 7, 0, Some("v1"), "That is certain."),
            ((7, 7), 9, 2, Some("v2"), "That is certain. 2 calls cost nothing for certain."),
            ((7, 9), 10, 1, Some("v1"), "may have charged: those that it refused"),
            ((7, 9), 10, 1, Some("v1"), "(HTTP 500) cost nothing. 1 call cost nothing for certain."),
            ((7, 9), 9, 0, Some("v2"), "did not say what it cost."),
        ];
        for ((charged, possible), calls, free, api, expected) in cases {
            let said = certain(Cost { charged, possible }, calls, free, api);
            assert!(said == expected || !expected.is_empty() && said.contains(expected), "{said}");
        }
    }
}
