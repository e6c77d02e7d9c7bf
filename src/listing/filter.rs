//! Which of the listed invitations count: by age, and by who is to be kept.
//!
//! What might be young is never old enough: an age that can't be read is none, and an ID that says younger is believed.

use jiff::Timestamp;

use super::{Days, Found, Keep, Match};
use crate::policy::{certain_days, is_younger_by_id};

#[derive(Clone, Debug)]
pub(crate) struct Filter {
    /// `--older-than`: this many days or more.
    pub older_than: Option<u32>,
    /// `--newer-than`: fewer days than this, as far as the API's words go.
    pub newer_than: Option<u32>,
    pub keep: Keep,
    pub now: Timestamp,
}

/// What the filter says of one invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sieve {
    Taken,
    /// It is on the list of those to keep.
    Kept,
    /// Its profile's address can't be compared with those of the people to keep.
    MightBeKept,
    /// Its age is outside of what is asked for.
    OtherAge,
    /// Its age can't be read, and an age is asked for.
    AgeUnknown,
    /// Its words say old enough, its ID says younger.
    YoungerById,
}

impl Filter {
    pub(crate) fn judge(&self, found: &Found) -> Sieve {
        let kept = self.keep.judge(&found.id, &found.profile_url);
        match (kept, self.of_age(found)) {
            (Match::Kept, _) => Sieve::Kept,
            (Match::Unknown, Sieve::Taken) => Sieve::MightBeKept,
            (Match::Unknown | Match::Free, sieve) => sieve,
        }
    }

    fn of_age(&self, found: &Found) -> Sieve {
        if self.older_than.is_none() && self.newer_than.is_none() {
            return Sieve::Taken;
        }
        let Some(days) = age_days(found) else { return Sieve::AgeUnknown };
        let old_enough = self.older_than.is_none_or(|limit| days >= limit);
        let new_enough = self.newer_than.is_none_or(|limit| days < limit);
        match self.older_than {
            _ if !(old_enough && new_enough) => Sieve::OtherAge,
            Some(limit) if is_younger_by_id(found.id.as_str(), limit, self.now) => Sieve::YoungerById,
            Some(_) | None => Sieve::Taken,
        }
    }
}

/// The days that have surely passed since it was sent: the fewest that words and number agree on, and none where either
/// is no age at all.
pub(super) fn age_days(found: &Found) -> Option<u32> {
    match (certain_days(&found.sent_time), found.sent_time_days) {
        (_, Days::Unreadable) => None,
        (Some(words), Days::Known(number)) => Some(words.min(number)),
        (None, Days::Known(number)) => Some(number),
        (words, Days::Unsaid) => words,
    }
}

/// What a filter said of all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdicts {
    pub taken: u64,
    /// Those on the list of those to keep.
    pub kept: u64,
    /// Those whose profile can't be compared with those to keep.
    pub might_be_kept: u64,
    pub other_age: u64,
    /// Those whose age can't be read.
    pub age_unknown: u64,
    pub younger_by_id: u64,
}

impl Verdicts {
    pub(crate) fn add(&mut self, sieve: Sieve) {
        *match sieve {
            Sieve::Taken => &mut self.taken,
            Sieve::Kept => &mut self.kept,
            Sieve::MightBeKept => &mut self.might_be_kept,
            Sieve::OtherAge => &mut self.other_age,
            Sieve::AgeUnknown => &mut self.age_unknown,
            Sieve::YoungerById => &mut self.younger_by_id,
        } += 1;
    }

    /// Those that were left out for want of certainty, in words for a warning.
    pub(crate) fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        if self.might_be_kept > 0 {
            words.push(format!(
                "{} are left out: their profiles' addresses can't be compared with those to keep",
                self.might_be_kept
            ));
        }
        if self.age_unknown > 0 {
            words.push(format!("{} are left out: their age can't be read (another language?)", self.age_unknown));
        }
        if self.younger_by_id > 0 {
            words.push(format!("{} are left out: their IDs say that they are younger", self.younger_by_id));
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invitation::InvitationId;

    fn judged(id: &str, words: &str, days: Days, older: Option<u32>, newer: Option<u32>) -> Sieve {
        let found = Found {
            id: InvitationId::parse(id).unwrap(),
            name: String::new(),
            profile_url: "https://www.linkedin.com/in/ada".to_owned(),
            headline: String::new(),
            invitation_type: String::new(),
            sent_time: words.to_owned(),
            sent_time_days: days,
        };
        let now = "2025-06-30T00:00:00Z".parse().unwrap();
        Filter { older_than: older, newer_than: newer, keep: Keep::default(), now }.judge(&found)
    }

    #[test]
    fn who_is_old_enough() {
        // An old ID without a time, and one of 2025-05-16, 45 days before.
        let (short, long) = ("2906418534", "7329176687475109888");
        let cases = [
            (short, "1 month ago", None, Some(30), None, Sieve::Taken),
            (short, "3 weeks ago", None, Some(30), None, Sieve::OtherAge),
            (short, "4 weeks ago", None, Some(28), None, Sieve::Taken),
            (short, "1 month ago", None, Some(31), None, Sieve::OtherAge),
            (short, "vor 3 Monaten", None, Some(30), None, Sieve::AgeUnknown),
            (short, "vor 3 Monaten", None, None, None, Sieve::Taken),
            (short, "", None, None, Some(30), Sieve::AgeUnknown),
            (short, "3 weeks ago", None, None, Some(30), Sieve::Taken),
            (short, "1 month ago", None, None, Some(30), Sieve::OtherAge),
            (short, "3 months ago", None, Some(30), Some(180), Sieve::Taken),
            (short, "1 year ago", None, Some(30), Some(180), Sieve::OtherAge),
            // Words and number: the younger one counts.
            (short, "1mo", Some(45), Some(40), None, Sieve::OtherAge),
            (short, "2mo", Some(45), Some(40), None, Sieve::Taken),
            (short, "2mo", Some(5), Some(30), None, Sieve::OtherAge),
            (short, "vor 2 Monaten", Some(60), Some(30), None, Sieve::Taken),
            // The ID's own time can only protect.
            (long, "1 month ago", None, Some(30), None, Sieve::Taken),
            (long, "3 months ago", None, Some(60), None, Sieve::YoungerById),
            (long, "today", None, Some(30), None, Sieve::OtherAge),
            (long, "vor 3 Monaten", None, Some(30), None, Sieve::AgeUnknown),
        ];
        for (id, words, days, older, newer, expected) in cases {
            let days = days.map_or(Days::Unsaid, Days::Known);
            assert_eq!(judged(id, words, days, older, newer), expected, "{id} {words:?} {days:?} {older:?} {newer:?}");
        }
    }

    /// However old the words are.
    #[test]
    fn a_number_of_days_that_is_none_makes_no_age() {
        for (older, newer, expected) in
            [(Some(30), None, Sieve::AgeUnknown), (None, Some(900), Sieve::AgeUnknown), (None, None, Sieve::Taken)]
        {
            assert_eq!(judged("2906418534", "2 years ago", Days::Unreadable, older, newer), expected);
        }
    }
}
