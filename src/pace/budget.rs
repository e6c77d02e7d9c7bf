//! What may be spent at most: credits or withdrawals of a run, withdrawals of an account in 24 hours.
//!
//! Each is reserved before it is spent, so that what is in flight can't pass the limit.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

/// A limit, and what is spent and reserved of it.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    limit: u64,
    spent: u64,
    /// By what is in flight, one each.
    reserved: u64,
}

/// The answer to a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "only what is granted may be spent"]
pub(crate) enum Reserve {
    /// One is reserved. It must be released.
    Granted,
    /// All is reserved, and what is in flight may give some of it back.
    Wait,
    UsedUp,
}

impl Budget {
    pub(crate) const fn new(limit: u64) -> Self {
        Self { limit, spent: 0, reserved: 0 }
    }

    pub(crate) fn reserve(&mut self) -> Reserve {
        if self.spent.saturating_add(self.reserved) < self.limit {
            self.reserved += 1;
            Reserve::Granted
        } else if self.spent < self.limit {
            Reserve::Wait
        } else {
            Reserve::UsedUp
        }
    }

    pub(crate) const fn is_nothing(&self) -> bool {
        self.limit == 0
    }

    /// What is neither spent nor reserved.
    pub(crate) const fn left(&self) -> u64 {
        self.limit.saturating_sub(self.spent.saturating_add(self.reserved))
    }

    /// Ends one reservation, of which this much was spent.
    pub(crate) fn release(&mut self, spent: u64) {
        self.reserved = self.reserved.saturating_sub(1);
        self.spent = self.spent.saturating_add(spent);
    }
}

/// `--daily-cap`: withdrawals of one account in any 24 hours.
#[derive(Clone, Debug)]
pub(crate) struct DailyCap {
    budget: Budget,
    /// Each counted withdrawal's time, oldest first.
    counted: VecDeque<Timestamp>,
}

impl DailyCap {
    /// With the withdrawals that the ledger knows of, of the last 24 hours or longer.
    pub(crate) fn new(limit: u64, known: impl IntoIterator<Item = Timestamp>) -> Self {
        let mut counted: Vec<_> = known.into_iter().collect();
        counted.sort_unstable();
        let budget = Budget { spent: counted.len() as u64, ..Budget::new(limit) };
        Self { budget, counted: counted.into() }
    }

    pub(crate) fn reserve(&mut self, now: Timestamp) -> Reserve {
        while self.counted.front().is_some_and(|oldest| now.duration_since(*oldest) >= DAY) {
            self.counted.pop_front();
            self.budget.spent -= 1;
        }
        self.budget.reserve()
    }

    /// Ends one reservation: with the time of the withdrawal, or without one that counts.
    pub(crate) fn release(&mut self, withdrawn_at: Option<Timestamp>) {
        self.budget.release(u64::from(withdrawn_at.is_some()));
        self.counted.extend(withdrawn_at);
    }

    pub(crate) const fn is_nothing(&self) -> bool {
        self.budget.is_nothing()
    }

    /// When the next withdrawal is allowed, where the cap is used up; never with a cap of 0.
    pub(crate) fn free_at(&self) -> Option<Timestamp> {
        let over = self.counted.len().checked_sub(usize::try_from(self.budget.limit).ok()?)?;
        self.counted.get(over)?.checked_add(DAY).ok()
    }
}

const DAY: SignedDuration = SignedDuration::from_hours(24);

#[cfg(test)]
mod tests {
    use super::Reserve::{Granted, UsedUp, Wait};
    use super::*;

    /// What each step comes to: `r` reserves, a digit releases a reservation of which so much was spent.
    fn steps(mut budget: Budget, steps: &str) -> Vec<Reserve> {
        let step = |step: char| match step.to_digit(10) {
            Some(spent) => {
                budget.release(spent.into());
                None
            }
            None => Some(budget.reserve()),
        };
        steps.chars().filter_map(step).collect()
    }

    #[test]
    fn a_budget_is_never_passed_and_waits_for_what_is_in_flight() {
        let cases: [(u64, &str, &[Reserve]); 8] = [
            (0, "r", &[UsedUp]),
            (2, "rrr", &[Granted, Granted, Wait]),
            (2, "rrr1r", &[Granted, Granted, Wait, Wait]),
            (2, "rrr1r1r", &[Granted, Granted, Wait, Wait, UsedUp]),
            // Given back.
            (2, "rrr0r", &[Granted, Granted, Wait, Granted]),
            (1, "r0r1r", &[Granted, Granted, UsedUp]),
            // What costs more than was reserved leaves nothing to wait for.
            (2, "rr3r", &[Granted, Granted, UsedUp]),
            (u64::MAX, "r9r", &[Granted, Granted]),
        ];
        for (limit, text, expected) in cases {
            assert_eq!(steps(Budget::new(limit), text), expected, "{limit} {text}");
        }
    }

    fn at(hours: f64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs_f64(hours * 3_600.0)
    }

    #[test]
    fn a_daily_cap_counts_any_24_hours() {
        let known = [0.0, 0.5, 1.0];
        let cases: [(u64, f64, &[Reserve]); 7] = [
            (5, 12.0, &[Granted, Granted, Wait]),
            (3, 12.0, &[UsedUp]),
            (3, 23.9, &[UsedUp]),
            (3, 24.0, &[Granted, Wait]),
            (3, 25.0, &[Granted, Granted, Granted, Wait]),
            // A lower cap than before.
            (1, 24.6, &[UsedUp]),
            // A clock that was set back.
            (3, -5.0, &[UsedUp]),
        ];
        for (limit, now, expected) in cases {
            let mut cap = DailyCap::new(limit, known.into_iter().rev().map(at));
            let reserved: Vec<_> = expected.iter().map(|_| cap.reserve(at(now))).collect();
            assert_eq!(reserved, expected, "{limit} at {now}");
        }
    }

    /// Runs of as many as the cap lets through.
    #[test]
    fn a_daily_cap_over_days() {
        let mut cap = DailyCap::new(40, []);
        let mut counts = Vec::new();
        for hours in [0.0, 12.0, 24.1, 48.0] {
            let mut count = 0;
            while cap.reserve(at(hours)) == Granted {
                cap.release(Some(at(hours)));
                count += 1;
            }
            counts.push(count);
        }
        assert_eq!(counts, [40, 0, 40, 0]);
    }

    #[test]
    fn when_the_next_withdrawal_is_allowed() {
        for (limit, free_at) in [(3, Some(24.0)), (2, Some(24.5)), (1, Some(25.0)), (0, None), (4, None)] {
            let cap = DailyCap::new(limit, [0.0, 0.5, 1.0].map(at));
            assert_eq!(cap.free_at(), free_at.map(at), "{limit}");
        }
    }

    #[test]
    fn what_was_not_withdrawn_gives_its_place_back() {
        let mut cap = DailyCap::new(1, []);
        assert_eq!([cap.reserve(at(0.0)), cap.reserve(at(0.0))], [Granted, Wait]);
        cap.release(None);
        assert_eq!(cap.reserve(at(0.0)), Granted);
        cap.release(Some(at(0.0)));
        assert_eq!(cap.reserve(at(1.0)), UsedUp);
    }
}
