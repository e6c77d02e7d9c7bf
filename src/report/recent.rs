//! The recent pace: rows that took calls, and answers, over the last half minute in which nothing held the run back.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(30);
/// A slow run is measured over more than the window: over so many rows.
const FEW_ROWS: u64 = 5;
/// Less says nothing.
const SHORTEST: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct Recent {
    /// Time that was no wait.
    active: Duration,
    seen: Option<Instant>,
    /// Oldest first.
    samples: VecDeque<Sample>,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    active: Duration,
    rows: u64,
    calls: u64,
}

impl Recent {
    pub(super) fn add(&mut self, now: Instant, is_waiting: bool, rows: u64, calls: u64) {
        let since = self.seen.replace(now).map_or(Duration::ZERO, |seen| now.saturating_duration_since(seen));
        if !is_waiting {
            self.active += since;
        }
        let sample = Sample { active: self.active, rows, calls };
        if self.samples.back().is_none_or(|last| sample.active - last.active >= SHORTEST) {
            self.samples.push_back(sample);
        }
        while self
            .samples
            .get(1)
            .is_some_and(|next| self.active - next.active >= WINDOW && rows - next.rows >= FEW_ROWS)
        {
            self.samples.pop_front();
        }
    }

    /// Rows and calls per second, where they can be told.
    pub(super) fn per_second(&self, rows: u64, calls: u64) -> Option<(f64, f64)> {
        let first = self.samples.front()?;
        let span = self.active.saturating_sub(first.active);
        let over = |count: u64| count as f64 / span.as_secs_f64();
        (span >= SHORTEST).then(|| (over(rows.saturating_sub(first.rows)), over(calls.saturating_sub(first.calls))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows per second after these steps: how often a second passes, whether waiting, and rows in each.
    fn pace_after(steps: &[(u32, bool, u64)]) -> Option<f64> {
        let (mut recent, mut now, mut rows) = (Recent::default(), Instant::now(), 0);
        recent.add(now, false, 0, 0);
        for &(seconds, is_waiting, each) in steps {
            for _ in 0..seconds {
                (now, rows) = (now + Duration::from_secs(1), rows + each);
                recent.add(now, is_waiting, rows, 2 * rows);
            }
        }
        let (of_rows, of_calls) = recent.per_second(rows, 2 * rows)?;
        assert!((of_calls - 2.0 * of_rows).abs() < 1e-9);
        Some((of_rows * 100.0).round() / 100.0)
    }

    #[test]
    fn the_pace_is_recent_and_knows_no_waits() {
        assert_eq!(pace_after(&[]), None);
        assert_eq!(pace_after(&[(10, false, 4)]), Some(4.0));
        assert_eq!(pace_after(&[(10, false, 4), (600, true, 0), (1, false, 4)]), Some(4.0));
        assert_eq!(pace_after(&[(100, false, 10), (60, false, 4)]), Some(4.0));
        // Nothing any more: what is left takes ever longer.
        assert!(pace_after(&[(40, false, 4), (40, false, 0)]).unwrap() < 1.0);
    }
}
