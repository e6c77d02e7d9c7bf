//! The page of a run or a list.

use maud::{Markup, html};

use super::backlog::Backlog;
use super::calls::calls;
use super::cost::cost;
use super::frame::{document, section, text};
use super::observed::Observed;
use super::outcomes::outcomes;
use super::people::{kept, needs, pending, settled, untried, withdrawn};
use super::verdict::{Seen, verdict};
use crate::ledger::RunLine;
use crate::report::{Summary, human_duration, plural};

/// What a page says beside events and sums.
#[derive(Clone, Debug, Default)]
pub(crate) struct PageFacts {
    /// Name, value and origin of each; secrets are masked.
    pub(crate) settings: Vec<[String; 3]>,
    pub(crate) is_rehearsal: bool,
    /// Input and filters.
    pub(crate) asked: Vec<String>,
    /// Where the report's or the list's lines are.
    pub(crate) report: Option<String>,
    /// The last ones in the ledger, the newest last.
    pub(crate) runs: Vec<RunLine>,
}

/// A run or a list that has ended, as a page.
pub(crate) fn page(summary: &Summary, observed: Observed, facts: &PageFacts) -> String {
    let mut observed = observed;
    observed.timeline.end(summary.finished_at);
    let is_list = summary.facts.command == "list";
    let backlog = observed.backlog.as_ref();
    let is_whole = backlog.map_or(summary.input_complete, Backlog::is_whole);
    let selected = backlog.map(|backlog| backlog.selected.count);
    let report = facts.report.as_deref();
    let has_accounts = summary.totals.accounts.len() > 1;
    let kept_title = if is_list { "Left out" } else { "Kept" };
    let kept = kept(&observed, has_accounts).map(|kept| ("kept", kept_title, kept));
    let mut sections = vec![("verdict", "What happened", verdict(summary, Seen { is_whole, selected }, facts))];
    if is_list {
        sections.extend(backlog.map(|backlog| ("pending", "Pending", pending(&backlog.selected, report))));
        sections.extend(kept);
    } else {
        sections.push(("withdrawn", "Withdrawn", withdrawn(&observed, report)));
        sections.extend(settled(&observed, has_accounts).map(|settled| ("settled", "Settled before", settled)));
        sections.extend(kept);
        sections.extend(untried(&observed, summary, has_accounts).map(|untried| ("untried", "Not tried", untried)));
        sections.push(("needs", "Needs a person", needs(&observed, summary, report, has_accounts)));
    }
    sections.push(("cost", "Cost", cost(&observed, summary, &facts.runs)));
    let gone = (!is_list).then_some(&observed.gone);
    sections.extend(backlog.map(|backlog| ("backlog", "Backlog", backlog.section(gone))));
    sections.push(("calls", "Calls", calls(&observed, summary, &facts.settings)));
    sections.push(("settings", "Settings", settings(&facts.settings)));
    if !is_list && summary.totals.run.rows.total() > 0 {
        sections.push(("outcomes", "Outcomes", outcomes(&summary.totals.run.rows)));
    }
    let links: Vec<_> = sections.iter().map(|(id, title, _)| (*id, *title)).collect();
    let body = html! { @for (.., section) in &sections { (section) } };
    let title = format!("bulk-withdraw {}, {}", summary.facts.command, summary.facts.started_at.strftime("%Y-%m-%d"));
    document(&title, &links, header(summary, facts), body)
}

/// A command that an error ended before anything else could be shown.
pub(crate) fn short_page(summary: &Summary, facts: &PageFacts) -> String {
    let title = format!("bulk-withdraw {}, {}", summary.facts.command, summary.facts.started_at.strftime("%Y-%m-%d"));
    document(&title, &[], header(summary, facts), verdict(summary, Seen { is_whole: true, selected: None }, facts))
}

fn header(summary: &Summary, facts: &PageFacts) -> Markup {
    let began = summary.facts.started_at.strftime("%Y-%m-%d %H:%M:%S");
    let lasted = std::time::Duration::from_secs_f64(summary.elapsed_s().max(0.0));
    html! {
        h1 { "bulk-withdraw " (summary.facts.command) }
        p.facts {
            (began.to_string()) " UTC · " (human_duration(lasted))
            @if let Some(api) = summary.facts.api { " · API " (api) } " · run "
            (text(&summary.facts.run_id))
        }
        @let share = summary.facts.share.map(|share| format!("share {share}"));
        @let asked: Vec<_> = facts.asked.iter().chain(&share).collect();
        @if !asked.is_empty() { p.facts { @for (at, words) in asked.iter().enumerate() { @if at > 0 { " · " } (text(words)) } } }
        @if facts.is_rehearsal { p.rehearsal { strong { "A rehearsal" } " against the simulated API: nothing real was withdrawn or paid." } }
    }
}

/// The origin of what nobody set.
const DEFAULT: &str = "default";

/// A path without directories: the page may be sent to others, for whom ours mean nothing.
fn local(text: &str) -> String {
    match text.strip_prefix('/').and_then(|path| path.rsplit('/').next()) {
        Some(name) => format!("…/{name}"),
        None => text.to_owned(),
    }
}

fn settings(settings: &[[String; 3]]) -> Markup {
    let (defaults, set): (Vec<_>, Vec<_>) = settings.iter().partition(|[.., origin]| origin == DEFAULT);
    section(
        "settings",
        "Settings",
        html! {
            p { "Each setting with where it came from; secrets are masked." }
            @if !set.is_empty() { (settings_table(&set)) }
            @if !defaults.is_empty() {
                details { summary { (plural(defaults.len() as u64, "setting")) " at the default" } (settings_table(&defaults)) }
            }
        },
    )
}

fn settings_table(settings: &[&[String; 3]]) -> Markup {
    html! {
        table.settings {
            thead { tr { th scope="col" { "Setting" } th scope="col" { "Value" } th scope="col" { "From" } } }
            tbody { @for [name, value, origin] in settings { tr {
                th scope="row" { code { (text(name)) } }
                td { (text(&local(value))) }
                td { (text(&local(origin))) }
            } } }
        }
    }
}
