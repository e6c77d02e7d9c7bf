//! The simulated LinkUp API, to rehearse and test against, since a withdrawal can't be undone.
//!
//! Owns the documented answers, the failures of a real service (rate limits, faults, lost answers), and an exact record
//! of what it did, which tests compare with the client's report. Never used for real calls, and shares no code with the
//! client: a mistake made in both would go unnoticed.
//!
//! `server` reads a request, `v1` or `v2` parses it into a call (`wire`), `simulation` decides it with `gateway`, `limit`
//! and `account`, and `v1` or `v2` turns the result into an answer (`wire`) that `server` sends. `record` counts each call
//! once it is decided, and how it ended. The pending invitations come from `stock`.

mod account;
mod endings;
mod gateway;
mod limit;
mod options;
mod record;
mod reply;
mod server;
mod simulation;
mod stock;
#[cfg(test)]
mod tests;
mod v1;
mod v2;
mod wire;

pub use endings::{ENDINGS, Ending, help_table};
#[cfg(test)]
pub(crate) use limit::CallCount;
pub use limit::{Limit, LimitError, LimitKind};
pub use options::{Faults, FaultsError, ListFaults, SandboxOptions, UnknownListFault};
pub use record::{CallRecord, InvitationRecord, Record};
pub use reply::Reply;
pub use server::Sandbox;
pub use stock::{InvitationKind, SentTime, StockItem, stock};
