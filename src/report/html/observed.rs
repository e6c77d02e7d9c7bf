//! What is kept of the events for the page.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::ages::Ages;
use super::backlog::Backlog;
use super::first::First;
use super::latencies::Latencies;
use super::person::{Person, PersonColumns};
use super::timeline::Timeline;
use crate::api::CallKind;
use crate::event::{Called, Event, Settled};
use crate::invitation::AccountName;
use crate::outcome::Outcome;
use crate::policy::Cost;
use crate::report::groups::Groups;

/// People that a page names in one list.
pub(super) const MOST_PEOPLE: usize = 1_000;

/// What a call was for, as the bill tells it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Purpose {
    List,
    Withdrawal,
    Retry,
    /// Whatever it was for: the rate limit refused it.
    Refusal,
    Check,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spent {
    pub(super) calls: u64,
    pub(super) cost: Cost,
}

/// A run as it was told, in bounded memory.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    pub(super) columns: PersonColumns,
    pub(super) withdrawn: First<MOST_PEOPLE>,
    /// By the outcome, or `None` for those whom the list's filters left out.
    pub(super) kept: Groups<Option<Outcome>, First<20>>,
    pub(super) needs: Groups<Outcome, First<20>>,
    pub(super) spent: BTreeMap<(AccountName, Purpose), Spent>,
    pub(super) timeline: Timeline,
    pub(super) latencies: Latencies,
    /// Those that are no longer pending.
    pub(super) gone: Ages,
    pub(super) backlog: Option<Backlog>,
}

impl Observed {
    /// `cut_off`: the age in days from which invitations are withdrawn.
    pub(crate) fn new(started_at: Timestamp, cut_off: Option<u32>) -> Self {
        Self {
            columns: PersonColumns::of_a_list(),
            withdrawn: First::default(),
            kept: Groups::default(),
            needs: Groups::default(),
            spent: BTreeMap::new(),
            timeline: Timeline::new(started_at),
            latencies: Latencies::default(),
            gone: Ages::new(cut_off),
            backlog: None,
        }
    }

    /// Names people by these columns of the input.
    pub(crate) fn name_by(&mut self, columns: PersonColumns) {
        self.columns = columns;
    }

    pub(crate) fn set_backlog(&mut self, backlog: Backlog) {
        self.backlog = Some(backlog);
    }

    pub(in crate::report) fn take(&mut self, event: &Event) {
        match event {
            Event::Settled(settled) => self.add_row(settled),
            Event::Called(called) => self.add_call(called),
            Event::Held { until } => self.timeline.hold(Timestamp::now(), *until),
            Event::Resumed => self.timeline.resume(Timestamp::now()),
            Event::UnknownWords(_)
            | Event::PageRead { .. }
            | Event::ListCounted { .. }
            | Event::Learned(_)
            | Event::InputEnded { .. } => {}
        }
    }

    fn add_row(&mut self, settled: &Settled) {
        let Self { columns, withdrawn, kept, needs, gone, .. } = self;
        let person = || Person::settled(settled, columns);
        let outcome = settled.outcome;
        match outcome {
            Outcome::Withdrawn | Outcome::PresumedWithdrawn => withdrawn.add(person),
            Outcome::AlreadySettled => kept.of(Some(outcome), "an earlier run settled it").add(person),
            Outcome::Duplicate => kept.of(Some(outcome), "the same invitation as an earlier row").add(person),
            Outcome::NotAttempted if [Settled::KEPT, Settled::MIGHT_BE_KEPT].contains(&&*settled.detail) => {
                kept.of(Some(outcome), &settled.detail).add(person);
            }
            Outcome::NotPending => kept.of(Some(outcome), &settled.detail).add(person),
            Outcome::NotFound
            | Outcome::Unconfirmed
            | Outcome::Rejected
            | Outcome::RateLimited
            | Outcome::Failed
            | Outcome::Invalid
            | Outcome::NotAttempted => needs.of(outcome, &settled.detail).add(person),
        }
        if matches!(outcome, Outcome::Withdrawn | Outcome::PresumedWithdrawn | Outcome::NotPending) {
            gone.add(columns.age_days(&settled.carried));
        }
    }

    fn add_call(&mut self, called: &Called) {
        let purpose = match called.kind {
            CallKind::Balance | CallKind::Account => return,
            _ if called.is_rate_limited => Purpose::Refusal,
            _ if called.is_retry => Purpose::Retry,
            CallKind::List => Purpose::List,
            CallKind::Withdraw => Purpose::Withdrawal,
            CallKind::Key => Purpose::Check,
        };
        let spent = match self.spent.get_mut(&(called.account.clone(), purpose)) {
            Some(spent) => spent,
            None => self.spent.entry((called.account.clone(), purpose)).or_default(),
        };
        spent.calls += 1;
        spent.cost += called.cost;
        self.timeline.add_call(called.sent_at, called.latency, called.is_rate_limited);
        self.latencies.add(called.latency);
    }

    /// Those who are named on the page.
    pub(crate) fn people_mut(&mut self) -> impl Iterator<Item = &mut Person> {
        let needs = self.needs.0.iter_mut().map(|group| &mut group.value);
        let kept = self.kept.0.iter_mut().map(|group| &mut group.value);
        self.withdrawn.people.iter_mut().chain(needs.chain(kept).flat_map(|first| &mut first.people))
    }
}
