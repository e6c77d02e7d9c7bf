//! How many calls in what time.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;

use crate::share::Share;

/// The pace of a run (`--rate`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rate {
    /// This many calls in each window, evenly spaced.
    Calls { calls: NonZeroU32, window: Duration },
    /// A share of such a rate: this many calls in as many windows as there are shares, evenly spaced and without a burst.
    Shared { calls: NonZeroU32, shares: NonZeroU32, window: Duration },
    /// No limit; only for loopback addresses.
    Unlimited,
}

/// The windows that have a name.
const NAMED: [(&str, Duration); 3] =
    [("s", Duration::from_secs(1)), ("min", Duration::from_secs(60)), ("h", Duration::from_secs(3_600))];

/// The most calls in one window: each is remembered for so long.
const MOST: u32 = 1_000_000;
const LONGEST: Duration = Duration::from_secs(86_400);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a valid rate: write it like 290/min or 290/6s (or unlimited, for a loopback address)")]
pub(crate) struct RateError(String);

impl Rate {
    /// Whole calls in `window`, or one in a longer one.
    pub(crate) fn of(calls: f64, window: Duration) -> Self {
        match NonZeroU32::new(calls as u32) {
            Some(calls) => Self::Calls { calls, window },
            None => Self::Calls {
                calls: NonZeroU32::MIN,
                window: Duration::from_secs((window.as_secs_f64() / calls).ceil() as u64),
            },
        }
    }

    /// What a share of it may send. In one window that is a call less than an even part: so however the windows of API and
    /// shares lie, all shares together stay within the rate. `None` where a share would have less than one call in a window.
    pub(crate) fn shared(self, share: Share) -> Option<Self> {
        match self {
            Self::Calls { calls, window } | Self::Shared { calls, window, .. } => {
                let calls = calls.get().checked_sub(share.count()).filter(|calls| *calls >= share.count())?;
                let (calls, shares) = (NonZeroU32::new(calls)?, NonZeroU32::new(share.count())?);
                Some(Self::Shared { calls, shares, window })
            }
            Self::Unlimited => Some(Self::Unlimited),
        }
    }

    /// The time from one call to the next; `None` without a limit.
    pub(crate) fn interval(self) -> Option<Duration> {
        match self {
            Self::Calls { calls, window } => Some(window / calls.get()),
            Self::Shared { calls, shares, window } => Some(window * shares.get() / calls.get()),
            Self::Unlimited => None,
        }
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || RateError(text.to_owned());
        let text = text.trim();
        if text.eq_ignore_ascii_case("unlimited") {
            return Ok(Self::Unlimited);
        }
        let (calls, window) = text.split_once('/').ok_or_else(error)?;
        let calls: NonZeroU32 = calls.trim().parse().map_err(|_| error())?;
        let rate = Self::Calls { calls, window: self::window(window.trim()).ok_or_else(error)? };
        // Beyond a call a microsecond there is no interval left to keep, and so no limit.
        if rate.interval() < Some(Duration::from_micros(1)) || calls.get() > MOST { Err(error()) } else { Ok(rate) }
    }
}

fn window(text: &str) -> Option<Duration> {
    match text.to_ascii_lowercase().as_str() {
        "s" | "sec" | "second" => Some(Duration::from_secs(1)),
        "m" | "min" | "minute" => Some(Duration::from_secs(60)),
        "h" | "hour" => Some(Duration::from_secs(3_600)),
        time => Duration::try_from(time.parse::<SignedDuration>().ok()?).ok().filter(|window| *window <= LONGEST),
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Calls { calls, window } => match NAMED.iter().find(|(_, named)| *named == window) {
                Some((name, _)) => write!(f, "{calls}/{name}"),
                None => write!(f, "{calls}/{:#}", SignedDuration::try_from(window).unwrap_or(SignedDuration::MAX)),
            },
            Self::Shared { calls, shares, window } => match NonZeroU32::new(calls.get() / shares) {
                Some(even) if calls.get() % shares == 0 => Self::Calls { calls: even, window }.fmt(f),
                Some(_) | None => Self::Calls { calls, window: window * shares.get() }.fmt(f),
            },
            Self::Unlimited => f.write_str("unlimited"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rates_as_people_write_them() {
        let cases = [
            ("290/min", Some("290/min"), Some(206_896_551)),
            ("290/60s", Some("290/min"), Some(206_896_551)),
            ("4/s", Some("4/s"), Some(250_000_000)),
            (" 1000 / h ", Some("1000/h"), Some(3_600_000_000)),
            ("290/6s", Some("290/6s"), Some(20_689_655)),
            ("3 / 1m 30s", Some("3/1m 30s"), Some(30_000_000_000)),
            ("30/600ms", Some("30/600ms"), Some(20_000_000)),
            ("UNLIMITED", Some("unlimited"), None),
            ("0/min", None, None),
            ("1000000/s", Some("1000000/s"), Some(1_000)),
            ("2000000001/s", None, None),
            ("1000001/h", None, None),
            ("100/24h", Some("100/24h"), Some(864_000_000_000)),
            ("100/25h", None, None),
            ("290", None, None),
            ("290/", None, None),
            ("290/0s", None, None),
            ("290/-6s", None, None),
            ("290/6", None, None),
            ("-1/s", None, None),
            ("290/day", None, None),
            ("1.5/s", None, None),
        ];
        for (text, shown, nanos) in cases {
            let rate = text.parse::<Rate>().ok();
            assert_eq!(rate.map(|rate| rate.to_string()).as_deref(), shown, "{text}");
            assert_eq!(rate.and_then(Rate::interval), nanos.map(Duration::from_nanos), "{text}");
        }
    }

    #[test]
    fn a_share_s_rate() {
        let cases = [
            ("290/min", "1/8", Some("282/8m")),
            ("296/min", "8/8", Some("36/min")),
            ("290/min", "1/1", Some("289/min")),
            ("290/min", "1/145", Some("1/min")),
            ("290/min", "1/146", None),
            ("96/2s", "2/8", Some("11/2s")),
            ("16/s", "2/8", Some("1/s")),
            ("15/s", "2/8", None),
            ("unlimited", "2/9000", Some("unlimited")),
        ];
        for (rate, share, shown) in cases {
            let shared = rate.parse::<Rate>().unwrap().shared(share_of(share));
            assert_eq!(shared.map(|rate| rate.to_string()).as_deref(), shown, "{rate} {share}");
        }
    }

    fn share_of(text: &str) -> Share {
        let (number, count) = text.split_once('/').unwrap();
        Share::new(number.parse().unwrap(), count.parse().unwrap()).unwrap()
    }

    proptest! {
        /// A window holds a call more than intervals fit into it.
        #[test]
        fn all_shares_together_stay_within_the_rate(calls in 2..100_000_u32, window_ms in 1_000..3_600_000_u64, part in 0.0..1.0) {
            let window = Duration::from_millis(window_ms);
            let count = 1 + (f64::from(calls / 2 - 1) * part) as u32;
            let share = Share::new(1, count.min(10_000)).unwrap();
            let shared = Rate::Calls { calls: NonZeroU32::new(calls).unwrap(), window }.shared(share).unwrap();
            let interval = shared.interval().unwrap().as_nanos();
            // Durations are cut to whole nanoseconds.
            let fit = (window.as_nanos() - window.as_nanos() / 1_000_000).div_ceil(interval);
            prop_assert!(fit * u128::from(share.count()) <= u128::from(calls), "{shared}");
        }
    }
}
