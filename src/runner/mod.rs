//! The run: triage of rows, one paid call, a row's and a page's attempts, the bounded pool, what bounds each account, and
//! the signals.
//!
//! Owns the only place that spends credits ([`Caller`]) and the only one that spawns workers. Prints nothing, knows no
//! format, and asks [`crate::policy`] what an answer means and what to do about it.

mod admit;
mod ask;
mod bounds;
mod call;
mod clock;
mod feed;
mod lists;
mod look;
mod pacing;
mod pages;
mod pool;
mod reserve;
mod row;
mod signals;
#[cfg(test)]
mod tests;
mod thread;
mod triage;
mod turns;

pub(crate) use bounds::{AccountLimits, Bounds, RunLimits, SOON};
pub(crate) use call::{Caller, Judged};
pub(crate) use clock::Clock;
pub(crate) use feed::Rows;
pub(crate) use lists::{ListRequests, Lists, lists};
pub(crate) use look::NoLook;
pub(crate) use pacing::clock_words;
pub(crate) use pages::NoPage;
pub(crate) use pool::{Pool, run};
pub(crate) use row::Limits;
pub(crate) use signals::{stop_on_signals, survive_size_limit};
pub(crate) use thread::on_a_thread;
pub(crate) use triage::{ReadyRow, Route, SHORT_ID_ADVICE, Triage};
