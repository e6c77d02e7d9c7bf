//! How the sandbox behaves: values only, checked where they are parsed.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::{Faults, ListFaults, StockItem};

/// So many calls in any stretch of time of this length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    pub calls: u32,
    /// The length of the sliding window.
    pub window: Duration,
}

impl Limit {
    /// V1's limit, 300 requests a minute (introduction, Rate limits). There it is per API key; a sandbox stands
    /// for one key, so whatever keys it is called with share one window. So do both versions.
    pub const DOCUMENTED: Self = Self { calls: 300, window: Duration::from_secs(60) };
}

/// How a sandbox behaves. The default is the documented API on a good day.
#[derive(Clone)]
pub struct SandboxOptions {
    /// The rate limit; `None` for no limit.
    pub limit: Option<Limit>,
    /// How long an answer takes, drawn for each call.
    pub latency: RangeInclusive<Duration>,
    /// What goes wrong at random.
    pub faults: Faults,
    /// Makes the draws repeatable, in the order in which calls arrive.
    pub seed: Option<u64>,
    /// What goes wrong on purpose in every list.
    pub list_faults: ListFaults,
    /// How many sent invitations are pending at first, made up by [`stock`](super::stock()). Invitations that are not
    /// among them can be withdrawn all the same.
    pub pending: u32,
    /// The pending invitations themselves, newest first, instead of made-up ones.
    pub stock: Option<Vec<StockItem>>,
    /// The balance; a withdrawal takes one, and so does a page of a list. `None` is endless.
    pub credits: Option<u64>,
    /// The only key accepted; `None` accepts any that is not empty.
    pub api_key: Option<String>,
    /// The only login token accepted (V1); `None` accepts any that is not empty.
    pub login_token: Option<String>,
    /// The only account ID accepted (V2); `None` accepts any that is not empty.
    pub account_id: Option<String>,
    /// Whether [`Record::invitations`](super::Record::invitations) is kept. Off, a million IDs cost a few dozen
    /// bytes each.
    pub record_invitations: bool,
}

impl SandboxOptions {
    /// Pending invitations where nothing else is said: a few pages.
    pub const PENDING: u32 = 40;
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self {
            limit: Some(Limit::DOCUMENTED),
            latency: Duration::from_millis(20)..=Duration::from_millis(80),
            faults: Faults::default(),
            seed: None,
            list_faults: ListFaults::default(),
            pending: Self::PENDING,
            stock: None,
            credits: None,
            api_key: None,
            login_token: None,
            account_id: None,
            record_invitations: true,
        }
    }
}
