//! How fast calls went, and what held them back.

use std::time::Duration;

use maud::{Markup, html};

use super::chart::{Bar, Column, Part, bars, columns};
use super::frame::{figure, section};
use super::latencies::time;
use super::observed::Observed;
use super::timeline::{Bin, Timeline};
use crate::pace::Rate;
use crate::report::{Summary, human_duration, plural};

pub(super) fn calls(observed: &Observed, summary: &Summary, settings: &[[String; 3]]) -> Markup {
    let bins = observed.timeline.bins();
    section(
        "calls",
        "Calls, waits and refusals",
        html! {
            p { (held_back(bins, summary)) (by_settings(settings)) }
            @if !bins.is_empty() { (over_time(&observed.timeline)) }
            @if observed.latencies.total() > 0 { (latencies(observed)) }
        },
    )
}

/// Whether the run was held back, and by what.
fn held_back(bins: &[Bin], summary: &Summary) -> String {
    let refused: u64 = bins.iter().map(|bin| bin.refused).sum();
    let held = Duration::from_millis(bins.iter().map(|bin| bin.held).sum());
    let learned =
        summary.learned.map_or_else(String::new, |rate| format!(" It learned that the key allows about {rate}."));
    match (refused, summary.rate) {
        (0, Rate::Unlimited) if held.is_zero() => "Nothing of the API held it back, and no pace was set.".to_owned(),
        (0, rate) if held.is_zero() => format!("No rate limit held it back; the pace was {rate} at most.{learned}"),
        (_, rate) => format!(
            "The rate limit refused {} and held the run back for {} in all; the pace at the end was {rate}.{learned}",
            plural(refused, "call"),
            human_duration(held)
        ),
    }
}

/// The settings that hold withdrawals back.
fn by_settings(settings: &[[String; 3]]) -> String {
    const HOLDING: [&str; 3] = ["gap", "daily_cap", "between"];
    let is_holding = |[name, _, origin]: &&[String; 3]| {
        HOLDING.contains(&name.rsplit('.').next().unwrap_or(name)) && origin != "default"
    };
    let holding: Vec<_> =
        settings.iter().filter(is_holding).map(|[name, value, _]| format!("{name} {value}")).collect();
    if holding.is_empty() { String::new() } else { format!(" Settings that hold it back: {}.", holding.join(", ")) }
}

fn over_time(timeline: &Timeline) -> Markup {
    let bins = timeline.bins();
    let width = timeline.width();
    let most = bins.iter().map(|bin| timeline.per_minute(bin.answered + bin.refused)).max().unwrap_or_default();
    let said = format!(
        "Calls a minute over time: at most {most}. Each column is {}; the shaded parts are waits for the rate limit.",
        seconds(width)
    );
    let column = |bin: &Bin| Column {
        parts: [(Part::Main, bin.answered), (Part::Refused, bin.refused)],
        shade: (bin.held as f64 / width.as_millis() as f64).min(1.0),
    };
    let legend = [(Part::Main, "calls"), (Part::Refused, "refused by the rate limit"), (Part::Waiting, "waiting")];
    let count = u32::try_from(bins.len()).unwrap_or(u32::MAX);
    let end = seconds(width.saturating_mul(count));
    let all: Vec<_> = bins.iter().map(column).collect();
    let chart = columns(&all, &legend, &format!("{most} a minute"), ["0 s", &end]);
    figure(&said, None, chart, table(timeline))
}

/// A whole number of seconds.
fn seconds(time: Duration) -> String {
    if time.as_secs() < 60 { format!("{} s", time.as_secs()) } else { human_duration(time) }
}

/// Longer than this, a table is folded.
const LONG: usize = 12;

fn table(timeline: &Timeline) -> Markup {
    let from = |at: usize| seconds(timeline.width().saturating_mul(u32::try_from(at).unwrap_or(u32::MAX)));
    let table = html! {
        table {
            thead { tr {
                th scope="col" { "From" }
                th.number scope="col" { "Calls" }
                th.number scope="col" { "A minute" }
                th.number scope="col" { "Refused" }
                th.number scope="col" { "Waited" }
            } }
            tbody { @for (at, bin) in timeline.bins().iter().enumerate() { tr {
                th scope="row" { (from(at)) }
                td.number { (bin.answered + bin.refused) }
                td.number { (timeline.per_minute(bin.answered + bin.refused)) }
                td.number { (bin.refused) }
                td.number { @if bin.held > 0 { (human_duration(Duration::from_millis(bin.held))) } @else { "–" } }
            } } }
        }
    };
    if timeline.bins().len() <= LONG {
        return table;
    }
    html! { details { summary { "The same as a table (" (timeline.bins().len()) " lines)" } (table) } }
}

fn latencies(observed: &Observed) -> Markup {
    let latencies = &observed.latencies;
    let longest = time(u64::try_from(latencies.longest.as_millis()).unwrap_or(u64::MAX));
    let said = format!(
        "How long calls took: half of them {}, 95 of 100 {}, the longest {longest}.",
        latencies.below(50),
        latencies.below(95)
    );
    let groups: Vec<_> = latencies.groups().collect();
    let bar = |(words, count): &(String, u64)| Bar {
        label: words.clone(),
        parts: vec![(Part::Main, *count)],
        value: count.to_string(),
        rule: None,
    };
    let table = html! {
        table {
            thead { tr { th scope="col" { "Time" } th.number scope="col" { "Calls" } } }
            tbody { @for (words, count) in &groups { tr { th scope="row" { (words) } td.number { (count) } } } }
        }
    };
    figure(&said, None, bars(&groups.iter().map(bar).collect::<Vec<_>>(), &[]), table)
}
