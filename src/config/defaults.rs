//! Every default of an option, once: the help, the settings and the tests take them from here (`contract.md`, Options).

use std::time::Duration;

use crate::pace::Rate;

/// `--base-url` (`linkup-api.md`, V1).
pub(crate) const BASE_URL: &str = "https://api.linkupapi.com";
/// `--rate`: the API allows 300 calls a minute for each key; the margin is for its clock and ours.
pub(crate) const RATE: Rate = Rate::per_minute(290);
/// `--concurrency`: workers, and so the most calls in flight.
pub(crate) const CONCURRENCY: usize = 16;
/// `--retries` of a row; rate-limit answers use up none.
pub(crate) const RETRIES: u32 = 5;
pub(crate) const RETRY_BASE: Duration = Duration::from_secs(1);
pub(crate) const RETRY_MAX: Duration = Duration::from_secs(60);
/// `--patience`: the longest time without one accepted call.
pub(crate) const PATIENCE: Duration = Duration::from_mins(15);
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);
/// `--max-errors`: rows in a row that end neither fine nor invalid.
pub(crate) const MAX_ERRORS: u32 = 20;
