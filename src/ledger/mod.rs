//! The ledger: what became of every invitation, kept so that no call is paid for twice.
//!
//! Owns the file, its schema and its lock, and the only SQL of the program. It keeps and answers; what to do about
//! an answer is for [`crate::policy`] and [`crate::runner`] to say. It never sees a token or a key.

mod account;
mod admission;
mod columns;
mod connection;
mod error;
mod forget;
mod handle;
mod history;
mod identity;
mod lock;
mod network;
mod place;
mod record;
mod schema;
mod temporary;
#[cfg(test)]
mod testing;
mod writer;

pub use admission::{Admission, Standing};
pub use connection::belongs_to_a_ledger;
pub use error::LedgerError;
pub use forget::{Forget, forget};
pub use handle::{Keeping, Ledger};
pub use history::{DayLine, Entry, History, Known};
pub use lock::Holder;
pub use place::files_of;
pub use record::{Key, RunInfo, Settlement};
