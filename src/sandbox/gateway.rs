//! What a call passes before it reaches the account: API key, rate limit, random faults, login.
//!
//! Owns all random draws, so that one seed repeats them. Reads no clock: instants come in as values.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use super::wire::{Caller, Version};
use super::{Faults, Limit, Reply, SandboxOptions};

pub(super) struct Gateway {
    window: Option<SlidingWindow>,
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
            window: options.limit.map(SlidingWindow::new),
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
        let admitted = self.window.as_mut().is_none_or(|window| window.admit(now));
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

/// The admitted calls of the last [`Limit::window`].
struct SlidingWindow {
    limit: Limit,
    admitted: VecDeque<Instant>,
}

impl SlidingWindow {
    fn new(limit: Limit) -> Self {
        Self { limit, admitted: VecDeque::new() }
    }

    /// A refused call does not count: a client that retries at once is admitted as early as one that waits.
    fn admit(&mut self, now: Instant) -> bool {
        while self.admitted.front().is_some_and(|&oldest| now.duration_since(oldest) >= self.limit.window) {
            self.admitted.pop_front();
        }
        let is_free = self.admitted.len() < self.limit.calls as usize;
        if is_free {
            self.admitted.push_back(now);
        }
        is_free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_window_holds_no_more_than_the_limit() {
        let mut window = SlidingWindow::new(Limit { calls: 2, window: Duration::from_millis(100) });
        let start = Instant::now();
        let calls = [
            (0, true),
            (60, true),
            (99, false),
            // The call at 0 has just left the window; the refused one at 99 was never in it.
            (100, true),
            // A fixed window would have started again at 100 and admitted this one.
            (101, false),
            (159, false),
            (160, true),
            (199, false),
            (1000, true),
            (1000, true),
            (1000, false),
        ];
        for (at, admitted) in calls {
            assert_eq!(window.admit(start + Duration::from_millis(at)), admitted, "call at {at} ms");
        }
    }

    #[test]
    fn a_limit_of_zero_admits_nothing() {
        let mut window = SlidingWindow::new(Limit { calls: 0, window: Duration::from_secs(1) });
        assert!(!window.admit(Instant::now()));
    }
}
