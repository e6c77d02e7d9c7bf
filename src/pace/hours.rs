//! The hours of a day in which withdrawals are sent.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::civil::Time;
use jiff::{Timestamp, ToSpan, Zoned};

const DAY_SECONDS: f64 = 86_400.0;

/// `--between`, in local time. Where it ends before it begins, it crosses midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hours {
    begin: Time,
    /// The first moment that is not part of it.
    end: Time,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} are not valid hours: write them like 09:00-17:00")]
pub(crate) struct HoursError(String);

impl Hours {
    /// `None` where it is open at this moment, else when it next opens.
    pub(crate) fn closed_until(self, now: &Zoned) -> Option<Timestamp> {
        let time = now.time();
        let is_open = if self.begin < self.end {
            (self.begin..self.end).contains(&time)
        } else {
            !(self.end..self.begin).contains(&time)
        };
        if is_open {
            return None;
        }
        let day = if time < self.begin { now.date() } else { now.date().saturating_add(1.day()) };
        let opening = now.time_zone().to_ambiguous_zoned(day.to_datetime(self.begin));
        // Where clocks are set back, the same hour comes twice, and the first may be over.
        let first = opening.clone().compatible().map_or(Timestamp::MAX, |opening| opening.timestamp());
        let last = || opening.later().map_or(Timestamp::MAX, |opening| opening.timestamp());
        Some(if first > now.timestamp() { first } else { last() })
    }

    /// How long it is open from this moment on, where it is.
    pub(crate) fn open_for(self, now: &Zoned) -> Option<Duration> {
        let left = now.time().duration_until(self.end).as_secs_f64().rem_euclid(DAY_SECONDS);
        self.closed_until(now).is_none().then(|| Duration::from_secs_f64(left))
    }

    /// Which part of a day it is, from 0 to 1.
    pub(crate) fn share_of_day(self) -> f64 {
        let seconds = self.begin.duration_until(self.end).as_secs_f64();
        seconds.rem_euclid(DAY_SECONDS) / DAY_SECONDS
    }
}

impl FromStr for Hours {
    type Err = HoursError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let time = |text: &str| {
            let (hour, minute) = text.trim().split_once(':').filter(|(_, minute)| minute.len() == 2)?;
            Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
        };
        let hours = text.split_once('-').and_then(|(begin, end)| {
            let end = if end.trim() == "24:00" { Time::midnight() } else { time(end)? };
            Some(Self { begin: time(begin)?, end })
        });
        // A day that ends where it begins is all of it or nothing: nobody could tell which.
        hours.filter(|hours| hours.begin != hours.end).ok_or_else(|| HoursError(text.to_owned()))
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.begin.strftime("%H:%M"), self.end.strftime("%H:%M"))
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    #[test]
    fn hours_as_people_write_them() {
        let cases = [
            ("09:00-17:00", Some("09:00-17:00"), 8),
            (" 9:00 - 17:00 ", Some("09:00-17:00"), 8),
            ("22:00-06:00", Some("22:00-06:00"), 8),
            ("12:00-24:00", Some("12:00-00:00"), 12),
            ("09:00-09:00", None, 0),
            ("00:00-24:00", None, 0),
            ("24:00-06:00", None, 0),
            ("9-17", None, 0),
            ("09:5-17:00", None, 0),
            ("-1:00-17:00", None, 0),
            ("09:00-17:60", None, 0),
            ("09:00", None, 0),
            ("", None, 0),
        ];
        for (text, shown, hours) in cases {
            let parsed = text.parse::<Hours>().ok();
            assert_eq!(parsed.map(|hours| hours.to_string()).as_deref(), shown, "{text:?}");
            let share = parsed.map_or(0.0, Hours::share_of_day);
            assert!((share - f64::from(hours) / 24.0).abs() < 1e-9, "{text:?} {share}");
        }
    }

    #[test]
    fn when_hours_open() {
        let cases = [
            ("09:00-17:00", "2026-03-02T08:59:59+01:00", Some("2026-03-02T09:00:00+01:00")),
            ("09:00-17:00", "2026-03-02T09:00:00+01:00", None),
            ("09:00-17:00", "2026-03-02T16:59:59.9+01:00", None),
            ("09:00-17:00", "2026-03-02T17:00:00+01:00", Some("2026-03-03T09:00:00+01:00")),
            ("22:00-06:00", "2026-03-02T21:00:00+01:00", Some("2026-03-02T22:00:00+01:00")),
            ("22:00-06:00", "2026-03-02T23:00:00+01:00", None),
            ("22:00-06:00", "2026-03-03T05:59:00+01:00", None),
            ("22:00-06:00", "2026-03-03T06:00:00+01:00", Some("2026-03-03T22:00:00+01:00")),
            ("12:00-24:00", "2026-03-02T23:59:00+01:00", None),
            ("12:00-24:00", "2026-03-03T00:00:00+01:00", Some("2026-03-03T12:00:00+01:00")),
            // The night in which the clocks are put forward, at 02:00: nine o'clock comes an hour earlier.
            ("09:00-17:00", "2026-03-28T18:00:00+01:00", Some("2026-03-29T09:00:00+02:00")),
            // There is no 02:30 in that night.
            ("02:30-04:00", "2026-03-29T01:59:00+01:00", Some("2026-03-29T03:30:00+02:00")),
            // Set back at 03:00: 02:30 comes twice.
            ("02:30-04:00", "2026-10-25T02:10:00+02:00", Some("2026-10-25T02:30:00+02:00")),
            ("02:30-04:00", "2026-10-25T02:40:00+02:00", None),
            ("02:30-04:00", "2026-10-25T02:10:00+01:00", Some("2026-10-25T02:30:00+01:00")),
        ];
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        for (hours, now, opens) in cases {
            let now = now.parse::<Timestamp>().unwrap().to_zoned(zone.clone());
            let until = hours.parse::<Hours>().unwrap().closed_until(&now);
            assert_eq!(until, opens.map(|opens| opens.parse().unwrap()), "{hours} at {now}");
        }
    }
}
