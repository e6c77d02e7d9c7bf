//! What tables are drawn on: a terminal of some width, or a file or a pipe of any.

use std::io::{self, IsTerminal};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::live::Look;
use crate::policy::visible;

/// Columns of a terminal that does not say how many it has.
const USUAL: usize = 80;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paper {
    /// Columns of a line.
    pub width: usize,
    /// What stands for the rest of a text.
    pub ellipsis: &'static str,
}

impl Paper {
    pub(crate) const UNBOUNDED: Self = Self { width: usize::MAX, ellipsis: "…" };

    pub(crate) fn of_stdout() -> Self {
        if !io::stdout().is_terminal() {
            return Self::UNBOUNDED;
        }
        let columns = rustix::termios::tcgetwinsize(io::stdout()).map_or(0, |size| usize::from(size.ws_col));
        Self { width: if columns == 0 { USUAL } else { columns }, ellipsis: if is_utf8() { "…" } else { "..." } }
    }

    /// Shortens a text to this width, at a word where there is one.
    pub(super) fn shorten(&self, text: &str, width: usize) -> String {
        if text.width() <= width {
            return text.to_owned();
        }
        let (fits, rest) = split(text, width.saturating_sub(self.ellipsis.width()));
        let word = fits.rfind(' ').filter(|end| *end > 0 && !rest.starts_with(' '));
        format!("{}{}", fits[..word.unwrap_or(fits.len())].trim_end(), self.ellipsis)
    }

    /// A text that begins `indent` columns into its line, folded at words where there are some, with its line break.
    pub(crate) fn folded(&self, text: &str, indent: usize) -> String {
        let room = self.width.saturating_sub(indent).max(1);
        let text = visible(text);
        let (mut rest, mut out) = (text.as_str(), String::new());
        while rest.width() > room {
            let (fits, _) = split(rest, room + 1);
            let end = fits.rfind(' ').filter(|end| *end > 0).map_or_else(|| split(rest, room).0.len(), |end| end + 1);
            // A character may be wider than all of the room.
            let end = end.max(rest.chars().next().map_or(0, char::len_utf8));
            out.extend([rest[..end].trim_end(), "\n", &" ".repeat(indent)]);
            rest = &rest[end..];
        }
        format!("{}\n", (out + rest).trim_end())
    }
}

/// As much of a text as this width holds, and the rest.
fn split(text: &str, width: usize) -> (&str, &str) {
    let mut used = 0;
    let end = text.char_indices().find(|(_, char)| {
        used += char.width().unwrap_or_default();
        used > width
    });
    text.split_at(end.map_or(text.len(), |(at, _)| at))
}

/// Whether the locale's characters are UTF-8, by the first variable that says (POSIX, "Locale").
fn is_utf8() -> bool {
    let variable = |name| std::env::var_os(name).unwrap_or_default().to_string_lossy().into_owned();
    Look::is_utf8(&["LC_ALL", "LC_CTYPE", "LANG"].map(variable))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NARROW: Paper = Paper { width: 20, ellipsis: "..." };

    #[test]
    fn texts_are_shortened_at_words() {
        for (text, utf8, ascii) in [
            ("Ada", "Ada", "Ada"),
            ("Ada Lovelace", "Ada Lovelace", "Ada Lovelace"),
            ("Ada Lovelace, Countess", "Ada…", "Ada..."),
            ("Analyst of engines", "Analyst of…", "Analyst..."),
            ("Analyst engines and", "Analyst…", "Analyst..."),
            ("Donaudampfschifffahrt", "Donaudampfs…", "Donaudamp..."),
            ("A Donaudampfschifffahrt", "A…", "A..."),
            ("艾达·洛芙莱斯伯爵夫人", "艾达·洛芙莱…", "艾达·洛芙..."),
        ] {
            assert_eq!(Paper::UNBOUNDED.shorten(text, 12), utf8);
            assert_eq!(NARROW.shorten(text, 12), ascii);
        }
    }

    #[test]
    fn texts_are_folded_at_words_and_lose_nothing() {
        let text = "The login was refused (HTTP 401): renew https://www.linkedin.com/in/ada-lovelace\u{1b}";
        let folded = NARROW.folded(text, 4);
        let expected = [
            "The login was",
            "    refused (HTTP",
            "    401): renew",
            "    https://www.link",
            "    edin.com/in/ada-",
            "    lovelace\u{fffd}",
        ];
        assert_eq!(folded.lines().collect::<Vec<_>>(), expected);
        assert_eq!(NARROW.folded("", 4), "\n");
        assert_eq!(Paper { width: 1, ..NARROW }.folded("艾达", 4), "艾\n    达\n");
    }
}
