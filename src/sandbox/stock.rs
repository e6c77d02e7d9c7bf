//! The pending invitations that a sandbox starts with.
//!
//! Pure: the time comes in as a value, and the same time and number make the same invitations.

use std::time::Duration;

use jiff::Timestamp;

use super::SentTime;

/// What somebody was invited to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InvitationType {
    Connection,
    /// To follow a page.
    Organization,
    /// To subscribe to a newsletter.
    ContentSeries,
}

impl InvitationType {
    const ALL: [Self; 3] = [Self::Connection, Self::Organization, Self::ContentSeries];

    /// The API's name (get-sent-invitations, `invitation_type`).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Connection => "CONNECTION",
            Self::Organization => "ORGANIZATION",
            Self::ContentSeries => "CONTENT_SERIES",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A pending invitation. IDs must differ from each other; an odd one may have an [`Ending`](super::Ending).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockItem {
    /// Need not fit the age.
    pub id: u64,
    /// First name, a space, the rest.
    pub name: String,
    /// As the lists show it.
    pub profile_url: String,
    /// V1's `subtitle`, V2's `headline`.
    pub headline: String,
    /// Lists show one type at a time.
    pub invitation_type: InvitationType,
    /// What the lists say of its age.
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
            invitation_type: InvitationType::Connection,
            sent,
        }
    }

    /// An invitation that was sent so long before `now`, with the ID that it would have. Ages that differ by a
    /// millisecond make IDs that differ.
    #[must_use]
    pub fn aged(age: Duration, now: Timestamp) -> Self {
        Self::new(id_at(age, now, 0), SentTime::Age(age))
    }
}

/// A genuine-looking ID: the sending time in Unix milliseconds above 22 bits, of which the low twelve are zero
/// (`linkup-api.md`, "The ID tells its own age"). Even, so that it never has an [`Ending`](super::Ending).
fn id_at(age: Duration, now: Timestamp, number: u64) -> u64 {
    let now = u64::try_from(now.as_millisecond()).unwrap_or_default();
    let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
    (now.saturating_sub(age) << 22) | ((number % 1024) << 12)
}

/// So many pending invitations, newest first: from today to over a year old, a third of them older than 30 days.
#[must_use]
pub fn stock(count: u32, now: Timestamp) -> Vec<StockItem> {
    let old = count / 3;
    let young = count - old;
    (0..count)
        .map(|at| {
            let age = match at.checked_sub(young) {
                None => days(29) / young * at + Duration::from_secs(3600),
                Some(at) => days(31) + days(420) / old * (at + 1),
            };
            let id = id_at(age, now, u64::from(at));
            StockItem { invitation_type: nth_type(at), ..StockItem::new(id, SentTime::Age(age)) }
        })
        .collect()
}

fn nth_type(at: u32) -> InvitationType {
    match at % 20 {
        9 => InvitationType::Organization,
        17 => InvitationType::ContentSeries,
        _ => InvitationType::Connection,
    }
}

const fn days(days: u64) -> Duration {
    Duration::from_secs(days * 24 * 3600)
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::Ending;
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
        for item in &stock {
            assert!(item.id > 1 << 53 && item.id % 4096 == 0, "{item:?}");
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
        let count = |kind| stock.iter().filter(|item| item.invitation_type == kind).count();
        assert_eq!(InvitationType::ALL.map(count), [36, 2, 2]);
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
}
