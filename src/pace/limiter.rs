//! One limiter for every call of the run, and one shared hold after a refusal.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

use super::Rate;

/// Burst of the limiter: one call more than evenly paced, so that a late wake-up can be made up for. With
/// governor's default, a quota of 300 a minute lets 600 through in the first.
const BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);

/// The one pace of a run. Shared by all workers.
#[derive(Debug)]
pub(crate) struct Pace {
    /// `None` without a limit.
    limiter: Option<DefaultDirectRateLimiter>,
    patience: Duration,
    hold: watch::Sender<Hold>,
    /// Its holder waits for the limiter, everyone else for this lock: first come, first served, and one wake-up per call.
    turnstile: Mutex<()>,
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

/// Permission for one call now. Report the answer with [`Permit::accepted`] or [`Permit::refused`]. Dropped without either
/// (the answer was lost, or the call was never made), a probe's permit lets another worker probe.
#[derive(Debug)]
#[must_use = "a permit is for one call, and its end must be told"]
pub(crate) struct Permit {
    pace: Arc<Pace>,
    is_probe: bool,
}

/// What follows a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// No call is sent for this long.
    Held(Duration),
    /// No call was accepted for longer than `--patience`, or the API asks for a longer wait than that.
    OutOfPatience,
}

impl Pace {
    /// A pace of `rate`; `patience` is the longest time without one accepted call.
    pub(crate) fn new(rate: Rate, patience: Duration) -> Arc<Self> {
        let limiter =
            rate.interval().and_then(Quota::with_period).map(|quota| RateLimiter::direct(quota.allow_burst(BURST)));
        Arc::new(Self { limiter, patience, hold: watch::Sender::default(), turnstile: Mutex::new(()) })
    }

    /// Waits until a call may be sent. Cancel-safe.
    pub(crate) async fn acquire(self: &Arc<Self>) -> Permit {
        // Without a limit or a hold there is nothing to wait for.
        if self.limiter.is_none() && matches!(*self.hold.borrow(), Hold::Open) {
            return self.permit(false);
        }
        let _turn = self.turnstile.lock().await;
        loop {
            self.hold_ends().await;
            if let Some(limiter) = &self.limiter {
                limiter.until_ready().await;
            }
            // While this waited for the limiter, an answer may have started a hold.
            if let Some(permit) = self.try_acquire() {
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
        Permit { pace: Arc::clone(self), is_probe }
    }

    /// The patience with a hold begins anew: for a while nobody was to call.
    pub(crate) fn renew_patience(&self) {
        self.hold.send_modify(|hold| match hold {
            Hold::Open => {}
            Hold::Held { since, .. } => *since = Instant::now(),
        });
    }

    /// Holds all calls for `wait`, although none was refused: the API said that its quota is used up.
    pub(crate) fn hold_for(&self, wait: Duration) {
        let now = Instant::now();
        let until = now + wait.min(self.patience);
        self.hold.send_modify(|hold| match hold {
            Hold::Open => *hold = Hold::Held { until, probing: false, refusals: 0, since: now },
            Hold::Held { until: held, .. } => *held = until.max(*held),
        });
    }
}

impl Permit {
    /// The API answered, whatever it said of the invitation. Returns whether this ended a hold.
    pub(crate) fn accepted(mut self) -> bool {
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

    /// The API refused the call for its rate. `wait` gives the length of the hold for a number of probes refused in a row;
    /// `asked_for` is what the API itself asks for.
    pub(crate) fn refused(mut self, asked_for: Option<Duration>, wait: impl FnOnce(u32) -> Duration) -> Refused {
        let was_probe = std::mem::take(&mut self.is_probe);
        let now = Instant::now();
        let patience = self.pace.patience;
        let mut refused = Refused::OutOfPatience;
        self.pace.hold.send_modify(|hold| {
            let (count, start, earlier) = match hold {
                Hold::Open => (0, now, now),
                Hold::Held { refusals, since, until, .. } => (*refusals + u32::from(was_probe), *since, *until),
            };
            let ends = start + patience;
            let wait = wait(count);
            // Not as a moment: it may be too far away for one.
            if now >= ends || asked_for.is_some_and(|asked_for| asked_for > ends - now) {
                return;
            }
            // The last probe is sent when the patience ends, not after it.
            let until = (now + wait).min(ends.max(now + asked_for.unwrap_or_default())).max(earlier);
            let probing = matches!(hold, Hold::Held { probing: true, .. }) && !was_probe;
            *hold = Hold::Held { until, probing, refusals: count, since: start };
            refused = Refused::Held(until - now);
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

    const PATIENCE: Duration = Duration::from_secs(900);

    fn pace() -> Arc<Pace> {
        Pace::new(Rate::Unlimited, PATIENCE)
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
        assert!(matches!(refused, Refused::Held(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_holds_everyone_until_one_shared_moment() {
        let pace = pace();
        let (early, late) = (pace.acquire().await, pace.acquire().await);
        assert_eq!(early.refused(None, |_| secs(10)), Refused::Held(secs(10)));
        // An answer to a call from before the hold neither ends it nor makes it start anew.
        tokio::time::sleep(secs(4)).await;
        assert!(!late.accepted());
        let (waited, permit) = wait_of(&pace).await;
        assert_eq!(waited, 6);
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

    /// The limiter runs on the real clock: a server that allows 30 in any 600 ms must refuse none.
    #[tokio::test]
    async fn no_window_of_the_servers_holds_more_than_it_allows() {
        let pace = Pace::new("290/s".parse().unwrap(), PATIENCE);
        let mut left = Vec::new();
        for _ in 0..90 {
            pace.acquire().await.accepted();
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
