//! What stands before the account: the key, the limit, and what goes wrong at random.
//!
//! Owns the draws, so that one seeded source serves the whole sandbox. Reads no clock.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use super::call::{Api, Caller};
use super::faults::Fault;
use super::window::Window;
use super::{Faults, Reply, SandboxOptions};

pub(super) struct Gate {
    window: Option<Window>,
    random: fastrand::Rng,
    pub(super) faults: Faults,
    latency: RangeInclusive<Duration>,
    api_key: Option<String>,
    login_token: Option<String>,
    account_id: Option<String>,
}

impl Gate {
    pub(super) fn new(options: &SandboxOptions) -> Self {
        Self {
            window: options.limit.map(Window::new),
            random: options.seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed),
            faults: options.faults,
            latency: options.latency.clone(),
            api_key: options.api_key.clone(),
            login_token: options.login_token.clone(),
            account_id: options.account_id.clone(),
        }
    }

    /// Lets the call through, or not: the key first, then the limit.
    pub(super) fn admit(&mut self, api_key: Option<&[u8]>, now: Instant) -> Result<(), Reply> {
        let key = api_key.filter(|key| !key.is_empty()).ok_or(Reply::MissingApiKey)?;
        if self.api_key.as_ref().is_some_and(|accepted| accepted.as_bytes() != key) {
            return Err(Reply::InvalidApiKey);
        }
        let admitted = self.window.as_mut().is_none_or(|window| window.admit(now));
        if admitted { Ok(()) } else { Err(Reply::RateLimited) }
    }

    /// What goes wrong with the call that was let through.
    pub(super) fn draw_fault(&mut self) -> Option<Fault> {
        self.faults.draw(self.random.f64())
    }

    /// Whether a call whose answer is lost came so far that something was done, as half of them do.
    pub(super) fn draw_reached(&mut self) -> bool {
        self.random.bool()
    }

    pub(super) fn draw_latency(&mut self) -> Duration {
        let (min, max) = (*self.latency.start(), *self.latency.end());
        min + max.saturating_sub(min).mul_f64(self.random.f64())
    }

    /// Why the caller may not use the account.
    pub(super) fn refuse_login(&self, caller: &Caller<'_>) -> Option<Reply> {
        let (accepted, missing, refused) = match caller.api {
            Api::V1 => (&self.login_token, Reply::MissingLoginToken, Reply::InvalidCookie),
            Api::V2 => (&self.account_id, Reply::MissingAccountId, Reply::InvalidAccount),
        };
        let Some(login) = caller.login.as_deref() else { return Some(missing) };
        accepted.as_ref().is_some_and(|accepted| accepted != login).then_some(refused)
    }
}
