//! What a run came to: every row counted once, by outcome and by account.

use std::collections::BTreeMap;

use crate::event::Settled;
use crate::invitation::AccountName;
use crate::outcome::{ExitEffect, Outcome};
use crate::policy::Cost;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts([u64; Outcome::ALL.len()]);

impl Counts {
    pub(crate) fn add(&mut self, outcome: Outcome) {
        self.0[outcome as usize] += 1;
    }

    pub(crate) fn of(&self, outcome: Outcome) -> u64 {
        self.0[outcome as usize]
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Each outcome with its count, in the contract's order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Outcome, u64)> {
        Outcome::ALL.into_iter().map(|outcome| (outcome, self.of(outcome)))
    }
}

/// What rows came to: a whole run's, or one account's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    pub rows: Counts,
    /// Calls made, those that never left included.
    pub calls: u64,
    /// Calls beyond each row's first.
    pub retries: u64,
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

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ListSum {
    pub pages: u64,
    /// Invitations on them, each counted once.
    pub invitations: u64,
    /// Calls made, those that never left included.
    pub calls: u64,
    /// Calls beyond each page's first.
    pub retries: u64,
    pub rate_limit_answers: u64,
    /// What the calls cost, in credits.
    pub cost: Cost,
}

/// A run's sums.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub run: Sum,
    pub accounts: BTreeMap<AccountName, Sum>,
    /// What listing came to, where the run listed: part of the sums above.
    pub list: Option<ListSum>,
}

impl Totals {
    /// Sums for these accounts. Rows that name another one count for the run alone: a column of garbage must not fill
    /// the summary.
    pub(crate) fn new(accounts: impl IntoIterator<Item = AccountName>) -> Self {
        let accounts = accounts.into_iter().map(|name| (name, Sum::default())).collect();
        Self { run: Sum::default(), accounts, list: None }
    }

    pub(crate) fn add(&mut self, settled: &Settled) {
        self.run.add(settled);
        if let Some(account) = self.accounts.get_mut(&settled.account) {
            account.add(settled);
        }
    }

    /// Counts an account's list in.
    pub(crate) fn add_list(&mut self, account: &AccountName, list: ListSum) {
        for sum in std::iter::once(&mut self.run).chain(self.accounts.get_mut(account)) {
            sum.calls += list.calls;
            sum.retries += list.retries;
            sum.rate_limit_answers += list.rate_limit_answers;
            sum.cost += list.cost;
        }
        self.list = Some(list);
    }

    /// Whether nothing is left to do about any row.
    pub(crate) fn all_fine(&self) -> bool {
        self.run.rows.iter().all(|(outcome, rows)| rows == 0 || outcome.exit_effect() != ExitEffect::NotFine)
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
