//! How many calls in what time.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

/// The pace of a run (`--rate`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rate {
    /// So many calls in each period, evenly spaced.
    Calls {
        calls: NonZeroU32,
        /// A second, a minute or an hour.
        per: Per,
    },
    /// No limit; only for loopback addresses.
    Unlimited,
}

/// The period of a [`Rate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Per {
    Second,
    Minute,
    Hour,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no rate: write it like 290/min, 4/s or 1000/h (or unlimited, for a loopback address)")]
pub(crate) struct RateError(String);

impl Rate {
    /// The time from one call to the next; `None` without a limit.
    pub(crate) fn interval(self) -> Option<Duration> {
        match self {
            Self::Calls { calls, per } => Some(per.duration() / calls.get()),
            Self::Unlimited => None,
        }
    }
}

impl Per {
    const fn duration(self) -> Duration {
        match self {
            Self::Second => Duration::from_secs(1),
            Self::Minute => Duration::from_secs(60),
            Self::Hour => Duration::from_secs(3_600),
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Second => "s",
            Self::Minute => "min",
            Self::Hour => "h",
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
        let (calls, per) = text.split_once('/').ok_or_else(error)?;
        let per = match per.trim().to_ascii_lowercase().as_str() {
            "s" | "sec" | "second" => Per::Second,
            "m" | "min" | "minute" => Per::Minute,
            "h" | "hour" => Per::Hour,
            _ => return Err(error()),
        };
        let rate = Self::Calls { calls: calls.trim().parse().map_err(|_| error())?, per };
        // Beyond a call a microsecond there is no interval left to keep, and so no limit.
        if rate.interval() < Some(Duration::from_micros(1)) { Err(error()) } else { Ok(rate) }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Calls { calls, per } => write!(f, "{calls}/{}", per.as_str()),
            Self::Unlimited => f.write_str("unlimited"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_as_people_write_them() {
        let cases = [
            ("290/min", Some("290/min"), Some(206_896_551)),
            ("4/s", Some("4/s"), Some(250_000_000)),
            (" 1000 / h ", Some("1000/h"), Some(3_600_000_000)),
            ("UNLIMITED", Some("unlimited"), None),
            ("0/min", None, None),
            ("1000000/s", Some("1000000/s"), Some(1_000)),
            ("2000000001/s", None, None),
            ("290", None, None),
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
}
