//! The simulated LinkUp API: what is rehearsed and tested against, since a withdrawal can't be undone.
//!
//! Owns the documented answers, the unkindness of a real service (limits, faults, lost answers), and an exact
//! record of what it did that tests compare with the client's report. Never used by the real path, and shares no
//! code with the client: a mistake made in both places would hide itself.
//!
//! A call goes `http` (bytes) → `simulation` (what happens, a value) → `reply` (words) → `http`, and is counted in
//! `record` once more when its answer has left.

mod endings;
mod faults;
mod http;
mod options;
mod record;
mod reply;
mod server;
mod simulation;
mod window;

pub use endings::{ENDINGS, Ending, help_table};
pub use faults::{Faults, FaultsError};
pub use options::{Limit, SandboxOptions};
pub use record::{Answer, InvitationRecord, Record};
pub use reply::Reply;
pub use server::Sandbox;
