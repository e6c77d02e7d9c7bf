//! The pace: when a call may be sent.
//!
//! Owns the one limiter, the one shared hold after a refusal, and the user's limits: budgets, gaps and hours. Does not know what a call is for, and never decides
//! whether it is repeated.

mod budget;
mod gap;
mod hours;
mod limiter;
mod rate;

pub(crate) use budget::{Budget, DailyCap, Reserve};
pub(crate) use gap::Gap;
pub(crate) use hours::Hours;
pub(crate) use limiter::{Pace, Permit, Refused};
pub(crate) use rate::Rate;
