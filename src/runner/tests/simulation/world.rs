//! The world outside of the program: the server, the report, what happened in which order, and whether the promises are kept.

mod limits;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use fastrand::Rng;
use tokio::sync::Notify;

use super::course::{Course, Id, Planned, RunPlan};
use super::run::moment;
use super::server::{Fate, Manners, State};
use crate::api::CallResult;
use crate::event::Settled;
use crate::ledger::DayLine;
use crate::outcome::Outcome;
use crate::sandbox::CallCount;

/// What can be seen from outside, with the time since the beginning.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Began(RunPlan),
    Arrived(Duration, Id, Fate),
    Worked(Duration, Id, State),
    Answered(Duration, Id),
    Committed(Duration),
    Told(Duration, u64, Outcome),
    Signal(Duration),
    Killed(Duration),
    Ended(Duration, String),
}

/// An invitation, as the server and the reports know it.
#[derive(Debug, Default)]
struct Invitation {
    state: State,
    in_flight: bool,
    /// Whether a call's end was unclear.
    is_doubtful: bool,
    /// What a report said of it for good.
    settled: Option<Outcome>,
}

/// A call, as the server saw it.
#[derive(Debug)]
struct Call {
    id: Id,
    fate: Fate,
    run: usize,
    arrived: Duration,
    ended: Option<Duration>,
    charge: u64,
    /// When it withdrew the invitation.
    withdrew: Option<Duration>,
}

pub(super) struct World {
    pub(super) random: Rng,
    pub(super) course: Course,
    pub(super) plan: RunPlan,
    pub(super) steps: Vec<Step>,
    pub(super) killed: Arc<Notify>,
    /// The first promise that was broken.
    pub(super) broken: Option<String>,
    pub(super) is_stopped: bool,
    /// The accounts that this run was told not to call for any more.
    refused: BTreeSet<usize>,
    count: CallCount,
    invitations: BTreeMap<Id, Invitation>,
    calls: Vec<Call>,
    pub(super) run: usize,
    run_began: Duration,
    told: BTreeSet<u64>,
    /// Lines of all reports that follow from calls: withdrawn, not pending, and all others.
    lines: [u64; 3],
    was_killed: bool,
    left: Option<u64>,
}

#[derive(Clone)]
pub(super) struct Shared(Arc<Mutex<World>>);

impl Shared {
    pub(super) fn new(world: World) -> Self {
        Self(Arc::new(Mutex::new(world)))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    /// Lets the world do its next step; never, once the program was killed.
    pub(super) async fn step<T>(&self, step: impl FnOnce(&mut World) -> T) -> T {
        let done = {
            let mut world = self.lock();
            world.is_alive().then(|| step(&mut world))
        };
        match done {
            Some(done) => done,
            None => std::future::pending().await,
        }
    }
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let course = Course::draw(&mut random);
        let mut invitations = BTreeMap::<Id, Invitation>::new();
        for planned in &course.rows {
            if let Planned::Good(id) = planned {
                let state = match random.u8(..10) {
                    0 => State::Accepted,
                    1 => State::Unknown,
                    _ => State::Pending,
                };
                invitations.insert(*id, Invitation { state, ..Invitation::default() });
            }
        }
        Self {
            random,
            count: CallCount::new(course.limit),
            course,
            plan: RunPlan::calm(),
            steps: Vec::new(),
            killed: Arc::default(),
            broken: None,
            is_stopped: false,
            refused: BTreeSet::new(),
            invitations,
            calls: Vec::new(),
            run: 0,
            run_began: Duration::ZERO,
            told: BTreeSet::new(),
            lines: [0; 3],
            was_killed: false,
            left: None,
        }
    }

    pub(super) fn begin(&mut self, plan: RunPlan) {
        self.run += 1;
        self.run_began = moment();
        self.told.clear();
        self.left = plan.kill;
        self.is_stopped = false;
        self.killed = Arc::default();
        self.refused.clear();
        if plan.shuffles {
            self.random.shuffle(&mut self.course.rows);
        }
        self.steps.push(Step::Began(plan.clone()));
        self.plan = plan;
    }

    /// Whether the program lives; counts down to the kill.
    fn is_alive(&mut self) -> bool {
        let Some(left) = &mut self.left else { return true };
        let is_last = *left == 1;
        *left = left.saturating_sub(1);
        let is_alive = *left > 0;
        if is_last {
            self.die();
        }
        is_alive
    }

    fn die(&mut self) {
        self.steps.push(Step::Killed(moment()));
        self.was_killed = true;
        // Of each row that was under way, nobody knows.
        for invitation in self.invitations.values_mut().filter(|invitation| invitation.settled.is_none()) {
            invitation.is_doubtful = true;
            invitation.in_flight = false;
        }
        self.killed.notify_one();
    }

    pub(super) fn must(&mut self, is_kept: bool, promise: impl FnOnce() -> String) {
        if !is_kept && self.broken.is_none() {
            self.broken = Some(format!("run {}, {:?}: {}", self.run, moment(), promise()));
        }
    }

    /// A call reaches the server, or tries to.
    pub(super) fn arrive(&mut self, id: Id) -> usize {
        let at = moment();
        let mut fate = Fate::draw(&mut self.random, self.plan.faults);
        if fate != Fate::NotSent && !self.count.admit(super::run::server_clock(at)) {
            fate = Fate::RateLimited;
        }
        self.check_limits(id, at);
        let invitation = self.invitations.entry(id).or_default();
        let (was_in_flight, settled) = (std::mem::replace(&mut invitation.in_flight, true), invitation.settled);
        invitation.is_doubtful |= fate.leaves_doubt();
        self.must(!was_in_flight, || format!("{id:?} is called for twice at once"));
        self.must(settled.is_none(), || format!("{id:?} is called for, though it was reported as {settled:?}"));
        self.steps.push(Step::Arrived(at, id, fate));
        self.calls.push(Call { id, fate, run: self.run, arrived: at, ended: None, charge: 0, withdrew: None });
        self.calls.len() - 1
    }

    /// The server works on a call.
    pub(super) fn work(&mut self, call: usize) -> CallResult {
        let at = moment();
        let Call { id, fate, .. } = self.calls[call];
        let Course { version, repeats_success, charges_calls, .. } = self.course;
        let manners = Manners { version, repeats_success, charges_calls };
        let invitation = self.invitations.entry(id).or_default();
        // The person may answer at any time.
        if invitation.state == State::Pending && self.random.u8(..40) == 0 {
            invitation.state = State::Accepted;
        }
        let served = manners.serve(fate, &mut invitation.state, &mut self.random);
        self.steps.push(Step::Worked(at, id, invitation.state));
        self.calls[call].charge = served.charge;
        self.calls[call].withdrew = served.did.then_some(at);
        self.check_budgets(id.0, at);
        served.result
    }

    pub(super) fn answered(&mut self, call: usize) {
        let Call { id, fate, .. } = self.calls[call];
        self.calls[call].ended = Some(moment());
        if fate == Fate::CreditsUsedUp {
            self.refused.extend(0..3);
        } else if fate == Fate::AccountRefused {
            self.refused.insert(id.0);
        }
        self.invitations.entry(id).or_default().in_flight = false;
        self.steps.push(Step::Answered(moment(), id));
    }

    /// The report has this line.
    pub(super) fn told(&mut self, settled: &Settled) {
        let Settled { row, outcome, .. } = *settled;
        self.steps.push(Step::Told(moment(), row, outcome));
        if settled.attempts > 0 {
            let is_withdrawn = matches!(outcome, Outcome::Withdrawn | Outcome::PresumedWithdrawn);
            let line = if is_withdrawn { 0 } else { 1 + usize::from(outcome != Outcome::NotPending) };
            self.lines[line] += 1;
        }
        let is_new = self.told.insert(row);
        self.must(is_new, || format!("row {row} is reported twice"));
        let planned = self.course.rows[row as usize - 1];
        let Planned::Good(id) = planned else {
            return self.must(outcome == Outcome::Invalid, || format!("row {row} is bad, and {outcome}"));
        };
        let is_repeated = self.course.rows[..row as usize - 1].contains(&planned);
        self.must(is_repeated == (outcome == Outcome::Duplicate), || format!("row {row} is {outcome}"));
        let invitation = self.invitations.entry(id).or_default();
        let (state, is_doubtful, before) = (invitation.state, invitation.is_doubtful, invitation.settled);
        let is_called = self.calls.iter().any(|call| call.run == self.run && call.id == id);
        let is_true = match outcome {
            Outcome::Withdrawn => state == State::Withdrawn,
            Outcome::PresumedWithdrawn => is_doubtful && matches!(state, State::Withdrawn | State::Accepted),
            Outcome::NotPending => state == State::Accepted,
            Outcome::AlreadySettled => match settled.settled_before_as {
                Some(Outcome::Withdrawn) => state == State::Withdrawn,
                Some(Outcome::PresumedWithdrawn) => is_doubtful && state != State::Pending,
                Some(Outcome::NotPending) => state == State::Accepted,
                settled => panic!("{settled:?} settles nothing"),
            },
            // Whoever reads this takes it for pending, or never there.
            Outcome::NotFound => state == State::Unknown,
            Outcome::Rejected | Outcome::RateLimited | Outcome::Failed => is_called && state != State::Withdrawn,
            Outcome::Unconfirmed => is_called && is_doubtful,
            Outcome::NotAttempted => !is_called,
            Outcome::Duplicate => true,
            Outcome::Invalid => false,
        };
        self.must(is_true, || format!("row {row} is reported as {outcome}, and {id:?} is {state:?}"));
        if outcome == Outcome::AlreadySettled {
            let is_same = before.is_none() || before == settled.settled_before_as;
            self.invitations.entry(id).or_default().settled = settled.settled_before_as;
            return self.must(is_same, || format!("{id:?} was {before:?}, and is {:?}", settled.settled_before_as));
        }
        if outcome.is_final() {
            self.must(before.is_none(), || format!("{id:?} is {outcome}, and was {before:?} before"));
            self.invitations.entry(id).or_default().settled = Some(outcome);
        }
    }

    /// A run ended in order.
    pub(super) fn ended(&mut self, input_complete: bool, stop: Option<String>) {
        let (told, rows) = (self.told.len(), self.course.rows.len());
        self.must(!input_complete || told == rows, || format!("{told} of {rows} rows were reported"));
        let may_be_incomplete = stop.is_some() && !self.plan.input_ends;
        self.must(input_complete || may_be_incomplete, || "the input was not read to its end".to_owned());
        let unanswered = self.calls.iter().filter(|call| call.run == self.run && call.ended.is_none()).count();
        self.must(unanswered == 0, || format!("{unanswered} calls were not waited for"));
        self.steps.push(Step::Ended(moment(), stop.unwrap_or_default()));
    }

    /// The ledger's history holds what was taken, and every line of the reports. `calls` is what the ledger's calls have
    /// charged, may have charged, and settled.
    pub(super) fn check_history(&mut self, history: &[DayLine], calls: [u64; 3]) {
        let taken: u64 = self.calls.iter().map(|call| call.charge).sum();
        let sum = |of: fn(&DayLine) -> u64| history.iter().map(of).sum::<u64>();
        let (charged, possible) = (sum(|day| day.cost.charged), sum(|day| day.cost.possible));
        self.must((charged..=possible).contains(&taken), || {
            format!("the server took {taken}, the ledger has {charged} to {possible}")
        });
        let (lines, kept) = (self.lines, [sum(|day| day.withdrawn), sum(|day| day.not_pending), sum(|day| day.failed)]);
        let summed = [charged, possible, kept.iter().sum()];
        self.must(summed == calls, || format!("the ledger's history has {summed:?}, its calls {calls:?}"));
        // What a kill kept from the report is in the ledger all the same.
        let is_kept = lines == kept || self.was_killed && lines.iter().zip(&kept).all(|(line, kept)| line <= kept);
        self.must(is_kept, || format!("the reports have {lines:?} lines, the ledger {kept:?}"));
    }

    /// After a calm run nothing is left to do.
    pub(super) fn check_end(&mut self) {
        let is_left = |invitation: &Invitation| invitation.settled.is_none() && invitation.state != State::Unknown;
        let left: Vec<_> = self.invitations.iter().filter(|(_, invitation)| is_left(invitation)).collect();
        let left = format!("{left:?}");
        self.must(left == "[]", || format!("not settled: {left}"));
    }
}
