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
use crate::outcome::Outcome;
use crate::report::groups::Groups;

/// What lists showed, in bounded memory.
#[derive(Clone, Debug)]
pub(crate) struct Backlog {
    cut_off: Option<u32>,
    before: Ages,
    pub(super) selected: First<MOST_PEOPLE>,
    pub(super) left_out: Groups<Option<Outcome>, First<20>>,
}

impl Backlog {
    pub(crate) fn new(cut_off: Option<u32>) -> Self {
        Self { cut_off, before: Ages::new(cut_off), selected: First::default(), left_out: Groups::default() }
    }

    pub(crate) fn add(&mut self, found: &Found, account: &AccountName, selection: Selection) {
        self.before.add(age_days(found));
        let person = || Person::found(found, account);
        match reason(selection) {
            None => self.selected.add(person),
            Some(reason) => self.left_out.of(None, reason).add(person),
        }
    }

    /// Counts those whom `--max-pending` leaves.
    pub(crate) fn leave<'a>(&mut self, people: impl Iterator<Item = (&'a Found, &'a AccountName)>) {
        for (found, account) in people {
            let reason = "among the youngest, who stay within --max-pending";
            self.left_out.of(None, reason).add(|| Person::found(found, account));
        }
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
        let said = match gone {
            Some(_) => format!("{before} invitations were pending before the run and {after} after it, by age."),
            None => format!("{before} invitations are pending, by age."),
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
