//! The sinks: what is told of a run, and to whom.
//!
//! Owns the results report, the totals, the summary and everything that is shown while a run works. Changes nothing of
//! what happened, and knows nothing of how it came about.

mod csv;
mod file;
mod format;
mod json;
mod list;
mod progress;
mod results;
mod sinks;
mod summary;
mod table;

pub(crate) use file::{Destination, ReportFile};
pub(crate) use format::{Cell, Format, TableFormat, encode};
pub(crate) use list::ListSink;
pub(crate) use progress::{Progress, ProgressStyle, Screen};
pub(crate) use results::{Columns, Report};
pub(crate) use sinks::Sinks;
pub(crate) use summary::{
    Counts, ListSum, RunFacts, Summary, Totals, human_duration, list as list_json, plural, table, timestamp,
};
