//! The promises about limits: what is in flight, gaps, hours, durations, rates, budgets and caps.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::super::course::{Id, RunPlan, SLOWEST_ANSWER, SLOWEST_INTENT};
use super::super::run::now;
use super::World;
use crate::pace::Rate;

impl World {
    /// Whether this account may be called for now.
    pub(super) fn check_limits(&mut self, id: Id, at: Duration) {
        let account = self.course.accounts[id.0].clone();
        let in_flight = self.calls.iter().filter(|call| call.run == self.run && call.ended.is_none()).count();
        let concurrency = self.plan.concurrency;
        self.must(in_flight < concurrency, || format!("{in_flight} calls were in flight of {concurrency}"));
        let is_stopped = self.is_stopped || self.refused.contains(&id.0);
        self.must(!is_stopped, || format!("{id:?} is called for after the stop"));
        let before = self.calls.iter().rev().find(|call| call.run == self.run && call.id.0 == id.0);
        let before = before.map(|call| call.ended);
        if let Some(((least, _), ended)) = account.gap.zip(before) {
            let is_kept = ended.is_some_and(|ended| at - ended >= Duration::from_millis(least));
            self.must(is_kept, || format!("{id:?} at {at:?}, the call before ended {ended:?}, the gap is {least} ms"));
        }
        // What was admitted in time waits for its intent.
        let admitted = now() - SignedDuration::try_from(SLOWEST_INTENT).unwrap();
        let is_open = |moment: Timestamp| {
            let local = moment.to_zoned(TimeZone::UTC);
            account.hours.is_none_or(|hours| hours.closed_until(&local).is_none())
        };
        self.must(is_open(now()) || is_open(admitted), || format!("{id:?} is called for outside the hours"));
        if let Some(duration) = self.plan.max_duration {
            let since = at.saturating_sub(self.run_began + SLOWEST_INTENT);
            self.must(since <= duration, || format!("{id:?} is called for {since:?} after the begin, of {duration:?}"));
        }
        if let Rate::Calls { calls, window } = self.course.rate {
            let recent = self.calls.iter().rev().take_while(|call| call.arrived + window > at + SLOWEST_INTENT);
            // With a burst of two.
            let (sent, most) = (recent.count() + 1, calls.get() as usize + 2);
            self.must(sent <= most, || format!("{sent} calls within {window:?} are too many"));
        }
    }

    /// After a call.
    pub(super) fn check_budgets(&mut self, account: usize, at: Duration) {
        let of_run = || self.calls.iter().filter(|call| call.run == self.run);
        let charge: u64 = of_run().map(|call| call.charge).sum();
        let withdrawn = of_run().filter(|call| call.withdrew.is_some()).count() as u64;
        let RunPlan { max_credits, max_withdrawals, has_caps, .. } = self.plan;
        self.must(max_credits.is_none_or(|most| charge <= most), || format!("{charge} of {max_credits:?} credits"));
        self.must(max_withdrawals.is_none_or(|most| withdrawn <= most), || {
            format!("{withdrawn} of {max_withdrawals:?} withdrawals")
        });
        if let Some(cap) = self.course.accounts[account].cap.filter(|_| has_caps) {
            // A call that was cut off counts from when it was sent.
            let day = Duration::from_secs(86_400) - SLOWEST_ANSWER;
            let withdrawn = self.calls.iter().filter(|call| call.id.0 == account).filter_map(|call| call.withdrew);
            let count = withdrawn.filter(|withdrawn| *withdrawn + day > at).count() as u64;
            self.must(count <= cap, || format!("{count} withdrawals of account {account} in a day, the cap is {cap}"));
        }
    }
}
