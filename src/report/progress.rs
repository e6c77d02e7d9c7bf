//! How far a list or a run is, as it is shown while it goes on.
//!
//! Owns when something is shown, what state that is, and how long it will take. The words are in `live.rs`.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use jiff::{Timestamp, Zoned};

use super::live::{Rows, State, View, Work};
use super::recent::Recent;
use super::{Screen, Totals};
use crate::api::CallKind;
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
    /// Rows that need no call, as far as that is known before.
    unsent: u64,
    /// Rows that were settled, with calls and without.
    called: u64,
    uncalled: u64,
    /// Calls for rows that were answered.
    answers: u64,
    /// Whether the last call reached the API.
    is_connected: bool,
    /// The configured rate.
    rate: Rate,
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
            unsent: 0,
            called: 0,
            uncalled: 0,
            answers: 0,
            is_connected: true,
            rate: Rate::Unlimited,
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

    /// What is known before the first row: the configured rate, what the API key allows, and how many rows need no call.
    pub(crate) fn expect(&mut self, rate: Rate, learned: Option<Rate>, unsent: u64) {
        (self.rate, self.learned, self.unsent) = (rate, learned, unsent);
    }

    pub(super) fn take(&mut self, event: &Event) {
        match event {
            Event::Held { until, is_asked } => {
                let since = self.hold.map_or_else(Instant::now, |hold| hold.since);
                self.hold = Some(Hold { until: *until, is_asked: *is_asked, since });
            }
            Event::Resumed => self.hold = None,
            Event::Retrying { meaning, retry, of } => self.retry = Some((*meaning, *retry, *of)),
            Event::Called(called) => {
                self.retry = None;
                self.is_connected = called.meaning != Meaning::NotSent;
                let is_answered = !matches!(called.meaning, Meaning::NotSent | Meaning::Lost);
                self.answers += u64::from(is_answered && called.kind == CallKind::Withdraw);
            }
            Event::Settled(settled) if settled.attempts > 0 => self.called += 1,
            Event::Settled(_) => self.uncalled += 1,
            Event::Learned(rate) => self.learned = *rate,
            Event::InputEnded { rows } => self.total = Some(*rows),
            Event::UnknownWords(_) | Event::PageRead { .. } | Event::ListCounted { .. } => {}
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
        let mut recent = self.recent.borrow_mut();
        recent.add(Instant::now(), is_held_up(&state), self.called, self.answers);
        let pace = recent.per_second(self.called, self.answers);
        let most = [Some(self.rate), self.learned].into_iter().flatten().filter_map(per_second).reduce(f64::min);
        let is_moving = self.is_connected && !is_held_up(&state) && !matches!(state, State::Stopping { .. });
        let to_send = self.total.map(|total| total.saturating_sub(self.called + self.uncalled.max(self.unsent)));
        let left = to_send.zip(pace).filter(|_| is_moving);
        let withdrawn = run.rows.of(Outcome::Withdrawn) + run.rows.of(Outcome::PresumedWithdrawn);
        let failed = run.rows.iter().filter(|(outcome, _)| outcome.exit_effect() == ExitEffect::NotFine);
        let failed = failed.map(|(_, count)| count).sum();
        let rows = Rows {
            done,
            total: self.total,
            left: left.and_then(|(to_send, (rows, _))| time_left(to_send, rows, most)),
            withdrawn,
            skipped: done - withdrawn - failed,
            failed,
            // Of a burst it would be more than the limit.
            per_minute: pace.map(|(_, calls)| (most.map_or(calls, |most| calls.min(most)) * 60.0).round() as u64),
            learned: self.learned.map(|rate| rate.to_string()),
        };
        View { work: Work::Rows(rows), credits: run.cost, state }
    }
}

/// How long so many rows will take at the recent pace, in rows per second; no less than `most` calls per second allow.
fn time_left(rows: u64, pace: f64, most: Option<f64>) -> Option<Duration> {
    let seconds = rows as f64 / most.map_or(pace, |most| pace.min(most));
    Duration::try_from_secs_f64(seconds).ok().filter(|left| rows > 0 && *left < FOREVER)
}

fn per_second(rate: Rate) -> Option<f64> {
    rate.interval().map(|interval| 1.0 / interval.as_secs_f64())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Called, Settled};
    use crate::invitation::{AccountName, Carried};
    use crate::policy::Cost;

    #[test]
    fn time_left_goes_by_the_recent_pace_and_the_rate() {
        let cases = [
            (60, 1.0, Some(1.0), Some(60)),
            // A burst, or many rows of one answer.
            (60, 4.0, Some(1.0), Some(60)),
            (28, 14.0, Some(0.5), Some(56)),
            // Retries, gaps.
            (60, 0.5, Some(1.0), Some(120)),
            (60, 4.0, None, Some(15)),
            (0, 1.0, Some(1.0), None),
            // Nothing was settled yet.
            (60, 0.0, Some(1.0), None),
            (0, 0.0, None, None),
            (u64::MAX, 0.001, Some(1.0), None),
        ];
        for (rows, pace, most, expected) in cases {
            assert_eq!(time_left(rows, pace, most).map(|left| left.as_secs()), expected, "{rows} {pace} {most:?}");
        }
    }

    fn settled(attempts: u32) -> Event {
        let unsent = Settled::unsent(1, String::new(), None, Outcome::Withdrawn, String::new(), Carried::default());
        Event::Settled(Settled { attempts, ..unsent })
    }

    fn called(meaning: Meaning) -> Event {
        Event::Called(Called {
            kind: CallKind::Withdraw,
            account: AccountName::default(),
            cost: Cost::default(),
            meaning,
            is_retry: false,
            sent_at: Timestamp::UNIX_EPOCH,
            latency: Duration::ZERO,
        })
    }

    /// What is shown two seconds after these events, of 100 rows of which 20 need no call, at 60/min.
    fn shown(events: &[Event], learned: Option<Rate>) -> Rows {
        let screen = Screen::default();
        let mut progress = Progress::of_rows(ProgressStyle::None, screen, Some(100), Duration::from_secs(900));
        progress.expect("60/min".parse().unwrap(), learned, 20);
        let before = Instant::now().checked_sub(Duration::from_secs(2)).unwrap();
        let mut recent = Recent::default();
        recent.add(before, false, 0, 0);
        progress.recent = RefCell::new(recent);
        let mut totals = Totals::default();
        for event in events {
            progress.take(event);
            if let Event::Settled(settled) = event {
                totals.add_row(settled);
            }
        }
        let Work::Rows(rows) = progress.view(&totals, State::Going).work else { panic!("rows") };
        rows
    }

    #[test]
    fn rows_without_a_call_are_no_pace_and_no_shown_pace_is_above_the_limit() {
        let calls = |count, meaning| vec![called(meaning); count];
        let ten = [calls(10, Meaning::Withdrawn), vec![settled(1); 10]].concat();
        let seconds = |rows: &Rows| rows.left.map(|left| left.as_secs());
        // The rate of 60/min, not the pace of the burst.
        let rows = shown(&ten, None);
        assert_eq!((seconds(&rows), rows.per_minute), (Some(70), Some(60)));
        let rows = shown(&[ten.clone(), vec![settled(0); 20]].concat(), None);
        assert_eq!((seconds(&rows), rows.done), (Some(70), 30));
        // More than was known before.
        assert_eq!(seconds(&shown(&[ten.clone(), vec![settled(0); 40]].concat(), None)), Some(50));
        let rows = shown(&ten, Some("30/min".parse().unwrap()));
        assert_eq!((seconds(&rows), rows.per_minute), (Some(140), Some(30)));
        // The server is gone.
        let rows = shown(&[ten, calls(90, Meaning::NotSent)].concat(), None);
        assert_eq!((seconds(&rows), rows.per_minute), (None, Some(60)));
        let rows = shown(&[calls(90, Meaning::NotSent), calls(90, Meaning::Lost), vec![settled(6); 30]].concat(), None);
        assert_eq!(rows.per_minute, Some(0));
    }
}
