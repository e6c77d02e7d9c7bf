//! What an answer means for everyone's pace.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::api::{CallResult, PaceHeaders};
use crate::event::Event;
use crate::pace::{Learned, Pace, Permit, Refused};
use crate::policy::{Backoff, Meaning, hold, pace_hint, remaining};
use crate::stop::{Stop, StopReason};

/// A wait of this length is worth a line of the log, even if others came before it.
const LONG: Duration = Duration::from_secs(5);

/// What became of the pace.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Change {
    /// A hold ended: calls are accepted again.
    resumed: bool,
    /// Everyone waits this long.
    held_for: Option<Duration>,
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
    let headers = match result {
        CallResult::Answered(answer) => &answer.pace,
        CallResult::Lost(_) | CallResult::NotSent(_) => &PaceHeaders::default(),
    };
    let now = SystemTime::now();
    let hint = pace_hint(headers, now);
    let is_first = !pace.is_held();
    let (resumed, held_for) = match meaning {
        Meaning::RateLimited => {
            let jitter = fastrand::f64();
            match permit.refused(hint, |refusals| hold(backoff, refusals, hint, jitter)) {
                Refused::Held(wait) => (false, Some(wait)),
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
        | Meaning::KeyRefused
        | Meaning::LoginRefused
        | Meaning::AccountRefused
        | Meaning::CreditsUsedUp
        | Meaning::ServerError
        | Meaning::Unclear => {
            let resumed = permit.accepted();
            let used_up = remaining(headers, now).filter(|(calls, _)| pace.is_used_up(*calls));
            (resumed, hint.max(used_up.map(|(_, reset)| reset)))
        }
    };
    let held_for = held_for.filter(|wait| !wait.is_zero());
    if let Some(wait) = held_for {
        if meaning != Meaning::RateLimited {
            pace.hold_for(wait);
        }
        if is_first || wait >= LONG {
            let (seconds, clock) = (wait.as_secs_f64().ceil(), moment(wait).to_zoned(TimeZone::system()));
            tracing::info!("rate limited: the next call is sent in {seconds} s, at {}", clock.strftime("%H:%M:%S"));
        }
    }
    let learned = pace.news();
    if let Some(learned) = learned {
        log_learned(pace, learned, meaning);
    }
    Change { resumed, held_for, learned }
}

fn log_learned(pace: &Pace, learned: Option<Learned>, meaning: Meaning) {
    let rate = pace.rate();
    match learned {
        Some(learned) if meaning == Meaning::RateLimited => {
            tracing::info!("the API key allows about {}: sending {rate}", learned.rate());
        }
        Some(_) => tracing::debug!("the API key may allow more: sending {rate}"),
        None => tracing::info!("no limit below --rate was met again: sending {rate}"),
    }
}

impl Change {
    /// What the sinks are told.
    pub(super) fn events(self) -> impl Iterator<Item = Event> {
        let learned = self.learned.map(|learned| Event::Learned(learned.map(Learned::rate)));
        let resumed = self.resumed.then_some(Event::Resumed);
        learned.into_iter().chain(resumed).chain(self.held_until().map(|until| Event::Held { until }))
    }

    /// Until when everyone waits.
    fn held_until(self) -> Option<Timestamp> {
        self.held_for.map(moment)
    }
}

fn moment(wait: Duration) -> Timestamp {
    Timestamp::now().saturating_add(wait).unwrap_or(Timestamp::MAX)
}

/// The API's words with what to do about them.
pub(super) fn advice(reason: StopReason, words: &str) -> String {
    let next = match reason {
        StopReason::KeyRefused => "check LINKUP_API_KEY",
        StopReason::LoginRefused => "log in to LinkedIn again and renew LINKUP_LOGIN_TOKEN",
        StopReason::AccountRefused => "check LINKUP_ACCOUNT_ID, and that the account is connected",
        StopReason::CreditsUsedUp => "buy credits, then run the same command again",
        StopReason::TooManyFailures
        | StopReason::PatienceExhausted
        | StopReason::ReportUnwritable
        | StopReason::LedgerUnwritable
        | StopReason::Broken
        | StopReason::MaxCredits
        | StopReason::MaxWithdrawals
        | StopReason::MaxDuration
        | StopReason::DailyCap
        | StopReason::Signal(_) => "run the same command again",
    };
    format!("the API says \"{words}\": {next}")
}

fn out_of_patience(hint: Option<Duration>) -> String {
    match hint {
        Some(Duration::MAX) => {
            "rate limited, and the API asks to wait longer than can be counted: run the same command again later"
                .to_owned()
        }
        Some(hint) => format!(
            "rate limited, and the API asks to wait {} s, longer than --patience: run the same command again then",
            hint.as_secs()
        ),
        None => "rate limited for longer than --patience: run the same command again later".to_owned(),
    }
}
