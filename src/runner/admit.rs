//! Before a call: everything it has to wait for.

use std::slice;

use super::bounds::Credit;
use super::call::{Caller, Journal, possible};
use super::turns::Turn;
use crate::api::{ApiCall, CallKind, LinkUpApi};
use crate::invitation::AccountName;
use crate::pace::Permit;

/// A call may be sent now. What it holds is given back when it is dropped.
#[derive(Debug)]
pub(super) struct Admitted<'a> {
    pub(super) permit: Permit,
    pub(super) credit: Credit<'a>,
    pub(super) turn: Turn,
    /// Whether it had to wait for its account's hours.
    pub(super) waited_for_hours: bool,
}

impl<A: LinkUpApi, J: Journal> Caller<A, J> {
    /// Waits until the account and the run may make this call. `None` where a stop came first.
    pub(super) async fn admit(&self, call: &ApiCall<'_>) -> Option<Admitted<'_>> {
        let account = self.bounds.account(call.account());
        let is_withdrawal = call.kind() == CallKind::Withdraw;
        let mut waited_for_hours = false;
        loop {
            if is_withdrawal {
                waited_for_hours |= self.ready(call.account()).await?;
            }
            let turn = account.stop.or(self.bounds.turns.acquire(call.account())).await?;
            let credit = self.bounds.credit(possible(call.kind()), &account.stop).await?;
            let permit = account.stop.or(self.pace.acquire()).await?;
            if !self.bounds.is_in_time(&account.stop) {
                return None;
            }
            // A hold may have outlasted the account's hours.
            if !is_withdrawal || self.bounds.is_within_hours(account) {
                return Some(Admitted { permit, credit, turn, waited_for_hours });
            }
        }
    }

    /// Waits until an account may withdraw, as far as that depends on itself. Returns whether it had to wait for its hours.
    pub(super) async fn ready(&self, name: &AccountName) -> Option<bool> {
        let account = self.bounds.account(name);
        account.stop.or(account.gap_ends()).await?;
        let waited = account.stop.or(self.bounds.hours_begin(slice::from_ref(name))).await?;
        if waited {
            // Nobody refused anything in that time.
            self.pace.renew_patience();
        }
        Some(waited)
    }

    /// Waits until one of these accounts is within its hours. `None` where a stop came first.
    pub(crate) async fn hours_begin(&self, accounts: &[AccountName]) -> Option<()> {
        self.stop.or(self.bounds.hours_begin(accounts)).await.map(drop)
    }
}
