//! What an answer means for everyone's pace.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::api::CallResult;
use crate::event::Event;
use crate::invitation::AccountName;
use crate::pace::{Learned, Pace, Permit, Refused};
use crate::policy::{Backoff, Meaning, hold, pace_hint};
use crate::stop::{Stop, StopReason};

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
        | Meaning::KeyRefused
        | Meaning::LoginRefused
        | Meaning::AccountRefused
        | Meaning::CreditsUsedUp
        | Meaning::ServerError
        | Meaning::Unclear => (permit.accepted(), hint),
    };
    let held_for = held_for.filter(|wait| !wait.is_zero());
    if let Some(wait) = held_for
        && meaning != Meaning::RateLimited
    {
        pace.hold_for(wait);
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

/// The API's words with what to do about them.
pub(super) fn advice(reason: StopReason, words: &str, account: &AccountName) -> String {
    let setting = |variable: &str, key: &str| match account.as_str() {
        "default" => variable.to_owned(),
        name => format!("accounts.{name}.{key} in the configuration file"),
    };
    let next = match reason {
        StopReason::KeyRefused => "check LINKUP_API_KEY",
        StopReason::LoginRefused => {
            &format!("log in to LinkedIn again and renew {}", setting("LINKUP_LOGIN_TOKEN", "login_token"))
        }
        StopReason::AccountRefused => {
            &format!("check {}, and that the account is connected", setting("LINKUP_ACCOUNT_ID", "account_id"))
        }
        StopReason::CreditsUsedUp => "buy credits, then run the same command again",
        StopReason::TooManyFailures
        | StopReason::PatienceExhausted
        | StopReason::ReportUnwritable
        | StopReason::LedgerUnwritable
        | StopReason::Usage
        | StopReason::LedgerHeld
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
