//! A run, a list or the ledger's history as one page for people: `--html`.
//!
//! Owns what is kept of the events for the page, in memory that does not grow with the run, and how the page looks. The page
//! loads nothing and runs nothing; what comes from outside is text, and only profiles on LinkedIn are links.

mod ages;
mod backlog;
mod calls;
mod chart;
mod cost;
mod first;
mod frame;
mod history;
mod latencies;
mod observed;
mod outcomes;
mod page;
mod people;
mod person;
#[cfg(test)]
mod tests;
mod timeline;
mod verdict;

pub(crate) use backlog::Backlog;
pub(crate) use history::history_page;
pub(crate) use observed::Observed;
pub(crate) use page::{PageFacts, page, short_page};
pub(crate) use person::PersonColumns;
