//! The rate limit: so many calls in any stretch of time of one length.
//!
//! Pure: instants come in as values and no clock is read.

use std::collections::VecDeque;
use std::time::Instant;

use super::options::Limit;

/// A sliding window over the calls that were let through.
pub(super) struct Window {
    limit: Limit,
    admitted: VecDeque<Instant>,
}

impl Window {
    pub(super) fn new(limit: Limit) -> Self {
        Self { limit, admitted: VecDeque::new() }
    }

    /// Whether a call at `now` is let through. One that is refused takes no place in the window, so a client that
    /// keeps knocking is let in as early as one that waits.
    pub(super) fn admit(&mut self, now: Instant) -> bool {
        while self.admitted.front().is_some_and(|&oldest| now.duration_since(oldest) >= self.limit.window) {
            self.admitted.pop_front();
        }
        let room = self.admitted.len() < self.limit.calls as usize;
        if room {
            self.admitted.push_back(now);
        }
        room
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn any_window_holds_no_more_than_the_limit() {
        let mut window = Window::new(Limit { calls: 2, window: Duration::from_millis(100) });
        let start = Instant::now();
        let calls = [
            (0, true),
            (60, true),
            (99, false),
            // The call at 0 has just left the window; the refused one at 99 never was in it.
            (100, true),
            // A fixed window would have begun anew at 100 and let this one through.
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
    fn a_limit_of_nothing_lets_nothing_through() {
        let mut window = Window::new(Limit { calls: 0, window: Duration::from_secs(1) });
        assert!(!window.admit(Instant::now()));
    }
}
