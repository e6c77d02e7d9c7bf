//! Which of the listed invitations are selected: by age, text and note, and by who is to be kept.
//!
//! Owns the rule that what may be young is never old enough: an unreadable age is no age, and an ID can only make an
//! invitation younger.

use jiff::Timestamp;

use super::unicode::{folded, lower};
use super::{Days, Found, Keep, KeepStatus};
use crate::policy::{certain_days, is_younger_by_id};

#[derive(Clone, Debug)]
pub(crate) struct Filter {
    /// `--older-than`: this many days or more.
    pub older_than: Option<u32>,
    /// `--newer-than`: fewer days than this; the API's words are approximate.
    pub newer_than: Option<u32>,
    pub texts: TextFilter,
    pub without_note: bool,
    /// Whether an age must be readable even where none is asked for.
    pub needs_age: bool,
    pub keep: Keep,
    pub now: Timestamp,
}

/// `--match` and `--not-match`.
#[derive(Clone, Debug, Default)]
pub(crate) struct TextFilter {
    /// Each in the form that it is compared in: only what surely is the same text selects somebody, and what may be
    /// the same leaves them out.
    any_of: Vec<String>,
    none_of: Vec<String>,
}

impl TextFilter {
    pub(crate) fn new(any_of: &[String], none_of: &[String]) -> Self {
        let all = |texts: &[String], form: fn(&str) -> String| texts.iter().map(|text| form(text)).collect();
        Self { any_of: all(any_of, lower), none_of: all(none_of, folded) }
    }

    /// Of somebody without a text, or with one that is cut, nothing shows that a word is not there.
    fn lets_through(&self, found: &Found) -> bool {
        let texts = [&found.name, &found.headline];
        let hold = |wanted: &[String], form: fn(&str) -> String| {
            let texts = texts.map(|text| form(text));
            wanted.iter().any(|wanted| texts.iter().any(|text| text.contains(wanted)))
        };
        let is_whole = texts.iter().any(|text| !text.is_empty()) && !texts.iter().any(|text| text.ends_with('…'));
        (self.any_of.is_empty() || hold(&self.any_of, lower))
            && (self.none_of.is_empty() || is_whole && !hold(&self.none_of, folded))
    }
}

/// What the filter says of one invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    Selected,
    /// It is on the list of those to keep.
    Kept,
    /// Its profile's address can't be compared with those to keep.
    MightBeKept,
    /// Name and headline don't match.
    OtherText,
    HasNote,
    NoteUnknown,
    /// Too recent or too old.
    OtherAge,
    AgeUnknown,
    /// Old enough by the API's words, but not by its ID.
    YoungerById,
}

impl Filter {
    pub(crate) fn select(&self, found: &Found) -> Selection {
        let kept = self.keep.status(Some(&found.id), &found.profile_url);
        let selection = match found.has_note {
            _ if !self.texts.lets_through(found) => Selection::OtherText,
            Some(true) if self.without_note => Selection::HasNote,
            None if self.without_note => Selection::NoteUnknown,
            Some(_) | None => self.of_age(found),
        };
        match (kept, selection) {
            (KeepStatus::Kept, _) => Selection::Kept,
            (KeepStatus::Unknown, Selection::Selected) => Selection::MightBeKept,
            (KeepStatus::Unknown | KeepStatus::NotKept, selection) => selection,
        }
    }

    fn of_age(&self, found: &Found) -> Selection {
        if self.older_than.is_none() && self.newer_than.is_none() && !self.needs_age {
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
pub(crate) fn age_days(found: &Found) -> Option<u32> {
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
    pub other_text: u64,
    pub has_note: u64,
    pub note_unknown: u64,
    pub other_age: u64,
    /// Selected, and younger than those that go (`--max-pending`).
    pub left: u64,
    pub age_unknown: u64,
    pub younger_by_id: u64,
}

impl SelectionCounts {
    pub(crate) fn add(&mut self, selection: Selection) {
        *match selection {
            Selection::Selected => &mut self.selected,
            Selection::Kept => &mut self.kept,
            Selection::MightBeKept => &mut self.might_be_kept,
            Selection::OtherText => &mut self.other_text,
            Selection::HasNote => &mut self.has_note,
            Selection::NoteUnknown => &mut self.note_unknown,
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
        if self.note_unknown > 0 {
            words.push(format!("left out, as the list doesn't say whether they have a note: {}", self.note_unknown));
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

    fn filter(older_than: Option<u32>, newer_than: Option<u32>) -> Filter {
        Filter {
            older_than,
            newer_than,
            texts: TextFilter::default(),
            without_note: false,
            needs_age: false,
            keep: Keep::default(),
            now: "2025-06-30T00:00:00Z".parse().unwrap(),
        }
    }

    fn aged(id: &str, words: &str, days: Days) -> Found {
        let profile_url = "https://www.linkedin.com/in/ada".to_owned();
        Found { profile_url, sent_time: words.to_owned(), sent_time_days: days, ..Found::bare(id) }
    }

    fn selected(id: &str, words: &str, days: Days, older: Option<u32>, newer: Option<u32>) -> Selection {
        filter(older, newer).select(&aged(id, words, days))
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

    #[test]
    fn who_is_selected_by_text() {
        type Texts = &'static [&'static str];
        let cases: [(&str, &str, Texts, Texts, bool); 35] = [
            ("Ada Lovelace", "Analyst", &[], &[], true),
            ("Ada Lovelace", "Analyst", &["LOVE"], &[], true),
            ("Ada Lovelace", "Analyst", &["analyst"], &[], true),
            ("Ada Lovelace", "Analyst", &["recruiter", "analyst"], &[], true),
            ("Ada Lovelace", "Analyst", &["recruiter"], &[], false),
            // Not across the two.
            ("Ada Lovelace", "Analyst", &["lovelace analyst"], &[], false),
            ("Zoë Ölmez", "", &["ÖLMEZ"], &[], true),
            ("Ada Lovelace", "Analyst", &[], &["Recruiter"], true),
            ("Ada Lovelace", "Analyst", &[], &["recruiter", "ANALYST"], false),
            ("Ada Lovelace", "Analyst", &["ada"], &["analyst"], false),
            ("Ada Lovelace", "Analyst", &["ada"], &["byron"], true),
            ("Ada Lovelace", "", &[], &["analyst"], true),
            ("", "Analyst", &[], &["ada"], true),
            // Nothing to compare, or not all of it.
            ("", "", &[], &["analyst"], false),
            ("", "", &["analyst"], &[], false),
            ("Ada Lovelace", "Head of everything…", &[], &["analyst"], false),
            ("Ada Lovelace", "Head of everything…", &["head"], &[], true),
            // The same letters in another Unicode form.
            ("Jose\u{301}", "", &["JOS\u{c9}"], &[], true),
            ("Jose\u{301}", "", &["jose"], &[], false),
            ("Ada", "İSTANBUL", &["istanbul"], &[], false),
            ("Jose\u{301}", "", &[], &["jos\u{e9}"], false),
            ("Jos\u{e9}", "", &[], &["JOSE\u{301}"], false),
            ("Jos\u{e9}", "", &[], &["jose"], false),
            ("Jose", "", &[], &["josé"], false),
            ("Jo\u{ad}se", "", &[], &["jose"], false),
            ("Ada", "İSTANBUL", &[], &["istanbul"], false),
            ("Ada", "istanbul", &[], &["İstanbul"], false),
            ("Ada", "IĞDIR", &[], &["ığdır"], false),
            ("Ada", "STRASSE", &[], &["straße"], false),
            ("Ada", "STRAẞE", &[], &["strasse"], false),
            ("ΝΙΚΟΣΤΡΑΤΟΣ", "", &[], &["ΝΙΚΟΣ"], false),
            ("𝐀𝐝𝐚", "ｎｕｒｓｅ", &[], &["nurse"], false),
            ("𝐀𝐝𝐚", "ｎｕｒｓｅ", &[], &["ADA"], false),
            ("\u{1112}\u{1161}\u{11ab}", "", &[], &["한"], false),
            ("José", "İSTANBUL", &[], &["ankara"], true),
        ];
        for (name, headline, any_of, none_of, expected) in cases {
            let found =
                Found { name: name.to_owned(), headline: headline.to_owned(), ..aged("7", "today", Days::Unsaid) };
            let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
            let texts = TextFilter::new(&owned(any_of), &owned(none_of));
            let selection = Filter { texts, ..filter(None, None) }.select(&found);
            let wanted = if expected { Selection::Selected } else { Selection::OtherText };
            assert_eq!(selection, wanted, "{name:?} {headline:?} {any_of:?} {none_of:?}");
        }
    }

    #[test]
    fn who_has_a_note() {
        let cases = [
            (Some(true), true, Selection::HasNote),
            (Some(false), true, Selection::Selected),
            (None, true, Selection::NoteUnknown),
            (Some(true), false, Selection::Selected),
            (None, false, Selection::Selected),
        ];
        for (has_note, without_note, expected) in cases {
            let found = Found { has_note, ..aged("7", "today", Days::Unsaid) };
            assert_eq!(Filter { without_note, ..filter(None, None) }.select(&found), expected, "{has_note:?}");
        }
    }

    /// Where the oldest go, one of unknown age may be young.
    #[test]
    fn an_age_can_be_needed_without_a_limit() {
        let found = aged("7", "vor 3 Monaten", Days::Unsaid);
        assert_eq!(filter(None, None).select(&found), Selection::Selected);
        assert_eq!(Filter { needs_age: true, ..filter(None, None) }.select(&found), Selection::AgeUnknown);
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
