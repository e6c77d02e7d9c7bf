//! How long calls took, in groups of fixed bounds.

use std::time::Duration;

/// In milliseconds.
const BOUNDS: [u64; 12] = [10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000];

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Latencies {
    counts: [u64; BOUNDS.len() + 1],
    pub(super) longest: Duration,
}

impl Latencies {
    pub(super) fn add(&mut self, latency: Duration) {
        let millis = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        self.counts[BOUNDS.partition_point(|bound| *bound <= millis)] += 1;
        self.longest = self.longest.max(latency);
    }

    pub(super) fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The words and the count of each group from the first to the last that has calls.
    pub(super) fn groups(&self) -> impl Iterator<Item = (String, u64)> {
        let first = self.counts.iter().position(|count| *count > 0).unwrap_or_default();
        let last = self.counts.iter().rposition(|count| *count > 0).map_or(0, |last| last + 1);
        (first..last).map(|at| (words(at), self.counts[at]))
    }

    /// The bound below which this share of the calls stayed, in words.
    pub(super) fn below(&self, percent: u64) -> String {
        let wanted = (self.total() * percent).div_ceil(100);
        let mut sum = 0;
        for (count, bound) in self.counts.iter().zip(BOUNDS) {
            sum += count;
            if sum >= wanted {
                return format!("under {}", time(bound));
            }
        }
        format!("up to {}", time(u64::try_from(self.longest.as_millis()).unwrap_or(u64::MAX)))
    }
}

fn words(at: usize) -> String {
    match (at.checked_sub(1).map(|below| BOUNDS[below]), BOUNDS.get(at)) {
        (Some(from), Some(to)) => format!("{} to {}", time(from), time(*to)),
        (None, Some(to)) => format!("under {}", time(*to)),
        (from, None) => format!("{} or more", time(from.unwrap_or_default())),
    }
}

pub(super) fn time(millis: u64) -> String {
    match millis {
        0..1_000 => format!("{millis} ms"),
        _ if millis.is_multiple_of(1_000) => format!("{} s", millis / 1_000),
        _ => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_shares() {
        let mut latencies = Latencies::default();
        for millis in [12, 30, 30, 40, 90, 1_500, 61_234] {
            latencies.add(Duration::from_millis(millis));
        }
        let filled: Vec<_> = latencies.groups().filter(|(_, count)| *count > 0).collect();
        let expected = [
            ("10 ms to 20 ms", 1),
            ("20 ms to 50 ms", 3),
            ("50 ms to 100 ms", 1),
            ("1 s to 2 s", 1),
            ("60 s or more", 1),
        ];
        assert_eq!(filled, expected.map(|(words, count)| (words.to_owned(), count)));
        assert_eq!((latencies.below(50), latencies.below(95)), ("under 50 ms".to_owned(), "up to 61.2 s".to_owned()));
    }
}
