//! What goes on at this moment: calls in flight, and waits before calls. Whoever shows or says how far a run is looks here.
//!
//! Owns no decision: nothing in a run depends on it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// Why an account sends nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    Gap,
    Hours,
    /// The option of a limit that leaves room again within minutes.
    Limit(&'static str),
}

/// Shared by all clones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Underway(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    calls: usize,
    last_sent: Option<Instant>,
    /// The longest time for one call.
    timeout: Duration,
    waits: Vec<(Wait, Timestamp)>,
    /// Where the report's lines are until it is finished.
    results: Option<PathBuf>,
}

/// It goes on until this is dropped.
#[derive(Debug)]
pub(crate) struct Going<'a>(&'a Underway, Option<(Wait, Timestamp)>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) calls: usize,
    /// When the last of these calls has ended at the latest.
    pub(crate) longest: Duration,
    /// The wait that ends first, where no call is in flight.
    pub(crate) wait: Option<(Wait, Timestamp)>,
    pub(crate) results: Option<PathBuf>,
}

impl Underway {
    pub(crate) fn set_timeout(&self, timeout: Duration) {
        self.state().timeout = timeout;
    }

    pub(crate) fn set_results(&self, path: PathBuf) {
        self.state().results = Some(path);
    }

    /// A call is sent now.
    pub(crate) fn call(&self) -> Going<'_> {
        let mut state = self.state();
        state.calls += 1;
        state.last_sent = Some(Instant::now());
        Going(self, None)
    }

    /// Somebody waits until this moment.
    pub(crate) fn wait(&self, wait: Wait, until: Timestamp) -> Going<'_> {
        self.state().waits.push((wait, until));
        Going(self, Some((wait, until)))
    }

    pub(crate) fn look(&self) -> Seen {
        let state = self.state();
        let since = state.last_sent.map_or(Duration::MAX, |sent| sent.elapsed());
        let longest = if state.calls == 0 { Duration::ZERO } else { state.timeout.saturating_sub(since) };
        let wait = state.waits.iter().filter(|_| state.calls == 0).min_by_key(|(_, until)| *until).copied();
        Seen { calls: state.calls, longest, wait, results: state.results.clone() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Going<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        match self.1 {
            None => state.calls -= 1,
            Some(wait) => {
                if let Some(at) = state.waits.iter().position(|other| *other == wait) {
                    state.waits.swap_remove(at);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_seen_only_while_no_call_is_in_flight() {
        let underway = Underway::default();
        underway.set_timeout(Duration::from_secs(60));
        let [early, late] = [10, 20].map(|second| Timestamp::from_second(second).unwrap());
        let waits = [underway.wait(Wait::Gap, late), underway.wait(Wait::Hours, early)];
        assert_eq!(underway.look().wait, Some((Wait::Hours, early)));
        let call = underway.call();
        let seen = underway.look();
        assert_eq!((seen.calls, seen.wait), (1, None));
        assert!(seen.longest <= Duration::from_secs(60) && seen.longest > Duration::from_secs(30));
        drop(call);
        let [gap, hours] = waits;
        drop(hours);
        assert_eq!(underway.look().wait, Some((Wait::Gap, late)));
        drop(gap);
        assert_eq!(underway.look(), Seen::default());
    }
}
