//! Calls over time, in a bounded number of bins: twice as wide whenever the run outgrows them.

use std::time::Duration;

use jiff::Timestamp;

pub(super) const MAX_BINS: usize = 48;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bin {
    pub(super) answered: u64,
    pub(super) refused: u64,
    /// Milliseconds during which a rate limit held all calls back.
    pub(super) held: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Timeline {
    start: Timestamp,
    /// Of a bin, in milliseconds.
    width: u64,
    bins: Vec<Bin>,
    /// A hold that goes on: since when, and until when at the least.
    hold: Option<(Timestamp, Timestamp)>,
}

impl Timeline {
    pub(super) fn new(start: Timestamp) -> Self {
        Self { start, width: 1_000, bins: Vec::new(), hold: None }
    }

    pub(super) fn add_call(&mut self, sent_at: Timestamp, latency: Duration, is_refused: bool) {
        let ended_at = sent_at.saturating_add(latency).unwrap_or(Timestamp::MAX);
        let bin = self.bin(ended_at);
        if is_refused {
            bin.refused += 1;
            return;
        }
        bin.answered += 1;
        // What was sent before the hold says nothing about its end.
        if self.hold.is_some_and(|(since, _)| sent_at > since) {
            self.resume(sent_at);
        }
    }

    pub(super) fn hold(&mut self, now: Timestamp, until: Timestamp) {
        let (since, earlier) = self.hold.unwrap_or((now, until));
        self.hold = Some((since, earlier.max(until)));
    }

    pub(super) fn resume(&mut self, now: Timestamp) {
        if let Some((since, _)) = self.hold.take() {
            self.shade(since, now);
        }
    }

    /// Ends what goes on at the run's end.
    pub(super) fn end(&mut self, now: Timestamp) {
        if let Some((since, until)) = self.hold.take() {
            self.shade(since, until.min(now));
        }
        if !self.bins.is_empty() {
            self.bin(now);
        }
    }

    pub(super) fn bins(&self) -> &[Bin] {
        &self.bins
    }

    pub(super) const fn width(&self) -> Duration {
        Duration::from_millis(self.width)
    }

    /// Calls a minute at this count in a bin.
    pub(super) fn per_minute(&self, count: u64) -> u64 {
        count.saturating_mul(60_000) / self.width
    }

    fn offset(&self, at: Timestamp) -> u64 {
        u64::try_from(at.duration_since(self.start).as_millis()).unwrap_or_default()
    }

    fn bin(&mut self, at: Timestamp) -> &mut Bin {
        let offset = self.offset(at);
        while offset / self.width >= MAX_BINS as u64 {
            self.width = self.width.saturating_mul(2);
            let halves = std::mem::take(&mut self.bins);
            self.bins = halves.chunks(2).map(|pair| pair.iter().copied().fold(Bin::default(), Bin::plus)).collect();
        }
        let at = usize::try_from(offset / self.width).unwrap_or_default();
        if self.bins.len() <= at {
            self.bins.resize(at + 1, Bin::default());
        }
        &mut self.bins[at]
    }

    fn shade(&mut self, from: Timestamp, to: Timestamp) {
        self.bin(to.max(from));
        let (mut from, to) = (self.offset(from), self.offset(to));
        while from < to {
            let at = from / self.width;
            let end = to.min((at + 1) * self.width);
            if let Some(bin) = usize::try_from(at).ok().and_then(|at| self.bins.get_mut(at)) {
                bin.held += end - from;
            }
            from = end;
        }
    }
}

impl Bin {
    const fn plus(self, other: Self) -> Self {
        Self {
            answered: self.answered + other.answered,
            refused: self.refused + other.refused,
            held: self.held + other.held,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    #[test]
    fn bins_widen_and_lose_no_call() {
        let mut timeline = Timeline::new(at(0));
        for second in 0..10_000 {
            timeline.add_call(at(second), Duration::from_millis(20), second % 10 == 0);
        }
        assert!(timeline.bins().len() <= MAX_BINS, "{}", timeline.bins().len());
        assert!(timeline.bins().len() > MAX_BINS / 2);
        let sum = timeline.bins().iter().copied().fold(Bin::default(), Bin::plus);
        assert_eq!((sum.answered, sum.refused), (9_000, 1_000));
        assert_eq!(timeline.per_minute(timeline.bins()[0].answered + timeline.bins()[0].refused), 60);
    }

    #[test]
    fn a_hold_lasts_until_a_later_call_is_accepted() {
        let mut timeline = Timeline::new(at(0));
        let call = |timeline: &mut Timeline, second| timeline.add_call(at(second), Duration::ZERO, false);
        timeline.hold(at(1), at(3));
        // In flight when the hold came.
        call(&mut timeline, 0);
        // The probe is refused, so it goes on.
        timeline.add_call(at(3), Duration::ZERO, true);
        timeline.hold(at(3), at(5));
        call(&mut timeline, 6);
        call(&mut timeline, 9);
        timeline.hold(at(9), at(60));
        timeline.end(at(10));
        let held: Vec<_> = timeline.bins().iter().map(|bin| bin.held).collect();
        assert_eq!(held, [0, 1_000, 1_000, 1_000, 1_000, 1_000, 0, 0, 0, 1_000, 0]);
    }
}
