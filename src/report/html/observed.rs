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
use crate::policy::{Cost, Meaning, cut};
use crate::report::groups::Groups;
use crate::stop::Stop;

/// People that a page names in one list.
pub(super) const MOST_PEOPLE: usize = 1_000;

/// What a call came to, as the bill tells it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Result {
    Page,
    Confirmed,
    NotPending,
    Lost,
    Refused,
    OtherAnswer,
    OwnError,
    NotSent,
}

impl Result {
    const fn of(called: &Called) -> Self {
        match (called.meaning, called.kind) {
            (Meaning::Withdrawn, CallKind::List) => Self::Page,
            (Meaning::Withdrawn, CallKind::Withdraw) => Self::Confirmed,
            (Meaning::NotPending, _) => Self::NotPending,
            (Meaning::Lost | Meaning::Unclear, _) => Self::Lost,
            (Meaning::RateLimited, _) => Self::Refused,
            (Meaning::ServerError, _) => Self::OwnError,
            (Meaning::NotSent, _) => Self::NotSent,
            (Meaning::Withdrawn, CallKind::Key | CallKind::Balance | CallKind::Account)
            | (Meaning::NotFound | Meaning::Rejected | Meaning::Refused(_), _) => Self::OtherAnswer,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spent {
    pub(super) calls: u64,
    /// Those of them that cost nothing for certain.
    pub(super) free: u64,
    pub(super) cost: Cost,
}

/// A run as it was told, in bounded memory.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    pub(super) columns: PersonColumns,
    pub(super) withdrawn: First<MOST_PEOPLE>,
    /// Those who need no withdrawal.
    pub(super) settled: Groups<Outcome, First<20>>,
    /// Those who are on the list of whom to keep.
    pub(super) kept: Groups<(), First<20>>,
    /// Those whom a stop or a limit left.
    pub(super) untried: Groups<(), First<20>>,
    pub(super) needs: Groups<Outcome, First<20>>,
    pub(super) spent: BTreeMap<(AccountName, Result), Spent>,
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
            settled: Groups::default(),
            kept: Groups::default(),
            untried: Groups::default(),
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
            Event::Held { until, .. } => self.timeline.hold(Timestamp::now(), *until),
            Event::Resumed => self.timeline.resume(Timestamp::now()),
            Event::UnknownWords(_)
            | Event::PageRead { .. }
            | Event::ListCounted { .. }
            | Event::Learned(_)
            | Event::Retrying { .. }
            | Event::InputEnded { .. } => {}
        }
    }

    fn add_row(&mut self, settled: &Settled) {
        let Self { columns, withdrawn, settled: needless, kept, untried, needs, gone, .. } = self;
        let person = || Person::settled(settled, columns);
        let (outcome, detail) = (settled.outcome, cut(Stop::without_it(&settled.detail)));
        match outcome {
            Outcome::Withdrawn | Outcome::PresumedWithdrawn => withdrawn.add(person),
            Outcome::AlreadySettled | Outcome::Duplicate | Outcome::NotPending => {
                needless.of(outcome, &detail).add(person);
            }
            Outcome::NotAttempted if settled.is_kept => kept.of((), &detail).add(person),
            Outcome::NotAttempted => untried.of((), &detail).add(person),
            Outcome::NotFound
            | Outcome::Unconfirmed
            | Outcome::Rejected
            | Outcome::RateLimited
            | Outcome::Failed
            | Outcome::Invalid => needs.of(outcome, &detail).add(person),
        }
        if matches!(outcome, Outcome::Withdrawn | Outcome::PresumedWithdrawn | Outcome::NotPending) {
            gone.add(columns.age_days(&settled.carried));
        }
    }

    fn add_call(&mut self, called: &Called) {
        if matches!(called.kind, CallKind::Balance | CallKind::Account) {
            return;
        }
        let spent = self.spent.entry((called.account.clone(), Result::of(called))).or_default();
        spent.calls += 1;
        spent.free += u64::from(called.cost.possible == 0);
        spent.cost += called.cost;
        self.timeline.add_call(called.sent_at, called.latency, called.is_rate_limited());
        self.latencies.add(called.latency);
    }

    /// Those who are named on the page.
    pub(crate) fn people_mut(&mut self) -> impl Iterator<Item = &mut Person> {
        let Self { withdrawn, settled, kept, untried, needs, .. } = self;
        let firsts = settled.0.iter_mut().map(|group| &mut group.value);
        let firsts = firsts.chain(kept.0.iter_mut().chain(&mut untried.0).map(|group| &mut group.value));
        let firsts = firsts.chain(needs.0.iter_mut().map(|group| &mut group.value));
        withdrawn.people.iter_mut().chain(firsts.flat_map(|first| &mut first.people))
    }
}
