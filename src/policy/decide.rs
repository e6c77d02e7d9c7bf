//! What to do after a call: settle the row, try it again, hold everyone back, or stop the run.

use std::time::Duration;

use super::{Backoff, Meaning, retry_delay};
use crate::outcome::Outcome;
use crate::stop::StopReason;

/// What has happened to a row before the call that is being judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct History {
    /// Retries used up. Rate-limit answers use up none.
    pub retries: u32,
    /// Whether the answer of an earlier attempt was lost, so that it may have been done.
    pub lost: bool,
    /// Whether the last answer was a rate limit.
    pub rate_limited: bool,
}

impl History {
    /// The history as the next attempt will find it.
    pub(crate) fn after(self, meaning: Meaning) -> Self {
        let used = matches!(meaning, Meaning::ServerError | Meaning::Lost | Meaning::NotSent);
        Self {
            retries: self.retries + u32::from(used),
            lost: self.lost || meaning == Meaning::Lost,
            rate_limited: meaning == Meaning::RateLimited,
        }
    }
}

/// What to do next with a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Decision {
    Settle(Outcome),
    /// This is its outcome, and every further call would end the same way: stop the run.
    SettleAndStop(Outcome, StopReason),
    /// Try again after this wait; it uses up one retry.
    Retry(Duration),
    /// Try again after the hold of the whole run.
    Hold,
}

/// What to do after a call that ended as `meaning` for a row with this history; `jitter` is in `0.0..1.0`.
pub(crate) fn decide(meaning: Meaning, history: History, retries: u32, backoff: Backoff, jitter: f64) -> Decision {
    // Once an answer was lost, only success or "not pending" resolves the row.
    let unless_lost = |outcome| if history.lost { Outcome::Unconfirmed } else { outcome };
    match meaning {
        Meaning::Withdrawn => Decision::Settle(Outcome::Withdrawn),
        Meaning::NotPending if history.lost => Decision::Settle(Outcome::PresumedWithdrawn),
        Meaning::NotPending => Decision::Settle(Outcome::NotPending),
        Meaning::NotFound => Decision::Settle(unless_lost(Outcome::NotFound)),
        Meaning::Rejected => Decision::Settle(unless_lost(Outcome::Rejected)),
        Meaning::KeyRefused => Decision::SettleAndStop(unless_lost(Outcome::Rejected), StopReason::KeyRefused),
        Meaning::LoginRefused => Decision::SettleAndStop(unless_lost(Outcome::Rejected), StopReason::LoginRefused),
        Meaning::AccountRefused => Decision::SettleAndStop(unless_lost(Outcome::Rejected), StopReason::AccountRefused),
        Meaning::CreditsUsedUp => Decision::SettleAndStop(unless_lost(Outcome::Rejected), StopReason::CreditsUsedUp),
        Meaning::RateLimited => Decision::Hold,
        Meaning::ServerError | Meaning::Lost | Meaning::NotSent if history.retries < retries => {
            Decision::Retry(retry_delay(backoff, history.retries, jitter))
        }
        Meaning::ServerError | Meaning::NotSent => Decision::Settle(unless_lost(Outcome::Failed)),
        Meaning::Lost => Decision::Settle(Outcome::Unconfirmed),
    }
}

/// The outcome of a row that was tried and whose run stopped before it was settled.
pub(crate) fn given_up(history: History) -> Outcome {
    if history.lost {
        Outcome::Unconfirmed
    } else if history.rate_limited {
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
        // Answer; then what follows it where nothing was lost before, and where an answer was; both with retries left.
        let cases = [
            (Meaning::Withdrawn, Settle(Outcome::Withdrawn), Settle(Outcome::Withdrawn)),
            (Meaning::NotPending, Settle(Outcome::NotPending), Settle(Outcome::PresumedWithdrawn)),
            (Meaning::NotFound, Settle(Outcome::NotFound), Settle(Outcome::Unconfirmed)),
            (Meaning::Rejected, Settle(Outcome::Rejected), Settle(Outcome::Unconfirmed)),
            (
                Meaning::KeyRefused,
                SettleAndStop(Outcome::Rejected, StopReason::KeyRefused),
                SettleAndStop(Outcome::Unconfirmed, StopReason::KeyRefused),
            ),
            (
                Meaning::LoginRefused,
                SettleAndStop(Outcome::Rejected, StopReason::LoginRefused),
                SettleAndStop(Outcome::Unconfirmed, StopReason::LoginRefused),
            ),
            (
                Meaning::AccountRefused,
                SettleAndStop(Outcome::Rejected, StopReason::AccountRefused),
                SettleAndStop(Outcome::Unconfirmed, StopReason::AccountRefused),
            ),
            (
                Meaning::CreditsUsedUp,
                SettleAndStop(Outcome::Rejected, StopReason::CreditsUsedUp),
                SettleAndStop(Outcome::Unconfirmed, StopReason::CreditsUsedUp),
            ),
            (Meaning::RateLimited, Hold, Hold),
            (Meaning::ServerError, retry(2_000), retry(2_000)),
            (Meaning::Lost, retry(2_000), retry(2_000)),
            (Meaning::NotSent, retry(2_000), retry(2_000)),
        ];
        for (meaning, clean, after_loss) in cases {
            let history = History { retries: 1, ..History::default() };
            assert_eq!(decide(meaning, history, RETRIES, BACKOFF, 1.0), clean, "{meaning:?}");
            let history = History { lost: true, ..history };
            assert_eq!(decide(meaning, history, RETRIES, BACKOFF, 1.0), after_loss, "{meaning:?} after a loss");
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
            let history = History { retries: RETRIES, ..History::default() };
            assert_eq!(decide(meaning, history, RETRIES, BACKOFF, 1.0), clean, "{meaning:?}");
            let history = History { lost: true, ..history };
            assert_eq!(decide(meaning, history, RETRIES, BACKOFF, 1.0), after_loss, "{meaning:?} after a loss");
        }
    }

    #[test]
    fn what_a_row_ends_as_where_the_run_gives_up() {
        let after = |meanings: &[Meaning]| given_up(meanings.iter().fold(History::default(), |h, m| h.after(*m)));
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
            let used = History::default().after(meaning).retries;
            let costs = matches!(meaning, Meaning::ServerError | Meaning::Lost | Meaning::NotSent);
            assert_eq!(used, u32::from(costs), "{meaning:?}");
        }
    }
}
