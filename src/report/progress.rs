//! What is shown while a run works: a bar on a terminal, a plain line now and then elsewhere.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle as BarStyle};
use jiff::Timestamp;

use super::{Screen, Totals, human_duration};
use crate::outcome::Outcome;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProgressStyle {
    Bar,
    /// A line every 30 s.
    Plain,
    None,
}

/// Time between two plain lines.
const PLAIN_EVERY: Duration = Duration::from_secs(30);
/// Time between two drawings of the bar.
const BAR_EVERY: Duration = Duration::from_millis(100);

/// Shows how far a run is.
#[derive(Debug)]
pub(crate) struct Progress {
    style: ProgressStyle,
    screen: Screen,
    bar: Option<ProgressBar>,
    started: Instant,
    shown: Instant,
    total: Option<u64>,
    held_until: Option<Timestamp>,
}

impl Progress {
    /// Begins to show; `total` is the number of rows, where it is known.
    pub(crate) fn begin(style: ProgressStyle, screen: Screen, total: Option<u64>) -> Self {
        let bar = (style == ProgressStyle::Bar).then(|| {
            let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr_with_hz(10));
            bar.set_style(bar_style(total.is_some()));
            bar.set_message("waiting for the first answer");
            screen.show(Some(bar.clone()));
            // Time goes on while no row does.
            bar.enable_steady_tick(Duration::from_millis(500));
            bar
        });
        let now = Instant::now();
        Self { style, screen, bar, started: now, shown: now, total, held_until: None }
    }

    /// How often [`Progress::show`] wants to be called, if nothing happens.
    pub(crate) fn period(&self) -> Duration {
        match self.style {
            ProgressStyle::Bar => Duration::from_millis(250),
            ProgressStyle::Plain | ProgressStyle::None => Duration::from_secs(1),
        }
    }

    /// The input's number of rows is known now.
    pub(crate) fn set_total(&mut self, rows: u64) {
        self.total = Some(rows);
        if let Some(bar) = &self.bar {
            bar.set_length(rows);
            bar.set_style(bar_style(true));
        }
    }

    /// Everyone waits until this moment, or nobody does.
    pub(crate) fn set_hold(&mut self, until: Option<Timestamp>) {
        self.held_until = until;
    }

    /// Shows the totals, if it is time to.
    pub(crate) fn show(&mut self, totals: &Totals) {
        let every = match self.style {
            ProgressStyle::Bar => BAR_EVERY,
            ProgressStyle::Plain => PLAIN_EVERY,
            ProgressStyle::None => return,
        };
        if self.shown.elapsed() >= every {
            self.shown = Instant::now();
            let text = self.text(totals);
            match &self.bar {
                Some(bar) => {
                    bar.set_position(totals.run.rows.total());
                    bar.set_message(text);
                }
                None => {
                    let done = self.done(totals);
                    self.screen.print(&format!("{done} · {text}\n"));
                }
            }
        }
    }

    /// Takes the bar away.
    pub(crate) fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
            self.screen.show(None);
        }
    }

    fn done(&self, totals: &Totals) -> String {
        let done = totals.run.rows.total();
        match self.total {
            Some(total) => format!("{done}/{total} rows"),
            None => format!("{done} rows"),
        }
    }

    fn text(&self, totals: &Totals) -> String {
        let run = &totals.run;
        let withdrawn = run.rows.of(Outcome::Withdrawn);
        let elapsed = self.started.elapsed();
        let listing = totals.list.map_or(0, |list| list.calls);
        let per_minute = (run.calls - listing) as f64 * 60.0 / elapsed.as_secs_f64().max(1.0);
        let mut parts = Vec::new();
        // In the order of their worth, since a narrow terminal cuts the rest.
        if let Some(wait) = self.held_for() {
            parts.push(format!("rate limited, asks in {}", human_duration(wait)));
        }
        if let Some(left) = self.left(run.rows.total(), elapsed) {
            parts.push(format!("{} left", human_duration(left)));
        }
        parts.push(format!("{withdrawn} withdrawn, {} not", run.rows.total() - withdrawn));
        parts.push(match (run.cost.charged, run.cost.possible) {
            (charged, possible) if charged == possible => format!("{charged} credits"),
            (charged, possible) => format!("{charged} to {possible} credits"),
        });
        parts.push(format!("{per_minute:.0}/min"));
        parts.join(" · ")
    }

    fn held_for(&self) -> Option<Duration> {
        let until = self.held_until?;
        Duration::try_from(until.duration_since(Timestamp::now())).ok().filter(|wait| !wait.is_zero())
    }

    fn left(&self, done: u64, elapsed: Duration) -> Option<Duration> {
        let left = self.total?.saturating_sub(done);
        (done > 0).then(|| elapsed.mul_f64(left as f64 / done as f64))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

/// The bar where the number of rows is known.
const WITH_TOTAL: &str = "{bar:10} {pos}/{len} · {wide_msg}  ";
const WITHOUT_TOTAL: &str = "{spinner} {pos} rows · {wide_msg}  ";
/// While the list is fetched.
const LISTING: &str = "{spinner} {wide_msg}  ";

fn bar_style(total_is_known: bool) -> BarStyle {
    style(if total_is_known { WITH_TOTAL } else { WITHOUT_TOTAL })
}

/// How the bar looks while the list is fetched.
pub(super) fn listing_style() -> BarStyle {
    style(LISTING)
}

fn style(template: &str) -> BarStyle {
    // The templates are constants, and a test reads them.
    BarStyle::with_template(template).unwrap_or_else(|_| BarStyle::default_bar()).progress_chars("█▉▊▋▌▍▎▏ ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_can_be_read() {
        for template in [WITH_TOTAL, WITHOUT_TOTAL, LISTING] {
            assert!(BarStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
