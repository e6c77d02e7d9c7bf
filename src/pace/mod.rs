//! The pace: when a call may be sent.
//!
//! Owns the one limiter, the one shared hold after a refusal, what the API key has shown to allow, and the user's limits:
//! budgets, gaps and hours. Does not know what a call is for, and never decides whether it is repeated.

mod budget;
mod gap;
mod hours;
mod learner;
mod limiter;
mod rate;
#[cfg(test)]
mod simulation;

pub(crate) use budget::{Budget, DailyCap, Reserve};
pub(crate) use gap::Gap;
pub(crate) use hours::Hours;
pub(crate) use learner::{Certainty, Learned};
pub(crate) use limiter::{Pace, Past, Permit, Refused};
pub(crate) use rate::Rate;
