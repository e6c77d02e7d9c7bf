//! The run: feeding rows in, the bounded pool, one row's attempts, and the stop.
//!
//! Owns the only place that spawns workers. Prints nothing, knows no format, and asks [`crate::policy`] what an answer
//! means and what to do about it.

mod attempts;
mod feed;
mod gate;
mod lister;
mod pacing;
mod pool;
mod settling;
mod signals;
mod thread;

#[cfg(test)]
mod tests;

pub(crate) use attempts::{Attempts, Limits};
pub(crate) use feed::{Feed, ReadyRow, Route, Triage};
pub(crate) use gate::Gate;
pub(crate) use lister::{ListTally, Lister};
pub(crate) use pool::{Pool, run};
pub(crate) use signals::stop_on_signals;
pub(crate) use thread::on_a_thread;
