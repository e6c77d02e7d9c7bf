//! The sinks: what is told of a run, and to whom.
//!
//! Owns the results report, the totals, the summary and everything that is shown while a run works. Changes nothing of
//! what happened, and knows nothing of how it came about.

mod columns;
mod csv;
mod file;
mod jsonl;
mod list_progress;
mod progress;
mod screen;
mod sinks;
mod summary;
mod table;
mod totals;

pub use self::csv::harmless;
pub use columns::Columns;
pub use file::{Destination, Names, ReportFile};
pub use list_progress::ListProgress;
pub use progress::{Progress, ProgressStyle};
pub use screen::Screen;
pub use sinks::{Format, Pulse, Report, Sinks};
pub use summary::{RunFacts, Summary, list as list_json};
pub use table::{human_duration, table};
pub use totals::{Counts, ListSum, Sum, Totals};

/// A moment as reports and summaries show it: RFC 3339, UTC, milliseconds.
#[must_use]
pub fn timestamp(moment: jiff::Timestamp) -> String {
    format!("{moment:.3}")
}
