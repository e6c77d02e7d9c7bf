//! What is recorded: the run that writes, each call, and what a row came to.
//!
//! Owns what an outcome means to the ledger. Touches no file.

use jiff::Timestamp;

use crate::api::CallKind;
use crate::invitation::{AccountName, InvitationId};
use crate::outcome::Outcome;
use crate::policy::Cost;
use crate::stop::Stop;

/// What an invitation is known by. The API's address belongs to it as well and is given once, by [`RunInfo`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) account: AccountName,
    pub(crate) id: InvitationId,
}

/// The run that writes.
#[derive(Clone, Debug)]
pub(crate) struct RunInfo {
    /// Unique among all runs of the ledger.
    pub(crate) run_id: String,
    pub(crate) started_at: Timestamp,
    pub(crate) command: &'static str,
    /// The API's base URL in one spelling, or `sandbox`.
    pub(crate) api: String,
    /// Ends the wait for a ledger that another program has locked.
    pub(crate) stop: Stop,
}

/// A call that is about to be sent, and the most that it can cost, in credits: what counts until its answer is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallIntent {
    pub(crate) kind: CallKind,
    pub(crate) account: AccountName,
    /// The invitation of a withdrawal.
    pub(crate) invitation: Option<InvitationId>,
    pub(crate) possible: u64,
}

/// A call in the ledger, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CallId(pub(super) i64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallState {
    /// It is being made, or was cut off.
    Open,
    Answered,
    /// It may have had an effect.
    Lost,
    NotSent,
}

impl CallState {
    pub(crate) const ALL: [Self; 4] = [Self::Open, Self::Answered, Self::Lost, Self::NotSent];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Answered => "answered",
            Self::Lost => "answer_lost",
            Self::NotSent => "not_sent",
        }
    }
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CallEnd {
    pub(crate) state: CallState,
    pub(crate) http_status: Option<u16>,
    pub(crate) cost: Cost,
}

/// What a row came to, with its last call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settlement {
    pub(crate) outcome: Outcome,
    pub(crate) detail: String,
    /// Calls made for this row in this run.
    pub(crate) attempts: u32,
    /// Kept to the millisecond.
    pub(crate) settled_at: Timestamp,
}
