//! The sinks of a run's events, and the formats in which they write.
//!
//! Owns the results report, the list's output, the totals, the summary and the progress display. Never changes what
//! happened.

mod csv;
mod differences;
mod events;
mod file;
mod format;
mod groups;
mod html;
mod json;
mod list;
mod log;
mod metrics;
mod progress;
mod results;
mod sinks;
mod summary;
mod table;

pub(crate) use differences::DifferenceReport;
pub(crate) use events::EventLog;
pub(crate) use file::{Destination, ReportFile};
pub(crate) use format::{Cell, Format, TableFormat, encode};
pub(crate) use html::{Backlog, Observed, PageFacts, PersonColumns, history_page, page, short_page};
pub(crate) use list::ListSink;
pub(crate) use log::LogLines;
pub(crate) use metrics::{MetricsJob, metrics};
pub(crate) use progress::{Progress, ProgressStyle, Screen};
pub(crate) use results::{Columns, Report};
pub(crate) use sinks::{Heard, Sinks};
pub(crate) use summary::{
    Counts, ListSum, RunFacts, Summary, Totals, human_duration, list as list_json, plural, table, timestamp,
};
