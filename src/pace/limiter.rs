//! One limiter for every call of the run, and one shared hold after a refusal.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::watch;
use tokio::time::Instant;

use super::Rate;
use super::learner::{Learned, Learner, SentCall};

/// How late a call may wake up and its burst still make up for it.
const LATENESS: Duration = Duration::from_millis(50);
/// The most of a window's calls that a burst takes: less than what is left of the API's limit. With governor's default, a quota
/// of 300 per minute lets 600 through in the first.
const BURST: f64 = 0.01;

/// The one pace of a run. Shared by all workers.
#[derive(Debug)]
pub(crate) struct Pace {
    rate: Rate,
    /// `None` without a limit: then nothing is learned either.
    limit: Option<Mutex<Limit>>,
    patience: Duration,
    hold: watch::Sender<Hold>,
    /// Its holder waits for the limiter, everyone else for this lock: first come, first served, and one wake-up per call.
    turnstile: tokio::sync::Mutex<()>,
}

/// What earlier runs leave to the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Past {
    /// What they learned, and how long ago.
    pub(crate) learned: Option<(Learned, Duration)>,
    /// How long ago the calls of the last window were sent, oldest first.
    pub(crate) calls: Vec<Duration>,
}

/// The limiter follows what is learned.
#[derive(Debug)]
struct Limit {
    learner: Learner,
    /// Calls in one window that the limiter lets through.
    paced: f64,
    told: Option<Learned>,
    /// Whether that changed since [`Pace::news`].
    is_news: bool,
    /// Whether late calls are made up for.
    has_burst: bool,
    limiter: Limiter,
    /// Calls that the limiter does not know of leave no room before.
    not_before: Instant,
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<std::time::Instant>>;

/// tokio's clock, so that the limiter stands still where a test pauses it.
#[derive(Clone, Copy, Debug)]
struct TokioClock;

impl Clock for TokioClock {
    type Instant = std::time::Instant;

    fn now(&self) -> Self::Instant {
        Instant::now().into_std()
    }
}

/// Whether calls may be sent.
#[derive(Clone, Debug, Default)]
enum Hold {
    #[default]
    Open,
    /// The API refused a call for its rate. After `until` one worker sends a probe; the others wait for its answer, since
    /// each of them would pay for its own refusal.
    Held {
        until: Instant,
        probing: bool,
        /// Probes refused in a row.
        refusals: u32,
        /// Since when no call was accepted.
        since: Instant,
    },
}

/// Answers to calls that were in flight together ask for moments no further apart, as they arrive one after the other and each
/// wait has a little chance in it.
const ONE_WAVE: Duration = Duration::from_secs(2);

impl Hold {
    /// Whether calls are held already, and until about this moment or later.
    fn hardly_changes(&self, to: Instant) -> bool {
        matches!(self, Self::Held { until, .. } if to.saturating_duration_since(*until) <= ONE_WAVE)
    }
}

/// Permission for one call now. Report the answer with [`Permit::accepted`] or [`Permit::refused`]. Dropped without either
/// (the answer was lost, or the call was never made), a probe's permit lets another worker probe.
#[derive(Debug)]
#[must_use = "a permit is for one call, and its end must be told"]
pub(crate) struct Permit {
    pace: Arc<Pace>,
    is_probe: bool,
    /// `None` without a limit.
    call: Option<SentCall>,
}

/// What follows a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// No call is sent for this long, from now on or longer than it was known.
    Held(Duration),
    /// No call is sent for this long, as was known before, give or take the time between answers.
    StillHeld(Duration),
    /// No call was accepted for longer than `--patience`, or the API asks for a longer wait than that.
    OutOfPatience,
}

impl Limit {
    fn new(calls: f64, window: Duration, has_burst: bool, past: Past, now: Instant) -> Self {
        let mut learner = Learner::new(calls, window, past.learned, now);
        let interval = interval(&learner);
        let mut room_from = None;
        for at in past.calls.iter().filter_map(|ago| now.checked_sub(*ago)) {
            learner.remember(at);
            room_from = Some(room_from.map_or(at, |room_from| at.max(room_from)) + interval);
        }
        let not_before = room_from.unwrap_or(now);
        let limiter = limiter(&learner, has_burst);
        let (paced, told) = (learner.calls(), learner.learned());
        Self { limiter, paced, told, is_news: false, has_burst, learner, not_before }
    }

    /// Takes a call's place; else, until when to wait for one.
    fn check(&self, now: Instant) -> Result<(), Instant> {
        if now < self.not_before {
            return Err(self.not_before);
        }
        self.limiter.check().map_err(|refused| now + refused.wait_time_from(now.into_std()))
    }

    /// Follows what was learned. A new limiter begins where the old one was.
    fn follow(&mut self) {
        self.is_news |= self.told != self.learner.learned();
        self.told = self.learner.learned();
        if self.paced == self.learner.calls() {
            return;
        }
        self.paced = self.learner.calls();
        self.limiter = limiter(&self.learner, self.has_burst);
        // Its burst is used up.
        while self.limiter.check().is_ok() {}
        if let Some(sent) = self.learner.last_sent() {
            self.not_before = sent + interval(&self.learner);
        }
    }
}

fn interval(learner: &Learner) -> Duration {
    learner.window().div_f64(learner.calls())
}

fn limiter(learner: &Learner, has_burst: bool) -> Limiter {
    let interval = interval(learner);
    let late = (LATENESS.as_secs_f64() / interval.as_secs_f64()).max(1.0);
    let spare = match learner.learned() {
        None => (learner.calls() * BURST).max(1.0),
        // Few calls leave no room for it.
        Some(learned) => learned.calls * BURST,
    };
    let spare = if has_burst { spare } else { 0.0 };
    let burst = NonZeroU32::MIN.saturating_add(late.min(spare) as u32);
    let quota = Quota::with_period(interval).unwrap_or(Quota::per_second(NonZeroU32::MIN)).allow_burst(burst);
    RateLimiter::direct_with_clock(quota, TokioClock)
}

impl Pace {
    /// A pace of `rate`, which goes on from what earlier runs left. `patience` is the longest time without one accepted
    /// call.
    pub(crate) fn new(rate: Rate, patience: Duration, past: Past) -> Arc<Self> {
        let limit = |calls, window, has_burst| Mutex::new(Limit::new(calls, window, has_burst, past, Instant::now()));
        let limit = match rate {
            Rate::Calls { calls, window } => Some(limit(f64::from(calls.get()), window, true)),
            Rate::Shared { calls, shares, window } => {
                Some(limit(f64::from(calls.get()) / f64::from(shares.get()), window, false))
            }
            Rate::Unlimited => None,
        };
        Arc::new(Self { rate, limit, patience, hold: watch::Sender::default(), turnstile: Default::default() })
    }

    fn limit(&self) -> Option<MutexGuard<'_, Limit>> {
        // Nothing panics while it holds the lock.
        self.limit.as_ref().map(|limit| limit.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What the key has shown to allow, where that is less than the configured rate.
    pub(crate) fn learned(&self) -> Option<Learned> {
        self.limit()?.learner.learned()
    }

    /// What was learned, if it changed since this was last asked.
    pub(crate) fn news(&self) -> Option<Option<Learned>> {
        let mut limit = self.limit()?;
        std::mem::take(&mut limit.is_news).then(|| limit.learner.learned())
    }

    /// The rate that is kept now.
    pub(crate) fn rate(&self) -> Rate {
        self.learned().map_or(self.rate, Learned::pace)
    }

    /// How long the first call waits since the calls of earlier runs leave no room.
    pub(crate) fn starts_in(&self) -> Duration {
        self.limit().map_or(Duration::ZERO, |limit| limit.not_before.saturating_duration_since(Instant::now()))
    }

    /// Waits until a call may be sent. Cancel-safe.
    pub(crate) async fn acquire(self: &Arc<Self>) -> Permit {
        // Without a limit or a hold there is nothing to wait for.
        if self.limit.is_none() && matches!(*self.hold.borrow(), Hold::Open) {
            return self.permit(false);
        }
        let _turn = self.turnstile.lock().await;
        loop {
            self.hold_ends().await;
            let place = self.limit().map_or(Ok(()), |limit| limit.check(Instant::now()));
            if let Err(until) = place {
                tokio::time::sleep_until(until).await;
            } else if let Some(permit) = self.try_acquire() {
                return permit;
            }
        }
    }

    /// Waits until there is no hold, or it is over and nobody probes.
    async fn hold_ends(&self) {
        let mut changes = self.hold.subscribe();
        loop {
            let hold = changes.borrow_and_update().clone();
            let moment = match hold {
                Hold::Open => return,
                Hold::Held { probing: true, .. } => None,
                Hold::Held { until, probing: false, .. } if until <= Instant::now() => return,
                Hold::Held { until, probing: false, .. } => Some(until),
            };
            match moment {
                Some(until) => {
                    tokio::select! {
                        biased;
                        () = tokio::time::sleep_until(until) => {}
                        _ = changes.changed() => {}
                    }
                }
                // The sender is ours: it can't be gone.
                None => drop(changes.changed().await),
            }
        }
    }

    fn try_acquire(self: &Arc<Self>) -> Option<Permit> {
        let mut permit = None;
        self.hold.send_if_modified(|hold| match hold {
            Hold::Open => {
                permit = Some(false);
                false
            }
            Hold::Held { until, probing, .. } if !*probing && *until <= Instant::now() => {
                *probing = true;
                permit = Some(true);
                true
            }
            Hold::Held { .. } => false,
        });
        permit.map(|is_probe| self.permit(is_probe))
    }

    fn permit(self: &Arc<Self>, is_probe: bool) -> Permit {
        let call = self.limit().map(|mut limit| limit.learner.send(Instant::now()));
        Permit { pace: Arc::clone(self), is_probe, call }
    }

    /// The patience with a hold begins anew: for a while nobody was to call.
    pub(crate) fn renew_patience(&self) {
        self.hold.send_modify(|hold| match hold {
            Hold::Open => {}
            Hold::Held { since, .. } => *since = Instant::now(),
        });
    }

    /// Holds all calls for `wait`, although none was refused: the API asked for it. Returns whether that is new.
    pub(crate) fn hold_for(&self, wait: Duration) -> bool {
        let now = Instant::now();
        let until = now + wait.min(self.patience);
        let mut is_new = false;
        self.hold.send_modify(|hold| {
            is_new = !hold.hardly_changes(until);
            match hold {
                Hold::Open => *hold = Hold::Held { until, probing: false, refusals: 0, since: now },
                Hold::Held { until: held, .. } => *held = until.max(*held),
            }
        });
        is_new
    }
}

impl Permit {
    /// The API answered, whatever it said of the invitation. Returns whether this ended a hold.
    pub(crate) fn accepted(mut self) -> bool {
        if let Some((mut limit, call)) = self.pace.limit().zip(self.call) {
            limit.learner.accepted(call, Instant::now());
            limit.follow();
        }
        let was_probe = std::mem::take(&mut self.is_probe);
        let mut ended = false;
        self.pace.hold.send_if_modified(|hold| match hold {
            Hold::Open => false,
            Hold::Held { .. } if was_probe => {
                *hold = Hold::Open;
                ended = true;
                true
            }
            // It was sent before the hold began, so it can't end it; but a call was accepted.
            Hold::Held { since, .. } => {
                *since = Instant::now();
                false
            }
        });
        ended
    }

    /// The API refused the call for its rate. `wait` gives the length of the hold for a number of probes refused in a row,
    /// which is longer where what was learned demands it; `asked_for` is what the API itself asks for.
    pub(crate) fn refused(mut self, asked_for: Option<Duration>, wait: impl FnOnce(u32) -> Duration) -> Refused {
        let now = Instant::now();
        let explained = self.pace.limit().zip(self.call).and_then(|(mut limit, call)| {
            let until = limit.learner.refused(call, now);
            limit.follow();
            until
        });
        let was_probe = std::mem::take(&mut self.is_probe);
        let patience = self.pace.patience;
        let mut refused = Refused::OutOfPatience;
        self.pace.hold.send_modify(|hold| {
            let (refusals, start, earlier) = match hold {
                Hold::Open => (0, now, now),
                Hold::Held { refusals, since, until, .. } => (*refusals, *since, *until),
            };
            // What is explained needs no longer back-off.
            let refusals = refusals + u32::from(was_probe && explained.is_none());
            let ends = start + patience;
            let wait = wait(refusals);
            // Not as a moment: it may be too far away for one.
            if now >= ends || asked_for.is_some_and(|asked_for| asked_for > ends - now) {
                return;
            }
            let until = (now + wait).max(explained.unwrap_or(now));
            // The last probe is sent when the patience ends, not after it.
            let until = until.min(ends.max(now + asked_for.unwrap_or_default())).max(earlier);
            let probing = matches!(hold, Hold::Held { probing: true, .. }) && !was_probe;
            let is_known = !was_probe && hold.hardly_changes(until);
            *hold = Hold::Held { until, probing, refusals, since: start };
            refused = if is_known { Refused::StillHeld(until - now) } else { Refused::Held(until - now) };
        });
        refused
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.is_probe {
            self.pace.hold.send_modify(|hold| match hold {
                Hold::Open => {}
                Hold::Held { probing, .. } => *probing = false,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::share::Share;

    const PATIENCE: Duration = Duration::from_secs(900);

    fn pace() -> Arc<Pace> {
        Pace::new(Rate::Unlimited, PATIENCE, Past::default())
    }

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// How long the next call has to wait, in seconds of the paused clock.
    async fn wait_of(pace: &Arc<Pace>) -> (u64, Permit) {
        let began = Instant::now();
        let permit = pace.acquire().await;
        ((Instant::now() - began).as_secs(), permit)
    }

    /// A refusal that holds everyone for a second.
    fn hold(permit: Permit) {
        assert_eq!(permit.refused(None, |_| secs(1)), Refused::Held(secs(1)));
    }

    fn count(permit: Permit, counts: &mut Vec<u32>) {
        let refused = permit.refused(None, |refusals| {
            counts.push(refusals);
            secs(1)
        });
        assert_ne!(refused, Refused::OutOfPatience);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_holds_everyone_until_one_shared_moment() {
        let pace = pace();
        let (early, late) = (pace.acquire().await, pace.acquire().await);
        let (same, longer) = (pace.acquire().await, pace.acquire().await);
        assert_eq!(early.refused(None, |_| secs(8)), Refused::Held(secs(8)));
        // Of the same wave: nothing new, unless it asks for much more.
        assert_eq!(same.refused(None, |_| secs(9)), Refused::StillHeld(secs(9)));
        assert!(!pace.hold_for(secs(9)));
        assert_eq!(longer.refused(None, |_| secs(12)), Refused::Held(secs(12)));
        // An answer to a call from before the hold neither ends it nor makes it start anew.
        tokio::time::sleep(secs(4)).await;
        assert!(!late.accepted());
        let (waited, permit) = wait_of(&pace).await;
        assert_eq!(waited, 8);
        assert!(permit.accepted());
        assert_eq!(wait_of(&pace).await.0, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_hold_one_asks_and_the_others_wait_for_the_answer() {
        let pace = pace();
        hold(pace.acquire().await);
        let first = pace.acquire().await;
        let others: Vec<_> = (0..5)
            .map(|_| {
                let pace = Arc::clone(&pace);
                tokio::spawn(async move { pace.acquire().await.accepted() })
            })
            .collect();
        tokio::time::sleep(secs(100)).await;
        assert!(others.iter().all(|other| !other.is_finished()), "a herd left before the first answer");
        assert!(first.accepted());
        for other in others {
            assert!(!other.await.unwrap());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_in_a_row_count_only_whoever_asked_first() {
        let pace = pace();
        let herd = [pace.acquire().await, pace.acquire().await, pace.acquire().await];
        let mut counts = Vec::new();
        for permit in herd {
            count(permit, &mut counts);
        }
        for _ in 0..3 {
            count(pace.acquire().await, &mut counts);
        }
        assert_eq!(counts, [0, 0, 0, 1, 2, 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_answer_lets_the_next_one_ask() {
        let pace = pace();
        hold(pace.acquire().await);
        let first = pace.acquire().await;
        drop(first);
        let (waited, second) = wait_of(&pace).await;
        assert_eq!(waited, 0);
        assert!(second.accepted(), "the second one asks, and its answer ends the hold");
    }

    #[tokio::test(start_paused = true)]
    async fn patience_ends_after_the_last_question_and_at_once_for_a_longer_wait() {
        let pace = pace();
        let mut waits = Vec::new();
        while let Refused::Held(wait) = pace.acquire().await.refused(None, |_| secs(400)) {
            waits.push(wait.as_secs());
        }
        // The last question is asked when the patience ends, not before and not after.
        assert_eq!(waits, [400, 400, 100]);

        let pace = self::pace();
        assert_eq!(pace.acquire().await.refused(Some(secs(901)), |_| secs(901)), Refused::OutOfPatience);
        assert_eq!(pace.acquire().await.refused(Some(secs(900)), |_| secs(900)), Refused::Held(secs(900)));
    }

    #[tokio::test(start_paused = true)]
    async fn an_accepted_call_renews_the_patience() {
        let pace = pace();
        for _ in 0..5 {
            let early = pace.acquire().await;
            assert!(matches!(pace.acquire().await.refused(None, |_| secs(600)), Refused::Held(_)));
            tokio::time::sleep(secs(500)).await;
            early.accepted();
            assert_eq!(pace.acquire().await.refused(None, |_| secs(700)), Refused::Held(secs(700)));
            assert!(pace.acquire().await.accepted());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_allowance_that_is_used_up_is_waited_out_unrefused() {
        let pace = pace();
        let permit = pace.acquire().await;
        permit.accepted();
        pace.hold_for(secs(30));
        let (waited, permit) = wait_of(&pace).await;
        assert_eq!(waited, 30);
        assert!(permit.accepted());
    }

    /// The most calls in any window of the rate's, and the time that so many calls take.
    #[tokio::test(start_paused = true)]
    async fn no_window_holds_more_than_the_rate_and_a_burst() {
        let cases =
            [("290/min", 291), ("290/6s", 292), ("30/600ms", 31), ("4/s", 5), ("1000/h", 1_001), ("20000/s", 20_181)];
        for (rate, most) in cases {
            let rate: Rate = rate.parse().unwrap();
            let Rate::Calls { calls, window } = rate else { panic!("{rate}") };
            let pace = Pace::new(rate, PATIENCE, Past::default());
            let mut sent = Vec::new();
            for _ in 0..calls.get() * 3 {
                pace.acquire().await.accepted();
                sent.push(Instant::now());
            }
            let fullest =
                (0..sent.len()).map(|at| sent[at..].partition_point(|later| *later < sent[at] + window)).max();
            assert_eq!(fullest, Some(most), "{rate}");
            let took = *sent.last().unwrap() - sent[0];
            assert!(took > window * 2 && took < window * 3, "{rate}: {took:?}");
        }
    }

    /// Shares can't know whether others are late as well, so none makes up for it.
    #[tokio::test(start_paused = true)]
    async fn all_shares_together_stay_within_the_rate_even_where_all_are_late() {
        for (rate, count) in
            [("290/min", 1), ("290/min", 8), ("290/6s", 100), ("290/min", 145), ("96/2s", 8), ("20000/s", 3)]
        {
            let whole: Rate = rate.parse().unwrap();
            let Rate::Calls { calls, window } = whole else { panic!("{rate}") };
            let shared = whole.shared(Share::new(1, count).unwrap()).unwrap();
            let pace = Pace::new(shared, PATIENCE, Past::default());
            let mut sent = Vec::new();
            for at in 0..calls.get() / count * 3 + 3 {
                pace.acquire().await.accepted();
                sent.push(Instant::now());
                if at % 7 == 0 {
                    tokio::time::sleep(LATENESS).await;
                }
            }
            let in_window = |at: usize| sent[at..].partition_point(|later| *later < sent[at] + window);
            let fullest = (0..sent.len()).map(in_window).max().unwrap();
            assert!(fullest * count as usize <= calls.get() as usize, "{fullest} of {rate} by each of {count}");
            let took = *sent.last().unwrap() - sent[0];
            let calls = sent.len() as u32;
            assert!(took <= shared.interval().unwrap() * calls + LATENESS * calls, "{rate} by {count}: {took:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn calls_of_earlier_runs_leave_no_room() {
        let rate = "60/min".parse().unwrap();
        // How long ago the last window's calls were sent, and how long the first call waits, in seconds.
        let cases: [(&[u64], u64); 4] = [(&[], 0), (&[30], 0), (&[2, 1, 0], 1), (&[3, 3, 3, 3, 3, 3], 3)];
        for (ago, wait) in cases {
            let calls = ago.iter().map(|ago| secs(*ago)).collect();
            let pace = Pace::new(rate, PATIENCE, Past { learned: None, calls });
            assert_eq!(wait_of(&pace).await.0, wait, "{ago:?}");
        }
    }
}
