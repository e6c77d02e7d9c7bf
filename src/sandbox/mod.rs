//! The simulated LinkUp API: what is rehearsed and tested against, since a withdrawal can't be undone.
//!
//! Owns the documented answers, the unkindness of a real service (limits, faults, lost answers), and an exact
//! record of what it did that tests compare with the client's report. Never used by the real path, and shares no
//! code with the client: a mistake made in both places would hide itself.
//!
//! A call goes `http` (bytes) → `v1` or `v2` (what is asked, a `call`) → `simulation` (what happens, a value), which
//! asks the `gate` and then the `account` → `v1` or `v2` (words, a `wire`) → `http`, and is counted in `record` once
//! more when its answer has left. Pending invitations come from the `stock` and are paged by `list`.

mod account;
mod call;
mod endings;
mod faults;
mod gate;
mod http;
mod list;
mod list_faults;
mod options;
mod record;
mod reply;
mod sent_time;
mod server;
mod simulation;
mod stock;
#[cfg(test)]
mod tests;
mod v1;
mod v2;
mod window;
mod wire;

pub use endings::{ENDINGS, Ending, help_table};
pub use faults::{Faults, FaultsError};
pub use list_faults::{ListFaults, UnknownListFault};
pub use options::{Limit, SandboxOptions};
pub use record::{Answer, InvitationRecord, Record};
pub use reply::Reply;
pub use sent_time::SentTime;
pub use server::Sandbox;
pub use stock::{InvitationType, StockItem, stock};
