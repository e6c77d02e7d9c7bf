//! Why rows are not fine, grouped: each cause with its rows counted.

use serde_json::{Value, json};

use super::groups::Groups;
use crate::event::Settled;
use crate::outcome::Outcome;
use crate::policy::cut;
use crate::stop::Stop;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
/// Apart from each other those of rows that were rate limited, and of others.
pub(crate) struct Causes(Groups<bool, Rows>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Rows {
    count: u64,
    first: u64,
}

impl Causes {
    pub(super) fn add(&mut self, settled: &Settled) {
        let cause = match Stop::without_it(&settled.detail) {
            "" => "no reason given",
            cause => cause,
        };
        let rows = self.0.of(settled.outcome == Outcome::RateLimited, &cut(cause));
        rows.count += 1;
        if rows.count == 1 || settled.row < rows.first {
            rows.first = settled.row;
        }
    }

    /// Each with its count, the most frequent first.
    pub(super) fn by_count(&self, with_rate_limit: bool) -> Vec<(&str, u64)> {
        self.sorted(with_rate_limit).into_iter().map(|(cause, rows)| (cause, rows.count)).collect()
    }

    pub(super) fn to_json(&self) -> Value {
        let causes = self.sorted(true).into_iter();
        causes.map(|(cause, Rows { count, first })| json!({"cause": cause, "count": count, "row": first})).collect()
    }

    fn sorted(&self, with_rate_limit: bool) -> Vec<(&str, Rows)> {
        let groups = self.0.0.iter().filter(|group| with_rate_limit || !group.kind);
        let mut causes: Vec<_> = groups.map(|group| (&*group.reason, group.value)).collect();
        causes.sort_by_key(|(_, rows)| std::cmp::Reverse(rows.count));
        causes
    }
}
