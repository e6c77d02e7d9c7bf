//! Why rows are not fine, grouped: each cause with its rows counted.

use serde_json::{Value, json};

use super::groups::Groups;
use crate::event::Settled;
use crate::outcome::Outcome;
use crate::policy::cut;
use crate::stop::Stop;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Causes(Groups<Kind, Rows>);

/// Rows whose causes are kept apart, since something else may have said them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    RateLimited,
    Invalid,
    Other,
}

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
        let kind = match settled.outcome {
            Outcome::RateLimited => Kind::RateLimited,
            Outcome::Invalid => Kind::Invalid,
            Outcome::Withdrawn
            | Outcome::PresumedWithdrawn
            | Outcome::AlreadySettled
            | Outcome::Duplicate
            | Outcome::NotPending
            | Outcome::NotFound
            | Outcome::Unconfirmed
            | Outcome::Rejected
            | Outcome::Failed
            | Outcome::NotAttempted => Kind::Other,
        };
        let rows = self.0.of(kind, &cut(cause));
        rows.count += 1;
        if rows.count == 1 || settled.row < rows.first {
            rows.first = settled.row;
        }
    }

    /// Each with its count, the most frequent first.
    pub(super) fn by_count(&self, is_wanted: impl Fn(Kind) -> bool) -> Vec<(&str, u64)> {
        self.sorted(is_wanted).into_iter().map(|(cause, rows)| (cause, rows.count)).collect()
    }

    pub(super) fn to_json(&self) -> Value {
        let causes = self.sorted(|_| true).into_iter();
        causes.map(|(cause, Rows { count, first })| json!({"cause": cause, "count": count, "row": first})).collect()
    }

    fn sorted(&self, is_wanted: impl Fn(Kind) -> bool) -> Vec<(&str, Rows)> {
        let groups = self.0.0.iter().filter(|group| is_wanted(group.kind));
        let mut causes: Vec<_> = groups.map(|group| (&*group.reason, group.value)).collect();
        causes.sort_by_key(|(_, rows)| std::cmp::Reverse(rows.count));
        causes
    }
}
