//! Who is pending, as the list showed it: by age, and who was left out and why.

use maud::{Markup, html};

use super::ages::Ages;
use super::chart::{Bar, Part, bars};
use super::first::First;
use super::frame::{figure, section};
use super::observed::MOST_PEOPLE;
use super::person::Person;
use crate::invitation::AccountName;
use crate::listing::{Found, Selection, age_days};
use crate::report::groups::Groups;
use crate::report::plural;

/// What lists showed, in bounded memory.
#[derive(Clone, Debug)]
pub(crate) struct Backlog {
    cut_off: Option<u32>,
    before: Ages,
    /// Whether that is all that is pending.
    is_whole: bool,
    pub(super) selected: First<MOST_PEOPLE>,
    pub(super) left_out: Groups<(), First<20>>,
}

impl Backlog {
    pub(crate) fn new(cut_off: Option<u32>) -> Self {
        let before = Ages::new(cut_off);
        Self { cut_off, before, is_whole: false, selected: First::default(), left_out: Groups::default() }
    }

    pub(crate) fn add(&mut self, found: &Found, account: &AccountName, selection: Selection) {
        self.before.add(age_days(found));
        let person = || Person::found(found, account);
        match reason(selection) {
            None => self.selected.add(person),
            Some(reason) => self.left_out.of((), reason).add(person),
        }
    }

    /// Counts those whom `--max-pending` leaves.
    pub(crate) fn leave<'a>(&mut self, people: impl Iterator<Item = (&'a Found, &'a AccountName)>) {
        for (found, account) in people {
            let reason = "among the youngest, who stay within --max-pending";
            self.left_out.of((), reason).add(|| Person::found(found, account));
        }
    }

    /// Those who are selected after all: later pages may say that somebody is younger, and some may stay.
    pub(crate) fn choose<'a>(&mut self, people: impl Iterator<Item = (&'a Found, &'a AccountName)>) {
        self.selected = First::default();
        people.for_each(|(found, account)| self.selected.add(|| Person::found(found, account)));
    }

    /// `whole`: how many are on the lists, if each was read to its end.
    pub(crate) fn end(&mut self, whole: Option<u64>) {
        self.is_whole = whole == Some(self.before.total());
    }

    pub(super) const fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Before and after, if `gone` says who is no longer pending.
    pub(super) fn section(&self, gone: Option<&Ages>) -> Markup {
        let after = |age: usize| gone.map_or(0, |gone| gone.groups().nth(age).map_or(0, |(.., count)| count));
        let rows: Vec<Row> = self
            .before
            .groups()
            .enumerate()
            .map(|(at, (start, words, before))| {
                let is_first_old = self.cut_off.is_some_and(|cut_off| cut_off == start);
                Row { words, before, after: before.saturating_sub(after(at)), is_first_old }
            })
            .chain([Row {
                words: "age unknown".to_owned(),
                before: self.before.unknown,
                after: self.before.unknown.saturating_sub(gone.map_or(0, |gone| gone.unknown)),
                is_first_old: false,
            }])
            .collect();
        let (before, after) = (self.before.total(), rows.iter().map(|row| row.after).sum::<u64>());
        let (least, partly) = match self.is_whole {
            true => ("", ""),
            false => ("At least ", " The list is not whole: those on pages that were not read are missing here."),
        };
        let (before, are) = (plural(before, "invitation"), if before == 1 { "is" } else { "are" });
        let said = match gone {
            Some(_) => format!("{least}{before} pending before the run and {after} of them after it, by age.{partly}"),
            None => format!("{least}{before} {are} pending, by age.{partly}"),
        };
        let cut_off = self.cut_off.map(|days| format!("From {days} days on, they are old enough to be withdrawn."));
        section(
            "backlog",
            "Backlog by age",
            html! {
                (figure(&said, cut_off.as_deref(), chart(&rows, gone.is_some()), table(&rows, gone.is_some())))
            },
        )
    }
}

struct Row {
    words: String,
    before: u64,
    after: u64,
    /// The first that is old enough to be withdrawn.
    is_first_old: bool,
}

fn chart(rows: &[Row], has_after: bool) -> Markup {
    let bars_of = |row: &Row| {
        let (left, gone) = if has_after { (row.after, row.before - row.after) } else { (row.before, 0) };
        let value = if has_after { format!("{} → {}", row.before, row.after) } else { row.before.to_string() };
        Bar {
            label: row.words.clone(),
            parts: vec![(Part::Main, left), (Part::Pale, gone)],
            value,
            rule: row.is_first_old.then_some("cut-off"),
        }
    };
    let legend: &[_] = if has_after { &[(Part::Main, "still pending"), (Part::Pale, "gone")] } else { &[] };
    bars(&rows.iter().map(bars_of).collect::<Vec<_>>(), legend)
}

fn table(rows: &[Row], has_after: bool) -> Markup {
    html! {
        table {
            thead { tr {
                th scope="col" { "Age" }
                th.number scope="col" { @if has_after { "Before" } @else { "Pending" } }
                @if has_after { th.number scope="col" { "After" } }
            } }
            tbody { @for row in rows { tr {
                th scope="row" { (row.words) @if row.is_first_old { " (from here on old enough)" } }
                td.number { (row.before) }
                @if has_after { td.number { (row.after) } }
            } } }
        }
    }
}

/// Why somebody is left out; `None` for who is selected.
const fn reason(selection: Selection) -> Option<&'static str> {
    match selection {
        Selection::Selected => None,
        Selection::Kept => Some("on the --keep list"),
        Selection::MightBeKept => Some("perhaps on the --keep list: the profile's address can't be compared"),
        Selection::OtherText => Some("name and headline don't match"),
        Selection::HasNote => Some("sent with a note"),
        Selection::NoteUnknown => Some("perhaps sent with a note: the list doesn't say"),
        Selection::OtherAge => Some("outside the age limits"),
        Selection::AgeUnknown => Some("age unknown"),
        Selection::YoungerById => Some("younger by the invitation's ID than by the API's words"),
    }
}
