//! What can become of a row. Every input row gets exactly one [`Outcome`]; scripts depend on their names.
//!
//! Owns the names and what each outcome means for the exit code and for later runs. Decides nothing.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// The API confirmed it in this run.
    Withdrawn,
    /// An answer was lost, and a later one said that the invitation is no longer pending.
    PresumedWithdrawn,
    /// An earlier run settled it; nothing was sent.
    AlreadySettled,
    /// An earlier row of this input has the same invitation; nothing was sent.
    Duplicate,
    /// The API says that the invitation was accepted, declined, withdrawn, or is no longer pending.
    NotPending,
    /// The API knows no such invitation for this account.
    NotFound,
    /// An answer was lost, and no later one proves what happened.
    Unconfirmed,
    /// The API refused this row for another reason.
    Rejected,
    /// Still rate limited when the run gave up.
    RateLimited,
    /// Network or server errors until the retries were used up; the invitation is surely not withdrawn.
    Failed,
    /// The row has no usable ID; nothing was sent.
    Invalid,
    /// The run stopped before any call for this row.
    NotAttempted,
}

/// What an outcome means for the run's exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitEffect {
    Fine,
    /// The exit code is 1, unless a stop sets another.
    NotFine,
    /// The stop sets the exit code.
    FromStop,
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

    /// The name in reports and summaries.
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

    /// What it means, for people.
    pub(crate) const fn meaning(self) -> &'static str {
        match self {
            Self::Withdrawn => "The API confirmed the withdrawal in this run",
            Self::PresumedWithdrawn => "An answer was lost, and later nothing was pending any more",
            Self::AlreadySettled => "An earlier run settled it; nothing was sent or paid",
            Self::Duplicate => "An earlier row has the same invitation; nothing was sent",
            Self::NotPending => "It was accepted, declined or withdrawn before",
            Self::NotFound => "The account has no such invitation, by ID or by profile",
            Self::Unconfirmed => "An answer was lost or unclear; it may be withdrawn",
            Self::Rejected => "The API refused it for another reason, which is the detail",
            Self::RateLimited => "Still rate limited when the run gave up",
            Self::Failed => "Network or server errors, or no whole list; not withdrawn",
            Self::Invalid => "The row has no usable ID or profile URL; nothing was sent",
            Self::NotAttempted => "The run stopped before it, or it is on the --keep list",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == name)
    }

    pub(crate) const fn exit_effect(self) -> ExitEffect {
        match self {
            Self::Withdrawn | Self::PresumedWithdrawn | Self::AlreadySettled | Self::Duplicate | Self::NotPending => {
                ExitEffect::Fine
            }
            Self::NotFound | Self::Unconfirmed | Self::Rejected | Self::RateLimited | Self::Failed | Self::Invalid => {
                ExitEffect::NotFine
            }
            Self::NotAttempted => ExitEffect::FromStop,
        }
    }

    /// The first day (UTC) on which the person can be invited again (`docs/linkup-api.md`, LinkedIn).
    pub(crate) fn reinvite_on(self, settled_at: Timestamp) -> Option<Date> {
        match self {
            Self::Withdrawn | Self::PresumedWithdrawn => {
                settled_at.to_zoned(TimeZone::UTC).date().checked_add(21.days()).ok()
            }
            Self::AlreadySettled
            | Self::Duplicate
            | Self::NotPending
            | Self::NotFound
            | Self::Unconfirmed
            | Self::Rejected
            | Self::RateLimited
            | Self::Failed
            | Self::Invalid
            | Self::NotAttempted => None,
        }
    }

    /// Whether later runs skip the invitation.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_a_person_can_be_invited_again() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let days = |outcome: Outcome, text| outcome.reinvite_on(at(text)).map(|day| day.to_string());
        for outcome in Outcome::ALL {
            let is_withdrawn = matches!(outcome, Outcome::Withdrawn | Outcome::PresumedWithdrawn);
            let expected = is_withdrawn.then(|| "2027-01-19".to_owned());
            assert_eq!(days(outcome, "2026-12-29T23:59:59.999Z"), expected, "{outcome}");
        }
        // The day of UTC, whatever the offset.
        assert_eq!(days(Outcome::Withdrawn, "2026-12-29T23:30:00-01:00").as_deref(), Some("2027-01-20"));
        assert_eq!(Outcome::Withdrawn.reinvite_on(Timestamp::MAX), None);
    }
}
