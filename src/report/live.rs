//! The live display's words: what there is to show, and a width, as lines of which none is cut in a word.
//!
//! Pure. Does not draw, and knows no clock.

use std::time::Duration;

use super::plural;
use crate::policy::Cost;
use crate::underway::Wait;

/// How things may look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) is_utf8: bool,
    pub(crate) has_color: bool,
    /// The terminal can't move its cursor.
    pub(crate) is_dumb: bool,
}

impl Look {
    /// By the value of `TERM`.
    pub(crate) fn is_dumb(term: &str) -> bool {
        term == "dumb"
    }

    /// By the values of `LC_ALL`, `LC_CTYPE` and `LANG`, of which the first that is set counts.
    pub(crate) fn is_utf8(locale: &[String]) -> bool {
        let name = locale.iter().find(|value| !value.is_empty()).map(|name| name.to_ascii_lowercase());
        name.is_some_and(|name| name.contains("utf-8") || name.contains("utf8"))
    }
}

/// What there is to show.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct View {
    pub(super) work: Work,
    pub(super) credits: Cost,
    pub(super) state: State,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Work {
    List { invitations: u64, pages: u64 },
    Rows(Rows),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Rows {
    pub(super) done: u64,
    pub(super) total: Option<u64>,
    pub(super) left: Option<Duration>,
    pub(super) withdrawn: u64,
    /// Nothing was to be done, or no call was made.
    pub(super) skipped: u64,
    pub(super) failed: u64,
    pub(super) per_minute: Option<u64>,
    /// What the API key allows, where that is less than the configured rate.
    pub(super) learned: Option<String>,
}

/// What the second line is about.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum State {
    Going,
    RateLimited {
        next: Duration,
        giving_up: Option<Duration>,
    },
    /// The API named the moment.
    AskedToWait {
        until: String,
    },
    Retrying {
        why: &'static str,
        retry: u32,
        of: u32,
    },
    Waiting {
        wait: Wait,
        until: String,
        left: Duration,
    },
    Stopping {
        calls: usize,
        longest: Duration,
    },
}

/// Below this width there is one line.
const WIDE: usize = 60;
const BAR: u64 = 12;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Color {
    None,
    Dim,
    Green,
    Red,
    Yellow,
}

/// A part of a line.
struct Part {
    /// What it is worth: the lowest goes in first.
    rank: u8,
    /// Blanks before it, unless it is the first.
    gap: usize,
    text: String,
    /// Where the text is too long.
    short: Option<String>,
    color: Color,
}

impl Part {
    fn new(rank: u8, text: impl Into<String>) -> Self {
        Self { rank, gap: 2, text: text.into(), short: None, color: Color::None }
    }

    fn gap(self, gap: usize) -> Self {
        Self { gap, ..self }
    }

    fn short(self, short: impl Into<String>) -> Self {
        Self { short: Some(short.into()), ..self }
    }

    fn color(self, color: Color) -> Self {
        Self { color, ..self }
    }
}

impl View {
    /// The lines for a terminal of this width.
    pub(super) fn lines(&self, width: usize, look: Look) -> Vec<String> {
        // Text in the last column makes some terminals begin a new line.
        let width = width.saturating_sub(1);
        let lines = if width + 1 < WIDE {
            vec![self.only_line(look)]
        } else {
            vec![self.first_line(look), self.second_line(look)]
        };
        lines.into_iter().map(|parts| fit(parts, width, look)).filter(|line| !line.is_empty()).collect()
    }

    /// All of it, for a log.
    pub(super) fn plain(&self) -> String {
        let look = Look::default();
        let first = self.first_line(look).into_iter().filter(|part| part.rank != RANK_OF_BAR);
        fit(first.chain(self.second_line(look)).collect(), usize::MAX, look)
    }

    fn first_line(&self, look: Look) -> Vec<Part> {
        match &self.work {
            Work::List { invitations, pages } => vec![
                Part::new(1, "Fetching the list"),
                Part::new(0, plural(*invitations, "invitation")),
                Part::new(2, plural(*pages, "page")),
                self.credits(3),
            ],
            Work::Rows(rows) => {
                let verb = Part::new(3, "Withdrawing");
                let count = Part::new(0, rows.count()).gap(1);
                let Some(total) = rows.total else { return vec![verb, count] };
                let left = rows.left.map(|left| Part::new(1, format!("about {} left", rounded(left))));
                let percent = rows.done.min(total) * 100 / total.max(1);
                let bar = Part::new(RANK_OF_BAR, bar(rows.done, total, look)).gap(1);
                let parts = [Some(verb), Some(bar), Some(count), Some(Part::new(2, format!("{percent}%"))), left];
                parts.into_iter().flatten().collect()
            }
        }
    }

    fn second_line(&self, look: Look) -> Vec<Part> {
        let state = self.state.part(0);
        let Work::Rows(rows) = &self.work else { return state.into_iter().collect() };
        let is_going = state.is_none();
        let skipped = (rows.skipped > 0 && is_going).then(|| rows.skipped(4, look));
        let pace = rows.per_minute.filter(|_| is_going).map(|calls| Part::new(5, format!("{calls}/min")).gap(3));
        let learned = rows.learned.as_ref().filter(|_| is_going);
        let learned = learned.map(|rate| Part::new(6, format!("key allows {rate}")));
        let counts = [Some(rows.withdrawn(1, look).gap(3)), skipped, Some(rows.failed(2, look))];
        let rest = [Some(self.credits(3).gap(3)), pace, learned];
        state.into_iter().chain(counts.into_iter().flatten()).chain(rest.into_iter().flatten()).collect()
    }

    fn only_line(&self, look: Look) -> Vec<Part> {
        match &self.work {
            Work::List { invitations, pages } => {
                let state = self.state.part(0);
                let invitations = Part::new(u8::from(state.is_some()), plural(*invitations, "invitation"));
                let pages = state.is_none().then(|| Part::new(2, plural(*pages, "page")));
                [Some(invitations), state, pages].into_iter().flatten().collect()
            }
            Work::Rows(rows) => {
                let state = self.state.part(1);
                let left = rows.left.filter(|_| state.is_none());
                let left = left.map(|left| Part::new(1, format!("about {} left", rounded(left))));
                let failed = rows.failed(3, look);
                let parts =
                    [Some(Part::new(0, rows.count())), state, left, Some(rows.withdrawn(2, look)), Some(failed)];
                parts.into_iter().flatten().collect()
            }
        }
    }

    fn credits(&self, rank: u8) -> Part {
        let Cost { charged, possible } = self.credits;
        let most = if possible > charged { format!(" (max {possible})") } else { String::new() };
        Part::new(rank, format!("credits {charged}{most}"))
    }
}

const RANK_OF_BAR: u8 = 7;

impl Rows {
    fn count(&self) -> String {
        self.total.map_or_else(|| plural(self.done, "row"), |total| format!("{}/{total}", self.done))
    }

    fn withdrawn(&self, rank: u8, look: Look) -> Part {
        let mark = if look.is_utf8 { "✓" } else { "ok" };
        Part::new(rank, format!("{mark} {}", self.withdrawn)).color(Color::Green)
    }

    fn skipped(&self, rank: u8, look: Look) -> Part {
        let mark = if look.is_utf8 { "– " } else { "" };
        Part::new(rank, format!("{mark}{} skipped", self.skipped))
    }

    fn failed(&self, rank: u8, look: Look) -> Part {
        let mark = if look.is_utf8 { "✗" } else { "failed" };
        let color = if self.failed > 0 { Color::Red } else { Color::Dim };
        Part::new(rank, format!("{mark} {}", self.failed)).color(color)
    }
}

impl State {
    fn part(&self, rank: u8) -> Option<Part> {
        let (text, short) = match self {
            Self::Going => return None,
            Self::RateLimited { next, giving_up } => {
                let next = rounded(*next);
                let end = giving_up.map(|left| format!(", giving up in {}", rounded(left))).unwrap_or_default();
                (format!("Rate limited: next try in {next}{end}"), format!("rate limited, next in {next}"))
            }
            Self::AskedToWait { until } => {
                (format!("Rate limited: asked to wait until {until}"), format!("waiting until {until}"))
            }
            Self::Retrying { why, retry, of } => {
                (format!("{why}: retry {retry} of {of}"), format!("{why}, {retry}/{of}").to_lowercase())
            }
            Self::Waiting { wait, until, left } => match wait {
                Wait::Gap => {
                    let left = rounded(*left);
                    (format!("Pausing (--gap): next withdrawal in {left}"), format!("next in {left}"))
                }
                Wait::Hours => {
                    (format!("Outside the hours (--between): waiting until {until}"), format!("waiting until {until}"))
                }
                Wait::Limit(option) => {
                    (format!("{option} is used up: waiting until {until}"), format!("waiting until {until}"))
                }
            },
            Self::Stopping { calls: 0, .. } => ("Stopping".to_owned(), "stopping".to_owned()),
            Self::Stopping { calls, longest } => {
                let (calls, longest) = (plural(*calls as u64, "call"), rounded(*longest));
                (format!("Stopping: {calls} to finish, at most {longest}"), format!("stopping, at most {longest}"))
            }
        };
        let part = Part::new(rank, text).short(short);
        Some(part.color(Color::Yellow))
    }
}

/// A duration of which nobody needs more than two digits.
pub(crate) fn rounded(duration: Duration) -> String {
    let seconds = duration.as_secs_f64().ceil().max(1.0) as u64;
    match seconds {
        ..90 => format!("{seconds} s"),
        90..5_400 => format!("{} min", (seconds + 30) / 60),
        5_400..172_800 => format!("{} h", (seconds + 1_800) / 3_600),
        _ => format!("{} days", (seconds + 43_200) / 86_400),
    }
}

fn bar(done: u64, total: u64, look: Look) -> String {
    let full = done.min(total) * BAR / total.max(1);
    let (on, off) = if look.is_utf8 { ("█", "░") } else { ("#", ".") };
    on.repeat(full as usize) + &off.repeat((BAR - full) as usize)
}

/// The parts that fit, the most important first in, in their order. No part is cut.
fn fit(parts: Vec<Part>, width: usize, look: Look) -> String {
    let mut by_rank: Vec<usize> = (0..parts.len()).collect();
    by_rank.sort_by_key(|at| parts[*at].rank);
    let mut chosen: Vec<Option<&str>> = vec![None; parts.len()];
    for at in by_rank {
        let texts = [Some(&parts[at].text), parts[at].short.as_ref()];
        for text in texts.into_iter().flatten() {
            chosen[at] = Some(text);
            if length(&parts, &chosen) <= width {
                break;
            }
            chosen[at] = None;
        }
    }
    let mut line = String::new();
    for (part, text) in parts.iter().zip(chosen) {
        let Some(text) = text else { continue };
        let gap = if line.is_empty() { 0 } else { part.gap };
        line.push_str(&" ".repeat(gap));
        line.push_str(&colored(text, part.color, look));
    }
    line
}

/// In columns: all that is shown here is one wide.
fn length(parts: &[Part], chosen: &[Option<&str>]) -> usize {
    let mut length = 0;
    for (part, text) in parts.iter().zip(chosen) {
        let Some(text) = text else { continue };
        length += if length == 0 { 0 } else { part.gap } + text.chars().count();
    }
    length
}

fn colored(text: &str, color: Color, look: Look) -> String {
    let code = match color {
        Color::Dim => "2",
        Color::Green => "32",
        Color::Red => "31",
        Color::Yellow => "33",
        Color::None => return text.to_owned(),
    };
    if look.has_color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UTF8: Look = Look { is_utf8: true, has_color: false, is_dumb: false };
    const ASCII: Look = Look { is_utf8: false, has_color: false, is_dumb: false };

    fn view(state: State) -> View {
        let rows = Rows {
            done: 24,
            total: Some(40),
            left: Some(Duration::from_millis(3_700)),
            withdrawn: 21,
            skipped: 3,
            failed: 0,
            per_minute: Some(233),
            learned: None,
        };
        View { work: Work::Rows(rows), credits: Cost { charged: 21, possible: 23 }, state }
    }

    fn every_view() -> Vec<View> {
        let seconds = Duration::from_secs;
        let until = || "08:00".to_owned();
        let mut views: Vec<_> = [
            State::Going,
            State::RateLimited { next: seconds(12), giving_up: Some(seconds(840)) },
            State::AskedToWait { until: until() },
            State::Retrying { why: "No connection", retry: 2, of: 5 },
            State::Waiting { wait: Wait::Hours, until: "Fri 08:00".to_owned(), left: seconds(30_000) },
            State::Waiting { wait: Wait::Gap, until: until(), left: seconds(45) },
            State::Waiting { wait: Wait::Limit("--daily-cap"), until: until(), left: seconds(400) },
            State::Stopping { calls: 3, longest: seconds(18) },
            State::Stopping { calls: 1, longest: seconds(18) },
            State::Stopping { calls: 0, longest: seconds(0) },
        ]
        .into_iter()
        .map(view)
        .collect();
        let list = View {
            work: Work::List { invitations: 54, pages: 6 },
            credits: Cost { charged: 6, possible: 6 },
            state: State::Going,
        };
        let held = View { state: State::RateLimited { next: seconds(12), giving_up: None }, ..list.clone() };
        let unknown = View {
            work: Work::Rows(Rows { done: 1, learned: Some("100/min".to_owned()), ..Rows::default() }),
            credits: Cost::default(),
            state: State::Going,
        };
        views.extend([list, held, unknown]);
        views
    }

    #[test]
    fn the_lines_by_width_and_charset() {
        for (name, width, look) in
            [("120", 120, UTF8), ("80", 80, UTF8), ("40", 40, UTF8), ("80_ascii", 80, ASCII), ("40_ascii", 40, ASCII)]
        {
            let shown = every_view().iter().map(|view| view.lines(width, look).join("\n")).collect::<Vec<_>>();
            insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(name, shown.join("\n\n")) });
        }
        let plain = every_view().iter().map(View::plain).collect::<Vec<_>>();
        insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!("plain", plain.join("\n")) });
    }

    #[test]
    fn at_every_width_the_lines_fit_and_consist_of_whole_words() {
        for view in every_view() {
            let everything = [view.only_line(UTF8), view.first_line(UTF8), view.second_line(UTF8)];
            let texts = everything.iter().flatten().flat_map(|part| [Some(&part.text), part.short.as_ref()]);
            let words: Vec<_> = texts.flatten().flat_map(|text| text.split(' ')).collect();
            for width in 1..=130 {
                let lines = view.lines(width, UTF8);
                assert!(lines.len() <= if width < WIDE { 1 } else { 2 });
                for line in lines {
                    assert!(line.chars().count() < width, "{width}: {line}");
                    for word in line.split_whitespace() {
                        assert!(words.contains(&word), "{width}: {word} in {line}");
                    }
                }
            }
        }
    }

    #[test]
    fn ascii_is_ascii_and_colors_come_only_where_they_may() {
        for view in every_view() {
            for line in view.lines(120, ASCII) {
                assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line}");
            }
            let plain = view.lines(120, UTF8).join("\n");
            let colored = view.lines(120, Look { has_color: true, ..UTF8 }).join("\n");
            let without = ["0", "2", "31", "32", "33"]
                .iter()
                .fold(colored, |text, code| text.replace(&format!("\u{1b}[{code}m"), ""));
            assert_eq!(without, plain);
        }
    }

    #[test]
    fn the_first_variable_that_is_set_names_the_charset() {
        for (values, expected) in [
            (["", "", ""], false),
            (["", "", "en_US.UTF-8"], true),
            (["C", "", "en_US.UTF-8"], false),
            (["", "de_DE.utf8", "C"], true),
            (["", "", "C"], false),
            (["POSIX", "C.UTF-8", "C.UTF-8"], false),
        ] {
            assert_eq!(Look::is_utf8(&values.map(str::to_owned)), expected, "{values:?}");
        }
    }

    #[test]
    fn durations_have_two_digits() {
        let cases =
            [(0.0, "1 s"), (3.2, "4 s"), (89.0, "89 s"), (90.0, "2 min"), (3_600.0, "60 min"), (90_000.0, "25 h")];
        for (seconds, text) in cases {
            assert_eq!(rounded(Duration::from_secs_f64(seconds)), text);
        }
        assert_eq!(rounded(Duration::from_secs(400_000)), "5 days");
    }
}
