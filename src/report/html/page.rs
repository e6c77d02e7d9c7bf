//! The page of a run or a list.

use maud::{Markup, html};

use super::calls::calls;
use super::cost::cost;
use super::frame::{document, section, text};
use super::observed::Observed;
use super::outcomes::outcomes;
use super::people::{kept, needs, pending, withdrawn};
use super::verdict::verdict;
use crate::ledger::RunLine;
use crate::report::{Summary, human_duration};

/// What a page says beside events and sums.
#[derive(Clone, Debug)]
pub(crate) struct PageFacts<'a> {
    /// Name, value and origin of each; secrets are masked.
    pub(crate) settings: &'a [[String; 3]],
    pub(crate) is_rehearsal: bool,
    /// Where the report's or the list's lines are.
    pub(crate) report: Option<&'a str>,
    /// The last ones in the ledger, the newest last.
    pub(crate) runs: &'a [RunLine],
}

/// A run or a list that has ended, as a page.
pub(crate) fn page(summary: &Summary, observed: Observed, facts: &PageFacts<'_>) -> String {
    let mut observed = observed;
    observed.timeline.end(summary.finished_at);
    let is_list = summary.facts.command == "list";
    let backlog = observed.backlog.as_ref();
    let mut sections = vec![("verdict", "What happened")];
    match is_list {
        true => sections.extend([("pending", "Pending"), ("kept", "Left out")]),
        false => sections.extend([("withdrawn", "Withdrawn"), ("kept", "Kept"), ("needs", "Needs a person")]),
    }
    sections.push(("cost", "Cost"));
    sections.extend(backlog.map(|_| ("backlog", "Backlog")));
    sections.extend([("calls", "Calls"), ("settings", "Settings")]);
    sections.extend((!is_list).then_some(("outcomes", "Outcomes")));
    let body = html! {
        (verdict(summary, facts.report))
        @if is_list {
            @if let Some(backlog) = backlog { (pending(&backlog.selected, facts.report)) }
            (kept(&observed))
        } @else {
            (withdrawn(&observed, facts.report))
            (kept(&observed))
            (needs(&observed, summary, facts.report))
        }
        (cost(&observed, summary, facts.runs))
        @if let Some(backlog) = backlog { (backlog.section((!is_list).then_some(&observed.gone))) }
        (calls(&observed, summary, facts.settings))
        (settings(facts.settings))
        @if !is_list { (outcomes(&summary.totals.run.rows)) }
    };
    let title = format!("bulk-withdraw {}, {}", summary.facts.command, summary.facts.started_at.strftime("%Y-%m-%d"));
    document(&title, &sections, header(summary, facts), body)
}

fn header(summary: &Summary, facts: &PageFacts<'_>) -> Markup {
    let began = summary.facts.started_at.strftime("%Y-%m-%d %H:%M:%S");
    let lasted = std::time::Duration::from_secs_f64(summary.elapsed_s().max(0.0));
    html! {
        h1 { "bulk-withdraw " (summary.facts.command) }
        p.facts {
            (began.to_string()) " UTC · " (human_duration(lasted))
            @if let Some(api) = summary.facts.api { " · API " (api) } " · run "
            (text(&summary.facts.run_id))
        }
        @if facts.is_rehearsal { p.rehearsal { strong { "A rehearsal" } " against the simulated API: nothing real was withdrawn or paid." } }
    }
}

pub(super) fn settings(settings: &[[String; 3]]) -> Markup {
    section(
        "settings",
        "Settings",
        html! {
            p { "Each setting with where it came from; secrets are masked." }
            table.settings {
                thead { tr { th scope="col" { "Setting" } th scope="col" { "Value" } th scope="col" { "From" } } }
                tbody { @for [name, value, origin] in settings { tr {
                    th scope="row" { code { (text(name)) } }
                    td { (text(value)) }
                    td { (text(origin)) }
                } } }
            }
        },
    )
}
