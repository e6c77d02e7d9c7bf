//! The minimum age of an invitation, from the API's text and from its ID; and how long nobody is to be invited again.
//!
//! Ages decide what is withdrawn, so each is the least that the text can mean, and a text that is not understood gives no
//! age.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

/// Days in a month and in a year, as `--older-than` counts them.
const MONTH: u32 = 30;
const YEAR: u32 = 365;

/// The minimum age in days, from the API's `sent_time`: "Sent yesterday", "3 weeks ago", "5d". Rounded down, so "1 month ago"
/// is at least 30 days (docs/linkup-api.md, "Sent invitations"). `None` if the text is not understood, as in another language.
pub(crate) fn certain_days(words: &str) -> Option<u32> {
    let words = words.trim().to_lowercase();
    let words = words.strip_prefix("sent ").map_or(words.as_str(), str::trim);
    match words {
        "today" | "just now" | "now" => return Some(0),
        "yesterday" => return Some(1),
        _ => {}
    }
    let (number, unit) = match words.strip_suffix(" ago") {
        Some(words) => words.split_once(' ')?,
        // V2's short form, "5d".
        None => words.split_at(words.find(|c: char| !c.is_ascii_digit())?),
    };
    let number: u32 = match number {
        "a" | "an" => 1,
        _ if !number.bytes().all(|byte| byte.is_ascii_digit()) => return None,
        _ => number.parse().ok()?,
    };
    let days = match unit {
        // "m" is a minute, since LinkedIn writes "mo" for a month.
        "s" | "second" | "seconds" | "m" | "min" | "mins" | "minute" | "minutes" | "h" | "hr" | "hrs" | "hour"
        | "hours" => 0,
        "d" | "day" | "days" => 1,
        "w" | "wk" | "week" | "weeks" => 7,
        "mo" | "mos" | "month" | "months" => MONTH,
        "y" | "yr" | "yrs" | "year" | "years" => YEAR,
        _ => return None,
    };
    number.checked_mul(days)
}

/// LinkedIn refuses a new invitation for up to three weeks after a withdrawal (docs/linkup-api.md, "LinkedIn").
const DAYS_WITHOUT_INVITATION: i32 = 21;

/// The day in UTC from which somebody can be invited again who was withdrawn at this moment.
pub(crate) fn reinvite_on(withdrawn_at: Timestamp) -> Date {
    withdrawn_at.to_zoned(TimeZone::UTC).date().saturating_add(DAYS_WITHOUT_INVITATION.days())
}

/// 2003-01-01, before LinkedIn existed: an ID below this contains no time.
const MIN_SENT_MILLIS: i64 = 1_041_379_200_000;

/// When an invitation was sent, by its ID: the bits above the lowest 22 are Unix milliseconds. The vendor does not document
/// this, and older, short IDs contain no time (docs/linkup-api.md, "IDs").
pub(crate) fn sent_at(id: &str) -> Option<Timestamp> {
    let millis = i64::try_from(id.parse::<u64>().ok()? >> 22).ok()?;
    (millis >= MIN_SENT_MILLIS).then(|| Timestamp::from_millisecond(millis).ok())?
}

/// Whether the ID says that the invitation was sent less than `days` days before `now`.
pub(crate) fn is_younger_by_id(id: &str, days: u32, now: Timestamp) -> bool {
    let limit = now.checked_sub(SignedDuration::from_hours(i64::from(days) * 24)).unwrap_or(Timestamp::MIN);
    sent_at(id).is_some_and(|sent| sent > limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minimum_age_from_a_text() {
        let cases = [
            ("Sent today", Some(0)),
            ("today", Some(0)),
            ("just now", Some(0)),
            ("Sent yesterday", Some(1)),
            ("YESTERDAY", Some(1)),
            (" Sent 2 days ago ", Some(2)),
            ("2 days ago", Some(2)),
            ("a day ago", Some(1)),
            ("an hour ago", Some(0)),
            ("23 hours ago", Some(0)),
            ("59 minutes ago", Some(0)),
            ("1 week ago", Some(7)),
            ("3 weeks ago", Some(21)),
            ("1 month ago", Some(30)),
            ("3 months ago", Some(90)),
            ("1 year ago", Some(365)),
            ("2 years ago", Some(730)),
            ("5d", Some(5)),
            ("3w", Some(21)),
            ("2mo", Some(60)),
            ("1yr", Some(365)),
            ("1y", Some(365)),
            ("5m", Some(0)),
            ("12h", Some(0)),
            // Not understood, so not old.
            ("", None),
            ("ago", None),
            ("5", None),
            ("d", None),
            ("Gesendet vor 3 Wochen", None),
            ("il y a 3 mois", None),
            ("hace 1 mes", None),
            ("3 Monate ago", None),
            ("in 3 weeks", None),
            ("-3 weeks ago", None),
            ("about 1 month ago", None),
            ("almost 1 year ago", None),
            ("1.5 years ago", None),
            ("last month", None),
            ("1 month and 2 days ago", None),
            ("30 days", None),
            ("4294967295 weeks ago", None),
            ("99999999999 days ago", None),
        ];
        for (words, days) in cases {
            assert_eq!(certain_days(words), days, "{words:?}");
        }
    }

    #[test]
    fn the_time_in_an_id() {
        // docs/linkup-api.md, "IDs".
        let cases = [
            ("7453486530700017665", Some("2026-04-24")),
            ("7329176687475109888", Some("2025-05-16")),
            ("6227164820370661376", Some("2017-01-17")),
            ("2906418534", None),
            ("7", None),
            ("18446744073709551615", Some("2109-05-15")),
            ("99999999999999999999", None),
        ];
        for (id, day) in cases {
            assert_eq!(sent_at(id).map(|time| time.strftime("%F").to_string()).as_deref(), day, "{id}");
        }
    }

    #[test]
    fn whether_an_id_says_younger() {
        let now: Timestamp = "2025-06-16T00:00:00Z".parse().unwrap();
        let cases =
            [("7329176687475109888", 30, false), ("7329176687475109888", 32, true), ("2906418534", 9_000, false)];
        for (id, days, younger) in cases {
            assert_eq!(is_younger_by_id(id, days, now), younger, "{id} {days}");
        }
        // In the future, so not old.
        assert!(is_younger_by_id("7453486530700017665", 1, now));
        assert!(is_younger_by_id("7329176687475109888", u32::MAX, now), "no invitation is that old");
    }

    #[test]
    fn when_somebody_can_be_invited_again() {
        let cases = [
            ("2026-03-01T00:00:00Z", "2026-03-22"),
            ("2026-03-01T23:59:59.999Z", "2026-03-22"),
            ("2026-12-20T12:00:00Z", "2027-01-10"),
            ("9999-12-30T00:00:00Z", "9999-12-31"),
        ];
        for (withdrawn_at, day) in cases {
            assert_eq!(reinvite_on(withdrawn_at.parse().unwrap()).to_string(), day, "{withdrawn_at}");
        }
    }
}
