//! Every default of an option, once: the help, the settings and the tests take them from here (`contract.md`, Options).

/// `--base-url` (`linkup-api.md`, V1).
pub const BASE_URL: &str = "https://api.linkupapi.com";
/// `--rate`: the API allows 300 calls a minute for each key; the margin is for its clock and ours.
pub const RATE: &str = "290/min";
/// `--concurrency`: workers, and so the most calls in flight.
pub const CONCURRENCY: usize = 16;
/// `--retries` of a row; rate-limit answers use up none.
pub const RETRIES: u32 = 5;
/// `--retry-base`
pub const RETRY_BASE: &str = "1s";
/// `--retry-max`
pub const RETRY_MAX: &str = "60s";
/// `--patience`: the longest time without one accepted call.
pub const PATIENCE: &str = "15m";
/// `--timeout` of one call.
pub const TIMEOUT: &str = "60s";
/// `--max-errors`: rows in a row that end neither fine nor invalid.
pub const MAX_ERRORS: u32 = 20;
