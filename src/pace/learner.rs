//! What the API key has shown to allow: a pure function of calls and answers over time.
//!
//! A window counter. When the API refuses a call for its rate, the number of calls that it accepted in the window before is
//! what the key allows; calls wait until a window holds fewer, and then keep evenly below that. Owns no clock and never
//! waits.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::Rate;

/// The share of what was learned that is used, so that neither jitter on the way nor the API's clock leads to a refusal.
const USED: f64 = 0.96;
/// Below this share of the allowance, one refusal may be a stray one, and only a second one teaches.
const STRAY: f64 = 0.2;
/// From this share of the pace on, what was accepted between two refusals speaks for stray ones.
const FREE: f64 = 0.5;
/// Refusals at a pace that was accepted before: so many teach, unless enough calls were accepted between them.
const SUSPICION: f64 = 3.0;
/// What an accepted call takes away from that: the share of stray refusals that is borne.
const RELIEF: f64 = 0.02;
/// What was learned grows only if this share of the pace was used.
const IN_USE: f64 = 0.8;
/// Two counts that differ by less than this confirm each other.
const ALIKE: f64 = 0.25;
/// The most clean windows before what was confirmed again and again grows.
const MOST_REST: u32 = 32;
/// The part of a window that passes between two probes of a fixed window, which ends at an unknown time.
const PROBES: u32 = 10;
/// What was learned longer ago is a guess again: other programs may have gone.
const OLD: Duration = Duration::from_secs(86_400);
/// The part of a window that is waited beyond its end, for what calls took to arrive.
const MARGIN: u32 = 100;

/// What was learned, as it is kept for later runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Learned {
    /// Calls in one window.
    pub(crate) calls: f64,
    pub(crate) window: Duration,
    pub(crate) certainty: Certainty,
    /// The clean windows that it rests before it grows.
    pub(crate) rest: u32,
}

impl Learned {
    /// Whether it can be reckoned with, wherever it comes from.
    pub(crate) fn is_sound(self) -> bool {
        self.calls.is_finite() && self.calls > 0.0 && !self.window.is_zero() && (1..=MOST_REST).contains(&self.rest)
    }

    /// The limit that was learned.
    pub(crate) fn limit(self) -> Rate {
        Rate::of(self.calls, self.window)
    }

    /// The rate that is kept for it.
    pub(crate) fn pace(self) -> Rate {
        Rate::of(self.calls * USED, self.window)
    }
}

/// How well it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Certainty {
    /// From one refusal, which may have another cause.
    Guess,
    /// A fixed window was found, whose calls are counted to within a probe's time.
    Near,
    /// A second refusal came at about the same count.
    Confirmed,
}

impl Certainty {
    pub(crate) const ALL: [Self; 3] = [Self::Guess, Self::Near, Self::Confirmed];

    /// By what share it grows in the first clean window; in each one after that by twice as much.
    const fn growth(self) -> f64 {
        match self {
            Self::Guess => 1.0,
            Self::Near => 0.1,
            Self::Confirmed => 0.01,
        }
    }
}

#[derive(Debug)]
pub(super) struct Learner {
    /// The configured rate: calls in one window.
    most: f64,
    window: Duration,
    /// When the calls of the last window were sent, oldest first.
    sent: VecDeque<Instant>,
    /// The number of the first of them.
    first: u64,
    /// The numbers of refused calls.
    refused: VecDeque<u64>,
    learned: Option<Learned>,
    /// Calls in one window before it grew last: they were all accepted.
    kept: f64,
    /// The same before it began to grow.
    base: f64,
    /// By what share it grew last, if it grew since a refusal changed it.
    grew: Option<f64>,
    /// When it last changed.
    changed_at: Instant,
    /// The last count that a refusal showed.
    shown: f64,
    /// The most calls that were accepted in one window since then.
    proven: f64,
    /// The same since the pace changed last.
    used: f64,
    /// How many refusals contradict what was accepted, accepted calls taken off.
    suspicion: f64,
    /// The first call that was sent knowing of the last refusal.
    episode: u64,
    /// The first of at most two refusals that may be stray ones, and whether it is alone.
    doubt: Option<(SentCall, bool)>,
    /// The call whose refusal taught last, if none was accepted since.
    refused_at: Option<Instant>,
    /// What a probe counted that was refused after the wait that a sliding window would have needed: the window is fixed.
    fixed: Option<f64>,
}

/// A call on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct SentCall {
    at: Instant,
    number: u64,
    /// The first call of the window that ends with this one.
    window_begins: u64,
}

impl Learner {
    /// Goes on from what earlier runs learned, and how long ago.
    pub(super) fn new(most: f64, window: Duration, learned: Option<(Learned, Duration)>, now: Instant) -> Self {
        let scaled_ago = learned.map(|(_, ago)| ago);
        // What was learned with another window is as many calls in the same time.
        let scaled = learned.map(|(learned, ago)| {
            let calls = learned.calls * window.as_secs_f64() / learned.window.as_secs_f64();
            let certainty = if ago < OLD { learned.certainty } else { Certainty::Guess };
            let rest = if ago < OLD { learned.rest } else { 1 };
            Learned { calls, window, certainty, rest }
        });
        let learned = scaled.filter(|learned| learned.calls * USED < most);
        // The last of the clean windows has to pass in this run.
        let clean = learned.zip(scaled_ago).map(|(learned, ago)| ago.min(window * learned.rest.saturating_sub(1)));
        Self {
            most,
            window,
            sent: VecDeque::new(),
            first: 0,
            refused: VecDeque::new(),
            learned,
            kept: learned.map_or(most, |learned| learned.calls),
            base: learned.map_or(most, |learned| learned.calls),
            grew: None,
            changed_at: clean.and_then(|clean| now.checked_sub(clean)).unwrap_or(now),
            shown: learned.map_or(0.0, |learned| learned.calls),
            proven: 0.0,
            used: 0.0,
            suspicion: 0.0,
            episode: 0,
            doubt: None,
            refused_at: None,
            fixed: None,
        }
    }

    /// What was learned, without the growth that is being tried.
    pub(super) fn learned(&self) -> Option<Learned> {
        self.learned.map(|learned| Learned { calls: self.kept, ..learned })
    }

    /// Calls in one window, as they are to be paced now.
    pub(super) fn calls(&self) -> f64 {
        self.learned.map_or(self.most, |learned| (learned.calls * USED).min(self.most))
    }

    pub(super) fn window(&self) -> Duration {
        self.window
    }

    /// When the last call was sent, if that was within a window of the one before.
    pub(super) fn last_sent(&self) -> Option<Instant> {
        self.sent.back().copied()
    }

    /// Calls in one window that are thought to be accepted.
    fn allowance(&self) -> f64 {
        self.learned.map_or(self.most, |learned| learned.calls)
    }

    /// A call of an earlier run.
    pub(super) fn remember(&mut self, at: Instant) {
        self.sent.push_back(at);
    }

    pub(super) fn send(&mut self, at: Instant) -> SentCall {
        while self.sent.front().is_some_and(|sent| *sent + self.window <= at) {
            self.sent.pop_front();
            self.first += 1;
        }
        let number = self.first + self.sent.len() as u64;
        self.sent.push_back(at);
        SentCall { at, number, window_begins: self.first }
    }

    pub(super) fn accepted(&mut self, call: SentCall, now: Instant) {
        if call.number >= self.episode {
            self.refused_at = None;
            if let Some(most) = self.fixed.take() {
                // The window began between the last two probes. What was accepted within one of ours is at most two of its.
                let least = self.shown / 2.0;
                self.lower(least.max((most + self.accepted_before(call)) / 2.0), Certainty::Near, now);
            }
        }
        let count = self.accepted_before(call) + 1.0;
        self.proven = self.proven.max(count);
        self.used = self.used.max(count);
        self.suspicion = (self.suspicion - RELIEF).max(0.0);
        self.doubt = self.doubt.filter(|(doubt, _)| now < doubt.at + self.window);
        self.grow(now);
    }

    /// Returns until when nothing more may be sent, which may have passed; `None` where the refusal explains nothing.
    pub(super) fn refused(&mut self, call: SentCall, now: Instant) -> Option<Instant> {
        let oldest = self.first.min(call.window_begins);
        self.refused.retain(|number| *number >= oldest);
        self.refused.push_back(call.number);
        let count = self.accepted_before(call);
        if call.number < self.episode {
            // It was sent before the last refusal was known, and shows the same.
            if let Some(learned) = self.learned.filter(|_| self.refused_at.is_some()) {
                self.lower(count, learned.certainty, now);
            }
            return self.learned.map(|_| self.room_from(now));
        }
        self.episode = self.first + self.sent.len() as u64;
        if let Some(first) = self.refused_at {
            // A fixed window ends within its length after the first refusal.
            let ends = first + self.window + self.window / MARGIN;
            self.changed_at = now;
            self.fixed = Some(count).filter(|_| now < ends);
            return (now < ends).then(|| ends.min(now + self.window / PROBES));
        }
        let shown = match self.doubt.take().filter(|(doubt, _)| now < doubt.at + self.window) {
            Some((doubt, is_alone)) => self.count_after(doubt, is_alone, call, count),
            None if count < self.allowance() * STRAY => {
                self.doubt = Some((call, true));
                None
            }
            // It contradicts what was accepted in one window before.
            None if count < self.proven && !self.is_guess_growing() => {
                self.suspicion += 1.0;
                self.try_no_more(count, now);
                Some(count).filter(|_| self.suspicion >= SUSPICION)
            }
            None => Some(count),
        };
        self.teach(shown?, now);
        self.refused_at = Some(call.at);
        Some(self.room_from(now))
    }

    /// What a refusal shows that follows another one which may have been a stray one; `None` if it may be, too.
    fn count_after(&mut self, doubt: SentCall, is_alone: bool, call: SentCall, count: f64) -> Option<f64> {
        // What a limit that refills steadily has let through between two refusals is what it refilled.
        let time = (call.at - doubt.at).as_secs_f64().max(f64::MIN_POSITIVE);
        let refilled = self.accepted_between(doubt.number + 1, call.number) * self.window.as_secs_f64() / time;
        if is_alone && refilled >= self.calls() * FREE {
            self.doubt = Some((doubt, false));
            return None;
        }
        Some(count.max(refilled.min(self.most)))
    }

    /// What was guessed may be far too low, so what it grew to is counted anew.
    fn is_guess_growing(&self) -> bool {
        self.grew.is_some() && self.learned.is_some_and(|learned| learned.certainty == Certainty::Guess)
    }

    /// Takes growth back that is being tried.
    fn try_no_more(&mut self, count: f64, now: Instant) {
        if let Some(learned) = self.learned.as_mut().filter(|_| self.grew.is_some()) {
            let is_alike = (count - self.shown).abs() < self.shown * ALIKE;
            let certainty = if is_alike { Certainty::Confirmed } else { Certainty::Near };
            let rest = (learned.rest * 2).min(MOST_REST);
            *learned = Learned { calls: self.base, certainty, rest, ..*learned };
            (self.kept, self.grew, self.used, self.changed_at) = (self.base, None, 0.0, now);
        }
    }

    /// A refusal has shown a count.
    fn teach(&mut self, count: f64, now: Instant) {
        let count = count.max(1.0);
        let is_confirmed = (count - self.shown).abs() < self.shown * ALIKE;
        let certainty = if is_confirmed { Certainty::Confirmed } else { Certainty::Guess };
        // A refusal that its own growth led to need not be repeated soon.
        let rest = match self.learned {
            Some(learned) if is_confirmed && self.grew.is_some() => (learned.rest * 2).min(MOST_REST),
            Some(_) | None => 1,
        };
        self.shown = count;
        self.proven = count;
        self.used = 0.0;
        self.suspicion = 0.0;
        self.changed_at = now;
        self.grew = None;
        (self.kept, self.base) = (count, count);
        self.learned = Some(Learned { calls: count, window: self.window, certainty, rest });
    }

    /// The count was lower than it seemed.
    fn lower(&mut self, count: f64, certainty: Certainty, now: Instant) {
        if let Some(learned) = &mut self.learned
            && count < learned.calls
        {
            learned.calls = count.max(1.0);
            learned.certainty = certainty;
            self.shown = learned.calls;
            (self.kept, self.base) = (learned.calls, learned.calls);
            self.used = 0.0;
            self.changed_at = now;
        }
    }

    /// After clean windows in which it was used, what was learned grows.
    fn grow(&mut self, now: Instant) {
        let Some(learned) = &mut self.learned else { return };
        let windows = if self.grew.is_some() { 1 } else { learned.rest };
        if now < self.changed_at + self.window * windows || self.used < learned.calls * USED * IN_USE {
            return;
        }
        self.changed_at = now;
        self.used = 0.0;
        if self.grew.is_none() {
            self.base = learned.calls;
        }
        let share = self.grew.map_or(learned.certainty.growth(), |share| (share * 2.0).min(1.0));
        self.grew = Some(share);
        self.kept = learned.calls;
        learned.calls += (learned.calls * share).max(1.0);
        if learned.calls * USED >= self.most {
            self.learned = None;
        }
    }

    fn accepted_before(&self, call: SentCall) -> f64 {
        self.accepted_between(call.window_begins, call.number)
    }

    /// The calls from one number to before another that were not refused.
    fn accepted_between(&self, from: u64, to: u64) -> f64 {
        let refused = self.refused.iter().filter(|number| (from..to).contains(*number)).count();
        (to.saturating_sub(from) as f64 - refused as f64).max(0.0)
    }

    /// When the calls of a window leave room for one more, the refused ones counted, too.
    fn room_from(&self, now: Instant) -> Instant {
        let Some(learned) = self.learned else { return now };
        let begins = self.sent.partition_point(|sent| *sent + self.window <= now);
        let in_window = self.sent.len() - begins;
        let room = (learned.calls as usize).max(1);
        match in_window.checked_sub(room) {
            Some(over) => self.sent[begins + over] + self.window + self.window / MARGIN,
            None => now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(60);

    struct Script {
        learner: Learner,
        began: Instant,
        now: Instant,
    }

    impl Script {
        fn new(learned: Option<(Learned, Duration)>) -> Self {
            let now = Instant::now();
            Self { learner: Learner::new(290.0, WINDOW, learned, now), began: now, now }
        }

        /// Calls at an interval in milliseconds, each answered at once.
        fn accepted(&mut self, calls: u32, interval: u64) {
            for _ in 0..calls {
                let call = self.learner.send(self.now);
                self.learner.accepted(call, self.now);
                self.now += Duration::from_millis(interval);
            }
        }

        /// Until when the next call's refusal holds all, in milliseconds from the beginning.
        fn refused(&mut self) -> Option<u128> {
            let call = self.learner.send(self.now);
            let until = self.learner.refused(call, self.now);
            until.map(|until| (until - self.began).as_millis())
        }

        fn learned(&self) -> Option<(f64, Certainty)> {
            self.learner.learned().map(|learned| (learned.calls, learned.certainty))
        }
    }

    #[test]
    fn what_the_first_refusal_shows() {
        // The calls before it and their interval in milliseconds; what is learned, and until when all wait.
        let cases = [
            // The first two calls have to leave the window, the refused one being in it.
            (100, 200, Some((100.0, Certainty::Guess)), Some(60_200 + 600)),
            (58, 200, Some((58.0, Certainty::Guess)), Some(60_200 + 600)),
            // Too few to be a limit.
            (57, 200, None, None),
            (0, 200, None, None),
        ];
        for (calls, interval, learned, until) in cases {
            let mut script = Script::new(None);
            script.accepted(calls, interval);
            assert_eq!((script.refused(), script.learned()), (until, learned), "{calls} calls");
        }
    }

    #[test]
    fn a_second_refusal_tells_a_limit_from_a_stray_one() {
        // Calls before the first refusal, then how many are accepted after a second's wait, at what interval, before the
        // second; what is learned.
        let cases = [
            (20, 0, 200, Some(20.0)),
            // It refilled three in 1.6 s.
            (20, 3, 200, Some(113.0)),
            // As many as were sent: nothing was held back but by the first refusal's wait.
            (20, 20, 200, None),
            // After a whole window the first one is forgotten.
            (20, 1, 60_000, None),
        ];
        for (calls, between, interval, learned) in cases {
            let mut script = Script::new(None);
            script.accepted(calls, 200);
            script.refused();
            script.now += Duration::from_secs(1);
            script.accepted(between, interval);
            script.refused();
            assert_eq!(script.learned().map(|(calls, _)| f64::round(calls)), learned, "{calls}, then {between}");
        }
        // Three in one window are no stray ones.
        let mut script = Script::new(None);
        for _ in 0..3 {
            script.accepted(20, 200);
            script.refused();
        }
        assert!(script.learned().is_some());
    }

    #[test]
    fn a_pace_that_was_accepted_outweighs_a_few_refusals() {
        let mut script = Script::new(None);
        script.accepted(600, 207);
        script.accepted(1, 1_000);
        for refusals in 1..=3 {
            assert_eq!(script.refused().is_some(), refusals == 3);
            assert_eq!(script.learned().is_some(), refusals == 3);
            script.now += Duration::from_secs(1);
        }
        // Unless enough calls are accepted in between.
        let mut script = Script::new(None);
        script.accepted(600, 207);
        for _ in 0..10 {
            script.accepted(60, 207);
            assert_eq!((script.refused(), script.learned()), (None, None));
        }
    }

    #[test]
    fn a_refused_probe_shows_a_fixed_window() {
        let mut script = Script::new(None);
        script.accepted(150, 200);
        assert_eq!(script.refused(), Some(60_800));
        script.now = script.began + Duration::from_millis(60_800);
        // The next probes are sent a tenth of a window apart, and until the window that began before 30 s has surely ended.
        let mut probes = Vec::new();
        while let Some(until) = script.refused() {
            probes.push(until);
            script.now = script.began + Duration::from_millis(u64::try_from(until).unwrap());
        }
        assert_eq!(probes, [66_800, 72_800, 78_800, 84_800, 90_600]);
        // No window is that long, so these refusals show nothing.
        script.accepted(1, 0);
        assert_eq!(script.learned(), Some((150.0, Certainty::Guess)));

        let mut script = Script::new(None);
        script.accepted(150, 200);
        script.refused();
        for probe in [61, 67] {
            script.now = script.began + Duration::from_secs(probe);
            script.refused();
        }
        script.now = script.began + Duration::from_secs(73);
        script.accepted(1, 0);
        // Sent after 7 s: 114; after 13 s: 84.
        assert_eq!(script.learned(), Some((99.0, Certainty::Near)));
    }

    #[test]
    fn what_was_learned_grows_in_clean_windows_until_it_is_refused_again() {
        let at = |calls, certainty, rest| Learned { calls, window: WINDOW, certainty, rest };
        let fresh = Duration::ZERO;
        // What a run begins with, and the calls that it paces after each clean window.
        let cases: [(Learned, Duration, &[f64]); 5] = [
            (at(100.0, Certainty::Guess, 1), fresh, &[96.0, 192.0, 290.0, 290.0]),
            (at(100.0, Certainty::Near, 1), fresh, &[96.0, 105.6, 126.7, 177.4]),
            (at(100.0, Certainty::Confirmed, 1), fresh, &[96.0, 97.0, 98.9, 102.9]),
            (at(100.0, Certainty::Confirmed, 3), fresh, &[96.0, 96.0, 96.0, 97.0]),
            // After a day it is a guess.
            (at(100.0, Certainty::Confirmed, 3), OLD, &[96.0, 192.0, 290.0, 290.0]),
        ];
        for (learned, ago, paced) in cases {
            let mut script = Script::new(Some((learned, ago)));
            for (windows, paced) in paced.iter().enumerate() {
                let calls = (script.learner.calls() * 10.0).round() / 10.0;
                assert_eq!(calls, *paced, "{learned:?} after {windows} windows");
                script.accepted(207, 300);
            }
        }
        // Where less is sent, nothing is found out.
        let mut script = Script::new(Some((at(100.0, Certainty::Guess, 1), fresh)));
        script.accepted(100, 1_000);
        assert_eq!(script.learner.calls(), 96.0);
    }

    #[test]
    fn growth_that_is_refused_is_taken_back_and_not_tried_again_soon() {
        let confirmed = Learned { calls: 100.0, window: WINDOW, certainty: Certainty::Confirmed, rest: 2 };
        // Before it grew one refusal changes nothing; while it grows, it goes back to what was accepted before.
        for (windows, rest) in [(1, 2), (4, 4)] {
            let mut script = Script::new(Some((confirmed, Duration::ZERO)));
            script.accepted(windows * 100, 610);
            script.accepted(1, 5_000);
            script.refused();
            assert_eq!(script.learner.learned(), Some(Learned { rest, ..confirmed }), "after {windows} windows");
            assert_eq!(script.learner.calls(), 96.0);
        }
        let mut script = Script::new(Some((Learned { rest: MOST_REST, ..confirmed }, Duration::ZERO)));
        script.accepted(3_400, 610);
        script.refused();
        assert_eq!(script.learner.learned().unwrap().rest, MOST_REST);
    }

    /// The clean windows of earlier runs count, but for the last one.
    #[test]
    fn short_runs_grow_as_a_long_one_does() {
        let confirmed = Learned { calls: 100.0, window: WINDOW, certainty: Certainty::Confirmed, rest: 8 };
        for (ago, grows) in [(0, false), (6, false), (7, true), (100, true)] {
            let mut script = Script::new(Some((confirmed, WINDOW * ago)));
            script.accepted(98, 610);
            assert_eq!(script.learner.calls(), 96.0, "at once");
            script.accepted(10, 610);
            assert_eq!(script.learner.calls() > 96.0, grows, "after {ago} windows");
        }
    }

    /// Later runs begin with what was accepted for a whole window, not with the growth that is being tried.
    #[test]
    fn growth_that_is_being_tried_is_not_kept() {
        let learned = Learned { calls: 100.0, window: WINDOW, certainty: Certainty::Confirmed, rest: 1 };
        let mut script = Script::new(Some((learned, WINDOW)));
        script.accepted(100, 610);
        assert_eq!((script.learner.calls().round(), script.learned().unwrap().0), (97.0, 100.0));
        script.accepted(100, 610);
        assert_eq!(script.learned().unwrap().0, 101.0);
    }

    #[test]
    fn what_was_learned_in_another_window_is_scaled() {
        let learned = Learned { calls: 10.0, window: Duration::from_secs(6), certainty: Certainty::Confirmed, rest: 1 };
        assert_eq!(Script::new(Some((learned, WINDOW))).learned(), Some((100.0, Certainty::Confirmed)));
        // No less than the configured rate.
        let learned = Learned { calls: 310.0, window: WINDOW, ..learned };
        assert_eq!(Script::new(Some((learned, WINDOW))).learned(), None);
    }

    /// Answers come in any order; calls that were sent before the refusal was known don't teach anew.
    #[test]
    fn refusals_of_calls_in_flight_are_one_refusal() {
        let mut script = Script::new(None);
        script.accepted(100, 200);
        let calls: Vec<_> = (0..3).map(|_| script.learner.send(script.now)).collect();
        for call in [1, 2, 0] {
            script.learner.refused(calls[call], script.now);
        }
        assert_eq!(script.learned(), Some((100.0, Certainty::Guess)));
    }
}
