//! The sinks of a run's events, and the formats in which they write.
//!
//! Owns the results report, the list's output, the totals, the summary and the progress display. Never changes what
//! happened.

mod causes;
mod csv;
mod differences;
mod events;
mod file;
mod format;
mod groups;
mod html;
mod json;
mod last_lines;
mod list;
mod live;
mod log;
mod metrics;
mod next;
mod paper;
mod progress;
mod recent;
mod results;
mod screen;
mod sinks;
mod summary;
mod table;

pub(crate) use differences::DifferenceReport;
pub(crate) use events::EventLog;
pub(crate) use file::{Destination, ReportFile};
pub(crate) use format::{Cell, Format, TableFormat, encode};
pub(crate) use html::{Backlog, Observed, PageFacts, PersonColumns, history_page, page, short_page};
pub(crate) use last_lines::last_lines;
pub(crate) use list::ListSink;
pub(crate) use live::{Look, rounded};
pub(crate) use log::LogLines;
#[cfg(any(test, fuzzing))]
pub(crate) use log::json_line;
pub(crate) use metrics::{MetricsJob, is_metrics, metrics};
pub(crate) use paper::Paper;
pub(crate) use progress::{Progress, ProgressStyle};
pub(crate) use results::{Columns, Report};
pub(crate) use screen::Screen;
#[cfg(any(test, fuzzing))]
pub(crate) use screen::harmless;
pub(crate) use sinks::{Heard, Sinks, why_unwritten};
pub(crate) use summary::{
    Counts, ListSum, RunFacts, Summary, Totals, human_duration, list as list_json, plural, table, timestamp,
};
pub(crate) use table::{Column, Table};
