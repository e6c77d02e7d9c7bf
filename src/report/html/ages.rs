//! How many invitations are how old.

use crate::report::plural;

/// In days: where one group of ages ends and the next begins.
const BOUNDS: [u32; 8] = [7, 14, 21, 30, 60, 90, 180, 365];

/// Counts by age, in groups of which one ends at the cut-off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ages {
    bounds: Vec<u32>,
    counts: Vec<u64>,
    pub(super) unknown: u64,
}

impl Ages {
    pub(super) fn new(cut_off: Option<u32>) -> Self {
        let mut bounds: Vec<_> = BOUNDS.into_iter().chain(cut_off.filter(|days| *days > 0)).collect();
        bounds.sort_unstable();
        bounds.dedup();
        let counts = vec![0; bounds.len() + 1];
        Self { bounds, counts, unknown: 0 }
    }

    pub(super) fn add(&mut self, days: Option<u32>) {
        match days {
            Some(days) => self.counts[self.bounds.partition_point(|bound| *bound <= days)] += 1,
            None => self.unknown += 1,
        }
    }

    /// The first day of each group, its words and its count, the youngest first.
    pub(super) fn groups(&self) -> impl Iterator<Item = (u32, String, u64)> {
        let starts = std::iter::once(0).chain(self.bounds.iter().copied());
        let ends = self.bounds.iter().copied().map(Some).chain([None]);
        let words = |start: u32, end: Option<u32>| match end {
            Some(end) if start == 0 => format!("under {}", plural(end.into(), "day")),
            Some(end) if end - start == 1 => plural(start.into(), "day"),
            Some(end) => format!("{start} to {} days", end - 1),
            None => format!("{} or more", plural(start.into(), "day")),
        };
        starts.zip(ends).zip(&self.counts).map(move |((start, end), count)| (start, words(start, end), *count))
    }

    pub(super) fn total(&self) -> u64 {
        self.counts.iter().sum::<u64>() + self.unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_counted_on_its_side_of_the_cut_off() {
        let mut ages = Ages::new(Some(45));
        for days in [Some(0), Some(6), Some(7), Some(44), Some(45), Some(365), Some(4_000), None] {
            ages.add(days);
        }
        let filled: Vec<_> = ages.groups().filter(|(.., count)| *count > 0).collect();
        let expected = [
            (0, "under 7 days", 2),
            (7, "7 to 13 days", 1),
            (30, "30 to 44 days", 1),
            (45, "45 to 59 days", 1),
            (365, "365 days or more", 2),
        ];
        assert_eq!(filled, expected.map(|(start, words, count)| (start, words.to_owned(), count)));
        assert_eq!((ages.unknown, ages.total()), (1, 8));
        let words: Vec<_> = Ages::new(Some(20)).groups().map(|(_, words, _)| words).collect();
        assert_eq!(words[2..5], ["14 to 19 days", "20 days", "21 to 29 days"]);
    }
}
