//! The pace: when a call may be sent.
//!
//! Owns the one limiter and the one shared hold after a refusal. Does not know what a call is for, and never decides
//! whether it is repeated.

mod learner;
mod limiter;
mod rate;
#[cfg(test)]
mod simulation;

pub(crate) use learner::{Certainty, Learned};
pub(crate) use limiter::{Pace, Past, Permit, Refused};
pub(crate) use rate::Rate;
