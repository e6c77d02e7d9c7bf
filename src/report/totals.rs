//! What a run came to: every row counted once, by outcome and by account.

use std::collections::BTreeMap;

use crate::event::Settled;
use crate::invitation::AccountName;
use crate::outcome::{Outcome, Standing};
use crate::policy::Cost;

/// Rows by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([u64; Outcome::ALL.len()]);

impl Counts {
    /// Counts one row.
    pub fn add(&mut self, outcome: Outcome) {
        self.0[outcome as usize] += 1;
    }

    /// Rows with this outcome.
    #[must_use]
    pub fn of(&self, outcome: Outcome) -> u64 {
        self.0[outcome as usize]
    }

    /// All rows.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Each outcome with its count, in the contract's order.
    pub fn iter(&self) -> impl Iterator<Item = (Outcome, u64)> {
        Outcome::ALL.into_iter().map(|outcome| (outcome, self.of(outcome)))
    }
}

/// What rows came to: a whole run's, or one account's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Rows by outcome.
    pub rows: Counts,
    /// Calls made, those that never left included.
    pub calls: u64,
    /// Calls beyond each row's first.
    pub retries: u64,
    /// Calls that were answered with a rate limit.
    pub rate_limit_answers: u64,
    /// What the calls cost, in credits.
    pub cost: Cost,
}

impl Sum {
    fn add(&mut self, settled: &Settled) {
        self.rows.add(settled.outcome);
        self.calls += u64::from(settled.attempts);
        self.retries += u64::from(settled.attempts.saturating_sub(1));
        self.rate_limit_answers += u64::from(settled.rate_limit_answers);
        self.cost += settled.cost;
    }
}

/// A run's sums.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// The whole run.
    pub run: Sum,
    /// Each configured account.
    pub accounts: BTreeMap<AccountName, Sum>,
}

impl Totals {
    /// Sums for these accounts. Rows that name another one count for the run alone: a column of garbage must not fill
    /// the summary.
    pub fn new(accounts: impl IntoIterator<Item = AccountName>) -> Self {
        Self { run: Sum::default(), accounts: accounts.into_iter().map(|name| (name, Sum::default())).collect() }
    }

    /// Counts one row.
    pub fn add(&mut self, settled: &Settled) {
        self.run.add(settled);
        if let Some(account) = self.accounts.get_mut(&settled.account) {
            account.add(settled);
        }
    }

    /// Whether nothing is left to do about any row.
    #[must_use]
    pub fn all_fine(&self) -> bool {
        self.run.rows.iter().all(|(outcome, rows)| rows == 0 || outcome.standing() != Standing::NotFine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_has_a_place_of_its_own() {
        for (at, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome as usize, at, "{outcome}");
            let mut counts = Counts::default();
            counts.add(outcome);
            assert_eq!((counts.of(outcome), counts.total()), (1, 1), "{outcome}");
        }
    }
}
