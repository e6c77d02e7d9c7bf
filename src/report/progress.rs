//! How far a list or a run is, as it is shown while it goes on.
//!
//! Owns when something is shown, and what state that is. Counts nothing itself; the words are in `live.rs`.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use jiff::{Timestamp, Zoned};

use super::live::{Rows, State, View, Work};
use super::recent::Recent;
use super::{Screen, Totals};
use crate::event::Event;
use crate::outcome::{ExitEffect, Outcome};
use crate::pace::Rate;
use crate::policy::Meaning;
use crate::stop::Stop;
use crate::underway::Wait;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProgressStyle {
    /// Lines that are drawn anew in their place.
    Bar,
    /// A line every 30 s.
    Plain,
    None,
}

/// Time between two plain lines.
const PLAIN_EVERY: Duration = Duration::from_secs(30);
/// Time between two drawings.
const BAR_EVERY: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    List,
    Rows,
}

/// Shows how far a list or a run is: drawn on a terminal, a plain line now and then elsewhere.
#[derive(Debug)]
pub(crate) struct Progress {
    phase: Phase,
    style: ProgressStyle,
    screen: Screen,
    shown: Cell<Instant>,
    /// The last plain line.
    last: RefCell<String>,
    recent: RefCell<Recent>,
    total: Option<u64>,
    hold: Option<Hold>,
    /// How a call ended that is tried again, if no call has ended since.
    retry: Option<(Meaning, u32, u32)>,
    /// What the API key allows, where that is less than the configured rate.
    learned: Option<Rate>,
    patience: Duration,
}

/// Calls are held back.
#[derive(Clone, Copy, Debug)]
struct Hold {
    until: Timestamp,
    is_asked: bool,
    since: Instant,
}

impl Progress {
    /// While a list is fetched.
    pub(crate) fn of_list(style: ProgressStyle, screen: Screen, patience: Duration) -> Self {
        Self::begin(Phase::List, style, screen, None, patience)
    }

    /// While rows are withdrawn; `total` is their number, where it is known.
    pub(crate) fn of_rows(style: ProgressStyle, screen: Screen, total: Option<u64>, patience: Duration) -> Self {
        Self::begin(Phase::Rows, style, screen, total, patience)
    }

    fn begin(phase: Phase, style: ProgressStyle, screen: Screen, total: Option<u64>, patience: Duration) -> Self {
        let mut recent = Recent::default();
        recent.add(Instant::now(), false, 0, 0);
        Self {
            phase,
            style,
            screen,
            shown: Cell::new(Instant::now()),
            last: RefCell::default(),
            recent: RefCell::new(recent),
            total,
            hold: None,
            retry: None,
            learned: None,
            patience,
        }
    }

    /// How often [`Progress::show`] wants to be called, if nothing happens.
    pub(crate) fn period(&self) -> Duration {
        match self.style {
            ProgressStyle::Bar => Duration::from_millis(250),
            ProgressStyle::Plain | ProgressStyle::None => Duration::from_secs(1),
        }
    }

    pub(crate) fn set_learned(&mut self, rate: Option<Rate>) {
        self.learned = rate;
    }

    pub(super) fn take(&mut self, event: &Event) {
        match event {
            Event::Held { until, is_asked } => {
                let since = self.hold.map_or_else(Instant::now, |hold| hold.since);
                self.hold = Some(Hold { until: *until, is_asked: *is_asked, since });
            }
            Event::Resumed => self.hold = None,
            Event::Retrying { meaning, retry, of } => self.retry = Some((*meaning, *retry, *of)),
            Event::Called(_) => self.retry = None,
            Event::Learned(rate) => self.learned = *rate,
            Event::InputEnded { rows } => self.total = Some(*rows),
            Event::Settled(_) | Event::UnknownWords(_) | Event::PageRead { .. } | Event::ListCounted { .. } => {}
        }
    }

    /// Shows the totals, if it is time to.
    pub(crate) fn show(&self, totals: &Totals, stop: &Stop) {
        if !self.is_due() {
            return;
        }
        let view = self.view(totals, self.state(stop));
        if self.style == ProgressStyle::Bar {
            self.screen.draw(view.lines(self.screen.width(), self.screen.look()));
            return;
        }
        let text = view.plain();
        // Nothing new is nothing to say.
        if *self.last.borrow() != text {
            self.screen.print_as("progress", &format!("{text}\n"));
            self.last.replace(text);
        }
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

    fn state(&self, stop: &Stop) -> State {
        let seen = stop.underway().look();
        if stop.is_requested() {
            return State::Stopping { calls: seen.calls, longest: seen.longest };
        }
        let hold = self.hold.and_then(|hold| Some((hold, time_until(hold.until)?)));
        match (hold, seen.wait, self.retry) {
            (Some((Hold { until, is_asked: true, .. }, left)), _, _) if left >= LONG => {
                State::AskedToWait { until: clock(until) }
            }
            (Some((hold, next)), _, _) => {
                let left = self.patience.saturating_sub(hold.since.elapsed());
                State::RateLimited { next, giving_up: Some(left) }
            }
            (None, Some((wait, until)), _) => {
                State::Waiting { wait, until: clock(until), left: time_until(until).unwrap_or_default() }
            }
            (None, None, Some((meaning, retry, of))) => State::Retrying { why: why(meaning), retry, of },
            (None, None, None) => State::Going,
        }
    }

    fn view(&self, totals: &Totals, state: State) -> View {
        let (run, list) = (&totals.run, totals.list.unwrap_or_default());
        if self.phase == Phase::List {
            let work = Work::List { invitations: list.invitations, pages: list.pages };
            return View { work, credits: list.cost, state };
        }
        // What a stop left is not done.
        let done = run.rows.total() - run.rows.of(Outcome::NotAttempted);
        let calls = run.calls - list.calls;
        let mut recent = self.recent.borrow_mut();
        recent.add(Instant::now(), is_held_up(&state), done, calls);
        let pace = recent.per_second(done, calls);
        let is_stopping = matches!(state, State::Stopping { .. });
        let left = self.total.zip(pace).and_then(|(total, (rows, _))| {
            Duration::try_from_secs_f64(total.saturating_sub(done) as f64 / rows).ok().filter(|left| *left < FOREVER)
        });
        let withdrawn = run.rows.of(Outcome::Withdrawn) + run.rows.of(Outcome::PresumedWithdrawn);
        let failed = run.rows.iter().filter(|(outcome, _)| outcome.exit_effect() == ExitEffect::NotFine);
        let failed = failed.map(|(_, count)| count).sum();
        let rows = Rows {
            done,
            total: self.total,
            left: left.filter(|_| !is_stopping && self.total != Some(done)),
            withdrawn,
            skipped: done - withdrawn - failed,
            failed,
            per_minute: pace.map(|(_, calls)| (calls * 60.0).round() as u64),
            learned: self.learned.map(|rate| rate.to_string()),
        };
        View { work: Work::Rows(rows), credits: run.cost, state }
    }
}

/// For a longer wait the time of day says more than a countdown.
const LONG: Duration = Duration::from_secs(60);
/// What would take longer is not known.
const FOREVER: Duration = Duration::from_secs(86_400 * 1_000);

impl Drop for Progress {
    fn drop(&mut self) {
        self.screen.draw(Vec::new());
    }
}

/// Whether rows are kept from their pace. A gap is part of it, and other rows go on while one is tried again.
fn is_held_up(state: &State) -> bool {
    match state {
        State::Going | State::Retrying { .. } | State::Stopping { .. } | State::Waiting { wait: Wait::Gap, .. } => {
            false
        }
        State::RateLimited { .. }
        | State::AskedToWait { .. }
        | State::Waiting { wait: Wait::Hours | Wait::Limit(_), .. } => true,
    }
}

fn why(meaning: Meaning) -> &'static str {
    match meaning {
        Meaning::NotSent => "No connection",
        Meaning::Lost => "No answer",
        Meaning::ServerError => "Server error",
        Meaning::Withdrawn
        | Meaning::NotPending
        | Meaning::NotFound
        | Meaning::Rejected
        | Meaning::Refused(_)
        | Meaning::RateLimited
        | Meaning::Unclear => "Trying again",
    }
}

fn time_until(moment: Timestamp) -> Option<Duration> {
    Duration::try_from(moment.duration_since(Timestamp::now())).ok().filter(|left| !left.is_zero())
}

/// The time of day, with its day where that is another one.
fn clock(moment: Timestamp) -> String {
    let now = Zoned::now();
    let moment = moment.to_zoned(now.time_zone().clone());
    let is_soon = moment.duration_since(&now) < jiff::SignedDuration::from_mins(10);
    let format = match (moment.date() == now.date(), is_soon) {
        (_, true) => "%H:%M:%S",
        (true, false) => "%H:%M",
        (false, false) => "%a %H:%M",
    };
    moment.strftime(format).to_string()
}
