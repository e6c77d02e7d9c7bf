//! What an answer means and what to do next: pure functions over values, tested as tables.
//!
//! Owns every rule about judging, retries, back-off and credits; no other module knows which errors are retried. Never reads
//! a clock, draws a random number or does I/O: time and jitter are parameters.

mod age;
mod backoff;
mod check;
#[cfg(test)]
mod corpus;
mod credits;
mod decide;
mod inside;
mod judge;
mod judge_v1;
mod judge_v2;
mod verify;
mod words;

pub(crate) use age::{certain_days, is_younger_by_id, sent_at};
pub(crate) use backoff::{Backoff, hold, pace_hint, retry_delay};
pub(crate) use check::{accepts_key, is_connected};
pub(crate) use credits::{Cost, balance, cost, page_cost};
pub(crate) use decide::{Decision, PriorCalls, decide, given_up};
pub(crate) use judge::{Meaning, Verdict, cut, is_obeyed, judge, visible};
#[cfg(test)]
pub(crate) use verify::Presence;
pub(crate) use verify::{Absence, Belief, Difference, Evidence, Follows, verify};
pub(crate) use words::SuccessMessages;
