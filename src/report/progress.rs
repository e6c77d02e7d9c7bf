//! The screen: stderr, which the log shares with the progress display, so that no line is written through the bar.
//!
//! Owns everything that is drawn. Counts nothing itself.

use std::cell::{Cell, RefCell};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle as BarStyle};
use jiff::Timestamp;
use serde_json::{Map, Value};
use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;

use super::log::json_line;
use super::{Totals, human_duration, plural};
use crate::outcome::Outcome;
use crate::pace::Rate;
use crate::policy::visible;

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

#[derive(Clone, Copy, Debug)]
enum Phase {
    List,
    Rows,
}

/// Shows how far a list or a run is: a bar on a terminal, a plain line now and then elsewhere.
#[derive(Debug)]
pub(crate) struct Progress {
    phase: Phase,
    style: ProgressStyle,
    screen: Screen,
    bar: Option<ProgressBar>,
    started: Instant,
    shown: Cell<Instant>,
    /// The last plain line.
    last: RefCell<String>,
    total: Option<u64>,
    held_until: Option<Timestamp>,
    /// What the API key allows, where that is less than the configured rate.
    learned: Option<Rate>,
}

impl Progress {
    /// While a list is fetched.
    pub(crate) fn of_list(style: ProgressStyle, screen: Screen) -> Self {
        Self::begin(Phase::List, style, screen, None, LISTING, "listing pending invitations")
    }

    /// While rows are withdrawn; `total` is their number, where it is known.
    pub(crate) fn of_rows(style: ProgressStyle, screen: Screen, total: Option<u64>) -> Self {
        let template = if total.is_some() { WITH_TOTAL } else { WITHOUT_TOTAL };
        Self::begin(Phase::Rows, style, screen, total, template, "waiting for the first answer")
    }

    fn begin(
        phase: Phase,
        style: ProgressStyle,
        screen: Screen,
        total: Option<u64>,
        template: &str,
        message: &'static str,
    ) -> Self {
        let bar = (style == ProgressStyle::Bar).then(|| {
            let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr_with_hz(10));
            bar.set_style(bar_style(template));
            bar.set_message(message);
            screen.show(Some(bar.clone()));
            // Time goes on while nothing else does.
            bar.enable_steady_tick(Duration::from_millis(500));
            bar
        });
        let now = Instant::now();
        Self {
            phase,
            style,
            screen,
            bar,
            started: now,
            shown: Cell::new(now),
            last: RefCell::default(),
            total,
            held_until: None,
            learned: None,
        }
    }

    /// How often [`Progress::show`] wants to be called, if nothing happens.
    pub(crate) fn period(&self) -> Duration {
        match self.style {
            ProgressStyle::Bar => Duration::from_millis(250),
            ProgressStyle::Plain | ProgressStyle::None => Duration::from_secs(1),
        }
    }

    /// The number of rows is known now.
    pub(crate) fn set_total(&mut self, rows: u64) {
        self.total = Some(rows);
        if let Some(bar) = &self.bar {
            bar.set_length(rows);
            bar.set_style(bar_style(WITH_TOTAL));
        }
    }

    /// A rate limit holds all workers back until this moment, or none.
    pub(crate) fn set_hold(&mut self, until: Option<Timestamp>) {
        self.held_until = until;
    }

    pub(crate) fn set_learned(&mut self, rate: Option<Rate>) {
        self.learned = rate;
    }

    /// Shows the totals, if it is time to.
    pub(crate) fn show(&self, totals: &Totals) {
        if !self.is_due() {
            return;
        }
        let done = totals.run.rows.total();
        let text = match (self.phase, self.total) {
            (Phase::List, _) => self.list_text(totals),
            (Phase::Rows, _) if self.bar.is_some() => self.rows_text(totals),
            (Phase::Rows, Some(total)) => format!("{done}/{total} rows · {}", self.rows_text(totals)),
            (Phase::Rows, None) => format!("{} · {}", plural(done, "row"), self.rows_text(totals)),
        };
        match &self.bar {
            Some(bar) => {
                bar.set_position(done);
                bar.set_message(text);
            }
            // Nothing new is nothing to say.
            None if *self.last.borrow() == text => {}
            None => {
                self.screen.print_as("progress", &format!("{text}\n"));
                self.last.replace(text);
            }
        }
    }

    fn list_text(&self, totals: &Totals) -> String {
        let list = totals.list.unwrap_or_default();
        let text = self.held_until.and_then(held_for).unwrap_or_else(|| list.to_string());
        format!("listing pending invitations: {text}")
    }

    /// Whether it is time to show something again.
    fn is_due(&self) -> bool {
        let every = match self.style {
            ProgressStyle::Bar => BAR_EVERY,
            ProgressStyle::Plain => PLAIN_EVERY,
            ProgressStyle::None => return false,
        };
        let is_due = self.shown.get().elapsed() >= every;
        if is_due {
            self.shown.set(Instant::now());
        }
        is_due
    }

    fn rows_text(&self, totals: &Totals) -> String {
        let run = &totals.run;
        let (done, withdrawn) = (run.rows.total(), run.rows.of(Outcome::Withdrawn));
        let elapsed = self.started.elapsed();
        let listing = totals.list.map_or(0, |list| list.calls);
        let per_minute = (run.calls - listing) as f64 * 60.0 / elapsed.as_secs_f64().max(1.0);
        let left = self.total.filter(|_| done > 0).map(|total| {
            let left = elapsed.mul_f64(total.saturating_sub(done) as f64 / done as f64);
            format!("{} left", human_duration(left))
        });
        let credits = match (run.cost.charged, run.cost.possible) {
            (charged, possible) if charged == possible => plural(charged, "credit"),
            (charged, possible) => format!("{charged} to {}", plural(possible, "credit")),
        };
        // The most important first, since a narrow terminal cuts the rest.
        let parts = [
            self.held_until.and_then(held_for),
            left,
            Some(format!("{withdrawn} withdrawn, {} other", done - withdrawn)),
            Some(credits),
            Some(format!("{per_minute:.0}/min")),
            self.learned.map(|rate| format!("key allows {rate}")),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
            self.screen.show(None);
        }
    }
}

fn held_for(until: Timestamp) -> Option<String> {
    let wait = Duration::try_from(until.duration_since(Timestamp::now())).ok().filter(|wait| !wait.is_zero())?;
    Some(format!("rate limited, retrying in {}", human_duration(wait)))
}

const WITH_TOTAL: &str = "{bar:10} {pos}/{len} · {wide_msg}  ";
const WITHOUT_TOTAL: &str = "{spinner} {pos} rows · {wide_msg}  ";
const LISTING: &str = "{spinner} {wide_msg}  ";

fn bar_style(template: &str) -> BarStyle {
    // The templates are constants, and a test reads them.
    BarStyle::with_template(template).unwrap_or_else(|_| BarStyle::default_bar()).progress_chars("█▉▊▋▌▍▎▏ ")
}

/// A handle to stderr. Clones are the same screen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Screen {
    bar: Arc<Mutex<Option<ProgressBar>>>,
    /// Whether each line is a JSON object.
    is_json: bool,
}

impl Screen {
    pub(crate) fn new(is_json: bool) -> Self {
        Self { is_json, ..Self::default() }
    }

    pub(crate) const fn is_json(&self) -> bool {
        self.is_json
    }

    /// Writes text for people above the bar, if there is one; in a JSON log, this event. A closed stderr does not end a run.
    /// Whatever the text was made of, it does nothing to the terminal but stand there.
    pub(crate) fn print_as(&self, event: &str, text: &str) {
        if self.is_json {
            self.write_line(&json_line(Level::INFO, event, text.trim(), Map::new()));
        } else {
            let _ = self.write_bytes(harmless(text, '\n').as_bytes());
        }
    }

    pub(crate) fn print(&self, text: &str) {
        self.print_as("notice", text);
    }

    /// Says why the command failed or stopped. All of it may be foreign, and it stays one line.
    pub(crate) fn print_failure(&self, why: &str) {
        if self.is_json {
            self.write_line(&json_line(Level::ERROR, "failed", why, Map::new()));
        } else {
            self.print(&format!("bulk-withdraw: {}\n", visible(why)));
        }
    }

    /// The last line of a JSON log: what the command came to.
    pub(crate) fn print_end(&self, level: Level, message: &str, summary: Map<String, Value>) {
        self.write_line(&json_line(level, "run_finished", message, summary));
    }

    fn write_line(&self, line: &str) {
        let _ = self.clone().write(line.as_bytes());
    }

    pub(super) fn show(&self, bar: Option<ProgressBar>) {
        *self.bar.lock().unwrap_or_else(PoisonError::into_inner) = bar;
    }

    fn write_bytes(&self, bytes: &[u8]) -> io::Result<()> {
        let bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match bar {
            Some(bar) => bar.suspend(|| io::stderr().lock().write_all(bytes)),
            None => io::stderr().lock().write_all(bytes),
        }
    }
}

/// As [`visible`], but for this character.
fn harmless(text: &str, but: char) -> String {
    text.split(but).map(visible).collect::<Vec<_>>().join(but.encode_utf8(&mut [0; 4]))
}

/// A line of the log. Its colors are its own: what came from elsewhere has no escape any more when it arrives here.
impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        self.write_bytes(format!("{}\n", harmless(line, '\u{1b}')).as_bytes()).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl<'a> MakeWriter<'a> for Screen {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
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
