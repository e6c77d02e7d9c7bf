//! How long ago an invitation was sent, in the words of the two list pages.
//!
//! Both round down, so that words never claim more than the age.

use std::borrow::Cow;
use std::time::Duration;

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// When an invitation was sent, as the lists say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SentTime {
    /// So long before the sandbox was started; the words follow from it.
    Age(Duration),
    /// These words, whatever they mean: another language, an age that the ID contradicts, nothing at all.
    Words {
        /// V1's `sent_time`.
        prose: String,
        /// V2's `sent_time`.
        short: String,
        /// V2's `sent_time_days`; `None` is null.
        days: Option<u64>,
    },
}

/// An age in the largest unit that it fills.
#[derive(Clone, Copy)]
enum Rounded {
    Hours(u64),
    Days(u64),
    Weeks(u64),
    Months(u64),
    Years(u64),
}

impl Rounded {
    /// As LinkedIn's pages do. That a month counts as 30 days and a year as 365 is a guess.
    fn of(age: Duration) -> Self {
        let days = age.as_secs() / DAY;
        match days {
            0 => Self::Hours(age.as_secs() / HOUR),
            1..=6 => Self::Days(days),
            7..=29 => Self::Weeks(days / 7),
            // Twelve times 30 days are no year yet.
            30..=364 => Self::Months((days / 30).min(11)),
            _ => Self::Years(days / 365),
        }
    }

    fn days(self) -> u64 {
        match self {
            Self::Hours(_) => 0,
            Self::Days(days) => days,
            Self::Weeks(weeks) => weeks * 7,
            Self::Months(months) => months * 30,
            Self::Years(years) => years * 365,
        }
    }
}

impl SentTime {
    /// V1's `sent_time`. "Sent yesterday" and "1 week ago" stand in the documentation (get-sent-invitations,
    /// get-invitations); the others are made like them.
    pub(super) fn prose(&self) -> Cow<'_, str> {
        let age = match self {
            Self::Age(age) => *age,
            Self::Words { prose, .. } => return prose.into(),
        };
        match Rounded::of(age) {
            Rounded::Hours(_) => "Sent today".into(),
            Rounded::Days(1) => "Sent yesterday".into(),
            Rounded::Days(days) => ago(days, "day"),
            Rounded::Weeks(weeks) => ago(weeks, "week"),
            Rounded::Months(months) => ago(months, "month"),
            Rounded::Years(years) => ago(years, "year"),
        }
    }

    /// V2's `sent_time`. "5d" stands in the documentation (v2/network/list-sent); the other units are a guess.
    pub(super) fn short(&self) -> Cow<'_, str> {
        let age = match self {
            Self::Age(age) => *age,
            Self::Words { short, .. } => return short.into(),
        };
        match Rounded::of(age) {
            Rounded::Hours(hours) => format!("{hours}h"),
            Rounded::Days(days) => format!("{days}d"),
            Rounded::Weeks(weeks) => format!("{weeks}w"),
            Rounded::Months(months) => format!("{months}mo"),
            Rounded::Years(years) => format!("{years}yr"),
        }
        .into()
    }

    /// V2's `sent_time_days`: that of the words, since LinkedIn tells the API no more (a guess).
    pub(super) fn days(&self) -> Option<u64> {
        match self {
            Self::Age(age) => Some(Rounded::of(*age).days()),
            Self::Words { days, .. } => *days,
        }
    }
}

fn ago(count: u64, unit: &str) -> Cow<'static, str> {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural} ago").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_rounded_down() {
        let cases = [
            (0, "Sent today", "0h", 0),
            (DAY - 1, "Sent today", "23h", 0),
            (DAY, "Sent yesterday", "1d", 1),
            (2 * DAY - 1, "Sent yesterday", "1d", 1),
            (2 * DAY, "2 days ago", "2d", 2),
            (7 * DAY - 1, "6 days ago", "6d", 6),
            (7 * DAY, "1 week ago", "1w", 7),
            (27 * DAY, "3 weeks ago", "3w", 21),
            (30 * DAY - 1, "4 weeks ago", "4w", 28),
            (30 * DAY, "1 month ago", "1mo", 30),
            (60 * DAY, "2 months ago", "2mo", 60),
            (364 * DAY, "11 months ago", "11mo", 330),
            (365 * DAY, "1 year ago", "1yr", 365),
            (800 * DAY, "2 years ago", "2yr", 730),
        ];
        for (seconds, prose, short, days) in cases {
            let sent = SentTime::Age(Duration::from_secs(seconds));
            assert_eq!((&*sent.prose(), &*sent.short(), sent.days()), (prose, short, Some(days)), "{seconds} s");
        }
    }

    #[test]
    fn given_words_are_kept() {
        let sent = SentTime::Words { prose: "Gesendet vor 3 Wochen".into(), short: "3 Wo.".into(), days: None };
        assert_eq!((&*sent.prose(), &*sent.short(), sent.days()), ("Gesendet vor 3 Wochen", "3 Wo.", None));
    }
}
