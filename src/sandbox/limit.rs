//! The rate limit: how many calls the API accepts in what time, counted in one of the ways that APIs count.
//!
//! Reads no clock: instants come in as values.

use std::collections::VecDeque;
use std::str::FromStr;
use std::time::{Duration, Instant};

use jiff::SignedDuration;

/// At most `calls` calls in `window`. Parsed from `300`, `100/6s`, `100/6s,fixed`, `100/6s,bucket=10,counts-refused`;
/// without a window it is 60 s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    pub calls: u32,
    pub window: Duration,
    pub kind: LimitKind,
    /// Whether a refused call counts as well: a client that retries at once keeps itself out.
    pub counts_refused: bool,
}

/// How calls are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitKind {
    /// Those in the window before each call.
    Sliding,
    /// Those since the window began; windows follow each other from the first call on.
    Fixed,
    /// A bucket of this many calls, which leaks `calls` in each window.
    Bucket(u32),
}

impl Limit {
    /// V1's limit, 300 requests a minute (`docs/linkup-api.md`, V1). The API counts per key; a sandbox simulates one
    /// key, so all calls share the limit, whatever their key and version. How it counts is documented nowhere.
    pub const DOCUMENTED: Self = Self::sliding(300, Duration::from_secs(60));

    /// A limit in any window of this length; refused calls don't count.
    pub const fn sliding(calls: u32, window: Duration) -> Self {
        Self { calls, window, kind: LimitKind::Sliding, counts_refused: false }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a limit like 300, 100/6s, 100/6s,fixed or 100/min,bucket=10,counts-refused")]
pub struct LimitError(String);

impl FromStr for Limit {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Self, LimitError> {
        let parse = || {
            let mut parts = text.split(',').map(str::trim);
            let rate = parts.next()?;
            let (calls, window) = rate.split_once('/').unwrap_or((rate, "min"));
            let window = match window.trim() {
                "s" => Duration::from_secs(1),
                "min" => Duration::from_secs(60),
                "h" => Duration::from_secs(3_600),
                time => Duration::try_from(time.parse::<SignedDuration>().ok()?).ok()?,
            };
            let mut limit = Self::sliding(calls.trim().parse().ok()?, window);
            for part in parts {
                match part.split_once('=').unwrap_or((part, "")) {
                    ("sliding", "") => limit.kind = LimitKind::Sliding,
                    ("fixed", "") => limit.kind = LimitKind::Fixed,
                    ("bucket", size) => limit.kind = LimitKind::Bucket(size.parse().ok()?),
                    ("counts-refused", "") => limit.counts_refused = true,
                    _ => return None,
                }
            }
            (!window.is_zero()).then_some(limit)
        };
        parse().ok_or_else(|| LimitError(text.to_owned()))
    }
}

/// The count of one key's calls.
#[derive(Debug)]
pub(crate) struct CallCount {
    limit: Limit,
    /// When the counted calls came, oldest first.
    counted: VecDeque<Instant>,
    /// How full the bucket was after the last of them.
    level: f64,
    window_began: Option<Instant>,
}

impl CallCount {
    pub(crate) fn new(limit: Limit) -> Self {
        Self { limit, counted: VecDeque::new(), level: 0.0, window_began: None }
    }

    /// Whether a call is accepted.
    pub(crate) fn admit(&mut self, now: Instant) -> bool {
        let Limit { calls, window, kind, counts_refused } = self.limit;
        match kind {
            LimitKind::Sliding => {
                while self.counted.front().is_some_and(|&oldest| now.duration_since(oldest) >= window) {
                    self.counted.pop_front();
                }
            }
            LimitKind::Fixed => {
                let began = *self.window_began.get_or_insert(now);
                let windows = now.duration_since(began).as_nanos() / window.as_nanos();
                if windows > 0 {
                    self.window_began = Some(began + window * u32::try_from(windows).unwrap_or(u32::MAX));
                    self.counted.clear();
                }
            }
            LimitKind::Bucket(_) => {
                if let Some(last) = self.counted.pop_front() {
                    let leaked = now.duration_since(last).as_secs_f64() / window.as_secs_f64() * f64::from(calls);
                    self.level = (self.level - leaked).max(0.0);
                }
                self.counted.push_back(now);
            }
        }
        let is_admitted = match kind {
            LimitKind::Sliding | LimitKind::Fixed => self.counted.len() < calls as usize,
            LimitKind::Bucket(size) => self.level + 1.0 <= f64::from(size),
        };
        if is_admitted || counts_refused {
            match kind {
                LimitKind::Sliding | LimitKind::Fixed => self.counted.push_back(now),
                LimitKind::Bucket(_) => self.level += 1.0,
            }
        }
        is_admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(text: &str) -> Limit {
        text.parse().unwrap()
    }

    #[test]
    fn limits_are_read() {
        let minute = Duration::from_secs(60);
        let six = Limit::sliding(100, Duration::from_secs(6));
        let cases = [
            ("300", Limit::DOCUMENTED),
            ("0", Limit::sliding(0, minute)),
            ("100/6s", six),
            (" 100 / 6s , fixed", Limit { kind: LimitKind::Fixed, ..six }),
            ("100/6s,bucket=10,counts-refused", Limit { kind: LimitKind::Bucket(10), counts_refused: true, ..six }),
            ("4/s", Limit::sliding(4, Duration::from_secs(1))),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        for wrong in ["", "x", "-1", "100/", "100/0s", "100/6", "100,round", "100,bucket", "100,fixed=1", "100/min,"] {
            assert!(wrong.parse::<Limit>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn each_kind_counts_in_its_own_way() {
        // When calls come, in milliseconds, and whether they are accepted.
        let cases: [(&str, &[(u64, bool)]); 7] = [
            // A fixed window would have begun anew at 100 and accepted the call at 101.
            (
                "2/100ms",
                &[
                    (0, true),
                    (60, true),
                    (99, false),
                    (100, true),
                    (101, false),
                    (159, false),
                    (160, true),
                    (199, false),
                ],
            ),
            ("2/100ms,counts-refused", &[(0, true), (60, true), (99, false), (100, false), (199, true), (199, false)]),
            (
                "2/100ms,fixed",
                &[(0, true), (60, true), (99, false), (100, true), (101, true), (102, false), (350, true)],
            ),
            ("2/100ms,fixed,counts-refused", &[(0, true), (60, true), (99, false), (100, true), (101, true)]),
            // One leaks in 50 ms.
            (
                "2/100ms,bucket=2",
                &[(0, true), (0, true), (49, false), (50, true), (51, false), (150, true), (150, true)],
            ),
            ("2/100ms,bucket=2,counts-refused", &[(0, true), (0, true), (0, false), (50, false), (150, true)]),
            ("0/s", &[(0, false), (5_000, false)]),
        ];
        for (text, calls) in cases {
            let mut count = CallCount::new(limit(text));
            let start = Instant::now();
            for (at, accepted) in calls {
                assert_eq!(count.admit(start + Duration::from_millis(*at)), *accepted, "{text}: call at {at} ms");
            }
        }
    }
}
