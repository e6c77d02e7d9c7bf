//! The time of day, for limits that hang on it.

use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp, Zoned};
use tokio::time::Instant;

/// The time of day, in local time; tests set their own.
#[derive(Clone)]
pub(crate) struct Clock {
    now: Arc<dyn Fn() -> Zoned + Send + Sync>,
    began: (Timestamp, Instant),
}

impl Clock {
    pub(crate) fn system() -> Self {
        Self::new(Zoned::now)
    }

    pub(crate) fn new(now: impl Fn() -> Zoned + Send + Sync + 'static) -> Self {
        let began = (now().timestamp(), Instant::now());
        Self { now: Arc::new(now), began }
    }

    pub(super) fn now(&self) -> Zoned {
        (self.now)()
    }

    /// The time by which spans are measured: a clock that is set during a run does not change it.
    pub(super) fn steady(&self) -> Timestamp {
        let (time, instant) = self.began;
        let elapsed = SignedDuration::try_from(instant.elapsed()).unwrap_or(SignedDuration::MAX);
        time.saturating_add(elapsed).unwrap_or(Timestamp::MAX)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
