//! The sinks: what is told of a run, and to whom.
//!
//! Owns the results report, the totals, the summary and everything that is shown while a run works. Changes nothing of
//! what happened, and knows nothing of how it came about.

mod csv;
mod file;
mod format;
mod json;
mod list;
mod list_progress;
mod progress;
mod results;
mod screen;
mod sinks;
mod summary;
mod table;
mod totals;

pub(crate) use file::{Destination, ReportFile};
pub(crate) use format::{Cell, Format, TableFormat, encode};
pub(crate) use list::ListSink;
pub(crate) use list_progress::ListProgress;
pub(crate) use progress::{Progress, ProgressStyle};
pub(crate) use results::{Columns, Report};
pub(crate) use screen::Screen;
pub(crate) use sinks::Sinks;
pub(crate) use summary::{RunFacts, Summary, human_duration, list as list_json, table};
pub(crate) use totals::{Counts, ListSum, Totals};

/// A moment as reports and summaries show it: RFC 3339, UTC, milliseconds.
pub(crate) fn timestamp(moment: jiff::Timestamp) -> String {
    format!("{moment:.3}")
}
