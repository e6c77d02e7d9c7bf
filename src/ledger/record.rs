//! What is kept: by which key, for which run, and what a settlement says.
//!
//! Owns the rules for what an outcome means to the ledger. Touches no file.

use jiff::Timestamp;

use crate::event::Settled;
use crate::invitation::{AccountName, InvitationId};
use crate::outcome::Outcome;
use crate::policy::Cost;

/// What an invitation is known by. The API's address belongs to it as well and is given once, by [`RunInfo`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub account: AccountName,
    pub id: InvitationId,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunInfo {
    /// Unique among all runs of the ledger.
    pub run_id: String,
    pub started_at: Timestamp,
    /// The command that it is, as the user typed it: `run`, `clean`.
    pub command: &'static str,
    /// The API's base URL in one spelling, or `sandbox`.
    pub api: String,
}

/// What a row's calls came to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settlement {
    /// What became of the row.
    pub outcome: Outcome,
    pub detail: String,
    /// The HTTP status of the last answer, where one came.
    pub http_status: Option<u16>,
    /// Calls made for this row in this run.
    pub attempts: u32,
    /// What they cost together, in credits.
    pub cost: Cost,
    /// When it was settled; kept to the millisecond.
    pub settled_at: Timestamp,
}

impl From<&Settled> for Settlement {
    fn from(settled: &Settled) -> Self {
        Self {
            outcome: settled.outcome,
            detail: settled.detail.clone(),
            http_status: settled.http_status,
            attempts: settled.attempts,
            cost: settled.cost,
            settled_at: settled.settled_at,
        }
    }
}

/// Whether the outcome tells of calls. The others say why there was none, and are not kept.
pub(super) const fn is_recorded(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Withdrawn
        | Outcome::PresumedWithdrawn
        | Outcome::NotPending
        | Outcome::NotFound
        | Outcome::Unconfirmed
        | Outcome::Rejected
        | Outcome::RateLimited
        | Outcome::Failed => true,
        Outcome::AlreadySettled | Outcome::Duplicate | Outcome::Invalid | Outcome::NotAttempted => false,
    }
}

/// Whether the outcome takes a lost answer into account. One that does not leaves the loss
/// as unresolved as it was.
pub(super) fn resolves_lost_answers(outcome: Outcome) -> bool {
    outcome.is_final() || outcome == Outcome::Unconfirmed
}
