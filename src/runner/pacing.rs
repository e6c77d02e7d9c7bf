//! What an answer means for everyone's pace.

use std::time::{Duration, SystemTime};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

use crate::api::{CallResult, SecretPlaces};
use crate::event::Event;
use crate::pace::{Learned, Pace, Permit, Refused};
use crate::policy::{Backoff, Meaning, hold, pace_hint};
use crate::report::human_duration;
use crate::stop::{Refusal, Stop, StopReason};

/// What became of the pace.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Change {
    /// A hold ended: calls are accepted again.
    resumed: bool,
    /// Everyone waits this long.
    held_for: Option<Duration>,
    /// Whether the API named how long.
    is_asked: bool,
    /// What was learned of the key's limit, where that changed.
    pub(super) learned: Option<Option<Learned>>,
}

/// Lets the pace know how a call ended.
pub(super) fn tell_pace(
    pace: &Pace,
    stop: &Stop,
    backoff: Backoff,
    permit: Permit,
    result: &CallResult,
    meaning: Meaning,
) -> Change {
    let hint = match result {
        CallResult::Answered(answer) => pace_hint(&answer.pace, SystemTime::now()),
        CallResult::Lost(_) | CallResult::NotSent(_) => None,
    };
    let (resumed, held_for) = match meaning {
        Meaning::RateLimited => {
            let jitter = fastrand::f64();
            match permit.refused(hint, |refusals| hold(backoff, refusals, hint, jitter)) {
                Refused::Held(wait) => {
                    log_wait(wait);
                    (false, Some(wait))
                }
                Refused::StillHeld(wait) => (false, Some(wait)),
                Refused::OutOfPatience => {
                    stop.request(StopReason::PatienceExhausted, out_of_patience(hint));
                    (false, None)
                }
            }
        }
        // No answer, so nothing was accepted: the next call probes.
        Meaning::Lost => {
            drop(permit);
            (false, hint)
        }
        Meaning::NotSent => {
            drop(permit);
            (false, None)
        }
        Meaning::Withdrawn
        | Meaning::NotPending
        | Meaning::NotFound
        | Meaning::Rejected
        | Meaning::Refused(_)
        | Meaning::ServerError
        | Meaning::Unclear => (permit.accepted(), hint),
    };
    let held_for = held_for.filter(|wait| !wait.is_zero());
    if let Some(wait) = held_for
        && meaning != Meaning::RateLimited
        && pace.hold_for(wait)
    {
        log_wait(wait);
    }
    let learned = pace.news();
    match learned {
        Some(Some(learned)) => {
            let (limit, rate) = (learned.limit(), learned.pace());
            tracing::info!(
                event = "learned", limit = %limit, rate = %rate, "the API key allows about {limit}: sending {rate}"
            );
        }
        Some(None) => {
            let rate = pace.rate();
            tracing::info!(event = "learned", rate = %rate, "no limit below --rate was met again: sending {rate}");
        }
        None => {}
    }
    Change { resumed, held_for, is_asked: hint.is_some(), learned }
}

fn log_wait(wait: Duration) {
    let (seconds, until) = (wait.as_secs_f64().ceil(), moment(wait));
    let clock = until.to_zoned(TimeZone::system());
    tracing::info!(
        event = "rate_limited", wait_s = wait.as_secs_f64(), until = %format_args!("{until:.3}"),
        "rate limited: the next call is sent in {seconds} s, at {}", clock.strftime("%H:%M:%S")
    );
}

impl Change {
    /// What the sinks are told.
    pub(super) fn events(self) -> impl Iterator<Item = Event> {
        let learned = self.learned.map(|learned| Event::Learned(learned.map(Learned::limit)));
        let resumed = self.resumed.then_some(Event::Resumed);
        learned
            .into_iter()
            .chain(resumed)
            .chain(self.held_until().map(|until| Event::Held { until, is_asked: self.is_asked }))
    }

    /// Until when everyone waits.
    fn held_until(self) -> Option<Timestamp> {
        self.held_for.map(moment)
    }
}

fn moment(wait: Duration) -> Timestamp {
    Timestamp::now().saturating_add(wait).unwrap_or(Timestamp::MAX)
}

/// What the API refused, in its words, with what to do about that.
pub(super) fn advice(refusal: Refusal, words: &str, secrets: &SecretPlaces) -> String {
    let SecretPlaces { api_key, login } = secrets;
    match refusal {
        Refusal::Key => format!("API key refused ({words}): renew {api_key}"),
        Refusal::Login => format!("login refused ({words}): log in to LinkedIn again and renew {login}"),
        Refusal::Account => format!("account refused ({words}): connect it at LinkUp again, or correct {login}"),
        Refusal::Credits => format!("credits used up ({words}): buy credits at LinkUp"),
    }
}

fn out_of_patience(hint: Option<Duration>) -> String {
    let Some(hint) = hint else { return "rate limited for longer than --patience: retry later".to_owned() };
    match Zoned::now().checked_add(hint) {
        Ok(at) => format!("rate limited, and the API asks to wait longer than --patience. {}", retry_after(&at)),
        Err(_) => "rate limited, and the API asks to wait longer than can be counted".to_owned(),
    }
}

/// When to try again, by the local clock: in whole minutes, and not too early.
pub(super) fn retry_after(at: &Zoned) -> String {
    retry_after_from(at, &Zoned::now().with_time_zone(at.time_zone().clone()))
}

fn retry_after_from(at: &Zoned, now: &Zoned) -> String {
    let wait = Duration::try_from(at.duration_since(now)).unwrap_or_default();
    let minutes = wait.as_secs().div_ceil(60).max(1);
    let wait = human_duration(Duration::from_secs(minutes * 60));
    let wait = wait.trim_end_matches(" 00 s").trim_end_matches(" 00 min").trim_end_matches(" 0 h");
    format!("Retry after {} (in {wait})", clock_words_from(at, now))
}

/// A moment to come by the local clock: in whole minutes, and not too early.
pub(crate) fn clock_words(at: &Zoned) -> String {
    clock_words_from(at, &Zoned::now().with_time_zone(at.time_zone().clone()))
}

fn clock_words_from(at: &Zoned, now: &Zoned) -> String {
    let at = at.saturating_add(LAST_SECOND);
    let is_today = at.date() == now.date();
    at.strftime(if is_today { "%H:%M" } else { "%Y-%m-%d %H:%M" }).to_string()
}

const LAST_SECOND: SignedDuration = SignedDuration::from_secs(59);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_to_try_again_is_told_by_the_clock() {
        let now: Zoned = "2026-11-26T04:57:10[UTC]".parse().unwrap();
        let cases = [
            (20, "Retry after 04:58 (in 1 min)"),
            (3_600, "Retry after 05:58 (in 1 h)"),
            (3_700, "Retry after 05:59 (in 1 h 02 min)"),
            (20 * 3_600, "Retry after 2026-11-27 00:58 (in 20 h)"),
            (3 * 86_400, "Retry after 2026-11-29 04:58 (in 3 d)"),
        ];
        for (seconds, said) in cases {
            assert_eq!(retry_after_from(&now.saturating_add(SignedDuration::from_secs(seconds)), &now), said);
        }
    }
}
