//! The pace: one limiter for every call of the run, and one shared moment before which nobody sends.
//!
//! Owns when a call may leave. Does not know what a call is for, and never decides whether one is made again.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

mod rate;

pub(crate) use rate::Rate;

/// Calls that may leave together: one more than evenly paced, so that a late wake-up can be made good. With
/// governor's default, a quota of 300 a minute lets 600 through in the first.
const BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);

/// The one pace of a run. Shared by all workers.
#[derive(Debug)]
pub(crate) struct Pace {
    /// `None` without a limit.
    limiter: Option<DefaultDirectRateLimiter>,
    patience: Duration,
    hold: watch::Sender<Hold>,
    /// Whoever holds it waits for the limiter, the others wait for them: in order, and one wake-up a call.
    turnstile: Mutex<()>,
}

/// Whether calls may leave.
#[derive(Clone, Debug, Default)]
enum Hold {
    #[default]
    Open,
    /// The API refused one for its rate. After `until` one worker asks; the others wait for its answer, since a herd
    /// would buy a herd of refusals.
    Held {
        until: Instant,
        asking: bool,
        /// Refusals in a row of whoever asked first.
        refusals: u32,
        /// Since when no call was accepted.
        since: Instant,
    },
}

/// Leave to make one call now. Its end is told with [`Leave::accepted`] or [`Leave::refused`]; dropped untold (the
/// answer was lost, the call was never made), it lets the next worker ask.
#[derive(Debug)]
#[must_use = "a leave is for one call, and its end must be told"]
pub(crate) struct Leave {
    pace: Arc<Pace>,
    asks_first: bool,
}

/// What follows a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Nobody sends for this long.
    Held(Duration),
    /// No call was accepted for longer than the run has patience, or the API asks for more than that.
    OutOfPatience,
}

impl Pace {
    /// A pace of `rate`; `patience` is the longest time without one accepted call.
    pub(crate) fn new(rate: Rate, patience: Duration) -> Arc<Self> {
        let limiter =
            rate.interval().and_then(Quota::with_period).map(|quota| RateLimiter::direct(quota.allow_burst(BURST)));
        Arc::new(Self { limiter, patience, hold: watch::Sender::default(), turnstile: Mutex::new(()) })
    }

    /// Waits until a call may leave. Safe to drop while waiting.
    pub(crate) async fn leave(self: &Arc<Self>) -> Leave {
        // Without limit and hold there is nothing to queue for.
        if self.limiter.is_none() && matches!(*self.hold.borrow(), Hold::Open) {
            return self.let_go(false);
        }
        let _turn = self.turnstile.lock().await;
        loop {
            self.hold_ends().await;
            if let Some(limiter) = &self.limiter {
                limiter.until_ready().await;
            }
            // While we waited for the limiter, an answer may have closed the door again.
            if let Some(leave) = self.try_leave() {
                return leave;
            }
        }
    }

    /// Waits until the door is open, or nobody asks and the moment has come.
    async fn hold_ends(&self) {
        let mut changes = self.hold.subscribe();
        loop {
            let hold = changes.borrow_and_update().clone();
            let moment = match hold {
                Hold::Open => return,
                Hold::Held { asking: true, .. } => None,
                Hold::Held { until, asking: false, .. } if until <= Instant::now() => return,
                Hold::Held { until, asking: false, .. } => Some(until),
            };
            match moment {
                Some(until) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(until) => {}
                        _ = changes.changed() => {}
                    }
                }
                // The sender is ours: it can't be gone.
                None => drop(changes.changed().await),
            }
        }
    }

    fn try_leave(self: &Arc<Self>) -> Option<Leave> {
        let mut leave = None;
        self.hold.send_if_modified(|hold| match hold {
            Hold::Open => {
                leave = Some(false);
                false
            }
            Hold::Held { until, asking, .. } if !*asking && *until <= Instant::now() => {
                *asking = true;
                leave = Some(true);
                true
            }
            Hold::Held { .. } => false,
        });
        leave.map(|asks_first| self.let_go(asks_first))
    }

    fn let_go(self: &Arc<Self>, asks_first: bool) -> Leave {
        Leave { pace: Arc::clone(self), asks_first }
    }

    /// Nobody sends for `wait`, although no call was refused: the API said that its allowance is used up.
    pub(crate) fn rest(&self, wait: Duration) {
        let now = Instant::now();
        let until = now + wait.min(self.patience);
        self.hold.send_modify(|hold| match hold {
            Hold::Open => *hold = Hold::Held { until, asking: false, refusals: 0, since: now },
            Hold::Held { until: held, .. } => *held = until.max(*held),
        });
    }
}

impl Leave {
    /// The API answered, whatever it said of the invitation. Returns whether this ended a hold.
    pub(crate) fn accepted(mut self) -> bool {
        let asked_first = std::mem::take(&mut self.asks_first);
        let mut ended = false;
        self.pace.hold.send_if_modified(|hold| match hold {
            Hold::Open => false,
            Hold::Held { .. } if asked_first => {
                *hold = Hold::Open;
                ended = true;
                true
            }
            // It left before the hold began, so it says nothing about it, but for the patience.
            Hold::Held { since, .. } => {
                *since = Instant::now();
                false
            }
        });
        ended
    }

    /// The API refused the call for its rate. `wait` is how long to hold, given how many times in a row whoever asked
    /// first was refused; `asked_for` is what the API itself asks for, if it does.
    pub(crate) fn refused(mut self, asked_for: Option<Duration>, wait: impl FnOnce(u32) -> Duration) -> Refused {
        let asked_first = std::mem::take(&mut self.asks_first);
        let now = Instant::now();
        let patience = self.pace.patience;
        let mut refused = Refused::OutOfPatience;
        self.pace.hold.send_modify(|hold| {
            let (count, start, earlier) = match hold {
                Hold::Open => (0, now, now),
                Hold::Held { refusals, since, until, .. } => (*refusals + u32::from(asked_first), *since, *until),
            };
            let ends = start + patience;
            let wait = wait(count);
            if now >= ends || asked_for.is_some_and(|asked_for| now + asked_for > ends) {
                return;
            }
            // The last question is asked when the patience ends, not after it.
            let until = (now + wait).min(ends.max(now + asked_for.unwrap_or_default())).max(earlier);
            let asking = matches!(hold, Hold::Held { asking: true, .. }) && !asked_first;
            *hold = Hold::Held { until, asking, refusals: count, since: start };
            refused = Refused::Held(until - now);
        });
        refused
    }
}

impl Drop for Leave {
    fn drop(&mut self) {
        if self.asks_first {
            self.pace.hold.send_modify(|hold| match hold {
                Hold::Open => {}
                Hold::Held { asking, .. } => *asking = false,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(900);

    fn pace() -> Arc<Pace> {
        Pace::new(Rate::Unlimited, PATIENCE)
    }

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// How long the next call has to wait, in seconds of the paused clock.
    async fn wait_of(pace: &Arc<Pace>) -> (u64, Leave) {
        let began = Instant::now();
        let leave = pace.leave().await;
        ((Instant::now() - began).as_secs(), leave)
    }

    /// A refusal that holds everyone for a second.
    fn hold(leave: Leave) {
        assert_eq!(leave.refused(None, |_| secs(1)), Refused::Held(secs(1)));
    }

    fn count(leave: Leave, counts: &mut Vec<u32>) {
        let refused = leave.refused(None, |refusals| {
            counts.push(refusals);
            secs(1)
        });
        assert!(matches!(refused, Refused::Held(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_holds_everyone_until_one_shared_moment() {
        let pace = pace();
        let (early, late) = (pace.leave().await, pace.leave().await);
        assert_eq!(early.refused(None, |_| secs(10)), Refused::Held(secs(10)));
        // An answer to a call from before the hold neither ends it nor makes it start anew.
        tokio::time::sleep(secs(4)).await;
        assert!(!late.accepted());
        let (waited, leave) = wait_of(&pace).await;
        assert_eq!(waited, 6);
        assert!(leave.accepted());
        assert_eq!(wait_of(&pace).await.0, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_hold_one_asks_and_the_others_wait_for_the_answer() {
        let pace = pace();
        hold(pace.leave().await);
        let first = pace.leave().await;
        let others: Vec<_> = (0..5)
            .map(|_| {
                let pace = Arc::clone(&pace);
                tokio::spawn(async move { pace.leave().await.accepted() })
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
        let herd = [pace.leave().await, pace.leave().await, pace.leave().await];
        let mut counts = Vec::new();
        for leave in herd {
            count(leave, &mut counts);
        }
        for _ in 0..3 {
            count(pace.leave().await, &mut counts);
        }
        assert_eq!(counts, [0, 0, 0, 1, 2, 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_answer_lets_the_next_one_ask() {
        let pace = pace();
        hold(pace.leave().await);
        let first = pace.leave().await;
        drop(first);
        let (waited, second) = wait_of(&pace).await;
        assert_eq!(waited, 0);
        assert!(second.accepted(), "the second one asks, and its answer ends the hold");
    }

    #[tokio::test(start_paused = true)]
    async fn patience_ends_after_the_last_question_and_at_once_for_a_longer_wait() {
        let pace = pace();
        let mut waits = Vec::new();
        while let Refused::Held(wait) = pace.leave().await.refused(None, |_| secs(400)) {
            waits.push(wait.as_secs());
        }
        // The last question is asked when the patience ends, not before and not after.
        assert_eq!(waits, [400, 400, 100]);

        let pace = self::pace();
        assert_eq!(pace.leave().await.refused(Some(secs(901)), |_| secs(901)), Refused::OutOfPatience);
        assert_eq!(pace.leave().await.refused(Some(secs(900)), |_| secs(900)), Refused::Held(secs(900)));
    }

    #[tokio::test(start_paused = true)]
    async fn an_accepted_call_renews_the_patience() {
        let pace = pace();
        for _ in 0..5 {
            let early = pace.leave().await;
            assert!(matches!(pace.leave().await.refused(None, |_| secs(600)), Refused::Held(_)));
            tokio::time::sleep(secs(500)).await;
            early.accepted();
            assert_eq!(pace.leave().await.refused(None, |_| secs(700)), Refused::Held(secs(700)));
            assert!(pace.leave().await.accepted());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_allowance_that_is_used_up_is_waited_out_unrefused() {
        let pace = pace();
        let leave = pace.leave().await;
        leave.accepted();
        pace.rest(secs(30));
        let (waited, leave) = wait_of(&pace).await;
        assert_eq!(waited, 30);
        assert!(leave.accepted());
    }

    /// The limiter runs on the real clock: a server that allows 30 in any 600 ms must refuse none.
    #[tokio::test]
    async fn no_window_of_the_servers_holds_more_than_it_allows() {
        let pace = Pace::new("290/s".parse().unwrap(), PATIENCE);
        let mut left = Vec::new();
        for _ in 0..90 {
            pace.leave().await.accepted();
            left.push(std::time::Instant::now());
        }
        let span = left[89] - left[0];
        assert!(span >= Duration::from_micros(88 * 3_448), "88 intervals in {span:?}: more than one call ahead");
        for window in left.windows(32) {
            // 31 intervals, less the one call that may be ahead and the clocks' grain.
            let span = window[31] - window[0];
            assert!(span >= Duration::from_micros(29 * 3_448), "32 calls in {span:?}");
        }
    }
}
