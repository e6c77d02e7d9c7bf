//! Which of the listed invitations are selected: by age, and by who is to be kept.
//!
//! Owns the rule that what may be young is never old enough: an unreadable age is no age, and an ID can only make an
//! invitation younger.

use jiff::Timestamp;

use super::{Days, Found, Keep, KeepStatus};
use crate::policy::{certain_days, is_younger_by_id};

#[derive(Clone, Debug)]
pub(crate) struct Filter {
    /// `--older-than`: this many days or more.
    pub older_than: Option<u32>,
    /// `--newer-than`: fewer days than this; the API's words are approximate.
    pub newer_than: Option<u32>,
    pub keep: Keep,
    pub now: Timestamp,
}

/// What the filter says of one invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    Selected,
    /// It is on the list of those to keep.
    Kept,
    /// Its profile's address can't be compared with those to keep.
    MightBeKept,
    /// Too recent or too old.
    OtherAge,
    AgeUnknown,
    /// Old enough by the API's words, but not by its ID.
    YoungerById,
}

impl Filter {
    pub(crate) fn select(&self, found: &Found) -> Selection {
        let kept = self.keep.status(&found.id, &found.profile_url);
        match (kept, self.of_age(found)) {
            (KeepStatus::Kept, _) => Selection::Kept,
            (KeepStatus::Unknown, Selection::Selected) => Selection::MightBeKept,
            (KeepStatus::Unknown | KeepStatus::NotKept, selection) => selection,
        }
    }

    fn of_age(&self, found: &Found) -> Selection {
        if self.older_than.is_none() && self.newer_than.is_none() {
            return Selection::Selected;
        }
        let Some(days) = age_days(found) else { return Selection::AgeUnknown };
        let old_enough = self.older_than.is_none_or(|limit| days >= limit);
        let new_enough = self.newer_than.is_none_or(|limit| days < limit);
        match self.older_than {
            _ if !(old_enough && new_enough) => Selection::OtherAge,
            Some(limit) if is_younger_by_id(found.id.as_str(), limit, self.now) => Selection::YoungerById,
            Some(_) | None => Selection::Selected,
        }
    }
}

/// The days that have certainly passed since it was sent: the lower of words and number. `None` where the number is
/// unreadable, or where there is no readable age.
pub(super) fn age_days(found: &Found) -> Option<u32> {
    match (certain_days(&found.sent_time), found.sent_time_days) {
        (_, Days::Unreadable) => None,
        (Some(words), Days::Known(number)) => Some(words.min(number)),
        (None, Days::Known(number)) => Some(number),
        (words, Days::Unsaid) => words,
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SelectionCounts {
    pub selected: u64,
    pub kept: u64,
    pub might_be_kept: u64,
    pub other_age: u64,
    pub age_unknown: u64,
    pub younger_by_id: u64,
}

impl SelectionCounts {
    pub(crate) fn add(&mut self, selection: Selection) {
        *match selection {
            Selection::Selected => &mut self.selected,
            Selection::Kept => &mut self.kept,
            Selection::MightBeKept => &mut self.might_be_kept,
            Selection::OtherAge => &mut self.other_age,
            Selection::AgeUnknown => &mut self.age_unknown,
            Selection::YoungerById => &mut self.younger_by_id,
        } += 1;
    }

    /// How many were left out because something about them is uncertain, for warnings.
    pub(crate) fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        if self.might_be_kept > 0 {
            words.push(format!(
                "left out, as their profiles' addresses can't be compared with those to keep: {}",
                self.might_be_kept
            ));
        }
        if self.age_unknown > 0 {
            words.push(format!("left out, as their age can't be read (another language?): {}", self.age_unknown));
        }
        if self.younger_by_id > 0 {
            words.push(format!("left out, as they are younger by their IDs: {}", self.younger_by_id));
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invitation::InvitationId;

    fn selected(id: &str, words: &str, days: Days, older: Option<u32>, newer: Option<u32>) -> Selection {
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
        Filter { older_than: older, newer_than: newer, keep: Keep::default(), now }.select(&found)
    }

    #[test]
    fn who_is_old_enough() {
        // An old ID without a time, and one of 2025-05-16, 45 days before.
        let (short, long) = ("2906418534", "7329176687475109888");
        let cases = [
            (short, "1 month ago", None, Some(30), None, Selection::Selected),
            (short, "3 weeks ago", None, Some(30), None, Selection::OtherAge),
            (short, "4 weeks ago", None, Some(28), None, Selection::Selected),
            (short, "1 month ago", None, Some(31), None, Selection::OtherAge),
            (short, "vor 3 Monaten", None, Some(30), None, Selection::AgeUnknown),
            (short, "vor 3 Monaten", None, None, None, Selection::Selected),
            (short, "", None, None, Some(30), Selection::AgeUnknown),
            (short, "3 weeks ago", None, None, Some(30), Selection::Selected),
            (short, "1 month ago", None, None, Some(30), Selection::OtherAge),
            (short, "3 months ago", None, Some(30), Some(180), Selection::Selected),
            (short, "1 year ago", None, Some(30), Some(180), Selection::OtherAge),
            // Of words and number, the younger counts.
            (short, "1mo", Some(45), Some(40), None, Selection::OtherAge),
            (short, "2mo", Some(45), Some(40), None, Selection::Selected),
            (short, "2mo", Some(5), Some(30), None, Selection::OtherAge),
            (short, "vor 2 Monaten", Some(60), Some(30), None, Selection::Selected),
            // The ID's own time can only protect.
            (long, "1 month ago", None, Some(30), None, Selection::Selected),
            (long, "3 months ago", None, Some(60), None, Selection::YoungerById),
            (long, "today", None, Some(30), None, Selection::OtherAge),
            (long, "vor 3 Monaten", None, Some(30), None, Selection::AgeUnknown),
        ];
        for (id, words, days, older, newer, expected) in cases {
            let days = days.map_or(Days::Unsaid, Days::Known);
            assert_eq!(
                selected(id, words, days, older, newer),
                expected,
                "{id} {words:?} {days:?} {older:?} {newer:?}"
            );
        }
    }

    /// However old it is by the words.
    #[test]
    fn an_unreadable_number_of_days_makes_no_age() {
        for (older, newer, expected) in [
            (Some(30), None, Selection::AgeUnknown),
            (None, Some(900), Selection::AgeUnknown),
            (None, None, Selection::Selected),
        ] {
            assert_eq!(selected("2906418534", "2 years ago", Days::Unreadable, older, newer), expected);
        }
    }
}
