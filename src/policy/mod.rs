//! What an answer means, and what to do about it: pure functions over values, tested as tables.
//!
//! Owns every rule about judging, retrying, backing off and credits; no other place knows which errors are retried.
//! Never looks at a clock, draws a random number or does I/O: time and jitter come in as values.

mod age;
mod backoff;
mod clause;
mod credits;
mod decide;
mod judge;
mod judge_v1;
mod judge_v2;
mod pace_hint;
mod verdict;
mod words;

pub(crate) use age::{certain_days, is_younger_by_id, sent_at};
pub(crate) use backoff::{Backoff, hold, retry_delay};
pub(crate) use credits::Cost;
pub(crate) use decide::{Decision, History, decide, given_up};
pub(crate) use judge::{cost, judge, page_cost};
pub(crate) use judge_v2::balance;
pub(crate) use pace_hint::pace_hint;
pub(crate) use verdict::{Meaning, Verdict, cut, visible};
