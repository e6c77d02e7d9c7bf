//! Reservations of a limit that calls in flight share.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{Timestamp, Zoned};
use tokio::sync::Notify;

use super::Clock;
use crate::pace::{Budget, DailyCap, Reserve};

/// What one can be reserved of.
pub(super) trait Limited {
    fn reserve(&mut self, now: Timestamp) -> Reserve;
    fn release(&mut self, spent: u64, now: Timestamp);
    /// When there will be more of it, once it is used up.
    fn free_at(&self) -> Option<Timestamp>;
}

impl Limited for Budget {
    fn reserve(&mut self, _: Timestamp) -> Reserve {
        self.reserve()
    }

    fn release(&mut self, spent: u64, _: Timestamp) {
        self.release(spent);
    }

    fn free_at(&self) -> Option<Timestamp> {
        None
    }
}

impl Limited for DailyCap {
    fn reserve(&mut self, now: Timestamp) -> Reserve {
        self.reserve(now)
    }

    fn release(&mut self, spent: u64, now: Timestamp) {
        self.release((spent > 0).then_some(now));
    }

    fn free_at(&self) -> Option<Timestamp> {
        self.free_at()
    }
}

/// A limit that tasks share.
#[derive(Debug)]
pub(super) struct Shared<L> {
    limit: Mutex<L>,
    released: Notify,
    clock: Clock,
}

/// One of a limit. Ends when it is dropped, at what is set as spent until then.
#[derive(Debug)]
#[must_use = "it ends when it is dropped"]
pub(super) struct Reservation<'a, L: Limited> {
    of: &'a Shared<L>,
    pub(super) spent: u64,
}

impl<L: Limited> Shared<L> {
    pub(super) fn new(limit: L, clock: Clock) -> Self {
        Self { limit: Mutex::new(limit), released: Notify::new(), clock }
    }

    /// Reserves one, and waits for what is in flight where that may give one back. `None` once the limit is used up.
    /// Cancel-safe.
    pub(super) async fn reserve(&self) -> Option<Reservation<'_, L>> {
        loop {
            // Before the look at the limit, so that no release falls between the two.
            let released = self.released.notified();
            let answer = self.lock().reserve(self.clock.steady());
            match answer {
                Reserve::Granted => return Some(Reservation { of: self, spent: 0 }),
                Reserve::Wait => released.await,
                Reserve::UsedUp => return None,
            }
        }
    }

    /// When there will be more of it, in local time.
    pub(super) fn free_at(&self) -> Option<Zoned> {
        Some(self.lock().free_at()?.to_zoned(self.clock.now().time_zone().clone()))
    }

    /// `None` for a moment that has passed.
    pub(super) fn time_until(&self, moment: &Zoned) -> Option<Duration> {
        Duration::try_from(moment.timestamp().duration_since(self.clock.steady())).ok()
    }

    fn lock(&self) -> MutexGuard<'_, L> {
        self.limit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared<Budget> {
    pub(super) fn left(&self) -> u64 {
        self.lock().left()
    }
}

impl<L: Limited> Drop for Reservation<'_, L> {
    fn drop(&mut self) {
        self.of.lock().release(self.spent, self.of.clock.steady());
        self.of.released.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_reservation_that_fails_waits_for_those_that_may_give_back() {
        for (spent, granted) in [(0, true), (1, false)] {
            let shared = Shared::new(Budget::new(1), Clock::system());
            let mut first = shared.reserve().await.unwrap();
            let (second, ()) = tokio::join!(async { shared.reserve().await.is_some() }, async {
                tokio::task::yield_now().await;
                first.spent = spent;
                drop(first);
            });
            assert_eq!(second, granted);
        }
    }
}
