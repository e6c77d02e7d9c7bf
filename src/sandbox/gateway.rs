//! What a call passes before it reaches the account: API key, rate limit, random faults, login.
//!
//! Owns all random draws, so that one seed repeats them. Reads no clock: instants come in as values.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use super::limit::CallCount;
use super::wire::{Caller, Version};
use super::{Faults, Reply, SandboxOptions};

pub(super) struct Gateway {
    count: Option<CallCount>,
    random: fastrand::Rng,
    pub(super) faults: Faults,
    latency: RangeInclusive<Duration>,
    api_key: Option<String>,
    login_token: Option<String>,
    account_id: Option<String>,
}

impl Gateway {
    pub(super) fn new(options: &SandboxOptions) -> Self {
        Self {
            count: options.limit.map(CallCount::new),
            random: options.seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed),
            faults: options.faults,
            latency: options.latency.clone(),
            api_key: options.api_key.clone(),
            login_token: options.login_token.clone(),
            account_id: options.account_id.clone(),
        }
    }

    /// Checks the API key first, then the rate limit.
    pub(super) fn admit(&mut self, api_key: Option<&[u8]>, now: Instant) -> Result<(), Reply> {
        let key = api_key.filter(|key| !key.is_empty()).ok_or(Reply::MissingApiKey)?;
        if self.api_key.as_ref().is_some_and(|accepted| accepted.as_bytes() != key) {
            return Err(Reply::InvalidApiKey);
        }
        let admitted = self.count.as_mut().is_none_or(|count| count.admit(now));
        if admitted { Ok(()) } else { Err(Reply::RateLimited) }
    }

    /// The fault of an admitted call, if it has one.
    pub(super) fn draw_fault(&mut self) -> Option<Reply> {
        self.faults.draw(self.random.f64())
    }

    /// Whether a call whose answer is lost was carried out first, as half of them are.
    pub(super) fn draw_carried_out(&mut self) -> bool {
        self.random.bool()
    }

    pub(super) fn draw_latency(&mut self) -> Duration {
        let (min, max) = (*self.latency.start(), *self.latency.end());
        min + max.saturating_sub(min).mul_f64(self.random.f64())
    }

    /// The one account that is known by its ID; `None` if any ID is accepted.
    pub(super) fn account_id(&self) -> Option<&str> {
        self.account_id.as_deref()
    }

    /// Why the caller may not use the account.
    pub(super) fn refuse_login(&self, caller: &Caller<'_>) -> Option<Reply> {
        let (accepted, missing, refused) = match caller.version {
            Version::V1 => (&self.login_token, Reply::MissingLoginToken, Reply::InvalidCookie),
            Version::V2 => (&self.account_id, Reply::MissingAccountId, Reply::InvalidAccount),
        };
        let Some(login) = &caller.login else { return Some(missing) };
        accepted.as_ref().is_some_and(|accepted| accepted != login).then_some(refused)
    }
}
