//! The outcomes, explained.

use maud::{Markup, html};

use super::frame::section;
use crate::outcome::Outcome;
use crate::report::Counts;

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
                    td { (outcome.meaning()) ". " (next_of(outcome)) }
                } } }
            }
        },
    )
}
