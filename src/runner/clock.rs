//! The time of day, for limits that hang on it.

use std::fmt;
use std::sync::Arc;

use jiff::Zoned;

/// The time of day, in local time; tests set their own.
#[derive(Clone)]
pub(crate) struct Clock(Arc<dyn Fn() -> Zoned + Send + Sync>);

impl Clock {
    pub(crate) fn system() -> Self {
        Self::new(Zoned::now)
    }

    pub(crate) fn new(now: impl Fn() -> Zoned + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    pub(super) fn now(&self) -> Zoned {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
