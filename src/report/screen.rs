//! The screen: stderr, which the log shares with the live display, so that no line is written through it.
//!
//! Owns every byte that is written there. indicatif draws the display.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};
use rustix::termios::tcgetwinsize;
use serde_json::{Map, Value};
use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;
use unicode_width::UnicodeWidthStr;

use super::live::Look;
use super::log::json_line;
use crate::policy::visible;

/// A handle to stderr. Clones are the same screen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Screen {
    drawn: Arc<Mutex<Drawn>>,
    /// Whether each line is a JSON object.
    is_json: bool,
    is_terminal: bool,
    look: Look,
}

/// The live display as it is there now.
#[derive(Debug, Default)]
struct Drawn {
    bar: Option<ProgressBar>,
    lines: Vec<String>,
}

impl Screen {
    pub(crate) fn new(is_json: bool, look: Look) -> Self {
        Self { is_json, is_terminal: io::stderr().is_terminal(), look, ..Self::default() }
    }

    pub(crate) const fn is_json(&self) -> bool {
        self.is_json
    }

    pub(crate) const fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Whether lines can be drawn in their place.
    pub(crate) const fn can_draw(&self) -> bool {
        self.is_terminal && !self.is_json && !self.look.is_dumb
    }

    pub(crate) const fn look(&self) -> Look {
        self.look
    }

    /// In columns, as it is now.
    pub(super) fn width(&self) -> usize {
        usize::from(terminal_width())
    }

    /// Writes text for people above the live display; in a JSON log, this event. A closed stderr does not end a run.
    /// Whatever the text was made of, it does nothing to the terminal but stand there.
    pub(crate) fn print_as(&self, event: &str, text: &str) {
        if self.is_json {
            self.write_line(&json_line(Level::INFO, event, text.trim(), Map::new()));
        } else {
            let _ = self.write_text(&harmless(text, '\n'));
        }
    }

    pub(crate) fn print(&self, text: &str) {
        self.print_as("notice", text);
    }

    /// Writes a command that may be copied: it is never broken, and a terminal knows that its lines are one.
    pub(crate) fn print_command(&self, command: &str) {
        if self.is_json {
            self.print(command);
        } else {
            let _ = self.write_above(&format!("{}\n", visible(command)));
        }
    }

    /// Says why the command failed or stopped. All of it may be foreign, and it stays one line.
    pub(crate) fn print_failure(&self, why: &str) {
        if self.is_json {
            self.write_line(&json_line(Level::ERROR, "failed", why, Map::new()));
        } else {
            self.print(&format!("bulk-withdraw: {}\n", visible(why)));
        }
    }

    /// The last line of a JSON log: what the command came to.
    pub(crate) fn print_end(&self, level: Level, message: &str, summary: Map<String, Value>) {
        self.write_line(&json_line(level, "run_finished", message, summary));
    }

    /// Shows these lines below everything else, in the place of those before.
    pub(crate) fn draw(&self, lines: Vec<String>) {
        let mut drawn = self.drawn();
        if drawn.lines == lines {
            return;
        }
        if lines.is_empty() {
            drawn.bar.take().iter().for_each(ProgressBar::finish_and_clear);
        } else {
            drawn.bar.get_or_insert_with(bar).set_message(lines.join("\n"));
        }
        drawn.lines = lines;
    }

    fn write_line(&self, line: &str) {
        let _ = self.clone().write(line.as_bytes());
    }

    fn drawn(&self) -> MutexGuard<'_, Drawn> {
        self.drawn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// On a terminal, lines are wrapped at words, and have no sign of ours that it can't show.
    fn write_text(&self, text: &str) -> io::Result<()> {
        if !self.is_terminal || self.is_json {
            self.write_above(text)
        } else if self.look.is_utf8 {
            self.write_above(&wrapped(text, self.width()))
        } else {
            self.write_above(&wrapped(&in_ascii(text), self.width()))
        }
    }

    fn write_above(&self, text: &str) -> io::Result<()> {
        match &self.drawn().bar {
            Some(bar) => bar.suspend(|| write_all(text)),
            None => write_all(text),
        }
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::term_like(Box::new(Terminal)));
    // The template is a constant, and a test reads it.
    bar.with_style(ProgressStyle::with_template(LINES).unwrap_or_else(|_| ProgressStyle::default_spinner()))
}

const LINES: &str = "{msg}";

fn terminal_width() -> u16 {
    tcgetwinsize(io::stderr()).ok().map(|size| size.ws_col).filter(|columns| *columns > 0).unwrap_or(80)
}

/// Where the display is drawn.
#[derive(Debug)]
struct Terminal;

impl TermLike for Terminal {
    fn width(&self) -> u16 {
        terminal_width()
    }

    fn move_cursor_up(&self, lines: usize) -> io::Result<()> {
        move_cursor(lines, 'A')
    }

    fn move_cursor_down(&self, lines: usize) -> io::Result<()> {
        move_cursor(lines, 'B')
    }

    fn move_cursor_right(&self, columns: usize) -> io::Result<()> {
        move_cursor(columns, 'C')
    }

    fn move_cursor_left(&self, columns: usize) -> io::Result<()> {
        move_cursor(columns, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        write_all(&format!("{text}\n"))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        write_all(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        write_all("\r\u{1b}[2K")
    }

    /// indicatif leaves the cursor at the end of the last line. From its beginning, what the terminal echoes (`^C`) begins no
    /// other line, on which it would not be cleared.
    fn flush(&self) -> io::Result<()> {
        write_all("\r")
    }
}

fn move_cursor(by: usize, way: char) -> io::Result<()> {
    if by == 0 { Ok(()) } else { write_all(&format!("\u{1b}[{by}{way}")) }
}

fn write_all(text: &str) -> io::Result<()> {
    io::stderr().lock().write_all(text.as_bytes())
}

/// As [`visible`], but for this character.
pub(crate) fn harmless(text: &str, but: char) -> String {
    text.split(but).map(visible).collect::<Vec<_>>().join(but.encode_utf8(&mut [0; 4]))
}

/// Signs in our own words become ASCII; names stay as they are.
fn in_ascii(text: &str) -> String {
    let signs = [("×", "x"), ("…", "..."), ("–", "-"), ("—", "-"), ("·", "-"), ("“", "\""), ("”", "\""), ("’", "'")];
    signs.into_iter().fold(text.to_owned(), |text, (sign, ascii)| text.replace(sign, ascii))
}

/// Each line broken between words where it is longer than this. What follows is indented, below a value where the line
/// begins with its label. A word that is longer stays whole.
fn wrapped(text: &str, width: usize) -> String {
    text.split('\n').map(|line| wrapped_line(line, width)).collect::<Vec<_>>().join("\n")
}

fn wrapped_line(line: &str, width: usize) -> String {
    if columns(line) <= width {
        return line.to_owned();
    }
    broken(&with_glued_units(line), width).replace(GLUE, " ")
}

/// A space at which no line is broken.
const GLUE: char = '\u{a0}';

/// A number stays with its unit.
fn with_glued_units(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for word in line.split_inclusive(' ') {
        let unit = word.trim_end().trim_end_matches([',', '.', ';', ':', ')']);
        let is_unit = matches!(unit, "s" | "min" | "h" | "days" | "credit" | "credits" | "row" | "rows");
        if is_unit && out.strip_suffix(' ').is_some_and(|before| before.ends_with(|last: char| last.is_ascii_digit())) {
            out.pop();
            out.push(GLUE);
        }
        out.push_str(word);
    }
    out
}

fn broken(line: &str, width: usize) -> String {
    let begin = line.len() - line.trim_start_matches(' ').len();
    let value = line[begin..].find("  ").map(|at| begin + at);
    let value = value.map(|at| at + line[at..].len() - line[at..].trim_start_matches(' ').len());
    let indent = value.map(|at| columns(&line[..at])).filter(|at| *at <= width / 3).unwrap_or(begin.min(width / 3) + 2);
    let (mut out, mut used) = (String::new(), 0);
    for word in line.split_inclusive(' ') {
        let needed = columns(word.trim_end_matches(' '));
        if used > indent && used + needed > width {
            out.truncate(out.trim_end_matches(' ').len());
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            used = indent;
        }
        out.push_str(word);
        used += columns(word);
    }
    with_longer_end(out, indent, width)
}

/// Takes words down to a last line that is only a word or two.
fn with_longer_end(mut text: String, indent: usize, width: usize) -> String {
    while let Some((above, last)) = text.rsplit_once('\n')
        && columns(last) - indent < width / 5
        && let Some((above, word)) = above.rsplit_once(' ')
        && above.rsplit('\n').next().is_some_and(|line| !line.ends_with(' ') && line.trim_start().contains(' '))
        && columns(word) + 1 + columns(last) <= width
    {
        text = format!("{above}\n{}{word} {}", " ".repeat(indent), &last[indent..]);
    }
    text
}

/// How many columns it takes, without its colors.
fn columns(text: &str) -> usize {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().map_or(0, UnicodeWidthStr::width);
    let rest = parts.map(|part| part.split_once('m').map_or(0, |(_, shown)| shown.width()));
    first + rest.sum::<usize>()
}

/// A line of the log. Its colors are its own: what came from elsewhere has no escape any more when it arrives here.
impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        self.write_text(&format!("{}\n", harmless(line, '\u{1b}'))).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl<'a> MakeWriter<'a> for Screen {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_can_be_read() {
        assert!(ProgressStyle::with_template(LINES).is_ok());
    }

    #[test]
    fn lines_are_broken_between_words() {
        let cases = [
            ("short", "short"),
            ("Go on? [y/N] ", "Go on? [y/N] "),
            ("one two three four five", "one two three four\n  five"),
            ("row   one two three four", "row   one two three\n      four"),
            ("say yes or else say no.", "say yes or else\n  say no."),
            ("row   one two three to", "row   one two\n      three to"),
            ("row   123456789012 no", "row   123456789012\n      no"),
            ("1234567890123456789012345 x", "1234567890123456789012345\n  x"),
            ("  an indented line wraps", "  an indented line\n    wraps"),
            ("\u{1b}[33mwarning:\u{1b}[0m ten more", "\u{1b}[33mwarning:\u{1b}[0m ten more"),
            ("漢字漢字漢字漢字漢字 x", "漢字漢字漢字漢字漢字\n  x"),
            ("it was sent again in 1 s, so", "it was sent again in\n  1 s, so"),
            ("it was sent in 16 min 5 s", "it was sent in\n  16 min 5 s"),
            ("a\none two three four five\n", "a\none two three four\n  five\n"),
        ];
        for (text, expected) in cases {
            assert_eq!(wrapped(text, 20), expected);
        }
    }
}
