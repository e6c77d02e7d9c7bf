//! One row's attempts: call, then settle it, or wait and call again.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::ReadyRow;
use super::bounds::Allowance;
use super::call::{Caller, Journal, Judged, Sent};
use super::pacing::advice;
use crate::api::{ApiCall, CallResult, LinkUpApi};
use crate::event::{Event, Settled};
use crate::ledger::{CallId, Settlement};
use crate::outcome::Outcome;
use crate::policy::{Cost, Decision, Meaning, PriorCalls, Verdict, cost, cut, decide, given_up, judge, retry_delay};
use crate::stop::{Stop, StopReason};

/// The bounds of a row's attempts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub retries: u32,
    /// `--patience`, here with a single row that is rate limited while others are not.
    pub patience: Duration,
}

/// What a row's calls came to so far.
#[derive(Debug, Default)]
struct Tally {
    history: PriorCalls,
    attempts: u32,
    /// Rate-limit answers in a row, and since when.
    refusals: u32,
    refused_since: Option<tokio::time::Instant>,
    cost: Cost,
    http_status: Option<u16>,
    /// Of the last answer.
    meaning: Option<Meaning>,
    words: String,
    lost_words: String,
    /// The last answer's words, where they are in no table.
    unknown: Option<String>,
    first_sent: Option<Instant>,
    last_call: Option<CallId>,
    /// Whether a limit of the user kept it from another attempt.
    cut_by_limit: bool,
    settled_at: Timestamp,
}

/// A row that is settled, and the write that makes it so.
#[derive(Debug)]
pub(super) struct Settling<W> {
    pub(super) settled: Settled,
    pub(super) write: W,
}

impl<A: LinkUpApi, J: Journal> Caller<A, J> {
    /// Brings one row to its outcome.
    pub(super) async fn withdraw(&self, row: ReadyRow, limits: &Limits) -> Settling<J::Write> {
        let mut tally = Tally::of(&row);
        let mut allowance = None;
        let settling = self.attempts(&row, &mut tally, &mut allowance, limits).await;
        let (outcome, write) = match settling {
            Some(settled) => settled,
            None => self.give_up(&row, &mut tally).await,
        };
        if let Some(allowance) = allowance {
            allowance.settle(outcome);
        }
        Settling { settled: tally.settled(row, outcome), write }
    }

    /// Attempts until one settles the row. `None` where a stop came first.
    async fn attempts<'a>(
        &'a self,
        row: &ReadyRow,
        tally: &mut Tally,
        allowance: &mut Option<Allowance<'a>>,
        limits: &Limits,
    ) -> Option<(Outcome, J::Write)> {
        let account = self.bounds.account(&row.withdrawal.account);
        loop {
            // What another account could use meanwhile is not held over a night, unless the row may be withdrawn already.
            if !tally.history.lost
                && !self.bounds.is_within_hours(account)
                && let Some(allowance) = allowance.take()
            {
                allowance.settle(Outcome::Failed);
            }
            // Before it takes from a limit what another account could use meanwhile.
            if self.ready(&row.withdrawal.account).await? {
                tally.refused_since = None;
            }
            let allowance = match allowance {
                Some(allowance) => allowance,
                None => allowance.insert(self.bounds.allowance(account).await?),
            };
            let call = ApiCall::Withdraw(&row.withdrawal);
            let is_retry = tally.attempts > 0;
            let judge = |result: &CallResult, sent: Sent| {
                tally.first_sent.get_or_insert(sent.at);
                if sent.waited_for_hours {
                    tally.refused_since = None;
                }
                self.judge_withdrawal(row, tally, limits, result)
            };
            allowance.spend();
            let made = self.call(call, is_retry, judge).await?;
            account.begin_gap();
            tally.last_call = made.call_id;
            if let Some(words) = tally.unknown.take() {
                self.tell(Event::UnknownWords(words)).await;
            }
            match made.value {
                Decision::Settle(outcome) | Decision::SettleAndStop(outcome, _) => return Some((outcome, made.write)),
                Decision::Retry(wait) => {
                    if let Some(meaning) = tally.meaning {
                        let (retry, of) = (tally.history.retries, limits.retries);
                        self.tell(Event::Retrying { meaning, retry, of }).await;
                    }
                    account.stop.or(tokio::time::sleep(wait)).await?;
                }
                Decision::Hold => self.wait_out(tally, &account.stop).await,
            }
        }
    }

    /// What an answer means for the row, and what follows.
    fn judge_withdrawal(
        &self,
        row: &ReadyRow,
        tally: &mut Tally,
        limits: &Limits,
        result: &CallResult,
    ) -> Judged<Decision> {
        let version = self.api.version();
        let mut verdict = judge(version, result, row.withdrawal.id.as_str(), &self.confirming);
        verdict.words = cut(&self.api.scrub(&verdict.words));
        let prior = tally.history;
        let cost = cost(version, verdict.meaning, result);
        tally.count(result, &verdict, cost);
        tracing::debug!(row = row.number, id = %row.withdrawal.id, meaning = ?verdict.meaning,
            http_status = tally.http_status, attempt = tally.attempts, words = %verdict.words, "answer");
        let mut decision = decide(verdict.meaning, prior, limits.retries, self.backoff, fastrand::f64());
        if decision == Decision::Hold && tally.refused_for() > limits.patience {
            decision = Decision::Settle(given_up(tally.history));
        }
        let settlement = match decision {
            Decision::Settle(outcome) => Some(tally.settle(outcome, self.bounds.now())),
            Decision::SettleAndStop(outcome, refusal) => {
                let account = self.bounds.account(&row.withdrawal.account);
                account.stop.request(StopReason::Refused(refusal), advice(refusal, &verdict.words, &account.secrets));
                Some(tally.settle(outcome, self.bounds.now()))
            }
            Decision::Retry(_) | Decision::Hold => None,
        };
        Judged { meaning: verdict.meaning, cost, settlement, value: decision }
    }

    /// The pace holds everyone back, this row's next attempt included. A row that is refused again and again, while others
    /// are not, waits longer by itself: it would hold them all, at a refusal's price each time.
    async fn wait_out(&self, tally: &Tally, stop: &Stop) {
        if tally.refusals > 1 {
            let wait = retry_delay(self.backoff, tally.refusals - 1, fastrand::f64());
            stop.or(tokio::time::sleep(wait)).await;
        }
    }

    /// The outcome of a row that the stop overtook.
    async fn give_up(&self, row: &ReadyRow, tally: &mut Tally) -> (Outcome, J::Write) {
        let stop = &self.bounds.account(&row.withdrawal.account).stop;
        if tally.attempts == 0 {
            tally.words = stop.before_this_row();
            tally.settled_at = self.bounds.now();
            return (Outcome::NotAttempted, J::nothing());
        }
        tally.cut_by_limit = stop.cause().is_some_and(|cause| cause.reason.is_limit());
        let outcome = given_up(tally.history);
        tally.words = stop.after(&tally.detail(outcome));
        tally.lost_words.clone_from(&tally.words);
        let settlement = tally.settle(outcome, self.bounds.now());
        (outcome, self.journal.settle(tally.last_call, row.key(), settlement).await)
    }
}

impl Tally {
    /// Nothing yet, but for what an earlier run left behind.
    fn of(row: &ReadyRow) -> Self {
        let history = PriorCalls { lost: row.lost_before, ..PriorCalls::default() };
        Self { history, lost_words: "in an earlier run".to_owned(), ..Self::default() }
    }

    fn count(&mut self, result: &CallResult, verdict: &Verdict, cost: Cost) {
        self.history = self.history.after(verdict.meaning);
        self.attempts += 1;
        self.meaning = Some(verdict.meaning);
        if verdict.meaning == Meaning::RateLimited {
            self.refusals += 1;
            self.refused_since.get_or_insert_with(tokio::time::Instant::now);
        } else {
            self.refusals = 0;
            self.refused_since = None;
        }
        self.http_status = result.http_status();
        self.cost += cost;
        if verdict.meaning.leaves_doubt() {
            self.lost_words.clone_from(&verdict.words);
        }
        self.words.clone_from(&verdict.words);
        self.unknown = verdict.is_unknown.then(|| verdict.words.clone());
    }

    fn settle(&mut self, outcome: Outcome, settled_at: Timestamp) -> Settlement {
        self.settled_at = settled_at;
        let (detail, attempts) = (self.detail(outcome), self.attempts);
        Settlement { outcome, detail, attempts, settled_at }
    }

    fn settled(self, row: ReadyRow, outcome: Outcome) -> Settled {
        let detail = self.detail(outcome);
        Settled {
            row: row.number,
            line: row.line,
            invitation_id: row.withdrawal.id.to_string(),
            entity_urn: row.withdrawal.id.urn(),
            account: Some(row.withdrawal.account),
            outcome,
            settled_before_as: None,
            detail,
            http_status: self.http_status,
            attempts: self.attempts,
            cost: self.cost,
            settled_at: self.settled_at,
            duration: self.first_sent.map(|sent| sent.elapsed()),
            is_kept: false,
            cut_by_limit: self.cut_by_limit,
            carried: row.carried,
        }
    }

    fn refused_for(&self) -> Duration {
        self.refused_since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// The last answer's words, and for an outcome that hangs on a lost answer what was lost.
    fn detail(&self, outcome: Outcome) -> String {
        let hangs_on_a_loss = matches!(outcome, Outcome::PresumedWithdrawn | Outcome::Unconfirmed);
        if hangs_on_a_loss && self.words != self.lost_words {
            let is_closed = self.lost_words.starts_with("the connection closed");
            let lost: &str = if is_closed { "connection closed" } else { &self.lost_words };
            format!("{}; an earlier answer was lost ({lost})", self.words)
        } else {
            self.words.clone()
        }
    }
}
