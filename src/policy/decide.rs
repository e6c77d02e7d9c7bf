//! What to do after a call: settle the row, retry it, hold all calls, or stop the run.

use std::time::Duration;

use super::{Backoff, Meaning, retry_delay};
use crate::outcome::Outcome;
use crate::stop::Refusal;

/// What happened to a row before the call that is being judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PriorCalls {
    /// Rate-limit answers don't count.
    pub retries: u32,
    /// Whether an earlier answer was lost, so that the invitation may be withdrawn.
    pub lost: bool,
    /// Whether the last answer was a rate limit.
    pub rate_limited: bool,
}

impl PriorCalls {
    pub(crate) fn after(self, meaning: Meaning) -> Self {
        let used = matches!(meaning, Meaning::ServerError | Meaning::Lost | Meaning::NotSent);
        Self {
            retries: self.retries + u32::from(used),
            lost: self.lost || meaning.leaves_doubt(),
            rate_limited: meaning == Meaning::RateLimited,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Decision {
    Settle(Outcome),
    /// Every further call would end in the same way.
    SettleAndStop(Outcome, Refusal),
    Retry(Duration),
    /// Retry after the hold of all calls; doesn't count as a retry.
    Hold,
}

/// What to do after a call with this meaning. `retries` is the most that a row may have; `jitter` is in `0.0..1.0`.
pub(crate) fn decide(meaning: Meaning, prior: PriorCalls, retries: u32, backoff: Backoff, jitter: f64) -> Decision {
    // After a lost answer, only success or "not pending" proves what happened.
    let unless_lost = |outcome| if prior.lost { Outcome::Unconfirmed } else { outcome };
    match meaning {
        Meaning::Withdrawn => Decision::Settle(Outcome::Withdrawn),
        Meaning::NotPending if prior.lost => Decision::Settle(Outcome::PresumedWithdrawn),
        Meaning::NotPending => Decision::Settle(Outcome::NotPending),
        Meaning::NotFound => Decision::Settle(unless_lost(Outcome::NotFound)),
        Meaning::Rejected => Decision::Settle(unless_lost(Outcome::Rejected)),
        Meaning::Refused(refusal) => Decision::SettleAndStop(unless_lost(Outcome::Rejected), refusal),
        Meaning::RateLimited => Decision::Hold,
        Meaning::ServerError | Meaning::Lost | Meaning::NotSent if prior.retries < retries => {
            Decision::Retry(retry_delay(backoff, prior.retries, jitter))
        }
        Meaning::ServerError | Meaning::NotSent => Decision::Settle(unless_lost(Outcome::Failed)),
        // What was unclear came whole, so asking again would only buy the same answer.
        Meaning::Lost | Meaning::Unclear => Decision::Settle(Outcome::Unconfirmed),
    }
}

/// The outcome of a row that was called for, but not settled before the run stopped.
pub(crate) fn given_up(prior: PriorCalls) -> Outcome {
    if prior.lost {
        Outcome::Unconfirmed
    } else if prior.rate_limited {
        Outcome::RateLimited
    } else {
        Outcome::Failed
    }
}

#[cfg(test)]
mod tests {
    use super::Decision::{Hold, Retry, Settle, SettleAndStop};
    use super::*;

    const BACKOFF: Backoff = Backoff { base: Duration::from_secs(1), max: Duration::from_secs(60) };
    const RETRIES: u32 = 3;

    /// Above all the rule for lost answers.
    #[test]
    fn what_follows_each_answer() {
        let retry = |millis| Retry(Duration::from_millis(millis));
        let refused = |refusal| {
            let stop = |outcome| SettleAndStop(outcome, refusal);
            (Meaning::Refused(refusal), stop(Outcome::Rejected), stop(Outcome::Unconfirmed))
        };
        // With retries left: the answer, and the decision without and with an earlier lost answer.
        let cases = [
            (Meaning::Withdrawn, Settle(Outcome::Withdrawn), Settle(Outcome::Withdrawn)),
            (Meaning::NotPending, Settle(Outcome::NotPending), Settle(Outcome::PresumedWithdrawn)),
            (Meaning::NotFound, Settle(Outcome::NotFound), Settle(Outcome::Unconfirmed)),
            (Meaning::Rejected, Settle(Outcome::Rejected), Settle(Outcome::Unconfirmed)),
            refused(Refusal::Key),
            refused(Refusal::Login),
            refused(Refusal::Account),
            refused(Refusal::Credits),
            (Meaning::RateLimited, Hold, Hold),
            (Meaning::ServerError, retry(2_000), retry(2_000)),
            (Meaning::Lost, retry(2_000), retry(2_000)),
            (Meaning::Unclear, Settle(Outcome::Unconfirmed), Settle(Outcome::Unconfirmed)),
            (Meaning::NotSent, retry(2_000), retry(2_000)),
        ];
        for (meaning, clean, after_loss) in cases {
            let prior = PriorCalls { retries: 1, ..PriorCalls::default() };
            assert_eq!(decide(meaning, prior, RETRIES, BACKOFF, 1.0), clean, "{meaning:?}");
            let prior = PriorCalls { lost: true, ..prior };
            assert_eq!(decide(meaning, prior, RETRIES, BACKOFF, 1.0), after_loss, "{meaning:?} after a loss");
        }
        for meaning in Meaning::ALL {
            assert!(cases.iter().any(|case| case.0 == meaning), "no case for {meaning:?}");
        }
    }

    #[test]
    fn what_follows_when_the_retries_are_used_up() {
        let cases = [
            (Meaning::ServerError, Settle(Outcome::Failed), Settle(Outcome::Unconfirmed)),
            (Meaning::NotSent, Settle(Outcome::Failed), Settle(Outcome::Unconfirmed)),
            (Meaning::Lost, Settle(Outcome::Unconfirmed), Settle(Outcome::Unconfirmed)),
            (Meaning::RateLimited, Hold, Hold),
        ];
        for (meaning, clean, after_loss) in cases {
            let prior = PriorCalls { retries: RETRIES, ..PriorCalls::default() };
            assert_eq!(decide(meaning, prior, RETRIES, BACKOFF, 1.0), clean, "{meaning:?}");
            let prior = PriorCalls { lost: true, ..prior };
            assert_eq!(decide(meaning, prior, RETRIES, BACKOFF, 1.0), after_loss, "{meaning:?} after a loss");
        }
    }

    #[test]
    fn what_a_row_ends_as_where_the_run_gives_up() {
        let after = |meanings: &[Meaning]| given_up(meanings.iter().fold(PriorCalls::default(), |h, m| h.after(*m)));
        let cases: [(&[Meaning], Outcome); 5] = [
            (&[Meaning::RateLimited], Outcome::RateLimited),
            (&[Meaning::ServerError], Outcome::Failed),
            (&[Meaning::RateLimited, Meaning::ServerError], Outcome::Failed),
            (&[Meaning::Lost], Outcome::Unconfirmed),
            (&[Meaning::Lost, Meaning::RateLimited], Outcome::Unconfirmed),
        ];
        for (meanings, outcome) in cases {
            assert_eq!(after(meanings), outcome, "{meanings:?}");
        }
    }

    #[test]
    fn only_errors_use_up_retries() {
        for meaning in Meaning::ALL {
            let used = PriorCalls::default().after(meaning).retries;
            let costs = matches!(meaning, Meaning::ServerError | Meaning::Lost | Meaning::NotSent);
            assert_eq!(used, u32::from(costs), "{meaning:?}");
        }
    }
}
