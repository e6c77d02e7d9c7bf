//! The pending invitations that a sandbox starts with, and how the lists word their age.
//!
//! Pure: the time comes in as a value, and the same time and number make the same invitations.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;

use super::Ending;

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// The type of an invitation (`docs/linkup-api.md`, Sent invitations, `invitation_type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InvitationKind {
    Connection,
    /// To follow a page.
    Organization,
    /// To subscribe to a newsletter.
    ContentSeries,
    /// To attend an event; V2 only.
    Event,
}

impl InvitationKind {
    const ALL: [Self; 4] = [Self::Connection, Self::Organization, Self::ContentSeries, Self::Event];

    /// The API's name for it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Connection => "CONNECTION",
            Self::Organization => "ORGANIZATION",
            Self::ContentSeries => "CONTENT_SERIES",
            Self::Event => "EVENT",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A pending invitation. An odd ID may have an [`Ending`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockItem {
    /// Unique within a stock. Need not fit the age.
    pub id: u64,
    /// First name, a space, the rest.
    pub name: String,
    pub profile_url: String,
    /// V1's `subtitle`, V2's `headline`.
    pub headline: String,
    /// A list shows one type only.
    pub kind: InvitationKind,
    /// When it was sent, as the lists say it.
    pub sent: SentTime,
}

impl StockItem {
    /// An invitation to connect with this ID; the person is made up from it.
    #[must_use]
    pub fn new(id: u64, sent: SentTime) -> Self {
        // Genuine IDs differ in the bits above the low twelve.
        let person = Person::of((id >> 12) ^ id);
        Self {
            id,
            name: format!("{} {}", person.first, person.last),
            profile_url: format!("https://www.linkedin.com/in/{}-{id:x}", person.slug),
            headline: person.headline.to_owned(),
            kind: InvitationKind::Connection,
            sent,
        }
    }

    /// An invitation to connect that was sent at `now - age`, with an ID that says so. Ages that differ by a
    /// millisecond or more make different IDs.
    #[must_use]
    pub fn aged(age: Duration, now: Timestamp) -> Self {
        Self::new(id_at(age, now, 0), SentTime::Age(age))
    }
}

/// A genuine-looking ID: the sending time in Unix milliseconds, then 22 bits, of which the low twelve are zero
/// (`docs/linkup-api.md`, IDs). Even, so that it never has an [`Ending`].
fn id_at(age: Duration, now: Timestamp, number: u64) -> u64 {
    let now = u64::try_from(now.as_millisecond()).unwrap_or_default();
    let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
    (now.saturating_sub(age) << 22) | ((number % 1024) << 12)
}

/// `count` pending invitations, newest first: from today to over a year old, a third of them older than 30 days.
#[must_use]
pub fn stock(count: u32, now: Timestamp) -> Vec<StockItem> {
    let old = count / 3;
    let young = count - old;
    (0..count)
        .map(|at| {
            let age = match at.checked_sub(young) {
                None => days(29) / young * at + Duration::from_secs(HOUR),
                Some(at) => days(31) + days(420) / old * (at + 1),
            };
            let id = nth_id(id_at(age, now, u64::from(at)), at);
            StockItem { kind: nth_kind(at), ..StockItem::new(id, SentTime::Age(age)) }
        })
        .collect()
}

/// Of every third, the odd neighbour: genuine IDs are multiples of 4,096 or one more (`docs/linkup-api.md`, IDs). None
/// has an [`Ending`].
fn nth_id(id: u64, at: u32) -> u64 {
    let has_ending = Ending::of(&(id + 1).to_string()).is_some();
    if at % 3 == 1 && !has_ending { id + 1 } else { id }
}

fn nth_kind(at: u32) -> InvitationKind {
    match at % 20 {
        9 => InvitationKind::Organization,
        17 => InvitationKind::ContentSeries,
        _ => InvitationKind::Connection,
    }
}

const fn days(days: u64) -> Duration {
    Duration::from_secs(days * DAY)
}

/// Somebody who does not exist.
struct Person {
    first: &'static str,
    last: &'static str,
    slug: &'static str,
    headline: &'static str,
}

impl Person {
    fn of(seed: u64) -> Self {
        // Multiplicative hashing: neighbours get different people.
        let mut mixed = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16;
        let (first, slug) = draw(&mut mixed, &FIRST_NAMES);
        let (last, headline) = (draw(&mut mixed, &LAST_NAMES), draw(&mut mixed, &HEADLINES));
        Self { first, last, slug, headline }
    }
}

fn draw<T: Copy>(mixed: &mut u64, from: &[T; 8]) -> T {
    let drawn = from[(*mixed % 8) as usize];
    *mixed /= 8;
    drawn
}

const FIRST_NAMES: [(&str, &str); 8] = [
    ("Michelle", "michelle"),
    ("José", "jose"),
    ("Zoë", "zoe"),
    ("Ravi", "ravi"),
    ("Łukasz", "lukasz"),
    ("Aïcha", "aicha"),
    ("美咲", "misaki"),
    ("Tom", "tom"),
];
/// With what makes a CSV cell need quotes.
const LAST_NAMES: [&str; 8] =
    ["Heller", "García López", "van den Berg", "O'Neill", "Kowalski, MBA", "Ben Saïd", "Müller 🚀", "\"TJ\" Jackson"];
const HEADLINES: [&str; 8] = [
    "Co-Founder & CCO | Financial Services | 🌍 New York",
    "Head of Sales, EMEA",
    "Helping teams ship \"boring\" software",
    "",
    "- Recruiter - we're hiring!",
    "Cost and time killer, j'accompagne les entreprises",
    "CTO at StartupXYZ",
    "Étudiante",
];

/// When an invitation was sent, as the lists say it. Both versions round down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SentTime {
    /// This long before the sandbox was started; the words follow from it.
    Age(Duration),
    /// Any words: another language, an age that the ID contradicts, an empty text.
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
enum RoundedAge {
    Hours(u64),
    Days(u64),
    Weeks(u64),
    Months(u64),
    Years(u64),
}

impl RoundedAge {
    /// A month of 30 days and a year of 365 are guesses.
    fn of(age: Duration) -> Self {
        let days = age.as_secs() / DAY;
        match days {
            0 => Self::Hours(age.as_secs() / HOUR),
            1..=6 => Self::Days(days),
            7..=29 => Self::Weeks(days / 7),
            // 360 days are twelve months of 30 days, but not a year.
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
    /// V1's `sent_time` (`docs/linkup-api.md`, Sent invitations). Words that the documentation does not show are made
    /// like those that it shows.
    pub(super) fn prose(&self) -> Cow<'_, str> {
        let age = match self {
            Self::Age(age) => *age,
            Self::Words { prose, .. } => return prose.into(),
        };
        match RoundedAge::of(age) {
            RoundedAge::Hours(_) => "Sent today".into(),
            RoundedAge::Days(1) => "Sent yesterday".into(),
            RoundedAge::Days(days) => ago(days, "day"),
            RoundedAge::Weeks(weeks) => ago(weeks, "week"),
            RoundedAge::Months(months) => ago(months, "month"),
            RoundedAge::Years(years) => ago(years, "year"),
        }
    }

    /// V2's `sent_time`. "5d" is documented (`docs/linkup-api.md`, V2); the other units are guesses.
    pub(super) fn short(&self) -> Cow<'_, str> {
        let age = match self {
            Self::Age(age) => *age,
            Self::Words { short, .. } => return short.into(),
        };
        match RoundedAge::of(age) {
            RoundedAge::Hours(hours) => format!("{hours}h"),
            RoundedAge::Days(days) => format!("{days}d"),
            RoundedAge::Weeks(weeks) => format!("{weeks}w"),
            RoundedAge::Months(months) => format!("{months}mo"),
            RoundedAge::Years(years) => format!("{years}yr"),
        }
        .into()
    }

    /// V2's `sent_time_days`: the age as the words give it (a guess).
    pub(super) fn days(&self) -> Option<u64> {
        match self {
            Self::Age(age) => Some(RoundedAge::of(*age).days()),
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
    use std::collections::HashSet;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    fn age(item: &StockItem) -> Duration {
        let SentTime::Age(age) = item.sent else { panic!("{item:?} has no age") };
        age
    }

    #[test]
    fn ids_are_genuine_and_tell_the_age() {
        let stock = stock(1000, now());
        let distinct: HashSet<_> = stock.iter().map(|item| item.id).collect();
        assert_eq!(distinct.len(), 1000);
        let odd = stock.iter().filter(|item| item.id % 2 == 1).count();
        assert!((300..334).contains(&odd), "{odd}");
        for item in &stock {
            assert!(item.id > 1 << 53 && item.id % 4096 < 2, "{item:?}");
            assert!(Ending::of(&item.id.to_string()).is_none(), "{item:?}");
            let sent_ms = i64::try_from(item.id >> 22).unwrap();
            assert_eq!(now().as_millisecond() - sent_ms, i64::try_from(age(item).as_millis()).unwrap(), "{item:?}");
            assert!(item.profile_url.starts_with("https://www.linkedin.com/in/"), "{item:?}");
        }
    }

    #[test]
    fn ages_spread_from_today_to_over_a_year_newest_first() {
        for count in [3, 40, 1000] {
            let stock = stock(count, now());
            assert_eq!(stock.len(), count as usize);
            assert!(stock.is_sorted_by_key(age), "{count}");
            assert!(age(&stock[0]) < days(1) && age(&stock[stock.len() - 1]) > days(365), "{count}");
            assert_eq!(stock.iter().filter(|item| age(item) > days(30)).count(), stock.len() / 3);
        }
    }

    #[test]
    fn most_are_invitations_to_connect() {
        let stock = stock(40, now());
        let count = |kind| stock.iter().filter(|item| item.kind == kind).count();
        assert_eq!(InvitationKind::ALL.map(count), [36, 2, 2, 0]);
    }

    #[test]
    fn small_numbers_and_repetition() {
        assert!(stock(0, now()).is_empty());
        assert_eq!(stock(1, now()).len(), 1);
        assert_eq!(stock(40, now()), stock(40, now()));
    }

    #[test]
    fn a_time_before_1970_makes_an_id_all_the_same() {
        assert_eq!(StockItem::aged(days(30_000), now()).id, 0);
    }

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
