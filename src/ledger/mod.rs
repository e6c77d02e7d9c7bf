//! The ledger: every call with its cost, what became of each invitation, so that no call is paid for twice, and who was on
//! the lists.
//!
//! Owns the file, its schema and its lock, and the only SQL of the program. It keeps and answers; what to do about
//! an answer is for [`crate::policy`] and [`crate::runner`] to say. It never sees a token or a key.

mod beliefs;
mod connection;
mod error;
mod handle;
mod history;
mod listed;
mod lock;
mod lookup;
mod merged;
mod pace;
mod place;
mod record;
mod schema;
mod temporary;
#[cfg(test)]
mod testing;
mod totals;
mod writer;

pub(crate) use beliefs::Beliefs;
pub(crate) use connection::belongs_to_a_ledger;
pub(crate) use error::LedgerError;
pub(crate) use handle::{DurableWrite, Ledger};
pub(crate) use history::{DayLine, Entry, Forget, History, Reinvitable, RunLine, forget};
pub(crate) use listed::{ListOf, Shown};
pub(crate) use lock::Holder;
pub(crate) use lookup::{Lookup, Standing, Withdrawn};
pub(crate) use place::files_of;
pub(crate) use record::{CallEnd, CallId, CallIntent, CallState, Key, RunInfo, Settlement};
#[cfg(test)]
pub(crate) use testing::DrivenWriter;
