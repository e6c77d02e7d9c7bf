//! The simulated API: what it does and answers, by its own record of each invitation.

use std::time::Duration;

use fastrand::Rng;

use super::super::{COOKIE, CREDITS, GONE, LIMIT, MISSING, ODD, OK, answer, lost, not_sent};
use crate::api::{ApiVersion, CallResult, HttpAnswer, PaceHeaders};

/// How a call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// As it should.
    Served,
    NotSent,
    /// The connection breaks before or after the invitation is withdrawn.
    Lost(Effect),
    /// A gateway's page.
    Gateway(Effect),
    /// Half of the answer.
    Half(Effect),
    /// A success that is none, or contradicts itself.
    Queued(Effect),
    Contradicted(Effect),
    ServerError,
    RateLimited,
    Rejected,
    AccountRefused,
    CreditsUsedUp,
}

/// Whether the invitation is withdrawn all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    None,
    Done,
}
use Effect::{Done, None as Nothing};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    #[default]
    Pending,
    Accepted,
    /// The API knows no such invitation.
    Unknown,
    /// By a call.
    Withdrawn,
}

/// What a call came to.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) result: CallResult,
    pub(super) charge: u64,
    /// Whether this call withdrew the invitation.
    pub(super) did: bool,
}

impl Fate {
    /// A fault with this probability.
    pub(super) fn draw(random: &mut Rng, faults: f64) -> Self {
        let fates = [
            Self::NotSent,
            Self::Lost(Nothing),
            Self::Lost(Done),
            Self::Lost(Done),
            Self::Gateway(Nothing),
            Self::Gateway(Done),
            Self::Half(Done),
            Self::Queued(Nothing),
            Self::Queued(Done),
            Self::Contradicted(Done),
            Self::ServerError,
            Self::ServerError,
            Self::RateLimited,
            Self::RateLimited,
            Self::Rejected,
        ];
        if random.f64() >= faults {
            return Self::Served;
        }
        match random.u8(..60) {
            0 => Self::AccountRefused,
            1 => Self::CreditsUsedUp,
            _ => fates[random.usize(..fates.len())],
        }
    }

    /// Whether the answer leaves open what happened.
    pub(super) fn leaves_doubt(self) -> bool {
        match self {
            Self::Lost(_) | Self::Gateway(_) | Self::Half(_) | Self::Queued(_) | Self::Contradicted(_) => true,
            Self::Served
            | Self::NotSent
            | Self::ServerError
            | Self::RateLimited
            | Self::Rejected
            | Self::AccountRefused
            | Self::CreditsUsedUp => false,
        }
    }
}

/// How a server answers and what it takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manners {
    pub(super) version: ApiVersion,
    pub(super) repeats_success: bool,
    pub(super) charges_calls: bool,
}

impl Manners {
    /// What becomes of the invitation, and what is answered.
    pub(super) fn serve(self, fate: Fate, state: &mut State, random: &mut Rng) -> Served {
        let mut did = false;
        let mut withdraw = |effect: Effect| {
            did = effect == Done && *state == State::Pending;
            if did {
                *state = State::Withdrawn;
            }
        };
        let (result, is_success) = match fate {
            Fate::Served => {
                withdraw(Done);
                return self.plainly(did, *state);
            }
            Fate::NotSent => return Served { result: not_sent(), charge: 0, did: false },
            Fate::Lost(effect) => {
                withdraw(effect);
                (lost(), false)
            }
            Fate::Gateway(effect) => {
                withdraw(effect);
                let status = [502, 503, 504][random.usize(..3)];
                (answer(status, "<html>Bad Gateway</html>"), false)
            }
            Fate::Half(effect) => {
                withdraw(effect);
                (answer(200, r#"{"success": true, "stat"#), false)
            }
            Fate::Queued(effect) => {
                withdraw(effect);
                (self.success("Withdrawal queued", did), true)
            }
            Fate::Contradicted(effect) => {
                withdraw(effect);
                let error = r#"{"status": "success", "success": true, "error": "not withdrawn"}"#;
                (answer(200, error), true)
            }
            Fate::ServerError => (self.error(500, "INTERNAL_ERROR", ODD), false),
            Fate::RateLimited => {
                let http_status = if self.version == ApiVersion::V1 && random.bool() { 200 } else { 429 };
                (hinting(self.error(http_status, "RATE_LIMITED", LIMIT), random), false)
            }
            Fate::Rejected => (self.error(200, "INVALID_ACTION", ODD), false),
            Fate::AccountRefused => (self.error(200, "ACCOUNT_INACTIVE", COOKIE), false),
            Fate::CreditsUsedUp => (self.error(200, "INSUFFICIENT_CREDITS", CREDITS), false),
        };
        // What a call with an unclear end costs is anyone's guess.
        let is_charged = match self.version {
            ApiVersion::V2 => did,
            ApiVersion::V1 if fate == Fate::ServerError => false,
            ApiVersion::V1 => did || self.charges_calls && (is_success || random.bool()),
        };
        Served { result, charge: u64::from(is_charged), did }
    }

    /// What the invitation's state makes it answer.
    fn plainly(self, did: bool, state: State) -> Served {
        let says_success = did || (state == State::Withdrawn && self.repeats_success);
        let result = match state {
            State::Withdrawn if says_success => self.success("Invitation withdrawn", true),
            State::Withdrawn | State::Accepted | State::Pending => self.error(200, "CONFLICT", GONE),
            State::Unknown => self.error(200, "NO_INVITATION", MISSING),
        };
        let is_charged = says_success || (self.version == ApiVersion::V1 && self.charges_calls);
        Served { result, charge: u64::from(is_charged), did }
    }

    fn success(self, message: &str, is_charged: bool) -> CallResult {
        match self.version {
            ApiVersion::V1 => answer(200, &OK.replace("Connection invitation withdrawn successfully", message)),
            ApiVersion::V2 => {
                let consumed = u64::from(is_charged);
                let body = format!(
                    r#"{{"success": true, "message": "{message}", "metadata": {{"credits_consumed": {consumed}}}}}"#
                );
                answer(200, &body)
            }
        }
    }

    /// An error of this version with the message of this one of V1's.
    fn error(self, http_status: u16, code: &str, v1: &str) -> CallResult {
        match self.version {
            ApiVersion::V1 => answer(http_status, v1),
            ApiVersion::V2 => {
                let message = v1.split('"').nth(7).unwrap();
                let body = format!(
                    r#"{{"success": false, "error": {{"code": "{code}", "message": "{message}"}},
                    "metadata": {{"credits_consumed": 0}}}}"#
                );
                answer(if http_status == 200 { 400 } else { http_status }, &body)
            }
        }
    }
}

/// A refusal that sometimes says for how long.
fn hinting(result: CallResult, random: &mut Rng) -> CallResult {
    let CallResult::Answered(answer) = result else { return result };
    let seconds = Duration::from_secs(random.u64(0..=30)).as_secs().to_string();
    let retry_after = random.bool().then_some(seconds);
    CallResult::Answered(HttpAnswer { pace: PaceHeaders { retry_after, ..PaceHeaders::default() }, ..answer })
}
