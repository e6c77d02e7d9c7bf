//! How fast calls went, and what held them back.

use std::time::Duration;

use maud::{Markup, html};

use super::chart::{Bar, Column, Part, bars, columns};
use super::frame::{figure, section};
use super::latencies::time;
use super::observed::Observed;
use super::timeline::{Bin, Timeline};
use crate::report::{Summary, human_duration, plural};

pub(super) fn calls(observed: &Observed, summary: &Summary, settings: &[[String; 3]]) -> Markup {
    let bins = observed.timeline.bins();
    section(
        "calls",
        "Calls, waits and refusals",
        html! {
            p { (held_back(bins, summary, settings)) (by_settings(settings)) }
            @if !bins.is_empty() { (over_time(&observed.timeline)) }
            @if observed.latencies.total() > 0 { (latencies(observed)) }
        },
    )
}

/// What held the run back, in a sentence: the tightest of its limits.
fn held_back(bins: &[Bin], summary: &Summary, settings: &[[String; 3]]) -> String {
    let refused: u64 = bins.iter().map(|bin| bin.refused).sum();
    let held = Duration::from_millis(bins.iter().map(|bin| bin.held).sum());
    let learned =
        summary.learned.map_or_else(String::new, |rate| format!(", and showed that the key allows about {rate}"));
    let calls = summary.totals.run.calls;
    if calls == 0 {
        return "No call was made.".to_owned();
    }
    if refused > 0 {
        let waited = match held.as_secs() {
            0 => String::new(),
            _ => format!(", held all calls back for {}", human_duration(held)),
        };
        return format!("The API's rate limit refused {}{waited}{learned}.", plural(refused, "call"));
    }
    if let Some(gap) = set(settings, "gap") {
        return format!("The gap between two withdrawals of an account ({gap}) set the speed; no rate limit was met.");
    }
    if let Some(learned) = summary.learned {
        return format!(
            "The pace was {} at most: earlier runs learned that the key allows about {learned}.",
            summary.rate
        );
    }
    let average = summary.elapsed_s().max(0.0) / calls as f64;
    // Beginning and end are slower.
    match summary.rate.interval() {
        Some(interval) if average <= 1.5 * interval.as_secs_f64() => {
            format!("The pace (--rate {}) set the speed; no rate limit was met.", summary.rate)
        }
        Some(_) => format!("No limit held it back: it was slower than its pace allows ({}).", summary.rate),
        None => "Nothing held it back: no pace was set, and no rate limit was met.".to_owned(),
    }
}

/// What ended it or may have made it wait beside the speed of its calls.
fn by_settings(settings: &[[String; 3]]) -> String {
    let hours = set(settings, "between").map(|hours| format!(" Withdrawals left only within {hours}."));
    let cap = set(settings, "daily_cap").map(|cap| format!(" At most {cap} withdrawals of an account in 24 hours."));
    hours.into_iter().chain(cap).collect()
}

/// The value of a setting that somebody set, for all accounts or for one.
fn set<'a>(settings: &'a [[String; 3]], wanted: &str) -> Option<&'a str> {
    let is_it = |[name, _, origin]: &&[String; 3]| name.rsplit('.').next() == Some(wanted) && origin != "default";
    settings.iter().find(is_it).map(|[_, value, _]| value.as_str())
}

fn over_time(timeline: &Timeline) -> Markup {
    let bins = timeline.bins();
    let width = timeline.width();
    let is_short = is_short(timeline);
    let figure_of = |bin: &Bin| match bin.answered + bin.refused {
        count if is_short => count,
        count => timeline.per_minute(count),
    };
    let most = bins.iter().map(figure_of).max().unwrap_or_default();
    let unit = if is_short { format!("in {}", seconds(width)) } else { "a minute".to_owned() };
    let said = format!(
        "Calls over time: at most {most} {unit}. Each column is {}; the shaded parts are waits for the rate limit.",
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
    let chart = columns(&all, &legend, &format!("{most} {unit}"), ["0 s", &end]);
    figure(&said, None, chart, table(timeline))
}

/// Whether calls in a minute would say more than was seen.
fn is_short(timeline: &Timeline) -> bool {
    timeline.width().saturating_mul(u32::try_from(timeline.bins().len()).unwrap_or(u32::MAX)) < Duration::from_secs(60)
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
                @if !is_short(timeline) { th.number scope="col" { "A minute" } }
                th.number scope="col" { "Refused" }
                th.number scope="col" { "Waited" }
            } }
            tbody { @for (at, bin) in timeline.bins().iter().enumerate() { tr {
                th scope="row" { (from(at)) }
                td.number { (bin.answered + bin.refused) }
                @if !is_short(timeline) { td.number { (timeline.per_minute(bin.answered + bin.refused)) } }
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

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::super::tests::summary;
    use super::*;
    use crate::pace::Rate;
    use crate::report::Totals;

    #[test]
    fn one_limit_is_said_to_have_held_it_back() {
        let rate = |calls, seconds| Rate::Calls {
            calls: NonZeroU32::new(calls).unwrap(),
            window: Duration::from_secs(seconds),
        };
        let bin = |refused, held| Bin { answered: 90, refused, held };
        let gap = ["accounts.sales.gap", "20s..60s", "flag"].map(str::to_owned);
        // The run took 90 s.
        let cases = [
            (bin(3, 2_500), rate(60, 60), None, None, "rate limit refused 3 calls, held all calls back for 2.5 s."),
            (
                bin(1, 12),
                rate(60, 60),
                Some(rate(40, 60)),
                None,
                "refused 1 call, and showed that the key allows about 40/min.",
            ),
            (bin(0, 0), rate(60, 60), None, Some(gap), "The gap between two withdrawals of an account (20s..60s)"),
            (
                bin(0, 0),
                rate(50, 60),
                Some(rate(50, 60)),
                None,
                "earlier runs learned that the key allows about 50/min.",
            ),
            (bin(0, 0), rate(60, 60), None, None, "The pace (--rate 60/min) set the speed"),
            (bin(0, 0), rate(290, 60), None, None, "slower than its pace allows (290/min)."),
            (bin(0, 0), Rate::Unlimited, None, None, "Nothing held it back"),
        ];
        for (bin, rate, learned, setting, expected) in cases {
            let mut totals = Totals::default();
            totals.run.calls = 90;
            let summary = Summary { rate, learned, ..summary("run", totals, None, 0) };
            let said = held_back(&[bin], &summary, &setting.into_iter().collect::<Vec<_>>());
            assert!(said.contains(expected), "{said}");
        }
    }
}
