//! One row's attempts: wait for the pace, send, judge, decide, then settle or wait.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::pacing::{advice, tell_pace};
use super::settling::{Settling, stop_for};
use super::{Gate, ReadyRow};
use crate::api::{ApiCall, ApiVersion, CallResult, LinkUpApi};
use crate::event::{Event, Settled};
use crate::ledger::Settlement;
use crate::outcome::Outcome;
use crate::pace::Pace;
use crate::policy::{
    Backoff, Cost, Decision, Meaning, PriorCalls, Verdict, cost, cut, decide, given_up, judge, retry_delay,
};
use crate::stop::Stop;

/// The bounds of a row's attempts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub retries: u32,
    pub backoff: Backoff,
    /// `--patience`, here with a single row that is rate limited while others are not.
    pub patience: Duration,
}

/// What every row's attempts share.
#[derive(Debug)]
pub(crate) struct Attempts<A, G> {
    /// Where the calls go.
    pub api: A,
    pub gate: G,
    /// When they may leave.
    pub pace: Arc<Pace>,
    /// Whether any may leave at all.
    pub stop: Stop,
    /// How often and how patiently.
    pub limits: Limits,
    pub events: mpsc::Sender<Event>,
}

/// What a row's calls came to so far.
#[derive(Debug, Default)]
struct Tally {
    history: PriorCalls,
    attempts: u32,
    rate_limit_answers: u32,
    /// Rate-limit answers in a row, and since when.
    refusals: u32,
    refused_since: Option<tokio::time::Instant>,
    cost: Cost,
    http_status: Option<u16>,
    words: String,
    lost_words: String,
    started: Option<Instant>,
}

impl<A: LinkUpApi, G: Gate> Attempts<A, G> {
    /// Brings one row to its outcome.
    pub(super) async fn withdraw(&self, row: ReadyRow) -> Settling<G::DurableWrite> {
        let mut tally = Tally::of(&row);
        loop {
            let Some(permit) = self.stop.or(self.pace.acquire()).await else {
                return self.give_up(row, tally).await;
            };
            if !self.intend(&row).await {
                continue;
            }
            tally.started.get_or_insert_with(Instant::now);
            let ending = self.api.send(ApiCall::Withdraw(&row.withdrawal)).await;
            let mut verdict = judge(self.api.version(), &ending, row.withdrawal.id.as_str());
            verdict.words = cut(&self.api.scrub(&verdict.words));
            let history = tally.history;
            tally.count(self.api.version(), &ending, &verdict);
            tracing::debug!(row = row.number, id = %row.withdrawal.id, meaning = ?verdict.meaning,
                http_status = tally.http_status, attempt = tally.attempts, words = %verdict.words, "answer");

            let decision = decide(verdict.meaning, history, self.limits.retries, self.limits.backoff, fastrand::f64());
            if let Decision::SettleAndStop(_, reason) = decision {
                self.stop.request(reason, advice(reason, &verdict.words));
            }
            let change = tell_pace(&self.pace, &self.stop, self.limits.backoff, permit, &ending, verdict.meaning);
            change.tell(&self.events, &self.stop).await;
            match decision {
                Decision::Settle(outcome) | Decision::SettleAndStop(outcome, _) => {
                    return self.settle(row, tally, outcome).await;
                }
                Decision::Retry(wait) => {
                    self.retract(&row, verdict.meaning).await;
                    self.stop.or(tokio::time::sleep(wait)).await;
                }
                Decision::Hold => {
                    self.retract(&row, verdict.meaning).await;
                    if tally.refused_for() > self.limits.patience {
                        let outcome = given_up(tally.history);
                        return self.settle(row, tally, outcome).await;
                    }
                    self.wait_out(&tally).await;
                }
            }
        }
    }

    /// Keeps the intent. Whether the call may leave: not if it could not be kept, nor if the stop came meanwhile.
    async fn intend(&self, row: &ReadyRow) -> bool {
        if let Err(error) = self.gate.intend(&row.key()).await {
            stop_for(&self.stop, &error);
            return false;
        }
        if self.stop.is_requested() {
            self.retract(row, Meaning::NotSent).await;
            return false;
        }
        true
    }

    /// Takes the intent back, if the call surely came to nothing.
    async fn retract(&self, row: &ReadyRow, meaning: Meaning) {
        if meaning != Meaning::Lost
            && let Err(error) = self.gate.retract(&row.key()).await
        {
            stop_for(&self.stop, &error);
        }
    }

    /// The pace holds everyone back, this row's next attempt included. A row that is refused again and again, while others
    /// are not, waits longer by itself: it would hold them all, at a refusal's price each time.
    async fn wait_out(&self, tally: &Tally) {
        if tally.refusals > 1 {
            let wait = retry_delay(self.limits.backoff, tally.refusals - 1, fastrand::f64());
            self.stop.or(tokio::time::sleep(wait)).await;
        }
    }

    /// Puts the outcome in line to be kept.
    async fn settle(&self, row: ReadyRow, tally: Tally, outcome: Outcome) -> Settling<G::DurableWrite> {
        let key = row.key();
        let settled = tally.settle(row, outcome);
        let keeping = self.gate.settle(&key, &Settlement::from(&settled)).await;
        Settling { settled, keeping }
    }

    /// The outcome of a row that the stop overtook.
    async fn give_up(&self, row: ReadyRow, mut tally: Tally) -> Settling<G::DurableWrite> {
        if tally.attempts == 0 {
            tally.words = self.stop.before_this_row();
            return self.settle(row, tally, Outcome::NotAttempted).await;
        }
        let cause = self.stop.cause().map_or_else(String::new, |cause| cause.to_string());
        let outcome = given_up(tally.history);
        tally.words = format!("{}; then the run stopped, {cause}", tally.detail(outcome));
        tally.lost_words.clone_from(&tally.words);
        self.settle(row, tally, outcome).await
    }
}

impl Tally {
    /// Nothing yet, but for what an earlier run left behind.
    fn of(row: &ReadyRow) -> Self {
        let history = PriorCalls { lost: row.lost_before, ..PriorCalls::default() };
        Self { history, lost_words: "in an earlier run".to_owned(), ..Self::default() }
    }

    fn count(&mut self, version: ApiVersion, ending: &CallResult, verdict: &Verdict) {
        self.history = self.history.after(verdict.meaning);
        self.attempts += 1;
        if verdict.meaning == Meaning::RateLimited {
            self.rate_limit_answers += 1;
            self.refusals += 1;
            self.refused_since.get_or_insert_with(tokio::time::Instant::now);
        } else {
            self.refusals = 0;
            self.refused_since = None;
        }
        self.http_status = ending.http_status();
        self.cost += cost(version, verdict.meaning, ending);
        if verdict.meaning == Meaning::Lost {
            self.lost_words.clone_from(&verdict.words);
        }
        self.words.clone_from(&verdict.words);
    }

    fn settle(self, row: ReadyRow, outcome: Outcome) -> Settled {
        let detail = self.detail(outcome);
        Settled {
            row: row.number,
            invitation_id: row.withdrawal.id.to_string(),
            account: row.withdrawal.account,
            outcome,
            detail,
            http_status: self.http_status,
            attempts: self.attempts,
            rate_limit_answers: self.rate_limit_answers,
            cost: self.cost,
            settled_at: Timestamp::now(),
            duration: self.started.map(|started| started.elapsed()),
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
            format!("{}, after a lost answer ({})", self.words, self.lost_words)
        } else {
            self.words.clone()
        }
    }
}
