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

pub use attempts::{Attempts, Limits};
pub use feed::{Admitted, Entrance, Feed, Roster};
pub use gate::Gate;
pub use lister::{ListTally, Lister};
pub use pool::{Pool, run};
pub use signals::stop_on_signals;
pub use thread::on_a_thread;
