//! What can become of a row. Every input row gets exactly one [`Outcome`]; scripts depend on the names.
//!
//! Owns the names and what each means for the exit code and for later runs. Decides nothing.

use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// The API confirmed it in this run.
    Withdrawn,
    /// An attempt's answer was lost, and a later attempt was told that nothing is pending any more.
    PresumedWithdrawn,
    /// An earlier run settled it; nothing was sent.
    AlreadySettled,
    /// The same invitation stands in an earlier row of this input; nothing was sent.
    Duplicate,
    /// The API says that it was accepted, declined, withdrawn, or is no longer pending.
    NotPending,
    /// The API knows no such invitation for this account.
    NotFound,
    /// An attempt's answer was lost, and nothing later proves what happened.
    Unconfirmed,
    /// The API refused this row for another reason.
    Rejected,
    /// Still rate limited when the run gave up.
    RateLimited,
    /// Network or server errors until the retries were used up; nothing can have happened.
    Failed,
    /// The row holds no usable ID; never sent.
    Invalid,
    /// The run stopped before any call for this row.
    NotAttempted,
}

/// What an outcome says about the run's exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing is left to do about it.
    Fine,
    /// The run ends with code 1, if nothing worse.
    NotFine,
    /// The reason for the stop decides.
    AsTheStop,
}

impl Outcome {
    /// In the order of summaries and help.
    pub(crate) const ALL: [Self; 12] = [
        Self::Withdrawn,
        Self::PresumedWithdrawn,
        Self::AlreadySettled,
        Self::Duplicate,
        Self::NotPending,
        Self::NotFound,
        Self::Unconfirmed,
        Self::Rejected,
        Self::RateLimited,
        Self::Failed,
        Self::Invalid,
        Self::NotAttempted,
    ];

    /// Its name in reports and summaries.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Withdrawn => "withdrawn",
            Self::PresumedWithdrawn => "presumed_withdrawn",
            Self::AlreadySettled => "already_settled",
            Self::Duplicate => "duplicate",
            Self::NotPending => "not_pending",
            Self::NotFound => "not_found",
            Self::Unconfirmed => "unconfirmed",
            Self::Rejected => "rejected",
            Self::RateLimited => "rate_limited",
            Self::Failed => "failed",
            Self::Invalid => "invalid",
            Self::NotAttempted => "not_attempted",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == name)
    }

    /// What it says about the exit code.
    pub(crate) const fn standing(self) -> Standing {
        match self {
            Self::Withdrawn | Self::PresumedWithdrawn | Self::AlreadySettled | Self::Duplicate | Self::NotPending => {
                Standing::Fine
            }
            Self::NotFound | Self::Unconfirmed | Self::Rejected | Self::RateLimited | Self::Failed | Self::Invalid => {
                Standing::NotFine
            }
            Self::NotAttempted => Standing::AsTheStop,
        }
    }

    /// Whether it settles the invitation for good, so that later runs skip it.
    pub(crate) const fn is_final(self) -> bool {
        match self {
            Self::Withdrawn | Self::PresumedWithdrawn | Self::AlreadySettled | Self::NotPending => true,
            Self::Duplicate
            | Self::NotFound
            | Self::Unconfirmed
            | Self::Rejected
            | Self::RateLimited
            | Self::Failed
            | Self::Invalid
            | Self::NotAttempted => false,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
