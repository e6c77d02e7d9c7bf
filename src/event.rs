//! The few things that can happen in a run, as the sinks are told of them.

use std::time::Duration;

use jiff::Timestamp;

use crate::invitation::{AccountName, Carried};
use crate::outcome::Outcome;
use crate::policy::Cost;

/// Something that happened. What is settled is settled before anyone is told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    /// A row has its outcome.
    Settled(Settled),
    /// Every worker holds back until this moment, because the API refused a call for its rate.
    Held {
        /// When one worker asks again.
        until: Timestamp,
    },
    /// The API accepts calls again.
    Resumed,
    /// The input was read to its end, and held this many rows.
    InputEnded {
        /// Rows of the input, bad ones included.
        rows: u64,
    },
}

/// A row and what became of it: one line of the report.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settled {
    /// Record number in the input, from 1, the header not counted.
    pub row: u64,
    /// The invitation's ID, or what stood in its place; may be empty.
    pub invitation_id: String,
    pub account: AccountName,
    pub outcome: Outcome,
    pub detail: String,
    /// The HTTP status of the last answer, where one came.
    pub http_status: Option<u16>,
    /// Calls made for this row, those that never left included.
    pub attempts: u32,
    pub rate_limit_answers: u32,
    /// What they cost together, in credits.
    pub cost: Cost,
    pub settled_at: Timestamp,
    /// From the row's first call to its outcome; `None` where nothing was sent.
    pub duration: Option<Duration>,
    /// The input's other columns.
    pub carried: Carried,
}

impl Settled {
    /// A row that is settled without a call, now.
    pub(crate) fn unsent(
        row: u64,
        invitation_id: String,
        account: AccountName,
        outcome: Outcome,
        detail: String,
        carried: Carried,
    ) -> Self {
        Self {
            row,
            invitation_id,
            account,
            outcome,
            detail,
            http_status: None,
            attempts: 0,
            rate_limit_answers: 0,
            cost: Cost::default(),
            settled_at: Timestamp::now(),
            duration: None,
            carried,
        }
    }
}
