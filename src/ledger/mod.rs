//! The ledger: what became of every invitation, kept so that no call is paid for twice.
//!
//! Owns the file, its schema and its lock, and the only SQL of the program. It keeps and answers; what to do about
//! an answer is for [`crate::policy`] and [`crate::runner`] to say. It never sees a token or a key.

mod account;
mod columns;
mod connection;
mod error;
mod forget;
mod handle;
mod history;
mod lock;
mod lookup;
mod place;
mod record;
mod schema;
mod temporary;
#[cfg(test)]
mod testing;
mod writer;

pub(crate) use connection::belongs_to_a_ledger;
pub(crate) use error::LedgerError;
pub(crate) use forget::{Forget, forget};
pub(crate) use handle::{DurableWrite, Ledger};
pub(crate) use history::{DayLine, Entry, History, Known};
pub(crate) use lock::Holder;
pub(crate) use lookup::{Lookup, Standing};
pub(crate) use place::files_of;
pub(crate) use record::{Key, RunInfo, Settlement};
