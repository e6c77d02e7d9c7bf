//! The outcomes, explained.

use maud::{Markup, html};

use super::frame::section;
use crate::outcome::Outcome;
use crate::report::Counts;

/// What it means.
const fn meaning(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Withdrawn => "The API confirmed the withdrawal in this run.",
        Outcome::PresumedWithdrawn => {
            "The answer to a call was lost, and a later one said that nothing is pending any more: most likely this run's doing."
        }
        Outcome::AlreadySettled => "An earlier run settled it; nothing was sent and nothing was paid.",
        Outcome::Duplicate => "The same invitation as in an earlier row of this input; nothing was sent.",
        Outcome::NotPending => "The API says that it was accepted, declined or withdrawn before.",
        Outcome::NotFound => "The API knows no such invitation for this account.",
        Outcome::Unconfirmed => "The answer to a call was lost, and nothing later shows what happened.",
        Outcome::Rejected => "The API refused it for another reason.",
        Outcome::RateLimited => "Still rate limited when the run gave up.",
        Outcome::Failed => "Network or server errors until the retries were used up; it is not withdrawn.",
        Outcome::Invalid => "The row has no usable ID; it was not sent.",
        Outcome::NotAttempted => "Nothing was sent for it.",
    }
}

/// What becomes of it, or what to do.
pub(super) const fn next_of(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Withdrawn | Outcome::PresumedWithdrawn | Outcome::AlreadySettled | Outcome::NotPending => {
            "Later runs skip it."
        }
        Outcome::Duplicate => "Nothing to do.",
        Outcome::NotFound => "Check ID and account; the next run tries again.",
        Outcome::Unconfirmed => "The next run tries again; or look at the profile.",
        Outcome::Rejected => "Read the reason; the next run tries again.",
        Outcome::RateLimited | Outcome::Failed => "The next run tries again.",
        Outcome::Invalid => "Correct the row in the input.",
        Outcome::NotAttempted => "The next run tries it, unless it is to be kept.",
    }
}

/// Those that occur.
pub(super) fn outcomes(counts: &Counts) -> Markup {
    section(
        "outcomes",
        "The outcomes, explained",
        html! {
            table {
                thead { tr {
                    th scope="col" { "Outcome" }
                    th.number scope="col" { "Rows" }
                    th scope="col" { "What it means" }
                } }
                tbody { @for (outcome, count) in counts.iter().filter(|(_, count)| *count > 0) { tr {
                    th scope="row" { code { (outcome.as_str()) } }
                    td.number { (count) }
                    td { (meaning(outcome)) " " (next_of(outcome)) }
                } } }
            }
        },
    )
}
