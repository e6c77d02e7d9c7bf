//! One paid call, the only way to spend a credit: admit, intent, send, judge, record, feedback to the pace.
//!
//! Owns that order. Does not know what a call is for: whoever makes one judges it, and decides what follows.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::Bounds;
use super::admit::Admitted;
use super::pacing::tell_pace;
use crate::api::{ApiCall, CallKind, CallResult, LinkUpApi};
use crate::event::{Called, Event};
use crate::ledger::{CallEnd, CallId, CallIntent, CallState, DurableWrite, Key, Ledger, LedgerError, Settlement};
use crate::pace::{Learned, Pace};
use crate::policy::{Backoff, Cost, Meaning, SuccessMessages};
use crate::stop::{Stop, StopReason};

/// Records calls durably: the ledger, or a test's fake.
pub(crate) trait Journal: Send + Sync + 'static {
    /// A write that is queued; ends once it is durable.
    type Write: Future<Output = Result<(), LedgerError>> + Send + 'static;
    /// Durable when it returns; on an error the call must not be sent.
    fn open(&self, intent: CallIntent) -> impl Future<Output = Result<Option<CallId>, LedgerError>> + Send;
    /// Queued when it returns, before any later intent.
    fn close(
        &self,
        call: Option<CallId>,
        end: CallEnd,
        key: Option<Key>,
        settlement: Option<Settlement>,
    ) -> impl Future<Output = Self::Write> + Send;
    /// Records what a row came to whose last call was closed before that was known.
    fn settle(
        &self,
        call: Option<CallId>,
        key: Key,
        settlement: Settlement,
    ) -> impl Future<Output = Self::Write> + Send;
    /// Keeps what was learned of the rate limit. Queued when it returns; a crash may lose it.
    fn keep_pace(&self, learned: Option<Learned>) -> impl Future<Output = ()> + Send;
    /// What there is to wait for where nothing is written.
    fn nothing() -> Self::Write;
}

/// `None` records nothing: `list` goes on without a ledger that can't be opened.
impl Journal for Option<Ledger> {
    type Write = DurableWrite;

    async fn open(&self, intent: CallIntent) -> Result<Option<CallId>, LedgerError> {
        match self {
            Some(ledger) => ledger.open_call(intent).await.map(Some),
            None => Ok(None),
        }
    }

    async fn close(
        &self,
        call: Option<CallId>,
        end: CallEnd,
        key: Option<Key>,
        settlement: Option<Settlement>,
    ) -> DurableWrite {
        match self.as_ref().zip(call) {
            Some((ledger, call)) => ledger.close_call(call, end, key, settlement).await,
            None => DurableWrite::nothing(),
        }
    }

    async fn settle(&self, call: Option<CallId>, key: Key, settlement: Settlement) -> DurableWrite {
        match self.as_ref().zip(call) {
            Some((ledger, call)) => ledger.settle(call, key, settlement).await,
            None => DurableWrite::nothing(),
        }
    }

    async fn keep_pace(&self, learned: Option<Learned>) {
        if let Some(ledger) = self {
            // A failed write shows with the next intent.
            drop(ledger.keep_pace(learned).await);
        }
    }

    fn nothing() -> DurableWrite {
        DurableWrite::nothing()
    }
}

/// Makes calls. Shared by everything in a run that spends credits.
#[derive(Debug)]
pub(crate) struct Caller<A, J> {
    pub(crate) api: A,
    pub(crate) journal: J,
    pub(crate) pace: Arc<Pace>,
    /// The run's. What concerns one account asks for that account's.
    pub(crate) stop: Stop,
    pub(crate) bounds: Arc<Bounds>,
    pub(crate) backoff: Backoff,
    pub(crate) confirming: SuccessMessages,
    pub(crate) events: mpsc::Sender<Event>,
}

/// A call that was sent, for whoever judges its answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) at: Instant,
    /// Whether it had to wait for its account's hours before.
    pub(crate) waited_for_hours: bool,
}

/// What a call's maker says of its answer.
#[derive(Debug)]
pub(crate) struct Judged<T> {
    pub(crate) meaning: Meaning,
    pub(crate) cost: Cost,
    /// What the row came to, if this call settles it.
    pub(crate) settlement: Option<Settlement>,
    pub(crate) value: T,
}

/// A call that was made.
#[derive(Debug)]
#[must_use = "what was recorded is not durable yet"]
pub(crate) struct Made<T, W> {
    pub(crate) call_id: Option<CallId>,
    pub(crate) value: T,
    /// When what was recorded is durable: nobody may be told of a settlement before.
    pub(crate) write: W,
}

impl<A: LinkUpApi, J: Journal> Caller<A, J> {
    /// Makes one call as soon as the pace permits. `None` where the stop came first: then nothing was sent.
    pub(crate) async fn call<T>(
        &self,
        call: ApiCall<'_>,
        is_retry: bool,
        judge: impl FnOnce(&CallResult, Sent) -> Judged<T>,
    ) -> Option<Made<T, J::Write>> {
        let Admitted { permit, mut credit, turn, waited_for_hours } = self.admit(&call).await?;
        let call_id = self.open(&call).await.ok()?;
        // Unless the answer says otherwise, and should none be judged.
        credit.spend(possible(call.kind()));
        let (sent, sent_at) = (Instant::now(), Timestamp::now());
        let in_flight = self.stop.underway().call();
        let result = self.api.send(call).await;
        let latency = sent.elapsed();
        let Judged { meaning, cost, settlement, value } = judge(&result, Sent { at: sent, waited_for_hours });
        credit.spend(cost.possible);
        let end = CallEnd { state: state(&result, meaning), http_status: result.http_status(), cost };
        let write = self.journal.close(call_id, end, key_of(&call), settlement).await;
        drop((credit, turn, in_flight));
        let change = tell_pace(&self.pace, &self.stop, self.backoff, permit, &result, meaning);
        if let Some(learned) = change.learned {
            self.journal.keep_pace(learned).await;
        }
        let (kind, account) = (call.kind(), call.account().clone());
        let called = Called { kind, account, cost, meaning, is_retry, sent_at, latency };
        self.tell(Event::Called(called)).await;
        for event in change.events() {
            self.tell(event).await;
        }
        Some(Made { call_id, value, write })
    }

    /// Records the intent.
    async fn open(&self, call: &ApiCall<'_>) -> Result<Option<CallId>, MustNotBeSent> {
        let kind = call.kind();
        let invitation = key_of(call).map(|key| key.id);
        let intent = CallIntent { kind, account: call.account().clone(), invitation, possible: possible(kind) };
        let opened = self.journal.open(intent).await.map_err(|error| {
            // A stop ended the wait for the lock, and what was not sent misses no record.
            if !matches!(error, LedgerError::Locked { .. }) {
                stop_for(&self.stop, &error);
            }
            MustNotBeSent
        })?;
        if self.bounds.account(call.account()).stop.is_requested() {
            let end = CallEnd { state: CallState::NotSent, http_status: None, cost: Cost::default() };
            if let Err(error) = self.journal.close(opened, end, key_of(call), None).await.await {
                stop_for(&self.stop, &error);
            }
            return Err(MustNotBeSent);
        }
        Ok(opened)
    }

    /// Tells the sinks. If they are gone, nothing more may be sent: nobody would know of it.
    pub(crate) async fn tell(&self, event: Event) {
        tell(&self.events, &self.stop, event).await;
    }
}

/// It could not be recorded, or the stop came meanwhile.
struct MustNotBeSent;

/// The most that a call can cost, as far as is known before it.
pub(super) const fn possible(kind: CallKind) -> u64 {
    match kind {
        CallKind::Withdraw | CallKind::List | CallKind::Key => 1,
        CallKind::Balance | CallKind::Account => 0,
    }
}

/// An answer that means nothing for certain is as good as lost.
fn state(result: &CallResult, meaning: Meaning) -> CallState {
    match result {
        CallResult::Answered(_) if meaning != Meaning::Lost => CallState::Answered,
        CallResult::Answered(_) | CallResult::Lost(_) => CallState::Lost,
        CallResult::NotSent(_) => CallState::NotSent,
    }
}

fn key_of(call: &ApiCall<'_>) -> Option<Key> {
    match call {
        ApiCall::Withdraw(withdrawal) => Some(Key { account: withdrawal.account.clone(), id: withdrawal.id.clone() }),
        ApiCall::Page(_) | ApiCall::Balance(_) | ApiCall::Key(_) | ApiCall::Account(_) => None,
    }
}

/// A ledger that can't be written stops the run.
pub(super) fn stop_for(stop: &Stop, error: &LedgerError) {
    stop.request(StopReason::LedgerUnwritable, crate::error_chain(error));
}

pub(super) async fn tell(events: &mpsc::Sender<Event>, stop: &Stop, event: Event) {
    if events.send(event).await.is_err() {
        stop.request(StopReason::ReportUnwritable, "the report is not written any more");
    }
}
