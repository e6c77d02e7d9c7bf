//! Charts: shapes as SVG that stretches to the page's width, words as text beside it, so that they keep their size.

use maud::{Markup, html};

use super::frame::text;

/// Of a bar, by its meaning; each has a colour and a place in the legend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Main,
    /// Possible, or gone.
    Pale,
    Refused,
    Waiting,
}

impl Part {
    const fn class(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Pale => "pale",
            Self::Refused => "refused",
            Self::Waiting => "waiting",
        }
    }
}

pub(super) struct Bar {
    pub(super) label: String,
    pub(super) parts: Vec<(Part, u64)>,
    pub(super) value: String,
    /// A line above it, with this word.
    pub(super) rule: Option<&'static str>,
}

/// Horizontal bars of one scale.
pub(super) fn bars(bars: &[Bar], legend: &[(Part, &str)]) -> Markup {
    let sum = |bar: &Bar| bar.parts.iter().map(|(_, value)| value).sum::<u64>();
    let most = bars.iter().map(sum).max().unwrap_or_default().max(1);
    html! {
        (keys(legend))
        div.bars {
            @for bar in bars {
                @if let Some(rule) = bar.rule { div.rule { span { (rule) } } }
                div.label { (text(&bar.label)) }
                (bar_svg(&bar.parts, most))
                div.value { (bar.value) }
            }
        }
    }
}

fn bar_svg(parts: &[(Part, u64)], most: u64) -> Markup {
    let mut from = 0.0;
    let rects: Vec<_> = parts
        .iter()
        .filter(|(_, value)| *value > 0)
        .map(|(part, value)| {
            // A small one can still be seen.
            let width = share(*value, most).max(0.4);
            from += width;
            (part.class(), from - width, width)
        })
        .collect();
    html! {
        svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            @for (class, x, width) in rects {
                rect class=(class) x=(number(x)) y="0" width=(number(width)) height="10" {}
            }
        }
    }
}

/// One column of a chart over time: its parts from below, and how much of its background is shaded.
pub(super) struct Column {
    pub(super) parts: [(Part, u64); 2],
    /// From 0 to 1.
    pub(super) shade: f64,
}

/// Vertical columns of one scale, the tallest at the top.
pub(super) fn columns(columns: &[Column], legend: &[(Part, &str)], top: &str, ends: [&str; 2]) -> Markup {
    let most = columns.iter().map(|column| column.parts.iter().map(|(_, value)| value).sum::<u64>()).max();
    let most = most.unwrap_or_default().max(1);
    let rects = columns.iter().enumerate().flat_map(|(at, column)| {
        let shade = (column.shade > 0.0).then_some(("waiting", 0.0, 100.0 * column.shade));
        let mut top = 100.0;
        let parts = column.parts.iter().filter(|(_, value)| *value > 0).map(move |(part, value)| {
            let height = share(*value, most).max(1.0);
            top -= height;
            (part.class(), top, height)
        });
        // The shade is as wide as the wait was long.
        let shade = shade.map(|(class, _, percent)| (class, at as f64, percent / 100.0, 0.0, 100.0));
        shade.into_iter().chain(parts.map(move |(class, y, height)| (class, at as f64 + 0.1, 0.8, y, height)))
    });
    html! {
        (keys(legend))
        div.top { (top) }
        svg.columns viewBox=(format!("0 0 {} 100", columns.len().max(1))) preserveAspectRatio="none" aria-hidden="true"
            focusable="false" {
            @for (class, x, width, y, height) in rects {
                rect class=(class) x=(number(x)) y=(number(y)) width=(number(width)) height=(number(height)) {}
            }
        }
        div.ends { @for end in ends { span { (end) } } }
    }
}

fn keys(legend: &[(Part, &str)]) -> Markup {
    html! {
        @if !legend.is_empty() {
            div.legend { @for (part, words) in legend { span { i class=(part.class()) {} (words) } } }
        }
    }
}

fn share(value: u64, most: u64) -> f64 {
    value as f64 * 100.0 / most as f64
}

fn number(value: f64) -> String {
    format!("{value:.2}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_share_a_scale_and_small_ones_are_seen() {
        let bar =
            |value| Bar { label: "<b>".to_owned(), parts: vec![(Part::Main, value)], value: String::new(), rule: None };
        let chart = bars(&[bar(1_000_000), bar(500_000), bar(1), bar(0)], &[]).into_string();
        let widths: Vec<_> = chart.split("width=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert_eq!(widths, ["100", "50", "0.4"]);
        assert!(chart.contains("&lt;b&gt;") && !chart.contains("<b>"));
        assert!(!bars(&[], &[]).into_string().contains("NaN"));
    }

    #[test]
    fn columns_stand_on_the_ground_and_are_shaded_by_the_wait() {
        let column = |main, refused, shade| Column { parts: [(Part::Main, main), (Part::Refused, refused)], shade };
        let chart = columns(&[column(3, 1, 0.0), column(0, 0, 0.5)], &[], "4 a minute", ["0 s", "2 s"]).into_string();
        for rect in [
            r#"<rect class="main" x="0.1" y="25" width="0.8" height="75">"#,
            r#"<rect class="refused" x="0.1" y="0" width="0.8" height="25">"#,
            r#"<rect class="waiting" x="1" y="0" width="0.5" height="100">"#,
        ] {
            assert!(chart.contains(rect), "{rect}: {chart}");
        }
    }
}
