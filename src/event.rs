//! What can happen in a run, as the sinks learn of it.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::api::CallKind;
use crate::invitation::{AccountName, Carried};
use crate::outcome::Outcome;
use crate::pace::Rate;
use crate::policy::{Cost, Meaning};

/// A row's outcome is durable before its event is sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    Settled(Settled),
    /// A call was made for whatever purpose, and has ended.
    Called(Called),
    /// An answer about an invitation had words that are in no table.
    UnknownWords(String),
    /// A page of the list was read, with so many invitations that no earlier page had.
    PageRead {
        invitations: u64,
    },
    /// An account's list of connection invitations was read to its end, and held so many.
    ListCounted {
        account: AccountName,
        pending: u64,
    },
    /// A rate limit holds all workers back until this moment, when one of them probes.
    Held {
        until: Timestamp,
        /// Whether the API named it.
        is_asked: bool,
    },
    /// A call with this end is tried again, for the k-th time of at most `of`.
    Retrying {
        meaning: Meaning,
        retry: u32,
        of: u32,
    },
    /// The API accepts calls again.
    Resumed,
    /// The API key has shown to allow this rate, or no less than the configured one.
    Learned(Option<Rate>),
    /// The input was read to its end; `rows` includes bad ones.
    InputEnded {
        rows: u64,
    },
}

/// A call that may have cost something.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Called {
    pub kind: CallKind,
    pub account: AccountName,
    pub cost: Cost,
    /// What its answer means; of a page, whether it is one.
    pub meaning: Meaning,
    /// Whether it repeated an earlier one, for the same row or page.
    pub is_retry: bool,
    pub is_rate_limited: bool,
    pub sent_at: Timestamp,
    /// Until it was answered, or known to be lost.
    pub latency: Duration,
}

/// A row with its outcome: one line of the report.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settled {
    /// Record number in the input, from 1, the header not counted.
    pub row: u64,
    /// The line of the input on which it begins, from 1; `None` for a list's.
    pub line: Option<u64>,
    /// The invitation's ID, or the text in its place; may be empty. So is its URN.
    pub invitation_id: String,
    pub entity_urn: String,
    /// `None` where the row names none and it is not clear which it would be.
    pub account: Option<AccountName>,
    pub outcome: Outcome,
    /// What an earlier run settled it as.
    pub settled_before_as: Option<Outcome>,
    pub detail: String,
    /// Of the last answer, if there was one.
    pub http_status: Option<u16>,
    /// Calls for this row, those that were never sent included.
    pub attempts: u32,
    pub cost: Cost,
    pub settled_at: Timestamp,
    /// From the row's first call to its outcome; `None` if there was no call.
    pub duration: Option<Duration>,
    /// Not sent because of `--keep`.
    pub is_kept: bool,
    /// Only a limit of the user kept it from another attempt, so its outcome does not make the exit code 1.
    pub cut_by_limit: bool,
    /// The input's other columns.
    pub carried: Carried,
}

impl Settled {
    /// The details of rows that are not sent because of `--keep`.
    pub(crate) const KEPT: &str = "kept: it is on the --keep list";
    pub(crate) const MIGHT_BE_KEPT: &str = "not sent: its profile can't be compared with those of the --keep list";

    /// A row that is settled now, without a call.
    pub(crate) fn unsent(
        row: u64,
        invitation_id: String,
        account: Option<AccountName>,
        outcome: Outcome,
        detail: String,
        carried: Carried,
    ) -> Self {
        Self {
            row,
            line: None,
            invitation_id,
            entity_urn: String::new(),
            account,
            outcome,
            settled_before_as: None,
            detail,
            http_status: None,
            attempts: 0,
            cost: Cost::default(),
            settled_at: Timestamp::now(),
            duration: None,
            is_kept: false,
            cut_by_limit: false,
            carried,
        }
    }

    /// The first day on which the person can be invited again, where the invitation is withdrawn.
    pub(crate) fn reinvite_on(&self) -> Option<Date> {
        self.settled_before_as.unwrap_or(self.outcome).reinvite_on(self.settled_at)
    }
}
