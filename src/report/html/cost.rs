//! What it cost and why.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::chart::{Bar, Part, bars};
use super::frame::{figure, section, text};
use super::observed::{Observed, Purpose, Spent};
use super::people::time;
use crate::ledger::RunLine;
use crate::policy::Cost;
use crate::report::{Summary, human_duration, plural};

impl Purpose {
    const ALL: [Self; 5] = [Self::List, Self::Withdrawal, Self::Retry, Self::Refusal, Self::Check];

    const fn words(self) -> &'static str {
        match self {
            Self::List => "Pages of the list",
            Self::Withdrawal => "Withdrawals, first call",
            Self::Retry => "Retries",
            Self::Refusal => "Refused by the rate limit",
            Self::Check => "Checks of the key",
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
    let of_run = summary.totals.run.cost;
    let certain = if of_run.charged == of_run.possible {
        "The API charged for each of them for certain."
    } else {
        "The higher figure counts every call that the API may have charged for: refused and failed ones, and those whose \
         answer was lost."
    };
    section(
        "cost",
        "What it cost",
        html! {
            p { "This run cost " strong { (credits(of_run)) } " for " (plural(summary.totals.run.calls, "call")) ". " (certain) }
            (by_purpose(observed))
            @if accounts(observed).len() > 1 { (by_account(observed)) }
            @if !runs.is_empty() { (last_runs(runs)) }
        },
    )
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

fn by_purpose(observed: &Observed) -> Markup {
    let of = |purpose| sum(observed.spent.iter().filter(|((_, other), _)| *other == purpose).map(|(_, spent)| *spent));
    let rows: Vec<_> = Purpose::ALL.map(|purpose| (purpose.words(), of(purpose))).into();
    let rows: Vec<_> = rows.into_iter().filter(|(_, spent)| spent.calls > 0).collect();
    let dearest = rows.iter().max_by_key(|(_, spent)| spent.cost.possible);
    let said = dearest.map_or_else(
        || "No call was made.".to_owned(),
        |(words, spent)| {
            format!("Credits by what the calls were for; most went to: {words} ({}).", credits(spent.cost))
        },
    );
    let chart = bars(&rows.iter().map(|(words, spent)| bar(words, spent.cost)).collect::<Vec<_>>(), &LEGEND);
    let rows = rows.iter().map(|(words, spent)| ((*words).to_owned(), *spent)).collect::<Vec<_>>();
    figure(&said, None, chart, table("What for", &rows))
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
                th.moment scope="row" { (time(run.started_at)) }
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
